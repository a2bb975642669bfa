"""Smooth maxima: logarithms of means of exponentials."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import (
    Window,
    WindowArguments,
    check_flag,
    check_per_window,
    check_written_out,
    plane_as_window,
    plane_axes,
)
from jaxpool._geometry.calls import explained
from jaxpool._operators import plane_sum, window_extremum, window_log_mean_exp, window_sum
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.inputs import as_array, mask_of
from jaxpool._pools.moments import moments, window_count
from jaxpool._pools.padding import along, padded
from jaxpool._pools.planes import plane_extremum
from jaxpool._pools.shards import over_shards, window_of
from jaxpool.typing import AxisNames, Ints, Padding, PaddingMode, Scalar, WindowShape

# Where `beta` times the standard deviation is below this, two terms of the series take over. There they give the
# derivative by `beta` about as many digits as the logarithm does: `lse-small.json`.
_SMALL = 1e-3
# Larger numbers have infinite squares in f32.
_LARGE = 1e15


def _between(x: Array, largest: float) -> Array:
    return jnp.where(x > largest, largest, jnp.where(x < -largest, -largest, x))


def _log_mean_exp(exponents: Array, shift: Array, count: Array, window: Window) -> Array:
    """log(mean(exp(exponents - shift))) over the exponents above -inf."""
    count = jnp.maximum(count, 1)
    if not window.whole:
        return window_log_mean_exp(exponents, shift, jnp.broadcast_to(count, shift.shape), window)
    terms = jnp.where(exponents == -jnp.inf, 0, jnp.expm1(exponents - jnp.where(shift == -jnp.inf, 0, shift)))
    return jnp.log1p(plane_sum(terms, window.axes, None, terms.dtype) / count)


def _largest(x: Array, window: Window) -> Array:
    return plane_extremum(x, window.axes, "max") if window.whole else window_extremum(x, window, "max")


def _smooth_maximum(x: Array, beta: Array, mask: Array | None, window: Window, steep: bool) -> Array:
    """log(mean(exp(beta * x))) / beta of every window; its limit, the mean, for `beta` 0, unless `steep`."""
    valid = None if mask is None else along(mask, window).astype(x.dtype)
    count = window_count(x, valid, window)
    rate, falls = jnp.abs(beta), beta < 0
    signed = jnp.where(falls, -x, x)
    # Finite exponents, so that those of -inf leave elements out, and differences of infinities are none.
    largest = float(jnp.finfo(x.dtype).max) / 4

    def exponents_of(values: Array, there: Array | None) -> Array:
        exponents = _between(rate * values, largest)
        return exponents if there is None else jnp.where(there, exponents, -jnp.inf)

    candidates = signed if mask is None else jnp.where(mask, signed, -jnp.inf)
    top = lax.stop_gradient(_largest(lax.stop_gradient(candidates), window))
    shift = lax.stop_gradient(exponents_of(top, count > 0))
    logarithm = _log_mean_exp(exponents_of(signed, mask), shift, count, window)
    if steep:
        result = top + logarithm / rate
        return jnp.where(falls, -result, result)
    # The largest element is a constant here, so that its product with `beta` is not.
    still = jnp.where(jnp.abs(top) < jnp.inf, top, 0)
    logarithm = logarithm - (rate - lax.stop_gradient(rate)) * still
    _, _, deviations = moments(_between(x, _LARGE), mask, window)
    variance = deviations / jnp.maximum(count, 1)
    flat = (count > 0) & (lax.square(rate) * variance < _SMALL**2)
    total = x if mask is None else jnp.where(mask, x, 0)
    total = plane_sum(total, window.axes, None, x.dtype) if window.whole else window_sum(total, window)
    mean = total / jnp.maximum(count, 1)
    result = top + logarithm / jnp.where(flat, 1, rate)
    return jnp.where(flat, mean + beta * variance / 2, jnp.where(falls, -result, result))


@functools.partial(jax.jit, static_argnames=("window", "padding_mode", "steep"), inline=True)
@over_shards
def _lse(
    inputs: Array, beta: Array, mask: Array | None, window: Window, padding_mode: str | None, steep: bool
) -> Array:
    dtype, result_dtype = mean_dtypes(inputs.dtype)
    x, mask, window = padded(inputs, mask, window, padding_mode)
    return _smooth_maximum(x.astype(dtype), beta.astype(dtype), mask, window.normal, steep).astype(result_dtype)


@functools.partial(jax.jit, static_argnames=("axes", "steep"), inline=True)
def _lse_of_plane(inputs: Array, beta: Array, mask: Array | None, axes: tuple[int, ...], steep: bool) -> Array:
    dtype, result_dtype = mean_dtypes(inputs.dtype)
    window = plane_as_window(inputs.shape, axes)
    return _smooth_maximum(inputs.astype(dtype), beta.astype(dtype), mask, window, steep).astype(result_dtype)


def _beta(value: Any, shape: tuple[Any, ...], axes: tuple[int, ...]) -> tuple[Array, bool]:
    """The array that it is, and whether it is a number other than 0, so that nothing is differentiated by it."""
    check_per_window("beta", value, shape, axes)
    return jnp.asarray(value), isinstance(value, int | float) and value != 0


@explained
def lse_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    beta: Scalar = 10.0,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Log-sum-exp pooling: a smooth maximum of every window. Strides default to 1.

    `log(mean(exp(beta * x))) / beta` over each window. It lies between average pooling (`beta` 0) and max pooling
    (`beta` to infinity), and approaches min pooling for `beta` to minus infinity.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names: as in
        `jaxpool.max_pool`. Padding takes no part. A window has at most 256 elements, or is the whole plane.
      beta: the inverse temperature, called r in the papers: a number, or an array that broadcasts to `inputs` and has
        size 1 along the spatial axes, such as one per feature. It may be learned.
      where: as in `jaxpool.max_pool`. A window without any valid element returns -inf, or inf if `beta` is negative,
        and has no gradient.

    Returns: The smooth maxima, with the sizes of `jaxpool.output_shape` along the spatial axes, in the dtype of float
      inputs. f16, bf16 and fp8 are computed in f32, and integers return f32. No exponential overflows, and no digit is
      lost where `beta` is small.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit, or a `beta` that does not broadcast.

    Derivatives: both modes, any order, with respect to inputs and `beta`. The gradient is the softmax of each window.

    Source: P. Pinheiro, R. Collobert, "From image-level to pixel-level labeling with convolutional networks", CVPR
    2015; X. Wang et al., "ChestX-ray8", CVPR 2017 (`beta` 10); B. Lowe, "LogAvgExp provides a principled and performant
    global pooling operator", 2021.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.lse_pool(jnp.array([0., 2.]), (2,), beta=1., channel_axis=None).round(3)
      Array([1.434], dtype=float32)
    """
    x = as_array(inputs, ordered=True)
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    window = window_of(x, arguments, padding_is_empty=True)
    check_written_out(window)
    rate, steep = _beta(beta, x.shape, window.axes)
    return _lse(x, rate, mask_of(where, x), window, padding_mode, steep)


@explained
def global_lse_pool(
    inputs: ArrayLike,
    *,
    beta: Scalar = 10.0,
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global log-sum-exp pooling: a smooth maximum of each feature map.

    Arguments and errors are those of `jaxpool.global_avg_pool`; `beta`, empty maps and the derivatives those of
    `jaxpool.lse_pool`. The default of `beta` is that of timm's `LsePlus2d`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_lse_pool(jnp.array([[0.], [2.]]), beta=1., num_spatial_dims=1).round(3)
      Array([1.434], dtype=float32)
    """
    check_flag("keepdims", keepdims)
    x = as_array(inputs, ordered=True)
    axes = plane_axes(x.shape, num_spatial_dims, channel_axis)
    rate, steep = _beta(beta, x.shape, axes)
    result = _lse_of_plane(x, rate, mask_of(where, x), axes, steep)
    return result if keepdims else lax.squeeze(result, axes)
