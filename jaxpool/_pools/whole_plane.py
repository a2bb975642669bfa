"""Global pooling: each feature map becomes one number."""

from __future__ import annotations

import functools
from collections.abc import Callable

import jax
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import Window, check_flag
from jaxpool._geometry.calls import explained
from jaxpool._pools.average import average_of, sum_of
from jaxpool._pools.extremum import extremum_of
from jaxpool._pools.inputs import array_and_plane, mask_of

_max_of = functools.partial(extremum_of, kind="max")
_min_of = functools.partial(extremum_of, kind="min")


@functools.partial(jax.jit, static_argnames=("pool", "window", "keepdims"), inline=True)
def _pooled(pool: Callable[..., Array], x: Array, mask: Array | None, window: Window, keepdims: bool) -> Array:
    result = pool(x, mask, window)
    return result if keepdims else lax.squeeze(result, window.axes)


@explained
def global_avg_pool(
    inputs: ArrayLike,
    *,
    num_spatial_dims: int = 2,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global average pooling: the mean of each feature map.

    At the end of a network it takes the place of large dense layers: one number per map, nothing to learn, any input
    size.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`; any number of batch axes; any numeric dtype.
      num_spatial_dims: how many spatial axes there are: 2 for images, 1 for sequences, 3 for volumes. With a wrong
        number batch axes are averaged over, or spatial ones stay.
      keepdims: whether the spatial axes stay, with size 1.
      channel_axis: the axis of the features, or None if there is none; the spatial axes are the last
        `num_spatial_dims` others.
      where: array of booleans with as many axes as `inputs`, of the same size or of size 1, which broadcasts: the
        elements that count. A map without any gives 0, and no gradient.

    Returns:
      Array of shape `(*batch, features)`. Floats and complex numbers keep their dtype, and f16, bf16 and fp8 are summed
      in f32; integers and booleans give what `jnp.mean` gives, f32.

    Raises:
      TypeError: an argument of the wrong kind.
      ValueError: too few axes, or an empty spatial axis.

    Derivatives: both modes, any order; linear, so nothing is kept for the reverse mode.

    Source: M. Lin, Q. Chen, S. Yan, "Network in network", ICLR 2014.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_avg_pool(jnp.array([[[4.], [6.]], [[2.], [8.]]]))
      Array([5.], dtype=float32)
    """
    check_flag("global_avg_pool", "keepdims", keepdims)
    x, window = array_and_plane("global_avg_pool", inputs, num_spatial_dims, channel_axis)
    mask = mask_of("global_avg_pool", where, x)
    return _pooled(average_of, x, mask, window, bool(keepdims))


@explained
def global_sum_pool(
    inputs: ArrayLike,
    *,
    num_spatial_dims: int = 2,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global sum pooling: the sum of each feature map.

    Arguments, errors and derivatives are those of `jaxpool.global_avg_pool`; dtypes those of `jaxpool.sum_pool`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_sum_pool(jnp.ones((4, 4, 3)))
      Array([16., 16., 16.], dtype=float32)
    """
    check_flag("global_sum_pool", "keepdims", keepdims)
    x, window = array_and_plane("global_sum_pool", inputs, num_spatial_dims, channel_axis)
    mask = mask_of("global_sum_pool", where, x)
    return _pooled(sum_of, x, mask, window, bool(keepdims))


@explained
def global_max_pool(
    inputs: ArrayLike,
    *,
    num_spatial_dims: int = 2,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global max pooling: the largest element of each feature map.

    Arguments and errors are those of `jaxpool.global_avg_pool`; dtypes, NaN, ties and derivatives those of
    `jaxpool.max_pool`: the gradient goes to the first maximum, where `jnp.max` splits it.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_max_pool(jnp.arange(12.).reshape(2, 2, 3))
      Array([ 9., 10., 11.], dtype=float32)
    """
    check_flag("global_max_pool", "keepdims", keepdims)
    x, window = array_and_plane("global_max_pool", inputs, num_spatial_dims, channel_axis, ordered=True)
    mask = mask_of("global_max_pool", where, x)
    return _pooled(_max_of, x, mask, window, bool(keepdims))


@explained
def global_min_pool(
    inputs: ArrayLike,
    *,
    num_spatial_dims: int = 2,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global min pooling: the smallest element of each feature map; otherwise as `jaxpool.global_max_pool`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_min_pool(jnp.arange(12.).reshape(2, 2, 3))
      Array([0., 1., 2.], dtype=float32)
    """
    check_flag("global_min_pool", "keepdims", keepdims)
    x, window = array_and_plane("global_min_pool", inputs, num_spatial_dims, channel_axis, ordered=True)
    mask = mask_of("global_min_pool", where, x)
    return _pooled(_min_of, x, mask, window, bool(keepdims))
