"""Windows in which each element counts with the exponential of its logit.

The exponential is `exp(logit - shift)`, where the shift is at least the largest logit of the window. So nothing
overflows, and logits may be of any size. Exponentials are recomputed where they are needed, and never stored.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._lowerings.backward import receive
from jaxpool._lowerings.cpu import materialize, store
from jaxpool._lowerings.forward import pad, take
from jaxpool._lowerings.plan import JOINT


def _finite(shift: Array) -> Array:
    """The shift, and 0 in windows that have no logit above -inf."""
    return jnp.where(shift == -jnp.inf, 0, shift)


def _sum(values: Sequence[Array]) -> Array:
    """A sum in pairs, so that rounding grows with the logarithm of their number."""
    while len(values) > 1:
        pairs = [lax.add(a, b) for a, b in zip(values[::2], values[1::2], strict=False)]
        values = [*pairs, *values[len(values) - len(values) % 2 :]]
    return values[0]


def padded_taps(x: Array, value: Any, window: Window) -> list[Array]:
    """What all windows have at each of their taps, and the value in padding."""
    x, window = pad(x, window.parts, value), window.on_padded_plane
    region = tuple(part.segments()[0] for part in window.parts)
    return [take(x, window, region, tap) for tap in itertools.product(*(range(part.taps) for part in window.parts))]


def _taps(window: Window, *arrays: Array) -> list[tuple[Array, ...]]:
    """What all windows have at each of their taps, and -inf in padding.

    XLA:CPU computes outputs with borders of their own in loops with branches, which take longer than a padded copy.
    What has a logit of -inf does not count, so inputs get -inf, too: if they are their own logits, one copy will do.
    """
    return [tuple(taps) for taps in zip(*(padded_taps(array, -jnp.inf, window) for array in arrays), strict=True)]


def _where_known(logit: Array, value: Array) -> Array:
    return jnp.where(logit == -jnp.inf, 0, value)


def window_expm1_sum(logits: Array, shift: Array, window: Window) -> Array:
    """y[o] = sum over the taps i above -inf of exp(logits[i] - shift[o]) - 1, with the digits of small differences."""
    logits, shift = materialize(logits, shift)
    shift = _finite(shift)
    # exp(z) - 1 = 2 t / (1 - t) with t = tanh(z / 2). XLA:CPU takes longer for `jnp.expm1`: `expm1-cpu.json`.
    halves = [(logit, jnp.tanh((logit - shift) / 2)) for (logit,) in _taps(window, logits)]
    return _sum([_where_known(logit, 2 * half / (1 - half)) for logit, half in halves])


def window_exp_share(logits: Array, shift: Array, window: Window) -> Array:
    """y[o] = 1 / sum over the taps i of exp(logits[i] - shift[o]); 0 where all logits are -inf."""
    logits, shift = materialize(logits, shift)
    least = _finite(shift)
    total = _sum([_where_known(logit, jnp.exp(logit - least)) for (logit,) in _taps(window, logits)])
    # A quotient at the very end: XLA:CPU stores it where several loops read it.
    return 1 / jnp.where(total == 0, jnp.inf, total)


def window_softmax(x: Array, logits: Array, shift: Array, window: Window) -> Array:
    """The mean of every window with the softmax of its logits as weights; 0 where all logits are -inf."""
    x, logits, shift = materialize(x, logits, shift)
    shift = _finite(shift)
    # Scale by a power of 2, so that a sum cannot overflow unless the mean does.
    scale = 2.0 ** -(window.taps - 1).bit_length()
    taps = [(logit, jnp.exp(logit - shift) * scale, value) for logit, value in _taps(window, logits, x)]
    total = _sum([_where_known(logit, weight) for logit, weight, _ in taps])
    weighted = _sum([_where_known(logit, weight * value) for logit, weight, value in taps])
    return weighted / jnp.where(total == 0, 1, total)


def window_weighted_sum(x: Array, logits: Array, shift: Array, window: Window) -> Array:
    """y[o] = sum over the taps i with logits above -inf of exp(logits[i] - shift[o]) * x[i]."""
    x, logits, shift = materialize(x, logits, shift)
    shift = _finite(shift)
    taps = _taps(window, logits, x)
    return store([_sum([_where_known(logit, jnp.exp(logit - shift) * value) for logit, value in taps])], window.axes)[0]


def window_weighted_spread(g: Array, logits: Array, shift: Array, window: Window) -> Array:
    """x[h] = sum of exp(logits[h] - shift[o]) * g[o] over the windows o that hold h; 0 for logits of -inf."""
    g, logits, shift = materialize(g, logits, shift)

    def send(wanted: Any, reached: Array | None, arrays: Sequence[Array]) -> list[Array]:
        del wanted
        shifts, values = arrays
        # Exponent 0 for NaN and outside of the windows: values there are 0, and infinity times 0 is NaN.
        exponent = jnp.where(logits < shifts, logits - shifts, 0)
        sent = jnp.exp(exponent) * values
        return [sent if reached is None else jnp.where(reached, sent, 0)]

    # Store these: XLA:CPU would recompute them for every element that reads them.
    shift, g = store([_finite(shift), g], window.axes)
    return _where_known(logits, receive([shift, g], window, JOINT, send, [lax.add])[0])
