"""Checks of the arguments of `pool_tiles`: memory, sizes of tiles, sources, targets, journals."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np

from jaxpool._geometry.values import as_index, as_sequence, kind_of, refuse, shown, traced

_MEMORY = "Write a number of bytes, such as 512 * 2**20."


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
