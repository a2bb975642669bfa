"""Order statistics of whole planes."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import (
    AxisWindow,
    Choice,
    Quantile,
    Rank,
    Top,
    Window,
    check_alpha,
    check_flag,
    check_positive_integer,
    check_quantile,
    check_top,
    index_dtype,
    plane_axes,
)
from jaxpool._geometry.calls import explained
from jaxpool._operators import gather_at_places, place_order, plane_sum, ranked_places, up_to_place
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.inputs import as_array, mask_of, x64
from jaxpool._pools.shards import with_whole_planes
from jaxpool.typing import QuantileMethod

_Choices = tuple[Choice, ...]


def _to(shape: tuple[int, ...], axes: tuple[int, ...], outputs: int) -> Window:
    """From the plane to so many of its elements, along its first axis."""
    return Window(
        tuple(AxisWindow(axis, shape[axis], 1, 1, 1, 0, 0, outputs if axis == axes[0] else 1) for axis in axes)
    )


def _valid(x: Array, mask: Array | None, axes: tuple[int, ...]) -> Array | None:
    """How many valid elements each plane has, if there is a mask; the axes stay, with size 1."""
    return None if mask is None else jnp.sum(jnp.broadcast_to(mask, x.shape), axes, dtype=jnp.int32, keepdims=True)


def _at_most(number: Array | float, most: Array) -> Array:
    """The smaller of two integers; Taylor mode has no rule for the minimum of an array and a scalar."""
    return jnp.where(most < number, most, number)


def _number(choice: Top, size: int, valid: Array | None, dtype: jnp.dtype) -> Array | int:
    """How many elements a choice takes at one end, and at least 1."""
    if valid is None:
        return choice.divisor(size)
    number = choice.k
    if isinstance(choice.k, float):
        number = jnp.round(jnp.asarray(choice.k, dtype) * valid.astype(dtype)).astype(jnp.int32)
    number = _at_most(number, valid)
    return jnp.where(number > 0, number, 1)


def _mean(x: Array, mask: Array | None, axes: tuple[int, ...], choice: Top, dtype: str, wide: jnp.dtype) -> Array:
    """The mean of the elements at one end, which are those up to the last of them in order."""
    number = _number(choice, math.prod(x.shape[axis] for axis in axes), _valid(x, mask, axes), wide)
    number = jnp.broadcast_to(number, [1 if axis in axes else n for axis, n in enumerate(x.shape)])
    window = _to(x.shape, axes, 1)
    last = ranked_places(x, mask, number - 1, window, dtype, descending=choice.descending)
    chosen = up_to_place(x, mask, last, window, descending=choice.descending)
    if jnp.issubdtype(x.dtype, jnp.floating):
        # A NaN is alone, and has the whole gradient.
        number = jnp.where(jnp.isnan(gather_at_places(lax.stop_gradient(x), last, window)), 1, number)
    return plane_sum(x.astype(wide), axes, chosen, wide) / number.astype(wide)


def _between(
    choice: Quantile | Rank, axis: int, size: int, valid: Array | None, rank: int, dtype: jnp.dtype
) -> tuple[Array, Array]:
    """The first rank, and the weights of the elements beside a quantile, or of a rank."""
    if valid is None:
        terms = [(place, weight) for place, weight in choice.terms(size) if weight]
        weights = jnp.asarray([weight for _, weight in terms], dtype)
        first = jnp.full((1,) * rank, terms[0][0], jnp.int32)
        return first, weights.reshape([-1 if a == axis else 1 for a in range(rank)])
    last, any_weight = jnp.where(valid > 0, valid - 1, 0), (valid > 0).astype(dtype)
    if isinstance(choice, Rank):
        ((place, _),) = choice.terms(size)
        return _at_most(place, last), any_weight
    position = jnp.asarray(choice.q, dtype) * last.astype(dtype)
    below, above = jnp.floor(position), jnp.ceil(position)
    share = position - below
    if choice.element:
        least = {"lower": 1.0, "higher": 0.0, "nearest": 0.5}[choice.method]
        return jnp.where(share > least, above, below).astype(jnp.int32), any_weight
    share = jnp.where(share > 0, 0.5, 0).astype(dtype) if choice.method == "midpoint" else share
    return below.astype(jnp.int32), lax.concatenate([1 - share, share], axis) * any_weight


def chosen_of_plane(x: Array, mask: Array | None, axes: tuple[int, ...], choice: Choice, dtype: str) -> Array:
    """What a choice takes of every plane; the axes stay, with size 1. Planes without valid elements give 0.

    An element in its own dtype, a mean in that of means. `dtype` is that of places.
    """
    wide, _ = mean_dtypes(x.dtype)
    if isinstance(choice, Top):
        return _mean(x, mask, axes, choice, dtype, wide)
    size = math.prod(x.shape[axis] for axis in axes)
    rank, weights = _between(choice, axes[0], size, _valid(x, mask, axes), x.ndim, wide)
    window = _to(x.shape, axes, weights.shape[axes[0]])
    places = ranked_places(x, mask, rank, window, dtype, descending=choice.descending)
    values = gather_at_places(x, places, window)
    if choice.element:
        return jnp.where(weights > 0, values, jnp.zeros((), values.dtype))
    # Infinity with the weight 0 takes no part.
    return jnp.sum(jnp.where(weights > 0, values.astype(wide) * weights, 0), axes[0], keepdims=True)


@functools.partial(jax.jit, static_argnames=("axes", "choices", "alpha", "dtype", "keepdims"), inline=True)
def _run(
    x: Array, mask: Array | None, axes: tuple[int, ...], choices: _Choices, alpha: float, dtype: str, keepdims: bool
) -> Array:
    """The first choice, or the mean of it and `alpha` times the second."""
    result, *others = (chosen_of_plane(x, mask, axes, choice, dtype) for choice in choices)
    for other in others:
        result = (result + alpha * other) / 2
    result = result if choices[0].element else result.astype(mean_dtypes(x.dtype)[1])
    return result if keepdims else lax.squeeze(result, axes)


def _global(
    inputs: ArrayLike, dims: Any, keepdims: Any, channel_axis: Any, where: Any, choices: _Choices, alpha: float = 1.0
) -> Array:
    check_flag("keepdims", keepdims)
    x = as_array(inputs, ordered=True)
    axes = plane_axes(x.shape, dims, channel_axis)
    dtype = index_dtype("inputs.shape", [x.shape[axis] for axis in axes], x64(), x.shape)
    return _run(with_whole_planes(x, axes), mask_of(where, x), axes, choices, alpha, dtype, bool(keepdims))


@explained
def global_quantile_pool(
    inputs: ArrayLike,
    *,
    q: float,
    method: QuantileMethod = "linear",
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global quantile pooling: the quantile `q` of each feature map, of the elements that a mask leaves in.

    Arguments and errors are those of `jaxpool.global_avg_pool`; `q`, `method` and the derivatives those of
    `jaxpool.quantile_pool`. A map without any valid element gives 0. With a mask, `q` times the number of elements is
    rounded to f32.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_quantile_pool(jnp.array([[0.], [1.], [5.], [8.], [9.]]), q=0.25, num_spatial_dims=1)
      Array([1.], dtype=float32)
    """
    return _global(inputs, num_spatial_dims, keepdims, channel_axis, where, (check_quantile(q, method),))


@explained
def global_median_pool(
    inputs: ArrayLike,
    *,
    method: QuantileMethod = "midpoint",
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global median pooling: the median of each feature map, of the elements that a mask leaves in.

    It is `jaxpool.global_quantile_pool` with `q=0.5`. `torch.median` is `method="lower"`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> tokens, valid = jnp.array([[1.], [9.], [4.]]), jnp.array([[True], [False], [True]])
      >>> jaxpool.global_median_pool(tokens, num_spatial_dims=1, where=valid)
      Array([2.5], dtype=float32)
    """
    return _global(inputs, num_spatial_dims, keepdims, channel_axis, where, (check_quantile(0.5, method),))


@explained
def global_topk_pool(
    inputs: ArrayLike,
    *,
    kmax: float,
    kmin: float = 0,
    alpha: float = 1.0,
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global top-k pooling: the mean of the `kmax` largest elements of each feature map.

    With `kmin` it is WILDCAT: `(mean of the kmax largest + alpha * mean of the kmin smallest) / 2`. WILDCAT's own
    defaults are `kmax=1, kmin=kmax`.

    Arguments and errors are those of `jaxpool.global_avg_pool`, and a map without any valid element gives 0.

    Args:
      kmax: an integer, or a share between 0 and 1 of the valid elements, rounded half to even, but at least one
        element. More than there are means all.
      kmin: the same for the smallest elements. 0 leaves them out.
      alpha: the factor of the smallest elements. 0 leaves them out, and the division by 2.

    Derivatives: both modes, any order. Each of the chosen elements gets its share. Of equal ones the first are chosen,
    in row-major order. The gradient scatters nothing.

    Source: T. Durand, T. Mordan, N. Thome, M. Cord, "WILDCAT: Weakly supervised learning of deep ConvNets for image
    classification, pointwise localization and segmentation", CVPR 2017.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([[1.], [5.], [3.], [-2.]])
      >>> jaxpool.global_topk_pool(x, kmax=2, num_spatial_dims=1)
      Array([4.], dtype=float32)
      >>> jaxpool.global_topk_pool(x, kmax=2, kmin=1, alpha=0.5, num_spatial_dims=1)
      Array([1.5], dtype=float32)
    """
    choices: list[Choice] = [check_top("kmax", kmax)]
    factor = check_alpha(alpha)
    smallest = check_top("kmin", kmin, none=True)
    if smallest.k and factor:
        choices.append(Top(smallest.k, descending=False))
    return _global(inputs, num_spatial_dims, keepdims, channel_axis, where, tuple(choices), factor)


@functools.partial(jax.jit, static_argnames=("axis", "k", "dtype"), inline=True)
def _in_time(x: Array, mask: Array | None, axis: int, k: int, dtype: str) -> tuple[Array, Array]:
    size = x.shape[axis]
    order = place_order(x, mask, _to(x.shape, (axis,), size), dtype, descending=True)
    places = lax.slice_in_dim(order, 0, min(k, size), axis=axis)
    if (valid := _valid(x, mask, (axis,))) is not None:
        taken = lax.broadcasted_iota(jnp.int32, places.shape, axis) < valid
        places = jnp.where(taken, places, size)
    places = lax.sort(places, dimension=axis)
    if k > size:
        config = [(0, k - size if a == axis else 0, 0) for a in range(x.ndim)]
        places = lax.pad(places, jnp.asarray(size, places.dtype), config)
    return gather_at_places(x, places, _to(x.shape, (axis,), k)), places < size


@explained
def kmax_pool(
    inputs: ArrayLike, *, k: int, channel_axis: int | None = -1, where: ArrayLike | None = None
) -> tuple[Array, Array]:
    """k-max pooling: the `k` largest elements of each sequence, in their order of time.

    Sequences lie along the last axis that is not the channel axis. Dynamic k-max pooling computes
    `k = max(k_top, ceil((layers - layer) / layers * length))` first.

    Args:
      inputs: array of shape `(*batch, time, features)`, with any number of batch axes. Any real dtype.
      k: how many, a positive integer.
      channel_axis: the axis of the features, or None if there is none.
      where: boolean array, True for elements that count. It has the rank of `inputs` and broadcasts to its shape.

    Returns:
      The elements, in the dtype of `inputs`, with `k` in place of the time, and booleans of the same shape. Where fewer
      than `k` elements are valid, zeros fill up the end, and are False there. NaN counts as larger than any number.

    Raises:
      TypeError: an argument of the wrong kind.
      ValueError: `k` below 1, or a mask that does not broadcast.

    Derivatives: both modes, any order, to the elements that are taken. Of equal ones the first are. The gradient is a
    scatter, as the places depend on data.

    Source: N. Kalchbrenner, E. Grefenstette, P. Blunsom, "A convolutional neural network for modelling sentences", ACL
    2014.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> values, valid = jaxpool.kmax_pool(jnp.array([[3.], [1.], [7.], [5.]]), k=2)
      >>> values[:, 0]
      Array([7., 5.], dtype=float32)
    """
    number = check_positive_integer("k", k)
    x = as_array(inputs, ordered=True)
    (axis,) = plane_axes(x.shape, 1, channel_axis)
    dtype = index_dtype("inputs.shape", [x.shape[axis]], x64(), x.shape)
    return _in_time(with_whole_planes(x, (axis,)), mask_of(where, x), axis, number, dtype)
