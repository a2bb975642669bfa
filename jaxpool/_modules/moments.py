"""Variances and standard deviations."""

from __future__ import annotations

from dataclasses import KW_ONLY

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description
from jaxpool.typing import AxisNames, Ints, Padding, PaddingMode, WindowShape


@description
class VarPool(Pool):
    """The variance of every window.

    `VarPool((2, 2), 2)(x)` is `jaxpool.var_pool(x, (2, 2), 2)`, which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    _: KW_ONLY
    ddof: int = 0
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None
    spatial_axis_names: AxisNames | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The variances of `inputs`."""
        return self.pool_with(jaxpool.var_pool, inputs, where=where)


@description
class StdPool(Pool):
    """The standard deviation of every window.

    `StdPool((2, 2), 2)(x)` is `jaxpool.std_pool(x, (2, 2), 2)`, which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    _: KW_ONLY
    ddof: int = 0
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None
    spatial_axis_names: AxisNames | None = None

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The standard deviations of `inputs`."""
        return self.pool_with(jaxpool.std_pool, inputs, where=where)


@description
class GlobalVarPool(Pool):
    """The variance of each feature map.

    `GlobalVarPool()(x)` is `jaxpool.global_var_pool(x)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    ddof: int = 0
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The variances of `inputs`."""
        return self.pool_with(jaxpool.global_var_pool, inputs, where=where)


@description
class GlobalStdPool(Pool):
    """The standard deviation of each feature map.

    `GlobalStdPool()(x)` is `jaxpool.global_std_pool(x)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    ddof: int = 0
    num_spatial_dims: int | None = None
    keepdims: bool = False
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The standard deviations of `inputs`."""
        return self.pool_with(jaxpool.global_std_pool, inputs, where=where)
