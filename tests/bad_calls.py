"""Calls that must be refused: a name, the call, and the whole of its message."""

import jax
import jax.numpy as jnp
import numpy as np

import jaxpool

X = jnp.zeros((2, 8, 8, 3))
CALLS = {
    # window_shape
    "int window": lambda: jaxpool.max_pool(X, 2),
    "float window": lambda: jaxpool.avg_pool(X, 2.5),
    "no window": lambda: jaxpool.max_pool(X, None),
    "window as text": lambda: jaxpool.max_pool(X, "22"),
    "empty window": lambda: jaxpool.max_pool(X, ()),
    "window of floats": lambda: jaxpool.max_pool(X, (2.0, 2.0)),
    "window of bools": lambda: jaxpool.max_pool(X, (True, True)),
    "zero window": lambda: jaxpool.min_pool(X, (0, 2)),
    "negative window": lambda: jaxpool.sum_pool(X, (2, -1)),
    "nested window": lambda: jaxpool.max_pool(X, ((2, 2), (2, 2))),
    "window too large": lambda: jaxpool.max_pool(X, (9, 2)),
    "dilated window too large": lambda: jaxpool.avg_pool(X, (2, 4), window_dilation=3),
    "window too large for its padding": lambda: jaxpool.max_pool(X, (12, 2), padding=1),
    "too many window sizes": lambda: jaxpool.max_pool(X, (2, 2, 2, 2)),
    "too few axes": lambda: jaxpool.max_pool(jnp.zeros((8, 8)), (2, 2)),
    "scalar inputs": lambda: jaxpool.max_pool(jnp.zeros(()), (2,), channel_axis=None),
    "traced window": lambda: jax.jit(lambda k: jaxpool.max_pool(X, (k, 2)))(2),
    "traced window shape": lambda: jax.jit(lambda k: jaxpool.max_pool(X, k))(jnp.array([2, 2])),
    # strides
    "zero stride": lambda: jaxpool.max_pool(X, (2, 2), 0),
    "negative stride": lambda: jaxpool.max_pool(X, (2, 2), (1, -2)),
    "float stride": lambda: jaxpool.max_pool(X, (2, 2), 2.0),
    "one stride for two axes": lambda: jaxpool.max_pool(X, (2, 2), (2,)),
    "four strides": lambda: jaxpool.avg_pool(X, (2, 2), (1, 2, 2, 1)),
    "stride as text": lambda: jaxpool.max_pool(X, (2, 2), "2"),
    "traced stride": lambda: jax.jit(lambda s: jaxpool.max_pool(X, (2, 2), s))(2),
    # padding
    "unknown padding": lambda: jaxpool.max_pool(X, (2, 2), 2, "FULL"),
    "float padding": lambda: jaxpool.max_pool(X, (2, 2), 2, 0.5),
    "no padding": lambda: jaxpool.max_pool(X, (2, 2), 2, None),
    "one padding for two axes": lambda: jaxpool.max_pool(X, (2, 2), 2, [1]),
    "three paddings": lambda: jaxpool.max_pool(X, (2, 2), 2, (1, 1, 1)),
    "a triple": lambda: jaxpool.max_pool(X, (2, 2), 2, ((1, 1, 1), (0, 0))),
    "pair of floats": lambda: jaxpool.max_pool(X, (2, 2), 2, ((0.0, 1.0), (0, 0))),
    "traced padding": lambda: jax.jit(lambda p: jaxpool.max_pool(X, (2, 2), 2, p))(1),
    "max wholly in padding": lambda: jaxpool.max_pool(X, (2, 2), 2, 2),
    "min wholly in padding": lambda: jaxpool.min_pool(X, (2, 2), 1, ((0, 0), (0, 3))),
    "argmax wholly in padding": lambda: jaxpool.max_pool_with_argmax(X, (1, 1), 1, 1),
    "average wholly in padding": lambda: jaxpool.avg_pool(X, (2, 2), 2, 2, count_include_pad=False),
    "dilation over the input": lambda: jaxpool.max_pool(jnp.zeros((1, 3, 1)), (2,), 1, "SAME", window_dilation=4),
    "crop in ceil mode": lambda: jaxpool.max_pool(X, (2, 2), 2, -1, ceil_mode=True),
    # window_dilation
    "zero dilation": lambda: jaxpool.max_pool(X, (2, 2), window_dilation=0),
    "three dilations": lambda: jaxpool.max_pool(X, (2, 2), window_dilation=(1, 1, 1)),
    "float dilation": lambda: jaxpool.avg_pool(X, (2, 2), window_dilation=(1, 1.5)),
    # channel_axis
    "channel axis out of range": lambda: jaxpool.max_pool(X, (2, 2), channel_axis=4),
    "channel axis as text": lambda: jaxpool.max_pool(X, (2, 2), channel_axis="last"),
    "channels of a scalar": lambda: jaxpool.max_pool(jnp.zeros(()), (2,)),
    # flags and names
    "ceil mode as int": lambda: jaxpool.max_pool(X, (2, 2), ceil_mode=1),
    "traced ceil mode": lambda: jax.jit(lambda c: jaxpool.max_pool(X, (2, 2), ceil_mode=c))(True),
    "count_include_pad as text": lambda: jaxpool.avg_pool(X, (2, 2), 2, "VALID", "SAME"),
    "zero divisor": lambda: jaxpool.avg_pool(X, (2, 2), divisor_override=0),
    "float divisor": lambda: jaxpool.avg_pool(X, (2, 2), divisor_override=2.5),
    "unknown residual": lambda: jaxpool.min_pool(X, (2, 2), residual="output"),
    "unknown implementation": lambda: jaxpool.max_pool(X, (2, 2), implementation="cudnn"),
    "unknown platform": lambda: jaxpool.chosen_implementation((2, 8, 8, 3), (2, 2), platform="metal"),
    "whole for a part": lambda: jaxpool.max_pool(X, (2, 2), implementation="whole"),
    "too many slices": lambda: jaxpool.sum_pool(jnp.zeros((80, 80, 1)), (70, 70), implementation="slices"),
    # inputs
    "a list": lambda: jaxpool.max_pool([[1.0, 2.0]], (2,)),
    "no inputs": lambda: jaxpool.global_avg_pool(None),
    "complex maximum": lambda: jaxpool.max_pool(X.astype(jnp.complex64), (2, 2)),
    "complex global minimum": lambda: jaxpool.global_min_pool(X.astype(jnp.complex64)),
    "keys": lambda: jaxpool.avg_pool(jax.random.split(jax.random.key(0), (4, 4)), (2, 2), channel_axis=None),
    "text": lambda: jaxpool.max_pool(np.array([["a", "b"]]), (2,)),
    "plane too large for int32": lambda: jax.eval_shape(
        lambda x: jaxpool.max_pool_with_argmax(x, (2, 2)), jax.ShapeDtypeStruct((1, 1 << 16, 1 << 15, 1), jnp.float32)
    ),
    "empty spatial axis": lambda: jaxpool.max_pool(jnp.zeros((1, 0, 4, 1)), (1, 2), padding=1),
    # global pools
    "no spatial axes": lambda: jaxpool.global_max_pool(X, num_spatial_dims=0),
    "too many spatial axes": lambda: jaxpool.global_sum_pool(X, num_spatial_dims=4),
    "fractional rank": lambda: jaxpool.global_avg_pool(X, num_spatial_dims=2.0),
    "empty plane": lambda: jaxpool.global_avg_pool(jnp.zeros((2, 0, 4, 3))),
    "keepdims as int": lambda: jaxpool.global_avg_pool(X, keepdims=1),
}
