"""Elements of whole planes by their rank: how many lie below a bound, counted for one bit of the bound after another.

The numbers become integers in the same order, so that as many counts as these have bits find the one at a rank. Counts
of positions then tell which of the elements that are equal has it. Nothing moves, as elements do in a sort.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._lowerings.cpu import materialize
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
    places = _search(keys, ranks.astype(dtype), valid, number, jnp.issubdtype(x.dtype, jnp.floating))
    return jnp.expand_dims(jnp.moveaxis(places, -1, axes[0]), axes[1:])


def _ends(dtype: jnp.dtype) -> tuple[Array, Array]:
    """The least and the largest integer of a dtype, in it: as a Python integer the largest may not fit."""
    info = jnp.iinfo(dtype)
    return jnp.asarray(info.min, dtype), jnp.asarray(info.max, dtype)


def _search(keys: Array, rank: Array, mask: Sequence[Array], number: int, has_nan: bool) -> Array:
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

    # Always search among equals. A condition on all planes would need a reduction over devices that share the batch.
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
