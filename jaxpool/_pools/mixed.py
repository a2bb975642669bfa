"""Mixtures of maxima and means."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import (
    Window,
    WindowArguments,
    check_flag,
    check_per_window,
    check_tap_weights,
    feature_axis,
    plane_axes,
)
from jaxpool._geometry.calls import explained
from jaxpool._operators import extreme, plane_sum, window_dot, window_sum
from jaxpool._pools.average import means_of
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.extremum import extremum_of
from jaxpool._pools.global_pools import mean_of_plane
from jaxpool._pools.inputs import as_array, mask_of
from jaxpool._pools.padding import along, padded
from jaxpool._pools.planes import plane_extremum
from jaxpool._pools.shards import over_shards, window_of
from jaxpool.typing import AxisNames, Ints, Padding, PaddingMode, Scalar, WindowShape


@functools.partial(jax.jit, static_argnames=("window", "include", "padding_mode"), inline=True)
@over_shards
def both_of(
    inputs: Array, mask: Array | None, window: Window, include: bool, padding_mode: PaddingMode | None
) -> tuple[Array, Array]:
    """The maximum and the mean of every window, in the dtype that means are computed in; 0 where nothing is valid."""
    dtype, _ = mean_dtypes(inputs.dtype)
    whole = window if padding_mode is None else window.on_padded_input()
    x, valid, inner = padded(inputs, mask, window, padding_mode)
    largest = extremum_of(x, valid, inner, "max").astype(dtype)
    if mask is not None and valid is not None:
        empty = window_sum(along(valid, inner).astype(dtype), inner) == 0
        largest = jnp.where(empty, 0, largest)
    # At the ends of what devices share stand zeros, which need no mask.
    counted = None if mask is None and padding_mode is None else valid
    return largest, means_of(x.astype(dtype), counted, inner, whole, include)


@functools.partial(jax.jit, static_argnames=("axes",), inline=True)
def both_of_plane(inputs: Array, mask: Array | None, axes: tuple[int, ...]) -> tuple[Array, Array]:
    """The same of every feature map; its axes stay, with size 1."""
    dtype, _ = mean_dtypes(inputs.dtype)
    x = inputs if mask is None else jnp.where(mask, inputs, extreme(inputs.dtype, "max"))
    largest = plane_extremum(x, axes, "max").astype(dtype)
    if mask is not None:
        largest = jnp.where(plane_sum(mask.astype(dtype), axes, None, dtype) == 0, 0, largest)
    return largest, mean_of_plane(inputs.astype(dtype), mask, axes, keepdims=True)


def mixed_of(largest: Array, mean: Array, share: Array, dtype: Any) -> Array:
    """`share` of the maximum and the rest of the mean."""
    return (share * largest + (1 - share) * mean).astype(mean_dtypes(dtype)[1])


@explained
def mixed_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    count_include_pad: bool = True,
    *,
    alpha: Scalar = 0.5,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Mixed pooling: `alpha * max + (1 - alpha) * mean` of every window. Strides default to 1.

    With `alpha` 0.5 it is the average of both, "avgmax" in other libraries.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape, strides, padding, count_include_pad, window_dilation, ceil_mode, channel_axis, padding_mode,
        spatial_axis_names: as in `jaxpool.avg_pool`. Padding is never the maximum.
      alpha: the share of the maximum: a number, or an array that broadcasts to `inputs` and has size 1 along the
        spatial axes, such as one per feature. It may be learned, and need not lie between 0 and 1.
      where: as in `jaxpool.avg_pool`. A window without any valid element returns 0 and has no gradient.

    Returns: The mixtures, with the sizes of `jaxpool.output_shape` along the spatial axes, in the dtype of float
      inputs. f16, bf16 and fp8 are mixed in f32, and integers return f32.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit, one that lies wholly in padding, or an `alpha` that does not broadcast.

    Derivatives: both modes, any order, with respect to inputs and `alpha`. Ties go to the first maximum.

    Source: C. Lee, P. Gallagher, Z. Tu, "Generalizing pooling functions in convolutional neural networks: mixed, gated,
    and tree", AISTATS 2016.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.mixed_pool(jnp.array([0., 4., 1., 1.]), (2,), 2, channel_axis=None)
      Array([3., 1.], dtype=float32)
    """
    check_flag("count_include_pad", count_include_pad)
    x = as_array(inputs, ordered=True)
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    window = window_of(x, arguments, padding_is_empty=True)
    check_per_window("alpha", alpha, x.shape, window.axes)
    largest, mean = both_of(x, mask_of(where, x), window, bool(count_include_pad), padding_mode)
    return mixed_of(largest, mean, jnp.asarray(alpha).astype(mean.dtype), x.dtype)


@explained
def global_mixed_pool(
    inputs: ArrayLike,
    *,
    alpha: Scalar = 0.5,
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global mixed pooling: `alpha * max + (1 - alpha) * mean` of each feature map.

    Arguments and errors are those of `jaxpool.global_avg_pool`; `alpha`, dtypes and the derivatives those of
    `jaxpool.mixed_pool`. With `alpha` 0.5 it is timm's "avgmax".

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_mixed_pool(jnp.array([[0.], [4.]]), num_spatial_dims=1)
      Array([3.], dtype=float32)
    """
    check_flag("keepdims", keepdims)
    x = as_array(inputs, ordered=True)
    axes = plane_axes(x.shape, num_spatial_dims, channel_axis)
    check_per_window("alpha", alpha, x.shape, axes)
    largest, mean = both_of_plane(x, mask_of(where, x), axes)
    result = mixed_of(largest, mean, jnp.asarray(alpha).astype(mean.dtype), x.dtype)
    return result if keepdims else lax.squeeze(result, axes)


@explained
def gated_pool(
    inputs: ArrayLike,
    weights: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    count_include_pad: bool = True,
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Gated pooling: mixed pooling in which each window finds its own share of the maximum. Strides default to 1.

    The share is `sigmoid(sum(weights * window))`. Every window of a feature map is weighted by the same filter.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      weights: the filter, an array of shape `(*window_shape, features)`, or `(*window_shape, 1)` for one filter for all
        features; without a channel axis `window_shape` itself. It is learned, as a rule.
      window_shape, strides, padding, count_include_pad, window_dilation, ceil_mode, channel_axis, padding_mode: as in
        `jaxpool.avg_pool`. Padding is never the maximum, and counts as 0 in the share.
      where: as in `jaxpool.avg_pool`. What is left out counts as 0 in the share. A window without any valid element
        returns 0 and has no gradient.

    Returns: The mixtures, with the sizes of `jaxpool.output_shape` along the spatial axes, in the dtype of float
      inputs. f16, bf16 and fp8 are computed in f32, and integers return f32.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit, one that lies wholly in padding, or weights of another shape.

    Derivatives: both modes, any order, with respect to inputs and weights. Ties go to the first maximum.

    Source: C. Lee, P. Gallagher, Z. Tu, "Generalizing pooling functions in convolutional neural networks: mixed, gated,
    and tree", AISTATS 2016.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([0., 4., 1., 1.])
      >>> jaxpool.gated_pool(x, jnp.array([0., 9.]), (2,), 2, channel_axis=None).round(3)
      Array([4., 1.], dtype=float32)
    """
    check_flag("count_include_pad", count_include_pad)
    x = as_array(inputs, ordered=True)
    arguments = WindowArguments(window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode)
    window = window_of(x, arguments, padding_is_empty=True)
    channel = feature_axis(x.shape, channel_axis)
    check_tap_weights("weights", weights, x.shape, window, channel)
    filters = jnp.asarray(weights)
    mask = mask_of(where, x)
    share = share_of(x, filters if channel is not None else filters[..., None], mask, window, padding_mode, channel)
    largest, mean = both_of(x, mask, window, bool(count_include_pad), padding_mode)
    return mixed_of(largest, mean, share, x.dtype)


@functools.partial(jax.jit, static_argnames=("window", "padding_mode", "channel"), inline=True)
def share_of(
    inputs: Array, weights: Array, mask: Array | None, window: Window, padding_mode: str | None, channel: int | None
) -> Array:
    """The share that every window gives its maximum, in the dtype that means are computed in."""
    dtype, _ = mean_dtypes(inputs.dtype)
    x, mask, window = padded(inputs.astype(dtype), mask, window, padding_mode)
    x = x if mask is None else jnp.where(mask, x, 0)
    return lax.logistic(window_dot(x, weights.astype(dtype), window, channel))
