"""Floats of 16 bits and less on a CPU, for which XLA has no vector instructions: integers or f32 in their place.

Extrema need only the order, and 16-bit floats have it as 16-bit integers: twice the lanes of f32, and one instruction
where floats need several to let NaN through. Moves need only the bits. Sums need f32, and are rounded once.
Ranks of any numbers are counted among integers.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._lowerings.cpu import materialize
from jaxpool._lowerings.forward import is_max
from jaxpool._lowerings.plan import EXTREMA, Case


def run(case: Case, lowering: Callable[..., Any], *arrays: Array, **parameters: Any) -> Any:
    """What `lowering` makes of the arrays, the first of which holds narrow floats."""
    first, *others = arrays
    dtype = first.dtype
    if jnp.finfo(dtype).bits < 16:
        # Widen to bf16, which holds every 8-bit float and has integer keys. In f32 whole planes would lose NaN.
        extremum = case.operator in EXTREMA
        again = functools.partial(run, case, lowering) if extremum else lowering
        wide = again(first.astype(jnp.bfloat16 if extremum else jnp.float32), *others, **parameters)
        return (wide[0].astype(dtype), wide[1]) if isinstance(wide, tuple) else wide.astype(dtype)
    if case.operator == "gather_at_offsets" or (case.operator == "scatter_at_offsets" and case.window.non_overlapping):
        bits = lax.bitcast_convert_type(first, jnp.int16)
        return lax.bitcast_convert_type(lowering(bits, *others, **parameters), dtype)
    if case.operator in EXTREMA:
        parameters["kind"] = f"{parameters['kind']} of keys"
        result = lowering(_keys(first, parameters["kind"]), **parameters)
        return (_floats(result[0], dtype), result[1]) if isinstance(result, tuple) else _floats(result, dtype)
    return lowering(first.astype(jnp.float32), *others, **parameters).astype(dtype)


def _as_rows(compute: Callable[[Array], Array], x: Array) -> Array:
    """An elementwise computation on an array of two axes, where its loops are long and fuse with their neighbours."""
    (rows,) = materialize(x.reshape(x.shape[0], math.prod(x.shape[1:])))
    return compute(rows).reshape(x.shape)


def _integer(dtype: Any) -> Any:
    return jnp.dtype(f"int{jnp.finfo(dtype).bits}")


def _magnitude(integer: Any) -> Array:
    """All bits of an integer but the sign."""
    return jnp.asarray(jnp.iinfo(integer).max, integer)


def _keys(x: Array, kind: str) -> Array:
    """Integers in the order of the floats, every NaN best of all; the keys of -0 and 0 are -1 and 0.

    The bits of a float are a sign and a magnitude; a negative number gets the complement of its magnitude.
    """
    integer = _integer(x.dtype)
    mask = _magnitude(integer)

    def compute(x: Array) -> Array:
        bits = lax.bitcast_convert_type(x, integer)
        infinity = lax.bitcast_convert_type(jnp.asarray(jnp.inf, x.dtype), integer)
        best = mask if is_max(kind) else -mask
        return jnp.where((bits & mask) > infinity, best, jnp.where(bits < 0, bits ^ mask, bits))

    # A whole plane of wider floats is read once, by the reduction that this is fused into.
    return materialize(_as_rows(compute, x))[0] if jnp.finfo(x.dtype).bits < 32 else compute(x)


def integers_in_order(x: Array) -> Array:
    """Integers in the order of the numbers, of at least 8 bits; the same for both zeros, and of NaN any.

    Those of floats are neither the lowest nor the highest integer.
    """
    if not jnp.issubdtype(x.dtype, jnp.floating):
        narrow = x.dtype == jnp.bool_ or jnp.iinfo(x.dtype).bits < 8
        return x.astype(jnp.int8) if narrow else x
    x = x.astype(jnp.bfloat16) if jnp.finfo(x.dtype).bits < 16 else x
    integer = _integer(x.dtype)
    bits = lax.bitcast_convert_type(x, integer)
    # XLA:CPU compares subnormal numbers as 0. Order them so, too.
    bits = jnp.where(x == 0, jnp.zeros((), integer), bits)
    return jnp.where(bits < 0, -(bits & _magnitude(integer)), bits)


def _floats(keys: Array, dtype: Any) -> Array:
    """The floats that have these keys; the best keys are NaN of either sign."""

    def compute(keys: Array) -> Array:
        return lax.bitcast_convert_type(jnp.where(keys < 0, keys ^ _magnitude(keys.dtype), keys), dtype)

    return _as_rows(compute, keys) if jnp.finfo(dtype).bits < 32 else compute(keys)
