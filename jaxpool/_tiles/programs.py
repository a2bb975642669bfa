"""The compiled pools of the tiles, one for each of their few shapes."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import jax
import numpy as np
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._geometry.tile_arguments import numpy_dtype
from jaxpool._geometry.tiles import AxisTile, Piece, axis_tiles, source_places
from jaxpool._tiles.arrays import read, room

Tile = tuple[AxisTile, ...]
# Elements of indices that are converted at once.
_BLOCK = 1 << 18


def spec_of(array: Any) -> jax.ShapeDtypeStruct:
    """An array as JAX takes it; whether it has 64 bits depends on the thread that asks."""
    return jax.ShapeDtypeStruct(array.shape, jax.dtypes.canonicalize_dtype(numpy_dtype(array).newbyteorder("=")))


class Result(NamedTuple):
    """A result of the whole array: its shape, its dtype, and how many numbers it has for each output."""

    shape: tuple[int, ...]
    dtype: np.dtype
    each: int = 1


@dataclasses.dataclass(frozen=True)
class Tiling:
    """A pool of an array, to be taken in tiles.

    Attributes:
      pool: the pool with all arguments but those here.
      arrays: what is read tile by tile, by the names of the arguments.
      inputs: the same as JAX takes them.
      window: the window on the whole inputs.
      counts: the outputs along each axis of the inputs.
      mode: the padding mode.
      index_convention: of the indices, None where there are none.
      results: what the pool returns.
      whole: axes that are not divided.
    """

    pool: Callable[..., Any]
    arrays: Mapping[str, Any]
    inputs: Mapping[str, jax.ShapeDtypeStruct]
    window: Window
    counts: tuple[int, ...]
    mode: str | None
    index_convention: str | None
    results: tuple[Result, ...]
    whole: tuple[int, ...] = ()

    def axes(self, sizes: Sequence[int]) -> list[list[AxisTile]]:
        """The tiles along each axis."""
        parts = {part.axis: part for part in self.window.parts}
        return [
            axis_tiles(count, size, parts.get(axis), self.mode)
            for axis, (count, size) in enumerate(zip(self.counts, sizes, strict=True))
        ]

    def number(self, sizes: Sequence[int]) -> int:
        """How many tiles there are."""
        return math.prod(-(-count // size) for count, size in zip(self.counts, sizes, strict=True))

    def kind(self, tile: Tile) -> tuple[Any, ...]:
        """What the tiles that one program computes have in common."""
        return tuple(map(_kind_along, tile))

    def place(self, tile: Tile) -> tuple[slice, ...]:
        """Where the results of a tile stand; axes that the pool adds, and those that are not divided, are whole."""
        places = [slice(part.start, part.stop) for part in tile]
        return tuple(slice(None) if axis in self.whole else place for axis, place in enumerate(places))

    def bytes_of(self, tile: Tile, program: Any) -> int:
        """What a tile takes.

        What is read is there twice, for this tile and the next, and so is what is written, on the device and beside it.
        What a store returns and what the program needs between count twice, too: what is let go of is not free at once.
        """
        read = self.read_bytes(tile)
        returned = [read[name] for name, array in self.arrays.items() if not isinstance(array, np.ndarray)]
        outputs = math.prod(part.stop - part.start for part in tile)
        results = sum(outputs * result.each * result.dtype.itemsize for result in self.results)
        analysis = program.memory_analysis()
        between = 0 if analysis is None else int(analysis.temp_size_in_bytes)
        return 2 * (sum(read.values()) + results + max(returned, default=0) + between)

    def tiles(self, sizes: Sequence[int]) -> Iterator[Tile]:
        """All tiles, row by row."""
        return itertools.product(*self.axes(sizes))

    def kinds(self, sizes: Sequence[int]) -> list[Tile]:
        """One tile of each kind: those of a kind have one program."""
        few = [list({_kind_along(tile): tile for tile in tiles}.values()) for tiles in self.axes(sizes)]
        return list(itertools.product(*few))

    def pieces(self, name: str, tile: Tile) -> list[tuple[Piece, ...]]:
        """What is read of an array along each axis; where it broadcasts, its one element."""
        sizes = zip(self.arrays[name].shape, self.arrays["inputs"].shape, tile, strict=True)
        return [(Piece(0, 1),) if size < whole else own.pieces for size, whole, own in sizes]

    def specs(self, tile: Tile) -> dict[str, jax.ShapeDtypeStruct]:
        """What is read for a tile, as JAX takes it."""
        shapes = {name: [sum(p.size for p in pieces) for pieces in self.pieces(name, tile)] for name in self.arrays}
        return {name: jax.ShapeDtypeStruct(shapes[name], spec.dtype) for name, spec in self.inputs.items()}

    def read_bytes(self, tile: Tile) -> dict[str, int]:
        """The bytes that are read of each array for a tile."""
        return {name: math.prod(spec.shape) * spec.dtype.itemsize for name, spec in self.specs(tile).items()}

    def cost(self, sizes: Sequence[int]) -> int:
        """The bytes that a tile of so many outputs reads and writes, from above."""
        along = list(sizes)
        for part in self.window.parts:
            beside = 0 if self.mode is None else max(part.low, 0) + max(part.high, 0)
            along[part.axis] = min((sizes[part.axis] - 1) * part.stride + part.extent, part.size + beside)
        total = sum(result.dtype.itemsize * math.prod(sizes) * result.each for result in self.results)
        for array in self.arrays.values():
            shape = [1 if size == 1 else own for size, own in zip(array.shape, along, strict=True)]
            total += math.prod(shape) * numpy_dtype(array).itemsize
        return total

    def program(self, tile: Tile) -> Any:
        """The compiled pool of the tiles of a kind."""
        parts = {part.axis: tile[part.axis] for part in self.window.parts}
        ceil_mode = any(part.ceil_mode for part in parts.values())
        # Ceil mode takes no crop; without it there are more windows, which are dropped.
        padding = tuple((part.low, max(part.high, 0) if ceil_mode else part.high) for part in parts.values())

        def run(arrays: dict[str, Any]) -> list[Array]:
            found = jax.tree.leaves(self.pool(**arrays, padding=padding, ceil_mode=ceil_mode))
            for axis, part in parts.items():
                found = [lax.slice_in_dim(values, 0, part.stop - part.start, axis=axis) for values in found]
            return found

        return jax.jit(run).lower(self.specs(tile)).compile()

    def rooms(self, sizes: Sequence[int]) -> dict[str, np.ndarray]:
        """Memory for what is read of each array for any tile."""
        kinds = [self.read_bytes(tile) for tile in self.kinds(sizes)]
        return {name: room(max(kind[name] for kind in kinds)) for name in self.arrays}

    def read(self, tile: Tile, rooms: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """What is read for a tile, in this memory."""
        found: dict[str, np.ndarray] = {}
        for name, spec in self.specs(tile).items():
            size = math.prod(spec.shape) * spec.dtype.itemsize
            found[name] = rooms[name][:size].view(spec.dtype).reshape(spec.shape)
            read(self.arrays[name], self.pieces(name, tile), found[name])
        return found

    def indices(self, offsets: np.ndarray, tile: Tile) -> np.ndarray:
        """From offsets in the windows of a tile to places in the whole array."""
        if self.index_convention == "window":
            return offsets
        dtype = self.results[1].dtype
        coordinates = self.index_convention == "coordinates"
        result = np.empty((*offsets.shape, len(self.window.parts)) if coordinates else offsets.shape, dtype)
        # A block at a time, as the numbers in between are wide.
        axis = int(np.argmax(offsets.shape))
        step = max(_BLOCK * offsets.shape[axis] // max(offsets.size, 1), 1)
        for start in range(0, offsets.shape[axis], step):
            block = (*[slice(None)] * axis, slice(start, start + step))
            places = self._places(offsets[block], tile, axis, start)
            if coordinates:
                result[block] = np.stack(places, -1)
                continue
            total = np.zeros((), np.int64)
            for part, place in zip(self.window.parts, places, strict=True):
                total = total * part.size + place
            result[block] = total
        return result

    def _places(self, offsets: np.ndarray, tile: Tile, cut: int, start: int) -> list[np.ndarray]:
        """Positions along each axis of the window, of outputs from `start` on along the axis `cut`."""
        places: list[np.ndarray] = []
        rest = offsets.astype(np.int64)
        for part, stride in zip(self.window.parts, self.window.offset_strides, strict=True):
            tap, rest = np.divmod(rest, stride)
            first = tile[part.axis].start + (start if part.axis == cut else 0)
            shape = [-1 if axis == part.axis else 1 for axis in range(offsets.ndim)]
            starts = part.starts(np.arange(first, first + offsets.shape[part.axis])).reshape(shape)
            place = starts + tap * part.dilation
            places.append(place if self.mode is None else source_places(place, part.size, self.mode))
        return places


def _kind_along(tile: AxisTile) -> tuple[Any, ...]:
    """What tiles along an axis have in common that are computed by one program."""
    return tile.stop - tile.start, tile.size, tile.low, tile.high, tile.ceil_mode
