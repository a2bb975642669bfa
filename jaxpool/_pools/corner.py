"""Corner pooling: maxima that run along one axis of an image."""

from __future__ import annotations

from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import AxisWindow, Window, check_direction, plane_axes
from jaxpool._geometry.calls import explained
from jaxpool._pools.extremum import extremum_of
from jaxpool._pools.inputs import as_array, mask_of
from jaxpool._pools.shards import with_whole_planes
from jaxpool.typing import Direction


@explained
def corner_pool(
    inputs: ArrayLike, direction: Direction, *, channel_axis: int | None = -1, where: ArrayLike | None = None
) -> Array:
    """Corner pooling: at every place the largest element from there to the end of its column or row.

    A detector of corners sees with it how far an object reaches. CornerNet's top-left corner pooling is
    `corner_pool(x, "top") + corner_pool(y, "left")` of two feature maps, the bottom-right one
    `corner_pool(x, "bottom") + corner_pool(y, "right")`.

    Args:
      inputs: array of shape `(*batch, height, width, features)`, with any number of batch axes. Any real dtype.
      direction: "top" and "bottom" are maxima along the height, "left" and "right" along the width. At a place, "top"
        looks at it and all below, "bottom" at it and all above, "left" at it and all to its right, "right" at it and
        all to its left.
      channel_axis, where: as in `jaxpool.max_pool`.

    Returns: Array of the shape and the dtype of the inputs.

    Raises:
      TypeError: an argument of the wrong kind.
      ValueError: an unknown direction, too few axes, or an empty spatial axis.

    Derivatives: both modes, any order. The first of equal maxima in its row or column has the gradient, where
    `lax.cummax` splits it. It is `jaxpool.max_pool` with windows of a whole column or row, all but the first or the
    last of which reach into padding, and takes about `log2(height)` steps.

    Source: H. Law, J. Deng, "CornerNet: detecting objects as paired keypoints", ECCV 2018.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([[2., 1., 3., 0.]])
      >>> jaxpool.corner_pool(x, "left", channel_axis=None)
      Array([[3., 3., 3., 0.]], dtype=float32)
      >>> jaxpool.corner_pool(x, "right", channel_axis=None)
      Array([[2., 2., 3., 3.]], dtype=float32)
    """
    check_direction(direction)
    x = as_array(inputs, ordered=True)
    axes = plane_axes(x.shape, 2, channel_axis, symbolic=False)
    axis = axes[direction in ("left", "right")]
    size = x.shape[axis]
    low = size - 1 if direction in ("bottom", "right") else 0
    window = Window((AxisWindow(axis, size, size, 1, 1, low, size - 1 - low, size),))
    return extremum_of(with_whole_planes(x, (axis,)), mask_of(where, x), window, "max")
