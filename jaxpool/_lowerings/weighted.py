"""Windows in which each element has a weight: the exponential of its logit, over the total of its window.

`window_logsumexp` is the logarithm of the total. With it a weight is `exp(logit - total)`, at most 1, so that nothing
overflows. Weights are recomputed where they are needed, and never stored.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._lowerings.backward import receive
from jaxpool._lowerings.cpu import materialize
from jaxpool._lowerings.forward import Region, Taps, over_regions, take, take_outputs
from jaxpool._lowerings.plan import JOINT


def _weight(logits: Array, total: Array) -> Array:
    """The weights of elements in windows with these totals; 0 in a window whose total is -inf."""
    empty = total == -jnp.inf
    return jnp.where(empty, 0, jnp.exp(logits - jnp.where(empty, 0, total)))


def window_logsumexp(x: Array, window: Window) -> Array:
    """y[o] = log(sum of exp(x) over the window); -inf where it has no element, or none but -inf."""
    (x,) = materialize(x)

    def compute(region: Region, taps: Taps, shape: list[int]) -> tuple[Array]:
        if not taps:
            return (jnp.full(shape, -jnp.inf, x.dtype),)
        values = [take(x, window, region, tap) for tap in taps]
        largest = functools.reduce(jnp.maximum, values)
        # Infinity and NaN stand for themselves.
        shift = jnp.where(jnp.abs(largest) < jnp.inf, largest, 0)
        return (shift + jnp.log(functools.reduce(lax.add, [jnp.exp(value - shift) for value in values])),)

    return over_regions(window, x.shape, compute)[0]


def window_weighted_sum(x: Array, logits: Array, total: Array, window: Window) -> Array:
    """y[o] = sum over the taps i of exp(logits[i] - total[o]) * x[i]."""
    x, logits, total = materialize(x, logits, total)

    def compute(region: Region, taps: Taps, shape: list[int]) -> tuple[Array]:
        here, result = take_outputs(total, window, region), jnp.zeros(shape, x.dtype)
        for tap in taps:
            result = result + _weight(take(logits, window, region, tap), here) * take(x, window, region, tap)
        return (result,)

    return over_regions(window, x.shape, compute)[0]


def window_weighted_spread(g: Array, logits: Array, total: Array, window: Window) -> Array:
    """x[h] = sum of exp(logits[h] - total[o]) * g[o] over the windows o that hold h."""
    g, logits, total = materialize(g, logits, total)

    def send(wanted: Any, reached: Array | None, arrays: Sequence[Array]) -> list[Array]:
        del wanted
        totals, values = arrays
        # Beside the windows there are zeros, of which exp(logits) may be infinite times as much.
        chosen = values != 0 if reached is None else reached & (values != 0)
        return [jnp.where(chosen, _weight(logits, totals) * values, 0)]

    return receive([total, g], window, JOINT, send, [jnp.add])[0]
