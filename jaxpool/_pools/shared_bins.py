"""Adaptive bins of arrays whose spatial axes devices share: each pools its parts of bins, and results are joined."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxpool._geometry import AxisBins, ShardBins, Window
from jaxpool._operators import window_sum
from jaxpool._pools.argextremum import argextremum_of, taps_of
from jaxpool._pools.planes import best_of_shards
from jaxpool._pools.shards import explicit_spec, map_shards, names_of, shards_of

_Bins = tuple[AxisBins, ...]
_Result = TypeVar("_Result")


def share_axes(x: Array, bins: _Bins) -> bool:
    """Whether explicit sharding splits an axis of bins."""
    return any(explicit_spec(x)[part.axis] is not None for part in bins)


def within_shards(x: Array, part: AxisBins) -> bool:
    """Whether every bin lies in one shard, and every shard has as many."""
    return part.outputs % shards_of(x, part.axis) == 0


def map_bins(run: Callable[[Any, _Bins], _Result], arrays: Any, like: Array, bins: _Bins) -> _Result:
    """`run(arrays, bins)` of each shard with its own bins; all arrays and results have the axes of `like`."""
    if not share_axes(like, bins):
        return run(arrays, bins)
    own = tuple(part.share(shards_of(like, part.axis)) for part in bins)
    spec = explicit_spec(like)
    return map_shards(lambda arrays: run(arrays, own), arrays, like, spec, spec)


def joined_parts(
    of_parts: Callable[..., Array], of_devices: Callable[..., _Result], x: Array, bins: _Bins, **arrays: Array
) -> _Result:
    """What `of_devices(results, names, **arrays)` makes of `of_parts(elements, window, **arrays)` of every device.

    The elements are those of the parts of bins that a device has, and 0 beside them; without a part the result is 0.
    """
    parts = _parts(x, bins)

    def of_shard(arrays: dict[str, Array]) -> _Result:
        x, inside = _laid_out(arrays.pop("x"), parts)
        results = of_parts(jnp.where(inside, x, jnp.zeros((), x.dtype)), _windows(parts), **arrays)
        return of_devices(_among_all(results, parts), _names(parts), **arrays)

    return map_shards(of_shard, {"x": x, **arrays}, x, explicit_spec(x), _spec_of_results(x, parts))


def joined_sums(x: Array, bins: _Bins) -> Array:
    """The sum of every bin: devices that share one add their sums."""
    return joined_parts(window_sum, lax.psum, x, bins)


def joined_extremum(x: Array, mask: Array | None, bins: _Bins, kind: str, dtype: str) -> tuple[Array, Array, Array]:
    """The extremum of every bin, its row-major index in the plane, and whether the bin has an element that counts."""
    parts = _parts(x, bins)

    def of_shard(arrays: dict[str, Array]) -> tuple[Array, Array, Array]:
        x, inside = _laid_out(arrays["x"], parts)
        valid = inside if mask is None else inside & _laid_out(arrays["mask"], parts)[0]
        window = _windows(parts)
        values, offsets = argextremum_of(x, valid, window, kind, None, None, "window", dtype)
        index = jnp.zeros(values.shape, dtype)
        for part, tap in zip(parts, taps_of(offsets, window, dtype), strict=True):
            start = _index(part).astype(dtype) * part.size + _row(part.starts(), part).astype(dtype)
            index = index * part.bins.size + _along_axis(start, part.bins.axis, x.ndim) + tap
        # Level 2: a valid element. Level 1: the mask leaves all out. Level 0: no element of the bin lies in this shard.
        level = jnp.broadcast_to(_any(inside, parts) + _any(valid, parts), values.shape)
        values, index, level = (_among_all(array, parts) for array in (values, index, level))
        values, index, best = best_of_shards(values, index, level, _names(parts), kind)
        return values, index, best == 2

    arrays = {"x": x} if mask is None else {"x": x, "mask": jnp.broadcast_to(mask, x.shape)}
    return map_shards(of_shard, arrays, x, explicit_spec(x), _spec_of_results(x, parts))


def _parts(x: Array, bins: _Bins) -> list[ShardBins]:
    """What a shard has of the bins along each axis."""
    spec = explicit_spec(x)
    return [ShardBins(part, names_of(spec[part.axis]), shards_of(x, part.axis)) for part in bins]


def _names(parts: Sequence[ShardBins]) -> tuple[str, ...]:
    """The mesh axes along which devices share bins."""
    return tuple(name for part in parts if part.joined for name in part.names)


def _spec_of_results(x: Array, parts: Sequence[ShardBins]) -> list[Any]:
    """The bins that devices share are whole on each."""
    whole = {part.bins.axis for part in parts if part.joined}
    return [None if axis in whole else entry for axis, entry in enumerate(explicit_spec(x))]


def _windows(parts: Sequence[ShardBins]) -> Window:
    """The windows that the parts of bins are, once they are laid out."""
    return Window(tuple(part.window() for part in parts))


def _index(part: ShardBins) -> Array:
    """Which shard this one is."""
    return lax.axis_index(part.names) if part.names else jnp.zeros((), jnp.int32)


def _row(table: np.ndarray, part: ShardBins) -> Array:
    """The entries of this shard in a table of all."""
    return lax.dynamic_index_in_dim(jnp.asarray(table, jnp.int32), _index(part), keepdims=False)


def _along_axis(vector: Array, axis: int, rank: int) -> Array:
    return lax.expand_dims(vector, [i for i in range(rank) if i != axis])


def _laid_out(x: Array, parts: Sequence[ShardBins]) -> tuple[Array, Array]:
    """The elements of every part of a bin side by side, and which of them are its own."""
    inside: Any = True
    rank = x.ndim
    for part in parts:
        axis, tap = part.bins.axis, jnp.arange(part.width, dtype=jnp.int32)[None]
        starts, lengths = _row(part.starts(), part)[:, None], _row(part.lengths(), part)[:, None]
        place = jnp.minimum(starts + tap, part.size - 1).reshape(-1)
        x = jnp.take(x, place, axis, mode="clip")
        inside = inside & _along_axis((tap < lengths).reshape(-1), axis, rank)
    return x, inside


def _any(valid: Array, parts: Sequence[ShardBins]) -> Array:
    """1 for every part of a bin that has an element which is True, 0 for the others."""
    for part in parts:
        axis = part.bins.axis
        if valid.shape[axis] > 1:
            shape = (*valid.shape[:axis], part.number, part.width, *valid.shape[axis + 1 :])
            valid = jnp.any(valid.reshape(shape), axis + 1)
    return valid.astype(jnp.int32)


def _among_all(x: Array, parts: Sequence[ShardBins]) -> Array:
    """The results of this shard's parts at the bins that they belong to, and 0 elsewhere."""
    for part in parts:
        if part.joined:
            axis, outputs = part.bins.axis, part.bins.outputs
            whole = jnp.zeros((*x.shape[:axis], outputs + part.number, *x.shape[axis + 1 :]), x.dtype)
            x = lax.dynamic_update_slice_in_dim(whole, x, _row(part.firsts(), part), axis)
            x = lax.slice_in_dim(x, 0, outputs, axis=axis)
    return x
