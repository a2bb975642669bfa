"""All taps at once: one strided slice per tap, joined by elementwise operations that the compiler fuses into one loop.

The outputs are split into an interior and thin borders, so no padded copy of the input is made. The adjoints look from
the input: an element is in few windows, and for each of them the cotangent, repeated by the stride, is a plain slice.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Segment, Window
from jaxpool._lowerings import taps
from jaxpool._lowerings.reduce_window import extreme

# Whether padding takes part in comparisons.
reads_padding = False

# Elements along the contiguous axis from which on a loop over them fills vectors.
_WIDE = 32


def refuses(operator: str, window: Window, consistent: bool) -> str | None:
    """Why this window cannot be run, or None."""
    del consistent
    spreads = operator in ("window_spread", "scatter_at_offsets")
    count = taps.covering_count(window) if spreads else taps.slice_count(window)
    return None if count <= taps.MAX_SLICES else f"it would take {count} slices, more than {taps.MAX_SLICES}"


def _fold(x: Array, window: Window, join: Callable[[list[Array]], Array]) -> Array:
    def region_value(region: Sequence[Segment]) -> tuple[Array]:
        values = [taps.take_tap(x, window, region, tap) for tap in taps.taps_of(region)]
        return (join(values) if values else jnp.zeros(_shape_of(region, x.shape, window), x.dtype),)

    return taps.over_regions(window, region_value)[0]


def _shape_of(region: Sequence[Segment], shape: Sequence[int], window: Window) -> list[int]:
    sizes = list(shape)
    for part, segment in zip(window.parts, region, strict=True):
        sizes[part.axis] = segment.stop - segment.start
    return sizes


def window_sum(x: Array, window: Window) -> Array:
    """y[o] = sum over the taps i of x[o * stride - low + i * dilation]."""
    return _fold(x, window, lambda values: functools.reduce(lax.add, values))


def window_spread(g: Array, window: Window) -> Array:
    """x[h] = sum over the taps i of g[(h + low - i * dilation) / stride], where that is a window."""
    padded = taps.pad_to_cells(g, window)
    shape = window.input_shape(g.shape)
    total = jnp.zeros(shape, g.dtype)
    for i, backs in enumerate(taps.coverings(window)):
        value = taps.at_inputs(padded, window, backs)
        _, reached = taps.reaching_offsets(window, backs, shape, window.offset_dtype)
        value = value if reached is None else jnp.where(reached, value, jnp.zeros((), g.dtype))
        total = value if i == 0 else total + value
    return total


def window_extremum(x: Array, window: Window, kind: str) -> Array:
    """y[o] = the largest, or smallest, element of the window; NaN if there is one."""
    return _fold(x, window, lambda values: taps.first_extremum(values, kind))


def select_best(arrays: Sequence[Array], window: Window, kind: str) -> tuple[Array, ...]:
    """Every array at the first extremum of `arrays[0]` in each window, and the offset of that element.

    A window wholly in padding has the worst value, at its first tap.
    """

    def region_value(region: Sequence[Segment]) -> tuple[Array, ...]:
        def at(tap: tuple[int, ...]) -> tuple[Array, ...]:
            new = tuple(taps.take_tap(array, window, region, tap) for array in arrays)
            return (*new, jnp.full(new[0].shape, taps.offset_of(window, tap), window.offset_dtype))

        if not any(True for _ in taps.taps_of(region)):
            shape = _shape_of(region, arrays[0].shape, window)
            worst = jnp.full(shape, extreme(arrays[0].dtype, kind), arrays[0].dtype)
            return (worst, *(jnp.zeros(shape, a.dtype) for a in arrays[1:]), jnp.zeros(shape, window.offset_dtype))
        return taps.first_best(map(at, taps.taps_of(region)), kind)

    return taps.over_regions(window, region_value)


def window_argextremum(x: Array, window: Window, kind: str) -> tuple[Array, Array]:
    """The extremum of each window and the offset of the first element that has it."""
    values, offsets = select_best((x,), window, kind)
    size: Any = x.shape[-1]  # not an int where the program is exported for any number of channels
    if isinstance(size, int) and size >= _WIDE:
        # XLA:CPU computes two results in two loops, and that of the values needs no offsets.
        values = window_extremum(x, window, kind)
    return values, offsets


def gather_at_offsets(x: Array, offsets: Array, window: Window, consistent: bool) -> Array:
    """y[o] = x[o * stride - low + tap(offsets[o]) * dilation], 0 in padding."""
    del consistent

    def region_value(region: Sequence[Segment]) -> tuple[Array]:
        start, limit = [0] * offsets.ndim, list(offsets.shape)
        for part, segment in zip(window.parts, region, strict=True):
            start[part.axis], limit[part.axis] = segment.start, segment.stop
        here = lax.slice(offsets, start, limit)
        result = jnp.zeros(here.shape, x.dtype)
        for tap in taps.taps_of(region):
            chosen = here == jnp.asarray(taps.offset_of(window, tap), here.dtype)
            result = lax.select(chosen, taps.take_tap(x, window, region, tap), result)
        return (result,)

    return taps.over_regions(window, region_value)[0]


def scatter_at_offsets(g: Array, offsets: Array, window: Window, consistent: bool) -> Array:
    """x[h] = sum of g[o] over the windows o whose offset names h."""
    del consistent
    shape = window.input_shape(g.shape)
    # Zeros around the cotangent make the offsets there irrelevant.
    offsets, g = taps.materialize(taps.pad_to_cells(offsets, window), taps.pad_to_cells(g, window))
    total = jnp.zeros(shape, g.dtype)
    for i, backs in enumerate(taps.coverings(window)):
        wanted, reached = taps.reaching_offsets(window, backs, shape, offsets.dtype)
        chosen = taps.at_inputs(offsets, window, backs) == wanted
        chosen = chosen if reached is None else chosen & reached
        sent = jnp.where(chosen, taps.at_inputs(g, window, backs), jnp.zeros((), g.dtype))
        total = sent if i == 0 else total + sent
    return total


def scatter_rows(offsets: Array, values: Sequence[Array], window: Window, rows: taps.Rows) -> tuple[Array, ...]:
    """The first step of a scatter along all axes: every row of the input gets what the windows send to it.

    Args:
      offsets: positions in the whole window.
      values: arrays like the offsets; what several windows send to one row is added.
      window: along the axis of the rows.
      rows: how offsets name a row.

    Returns:
      The values that arrive, and the places in the rows, on which all windows agree that send to the same row.
    """
    shape = window.input_shape(offsets.shape)
    offsets, *values = taps.materialize(*(taps.pad_to_cells(array, window) for array in (offsets, *values)))
    totals: list[Array] = []
    for backs in taps.coverings(window):
        row, reached = taps.reaching_offsets(window, backs, shape, offsets.dtype)
        chosen, places = taps.in_row(taps.at_inputs(offsets, window, backs), row, rows)
        chosen = chosen if reached is None else chosen & reached
        arriving = (*(taps.at_inputs(value, window, backs) for value in values), places)
        sent = [jnp.where(chosen, array, jnp.zeros((), array.dtype)) for array in arriving]
        totals = join_rows(totals, sent)
    return tuple(totals)


def join_rows(totals: Sequence[Array], sent: Sequence[Array]) -> list[Array]:
    """What arrived in the rows so far, and what arrives more: values are added, places are the same or 0."""
    if not totals:
        return list(sent)
    sums = [total + value for total, value in zip(totals[:-1], sent[:-1], strict=True)]
    return [*sums, jnp.maximum(totals[-1], sent[-1])]
