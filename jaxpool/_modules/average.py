"""Average, sum and power pooling."""

from __future__ import annotations

from dataclasses import KW_ONLY

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description
from jaxpool.typing import AxisNames, Implementation, Ints, Padding, PaddingMode, RoundingMode, Scalar, WindowShape


@description
class AvgPool(Pool):
    """The mean of every window.

    `AvgPool((2, 2), 2)(x)` is `jaxpool.avg_pool(x, (2, 2), 2)`, which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    count_include_pad: bool = True
    _: KW_ONLY
    divisor_override: int | None = None
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None
    spatial_axis_names: AxisNames | None = None
    rounding_mode: RoundingMode | None = None
    implementation: Implementation | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The means of `inputs`."""
        return self.pool_with(jaxpool.avg_pool, inputs, where=where)


@description
class SumPool(Pool):
    """The sum of every window.

    `SumPool((2, 2), 2)(x)` is `jaxpool.sum_pool(x, (2, 2), 2)`, which documents results, errors and derivatives.
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
    implementation: Implementation | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The sums of `inputs`."""
        return self.pool_with(jaxpool.sum_pool, inputs, where=where)


@description
class LpPool(Pool):
    """The p-norm of every window.

    `LpPool((2, 2), 2, p=3)(x)` is `jaxpool.lp_pool(x, (2, 2), 2, p=3)`,
    which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    _: KW_ONLY
    p: Scalar = 2.0
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None
    spatial_axis_names: AxisNames | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None, p: Scalar | None = None) -> Array:
        """The norms of `inputs`."""
        return self.pool_with(jaxpool.lp_pool, inputs, where=where, p=p)


@description
class PowerMeanPool(Pool):
    """The power mean of every window.

    `PowerMeanPool((2, 2), 2, p=3)(x)` is `jaxpool.power_mean_pool(x, (2, 2), 2, p=3)`,
    which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    count_include_pad: bool = True
    _: KW_ONLY
    p: Scalar = 3.0
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None
    spatial_axis_names: AxisNames | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None, p: Scalar | None = None) -> Array:
        """The power means of `inputs`."""
        return self.pool_with(jaxpool.power_mean_pool, inputs, where=where, p=p)
