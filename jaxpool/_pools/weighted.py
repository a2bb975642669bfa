"""Means with given weights."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import Window, WindowArguments, check_flag, check_real_array, plane_axes
from jaxpool._geometry.calls import explained
from jaxpool._operators import plane_sum, window_sum
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.inputs import as_array, mask_of
from jaxpool._pools.padding import padded
from jaxpool._pools.shards import over_shards, window_of
from jaxpool.typing import AxisNames, Ints, Padding, PaddingMode, WindowShape


def ratio(total: Array, weight: Array) -> Array:
    """`total / weight`, and 0 where the weight is 0."""
    empty = weight == 0
    # Divided by the weight first, as the square of a small number may vanish in the derivative.
    scale = lax.stop_gradient(jnp.where(empty, 1, weight))
    return jnp.where(empty, 0, (total / scale) / jnp.where(empty, 1, weight / scale))


def padded_as(inputs: Array, array: Array, window: Window, padding_mode: str | None) -> Array:
    """An array that broadcasts to the inputs, with their spatial sizes and padding; beyond what is shared it is 0."""
    shape = [inputs.shape[axis] if axis in window.axes else size for axis, size in enumerate(array.shape)]
    return padded(jnp.broadcast_to(array, shape), None, window, padding_mode, beyond="zero")[0]


@functools.partial(jax.jit, static_argnames=("window", "padding_mode"), inline=True)
@over_shards
def weighted_of(inputs: Array, weights: Array, mask: Array | None, window: Window, padding_mode: str | None) -> Array:
    """The mean of every window with given weights."""
    weights = padded_as(inputs, weights, window, padding_mode)
    values, mask, window = padded(inputs, mask, window, padding_mode, beyond="zero")
    values, weights = _values_and_weights(values, weights, mask)
    return ratio(window_sum(weights * values, window), window_sum(weights, window)).astype(mean_dtypes(inputs.dtype)[1])


@functools.partial(jax.jit, static_argnames=("axes", "keepdims"), inline=True)
def _weighted_plane(inputs: Array, weights: Array, mask: Array | None, axes: tuple[int, ...], keepdims: bool) -> Array:
    values, weights = _values_and_weights(inputs, jnp.broadcast_to(weights, inputs.shape), mask)
    total, weight = (plane_sum(array, axes, None, values.dtype) for array in (weights * values, weights))
    result = ratio(total, weight).astype(mean_dtypes(inputs.dtype)[1])
    return result if keepdims else lax.squeeze(result, axes)


def _values_and_weights(x: Array, weights: Array, mask: Array | None) -> tuple[Array, Array]:
    """Both in a wide enough dtype, 0 where the mask leaves out."""
    dtype, _ = mean_dtypes(x.dtype)
    x, weights = x.astype(dtype), weights.astype(dtype)
    return (x, weights) if mask is None else (jnp.where(mask, x, 0), jnp.where(mask, weights, 0))


def array_of(argument: str, value: Any, x: Array, *, scalar: bool = False) -> Array:
    """An argument as an array that broadcasts to the inputs, or with `scalar` a number; refuses all else."""
    check_real_array(argument, value, x.shape, scalar=scalar)
    return jnp.asarray(value)


@explained
def weighted_avg_pool(
    inputs: ArrayLike,
    weights: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Average pooling with given weights: `sum(w * x) / sum(w)` of every window. Strides default to 1.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      weights: array with as many axes as `inputs`, each of the same size or of size 1. No weight may be
        negative; this is not checked.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names, where:
        as in `jaxpool.avg_pool`. Padding has the weight 0. A window whose weights are 0 returns 0.

    Returns: The means, with the sizes of `jaxpool.output_shape` along the spatial axes, in the dtype of float inputs.
      f16, bf16 and fp8 are summed in f32, and integers return f32.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit, or weights that do not broadcast.

    Derivatives: both modes, any order, with respect to inputs and weights.

    Source: the linear softmax of sound event detection is `weighted_avg_pool(x, x, ...)`: Y. Wang, J. Li, F. Metze, "A
    comparison of five multiple instance learning pooling functions", ICASSP 2019.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.weighted_avg_pool(jnp.array([1., 5.]), jnp.array([3., 1.]), (2,), channel_axis=None)
      Array([2.], dtype=float32)
    """
    x = as_array(inputs, ordered=True)
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    window = window_of(x, arguments, padding_is_empty=False)
    return weighted_of(x, array_of("weights", weights, x), mask_of(where, x), window, padding_mode)


@explained
def global_weighted_avg_pool(
    inputs: ArrayLike,
    weights: ArrayLike,
    *,
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global average pooling with given weights: `sum(w * x) / sum(w)` of each feature map.

    Arguments and errors are those of `jaxpool.global_avg_pool`; `weights` and the derivatives those of
    `jaxpool.weighted_avg_pool`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> tokens, weights = jnp.array([[1., 4.], [5., 8.]]), jnp.array([[1.], [3.]])
      >>> jaxpool.global_weighted_avg_pool(tokens, weights, num_spatial_dims=1)
      Array([4., 7.], dtype=float32)
    """
    check_flag("keepdims", keepdims)
    x = as_array(inputs, ordered=True)
    axes = plane_axes(x.shape, num_spatial_dims, channel_axis)
    own = array_of("weights", weights, x)
    return _weighted_plane(x, own, mask_of(where, x), axes, bool(keepdims))
