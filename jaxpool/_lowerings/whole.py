"""Windows that are the whole plane: a reduction over the axes, and a comparison with the position for its adjoint."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._lowerings import taps
from jaxpool._lowerings.reduce_window import extreme


def refuses(operator: str, window: Window, consistent: bool) -> str | None:
    """Why this window cannot be run, or None."""
    del operator, consistent
    return None if window.whole else "the window is not the whole plane"


def _positions(shape: tuple[int, ...], window: Window) -> Array:
    positions = jnp.zeros(shape, jnp.uint32)
    for part in window.parts:
        # A size may be a symbol.
        size = jnp.asarray(part.size).astype(jnp.uint32) if part.symbolic else jnp.asarray(part.size, jnp.uint32)
        positions = positions * size + lax.broadcasted_iota(jnp.uint32, shape, part.axis)
    return positions


def window_sum(x: Array, window: Window) -> Array:
    """Y = sum of all x."""
    return jnp.sum(x, window.axes, dtype=x.dtype, keepdims=True)


def window_spread(g: Array, window: Window) -> Array:
    """x[h] = g."""
    return jnp.broadcast_to(g, window.input_shape(g.shape))


def window_extremum(x: Array, window: Window, kind: str) -> Array:
    """The largest, or smallest, of all x, either of two zeros; NaN if there is one."""
    return (jnp.max if taps.is_max(kind) else jnp.min)(x, window.axes, keepdims=True)


def window_argextremum(x: Array, window: Window, kind: str) -> tuple[Array, Array]:
    """The extremum and the offset of the first element that has it."""
    value = window_extremum(x, window, kind)
    positions = _positions(x.shape, window)
    none = jnp.asarray(jnp.iinfo(jnp.uint32).max, jnp.uint32)
    best = ~taps.better(taps.rank(value, kind), taps.rank(x, kind), kind) & (value == value) | (x != x)
    first = jnp.min(jnp.where(best, positions, none), window.axes, keepdims=True)
    # Of two zeros a reduction may return either, so the element is read.
    value = window_extremum(jnp.where(positions == first, x, extreme(x.dtype, kind)), window, kind)
    return value, first.astype(window.offset_dtype)


def gather_at_offsets(x: Array, offsets: Array, window: Window, consistent: bool) -> Array:
    """Y = x[offsets]."""
    del consistent
    chosen = _positions(x.shape, window) == offsets.astype(jnp.uint32)
    return jnp.sum(jnp.where(chosen, x, jnp.zeros((), x.dtype)), window.axes, dtype=x.dtype, keepdims=True)


def scatter_at_offsets(g: Array, offsets: Array, window: Window, consistent: bool) -> Array:
    """x[h] = g where the offset names h, 0 elsewhere."""
    del consistent
    chosen = _positions(window.input_shape(g.shape), window) == offsets.astype(jnp.uint32)
    return jnp.where(chosen, g, jnp.zeros((), g.dtype))
