"""Windows that are the whole plane: a reduction over the axes, and a comparison with the position for its adjoint."""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window


def refuses(operator: str, window: Window, consistent: bool) -> str | None:
    """Why this window cannot be run, or None."""
    del operator, consistent
    return None if window.whole else "the window is not the whole plane"


def _positions(shape: tuple[int, ...], window: Window) -> Array:
    positions = jnp.zeros(shape, jnp.uint32)
    for part, stride in zip(window.parts, window.offset_strides, strict=True):
        positions += lax.broadcasted_iota(jnp.uint32, shape, part.axis) * jnp.uint32(stride)
    return positions


def window_sum(x: Array, window: Window) -> Array:
    """Y = sum of all x."""
    return jnp.sum(x, window.axes, dtype=x.dtype, keepdims=True)


def window_spread(g: Array, window: Window) -> Array:
    """x[h] = g."""
    return jnp.broadcast_to(g, window.input_shape(g.shape))


def window_extremum(x: Array, window: Window, kind: str) -> Array:
    """The largest, or smallest, of all x; NaN if there is one."""
    return (jnp.max if kind == "max" else jnp.min)(x, window.axes, keepdims=True)


def window_argextremum(x: Array, window: Window, kind: str) -> tuple[Array, Array]:
    """The extremum and the offset of the first element that has it."""
    value = window_extremum(x, window, kind)
    same = x == value
    if jnp.issubdtype(x.dtype, jnp.floating):
        same |= x != x
    none = jnp.asarray(jnp.iinfo(jnp.uint32).max, jnp.uint32)
    offsets = jnp.min(jnp.where(same, _positions(x.shape, window), none), window.axes, keepdims=True)
    return value, offsets.astype(window.offset_dtype)


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
