"""The scatter where windows lie more than one element apart and overlap: one phase of the stride at a time.

All elements of one phase look at the same taps, so they are a sum over plain slices of the cotangent; then the phases
are joined and read alternately. Repeating the cotangent by the stride instead, as `slices` does, costs XLA:CPU a
division for every element. Where the window lies along the contiguous axis, only that one is interleaved, and rows are
repeated, because joining rows that are joined themselves is slow.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import AxisWindow, Window
from jaxpool._lowerings import slices, taps


class Sender(NamedTuple):
    """From where the elements of one phase receive: a tap of the windows from `start` on."""

    tap: int
    start: int


def refuses(operator: str, window: Window, consistent: bool) -> str | None:
    """Why this window cannot be run, or None."""
    del consistent
    if operator != "scatter_at_offsets":
        return "interleaving only computes the way back from offsets"
    limit = taps.MAX_SLICES
    return None if window.taps <= limit else f"it would take up to {window.taps} slices, more than {limit}"


scatter_rows = slices.scatter_rows


def scatter_at_offsets(g: Array, offsets: Array, window: Window, consistent: bool) -> Array:
    """x[h] = sum of g[o] over the windows o whose offset names h."""
    del consistent
    repeated = window.parts[:-1] if window.axes[-1] == g.ndim - 1 else ()
    joined = window.parts[len(repeated) :]
    rows = Window(repeated)
    # Zeros around the cotangent make the offsets there irrelevant.
    pads = {part.axis: _pads(part) for part in joined}
    g, offsets = taps.materialize(*(taps.pad_to_cells(taps.zeros_around(a, pads), rows) for a in (g, offsets)))
    result = _interleave(lambda phases: _receive(g, offsets, window, rows, joined, phases), joined)
    return lax.slice(result, [0] * g.ndim, window.input_shape(result.shape))


def _receive(
    g: Array, offsets: Array, window: Window, rows: Window, joined: Sequence[AxisWindow], phases: Sequence[int]
) -> Array:
    """What the elements of one phase along the joined axes get, in every row."""
    strides = window.offset_strides[len(rows.parts) :]
    # Rows are counted in offsets of the axis that is left; without rows this counts nothing.
    unit = joined[-1].taps
    total: Array | None = None
    for senders in itertools.product(*map(_senders, joined, phases)):
        starts = {part.axis: sender.start for part, sender in zip(joined, senders, strict=True)}
        here, sent = (_blocks_from(array, joined, starts) for array in (offsets, g))
        tap = sum(sender.tap * stride for sender, stride in zip(senders, strides, strict=True))
        for backs in taps.coverings(rows):
            row, reached = taps.reaching_offsets(rows, backs, rows.input_shape(here.shape), offsets.dtype)
            wanted = row * taps.constant(unit, row.dtype) + taps.constant(tap, row.dtype)
            named = taps.at_inputs(here, rows, backs) == wanted
            named = named if reached is None else named & reached
            arrived = jnp.where(named, taps.at_inputs(sent, rows, backs), jnp.zeros((), g.dtype))
            total = arrived if total is None else total + arrived
    if total is not None:
        return total
    # No tap of any window falls on these elements.
    first = {part.axis: 0 for part in joined}
    return jnp.zeros(rows.input_shape(_blocks_from(g, joined, first).shape), g.dtype)


def _interleave(
    receive: Callable[[tuple[int, ...]], Array], joined: Sequence[AxisWindow], phases: tuple[int, ...] = ()
) -> Array:
    """The elements of all phases, those along the axes before being given."""
    if len(phases) == len(joined):
        return receive(phases)
    part = joined[len(phases)]
    pieces = [_interleave(receive, joined, (*phases, phase)) for phase in range(part.stride)]
    if part.stride == 1:
        return pieces[0]
    shape = list(pieces[0].shape)
    shape[part.axis] *= part.stride
    return jnp.stack(pieces, part.axis + 1).reshape(shape)


def _blocks(part: AxisWindow) -> int:
    return -(-part.size // part.stride)


def _first(part: AxisWindow) -> int:
    # Position h = block * stride + phase lies in cell (h + low) // stride, and the windows that may hold it start at
    # that cell or some cells back; so this is the first window that is looked at.
    return part.low // part.stride - (taps.covering(part).stop - 1)


def _pads(part: AxisWindow) -> tuple[int, int]:
    """How many windows are looked at before the first and after the last."""
    last = _blocks(part) - 1 + (part.low + part.stride - 1) // part.stride
    return -_first(part), last + 1 - part.outputs


def _blocks_from(array: Array, parts: Sequence[AxisWindow], starts: Mapping[int, int]) -> Array:
    for part in parts:
        start = starts[part.axis]
        array = lax.slice_in_dim(array, start, start + _blocks(part), axis=part.axis)
    return array


def _senders(part: AxisWindow, phase: int) -> Iterator[Sender]:
    cell, distance = divmod(phase + part.low, part.stride)
    for back in taps.covering(part):
        tap, gap = divmod(distance + back * part.stride, part.dilation)
        if gap == 0 and tap < part.taps:
            yield Sender(tap, cell - back - _first(part))
