"""The elements of every window, on an axis of their own."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import AxisWindow, Window, WindowArguments, blocks_of, check_slices, pooling_window
from jaxpool._geometry.calls import explained
from jaxpool._pools.inputs import as_array
from jaxpool._pools.padding import padded
from jaxpool.typing import Ints, Padding, PaddingMode, WindowShape


@functools.partial(jax.jit, static_argnames=("window", "padding_mode"), inline=True)
def view_of(inputs: Array, window: Window, padding_mode: str | None) -> Array:
    """The elements of every window on a new axis, which follows the last of the window's; 0 in padding."""
    x, _, window = padded(inputs, None, window, padding_mode)
    taps = window.axes[-1] + 1
    x = lax.expand_dims(x, (taps,))
    # The last axis first, so that the elements of a window stand row by row.
    for part in reversed(window.parts):
        x = _along(x, part, taps)
    return x


def _along(x: Array, part: AxisWindow, taps: int) -> Array:
    """The windows along one axis; their elements go to the axis `taps`, before those that it has."""
    axis, outputs = part.axis, part.outputs
    if part.dilation > 1:
        x = _pad(x, axis, part.low, part.high_overhang)
        last = (outputs - 1) * part.stride + 1
        starts = range(0, part.extent, part.dilation)
        # XLA partitions steps of more than 1 to a single element wrongly, where devices share the axis.
        step = part.stride if outputs > 1 else 1
        return lax.concatenate([lax.slice_in_dim(x, i, i + last, step, axis) for i in starts], taps)
    (count, width), own = blocks_of(part), x.shape[taps]
    total = outputs - 1 + count
    x = _pad(x, axis, part.low, total * width - part.size - part.low)
    if width > 1:
        x = x.reshape(*x.shape[:axis], total, width, *x.shape[axis + 1 :])
        x = jnp.moveaxis(x, axis + 1, taps)
        x = x.reshape(*x.shape[:taps], width * x.shape[taps + 1], *x.shape[taps + 2 :])
    return _neighbours(x, axis, taps, count, part.taps * own)


def _neighbours(x: Array, axis: int, taps: int, count: int, length: int) -> Array:
    """Every so many neighbours along one axis, joined along the axis `taps` and cut to a length there.

    Runs of 2, 4, 8, ... neighbours are joined, so that the program grows with the logarithm of their number.
    """
    unit, have = x.shape[taps], 1
    while have < count:
        more = min(have, count - have)
        starts = x.shape[axis] - more
        ahead = lax.slice_in_dim(lax.slice_in_dim(x, 0, starts, axis=axis), 0, more * unit, axis=taps)
        x = lax.concatenate([ahead, lax.slice_in_dim(x, more, None, axis=axis)], taps)
        have += more
    return lax.slice_in_dim(x, 0, length, axis=taps) if length < x.shape[taps] else x


def _pad(x: Array, axis: int, low: int, high: int) -> Array:
    pads = [(0, 0, 0)] * x.ndim
    pads[axis] = (low, high, 0)
    return lax.pad(x, jnp.zeros((), x.dtype), pads) if low or high else x


@explained
def windows(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
) -> Array:
    """The elements of every window, on an axis of their own. Strides default to 1.

    Others call it unfold, im2col, patches or frames. Any reduction over the new axis is a pool: the median of every
    window is `jnp.median(windows(x, (3, 3)), axis=-2)`. It is for what no pool does: the result is as many times larger
    than the inputs as windows overlap.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any dtype.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode: as in `jaxpool.max_pool`.
        Padding is 0, or False.

    Returns:
      Array of shape `(*batch, *outputs, elements, features)`, in the dtype of the inputs, with the sizes of
      `jaxpool.output_shape` along the spatial axes. The new axis follows the last spatial axis, whatever the
      `channel_axis`. The elements of a window stand row by row.

    Raises:
      TypeError: an argument of the wrong kind.
      ValueError: a window that does not fit, or one of more than 256 elements along a dilated axis.

    Derivatives: both modes, any order. It only moves elements, so reverse mode keeps nothing. The adjoint adds up what
    belongs to one element, as PyTorch's `fold` does: `jax.linear_transpose(lambda x: windows(x, (3, 3)), x)`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.windows(jnp.arange(5.), (3,), 2, channel_axis=None)
      Array([[0., 1., 2.],
             [2., 3., 4.]], dtype=float32)
      >>> jaxpool.windows(jnp.ones((8, 224, 224, 3)), (16, 16), 16).shape
      (8, 14, 14, 256, 3)
    """
    x = as_array(inputs, ordered=False)
    arguments = WindowArguments(window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode)
    window = pooling_window(x.shape, *arguments, padding_is_empty=False)
    check_slices(window)
    return view_of(x, window, padding_mode)
