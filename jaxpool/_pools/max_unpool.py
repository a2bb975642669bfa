"""The inverse of max pooling."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.experimental import checkify
from jax.typing import ArrayLike

from jaxpool._geometry import (
    Window,
    WindowArguments,
    check_flag,
    check_indices,
    check_offsets,
    check_option,
    check_range,
    check_without_window,
    index_dtype,
    native,
    plane_window,
    refuse_astray,
    unpooling_window,
)
from jaxpool._geometry.calls import explained
from jaxpool._operators import last_at_places, scatter_at_offsets, scatter_at_places, window_starts, without_series
from jaxpool._pools.argextremum import INDEX_CONVENTIONS, places_of, plane_indices, taps_of
from jaxpool._pools.inputs import as_array, at_hand, range_of, x64
from jaxpool._pools.padding import without_halos
from jaxpool._pools.shards import over_shards
from jaxpool.typing import Duplicates, IndexConvention, Ints, Padding, WindowShape


def _needs_places(window: Window, duplicates: Duplicates, convention: str) -> bool:
    """Whether values go to places in the plane, not to offsets in windows that are apart or whose values are added."""
    return convention != "window" or (duplicates == "set" and not window.non_overlapping) or window.normal is not window


def _unpool(values: Array, indices: Array, window: Window, duplicates: Duplicates, convention: str) -> Array:
    if values.dtype == jnp.bool_:
        # XLA does not add booleans.
        return _unpool(values.astype(jnp.int32), indices, window, duplicates, convention) != 0
    if not _needs_places(window, duplicates, convention):
        return _at_offsets(values, indices, window)
    return _at_places(values, *_places_of(indices, window, duplicates, convention), window)


@functools.partial(jax.jit, static_argnames=("window",), inline=True)
@functools.partial(over_shards, sizes="output_shape")
def _at_offsets(values: Array, indices: Array, window: Window) -> Array:
    if indices.dtype != window.offset_dtype:
        # The cast could bring an offset from outside the window into it.
        values = jnp.where((indices >= 0) & (indices < window.taps), values, jnp.zeros((), values.dtype))
    spread = scatter_at_offsets(values, indices.astype(window.offset_dtype), window.shard, consistent=False)
    return without_halos(spread, window)


@functools.partial(jax.jit, static_argnames=("window",), inline=True)
def _at_places(values: Array, places: Array, kept: Array | None, window: Window) -> Array:
    values = values if kept is None else jnp.where(kept, values, jnp.zeros((), values.dtype))
    return scatter_at_places(values, places, window)


@functools.partial(jax.jit, static_argnames=("window", "duplicates", "convention"), inline=True)
def _places_of(indices: Array, window: Window, duplicates: Duplicates, convention: str) -> tuple[Array, Array | None]:
    """Indices into the plane, and which values stay where several have the same; of `indices` alone.

    A program of its own: transformations of the values, such as Taylor mode, have no rules for integers.
    """
    indices = without_series(indices)
    places = indices
    if convention != "spatial":
        if convention == "window":
            inside = (indices >= 0) & (indices < window.taps)
            positions = places_of(taps_of(indices, window, indices.dtype.name), window)
        else:
            inside = jnp.ones(indices.shape[:-1], bool)
            positions = [indices[..., i] for i in range(len(window.parts))]
        # A position beyond one border would otherwise be one beside another.
        for position, part in zip(positions, window.parts, strict=True):
            inside &= (position >= 0) & (position < part.size)
        places = jnp.where(inside, plane_indices(positions, window), math.prod(part.size for part in window.parts))
    return places, last_at_places(places, window) if duplicates == "set" else None


@functools.partial(jax.jit, static_argnames=("window",))
def _astray(indices: Array, window: Window) -> Array:
    """Whether an index of the plane lies outside its own window; what is next to padding may come from anywhere."""
    result = jnp.zeros((), bool)
    for part in reversed(window.parts):
        indices, position = indices // part.size, indices % part.size
        start = window_starts(part, indices.dtype.name)
        start = lax.broadcast_in_dim(start, position.shape, (part.axis,))
        tap = position - start
        outside = (tap < 0) | (tap >= part.extent) | (tap % part.dilation != 0)
        result |= jnp.any(outside & (start >= 0) & (start + part.extent <= part.size))
    return result


def _refuse_outside(indices: Any, window: Window, convention: str, inferred: bool, dtype: str) -> None:
    """Refuses known indices outside the plane, or outside their windows where only these tell how large the plane is.

    In a plane that is too narrow, many indices of the right one still lie inside, but in other rows.
    """
    if not at_hand(indices) or 0 in indices.shape:
        return
    sizes = tuple(part.size for part in window.parts)
    limits = {"window": (window.taps,), "spatial": (math.prod(sizes),), "coordinates": sizes}[convention]
    remedy = "Pass output_shape, the spatial sizes of what was pooled."
    if convention == "window":
        remedy = "Pass the window_shape of the pooling, and its index_convention."
    elif inferred:
        remedy = f"{remedy[:-1]}, and the window_shape, strides and padding of the pooling; strides default to 1."
    low, high = range_of(indices, int(convention == "coordinates"))
    check_range(low, high, limits, f"a result with the spatial sizes {sizes}", remedy)
    if inferred and convention == "spatial":
        with jax.ensure_compile_time_eval():
            astray = bool(_astray(jnp.asarray(indices).astype(dtype), window))
        if astray:
            refuse_astray(indices, sizes, remedy)


def _check_range(indices: Array, window: Window, convention: str) -> None:
    """A check at run time, which compiled functions pass on to `checkify.checkify`."""
    if 0 in indices.shape:
        return
    sizes = [part.size for part in window.parts]
    if convention == "coordinates":
        limits = jnp.asarray(sizes, indices.dtype).reshape((1,) * (indices.ndim - 1) + (-1,))
        inside = jnp.all((indices >= 0) & (indices < limits))
    else:
        limit = window.taps if convention == "window" else math.prod(sizes)
        inside = jnp.all((indices >= 0) & (indices < limit))
    name = {"window": "the window", "spatial": "the plane", "coordinates": "the plane"}[convention]
    message = f"max_unpool: indices must lie in {name}; got indices from {{low}} to {{high}} for a plane of {sizes}."
    checkify.check(inside, message, low=jnp.min(indices), high=jnp.max(indices))


@explained
def max_unpool(
    inputs: ArrayLike,
    indices: ArrayLike,
    window_shape: WindowShape | None = None,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    output_shape: Sequence[int] | None = None,
    window_dilation: Ints = 1,
    channel_axis: int | None = -1,
    duplicates: Duplicates = "set",
    index_convention: IndexConvention = "spatial",
    checked: bool = False,
) -> Array:
    """Max unpooling: every value goes back to its index, and all other elements are 0. Strides default to 1.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, as max pooling returns it; any numeric dtype.
      indices: the index of each value, as `jaxpool.max_pool_with_argmax` returns it. The range of concrete
        indices is checked. That of traced ones, under `jit` or `vmap`, is not; see `checked`.
      window_shape, strides, padding, window_dilation, channel_axis: those of the pooling. They give the size of the
        result unless `output_shape` does. `index_convention="window"` needs them.
      output_shape: the spatial sizes of the result, which are those of the inputs of the pooling. Pass it if the
        windows do not cover the plane, such as 2 by 2 windows with stride 2 on an odd size. Padding of "SAME",
        "SAME_LOWER" or no window needs it. The default is the smallest plane that pools to the inputs, without ceil
        mode: `(size - 1) * stride + (window - 1) * dilation + 1 - low - high` for an axis of `size` inputs.
      duplicates: what to do with values of the same index. "set" keeps the last in row-major order, which is PyTorch's
        result if the values come from a max pooling. "add" adds them, so that the function is the adjoint of a gather.
      index_convention: "spatial", "window" or "coordinates", as in `jaxpool.max_pool_with_argmax`. "window" needs no
        scatter. If windows overlap, this holds only with `duplicates="add"`.
      checked: whether to check the range of the indices at run time, too. Compiled functions must then go through
        `jax.experimental.checkify.checkify`. If False, values whose traced index lies outside the plane are dropped.

    Returns:
      Array of the dtype of `inputs`, with the sizes of the plane along the spatial axes.

    Raises:
      TypeError: an argument of the wrong kind.
      ValueError: indices of another shape than the inputs, an `output_shape` that does not pool to them, or known
        indices that lie outside the plane or, without `output_shape`, outside their windows.

    Derivatives: both modes, any order. The function is linear in `inputs`. The gradient of a value that another one
    overwrites is 0.

    Source: M. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([[1., 3., 2., 4.], [5., 6., 1., 2.]])
      >>> values, indices = jaxpool.max_pool_with_argmax(x, (2, 2), 2, channel_axis=None)
      >>> jaxpool.max_unpool(values, indices, (2, 2), 2, channel_axis=None)
      Array([[0., 0., 0., 4.],
             [0., 6., 0., 0.]], dtype=float32)
    """
    values = as_array(inputs, ordered=False)
    check_option("duplicates", duplicates, ("set", "add"))
    check_option("index_convention", index_convention, INDEX_CONVENTIONS)
    check_flag("checked", checked)
    if window_shape is None:
        check_without_window(strides, padding, window_dilation)
        window = plane_window(values.shape, output_shape, channel_axis, index_convention)
    else:
        arguments = WindowArguments(window_shape, strides, padding, window_dilation, channel_axis=channel_axis)
        window = unpooling_window(values.shape, arguments, output_shape)
    if index_convention == "window":
        check_offsets(window)
    trailing, remedy = (), "Pass one place per value; index_convention='coordinates' is for those with one axis more."
    if index_convention == "coordinates":
        trailing, remedy = (len(window.parts),), "Pass one position per spatial axis, on a last axis of their own."
    indices = native(indices)
    check_indices(indices, (*values.shape, *trailing), f"inputs of shape {values.shape}", remedy)
    places = jnp.asarray(indices)
    dtype, wide = "int32", checked or places.dtype != window.offset_dtype
    if _needs_places(window, duplicates, index_convention):
        dtype, wide = index_dtype("output_shape", [part.size for part in window.parts], x64()), True
    inferred = window_shape is not None and output_shape is None
    _refuse_outside(indices, window, index_convention, inferred, dtype)
    if wide and places.dtype.itemsize < jnp.dtype(dtype).itemsize:
        # Narrow integers hold the indices, but not the sizes that they are compared with.
        places = places.astype(dtype)
    if checked:
        _check_range(places, window, index_convention)
    return _unpool(values, places, window, duplicates, index_convention)
