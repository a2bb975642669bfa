"""Smoothing with Gaussian weights of a given or learned width."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import Window, WindowArguments, check_flag, check_per_feature, feature_axis, pooling_window
from jaxpool._geometry.calls import explained
from jaxpool._operators import window_dot
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.inputs import as_array, mask_of
from jaxpool._pools.padding import along, padded
from jaxpool.typing import Ints, Padding, PaddingMode, Scalar, WindowShape


def _bell(taps: int, sigma: Array, axis: int, rank: int) -> Array:
    """The weights along one axis, for each feature; the width is relative to half of the window."""
    half = (taps - 1) / 2
    places = (jnp.arange(taps, dtype=sigma.dtype) - half) / max(half, 1)
    places = places.reshape([taps if i == axis else 1 for i in range(rank)])
    return jnp.exp(-((places / sigma) ** 2) / 2)


@functools.partial(jax.jit, static_argnames=("window", "padding_mode", "normalize", "channel"), inline=True)
def _gaussian(
    inputs: Array,
    sigma: Array,
    mask: Array | None,
    window: Window,
    padding_mode: str | None,
    normalize: bool,
    channel: int | None,
) -> Array:
    x, mask, window = padded(inputs, mask, window, padding_mode)
    dtype, result_dtype = mean_dtypes(x.dtype)
    x = (x if mask is None else jnp.where(mask, x, 0)).astype(dtype)
    rank = len(window.parts) + 1
    width = sigma.astype(dtype).reshape((1,) * (rank - 1) + (-1,))
    weights = functools.reduce(
        jnp.multiply, [_bell(part.taps, width, axis, rank) for axis, part in enumerate(window.parts)]
    )
    total = window_dot(x, weights, window, channel)
    if not normalize:
        return total.astype(result_dtype)
    valid = jnp.ones((1,) * x.ndim, dtype) if mask is None else mask.astype(dtype)
    if channel is not None:
        valid = jnp.broadcast_to(valid, (*valid.shape[:channel], x.shape[channel], *valid.shape[channel + 1 :]))
    inside = window_dot(along(valid, window), weights, window, channel)
    empty = inside == 0
    return jnp.where(empty, 0, total / jnp.where(empty, 1, inside)).astype(result_dtype)


@explained
def gaussian_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    sigma: Scalar = 0.4,
    normalize: bool = False,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Gaussian pooling: the sum of every window with Gaussian weights. Strides default to 1.

    The weight of an element is `exp(-(d / sigma)**2 / 2)`, where `d` is its distance from the middle of the window,
    relative to the outermost element: 0 in the middle and 1 at the end. Along several axes the weights multiply.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode: as in `jaxpool.max_pool`.
        Padding counts as 0.
      sigma: the width: a number, or an array that broadcasts to `inputs` and has size 1 along the spatial axes, such as
        one per feature. It may be learned. LEAF clips it to `2 / window` and 0.5, starts at 0.4, and pools 401 samples
        with a stride of 160.
      normalize: whether to divide by the sum of the weights of the valid elements, so that constants stay.
      where: boolean array, the elements that count; others count as 0.

    Returns: The sums, with the sizes of `jaxpool.output_shape` along the spatial axes, in the dtype of float inputs.
      f16, bf16 and fp8 are summed in f32, and integers return f32. A window without any valid element returns 0.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit, or a `sigma` that does not broadcast.

    Derivatives: both modes, any order, with respect to inputs and `sigma`. It is linear in the inputs: a depthwise
    convolution.

    Source: N. Zeghidour et al., "LEAF: a learnable frontend for audio classification", ICLR 2021.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([0., 1., 0.])
      >>> jaxpool.gaussian_pool(x, (3,), 1, 1, channel_axis=None).round(3)
      Array([0.044, 1.   , 0.044], dtype=float32)
    """
    check_flag("normalize", normalize)
    x = as_array(inputs, ordered=True)
    arguments = WindowArguments(window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode)
    window = pooling_window(x.shape, *arguments, padding_is_empty=False)
    channel = feature_axis(x.shape, channel_axis)
    check_per_feature("sigma", sigma, x.shape, channel)
    return _gaussian(x, jnp.asarray(sigma), mask_of(where, x), window, padding_mode, bool(normalize), channel)
