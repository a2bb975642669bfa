"""Global pooling with indices."""

from __future__ import annotations

from dataclasses import KW_ONLY

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description


@description
class GlobalMaxPoolWithArgmax(Pool):
    """The largest element of each feature map, and its index.

    `GlobalMaxPoolWithArgmax()(x)` is `jaxpool.global_max_pool_with_argmax(x)`,
    which documents results, errors and derivatives.
    """

    _: KW_ONLY
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> tuple[Array, Array]:
        """The maxima and their indices of `inputs`."""
        return self.pool_with(jaxpool.global_max_pool_with_argmax, inputs, where=where)


@description
class GlobalMinPoolWithArgmin(Pool):
    """The smallest element of each feature map, and its index.

    `GlobalMinPoolWithArgmin()(x)` is `jaxpool.global_min_pool_with_argmin(x)`,
    which documents results, errors and derivatives.
    """

    _: KW_ONLY
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> tuple[Array, Array]:
        """The minima and their indices of `inputs`."""
        return self.pool_with(jaxpool.global_min_pool_with_argmin, inputs, where=where)
