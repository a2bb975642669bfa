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


def plane_order(x: Array, *known: Array, window: Window, dtype: str, descending: bool) -> Array:
    """The row-major places of a plane's elements in order, along its first axis; equal ones as they stand.

    NaN come first, and what a mask leaves out last.
    """
    axes = window.axes
    others = [axis for axis in range(x.ndim) if axis not in axes]

    def rows(array: Array) -> Array:
        turned = jnp.transpose(jnp.broadcast_to(array, x.shape), (*others, *axes))
        return lax.collapse(turned, len(others))

    values = rows(x)
    group = jnp.where(values != values, 0, 1).astype(jnp.uint8)
    if known:
        group = jnp.where(rows(known[0]), group, jnp.uint8(2))
    keys = values
    if descending:
        keys = -values if jnp.issubdtype(x.dtype, jnp.floating) else ~values
    places = lax.broadcasted_iota(jnp.dtype(dtype), values.shape, values.ndim - 1)
    places = lax.sort((group, keys, places), num_keys=2, is_stable=True)[2]
    return jnp.expand_dims(jnp.moveaxis(places, -1, axes[0]), axes[1:])
