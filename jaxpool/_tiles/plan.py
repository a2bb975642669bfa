"""How large tiles are: as large as the memory allows, by what their programs say."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from jaxpool._geometry.tile_arguments import check_tile_shape, refuse_memory
from jaxpool._geometry.tiles import tile_sizes
from jaxpool._tiles.programs import Tiling


def planned(
    tiling: Tiling, chunks: Sequence[int], memory: int, tile_shape: Any
) -> tuple[tuple[int, ...], dict[Any, Any]]:
    """The outputs of a tile along each axis, and the program of each kind of tiles.

    Args:
      tiling: what is to be done.
      chunks: outputs of a chunk of the target along each axis.
      memory: the bytes that a tile may take.
      tile_shape: the outputs as the user wants them, or None.
    """
    counts, window, whole = tiling.counts, tiling.window, tiling.whole
    if tile_shape is not None:
        sizes = check_tile_shape(tile_shape, counts, whole)
        needed, programs = _compiled(tiling, sizes, math.inf)
        if needed > memory:
            refuse_memory(memory, needed, sizes, "Pass smaller tiles, or more memory.")
        return sizes, programs
    least = tuple(count if axis in whole else 1 for axis, count in enumerate(counts))
    # A part is for what is read and written, as it is there several times; the programs tell what they need.
    limit = memory / 3
    while (sizes := tile_sizes(counts, window, whole, chunks, tiling.cost, limit)) is not None:
        sizes = tuple(max(size, 1) for size in sizes)
        needed, programs = _compiled(tiling, sizes, memory)
        if needed <= memory:
            return sizes, programs
        limit = min(0.9 * limit * memory / needed, 0.9 * tiling.cost(sizes))
    needed, programs = _compiled(tiling, least, memory)
    if needed > memory:
        remedy = "Pass more memory; a tile has at least one window, and all features where the pool joins them."
        refuse_memory(memory, needed, least, remedy)
    return least, programs


def _compiled(tiling: Tiling, sizes: Sequence[int], memory: float) -> tuple[int, dict[Any, Any]]:
    """The bytes that tiles take, and the program of each kind; it ends with the first that takes more than `memory`."""
    needed, programs = 0, dict[Any, Any]()
    for tile in sorted(tiling.kinds(sizes), key=lambda tile: -sum(tiling.read_bytes(tile).values())):
        programs[tiling.kind(tile)] = program = tiling.program(tile)
        needed = max(needed, tiling.bytes_of(tile, program))
        if needed > memory:
            break
    return needed, programs
