"""One `lax.reduce_window` over all axes: the reference, one native operation wherever XLA runs."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxpool._geometry import AxisWindow, Window, known
from jaxpool._lowerings import taps

OPERATORS = ("window_sum", "window_spread", "window_extremum", "window_argextremum")
_MISSING = {
    "gather_at_offsets": "reduce_window cannot pick a different tap in every window",
    "scatter_at_offsets": "reduce_window cannot pick a different tap in every window",
    "scatter_at_extremum": "reduce_window cannot pick a different tap in every window",
}


def refuses(operator: str, window: Window, consistent: bool) -> str | None:
    """Why this window cannot be run, or None."""
    del window, consistent
    return _MISSING.get(operator)


def arguments(window: Window, rank: int) -> tuple[list[int], list[int], list[tuple[int, int]], list[int]]:
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
    return high if 0 <= high - part.reach < part.stride else part.reach


def _cropped(x: Array, padding: list[tuple[int, int]]) -> tuple[Array, list[tuple[int, int]]]:
    """Negative padding as a slice of the input: reduce_window wants none."""
    if not any(known(end) and end < 0 for pair in padding for end in pair):
        return x, padding
    x = lax.pad(x, jnp.zeros((), x.dtype), [(min(low, 0), min(high, 0), 0) for low, high in padding])
    return x, [(max(low, 0), max(high, 0)) for low, high in padding]


def extreme(dtype: Any, kind: str) -> np.ndarray:
    """The value that no element of the dtype is worse than.

    A NumPy scalar, not a traced one: with it lax knows the reduction as a maximum.
    """
    if dtype == np.bool_:
        return np.asarray(not taps.is_max(kind))
    if jnp.issubdtype(dtype, jnp.integer):
        info = jnp.iinfo(dtype)
        return np.asarray(info.min if taps.is_max(kind) else info.max, dtype)
    worst = np.asarray(-np.inf if taps.is_max(kind) else np.inf, dtype)
    if np.isinf(worst.astype(np.float64)):
        return worst
    # Some 8-bit floats have no infinity.
    info = jnp.finfo(dtype)
    return np.asarray(info.min if taps.is_max(kind) else info.max, dtype)


def window_sum(x: Array, window: Window) -> Array:
    """y[o] = sum over the taps i of x[o * stride - low + i * dilation]."""
    dimensions, strides, padding, dilation = arguments(window, x.ndim)
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
    dimensions, strides, padding, dilation = arguments(window, x.ndim)
    x, padding = _cropped(x, padding)
    combine = lax.max if taps.is_max(kind) else lax.min
    worst = extreme(x.dtype, kind)
    return lax.reduce_window(x, worst, combine, dimensions, strides, padding, window_dilation=dilation)


def _number(value: Any) -> Array:
    """A size, which may be a symbol, as an unsigned integer."""
    return jnp.asarray(value, jnp.uint32) if known(value) else jnp.asarray(value).astype(jnp.uint32)


def window_argextremum(x: Array, window: Window, kind: str) -> tuple[Array, Array]:
    """The extremum of each window and the offset of the first element that has it.

    Pairs of a value and its row-major position in the plane are reduced; padding comes after every position, so that
    it loses even against its own value.
    """
    dimensions, strides, padding, dilation = arguments(window, x.ndim)
    positions = jnp.zeros(x.shape, jnp.uint32)
    for part in window.parts:
        positions = positions * _number(part.size) + lax.broadcasted_iota(jnp.uint32, x.shape, part.axis)
    x, cropped = _cropped(x, padding)
    positions, _ = _cropped(positions, padding)

    def better(a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array]:
        equal = (a[0] == b[0]) | ((a[0] != a[0]) & (b[0] != b[0]))
        take_a = ~taps.beats(b[0], a[0], kind) & (~equal | (a[1] < b[1]))
        return lax.select(take_a, a[0], b[0]), lax.select(take_a, a[1], b[1])

    init = (extreme(x.dtype, kind), np.asarray(np.iinfo(np.uint32).max, np.uint32))
    values, winners = lax.reduce_window(
        (x, positions), init, better, dimensions, strides, cropped, window_dilation=dilation
    )
    offsets = jnp.zeros(winners.shape, jnp.uint32)
    for part, offset_stride in zip(reversed(window.parts), reversed(window.offset_strides), strict=True):
        position, winners = winners % _number(part.size), winners // _number(part.size)
        # low - o * stride wraps around where it is negative, and the sum wraps back.
        start = _number(part.low if part.symbolic else part.low % (1 << 32)) - lax.broadcasted_iota(
            jnp.uint32, winners.shape, part.axis
        ) * jnp.uint32(part.stride)
        offsets += (position + start) // jnp.uint32(part.dilation) * jnp.uint32(offset_stride)
    return values, offsets.astype(window.offset_dtype)
