"""Covariance pooling."""

from __future__ import annotations

from dataclasses import KW_ONLY

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description


@description
class GlobalCovariancePool(Pool):
    """The square root of the covariance of the features, its upper triangle.

    `GlobalCovariancePool()(x)` is `jaxpool.global_covariance_pool(x)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    num_iterations: int = 5
    num_spatial_dims: int | None = None
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The roots of the covariances of `inputs`."""
        return self.pool_with(jaxpool.global_covariance_pool, inputs, where=where)
