"""Pools of regions of interest: every box gives the same number of bins."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, SupportsIndex

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import AxisWindow, Window, check_flag, check_option, index_dtype, known
from jaxpool._geometry.calls import explained
from jaxpool._geometry.regions import (
    REGION_MODES,
    Layout,
    Regions,
    boxes_at_once,
    check_maximum_of_samples,
    check_position_sensitive,
    check_sampling_ratio,
    check_spatial_scale,
    region_layout,
    region_sizes,
)
from jaxpool._operators import first_in_regions
from jaxpool._pools.average import mean_dtypes
from jaxpool._pools.box_bins import bounds, largest, matrices, pooled, pooled_apart, shares
from jaxpool._pools.boxes import arranged, as_boxes, as_inputs, of_one_list, per_picture, split_alike
from jaxpool._pools.inputs import as_array, x64
from jaxpool._pools.shards import with_whole_planes
from jaxpool.typing import RegionMode, RegionSize

# From one picture and its boxes to their bins.
_Pool = Callable[[Array, Array, Regions, jnp.dtype], Array]


def _align(x: Array, boxes: Array, regions: Regions, dtype: jnp.dtype) -> Array:
    rows, columns = (matrix.astype(x.dtype) for matrix in matrices(boxes, regions, x.shape[:2], dtype))
    result = pooled(x, rows, columns)
    return largest(result, regions) if regions.mode == "max" else result


def _align_apart(x: Array, boxes: Array, regions: Regions, dtype: jnp.dtype) -> Array:
    rows, columns = (matrix.astype(x.dtype) for matrix in matrices(boxes, regions, x.shape[:2], dtype))
    return pooled_apart(x, rows, columns)


def _mean_apart(x: Array, boxes: Array, regions: Regions, dtype: jnp.dtype) -> Array:
    ends = bounds(boxes, regions, x.shape[:2], closed=False, dtype=dtype)
    rows, columns = (shares(*own, size, x.dtype) for own, size in zip(ends, x.shape, strict=False))
    return pooled_apart(x, rows, columns)


def _places_dtype(boxes: Array, dtype: jnp.dtype) -> jnp.dtype:
    """The dtype in which places are computed: f32, or f64 if boxes or inputs have it."""
    wide = jnp.dtype(jnp.float64)
    return wide if wide in (boxes.dtype, dtype) else jnp.dtype(jnp.float32)


def _finite(boxes: Array) -> tuple[Array, Array]:
    """The boxes, and which of them have no coordinate that is NaN or infinite; 0 in place of the others."""
    if not jnp.issubdtype(boxes.dtype, jnp.floating):
        return boxes, jnp.ones(boxes.shape[:-1], bool)
    finite = jnp.all(jnp.isfinite(boxes), -1)
    return jnp.where(finite[..., None], boxes, jnp.zeros((), boxes.dtype)), finite


def _at_once(count: int, regions: Regions, plane: tuple[int, ...], pool: _Pool, listed: bool) -> int | None:
    """How many boxes of a picture to compute at once, None for all."""
    if not known(count):
        return None
    (p, q), (height, width) = regions.bins, plane
    # Of one list, the picture in turn and its results are kept, too.
    parts = 4 if listed else 2
    if pool is not _align:
        # A bin has its own features.
        return boxes_at_once(count, width, height * width, 1, parts)
    taps = regions.samples or 1 if regions.mode == "max" else 1
    between = p * taps * (width + (q * taps if taps > 1 else 0))
    return boxes_at_once(count, between, height * width, p * q, parts)


@functools.partial(jax.jit, static_argnames=("regions", "layout", "pool"), inline=True)
def _by_matrices(
    inputs: Array, boxes: Array, pictures: Array | None, regions: Regions, layout: Layout, pool: _Pool
) -> Array:
    dtype, result_dtype = mean_dtypes(inputs.dtype)
    places = _places_dtype(boxes, dtype)

    def of_picture(x: Array, boxes: Array) -> Array:
        boxes, finite = _finite(boxes)
        result = pool(x.astype(dtype), boxes, regions, places)
        return jnp.where(finite[:, None, None, None], result, jnp.nan).astype(result_dtype)

    x = arranged(inputs, layout)
    at_once = _at_once(boxes.shape[-2], regions, layout.sizes, pool, pictures is not None)
    if pictures is None:
        return as_inputs(per_picture(of_picture, x, boxes, at_once), layout)
    return as_inputs(of_one_list(of_picture, x, boxes, pictures, at_once), layout)


@functools.partial(jax.jit, static_argnames=("regions", "layout", "dtype"), inline=True)
def _maximum(
    inputs: Array, boxes: Array, pictures: Array | None, regions: Regions, layout: Layout, dtype: str
) -> Array:
    x = arranged(inputs, layout)
    boxes, finite = _finite(with_whole_planes(boxes, range(boxes.ndim - 2)))
    (top, bottom), (left, right) = bounds(
        boxes, regions, layout.sizes, closed=True, dtype=_places_dtype(boxes, x.dtype)
    )
    bottom = jnp.where(finite[..., None], bottom, top)
    batch, (count, _), (p, q) = boxes.shape[:-2], boxes.shape[-2:], regions.bins
    height, width = layout.sizes
    if pictures is not None:
        # All pictures are one tall picture.
        numbers, height = x.shape[0], x.shape[0] * height
        offset = (pictures.astype(dtype) * layout.sizes[0])[:, None]
        mine = ((pictures >= 0) & (pictures < numbers))[:, None]
        top, bottom = (end.astype(dtype) + offset for end in (top, jnp.where(mine, bottom, top)))
        x = with_whole_planes(x, (0,)).reshape(height, width, x.shape[-1])
    ends = [
        *(end.astype(dtype).reshape(*batch, count * p, 1, 1) for end in (top, bottom)),
        *(
            jnp.broadcast_to(end.astype(dtype)[..., None, :], (*batch, count, p, q)).reshape(*batch, count * p, q, 1)
            for end in (left, right)
        ),
    ]
    axis = len(batch)
    window = Window((AxisWindow(axis, height, 1, 1, 1, 0, 0, count * p), AxisWindow(axis + 1, width, 1, 1, 1, 0, 0, q)))
    ends = ends if pictures is not None else [split_alike(end, x) for end in ends]
    result = first_in_regions(x, ends, window).reshape(*batch, count, p, q, x.shape[-1])
    if jnp.issubdtype(x.dtype, jnp.floating):
        result = jnp.where(finite[..., None, None, None], result, jnp.asarray(jnp.nan, x.dtype))
    return as_inputs(result, layout)


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
    """RoIAlign: every box in a picture gives the same number of bins, the means of interpolated samples.

    A box starts at `x1 * spatial_scale` and is shared out evenly among the bins. Each bin is the mean of a grid of
    samples, interpolated linearly between the four elements around them. A sample up to one element beyond the plane
    has the value of the border; farther out it counts as 0.

    Args:
      inputs: array of shape `(*batch, height, width, features)`, with any number of batch axes. Any real dtype.
      boxes: array of real numbers `(x1, y1, x2, y2)`, in one of two forms. One set of boxes per picture is
        `(*batch, boxes, 4)`, which is `(boxes, 4)` for a single picture. One list for all pictures is `(boxes, 5)`, the
        number of its picture in front of each box, or `(boxes, 4)` with `box_indices`; inputs then have one batch axis.
      output_size: the number of bins along height and width.
      box_indices: integers, the number of the picture of each box.
      spatial_scale: elements of the inputs per unit of the boxes, 1 / 16 behind a stride of 16.
      sampling_ratio: samples along each axis of a bin. None for as many as a bin has elements, rounded up.
      aligned: whether coordinates name borders of elements, so that the box (0, 0, 1, 1) is the first element. Without,
        they name their centres, and boxes are at least one element high and wide, as in the first implementations.
      mode: "avg", or "max" for the largest sample of a bin. "max" takes a `sampling_ratio`.
      channel_axis: the axis of the features, -1 or -3, or None. It stands behind the batch axes.

    Returns: Array of shape `(*batch, boxes, *output_size, features)`, for one list of boxes without `batch`, with the
      features where the inputs have them. Floats keep their dtype. f16, bf16 and fp8 are summed in f32, and integers
      return f32. A box without samples, as `aligned` and an area of 0 give it, returns 0. So does a traced number that
      is that of no picture. A box with NaN or infinite coordinates returns NaN.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: boxes of another form, or known numbers of pictures that there are not.

    Derivatives: both modes, any order, with respect to inputs and boxes. Where a sample lies on an element, the
    derivative with respect to the box is the mean of those on both sides.

    Algorithm: each box is two small matrices, along height and along width, and pooling is their product with the
    picture. Nothing is gathered or scattered, and some boxes at a time keep what lies between below half of inputs and
    results. One set of boxes per picture is the cheapest form. Of one list, each picture computes those parts in
    which it has boxes: let boxes of a picture stand together. As zeros are multiplied too, NaN or an infinity in a
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
    return _pooled(inputs, boxes, box_indices, output_size, channel_axis, regions, _align)


def _pooled(
    inputs: ArrayLike, boxes: Any, box_indices: Any, output_size: Any, channel_axis: Any, regions: Regions, pool: _Pool
) -> Array:
    """What the pools by matrices have in common: the inputs, the boxes and the size of the result."""
    x = as_array(inputs, ordered=True)
    bins = region_sizes(output_size, f"inputs of shape {x.shape}")
    layout = region_layout(x.shape, output_size, channel_axis)
    if pool is not _align:
        check_position_sensitive(1 if layout.channel is None else x.shape[layout.channel], bins, channel_axis)
    own, pictures = as_boxes(boxes, box_indices, x, layout)
    return _by_matrices(x, own, pictures, regions._replace(bins=bins), layout, pool)


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
    return _maximum(x, own, pictures, Regions(bins, scale), layout, dtype)


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
    return _pooled(inputs, boxes, box_indices, output_size, channel_axis, regions, _align_apart)


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
    return _pooled(inputs, boxes, box_indices, output_size, channel_axis, regions, _mean_apart)
