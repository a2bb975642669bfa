"""The extremum over some places of every window, with a number added at each."""

from __future__ import annotations

from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._lowerings import beats, extreme


def element_extremum(
    x: Array, places: Sequence[tuple[int, ...]], heights: Sequence[Array] | None, window: Window, kind: str
) -> Array:
    """The extremum of every window over its elements at some places; the worst value where padding holds all.

    Which place wins is found first, as a number without derivative. It is all that reverse mode keeps: the results of
    the comparisons instead would each be computed from all before.

    Args:
      x: the inputs.
      places: positions in the window, row by row.
      heights: what is added at each of them, of the dtype of the inputs and with as many axes.
      window: the windows, one for each element.
      kind: "max" or "min".
    """
    worst = extreme(x.dtype, kind)
    values = _values(x, places, heights, window, worst)
    best, winner = lax.stop_gradient(values[0]), jnp.zeros(x.shape, jnp.uint8)
    for number, value in enumerate(values[1:], 1):
        new = lax.stop_gradient(value)
        wins = beats(new, best, kind)
        best, winner = jnp.where(wins, new, best), jnp.where(wins, jnp.uint8(number), winner)
    # A window that holds only padding has no derivative.
    result = jnp.full_like(best, worst)
    for number, value in enumerate(values):
        result = jnp.where((winner == jnp.uint8(number)) & (best != worst), value, result)
    return result


def _values(
    x: Array, places: Sequence[tuple[int, ...]], heights: Sequence[Array] | None, window: Window, worst: object
) -> list[Array]:
    """What all windows have at each place, and the worst value in padding."""
    pads = [(0, 0, 0)] * x.ndim
    for part in window.parts:
        pads[part.axis] = (part.low, part.high_overhang, 0)
    padded = lax.pad(x, jnp.asarray(worst, x.dtype), pads)
    values: list[Array] = []
    for number, place in enumerate(places):
        start, limit = [0] * x.ndim, list(padded.shape)
        for part, tap in zip(window.parts, place, strict=True):
            start[part.axis], limit[part.axis] = tap, tap + part.outputs
        value = lax.slice(padded, start, limit)
        values.append(value if heights is None else value + heights[number])
    return values
