"""One axis after another: as many operations as the taps of all axes added up, not multiplied.

Along an axis a long window may be a chain of short ones, so that the steps grow with the logarithm of the window. A
maximum over `k` taps is the maximum of `n` blocks of `c = k - (n - 1) q` taps, `q = k // n` taps apart. The blocks
overlap, which an extremum does not mind, and are windows themselves. So a window of 129 taps is one of 6, then one of 4
with dilation 6, then one of 6 with dilation 21. Sums do not bear overlaps. There the blocks are disjoint and a few taps
are added singly.

Extrema with offsets go from the last axis to the first, which finds the first extremum in row-major order: the first in
each row, then the first row that has it. Their adjoint goes the other way. It needs `consistent` offsets, those of a
`window_argextremum` of the same window: there, all windows whose extremum lies in one row agree on its offset in the
row, so that the row can be found first, and carries the offset in it along.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import AxisWindow, Window
from jaxpool._lowerings import backward, forward
from jaxpool._lowerings.backward import Rows
from jaxpool._lowerings.cpu import materialize, store
from jaxpool._lowerings.plan import Plan

# Up to here one pass over all taps is cheaper than two.
_LONGEST_LINK = 6
# Of links in a chain: the most taps, and the price of storing what one yields, in taps.
_MOST_TAPS = 8
_PRICE_OF_STORING = 2
# Blocks of a long sum.
_BLOCKS = 4

Sizes = tuple[tuple[int, int], ...]


class Link(NamedTuple):
    """One window of a chain; its tap `i` stands for `i * rows.unit` in the offset of the whole window."""

    window: Window
    rows: Rows


@functools.cache
def sizes_of(count: int) -> Sizes:
    """Taps and dilation of each window of the cheapest chain for `count` taps; among equals it has the fewest."""
    if count <= _LONGEST_LINK:
        return ((count, 1),)
    chains: list[Sizes] = []
    for blocks in range(2, _MOST_TAPS + 1):
        # Blocks that overlap as little as they can leave the shortest rest.
        distance = count // blocks
        first = count - (blocks - 1) * distance
        rest = ((first, 1),) if first <= _MOST_TAPS else sizes_of(first)
        chains.append((*rest, (blocks, distance)))
    return min(chains, key=lambda sizes: (sum(count + _PRICE_OF_STORING for count, _ in sizes), len(sizes)))


def _links(part: AxisWindow, unit: int) -> list[Link]:
    """The chain along one axis, from the padded input to the outputs; only the last window has a stride."""
    sizes = sizes_of(part.taps)
    length, covered = part.span, 1
    links: list[Link] = []
    for i, (count, distance) in enumerate(sizes):
        dilation, last = distance * part.dilation, i == len(sizes) - 1
        outputs = part.outputs if last else length - (count - 1) * dilation
        link = AxisWindow(part.axis, length, count, part.stride if last else 1, dilation, 0, 0, outputs)
        links.append(Link(Window((link,)), Rows(count, distance * unit, covered * unit)))
        covered += (count - 1) * distance
        length = outputs
    return links


def _along_axes(window: Window, plan: Plan) -> list[tuple[AxisWindow, list[Link]]]:
    """Per axis the windows that its window consists of; a single one if the plan has no chain."""
    axes = zip(window.parts, window.offset_strides, strict=True)
    if plan.chain:
        return [(part, _links(part, unit)) for part, unit in axes]
    return [(part, [Link(Window((part,)), Rows(part.taps, unit, unit))]) for part, unit in axes]


def _one(plan: Plan) -> Plan:
    """The plan for one window of a chain, which has no padding."""
    return dataclasses.replace(plan, borders="split") if plan.chain else plan


Run = Callable[[Sequence[Array], Window], Sequence[Array]]


def _merged(run: Run, arrays: Sequence[Array], link: Link, plan: Plan, *, stored: bool = False) -> tuple[Array, ...]:
    """What `run` makes of arrays and a window along one axis, on merged axes if the plan merges.

    `stored` says that the arrays come from the window before in a chain.
    """
    if not plan.merge:
        return tuple(run(materialize(*arrays) if stored else arrays, link.window))

    def from_stored(arrays: Sequence[Array], window: Window) -> Sequence[Array]:
        return run(store(arrays, window.axes[0]) if stored else arrays, window)

    return forward.on_merged_axes(from_stored, arrays, link.window)


def window_sum(x: Array, window: Window, plan: Plan) -> Array:
    """y[o] = sum over the taps i of x[o * stride - low + i * dilation]."""
    for part, links in reversed(_along_axes(window, plan)):
        if plan.chain:
            (x,) = materialize(forward.pad(x, (part,), 0))
            x = lax.slice_in_dim(_sums(x, part.axis, part.taps, part.dilation), 0, None, part.stride, part.axis)
        else:
            (x,) = _merged(lambda a, w: (forward.window_sum(a[0], w, plan),), materialize(x), links[0], plan)
    return x


def _sums(x: Array, axis: int, count: int, dilation: int) -> Array:
    """The sums of `count` neighbouring elements at a distance of `dilation`, at every place where they fit."""

    def at(array: Array, start: int, length: int) -> Array:
        return lax.slice_in_dim(array, start * dilation, start * dilation + length, axis=axis)

    length = x.shape[axis] - (count - 1) * dilation
    blocks, single = [(x, i) for i in range(count)], []
    if count > _LONGEST_LINK:
        block = count // _BLOCKS
        (inner,) = materialize(_sums(x, axis, block, dilation))
        blocks = [(inner, i * block) for i in range(_BLOCKS)]
        single = [(x, i) for i in range(_BLOCKS * block, count)]
    first, *others = [at(array, start, length) for array, start in (*blocks, *single)]
    for other in others:
        first = first + other
    return first


def window_spread(g: Array, window: Window, plan: Plan) -> Array:
    """x[h] = sum over the taps i of g[(h + low - i * dilation) / stride], where that is a window.

    In a chain, the same sum over the cotangent with `stride - 1` zeros between its elements, read backwards.
    """
    for part, links in _along_axes(window, plan):
        if plan.chain:
            if part.stride > 1:
                size = (part.outputs - 1) * part.stride + 1
                single = AxisWindow(part.axis, size, 1, part.stride, 1, 0, 0, part.outputs)
                g = backward.window_spread(g, Window((single,)), plan)
            pads = [(0, 0, 0)] * g.ndim
            pads[part.axis] = (part.extent - 1 - part.low, part.extent - 1 - part.high_overhang, 0)
            (g,) = materialize(lax.pad(g, jnp.zeros((), g.dtype), pads))
            g = _sums(g, part.axis, part.taps, part.dilation)
        else:
            (g,) = _merged(lambda a, w: (backward.window_spread(a[0], w, plan),), (g,), links[0], plan)
    return g


def window_extremum(x: Array, window: Window, kind: str, plan: Plan) -> Array:
    """y[o] = the largest, or smallest, element of the window; NaN if there is one."""
    for part, links in reversed(_along_axes(window, plan)):
        x = forward.pad(x, (part,), forward.extreme(x.dtype, kind)) if plan.chain else x
        (x,) = materialize(x)
        for i, link in enumerate(links):
            run: Run = lambda a, w: (forward.window_extremum(a[0], w, kind, _one(plan)),)  # noqa: E731
            (x,) = _merged(run, (x,), link, plan, stored=i > 0)
    return x


def window_argextremum(x: Array, window: Window, kind: str, plan: Plan) -> tuple[Array, Array]:
    """The extremum of each window and the offset of the first element that has it."""
    dtype = window.offset_dtype
    carried: list[Array] = []
    for part, links in reversed(_along_axes(window, plan)):
        if plan.chain:
            padded = [forward.pad(a, (part,), 0) for a in carried]
            x, *carried = materialize(forward.pad(x, (part,), forward.extreme(x.dtype, kind)), *padded)
        for i, link in enumerate(links):
            run: Run = lambda a, w: forward.select_best(a, w, kind, _one(plan))  # noqa: E731
            x, *carried, tap = _merged(run, (x, *carried), link, plan, stored=i > 0)
            # Beside the offsets of the later axes a chain carries those along its own.
            offset = tap.astype(dtype) * backward.constant(link.rows.unit, dtype)
            carried = [*carried[:-1], carried[-1] + offset] if carried else [offset]
    padded = plan.chain or plan.borders == "pad"
    return x, forward.at_real_taps(carried[0], window) if padded else carried[0]


def gather_at_offsets(x: Array, offsets: Array, window: Window, plan: Plan) -> Array:
    """y[o] = x[o * stride - low + tap(offsets[o]) * dilation], 0 in padding."""
    # Every row is given the offset in it, axis by axis; then the rows are read, last axis first.
    steps: list[tuple[Array, Link, AxisWindow | None]] = []
    axes = _along_axes(window, plan)
    for part, links in axes:
        for link in reversed(links):
            (offsets,) = materialize(offsets) if plan.chain else (offsets,)
            first = link is links[0]
            steps.append((backward.row_of(offsets, link.rows), link, part if plan.chain and first else None))
            if link is not axes[-1][1][0]:
                (offsets,) = _to_rows(offsets, (), link, plan)
        if plan.chain and links is not axes[-1][1]:
            offsets = forward.crop(offsets, (part,))
    for row, link, padded in reversed(steps):
        if plan.chain:
            (x,) = materialize(x if padded is None else forward.pad(x, (padded,), 0))
        (x,) = _merged(lambda a, w: (forward.gather_at_offsets(a[0], a[1], w, _one(plan)),), (x, row), link, plan)
    return x


def _to_rows(offsets: Array, values: Sequence[Array], link: Link, plan: Plan) -> tuple[Array, ...]:
    def run(arrays: Sequence[Array], window: Window) -> tuple[Array, ...]:
        return backward.scatter_to_rows(arrays[0], arrays[1:], window, link.rows, plan)

    return _merged(run, (offsets, *values), link, plan)


def scatter_at_offsets(g: Array, offsets: Array, window: Window, plan: Plan) -> Array:
    """x[h] = sum of g[o] over the windows o whose offset names h."""
    axes = _along_axes(window, plan)
    for part, links in axes:
        for link in reversed(links):
            if link is axes[-1][1][0]:
                # The last step: offsets are those of elements now, and none are left to hand on.
                run: Run = lambda a, w: (backward.scatter_at_offsets(a[0], a[1], w, plan),)  # noqa: E731
                (g,) = _merged(run, (g, offsets), link, plan)
                return forward.crop(g, (part,)) if plan.chain else g
            g, offsets = materialize(*_to_rows(offsets, (g,), link, _unphased(plan)))
        if plan.chain:
            g, offsets = forward.crop(g, (part,)), forward.crop(offsets, (part,))
    raise AssertionError("a window has at least one axis")


def _unphased(plan: Plan) -> Plan:
    return dataclasses.replace(plan, back="cover") if plan.back == "phases" else plan
