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

_MAGNITUDE = (1 << 15) - 1


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
    if operator in ("window_extremum", "window_argextremum"):
        parameters["kind"] = f"{parameters['kind']} of keys"
        result = lowering(_keys(first, parameters["kind"]), **parameters)
        return (_floats(result[0], dtype), result[1]) if isinstance(result, tuple) else _floats(result, dtype)
    return lowering(first.astype(jnp.float32), *others, **parameters).astype(dtype)


def _as_rows(compute: Callable[[Array], Array], x: Array) -> Array:
    """An elementwise computation on an array of two axes, where its loops are long and fuse with their neighbours."""
    (rows,) = taps.materialize(x.reshape(x.shape[0], math.prod(x.shape[1:])))
    return compute(rows).reshape(x.shape)


def _keys(x: Array, kind: str) -> Array:
    """Integers in the order of the floats, every NaN best of all; the keys of -0 and 0 are -1 and 0.

    The bits of a float are a sign and a magnitude; a negative number gets the complement of its magnitude.
    """

    def compute(x: Array) -> Array:
        bits = lax.bitcast_convert_type(x, jnp.int16)
        infinity = lax.bitcast_convert_type(jnp.asarray(jnp.inf, x.dtype), jnp.int16)
        best = jnp.int16(_MAGNITUDE if taps.is_max(kind) else -_MAGNITUDE)
        nan = (bits & jnp.int16(_MAGNITUDE)) > infinity
        return jnp.where(nan, best, jnp.where(bits < 0, bits ^ jnp.int16(_MAGNITUDE), bits))

    return taps.materialize(_as_rows(compute, x))[0]


def _floats(keys: Array, dtype: Any) -> Array:
    """The floats that have these keys; the best keys are NaN of either sign."""

    def compute(keys: Array) -> Array:
        return lax.bitcast_convert_type(jnp.where(keys < 0, keys ^ jnp.int16(_MAGNITUDE), keys), dtype)

    return _as_rows(compute, keys)
