"""Variances and standard deviations."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import Window, WindowArguments, check_ddof, check_flag, feature_axis, plane_axes, written_out
from jaxpool._geometry.calls import explained
from jaxpool._operators import plane_count, plane_sum, window_products, window_reduce, window_sum
from jaxpool._pools.divisors import counts
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.global_pools import mean_of_plane
from jaxpool._pools.inputs import as_array, mask_of
from jaxpool._pools.padding import along, padded
from jaxpool._pools.shards import over_shards, window_of
from jaxpool.typing import AxisNames, Ints, Padding, PaddingMode, WindowShape

_Moments = tuple[Array, Array, Array]


def _joined(a: _Moments, b: _Moments) -> _Moments:
    """The number, the mean and the sum of squared deviations of two sets together.

    Differences of means, and not of sums of squares, which lose all digits where the mean is large.
    """
    count = a[0] + b[0]
    share = b[0] / jnp.maximum(count, 1)
    step = b[1] - a[1]
    # In this order: the square of a large step may be infinite, and the count 0.
    return count, a[1] + step * share, a[2] + b[2] + step * (step * (a[0] * share))


def variance_of(deviations: Array, count: Array, ddof: int, root: bool) -> Array:
    """The variance or its root; 0 where there are too few elements. The derivative of the root at 0 is 0."""
    divisor = count - ddof
    result = jnp.where(divisor > 0, deviations / jnp.where(divisor > 0, divisor, 1), 0)
    if not root:
        return result
    return jnp.where(result == 0, 0, jnp.sqrt(jnp.where(result == 0, 1, result)))


@functools.partial(jax.jit, static_argnames=("window", "ddof", "padding_mode", "root"), inline=True)
@over_shards
def _of_windows(
    inputs: Array, mask: Array | None, window: Window, ddof: int, padding_mode: str | None, root: bool
) -> Array:
    x, mask, window = padded(inputs, mask, window, padding_mode)
    dtype, result_dtype = mean_dtypes(x.dtype)
    _, count, deviations = moments(x.astype(dtype), mask, window)
    return variance_of(deviations, count, ddof, root).astype(result_dtype)


def moments(x: Array, mask: Array | None, window: Window) -> _Moments:
    """The mean, the number of valid elements and the sum of squared deviations of every window; 0 where it has none."""
    window = window.normal
    # No gradient may pass what is left out, not even that of NaN.
    x = x if mask is None else jnp.where(mask, x, 0)
    valid = None if mask is None else along(mask, window).astype(x.dtype)
    if window.whole:
        count = window_count(x, valid, window)
        mean = plane_sum(x, window.axes, mask, x.dtype) / jnp.maximum(count, 1)
        return mean, count, plane_sum(lax.square(x - mean), window.axes, mask, x.dtype)
    if written_out(window):
        count = window_count(x, valid, window)
        mean = window_sum(x, window) / jnp.maximum(count, 1)
        return mean, count, window_products(x, x, jnp.maximum(count, 1), valid, window)
    shape = [size if axis in window.axes else 1 for axis, size in enumerate(x.shape)]
    zero = jnp.zeros((), x.dtype)
    leaves = (jnp.ones(shape, x.dtype) if valid is None else valid, x, jnp.zeros_like(x))
    count, mean, deviations = window_reduce(leaves, (zero, zero, zero), _joined, window)
    return mean, count, deviations


def window_count(x: Array, valid: Array | None, window: Window) -> Array:
    """The number of valid elements of every window, with size 1 along axes where all have the same."""
    if valid is not None:
        return window_sum(valid, window)
    return jnp.broadcast_to(
        jnp.asarray(counts(window, False, x.dtype, x.ndim), x.dtype), window.output_shape((1,) * x.ndim)
    )


@functools.partial(jax.jit, static_argnames=("axes", "ddof", "keepdims", "root"), inline=True)
def _of_plane(x: Array, mask: Array | None, axes: tuple[int, ...], ddof: int, keepdims: bool, root: bool) -> Array:
    dtype, result_dtype = mean_dtypes(x.dtype)
    # No gradient may pass what is left out, not even that of NaN.
    x = x.astype(dtype) if mask is None else jnp.where(mask, x.astype(dtype), 0)
    count = jnp.asarray(plane_count(x, axes, mask, dtype), dtype)
    mean = plane_sum(x, axes, mask, dtype) / count
    deviations = plane_sum(lax.square(x - mean), axes, mask, dtype)
    result = variance_of(deviations, count, ddof, root).astype(result_dtype)
    return result if keepdims else lax.squeeze(result, axes)


def _windowed(inputs: ArrayLike, arguments: WindowArguments, ddof: int, where: Any, root: bool) -> Array:
    x = as_array(inputs, ordered=True)
    window = window_of(x, arguments, padding_is_empty=False)
    ddof = check_ddof(ddof)
    return _of_windows(x, mask_of(where, x), window, ddof, arguments.padding_mode, root)


def _global(
    inputs: ArrayLike, spatial: int | None, keepdims: bool, channel_axis: int | None, ddof: int, where: Any, root: bool
) -> Array:
    check_flag("keepdims", keepdims)
    x = as_array(inputs, ordered=True)
    axes = plane_axes(x.shape, spatial, channel_axis)
    return _of_plane(x, mask_of(where, x), axes, check_ddof(ddof), bool(keepdims), root)


@explained
def var_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    ddof: int = 0,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Variance pooling: the variance of every window. Strides default to 1.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names: as in
        `jaxpool.max_pool`. Padding never counts.
      ddof: the divisor is the number of elements minus `ddof`, as in `jnp.var`. `torch.var` uses 1.
      where: as in `jaxpool.max_pool`. A window with `ddof` valid elements or fewer returns 0 and has no gradient.

    Returns: The variances, with the sizes of `jaxpool.output_shape` along the spatial axes, in the dtype of float
      inputs. f16, bf16 and fp8 are computed in f32, and integers return f32. Means are subtracted first, so that a
      large mean costs no accuracy.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit, or a negative `ddof`.

    Derivatives: both modes, any order.

    Source: T. Chan, G. Golub, R. LeVeque, "Updating formulae and a pairwise algorithm for computing sample variances",
    1979.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.var_pool(jnp.array([1., 3., 5., 5.]), (2,), 2, channel_axis=None)
      Array([1., 0.], dtype=float32)
    """
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    return _windowed(inputs, arguments, ddof, where, root=False)


@explained
def std_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    ddof: int = 0,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Standard deviation pooling: the root of `jaxpool.var_pool`. Strides default to 1.

    Arguments, results and errors are those of `jaxpool.var_pool`. The gradient of a constant window is 0, not NaN.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.std_pool(jnp.array([1., 5., 5., 5.]), (2,), 2, channel_axis=None)
      Array([2., 0.], dtype=float32)
    """
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    return _windowed(inputs, arguments, ddof, where, root=True)


@explained
def global_var_pool(
    inputs: ArrayLike,
    *,
    ddof: int = 0,
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global variance pooling: the variance of each feature map.

    Arguments and errors are those of `jaxpool.global_avg_pool`; `ddof` and the derivatives those of `jaxpool.var_pool`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_var_pool(jnp.array([[1.], [3.]]), num_spatial_dims=1)
      Array([1.], dtype=float32)
    """
    return _global(inputs, num_spatial_dims, keepdims, channel_axis, ddof, where, root=False)


@explained
def global_std_pool(
    inputs: ArrayLike,
    *,
    ddof: int = 0,
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global standard deviation pooling: the root of `jaxpool.global_var_pool`.

    The gradient of a constant map is 0, not NaN.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_std_pool(jnp.array([[1.], [5.]]), num_spatial_dims=1)
      Array([2.], dtype=float32)
    """
    return _global(inputs, num_spatial_dims, keepdims, channel_axis, ddof, where, root=True)


@explained
def global_stats_pool(
    inputs: ArrayLike,
    *,
    ddof: int = 0,
    num_spatial_dims: int | None = None,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Statistics pooling: the mean of each feature map, and after all means the standard deviations.

    Arguments and errors are those of `jaxpool.global_avg_pool`; `ddof` and the derivatives those of `jaxpool.var_pool`.
    The result has twice the features along their axis, or without a channel axis two elements along a new last one.
    speechbrain has `ddof` 1 and adds 1e-5 to the deviations and noise to the means.

    Source: D. Snyder et al., "X-vectors: robust DNN embeddings for speaker recognition", ICASSP 2018.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_stats_pool(jnp.array([[1., 7.], [5., 7.]]), num_spatial_dims=1)
      Array([3., 7., 2., 0.], dtype=float32)
    """
    x = as_array(inputs, ordered=True)
    axes = plane_axes(x.shape, num_spatial_dims, channel_axis)
    mask, ddof = mask_of(where, x), check_ddof(ddof)
    mean = mean_of_plane(x, mask, axes, True)
    deviation = _of_plane(x, mask, axes, ddof, True, root=True)
    channel = feature_axis(x.shape, channel_axis)
    both = jnp.stack([mean, deviation], -1) if channel is None else lax.concatenate([mean, deviation], channel)
    return lax.squeeze(both, axes)
