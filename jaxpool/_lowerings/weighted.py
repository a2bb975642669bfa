"""Windows in which each element has a weight: the exponential of its logit, over the total of its window.

A weight is `exp((logit - shift) - total)`, where the shift is the largest logit of the window, and the total the
logarithm of the sum of `exp(logit - shift)`. So nothing overflows, and logits may be of any size. Weights are
recomputed where they are needed, and never stored.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._lowerings.backward import receive
from jaxpool._lowerings.cpu import joined, materialize, store
from jaxpool._lowerings.forward import take
from jaxpool._lowerings.plan import JOINT


def _exp(logits: Array, shift: Array, total: Array | None = None) -> Array:
    """The weights of elements, or without a total their exponentials; 0 in windows that have no logit above -inf."""
    empty = shift == -jnp.inf
    exponent = logits - jnp.where(empty, 0, shift)
    exponent = exponent if total is None else exponent - jnp.where(empty, 0, total)
    return jnp.where(empty, 0, jnp.exp(exponent))


def _total(values: list[Array]) -> Array:
    """A sum in pairs, so that rounding grows with the logarithm of their number."""
    while len(values) > 1:
        pairs = [lax.add(a, b) for a, b in zip(values[::2], values[1::2], strict=False)]
        values = pairs + values[len(values) - len(values) % 2 :]
    return values[0]


def padded_taps(array: Array, value: Any, window: Window) -> list[Array]:
    """What all windows have at each of their taps, and the value in padding.

    Padded first: regions with borders of their own would multiply the taps that are written out.
    """
    for part in window.parts:
        array = joined(array, value, part.axis, (part.low, part.high_overhang))
    inner = window.on_padded_plane
    region = tuple(part.segments()[0] for part in inner.parts)
    return [take(array, inner, region, tap) for tap in itertools.product(*(range(p.taps) for p in inner.parts))]


def window_logsumexp(logits: Array, shift: Array, window: Window) -> Array:
    """y[o] = log(sum over the taps i of exp(logits[i] - shift[o])); -inf where the shift is."""
    # Stored, both: XLA:CPU would compute them again in every window of an element that reads them.
    (logits,) = store([logits])
    return store([jnp.log(_total([_exp(tap, shift) for tap in padded_taps(logits, -jnp.inf, window)]))])[0]


def window_log_mean_exp(logits: Array, shift: Array, log_count: Array, window: Window) -> Array:
    """y[o] = log(mean over the taps i above -inf of exp(logits[i] - shift[o])); 0 where there are none.

    As a sum of differences from 1, which keeps the digits of results near 0.
    """
    (logits,) = store([logits])
    base = jnp.where(shift == -jnp.inf, 0, shift)
    terms = [jnp.where(tap == -jnp.inf, 0, jnp.expm1(tap - base)) for tap in padded_taps(logits, -jnp.inf, window)]
    return store([jnp.log1p(_total(terms) * jnp.exp(-log_count))])[0]


def window_weighted_sum(x: Array, logits: Array, total: Array, shift: Array, window: Window) -> Array:
    """y[o] = sum over the taps i of exp((logits[i] - shift[o]) - total[o]) * x[i]."""
    x, logits, total, shift = materialize(x, logits, total, shift)
    taps = zip(padded_taps(x, 0, window), padded_taps(logits, -jnp.inf, window), strict=True)
    return store([_total([_exp(logit, shift, total) * value for value, logit in taps])])[0]


def window_weighted_spread(g: Array, logits: Array, total: Array, shift: Array, window: Window) -> Array:
    """x[h] = sum of exp((logits[h] - shift[o]) - total[o]) * g[o] over the windows o that hold h."""
    g, logits, total, shift = materialize(g, logits, total, shift)

    def send(wanted: Any, reached: Array | None, arrays: Sequence[Array]) -> list[Array]:
        del wanted
        shifts, totals, values = arrays
        # Outside of the windows the values are padded zeros, and 0 * exp(logits) could be NaN there.
        chosen = values != 0 if reached is None else reached & (values != 0)
        return [jnp.where(chosen, _exp(logits, shifts, totals) * values, 0)]

    return receive([shift, total, g], window, JOINT, send, [lax.add])[0]
