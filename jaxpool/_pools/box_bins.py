"""The bins of boxes: where they start and stop, or how much each row and column of a plane counts in each of them.

A bin is a product of two intervals and so are its weights. With one matrix per axis, a box is two matrix products: no
element is gathered, and no gradient is scattered.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import AxisWindow, Window
from jaxpool._geometry.regions import Regions
from jaxpool._operators import window_extremum, without_series

# The samples of which one may count in an element. They lie within one element of it, more than half an element apart,
# and rounding may miss the first by one.
_NEAR = 6


def _at_least(x: Array, bound: float) -> Array:
    # Taylor mode has no rule for a maximum of an array and a number.
    return jnp.maximum(x, jnp.full_like(x, bound))


def _at_most(x: Array, bound: float) -> Array:
    return jnp.minimum(x, jnp.full_like(x, bound))


def _constant(x: Array) -> Array:
    return without_series(lax.stop_gradient(x))


def _share(places: Array, elements: Array, size: int) -> Array:
    """How much elements count at places between them; nothing more than one beyond the plane, borders up to there."""
    ahead = _at_least(_at_most(places, size - 1), 0) - elements
    # Not by an absolute value, whose derivative at 0 is that of one side.
    share = _at_least(jnp.minimum(1 - ahead, 1 + ahead), 0)
    return jnp.where((places >= -1) & (places <= size), share, 0)


def _given(start: Array, length: Array, bins: int, samples: int, size: int) -> Array:
    """The weights of a given number of samples in each bin, (boxes, bins, samples, size)."""
    number = lax.iota(start.dtype, bins * samples).reshape(1, bins, samples, 1)
    start, length = (array.reshape(-1, 1, 1, 1) for array in (start, length))
    elements = lax.iota(start.dtype, size).reshape(1, 1, 1, size)
    return _share(start + (number + 0.5) * (length / (bins * samples)), elements, size)


def _adaptive(start: Array, length: Array, bins: int, size: int) -> Array:
    """The mean weights of as many samples in each bin as it is long, (boxes, bins, size).

    They are at most one element apart and, if there are several, more than half of one. So few of them count in an
    element, however large the box is.
    """
    start, width = (array.reshape(-1, 1, 1) for array in (start, length / bins))
    count = _at_least(jnp.ceil(_constant(width)), 0)
    some = _at_least(count, 1)
    step, first = width / some, start + lax.iota(start.dtype, bins).reshape(1, bins, 1) * width
    elements = lax.iota(start.dtype, size).reshape(1, 1, size)
    earliest = _constant((elements - 1 - first) / jnp.where(count > 0, step, 1) - 0.5)
    earliest = jnp.clip(jnp.floor(earliest), 0, some - 1)
    total = jnp.zeros_like(earliest)
    for near in range(_NEAR):
        number = earliest + near
        share = _share(first + (number + 0.5) * step, elements, size)
        total += jnp.where(number < count, share, 0)
    return total / some


def _corners(boxes: Array, regions: Regions, dtype: jnp.dtype) -> tuple[tuple[Array, Array], tuple[Array, Array]]:
    """Start and length along height and width, in elements of the inputs."""
    places = boxes.astype(dtype) * jnp.asarray(regions.scale, dtype) - (0.5 if regions.aligned else 0)
    left, top, right, bottom = (places[:, i] for i in range(4))
    height, width = bottom - top, right - left
    if not regions.aligned:
        height, width = _at_least(height, 1), _at_least(width, 1)
    return (top, height), (left, width)


def matrices(boxes: Array, regions: Regions, plane: tuple[int, ...], dtype: jnp.dtype) -> list[Array]:
    """The weights of rows and columns, (boxes, bins, size), or in mode "max" those of each sample."""
    result: list[Array] = []
    for (start, length), bins, size in zip(_corners(boxes, regions, dtype), regions.bins, plane, strict=True):
        if regions.samples is None:
            result.append(_adaptive(start, length, bins, size))
            continue
        weights = _given(start, length, bins, regions.samples, size)
        result.append(
            jnp.mean(weights, 2) if regions.mode == "avg" else weights.reshape(-1, bins * regions.samples, size)
        )
    return result


def _product(equation: str, matrix: Array, x: Array) -> Array:
    # As exact as a sum, where accelerators would round factors to fewer bits.
    return jnp.einsum(equation, matrix, x, precision=lax.Precision.HIGHEST)


def pooled(x: Array, rows: Array, columns: Array) -> Array:
    """The sums of a picture (height, width, features) with the weights, (boxes, bins, bins, features)."""
    return _product("kqw,kpwc->kpqc", columns, _product("kph,hwc->kpwc", rows, x))


def largest(samples: Array, regions: Regions) -> Array:
    """The maxima of the samples of each bin."""
    count = regions.samples or 1
    window = Window(
        tuple(
            AxisWindow(axis, bins * count, count, count, 1, 0, 0, bins)
            for axis, bins in zip((1, 2), regions.bins, strict=True)
        )
    )
    return window_extremum(samples, window, "max")


def pooled_apart(x: Array, rows: Array, columns: Array) -> Array:
    """The sums of a picture whose features are (features, bins, bins), each bin of its own feature maps."""
    (height, width, channels), (_, p, _), (_, q, _) = x.shape, rows.shape, columns.shape
    x = x.reshape(height, width, channels // (p * q), p, q)
    return _product("kqw,kpwcq->kpqc", columns, _product("kph,hwcpq->kpwcq", rows, x))


def _rounded(places: Array) -> Array:
    """The nearest integers, halves away from 0, as C rounds; none so large that sums of them overflow."""
    whole = jnp.trunc(places)
    nearest = whole + jnp.where(jnp.abs(places - whole) >= 0.5, jnp.sign(places), 0)
    return jnp.clip(nearest, -(1 << 28), 1 << 28).astype(jnp.int32)


def bounds(
    boxes: Array, regions: Regions, plane: tuple[int, ...], *, closed: bool, dtype: jnp.dtype
) -> list[tuple[Array, Array]]:
    """Where the bins of rounded boxes start and stop inside the plane, along height and width, (*batch, boxes, bins).

    Neighbouring bins may share one element. `closed` tells whether a box holds the element of its last coordinate.
    """
    corners = _rounded(_constant(boxes).astype(dtype) * jnp.asarray(regions.scale, dtype))
    result: list[tuple[Array, Array]] = []
    for axis, bins, size in zip((1, 0), regions.bins, plane, strict=True):
        first, last = corners[..., axis, None], corners[..., axis + 2, None]
        length = jnp.maximum(last - first + int(closed), 1)
        number = lax.iota(jnp.int32, bins).reshape((1,) * (boxes.ndim - 1) + (bins,))
        whole, rest = length // bins, length % bins
        start = number * whole + number * rest // bins
        stop = (number + 1) * whole - (-(number + 1) * rest) // bins
        result.append((jnp.clip(first + start, 0, size), jnp.clip(first + stop, 0, size)))
    return result


def shares(start: Array, stop: Array, size: int, dtype: jnp.dtype) -> Array:
    """The weights of a mean over the elements from start to stop; 0 where there are none."""
    elements = lax.iota(start.dtype, size).reshape((1,) * start.ndim + (size,))
    inside = (elements >= start[..., None]) & (elements < stop[..., None])
    return inside.astype(dtype) / jnp.maximum(stop - start, 1).astype(dtype)[..., None]
