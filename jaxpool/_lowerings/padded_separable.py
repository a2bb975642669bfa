"""One axis after another as in `separable`, each with its padding fused as in `padded`: two kernels for two axes."""

from __future__ import annotations

from jax import Array

from jaxpool._geometry import Window
from jaxpool._lowerings import padded, separable, taps


def refuses(operator: str, window: Window, consistent: bool) -> str | None:
    """Why this window cannot be run, or None."""
    return separable.refuses(operator, window, consistent, padded)


def window_sum(x: Array, window: Window) -> Array:
    """y[o] = sum over the taps i of x[o * stride - low + i * dilation]."""
    return separable.window_sum(x, window, padded)


def window_spread(g: Array, window: Window) -> Array:
    """x[h] = sum over the taps i of g[(h + low - i * dilation) / stride], where that is a window."""
    return separable.window_spread(g, window, padded)


def window_extremum(x: Array, window: Window, kind: str) -> Array:
    """y[o] = the largest, or smallest, element of the window; NaN if there is one."""
    return separable.window_extremum(x, window, kind, padded)


def window_argextremum(x: Array, window: Window, kind: str) -> tuple[Array, Array]:
    """The extremum of each window and the offset of the first element that has it."""
    values, offsets = separable.window_argextremum(x, window, kind, padded)
    return values, taps.at_real_taps(offsets, window)


def gather_at_offsets(x: Array, offsets: Array, window: Window, consistent: bool) -> Array:
    """y[o] = x[o * stride - low + tap(offsets[o]) * dilation], 0 in padding."""
    return separable.gather_at_offsets(x, offsets, window, consistent, padded)


def scatter_at_offsets(g: Array, offsets: Array, window: Window, consistent: bool) -> Array:
    """x[h] = sum of g[o] over the windows o whose offset names h."""
    return separable.scatter_at_offsets(g, offsets, window, consistent, padded)
