"""The first and the last element of feature maps."""

from __future__ import annotations

from dataclasses import KW_ONLY

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description


@description
class GlobalFirstPool(Pool):
    """The first element of each feature map that counts.

    `GlobalFirstPool()(x)` is `jaxpool.global_first_pool(x)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The first elements of `inputs`."""
        return self.pool_with(jaxpool.global_first_pool, inputs, where=where)


@description
class GlobalLastPool(Pool):
    """The last element of each feature map that counts.

    `GlobalLastPool()(x)` is `jaxpool.global_last_pool(x)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The last elements of `inputs`."""
        return self.pool_with(jaxpool.global_last_pool, inputs, where=where)
