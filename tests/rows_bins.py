"""Rows of pools over bins, pyramids, planes with indices, and exponents per feature."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from row import DILATED, OVERLAPPING, Row, chequered, mask, some_samples

import jaxpool


def some_exponents(shape: tuple[Any, ...]) -> dict[str, Any]:
    """Another exponent for each of four features, again and again: a device that has four of them has these."""
    exponents = jnp.resize(jnp.asarray([1.5, 2.25, 3, 4], jnp.float32), shape[-1])
    return {"p": exponents.reshape((1,) * (len(shape) - 1) + (-1,))}


def exponents_and_mask(shape: tuple[Any, ...]) -> dict[str, Any]:
    """Both."""
    return some_exponents(shape) | mask(shape)


BINS: dict[str, Any] = {"output_size": (3, 4)}

ROWS = [
    Row("adaptive_avg_pool, masked", jaxpool.adaptive_avg_pool, BINS, linear=True, arrays=mask, places=True),
    Row("adaptive_avg_pool, even", jaxpool.adaptive_avg_pool, {"output_size": (2, None)}, linear=True, arrays=mask),
    Row("adaptive_max_pool, masked", jaxpool.adaptive_max_pool, BINS, arrays=chequered, places=True, infinite=True),
    Row(
        "adaptive_max_pool_with_argmax, masked",
        jaxpool.adaptive_max_pool_with_argmax,
        {"output_size": (2, 3)},
        arrays=chequered,
        places=True,
        infinite=True,
    ),
    Row("adaptive_min_pool", jaxpool.adaptive_min_pool, BINS, places=True),
    Row("adaptive_sum_pool", jaxpool.adaptive_sum_pool, BINS, linear=True, places=True),
    Row("adaptive_lp_pool", jaxpool.adaptive_lp_pool, BINS, smooth=True, places=True),
    Row(
        "adaptive_power_mean_pool",
        jaxpool.adaptive_power_mean_pool,
        BINS,
        smooth=True,
        places=True,
        arrays=exponents_and_mask,
    ),
    Row(
        "adaptive_pool",
        jaxpool.adaptive_pool,
        {"init": 1.0, "reduce_fn": lax.mul, "output_size": (3, 2)},
        smooth=True,
        places=True,
    ),
    Row(
        "pool, masked",
        jaxpool.pool,
        {"init": 2.0, "reduce_fn": lax.mul, "window_shape": (1, 2), "padding": ((0, 0), (1, 0))},
        smooth=True,
        arrays=mask,
    ),
    Row("lp_pool, by features", jaxpool.lp_pool, OVERLAPPING, smooth=True, arrays=some_exponents),
    Row("power_mean_pool, by features", jaxpool.power_mean_pool, DILATED, smooth=True, arrays=exponents_and_mask),
    Row("global_power_mean_pool, by features", jaxpool.global_power_mean_pool, {}, smooth=True, arrays=some_exponents),
    Row("global_max_pool_with_argmax", jaxpool.global_max_pool_with_argmax, {}, arrays=mask),
    Row("global_min_pool_with_argmin", jaxpool.global_min_pool_with_argmin, {"keepdims": True}),
    Row(
        "fractional_avg_pool",
        jaxpool.fractional_avg_pool,
        {"output_size": (2, 3), "window_shape": (2, 2)},
        linear=True,
        arrays=some_samples,
        places=True,
    ),
    Row(
        "fractional_avg_pool, overlapping",
        jaxpool.fractional_avg_pool,
        {"key": jax.random.key(3), "output_size": (3, 4), "rule": "tensorflow_pseudo_random", "overlapping": True},
        linear=True,
        places=True,
    ),
    Row("pyramid_pool", jaxpool.pyramid_pool, {"levels": (1, (2, 3))}, places=True, mixes=True),
    Row(
        "pyramid_pool, means",
        jaxpool.pyramid_pool,
        {"levels": (1, 2), "kind": "avg", "order": "features_first"},
        linear=True,
        arrays=mask,
        mixes=True,
    ),
    Row("rmac_pool", jaxpool.rmac_pool, {"num_levels": 1, "eps": 1.0}, smooth=True, mixes=True),
    Row(
        "rmac_pool, masked",
        jaxpool.rmac_pool,
        {"num_levels": 1, "eps": 1.0},
        smooth=True,
        arrays=mask,
        infinite=True,
        mixes=True,
    ),
]
