"""Means whose weights follow from the details of each window."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import (
    Window,
    WindowArguments,
    check_per_window,
    check_real_array,
    check_written_out,
    pooling_window,
)
from jaxpool._geometry.calls import explained
from jaxpool._operators import window_spread, window_sum
from jaxpool._pools.average import average_of
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.inputs import as_array, mask_of
from jaxpool._pools.padding import along
from jaxpool._pools.shards import with_whole_planes
from jaxpool._pools.views import view_of
from jaxpool.typing import Ints, Padding, PaddingMode, Scalar, WindowShape

# Added to squared differences, so that constant windows have weights.
_LEAST = 1e-3


@functools.partial(jax.jit, static_argnames=("window",), inline=True)
def _weighted(inputs: Array, alpha: Array, lam: Array, mask: Array | None, window: Window) -> Array:
    dtype, result_dtype = mean_dtypes(inputs.dtype)
    x, alpha, lam = (array.astype(dtype) for array in (inputs, alpha, lam))
    x = x if mask is None else jnp.where(mask, x, 0)

    def around(array: Array) -> Array:
        """The mean of its window at every element; windows do not overlap."""
        return window_spread(average_of(array, mask, window), window)

    detail = jnp.square(x - around(x)) + _LEAST
    usual = around(detail)
    # Elements in no window, or in one without valid elements, have no detail to compare with.
    compared = detail / jnp.where(usual == 0, 1, usual)
    weights = jnp.exp(alpha) + compared ** jnp.exp(lam)
    weights = weights if mask is None else jnp.where(mask, weights, 0)
    total = window_sum(weights, window)
    empty = total == 0
    return jnp.where(empty, 0, window_sum(weights * x, window) / jnp.where(empty, 1, total)).astype(result_dtype)


@explained
def detail_preserving_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    *,
    alpha: Scalar = 0.0,
    lam: Scalar = 0.0,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Detail-preserving pooling: a mean in which elements unlike their neighbours weigh more. Windows do not overlap.

    The detail of an element is its squared difference from the mean of its window, plus 1e-3. Its weight is
    `exp(alpha) + (detail / mean detail of the window) ** exp(lam)`.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape: one size per spatial axis, which is also the stride. What is left over at the end takes no part.
      alpha: the logarithm of the weight that every element has. A large one makes it average pooling. A number, or an
        array that broadcasts to `inputs` and has size 1 along the spatial axes. It may be learned.
      lam: the logarithm of the exponent of details; like `alpha`.
      channel_axis: as in `jaxpool.max_pool`.
      where: as in `jaxpool.avg_pool`. A window without any valid element returns 0.

    Returns: The means, with `size // window` elements along the spatial axes, in the dtype of float inputs. f16, bf16
      and fp8 are computed in f32, and integers return f32.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit, or a parameter that does not broadcast.

    Derivatives: both modes, any order, with respect to inputs, `alpha` and `lam`.

    Source: F. Saeedan et al., "Detail-preserving pooling in deep networks", CVPR 2018. This is the form whose reference
    is the plain mean of the window.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.detail_preserving_pool(jnp.array([0., 0., 0., 4.]), (4,), channel_axis=None).round(2)
      Array([2.], dtype=float32)
    """
    x = as_array(inputs, ordered=True)
    arguments = WindowArguments(window_shape, window_shape, channel_axis=channel_axis)
    window = pooling_window(x.shape, *arguments, padding_is_empty=True)
    for name, value in (("alpha", alpha), ("lam", lam)):
        check_per_window(name, value, x.shape, window.axes)
    return _weighted(x, jnp.asarray(alpha), jnp.asarray(lam), mask_of(where, x), window)


@functools.partial(jax.jit, static_argnames=("window", "padding_mode"), inline=True)
def _adaptive(
    inputs: Array, alpha: Array, mask: Array | None, window: Window, padding_mode: PaddingMode | None
) -> Array:
    dtype, result_dtype = mean_dtypes(inputs.dtype)
    x = with_whole_planes(inputs, window.axes).astype(dtype)
    valid = jnp.ones((1,) * x.ndim, bool) if mask is None else mask
    x = x if mask is None else jnp.where(mask, x, 0)
    taps = window.axes[-1] + 1
    x, valid = view_of(x, window, padding_mode), view_of(along(valid, window), window, padding_mode)
    count = jnp.sum(valid.astype(dtype), taps, keepdims=True)
    some, share = count > 0, alpha.astype(dtype)

    def mean(weights: Array) -> Array:
        weights = jnp.where(valid, weights, 0)
        total = jnp.sum(weights, taps, keepdims=True)
        return jnp.sum(weights * x, taps, keepdims=True) / jnp.where(some, total, 1)

    own, usual = jnp.abs(x), jnp.abs(mean(jnp.ones_like(x)))
    # Dice's coefficient 2ab / (a**2 + b**2) by the ratio of both, of which no square overflows.
    less = own < usual
    least, most = jnp.where(less, own, usual), jnp.where(less, usual, own)
    ratio = jnp.where(most == 0, 1, least / jnp.where(most == 0, 1, most))
    similar = mean(jnp.exp(2 * ratio / (1 + ratio**2)))
    largest = jax.lax.stop_gradient(jnp.max(jnp.where(valid, x, -jnp.inf), taps, keepdims=True))
    steep = mean(jnp.exp(jnp.where(valid, x - jnp.where(some, largest, 0), 0)))
    share = share if share.ndim == 0 else jnp.expand_dims(share, taps)
    return jnp.squeeze(share * similar + (1 - share) * steep, taps).astype(result_dtype)


@explained
def ada_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    alpha: Scalar = 0.5,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """AdaPool: a mixture of two means, by similarity to the mean and by softmax. Strides default to 1.

    The weight of an element in the first is the exponential of Dice's coefficient of it and the mean of the window,
    `2 |x m| / (x**2 + m**2)`, and 1 where both are 0. The second is `jaxpool.softmax_pool`.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode: as in `jaxpool.max_pool`.
        Padding has the weight 0. A window has at most 256 elements. All windows are stored.
      alpha: the share of the first mean, beta in the paper: a number from 0 to 1, or an array that broadcasts to the
        result, such as one for each output position. It may be learned.
      where: as in `jaxpool.avg_pool`. A window without any valid element returns 0 and has no gradient.

    Returns: The mixtures, with the sizes of `jaxpool.output_shape` along the spatial axes, in the dtype of float
      inputs. f16, bf16 and fp8 are computed in f32, and integers return f32.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit, or an `alpha` that does not broadcast.

    Derivatives: both modes, any order, with respect to inputs and `alpha`.

    Source: A. Stergiou, R. Poppe, "AdaPool: exponential adaptive pooling for information-retaining downsampling", IEEE
    Transactions on Image Processing, 2022.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> round(float(jaxpool.ada_pool(jnp.array([0., 2.]), (2,), channel_axis=None)[0]), 3)
      1.571
    """
    x = as_array(inputs, ordered=True)
    arguments = WindowArguments(window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode)
    window = pooling_window(x.shape, *arguments, padding_is_empty=False)
    check_written_out(window)
    check_real_array("alpha", alpha, window.output_shape(x.shape), scalar=True, of="result")
    return _adaptive(x, jnp.asarray(alpha), mask_of(where, x), window, padding_mode)
