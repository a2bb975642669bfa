"""Pools of sets of elements."""

from __future__ import annotations

from dataclasses import KW_ONLY

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description
from jaxpool.typing import Scalar


@description
class SegmentSumPool(Pool):
    """The sum of each set of elements.

    `SegmentSumPool(8)(x, segment_ids)` is `jaxpool.segment_sum_pool(x, segment_ids, 8)`,
    which documents results, errors and derivatives.
    """

    num_segments: int
    _: KW_ONLY
    indices_are_sorted: bool = False

    def __call__(self, inputs: ArrayLike, segment_ids: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The sums of the sets in `inputs`."""
        return self.pool_with(jaxpool.segment_sum_pool, inputs, segment_ids, where=where)


@description
class SegmentAvgPool(Pool):
    """The mean of each set of elements.

    `SegmentAvgPool(8)(x, segment_ids)` is `jaxpool.segment_avg_pool(x, segment_ids, 8)`,
    which documents results, errors and derivatives.
    """

    num_segments: int
    _: KW_ONLY
    indices_are_sorted: bool = False

    def __call__(self, inputs: ArrayLike, segment_ids: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The means of the sets in `inputs`."""
        return self.pool_with(jaxpool.segment_avg_pool, inputs, segment_ids, where=where)


@description
class SegmentMaxPool(Pool):
    """The largest element of each set.

    `SegmentMaxPool(8)(x, segment_ids)` is `jaxpool.segment_max_pool(x, segment_ids, 8)`,
    which documents results, errors and derivatives.
    """

    num_segments: int
    _: KW_ONLY
    fill_value: float = 0
    indices_are_sorted: bool = False

    def __call__(self, inputs: ArrayLike, segment_ids: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The maxima of the sets in `inputs`."""
        return self.pool_with(jaxpool.segment_max_pool, inputs, segment_ids, where=where)


@description
class SegmentMinPool(Pool):
    """The smallest element of each set.

    `SegmentMinPool(8)(x, segment_ids)` is `jaxpool.segment_min_pool(x, segment_ids, 8)`,
    which documents results, errors and derivatives.
    """

    num_segments: int
    _: KW_ONLY
    fill_value: float = 0
    indices_are_sorted: bool = False

    def __call__(self, inputs: ArrayLike, segment_ids: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The minima of the sets in `inputs`."""
        return self.pool_with(jaxpool.segment_min_pool, inputs, segment_ids, where=where)


@description
class SegmentVarPool(Pool):
    """The variance of each set of elements.

    `SegmentVarPool(8)(x, segment_ids)` is `jaxpool.segment_var_pool(x, segment_ids, 8)`,
    which documents results, errors and derivatives.
    """

    num_segments: int
    _: KW_ONLY
    ddof: int = 0
    indices_are_sorted: bool = False

    def __call__(self, inputs: ArrayLike, segment_ids: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The variances of the sets in `inputs`."""
        return self.pool_with(jaxpool.segment_var_pool, inputs, segment_ids, where=where)


@description
class SegmentStdPool(Pool):
    """The standard deviation of each set of elements.

    `SegmentStdPool(8)(x, segment_ids)` is `jaxpool.segment_std_pool(x, segment_ids, 8)`,
    which documents results, errors and derivatives.
    """

    num_segments: int
    _: KW_ONLY
    ddof: int = 0
    indices_are_sorted: bool = False

    def __call__(self, inputs: ArrayLike, segment_ids: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The standard deviations of the sets in `inputs`."""
        return self.pool_with(jaxpool.segment_std_pool, inputs, segment_ids, where=where)


@description
class SegmentSoftmaxPool(Pool):
    """The mean of each set of elements with softmax weights.

    `SegmentSoftmaxPool(8)(x, segment_ids)` is `jaxpool.segment_softmax_pool(x, segment_ids, 8)`,
    which documents results, errors and derivatives.
    """

    num_segments: int
    _: KW_ONLY
    beta: Scalar = 1.0
    indices_are_sorted: bool = False

    def __call__(
        self,
        inputs: ArrayLike,
        segment_ids: ArrayLike,
        logits: ArrayLike | None = None,
        where: ArrayLike | None = None,
        beta: Scalar | None = None,
    ) -> Array:
        """The means of the sets in `inputs`."""
        return self.pool_with(jaxpool.segment_softmax_pool, inputs, segment_ids, logits=logits, where=where, beta=beta)
