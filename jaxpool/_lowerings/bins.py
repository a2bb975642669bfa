"""Adaptive pooling's bins: summed, or laid side by side, each as wide as the largest, so that windows can pool them.

The sums of a few bins, and what a few runs of positions get from theirs, are slices, added and joined. All else is read
at a table of positions that is computed from a counter, so that the program does not grow with the bins. Nothing is
added into memory: a position collects from the few bins that hold it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxpool._geometry import AxisBins, BinSums

# Slices that are joined along one axis at most; more take longer to compile than they save.
_FEW = 16
_ADDED = 8


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


def bin_mask(bins: AxisBins, rank: int) -> Array:
    """Which elements of `lay_out_bins` belong to their bin; of size 1 along all other axes."""
    _, real = _table(bins)
    shape = [1] * rank
    shape[bins.axis] = bins.outputs * bins.width
    return real.reshape(shape)


def _take(x: Array, positions: Array, axis: int) -> Array:
    return jnp.take(x, positions, axis=axis, mode="clip")


def _cut(x: Array, axis: int, start: int, length: int) -> Array:
    return lax.slice_in_dim(x, start, start + length, axis=axis)


def _spans(bins: AxisBins) -> list[tuple[int, int]]:
    return list(zip(bins.starts().tolist(), bins.counts().tolist(), strict=True))


def _runs(bins: AxisBins) -> list[tuple[int, int, range]]:
    """The positions in runs `(first, length, bins)` that the same bins hold."""
    edges = sorted({edge for start, count in _spans(bins) for edge in (start, start + count)})
    first, count = bins.coverage.starts(), bins.coverage.counts()
    return [(a, b - a, range(int(first[a]), int(first[a] + count[a]))) for a, b in itertools.pairwise(edges)]


def _added(pieces: Sequence[Array]) -> Array:
    total, *others = pieces
    for piece in others:
        total = total + piece
    return total


def _join(axis: int, pieces: Sequence[Array]) -> Array:
    return lax.concatenate(pieces, axis) if len(pieces) > 1 else pieces[0]


def lay_out_bins(x: Array, window: AxisBins) -> Array:
    """y[i * width + k] = x[start(i) + k], 0 beyond the end of bin i."""
    position, _ = _table(window)
    return jnp.where(bin_mask(window, x.ndim), _take(x, position.ravel(), window.axis), jnp.zeros((), x.dtype))


def collect_bins(y: Array, window: AxisBins) -> Array:
    """x[p] = sum of y[i * width + p - start(i)] over the bins i that hold p."""
    start = starts_and_counts(window)[0]

    def place(bin_: Array) -> Array:
        position = lax.broadcasted_iota(jnp.int32, bin_.shape, 0)
        return bin_ * window.width + position - start[bin_]

    return _collected(y, window, place)


def sum_bins(x: Array, window: BinSums) -> Array:
    """y[i] = sum of x over bin i."""
    axis = window.axis
    if window.outputs <= _FEW:
        return _join(axis, [_sum_of_slice(x, axis, *span) for span in _spans(window)])
    _, real = _table(window)
    return jnp.sum(_split(lay_out_bins(x, window), axis, real.shape), axis=axis + 1, dtype=x.dtype)


def _sum_of_slice(x: Array, axis: int, start: int, length: int) -> Array:
    # As additions, which fuse into the loop that joins the bins; a reduction of its own where there are many.
    if length > _ADDED:
        return jnp.sum(_cut(x, axis, start, length), axis=axis, dtype=x.dtype, keepdims=True)
    return _added([_cut(x, axis, start + k, 1) for k in range(length)])


def spread_bins(g: Array, window: BinSums) -> Array:
    """x[p] = sum of g over the bins that hold p."""
    axis = window.axis
    # A bin begins one run of positions and ends another.
    if min(2 * window.outputs, window.size) <= _FEW:
        pieces: list[Array] = []
        for _, length, over in _runs(window):
            piece = _sum_of_slice(g, axis, over.start, len(over))
            pieces.append(jnp.broadcast_to(piece, (*g.shape[:axis], length, *g.shape[axis + 1 :])))
        return _join(axis, pieces)
    return _collected(g, window, lambda bin_: bin_)


def _split(x: Array, axis: int, shape: Sequence[int]) -> Array:
    return x.reshape(*x.shape[:axis], *shape, *x.shape[axis + 1 :])


def _collected(y: Array, bins: AxisBins, place: Callable[[Array], Array]) -> Array:
    """The sum, over the bins that hold each position, of what stands at the places of those bins."""
    bin_, real = _table(bins.coverage)
    taken = _split(_take(y, place(bin_).ravel(), bins.axis), bins.axis, bin_.shape)
    mask_shape = [1] * taken.ndim
    mask_shape[bins.axis : bins.axis + 2] = bin_.shape
    sent = jnp.where(real.reshape(mask_shape), taken, jnp.zeros((), y.dtype))
    return jnp.sum(sent, axis=bins.axis + 1, dtype=y.dtype)
