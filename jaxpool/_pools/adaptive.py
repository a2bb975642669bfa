"""Adaptive pooling: a given number of windows, whatever the size of the input."""

from __future__ import annotations

import functools
import math

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import AxisBins, Window, adaptive_bins, check_rounding_mode, digit_bits, index_dtype
from jaxpool._geometry.calls import explained
from jaxpool._operators import bin_mask, extreme, lay_out_bins, starts_and_counts, sum_bins, window_sum
from jaxpool._pools.argextremum import argextremum_of, taps_of
from jaxpool._pools.divisors import divide
from jaxpool._pools.dtypes import mean_dtypes, sum_dtypes
from jaxpool._pools.extremum import extremum_of, value_of_empty
from jaxpool._pools.inputs import as_array, mask_of, x64
from jaxpool._pools.rounding import rounded_mean
from jaxpool._pools.shards import shards_of
from jaxpool._pools.shared_bins import joined_extremum, joined_sums, map_bins, within_shards
from jaxpool.typing import OutputSize, RoundingMode, Scalar


def laid_out(x: Array, bins: tuple[AxisBins, ...]) -> Array:
    """The elements of every bin side by side, each bin as wide as the widest: what `windows_of` are windows on."""
    for part in bins:
        x = x if part.even else lay_out_bins(x, part)
    return x


def valid_in_bins(mask: Array | None, bins: tuple[AxisBins, ...], rank: int) -> Array | None:
    """Which elements of `laid_out` belong to their bin and are left in by the mask; None if all are."""
    if mask is not None:
        # What fills up narrow bins is False.
        return laid_out(along_bins(mask, bins), bins)
    real: Array | None = None
    for part in bins:
        if not part.even:
            own = bin_mask(part, rank)
            real = own if real is None else real & own
    return real


def windows_of(bins: tuple[AxisBins, ...]) -> Window:
    """The windows that the bins are, once they are laid out."""
    return Window(tuple(part.window() for part in bins))


def along_bins(mask: Array, bins: tuple[AxisBins, ...]) -> Array:
    """The mask with the inputs' sizes along the bins' axes."""
    shape = mask.shape
    for part in bins:
        shape = part.input_shape(shape)
    return jnp.broadcast_to(mask, shape)


def _total(x: Array, bins: tuple[AxisBins, ...]) -> Array:
    """The sum of every bin, in the dtype of the inputs."""
    if not all(within_shards(x, part) for part in bins):
        return joined_sums(x, bins)
    return map_bins(_total_of_shard, x, x, bins)


def _total_of_shard(x: Array, bins: tuple[AxisBins, ...]) -> Array:
    if all(part.even for part in bins):
        return window_sum(x, windows_of(bins))
    for part in reversed(bins):
        x = window_sum(x, Window((part.window(),))) if part.even else sum_bins(x, part)
    return x


def _left_in(x: Array, mask: Array | None) -> Array:
    return x if mask is None else jnp.where(mask, x, jnp.zeros((), x.dtype))


@functools.partial(jax.jit, static_argnames=("bins", "rounding_mode"), inline=True)
def mean_of_bins(
    x: Array, mask: Array | None, bins: tuple[AxisBins, ...], rounding_mode: RoundingMode | None = None
) -> Array:
    """The mean of every bin."""
    dtype, result_dtype = mean_dtypes(x.dtype)
    count = counts_of_bins(mask, bins, x.ndim, dtype)
    if rounding_mode is not None:
        sums = functools.partial(_total, bins=bins)
        return rounded_mean(_left_in(x, mask), sums, count, _elements(bins), rounding_mode)
    total = _total(_left_in(x, mask).astype(dtype), bins)
    return divide(total, count).astype(result_dtype)


@functools.partial(jax.jit, static_argnames=("bins",), inline=True)
def sum_of_bins(x: Array, mask: Array | None, bins: tuple[AxisBins, ...]) -> Array:
    """The sum of every bin."""
    dtype, result_dtype = sum_dtypes(x.dtype)
    return _total(_left_in(x, mask).astype(dtype), bins).astype(result_dtype)


def _elements(bins: tuple[AxisBins, ...]) -> int:
    """The number of elements in the largest bin."""
    return math.prod(part.width for part in bins)


def counts_of_bins(mask: Array | None, bins: tuple[AxisBins, ...], rank: int, dtype: jnp.dtype) -> Array | int:
    """How many elements every bin has that the mask leaves in, at least 1."""
    real = jnp.finfo(dtype).dtype
    if mask is not None:
        return jnp.maximum(_total(along_bins(mask, bins).astype(real), bins), 1).astype(dtype)
    scale, total = 1, None
    for part in bins:
        if part.even:
            scale *= part.size // part.outputs
            continue
        shape = [1] * rank
        shape[part.axis] = part.outputs
        vector = starts_and_counts(part)[1].astype(real).reshape(shape)
        total = vector if total is None else total * vector
    return scale if total is None else (total * jnp.asarray(scale, real)).astype(dtype)


@functools.partial(jax.jit, static_argnames=("bins", "kind"), inline=True)
def extremum_of_bins(
    x: Array, mask: Array | None, bins: tuple[AxisBins, ...], kind: str, empty: Array | None = None
) -> Array:
    """The largest or smallest element of every bin; `empty` where a mask leaves none."""
    if not all(within_shards(x, part) for part in bins):
        values, _, found = joined_extremum(x, mask, bins, kind, "int32")
        return values if empty is None else jnp.where(found, values, empty)

    def of_shard(arrays: dict[str, Array], bins: tuple[AxisBins, ...]) -> Array:
        x, empty = arrays["x"], arrays.get("empty")
        valid = valid_in_bins(arrays.get("mask"), bins, x.ndim)
        return extremum_of(laid_out(x, bins), valid, windows_of(bins), kind, empty=empty)

    return map_bins(of_shard, given(x=x, mask=mask, empty=empty), x, bins)


def given(**arrays: Array | None) -> dict[str, Array]:
    """The arrays that are not None, by their names."""
    return {name: array for name, array in arrays.items() if array is not None}


@functools.partial(jax.jit, static_argnames=("bins", "dtype"), inline=True)
def _maximum_and_place(x: Array, mask: Array | None, bins: tuple[AxisBins, ...], dtype: str) -> tuple[Array, Array]:
    if any(shards_of(x, part.axis) > 1 for part in bins):
        return joined_extremum(x, mask, bins, "max", dtype)[:2]
    x, valid, window = laid_out(x, bins), valid_in_bins(mask, bins, x.ndim), windows_of(bins)
    if mask is None and valid is not None:
        # Bins begin with elements of their own, which come first among equals.
        x, valid = jnp.where(valid, x, extreme(x.dtype, "max")), None
    values, offsets = argextremum_of(x, valid, window, "max", None, None, "window", dtype)
    indices = jnp.zeros(offsets.shape, dtype)
    for part, tap in zip(bins, taps_of(offsets, window, dtype), strict=True):
        shape = [1] * offsets.ndim
        shape[part.axis] = part.outputs
        start = starts_and_counts(part)[0].astype(dtype).reshape(shape)
        indices = indices * part.size + start + tap
    return values, indices


def array_and_bins(
    inputs: ArrayLike, output_size: OutputSize, channel_axis: int | None, ordered: bool = True
) -> tuple[Array, tuple[AxisBins, ...]]:
    """What an adaptive pool computes with."""
    x = as_array(inputs, ordered)
    return x, adaptive_bins(x.shape, output_size, channel_axis)


@explained
def adaptive_avg_pool(
    inputs: ArrayLike,
    output_size: OutputSize,
    *,
    channel_axis: int | None = -1,
    rounding_mode: RoundingMode | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Adaptive average pooling: an output of a given size, whatever the size of the inputs.

    Output `i` of `n` along an axis of `size` elements is the mean over the positions `i * size // n` up to
    `ceil((i + 1) * size / n)`: PyTorch's rule, in integers. Windows may share elements; there may be more outputs than
    elements.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`; any number of batch axes; any numeric dtype.
      output_size: one size per spatial axis, or None to keep the size of that axis. Its length is the number of spatial
        axes.
      channel_axis: the axis of the features, or None. The spatial axes are the last `len(output_size)` other axes.
      rounding_mode: as in `jaxpool.avg_pool`: how means of integers become integers of the same dtype.
      where: boolean array, True for elements that count. It has the rank of `inputs` and broadcasts to its shape.
        A bin without any returns 0 and has no gradient.

    Returns:
      The means, with `output_size` along the spatial axes. Floats and complex numbers keep their dtype, and f16, bf16
      and fp8 are summed in f32; integers and booleans give what `jnp.mean` gives, f32, but integers keep their dtype
      with a `rounding_mode`.

    Raises:
      TypeError: an argument of the wrong kind, or a `rounding_mode` for inputs that are no integers.
      ValueError: too few axes, a size below 1, an empty spatial axis, or a `rounding_mode` for bins of 2**23 elements
        or more.

    Derivatives: both modes, any order. The pool is linear: reverse mode keeps nothing but divisors.

    Strip pooling takes the means of whole rows, `adaptive_avg_pool(x, (None, 1))`, and of whole columns, `(1, None)`.

    Sharding: spatial axes may be split. If every shard has as many bins, devices exchange nothing; otherwise they
    exchange results, never inputs.

    Source: K. He et al., "Spatial pyramid pooling in deep convolutional networks", ECCV 2014; the rule is PyTorch's.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.adaptive_avg_pool(jnp.arange(5.), (3,), channel_axis=None)
      Array([0.5, 2. , 3.5], dtype=float32)
    """
    x, bins = array_and_bins(inputs, output_size, channel_axis, ordered=False)
    if rounding_mode is not None:
        check_rounding_mode(rounding_mode, str(x.dtype))
        digit_bits(rounding_mode, jnp.iinfo(x.dtype).bits, _elements(bins))
    return mean_of_bins(x, mask_of(where, x), bins, rounding_mode)


@explained
def adaptive_max_pool(
    inputs: ArrayLike,
    output_size: OutputSize,
    *,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
    empty: Scalar | None = None,
) -> Array:
    """Adaptive max pooling: an output of a given size, whatever the size of the inputs.

    Windows, arguments and errors are those of `jaxpool.adaptive_avg_pool`; dtypes, ties, NaN and derivatives those of
    `jaxpool.max_pool`. A bin without valid elements returns `empty`, by default the smallest value of the dtype. It has
    no gradient.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.adaptive_max_pool(jnp.arange(5.), (3,), channel_axis=None)
      Array([1., 3., 4.], dtype=float32)
    """
    x, bins = array_and_bins(inputs, output_size, channel_axis)
    return extremum_of_bins(x, mask_of(where, x), bins, "max", value_of_empty(empty, x))


@explained
def adaptive_max_pool_with_argmax(
    inputs: ArrayLike, output_size: OutputSize, *, channel_axis: int | None = -1, where: ArrayLike | None = None
) -> tuple[Array, Array]:
    """Adaptive max pooling with the index of each maximum.

    Arguments and errors are those of `jaxpool.adaptive_max_pool`. Indices count the spatial plane row by row, as in
    `jaxpool.max_pool_with_argmax`, and have no derivative. None names an element that `where` leaves out, unless the
    bin has no other: then it names the bin's first.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([3., 1., 4., 1., 5.])
      >>> values, indices = jaxpool.adaptive_max_pool_with_argmax(x, (3,), channel_axis=None)
      >>> indices
      Array([0, 2, 4], dtype=int32)
    """
    x, bins = array_and_bins(inputs, output_size, channel_axis)
    dtype = index_dtype("inputs.shape", [part.size for part in bins], x64(), x.shape)
    return _maximum_and_place(x, mask_of(where, x), bins, dtype)
