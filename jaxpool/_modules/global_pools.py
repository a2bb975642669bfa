"""Global pooling."""

from __future__ import annotations

from dataclasses import KW_ONLY

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description
from jaxpool.typing import RoundingMode, Scalar


@description
class GlobalAvgPool(Pool):
    """The mean of each feature map.

    `GlobalAvgPool()(x)` is `jaxpool.global_avg_pool(x)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1
    rounding_mode: RoundingMode | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The means of `inputs`."""
        return self.pool_with(jaxpool.global_avg_pool, inputs, where=where)


@description
class GlobalMaxPool(Pool):
    """The largest element of each feature map.

    `GlobalMaxPool()(x)` is `jaxpool.global_max_pool(x)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1
    empty: Scalar | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The maxima of `inputs`."""
        return self.pool_with(jaxpool.global_max_pool, inputs, where=where)


@description
class GlobalMinPool(Pool):
    """The smallest element of each feature map.

    `GlobalMinPool()(x)` is `jaxpool.global_min_pool(x)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1
    empty: Scalar | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The minima of `inputs`."""
        return self.pool_with(jaxpool.global_min_pool, inputs, where=where)


@description
class GlobalSumPool(Pool):
    """The sum of each feature map.

    `GlobalSumPool()(x)` is `jaxpool.global_sum_pool(x)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The sums of `inputs`."""
        return self.pool_with(jaxpool.global_sum_pool, inputs, where=where)


@description
class GlobalLpPool(Pool):
    """The p-norm of each feature map.

    `GlobalLpPool(p=3)(x)` is `jaxpool.global_lp_pool(x, p=3)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    p: Scalar = 2.0
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None, p: Scalar | None = None) -> Array:
        """The norms of `inputs`."""
        return self.pool_with(jaxpool.global_lp_pool, inputs, where=where, p=p)


@description
class GlobalPowerMeanPool(Pool):
    """The power mean of each feature map (GeM).

    `GlobalPowerMeanPool(p=3)(x)` is `jaxpool.global_power_mean_pool(x, p=3)`,
    which documents results, errors and derivatives.
    """

    _: KW_ONLY
    p: Scalar = 3.0
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None, p: Scalar | None = None) -> Array:
        """The power means of `inputs`."""
        return self.pool_with(jaxpool.global_power_mean_pool, inputs, where=where, p=p)
