"""Elements of whole planes by their rank: how many lie below a bound, counted for one bit of the bound after another.

The numbers become integers in the same order, so that as many counts as these have bits find the one at a rank. Counts
of positions then tell which of the elements that are equal has it. Nothing moves, as elements do in a sort.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window, known
from jaxpool._geometry.regions import even_parts
from jaxpool._lowerings.cpu import BYTES_AT_ONCE, materialize
from jaxpool._lowerings.keys import integers_in_order
from jaxpool._lowerings.order import rows_of


def ranked_places(x: Array, rank: Array, *mask: Array, window: Window, dtype: str, descending: bool) -> Array:
    """What `_lowerings.order.ranked_places` gives, by counting."""
    axes, number = window.axes, window.parts[0].outputs
    (rows,) = materialize(rows_of(x, axes))
    keys = integers_in_order(rows)
    # NaN have the lowest key, and no other number has it. A mask gives the highest key, and integers may have it, too.
    lowest, highest = _ends(keys.dtype)
    unordered = rows != rows
    keys = jnp.where(unordered, lowest, ~keys if descending else keys)
    ranks = rows_of(jnp.broadcast_to(rank, [1 if a in axes else n for a, n in enumerate(x.shape)]), axes)
    valid = [rows_of(jnp.broadcast_to(own, x.shape), axes) for own in mask]
    for own in valid:
        keys = jnp.where(own, keys, highest)
    (keys,) = materialize(keys)
    search = functools.partial(_search, number=number, has_nan=jnp.issubdtype(x.dtype, jnp.floating))
    places = _in_parts(search, [keys, ranks.astype(dtype), *valid])
    return jnp.expand_dims(jnp.moveaxis(places, -1, axes[0]), axes[1:])


def _ends(dtype: jnp.dtype) -> tuple[Array, Array]:
    """The least and the largest integer of a dtype, in it: as a Python integer the largest may not fit."""
    info = jnp.iinfo(dtype)
    return jnp.asarray(info.min, dtype), jnp.asarray(info.max, dtype)


def _in_parts(search: Callable[..., Array], arrays: Sequence[Array]) -> Array:
    """The search in some planes at once, which stay in the cache while they are counted.

    Parts are taken of the last axis before the planes, mostly the features: devices may share the batch.
    """
    keys = arrays[0]
    if keys.ndim < 3 or not all(map(known, keys.shape)):
        return search(*arrays)
    *batch, rows, size = keys.shape
    most = BYTES_AT_ONCE // max(math.prod(batch) * size * keys.dtype.itemsize, 1)
    own = even_parts(rows, max(most, 1))
    if not 0 < own < rows:
        return search(*arrays)
    parts, axis = -(-rows // own), len(batch)

    def split(array: Array) -> Array:
        array = jnp.pad(array, [(0, parts * own - rows if a == axis else 0) for a in range(array.ndim)])
        return jnp.moveaxis(array.reshape(*batch, parts, own, array.shape[-1]), axis, 0)

    found = jnp.moveaxis(lax.map(lambda own: search(*own), [split(array) for array in arrays]), 0, axis)
    return lax.slice_in_dim(found.reshape(*batch, parts * own, found.shape[-1]), 0, rows, axis=axis)


def _search(keys: Array, rank: Array, *mask: Array, number: int, has_nan: bool) -> Array:
    """The places of so many elements from a rank on, along the last axis."""
    last, size = keys.ndim - 1, keys.shape[-1]
    positions = lax.broadcasted_iota(rank.dtype, keys.shape, last)

    def counted(chosen: Array) -> Array:
        return jnp.sum(chosen.astype(rank.dtype), last, keepdims=True, dtype=rank.dtype)

    def first(chosen: Array) -> Array:
        return jnp.min(jnp.where(chosen, positions, size), last, keepdims=True)

    def valid(chosen: Array) -> Array:
        return functools.reduce(lax.bitwise_and, mask, chosen)

    lowest, highest = _ends(keys.dtype)
    least = jnp.broadcast_to(lowest, rank.shape)
    key, less = _bisected(lambda bound: counted(keys < bound), rank, least, jnp.iinfo(keys.dtype).bits)
    equal = valid(keys == key)

    def equal_before(bound: Array) -> Array:
        return counted(equal & (positions < bound))

    # In most planes few numbers are equal, but whether in all is nothing that devices with a shared batch should ask.
    place = _bisected(equal_before, rank - less, jnp.zeros_like(rank), size.bit_length())[0]
    places = [place]
    for _ in range(number - 1):
        later = valid((keys > key) | ((keys == key) & (positions > place)))
        key = jnp.min(jnp.where(later, keys, highest), last, keepdims=True)
        place = first(later & (keys == key))
        places.append(place)
    found = jnp.minimum(lax.concatenate(places, last), size - 1)
    if not has_nan:
        return found
    head = first(keys == lowest)
    return jnp.where(head < size, head, found)


def _bisected(below: Callable[[Array], Array], rank: Array, least: Array, bits: int) -> tuple[Array, Array]:
    """The largest integer with at most `rank` elements below it, and how many these are.

    Args:
      below: how many elements lie below a bound; it grows with the bound.
      rank: one for each row.
      least: the least integer.
      bits: the result is the least integer and a number of so many bits.
    """
    unit = jnp.ones((), least.dtype)

    def step(number: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
        found, less = state
        bound = found + lax.shift_left(unit, (bits - 1 - number).astype(least.dtype))
        count = below(bound)
        fits = count <= rank
        return jnp.where(fits, bound, found), jnp.where(fits, count, less)

    return lax.fori_loop(0, bits, step, (least, jnp.zeros_like(rank)))
