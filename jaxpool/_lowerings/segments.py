"""Sums and extrema of sets of elements along one axis; an integer of each element tells its set.

Elements in any order are scattered. Where their integers never decrease, a scan that starts anew with each set leaves
the result at the last element of the set: no scatter, and the same order of additions in every run.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import SegmentedAxis, known
from jaxpool._lowerings.forward import beats, extreme


def _each(function: Callable[..., Array], axis: int, ids: Array, *arrays: Array) -> Array:
    """The function of the axis, integers of one axis alone, and the arrays, mapped over all other axes of `ids`."""
    for other, size in enumerate(ids.shape):
        if other != axis and size != 1:
            inner = functools.partial(_each, function, axis - (other < axis))
            return jax.vmap(inner, in_axes=other, out_axes=other)(ids, *arrays)
    return function(axis, lax.squeeze(ids, [other for other in range(ids.ndim) if other != axis]), *arrays)


def _at(ids: Array, axis: int) -> tuple[Any, ...]:
    return (*[slice(None)] * axis, ids)


def segment_sum(x: Array, ids: Array, window: SegmentedAxis) -> Array:
    """y[s] = sum of x[i] over the elements i with ids[i] = s."""
    if window.ordered and known(window.size):
        return _each(functools.partial(_scanned_sum, window=window), window.axis, ids, x)

    def scattered(axis: int, ids: Array, x: Array) -> Array:
        zeros = jnp.zeros((*x.shape[:axis], window.count, *x.shape[axis + 1 :]), x.dtype)
        return zeros.at[_at(ids, axis)].add(x, mode="drop", wrap_negative_indices=False)

    return _each(scattered, window.axis, ids, x)


def segment_spread(g: Array, ids: Array, window: SegmentedAxis) -> Array:
    """x[i] = g[ids[i]], 0 where there is no such set."""
    return _each(_taken, window.axis, ids, g)


def _taken(axis: int, ids: Array, g: Array) -> Array:
    if g.shape[axis] == 0:
        return jnp.zeros((*g.shape[:axis], *ids.shape, *g.shape[axis + 1 :]), g.dtype)
    return g.at[_at(ids, axis)].get(mode="fill", fill_value=0, wrap_negative_indices=False)


def segment_extremum(x: Array, ids: Array, *valid: Array, window: SegmentedAxis, kind: str) -> Array:
    """The place of the first extremum, or of the first NaN, of each set; the number of elements where it is empty.

    `valid`, if given, tells which elements take part; it broadcasts to `x`.
    """
    if x.dtype == jnp.bool_ or (jnp.issubdtype(x.dtype, jnp.integer) and jnp.iinfo(x.dtype).bits < 8):
        x = x.astype(jnp.uint8 if x.dtype == jnp.bool_ else jnp.int8)
    elif jnp.issubdtype(x.dtype, jnp.floating) and jnp.finfo(x.dtype).bits < 32:
        x = x.astype(jnp.float32)
    masks = [jnp.broadcast_to(mask, x.shape) for mask in valid]
    ordered = window.ordered and known(window.size)
    function = _scanned_extremum if ordered else _scattered_extremum
    return _each(functools.partial(function, window=window, kind=kind), window.axis, ids, x, *masks)


def _scattered_extremum(axis: int, ids: Array, x: Array, *valid: Array, window: SegmentedAxis, kind: str) -> Array:
    # Extrema of numbers do not depend on the order in which they are scattered, so that runs repeat.
    at, worst = _at(ids, axis), extreme(x.dtype, kind)
    unordered = x != x
    candidates = jnp.where(unordered, worst, x)
    for mask in valid:
        candidates = jnp.where(mask, candidates, worst)
    best = jnp.full((*x.shape[:axis], window.count, *x.shape[axis + 1 :]), worst, x.dtype).at[at]
    scatter = best.max if kind == "max" else best.min
    best = scatter(candidates, mode="drop", wrap_negative_indices=False)
    size = window.size
    index = lax.broadcasted_iota(jnp.int32, x.shape, axis)
    # The first NaN comes before all that equal the extremum.
    order = jnp.where(unordered, index - size, jnp.where(x == _taken(axis, ids, best), index, size))
    for mask in valid:
        order = jnp.where(mask, order, size)
    first = jnp.full(best.shape, size, jnp.int32).at[at].min(order, mode="drop", wrap_negative_indices=False)
    return jnp.where(first < 0, first + size, first)


def _scanned_extremum(axis: int, ids: Array, x: Array, *valid: Array, window: SegmentedAxis, kind: str) -> Array:
    size = window.size
    places = lax.broadcasted_iota(jnp.int32, x.shape, axis)
    for mask in valid:
        places = jnp.where(mask, places, size)

    def better(earlier: tuple[Array, Array], later: tuple[Array, Array]) -> tuple[Array, Array]:
        new = (later[1] < size) & (beats(later[0], earlier[0], kind) | (earlier[1] == size))
        return jnp.where(new, later[0], earlier[0]), jnp.where(new, later[1], earlier[1])

    _, places = _scan(better, (x, places), ids, axis)
    return _at_ends(places, ids, axis, window, size)


def _scanned_sum(axis: int, ids: Array, x: Array, window: SegmentedAxis) -> Array:
    (total,) = _scan(lambda a, b: (a[0] + b[0],), (x,), ids, axis)
    return _at_ends(total, ids, axis, window, 0)


def _scan(combine: Callable[[Any, Any], Any], tree: Any, ids: Array, axis: int) -> Any:
    """`combine` from the first element of the same set to each one."""
    shape = [1] * jax.tree.leaves(tree)[0].ndim
    shape[axis] = ids.shape[0]
    starts = jnp.concatenate([ids[:1] == ids[:1], ids[1:] != ids[:-1]]).reshape(shape)

    def joined(earlier: Any, later: Any) -> Any:
        (begun, a), (anew, b) = earlier, later
        return begun | anew, jax.tree.map(functools.partial(jnp.where, anew), b, combine(a, b))

    return lax.associative_scan(joined, (starts, tree), axis=axis)[1]


def _at_ends(scanned: Array, ids: Array, axis: int, window: SegmentedAxis, empty: int) -> Array:
    """What stands at the last element of each set, or `empty`."""
    sets = jnp.arange(window.count, dtype=ids.dtype)
    if window.size == 0:
        return jnp.full((*scanned.shape[:axis], window.count, *scanned.shape[axis + 1 :]), empty, scanned.dtype)
    last = jnp.searchsorted(ids, sets, side="right").astype(jnp.int32) - 1
    held = (last >= 0) & (ids.at[last].get(mode="clip") == sets)
    shape = [1] * scanned.ndim
    shape[axis] = window.count
    found = scanned.at[_at(last, axis)].get(mode="clip")
    return jnp.where(held.reshape(shape), found, jnp.asarray(empty, scanned.dtype))


def gather_in_segments(x: Array, places: Array, ids: Array, window: SegmentedAxis) -> Array:
    """y[s] = x[places[s]], 0 where that is beyond the end."""
    del ids
    index = jnp.minimum(places, window.size - 1) if window.size != 0 else places
    if window.size == 0:
        return jnp.zeros(places.shape, x.dtype)
    found = jnp.take_along_axis(x, index, window.axis, mode="clip")
    return jnp.where(places < window.size, found, jnp.zeros((), x.dtype))


def scatter_in_segments(g: Array, places: Array, ids: Array, window: SegmentedAxis) -> Array:
    """x[i] = g[ids[i]] where i is the place of its set, else 0: each set sends to one of its own elements."""
    both = functools.partial(segment_spread, ids=ids, window=window)
    index = lax.broadcasted_iota(places.dtype, window.input_shape(g.shape), window.axis)
    # Places as counted from 1, as sets that are not there spread 0.
    return jnp.where(both(places + 1) == index + 1, both(g), jnp.zeros((), g.dtype))
