"""The dtypes in which sums and means are computed, and those of their results."""

from __future__ import annotations

import jax
import jax.numpy as jnp


def _whole_bytes(dtype: jnp.dtype) -> jnp.dtype:
    """The dtype, or for integers of 2 and 4 bits, of which JAX has no sums, that of 8."""
    if jnp.issubdtype(dtype, jnp.integer) and jnp.iinfo(dtype).bits < 8:
        return jnp.dtype(jnp.int8 if jnp.issubdtype(dtype, jnp.signedinteger) else jnp.uint8)
    return dtype


def summing_dtype(dtype: jnp.dtype) -> jnp.dtype:
    """The dtype in which averages of a dtype are summed: f32 for narrower floats, as `jnp.mean` for integers."""
    if jnp.issubdtype(dtype, jnp.floating):
        return jnp.dtype(jnp.float32) if jnp.finfo(dtype).bits < 32 else dtype
    if jnp.issubdtype(dtype, jnp.complexfloating):
        return dtype
    return jax.eval_shape(jnp.mean, jax.ShapeDtypeStruct((1,), _whole_bytes(dtype))).dtype


def mean_dtypes(dtype: jnp.dtype) -> tuple[jnp.dtype, jnp.dtype]:
    """The dtype in which means of a dtype are computed, and that of the result: its own if it has fractions."""
    wide = summing_dtype(dtype)
    return wide, dtype if jnp.issubdtype(dtype, jnp.inexact) else wide


def sum_dtypes(dtype: jnp.dtype) -> tuple[jnp.dtype, jnp.dtype]:
    """The dtype in which sums of a dtype are computed, and that of the result: for integers as `jnp.sum`."""
    if jnp.issubdtype(dtype, jnp.inexact):
        return summing_dtype(dtype), dtype
    wide = jax.eval_shape(jnp.sum, jax.ShapeDtypeStruct((1,), _whole_bytes(dtype))).dtype
    return wide, wide
