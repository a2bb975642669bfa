"""What suits a CPU, and what XLA:CPU has to be kept from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window, known
from jaxpool._lowerings.plan import AXES, CHAIN, EXTREMA, FORWARD, JOINT, PLANE, Case, Plan, slice_count


def choose(case: Case) -> Plan:
    """The plan for an operator."""
    if case.window.whole:
        return _whole(case)
    choices = {
        "window_sum": _sum,
        "window_spread": _spread,
        "window_extremum": _extremum,
        "window_argextremum": _argextremum,
        "gather_at_offsets": _gather,
        "scatter_at_offsets": _scatter,
    }
    return choices[case.operator](case)


def adapt(plan: Plan, case: Case) -> Plan:
    """A plan that a user has named, as it suits a CPU."""
    # Store each link. Otherwise XLA fuses the chain and recomputes it for every tap: `cpu-long-narrow.json`, 60 times.
    return _stored(plan, case) if plan.chain and case.operator != "gather_at_offsets" else plan


# The bounds below are fitted to `cpu-operators.json`: single operators by every plan, on the named workloads and on 240
# random pools. `cpu-plans.json` shows the choice on pools that took no part in the fit. There it is within 1.15 of the
# best plan in 46 of 64 cases, geometric mean 1.22. The best single plan, "separable, merged, stored", has 1.24.
# More rules are unlikely to help. A forest of trees, which sees more of a case, is right no more often on pools that it
# was not fitted to: `cpu-choice-trees.json`. The rest depends on how XLA:CPU unrolls a loop.
# XLA:CPU unrolls a loop over up to about 32 elements, and then hardly vectorizes.
_SHORT_LOOP = 32


def _stored(plan: Plan, case: Case) -> Plan:
    """One axis after another, of which each is stored, with loops that are long enough for vectors."""
    return dataclasses.replace(plan, store=True, merge=case.innermost < _SHORT_LOOP)


def _slow_to_store(case: Case) -> bool:
    """Whether storing an axis, whose regions are joined there, would interrupt a short loop."""
    split = any(len(part.segments()) > 1 for part in case.window.parts)
    return split and case.innermost < _SHORT_LOOP


def _few(case: Case, most: int) -> bool:
    """Whether all taps at once, in all regions, make few slices."""
    return slice_count(case.operator, JOINT, case.window) <= most


def _small(case: Case) -> bool:
    """Whether a window has few taps, and the loops over its regions are long."""
    # Regions are joined along the contiguous axis by a copy.
    return case.window.taps <= 9 and case.innermost >= 16 and not case.pools_last_axis


def _shallow(case: Case) -> bool:
    """Whether windows lie apart and few hold an element along each axis: most links of a chain would be unread."""
    # With indices the best chain takes 1.5 times as long as the best axis by axis: `cpu-strided-volumes.json`.
    return not case.dense and case.deepest <= 4


def _joint(case: Case) -> Plan:
    """All taps at once, of short loops on merged axes, where regions are joined by a copy."""
    return dataclasses.replace(JOINT, merge=case.innermost < 16)


# XLA:CPU does not vectorize reductions to an extremum: `cpu-planes.json`. Offsets along longer axes compile slowly.
_LONG_AXIS = 64


def _whole(case: Case) -> Plan:
    """Of a window that is the whole plane."""
    return _stored(AXES, case) if case.operator in EXTREMA and case.longest <= _LONG_AXIS else PLANE


def _sum(case: Case) -> Plan:
    few = case.longest <= 4 and _few(case, 180)
    # Narrow floats become f32 first. All taps at once would repeat that for every tap.
    if case.window.taps <= 4 or (few and case.narrow and case.dense and case.innermost >= _SHORT_LOOP):
        return AXES
    if few:
        return JOINT
    if case.dense and case.overlap > 100:
        return _stored(CHAIN, case)
    return AXES if _slow_to_store(case) else _stored(AXES, case)


def _extremum(case: Case) -> Plan:
    if case.overlap > 30 and not _shallow(case):
        return _stored(CHAIN, case)
    # Keys of narrow floats take several operations per tap. One axis after another has fewer taps.
    costly = case.narrow and not case.pools_last_axis
    if _few(case, 45) or _small(case):
        if (case.narrow and case.overlap > 2) or (costly and case.window.taps > 9):
            return _stored(AXES, case)
        return AXES if case.innermost <= 8 else _joint(case)
    fused = _slow_to_store(case) or (case.overlap <= 4 and not costly)
    return AXES if fused else _stored(AXES, case)


def _argextremum(case: Case) -> Plan:
    # XLA would fuse the offsets of a dilated window into the scatter's padding and recompute them there.
    if case.dilated:
        return _stored(CHAIN, case) if case.overlap > 16 else AXES
    if _small(case):
        return JOINT
    if case.overlap <= 4 and _few(case, 27) and not case.pools_last_axis:
        return AXES if case.innermost < 8 and not case.narrow else _joint(case)
    if case.dense or (case.overlap > 16 and not _shallow(case)):
        return _stored(CHAIN, case)
    return AXES if case.pools_last_axis else _stored(AXES, case)


def _spread(case: Case) -> Plan:
    if _few(case, 9) and sum(part.taps for part in case.window.parts) <= 7:
        return JOINT
    return _stored(CHAIN, case) if case.dense and case.overlap > 100 else dataclasses.replace(AXES, merge=True)


def _gather(case: Case) -> Plan:
    if case.window.taps <= 16 or not case.consistent:
        return JOINT
    return CHAIN if case.dense and case.longest > 13 else AXES


def _scatter(case: Case) -> Plan:
    window, phases = case.window, dataclasses.replace(JOINT, back="phases", merge=True)
    if not case.consistent:
        return JOINT
    # Repeating by a large stride is slow along the contiguous axis; interleaving rows of a plane is slower yet.
    if case.pools_last_axis and len(window.parts) == 1 and window.non_overlapping and window.parts[-1].stride > 4:
        return phases
    if _few(case, 3):
        return JOINT
    # Windows that overlap by one element, as 3 by 3 with stride 2.
    long_enough = case.innermost >= (_SHORT_LOOP if case.narrow else 8)
    if _few(case, 4) and not case.dense and not case.dilated and long_enough:
        return phases
    if case.dense and not _few(case, 81):
        return _stored(CHAIN, case)
    if case.dense and not _few(case, 4) and 2 <= case.innermost < 12:
        return _stored(AXES, case)
    return JOINT if _few(case, 9) else AXES


# Elements of whole planes by their rank: counting takes a ninth of the time of a sort on large maps, and less than it
# everywhere: `cpu-ranks.json`.
COUNTS_RANKS = True


# Workarounds for XLA:CPU.


def materialize(*arrays: Array) -> tuple[Array, ...]:
    """The same arrays behind a barrier: simplifications stop there, and so does fusion on other platforms.

    XLA:CPU removes the barrier before it fuses; see `store`.
    """
    return tuple(lax.optimization_barrier(arrays))


def store(arrays: Sequence[Array], axes: Sequence[int]) -> tuple[Array, ...]:
    """The same arrays, whose elements XLA:CPU computes once and stores; `axes` are those of the window.

    Without this it may compute them again inside every slice that reads them. It fuses through barriers, but it never
    fuses a concatenation with what reads it. So append a thin slice of zeros, add a barrier, and slice the zeros off.
    Along the contiguous axis the concatenation would be a copy, so take another axis if there is one. Take one of the
    window's: devices that share a batch would exchange it to append to it.
    """
    sizes = [size if known(size) else 1 for size in arrays[0].shape]
    last = len(sizes) - 1
    choices = ([a for a in axes if a < last and sizes[a] > 1], [a for a in range(1, last) if sizes[a] > 1], [last])
    axis = max(next(filter(None, choices)), key=lambda a: sizes[a])
    barred = materialize(*(joined(array, 0, axis, (0, 1)) for array in arrays))
    return tuple(lax.slice_in_dim(b, 0, a.shape[axis], axis=axis) for a, b in zip(arrays, barred, strict=True))


def joined(array: Array, value: Any, axis: int, sizes: tuple[int, int]) -> Array:
    """The array with so many elements of a value before and after it along an axis; negative numbers crop.

    By a concatenation: XLA:CPU would fuse a padding with what reads it, and ask at every element where it is.
    """
    low, high = sizes
    if low < 0 or high < 0:
        array = lax.slice_in_dim(array, max(-low, 0), array.shape[axis] - max(-high, 0), axis=axis)
    shapes = ((*array.shape[:axis], max(n, 0), *array.shape[axis + 1 :]) for n in sizes)
    before, after = (jnp.full(shape, value, array.dtype) for shape in shapes)
    pieces = [piece for piece in (before, array, after) if piece.shape[axis]]
    return lax.concatenate(pieces, axis) if pieces else array


def computed_once(offsets: Array, window: Window) -> Array:
    """The same offsets of an extremum, which XLA:CPU does not recompute for every element that reads them.

    It fuses no division into a loop that repeats its result; so this is a remainder that changes nothing.
    """
    largest = int(jnp.iinfo(offsets.dtype).max)
    if window.symbolic or window.taps > largest:
        return offsets
    return lax.rem(offsets, jnp.asarray(largest, offsets.dtype))


def zeros_around(array: Array, pads: Mapping[int, tuple[int, int]]) -> Array:
    """The array with zeros before and after it along some axes; negative numbers crop.

    Zeros are concatenated to offsets: XLA:CPU would fuse a padding with the long chain that makes offsets, and then ask
    at every element where it is. Cotangents come from less, and are padded.
    """
    if not jnp.issubdtype(array.dtype, jnp.unsignedinteger):
        config = [(*pads.get(axis, (0, 0)), 0) for axis in range(array.ndim)]
        return lax.pad(array, jnp.zeros((), array.dtype), config) if any(map(any, config)) else array
    for axis, sizes in pads.items():
        array = joined(array, 0, axis, sizes)
    return array


def inputs(case: Case, plan: Plan, x: Array) -> Array:
    """The inputs, which XLA:CPU does not take apart again where an earlier pool has concatenated them."""
    return materialize(x)[0] if case.operator in FORWARD and plan.order in ("joint", "axes") else x


def loses_nan(case: Case, plan: Plan, dtype: Any) -> bool:
    """Whether XLA:CPU may lose a NaN: where it reduces many rows of floats to their extremum."""
    return plan == PLANE and case.operator in EXTREMA and jnp.issubdtype(dtype, jnp.floating)


def finds_values_apart(case: Case, plan: Plan) -> bool:
    """Whether values with offsets are better computed by themselves.

    XLA:CPU computes two results in two loops, and that of the values needs no offsets. Loops over fewer elements do not
    fill vectors.
    """
    return plan.order == "joint" and case.innermost >= 32
