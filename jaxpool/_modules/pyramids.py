"""Pyramids: spatial pyramid pooling and R-MAC."""

from __future__ import annotations

from dataclasses import KW_ONLY

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description
from jaxpool.typing import Levels, PyramidKind, PyramidOrder


@description
class PyramidPool(Pool):
    """The bins of several levels joined to one vector.

    `PyramidPool((1, 2, 4))(x)` is `jaxpool.pyramid_pool(x, (1, 2, 4))`, which documents results, errors and
    derivatives.
    """

    levels: Levels
    _: KW_ONLY
    kind: PyramidKind = "max"
    order: PyramidOrder = "features_last"
    num_spatial_dims: int | None = None
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The vectors of `inputs`."""
        return self.pool_with(jaxpool.pyramid_pool, inputs, where=where)


@description
class RmacPool(Pool):
    """The sum of the normalised maxima of squares of several sizes.

    `RmacPool()(x)` is `jaxpool.rmac_pool(x)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    num_levels: int = 3
    overlap: float = 0.4
    eps: float = 1e-6
    channel_axis: int = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The descriptors of `inputs`."""
        return self.pool_with(jaxpool.rmac_pool, inputs, where=where)
