"""Pools of regions of interest: every box gives the same number of bins."""

from __future__ import annotations

from typing import Any, SupportsIndex

from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import check_flag, check_option, index_dtype, known
from jaxpool._geometry.calls import explained
from jaxpool._geometry.regions import (
    REGION_MODES,
    Regions,
    check_maximum_of_samples,
    check_position_sensitive,
    check_sampling_ratio,
    check_spatial_scale,
    region_layout,
    region_sizes,
)
from jaxpool._pools.box_pools import BoxPool, align, align_apart, maximum_of_boxes, mean_apart, pooled_by_matrices
from jaxpool._pools.boxes import as_boxes
from jaxpool._pools.inputs import as_array, x64
from jaxpool.typing import RegionMode, RegionSize


@explained
def roi_align(
    inputs: ArrayLike,
    boxes: ArrayLike,
    output_size: RegionSize,
    *,
    box_indices: ArrayLike | None = None,
    spatial_scale: float = 1.0,
    sampling_ratio: SupportsIndex | None = None,
    aligned: bool = False,
    mode: RegionMode = "avg",
    channel_axis: int | None = -1,
) -> Array:
    """RoIAlign: every box of an image is pooled to the same number of bins, the means of interpolated samples.

    A box starts at `x1 * spatial_scale`, less 0.5 if `aligned`, and is split evenly into bins. Each bin is the mean of
    a grid of samples, interpolated linearly between the four elements around them. A sample up to one element beyond
    the plane has the value of the border; farther out it counts as 0.

    Args:
      inputs: array of shape `(*batch, height, width, features)`, with any number of batch axes. Any real dtype.
      boxes: array of real numbers `(x1, y1, x2, y2)`, in one of two forms. Boxes of each image have the shape
        `(*batch, boxes, 4)`, which is `(boxes, 4)` for one image without a batch axis. One list for a batch has the
        shape `(boxes, 5)`, with the index of the image before each box, or `(boxes, 4)` with `box_indices`. Inputs then
        have one batch axis.
      output_size: the number of bins along height and width.
      box_indices: integers, the index of the image of each box.
      spatial_scale: elements of the inputs per unit of the boxes, such as 1 / 16 for features of stride 16.
      sampling_ratio: samples along each axis of a bin. None for the size of a bin in elements, rounded up.
      aligned: whether coordinates name borders of elements, so that the box (0, 0, 1, 1) is the first element. If
        False, they name centres of elements, and boxes are at least one element high and wide, as in the first
        implementations.
      mode: "avg", or "max" for the largest sample of a bin. "max" requires a `sampling_ratio`.
      channel_axis: the axis of the features, -1 or -3, or None. It stands behind the batch axes.

    Returns: Array of shape `(*batch, boxes, *output_size, features)`, for one list of boxes without `batch`, with the
      features where the inputs have them. Floats keep their dtype. f16, bf16 and fp8 are summed in f32, and integers
      return f32. A box without samples, as `aligned` and an area of 0 give it, returns 0. So does a box whose
      traced image index is out of range. A box with NaN or infinite coordinates returns NaN.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: boxes of another form, or concrete image indices out of range.

    Derivatives: both modes, any order, with respect to inputs and boxes. Where a sample lies on an element, the
    derivative with respect to the box is the mean of those on both sides.

    Algorithm: each box is two small matrices, along height and along width, and pooling is their product with the
    image. Nothing is gathered or scattered. Boxes are computed in chunks, so that temporaries stay below about half the
    size of inputs and results. Boxes of each image are the cheapest form. With one list, each image computes every
    chunk that holds one of its boxes, so sort the list by image. As zeros are multiplied too, NaN or an infinity in a
    feature map makes all boxes in it NaN.

    Source: K. He et al., "Mask R-CNN", ICCV 2017.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.arange(16.).reshape(4, 4, 1)
      >>> boxes = jnp.array([[0., 0., 4., 4.], [1., 1., 3., 2.]])
      >>> jaxpool.roi_align(x, boxes, (1, 2), aligned=True)[..., 0]
      Array([[[6.5, 8.5]],
             [[5. , 6. ]]], dtype=float32)
    """
    check_flag("aligned", aligned)
    check_option("mode", mode, REGION_MODES)
    samples = check_sampling_ratio(sampling_ratio)
    check_maximum_of_samples(mode, samples)
    regions = Regions((1, 1), check_spatial_scale(spatial_scale), samples, bool(aligned), mode)
    return _pooled(inputs, boxes, box_indices, output_size, channel_axis, regions, align)


def _pooled(
    inputs: ArrayLike,
    boxes: Any,
    box_indices: Any,
    output_size: Any,
    channel_axis: Any,
    regions: Regions,
    pool: BoxPool,
) -> Array:
    """What the pools by matrices have in common: the inputs, the boxes and the size of the result."""
    x = as_array(inputs, ordered=True)
    bins = region_sizes(output_size, f"inputs of shape {x.shape}")
    layout = region_layout(x.shape, output_size, channel_axis)
    if pool is not align:
        check_position_sensitive(1 if layout.channel is None else x.shape[layout.channel], bins, channel_axis)
    own, pictures = as_boxes(boxes, box_indices, x, layout)
    return pooled_by_matrices(x, own, pictures, regions._replace(bins=bins), layout, pool)


@explained
def roi_pool(
    inputs: ArrayLike,
    boxes: ArrayLike,
    output_size: RegionSize,
    *,
    box_indices: ArrayLike | None = None,
    spatial_scale: float = 1.0,
    channel_axis: int | None = -1,
) -> Array:
    """RoIPool: every box in a picture gives the same number of bins, the maxima of whole elements.

    Coordinates are rounded to whole elements, halves away from 0. A box holds the elements of both ends. Bin `i` of `n`
    along an axis of `size` elements goes from `i * size // n` up to `ceil((i + 1) * size / n)`, cut at the borders of
    the plane. Neighbouring bins may share elements.

    Args:
      inputs, boxes, output_size, box_indices, spatial_scale, channel_axis: as in `jaxpool.roi_align`.

    Returns: The maxima, in the dtype of the inputs and the shape of `jaxpool.roi_align`. A bin outside of the plane
      returns 0. A box with NaN or infinite coordinates returns NaN, or 0 for integers.

    Raises:
      TypeError, ValueError: as in `jaxpool.roi_align`.

    Derivatives: both modes, any order, with respect to the inputs. Of equal elements the first has the gradient, and
    NaN propagates. The gradient is a scatter, as places depend on data. Boxes have none: they are rounded.

    Source: R. Girshick, "Fast R-CNN", ICCV 2015.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.arange(16.).reshape(4, 4, 1)
      >>> jaxpool.roi_pool(x, jnp.array([[0., 0., 3., 2.]]), (1, 2))[..., 0]
      Array([[[ 9., 11.]]], dtype=float32)
    """
    scale = check_spatial_scale(spatial_scale)
    x = as_array(inputs, ordered=True)
    bins = region_sizes(output_size, f"inputs of shape {x.shape}")
    layout = region_layout(x.shape, output_size, channel_axis)
    own, pictures = as_boxes(boxes, box_indices, x, layout)
    planes = x.shape[layout.batch[0]] if pictures is not None and known(x.shape[layout.batch[0]]) else 1
    dtype = index_dtype("inputs.shape", [planes, *layout.sizes], x64(), x.shape)
    return maximum_of_boxes(x, own, pictures, Regions(bins, scale), layout, dtype)


@explained
def ps_roi_align(
    inputs: ArrayLike,
    boxes: ArrayLike,
    output_size: RegionSize,
    *,
    box_indices: ArrayLike | None = None,
    spatial_scale: float = 1.0,
    sampling_ratio: SupportsIndex | None = None,
    channel_axis: int | None = -1,
) -> Array:
    """Position-sensitive RoIAlign: `jaxpool.roi_align` in which each bin has feature maps of its own.

    Bin `(i, j)` of feature `c` of the result is that of feature `(c * height + i) * width + j` of the inputs, where
    `(height, width)` is the `output_size`. Boxes are aligned, and of any size.

    Args:
      inputs, boxes, output_size, box_indices, spatial_scale, sampling_ratio, channel_axis: as in `jaxpool.roi_align`.
        The number of features is divisible by that of the bins.

    Returns: As in `jaxpool.roi_align`, with as many features as each bin has.

    Raises:
      TypeError, ValueError: as in `jaxpool.roi_align`; also features that cannot be shared out among the bins.

    Derivatives: as in `jaxpool.roi_align`.

    Source: Z. Li et al., "Light-head R-CNN", 2017.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.ones((4, 4, 4)) * jnp.array([1., 2., 3., 4.]).reshape(1, 1, 4)
      >>> jaxpool.ps_roi_align(x, jnp.array([[0., 0., 4., 4.]]), (2, 2))[..., 0]
      Array([[[1., 2.],
              [3., 4.]]], dtype=float32)
    """
    samples = check_sampling_ratio(sampling_ratio)
    regions = Regions((1, 1), check_spatial_scale(spatial_scale), samples)
    return _pooled(inputs, boxes, box_indices, output_size, channel_axis, regions, align_apart)


@explained
def ps_roi_pool(
    inputs: ArrayLike,
    boxes: ArrayLike,
    output_size: RegionSize,
    *,
    box_indices: ArrayLike | None = None,
    spatial_scale: float = 1.0,
    channel_axis: int | None = -1,
) -> Array:
    """Position-sensitive RoIPool: means of whole elements, in which each bin has feature maps of its own.

    Features are shared out among the bins as in `jaxpool.ps_roi_align`. Bins are those of `jaxpool.roi_pool`, but a box
    does not hold the element of its last coordinate, unless it is the first one, too.

    Args:
      inputs, boxes, output_size, box_indices, spatial_scale, channel_axis: as in `jaxpool.ps_roi_align`.

    Returns: The means, in the dtypes and the shape of `jaxpool.ps_roi_align`. A bin outside of the plane returns 0.

    Raises:
      TypeError, ValueError: as in `jaxpool.ps_roi_align`.

    Derivatives: both modes, any order, with respect to the inputs, in which the pool is linear. Boxes have none: they
    are rounded.

    Source: J. Dai et al., "R-FCN: object detection via region-based fully convolutional networks", NeurIPS 2016.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.arange(16.).reshape(4, 2, 2)
      >>> jaxpool.ps_roi_pool(x, jnp.array([[0., 0., 2., 4.]]), (2, 1))[..., 0]
      Array([[[ 3.],
              [12.]]], dtype=float32)
    """
    regions = Regions((1, 1), check_spatial_scale(spatial_scale))
    return _pooled(inputs, boxes, box_indices, output_size, channel_axis, regions, mean_apart)
