"""Global pooling: each feature map becomes one number."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import check_flag, check_rounding_mode, digit_bits, index_dtype, plane_axes
from jaxpool._geometry.calls import explained
from jaxpool._operators import extreme, plane_count, plane_sum
from jaxpool._pools.divisors import divide
from jaxpool._pools.dtypes import mean_dtypes, sum_dtypes
from jaxpool._pools.extremum import value_of_empty
from jaxpool._pools.inputs import as_array, mask_of, x64
from jaxpool._pools.planes import plane_argextremum, plane_extremum
from jaxpool._pools.rounding import rounded_mean
from jaxpool.typing import RoundingMode, Scalar


@functools.partial(jax.jit, static_argnames=("axes", "keepdims", "rounding_mode"), inline=True)
def mean_of_plane(
    x: Array,
    mask: Array | None,
    axes: tuple[int, ...],
    keepdims: bool,
    rounding_mode: RoundingMode | None = None,
) -> Array:
    """The mean of each feature map."""
    dtype, result_dtype = mean_dtypes(x.dtype)
    count = plane_count(x, axes, mask, jnp.finfo(dtype).dtype)
    if rounding_mode is not None:
        elements = math.prod(x.shape[axis] for axis in axes)
        mean = rounded_mean(x, lambda x: plane_sum(x, axes, mask, x.dtype), count, elements, rounding_mode)
        return _without(mean, axes, keepdims)
    mean = divide(plane_sum(x, axes, mask, dtype), count if mask is None else jnp.asarray(count, dtype))
    return _without(mean.astype(result_dtype), axes, keepdims)


@functools.partial(jax.jit, static_argnames=("axes", "keepdims"), inline=True)
def _sum(x: Array, mask: Array | None, axes: tuple[int, ...], keepdims: bool) -> Array:
    dtype, result_dtype = sum_dtypes(x.dtype)
    return _without(plane_sum(x, axes, mask, dtype).astype(result_dtype), axes, keepdims)


@functools.partial(jax.jit, static_argnames=("axes", "keepdims", "kind"), inline=True)
def _extremum(
    x: Array, mask: Array | None, empty: Array | None, axes: tuple[int, ...], keepdims: bool, kind: str
) -> Array:
    x = x if mask is None else jnp.where(mask, x, extreme(x.dtype, kind))
    value = plane_extremum(x, axes, kind)
    if mask is not None and empty is not None:
        value = jnp.where(jnp.any(mask, axes, keepdims=True), value, empty)
    return _without(value, axes, keepdims)


def _without(result: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
    return result if keepdims else lax.squeeze(result, axes)


def _run_extremum(kind: str, empty: Any, inputs: ArrayLike, *arguments: Any) -> Array:
    def compute(x: Array, mask: Array | None, axes: tuple[int, ...], keepdims: bool) -> Array:
        return _extremum(x, mask, value_of_empty(empty, x), axes, keepdims, kind)

    return _run(compute, inputs, *arguments, ordered=True)


def _run(
    compute: Any,
    inputs: ArrayLike,
    num_spatial_dims: int | None,
    keepdims: bool,
    channel_axis: int | None,
    where: ArrayLike | None,
    ordered: bool = False,
) -> Array:
    check_flag("keepdims", keepdims)
    x = as_array(inputs, ordered)
    axes = plane_axes(x.shape, num_spatial_dims, channel_axis)
    return compute(x, mask_of(where, x), axes, bool(keepdims))


@explained
def global_avg_pool(
    inputs: ArrayLike,
    *,
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    rounding_mode: RoundingMode | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Global average pooling: the mean of each feature map.

    It replaces large dense layers at the end of a network. It has no parameters and takes any input size.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any numeric dtype.
      num_spatial_dims: the number of spatial axes: 2 for images, 1 for sequences, 3 for volumes. None means 2 for
        inputs of shape `(batch, height, width, features)`. For any other rank pass the number: the shape alone does not
        distinguish batch axes from spatial ones.
      keepdims: whether to keep the spatial axes, with size 1.
      channel_axis: the axis of the features, or None. The spatial axes are the last `num_spatial_dims` other axes.
      rounding_mode: as in `jaxpool.avg_pool`: how means of integers become integers of the same dtype.
      where: boolean array, True for elements that count. It has the rank of `inputs` and broadcasts to its shape.
        A map without any returns 0 and has no gradient.

    Returns:
      Array of shape `(*batch, features)`. Floats and complex numbers keep their dtype, and f16, bf16 and fp8 are summed
      in f32; integers and booleans have the dtype of `jnp.mean`, but integers keep theirs with a `rounding_mode`.

    Raises:
      TypeError: an argument of the wrong kind, or a `rounding_mode` for inputs that are no integers.
      ValueError: too few axes, an empty spatial axis, no `num_spatial_dims` for inputs that are not of rank 4, or a
        `rounding_mode` for maps of 2**23 elements or more, or of symbolic sizes.

    Derivatives: both modes, any order. The pool is linear, so reverse mode keeps nothing.

    The computation is `jnp.sum` and a division, so it also runs with symbolic sizes and sharded axes. As in `jnp.mean`,
    XLA multiplies by the reciprocal of a constant divisor: the mean of 121 ones is 0.99999994.

    Source: M. Lin, Q. Chen, S. Yan, "Network in network", ICLR 2014.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_avg_pool(jnp.array([[[[4.], [6.]], [[2.], [8.]]]]))
      Array([[5.]], dtype=float32)
    """

    def mean(x: Array, mask: Array | None, axes: tuple[int, ...], keepdims: bool) -> Array:
        if rounding_mode is not None:
            check_rounding_mode(rounding_mode, str(x.dtype))
            elements: Any = math.prod(x.shape[axis] for axis in axes)
            digit_bits(rounding_mode, jnp.iinfo(x.dtype).bits, elements)
        return mean_of_plane(x, mask, axes, keepdims, rounding_mode)

    return _run(mean, inputs, num_spatial_dims, keepdims, channel_axis, where)


@explained
def global_sum_pool(
    inputs: ArrayLike,
    *,
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global sum pooling: the sum of each feature map.

    Arguments, errors and derivatives are those of `jaxpool.global_avg_pool`; dtypes those of `jaxpool.sum_pool`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_sum_pool(jnp.ones((1, 4, 4, 3)))
      Array([[16., 16., 16.]], dtype=float32)
    """
    return _run(_sum, inputs, num_spatial_dims, keepdims, channel_axis, where)


@explained
def global_max_pool(
    inputs: ArrayLike,
    *,
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
    empty: Scalar | None = None,
) -> Array:
    """Global max pooling: the largest element of each feature map.

    Arguments and errors are those of `jaxpool.global_avg_pool`; dtypes, NaN, ties and derivatives those of
    `jaxpool.max_pool`: the gradient goes to the first maximum, where `jnp.max` splits it. A map without any valid
    element returns `empty`, by default the smallest value of the dtype. Where zeros of both signs are
    the largest, the value is either of them. Devices that share a plane exchange results, not
    elements.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_max_pool(jnp.arange(12.).reshape(1, 2, 2, 3))
      Array([[ 9., 10., 11.]], dtype=float32)
    """
    return _run_extremum("max", empty, inputs, num_spatial_dims, keepdims, channel_axis, where)


@explained
def global_min_pool(
    inputs: ArrayLike,
    *,
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
    empty: Scalar | None = None,
) -> Array:
    """Global min pooling: the smallest element of each feature map; otherwise as `jaxpool.global_max_pool`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_min_pool(jnp.arange(12.).reshape(1, 2, 2, 3))
      Array([[0., 1., 2.]], dtype=float32)
    """
    return _run_extremum("min", empty, inputs, num_spatial_dims, keepdims, channel_axis, where)


_argextremum = jax.jit(plane_argextremum, static_argnames=("axes", "kind", "dtype"), inline=True)


def _with_place(
    inputs: ArrayLike,
    num_spatial_dims: int | None,
    keepdims: bool,
    channel_axis: int | None,
    where: ArrayLike | None,
    kind: str,
) -> tuple[Array, Array]:
    check_flag("keepdims", keepdims)
    x = as_array(inputs, ordered=True)
    axes = plane_axes(x.shape, num_spatial_dims, channel_axis)
    dtype = index_dtype("inputs.shape", [x.shape[axis] for axis in axes], x64(), x.shape)
    both = _argextremum(x, mask_of(where, x), axes, kind, dtype)
    values, indices = (_without(result, axes, bool(keepdims)) for result in both)
    return values, indices


@explained
def global_max_pool_with_argmax(
    inputs: ArrayLike,
    *,
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> tuple[Array, Array]:
    """Global max pooling with the index of each maximum.

    Arguments and errors are those of `jaxpool.global_avg_pool`, dtypes and derivatives those of `jaxpool.max_pool`.
    Indices count the plane row by row, as in `jaxpool.max_pool_with_argmax`: that of the first maximum or the first
    NaN, and none that `where` leaves out unless the plane has no other. `jnp.unravel_index(indices, (height, width))`
    gives coordinates. The sizes of the plane must be known.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_max_pool_with_argmax(jnp.array([[[[1.], [4.]], [[7.], [7.]]]]))
      (Array([[7.]], dtype=float32), Array([[2]], dtype=int32))
    """
    return _with_place(inputs, num_spatial_dims, keepdims, channel_axis, where, "max")


@explained
def global_min_pool_with_argmin(
    inputs: ArrayLike,
    *,
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> tuple[Array, Array]:
    """Global min pooling with the index of each minimum; otherwise as `jaxpool.global_max_pool_with_argmax`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_min_pool_with_argmin(jnp.array([[[[4.], [1.]], [[7.], [1.]]]]))
      (Array([[1.]], dtype=float32), Array([[1]], dtype=int32))
    """
    return _with_place(inputs, num_spatial_dims, keepdims, channel_axis, where, "min")
