"""Pyramids: the pooled regions of several levels as one vector, joined or added."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import AxisBins, AxisWindow, Window, adaptive_bins, check_option, plane_as_window, plane_axes
from jaxpool._geometry.axes import plane_of
from jaxpool._geometry.calls import explained
from jaxpool._geometry.pyramids import (
    PYRAMID_KINDS,
    PYRAMID_ORDERS,
    check_features,
    check_fraction,
    check_num_levels,
    pyramid_levels,
    rmac_squares,
)
from jaxpool._operators import plane_sum
from jaxpool._pools.adaptive import along_bins, extremum_of_bins, mean_of_bins
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.extremum import extremum_of
from jaxpool._pools.inputs import as_array, mask_of
from jaxpool._pools.norms import lengths_of
from jaxpool._pools.padding import along
from jaxpool._pools.shards import with_whole_planes
from jaxpool.typing import Levels, PyramidKind, PyramidOrder

# Per level its side and where its squares start along each axis.
_Squares = tuple[tuple[int, tuple[tuple[int, ...], ...]], ...]


@functools.partial(jax.jit, static_argnames=("levels", "channel", "kind", "order"), inline=True)
def _pyramid(
    x: Array, mask: Array | None, levels: tuple[tuple[AxisBins, ...], ...], channel: int | None, kind: str, order: str
) -> Array:
    axes = [part.axis for part in levels[0]]
    features = [] if channel is None else [channel]
    batch = [axis for axis in range(x.ndim) if axis not in (*axes, channel)]
    inner = [*axes, *features] if order == "features_last" else [*features, *axes]
    vectors: list[Array] = []
    for bins in levels:
        pooled = mean_of_bins(x, mask, bins) if kind == "avg" else extremum_of_bins(x, mask, bins, "max")
        if kind == "max" and mask is not None:
            found = extremum_of_bins(along_bins(mask, bins), None, bins, "max")
            pooled = jnp.where(found, pooled, jnp.zeros((), pooled.dtype))
        pooled = jnp.transpose(with_whole_planes(pooled, axes), [*batch, *inner])
        outer = pooled.shape[: len(batch)]
        vectors.append(pooled.reshape(*outer, math.prod(pooled.shape[len(batch) :])))
    return lax.concatenate(vectors, len(batch))


@explained
def pyramid_pool(
    inputs: ArrayLike,
    levels: Levels,
    *,
    kind: PyramidKind = "max",
    order: PyramidOrder = "features_last",
    num_spatial_dims: int | None = None,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Spatial pyramid pooling (SPP): the bins of several levels joined to one vector, whatever the size of the inputs.

    Each level is adaptive pooling. A dense layer may follow, for the length of the vector does not depend on the plane.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`; any number of batch axes; any real dtype.
      levels: the levels in their order in the vector, each an int, the number of bins along every spatial axis, or one
        int per spatial axis: `(1, 2, 4)`, `(1, (2, 3))`. With one spatial axis it is a temporal pyramid.
      kind: "max", or "avg".
      order: what follows what within a level. "features_last": the bins row by row, and for each all features.
        "features_first": the features, and for each the bins row by row, which is how PyTorch code flattens
        `(batch, features, height, width)`: take it to reuse the weights of a dense layer from there.
      num_spatial_dims: as in `jaxpool.global_avg_pool`.
      channel_axis: the axis of the features, or None. The spatial axes are the last `num_spatial_dims` other axes.
      where: as in `jaxpool.adaptive_avg_pool`. A bin without valid elements gives 0, also for `kind="max"`: in a dense
        layer -inf would become NaN.

    Returns:
      The vectors, of shape `(*batch, features * bins)` for the bins of all levels together, with the dtypes of
      `jaxpool.adaptive_max_pool` or `jaxpool.adaptive_avg_pool`.

    Raises:
      TypeError: an argument of the wrong kind.
      ValueError: too few axes, a level below 1 or with another number of sizes than spatial axes, an empty spatial
        axis, or no `num_spatial_dims` for inputs that are not of rank 4.

    Derivatives: those of the adaptive pools.

    Sharding: spatial axes and features that explicit sharding splits are gathered first.

    A pyramid pooling module (PSPNet) keeps the levels as planes. Its branches are
    `jaxpool.adaptive_avg_pool(x, (n, n))` for n in (1, 2, 3, 6), each with a convolution, brought back to the size of x
    with `jax.image.resize(branch, shape, "bilinear")`. Published weights expect corners to be aligned, which
    `jax.image.scale_and_translate` does with the scale `(size - 1) / (n - 1)` and the translation `0.5 - scale / 2`
    for n above 1.

    Source: K. He et al., "Spatial pyramid pooling in deep convolutional networks", ECCV 2014.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.pyramid_pool(jnp.arange(16.).reshape(1, 4, 4, 1), (1, 2))
      Array([[15.,  5.,  7., 13., 15.]], dtype=float32)
    """
    check_option("kind", kind, PYRAMID_KINDS)
    check_option("order", order, PYRAMID_ORDERS)
    x = as_array(inputs, ordered=True)
    axes = plane_axes(x.shape, num_spatial_dims, channel_axis)
    # Known by now to be an axis, or None.
    channel = None if channel_axis is None else channel_axis % x.ndim
    sizes = pyramid_levels(levels, len(axes), f"inputs of shape {x.shape}")
    bins = tuple(adaptive_bins(x.shape, level, channel_axis) for level in sizes)
    x = x if channel is None else with_whole_planes(x, (channel,))
    return _pyramid(x, mask_of(where, x), bins, channel, kind, order)


def _placed(x: Array, axes: tuple[int, ...], side: int, starts: tuple[tuple[int, ...], ...]) -> Array:
    """The squares of a level side by side."""
    for axis, firsts in zip(axes, starts, strict=True):
        x = lax.concatenate([lax.slice_in_dim(x, first, first + side, axis=axis) for first in firsts], axis)
    return x


def _units(x: Array, mask: Array | None, window: Window, channel: int, eps: float, dtype: jnp.dtype) -> Array:
    """The sum of the unit vectors that the maxima of windows point along."""
    largest = extremum_of(x, mask, window, "max").astype(dtype)
    if mask is not None:
        valid = extremum_of(along(mask, window), None, window, "max")
        largest = jnp.where(valid, largest, jnp.zeros((), dtype))
    return plane_sum(largest / (lengths_of(largest, channel) + eps), window.axes, None, dtype)


@functools.partial(jax.jit, static_argnames=("axes", "channel", "squares", "eps"), inline=True)
def _rmac(x: Array, mask: Array | None, axes: tuple[int, ...], channel: int, squares: _Squares, eps: float) -> Array:
    dtype, result_dtype = mean_dtypes(x.dtype)
    total = _units(x, mask, plane_as_window(x.shape, axes), channel, eps, dtype)
    mask = None if mask is None else along(mask, plane_as_window(x.shape, axes))
    for side, starts in squares:
        counts = [len(firsts) for firsts in starts]
        parts = [AxisWindow(a, n * side, side, side, 1, 0, 0, n) for a, n in zip(axes, counts, strict=True)]
        placed = _placed(x, axes, side, starts)
        valid = None if mask is None else _placed(mask, axes, side, starts)
        total += _units(placed, valid, Window(tuple(parts)), channel, eps, dtype)
    return lax.squeeze(total, axes).astype(result_dtype)


@explained
def rmac_pool(
    inputs: ArrayLike,
    *,
    num_levels: int = 3,
    overlap: float = 0.4,
    eps: float = 1e-6,
    channel_axis: int = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Regional maximum activations (R-MAC): the sum of normalised maxima over squares of several sizes.

    The maxima of one square over the plane make a vector of features, which is divided by its norm. The whole plane is
    the first region. On level `l` the squares have the side `2 * shorter // (l + 1)`: `l` of them along the shorter
    side of the plane, and along the longer side as many more, one to six, as bring the overlap of neighbours on level 1
    nearest to `overlap`. Of a square plane, level 1 is the whole plane again.

    Args:
      inputs: array of shape `(*batch, height, width, features)`; any number of batch axes; any real dtype.
      num_levels: the number of levels.
      overlap: the share of a square that neighbours on level 1 should have in common, from 0 to below 1.
      eps: what is added to each norm.
      channel_axis: the axis of the features. The plane is the last two other axes.
      where: as in `jaxpool.max_pool`. A region without valid elements adds nothing.

    Returns:
      Array of shape `(*batch, features)`, not normalised. Floats keep their dtype, and f16, bf16 and fp8 are added in
      f32. Integers give f32.

    Raises:
      TypeError: an argument of the wrong kind.
      ValueError: too few axes, an empty plane, a number out of its range, or no axis of features.

    Derivatives: both modes, any order; those of maxima as in `jaxpool.max_pool`. A vector that is 0 has no gradient.

    Sharding: spatial axes that explicit sharding splits are gathered first.

    Source: G. Tolias, R. Sicre, H. Jegou, "Particular object retrieval with integral max-pooling of CNN activations",
    ICLR 2016; squares, constants and norms as in cirtorch.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.zeros((1, 4, 4, 2)).at[0, 0, 0].set(jnp.array([3., 4.]))
      >>> jaxpool.rmac_pool(x, num_levels=1)
      Array([[1.1999998, 1.5999997]], dtype=float32)
    """
    num_levels = check_num_levels(num_levels)
    overlap, eps = check_fraction("overlap", overlap, 1.0), check_fraction("eps", eps, math.inf)
    x = as_array(inputs, ordered=True)
    check_features(channel_axis, f"inputs of shape {x.shape}")
    axes = plane_axes(x.shape, 2, channel_axis)
    sizes = plane_of(x.shape, axes)
    squares: Any = tuple((side, tuple(map(tuple, starts))) for side, starts in rmac_squares(sizes, num_levels, overlap))
    x = with_whole_planes(x, axes)
    return _rmac(x, mask_of(where, x), axes, channel_axis % x.ndim, squares, eps)
