"""Rows of smooth maxima, mixtures, Gaussian and detail-preserving means."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from row import DILATED, MIRRORED, OVERLAPPING, Row, chequered, mask

import jaxpool
from jaxpool._pools.shards import with_whole_planes


def some_filter(shape: tuple[Any, ...]) -> dict[str, Any]:
    """A filter of two by three taps, the same for all features, so small that few gates are open or shut."""
    del shape
    return {"weights": np.random.default_rng(8).normal(size=(2, 3, 1)).astype(np.float32) / 64}


def of_positive_numbers(pool: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """A pool that has no derivative where the mean of a window is 0."""
    return lambda x, **arguments: pool(x + 32, **arguments) - 32


def halves(pool: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """A pool that joins two kinds along the features, with those of one feature side by side in one number."""

    def combined(x: jax.Array, **arguments: Any) -> jax.Array:
        y = pool(x, **arguments)
        # Features that are sharded cannot be cut in the middle.
        spec, y = jax.typeof(y).sharding.spec, with_whole_planes(y, [y.ndim - 1])
        result = y[..., : x.shape[-1]] - 2 * y[..., x.shape[-1] :]
        return jax.sharding.reshard(result, spec) if any(spec) else result

    return combined


ROWS = [
    Row("lse_pool", jaxpool.lse_pool, OVERLAPPING | {"beta": 0.75}, smooth=True),
    Row("lse_pool, learned", jaxpool.lse_pool, OVERLAPPING | {"beta": jnp.float32(-0.5)}, smooth=True),
    Row("lse_pool, masked", jaxpool.lse_pool, MIRRORED | {"beta": 1.0}, smooth=True, arrays=chequered, infinite=True),
    Row("global_lse_pool", jaxpool.global_lse_pool, {"beta": 0.5}, smooth=True),
    Row("mixed_pool", jaxpool.mixed_pool, OVERLAPPING | {"alpha": jnp.float32(0.25)}),
    Row("mixed_pool, masked", jaxpool.mixed_pool, DILATED | {"count_include_pad": False}, arrays=mask),
    Row("global_mixed_pool", jaxpool.global_mixed_pool, {}, arrays=mask),
    Row("gated_pool", jaxpool.gated_pool, DILATED, arrays=some_filter, smooth=True),
    Row("concat_pool", halves(jaxpool.concat_pool), OVERLAPPING),
    Row("global_concat_pool", halves(jaxpool.global_concat_pool), {"order": "max_avg"}, arrays=mask),
    Row("gaussian_pool", jaxpool.gaussian_pool, OVERLAPPING | {"sigma": 0.5}, linear=True),
    Row(
        "gaussian_pool, normalized",
        jaxpool.gaussian_pool,
        MIRRORED | {"normalize": True},
        linear=True,
        arrays=mask,
    ),
    Row("ada_pool", of_positive_numbers(jaxpool.ada_pool), DILATED, arrays=mask, smooth=True),
    Row("detail_preserving_pool", jaxpool.detail_preserving_pool, {"window_shape": (2, 3), "lam": 0.5}, smooth=True),
    Row("global_stats_pool", halves(jaxpool.global_stats_pool), {"ddof": 1}, smooth=True, arrays=mask),
]
