"""Products of deviations from the mean of each window, as two passes: sums of many numbers lose what is small."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._lowerings import chain, forward
from jaxpool._lowerings.backward import receive
from jaxpool._lowerings.cpu import materialize, store
from jaxpool._lowerings.plan import AXES, JOINT


def _mean(x: Array, count: Array, window: Window) -> Array:
    """The means of windows, which XLA:CPU does not compute again for every tap that reads them."""
    few = window.taps <= 4
    total = forward.window_sum(x, window, JOINT) if few else chain.window_sum(x, window, AXES)
    return store([total / count], window.axes)[0]


def window_products(u: Array, v: Array, count: Array, *mask: Array, window: Window) -> Array:
    """y[o] = sum over the taps i of (u[i] - mean of u) * (v[i] - mean of v), times the mask at i if there is one."""
    u, v = materialize(u, v)
    arrays, means = (u, v), (_mean(u, count, window), _mean(v, count, window))

    def compute(region: forward.Region, taps: forward.Taps, shape: list[int]) -> tuple[Array]:
        centres = [forward.take_outputs(mean, window, region) for mean in means]
        result = jnp.zeros(shape, u.dtype)
        for tap in taps:
            first, second = (forward.take(a, window, region, tap) - c for a, c in zip(arrays, centres, strict=True))
            term = first * second
            for array in mask:
                term = term * forward.take(array, window, region, tap)
            result = term if tap == taps[0] else result + term
        return (result,)

    return forward.over_regions(window, u.shape, compute)[0]


def window_products_spread(u: Array, g: Array, count: Array, *mask: Array, window: Window) -> Array:
    """x[h] = sum of g[o] * (u[h] - mean of u in o) over the windows o that hold h, times the mask at h."""
    u, g = materialize(u, g)

    def send(wanted: Any, reached: Array | None, arrays: Sequence[Array]) -> list[Array]:
        del wanted
        means, values = arrays
        # Outside of the windows there are zeros, and 0 * inf would be NaN.
        chosen = values != 0 if reached is None else reached & (values != 0)
        return [jnp.where(chosen, (u - means) * values, 0)]

    result = receive([_mean(u, count, window), g], window, JOINT, send, [lax.add])[0]
    return functools.reduce(lax.mul, mask, result)
