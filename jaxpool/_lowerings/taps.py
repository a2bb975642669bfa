"""Slices, pads and interleaving: the vocabulary of the lowerings that look at one tap of every window at a time."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Segment, Window

# A program with more slices than this compiles too slowly to be of use.
MAX_SLICES = 4096


def slice_count(window: Window) -> int:
    """How many slices a lowering takes that looks at every tap in every region of equal borders."""
    return math.prod(sum(s.last - s.first for s in part.segments()) for part in window.parts)


def over_regions(window: Window, compute: Callable[[tuple[Segment, ...]], tuple[Array, ...]]) -> tuple[Array, ...]:
    """`compute` on every region of outputs with equal borders, the results joined.

    Padding never takes part: a padded copy of the input costs more than the borders, which are few and thin.
    """

    def build(chosen: tuple[Segment, ...]) -> tuple[Array, ...]:
        if len(chosen) == len(window.parts):
            return compute(chosen)
        part = window.parts[len(chosen)]
        pieces = [build((*chosen, segment)) for segment in part.segments()]
        if len(pieces) == 1:
            return pieces[0]
        return tuple(lax.concatenate(arrays, part.axis) for arrays in zip(*pieces, strict=True))

    return build(())


def taps_of(region: Sequence[Segment]) -> Iterator[tuple[int, ...]]:
    """The taps of a region that lie inside the input, row-major."""
    return itertools.product(*(range(segment.first, segment.last) for segment in region))


def take_tap(x: Array, window: Window, region: Sequence[Segment], tap: Sequence[int]) -> Array:
    """What the windows of a region have at one tap: a strided slice of the input."""
    start, limit, stride = [0] * x.ndim, list(x.shape), [1] * x.ndim
    for part, segment, i in zip(window.parts, region, tap, strict=True):
        start[part.axis] = segment.start * part.stride - part.low + i * part.dilation
        limit[part.axis] = start[part.axis] + (segment.stop - segment.start - 1) * part.stride + 1
        stride[part.axis] = part.stride
    return lax.slice(x, start, limit, stride)


def offset_of(window: Window, tap: Sequence[int]) -> int:
    """The row-major position of a tap inside the window."""
    return sum(i * stride for i, stride in zip(tap, window.offset_strides, strict=True))


def beats(new: Array, old: Array, kind: str) -> Array:
    """Where `new` takes the place of `old`, the extremum so far: strictly better, or the first NaN."""
    if not jnp.issubdtype(new.dtype, jnp.floating):
        return new > old if kind == "max" else new < old
    keeps = old >= new if kind == "max" else old <= new
    # keeps is False if either is NaN; old == old holds unless old is a NaN already.
    return ~keeps & (old == old)


def merge_phases(window: Window, build: Callable[[tuple[int, ...]], Array], shape: tuple[int, ...]) -> Array:
    """An input-shaped array from one array for every stride phase.

    Position `h` of the input is cell `q = (h + low) // stride` of phase `(h + low) % stride`; the phases' cells start
    at `q = low // stride`, so that they can be interleaved by stacking, and a slice drops what is not input.

    Args:
      window: the window.
      build: gives, for one phase per axis, the array of all its cells.
      shape: the shape of the input.
    """

    def stack(chosen: tuple[int, ...]) -> Array:
        if len(chosen) == len(window.parts):
            return build(chosen)
        part = window.parts[len(chosen)]
        phases = [stack((*chosen, phase)) for phase in range(part.stride)]
        return phases[0] if part.stride == 1 else jnp.stack(phases, part.axis + 1)

    merged = list(shape)
    start, limit = [0] * len(shape), list(shape)
    for part in window.parts:
        cells = cell_range(part.low, part.size, part.stride)
        merged[part.axis] = len(cells) * part.stride
        start[part.axis] = part.low - cells.start * part.stride
        limit[part.axis] = start[part.axis] + part.size
    return lax.slice(stack(()).reshape(merged), start, limit)


def cell_range(low: int, size: int, stride: int) -> range:
    """The cells `(h + low) // stride` of the positions `h = 0 .. size - 1`."""
    return range(low // stride, -(-(low + size) // stride))


def pad_to_cells(g: Array, window: Window) -> Array:
    """An output-shaped array with zeros around it, so that `take_cells` is a plain slice for every tap."""
    pads = [(0, 0, 0)] * g.ndim
    for part in window.parts:
        cells = cell_range(part.low, part.size, part.stride)
        pads[part.axis] = ((part.extent - 1) // part.stride - cells.start, cells.stop - part.outputs, 0)
    return lax.pad(g, jnp.zeros((), g.dtype), pads) if any(map(any, pads)) else g


def take_cells(padded: Array, window: Window, tap: Sequence[int]) -> Array:
    """For every cell of the tap's phase what the window has that reaches it with this tap.

    Cell `q` is reached with tap `i` by the output `q - i * dilation // stride`.
    """
    start, limit = [0] * padded.ndim, list(padded.shape)
    for part, i in zip(window.parts, tap, strict=True):
        shift = i * part.dilation // part.stride
        start[part.axis] = (part.extent - 1) // part.stride - shift
        limit[part.axis] = start[part.axis] + len(cell_range(part.low, part.size, part.stride))
    return lax.slice(padded, start, limit)


def phase_taps(window: Window, phase: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """The taps that reach the cells of a phase, row-major."""
    return itertools.product(
        *(
            [i for i in range(part.taps) if i * part.dilation % part.stride == a]
            for part, a in zip(window.parts, phase, strict=True)
        )
    )


def cells_shape(window: Window, shape: Sequence[int]) -> tuple[int, ...]:
    """The shape of one phase's cells."""
    result = list(shape)
    for part in window.parts:
        result[part.axis] = len(cell_range(part.low, part.size, part.stride))
    return tuple(result)


def materialize(*arrays: Array) -> tuple[Array, ...]:
    """The same arrays, computed once: XLA:CPU would compute them again inside every slice that reads them."""
    return tuple(jax.lax.optimization_barrier(arrays))
