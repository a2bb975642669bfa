"""Rows of the table for order statistics, local maxima and stochastic pooling."""

from typing import Any

import jax
from row import DILATED, MIRRORED, OVERLAPPING, Row, mask

import jaxpool


def peaks(x: jax.Array, **arguments: Any) -> jax.Array:
    """A heat map with its peaks raised."""
    return x + 100 * jaxpool.local_maxima(x, **arguments).astype(x.dtype)


def at_rest(x: jax.Array, **arguments: Any) -> jax.Array:
    """The means of stochastic pooling."""
    return jaxpool.stochastic_pool(x, None, deterministic=True, **arguments)


def in_time(x: jax.Array, **arguments: Any) -> jax.Array:
    """The largest elements of rows."""
    return jaxpool.kmax_pool(x, **arguments)[0]


ROWS = [
    Row("median_pool", jaxpool.median_pool, {"window_shape": (3, 3), "strides": 2}),
    Row("median_pool, padded", jaxpool.median_pool, OVERLAPPING),
    Row("median_pool, masked", jaxpool.median_pool, DILATED, arrays=mask),
    Row("median_pool, mirrored", jaxpool.median_pool, MIRRORED | {"method": "lower"}),
    Row("quantile_pool", jaxpool.quantile_pool, DILATED | {"q": 0.75, "method": "higher"}),
    Row("rank_pool", jaxpool.rank_pool, {"window_shape": (2, 3), "rank": -2}, arrays=mask),
    Row("topk_pool", jaxpool.topk_pool, OVERLAPPING | {"k": 2}),
    Row("topk_pool, masked", jaxpool.topk_pool, {"window_shape": (3, 2), "k": 0.5}, arrays=mask),
    Row("global_median_pool", jaxpool.global_median_pool, {}, places=True, sorts=True),
    Row("global_quantile_pool", jaxpool.global_quantile_pool, {"q": 0.5}, places=True, sorts=True, arrays=mask),
    Row("global_topk_pool", jaxpool.global_topk_pool, {"kmax": 4, "kmin": 2}, places=True, sorts=True, arrays=mask),
    Row("kmax_pool", in_time, {"k": 3}, places=True, sorts=True, arrays=mask),
    Row("local_maxima", peaks, {"window_shape": (3, 3)}),
    Row("local_maxima, first", peaks, {"window_shape": (2, 3), "plateau": "first"}, arrays=mask),
    Row("stochastic_pool, at rest", at_rest, OVERLAPPING, smooth=True),
]
