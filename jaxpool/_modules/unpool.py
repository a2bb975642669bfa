"""The inverse of max pooling and of average pooling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description
from jaxpool.typing import Duplicates, Implementation, IndexConvention, Ints, Padding, WindowShape


@description
class MaxUnpool(Pool):
    """Every value at its index, and 0 elsewhere.

    `MaxUnpool((2, 2), 2)(x, indices)` is `jaxpool.max_unpool(x, indices, (2, 2), 2)`,
    which documents results, errors and derivatives.
    """

    window_shape: WindowShape | None = None
    strides: Ints | None = None
    padding: Padding = "VALID"
    _: KW_ONLY
    output_shape: Sequence[int] | None = None
    window_dilation: Ints = 1
    channel_axis: int | None = -1
    duplicates: Duplicates = "set"
    index_convention: IndexConvention = "spatial"
    checked: bool = False

    def __call__(self, inputs: ArrayLike, indices: ArrayLike, output_shape: Sequence[int] | None = None) -> Array:
        """The unpooled plane."""
        return self.pool_with(jaxpool.max_unpool, inputs, indices, output_shape=output_shape)


@description
class AvgUnpool(Pool):
    """Every mean, shared among the elements of its window.

    `AvgUnpool((2, 2), 2)(x)` is `jaxpool.avg_unpool(x, (2, 2), 2)`, which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    count_include_pad: bool = True
    _: KW_ONLY
    output_shape: Sequence[int] | None = None
    divisor_override: int | None = None
    window_dilation: Ints = 1
    channel_axis: int | None = -1
    implementation: Implementation | None = None

    def __call__(self, inputs: ArrayLike, output_shape: Sequence[int] | None = None) -> Array:
        """The unpooled plane."""
        return self.pool_with(jaxpool.avg_unpool, inputs, output_shape=output_shape)
