"""How boxes are pooled: means by two matrices, and maxima of whole elements."""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jax import Array

from jaxpool._geometry import AxisWindow, Window, known
from jaxpool._geometry.regions import Layout, Regions, boxes_at_once
from jaxpool._operators import first_in_regions
from jaxpool._pools.box_bins import bounds, largest, matrices, pooled, pooled_apart, shares
from jaxpool._pools.boxes import arranged, as_inputs, of_one_list, per_picture, split_alike
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.shards import with_whole_planes

# From one picture and its boxes to their bins.
BoxPool = Callable[[Array, Array, Regions, jnp.dtype], Array]


def align(x: Array, boxes: Array, regions: Regions, dtype: jnp.dtype) -> Array:
    """The means of interpolated samples, or the largest of them."""
    rows, columns = (matrix.astype(x.dtype) for matrix in matrices(boxes, regions, x.shape[:2], dtype))
    result = pooled(x, rows, columns)
    return largest(result, regions) if regions.mode == "max" else result


def align_apart(x: Array, boxes: Array, regions: Regions, dtype: jnp.dtype) -> Array:
    """The means of interpolated samples, where each bin has features of its own."""
    rows, columns = (matrix.astype(x.dtype) for matrix in matrices(boxes, regions, x.shape[:2], dtype))
    return pooled_apart(x, rows, columns)


def mean_apart(x: Array, boxes: Array, regions: Regions, dtype: jnp.dtype) -> Array:
    """The means of whole elements, where each bin has features of its own."""
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


def _at_once(count: int, regions: Regions, plane: tuple[int, ...], pool: BoxPool, listed: bool) -> int | None:
    """How many boxes of a picture to compute at once, None for all."""
    if not known(count):
        return None
    (p, q), (height, width) = regions.bins, plane
    # Of one list, the picture in turn and its results are kept, too.
    parts = 4 if listed else 2
    if pool is not align:
        # A bin has its own features.
        return boxes_at_once(count, width, height * width, 1, parts)
    taps = regions.samples or 1 if regions.mode == "max" else 1
    between = p * taps * (width + (q * taps if taps > 1 else 0))
    return boxes_at_once(count, between, height * width, p * q, parts)


@functools.partial(jax.jit, static_argnames=("regions", "layout", "pool"), inline=True)
def pooled_by_matrices(
    inputs: Array, boxes: Array, pictures: Array | None, regions: Regions, layout: Layout, pool: BoxPool
) -> Array:
    """What a pool makes of each box, in the layout of the inputs; NaN for boxes that are not finite."""
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
def maximum_of_boxes(
    inputs: Array, boxes: Array, pictures: Array | None, regions: Regions, layout: Layout, dtype: str
) -> Array:
    """The largest element of each bin of each box, in the layout of the inputs."""
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
