"""All taps of a window at once, forward: one strided slice per tap, joined by elementwise operations.

A compiler fuses these into one loop. Outputs are split into an interior and thin borders, so that no padded copy of the
input is made, or the input is padded first, which a compiler may fuse into that loop, too.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxpool._geometry import AxisWindow, Segment, Window
from jaxpool._lowerings.plan import Plan

# Numbers that may be written into a program.
_MAX_CONSTANT = 4096


def extreme(dtype: Any, kind: str) -> np.ndarray:
    """The value that no element of the dtype is worse than.

    A NumPy scalar, not a traced one: with it lax knows the reduction as a maximum.
    """
    if dtype == np.bool_:
        return np.asarray(not is_max(kind))
    if jnp.issubdtype(dtype, jnp.integer):
        info = jnp.iinfo(dtype)
        return np.asarray(info.min if is_max(kind) else info.max, dtype)
    worst = np.asarray(-np.inf if is_max(kind) else np.inf, dtype)
    if np.isinf(worst.astype(np.float64)):
        return worst
    # Some 8-bit floats have no infinity.
    info = jnp.finfo(dtype)
    return np.asarray(info.min if is_max(kind) else info.max, dtype)


def is_max(kind: str) -> bool:
    """Whether the extremum is a maximum."""
    return kind in ("max", "max of keys")


def is_key(kind: str) -> bool:
    """Whether the values are floats as integers, see the module `keys`."""
    return kind.endswith(" of keys")


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
    # Comparisons with NaN are False, so look for NaN separately. This is as fast as a maximum that knows NaN.
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


def pad(x: Array, parts: Sequence[AxisWindow], value: Any, sign: int = 1) -> Array:
    """The array with the padding that its windows reach, without what none of them reaches."""
    pads = [(0, 0, 0)] * x.ndim
    for part in parts:
        pads[part.axis] = (sign * part.low, sign * part.high_overhang, 0)
    return lax.pad(x, jnp.asarray(value, x.dtype), pads) if any(map(any, pads)) else x


def crop(x: Array, parts: Sequence[AxisWindow]) -> Array:
    """The inverse of `pad`."""
    return pad(x, parts, 0, -1)


def offset_of(window: Window, tap: Sequence[int]) -> int:
    """The row-major position of a tap inside the window."""
    return sum(i * stride for i, stride in zip(tap, window.offset_strides, strict=True))


Taps = list[tuple[int, ...]]
Region = tuple[Segment, ...]


def over_regions(
    window: Window, shape: Sequence[int], compute: Callable[[Region, Taps, list[int]], tuple[Array, ...]]
) -> tuple[Array, ...]:
    """`compute` for every region of outputs with equal borders, from its real taps and its shape; concatenated."""

    def build(chosen: Region) -> tuple[Array, ...]:
        if len(chosen) == len(window.parts):
            sizes = list(shape)
            for part, segment in zip(window.parts, chosen, strict=True):
                sizes[part.axis] = segment.stop - segment.start
            taps = itertools.product(*(range(segment.first, segment.last) for segment in chosen))
            return compute(chosen, list(taps), sizes)
        part = window.parts[len(chosen)]
        pieces = [build((*chosen, segment)) for segment in part.segments()]
        if len(pieces) == 1:
            return pieces[0]
        return tuple(lax.concatenate(arrays, part.axis) for arrays in zip(*pieces, strict=True))

    return build(())


def take(x: Array, window: Window, region: Region, tap: Sequence[int]) -> Array:
    """The elements at one tap of the windows of a region: a strided slice of the input."""
    start, limit, stride = [0] * x.ndim, list(x.shape), [1] * x.ndim
    for part, segment, i in zip(window.parts, region, tap, strict=True):
        start[part.axis] = segment.start * part.stride - part.low + i * part.dilation
        limit[part.axis] = start[part.axis] + (segment.stop - segment.start - 1) * part.stride + 1
        # XLA partitions steps of more than 1 to a single element wrongly, where devices share the axis.
        stride[part.axis] = part.stride if segment.stop - segment.start > 1 else 1
    return lax.slice(x, start, limit, stride)


def take_outputs(y: Array, window: Window, region: Region) -> Array:
    """The outputs of a region."""
    start, limit = [0] * y.ndim, list(y.shape)
    for part, segment in zip(window.parts, region, strict=True):
        start[part.axis], limit[part.axis] = segment.start, segment.stop
    return lax.slice(y, start, limit)


def _with_borders(x: Array, window: Window, plan: Plan, value: Any) -> tuple[Array, Window]:
    """The input and its window, both with padding if the plan pads."""
    return (pad(x, window.parts, value), window.on_padded_plane) if plan.borders == "pad" else (x, window)


def _fold(x: Array, window: Window, join: Callable[[list[Array]], Array]) -> Array:
    def compute(region: Region, taps: Taps, shape: list[int]) -> tuple[Array]:
        values = [take(x, window, region, tap) for tap in taps]
        return (join(values) if values else jnp.zeros(shape, x.dtype),)

    return over_regions(window, x.shape, compute)[0]


def window_sum(x: Array, window: Window, plan: Plan) -> Array:
    """y[o] = sum over the taps i of x[o * stride - low + i * dilation]."""
    x, window = _with_borders(x, window, plan, 0)
    return _fold(x, window, lambda values: functools.reduce(lax.add, values))


def window_extremum(x: Array, window: Window, kind: str, plan: Plan) -> Array:
    """y[o] = the largest, or smallest, element of the window; NaN if there is one."""
    x, window = _with_borders(x, window, plan, extreme(x.dtype, kind))
    if plan.borders == "pad":
        # NaN looked for apart, as `first_extremum` does, would cost a GPU a second kernel.
        return _fold(x, window, lambda values: first_best(((value,) for value in values), kind)[0])
    return _fold(x, window, lambda values: first_extremum(values, kind))


def select_best(arrays: Sequence[Array], window: Window, kind: str, plan: Plan) -> tuple[Array, ...]:
    """Every array at the first extremum of `arrays[0]` in each window, and the offset of that element.

    A window wholly in padding has the worst value, at its first tap. If the plan pads, offsets may lie in padding where
    all real elements are the worst value; see `at_real_taps`.
    """
    worst = extreme(arrays[0].dtype, kind)
    pairs = [_with_borders(a, window, plan, worst if i == 0 else 0) for i, a in enumerate(arrays)]
    arrays, inner = [array for array, _ in pairs], pairs[0][1]

    def compute(region: Region, taps: Taps, shape: list[int]) -> tuple[Array, ...]:
        def at(tap: tuple[int, ...]) -> tuple[Array, ...]:
            new = tuple(take(array, inner, region, tap) for array in arrays)
            return (*new, jnp.full(new[0].shape, offset_of(window, tap), window.offset_dtype))

        if not taps:
            zeros = [jnp.zeros(shape, dtype) for dtype in (*(a.dtype for a in arrays[1:]), window.offset_dtype)]
            return (jnp.full(shape, worst, arrays[0].dtype), *zeros)
        return first_best(map(at, taps), kind)

    return over_regions(inner, arrays[0].shape, compute)


def window_argextremum(x: Array, window: Window, kind: str, plan: Plan) -> tuple[Array, Array]:
    """The extremum of each window and the offset of the first element that has it."""
    values, offsets = select_best((x,), window, kind, plan)
    return values, at_real_taps(offsets, window) if plan.borders == "pad" else offsets


def gather_at_offsets(x: Array, offsets: Array, window: Window, plan: Plan) -> Array:
    """y[o] = x[o * stride - low + tap(offsets[o]) * dilation], 0 in padding."""
    x, inner = _with_borders(x, window, plan, 0)

    def compute(region: Region, taps: Taps, shape: list[int]) -> tuple[Array]:
        here = take_outputs(offsets, window, region)
        result = jnp.zeros(shape, x.dtype)
        for tap in taps:
            chosen = here == jnp.asarray(offset_of(window, tap), here.dtype)
            result = lax.select(chosen, take(x, inner, region, tap), result)
        return (result,)

    return over_regions(inner, x.shape, compute)[0]


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
    first = first_real_offsets(offsets.shape, window).astype(offsets.dtype)
    return jnp.maximum(offsets, first) if any(part.low > 0 for part in window.parts) else offsets


def first_real_offsets(shape: Sequence[int], window: Window) -> Array:
    """For every window, the offset of its first tap that is not in padding."""
    first = jnp.zeros(shape, jnp.int32)
    for part, offset_stride in zip(window.parts, window.offset_strides, strict=True):
        if part.symbolic or part.low > 0:
            missing = jnp.maximum((part.dilation - 1 - window_starts(part, jnp.int32)) // part.dilation, 0)
            first += lax.broadcast_in_dim(missing * offset_stride, first.shape, (part.axis,))
    return first


def on_merged_axes(
    run: Callable[[Sequence[Array], Window], Sequence[Array]], arrays: Sequence[Array], window: Window
) -> tuple[Array, ...]:
    """What `run` makes of arrays and a window, with the axes after the window's last as one.

    So is that last axis, where windows start everywhere: its neighbours then lie as far apart as the later axes have
    elements, so that the window is dilated there.
    """
    part = window.parts[-1]
    shape: tuple[Any, ...] = arrays[0].shape
    after = shape[part.axis + 1 :]
    # Sizes may be symbols, and one of 0 would leave no axis to pool over.
    if not after or not all(isinstance(size, int) and size > 0 for size in after):
        return tuple(run(arrays, window))
    unit = rest = math.prod(after)
    if part.stride > 1:
        unit = 1
        merged = [array.reshape(*array.shape[: part.axis + 1], rest) for array in arrays]
    else:
        merged = [array.reshape(*array.shape[: part.axis], array.shape[part.axis] * rest) for array in arrays]
        window = Window((*window.parts[:-1], part.scaled(rest)))
    results = run(merged, window)
    return tuple(a.reshape(*a.shape[: part.axis], a.shape[part.axis] // unit, *after) for a in results)
