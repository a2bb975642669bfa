"""Elements at places that only the program knows: row-major positions in the spatial plane, one per window.

These are real gathers and scatters. Where positions repeat, a scatter adds in an order that is XLA's own; maxima of
integers do not depend on it.
"""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._lowerings import taps


def _at(places: Array, window: Window) -> tuple[Array, ...]:
    """Places as indices into an array with the plane unfolded; those outside the plane point beyond every axis."""
    sizes = [part.size for part in window.parts]
    outside = (places < 0) | (places >= math.prod(sizes))
    index = [lax.broadcasted_iota(places.dtype, places.shape, axis) for axis in range(places.ndim)]
    for part in reversed(window.parts):
        index[part.axis] = jnp.where(outside, part.size, places % part.size)
        places = places // part.size
    return tuple(index)


def gather_at_places(x: Array, places: Array, window: Window) -> Array:
    """y[o] = x[places[o]], 0 outside the plane."""
    return x.at[_at(places, window)].get(mode="fill", fill_value=0)


def scatter_at_places(g: Array, places: Array, window: Window) -> Array:
    """x[h] = sum of g[o] over the outputs o whose place is h; places outside the plane are dropped."""
    zeros = jnp.zeros(window.input_shape(g.shape), g.dtype)
    return zeros.at[_at(places, window)].add(g, mode="drop")


def last_at_places(places: Array, window: Window) -> Array:
    """Whether an output is the last in row-major order with its place."""
    order = jnp.zeros(places.shape, jnp.int32)
    for part in window.parts:
        order = order * part.outputs + lax.broadcasted_iota(jnp.int32, places.shape, part.axis)
    index = _at(places, window)
    latest = jnp.full(window.input_shape(places.shape), -1, jnp.int32).at[index].max(order, mode="drop")
    return latest.at[index].get(mode="fill", fill_value=-1) == order


def first_maximum(x: Array, *bounds: Array, window: Window) -> Array:
    """The place of the first maximum, or NaN, between bounds that differ from window to window.

    Args:
      x: the inputs.
      bounds: per spatial axis where every window starts, then where it stops; of the outputs' size along that axis, of
        size 1 along the other spatial axes, and along the rest of size 1 or that of the inputs.
      window: `taps` is the most that start and stop are apart.
    """
    places: list[Array] = []
    # The last axis first: the first maximum in each row, then the first row that has it.
    for part, start, stop in reversed(list(zip(window.parts, bounds[::2], bounds[1::2], strict=True))):
        best: list[Array] = []
        for tap in range(part.taps):
            shape = [*x.shape[: part.axis], part.outputs, *x.shape[part.axis + 1 :]]
            position = jnp.broadcast_to(jnp.minimum(start + tap, part.size - 1), shape)
            new = [jnp.take_along_axis(a, position, part.axis) for a in (x, *places)]
            new.append(position)
            if best:
                better = taps.beats(new[0], best[0], "max") & (start + tap < stop)
                new = [jnp.where(better, n, b) for n, b in zip(new, best, strict=True)]
            best = new
        x, *places = best
    total = jnp.zeros_like(places[0])
    for part, place in zip(window.parts, reversed(places), strict=True):
        total = total * part.size + place
    return total
