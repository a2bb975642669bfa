"""The largest or smallest element of every feature map, also where devices share it: partial results, joined once."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import plane_as_window
from jaxpool._operators import window_extremum
from jaxpool._pools.argextremum import argextremum_of
from jaxpool._pools.shards import explicit_spec, map_shards, names_of


def plane_extremum(x: Array, axes: tuple[int, ...], kind: str) -> Array:
    """The extremum of every feature map; its axes stay, with size 1. Of zeros of both signs it may be either."""
    if any(explicit_spec(x)[axis] is not None for axis in axes):
        return plane_argextremum(x, None, axes, kind, "int32")[0]
    return window_extremum(x, plane_as_window(x.shape, axes), kind, any_zero=True)


def plane_argextremum(
    x: Array, mask: Array | None, axes: tuple[int, ...], kind: str, dtype: str
) -> tuple[Array, Array]:
    """The extremum of every feature map and its row-major index there; its axes stay, with size 1."""
    spec = explicit_spec(x)
    names = tuple(name for axis in axes for name in names_of(spec[axis]))
    if not names:
        return argextremum_of(x, mask, plane_as_window(x.shape, axes), kind, None, None, "spatial", dtype)

    def of_shard(arrays: dict[str, Any]) -> tuple[Array, Array]:
        x, mask = arrays["x"], arrays.get("mask")
        shard = plane_as_window(x.shape, axes)
        values, places = argextremum_of(x, mask, shard, kind, None, None, "coordinates", dtype)
        index = jnp.zeros(values.shape, dtype)
        for i, axis in enumerate(axes):
            first = lax.axis_index(names_of(spec[axis])).astype(dtype) * x.shape[axis] if names_of(spec[axis]) else 0
            index = index * whole[axis] + (places[..., i] + first)
        # What is left out counts only where all is.
        level = None if mask is None else jnp.any(jnp.broadcast_to(mask, x.shape), axes, keepdims=True)
        return best_of_shards(values, index, level, names, kind)[:2]

    whole = x.shape
    arrays = {"x": x} if mask is None else {"x": x, "mask": mask}
    rest = [None if axis in axes else name for axis, name in enumerate(spec)]
    return map_shards(of_shard, arrays, x, spec, rest)


def best_of_shards(
    values: Array, index: Array, level: Array | None, names: tuple[str, ...], kind: str
) -> tuple[Array, Array, Array]:
    """The extremum of what all shards have at the highest level, its index, and that level; of equals the first."""
    level = jnp.zeros(values.shape, jnp.int32) if level is None else level.astype(jnp.int32)
    if not names:
        return values, index, level
    level = _varying_as(values, level)
    highest = lax.pmax(level, names)
    key = _key(lax.stop_gradient(values), kind)
    key = jnp.where(level == highest, key, jnp.iinfo(key.dtype).min)
    best = (level == highest) & (key == lax.pmax(key, names))
    first = lax.pmin(jnp.where(best, index, jnp.iinfo(index.dtype).max), names)
    own = jnp.where(best & (index == first), values, jnp.zeros((), values.dtype))
    return _sum_of_one(own, names), first, highest


def _varying_as(like: Array, x: Array) -> Array:
    """`x`, marked as different on all devices on which `like` is."""
    kinds: list[Any] = [jax.typeof(array) for array in (like, x)]
    over, own = (kind.manual_axis_type.varying for kind in kinds)
    return lax.pcast(x, tuple(over - own), to="varying") if over - own else x


def _sum_of_one(x: Array, names: tuple[str, ...]) -> Array:
    """The one element among those of all devices that is not 0."""
    return lax.psum(x.astype(jnp.int32), names) != 0 if x.dtype == jnp.bool_ else lax.psum(x, names)


def _key(x: Array, kind: str) -> Array:
    """Integers in the order of the elements, for minima in the reverse one; NaN comes last."""
    if not jnp.issubdtype(x.dtype, jnp.floating):
        key = x.astype(jnp.int32) if x.dtype == jnp.bool_ else x
        return key if kind == "max" else ~key
    wide = jnp.float64 if x.dtype == jnp.float64 else jnp.float32
    x = x.astype(wide) if kind == "max" else -x.astype(wide)
    signed = jnp.int64 if wide == jnp.float64 else jnp.int32
    bits = lax.bitcast_convert_type(jnp.where(x == 0, jnp.zeros((), wide), x), signed)
    largest = jnp.asarray(jnp.iinfo(signed).max, signed)
    return jnp.where(jnp.isnan(x), largest, jnp.where(bits < 0, bits ^ largest, bits))
