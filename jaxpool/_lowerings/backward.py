"""All taps of a window at once, backward: every element gets the sum of what windows send to it.

Windows send to all their elements, to the one that their offset names, or to the row of elements that it names.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxpool._geometry import AxisWindow, Window
from jaxpool._lowerings.cpu import materialize, zeros_around
from jaxpool._lowerings.forward import offset_of
from jaxpool._lowerings.plan import Plan, backs_of, covering, reaching


class Rows(NamedTuple):
    """How offsets name a tap along one axis: `number` rows of `unit` offsets, the last one of `last` offsets."""

    number: int
    unit: int
    last: int


# `send(offset, reached, arrays)`: what each window sends to the element at one of its taps. `offset` names the tap.
# `reached` tells which windows have it, None for all. `arrays` begin with the offsets, if there are any.
Send = Callable[[Any, Array | None, Sequence[Array]], list[Array]]


def constant(value: int, dtype: Any) -> Array:
    """A number in an unsigned dtype; one too large wraps around, as happens to factors of taps that are always 0."""
    return jnp.asarray(value % (1 << jnp.iinfo(dtype).bits), dtype)


def row_of(offsets: Array, rows: Rows) -> Array:
    """The row that each offset lies in."""
    if rows.number == 1:
        return jnp.zeros_like(offsets)
    if rows.unit == 1:
        return offsets
    return jnp.minimum(lax.div(offsets, constant(rows.unit, offsets.dtype)), constant(rows.number - 1, offsets.dtype))


def _in_row(offsets: Array, row: Array, rows: Rows) -> tuple[Array, Array]:
    """Which offsets lie in a row of a window, and their offsets in it; those of all others mean nothing."""
    # Unsigned: what lies before the row wraps around to more than any offset in it.
    rest = offsets - row * constant(rows.unit, offsets.dtype)
    most = constant(rows.unit - 1, offsets.dtype)
    if rows.last != rows.unit:
        most = jnp.where(row == constant(rows.number - 1, row.dtype), constant(rows.last - 1, row.dtype), most)
    return rest <= most, rest


def _where(chosen: Array | None, array: Array) -> Array:
    return array if chosen is None else jnp.where(chosen, array, np.zeros((), array.dtype))


def _offset(wanted: Any, dtype: Any) -> Array:
    # The offset of a tap that a window does not have may not fit the dtype; `reached` masks it.
    return constant(wanted, dtype) if isinstance(wanted, int) else wanted.astype(dtype)


def _both(a: Array, b: Array | None) -> Array:
    return a if b is None else a & b


def _to_all(wanted: Any, reached: Array | None, arrays: Sequence[Array]) -> list[Array]:
    del wanted
    return [_where(reached, array) for array in arrays]


def _to_named(wanted: Any, reached: Array | None, arrays: Sequence[Array]) -> list[Array]:
    offsets, *values = arrays
    chosen = _both(offsets == _offset(wanted, offsets.dtype), reached)
    return [_where(chosen, value) for value in values]


def _to_rows(rows: Rows) -> Send:
    def send(wanted: Any, reached: Array | None, arrays: Sequence[Array]) -> list[Array]:
        offsets, *values = arrays
        chosen, rest = _in_row(offsets, _offset(wanted, offsets.dtype), rows)
        return [_where(_both(chosen, reached), array) for array in (*values, rest)]

    return send


def window_spread(g: Array, window: Window, plan: Plan) -> Array:
    """x[h] = sum over the taps i of g[(h + low - i * dilation) / stride], where that is a window."""
    return receive([g], window, plan, _to_all, [jnp.add])[0]


def scatter_at_offsets(g: Array, offsets: Array, window: Window, plan: Plan) -> Array:
    """x[h] = sum of g[o] over the windows o whose offset names h."""
    return receive([offsets, g], window, plan, _to_named, [jnp.add])[0]


def scatter_to_rows(
    offsets: Array, values: Sequence[Array], window: Window, rows: Rows, plan: Plan
) -> tuple[Array, ...]:
    """One step of a scatter: every row of elements along one axis gets what windows send to it.

    Args:
      offsets: positions in the whole window.
      values: arrays like the offsets.
      window: along the axis of the rows.
      rows: how offsets name a row.
      plan: its `back` counts.

    Returns:
      The sums of the values, and the offsets in the rows, on which all windows agree that send to the same row.
    """
    combine = [*[jnp.add] * len(values), jnp.maximum]
    return tuple(receive([offsets, *values], window, plan, _to_rows(rows), combine))


def receive(
    arrays: Sequence[Array], window: Window, plan: Plan, send: Send, combine: Sequence[Callable[..., Array]]
) -> list[Array]:
    """What arrives at every element: of all that windows `send` to it, combined."""

    def join(totals: list[Array], sent: list[Array]) -> list[Array]:
        return [add(a, b) for add, a, b in zip(combine, totals, sent, strict=True)] if totals else sent

    if plan.back == "dilate":
        totals: list[Array] = []
        for tap in itertools.product(*(range(part.taps) for part in window.parts)):
            sent = send(offset_of(window, tap), None, arrays)
            totals = join(totals, [_put(array, window, tap) for array in sent])
        return totals
    # Where the window lies along the contiguous axis only that one is interleaved: joining rows that are joined
    # themselves is slow.
    last = window.axes[-1] == arrays[0].ndim - 1
    phased = () if plan.back == "cover" else window.parts[-1:] if last else window.parts
    ways = [_Way(part, part.stride > 1 and part in phased) for part in window.parts]
    # Zeros around the values make the offsets there irrelevant.
    padded: Sequence[Array] = [zeros_around(a, {way.part.axis: way.pads for way in ways}) for a in arrays]
    padded = padded if send is _to_all else materialize(*padded)
    totals = _interleave(padded, window, ways, send, join, ())
    return [lax.slice(total, [0] * total.ndim, window.input_shape(total.shape)) for total in totals]


def _put(array: Array, window: Window, tap: Sequence[int]) -> Array:
    """Output-shaped values as zeros of the input's shape but for the elements at one tap."""
    pads = [(0, 0, 0)] * array.ndim
    for part, i in zip(window.parts, tap, strict=True):
        first = i * part.dilation - part.low
        last = first + (part.outputs - 1) * part.stride
        pads[part.axis] = (first, part.size - 1 - last, part.stride - 1)
    return lax.pad(array, jnp.zeros((), array.dtype), pads)


class _Way(NamedTuple):
    """How elements along one axis find the windows that hold them.

    Element `h` lies in cell `(h + low) // stride`, where the output of the same number starts, and the windows that may
    hold it start in that cell or a few back. Elements are looked at all together, each output repeated `stride` times,
    or in phases, the elements `phase, phase + stride, ...` of which all see the same taps.
    """

    part: AxisWindow
    phased: bool

    @property
    def blocks(self) -> int:
        """Elements of a phase."""
        return -(-self.part.size // self.part.stride)

    @property
    def pads(self) -> tuple[int, int]:
        """How many windows are looked at before the first and after the last."""
        part = self.part
        end = -(-(part.low + part.size) // part.stride)
        if self.phased:
            end = (part.low + part.stride - 1) // part.stride + self.blocks
        return covering(part).stop - 1 - part.low // part.stride, end - part.outputs

    def backs(self, phase: int) -> Sequence[int]:
        """How many cells back the windows lie that send to the elements."""
        part = self.part
        if not self.phased:
            return backs_of(part)
        distance = (phase + part.low) % part.stride
        return [back for back in covering(part) if distance + back * part.stride < part.taps]

    def windows(self, array: Array, phase: int, back: int) -> Array:
        """For every element the window so many cells back: a slice, which if not phased is repeated and cropped."""
        part, axis = self.part, self.part.axis
        first, last = part.low // part.stride, -(-(part.low + part.size) // part.stride)
        start = covering(part).stop - 1 - back
        if self.phased:
            start += (phase + part.low) // part.stride - first
            return lax.slice_in_dim(array, start, start + self.blocks, axis=axis)
        return lax.slice_in_dim(array, start, start + last - first, axis=axis)

    def tap(self, phase: int, back: int, shape: Sequence[int]) -> tuple[Any, Array | None]:
        """Which tap of that window each element is, and where it is one; None if always."""
        part = self.part
        if self.phased or part.stride == 1:
            return ((phase + part.low) % part.stride + back * part.stride) // part.dilation, None
        positions = lax.broadcasted_iota(jnp.int32, shape, part.axis)
        distance = (positions + part.low % part.stride) % part.stride + back * part.stride
        tap = distance // part.dilation
        if all(reaching(part, back)):
            return tap, None
        return tap, (distance % part.dilation == 0) & (tap < part.taps)


def _repeat(array: Array, ways: Sequence[_Way]) -> Array:
    """Every window once for each element of its cell: a broadcast and a reshape, which fuse into what reads them."""
    strides, start, limit = [1] * array.ndim, [0] * array.ndim, list(array.shape)
    for way in ways:
        part = way.part
        if not way.phased:
            strides[part.axis] = part.stride
            start[part.axis] = part.low % part.stride
            limit[part.axis] = start[part.axis] + part.size
    if max(strides) > 1:
        split = [n for size, stride in zip(array.shape, strides, strict=True) for n in (size, stride)]
        repeated = lax.broadcast_in_dim(array, split, range(0, 2 * array.ndim, 2))
        array = repeated.reshape([size * stride for size, stride in zip(array.shape, strides, strict=True)])
    return lax.slice(array, start, limit)


def _interleave(
    padded: Sequence[Array],
    window: Window,
    ways: Sequence[_Way],
    send: Send,
    join: Callable[[list[Array], list[Array]], list[Array]],
    phases: tuple[int, ...],
) -> list[Array]:
    """What arrives at the elements of all phases, of which those along the first axes are given."""
    if len(phases) == len(ways):
        return _arriving(padded, window, ways, send, join, phases)
    way = ways[len(phases)]
    if not way.phased:
        return _interleave(padded, window, ways, send, join, (*phases, 0))
    axis, stride = way.part.axis, way.part.stride
    pieces = [_interleave(padded, window, ways, send, join, (*phases, phase)) for phase in range(stride)]
    results: list[Array] = []
    for arrays in zip(*pieces, strict=True):
        shape = list(arrays[0].shape)
        shape[axis] *= stride
        results.append(jnp.stack(arrays, axis + 1).reshape(shape))
    return results


def _arriving(
    padded: Sequence[Array],
    window: Window,
    ways: Sequence[_Way],
    send: Send,
    join: Callable[[list[Array], list[Array]], list[Array]],
    phases: Sequence[int],
) -> list[Array]:
    shape = list(padded[0].shape)
    for way in ways:
        shape[way.part.axis] = way.blocks if way.phased else way.part.size
    totals: list[Array] = []
    for backs in itertools.product(*(way.backs(phase) for way, phase in zip(ways, phases, strict=True))):
        wanted, reached = 0, None
        arrays = list(padded)
        for way, phase, back, unit in zip(ways, phases, backs, window.offset_strides, strict=True):
            tap, here = way.tap(phase, back, shape)
            reached = reached if here is None else _both(here, reached)
            wanted = wanted + tap * unit
            arrays = [way.windows(array, phase, back) for array in arrays]
        totals = join(totals, send(wanted, reached, [_repeat(array, ways) for array in arrays]))
    if totals:
        return totals
    count = len(send(0, None, padded))
    return [jnp.zeros(shape, array.dtype) for array in padded[-count:]]
