"""The first step of every pooling function: its inputs as an array, its other arguments as a window."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import (
    Window,
    check_dtype,
    check_implementation,
    check_inputs,
    check_where,
    global_window,
    pooling_window,
)
from jaxpool._lowerings import IMPLEMENTATIONS, check_runs


def as_array(function: str, inputs: Any, ordered: bool) -> Array:
    """The inputs, of a dtype that the function can pool."""
    array = isinstance(inputs, jax.Array)
    if not array:
        check_inputs(function, inputs)
    check_dtype(function, inputs.dtype, ordered=ordered)
    return inputs if array else jnp.asarray(inputs)


def x64() -> bool:
    """Whether 64-bit types are on."""
    config: Any = jax.config
    return config.jax_enable_x64


def mask_of(function: str, where: Any, x: Array) -> Array | None:
    """The mask with as many axes as the inputs, or None; it still broadcasts along axes of size 1."""
    if where is None:
        return None
    check_where(function, where, x.shape)
    mask = jnp.asarray(where)
    return mask.reshape((1,) * (x.ndim - mask.ndim) + mask.shape)


def along(mask: Array, window: Window) -> Array:
    """The mask with the inputs' sizes along the window's axes, so that windows can be taken of it."""
    return jnp.broadcast_to(mask, window.input_shape(mask.shape))


def pad_array(x: Array, window: Window, mode: str) -> Array:
    """The inputs with the window's padding around them, as `jnp.pad` makes it; what crops is left to the window."""
    for part in window.parts:
        low, high = max(part.low, 0), max(part.high, 0)
        before, after = _beside(x, part.axis, low, high, mode.lower())
        pieces = [piece for piece, size in ((before, low), (x, 1), (after, high)) if size]
        x = lax.concatenate(pieces, part.axis) if len(pieces) > 1 else x
    return x


def _beside(x: Array, axis: int, low: int, high: int, mode: str) -> tuple[Array, Array]:
    """What stands before and after along one axis."""
    size = x.shape[axis]

    def cut(start: int, stop: int) -> Array:
        return lax.slice_in_dim(x, start, stop, axis=axis)

    def repeat(piece: Array, times: int) -> Array:
        return jnp.broadcast_to(piece, (*x.shape[:axis], times, *x.shape[axis + 1 :]))

    if mode == "edge":
        return repeat(cut(0, 1), low), repeat(cut(size - 1, size), high)
    if mode == "wrap":
        return cut(size - low, size), cut(0, high)
    return lax.rev(cut(1, low + 1), (axis,)), lax.rev(cut(size - 1 - high, size - 1), (axis,))


def array_and_window(
    function: str,
    inputs: Any,
    window_shape: Any,
    strides: Any,
    padding: Any,
    window_dilation: Any,
    ceil_mode: Any,
    channel_axis: Any,
    padding_mode: Any,
    implementation: Any,
    *,
    operator: str,
    ordered: bool = False,
    padding_is_empty: bool = True,
) -> tuple[Array, Window]:
    """What a windowed pool computes with; the window is that on the inputs before `padded`.

    Args:
      function: the public function's name, for its errors.
      inputs, window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, implementation: as
        given to it.
      operator: the operator that computes it.
      ordered: whether the dtype needs an order.
      padding_is_empty: whether a window wholly in padding has no value.
    """
    x = as_array(function, inputs, ordered)
    check_implementation(function, implementation, IMPLEMENTATIONS)
    window = pooling_window(
        function,
        x.shape,
        window_shape,
        strides,
        padding,
        window_dilation=window_dilation,
        ceil_mode=ceil_mode,
        channel_axis=channel_axis,
        padding_mode=padding_mode,
        padding_is_empty=padding_is_empty,
    )
    check_runs(function, operator, window if padding_mode is None else window.on_padded_input(), implementation)
    return x, window


def padded(x: Array, mask: Array | None, window: Window, mode: str | None) -> tuple[Array, Array | None, Window]:
    """Inputs, mask and window after the padding that a mode asks for has been done; unchanged without one."""
    if mode is None:
        return x, mask, window
    # A mask of full size, as its padding is that of the inputs.
    mask = None if mask is None else pad_array(along(mask, window), window, mode)
    return pad_array(x, window, mode), mask, window.on_padded_input()


def array_and_plane(
    function: str, inputs: Any, num_spatial_dims: Any, channel_axis: Any, *, ordered: bool = False
) -> tuple[Array, Window]:
    """What a global pool computes with: the window is the whole plane."""
    x = as_array(function, inputs, ordered)
    return x, global_window(function, x.shape, num_spatial_dims, channel_axis)
