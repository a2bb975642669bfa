"""Tiles of a pool's outputs: the part of each axis that a tile reads, and its share of the padding."""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn, Protocol

import numpy as np

from jaxpool._geometry.values import as_index, as_sequence, kind_of, refuse, shown, traced
from jaxpool._geometry.window import AxisWindow, Window

# A tile along an axis should read at least so many times the elements that it shares with its neighbours.
_HALOS = 8
_MEMORY = "Write a number of bytes, such as 512 * 2**20."


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


def check_memory(value: Any) -> int:
    """The budget in bytes."""
    memory = as_index("memory", value, value, remedy=_MEMORY)
    if memory < 1:
        refuse(ValueError, "memory", "be positive", memory, _MEMORY)
    return memory


def refuse_memory(memory: int, needed: int, sizes: Sequence[int], remedy: str) -> NoReturn:
    """Refuses a budget in which a tile does not fit."""
    fact = f"a tile of {tuple(sizes)} outputs"
    refuse(ValueError, "memory", f"be at least {needed}", memory, remedy, fact)


def check_tile_shape(value: Any, counts: Sequence[int], whole: Sequence[int]) -> tuple[int, ...]:
    """The outputs of a tile along each axis, as the user wrote them; None is the whole axis."""
    elements = as_sequence(value)
    rule, fact = "have one size or None per axis of the results", f"results of shape {tuple(counts)}"
    if elements is None:
        refuse(TypeError, "tile_shape", rule, shown(value), f"Write {tuple(counts)} for one tile.", fact)
    if len(elements) != len(counts):
        refuse(ValueError, "tile_shape", rule, shown(value), f"Give {len(counts)} of them.", fact)
    sizes = [
        count if element is None else as_index("tile_shape", element, value, fact)
        for element, count in zip(elements, counts, strict=True)
    ]
    if min(sizes, default=1) < 1:
        refuse(ValueError, "tile_shape", "be positive", shown(value), "Use 1 or more along every axis.", fact)
    sizes = [max(min(size, count), 1) for size, count in zip(sizes, counts, strict=True)]
    for axis in whole:
        if sizes[axis] < counts[axis]:
            remedy = f"Write None there: this pool joins features, or has an argument for each. It is axis {axis}."
            refuse(ValueError, "tile_shape", "not divide the features", shown(value), remedy, fact)
    return tuple(sizes)


def check_source(argument: str, value: Any) -> None:
    """Refuses what cannot be read in parts."""
    if traced(value):
        remedy = "Call the pool itself there, or pool_tiles outside of transformations."
        refuse(TypeError, argument, "be an array with elements", "a traced value", remedy)
    if not all(hasattr(value, name) for name in ("shape", "dtype", "__getitem__")):
        rule = "have shape, dtype and slices, as numpy.memmap, zarr and h5py arrays have"
        remedy = "Open the file first, for example with np.load(path, 'r')."
        remedy = remedy if isinstance(value, str | os.PathLike) else "Convert with np.asarray first."
        refuse(TypeError, argument, rule, type(value).__name__, remedy)


def check_out(argument: str, value: Any, shape: Sequence[int], dtype: np.dtype) -> None:
    """Refuses a target that does not hold results of a shape and a dtype."""
    fact = f"results of {dtype} with shape {tuple(shape)}"
    if not all(hasattr(value, name) for name in ("shape", "dtype", "__setitem__")):
        rule = "be None, a path, or have shape, dtype and __setitem__"
        remedy = "Pass None for a new array, or the path of a new .npy file."
        refuse(TypeError, argument, rule, kind_of(value), remedy, fact)
    if tuple(value.shape) != tuple(shape):
        remedy = f"Make it with shape {tuple(shape)}."
        refuse(ValueError, argument, "have the shape of the results", kind_of(value), remedy, fact)
    if not np.can_cast(dtype, numpy_dtype(value), "safe"):
        refuse(
            ValueError, argument, "hold the dtype of the results", kind_of(value), f"Make it with dtype {dtype}.", fact
        )


def numpy_dtype(array: Any) -> np.dtype:
    """The dtype of an array in NumPy's words; TensorStore has its own."""
    dtype = array.dtype
    return np.dtype(getattr(dtype, "numpy_dtype", dtype))


def check_joined(name: str, value: Any, shape: Sequence[int], axes: Sequence[int], channel: int | None) -> None:
    """Refuses an array argument that has a value for each place, of which a tile would need a part."""
    own = tuple(value.shape)
    features = 1 if channel is None else shape[channel]
    if math.prod(own) not in (1, features):
        rule = "be one number, or one for each feature, in tiles"
        remedy = "Pass one number, or one for each feature; pool arrays of others in parts of your own."
        refuse(
            ValueError, name, rule, kind_of(value), remedy, f"inputs of shape {tuple(shape)} and spatial axes {axes}"
        )


def refuse_pool(value: Any, names: Sequence[str], others: Mapping[str, str]) -> NoReturn:
    """Refuses a function that does not pool in tiles."""
    name = getattr(value, "__name__", None) or type(value).__name__
    remedy = others.get(name, f"They are {', '.join(names)}.")
    refuse(TypeError, "pool", "be a pool of jaxpool with windows that do not depend on each other", name, remedy)


def refuse_journal(path: str, name: str, now: Any, before: Any) -> NoReturn:
    """Refuses to go on with other arguments."""
    remedy = "Pass the arguments of the first run, or delete the file to begin anew."
    fact = f"{name}={now}, where the first run had {before}"
    refuse(ValueError, "journal", "be that of the same call", repr(path), remedy, fact)


def refuse_pair(value: Any, count: int) -> NoReturn:
    """Refuses one target for several results."""
    rule, remedy = f"be None or a tuple of {count}", "Write out=(values, indices)."
    refuse(TypeError, "out", rule, kind_of(value), remedy, "a pool with indices")


def refuse_missing(argument: str, path: str) -> NoReturn:
    """Refuses a file that is gone while its journal is there."""
    remedy = "Bring it back, or delete the journal to begin anew."
    refuse(ValueError, argument, "exist where a journal says that it was begun", repr(path), remedy)


def refuse_unplaced(value: Any) -> NoReturn:
    """Refuses a journal that has no place, or nothing to keep."""
    remedy = "Pass out as the path of a .npy file, or journal as a path beside what out is stored in."
    refuse(ValueError, "journal", "be a path unless out is a path or a numpy.memmap", value, remedy)


def refuse_fleeting(value: Any) -> NoReturn:
    """Refuses a journal of results that end with the process."""
    refuse(
        ValueError,
        "journal",
        "go with an out that is kept",
        repr(value),
        "Pass out, for example the path of a .npy file.",
    )


def check_progress(value: Any) -> None:
    """Refuses what shows no progress."""
    if not (isinstance(value, bool) or callable(value)):
        remedy = "Pass True for a bar, or a function of the numbers of tiles that are done and of all."
        refuse(TypeError, "progress", "be True, False or a function", shown(value), remedy)
