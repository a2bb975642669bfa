"""Order statistics of windows: medians, quantiles, ranks, and means of the largest elements."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import (
    Choice,
    Rank,
    Window,
    WindowArguments,
    check_quantile,
    check_rank,
    check_top,
    index_dtype,
    is_sorted_whole,
    picks,
    possible_counts,
)
from jaxpool._geometry.calls import explained
from jaxpool._operators import extreme, window_order, window_sum
from jaxpool._pools.average import counts, mean_dtypes, summing_dtype
from jaxpool._pools.inputs import as_array, mask_of, x64
from jaxpool._pools.order_of_planes import chosen_of_plane
from jaxpool._pools.padding import along, padded
from jaxpool._pools.shards import over_shards, window_of, with_whole_planes
from jaxpool.typing import AxisNames, Ints, Padding, PaddingMode, QuantileMethod, WindowShape


def _by_count(numbers: Sequence[float], possible: Sequence[int], count: Array | None, dtype: jnp.dtype) -> Array:
    """The number that stands for each window's count of valid elements."""
    result = jnp.asarray(numbers[0], dtype)
    for before, number, least in zip(numbers, numbers[1:], possible[1:], strict=False):
        if number != before and count is not None:
            result = jnp.where(count >= least, jnp.asarray(number, dtype), result)
    return result


def _known(mask: Array | None, window: Window, rank: int) -> tuple[Array, Array] | None:
    """Which elements count and how many each window has; None where all do."""
    if mask is not None:
        valid = along(mask, window)
        return valid, window_sum(valid.astype(jnp.float32), window)
    if all(part.low <= 0 and part.high_overhang <= 0 for part in window.parts):
        return None
    shape = [1] * rank
    for part in window.parts:
        shape[part.axis] = part.size
    own = jnp.asarray(counts(window, False, jnp.dtype(jnp.float32), rank), jnp.float32)
    return jnp.ones(shape, jnp.bool_), own if own.ndim else own.reshape((1,) * rank)


@functools.partial(jax.jit, static_argnames=("window", "choice", "padding_mode", "places"), inline=True)
@over_shards
def _chosen(
    inputs: Array, mask: Array | None, window: Window, choice: Choice, padding_mode: str | None, places: str | None
) -> Array:
    x, mask, window = padded(inputs, mask, window, padding_mode)
    if places is not None:
        result = chosen_of_plane(x, mask, window.axes, choice, places)
        return result if choice.element else result.astype(mean_dtypes(inputs.dtype)[1])
    window = window.normal
    # Exact, and 16-bit floats are slow to compare on a CPU.
    x = x.astype(summing_dtype(x.dtype)) if jnp.issubdtype(x.dtype, jnp.floating) else x
    if mask is not None:
        x = jnp.where(mask, x, extreme(x.dtype, "max" if choice.descending else "min"))
    known = _known(mask, window, x.ndim)
    possible = possible_counts(window, mask is not None)
    if possible == (0,):
        dtype = inputs.dtype if choice.element else mean_dtypes(inputs.dtype)[1]
        return jnp.zeros(window.output_shape(x.shape), dtype)
    steps, weights, divisors = picks(choice, possible)
    values = window_order(x, known or (), window, steps, descending=choice.descending)
    count = None if known is None else known[1]
    if choice.element:
        value = values[0]
        if 0 in possible and count is not None:
            value = jnp.where(count > 0, value, jnp.zeros((), x.dtype))
        return value.astype(inputs.dtype)
    wide, result_dtype = mean_dtypes(inputs.dtype)
    total = jnp.zeros((), wide)
    for value, numbers in zip(values, weights, strict=True):
        weight = _by_count(numbers, possible, count, wide)
        term = value.astype(wide) * weight
        # Infinity with the weight 0 takes no part.
        total = total + (jnp.where(weight > 0, term, 0) if 0 in numbers else term)
    return (total / _by_count(divisors, possible, count, wide)).astype(result_dtype)


def _windowed(inputs: ArrayLike, arguments: WindowArguments, choice: Choice, where: ArrayLike | None) -> Array:
    x = as_array(inputs, ordered=True)
    window = window_of(x, arguments, padding_is_empty=False)
    if isinstance(choice, Rank):
        check_rank(choice.rank, window.taps)
    places = None
    if is_sorted_whole(window, choice):
        x = with_whole_planes(x, window.axes)
        places = index_dtype("inputs.shape", [part.size for part in window.parts], x64(), x.shape)
    return _chosen(x, mask_of(where, x), window, choice, arguments.padding_mode, places)


@explained
def median_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    method: QuantileMethod = "midpoint",
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Median pooling: the median of every window. Strides default to 1.

    Each feature map loses outliers and keeps its edges. It is `jaxpool.quantile_pool` with `q=0.5`.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names, where:
        as in `jaxpool.quantile_pool`. Median filters of images often have `padding_mode="REFLECT"`. For zeros that
        count, use `jnp.pad` first.
      method: of an even number of elements, "midpoint" is the mean of the two in the middle, as in NumPy, and "lower"
        the smaller one, as in `torch.median`.

    Returns, raises, derivatives: as in `jaxpool.quantile_pool`.

    Source: J. Tukey, "Exploratory data analysis", 1977; T. Huang, G. Yang, G. Tang, "A fast two-dimensional median
    filtering algorithm", 1979.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([1., 2., 90., 3., 4.])
      >>> jaxpool.median_pool(x, (3,), 1, 1, channel_axis=None)
      Array([1.5, 2. , 3. , 4. , 3.5], dtype=float32)
    """
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    return _windowed(inputs, arguments, check_quantile(0.5, method), where)


@explained
def quantile_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    q: float,
    method: QuantileMethod = "linear",
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Quantile pooling: the quantile `q` of every window. Strides default to 1.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names: as in
        `jaxpool.max_pool`. Padding does not count: a window at the border has fewer elements. A window has at most 100
        elements, or is the whole plane.
      q: a number from 0 to 1.
      method: what to return if the quantile lies between two elements, as in `jnp.quantile`: "linear" (in proportion),
        "lower", "higher", "midpoint" (their mean), or "nearest" (the lower one halfway).
      where: as in `jaxpool.max_pool`. A window without any valid element returns 0 and has no gradient.

    Returns:
      The quantiles, with the sizes of `jaxpool.output_shape` along the spatial axes, in the dtype of `inputs`. "linear"
      and "midpoint" give f32 for integers. A window with a NaN returns NaN. Of zeros of both signs either may be
      returned.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit or has more elements, or `q` outside of 0 to 1.

    Derivatives: both modes, any order. The gradient goes to the element that is returned, or in shares to the two
    beside the quantile. Of equal elements the first in row-major order gets it, and the next one the second share. In a
    window with NaN the first NaN gets it. Reverse mode keeps one byte for each of these elements.

    Source: R. Hyndman, Y. Fan, "Sample quantiles in statistical packages", 1996; the elements are found by a sorting
    network, K. Batcher, "Sorting networks and their applications", 1968.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([4., 1., 3., 2.])
      >>> jaxpool.quantile_pool(x, (3,), q=0.25, channel_axis=None)
      Array([2. , 1.5], dtype=float32)
      >>> jaxpool.quantile_pool(x, (3,), q=0.25, method="lower", channel_axis=None)
      Array([1., 1.], dtype=float32)
    """
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    return _windowed(inputs, arguments, check_quantile(q, method), where)


@explained
def rank_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    rank: int,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Rank pooling: the element of every window at a place in its order. Strides default to 1.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names, where:
        as in `jaxpool.quantile_pool`.
      rank: an index into the sorted window, as in `scipy.ndimage.rank_filter`: 0 is the smallest element, 1 the second
        smallest, -1 the largest, -2 the second largest. A window with fewer valid elements returns the last one in this
        direction.

    Returns:
      The elements, with the sizes of `jaxpool.output_shape` along the spatial axes, in the dtype of `inputs`. A window
      with a NaN returns NaN.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit or has more elements, or a rank that it does not have.

    Derivatives: both modes, any order, as in `jaxpool.quantile_pool`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([4, 1, 3, 2])
      >>> jaxpool.rank_pool(x, (3,), rank=-2, channel_axis=None)
      Array([3, 2], dtype=int32)
    """
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    return _windowed(inputs, arguments, check_rank(rank), where)


@explained
def topk_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    k: float,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Top-k pooling: the mean of the `k` largest elements of every window. Strides default to 1.

    It lies between max pooling (`k=1`) and average pooling (as many as the window has). The mean of the `k` smallest is
    `-topk_pool(-x, ...)`.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names, where:
        as in `jaxpool.quantile_pool`.
      k: an integer, or a share between 0 and 1 of the valid elements, rounded half to even, but at least one element.
        More than there are means all. The size of the window times `k` is at most 256, unless the window is the plane.

    Returns:
      The means, with the sizes of `jaxpool.output_shape` along the spatial axes, in the dtype of float inputs. f16,
      bf16 and fp8 are summed in f32, and integers return f32. A window with a NaN returns NaN.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit or has more elements, or `k` below 1 that is no share.

    Derivatives: both modes, any order. Each of the largest elements gets its share. Of equal elements the first count,
    in row-major order. Reverse mode keeps `k` bytes per output.

    Source: N. Kalchbrenner, E. Grefenstette, P. Blunsom, "A convolutional neural network for modelling sentences", ACL
    2014, for the choice; T. Durand et al., "WILDCAT", CVPR 2017, for the mean.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.topk_pool(jnp.array([1., 5., 3., 0.]), (3,), k=2, channel_axis=None)
      Array([4., 4.], dtype=float32)
    """
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    return _windowed(inputs, arguments, check_top("k", k), where)
