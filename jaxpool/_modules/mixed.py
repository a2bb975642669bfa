"""Smooth maxima, mixtures of maxima and means, and means with weights of their own."""

from __future__ import annotations

from dataclasses import KW_ONLY

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description
from jaxpool.typing import AxisNames, ConcatOrder, Ints, Padding, PaddingMode, Scalar, WindowShape


@description
class LsePool(Pool):
    """A smooth maximum of every window.

    `LsePool((2, 2), 2)(x)` is `jaxpool.lse_pool(x, (2, 2), 2)`, which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    _: KW_ONLY
    beta: Scalar = 10.0
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None
    spatial_axis_names: AxisNames | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None, beta: Scalar | None = None) -> Array:
        """The smooth maxima of `inputs`."""
        return self.pool_with(jaxpool.lse_pool, inputs, where=where, beta=beta)


@description
class GlobalLsePool(Pool):
    """A smooth maximum of each feature map.

    `GlobalLsePool()(x)` is `jaxpool.global_lse_pool(x)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    beta: Scalar = 10.0
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None, beta: Scalar | None = None) -> Array:
        """The smooth maxima of `inputs`."""
        return self.pool_with(jaxpool.global_lse_pool, inputs, where=where, beta=beta)


@description
class GlobalMixedPool(Pool):
    """A mixture of the maximum and the mean of each feature map.

    `GlobalMixedPool()(x)` is `jaxpool.global_mixed_pool(x)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    alpha: Scalar = 0.5
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None, alpha: Scalar | None = None) -> Array:
        """The mixtures of `inputs`."""
        return self.pool_with(jaxpool.global_mixed_pool, inputs, where=where, alpha=alpha)


@description
class ConcatPool(Pool):
    """The means and the maxima of every window, side by side.

    `ConcatPool((2, 2), 2)(x)` is `jaxpool.concat_pool(x, (2, 2), 2)`,
    which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    count_include_pad: bool = True
    _: KW_ONLY
    order: ConcatOrder = "avg_max"
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None
    spatial_axis_names: AxisNames | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """Means and maxima of `inputs`."""
        return self.pool_with(jaxpool.concat_pool, inputs, where=where)


@description
class GlobalConcatPool(Pool):
    """The mean and the maximum of each feature map, side by side.

    `GlobalConcatPool()(x)` is `jaxpool.global_concat_pool(x)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    order: ConcatOrder = "avg_max"
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """Mean and maximum of `inputs`."""
        return self.pool_with(jaxpool.global_concat_pool, inputs, where=where)


@description
class GaussianPool(Pool):
    """The sum of every window with Gaussian weights.

    `GaussianPool((401,), 160)(x)` is `jaxpool.gaussian_pool(x, (401,), 160)`,
    which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    _: KW_ONLY
    sigma: Scalar = 0.4
    normalize: bool = False
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None, sigma: Scalar | None = None) -> Array:
        """The sums of `inputs`."""
        return self.pool_with(jaxpool.gaussian_pool, inputs, where=where, sigma=sigma)


@description
class AdaPool(Pool):
    """A mixture of two means of every window, by similarity to its mean and by softmax.

    `AdaPool((2, 2), 2)(x)` is `jaxpool.ada_pool(x, (2, 2), 2)`, which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    _: KW_ONLY
    alpha: Scalar = 0.5
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None, alpha: Scalar | None = None) -> Array:
        """The mixtures of `inputs`."""
        return self.pool_with(jaxpool.ada_pool, inputs, where=where, alpha=alpha)


@description
class DetailPreservingPool(Pool):
    """A mean of every window in which details weigh more.

    `DetailPreservingPool((2, 2))(x)` is `jaxpool.detail_preserving_pool(x, (2, 2))`,
    which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    _: KW_ONLY
    alpha: Scalar = 0.0
    lam: Scalar = 0.0
    channel_axis: int | None = -1

    def __call__(
        self, inputs: ArrayLike, where: ArrayLike | None = None, alpha: Scalar | None = None, lam: Scalar | None = None
    ) -> Array:
        """The means of `inputs`."""
        return self.pool_with(jaxpool.detail_preserving_pool, inputs, where=where, alpha=alpha, lam=lam)


@description
class GlobalStatsPool(Pool):
    """The mean and the standard deviation of each feature map, side by side.

    `GlobalStatsPool()(x)` is `jaxpool.global_stats_pool(x)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    ddof: int = 0
    num_spatial_dims: int | None = None
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """Means and deviations of `inputs`."""
        return self.pool_with(jaxpool.global_stats_pool, inputs, where=where)
