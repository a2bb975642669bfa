"""One row per pooling function: whatever holds for every pool is tested from here."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from row import DILATED, MIRRORED, OVERLAPPING, Row, ids, mask, some_indices, some_offsets, some_samples, some_weights
from rows_bins import ROWS as BINS
from rows_grids import ROWS as GRIDS
from rows_layers import ROWS as LAYERS
from rows_mixed import ROWS as MIXED
from rows_order import ROWS as ORDER
from rows_regions import ROWS as REGIONS
from rows_sequences import ROWS as SEQUENCES

import jaxpool

__all__ = ["ROWS", "Row", "ids"]


def logsumexp(a: Any, b: Any) -> Any:
    """Joins pairs of a maximum and a sum of exponentials relative to it."""
    top = jnp.maximum(a[0], b[0])
    return top, sum(total * jnp.exp(jnp.where(top > -jnp.inf, high - top, 0)) for high, total in (a, b))


def log_mean_exp(x: jax.Array, **arguments: Any) -> jax.Array:
    """A pool made of a pair of arrays."""
    top, total = jaxpool.pool((x, jnp.ones_like(x)), (-np.inf, 0.0), logsumexp, **arguments)
    return top + jnp.log(total)


def of_small_numbers(pool: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """The pool of a part of its inputs: the tests look at the cosine of results, which tells nothing of large ones."""
    return lambda x, **arguments: pool(x / 64, **arguments)


_OPERATORS = [
    Row("max_pool", jaxpool.max_pool, OVERLAPPING),
    Row("max_pool, keeping the input", jaxpool.max_pool, OVERLAPPING | {"residual": "input"}),
    Row("max_pool, dilated", jaxpool.max_pool, DILATED),
    Row("max_pool, large", jaxpool.max_pool, {"window_shape": (4, 5), "padding": "SAME"}),
    Row("max_pool, mirrored", jaxpool.max_pool, MIRRORED),
    Row("max_pool, constant", jaxpool.max_pool, OVERLAPPING | {"padding_value": 2.25}),
    Row("min_pool", jaxpool.min_pool, OVERLAPPING),
    Row("max_pool_with_argmax", jaxpool.max_pool_with_argmax, OVERLAPPING),
    Row("max_pool_with_argmax, wrapped", jaxpool.max_pool_with_argmax, MIRRORED | {"padding_mode": "WRAP"}),
    Row("min_pool_with_argmin", jaxpool.min_pool_with_argmin, DILATED),
    Row("avg_pool", jaxpool.avg_pool, OVERLAPPING, linear=True),
    Row("avg_pool, real", jaxpool.avg_pool, DILATED | {"count_include_pad": False}, linear=True),
    Row("avg_pool, override", jaxpool.avg_pool, {"window_shape": (2, 2), "divisor_override": 3}, linear=True),
    Row("avg_pool, masked", jaxpool.avg_pool, OVERLAPPING, linear=True, arrays=mask),
    Row("avg_pool, edges", jaxpool.avg_pool, MIRRORED | {"padding_mode": "edge"}, linear=True),
    Row("sum_pool", jaxpool.sum_pool, DILATED, linear=True),
    Row("sum_pool, masked", jaxpool.sum_pool, MIRRORED, linear=True, arrays=mask),
    Row("global_avg_pool", jaxpool.global_avg_pool, {}, linear=True),
    Row("global_avg_pool, masked", jaxpool.global_avg_pool, {}, linear=True, arrays=mask),
    Row("global_sum_pool", jaxpool.global_sum_pool, {"keepdims": True}, linear=True),
    Row("global_max_pool", jaxpool.global_max_pool, {}),
    Row("global_max_pool, masked", jaxpool.global_max_pool, {}, arrays=mask),
    Row("global_min_pool", jaxpool.global_min_pool, {"keepdims": True}),
    Row("adaptive_avg_pool", jaxpool.adaptive_avg_pool, {"output_size": (3, 4)}, linear=True, places=True),
    Row("adaptive_max_pool", jaxpool.adaptive_max_pool, {"output_size": (3, None)}, places=True),
    Row(
        "adaptive_max_pool_with_argmax",
        jaxpool.adaptive_max_pool_with_argmax,
        {"output_size": (2, 8)},
        places=True,
    ),
    Row(
        "max_unpool",
        jaxpool.max_unpool,
        {"window_shape": (2, 2), "strides": 2},
        linear=True,
        arrays=some_indices,
        places=True,
    ),
    Row(
        "max_unpool, added",
        jaxpool.max_unpool,
        {"window_shape": (3, 2), "strides": 2, "index_convention": "window", "duplicates": "add"},
        linear=True,
        arrays=some_offsets,
    ),
    Row("avg_unpool", jaxpool.avg_unpool, {"window_shape": (3, 2), "strides": (1, 2), "padding": 1}, linear=True),
    Row(
        "fractional_max_pool",
        jaxpool.fractional_max_pool,
        {"output_size": (2, 3), "window_shape": (2, 2)},
        arrays=some_samples,
        places=True,
    ),
    Row(
        "fractional_max_pool_with_argmax",
        jaxpool.fractional_max_pool_with_argmax,
        {"key": jax.random.key(3), "output_size": (3, 4), "rule": "tensorflow_pseudo_random", "overlapping": True},
        places=True,
    ),
    Row("lp_pool", jaxpool.lp_pool, OVERLAPPING | {"p": 3.0}, smooth=True),
    Row("power_mean_pool, masked", jaxpool.power_mean_pool, DILATED | {"p": 1.5}, smooth=True, arrays=mask),
    Row("softmax_pool", jaxpool.softmax_pool, OVERLAPPING | {"beta": 0.5}, smooth=True),
    Row("softmax_pool, masked", jaxpool.softmax_pool, MIRRORED, smooth=True, arrays=mask, infinite=True),
    Row("weighted_avg_pool", jaxpool.weighted_avg_pool, DILATED, linear=True, arrays=some_weights),
    Row("var_pool", of_small_numbers(jaxpool.var_pool), OVERLAPPING, smooth=True),
    Row("std_pool, masked", jaxpool.std_pool, {"window_shape": (3, 3), "ddof": 1}, smooth=True, arrays=mask),
    Row("blur_pool", jaxpool.blur_pool, OVERLAPPING, linear=True),
    Row("blur_pool, real", jaxpool.blur_pool, DILATED, linear=True, arrays=mask),
    Row("global_softmax_pool", jaxpool.global_softmax_pool, {"beta": 0.5}, smooth=True),
    Row("global_weighted_avg_pool", jaxpool.global_weighted_avg_pool, {}, linear=True, arrays=some_weights),
    Row("global_var_pool", of_small_numbers(jaxpool.global_var_pool), {"ddof": 1}, smooth=True),
    Row("global_std_pool", jaxpool.global_std_pool, {}, smooth=True, arrays=mask),
    Row("global_lp_pool", jaxpool.global_lp_pool, {}, smooth=True),
    Row("global_power_mean_pool", jaxpool.global_power_mean_pool, {"p": jnp.float32(2.5)}, smooth=True),
    Row(
        "pool, twice a product",
        jaxpool.pool,
        {"init": 2.0, "reduce_fn": lax.mul, "window_shape": (1, 2), "padding": ((0, 0), (1, 0))},
        smooth=True,
    ),
    Row(
        "pool, a pair",
        log_mean_exp,
        {"window_shape": (2, 3), "strides": 2, "padding": "SAME"},
        smooth=True,
        infinite=True,
    ),
]

# Of the family, those with operators of their own.
_NEW = {"lse_pool", "median_pool", "roi_align", "roi_pool", "segment_max_pool", "segment_sum_pool, sorted"}
_FAMILY = [*BINS, *GRIDS, *LAYERS, *MIXED, *ORDER, *REGIONS, *SEQUENCES]
ROWS = [*_OPERATORS, *(dataclasses.replace(row, composed=row.name not in _NEW) for row in _FAMILY)]
