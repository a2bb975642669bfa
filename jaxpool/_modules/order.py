"""Order statistics of windows and planes, and local maxima."""

from __future__ import annotations

from dataclasses import KW_ONLY

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description
from jaxpool.typing import AxisNames, Ints, Padding, PaddingMode, Plateau, QuantileMethod, WindowShape


@description
class MedianPool(Pool):
    """The median of every window.

    `MedianPool((3, 3))(x)` is `jaxpool.median_pool(x, (3, 3))`,
    which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    _: KW_ONLY
    method: QuantileMethod = "midpoint"
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None
    spatial_axis_names: AxisNames | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The medians of `inputs`."""
        return self.pool_with(jaxpool.median_pool, inputs, where=where)


@description
class QuantilePool(Pool):
    """The quantile of every window.

    `QuantilePool((3, 3), q=0.9)(x)` is `jaxpool.quantile_pool(x, (3, 3), q=0.9)`,
    which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    _: KW_ONLY
    q: float
    method: QuantileMethod = "linear"
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None
    spatial_axis_names: AxisNames | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The quantiles of `inputs`."""
        return self.pool_with(jaxpool.quantile_pool, inputs, where=where)


@description
class RankPool(Pool):
    """The element of every window at a place in its order.

    `RankPool((3, 3), rank=1)(x)` is `jaxpool.rank_pool(x, (3, 3), rank=1)`,
    which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    _: KW_ONLY
    rank: int
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None
    spatial_axis_names: AxisNames | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The elements of `inputs`."""
        return self.pool_with(jaxpool.rank_pool, inputs, where=where)


@description
class TopkPool(Pool):
    """The mean of the largest elements of every window.

    `TopkPool((3, 3), k=2)(x)` is `jaxpool.topk_pool(x, (3, 3), k=2)`,
    which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    _: KW_ONLY
    k: float
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None
    spatial_axis_names: AxisNames | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The means of `inputs`."""
        return self.pool_with(jaxpool.topk_pool, inputs, where=where)


@description
class GlobalMedianPool(Pool):
    """The median of each feature map.

    `GlobalMedianPool()(x)` is `jaxpool.global_median_pool(x)`,
    which documents results, errors and derivatives.
    """

    _: KW_ONLY
    method: QuantileMethod = "midpoint"
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The medians of `inputs`."""
        return self.pool_with(jaxpool.global_median_pool, inputs, where=where)


@description
class GlobalQuantilePool(Pool):
    """The quantile of each feature map.

    `GlobalQuantilePool(q=0.9)(x)` is `jaxpool.global_quantile_pool(x, q=0.9)`,
    which documents results, errors and derivatives.
    """

    _: KW_ONLY
    q: float
    method: QuantileMethod = "linear"
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The quantiles of `inputs`."""
        return self.pool_with(jaxpool.global_quantile_pool, inputs, where=where)


@description
class GlobalTopkPool(Pool):
    """The mean of the largest elements of each feature map (WILDCAT).

    `GlobalTopkPool(kmax=3)(x)` is `jaxpool.global_topk_pool(x, kmax=3)`,
    which documents results, errors and derivatives.
    """

    _: KW_ONLY
    kmax: float
    kmin: float = 0
    alpha: float = 1.0
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The means of `inputs`."""
        return self.pool_with(jaxpool.global_topk_pool, inputs, where=where)


@description
class KmaxPool(Pool):
    """The largest elements of each sequence, in their order of time.

    `KmaxPool(k=3)(x)` is `jaxpool.kmax_pool(x, k=3)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    k: int
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> tuple[Array, Array]:
        """The elements of `inputs`, and which of them are real."""
        return self.pool_with(jaxpool.kmax_pool, inputs, where=where)


@description
class LocalMaxima(Pool):
    """Which elements are the largest of the window around them.

    `LocalMaxima((3, 3))(x)` is `jaxpool.local_maxima(x, (3, 3))`, which documents results and errors.
    """

    window_shape: WindowShape
    padding: Padding = "SAME"
    _: KW_ONLY
    plateau: Plateau = "all"
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The maxima of `inputs`, as booleans."""
        return self.pool_with(jaxpool.local_maxima, inputs, where=where)
