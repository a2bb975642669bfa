"""Adaptive pooling: a given number of windows, whatever the size of the input."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import AxisBins, Window, adaptive_bins, index_dtype
from jaxpool._geometry.calls import explained
from jaxpool._operators import (
    bin_mask,
    extreme,
    lay_out_bins,
    starts_and_counts,
    sum_bins,
    window_argextremum,
    window_extremum,
    window_sum,
)
from jaxpool._pools.average import divide, mean_dtypes
from jaxpool._pools.extremum import taps_of
from jaxpool._pools.inputs import as_array, with_whole_planes, x64
from jaxpool.typing import OutputSize


def _laid_out(x: Array, bins: tuple[AxisBins, ...]) -> tuple[Array, Window]:
    """The inputs with the worst value where bins are narrower than the widest, and the windows that the bins are."""
    real: Array | None = None
    for part in bins:
        if not part.even:
            x = lay_out_bins(x, part)
            mask = bin_mask(part, x.ndim)
            real = mask if real is None else real & mask
    return x if real is None else jnp.where(real, x, extreme(x.dtype, "max")), Window(tuple(b.window() for b in bins))


@functools.partial(jax.jit, static_argnames=("bins",), inline=True)
def _mean(x: Array, bins: tuple[AxisBins, ...]) -> Array:
    dtype, result_dtype = mean_dtypes(x.dtype)
    total = x.astype(dtype)
    if all(part.even for part in bins):
        total = window_sum(total, Window(tuple(part.window() for part in bins)))
    else:
        for part in reversed(bins):
            total = window_sum(total, Window((part.window(),))) if part.even else sum_bins(total, part)
    return divide(total, _counts(bins, jnp.finfo(dtype).dtype, x.ndim, dtype)).astype(result_dtype)


def _counts(bins: tuple[AxisBins, ...], real: jnp.dtype, rank: int, dtype: jnp.dtype) -> Array | int:
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


@functools.partial(jax.jit, static_argnames=("bins",), inline=True)
def _maximum(x: Array, bins: tuple[AxisBins, ...]) -> Array:
    return window_extremum(*_laid_out(x, bins), "max")


@functools.partial(jax.jit, static_argnames=("bins", "dtype"), inline=True)
def _maximum_and_place(x: Array, bins: tuple[AxisBins, ...], dtype: str) -> tuple[Array, Array]:
    x, window = _laid_out(x, bins)
    values, offsets = window_argextremum(x, window, "max")
    indices = jnp.zeros(offsets.shape, dtype)
    for part, tap in zip(bins, taps_of(offsets, window, dtype), strict=True):
        shape = [1] * offsets.ndim
        shape[part.axis] = part.outputs
        start = starts_and_counts(part)[0].astype(dtype).reshape(shape)
        indices = indices * part.size + start + tap
    return values, indices


def _array_and_bins(
    inputs: ArrayLike, output_size: OutputSize, channel_axis: int | None, ordered: bool
) -> tuple[Array, tuple[AxisBins, ...]]:
    x = as_array(inputs, ordered)
    bins = adaptive_bins(x.shape, output_size, channel_axis)
    return with_whole_planes(x, [part.axis for part in bins]), bins


@explained
def adaptive_avg_pool(inputs: ArrayLike, output_size: OutputSize, *, channel_axis: int | None = -1) -> Array:
    """Adaptive average pooling: an output of a given size, whatever the size of the inputs.

    Output `i` of `n` along an axis of `size` elements is the mean over the positions `i * size // n` up to
    `ceil((i + 1) * size / n)`: PyTorch's rule, in integers. Windows may share elements; there may be more outputs than
    elements.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`; any number of batch axes; any numeric dtype.
      output_size: one size per spatial axis, or None to keep the size of that axis. Its length is the number of spatial
        axes.
      channel_axis: the axis of the features, or None. The spatial axes are the last `len(output_size)` other axes.

    Returns:
      The means, with `output_size` along the spatial axes. Floats and complex numbers keep their dtype, and f16, bf16
      and fp8 are summed in f32; integers and booleans give what `jnp.mean` gives, f32.

    Raises:
      TypeError: an argument of the wrong kind.
      ValueError: too few axes, a size below 1, or an empty spatial axis.

    Derivatives: both modes, any order. The pool is linear: reverse mode keeps nothing but divisors.

    Sharding: spatial axes that explicit sharding splits are gathered first.

    Source: K. He et al., "Spatial pyramid pooling in deep convolutional networks", ECCV 2014; the rule is PyTorch's.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.adaptive_avg_pool(jnp.arange(5.), (3,), channel_axis=None)
      Array([0.5, 2. , 3.5], dtype=float32)
    """
    return _mean(*_array_and_bins(inputs, output_size, channel_axis, ordered=False))


@explained
def adaptive_max_pool(inputs: ArrayLike, output_size: OutputSize, *, channel_axis: int | None = -1) -> Array:
    """Adaptive max pooling: an output of a given size, whatever the size of the inputs.

    Windows, arguments and errors are those of `jaxpool.adaptive_avg_pool`; dtypes, ties, NaN and derivatives those of
    `jaxpool.max_pool`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.adaptive_max_pool(jnp.arange(5.), (3,), channel_axis=None)
      Array([1., 3., 4.], dtype=float32)
    """
    return _maximum(*_array_and_bins(inputs, output_size, channel_axis, ordered=True))


@explained
def adaptive_max_pool_with_argmax(
    inputs: ArrayLike, output_size: OutputSize, *, channel_axis: int | None = -1
) -> tuple[Array, Array]:
    """Adaptive max pooling with the index of each maximum.

    Arguments and errors are those of `jaxpool.adaptive_max_pool`. Indices count the spatial plane row by row, as in
    `jaxpool.max_pool_with_argmax`, and have no derivative.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([3., 1., 4., 1., 5.])
      >>> values, indices = jaxpool.adaptive_max_pool_with_argmax(x, (3,), channel_axis=None)
      >>> indices
      Array([0, 2, 4], dtype=int32)
    """
    x, bins = _array_and_bins(inputs, output_size, channel_axis, ordered=True)
    dtype = index_dtype("inputs.shape", [part.size for part in bins], x64(), x.shape)
    return _maximum_and_place(x, bins, dtype)
