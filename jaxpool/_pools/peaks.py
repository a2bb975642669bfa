"""Local maxima: elements that no other element of the window around them exceeds."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import PLATEAUS, Window, check_option, peak_window
from jaxpool._geometry.calls import explained
from jaxpool._operators import extreme, window_argextremum, window_extremum
from jaxpool._pools.inputs import as_array, mask_of
from jaxpool._pools.padding import along
from jaxpool.typing import Padding, Plateau, WindowShape


@functools.partial(jax.jit, static_argnames=("window", "plateau"), inline=True)
def _maxima(x: Array, mask: Array | None, window: Window, plateau: str) -> Array:
    x = lax.stop_gradient(x)
    worst = extreme(x.dtype, "max")
    # NaN equals nothing, not even itself.
    own = x == x if mask is None else (x == x) & mask
    valid = x if mask is None else jnp.where(mask, x, worst)
    if plateau == "all":
        return own & (window_extremum(valid, window, "max") == x)
    values, offsets = window_argextremum(valid, window, "max")
    if mask is not None:
        # If all valid elements have the worst value, one that is left out may come first.
        _, first = window_argextremum(along(mask, window).astype(jnp.uint8), window, "max")
        offsets = jnp.where(values == worst, first, offsets)
    inner = window.normal
    return own & (
        offsets == sum(part.low * stride for part, stride in zip(inner.parts, inner.offset_strides, strict=True))
    )


@explained
def local_maxima(
    inputs: ArrayLike,
    window_shape: WindowShape,
    padding: Padding = "SAME",
    *,
    plateau: Plateau = "all",
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Local maxima: which elements are the largest of the window around them.

    `x * local_maxima(x, (3, 3))` keeps the peaks of a heat map: the max-pool NMS of CenterNet. FCOS has windows of
    `(2, 2)` with `padding="SAME_LOWER"`. Peaks above a threshold are `local_maxima(x, (3, 3)) & (x > 0.5)`, and local
    minima `local_maxima(-x, (3, 3))`. Large windows cost little more than small ones, as in max pooling.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape: one size per spatial axis. Its length is the number of spatial axes.
      padding: where the element stands in its window; there are as many windows as elements. "SAME": in the middle, of
        an even size before it. "SAME_LOWER": after it. Or numbers as in `jaxpool.max_pool`: of a pair, the first is the
        number of elements before it. Padding never wins.
      plateau: which of equal elements are maxima. "all" of them, or the "first" of each window in row-major order.
      channel_axis: as in `jaxpool.max_pool`.
      where: boolean array, the elements that count, as in `jaxpool.max_pool`. The others are no maxima.

    Returns:
      Booleans in the shape of `inputs`. An element that is NaN, or has one in its window, is no maximum.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: padding with which there are more or fewer windows than elements, or a mask that does not broadcast.

    Derivatives: none, as the results are booleans. In `x * local_maxima(x, ...)` they are constants.

    Source: X. Zhou, D. Wang, P. Kraehenbuehl, "Objects as points", arXiv:1904.07850; Z. Tian et al., "FCOS: Fully
    convolutional one-stage object detection", ICCV 2019.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([0., 3., 1., 2., 2., 0.])
      >>> jaxpool.local_maxima(x, (3,), channel_axis=None)
      Array([False,  True, False,  True,  True, False], dtype=bool)
      >>> jaxpool.local_maxima(x, (3,), plateau="first", channel_axis=None)
      Array([False,  True, False,  True, False, False], dtype=bool)
    """
    check_option("plateau", plateau, PLATEAUS)
    x = as_array(inputs, ordered=True)
    window = peak_window(x.shape, window_shape, padding, channel_axis)
    return _maxima(x, mask_of(where, x), window, plateau)
