"""Windows in which each element has a weight: the exponential of its logit, over the total of its window.

A weight is `exp(logit - shift) * exp(-total)`, where the shift is the largest logit of the window, and the total the
logarithm of the sum of `exp(logit - shift)`. So nothing overflows, and logits may be of any size. Weights are
recomputed where they are needed, and never stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._lowerings.backward import receive
from jaxpool._lowerings.cpu import materialize
from jaxpool._lowerings.forward import over_taps
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


def window_logsumexp(logits: Array, shift: Array, window: Window) -> Array:
    """y[o] = log(sum over the taps i of exp(logits[i] - shift[o])); -inf where the shift is."""
    logits, shift = materialize(logits, shift)

    def total(taps: Sequence[Sequence[Array]], outputs: Sequence[Array]) -> tuple[Array]:
        return (_sum([jnp.exp(logit - outputs[0]) for (logit,) in taps]),)

    return jnp.log(over_taps(window, [(logits, -jnp.inf)], [_finite(shift)], total)[0])


def window_log_mean_exp(logits: Array, shift: Array, log_count: Array, window: Window) -> Array:
    """y[o] = log(mean over the taps i above -inf of exp(logits[i] - shift[o])); 0 where there are none.

    As a sum of differences from 1, which keeps the digits of results near 0.
    """
    logits, shift = materialize(logits, shift)

    def total(taps: Sequence[Sequence[Array]], outputs: Sequence[Array]) -> tuple[Array]:
        return (_sum([jnp.where(logit == -jnp.inf, 0, jnp.expm1(logit - outputs[0])) for (logit,) in taps]),)

    return jnp.log1p(over_taps(window, [(logits, -jnp.inf)], [_finite(shift)], total)[0] * jnp.exp(-log_count))


def _share(total: Array) -> Array:
    """What exponentials are multiplied by to be weights; 0 in windows that have no logit above -inf."""
    return jnp.where(total == -jnp.inf, 0, jnp.exp(-total))


def window_weighted_sum(x: Array, logits: Array, total: Array, shift: Array, window: Window) -> Array:
    """y[o] = sum over the taps i of exp((logits[i] - shift[o]) - total[o]) * x[i], which is 0 for logits of -inf."""
    x, logits, total, shift = materialize(x, logits, total, shift)

    def weighted(taps: Sequence[Sequence[Array]], outputs: Sequence[Array]) -> tuple[Array]:
        return (_sum([_product(jnp.exp(logit - outputs[0]), value, logit) for logit, value in taps]),)

    sums = over_taps(window, [(logits, -jnp.inf), (x, 0)], [_finite(shift)], weighted)[0]
    return sums * _share(total)


def _product(weight: Array, value: Array, logit: Array) -> Array:
    """Also 0 where a weight of 0 meets a value that is not finite."""
    return jnp.where(logit == -jnp.inf, 0, weight * value)


def window_weighted_spread(g: Array, logits: Array, total: Array, shift: Array, window: Window) -> Array:
    """x[h] = sum of exp((logits[h] - shift[o]) - total[o]) * g[o] over the windows o that hold h."""
    g, logits, total, shift = materialize(g, logits, total, shift)

    def send(wanted: Any, reached: Array | None, arrays: Sequence[Array]) -> list[Array]:
        del wanted
        shifts, values = arrays
        # Outside of the windows the values are padded zeros, and 0 * exp(logits) could be NaN there.
        chosen = values != 0 if reached is None else reached & (values != 0)
        return [jnp.where(chosen, jnp.exp(logits - shifts) * values, 0)]

    return receive([_finite(shift), _share(total) * g], window, JOINT, send, [lax.add])[0]
