"""One axis after another: as many operations as the taps of all axes added up, not multiplied.

Along an axis a long window may be a chain of short ones, so that the steps grow with the logarithm of the window. A
maximum over `k` taps is the maximum of `n` blocks of `c = k - (n - 1) q` taps, `q = k // n` taps apart. The blocks
overlap, which an extremum does not mind, and are windows themselves. So a window of 129 taps is one of 6, then one of 4
with dilation 6, then one of 6 with dilation 21. Sums do not bear overlaps. There the blocks are disjoint and a few taps
are added singly.

XLA:CPU fuses through barriers, and would compute each step again for every tap of the next. A plan that stores prevents
this. There each step ends in a concatenation: with the padding of the next step, or else with a thin slice.

Extrema with offsets go from the last axis to the first, which finds the first extremum in row-major order: the first in
each row, then the first row that has it. Their adjoint goes the other way. It needs `consistent` offsets, those of a
`window_argextremum` of the same window: there, all windows whose extremum lies in one row agree on its offset in the
row, so that the row can be found first, and carries the offset in it along.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import AxisWindow, Window
from jaxpool._lowerings import backward, forward
from jaxpool._lowerings.backward import Rows
from jaxpool._lowerings.cpu import joined, materialize, store
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


def _along_axes(window: Window, plan: Plan, linked: bool = True) -> list[tuple[AxisWindow, list[Link]]]:
    """Per axis the windows that its window consists of; a single one if there is no chain, or none is wanted."""
    axes = zip(window.parts, window.offset_strides, strict=True)
    if plan.chain and linked:
        return [(part, _links(part, unit)) for part, unit in axes]
    single = [(part, part.on_padded_plane if _pads(plan) else part, unit) for part, unit in axes]
    return [(part, [Link(Window((padded,)), Rows(part.taps, unit, unit))]) for part, padded, unit in single]


def _one(plan: Plan) -> Plan:
    """The plan for one window of a chain, whose input has its padding already."""
    return _unpadded(plan) if plan.chain or plan.store else plan


def _unpadded(plan: Plan) -> Plan:
    return dataclasses.replace(plan, borders="split")


def _pads(plan: Plan) -> bool:
    return plan.chain or plan.borders == "pad"


Run = Callable[[Sequence[Array], Window], Sequence[Array]]
Then = Callable[[tuple[Array, ...]], tuple[Array, ...]]


def _step(run: Run, arrays: Sequence[Array], window: Window, plan: Plan, then: Then | None) -> tuple[Array, ...]:
    """What `run` makes of arrays and a window along one axis, on merged axes if the plan merges.

    `then` makes it ready for the next step, on the same axes.
    """

    def compute(arrays: Sequence[Array], window: Window) -> tuple[Array, ...]:
        results = tuple(run(arrays, window))
        return then(results) if then else results

    return forward.on_merged_axes(compute, arrays, window) if plan.merge else compute(arrays, window)


def _kept(arrays: Sequence[Array], plan: Plan, axes: Sequence[int]) -> tuple[Array, ...]:
    """The results of a step, stored along one of the axes or behind a barrier, for the next."""
    return store(arrays, axes) if plan.store else materialize(*arrays)


def _padded(arrays: Sequence[Array], part: AxisWindow, values: Sequence[Any], plan: Plan) -> tuple[Array, ...]:
    """The arrays with their padding along an axis, if the plan pads."""
    pads = (part.low, part.high_overhang)
    if not _pads(plan) or not any(pads):
        return tuple(arrays)
    # Before the first step there are no offsets yet.
    pairs = zip(arrays, values, strict=False)
    if plan.store:
        return materialize(*(joined(array, value, part.axis, pads) for array, value in pairs))
    return tuple(forward.pad(array, (part,), value) for array, value in pairs)


def _forward(
    run: Any, x: Array, window: Window, values: Sequence[Any], plan: Plan, *, linked: bool = True, fuse: bool = False
) -> tuple[Array, ...]:
    """`run` for every window of the chain along every axis, the last axis first.

    Args:
      run: makes the results of one step from those before it, the window and its rows.
      x: the inputs.
      window: the whole window.
      values: what pads the arrays that `run` reads.
      plan: how.
      linked: whether a long window is a few short ones.
      fuse: whether compilers may fuse one axis with the next, if the plan does not store them.
    """
    axes = list(reversed(_along_axes(window, plan, linked)))
    free = fuse and not plan.chain and not plan.store

    def ready(arrays: tuple[Array, ...], part: AxisWindow) -> tuple[Array, ...]:
        # Joined to their padding, arrays are stored.
        joins = plan.store and _pads(plan) and (part.low != 0 or part.high_overhang != 0)
        return _padded(arrays if joins or free else _kept(arrays, plan, window.axes), part, values, plan)

    arrays = _padded((x,) if free else materialize(x), axes[0][0], values, plan)
    for number, (_, links) in enumerate(axes, 1):
        for link in links:
            then: Then | None = functools.partial(_kept, plan=plan, axes=window.axes)
            if link is links[-1]:
                then = functools.partial(ready, part=axes[number][0]) if number < len(axes) else None
            arrays = _step(functools.partial(run, rows=link.rows), arrays, link.window, plan, then)
    return arrays


def window_sum(x: Array, window: Window, plan: Plan) -> Array:
    """y[o] = sum over the taps i of x[o * stride - low + i * dilation]."""

    def run(arrays: Sequence[Array], window: Window, rows: Rows) -> tuple[Array]:
        del rows
        if not plan.chain:
            return (forward.window_sum(arrays[0], window, _one(plan)),)
        part = window.parts[0]
        sums = _sums(arrays[0], part.axis, part.taps, part.dilation, plan)
        single = dataclasses.replace(part, size=sums.shape[part.axis], taps=1)
        return (forward.window_sum(sums, Window((single,)), _one(plan)),)

    return _forward(run, x, window, (0,), plan, linked=False)[0]


def _sums(x: Array, axis: int, count: int, dilation: int, plan: Plan) -> Array:
    """The sums of `count` neighbouring elements at a distance of `dilation`, at every place where they fit."""

    def at(array: Array, start: int, length: int) -> Array:
        return lax.slice_in_dim(array, start * dilation, start * dilation + length, axis=axis)

    length = x.shape[axis] - (count - 1) * dilation
    blocks, single = [(x, i) for i in range(count)], []
    if count > _LONGEST_LINK:
        block = count // _BLOCKS
        (inner,) = _kept([_sums(x, axis, block, dilation, plan)], plan, [axis])
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

    def run(arrays: Sequence[Array], window: Window) -> tuple[Array]:
        (g,), part = arrays, window.parts[0]
        if not plan.chain:
            return (backward.window_spread(g, window, plan),)
        if part.stride > 1:
            single = AxisWindow(part.axis, (part.outputs - 1) * part.stride + 1, 1, part.stride, 1, 0, 0, part.outputs)
            g = backward.window_spread(g, Window((single,)), plan)
        pads = [(0, 0, 0)] * g.ndim
        pads[part.axis] = (part.extent - 1 - part.low, part.extent - 1 - part.high_overhang, 0)
        (g,) = materialize(lax.pad(g, jnp.zeros((), g.dtype), pads))
        return (_sums(g, part.axis, part.taps, part.dilation, plan),)

    for part in window.parts:
        last = part is window.parts[-1]
        then = functools.partial(_kept, plan=plan, axes=window.axes) if plan.store and not last else None
        (g,) = _step(run, (g,), Window((part,)), plan, then)
    return g


def window_extremum(x: Array, window: Window, kind: str, plan: Plan) -> Array:
    """y[o] = the largest, or smallest, element of the window; NaN if there is one."""

    def run(arrays: Sequence[Array], window: Window, rows: Rows) -> tuple[Array]:
        del rows
        return (forward.window_extremum(arrays[0], window, kind, _one(plan)),)

    return _forward(run, x, window, (forward.extreme(x.dtype, kind),), plan)[0]


def window_argextremum(x: Array, window: Window, kind: str, plan: Plan) -> tuple[Array, Array]:
    """The extremum of each window and the offset of the first element that has it."""
    dtype = window.offset_dtype

    def run(arrays: Sequence[Array], window: Window, rows: Rows) -> tuple[Array, Array]:
        x, *carried, tap = forward.select_best(arrays, window, kind, _one(plan))
        # Beside the offsets of the later axes a chain carries those along its own.
        offset = tap.astype(dtype) * backward.constant(rows.unit, dtype)
        return x, carried[0] + offset if carried else offset

    x, offsets = _forward(run, x, window, (forward.extreme(x.dtype, kind), 0), plan, fuse=True)
    return x, forward.at_real_taps(offsets, window) if _pads(plan) else offsets


def gather_at_offsets(x: Array, offsets: Array, window: Window, plan: Plan) -> Array:
    """y[o] = x[o * stride - low + tap(offsets[o]) * dilation], 0 in padding."""
    # First turn offsets in windows into offsets in rows, axis by axis. Then gather, the last axis first.
    steps: list[tuple[Array, Link, AxisWindow | None]] = []
    axes = _along_axes(window, _unpadded(plan))
    for part, links in axes:
        for link in reversed(links):
            (offsets,) = materialize(offsets) if plan.chain else (offsets,)
            first = link is links[0]
            steps.append((backward.row_of(offsets, link.rows), link, part if plan.chain and first else None))
            if link is not axes[-1][1][0]:
                (offsets,) = _to_rows(offsets, (), link, plan, None)
        if plan.chain and links is not axes[-1][1]:
            offsets = forward.crop(offsets, (part,))
    for row, link, padded in reversed(steps):
        if plan.chain:
            (x,) = materialize(x if padded is None else forward.pad(x, (padded,), 0))
        one = _unpadded(plan) if plan.chain else plan
        run: Run = lambda a, w, one=one: (forward.gather_at_offsets(a[0], a[1], w, one),)  # noqa: E731
        (x,) = _step(run, (x, row), link.window, plan, None)
    return x


def _to_rows(offsets: Array, values: Sequence[Array], link: Link, plan: Plan, then: Then | None) -> tuple[Array, ...]:
    # A step hands on rows, whose remainders by the stride are not interleaved.
    plan = dataclasses.replace(plan, back="cover") if plan.back == "phases" else plan

    def run(arrays: Sequence[Array], window: Window) -> tuple[Array, ...]:
        return backward.scatter_to_rows(arrays[0], arrays[1:], window, link.rows, plan)

    return _step(run, (offsets, *values), link.window, plan, then)


def scatter_at_offsets(g: Array, offsets: Array, window: Window, plan: Plan) -> Array:
    """x[h] = sum of g[o] over the windows o whose offset names h."""
    axes = _along_axes(window, _unpadded(plan))
    kept = functools.partial(_kept, plan=plan, axes=window.axes)
    for part, links in axes:
        for link in reversed(links):
            if link is axes[-1][1][0]:
                # The last step: offsets are those of elements now, and none are left to hand on.
                run: Run = lambda a, w: (backward.scatter_at_offsets(a[0], a[1], w, plan),)  # noqa: E731
                (g,) = _step(run, (g, offsets), link.window, plan, None)
                return forward.crop(g, (part,)) if plan.chain else g
            g, offsets = _to_rows(offsets, (g,), link, plan, kept)
        if plan.chain:
            g, offsets = forward.crop(g, (part,)), forward.crop(offsets, (part,))
    raise AssertionError("a window has at least one axis")
