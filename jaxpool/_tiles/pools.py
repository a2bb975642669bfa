"""`pool_tiles`: a pool of an array that is larger than memory."""

from __future__ import annotations

import functools
import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np

from jaxpool._geometry import WindowArguments, check_option, check_padding_mode, feature_axis, pooling_window
from jaxpool._geometry.calls import explained
from jaxpool._geometry.tile_arguments import (
    check_joined,
    check_memory,
    check_progress,
    check_source,
    numpy_dtype,
    refuse_fleeting,
    refuse_pool,
    refuse_unplaced,
)
from jaxpool._pools.argextremum import INDEX_CONVENTIONS, max_pool_with_argmax, min_pool_with_argmin
from jaxpool._pools.average import avg_pool, sum_pool
from jaxpool._pools.blur import blur_pool
from jaxpool._pools.concat import concat_pool
from jaxpool._pools.detail import ada_pool
from jaxpool._pools.extremum import max_pool, min_pool
from jaxpool._pools.gaussian import gaussian_pool
from jaxpool._pools.logsumexp import lse_pool
from jaxpool._pools.mixed import gated_pool, mixed_pool
from jaxpool._pools.moments import std_pool, var_pool
from jaxpool._pools.order import median_pool, quantile_pool, rank_pool, topk_pool
from jaxpool._pools.power import lp_pool, power_mean_pool
from jaxpool._pools.reduce import pool as reducing_pool
from jaxpool._pools.softmax import softmax_pool
from jaxpool._pools.weighted import weighted_avg_pool
from jaxpool._tiles.arrays import chunks_of, given_targets, opened, path_of
from jaxpool._tiles.journal import Journal, described
from jaxpool._tiles.plan import planned
from jaxpool._tiles.programs import Result, Tiling, spec_of
from jaxpool._tiles.run import run, shown
from jaxpool.typing import Ints, Padding, PaddingMode, WindowShape

_INDEXED = (max_pool_with_argmax, min_pool_with_argmin)
_POOLS: tuple[Callable[..., Any], ...] = (
    *(max_pool, min_pool, avg_pool, sum_pool, *_INDEXED, lp_pool, power_mean_pool, var_pool, std_pool),
    *(median_pool, quantile_pool, rank_pool, topk_pool, softmax_pool, lse_pool, weighted_avg_pool, mixed_pool),
    *(blur_pool, gaussian_pool, ada_pool, concat_pool, gated_pool, reducing_pool),
)
_NAMES = [function.__name__ for function in _POOLS]
# What is read tile by tile beside the mask, and whose features stay together.
_PLACED = {"softmax_pool": ("logits",), "weighted_avg_pool": ("weights",)}
_JOINING = ("concat_pool", "gated_pool")
_REFUSED = {
    "stochastic_pool": "Its random numbers are those of one whole array. Pool the parts with keys of their own.",
    "local_maxima": "Compare the array with max_pool of it, pooled in tiles with strides=1 and padding='SAME'.",
    "pooled_mask": "Pool the mask with max_pool, or with min_pool for windows that are wholly valid.",
    "windows": "Its result is larger than the array; use it on parts.",
    "partial": "Pass the function itself, and its arguments to pool_tiles.",
}
Progress = bool | Callable[[int, int], object]


@explained
def pool_tiles(
    pool: Callable[..., Any],
    source: Any,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    out: Any = None,
    memory: int = 1 << 28,
    tile_shape: Sequence[int | None] | None = None,
    journal: str | os.PathLike[str] | bool = False,
    progress: Progress = False,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    where: Any = None,
    **arguments: Any,
) -> Any:
    """Pools an array that is larger than memory, tile by tile. Strides default to 1.

    The array is read in parts: from `numpy.memmap`, zarr, h5py, TensorStore, or anything with `shape`, `dtype` and
    slices. Each tile is read with the elements that its windows share with other tiles, pooled, and written. The result
    equals that of the whole array: bit for bit for maxima, minima, order statistics and indices. Sums may differ by
    rounding, as XLA may add in another order. Only the outer borders are padded.

    Args:
      pool: `jaxpool.max_pool`, or any other pool with windows and without random numbers.
      source: array of shape `(*batch, *spatial, features)`, read in slices by a second thread, one tile ahead.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode: as in `jaxpool.max_pool`.
      out: where the results go. None for a new NumPy array; the path of a new `.npy` file; or anything with `shape`,
        `dtype` and `__setitem__`. For pools with indices, a tuple of two of these.
      memory: the bytes that tiles may take, by default 256 MiB: the inputs of this tile and the next, the results,
        and XLA's temporaries. JAX itself, compiled programs and a store's buffers for decompression come on top. Pages
        of mapped files are given back after each tile.
      tile_shape: how many results a tile has along each axis, None for all of an axis. By default as many as fit into
        `memory`, in whole chunks of `out` if it has any.
      journal: a file in which finished tiles are noted. After an interruption, the same call goes on where it was. True
        for a file beside `out`, whose name ends in `.tiles`. A tile is noted once its results are in their file. The
        journal is deleted at the end. Changes of `source` are not detected.
      progress: True for a progress bar, which needs rich; or a function of two integers, how many tiles are done and
        how many there are.
      where: array of booleans, read in slices as `source` is, with as many axes, each of the same size or of size 1.
      **arguments: what else the pool takes, such as `count_include_pad` or `index_convention`. The `weights` of
        `weighted_avg_pool` and the `logits` of `softmax_pool` are read in slices, too.

    Returns:
      `out` itself, a new NumPy array for None, or a `numpy.memmap` for a path; a tuple of two for pools with indices.
      Indices count places in the whole array. They are int32, or int64 in planes of 2**31 elements and more, with or
      without `jax_enable_x64`.

    Raises:
      TypeError, ValueError: what the pool raises, in its own name; a pool that cannot be tiled; an array without
        slices; an `out` that does not fit; too little memory for one window; a journal of another call.
      ImportError: `progress=True` without rich.

    Derivatives: none. It is a loop over files, which no JAX transformation goes through.

    Tiles along an axis have at most four kinds: the first, the last, the last but one, the others. One program is
    compiled for each combination of kinds that there is.

    Example:
      >>> import numpy as np, jaxpool
      >>> volume = np.arange(4096, dtype=np.float32).reshape(16, 16, 16, 1)
      >>> small = jaxpool.pool_tiles(jaxpool.max_pool, volume, (3, 3, 3), 2, "SAME", memory=20_000)
      >>> np.array_equal(small, jaxpool.max_pool(volume, (3, 3, 3), 2, "SAME"))
      True
    """
    named = {"window_shape": window_shape, "strides": strides, "window_dilation": window_dilation}
    arguments = named | {"channel_axis": channel_axis} | arguments
    if not any(pool is known for known in _POOLS):
        refuse_pool(pool, _NAMES, _REFUSED)
    check_progress(progress)
    check_source("source", source)
    arrays = {"inputs": source}
    for name in ("where", *_PLACED.get(pool.__name__, ())):
        value = where if name == "where" else arguments.pop(name, None)
        if value is not None:
            check_source(name, value)
            arrays[name] = value
    borders = {"padding": padding, "ceil_mode": ceil_mode, "padding_mode": padding_mode}
    tiling = _tiling(pool, arrays, arguments, borders)
    shapes, dtypes = [result.shape for result in tiling.results], [result.dtype for result in tiling.results]
    given = given_targets(out, shapes, dtypes)
    call = _call_of(tiling, pool, arguments, borders)
    log = _journal_of(journal, given[0])
    started = log is not None and log.goes_on(call)
    wanted = tile_shape if log is None or log.call is None or tile_shape is not None else log.call["tile_shape"]
    sizes, programs = planned(tiling, _chunks(tiling, given[0]), check_memory(memory), wanted)
    targets = [opened(*target, started) for target in zip(given, shapes, dtypes, strict=True)]
    if log is not None:
        log.begin(call | {"tile_shape": sizes})
    with shown(progress, pool.__name__) as show:
        run(tiling, sizes, programs, targets, log, show)
    return targets[0] if len(targets) == 1 else tuple(targets)


def _tiling(
    pool: Callable[..., Any], arrays: dict[str, Any], arguments: dict[str, Any], borders: dict[str, Any]
) -> Tiling:
    """What is to be done, once the pool has checked its arguments on the whole array."""
    shape = tuple(arrays["inputs"].shape)
    specs = {name: spec_of(array) for name, array in arrays.items()}
    convention = None
    if pool in _INDEXED:
        # Places in the array are made of places in the window.
        convention = arguments.get("index_convention", "spatial")
        check_option("index_convention", convention, INDEX_CONVENTIONS)
        arguments = arguments | {"index_convention": "window"}
    found = jax.eval_shape(lambda arrays: pool(**arrays, **arguments, **borders), specs)
    names = ("window_shape", "strides", "window_dilation", "channel_axis")
    window = pooling_window(
        shape,
        **WindowArguments(**{name: arguments[name] for name in names}, **borders)._asdict(),
        padding_is_empty=False,
    )
    counts = window.output_shape(shape)
    results = [_result(leaf.shape, leaf.dtype, counts) for leaf in jax.tree.leaves(found)]
    if convention not in (None, "window"):
        sizes = [part.size for part in window.parts]
        last = max(sizes) if convention == "coordinates" else math.prod(sizes)
        dtype = np.dtype("int32" if last < 1 << 31 else "int64")
        more = (len(sizes),) if convention == "coordinates" else ()
        results[1] = _result((*results[1].shape, *more), dtype, counts)
    bound = functools.partial(pool, **arguments)
    mode = check_padding_mode(borders["padding_mode"])
    channel = feature_axis(shape, arguments["channel_axis"])
    joined = channel is not None and _joins(pool, arguments, shape, window.axes, channel)
    whole = (channel,) if channel is not None and joined else ()
    return Tiling(bound, arrays, specs, window, counts, mode, convention, tuple(results), whole)


def _chunks(tiling: Tiling, target: Any) -> tuple[int, ...]:
    """The outputs of a chunk of the target along each axis, or where it has none, of a chunk of the source."""
    rank = len(tiling.counts)
    chunks = chunks_of(target, rank)
    if max(chunks) > 1:
        return chunks
    steps = {part.axis: part.stride for part in tiling.window.parts}
    return tuple(
        max(chunk // steps.get(axis, 1), 1) for axis, chunk in enumerate(chunks_of(tiling.arrays["inputs"], rank))
    )


def _result(shape: tuple[int, ...], dtype: Any, counts: tuple[int, ...]) -> Result:
    return Result(shape, np.dtype(dtype), math.prod(shape) // max(math.prod(counts), 1))


def _joins(
    pool: Callable[..., Any],
    arguments: dict[str, Any],
    shape: tuple[int, ...],
    axes: tuple[int, ...],
    channel: int | None,
) -> bool:
    """Whether a tile needs all features, as they meet in the pool or have arguments of their own."""
    joins = pool.__name__ in _JOINING
    for name, value in arguments.items():
        if hasattr(value, "shape") and hasattr(value, "dtype") and pool is not gated_pool:
            check_joined(name, value, shape, axes, channel)
            joins = joins or math.prod(value.shape) > 1
    return joins


def _call_of(
    tiling: Tiling, pool: Callable[..., Any], arguments: dict[str, Any], borders: dict[str, Any]
) -> dict[str, Any]:
    """What tells a call from others, for the journal."""
    call = {"pool": pool.__name__} | {name: described(value) for name, value in (arguments | borders).items()}
    for name, array in tiling.arrays.items():
        call[name] = f"{numpy_dtype(array)}{list(array.shape)}"
    return call | {"results": [f"{result.dtype}{list(result.shape)}" for result in tiling.results]}


def _journal_of(journal: Any, target: Any) -> Journal | None:
    if journal is False or journal is None:
        return None
    if target is None:
        refuse_fleeting(journal)
    if isinstance(journal, str | os.PathLike):
        return Journal(Path(journal))
    place = path_of(target) if journal is True else None
    if place is None:
        refuse_unplaced(journal)
    return Journal(place.with_name(f"{place.name}.tiles"))
