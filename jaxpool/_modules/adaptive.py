"""Adaptive pooling."""

from __future__ import annotations

from dataclasses import KW_ONLY

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description
from jaxpool.typing import OutputSize, RoundingMode, Scalar


@description
class AdaptiveAvgPool(Pool):
    """As many means along each axis as asked for.

    `AdaptiveAvgPool((7, 7))(x)` is `jaxpool.adaptive_avg_pool(x, (7, 7))`,
    which documents results, errors and derivatives.
    """

    output_size: OutputSize
    _: KW_ONLY
    channel_axis: int | None = -1
    rounding_mode: RoundingMode | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The means of `inputs`."""
        return self.pool_with(jaxpool.adaptive_avg_pool, inputs, where=where)


@description
class AdaptiveMaxPool(Pool):
    """As many maxima along each axis as asked for.

    `AdaptiveMaxPool((7, 7))(x)` is `jaxpool.adaptive_max_pool(x, (7, 7))`,
    which documents results, errors and derivatives.
    """

    output_size: OutputSize
    _: KW_ONLY
    channel_axis: int | None = -1
    empty: Scalar | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The maxima of `inputs`."""
        return self.pool_with(jaxpool.adaptive_max_pool, inputs, where=where)


@description
class AdaptiveMaxPoolWithArgmax(Pool):
    """As many maxima along each axis as asked for, and their indices.

    `AdaptiveMaxPoolWithArgmax((7, 7))(x)` is `jaxpool.adaptive_max_pool_with_argmax(x, (7, 7))`,
    which documents results, errors and derivatives.
    """

    output_size: OutputSize
    _: KW_ONLY
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> tuple[Array, Array]:
        """The maxima and their indices of `inputs`."""
        return self.pool_with(jaxpool.adaptive_max_pool_with_argmax, inputs, where=where)
