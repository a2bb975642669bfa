"""Arrays on disk: how a tile of them is read and written."""

from __future__ import annotations

import itertools
import mmap
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from jaxpool._geometry.tile_arguments import check_out, refuse_missing, refuse_pair
from jaxpool._geometry.tiles import Piece


def room(size: int) -> np.ndarray:
    """Memory for so many bytes, at the start of a page: a CPU reads it where it is, without a copy."""
    return np.frombuffer(mmap.mmap(-1, max(size, 1)), np.uint8)


def read(source: Any, axes: Sequence[Sequence[Piece]], target: np.ndarray) -> None:
    """Reads pieces of an array along each of its axes into another, one after another."""
    ends = [list(itertools.accumulate((piece.size for piece in pieces), initial=0)) for pieces in axes]
    for places in itertools.product(*(range(len(pieces)) for pieces in axes)):
        pieces = [parts[place] for parts, place in zip(axes, places, strict=True)]
        part = np.asarray(source[tuple(slice(piece.first, piece.last) for piece in pieces)])
        if any(piece.places is not None for piece in pieces):
            taken = [range(piece.size) if piece.places is None else piece.places for piece in pieces]
            part = part[np.ix_(*taken)]
        place = tuple(slice(end[place], end[place + 1]) for end, place in zip(ends, places, strict=True))
        # JAX, too, has infinity for what is too large for 32 bits, without a word.
        with np.errstate(over="ignore", invalid="ignore"):
            np.copyto(target[place], part, casting="unsafe")
    _let_go(source)


def write(target: Any, place: tuple[slice, ...], values: np.ndarray) -> None:
    """Puts the results of a tile in their place; further axes are whole."""
    target[place] = values
    _let_go(target)


def flush(target: Any) -> None:
    """Makes sure that what was written stands in the file, for arrays that keep it back."""
    owner: Any = target if hasattr(target, "flush") else getattr(target, "file", None)
    if hasattr(owner, "flush"):
        owner.flush()


def _let_go(array: Any) -> None:
    """Gives back the pages of a file that is mapped into memory; they stay in the file and in the system's cache."""
    shared = False
    while isinstance(array, np.ndarray):
        # What was written into a private copy, mode "c", stands nowhere else.
        shared = shared or getattr(array, "mode", "c") != "c"
        array = array.base
    if shared and isinstance(array, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
        array.madvise(mmap.MADV_DONTNEED)


def chunks_of(array: Any, rank: int) -> tuple[int, ...]:
    """The chunks in which a store keeps an array along its first axes, 1 along those where it has none."""
    # Several chunks of zarr may be stored, and written, as one shard.
    chunks = getattr(array, "shards", None) or getattr(array, "chunks", None)
    layout = getattr(array, "chunk_layout", None)
    if chunks is None and layout is not None:
        chunks = layout.write_chunk.shape
    sizes = [chunk if isinstance(chunk, int) and chunk > 0 else 1 for chunk in chunks or ()]
    return tuple([*sizes, *[1] * rank][:rank])


def given_targets(out: Any, shapes: Sequence[tuple[int, ...]], dtypes: Sequence[np.dtype]) -> list[Any]:
    """What results are to be written into: None, a path, or an array that holds them, for each of them."""
    several = len(shapes) > 1
    given: list[Any] = list(out) if several and isinstance(out, tuple | list) else [out]
    if out is None:
        given = [None] * len(shapes)
    if len(given) != len(shapes):
        refuse_pair(out, len(shapes))
    for number, (value, shape, dtype) in enumerate(zip(given, shapes, dtypes, strict=True)):
        if not (value is None or isinstance(value, str | os.PathLike)):
            check_out(f"out[{number}]" if several else "out", value, shape, dtype)
    return given


def path_of(target: Any) -> Path | None:
    """Where a target is stored, if it says so."""
    if isinstance(target, str | os.PathLike):
        return Path(os.fspath(target))
    filename = getattr(target, "filename", None)
    return None if filename is None else Path(filename)


def opened(target: Any, shape: tuple[int, ...], dtype: np.dtype, started: bool) -> Any:
    """The array of a target: a new one, or the one that was `started` before an interruption."""
    if target is None:
        return np.empty(shape, dtype)
    if not isinstance(target, str | os.PathLike):
        return target
    if not started:
        return np.lib.format.open_memmap(target, "w+", dtype, shape)
    if not Path(target).exists():
        refuse_missing("out", str(target))
    array = np.lib.format.open_memmap(target, "r+")
    check_out("out", array, shape, dtype)
    return array
