"""Pooling of spectra: what lies above the highest frequency that the output can hold is left out."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import AxisBins, smaller_plane
from jaxpool._geometry.calls import explained
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.inputs import as_array
from jaxpool._pools.shards import with_whole_planes
from jaxpool.typing import OutputSize


@functools.partial(jax.jit, static_argnames=("bins",), inline=True)
def _low_frequencies(inputs: Array, bins: tuple[AxisBins, ...]) -> Array:
    dtype, result_dtype = mean_dtypes(inputs.dtype)
    x = inputs.astype(dtype)
    for part in bins:
        if part.outputs < part.size:
            x = _along(x, part)
    return x.astype(result_dtype)


def _along(x: Array, part: AxisBins) -> Array:
    spectrum = jnp.fft.rfft(x, axis=part.axis)
    kept = lax.slice_in_dim(spectrum, 0, part.outputs // 2 + 1, axis=part.axis)
    if part.outputs % 2 == 0:
        # Of the highest frequency, the mean of a number and its conjugate.
        shape = [1] * x.ndim
        shape[part.axis] = part.outputs // 2 + 1
        last = lax.broadcasted_iota(jnp.int32, shape, part.axis) == part.outputs // 2
        kept = jnp.where(last, jnp.real(kept).astype(kept.dtype), kept)
    scale = jnp.asarray(part.outputs / part.size, x.dtype)
    return jnp.fft.irfft(kept, n=part.outputs, axis=part.axis) * scale


@explained
def spectral_pool(inputs: ArrayLike, output_size: OutputSize, *, channel_axis: int | None = -1) -> Array:
    """Spectral pooling: a smaller plane with the low frequencies of the inputs.

    It keeps more of an image than windows of the same size do, and any output size will do. The inputs are taken as
    periodic. FLC pooling is `jnp.abs(spectral_pool(x, half))` with half the size along each axis, but for the highest
    frequency, of which FLC keeps one number and not its conjugate.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      output_size: one size per spatial axis, at most that of the inputs; None keeps it. Its length is the number of
        spatial axes.
      channel_axis: as in `jaxpool.max_pool`.

    Returns:
      Array with `output_size` along the spatial axes, in the dtype of float inputs. f16, bf16 and fp8 are computed in
      f32, and integers return f32. The mean of a feature map stays. The spectrum is cropped around frequency 0; where
      an even size would keep one of the two highest frequencies, both count half, so that the result is real.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: too few axes, a size below 1 or above that of the inputs, or an empty spatial axis.

    Derivatives: both modes, any order. The pool is linear, so reverse mode keeps nothing.

    It runs `jnp.fft` along one axis after another; a backend or a format for exported models without Fourier transforms
    cannot run it. Spatial axes that explicit sharding splits are gathered first.

    Source: O. Rippel, J. Snoek, R. Adams, "Spectral representations for convolutional neural networks", NeurIPS 2015;
    J. Grabinski et al., "FrequencyLowCut pooling", ECCV 2022.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> wave = 3 + jnp.cos(2 * jnp.pi * jnp.arange(8.) / 8)
      >>> pooled = jaxpool.spectral_pool(wave, (4,), channel_axis=None)
      >>> bool(jnp.allclose(pooled, jnp.array([4., 3., 2., 3.])))
      True
    """
    x = as_array(inputs, ordered=True)
    bins = smaller_plane(x.shape, output_size, channel_axis)
    return _low_frequencies(with_whole_planes(x, [part.axis for part in bins]), bins)
