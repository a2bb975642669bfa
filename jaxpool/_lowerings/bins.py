"""Bins laid side by side, each as wide as the largest, so that windows of one size can pool them; and the way back.

Both directions read a table of positions that is computed from a counter, so that the program is as small for many bins
as for few. Neither adds into memory: a position collects from the few bins that hold it.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxpool._geometry import AxisBins


def starts_and_counts(bins: AxisBins) -> tuple[Array, Array]:
    """The first position of every bin and how many it holds, int32."""
    whole, rest = divmod(bins.size, bins.outputs)
    if bins.outputs * rest >= 1 << 31:
        return jnp.asarray(bins.starts().astype(np.int32)), jnp.asarray(bins.counts().astype(np.int32))
    i = lax.iota(jnp.int32, bins.outputs)
    # i * size // outputs and the next bin's ceil(i * size / outputs), without the large products.
    start, beyond = i * rest // bins.outputs, -((-i - 1) * rest // bins.outputs)
    return i * whole + start, whole + beyond - start


def _table(bins: AxisBins) -> tuple[Array, Array]:
    """Per bin and place in the widest bin: the position, and whether the bin reaches so far."""
    shape = (bins.outputs, bins.width)
    starts, counts = (lax.broadcast_in_dim(a, shape, (0,)) for a in starts_and_counts(bins))
    place = lax.broadcasted_iota(jnp.int32, shape, 1)
    return jnp.minimum(starts + place, bins.size - 1), place < counts


def held(bins: AxisBins, rank: int) -> Array:
    """Which elements of `lay_out_bins` belong to their bin; of size 1 along all other axes."""
    _, real = _table(bins)
    shape = [1] * rank
    shape[bins.axis] = bins.outputs * bins.width
    return real.reshape(shape)


def _take(x: Array, positions: Array, axis: int) -> Array:
    return jnp.take(x, positions, axis=axis, mode="clip")


def lay_out_bins(x: Array, window: AxisBins) -> Array:
    """y[i * width + k] = x[start(i) + k], 0 beyond the end of bin i."""
    position, _ = _table(window)
    taken = _take(x, position.ravel(), window.axis)
    return jnp.where(held(window, x.ndim), taken, jnp.zeros((), x.dtype))


def collect_bins(y: Array, window: AxisBins) -> Array:
    """x[p] = sum of y[i * width + p - start(i)] over the bins i that hold p."""
    bin_, real = _table(window.coverage)
    position = lax.broadcasted_iota(jnp.int32, bin_.shape, 0)
    start = starts_and_counts(window)[0][bin_]
    taken = _take(y, (bin_ * window.width + position - start).ravel(), window.axis)
    shape = [*y.shape[: window.axis], *bin_.shape, *y.shape[window.axis + 1 :]]
    mask_shape = [1] * len(shape)
    mask_shape[window.axis : window.axis + 2] = bin_.shape
    sent = jnp.where(real.reshape(mask_shape), taken.reshape(shape), jnp.zeros((), y.dtype))
    return jnp.sum(sent, axis=window.axis + 1, dtype=y.dtype)
