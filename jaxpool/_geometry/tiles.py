"""Tiles of a pool's outputs: the part of each axis that a tile reads, and its share of the padding."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from jaxpool._geometry.axis_window import AxisWindow
from jaxpool._geometry.window import Window

# A tile along an axis should read at least so many times the elements that it shares with its neighbours.
_HALOS = 8


class Piece(NamedTuple):
    """Elements `first:last` of an axis; `places` are those of them that are taken, None for all in their order."""

    first: int
    last: int
    places: tuple[int, ...] | None = None

    @property
    def size(self) -> int:
        """How many elements there are once they are taken."""
        return self.last - self.first if self.places is None else len(self.places)


@dataclasses.dataclass(frozen=True)
class AxisTile:
    """A tile along one axis.

    Attributes:
      start, stop: the outputs `start:stop`.
      pieces: the elements of the input that they are made of, one piece after another.
      low, high: the padding of the tile; negative padding crops.
      ceil_mode: whether its last window is one that ceil mode has added.
    """

    start: int
    stop: int
    pieces: tuple[Piece, ...]
    low: int = 0
    high: int = 0
    ceil_mode: bool = False

    @property
    def size(self) -> int:
        """Elements of the input."""
        return sum(piece.size for piece in self.pieces)


def source_places(places: np.ndarray, size: int, mode: str) -> np.ndarray:
    """Which elements of an axis stand at positions in it and in the padding around it."""
    match mode.lower():
        case "edge" | "replicate":
            return np.clip(places, 0, size - 1)
        case "wrap" | "circular":
            return places % size
        case _:
            return size - 1 - np.abs(size - 1 - np.abs(places))


def _pieces(first: int, last: int, size: int, mode: str) -> tuple[Piece, ...]:
    """The pieces at the positions `first:last` of an axis with padding around it."""
    pieces: list[Piece] = []
    for low, high in ((first, min(last, 0)), (max(first, 0), min(last, size)), (max(first, size), last)):
        if high <= low:
            continue
        if low >= 0 and high <= size:
            pieces.append(Piece(low, high))
            continue
        found = source_places(np.arange(low, high), size, mode)
        start = int(found.min())
        pieces.append(Piece(start, int(found.max()) + 1, tuple((found - start).tolist())))
    return tuple(pieces)


def window_tile(part: AxisWindow, start: int, stop: int, mode: str | None) -> AxisTile:
    """The tile of the outputs `start:stop` along an axis of the window."""
    first = start * part.stride - part.low
    last = (stop - 1) * part.stride - part.low + part.extent
    # Only the last window of all can reach beyond the padding.
    beyond = stop == part.outputs and part.high_overhang > part.high
    if mode is not None:
        last = part.size + part.high if beyond else last
        return AxisTile(start, stop, _pieces(first, last, part.size, mode), ceil_mode=beyond)
    inner, outer = max(first, 0), min(last, part.size)
    if outer <= inner:
        # All is padding; a pool needs one element, which is cropped.
        inner = min(inner, part.size - 1)
        outer = inner + 1
    low, high = inner - first, part.high if beyond else last - outer
    return AxisTile(start, stop, (Piece(inner, outer),), low, high, beyond)


def axis_tiles(count: int, size: int, part: AxisWindow | None, mode: str | None) -> list[AxisTile]:
    """An axis of `count` outputs in tiles of `size` of them; `part` is its window, None where nothing slides."""
    runs = [(start, min(start + size, count)) for start in range(0, count, size)]
    if part is None:
        return [AxisTile(start, stop, (Piece(start, stop),)) for start, stop in runs]
    return [window_tile(part, start, stop, mode) for start, stop in runs]


class Cost(Protocol):
    """The bytes that a tile of so many outputs along each axis takes."""

    def __call__(self, sizes: Sequence[int], /) -> float: ...


def _largest(sizes: list[int], axis: int, floor: int, fits: Callable[[Sequence[int]], bool]) -> bool:
    """Shrinks one axis to the largest size from `floor` on that fits; to `floor` if none does, and says so."""
    low, high = min(floor, sizes[axis]), sizes[axis]
    if not fits([*sizes[:axis], low, *sizes[axis + 1 :]]):
        sizes[axis] = low
        return False
    while low < high:
        middle = -(-(low + high) // 2)
        if fits([*sizes[:axis], middle, *sizes[axis + 1 :]]):
            low = middle
        else:
            high = middle - 1
    sizes[axis] = low
    return True


def tile_sizes(
    counts: Sequence[int], window: Window, whole: Sequence[int], chunks: Sequence[int], cost: Cost, limit: float
) -> tuple[int, ...] | None:
    """The outputs of a tile along each axis that costs at most `limit`; None if the smallest costs more.

    Axes before the window are divided first, as that reads nothing twice. Those of the window follow in their order, so
    that what is read lies together, as long as halos stay small beside the tile. Last come the axes behind.

    Args:
      counts: outputs along each axis.
      window: the window.
      whole: axes that are not divided.
      chunks: outputs of a chunk of the store along each axis, 1 where there are none.
      cost: the bytes of a tile.
      limit: the most that it may be.
    """
    parts = {part.axis: part for part in window.parts}
    sizes = list(counts)

    def fits(candidate: Sequence[int]) -> bool:
        return cost(candidate) <= limit

    if fits(sizes):
        return tuple(sizes)
    before = [axis for axis in range(min(parts)) if axis not in whole]
    behind = [axis for axis in range(min(parts), len(counts)) if axis not in parts and axis not in whole]
    steps = [(axis, 1) for axis in before]
    for axis, part in parts.items():
        halo = max(part.extent - part.stride, 0)
        steps.append((axis, max(-(-_HALOS * halo // part.stride), chunks[axis], 1)))
    steps += [(axis, 1) for axis in behind] + [(axis, 1) for axis in parts]
    for axis, floor in steps:
        if _largest(sizes, axis, floor, fits):
            break
    else:
        return None
    return tuple(_even(count, size, chunk) for count, size, chunk in zip(counts, sizes, chunks, strict=True))


def _even(count: int, size: int, chunk: int) -> int:
    """A size that is not larger: whole chunks, or without them tiles of nearly the same size."""
    if size >= count:
        return count
    if chunk > 1:
        return size // chunk * chunk or size
    return -(-count // -(-count // size))
