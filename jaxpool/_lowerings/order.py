"""Elements by their rank in the window: exchanges of whole arrays, and sorts of whole planes.

The taps of all windows are the wires of a sorting network. An exchange is one minimum and one maximum of two wires, and
only what leads to a wanted rank is computed. Both carry NaN, so that all ranks of a window with a NaN are NaN.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._lowerings.cpu import materialize, store
from jaxpool._lowerings.forward import extreme
from jaxpool._lowerings.places import gather_at_places
from jaxpool._lowerings.weighted import padded_taps

Requests = Sequence[Sequence[tuple[int, int]]]


def _exchanges(size: int) -> Iterator[tuple[int, int]]:
    """The pairs of wires that Batcher's merge exchange compares, in order; it sorts any number of them."""
    half = 1 << max((size - 1).bit_length() - 1, 0)
    step = half
    while step:
        distance, remainder, block = step, 0, half
        while True:
            yield from ((i, i + distance) for i in range(size - distance) if i & step == remainder)
            if block == step:
                break
            distance, remainder, block = block - step, step, block // 2
        step //= 2


@functools.lru_cache(maxsize=256)
def network(size: int, wanted: frozenset[int]) -> tuple[tuple[int, int, bool, bool], ...]:
    """The exchanges that the wanted wires depend on, and which of its two results each of them needs."""
    live, kept = set(wanted), list[tuple[int, int, bool, bool]]()
    for i, j in reversed(list(_exchanges(size))):
        if i in live or j in live:
            kept.append((i, j, i in live, j in live))
            live |= {i, j}
    return tuple(reversed(kept))


def _at_ranks(taps: Sequence[Array], count: Array | None, requests: Requests, descending: bool) -> list[Array]:
    """For each request the element at its rank, which may depend on the number of valid elements."""
    first, second = (lax.max, lax.min) if descending else (lax.min, lax.max)
    wires = list(taps)
    for i, j, upper, lower in network(len(wires), frozenset(rank for steps in requests for _, rank in steps)):
        a, b = wires[i], wires[j]
        if upper:
            wires[i] = first(a, b)
        if lower:
            wires[j] = second(a, b)

    def chosen(steps: Sequence[tuple[int, int]]) -> Array:
        (_, rank), *others = steps
        value = wires[rank]
        for least, rank in others:
            value = jnp.where(_known(count) >= least, wires[rank], value)
        return value

    return [chosen(steps) for steps in requests]


def _known(count: Array | None) -> Array:
    if count is None:
        raise AssertionError("a rank that changes needs the numbers of valid elements")
    return count


def _offset(value: Array, earlier: Sequence[Array], taps: Sequence[Array], valid: Sequence[Array | bool]) -> Array:
    """The first tap that has the value, or of a value that earlier requests have, too, the next; the first NaN."""
    skipped = functools.reduce(lax.add, [(other == value).astype(jnp.int32) for other in earlier]) if earlier else None
    offset = jnp.zeros(value.shape, jnp.int32)
    matches = [((tap == value) | (tap != tap)) & inside for tap, inside in zip(taps, valid, strict=True)]
    if skipped is None:
        for place in reversed(range(len(taps))):
            offset = jnp.where(matches[place], place, offset)
        return offset
    for place, match in enumerate(matches):
        offset = jnp.where(match & (skipped == 0), place, offset)
        skipped = skipped - match.astype(jnp.int32)
    return offset


def window_order(x: Array, *known: Array, window: Window, requests: Requests, descending: bool) -> list[Array]:
    """For each request the element at a rank of every window.

    Args:
      x: the inputs; what a mask leaves out sorts last.
      known: which elements are valid, and how many each window has; both of size 1 along axes where they are the same.
        Without them all are.
      window: the window.
      requests: for each result the rank from a number of valid elements on, for ascending numbers.
      descending: whether rank 0 is the largest element.
    """
    last = extreme(x.dtype, "max" if descending else "min")
    (x,) = materialize(x)
    values = _at_ranks(padded_taps(x, last, window), known[1] if known else None, requests, descending)
    # A sum that reads a network takes XLA:CPU ten times as long to compile. Several results share the network.
    return [*store(values, window.axes)] if len(values) == 1 else values


def window_argorder(x: Array, *known: Array, window: Window, requests: Requests, descending: bool) -> list[Array]:
    """What `window_order` gives, and then for each request the offset of its element, each element once."""
    last = extreme(x.dtype, "max" if descending else "min")
    (x,) = materialize(x)
    taps = padded_taps(x, last, window)
    # XLA:CPU would find them again in every offset.
    values = store(_at_ranks(taps, known[1] if known else None, requests, descending), window.axes)
    valid = padded_taps(known[0], False, window) if known else [True] * len(taps)
    offsets = [_offset(value, values[:place], taps, valid) for place, value in enumerate(values)]
    return [*values, *(offset.astype(window.offset_dtype) for offset in offsets)]


def rows_of(array: Array, axes: tuple[int, ...]) -> Array:
    """The array with its planes, in row-major order, along one last axis."""
    others = [axis for axis in range(array.ndim) if axis not in axes]
    return lax.collapse(jnp.transpose(array, (*others, *axes)), len(others))


def _sorted(
    x: Array, mask: Sequence[Array], axes: tuple[int, ...], dtype: str, descending: bool
) -> tuple[Array, Array]:
    """Rows of places in order, and of what each element is: 0 for NaN, 1 for a number, 2 for what a mask leaves out."""
    values = rows_of(x, axes)
    group = jnp.where(values != values, 0, 1).astype(jnp.uint8)
    for own in mask:
        group = jnp.where(rows_of(jnp.broadcast_to(own, x.shape), axes), group, jnp.uint8(2))
    keys = values
    if descending:
        keys = -values if jnp.issubdtype(x.dtype, jnp.floating) else ~values
    places = lax.broadcasted_iota(jnp.dtype(dtype), values.shape, values.ndim - 1)
    group, _, places = lax.sort((group, keys, places), num_keys=2, is_stable=True)
    return places, group


def plane_order(x: Array, *mask: Array, window: Window, dtype: str, descending: bool) -> Array:
    """The row-major places of a plane's elements in order, along its first axis; equal ones as they stand.

    NaN come first, and what a mask leaves out last.
    """
    places, _ = _sorted(x, mask, window.axes, dtype, descending)
    return jnp.expand_dims(jnp.moveaxis(places, -1, window.axes[0]), window.axes[1:])


def ranked_places(x: Array, rank: Array, *mask: Array, window: Window, dtype: str, descending: bool) -> Array:
    """The places of some elements from a rank on, along the first axis of the plane, by sorting it.

    All are that of the first NaN if there is one. Beyond the last valid element they are any in the plane.

    Args:
      x: the inputs.
      rank: the rank of the first of them, as positions in `plane_order`; of size 1 along the window's axes.
      mask: which elements are valid, of the inputs' size along the window's axes. Without it all are.
      window: its first axis has as many outputs as there are places.
      dtype: that of places.
      descending: whether rank 0 is the largest element.
    """
    axes = window.axes
    places, group = _sorted(x, mask, axes, dtype, descending)
    ranks = rows_of(jnp.broadcast_to(rank, [1 if a in axes else n for a, n in enumerate(x.shape)]), axes)
    following = [lax.add(ranks, jnp.asarray(n, ranks.dtype)) for n in range(window.parts[0].outputs)]
    index = lax.concatenate(following, ranks.ndim - 1)
    found = jnp.take_along_axis(places, index, -1, mode="clip")
    found = jnp.where(group[..., :1] == 0, places[..., :1], found)
    return jnp.expand_dims(jnp.moveaxis(found, -1, axes[0]), axes[1:])


def up_to_place(x: Array, place: Array, *mask: Array, window: Window, descending: bool) -> Array:
    """Which elements come in order up to the one at a place; of a NaN, only this.

    Args:
      x: the inputs.
      place: a place in every plane, of size 1 along the window's axes.
      mask: which elements are valid, of the inputs' size along the window's axes. Without it all are.
      window: one output per plane.
      descending: whether the largest element comes first.
    """
    last = gather_at_places(x, place, window)
    positions = jnp.zeros(x.shape, place.dtype)
    for part in window.parts:
        positions = positions * part.size + lax.broadcasted_iota(place.dtype, x.shape, part.axis)
    earlier = lax.gt if descending else lax.lt
    chosen = earlier(x, jnp.broadcast_to(last, x.shape)) | ((x == last) & (positions <= place))
    chosen = jnp.where(last != last, positions == place, chosen)
    return functools.reduce(lax.bitwise_and, (jnp.broadcast_to(own, x.shape) for own in mask), chosen)
