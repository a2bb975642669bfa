"""Means with weights, and blur pooling."""

from __future__ import annotations

from dataclasses import KW_ONLY

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description
from jaxpool.typing import AxisNames, Ints, Padding, PaddingMode, Scalar, WindowShape


@description
class SoftmaxPool(Pool):
    """The mean of every window with softmax weights.

    `SoftmaxPool((2, 2), 2)(x)` is `jaxpool.softmax_pool(x, (2, 2), 2)`,
    which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    _: KW_ONLY
    beta: Scalar = 1.0
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None
    spatial_axis_names: AxisNames | None = None

    def __call__(
        self,
        inputs: ArrayLike,
        logits: ArrayLike | None = None,
        where: ArrayLike | None = None,
        beta: Scalar | None = None,
    ) -> Array:
        """The means of `inputs`."""
        return self.pool_with(jaxpool.softmax_pool, inputs, logits=logits, where=where, beta=beta)


@description
class GlobalSoftmaxPool(Pool):
    """The mean of each feature map with softmax weights.

    `GlobalSoftmaxPool()(x)` is `jaxpool.global_softmax_pool(x)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    beta: Scalar = 1.0
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1

    def __call__(
        self,
        inputs: ArrayLike,
        logits: ArrayLike | None = None,
        where: ArrayLike | None = None,
        beta: Scalar | None = None,
    ) -> Array:
        """The means of `inputs`."""
        return self.pool_with(jaxpool.global_softmax_pool, inputs, logits=logits, where=where, beta=beta)


@description
class WeightedAvgPool(Pool):
    """The mean of every window with given weights.

    `WeightedAvgPool((2, 2), 2)(x, weights)` is `jaxpool.weighted_avg_pool(x, weights, (2, 2), 2)`,
    which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    _: KW_ONLY
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None
    spatial_axis_names: AxisNames | None = None

    def __call__(self, inputs: ArrayLike, weights: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The means of `inputs`."""
        return self.pool_with(jaxpool.weighted_avg_pool, inputs, weights, where=where)


@description
class GlobalWeightedAvgPool(Pool):
    """The mean of each feature map with given weights.

    `GlobalWeightedAvgPool()(x, weights)` is `jaxpool.global_weighted_avg_pool(x, weights)`,
    which documents results, errors and derivatives.
    """

    _: KW_ONLY
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, weights: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The means of `inputs`."""
        return self.pool_with(jaxpool.global_weighted_avg_pool, inputs, weights, where=where)


@description
class BlurPool(Pool):
    """The mean of every window with binomial weights.

    `BlurPool((3, 3), 2)(x)` is `jaxpool.blur_pool(x, (3, 3), 2)`, which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    count_include_pad: bool = True
    _: KW_ONLY
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None
    spatial_axis_names: AxisNames | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The means of `inputs`."""
        return self.pool_with(jaxpool.blur_pool, inputs, where=where)
