"""Sums of whole planes: reductions of JAX itself, so that every tool that knows JAX knows them."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array


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
