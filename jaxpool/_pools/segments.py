"""Pools of sets: elements along one axis, told apart by an integer of each. Sums, means, softmax means and moments."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import SegmentedAxis, check_ddof, check_flag, segments_of
from jaxpool._geometry.calls import explained
from jaxpool._operators import segment_extremum, segment_spread, segment_sum, without_series
from jaxpool._pools.divisors import divide
from jaxpool._pools.dtypes import mean_dtypes, sum_dtypes
from jaxpool._pools.inputs import as_array, mask_of
from jaxpool._pools.moments import variance_of
from jaxpool._pools.shards import with_whole_planes
from jaxpool._pools.softmax import values_and_logits
from jaxpool._pools.weighted import array_of, ratio
from jaxpool.typing import Scalar

# Inputs, the set of each element, the mask and the axis.
Sets = tuple[Array, Array, Array | None, SegmentedAxis]


def sets_of(
    inputs: ArrayLike, segment_ids: ArrayLike, num_segments: int, ordered: bool, where: Any, *, real: bool
) -> Sets:
    """The arguments of a pool of sets; `segment_ids` get as many axes as the inputs. `real` refuses complex numbers."""
    check_flag("indices_are_sorted", ordered)
    x = as_array(inputs, ordered=real)
    segments = segments_of(x.shape, segment_ids, num_segments, ordered)
    ids = jnp.asarray(segment_ids)
    ids = ids.astype(jnp.int64 if ids.dtype.itemsize == 8 else jnp.int32)
    ids = jnp.expand_dims(ids, tuple(range(ids.ndim, x.ndim)))
    return with_whole_planes(x, (segments.axis,)), ids, mask_of(where, x), segments


def _taking_part(ids: Array, mask: Array | None, segments: SegmentedAxis) -> Array:
    """Which elements count: those that have a set, and that the mask leaves in."""
    ids = without_series(ids)
    inside = (ids >= 0) & (ids < segments.count)
    return inside if mask is None else inside & without_series(mask)


def _count(ids: Array, mask: Array | None, segments: SegmentedAxis, dtype: jnp.dtype) -> Array:
    """The number of elements of each set; in integers, as f32 counts no further than 2**24 one by one."""
    if mask is None:
        ones = jnp.ones(ids.shape, jnp.int32)
    else:
        shape = tuple(a if b == 1 else b for a, b in zip(ids.shape, mask.shape, strict=True))
        ones = jnp.broadcast_to(mask, shape).astype(jnp.int32)
    return segment_sum(ones, ids, segments).astype(dtype)


def _mean(x: Array, ids: Array, mask: Array | None, segments: SegmentedAxis, count: Array) -> Array:
    total = segment_sum(x if mask is None else jnp.where(mask, x, 0), ids, segments)
    return divide(total, jnp.maximum(count, 1))


@functools.partial(jax.jit, static_argnames=("segments",), inline=True)
def _sum(x: Array, ids: Array, mask: Array | None, segments: SegmentedAxis) -> Array:
    dtype, result_dtype = sum_dtypes(x.dtype)
    x = x.astype(dtype)
    return segment_sum(x if mask is None else jnp.where(mask, x, 0), ids, segments).astype(result_dtype)


@functools.partial(jax.jit, static_argnames=("segments",), inline=True)
def _average(x: Array, ids: Array, mask: Array | None, segments: SegmentedAxis) -> Array:
    dtype, result_dtype = mean_dtypes(x.dtype)
    count = _count(ids, mask, segments, jnp.finfo(dtype).dtype)
    return _mean(x.astype(dtype), ids, mask, segments, count).astype(result_dtype)


@functools.partial(jax.jit, static_argnames=("segments", "ddof", "root"), inline=True)
def _moment(x: Array, ids: Array, mask: Array | None, segments: SegmentedAxis, ddof: int, root: bool) -> Array:
    dtype, result_dtype = mean_dtypes(x.dtype)
    # No gradient may pass what is left out, not even that of NaN.
    mask = _taking_part(ids, mask, segments)
    x = jnp.where(mask, x.astype(dtype), 0)
    count = _count(ids, mask, segments, dtype)
    mean = _mean(x, ids, mask, segments, count)
    deviations = jnp.where(mask, lax.square(x - segment_spread(mean, ids, segments)), 0)
    return variance_of(segment_sum(deviations, ids, segments), count, ddof, root).astype(result_dtype)


@functools.partial(jax.jit, static_argnames=("segments",), inline=True)
def _softmax(
    x: Array, ids: Array, mask: Array | None, segments: SegmentedAxis, logits: Array | None, beta: Array
) -> Array:
    values, exponents = values_and_logits(x, logits, beta, _taking_part(ids, mask, segments))
    largest, _ = segment_extremum(lax.stop_gradient(exponents), ids, None, segments, "max")
    # The result does not depend on it.
    shift = lax.stop_gradient(jnp.where(largest == -jnp.inf, 0, largest))
    weights = jnp.exp(exponents - segment_spread(shift, ids, segments))
    total, weight = (segment_sum(array, ids, segments) for array in (weights * values, weights))
    return ratio(total, weight).astype(mean_dtypes(x.dtype)[1])


@explained
def segment_sum_pool(
    inputs: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int,
    *,
    indices_are_sorted: bool = False,
    where: ArrayLike | None = None,
) -> Array:
    """Segment sum pooling: the sum of each set of elements.

    For sets of different sizes in one array: the nodes of a batch of graphs, or sequences that are packed into rows.

    Args:
      inputs: array of shape `(*batch, elements, *features)`. Any numeric dtype.
      segment_ids: integers of shape `(*batch, elements)`, the set of each element. An element whose integer is negative
        or not below `num_segments` is dropped, as in `jax.ops.segment_sum`.
      num_segments: the number of sets.
      indices_are_sorted: whether `segment_ids` never decrease along the elements. It is not checked. Sums then need no
        scatter, and repeat bit by bit; without it a GPU may add in another order in each run.
      where: boolean array, True for elements that count. It has the rank of `inputs` and broadcasts to its shape.

    Returns:
      Array of shape `(*batch, num_segments, *features)`. An empty set gives 0. Floats and complex numbers keep their
      dtype, and f16, bf16 and fp8 are summed in f32; integers and booleans are widened as `jnp.sum` does.

    Raises:
      TypeError: an argument of the wrong kind, such as `segment_ids` of floats.
      ValueError: `segment_ids` whose shape is not that of the first axes of `inputs`.

    Derivatives: both modes, any order. The pool is linear; reverse mode keeps `segment_ids`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.segment_sum_pool(jnp.array([[1.], [2.], [4.]]), jnp.array([0, 0, 2]), 3)
      Array([[3.],
             [0.],
             [4.]], dtype=float32)
    """
    return _sum(*sets_of(inputs, segment_ids, num_segments, indices_are_sorted, where, real=False))


@explained
def segment_avg_pool(
    inputs: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int,
    *,
    indices_are_sorted: bool = False,
    where: ArrayLike | None = None,
) -> Array:
    """Segment average pooling: the mean of each set of elements.

    Arguments, errors and derivatives are those of `jaxpool.segment_sum_pool`; dtypes those of `jaxpool.avg_pool`. An
    empty set gives 0.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.segment_avg_pool(jnp.array([[1.], [2.], [4.]]), jnp.array([0, 0, 2]), 3)
      Array([[1.5],
             [0. ],
             [4. ]], dtype=float32)
    """
    return _average(*sets_of(inputs, segment_ids, num_segments, indices_are_sorted, where, real=False))


@explained
def segment_var_pool(
    inputs: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int,
    *,
    ddof: int = 0,
    indices_are_sorted: bool = False,
    where: ArrayLike | None = None,
) -> Array:
    """Segment variance pooling: the variance of each set of elements.

    Arguments and errors are those of `jaxpool.segment_sum_pool`, for real dtypes; `ddof` and the derivatives those of
    `jaxpool.var_pool`. A set of `ddof` elements or fewer gives 0 and has no gradient.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.segment_var_pool(jnp.array([1., 3., 4.]), jnp.array([0, 0, 1]), 2)
      Array([1., 0.], dtype=float32)
    """
    sets = sets_of(inputs, segment_ids, num_segments, indices_are_sorted, where, real=True)
    return _moment(*sets, check_ddof(ddof), False)


@explained
def segment_std_pool(
    inputs: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int,
    *,
    ddof: int = 0,
    indices_are_sorted: bool = False,
    where: ArrayLike | None = None,
) -> Array:
    """Segment standard deviation pooling: the root of `jaxpool.segment_var_pool`.

    The gradient of a constant set is 0, not NaN.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.segment_std_pool(jnp.array([1., 5., 4.]), jnp.array([0, 0, 1]), 2)
      Array([2., 0.], dtype=float32)
    """
    sets = sets_of(inputs, segment_ids, num_segments, indices_are_sorted, where, real=True)
    return _moment(*sets, check_ddof(ddof), True)


@explained
def segment_softmax_pool(
    inputs: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int,
    *,
    logits: ArrayLike | None = None,
    beta: Scalar = 1.0,
    indices_are_sorted: bool = False,
    where: ArrayLike | None = None,
) -> Array:
    """Segment softmax pooling: the mean of each set with softmax weights.

    With logits of shape `(*batch, elements, 1)` it is the attention readout of graphs, also known as global attention.

    Args:
      inputs, segment_ids, num_segments, indices_are_sorted: as in `jaxpool.segment_sum_pool`. Any real dtype.
      logits: array with as many axes as `inputs`, each of the same size or of size 1. None for the inputs themselves.
      beta: the inverse temperature, a number or an array that broadcasts to `inputs`. It may be learned.
      where: as in `jaxpool.segment_sum_pool`. A set without any element returns 0 and has no gradient.

    Returns:
      Array of shape `(*batch, num_segments, *features)`, of the dtype of float inputs; integers return f32. Each set
      subtracts its own largest logit, so that no exponential overflows.

    Raises:
      TypeError, ValueError: as in `jaxpool.segment_sum_pool`, and an array that does not broadcast.

    Derivatives: both modes, any order, with respect to inputs, logits and `beta`.

    Source: Y. Li et al., "Gated graph sequence neural networks", ICLR 2016; G. Li et al., "DeeperGCN: all you need to
    train deeper GCNs", 2020.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.segment_softmax_pool(jnp.array([0., 1., 4.]), jnp.array([0, 0, 1]), 2).round(3)
      Array([0.731, 4.   ], dtype=float32)
    """
    x, ids, mask, segments = sets_of(inputs, segment_ids, num_segments, indices_are_sorted, where, real=True)
    own = None if logits is None else array_of("logits", logits, x)
    return _softmax(x, ids, mask, segments, own, array_of("beta", beta, x, scalar=True))
