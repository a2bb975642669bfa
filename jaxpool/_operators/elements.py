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

    Ordinary differentiation does: the derivative is that of the first extremum, or the first NaN, and what is kept are
    the results of comparisons.

    Args:
      x: the inputs.
      places: positions in the window, row by row.
      heights: what is added at each of them, of the dtype of the inputs and with as many axes.
      window: the windows, one for each element.
      kind: "max" or "min".
    """
    worst = extreme(x.dtype, kind)
    pads = [(0, 0, 0)] * x.ndim
    for part in window.parts:
        pads[part.axis] = (part.low, part.high_overhang, 0)
    padded = lax.pad(x, jnp.asarray(worst), pads)
    best: Array | None = None
    for number, place in enumerate(places):
        start, limit = [0] * x.ndim, list(padded.shape)
        for part, tap in zip(window.parts, place, strict=True):
            start[part.axis], limit[part.axis] = tap, tap + part.outputs
        new = lax.slice(padded, start, limit)
        new = new if heights is None else new + heights[number]
        best = new if best is None else jnp.where(beats(new, best, kind), new, best)
    if best is None:
        raise AssertionError("an element has at least one place")
    # Nothing but padding has no derivative.
    return jnp.where(best == worst, jnp.asarray(worst), best)
