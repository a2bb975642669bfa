"""Max and min pooling, with and without indices."""

from __future__ import annotations

from dataclasses import KW_ONLY

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description
from jaxpool.typing import (
    AxisNames,
    Implementation,
    IndexConvention,
    Ints,
    Padding,
    PaddingMode,
    Residual,
    Scalar,
    WindowShape,
)


@description
class MaxPool(Pool):
    """The largest element of every window.

    `MaxPool((2, 2), 2)(x)` is `jaxpool.max_pool(x, (2, 2), 2)`, which documents results, errors and derivatives.
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
    padding_value: Scalar | None = None
    empty: Scalar | None = None
    residual: Residual | None = None
    implementation: Implementation | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The maxima of `inputs`."""
        return self.pool_with(jaxpool.max_pool, inputs, where=where)


@description
class MinPool(Pool):
    """The smallest element of every window.

    `MinPool((2, 2), 2)(x)` is `jaxpool.min_pool(x, (2, 2), 2)`, which documents results, errors and derivatives.
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
    padding_value: Scalar | None = None
    empty: Scalar | None = None
    residual: Residual | None = None
    implementation: Implementation | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The minima of `inputs`."""
        return self.pool_with(jaxpool.min_pool, inputs, where=where)


@description
class MaxPoolWithArgmax(Pool):
    """The largest element of every window and its index.

    `MaxPoolWithArgmax((2, 2), 2)(x)` is `jaxpool.max_pool_with_argmax(x, (2, 2), 2)`,
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
    index_convention: IndexConvention = "spatial"
    implementation: Implementation | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> tuple[Array, Array]:
        """The maxima and their indices of `inputs`."""
        return self.pool_with(jaxpool.max_pool_with_argmax, inputs, where=where)


@description
class MinPoolWithArgmin(Pool):
    """The smallest element of every window and its index.

    `MinPoolWithArgmin((2, 2), 2)(x)` is `jaxpool.min_pool_with_argmin(x, (2, 2), 2)`,
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
    index_convention: IndexConvention = "spatial"
    implementation: Implementation | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> tuple[Array, Array]:
        """The minima and their indices of `inputs`."""
        return self.pool_with(jaxpool.min_pool_with_argmin, inputs, where=where)
