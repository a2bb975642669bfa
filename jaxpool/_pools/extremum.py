"""Max and min pooling: the values alone."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import Window, WindowArguments, check_empty, check_option, check_padding_value
from jaxpool._geometry.calls import explained
from jaxpool._operators import extreme, window_extremum, window_sum
from jaxpool._pools.inputs import array_and_window, mask_of
from jaxpool._pools.padding import along, of_shard, padded
from jaxpool._pools.shards import over_shards
from jaxpool.typing import AxisNames, Implementation, Ints, Padding, PaddingMode, Residual, Scalar, WindowShape


@functools.partial(
    jax.jit, static_argnames=("window", "kind", "padding_mode", "implementation", "residual"), inline=True
)
@over_shards
def extremum_of(
    inputs: Array,
    mask: Array | None,
    window: Window,
    kind: str,
    padding_mode: PaddingMode | None = None,
    implementation: Implementation | None = None,
    residual: Residual | None = None,
    empty: Array | None = None,
    padding_value: Array | None = None,
) -> Array:
    """The largest or smallest element of every window, maybe of its padding; `empty` where a mask leaves none."""
    beside = None if padding_value is None else _beside_padding(window, inputs.ndim)
    x, mask, window = padded(inputs, mask, window, padding_mode, beyond="nearest")
    x = x if mask is None else jnp.where(mask, x, extreme(x.dtype, kind))
    values = window_extremum(x, window, kind, implementation, residual)
    if beside is not None and padding_value is not None:
        wins = padding_value > values if kind == "max" else padding_value < values
        values = jnp.where(beside & wins, padding_value, values)
    if mask is None or empty is None:
        return values
    valid = window_extremum(along(mask, window), window, "max", implementation)
    return jnp.where(valid if beside is None else valid | beside, values, empty)


def _beside_padding(window: Window, rank: int) -> Array | None:
    """Which windows have elements in the explicit padding, with size 1 along all axes that do not matter; or None."""
    total: Array | None = None
    for part in window.parts:
        shape = [1] * rank
        shape[part.axis] = part.outputs
        if part.symbolic:
            alone = Window((dataclasses.replace(part, axis=0),))
            vector = window_sum(jnp.ones((part.size,), jnp.int32), alone, "reduce_window") < part.taps
        else:
            runs = part.padding_runs()
            if not any(own for _, own in runs):
                continue
            # Borders are short; as a constant, a long interior would be stored in the program.
            vector = jnp.concatenate([jnp.full(length, own) for length, own in runs])
        vector = of_shard(vector.reshape(shape), part)
        total = vector if total is None else total | vector
    return total


def _padding_value_of(value: Any, x: Array, padding_mode: Any) -> Array | None:
    if value is None:
        return None
    check_padding_value(value, x.dtype.name, padding_mode)
    return jnp.asarray(value, x.dtype)


def value_of_empty(value: Any, x: Array) -> Array | None:
    """What stands for nothing, as an array of the dtype of the inputs, or None."""
    if value is None:
        return None
    check_empty(value, x.dtype.name)
    return jnp.asarray(value, x.dtype)


def _pooled(
    inputs: ArrayLike,
    arguments: WindowArguments,
    kind: str,
    padding_value: Scalar | None,
    where: ArrayLike | None,
    empty: Scalar | None,
    residual: Residual | None,
    implementation: Implementation | None,
) -> Array:
    """The pool of one kind, from its arguments as the user wrote them."""
    x, window = array_and_window(inputs, arguments, implementation, "window_extremum", ordered=True)
    check_option("residual", residual, (None, "offsets", "input"))
    mask, mode = mask_of(where, x), arguments.padding_mode
    constant = _padding_value_of(padding_value, x, mode)
    return extremum_of(x, mask, window, kind, mode, implementation, residual, value_of_empty(empty, x), constant)


@explained
def max_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    padding_value: Scalar | None = None,
    where: ArrayLike | None = None,
    empty: Scalar | None = None,
    residual: Residual | None = None,
    implementation: Implementation | None = None,
) -> Array:
    """Max pooling: the largest element of every window. Strides default to 1, not to the window.

    The window slides over the spatial axes from the top left. Each feature map becomes one smaller map that keeps only
    its most prominent values.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes, or none. Any real dtype.
      window_shape: one size per spatial axis. Its length is the number of spatial axes.
      strides: an int or one per spatial axis, in elements. PyTorch and Keras default to the size of the window.
      padding: "VALID" (none); "SAME" (`ceil(size / stride)` outputs; if the padding is odd, the extra element
        goes at the end); "SAME_LOWER" (it goes at the start); "CAUSAL" (`(window - 1) * dilation` at the start, so that
        output `o` reads nothing after element `o * stride`); an int; one int per spatial axis; or one `(low, high)`
        pair per spatial axis. Names may be in lower case. Padding never wins, not even against -inf. Negative padding
        crops.
      window_dilation: the distance between neighbouring elements of a window, an int or one per spatial axis.
      ceil_mode: whether to add a last window that starts inside the input or its low padding and ends beyond the high
        padding, as in PyTorch.
      channel_axis: the axis of the features, or None. The spatial axes are the last `len(window_shape)` other axes. For
        channels first pass a negative axis, -3 for images. Axis 1 is another one under `vmap` and without a batch.
      padding_mode: None for padding that never wins, or the elements to fill it with, as in `jnp.pad`: "EDGE" (the
        nearest element), "REFLECT" (the mirror image, without the border) or "WRAP" (the other end); PyTorch's names
        "replicate" and "circular" are "EDGE" and "WRAP". Names may be in lower case. Negative padding crops afterwards.
      spatial_axis_names: one entry per spatial axis: the mesh axis that shards it, a tuple of mesh axes, or None, such
        as `("rows", None)`. Each device then receives from its neighbours the border elements that its windows need,
        and no more. Inside `jax.shard_map`, where each device has a shard of the inputs, the shards are pooled as one
        array. Outside, pass the names of automatic mesh axes. Without names the compiler exchanges far more. Explicitly
        sharded inputs need no names.
      padding_value: None for padding that never wins, or a number that fills the padding, such as 0. The number
        may be learned. On a tie, the element gets the gradient. What ceil mode adds beyond the padding stays empty.
      where: boolean array, True for elements that count. It has the rank of `inputs` and broadcasts to its shape.
        A window without a valid element returns the smallest value of the dtype (-inf) and has no gradient;
        `jaxpool.max_pool(where, ...)` is False there. If all valid elements of a window are -inf, the gradient is
        zero.
      empty: what a window without any valid element returns, one number. None for the smallest value of the dtype.
      residual: what to keep for derivatives. "offsets": one offset per output, of one byte for windows of up to 256
        elements. "input": the inputs, as the native scatter of a TPU needs them. None: "input" if the default backend
        is a TPU and the window is not dilated, else "offsets". Gradients differ only on a TPU, where "input" breaks
        ties in XLA's order.
      implementation: None for the algorithm that suits the platform and the window, or a name: "reduce_window" (XLA's
        own window), "joint" (all elements of a window at once), "separable" (one axis after another), "chain" (long
        windows as a few short ones). Derivatives use the same one if they can. Names may change without a deprecation.

    Returns:
      The maxima, in the dtype of `inputs`, with the sizes of `jaxpool.output_shape` along the spatial axes. A window
      with a NaN returns NaN.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit, or that lies wholly in padding.
      NotImplementedError: `implementation` cannot run this window.

    Derivatives: both modes, any order. The gradient of a window goes to its first maximum in row-major order, or to its
    first NaN. Reverse mode keeps what `residual` says.

    Source: K. Yamaguchi et al., "A neural network for speaker-independent isolated word recognition", ICSLP 1990.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([[1., 3., 2., 4.], [5., 6., 1., 2.], [0., 2., 9., 1.], [4., 1., 3., 8.]])
      >>> jaxpool.max_pool(x, (2, 2), 2, channel_axis=None)
      Array([[6., 4.],
             [4., 9.]], dtype=float32)
      >>> jaxpool.max_pool(x, (2, 2), 2, 1, channel_axis=None, padding_value=2)
      Array([[2., 3., 4.],
             [5., 9., 2.],
             [4., 3., 8.]], dtype=float32)
    """
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    return _pooled(inputs, arguments, "max", padding_value, where, empty, residual, implementation)


@explained
def min_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    padding_value: Scalar | None = None,
    where: ArrayLike | None = None,
    empty: Scalar | None = None,
    residual: Residual | None = None,
    implementation: Implementation | None = None,
) -> Array:
    """Min pooling: the smallest element of every window. Strides default to 1, not to the window.

    Arguments, results, errors and derivatives are those of `jaxpool.max_pool`, with the smallest element in place of
    the largest. Padding never wins, the first minimum gets the gradient, and NaN propagates.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([[1., 3., 2., 4.], [5., 6., 1., 2.], [0., 2., 9., 1.], [4., 1., 3., 8.]])
      >>> jaxpool.min_pool(x, (2, 2), 2, channel_axis=None)
      Array([[1., 1.],
             [0., 1.]], dtype=float32)
    """
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    return _pooled(inputs, arguments, "min", padding_value, where, empty, residual, implementation)
