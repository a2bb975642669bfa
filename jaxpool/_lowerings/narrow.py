"""Floats of 16 bits and less on a CPU, for which XLA has no vector instructions: integers or f32 in their place.

Extrema need only the order, and 16-bit floats have it as 16-bit integers: twice the lanes of f32, and one instruction
where floats need several to let NaN through. Moves need only the bits. Sums need f32, and are rounded once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._lowerings import taps

_SIGN, _MAGNITUDE = -(1 << 15), (1 << 15) - 1


def applies(platform: str, dtype: Any) -> bool:
    """Whether arrays of this dtype are better computed by `run`, or as wider floats."""
    return platform == "cpu" and jnp.issubdtype(dtype, jnp.floating) and jnp.finfo(dtype).bits < 32


def run(operator: str, lowering: Callable[..., Any], *arrays: Array, **parameters: Any) -> Any:
    """What `lowering` makes of the arrays, the first of which holds narrow floats."""
    first, *others = arrays
    dtype = first.dtype
    if dtype not in (jnp.bfloat16, jnp.float16):
        wide = lowering(first.astype(jnp.float32), *others, **parameters)
        return (wide[0].astype(dtype), wide[1]) if isinstance(wide, tuple) else wide.astype(dtype)
    if operator == "gather_at_offsets" or (operator == "scatter_at_offsets" and parameters["window"].apart):
        bits = lax.bitcast_convert_type(first, jnp.int16)
        return lax.bitcast_convert_type(lowering(bits, *others, **parameters), dtype)
    if operator == "window_extremum":
        keys = _keys(first, parameters["kind"], equal_zeros=False)
        return _floats(lowering(keys, **parameters), dtype, equal_zeros=False)
    if operator == "window_argextremum":
        keys, offsets = lowering(_keys(first, parameters["kind"], equal_zeros=True), **parameters)
        return _floats(keys, dtype, equal_zeros=True), offsets
    return lowering(first.astype(jnp.float32), *others, **parameters).astype(dtype)


def _as_rows(compute: Callable[[Array], Array], x: Array) -> Array:
    """An elementwise computation on an array of two axes, where its loops are long and fuse with their neighbours."""
    (rows,) = taps.materialize(x.reshape(x.shape[0], math.prod(x.shape[1:])))
    return compute(rows).reshape(x.shape)


def _keys(x: Array, kind: str, equal_zeros: bool) -> Array:
    """Integers in the order of the floats, every NaN best of all.

    A float is a sign and a magnitude. Negated magnitudes make 0 and -0 equal, as ties between them ask for, but forget
    the sign; flipped ones keep it, with -0 before 0.
    """

    def compute(x: Array) -> Array:
        bits = lax.bitcast_convert_type(x, jnp.int16)
        magnitude = bits & jnp.int16(_MAGNITUDE)
        flipped = -magnitude if equal_zeros else bits ^ jnp.int16(_MAGNITUDE)
        infinity = lax.bitcast_convert_type(jnp.asarray(jnp.inf, x.dtype), jnp.int16)
        best = jnp.int16(_MAGNITUDE if kind == "max" else -_MAGNITUDE)
        return jnp.where(magnitude > infinity, best, jnp.where(bits < 0, flipped, bits))

    return taps.materialize(_as_rows(compute, x))[0]


def _floats(keys: Array, dtype: Any, equal_zeros: bool) -> Array:
    """The floats that have these keys; the best keys are NaN of either sign."""

    def compute(keys: Array) -> Array:
        flipped = -keys | jnp.int16(_SIGN) if equal_zeros else keys ^ jnp.int16(_MAGNITUDE)
        return lax.bitcast_convert_type(jnp.where(keys < 0, flipped, keys), dtype)

    return _as_rows(compute, keys)
