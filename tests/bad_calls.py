"""Calls that must be refused: a name, the call, and the whole of its message."""

import functools
import json
import pathlib

import jax
import jax.export
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import jaxpool

X = jnp.zeros((2, 8, 8, 3))
COMPLEX = X.astype(jnp.complex64)
# What (2, 2) windows with a stride of 2 leave of it.
Y = jnp.zeros((2, 4, 4, 3))
PLACES = jnp.zeros((2, 4, 4, 3), jnp.int32)
KEY = jax.random.key(0)
SAMPLES = jnp.full((2, 3, 2), 0.5)
LARGE = (1, 1 << 16, 1 << 15, 1)
fractional = functools.partial(jaxpool.fractional_max_pool, X)
argmax = functools.partial(jaxpool.max_pool_with_argmax, X, (2, 2))
# Sequences of 5 elements with as many channels, and a mask of the elements: its axes could be others.
SEQUENCES = jnp.zeros((5, 5, 5))
VALID = jnp.ones((5, 5), bool)
MAPS = jnp.zeros((2, 3, 8, 8))
ODD, ODD_PLACES = jaxpool.max_pool_with_argmax(jnp.arange(81.0).reshape(9, 9), (2, 2), 2, channel_axis=None)
unpool_odd = functools.partial(jaxpool.max_unpool, ODD, ODD_PLACES, channel_axis=None)


def on_symbolic_plane(pool, *arguments):
    """A pool of a plane whose sizes are known only when the exported program runs."""
    shape = jax.export.symbolic_shape("1, h, w, 3")
    return jax.eval_shape(lambda x: pool(x, *arguments), jax.ShapeDtypeStruct(shape, jnp.float32))


def on_large_plane(pool, *arguments):
    return jax.eval_shape(lambda x: pool(x, *arguments), jax.ShapeDtypeStruct(LARGE, jnp.float32))


def on_devices(pool, *arguments, shape=(16, 6), **options):
    """A pool of a plane whose rows four devices share, under explicit sharding."""
    mesh = jax.sharding.AbstractMesh((4, 2), ("a", "b"), axis_types=(AxisType.Explicit,) * 2)
    plane = jax.ShapeDtypeStruct(shape, jnp.float32, sharding=NamedSharding(mesh, P("a")))
    return jax.eval_shape(lambda x: pool(x, *arguments, channel_axis=None, **options), plane)


def on_shard(call, shape=(16, 6)):
    """A call inside `jax.shard_map`, with a shard of 4 of the rows."""
    mesh = jax.sharding.AbstractMesh((4, 2), ("a", "b"), axis_types=(AxisType.Auto,) * 2)
    run = jax.shard_map(call, mesh=mesh, in_specs=P("a"), out_specs=P("a"))
    return jax.eval_shape(run, jax.ShapeDtypeStruct(shape, jnp.float32))


def of_shard(names, window_shape=(3, 3), strides=2, padding="SAME", **options):
    """Max pooling of one shard with names of mesh axes."""
    return on_shard(
        lambda x: jaxpool.max_pool(
            x, window_shape, strides, padding, channel_axis=None, spatial_axis_names=names, **options
        )
    )


def halo(axis_name="a", axis=0, **options):
    return on_shard(lambda x: jaxpool.halo_exchange(x, axis_name, axis=axis, **options))


tiles = functools.partial(jaxpool.pool_tiles, jaxpool.max_pool)
NOT_YET = "no such folder/out.npy"
RNGS = type("Rngs", (), {})()

CALLS = {
    # window_shape
    "more elements than 32 bits name": lambda: jaxpool.max_pool(
        jnp.zeros((1, 3, 3, 3, 1)), (1500,) * 3, strides=1500, padding=1499
    ),
    "gaps between the inputs": lambda: jaxpool.max_pool(X, (2, 2), base_dilation=2),
    # what is looked into
    "a negative exponent as an array": lambda: jaxpool.lp_pool(X, (2, 2), p=jnp.asarray(-1.0)),
    "an exponent that is NaN": lambda: jaxpool.global_power_mean_pool(X, p=jnp.asarray(jnp.nan)),
    "samples beyond 1": lambda: fractional(None, (3, 3), window_shape=(2, 2), samples=SAMPLES + 0.75),
    "samples that are NaN": lambda: fractional(None, (3, 3), window_shape=(2, 2), samples=SAMPLES * jnp.nan),
    "places of tf beyond the picture": lambda: jaxpool.indices_from_tf(PLACES + 192, X.shape),
    "places of tf in other channels": lambda: jaxpool.indices_from_tf(PLACES, X.shape),
    "places of onnx in other maps": lambda: jaxpool.indices_from_onnx(PLACES, X.shape),
    "places beyond the plane": lambda: jaxpool.indices_to_onnx(PLACES + 64, X.shape),
    "strides of no window": lambda: jaxpool.max_unpool(Y, PLACES, strides=2, output_shape=(8, 8)),
    "padding of no window": lambda: jaxpool.max_unpool(Y, PLACES, padding="same", output_shape=(8, 8)),
    "dilation of no window": lambda: jaxpool.max_unpool(Y, PLACES, window_dilation=(2, 2), output_shape=(8, 8)),
    "key in the place of the size": lambda: fractional((5, 5), KEY, window_shape=(2, 2)),
    "streams of keys": lambda: fractional(RNGS, (5, 5), window_shape=(2, 2)),
    "mask of channels first": lambda: jaxpool.max_pool(MAPS, (2, 2), channel_axis=1, where=jnp.ones((2, 8, 8), bool)),
    "places on a symbolic plane": lambda: on_symbolic_plane(
        functools.partial(jaxpool.max_pool_with_argmax, implementation="reduce_window"), (2, 2)
    ),
    "a name that is like no other": lambda: jaxpool.tree_pool,
    "dtype of no tangent": lambda: jaxpool.max_pool(np.zeros((3, 3, 1), jax.dtypes.float0), (1, 1)),
    "crop beyond the inputs": lambda: jaxpool.max_pool(jnp.ones(3), (1,), padding=[(-6, 11)], channel_axis=None),
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
    "strides of all axes": lambda: jaxpool.avg_pool(X, (2, 2), (1, 1, 2, 2)),
    "strides of too many axes": lambda: jaxpool.avg_pool(X, (2, 2), (2, 2, 2, 2)),
    "window of all axes": lambda: jaxpool.max_pool(X, (1, 2, 3, 1)),
    "window of all axes, channels first": lambda: jaxpool.max_pool(X, [1, 1, 2, 2]),
    "four strides": lambda: jaxpool.avg_pool(X, (2, 2), (1, 2, 2, 1)),
    "stride as text": lambda: jaxpool.max_pool(X, (2, 2), "2"),
    "traced stride": lambda: jax.jit(lambda s: jaxpool.max_pool(X, (2, 2), s))(2),
    # padding
    "unknown padding": lambda: jaxpool.max_pool(X, (2, 2), 2, "FULL"),
    "misspelled padding": lambda: jaxpool.max_pool(X, (2, 2), 2, "SMAE"),
    "padding of ONNX": lambda: jaxpool.max_pool(X, (2, 2), 2, "SAME_UPPER"),
    "no padding of ONNX": lambda: jaxpool.max_pool(X, (2, 2), 2, "NOTSET"),
    "full padding": lambda: jaxpool.sum_pool(X, (2, 3), 1, "full"),
    "circular padding": lambda: jaxpool.avg_pool(X, (2, 2), 2, "CIRCULAR"),
    "replicated padding": lambda: jaxpool.avg_pool(X, (2, 2), 2, "replicate"),
    "symmetric padding": lambda: jaxpool.avg_pool(X, (2, 2), 2, "SYMMETRIC"),
    "constant padding": lambda: jaxpool.avg_pool(X, (2, 2), 2, "constant"),
    "padding in a row": lambda: jaxpool.max_pool(X, (2, 2), 2, (1, 0, 0, 1)),
    "equal padding in a row": lambda: jaxpool.max_pool(X, (2, 2), 2, [1, 1, 1, 1]),
    "padding of one axis in a row": lambda: jaxpool.max_pool(X[0], (2,), 2, (0, 1)),
    "padding of all axes": lambda: jaxpool.max_pool(X, (2, 2), 2, [[0, 0], [1, 1], [1, 0], [0, 0]]),
    "padding of all axes, channels first": lambda: jaxpool.max_pool(X, (2, 2), 2, ((0, 0), (0, 0), (1, 1), (1, 1))),
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
    "padding in the place of strides": lambda: jaxpool.max_pool(X, (2, 2), "same"),
    "channels first and too few axes": lambda: jaxpool.avg_pool(jnp.zeros((3, 8)), (2, 2), channel_axis=0),
    "channel axis out of range": lambda: jaxpool.max_pool(X, (2, 2), channel_axis=4),
    "channel axis as text": lambda: jaxpool.max_pool(X, (2, 2), channel_axis="last"),
    "channels of a scalar": lambda: jaxpool.max_pool(jnp.zeros(()), (2,)),
    # flags and names
    "ceil mode as int": lambda: jaxpool.max_pool(X, (2, 2), ceil_mode=1),
    "traced ceil mode": lambda: jax.jit(lambda c: jaxpool.max_pool(X, (2, 2), ceil_mode=c))(True),
    "count_include_pad as text": lambda: jaxpool.avg_pool(X, (2, 2), 2, "VALID", "SAME"),
    "zero divisor": lambda: jaxpool.avg_pool(X, (2, 2), divisor_override=0),
    "float divisor": lambda: jaxpool.avg_pool(X, (2, 2), divisor_override=2.5),
    "rounded floats": lambda: jaxpool.avg_pool(X, (2, 2), rounding_mode="floor"),
    "rounded booleans": lambda: jaxpool.global_avg_pool(X > 0, rounding_mode="floor"),
    "unknown rounding": lambda: jaxpool.adaptive_avg_pool(X.astype(int), (2, 2), rounding_mode="round"),
    "rounding by another name": lambda: jaxpool.avg_pool(X.astype(int), (2, 2), rounding="floor"),
    "rounding of a maximum": lambda: jaxpool.max_pool(X.astype(int), (2, 2), rounding_mode="floor"),
    "rounding with a large divisor": lambda: jaxpool.avg_pool(
        X.astype(int), (2, 2), divisor_override=1 << 23, rounding_mode="floor"
    ),
    "unknown residual": lambda: jaxpool.min_pool(X, (2, 2), residual="output"),
    "unknown implementation": lambda: jaxpool.max_pool(X, (2, 2), implementation="cudnn"),
    **{
        f"platform {name}": functools.partial(jaxpool.chosen_implementation, (2, 8, 8, 3), (2, 2), platform=name)
        for name in ("cuda", "rocm", "cpu:0", "GPU", "mps", "tpuu")
    },
    "residual of another name": lambda: jaxpool.max_pool(X, (2, 2), residual="indices"),
    "unknown platform": lambda: jaxpool.chosen_implementation((2, 8, 8, 3), (2, 2), platform="metal"),
    "too many slices": lambda: jaxpool.sum_pool(jnp.zeros((80, 80, 1)), (70, 70), implementation="joint"),
    # inputs
    "a list": lambda: jaxpool.max_pool([[1.0, 2.0]], (2,)),
    "no inputs": lambda: jaxpool.global_avg_pool(None),
    "complex maximum": lambda: jaxpool.max_pool(X.astype(jnp.complex64), (2, 2)),
    "complex global minimum": lambda: jaxpool.global_min_pool(X.astype(jnp.complex64)),
    "keys": lambda: jaxpool.avg_pool(jax.random.split(jax.random.key(0), (4, 4)), (2, 2), channel_axis=None),
    "records": lambda: jaxpool.avg_pool(np.zeros((4, 4), [("mass", "f4")]), (2, 2), channel_axis=None),
    "bytes": lambda: jaxpool.avg_pool(np.zeros((4, 4), "V8"), (2, 2), channel_axis=None),
    "text": lambda: jaxpool.max_pool(np.array([["a", "b"]]), (2,)),
    "plane too large for int32": lambda: on_large_plane(jaxpool.max_pool_with_argmax, (2, 2)),
    "axis too large for int32": lambda: jax.eval_shape(
        lambda x: jaxpool.max_pool_with_argmax(x, (2,), channel_axis=None, index_convention="coordinates"),
        jax.ShapeDtypeStruct((1 << 32,), jnp.float32),
    ),
    "empty spatial axis": lambda: jaxpool.max_pool(jnp.zeros((1, 0, 4, 1)), (1, 2), padding=1),
    # global pools
    "global average of sequences": lambda: jaxpool.global_avg_pool(X[0]),
    "global maximum of volumes": lambda: jaxpool.global_max_pool(X[None]),
    "global norm without channels": lambda: jaxpool.global_lp_pool(X, channel_axis=None),
    "global sum of a vector": lambda: jaxpool.global_sum_pool(X[0, 0, 0]),
    "tf indices of sequences": lambda: jaxpool.indices_to_tf(PLACES[0], X.shape[1:]),
    "no spatial axes": lambda: jaxpool.global_max_pool(X, num_spatial_dims=0),
    "too many spatial axes": lambda: jaxpool.global_sum_pool(X, num_spatial_dims=4),
    "fractional rank": lambda: jaxpool.global_avg_pool(X, num_spatial_dims=2.0),
    "empty plane": lambda: jaxpool.global_avg_pool(jnp.zeros((2, 0, 4, 3))),
    "keepdims as int": lambda: jaxpool.global_avg_pool(X, keepdims=1),
    "mask of a list": lambda: jaxpool.global_avg_pool(X, where=[[True]]),
    # input_shape
    "input shape as int": lambda: jaxpool.output_shape(8, (2,)),
    "inputs for their shape": lambda: jaxpool.output_shape(X, (2, 2)),
    "operation of one operand": lambda: jaxpool.pool(X, -jnp.inf, jnp.max, (2, 2)),
    "dtype of nothing": lambda: jaxpool.chosen_implementation((2, 8, 8, 3), (2, 2), dtype=None),
    "dtype of no numbers": lambda: jaxpool.chosen_implementation((2, 8, 8, 3), (2, 2), dtype="datetime64[s]"),
    "dtype unknown": lambda: jaxpool.chosen_implementation((2, 8, 8, 3), (2, 2), dtype="float33"),
    "input shape of floats": lambda: jaxpool.chosen_implementation((2, 8.0, 8, 3), (2, 2)),
    "negative input shape": lambda: jaxpool.output_shape((-2, 8, 8, 3), (2, 2)),
    "traced input shape": lambda: jax.jit(lambda n: jaxpool.output_shape((n, 8, 8, 3), (2, 2)))(2),
    # adaptive pools
    "int output size": lambda: jaxpool.adaptive_avg_pool(X, 4),
    "no output size": lambda: jaxpool.adaptive_avg_pool(X, None),
    "output size as text": lambda: jaxpool.adaptive_max_pool(X, "44"),
    "empty output size": lambda: jaxpool.adaptive_avg_pool(X, ()),
    "zero output size": lambda: jaxpool.adaptive_avg_pool(X, (4, 0)),
    "negative output size": lambda: jaxpool.adaptive_max_pool(X, (-1, 4)),
    "output size of floats": lambda: jaxpool.adaptive_avg_pool(X, (4.0, 4)),
    "output size of bools": lambda: jaxpool.adaptive_max_pool_with_argmax(X, (True, None)),
    "nested output size": lambda: jaxpool.adaptive_avg_pool(X, ((4, 4),)),
    "traced output size": lambda: jax.jit(lambda n: jaxpool.adaptive_avg_pool(X, n))(jnp.array([4, 4])),
    "traced output sizes": lambda: jax.jit(lambda n: jaxpool.adaptive_max_pool(X, (n, 4)))(4),
    "too many output sizes": lambda: jaxpool.adaptive_avg_pool(X, (4, 4, 4, 4)),
    "adaptive without batch or channels": lambda: jaxpool.adaptive_avg_pool(jnp.zeros((8, 8)), (4, 4)),
    "adaptive channel axis out of range": lambda: jaxpool.adaptive_avg_pool(X, (4, 4), channel_axis=-5),
    "adaptive channel axis as bool": lambda: jaxpool.adaptive_max_pool(X, (4, 4), channel_axis=True),
    "adaptive of nothing": lambda: jaxpool.adaptive_avg_pool(jnp.zeros((2, 0, 4, 3)), (2, 2)),
    "adaptive of a symbolic plane": lambda: on_symbolic_plane(jaxpool.adaptive_avg_pool, (2, 2)),
    "complex adaptive maximum": lambda: jaxpool.adaptive_max_pool(COMPLEX, (4, 4)),
    "complex adaptive argmax": lambda: jaxpool.adaptive_max_pool_with_argmax(COMPLEX, (4, 4)),
    "adaptive of a list": lambda: jaxpool.adaptive_avg_pool([1.0, 2.0], (1,)),
    "uneven bins of an axis too large": lambda: jax.eval_shape(
        lambda x: jaxpool.adaptive_max_pool(x, (3,), channel_axis=None), jax.ShapeDtypeStruct((1 << 32,), jnp.float32)
    ),
    "too many bins": lambda: jaxpool.adaptive_avg_pool(X, (1 << 40, 2)),
    "output size of all axes": lambda: jaxpool.adaptive_avg_pool(X, (2, 4, 4, 3)),
    "adaptive plane too large": lambda: on_large_plane(jaxpool.adaptive_max_pool_with_argmax, (2, 2)),
    # max_unpool
    "an odd plane": lambda: unpool_odd((2, 2), 2),
    # Of a plane of 5 by 5: all of them lie in one of 4 by 4, but in other rows.
    "an odd plane whose indices fit": lambda: jaxpool.max_unpool(
        ODD[:2, :2], np.array([[6, 8], [10, 12]]), (2, 2), 2, channel_axis=None
    ),
    "an odd plane under grad": lambda: jax.grad(
        lambda y: jaxpool.max_unpool(y, ODD_PLACES, (2, 2), 2, channel_axis=None).sum()
    )(ODD),
    "an odd plane for jit": lambda: jax.jit(lambda y: jaxpool.max_unpool(y, ODD_PLACES, (2, 2), 2, channel_axis=None))(
        ODD
    ),
    "forgotten strides": lambda: unpool_odd((2, 2)),
    "a plane too small for its indices": lambda: unpool_odd(output_shape=(8, 8)),
    "negative indices": lambda: jaxpool.max_unpool(Y, PLACES - 1, output_shape=(8, 8)),
    "checked indices that are known": lambda: jaxpool.max_unpool(Y, PLACES - 1, output_shape=(8, 8), checked=True),
    "coordinates beyond the plane": lambda: jaxpool.max_unpool(
        jnp.ones((2, 1)),
        np.array([[[0, 0]], [[1, 7]]]),
        output_shape=(2, 7),
        channel_axis=None,
        index_convention="coordinates",
    ),
    "offsets beyond the window": lambda: jaxpool.max_unpool(
        Y, np.full(Y.shape, 4, np.uint8), (2, 2), 2, index_convention="window"
    ),
    "indices beyond 32 bits": lambda: jaxpool.max_unpool(Y, np.full(Y.shape, 1 << 32), output_shape=(8, 8)),
    "torch indices beyond the plane": lambda: jaxpool.torch.max_unpool2d(ODD[None], ODD_PLACES[None], 2),
    "indices of floats": lambda: jaxpool.max_unpool(Y, PLACES.astype(jnp.float32), (2, 2), 2),
    "indices as booleans": lambda: jaxpool.max_unpool(Y, PLACES > 0, (2, 2), 2),
    "indices as a list": lambda: jaxpool.max_unpool(jnp.zeros(2), [0, 1], (2,), 2, channel_axis=None),
    "no indices": lambda: jaxpool.max_unpool(Y, None, (2, 2), 2),
    "window for indices": lambda: jaxpool.max_unpool(Y, (2, 2), PLACES),
    "pooled values as a list": lambda: jaxpool.max_unpool([1.0], jnp.zeros(1, jnp.int32), (2,)),
    "indices of another shape": lambda: jaxpool.max_unpool(Y, PLACES[:1], (2, 2), 2),
    "spatial indices as coordinates": lambda: jaxpool.max_unpool(Y, PLACES, (2, 2), 2, index_convention="coordinates"),
    "coordinates as spatial indices": lambda: jaxpool.max_unpool(Y, jnp.zeros((2, 4, 4, 3, 2), jnp.int32), (2, 2), 2),
    "neither window nor plane": lambda: jaxpool.max_unpool(Y, PLACES),
    "window convention without window": lambda: jaxpool.max_unpool(
        Y, PLACES, output_shape=(8, 8), index_convention="window"
    ),
    "plane as int": lambda: jaxpool.max_unpool(Y, PLACES, output_shape=8),
    "empty plane shape": lambda: jaxpool.max_unpool(Y, PLACES, output_shape=()),
    "plane with batch and channels": lambda: jaxpool.max_unpool(Y, PLACES, output_shape=(2, 8, 8, 3)),
    "plane with batch and channels, and a window": lambda: jaxpool.max_unpool(
        Y, PLACES, (2, 2), 2, output_shape=(2, 8, 8, 3)
    ),
    "plane and window of other lengths": lambda: jaxpool.max_unpool(Y, PLACES, (2, 2), 2, output_shape=(8,)),
    "plane as int with a window": lambda: jaxpool.max_unpool(Y, PLACES, (2, 2), 2, output_shape=8),
    "plane too large": lambda: jaxpool.max_unpool(Y, PLACES, (2, 2), 2, output_shape=(8, 10)),
    "plane too small": lambda: jaxpool.max_unpool(Y, PLACES, (3, 3), 2, 1, output_shape=(8, 5)),
    "plane smaller than a window": lambda: jaxpool.avg_unpool(Y, (9, 9), output_shape=(4, 4)),
    "same plane too large": lambda: jaxpool.max_unpool(Y, PLACES, (3, 3), 2, "SAME", output_shape=(8, 9)),
    "plane that ends before the last window": lambda: jaxpool.avg_unpool(Y, (1, 1), 3, output_shape=(10, 9)),
    "zero plane": lambda: jaxpool.max_unpool(Y, PLACES, output_shape=(0, 8)),
    "negative plane": lambda: jaxpool.max_unpool(Y, PLACES, (2, 2), 2, output_shape=(8, -8)),
    "plane of floats": lambda: jaxpool.max_unpool(Y, PLACES, (2, 2), 2, output_shape=(8.0, 8.0)),
    "traced plane": lambda: jax.jit(lambda n: jaxpool.max_unpool(Y, PLACES, output_shape=(n, 8)))(8),
    "traced plane shape": lambda: jax.jit(lambda n: jaxpool.max_unpool(Y, PLACES, output_shape=n))(jnp.array([8, 8])),
    "same padding without a plane": lambda: jaxpool.max_unpool(Y, PLACES, (2, 2), 2, "SAME"),
    "unknown padding without a plane": lambda: jaxpool.max_unpool(Y, PLACES, (2, 2), 2, "FULL"),
    "padding larger than the plane": lambda: jaxpool.max_unpool(Y, PLACES, (2, 2), 1, 3),
    "values wholly in padding": lambda: jaxpool.max_unpool(Y, PLACES, (2, 2), 2, 2),
    "unpooling of nothing": lambda: jaxpool.max_unpool(Y[:, :0], PLACES[:, :0], (2, 2), 2),
    "unpooling of a symbolic plane": lambda: on_symbolic_plane(jaxpool.avg_unpool, (2, 2)),
    "too many axes to unpool": lambda: jaxpool.max_unpool(Y[0, 0], PLACES[0, 0], (2, 2), 2),
    "unknown duplicates": lambda: jaxpool.max_unpool(Y, PLACES, (2, 2), 2, duplicates="max"),
    "unknown convention": lambda: jaxpool.max_unpool(Y, PLACES, (2, 2), 2, index_convention="tf"),
    "checked as int": lambda: jaxpool.max_unpool(Y, PLACES, (2, 2), 2, checked=1),
    "unpooled plane too large": lambda: jaxpool.max_unpool(Y, PLACES, output_shape=LARGE[1:3]),
    # avg_unpool
    "no window to unpool": lambda: jaxpool.avg_unpool(Y, None),
    "int window to unpool": lambda: jaxpool.avg_unpool(Y, 2, output_shape=(8, 8)),
    "mean wholly in padding": lambda: jaxpool.avg_unpool(Y, (2, 2), 2, 2, False, output_shape=(4, 4)),
    "unpooling with an unknown implementation": lambda: jaxpool.avg_unpool(Y, (2, 2), implementation="scatter"),
    "unpooling with too many slices": lambda: jaxpool.avg_unpool(Y, (70, 70), 1, implementation="joint"),
    "unpooling with a zero divisor": lambda: jaxpool.avg_unpool(Y, (2, 2), divisor_override=0),
    "unpooling with a traced divisor": lambda: jax.jit(lambda d: jaxpool.avg_unpool(Y, (2, 2), divisor_override=d))(4),
    "unpooling with padding for a flag": lambda: jaxpool.avg_unpool(Y, (2, 2), 2, 0, 0),
    "means to another plane": lambda: jaxpool.avg_unpool(Y, (2, 2), 2, output_shape=(8, 6)),
    "means with same padding": lambda: jaxpool.avg_unpool(Y, (3, 3), 2, "same"),
    "means of text": lambda: jaxpool.avg_unpool(np.array(["a", "b"]), (2,), channel_axis=None),
    # index_convention
    "unknown index convention": lambda: argmax(index_convention="flat"),
    "no index convention": lambda: argmax(index_convention=None),
    "list of index conventions": lambda: argmax(index_convention=["spatial"]),
    # where
    "mask of numbers": lambda: jaxpool.max_pool(X, (2, 2), where=jnp.ones((8, 8, 1))),
    "mask of integers": lambda: jaxpool.avg_pool(X, (2, 2), where=np.ones((8, 8, 1), int)),
    "mask as a list": lambda: jaxpool.sum_pool(jnp.zeros(2), (2,), channel_axis=None, where=[True, False]),
    "mask as a flag": lambda: jaxpool.min_pool(X, (2, 2), where=True),
    "mask as text": lambda: jaxpool.lp_pool(X, (2, 2), where="all"),
    "mask without channels": lambda: jaxpool.avg_pool(X, (2, 2), where=jnp.ones((2, 8, 8), bool)),
    "mask of another plane": lambda: jaxpool.max_pool_with_argmax(X, (2, 2), where=jnp.ones((4, 4, 1), bool)),
    "mask with too many axes": lambda: jaxpool.lp_pool(X, (2, 2), where=jnp.ones((1, 2, 8, 8, 3), bool)),
    "mask of positions": lambda: jaxpool.avg_pool(SEQUENCES, (2,), where=VALID),
    "mask of sequences": lambda: jaxpool.max_pool(jnp.zeros((2, 5, 5)), (2,), where=jnp.ones((2, 5), bool)),
    "mask of one sequence": lambda: jaxpool.global_avg_pool(
        jnp.zeros((2, 5, 3)), num_spatial_dims=1, where=VALID[:, :1]
    ),
    "mask of one axis": lambda: jaxpool.lp_pool(X, (2, 2), where=jnp.ones(8, bool)),
    "mask of positions in a plane": lambda: jaxpool.sum_pool(X, (2, 2), where=jnp.ones((8, 8), bool)),
    "mask of one": lambda: jaxpool.global_max_pool(X, where=np.True_),
    "mask inside vmap": lambda: jax.vmap(lambda x, m: jaxpool.avg_pool(x, (2,), where=m))(SEQUENCES, VALID),
    "mask of integers, whole": lambda: jaxpool.avg_pool(X, (2, 2), where=np.ones((2, 8, 8, 1), np.uint8)),
    "mask of results": lambda: jaxpool.power_mean_pool(X, (2, 2), 2, where=jnp.ones((2, 4, 4, 1), bool)),
    "global mask of numbers": lambda: jaxpool.global_max_pool(X, where=X),
    "global mask of another shape": lambda: jaxpool.global_sum_pool(X, where=jnp.ones((3, 8, 8, 1), bool)),
    "global mask of batches": lambda: jaxpool.global_lp_pool(X, where=jnp.ones(2, bool)),
    "global mask as int": lambda: jaxpool.global_power_mean_pool(X, where=1),
    # devices
    "rows that do not fit the stride": lambda: on_devices(jaxpool.max_pool, (2, 2), 3),
    "rows that are too few": lambda: on_devices(jaxpool.avg_pool, (2, 2), 5, shape=(4, 6)),
    "padding that gives one window less": lambda: on_devices(jaxpool.avg_pool, (3, 3), 1),
    "padding that does not fit the stride": lambda: on_devices(jaxpool.max_pool_with_argmax, (5, 3), 2, 0),
    "whole rows as a window": lambda: on_devices(jaxpool.sum_pool, (16, 6)),
    "mirrors wider than a shard": lambda: on_devices(jaxpool.avg_pool, (9, 1), 1, (4, 0), padding_mode="REFLECT"),
    "unpooling that does not fit": lambda: on_devices(jaxpool.avg_unpool, (3, 3), 2, shape=(8, 6)),
    "one name for two axes": lambda: of_shard("a"),
    "names for three axes": lambda: of_shard(("a", None, None)),
    "a number as a name": lambda: of_shard((0, None)),
    "no names": lambda: of_shard(7),
    "one mesh axis twice": lambda: of_shard(("a", "a")),
    "a name of no mesh axis": lambda: of_shard(("rows", None)),
    "names outside of shard_map": lambda: jaxpool.max_pool(X, (2, 2), 2, spatial_axis_names=("a", None)),
    "shards that do not fit the stride": lambda: of_shard(("a", None), (3, 3), 3),
    "shards with other padding": lambda: of_shard(("a", None), padding=1, ceil_mode=True),
    "halo of no axis": lambda: halo(axis=2, before=1),
    "halo of half an element": lambda: halo(before=0.5),
    "negative halo": lambda: halo(after=-1),
    "halo of more than all": lambda: halo(after=17),
    "edges beyond a shard": lambda: halo(before=4, padding_mode="EDGE"),
    "halo without a name": lambda: halo(axis_name=None, before=1),
    "halo of no mesh axis": lambda: halo(axis_name=("a", "c"), before=1),
    "halo outside of shard_map": lambda: jaxpool.halo_exchange(X, "a", axis=0, before=1),
    "halo with an unknown mode": lambda: halo(before=1, padding_mode="MIRROR"),
    "axis of a halo as a name": lambda: halo(axis="rows", before=1),
    # padding_mode
    "unknown padding mode": lambda: jaxpool.max_pool(X, (2, 2), padding=1, padding_mode="symmetric"),
    **{
        f"padding mode {mode}": functools.partial(jaxpool.max_pool, X, (2, 2), padding=1, padding_mode=mode)
        for mode in ("border", "periodic", "constant", "zeros", "nearest", "mirror", "edges")
    },
    "padding mode as int": lambda: jaxpool.avg_pool(X, (2, 2), padding=1, padding_mode=0),
    "padding mode for padding": lambda: jaxpool.sum_pool(X, (2, 2), 2, "REFLECT"),
    "no padding value": lambda: jaxpool.max_pool(X, (2, 2), padding=1, padding_value="0"),
    "padding mode and value": lambda: jaxpool.min_pool(X, (2, 2), padding=1, padding_mode="EDGE", padding_value=0),
    "constant of an average": lambda: jaxpool.avg_pool(X, (2, 2), padding=1, constant_values=1.0),
    "padding for padding mode": lambda: jaxpool.lp_pool(X, (2, 2), padding_mode="SAME"),
    "reflection too wide": lambda: jaxpool.max_pool(X, (3, 3), padding=8, padding_mode="REFLECT"),
    "reflection of one element": lambda: jaxpool.avg_pool(jnp.zeros((1, 1)), (2,), 1, "SAME", padding_mode="reflect"),
    "wrap too wide": lambda: jaxpool.power_mean_pool(X, (3, 3), padding=((0, 0), (0, 9)), padding_mode="WRAP"),
    "any operation, reflection too wide": lambda: jaxpool.pool(X, 0.0, lax.add, (3, 3), 1, 9, padding_mode="REFLECT"),
    "edge of nothing": lambda: jaxpool.max_pool(jnp.zeros((1, 0, 1)), (2,), padding=2, padding_mode="EDGE"),
    # p
    "p of zero": lambda: jaxpool.lp_pool(X, (2, 2), p=0),
    "negative p": lambda: jaxpool.power_mean_pool(X, (2, 2), p=-2.0),
    "p that is not a number": lambda: jaxpool.lp_pool(X, (2, 2), p=float("nan")),
    "p as text": lambda: jaxpool.lp_pool(X, (2, 2), p="2"),
    "p as bool": lambda: jaxpool.lp_pool(X, (2, 2), p=True),
    "complex p": lambda: jaxpool.global_lp_pool(X, p=2 + 0j),
    "no p": lambda: jaxpool.global_power_mean_pool(X, p=None),
    "p as a list": lambda: jaxpool.lp_pool(X, (2, 2), p=[2.0]),
    "several p": lambda: jaxpool.power_mean_pool(X, (2, 2), p=jnp.array([2.0, 3.0, 4.0])),
    "one p in an array": lambda: jaxpool.global_power_mean_pool(X, p=jnp.array([3.0])),
    "p as an array of bool": lambda: jaxpool.lp_pool(X, (2, 2), p=jnp.array(True)),
    "p as an array of complex": lambda: jaxpool.lp_pool(X, (2, 2), p=jnp.array(2 + 0j)),
    "p as an array of text": lambda: jaxpool.lp_pool(X, (2, 2), p=np.array("2")),
    "p as a key": lambda: jaxpool.lp_pool(X, (2, 2), p=KEY),
    "numpy p that is negative": lambda: jaxpool.lp_pool(X, (2, 2), p=np.float32(-1)),
    "numpy p that is not a number": lambda: jaxpool.global_lp_pool(X, p=np.array(np.nan)),
    "numpy bool p": lambda: jaxpool.lp_pool(X, (2, 2), p=np.True_),
    "traced bool p": lambda: jax.jit(lambda p: jaxpool.lp_pool(X, (2, 2), p=p))(True),
    "complex norm": lambda: jaxpool.lp_pool(COMPLEX, (2, 2)),
    "complex power mean": lambda: jaxpool.power_mean_pool(COMPLEX, (2, 2)),
    "complex global norm": lambda: jaxpool.global_lp_pool(COMPLEX),
    "norm of a list": lambda: jaxpool.global_power_mean_pool([1.0]),
    "power mean with p for a flag": lambda: jaxpool.power_mean_pool(X, (2, 2), 2, 0, 3.0),
    # fractional pools
    "neither key nor samples": lambda: fractional(None, (4, 4), window_shape=(2, 2)),
    "key and samples": lambda: fractional(KEY, (4, 4), window_shape=(2, 2), samples=SAMPLES),
    "raw key": lambda: fractional(jax.random.PRNGKey(0), (4, 4), window_shape=(2, 2)),
    "seed for a key": lambda: fractional(0, (4, 4), window_shape=(2, 2)),
    "several keys": lambda: fractional(jax.random.split(KEY), (4, 4), window_shape=(2, 2)),
    "size for a key": lambda: fractional((4, 4), KEY, window_shape=(2, 2)),
    "key for a size": lambda: fractional(KEY, KEY, window_shape=(2, 2)),
    "fraction without window": lambda: fractional(KEY, (4, 4)),
    "fraction with one window size": lambda: fractional(KEY, (4, 4), window_shape=(2,)),
    "fraction with an int window": lambda: fractional(KEY, (4, 4), window_shape=2),
    "fraction with a window too large": lambda: fractional(KEY, (4, 4), window_shape=(9, 2)),
    "window for regions": lambda: fractional(KEY, (4, 4), window_shape=(2, 2), rule="tensorflow"),
    "samples for regions": lambda: fractional(None, (4, 4), samples=SAMPLES, rule="tensorflow"),
    "overlapping windows": lambda: fractional(KEY, (4, 4), window_shape=(2, 2), overlapping=True),
    "overlapping as int": lambda: fractional(KEY, (4, 4), rule="tensorflow", overlapping=1),
    "unknown rule": lambda: fractional(KEY, (4, 4), rule="caffe"),
    "too many fractional outputs": lambda: fractional(KEY, (8, 4), window_shape=(2, 2)),
    "too many regions": lambda: fractional(KEY, (4, 9), rule="tensorflow_pseudo_random"),
    "no fractional outputs": lambda: fractional(KEY, (4, 0), window_shape=(2, 2)),
    "int fractional output": lambda: fractional(KEY, 4, window_shape=(2, 2)),
    "empty fractional output": lambda: fractional(KEY, (), window_shape=(2, 2)),
    "fractional output of floats": lambda: fractional(KEY, (5.6, 5.6), window_shape=(2, 2)),
    "traced fractional output": lambda: jax.jit(lambda n: fractional(KEY, n, rule="tensorflow"))(jnp.array([4, 4])),
    "samples as a list": lambda: fractional(None, (4, 4), window_shape=(2, 2), samples=[0.5, 0.5]),
    "samples of integers": lambda: fractional(None, (4, 4), window_shape=(2, 2), samples=jnp.zeros((2, 3, 2), int)),
    "samples per map": lambda: fractional(None, (4, 4), window_shape=(2, 2), samples=SAMPLES[..., 0]),
    "one sample for all": lambda: fractional(None, (4, 4), window_shape=(2, 2), samples=jnp.array([0.5, 0.5])),
    "complex fractional maximum": lambda: jaxpool.fractional_max_pool(COMPLEX, KEY, (4, 4), window_shape=(2, 2)),
    "fraction of nothing": lambda: jaxpool.fractional_max_pool(X[:, :0], KEY, (4, 4), window_shape=(2, 2)),
    "fraction with too many sizes": lambda: jaxpool.fractional_max_pool_with_argmax(
        X, KEY, (4, 4, 4, 4), window_shape=(2, 2, 2, 2)
    ),
    "fraction of a plane too large": lambda: on_large_plane(
        lambda x: jaxpool.fractional_max_pool(x, KEY, (9, 9), window_shape=(2, 2))
    ),
    # any operation
    "no arrays": lambda: jaxpool.pool((), (), lax.add, (2, 2)),
    "tree of a list": lambda: jaxpool.pool({"value": X, "count": [1.0]}, {"value": 0.0, "count": [0.0]}, lax.add, (2,)),
    "arrays of different shapes": lambda: jaxpool.pool((X, X[:1]), (0.0, 0.0), lax.add, (2, 2)),
    "one identity for two arrays": lambda: jaxpool.pool((X, X), 0.0, lax.add, (2, 2)),
    "identity of another tree": lambda: jaxpool.pool({"a": X}, {"b": 0.0}, lax.add, (2, 2)),
    "no identity": lambda: jaxpool.pool(X, None, lax.add, (2, 2)),
    "identity that is no scalar": lambda: jaxpool.pool(X, jnp.zeros(3), lax.add, (2, 2)),
    "identity as text": lambda: jaxpool.pool(X, "-inf", lax.max, (2, 2)),
    "infinite identity of integers": lambda: jaxpool.pool(X.astype(int), -jnp.inf, lax.max, (2, 2)),
    "fractional identity of integers": lambda: jaxpool.pool(X.astype(int), 0.5, lax.add, (2, 2)),
    "identity beyond its dtype": lambda: jaxpool.pool(X.astype(jnp.uint8), -1, lax.max, (2, 2)),
    "complex identity": lambda: jaxpool.pool(X, 1j, lax.add, (2, 2)),
    "identity and operation exchanged": lambda: jaxpool.pool(X, lax.add, 0.0, (2, 2)),
    "operation by name": lambda: jaxpool.pool(X, 0.0, "add", (2, 2)),
    "operation that changes the dtype": lambda: jaxpool.pool(X, 0.0, lambda a, b: (a + b).astype(jnp.float16), (2, 2)),
    "operation that changes the shape": lambda: jaxpool.pool(X, 0.0, lambda a, b: (a + b)[..., 0], (2, 2)),
    "operation that returns a number": lambda: jaxpool.pool(X, 0.0, lambda *_: 0.0, (2, 2)),
    "operation that returns nothing": lambda: jaxpool.pool(X, 0.0, lambda *_: None, (2, 2)),
    "operation that changes the tree": lambda: jaxpool.pool((X, X), (0.0, 0.0), lambda a, b: a[0] + b[0], (2, 2)),
    "operation in which order counts": lambda: jaxpool.pool(X, 0.0, lax.sub, (2, 2)),
    "mean of means": lambda: jaxpool.pool((X, X), (0.0, 0.0), lambda a, b: ((a[0] + b[0]) / 2, a[1] + b[1]), (2, 2)),
    "any operation, int window": lambda: jaxpool.pool(X, 0.0, lax.add, 2),
    "any operation, window too large": lambda: jaxpool.pool(X, 0.0, lax.add, (9, 9)),
    # indices of other frameworks
    "tf indices of floats": lambda: jaxpool.indices_to_tf(Y, X.shape),
    "tf indices as a list": lambda: jaxpool.indices_from_tf([0, 1], (2, 2, 2), num_spatial_dims=2, channel_axis=None),
    "tf indices of another batch": lambda: jaxpool.indices_to_tf(PLACES, (3, 8, 8, 3)),
    "tf indices of other channels": lambda: jaxpool.indices_from_tf(PLACES, (2, 8, 8, 4)),
    "onnx indices without batch": lambda: jaxpool.indices_to_onnx(PLACES[0], X.shape),
    "onnx indices of booleans": lambda: jaxpool.indices_from_onnx(PLACES > 0, X.shape),
    "plane for the shape": lambda: jaxpool.indices_to_tf(PLACES, (8, 8), num_spatial_dims=2),
    "inputs for the shape": lambda: jaxpool.indices_to_onnx(PLACES, X),
    "int for the shape": lambda: jaxpool.indices_from_tf(PLACES, 8),
    "shape of floats": lambda: jaxpool.indices_from_onnx(PLACES, (2, 8.0, 8.0, 3)),
    "empty plane to index": lambda: jaxpool.indices_to_tf(PLACES[:, :0], (2, 0, 8, 3)),
    "tensor too large": lambda: jaxpool.indices_to_onnx(PLACES, (2, 1 << 15, 1 << 15, 3)),
    "plane and channels too large for tf": lambda: jaxpool.indices_to_tf(PLACES, (2, 1 << 15, 1 << 15, 3)),
    "batch too large for tf": lambda: jaxpool.indices_from_tf(
        PLACES, (1 << 10, 1 << 10, 1 << 10, 3), include_batch_in_index=True
    ),
    "symbolic batch to count": lambda: jaxpool.indices_to_onnx(PLACES, jax.export.symbolic_shape("b, 8, 8, 3")),
    "unknown storage order": lambda: jaxpool.indices_to_onnx(PLACES, X.shape, storage_order=2),
    "storage order as text": lambda: jaxpool.indices_from_onnx(PLACES, X.shape, storage_order="C"),
    "storage order as bool": lambda: jaxpool.indices_from_onnx(PLACES, X.shape, storage_order=True),
    "batch flag as int": lambda: jaxpool.indices_to_tf(PLACES, X.shape, include_batch_in_index=1),
    "batch flag as text": lambda: jaxpool.indices_from_tf(PLACES, X.shape, include_batch_in_index="yes"),
    "indices with too many spatial axes": lambda: jaxpool.indices_to_tf(PLACES, X.shape, num_spatial_dims=4),
    "indices with channels out of range": lambda: jaxpool.indices_to_onnx(PLACES, X.shape, channel_axis=4),
    # pyramids, exponents by features
    "levels as an int": lambda: jaxpool.pyramid_pool(X, 4),
    "level of another rank": lambda: jaxpool.pyramid_pool(X, (1, (2, 2, 2))),
    "level without bins": lambda: jaxpool.pyramid_pool(X, (1, 0)),
    "unknown kind of pyramid": lambda: jaxpool.pyramid_pool(X, (1, 2), kind="mean"),
    "order of torch": lambda: jaxpool.pyramid_pool(X, (1, 2), order="torch"),
    "pyramid of a sequence without its rank": lambda: jaxpool.pyramid_pool(X[0], (1, 2)),
    "complex pyramid": lambda: jaxpool.pyramid_pool(COMPLEX, (1, 2), kind="avg"),
    "no levels of squares": lambda: jaxpool.rmac_pool(X, num_levels=0),
    "whole overlap": lambda: jaxpool.rmac_pool(X, overlap=1.0),
    "overlap as text": lambda: jaxpool.rmac_pool(X, overlap="0.4"),
    "squares without features": lambda: jaxpool.rmac_pool(X, channel_axis=None),
    "exponents of another rank": lambda: jaxpool.lp_pool(X, (2, 2), p=jnp.ones(3)),
    "exponents of space": lambda: jaxpool.global_lp_pool(X, p=jnp.ones((1, 8, 1, 1))),
    "exponents of which one is 0": lambda: jaxpool.lp_pool(X, (2, 2), p=jnp.arange(3.0).reshape(1, 1, 1, 3)),
    "identity of another tree in bins": lambda: jaxpool.adaptive_pool(X, (0.0, 0.0), lax.add, (2, 2)),
    "index of a plane too large": lambda: on_large_plane(jaxpool.global_max_pool_with_argmax),
    "index of a symbolic plane": lambda: on_symbolic_plane(jaxpool.global_min_pool_with_argmin),
    # names of arguments elsewhere
    "stride": lambda: jaxpool.max_pool(X, (2, 2), stride=2),
    "strides of another name": lambda: jaxpool.avg_pool(X, (2, 2), window_strides=(2, 2)),
    "kernel size": lambda: jaxpool.max_pool(X, kernel_size=2, stride=2),
    "pool size": lambda: jaxpool.avg_pool(X, pool_size=(2, 2)),
    "dilation": lambda: jaxpool.max_pool(X, (2, 2), dilation=2),
    "return_indices": lambda: jaxpool.max_pool(X, (2, 2), 2, return_indices=True),
    "data_format": lambda: jaxpool.max_pool(X, (2, 2), 2, data_format="channels_first"),
    "mask by another name": lambda: jaxpool.avg_pool(X, (2, 2), mask=X > 0),
    "mask for a fractional pool": lambda: fractional(None, (4, 4), window_shape=(2, 2), samples=SAMPLES, where=X > 0),
    "axis of a window": lambda: jaxpool.max_pool(X, (2, 2), axis=(1, 2)),
    "axis of a global pool": lambda: jaxpool.global_avg_pool(X, axis=(1, 2)),
    "dim": lambda: jaxpool.global_max_pool(X, dim=(1, 2)),
    "keepdim": lambda: jaxpool.global_max_pool(X, keepdim=True),
    "rank of a window": lambda: jaxpool.min_pool(X, (2, 2), num_spatial_dims=2),
    "window of a global pool": lambda: jaxpool.global_avg_pool(X, window_shape=(2, 2)),
    "output shape of bins": lambda: jaxpool.adaptive_max_pool(X, output_shape=(2, 2)),
    "output size of a plane": lambda: jaxpool.max_unpool(Y, PLACES, (2, 2), 2, output_size=(8, 8)),
    "output size of a window": lambda: jaxpool.avg_pool(X, (2, 2), output_size=(4, 4)),
    "count_include_pad of a maximum": lambda: jaxpool.max_pool(X, (2, 2), count_include_pad=False),
    "divisor of a sum": lambda: jaxpool.sum_pool(X, (2, 2), divisor_override=3),
    "norm_type": lambda: jaxpool.lp_pool(X, (2, 2), norm_type=3),
    "seed": lambda: jaxpool.fractional_max_pool(X, output_size=(4, 4), seed=0),
    "random samples": lambda: fractional(None, (4, 4), window_shape=(2, 2), _random_samples=SAMPLES),
    "computation": lambda: jaxpool.pool(X, 0.0, computation=lax.add, window_shape=(2, 2)),
    "mode": lambda: jaxpool.max_pool(X, (2, 2), padding=1, mode="EDGE"),
    "name": lambda: jaxpool.max_pool(X, (2, 2), name="pool1"),
    "dtype": lambda: jaxpool.avg_pool(X, (2, 2), dtype=jnp.float32),
    "misspelled argument": lambda: jaxpool.global_avg_pool(X, keep_dim=True),
    "misspelled mask": lambda: jaxpool.global_avg_pool(X, wheer=X > 0),
    "unknown argument": lambda: jaxpool.global_avg_pool(X, device="cpu"),
    "shape of no pool": lambda: jaxpool.output_shape(X.shape, (2, 2), pool="max"),
    "shape of an unknown argument": lambda: jaxpool.output_shape(X.shape, pool=jaxpool.global_avg_pool, axis=1),
    "shape without a window": lambda: jaxpool.output_shape(X.shape),
    "padding of a shape question": lambda: jaxpool.output_shape(X.shape, kernel_size=(2, 2)),
    "no window at all": lambda: jaxpool.max_pool(X),
    "nothing at all": lambda: jaxpool.global_avg_pool(),
    "no indices at all": lambda: jaxpool.max_unpool(Y),
    "dilation by position": lambda: jaxpool.max_pool(X, (2, 2), 2, 0, 1),
    "axes by position": lambda: jaxpool.global_avg_pool(X, (1, 2)),
    "window twice": lambda: jaxpool.max_pool(X, (2, 2), window_shape=(2, 2)),
    "strides for torch": lambda: jaxpool.torch.max_pool2d(MAPS, 2, strides=2),
    "window for torch": lambda: jaxpool.torch.avg_pool2d(MAPS, window_shape=(2, 2)),
    "channels for torch": lambda: jaxpool.torch.max_pool2d(MAPS, 2, channel_axis=-1),
    "output shape for torch": lambda: jaxpool.torch.adaptive_avg_pool2d(MAPS, output_shape=1),
    "too much for torch": lambda: jaxpool.torch.adaptive_avg_pool2d(MAPS, 1, 1),
    "any argument by jit": lambda: jax.jit(lambda x: jaxpool.max_pool(x, (2, 2), stride=2))(X),
    # tiles
    "tiles of a random pool": lambda: jaxpool.pool_tiles(jaxpool.stochastic_pool, X, (2, 2)),
    "tiles of peaks": lambda: jaxpool.pool_tiles(jaxpool.local_maxima, X, (2, 2)),
    "tiles of a global pool": lambda: jaxpool.pool_tiles(jaxpool.global_max_pool, X, (2, 2)),
    "tiles of a partial": lambda: jaxpool.pool_tiles(functools.partial(jaxpool.lp_pool, p=3.0), X, (2, 2)),
    "tiles of text": lambda: tiles("volume.npy", (2, 2)),
    "tiles of a traced array": lambda: jax.jit(lambda x: tiles(x, (2, 2)))(X),
    "tiles, window of the pool": lambda: tiles(X, (9, 2)),
    "tiles, argument of no pool": lambda: tiles(X, (2, 2), stride=2),
    "tiles, no window": lambda: jaxpool.pool_tiles(jaxpool.max_pool, X),
    "tiles into text": lambda: tiles(X, (2, 2), out=3),
    "tiles into another shape": lambda: tiles(X, (2, 2), out=np.zeros((2, 8, 8, 3), np.float32)),
    "tiles into another dtype": lambda: tiles(X, (2, 2), out=np.zeros((2, 7, 7, 3), np.int32)),
    "tiles into one of two": lambda: jaxpool.pool_tiles(jaxpool.max_pool_with_argmax, X, (2, 2), out=NOT_YET),
    "tiles, unknown indices": lambda: jaxpool.pool_tiles(
        jaxpool.max_pool_with_argmax, X, (2, 2), index_convention="plane"
    ),
    "tiles in little memory": lambda: tiles(X, (2, 2), memory=10),
    "tiles in no memory": lambda: tiles(X, (2, 2), memory=0),
    "tiles in a part of memory": lambda: tiles(X, (2, 2), memory=0.5),
    "tiles of one size": lambda: tiles(X, (2, 2), tile_shape=64),
    "tiles of three sizes": lambda: tiles(X, (2, 2), tile_shape=(1, 4, 4)),
    "tiles of nothing": lambda: tiles(X, (2, 2), tile_shape=(1, 0, 4, None)),
    "tiles of features that meet": lambda: jaxpool.pool_tiles(
        jaxpool.concat_pool, X, (2, 2), tile_shape=(1, None, None, 1)
    ),
    "tiles of numbers per window": lambda: jaxpool.pool_tiles(
        jaxpool.ada_pool, X, (2, 2), alpha=jnp.ones((1, 7, 7, 1))
    ),
    "tiles, mask of another kind": lambda: tiles(X, (2, 2), where=[True]),
    "tiles, mask of numbers": lambda: tiles(X, (2, 2), where=X),
    "journal of an array": lambda: tiles(X, (2, 2), journal=True),
    "journal without a place": lambda: tiles(X, (2, 2), out=np.zeros((2, 7, 7, 3), np.float32), journal=True),
    "progress as text": lambda: tiles(X, (2, 2), progress="bar"),
    # names of functions elsewhere
    "MaxPool2d": lambda: jaxpool.MaxPool2d,
    "AdaptiveAvgPool2d": lambda: jaxpool.AdaptiveAvgPool2d,
    "LPPool1d": lambda: jaxpool.LPPool1d,
    "MaxPool": lambda: jaxpool.MaxPool,
    "GlobalAveragePooling2D": lambda: jaxpool.GlobalAveragePooling2D,
    "GeM": lambda: jaxpool.GeM,
    "max_pool2d": lambda: jaxpool.max_pool2d,
    "max_pool2d_with_indices": lambda: jaxpool.max_pool2d_with_indices,
    "mean_pool": lambda: jaxpool.mean_pool,
    "global_average_pool": lambda: jaxpool.global_average_pool,
    "maxpool": lambda: jaxpool.maxpool,
    "max_pol": lambda: jaxpool.max_pol,
    "reduce_window": lambda: jaxpool.reduce_window,
    "private name": lambda: jaxpool._max_pool,
    "class from the package": lambda: exec("from jaxpool import MaxPool2d"),
    "module of torch without a window": lambda: jaxpool.torch.nn.MaxPool2d(),
    "module of torch with strides": lambda: jaxpool.torch.nn.MaxPool2d(2, strides=2),
    "module of torch on two axes": lambda: jaxpool.torch.nn.AvgPool2d(2)(MAPS[0, 0]),
    "class of torch": lambda: jaxpool.torch.MaxPool2d,
    "rank of torch": lambda: jaxpool.torch.max_pool,
    "global pool of torch": lambda: jaxpool.torch.global_avg_pool2d,
    "class from torch": lambda: exec("from jaxpool.torch import AvgPool3d"),
}


def main() -> None:
    """Write what every call raises to the file beside this one: `python -m tests.bad_calls`. Read the difference."""
    messages = {}
    for name, call in CALLS.items():
        try:
            call()
        except Exception as error:
            messages[name] = [type(error).__name__, str(error)]
    path = pathlib.Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(messages, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    jax.config.update("jax_numpy_dtype_promotion", "strict")
    jax.config.update("jax_numpy_rank_promotion", "raise")
    main()
