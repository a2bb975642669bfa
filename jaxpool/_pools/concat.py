"""Maxima and means side by side."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import WindowArguments, check_flag, check_option, feature_axis, plane_axes
from jaxpool._geometry.calls import explained
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.inputs import as_array, mask_of
from jaxpool._pools.mixed import both_of, both_of_plane
from jaxpool._pools.shards import window_of
from jaxpool.typing import AxisNames, ConcatOrder, Ints, Padding, PaddingMode, WindowShape

ORDERS = ("avg_max", "max_avg")


def _joined(both: tuple[Array, Array], order: str, channel: int | None, dtype: Any) -> Array:
    """The maximum and the mean in the order of `order`, along the features or a new last axis."""
    largest, mean = (array.astype(mean_dtypes(dtype)[1]) for array in both)
    pair = [mean, largest] if order == "avg_max" else [largest, mean]
    return jnp.stack(pair, -1) if channel is None else lax.concatenate(pair, channel)


@explained
def concat_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    count_include_pad: bool = True,
    *,
    order: ConcatOrder = "avg_max",
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Concatenated pooling: the means and the maxima of every window, side by side. Strides default to 1.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape, strides, padding, count_include_pad, window_dilation, ceil_mode, channel_axis, padding_mode,
        spatial_axis_names: as in `jaxpool.avg_pool`. Padding is never the maximum.
      order: "avg_max" as in timm, or "max_avg" as in fastai.
      where: as in `jaxpool.avg_pool`. A window without any valid element returns 0 and has no gradient.

    Returns: Array with twice the features, the first kind before the second, in the dtype of float inputs; integers
      return f32. Without a channel axis the two stand along a new last axis.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit, or one that lies wholly in padding.

    Derivatives: both modes, any order. Ties go to the first maximum.

    Source: J. Howard, S. Gugger, "fastai: a layered API for deep learning", 2020.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.concat_pool(jnp.array([[0.], [4.], [1.], [1.]]), (2,), 2)
      Array([[2., 4.],
             [1., 1.]], dtype=float32)
    """
    check_flag("count_include_pad", count_include_pad)
    check_option("order", order, ORDERS)
    x = as_array(inputs, ordered=True)
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    window = window_of(x, arguments, padding_is_empty=True)
    both = both_of(x, mask_of(where, x), window, bool(count_include_pad), padding_mode)
    return _joined(both, order, feature_axis(x.shape, channel_axis), x.dtype)


@explained
def global_concat_pool(
    inputs: ArrayLike,
    *,
    order: ConcatOrder = "avg_max",
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global concatenated pooling: the mean and the maximum of each feature map, side by side.

    Arguments and errors are those of `jaxpool.global_avg_pool`; `order`, the result and the derivatives those of
    `jaxpool.concat_pool`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_concat_pool(jnp.array([[0.], [4.]]), num_spatial_dims=1)
      Array([2., 4.], dtype=float32)
    """
    check_flag("keepdims", keepdims)
    check_option("order", order, ORDERS)
    x = as_array(inputs, ordered=True)
    axes = plane_axes(x.shape, num_spatial_dims, channel_axis)
    both = both_of_plane(x, mask_of(where, x), axes)
    result = _joined(both, order, feature_axis(x.shape, channel_axis), x.dtype)
    return result if keepdims else lax.squeeze(result, axes)
