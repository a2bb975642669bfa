"""Fractional pooling."""

from __future__ import annotations

from dataclasses import KW_ONLY

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description
from jaxpool.typing import FractionalRule, WindowShape


@description
class FractionalMaxPool(Pool):
    """Maxima over windows at random places.

    `FractionalMaxPool((7, 7), window_shape=(2, 2))(x, key)` is
    `jaxpool.fractional_max_pool(x, key, (7, 7), window_shape=(2, 2))`, which documents results, errors and derivatives.
    """

    output_size: WindowShape
    _: KW_ONLY
    window_shape: WindowShape | None = None
    rule: FractionalRule = "torch"
    overlapping: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, key: Array | None, samples: ArrayLike | None = None) -> Array:
        """The maxima of `inputs`."""
        return self.pool_with(jaxpool.fractional_max_pool, inputs, key, samples=samples)


@description
class FractionalMaxPoolWithArgmax(Pool):
    """Maxima over windows at random places, and their indices.

    `FractionalMaxPoolWithArgmax((7, 7), window_shape=(2, 2))(x, key)` is
    `jaxpool.fractional_max_pool_with_argmax(x, key, (7, 7), window_shape=(2, 2))`, which documents results, errors and
    derivatives.
    """

    output_size: WindowShape
    _: KW_ONLY
    window_shape: WindowShape | None = None
    rule: FractionalRule = "torch"
    overlapping: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, key: Array | None, samples: ArrayLike | None = None) -> tuple[Array, Array]:
        """The maxima and their indices of `inputs`."""
        return self.pool_with(jaxpool.fractional_max_pool_with_argmax, inputs, key, samples=samples)


@description
class FractionalAvgPool(Pool):
    """Means over windows at random places.

    `FractionalAvgPool((7, 7), window_shape=(2, 2))(x, key)` is
    `jaxpool.fractional_avg_pool(x, key, (7, 7), window_shape=(2, 2))`, which documents results, errors and derivatives.
    """

    output_size: WindowShape
    _: KW_ONLY
    window_shape: WindowShape | None = None
    rule: FractionalRule = "torch"
    overlapping: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, key: Array | None, samples: ArrayLike | None = None) -> Array:
        """The means of `inputs`."""
        return self.pool_with(jaxpool.fractional_avg_pool, inputs, key, samples=samples)
