"""Slices, pads and interleaving: the vocabulary of the lowerings that look at one tap of every window at a time."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxpool._geometry import AxisWindow, Segment, Window


class Rows(NamedTuple):
    """How offsets are told apart by the tap along one axis: `number` rows of `unit` offsets, the last of `last`."""

    number: int
    unit: int
    last: int


# A program with more slices than this compiles too slowly to be of use.
MAX_SLICES = 4096

# Numbers that may be written into a program.
_MAX_CONSTANT = 4096


def slice_count(window: Window) -> int:
    """How many slices a lowering takes that looks at every tap in every region of equal borders."""
    return math.prod(sum(s.last - s.first for s in part.segments()) for part in window.parts)


def covering_count(window: Window) -> int:
    """How many slices a lowering takes that looks at every window that may hold an element."""
    return math.prod(len(_reached(part)) for part in window.parts)


def over_regions(window: Window, compute: Callable[[tuple[Segment, ...]], tuple[Array, ...]]) -> tuple[Array, ...]:
    """`compute` on every region of outputs with equal borders, the results joined.

    Padding never takes part: a padded copy of the input costs more than the borders, which are few and thin.
    """

    def build(chosen: tuple[Segment, ...]) -> tuple[Array, ...]:
        if len(chosen) == len(window.parts):
            return compute(chosen)
        part = window.parts[len(chosen)]
        pieces = [build((*chosen, segment)) for segment in part.segments()]
        if len(pieces) == 1:
            return pieces[0]
        return tuple(lax.concatenate(arrays, part.axis) for arrays in zip(*pieces, strict=True))

    return build(())


def taps_of(region: Sequence[Segment]) -> Iterator[tuple[int, ...]]:
    """The taps of a region that lie inside the input, row-major."""
    return itertools.product(*(range(segment.first, segment.last) for segment in region))


def take_tap(x: Array, window: Window, region: Sequence[Segment], tap: Sequence[int]) -> Array:
    """What the windows of a region have at one tap: a strided slice of the input."""
    start, limit, stride = [0] * x.ndim, list(x.shape), [1] * x.ndim
    for part, segment, i in zip(window.parts, region, tap, strict=True):
        start[part.axis] = segment.start * part.stride - part.low + i * part.dilation
        limit[part.axis] = start[part.axis] + (segment.stop - segment.start - 1) * part.stride + 1
        stride[part.axis] = part.stride
    return lax.slice(x, start, limit, stride)


def offset_of(window: Window, tap: Sequence[int]) -> int:
    """The row-major position of a tap inside the window."""
    return sum(i * stride for i, stride in zip(tap, window.offset_strides, strict=True))


def rank(x: Array, kind: str) -> Array:
    """What elements are compared by: themselves, but keys of floats with those of -0 and 0, -1 and 0, as equals."""
    if not is_key(kind):
        return x
    return x - lax.shift_right_arithmetic(x, jnp.asarray(jnp.iinfo(x.dtype).bits - 1, x.dtype))


def beats(new: Array, old: Array, kind: str) -> Array:
    """Where `new` takes the place of `old`, the extremum so far: of a strictly better rank, or the first NaN."""
    if not jnp.issubdtype(new.dtype, jnp.floating):
        return better(new, old, kind)
    keeps = old >= new if kind == "max" else old <= new
    # keeps is False if either is NaN; old == old holds unless old is a NaN already.
    return ~keeps & (old == old)


def better(new: Array, old: Array, kind: str) -> Array:
    """Where `new` is of a strictly better rank; nowhere if either is NaN."""
    return new > old if is_max(kind) else new < old


def is_max(kind: str) -> bool:
    """Whether the extremum is a maximum."""
    return kind in ("max", "max of keys")


def is_key(kind: str) -> bool:
    """Whether the values are floats as integers, see the module `narrow`."""
    return kind.endswith(" of keys")


def first_best(candidates: Iterable[tuple[Array, ...]], kind: str) -> tuple[Array, ...]:
    """The first of the tuples whose first array is the extremum, or NaN, element by element."""
    best: tuple[Array, ...] = ()
    for candidate in candidates:
        new = (rank(candidate[0], kind), *candidate)
        chosen = beats(new[0], best[0], kind) if best else None
        best = new if chosen is None else tuple(lax.select(chosen, n, b) for n, b in zip(new, best, strict=True))
    return best[1:]


def first_extremum(values: Iterable[Array], kind: str) -> Array:
    """The first extremum of arrays, element by element; NaN where there is one.

    `lax.max` would do but for one thing: of two zeros it takes the positive one, not the first.
    """
    best, *others = values
    combine = lax.max if is_max(kind) else lax.min
    if is_key(kind):
        return _first_zero(best, others, functools.reduce(combine, others, best), kind)
    if jnp.issubdtype(best.dtype, jnp.integer) or best.dtype == jnp.bool_:
        return functools.reduce(combine, others, best)
    # NaN beats nothing here and is looked for apart, which is as fast as a maximum that heeds it.
    nan = best != best
    for new in others:
        best = lax.select(better(new, best, kind), new, best)
        nan = nan | (new != new)
    return lax.select(nan, jnp.full_like(best, jnp.nan), best)


def _first_zero(first: Array, others: Iterable[Array], extremum: Array, kind: str) -> Array:
    """The extremum of keys, but where it is a zero the first of the zeros.

    There no key lies beyond the zeros, so that the first zero is the first key not short of them.
    """
    for new in others:
        first = lax.select(first < -1 if is_max(kind) else first > 0, new, first)
    return lax.select((extremum == 0) | (extremum == -1), first, extremum)


def covering(part: AxisWindow) -> range:
    """How many windows back the windows lie that may hold an element: cell `q` is in the outputs `q - back`."""
    return range((part.extent - 1) // part.stride + 1)


def coverings(window: Window) -> Iterator[tuple[int, ...]]:
    """For all axes at once how many windows back a window lies, without those that no tap reaches."""
    return itertools.product(*map(_reached, window.parts))


def _reached(part: AxisWindow) -> Sequence[int]:
    if part.stride == 1:
        return range(0, part.extent, part.dilation)
    # Some distance from back * stride up to the next window's is a multiple of the dilation, and a tap's.
    if part.dilation <= part.stride:
        return covering(part)
    return [back for back in covering(part) if any(_reaching(part, back))]


def _reaching(part: AxisWindow, back: int) -> list[bool]:
    """For every position in a cell whether the window `back` cells before has a tap there."""
    distances = (phase + back * part.stride for phase in range(part.stride))
    return [d % part.dilation == 0 and d // part.dilation < part.taps for d in distances]


def _cells(part: AxisWindow) -> range:
    # Position h lies in cell (h + low) // stride, where output q of the same number starts.
    return range(part.low // part.stride, -(-(part.low + part.size) // part.stride))


def zeros_around(array: Array, pads: Mapping[int, tuple[int, int]]) -> Array:
    """The array with zeros before and after it along some axes.

    Zeros are joined to offsets, since XLA:CPU fuses a padding with the long chain that makes them, and then asks at
    every element where it is. Cotangents come from less, and are padded. Negative numbers crop: some windows may lie
    in padding.
    """
    if not jnp.issubdtype(array.dtype, jnp.unsignedinteger):
        config = [(*pads.get(axis, (0, 0)), 0) for axis in range(array.ndim)]
        return lax.pad(array, jnp.zeros((), array.dtype), config) if any(map(any, config)) else array
    for axis, sizes in pads.items():
        crop, sizes = [max(-n, 0) for n in sizes], [max(n, 0) for n in sizes]
        array = lax.slice_in_dim(array, crop[0], array.shape[axis] - crop[1], axis=axis) if any(crop) else array
        low, high = (jnp.zeros((*array.shape[:axis], n, *array.shape[axis + 1 :]), array.dtype) for n in sizes)
        pieces = [piece for piece in (low, array, high) if piece.shape[axis]]
        array = lax.concatenate(pieces, axis) if pieces else array
    return array


def pad_to_cells(g: Array, window: Window) -> Array:
    """An output-shaped array with zeros around it, so that `at_inputs` finds a window for every cell."""
    pads: dict[int, tuple[int, int]] = {}
    for part in window.parts:
        cells = _cells(part)
        pads[part.axis] = (covering(part).stop - 1 - cells.start, cells.stop - part.outputs)
    return zeros_around(g, pads)


def at_inputs(padded: Array, window: Window, backs: Sequence[int]) -> Array:
    """For every position of the input what the window has that lies so many windows back.

    A slice, each element repeated `stride` times: a broadcast and a reshape, which fuse into the loop that reads them.
    """
    start, limit = [0] * padded.ndim, list(padded.shape)
    crop_start, crop_limit = [0] * padded.ndim, list(padded.shape)
    strides = [1] * padded.ndim
    for part, back in zip(window.parts, backs, strict=True):
        cells = _cells(part)
        start[part.axis] = covering(part).stop - 1 - back
        limit[part.axis] = start[part.axis] + len(cells)
        strides[part.axis] = part.stride
        crop_start[part.axis] = part.low - cells.start * part.stride
        crop_limit[part.axis] = crop_start[part.axis] + part.size
    cells_array = lax.slice(padded, start, limit)
    if max(strides) > 1:
        split = [n for size, stride in zip(cells_array.shape, strides, strict=True) for n in (size, stride)]
        repeated = lax.broadcast_in_dim(cells_array, split, range(0, 2 * padded.ndim, 2))
        merged = [size * stride for size, stride in zip(cells_array.shape, strides, strict=True)]
        cells_array = repeated.reshape(merged)
    return lax.slice(cells_array, crop_start, crop_limit)


def reaching_offsets(
    window: Window, backs: Sequence[int], shape: Sequence[int], dtype: Any
) -> tuple[Array, Array | None]:
    """With which offset the window so many windows back reaches each position, and where it does; None if always."""
    offsets = jnp.zeros(shape, dtype)
    reached: Array | None = None
    for part, back, offset_stride in zip(window.parts, backs, window.offset_strides, strict=True):
        phases = _reaching(part, back)
        if part.stride == 1:
            offsets += jnp.asarray(back // part.dilation * offset_stride, offsets.dtype)
            continue
        positions = lax.broadcasted_iota(jnp.int32, shape, part.axis)
        distance = (positions + part.low % part.stride) % part.stride + back * part.stride
        tap = distance // part.dilation
        # Where the window has no tap the number may not fit the type; there it does not count.
        offsets += (tap * offset_stride).astype(offsets.dtype)
        if not all(phases):
            here = (distance % part.dilation == 0) & (tap < part.taps)
            reached = here if reached is None else reached & here
    return offsets, reached


def constant(value: int, dtype: Any) -> Array:
    """A number in an unsigned dtype; one too large wraps around, as happens to factors of taps that are always 0."""
    return jnp.asarray(value % (1 << jnp.iinfo(dtype).bits), dtype)


def in_row(offsets: Array, row: Array | int, rows: Rows) -> tuple[Array, Array]:
    """Which offsets lie in a row of a window, and their places there; the places of all others mean nothing."""
    # Unsigned: what lies before the row wraps around to more than any place.
    row = jnp.asarray(row, offsets.dtype)
    places = offsets - row * constant(rows.unit, offsets.dtype)
    most = constant(rows.unit - 1, offsets.dtype)
    if rows.last != rows.unit:
        most = jnp.where(row == constant(rows.number - 1, row.dtype), constant(rows.last - 1, row.dtype), most)
    return places <= most, places


def row_of(offsets: Array, rows: Rows) -> Array:
    """The row that each offset lies in."""
    if rows.number == 1:
        return jnp.zeros_like(offsets)
    return jnp.minimum(lax.div(offsets, constant(rows.unit, offsets.dtype)), constant(rows.number - 1, offsets.dtype))


def window_starts(part: AxisWindow, dtype: Any) -> Array | np.ndarray:
    """Where each window along an axis starts, negative in padding.

    XLA:GPU gives what it computes from positions along one axis a kernel of its own, but not a constant.
    """
    if not part.symbolic and part.outputs <= _MAX_CONSTANT:
        return (np.arange(part.outputs) * part.stride - part.low).astype(dtype)
    return lax.iota(dtype, part.outputs) * part.stride - jnp.asarray(part.low, dtype)


def at_real_taps(offsets: Array, window: Window) -> Array:
    """Offsets of extrema over a padded input, moved out of the padding.

    Padding holds the worst value, so it can only be first among equals, all of them the worst; then the first real
    element is meant, and its offset is larger. Any other offset is at least as large as that of the first real element.
    """
    first = jnp.zeros(offsets.shape, jnp.int32)
    for part, offset_stride in zip(window.parts, window.offset_strides, strict=True):
        if part.low > 0:
            starts = window_starts(part, jnp.int32)
            missing = jnp.maximum((part.dilation - 1 - starts) // part.dilation, 0)
            first += lax.broadcast_in_dim(missing * offset_stride, offsets.shape, (part.axis,))
    return jnp.maximum(offsets, first.astype(offsets.dtype)) if any(p.low > 0 for p in window.parts) else offsets


def materialize(*arrays: Array) -> tuple[Array, ...]:
    """The same arrays, computed once: XLA:CPU would compute them again inside every slice that reads them."""
    return tuple(jax.lax.optimization_barrier(arrays))


def store(arrays: Sequence[Array], axis: int) -> tuple[Array, ...]:
    """The same arrays, of which XLA:CPU stores every element, and fuses nothing that makes them into what reads them.

    It does so with what it joins, here to a thin slice of zeros that nobody reads; the barrier keeps them together.
    """
    joined: list[Array] = []
    for array in arrays:
        zeros = jnp.zeros((*array.shape[:axis], 1, *array.shape[axis + 1 :]), array.dtype)
        joined.append(lax.concatenate([array, zeros], axis))
    barred = materialize(*joined)
    return tuple(lax.slice_in_dim(b, 0, a.shape[axis], axis=axis) for a, b in zip(arrays, barred, strict=True))


def computed_once(offsets: Array, window: Window) -> Array:
    """The same offsets of an extremum, which XLA:CPU does not compute again for every element that reads them.

    It fuses nothing that holds a division into a loop that repeats its result; so this is a remainder that changes
    nothing.
    """
    largest = int(jnp.iinfo(offsets.dtype).max)
    return offsets if window.taps > largest else lax.rem(offsets, jnp.asarray(largest, offsets.dtype))
