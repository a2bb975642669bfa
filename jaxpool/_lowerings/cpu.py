"""What suits a CPU, and what XLA:CPU has to be kept from."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._lowerings.plan import AXES, CHAIN, EXTREMA, FORWARD, JOINT, PLANE, Case, Plan, slice_count


def choose(case: Case) -> Plan:
    """The plan for an operator."""
    if case.window.whole:
        return PLANE
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
    # Else the links of a chain are fused and recomputed for every tap: 60 times slower in `cpu-long-narrow.json`.
    return _merged(plan) if plan.chain and case.operator in EXTREMA else plan


# The bounds below come from timings of single operators on 2 cores. `cpu.json` shows what they led to for windows of 2
# and 3 with 1, 3, 6, 8, 16 and 24 channels, and for long ones with 1, 3, 12 and 17; `cpu-few-channels.json` is for
# windows of 2 by 2. Windows of 4 to 6 and those in three dimensions rest on timings alone where channels are few.
# XLA:CPU unrolls a loop over up to about 32 elements, and then hardly fills vectors. More slices make it worse.


def _few(case: Case) -> bool:
    """Whether all taps at once make few slices."""
    # Joining regions along the contiguous axis is slow, so there as few as possible; 81 slices are a window of 3 by 3
    # with borders on all sides.
    return not case.pools_last_axis and case.window.taps <= 9 and slice_count(case.operator, JOINT, case.window) <= 81


def _long(case: Case) -> bool:
    """Whether a chain of windows is shorter than the window."""
    return case.dense and case.longest > 6


def _merged(plan: Plan) -> Plan:
    return dataclasses.replace(plan, merge=True)


def _merges_value(case: Case) -> bool:
    """Whether values are better found on merged axes."""
    # Up to 8 elements the innermost loop is short enough, from 32 on it is no longer unrolled.
    return case.dense and not case.pools_last_axis and 8 < case.innermost < 32 and not _few(case) and not _long(case)


def _overlapping(case: Case) -> bool:
    """Whether windows start more than one element apart along the last axis and yet share elements."""
    last = case.window.parts[-1]
    return 1 < last.stride < last.extent


def _sum(case: Case) -> Plan:
    if (case.narrow and case.dense and case.innermost >= 32 and _few(case)) or (case.innermost <= 8 and _few(case)):
        return AXES
    if _merges_value(case):
        return _merged(AXES)
    return JOINT if _few(case) else CHAIN if _long(case) else AXES


def _extremum(case: Case) -> Plan:
    few = _few(case)
    # Narrow floats become integers first, which is cheaper to repeat along one axis than to store.
    if case.narrow and few and _overlapping(case) and case.innermost < 32:
        return _merged(AXES)
    # 16 elements of 16 bits are one vector, which has no loop.
    if case.narrow and few and not (case.dense and case.innermost == 16):
        return AXES
    if _long(case) and case.longest > 10:
        return _merged(CHAIN)
    if few and case.innermost <= 8:
        return AXES
    if _merges_value(case) and not case.narrow:
        return _merged(AXES)
    return JOINT if few else CHAIN if _long(case) else AXES


def _argextremum(case: Case) -> Plan:
    few, long, minor = _few(case), _long(case), case.pools_last_axis
    # XLA would fuse the offsets of a dilated window into the scatter's padding and recompute them there.
    if few and case.dilated:
        return AXES
    if not minor and case.dense and not few and not long and len(case.window.parts) > 2 and 8 <= case.innermost < 24:
        return _merged(AXES)
    if long and (case.longest > 10 or len(case.window.parts) > 1 or minor or case.innermost <= 8):
        return _merged(CHAIN)
    if case.narrow and minor and case.dense:
        return CHAIN
    few_lanes = not minor and case.innermost < (16 if case.narrow else 8)
    # Not for narrow floats in windows of 2 by 2: max-2x2-s2-digits in `cpu-few-channels.json`.
    if few_lanes and few and not (case.narrow and case.window.taps <= 4):
        return AXES
    return JOINT if few else CHAIN if long else AXES


def _spread(case: Case) -> Plan:
    count = slice_count(case.operator, JOINT, case.window)
    if count <= 9 or (not case.pools_last_axis and 8 <= case.innermost <= 32 and count <= 27):
        return JOINT
    return CHAIN if case.dense else AXES


def _gather(case: Case) -> Plan:
    if case.window.taps <= 16 or not case.consistent:
        return JOINT
    return CHAIN if case.dense and case.longest > 13 else AXES


def _phases(case: Case) -> bool:
    """Whether the scatter interleaves phases along the last axis at all."""
    last = case.window.parts[-1]
    # Joining more phases than two is slower than repeating.
    if not _overlapping(case) or last.stride > 2 or case.dilated:
        return False
    # Cropping what was joined along the contiguous axis is slow; so is joining short rows that are then narrowed.
    return not case.pools_last_axis or (last.size % 2 == 0 and (not case.narrow or last.size >= 32))


def _scatter(case: Case) -> Plan:
    if not case.consistent:
        return JOINT
    window, minor, lanes, narrow = case.window, case.pools_last_axis, case.innermost, case.narrow
    phased = _phases(case)
    twos = all(part.stride == 2 for part in window.parts) and lanes > (32 if narrow else 15)
    # All taps at once compare once for every tap, which from about 5 by 5 on costs more than one axis after another.
    if phased and window.taps <= 25 and (minor or twos):
        return dataclasses.replace(JOINT, back="phases")
    if phased and (minor or (lanes < 16 and not (narrow and lanes == 1)) or (window.taps > 25 and lanes >= 16)):
        return dataclasses.replace(AXES, back="phases")
    # Repeating by the stride is slow along the contiguous axis. A loop over 32 elements is the longest unrolled.
    # Where windows do not overlap it is a third as fast as one over 40 (2 by 2 and 3 by 3, f32 and bf16).
    if _overlapping(case) if minor else window.non_overlapping and lanes == 32:
        return AXES
    if slice_count(case.operator, JOINT, window) <= 9:
        return JOINT
    if case.dense and case.longest > (6 if narrow and not minor and 8 < lanes < 16 else 13):
        return dataclasses.replace(CHAIN, merge=lanes < 24)
    if not minor and case.dense and 2 <= lanes < (24 if len(window.parts) > 2 else 9 if narrow else 12):
        return _merged(AXES)
    return AXES


# What XLA:CPU has to be kept from.


def materialize(*arrays: Array) -> tuple[Array, ...]:
    """The same arrays, computed once: XLA:CPU would compute them again inside every slice that reads them."""
    return tuple(lax.optimization_barrier(arrays))


def store(arrays: Sequence[Array], axis: int) -> tuple[Array, ...]:
    """The same arrays, all of whose elements XLA:CPU stores, though more than slices of them may be wanted.

    It never fuses a concatenation with what reads it. So append a thin slice of zeros, add a barrier, and slice it off.
    """
    joined: list[Array] = []
    for array in arrays:
        zeros = jnp.zeros((*array.shape[:axis], 1, *array.shape[axis + 1 :]), array.dtype)
        joined.append(lax.concatenate([array, zeros], axis))
    barred = materialize(*joined)
    return tuple(lax.slice_in_dim(b, 0, a.shape[axis], axis=axis) for a, b in zip(arrays, barred, strict=True))


def computed_once(offsets: Array, window: Window) -> Array:
    """The same offsets of an extremum, which XLA:CPU does not recompute for every element that reads them.

    It fuses no division into a loop that repeats its result; so this is a remainder that changes nothing.
    """
    largest = int(jnp.iinfo(offsets.dtype).max)
    return offsets if window.taps > largest else lax.rem(offsets, jnp.asarray(largest, offsets.dtype))


def zeros_around(array: Array, pads: Mapping[int, tuple[int, int]]) -> Array:
    """The array with zeros before and after it along some axes; negative numbers crop.

    Zeros are concatenated to offsets: XLA:CPU would fuse a padding with the long chain that makes offsets, and then ask
    at every element where it is. Cotangents come from less, and are padded.
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


def inputs(case: Case, plan: Plan, x: Array) -> Array:
    """The inputs, which XLA:CPU does not take apart again where an earlier pool has concatenated them."""
    return materialize(x)[0] if case.operator in FORWARD and plan.order in ("joint", "axes") else x


def loses_nan(case: Case, dtype: Any) -> bool:
    """Whether XLA:CPU may lose a NaN: where it reduces many rows of floats to their extremum."""
    return case.window.whole and case.operator in EXTREMA and jnp.issubdtype(dtype, jnp.floating)


def finds_values_apart(case: Case, plan: Plan) -> bool:
    """Whether values with offsets are better computed by themselves.

    XLA:CPU computes two results in two loops, and that of the values needs no offsets. Loops over fewer elements do not
    fill vectors.
    """
    return plan.order == "joint" and case.innermost >= 32
