"""Max and min pooling with the index of each extremum."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import (
    AxisWindow,
    Window,
    WindowArguments,
    check_offsets,
    check_option,
    index_dtype,
    refuse_symbolic_indices,
)
from jaxpool._geometry.calls import explained
from jaxpool._operators import extreme, window_argextremum, window_starts
from jaxpool._pools.inputs import array_and_window, mask_of, x64
from jaxpool._pools.padding import along, first_held, padded
from jaxpool._pools.shards import over_shards
from jaxpool.typing import AxisNames, Implementation, IndexConvention, Ints, Padding, PaddingMode, WindowShape

INDEX_CONVENTIONS = ("spatial", "window", "coordinates")


@functools.partial(
    jax.jit,
    static_argnames=("window", "kind", "padding_mode", "implementation", "convention", "dtype"),
    inline=True,
)
@over_shards
def argextremum_of(
    inputs: Array,
    mask: Array | None,
    window: Window,
    kind: str,
    padding_mode: PaddingMode | None,
    implementation: Implementation | None,
    convention: str,
    dtype: str,
) -> tuple[Array, Array]:
    """The largest or smallest element of every window and its index, of a dtype, in one of the conventions."""
    x, mask, inner = padded(inputs, mask, window, padding_mode, beyond="nearest")
    worst = extreme(x.dtype, kind)
    values, offsets = window_argextremum(x if mask is None else jnp.where(mask, x, worst), inner, kind, implementation)
    if mask is not None:
        # If all elements have the worst value, one that is left out may come first.
        _, valid = window_argextremum(along(mask, inner).astype(jnp.uint8), inner, "max", implementation)
        offsets = jnp.where(values == worst, valid, offsets)
    if convention == "window" and inner.normal is inner and not window.sharded:
        return values, offsets
    taps = taps_of(offsets, inner.normal, window.offset_dtype if convention == "window" else dtype)
    if padding_mode is None:
        taps = [_real_tap(*each) for each in zip(taps, inner.parts, window.parts, strict=True)]
    if convention == "window":
        return values, _in_whole_window(taps, window if padding_mode is None else window.on_padded_input())
    places = [
        _unpadded(place, part, padding_mode)
        for place, part in zip(places_of(taps, inner.normal), window.parts, strict=True)
    ]
    if convention == "coordinates":
        return values, jnp.stack(places, axis=-1)
    return values, plane_indices(places, window)


def _real_tap(tap: Array, inner: AxisWindow, part: AxisWindow) -> Array:
    """A tap of a shard's window, or the first one inside if it is before the first element of the whole axis."""
    if part.shards is None:
        return tap
    starts = window_starts(inner, "int32") + first_held(part, "int32")
    first = jnp.maximum(-(starts // part.dilation), 0).astype(tap.dtype)
    return jnp.maximum(tap, lax.broadcast_in_dim(first, tap.shape, (part.axis,)))


def _in_whole_window(taps: Sequence[Array], window: Window) -> Array:
    """From taps in the normal form of a window to offsets in the window itself."""
    dtype = taps[0].dtype
    total = jnp.zeros_like(taps[0])
    for tap, part, stride in zip(taps, window.parts, window.offset_strides, strict=True):
        total += (tap + jnp.asarray(part.first_tap, dtype)) * jnp.asarray(stride, dtype)
    return total


def taps_of(offsets: Array, window: Window, dtype: str) -> list[Array]:
    """From offsets in the window to taps along each of its axes."""
    offsets = offsets.astype(dtype)
    taps: list[Array] = []
    for stride in window.offset_strides:
        # No offset is negative, which `//` and `%` would allow for.
        taps.append(lax.div(offsets, jnp.dtype(dtype).type(stride)))
        offsets = offsets - taps[-1] * stride
    return taps


def places_of(taps: Sequence[Array], window: Window) -> list[Array]:
    """From taps along each spatial axis to positions there."""
    places: list[Array] = []
    for part, tap in zip(window.parts, taps, strict=True):
        starts = lax.broadcast_in_dim(window_starts(part, tap.dtype.name), tap.shape, (part.axis,))
        places.append(starts + tap * part.dilation)
    return places


def plane_indices(places: Sequence[Array], window: Window) -> Array:
    """From positions along each spatial axis to row-major positions in the plane."""
    indices = jnp.zeros_like(places[0])
    for place, part in zip(places, window.parts, strict=True):
        indices = indices * part.size + place
    return indices


def _unpadded(place: Array, part: AxisWindow, mode: str | None) -> Array:
    """Where an element of the padded input, or of a shard and its halo, comes from."""
    place = place + first_held(part, place.dtype.name)
    if mode is None:
        return place
    if part.shards is None:
        place = place - max(part.low, 0)
    match mode.lower():
        case "edge" | "replicate":
            return jnp.clip(place, 0, part.size - 1)
        case "wrap" | "circular":
            return place % part.size
        case _:
            return part.size - 1 - jnp.abs(part.size - 1 - jnp.abs(place))


def _place_dtype(shape: tuple[int, ...], window: Window, convention: str) -> str:
    """The dtype of the indices of a convention."""
    check_option("index_convention", convention, INDEX_CONVENTIONS)
    if convention == "window":
        check_offsets(window)
    # Offsets in the window have a dtype of their own.
    sizes = [] if convention == "window" else [part.size for part in window.parts]
    if window.symbolic and sizes:
        refuse_symbolic_indices(shape, convention)
    return index_dtype("inputs.shape", [max(sizes)] if convention == "coordinates" else sizes, x64(), shape)


def _pooled(
    inputs: ArrayLike,
    arguments: WindowArguments,
    kind: str,
    where: ArrayLike | None,
    convention: IndexConvention,
    implementation: Implementation | None,
) -> tuple[Array, Array]:
    """The pool of one kind, from its arguments as the user wrote them."""
    x, window = array_and_window(inputs, arguments, implementation, "window_argextremum", ordered=True)
    mask = mask_of(where, x)
    dtype = _place_dtype(x.shape, window, convention)
    return argextremum_of(x, mask, window, kind, arguments.padding_mode, implementation, convention, dtype)


@explained
def max_pool_with_argmax(
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
    where: ArrayLike | None = None,
    index_convention: IndexConvention = "spatial",
    implementation: Implementation | None = None,
) -> tuple[Array, Array]:
    """Max pooling with the index of each maximum. Strides default to 1, not to the window.

    Arguments, errors and derivatives are those of `jaxpool.max_pool`. Indices have no derivative.

    Args:
      index_convention: what the indices count. "spatial", as in PyTorch: the unpadded spatial plane, row by row.
        "window": the offset in the window, row by row, in the smallest unsigned type that fits. "coordinates": one
        index per spatial axis, on a new last axis. `jaxpool.indices_to_tf` and `jaxpool.indices_to_onnx` convert
        "spatial" ones.

    Returns:
      The maxima, and the index of the first maximum (or the first NaN) of each window. It names a real element, never
      padding, and none that `where` leaves out unless the window has no other. The dtype is int32. Planes of 2**31
      elements and more need int64, which `jax_enable_x64` must allow.

    Raises:
      ValueError: as in `jaxpool.max_pool`, and for a plane that int32 cannot index.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([[1., 3., 2., 4.], [5., 6., 1., 2.], [0., 2., 9., 1.], [4., 1., 3., 8.]])
      >>> values, indices = jaxpool.max_pool_with_argmax(x, (2, 2), 2, channel_axis=None)
      >>> indices
      Array([[ 5,  3],
             [12, 10]], dtype=int32)
    """
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    return _pooled(inputs, arguments, "max", where, index_convention, implementation)


@explained
def min_pool_with_argmin(
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
    where: ArrayLike | None = None,
    index_convention: IndexConvention = "spatial",
    implementation: Implementation | None = None,
) -> tuple[Array, Array]:
    """Min pooling with the index of each minimum. Strides default to 1, not to the window.

    As `jaxpool.max_pool_with_argmax`, with the first minimum in place of the first maximum.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([[1., 3., 2., 4.], [5., 6., 1., 2.], [0., 2., 9., 1.], [4., 1., 3., 8.]])
      >>> values, indices = jaxpool.min_pool_with_argmin(x, (2, 2), 2, channel_axis=None)
      >>> indices
      Array([[ 0,  6],
             [ 8, 11]], dtype=int32)
    """
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    return _pooled(inputs, arguments, "min", where, index_convention, implementation)
