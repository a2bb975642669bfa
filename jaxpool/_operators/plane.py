"""Whole planes: reductions of JAX itself, so that every tool that knows JAX knows them, and any size may be a symbol.

Sums need no rule. An extremum has one, since JAX's own shares a tied derivative among equals.
"""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxpool._geometry import known


def plane_sum(x: Array, axes: tuple[int, ...], mask: Array | None, dtype: jnp.dtype) -> Array:
    """The sum of the plane in `dtype`, of the elements that the mask leaves in; the axes stay, with size 1."""
    return jnp.sum(x, axes, dtype=dtype, keepdims=True, where=mask)


def plane_count(x: Array, axes: tuple[int, ...], mask: Array | None, dtype: jnp.dtype) -> Array | int:
    """How many elements a plane has, or how many of them the mask leaves in: at least 1."""
    if mask is None:
        return math.prod(x.shape[axis] for axis in axes)
    shape = tuple(size if axis in axes else mask.shape[axis] for axis, size in enumerate(x.shape))
    counted = jnp.sum(jnp.broadcast_to(mask, shape), axes, dtype=dtype, keepdims=True)
    return jnp.maximum(counted, 1)


@functools.partial(jax.custom_jvp, nondiff_argnums=(1, 2))
def plane_extremum(x: Array, axes: tuple[int, ...], kind: str) -> Array:
    """The largest (`kind="max"`) or smallest (`"min"`) element of the plane; NaN where it holds one.

    The derivative goes to the first extremum in row-major order, or to the first NaN; its position is all that is kept.
    Taylor mode sees the reduction itself, and shares a tied derivative.
    """
    return (jnp.max if kind == "max" else jnp.min)(x, axes, keepdims=True)


@plane_extremum.defjvp
def _plane_extremum_rule(
    axes: tuple[int, ...], kind: str, primals: tuple[Array], tangents: tuple[Array]
) -> tuple[Array, Any]:
    (x,), (dx,) = primals, tangents
    value = plane_extremum(x, axes, kind)
    if not jnp.issubdtype(x.dtype, jnp.inexact):
        return value, np.zeros(value.shape, jax.dtypes.float0)
    positions = _positions(x.shape, axes)
    none = jnp.asarray(jnp.iinfo(positions.dtype).max, positions.dtype)
    first = jnp.min(jnp.where((x == value) | (x != x), positions, none), axes, keepdims=True)
    # A checkpoint keeps its inputs: without it reverse mode would keep the comparison, one byte per element.
    return value, jax.checkpoint(_element_at, static_argnums=(2,), prevent_cse=False)(dx, first, axes)


def _element_at(dx: Array, first: Array, axes: tuple[int, ...]) -> Array:
    chosen = _positions(dx.shape, axes) == first
    return jnp.sum(jnp.where(chosen, dx, jnp.zeros((), dx.dtype)), axes, dtype=dx.dtype, keepdims=True)


def _positions(shape: tuple[int, ...], axes: tuple[int, ...]) -> Array:
    """Row-major positions in the plane, of size 1 along all other axes."""
    # Sizes may be symbols; what does not fit 32 bits is known, or too large for any device.
    small = not all(known(shape[axis]) for axis in axes) or math.prod(shape[axis] for axis in axes) < 1 << 32
    dtype = jnp.uint32 if small else jnp.uint64
    plane = [size if axis in axes else 1 for axis, size in enumerate(shape)]
    positions = jnp.zeros(plane, dtype)
    for axis in axes:
        positions = positions * jnp.asarray(shape[axis], dtype) + lax.broadcasted_iota(dtype, plane, axis)
    return positions
