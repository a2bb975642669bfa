"""One axis after another, and along each axis a chain of small windows: the steps grow with the log of the window.

A maximum over `k` taps is the maximum of `n = 4` blocks of `c = k - 3 q` taps, `q = k // 4` taps apart (of three
blocks up to 10 taps); the blocks overlap, which an extremum does not mind, and are windows themselves. So a window of
129 taps is a chain of windows of 3, 3, 4 and 4 taps with dilations 1, 3, 8 and 32, on an input padded once. Offsets add
up along the chain, and the way back is the chain in reverse: a tap lies in block `min(tap // q, n - 1)`. Sums do not
bear overlaps; there the blocks are disjoint and up to three taps are added singly.

XLA:CPU fuses two windows of such a chain, and then computes the first again for every tap of the second. In
"stored_doubling" the result of each is stored, on merged axes (see the module `merged`), as XLA:CPU is slow to join
arrays of few channels; its chains are those that are best then, as 5 and 5 taps for 25.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import AxisWindow, Window
from jaxpool._lowerings import merged, slices, taps
from jaxpool._lowerings.reduce_window import extreme

BLOCKS = 4
# Up to here one pass over all taps is cheaper than two.
BASE = 6

# Lanes from which on a scatter is better done as the axes are.
_WIDE = 24

# Of links that are stored: the most taps, and the price of storing, in taps.
_MOST_TAPS = 8
_PRICE_OF_STORING = 2


Sizes = tuple[tuple[int, int], ...]


class Link(NamedTuple):
    """One window of a chain; its tap `i` stands for `i * rows.unit` in the offset of the whole window."""

    window: Window
    rows: taps.Rows


def refuses(operator: str, window: Window, consistent: bool) -> str | None:
    """Why this window cannot be run, or None."""
    del window
    if operator in ("gather_at_offsets", "scatter_at_offsets") and not consistent:
        return "a chain of windows needs offsets that come from an extremum of the same window"
    return None


def _sizes(count: int) -> Sizes:
    """The chain for a window of `count` taps: taps and dilation of each link."""
    if count <= BASE:
        return ((count, 1),)
    blocks = 3 if count <= 10 else BLOCKS
    distance = count // blocks
    return *_sizes(count - (blocks - 1) * distance), (blocks, distance)


@functools.cache
def _stored_sizes(count: int) -> Sizes:
    """The same where links are stored: the cheapest chain of those whose blocks overlap least, of at least two links.

    Among equals it has the fewest links.
    """
    if count <= BASE:
        return ((count, 1),)
    chains: list[Sizes] = []
    for blocks in range(2, _MOST_TAPS + 1):
        # Blocks that overlap as little as they can leave the shortest rest.
        distance = count // blocks
        first = count - (blocks - 1) * distance
        rest = ((first, 1),) if first <= _MOST_TAPS else _stored_sizes(first)
        chains.append((*rest, (blocks, distance)))
    return min(chains, key=lambda sizes: (_price(sizes), len(sizes)))


def _price(sizes: Sizes) -> int:
    return sum(count + _PRICE_OF_STORING for count, _ in sizes)


def _chain(part: AxisWindow, offset_stride: int, stored: bool) -> list[Link]:
    """The chain along one axis, from the padded input to the outputs; only the last link has a stride."""
    sizes = _stored_sizes(part.taps) if stored else _sizes(part.taps)
    length = (part.outputs - 1) * part.stride + part.extent
    links: list[Link] = []
    covered = 1
    for i, (count, distance) in enumerate(sizes):
        dilation = distance * part.dilation
        last = i == len(sizes) - 1
        outputs = part.outputs if last else length - (count - 1) * dilation
        stride = part.stride if last else 1
        link = AxisWindow(part.axis, length, count, stride, dilation, 0, 0, outputs)
        links.append(Link(Window((link,)), taps.Rows(count, distance * offset_stride, covered * offset_stride)))
        covered += (count - 1) * distance
        length = outputs
    return links


def _padded(x: Array, part: AxisWindow, value: Any) -> Array:
    pads = [(0, 0, 0)] * x.ndim
    pads[part.axis] = (part.low, part.reach, 0)
    return lax.pad(x, jnp.asarray(value, x.dtype), pads) if part.low or part.reach else x


def _axes(window: Window, stored: bool) -> list[tuple[AxisWindow, list[Link]]]:
    return [(p, _chain(p, stride, stored)) for p, stride in zip(window.parts, window.offset_strides, strict=True)]


def _between(arrays: Sequence[Array], window: Window, stored: bool) -> Sequence[Array]:
    """What a link hands to the next."""
    return taps.store(arrays, window.axes[0]) if stored else taps.materialize(*arrays)


def _sums(x: Array, axis: int, count: int, dilation: int) -> Array:
    """The sums of `count` neighbouring elements at a distance of `dilation`, at every place where they fit."""

    def at(array: Array, start: int, length: int) -> Array:
        return lax.slice_in_dim(array, start * dilation, start * dilation + length, axis=axis)

    length = x.shape[axis] - (count - 1) * dilation
    blocks, single = [(x, i) for i in range(count)], []
    if count > BASE:
        block = count // BLOCKS
        (inner,) = taps.materialize(_sums(x, axis, block, dilation))
        blocks = [(inner, i * block) for i in range(BLOCKS)]
        single = [(x, i) for i in range(BLOCKS * block, count)]
    first, *others = [at(array, start, length) for array, start in (*blocks, *single)]
    for other in others:
        first = first + other
    return first


def window_sum(x: Array, window: Window) -> Array:
    """y[o] = sum over the taps i of x[o * stride - low + i * dilation]."""
    for part in reversed(window.parts):
        (x,) = taps.materialize(_padded(x, part, 0))
        sums = _sums(x, part.axis, part.taps, part.dilation)
        x = lax.slice_in_dim(sums, 0, None, part.stride, part.axis)
    return x


def window_spread(g: Array, window: Window) -> Array:
    """x[h] = sum over the taps i of g[(h + low - i * dilation) / stride], where that is a window.

    Read backwards, that is the same sum over the cotangent with `stride - 1` zeros between its elements.
    """
    for part in window.parts:
        if part.stride > 1:
            place = AxisWindow(part.axis, (part.outputs - 1) * part.stride + 1, 1, part.stride, 1, 0, 0, part.outputs)
            g = slices.window_spread(g, Window((place,)))
        pads = [(0, 0, 0)] * g.ndim
        pads[part.axis] = (part.extent - 1 - part.low, part.extent - 1 - part.reach, 0)
        (g,) = taps.materialize(lax.pad(g, jnp.zeros((), g.dtype), pads))
        g = _sums(g, part.axis, part.taps, part.dilation)
    return g


def _on_merged_axes(arrays: Sequence[Array], links: Sequence[Link]) -> tuple[list[Array], list[Link]]:
    """Arrays and their chain along one axis where they can be merged, as they are elsewhere."""
    axis = links[0].window.axes[0]
    dense = all(part.stride == 1 for link in links for part in link.window.parts)
    if not dense or not merged.mergeable(arrays[0], axis):
        return list(arrays), list(links)
    rest = math.prod(arrays[0].shape[axis + 1 :])
    scaled = [link._replace(window=merged.scale(link.window, rest)) for link in links]
    return [merged.merge(array, axis) for array in arrays], scaled


def window_extremum(x: Array, window: Window, kind: str, stored: bool = False) -> Array:
    """y[o] = the largest, or smallest, element of the window; NaN if there is one."""
    for part, links in reversed(_axes(window, stored)):
        (x,) = taps.materialize(_padded(x, part, extreme(x.dtype, kind)))
        shape = Window((part,)).output_shape(x.shape)
        if stored:
            (x,), links = _on_merged_axes((x,), links)
        for i, link in enumerate(links):
            (x,) = (x,) if i == 0 else _between((x,), link.window, stored)
            x = slices.window_extremum(x, link.window, kind)
        x = x.reshape(shape)
    return x


def window_argextremum(x: Array, window: Window, kind: str, stored: bool = False) -> tuple[Array, Array]:
    """The extremum of each window and the offset of the first element that has it."""
    dtype = window.offset_dtype
    offsets: Array | None = None
    for part, links in reversed(_axes(window, stored)):
        x = _padded(x, part, extreme(x.dtype, kind))
        carried = () if offsets is None else (_padded(offsets, part, 0),)
        x, *carried = taps.materialize(x, *carried)
        shape = Window((part,)).output_shape(x.shape)
        if stored:
            (x, *carried), links = _on_merged_axes((x, *carried), links)
        along: Array | None = None
        for link in links:
            arrays = (x, *carried) if along is None else _between((x, *carried, along), link.window, stored)
            x, *rest, tap = slices.select_best(arrays, link.window, kind)
            tap = tap.astype(dtype) * taps.constant(link.rows.unit, dtype)
            along = tap if along is None else tap + rest.pop()
            carried = rest
        if along is None:
            raise AssertionError("a chain has at least one link")
        offsets = (along + carried[0] if carried else along).reshape(shape)
        x = x.reshape(shape)
    if offsets is None:
        raise AssertionError("a window has at least one axis")
    return x, taps.at_real_taps(offsets, window)


def _cropped(x: Array, part: AxisWindow) -> Array:
    pads = [(0, 0, 0)] * x.ndim
    pads[part.axis] = (-part.low, -part.reach, 0)
    return lax.pad(x, jnp.zeros((), x.dtype), pads)


def gather_at_offsets(x: Array, offsets: Array, window: Window, consistent: bool) -> Array:
    """y[o] = x[o * stride - low + tap(offsets[o]) * dilation], 0 in padding."""
    steps: list[tuple[Array, Link, AxisWindow | None]] = []
    for part, links in _axes(window, stored=False):
        for i, link in reversed(list(enumerate(links))):
            (offsets,) = taps.materialize(offsets)
            steps.append((taps.row_of(offsets, link.rows), link, part if i == 0 else None))
            (offsets,) = slices.scatter_rows(offsets, (), link.window, link.rows)
        offsets = _cropped(offsets, part)
    for block, link, first_of in reversed(steps):
        x = x if first_of is None else _padded(x, first_of, 0)
        (x,) = taps.materialize(x)
        x = slices.gather_at_offsets(x, block, link.window, consistent)
    return x


def scatter_at_offsets(g: Array, offsets: Array, window: Window, consistent: bool, stored: bool = False) -> Array:
    """x[h] = sum of g[o] over the windows o whose offset names h."""
    del consistent
    lanes: Any = g.shape[-1]
    # Loops over few lanes are merged; those over many fill vectors as they are, and add up what lies side by side.
    rows = merged if stored and isinstance(lanes, int) and lanes < _WIDE else slices
    for part, links in _axes(window, stored):
        for link in reversed(links):
            g, offsets = taps.materialize(*rows.scatter_rows(offsets, (g,), link.window, link.rows))
        g, offsets = _cropped(g, part), _cropped(offsets, part)
    return g


STORED = SimpleNamespace(
    refuses=refuses,
    window_sum=window_sum,
    window_spread=window_spread,
    gather_at_offsets=gather_at_offsets,
    window_extremum=functools.partial(window_extremum, stored=True),
    window_argextremum=functools.partial(window_argextremum, stored=True),
    scatter_at_offsets=functools.partial(scatter_at_offsets, stored=True),
)
