"""Elements at places that only the program knows: row-major positions in the spatial plane, one per window.

These are real gathers and scatters. Where positions repeat, a scatter adds in an order that is XLA's own; maxima of
integers do not depend on it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import AxisWindow, Window, known
from jaxpool._geometry.regions import even_parts
from jaxpool._lowerings.cpu import store
from jaxpool._lowerings.forward import beats, extreme


def _in_plane(places: Array, window: Window) -> Array:
    """Places as indices along the plane's axes, the last axis; those outside the plane point beyond every axis."""
    sizes = [part.size for part in window.parts]
    outside = (places < 0) | (places >= math.prod(sizes))
    index: list[Array] = []
    for size in reversed(sizes):
        index.append(jnp.where(outside, size, places % size))
        places = places // size
    return jnp.stack(index[::-1], axis=-1)


def _batch(rank: int, window: Window) -> tuple[int, ...]:
    """The axes along which nothing moves: gathers and scatters are told, so that devices may share them."""
    return tuple(axis for axis in range(rank) if axis not in window.axes)


def _gathered(x: Array, index: Array, window: Window, fill: int) -> Array:
    numbers = lax.GatherDimensionNumbers(
        offset_dims=(),
        collapsed_slice_dims=window.axes,
        start_index_map=window.axes,
        operand_batching_dims=_batch(x.ndim, window),
        start_indices_batching_dims=_batch(x.ndim, window),
    )
    return lax.gather(x, index, numbers, (1,) * x.ndim, mode="fill", fill_value=fill)


def _scattered(scatter: Callable[..., Array], start: Array, index: Array, updates: Array, window: Window) -> Array:
    numbers = lax.ScatterDimensionNumbers(
        update_window_dims=(),
        inserted_window_dims=window.axes,
        scatter_dims_to_operand_dims=window.axes,
        operand_batching_dims=_batch(start.ndim, window),
        scatter_indices_batching_dims=_batch(start.ndim, window),
    )
    return scatter(start, index, updates, numbers, mode="drop")


def gather_at_places(x: Array, places: Array, window: Window) -> Array:
    """y[o] = x[places[o]], 0 outside the plane."""
    return _gathered(x, _in_plane(places, window), window, 0)


def scatter_at_places(g: Array, places: Array, window: Window) -> Array:
    """x[h] = sum of g[o] over the outputs o whose place is h; places outside the plane are dropped."""
    zeros = jnp.zeros(window.input_shape(g.shape), g.dtype)
    return _scattered(lax.scatter_add, zeros, _in_plane(places, window), g, window)


def last_at_places(places: Array, window: Window) -> Array:
    """Whether an output is the last in row-major order with its place."""
    order = jnp.zeros(places.shape, jnp.int32)
    for part in window.parts:
        order = order * part.outputs + lax.broadcasted_iota(jnp.int32, places.shape, part.axis)
    index = _in_plane(places, window)
    none = jnp.full(window.input_shape(places.shape), -1, jnp.int32)
    return _gathered(_scattered(lax.scatter_max, none, index, order, window), index, window, -1) == order


def first_maximum(x: Array, *bounds: Array, window: Window) -> Array:
    """The place of the first maximum, or NaN, between bounds that differ from window to window.

    Args:
      x: the inputs.
      bounds: per spatial axis where every window starts, then where it stops; of the outputs' size along that axis, of
        size 1 along the other spatial axes, and along the rest of size 1 or that of the inputs.
      window: along every axis start and stop are `taps` or `taps - 1` apart, and at least 1. A stop may lie `high`
        positions beyond the end.
    """
    places: Array | None = None
    unit = 1
    # The last axis first: the first maximum in each row, then the first row that has it.
    for part, start, stop in reversed(list(zip(window.parts, bounds[::2], bounds[1::2], strict=True))):
        x, places = _first_along(x, places, start, stop, part, unit)
        unit *= part.size
    if places is None:
        raise AssertionError("a window has at least one axis")
    return places


def sum_between(x: Array, *bounds: Array, window: Window) -> Array:
    """The sum between bounds as those of `first_maximum`; starts and stops grow from window to window."""
    for part, start, stop in reversed(list(zip(window.parts, bounds[::2], bounds[1::2], strict=True))):
        stop = jnp.minimum(stop, part.size)
        x = _sum_of_runs(x, start, stop, part.taps, part.axis)
    return x


def spread_between(g: Array, *bounds: Array, window: Window) -> Array:
    """The adjoint of `sum_between`. Nothing is added into memory: an element collects from the windows that hold it."""
    for part, start, stop in zip(window.parts, bounds[::2], bounds[1::2], strict=True):
        axis = part.axis
        # Windows that hold an element are neighbours: those that start up to it, without those that stop up to it.
        place = lax.iota(start.dtype, part.size + 1)
        edges = [_count_up_to(bound, place[: part.size], axis) for bound in (stop, start)]
        g = _sum_of_runs(g, edges[0], edges[1], min(part.taps, part.outputs), axis)
    return g


def _count_up_to(bound: Array, place: Array, axis: int) -> Array:
    """How many of the bounds along an axis do not lie beyond each place."""
    shape = [1] * (bound.ndim + 1)
    shape[axis + 1] = place.size
    below = jnp.expand_dims(bound, axis + 1) <= place.reshape(shape)
    return jnp.sum(below, axis, dtype=place.dtype)


def _sum_of_runs(x: Array, start: Array, stop: Array, most: int, axis: int) -> Array:
    """The sums of neighbours from start to stop along one axis, of `most` elements at most."""
    run = (*start.shape[: axis + 1], most, *start.shape[axis + 1 :])
    place = jnp.expand_dims(start, axis + 1) + lax.broadcasted_iota(start.dtype, run, axis + 1)
    inside = place < jnp.expand_dims(stop, axis + 1)
    place = jnp.minimum(place, x.shape[axis] - 1).reshape(*run[:axis], run[axis] * most, *run[axis + 2 :])
    if place.size == place.shape[axis]:
        taken = jnp.take(x, place.ravel(), axis, mode="clip")
    else:
        taken = jnp.take_along_axis(x, place, axis, mode="clip")
    taken = taken.reshape(*taken.shape[:axis], run[axis], most, *taken.shape[axis + 1 :])
    return jnp.sum(jnp.where(inside, taken, jnp.zeros((), x.dtype)), axis + 1, dtype=x.dtype)


def _first_along(
    x: Array, places: Array | None, start: Array, stop: Array, part: AxisWindow, unit: int
) -> tuple[Array, Array]:
    """The maximum between the bounds along one axis, and its place, of which `places` holds the later axes.

    A window is two blocks that may overlap, one at its start and one before its stop. Blocks of 2, 4, 8, ... elements
    that start everywhere are made by comparing neighbours, so that the program grows with the logarithm of the window.
    """
    along = lax.broadcasted_iota(start.dtype, x.shape, part.axis)
    singles = places is None
    places = along if places is None else along * unit + places
    if part.high:
        config = [(0, part.high if axis == part.axis else 0, 0) for axis in range(x.ndim)]
        x, places = lax.pad(x, extreme(x.dtype, "max"), config), lax.pad(places, jnp.zeros((), places.dtype), config)
    # The largest power of two that every window holds; two of them cover the longest.
    block = 1 << max((part.taps - 1).bit_length() - 1, 0)
    width = 1
    while width < block:
        earlier = [lax.slice_in_dim(a, 0, -width, axis=part.axis) for a in (x, places)]
        later = [lax.slice_in_dim(a, width, None, axis=part.axis) for a in (x, places)]
        x, places = _better(earlier, later)
        width *= 2
        # Store every second doubling: XLA:CPU recomputes a block from its elements at every read, cheaply up to four.
        if width.bit_length() % 2 == 1:
            x, places = store((x, places), [part.axis])

    def at(array: Array, positions: Array) -> Array:
        return jnp.take_along_axis(array, positions, part.axis, mode="clip")

    best = (at(x, start), start)
    if part.taps > 1:
        best = _better(best, (at(x, stop - block), stop - block))
    # Where windows are single elements, their starts may stand for many maps at once.
    return best[0], jnp.broadcast_to(best[1], best[0].shape) if singles and block == 1 else at(places, best[1])


def _better(earlier: Sequence[Array], later: Sequence[Array]) -> tuple[Array, Array]:
    """Of two pairs of a value and its place the one that is larger or the first NaN; of equals the earlier."""
    new = beats(later[0], earlier[0], "max")
    return jnp.where(new, later[0], earlier[0]), jnp.where(new, later[1], earlier[1])


def first_in_regions(x: Array, *bounds: Array, window: Window) -> tuple[Array, Array]:
    """The first maximum, or NaN, of regions of any size, and its place; 0 and -1 where a region is empty.

    Args:
      x: the inputs.
      bounds: where every region starts and stops, first along the first of the two spatial axes; of the outputs' size
        along that axis and of size 1 along the other. Then the same along the second, of the outputs' size along both.
        All are inside the plane, and of size 1 along the features.
      window: the sizes of the plane and of the outputs.
    """
    down, along = (part.axis for part in window.parts)
    others = [axis for axis in range(x.ndim) if axis not in (down, along)]
    # What the bounds do not depend on is read in one piece.
    same = others[-1:] if others and all(bound.shape[others[-1]] == 1 for bound in bounds) else []
    order = (*others[: len(others) - len(same)], down, along, *same)

    def folded(array: Array) -> Array:
        shape = tuple(array.shape[axis] for axis in order)
        split = len(shape) - len(same)
        array = lax.transpose(array, order)
        return array.reshape(math.prod(shape[: split - 2]), *shape[split - 2 : split], math.prod(shape[split:]))

    results = _in_parts(folded(x), [folded(bound) for bound in bounds])
    shape = window.output_shape(x.shape)
    back = sorted(range(x.ndim), key=lambda axis: order[axis])
    value, place = (lax.transpose(r.reshape([shape[axis] for axis in order]), back) for r in results)
    return value, place


def _in_parts(x: Array, bounds: Sequence[Array]) -> tuple[Array, Array]:
    """`_searched`, some rows of regions at once: a search takes as many steps as the largest of its regions has."""
    _, height, width, _ = x.shape
    planes, rows, columns, _ = bounds[2].shape
    if not known(rows):
        return _searched(x, bounds)
    size = even_parts(rows, max(height * width // (8 * columns), 64) if known(height) else 64)
    parts = -(-rows // size)
    if parts <= 1:
        return _searched(x, bounds)
    missing = parts * size - rows
    split = [
        jnp.moveaxis(
            jnp.pad(b, ((0, 0), (0, missing), (0, 0), (0, 0))).reshape(planes, parts, size, *b.shape[2:]), 1, 0
        )
        for b in bounds
    ]
    found = lax.map(lambda own: _searched(x, own), split)
    value, place = (jnp.moveaxis(f, 0, 1).reshape(planes, parts * size, *f.shape[3:])[:, :rows] for f in found)
    return value, place


def _searched(x: Array, bounds: Sequence[Array]) -> tuple[Array, Array]:
    """The first maxima of (planes, rows, columns, features) regions and their places, one position after another."""
    planes, height, width, features = x.shape
    flat = x.reshape(planes, height * width, features)
    top, bottom, left, right = bounds
    empty = (bottom <= top) | (right <= left)
    tallest, widest = (
        jnp.max(jnp.where(empty, 0, stop - start), initial=0) for start, stop in ((top, bottom), (left, right))
    )
    shape = (*left.shape[:3], features)

    def step(number: Array, best: tuple[Array, Array]) -> tuple[Array, Array]:
        row, column = top + number // widest, left + number % widest
        place = row * width + column
        index = place.reshape(planes, shape[1] * shape[2], 1)
        value = jnp.take_along_axis(flat, index, axis=1, mode="clip").reshape(shape)
        new = (row < bottom) & (column < right) & (beats(value, best[0], "max") | (best[1] < 0))
        return jnp.where(new, value, best[0]), jnp.where(new, place, best[1])

    nothing = jnp.zeros(shape, x.dtype), jnp.full(shape, -1, top.dtype)
    return lax.fori_loop(jnp.zeros((), top.dtype), tallest * widest, step, nothing)
