"""Haar wavelets: half the size along every axis, and nothing lost."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import doubled_sizes, joined_plane
from jaxpool._geometry.calls import explained
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.inputs import as_array


def _scaled(x: Array, axes: tuple[int, ...]) -> Array:
    """What sums and differences along so many axes are, with the length of the inputs."""
    return x * jnp.asarray(math.sqrt(0.5 ** len(axes)), x.dtype)


@functools.partial(jax.jit, static_argnames=("axes", "channel"), inline=True)
def _apart(inputs: Array, axes: tuple[int, ...], channel: int) -> Array:
    dtype, result_dtype = mean_dtypes(inputs.dtype)
    x = inputs.astype(dtype)
    # The last axis first, so that its bands follow each other closest.
    for axis in reversed(axes):
        if x.shape[axis] % 2:
            x = lax.concatenate([x, lax.slice_in_dim(x, x.shape[axis] - 1, None, axis=axis)], axis)
        first, second = (lax.slice_in_dim(x, start, None, 2, axis) for start in (0, 1))
        x = lax.concatenate([first + second, second - first], channel)
    return _scaled(x, axes).astype(result_dtype)


@functools.partial(jax.jit, static_argnames=("axes", "channel", "sizes"), inline=True)
def _together(inputs: Array, axes: tuple[int, ...], channel: int, sizes: Sequence[int]) -> Array:
    dtype, result_dtype = mean_dtypes(inputs.dtype)
    x = inputs.astype(dtype)
    for axis, size in zip(axes, sizes, strict=True):
        half = x.shape[channel] // 2
        low, high = (lax.slice_in_dim(x, start, start + half, axis=channel) for start in (0, half))
        pairs = [lax.expand_dims(member, (axis + 1,)) for member in (low - high, low + high)]
        x = lax.concatenate(pairs, axis + 1)
        x = x.reshape(*x.shape[:axis], 2 * x.shape[axis], *x.shape[axis + 2 :])
        x = lax.slice_in_dim(x, 0, size, axis=axis)
    return _scaled(x, axes).astype(result_dtype)


@explained
def haar_pool(inputs: ArrayLike, *, num_spatial_dims: int | None = None, channel_axis: int = -1) -> Array:
    """Haar pooling: half the size along every spatial axis, in 2, 4 or 8 bands. Nothing is lost.

    It replaces strided pooling where details are needed again, as in multi-level wavelet networks. The first band is
    `jaxpool.avg_pool` with windows of 2, times `sqrt(2)` for each spatial axis; the others are differences. A
    convolution of size 1 on the result is Haar wavelet downsampling (HWD). For more levels pool the first band again.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any numeric dtype. Odd sizes
        are extended by their last element.
      num_spatial_dims, channel_axis: as in `jaxpool.global_avg_pool`; there must be an axis of features.

    Returns:
      Array of shape `(*batch, *halves, bands * features)`: all features of the first band, then all of the second. Of a
      block `a, b` above `c, d` the bands are LL `(a + b + c + d) / 2`, HL `(-a + b - c + d) / 2` (changes along a row),
      LH `(-a - b + c + d) / 2` (along a column) and HH `(a - b - c + d) / 2`. In general the bands count in binary,
      where a digit tells whether a band has the differences along an axis, the last axis in the last digit. Floats and
      complex numbers keep their dtype, and f16, bf16 and fp8 are computed in f32; integers return f32.

    Raises:
      TypeError: an argument of the wrong kind.
      ValueError: no axis of features, an empty spatial axis, or no `num_spatial_dims` for inputs not of rank 4.

    Derivatives: both modes, any order. The pool is linear and keeps lengths and angles if sizes are even:
    `jaxpool.haar_unpool` is its inverse and its transpose.

    Source: P. Liu et al., "Multi-level wavelet-CNN for image restoration", CVPR workshops 2018. Libraries differ in
    which band they call HL and which LH.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([[1., 2.], [3., 6.]])[..., None]
      >>> jaxpool.haar_pool(x, num_spatial_dims=2)
      Array([[[6., 2., 3., 1.]]], dtype=float32)
    """
    x = as_array(inputs, ordered=False)
    return _apart(x, *joined_plane(x.shape, num_spatial_dims, channel_axis))


@explained
def haar_unpool(
    inputs: ArrayLike,
    *,
    output_shape: Sequence[int] | None = None,
    num_spatial_dims: int | None = None,
    channel_axis: int = -1,
) -> Array:
    """The inverse of `jaxpool.haar_pool`: one plane from its bands.

    Args:
      inputs: array of shape `(*batch, *spatial, bands * features)`, as `jaxpool.haar_pool` returns it.
      output_shape: the spatial sizes of the result, each twice that of the inputs or one less. None means twice.
      num_spatial_dims, channel_axis: as given to `jaxpool.haar_pool`.

    Returns: Array of shape `(*batch, *output_shape, features)`, with dtypes as in `jaxpool.haar_pool`. It is what was
      pooled, up to rounding.

    Raises:
      TypeError: an argument of the wrong kind.
      ValueError: as in `jaxpool.haar_pool`, and for features that are not 2, 4 or 8 bands, or other sizes.

    Derivatives: both modes, any order. The function is linear.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> bands = jnp.array([[[6., 2., 3., 1.]]])
      >>> jaxpool.haar_unpool(bands, num_spatial_dims=2)[..., 0]
      Array([[1., 2.],
             [3., 6.]], dtype=float32)
    """
    x = as_array(inputs, ordered=False)
    axes, channel = joined_plane(x.shape, num_spatial_dims, channel_axis, bands=True)
    return _together(x, axes, channel, doubled_sizes(x.shape, axes, output_shape))
