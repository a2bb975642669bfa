"""Adaptive pooling with other operations than means and maxima."""

from __future__ import annotations

from dataclasses import KW_ONLY

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description
from jaxpool.typing import OutputSize, Scalar


@description
class AdaptiveMinPool(Pool):
    """As many minima along each axis as asked for.

    `AdaptiveMinPool((7, 7))(x)` is `jaxpool.adaptive_min_pool(x, (7, 7))`,
    which documents results, errors and derivatives.
    """

    output_size: OutputSize
    _: KW_ONLY
    channel_axis: int | None = -1
    empty: Scalar | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The minima of `inputs`."""
        return self.pool_with(jaxpool.adaptive_min_pool, inputs, where=where)


@description
class AdaptiveSumPool(Pool):
    """As many sums along each axis as asked for.

    `AdaptiveSumPool((7, 7))(x)` is `jaxpool.adaptive_sum_pool(x, (7, 7))`,
    which documents results, errors and derivatives.
    """

    output_size: OutputSize
    _: KW_ONLY
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The sums of `inputs`."""
        return self.pool_with(jaxpool.adaptive_sum_pool, inputs, where=where)


@description
class AdaptiveLpPool(Pool):
    """As many p-norms along each axis as asked for.

    `AdaptiveLpPool((7, 7), p=3)(x)` is `jaxpool.adaptive_lp_pool(x, (7, 7), p=3)`,
    which documents results, errors and derivatives.
    """

    output_size: OutputSize
    _: KW_ONLY
    p: Scalar = 2.0
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None, p: Scalar | None = None) -> Array:
        """The norms of `inputs`."""
        return self.pool_with(jaxpool.adaptive_lp_pool, inputs, where=where, p=p)


@description
class AdaptivePowerMeanPool(Pool):
    """As many power means along each axis as asked for.

    `AdaptivePowerMeanPool((7, 7), p=3)(x)` is `jaxpool.adaptive_power_mean_pool(x, (7, 7), p=3)`,
    which documents results, errors and derivatives.
    """

    output_size: OutputSize
    _: KW_ONLY
    p: Scalar = 3.0
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None, p: Scalar | None = None) -> Array:
        """The power means of `inputs`."""
        return self.pool_with(jaxpool.adaptive_power_mean_pool, inputs, where=where, p=p)
