"""XLA's own operations: `reduce_window`, `select_and_scatter`, and reductions where the window is the whole plane."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxpool._geometry import AxisWindow, Window, known
from jaxpool._lowerings.forward import better, extreme, first_real_offsets, is_max, rank, window_starts

# Beyond so many taps the native scatter takes minutes to compile.
_JOINT_TAPS = 27


def _arguments(window: Window, rank: int) -> tuple[list[int], list[int], list[tuple[int, int]], list[int]]:
    """Window dimensions, strides, padding and dilation for arrays of a rank."""
    dimensions, strides, padding, dilation = [1] * rank, [1] * rank, [(0, 0)] * rank, [1] * rank
    for part in window.parts:
        dimensions[part.axis] = part.taps
        strides[part.axis] = part.stride
        padding[part.axis] = (part.low, part.high if part.symbolic else _high(part))
        dilation[part.axis] = part.dilation
    return dimensions, strides, padding, dilation


def _high(part: AxisWindow) -> int:
    """High padding, of which ceil mode may want more; rounding down drops a rest that is shorter than the stride."""
    high = min(part.high, 0)
    return high if 0 <= high - part.high_overhang < part.stride else part.high_overhang


def _cropped(x: Array, padding: list[tuple[int, int]]) -> tuple[Array, list[tuple[int, int]]]:
    """Negative padding as a slice of the input: reduce_window wants none."""
    if not any(known(end) and end < 0 for pair in padding for end in pair):
        return x, padding
    x = lax.pad(x, jnp.zeros((), x.dtype), [(min(low, 0), min(high, 0), 0) for low, high in padding])
    return x, [(max(low, 0), max(high, 0)) for low, high in padding]


def window_sum(x: Array, window: Window) -> Array:
    """y[o] = sum over the taps i of x[o * stride - low + i * dilation]."""
    dimensions, strides, padding, dilation = _arguments(window, x.ndim)
    x, padding = _cropped(x, padding)
    return lax.reduce_window(x, np.zeros((), x.dtype), lax.add, dimensions, strides, padding, window_dilation=dilation)


def window_spread(g: Array, window: Window) -> Array:
    """x[h] = sum over the taps i of g[(h + low - i * dilation) / stride], where that is a window.

    The sum over all taps of the cotangent with `stride - 1` zeros between its elements.
    """
    dimensions, pads, dilation = [1] * g.ndim, [(0, 0, 0)] * g.ndim, [1] * g.ndim
    for part in window.parts:
        dimensions[part.axis], dilation[part.axis] = part.taps, part.dilation
        low = part.extent - 1 - part.low
        dilated = (part.outputs - 1) * part.stride + 1
        pads[part.axis] = (low, part.size + part.extent - 1 - low - dilated, part.stride - 1)
    zero = np.zeros((), g.dtype)
    g = lax.pad(g, zero, pads)
    return lax.reduce_window(g, zero, lax.add, dimensions, [1] * g.ndim, "VALID", window_dilation=dilation)


def window_extremum(x: Array, window: Window, kind: str) -> Array:
    """y[o] = the largest, or smallest, element of the window; NaN if there is one.

    Where zeros of both signs are the extremum, the sign is up to the platform.
    """
    dimensions, strides, padding, dilation = _arguments(window, x.ndim)
    x, padding = _cropped(x, padding)
    combine = lax.max if is_max(kind) else lax.min
    worst = extreme(x.dtype, kind)
    return lax.reduce_window(x, worst, combine, dimensions, strides, padding, window_dilation=dilation)


def _number(value: Any) -> Array:
    """A size, which may be a symbol, as an unsigned integer."""
    return jnp.asarray(value, jnp.uint32) if known(value) else jnp.asarray(value).astype(jnp.uint32)


def _positions(shape: tuple[int, ...], window: Window) -> Array:
    """The row-major position of every element in the plane."""
    positions = jnp.zeros(shape, jnp.uint32)
    for part in window.parts:
        positions = positions * _number(part.size) + lax.broadcasted_iota(jnp.uint32, shape, part.axis)
    return positions


def window_argextremum(x: Array, window: Window, kind: str) -> tuple[Array, Array]:
    """The extremum of each window and the offset of the first element that has it.

    Pairs of a value and a label of its position are reduced. XLA:TPU writes the labels to memory and reads them again.
    So they have 8 bits where the difference of any two labels in a window fits.
    """
    dimensions, strides, padding, dilation = _arguments(window, x.ndim)
    labels = _labels(x.shape, window, [lax.iota(jnp.int32, x.shape[axis]) for axis in window.axes])
    x, cropped = _cropped(x, padding)
    labels, _ = _cropped(labels, padding)

    def first(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
        take_a = _stays(a[0], b[0], kind) & (~_stays(b[0], a[0], kind) | (b[1] - a[1] > 0))
        return lax.select(take_a, a[0], b[0]), lax.select(take_a, a[1], b[1])

    init = (extreme(x.dtype, kind), np.zeros((), labels.dtype))
    pairs = lax.reduce_window((x, labels), init, first, dimensions, strides, cropped, window_dilation=dilation)
    values, winners = pairs
    starts = [window_starts(part, jnp.int32) for part in window.parts]
    later = winners - _labels(winners.shape, window, [jnp.maximum(start, 0) for start in starts])
    later, first_real = later.astype(jnp.uint32), first_real_offsets(winners.shape, window).astype(jnp.uint32)
    # Where labels count every tap and nothing else, no division is needed. It is most of the work on the outputs:
    # `pairs-v5e.json`.
    alike = all(part.dilation == 1 and part.reach == part.taps for part in window.parts)
    offsets = later + first_real if alike else _offsets_of(later, starts, window)
    # The initial value has label 0, which an element may have, too. It can only win where all elements are the worst
    # value. There the first of them is meant.
    offsets = jnp.where(values == init[0], first_real, offsets)
    return values, offsets.astype(window.offset_dtype)


def _stays(old: Array, new: Array, kind: str) -> Array:
    """Where `old` remains the extremum: it is at least as good as `new`, or a NaN. A new NaN replaces any number."""
    return (old >= new if is_max(kind) else old <= new) | (old != old)


def _labels(shape: tuple[int, ...], window: Window, positions: Sequence[Any]) -> Array:
    """Integers for positions in the plane, given along each axis of the window.

    Labels wrap around. Only the difference of two labels in one window has a meaning. It is positive if the first of
    the two comes later in row-major order, and less than `window.reach`.
    """
    labels = jnp.zeros(shape, jnp.uint32)
    for i, (part, along) in enumerate(zip(window.parts, positions, strict=True)):
        pitch = _number(Window(window.parts[i + 1 :]).reach)
        labels += lax.broadcast_in_dim(along.astype(jnp.uint32) * pitch, shape, (part.axis,))
    return labels.astype(jnp.int8 if known(window.reach) and window.reach <= 1 << 7 else jnp.int32)


def _offsets_of(later: Array, starts: Sequence[Any], window: Window) -> Array:
    """Offsets in the window, from how much later positions are than the window's first one in the plane."""
    offsets = jnp.zeros(later.shape, jnp.uint32)
    for i, (part, start, offset_stride) in enumerate(zip(window.parts, starts, window.offset_strides, strict=True)):
        pitch = _number(Window(window.parts[i + 1 :]).reach)
        before = lax.broadcast_in_dim(jnp.maximum(-start, 0).astype(jnp.uint32), later.shape, (part.axis,))
        offsets += (later // pitch + before) // jnp.uint32(part.dilation) * _number(offset_stride)
        later %= pitch
    return offsets


def cannot_scatter(window: Window) -> str | None:
    """Why XLA's own scatter to the selected element cannot run a window, or None."""
    if any(part.dilation > 1 for part in window.parts):
        return "select_and_scatter has no dilation"
    if any(min(part.low, part.high) < 0 for part in window.parts):
        return "select_and_scatter cannot crop"
    return None


def scatter_at_extremum(g: Array, x: Array, window: Window, kind: str) -> Array:
    """x[h] = sum of g[o] over the windows o whose first extremum is at h.

    Native on TPU, and there minimal in bytes; elsewhere it is expanded into index arrays and a scatter, or into a slow
    loop. Windows of many taps go one axis after another, where each row first gets what the windows whose extremum it
    holds send to it: the same gradient, also at ties.
    """
    if window.taps <= _JOINT_TAPS or len(window.parts) == 1:
        return _select_and_scatter(g, x, window, kind)
    singles = [Window((part,)) for part in window.parts]
    rows = [x]
    for single in reversed(singles[1:]):
        rows.append(window_extremum(rows[-1], single, kind))
    for single in singles:
        g = _select_and_scatter(g, rows.pop(), single, kind)
    return g


def _select_and_scatter(g: Array, x: Array, window: Window, kind: str) -> Array:
    dimensions, strides, padding, _ = _arguments(window, x.ndim)
    scalar = jax.ShapeDtypeStruct((), x.dtype)
    select = jax.make_jaxpr(functools.partial(_stays, kind=kind))(scalar, scalar)
    scatter = jax.make_jaxpr(lax.add)(scalar, scalar)
    return lax.select_and_scatter_p.bind(
        x,
        g.astype(x.dtype),
        jnp.zeros((), x.dtype),
        select_jaxpr=select.jaxpr,
        select_consts=tuple(select.consts),
        scatter_jaxpr=scatter.jaxpr,
        scatter_consts=tuple(scatter.consts),
        window_dimensions=tuple(dimensions),
        window_strides=tuple(strides),
        padding=tuple(padding),
    )


def plane_sum(x: Array, window: Window) -> Array:
    """Y = sum of all x."""
    return jnp.sum(x, window.axes, dtype=x.dtype, keepdims=True)


def plane_spread(g: Array, window: Window) -> Array:
    """x[h] = g."""
    return jnp.broadcast_to(g, window.input_shape(g.shape))


def plane_extremum(x: Array, window: Window, kind: str) -> Array:
    """The largest, or smallest, of all x, either of two zeros; NaN if there is one."""
    return (jnp.max if is_max(kind) else jnp.min)(x, window.axes, keepdims=True)


def plane_argextremum(x: Array, window: Window, kind: str) -> tuple[Array, Array]:
    """The extremum and the offset of the first element that has it."""
    value = plane_extremum(x, window, kind)
    positions = _positions(x.shape, window)
    none = jnp.asarray(jnp.iinfo(jnp.uint32).max, jnp.uint32)
    best = ~better(rank(value, kind), rank(x, kind), kind) & (value == value) | (x != x)
    first = jnp.min(jnp.where(best, positions, none), window.axes, keepdims=True)
    # Of two zeros a reduction may return either, so the element is read.
    value = plane_extremum(jnp.where(positions == first, x, extreme(x.dtype, kind)), window, kind)
    return value, first.astype(window.offset_dtype)


def plane_gather(x: Array, offsets: Array, window: Window) -> Array:
    """Y = x[offsets]."""
    chosen = _positions(x.shape, window) == offsets.astype(jnp.uint32)
    return jnp.sum(jnp.where(chosen, x, jnp.zeros((), x.dtype)), window.axes, dtype=x.dtype, keepdims=True)


def plane_scatter(g: Array, offsets: Array, window: Window) -> Array:
    """x[h] = g where the offset names h, 0 elsewhere."""
    chosen = _positions(window.input_shape(g.shape), window) == offsets.astype(jnp.uint32)
    return jnp.where(chosen, g, jnp.zeros((), g.dtype))
