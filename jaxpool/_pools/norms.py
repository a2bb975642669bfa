"""Norms and power means of windows and planes.

    y = (sum |x_i|^p)^(1/p) = m * (sum (|x_i| / m)^p)^(1/p)        m = max |x_i|, or any other positive number

A window is a pair (m, s) with y = m * s^(1/p), and two of them join with the larger m. No power of an input is ever
taken that could overflow or vanish, and since y does not depend on m, derivatives treat it as a constant.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import AxisBins, Window, check_exponent, refuse_number
from jaxpool._operators import plane_count, plane_sum, window_reduce
from jaxpool._pools.divisors import divisor_of, real_number
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.extremum import extremum_of
from jaxpool._pools.inputs import at_hand, mask_of, range_of
from jaxpool._pools.padding import padded
from jaxpool._pools.planes import plane_extremum
from jaxpool._pools.shards import over_shards
from jaxpool._pools.shared_bins import joined_extremum, joined_parts

# From here on all but the largest elements count for nothing. The n-th derivative has p^n, a number up to n = 4.
_LARGEST_P = {"float32": 2.0**30, "float64": 2.0**62}


def _size(x: Array) -> Array:
    """|x|, with the derivative 0 at 0, where that of `jnp.abs` is 1."""
    return jnp.where(x < 0, -x, jnp.where(x == 0, 0, x))


def _power(base: Array, exponent: Any) -> Array:
    """`base ** exponent` for bases from 0 on, 0 at 0; no derivative there is infinite or NaN."""
    if isinstance(exponent, float) and exponent.is_integer() and exponent <= 64:
        return lax.integer_pow(base, int(exponent))
    if isinstance(exponent, float) and exponent == 0.5:
        positive = base > 0
        return jnp.where(positive, jnp.sqrt(jnp.where(positive, base, 1)), base)
    positive = base != 0
    raised = jnp.where(positive, base, 1) ** jnp.asarray(exponent, base.dtype)
    return jnp.where(positive, raised, 0)


def _norm(largest: Array, total: Array, p: Any, count: Any = None) -> Array:
    """The norms of windows that are pairs of m and s; with `count` the power means."""
    # Infinity and NaN stand for themselves: as factors they would turn a cotangent of 0 into NaN.
    finite = largest < jnp.inf
    # Divided before the root: count^(1/p) alone may be larger than any number.
    total = total if count is None else total / count
    root = _root(jnp.where(finite, total, 1), p)
    return jnp.where(finite, jnp.where(finite, largest, 0) * root, largest)


def _over(size: Array, scale: Array) -> Array:
    """`size / scale` for sizes up to the scale, and 0 where the scale is 0 or not finite."""
    usual = (scale > 0) & (scale < jnp.inf)
    # XLA may multiply by the reciprocal, which must not be subnormal.
    shift = jnp.where(scale > 1, 2.0**-64, 2.0**64).astype(size.dtype)
    return jnp.where(usual, size * shift / jnp.where(usual, scale * shift, 1), 0)


def _of_plane(size: Array, axes: tuple[int, ...], p: Any) -> tuple[Array, Array]:
    """The pair of a whole plane: all its elements have one m."""
    largest = lax.stop_gradient(plane_extremum(size, axes, "max"))
    return largest, plane_sum(_power(_over(size, largest), p), axes, None, size.dtype)


def _of_windows(size: Array, window: Window, p: Any) -> tuple[Array, Array]:
    """The pair of every window, from those of its elements."""
    scale = lax.stop_gradient(size)
    # |x| / m of one element is 1, or 0, to the last bit: a large p would magnify what rounding leaves.
    ratio = _over(size, scale)
    unit = jnp.where(ratio > 0, jnp.ones((), size.dtype), 0) + (ratio - lax.stop_gradient(ratio))
    share = _power(unit, p)

    def join(a: tuple[Array, Array], b: tuple[Array, Array], exponent: Any = p) -> tuple[Array, Array]:
        first = a[0] >= b[0]
        largest, smaller = jnp.maximum(a[0], b[0]), jnp.where(first, b[0], a[0])
        total, more = jnp.where(first, a[1], b[1]), jnp.where(first, b[1], a[1])
        return largest, total + more * _power(_over(smaller, largest), exponent)

    zero = jnp.zeros((), size.dtype)
    constants = (p,) if isinstance(p, Array) and p.ndim else ()
    return window_reduce((scale, share), (zero, zero), join, window, *constants)


def lengths_of(x: Array, axis: int) -> Array:
    """The 2-norm of vectors along an axis, which devices may share; the axis stays, with size 1."""
    size = _size(x)
    largest = lax.stop_gradient(jnp.max(size, axis, keepdims=True))
    return _norm(largest, plane_sum(_power(_over(size, largest), 2.0), (axis,), None, size.dtype), 2.0)


def _root(x: Array, p: Any) -> Array:
    return _power(x, 1 / p if isinstance(p, float) else 1 / p.astype(x.dtype))


def _prepared(inputs: Array, p: Any, mask: Array | None) -> tuple[Array, Any, jnp.dtype]:
    """Absolute values in a wide enough dtype, 0 where the mask leaves out, the exponent, and the result's dtype."""
    dtype, result_dtype = mean_dtypes(inputs.dtype)
    x = inputs if mask is None else jnp.where(mask, inputs, jnp.zeros((), inputs.dtype))
    if not (isinstance(p, float) and math.isinf(p)):
        largest = _LARGEST_P[str(dtype)]
        p = min(p, largest) if isinstance(p, float) else jnp.where(p > largest, largest, p.astype(dtype))
    return _size(x.astype(dtype)), p, result_dtype


@over_shards
def pooled(
    inputs: Array,
    p: Any,
    mask: Array | None,
    window: Window,
    mean: bool,
    count_include_pad: bool,
    padding_mode: str | None,
) -> Array:
    """The norm or the power mean of every window."""
    whole = window if padding_mode is None else window.on_padded_input()
    x, mask, window = padded(inputs, mask, window, padding_mode, beyond="zero")
    size, p, result_dtype = _prepared(x, p, mask)
    if isinstance(p, float) and math.isinf(p):
        # A window wholly in padding, or without valid elements, has the norm 0.
        return jnp.maximum(extremum_of(size, None, window, "max"), 0).astype(result_dtype)
    count: Array | None = None
    if mean:
        divisor = divisor_of(mask, window, whole, count_include_pad, size.dtype, x.ndim)
        divisor = real_number(divisor, size.dtype) if isinstance(divisor, int) else divisor
        count = jnp.maximum(jnp.asarray(divisor, size.dtype), 1)
    return _norm(*_of_windows(size, window.normal, p), p, count).astype(result_dtype)


def pooled_bins(inputs: Array, p: Any, mask: Array | None, bins: tuple[AxisBins, ...], counts: Any) -> Array:
    """The norm of every bin that devices share, of those of its parts; with the numbers of elements the power mean."""
    size, p, result_dtype = _prepared(inputs, p, mask)
    if isinstance(p, float) and math.isinf(p):
        return jnp.maximum(joined_extremum(size, None, bins, "max", "int32")[0], 0).astype(result_dtype)

    def of_parts(size: Array, window: Window, p: Any = p) -> Array:
        return _norm(*_of_windows(size, window, p), p)

    def of_devices(size: Array, names: tuple[str, ...], p: Any = p) -> tuple[Array, Array]:
        largest = lax.pmax(lax.stop_gradient(size), names)
        return largest, lax.psum(_power(_over(size, largest), p), names)

    exponents = {"p": p} if isinstance(p, Array) else {}
    return _norm(*joined_parts(of_parts, of_devices, size, bins, **exponents), p, counts).astype(result_dtype)


def pooled_plane(inputs: Array, p: Any, mask: Array | None, axes: tuple[int, ...], mean: bool, keepdims: bool) -> Array:
    """The norm or the power mean of every feature map."""
    size, p, result_dtype = _prepared(inputs, p, mask)
    if isinstance(p, float) and math.isinf(p):
        result = plane_extremum(size, axes, "max")
    else:
        count = jnp.asarray(plane_count(inputs, axes, mask, size.dtype), size.dtype) if mean else None
        result = _norm(*_of_plane(size, axes, p), p, count)
    result = result.astype(result_dtype)
    return result if keepdims else lax.squeeze(result, axes)


def jitted(compute: Callable[..., Array], *static: str) -> Callable[..., Array]:
    """`compute` compiled for any p: a number is part of the program, an array is not.

    What it returns takes the inputs, their spatial axes, p, the mask, and the other arguments of `compute`.
    """
    with_number = jax.jit(compute, static_argnames=("p", *static), inline=True)
    with_array = jax.jit(compute, static_argnames=static, inline=True)

    def call(x: Array, axes: tuple[int, ...], p: Any, where: ArrayLike | None, *arguments: Any) -> Array:
        p = check_exponent(p, x.shape, axes)
        mask = mask_of(where, x)
        if isinstance(p, float):
            return with_number(x, p, mask, *arguments)
        exponent = jnp.asarray(p)
        if at_hand(exponent) and exponent.size and not (number := range_of(exponent)[0][0]) > 0:
            refuse_number("p", number)
        return with_array(x, exponent, mask, *arguments)

    return call
