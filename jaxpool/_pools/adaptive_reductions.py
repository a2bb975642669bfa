"""Adaptive pooling with other operations than means and maxima: the bins laid out are windows of those pools."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import jax
from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import AxisBins, adaptive_bins
from jaxpool._geometry.calls import explained
from jaxpool._pools.adaptive import (
    array_and_bins,
    counts_of_bins,
    extremum_of_bins,
    given,
    laid_out,
    sum_of_bins,
    valid_in_bins,
    windows_of,
)
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.extremum import value_of_empty
from jaxpool._pools.inputs import mask_of
from jaxpool._pools.norms import jitted, pooled, pooled_bins
from jaxpool._pools.reduce import operands_of, reduced
from jaxpool._pools.shards import with_whole_planes
from jaxpool._pools.shared_bins import map_bins, within_shards
from jaxpool.typing import OutputSize, Scalar

Tree = TypeVar("Tree")


def _norms(x: Array, p: Any, mask: Array | None, bins: tuple[AxisBins, ...], mean: bool) -> Array:
    if not all(within_shards(x, part) for part in bins):
        counts = counts_of_bins(mask, bins, x.ndim, mean_dtypes(x.dtype)[0]) if mean else None
        return pooled_bins(x, p, mask, bins, counts)

    def of_shard(arrays: dict[str, Any], bins: tuple[AxisBins, ...]) -> Array:
        x, mask = arrays["x"], arrays.get("mask")
        valid = valid_in_bins(mask, bins, x.ndim)
        return pooled(laid_out(x, bins), arrays.get("p", p), valid, windows_of(bins), mean, False, None)

    return map_bins(of_shard, given(x=x, mask=mask, p=p if isinstance(p, Array) else None), x, bins)


_run_norms = jitted(_norms, "bins", "mean")


def _norms_of(
    inputs: ArrayLike, output_size: OutputSize, p: Scalar, channel_axis: int | None, where: Any, mean: bool
) -> Array:
    x, bins = array_and_bins(inputs, output_size, channel_axis)
    return _run_norms(x, tuple(part.axis for part in bins), p, where, bins, mean)


@explained
def adaptive_min_pool(
    inputs: ArrayLike,
    output_size: OutputSize,
    *,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
    empty: Scalar | None = None,
) -> Array:
    """Adaptive min pooling: an output of a given size, whatever the size of the inputs.

    As `jaxpool.adaptive_max_pool`, with the smallest element in place of the largest. A bin without valid elements
    returns the largest value of the dtype and has no gradient.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.adaptive_min_pool(jnp.arange(5.), (3,), channel_axis=None)
      Array([0., 1., 3.], dtype=float32)
    """
    x, bins = array_and_bins(inputs, output_size, channel_axis)
    return extremum_of_bins(x, mask_of(where, x), bins, "min", value_of_empty(empty, x))


@explained
def adaptive_sum_pool(
    inputs: ArrayLike, output_size: OutputSize, *, channel_axis: int | None = -1, where: ArrayLike | None = None
) -> Array:
    """Adaptive sum pooling: an output of a given size, whatever the size of the inputs.

    Windows, arguments, errors and derivatives are those of `jaxpool.adaptive_avg_pool`, dtypes those of
    `jaxpool.sum_pool`. Where bins share elements, these count in each.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.adaptive_sum_pool(jnp.arange(5.), (3,), channel_axis=None)
      Array([1., 6., 7.], dtype=float32)
    """
    x, bins = array_and_bins(inputs, output_size, channel_axis, ordered=False)
    return sum_of_bins(x, mask_of(where, x), bins)


@explained
def adaptive_lp_pool(
    inputs: ArrayLike,
    output_size: OutputSize,
    *,
    p: Scalar = 2.0,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Adaptive Lp pooling: the p-norm of every bin, for an output of a given size.

    Windows, arguments and errors are those of `jaxpool.adaptive_avg_pool`; p, dtypes and derivatives those of
    `jaxpool.lp_pool`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.adaptive_lp_pool(jnp.array([3., -4., 0., 0.]), (2,), channel_axis=None)
      Array([5., 0.], dtype=float32)
    """
    return _norms_of(inputs, output_size, p, channel_axis, where, mean=False)


@explained
def adaptive_power_mean_pool(
    inputs: ArrayLike,
    output_size: OutputSize,
    *,
    p: Scalar = 3.0,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Adaptive power mean pooling: `(mean |x|^p)^(1/p)` of every bin, for an output of a given size.

    Windows, arguments and errors are those of `jaxpool.adaptive_avg_pool`; p, dtypes and derivatives those of
    `jaxpool.lp_pool`. One bin is the whole plane, and the pool that of GeM, `jaxpool.global_power_mean_pool`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.adaptive_power_mean_pool(jnp.array([1., 7., 2., 2.]), (2,), p=2, channel_axis=None)
      Array([5., 2.], dtype=float32)
    """
    return _norms_of(inputs, output_size, p, channel_axis, where, mean=True)


@explained
def adaptive_pool(
    inputs: Tree,
    init: Any,
    reduce_fn: Callable[[Any, Any], Any],
    output_size: OutputSize,
    *,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Tree:
    """Adaptive pooling with any associative operation, over one array or a tree of them.

    Args:
      inputs, init, reduce_fn: as in `jaxpool.pool`.
      output_size, channel_axis: as in `jaxpool.adaptive_avg_pool`.
      where: as in `jaxpool.pool`. A bin without valid elements gives `init`.

    Returns:
      The tree of results, with `output_size` along the spatial axes.

    Raises:
      TypeError, ValueError: as in `jaxpool.pool` and `jaxpool.adaptive_avg_pool`.

    Derivatives: as in `jaxpool.pool`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> from jax import lax
      >>> jaxpool.adaptive_pool(jnp.arange(1., 6.), 1., lax.mul, (3,), channel_axis=None)
      Array([ 2., 24., 20.], dtype=float32)
    """
    tree, first = operands_of(inputs, init, reduce_fn)
    bins = adaptive_bins(first.shape, output_size, channel_axis)
    valid = valid_in_bins(mask_of(where, first), bins, first.ndim)
    tree = jax.tree.map(lambda x: with_whole_planes(x, [part.axis for part in bins]), tree)
    return reduced(jax.tree.map(lambda x: laid_out(x, bins), tree), init, reduce_fn, windows_of(bins), valid)
