"""The loop over the tiles."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from jaxpool._tiles.arrays import flush, write
from jaxpool._tiles.journal import Journal
from jaxpool._tiles.programs import Tile, Tiling


@contextlib.contextmanager
def shown(progress: Any, name: str) -> Generator[Callable[[int, int], object]]:
    """What is called with the tiles that are done and all of them."""
    if progress is not True:
        yield progress if callable(progress) else lambda _, __: None
        return
    try:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
    except ImportError as error:
        text = (
            "pool_tiles: progress=True needs rich, which cannot be imported here. Install it with `pip install rich`."
        )
        raise ImportError(text) from error
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    with Progress(*columns) as bar:
        task = bar.add_task(f"{name}, tiles")
        yield lambda done, total: bar.update(task, completed=done, total=total)


def run(
    tiling: Tiling,
    sizes: Sequence[int],
    programs: dict[Any, Any],
    targets: Sequence[Any],
    log: Journal | None,
    show: Callable[[int, int], object],
) -> None:
    """Reads, pools and writes all tiles that are not done, the next one being read meanwhile."""
    total = tiling.number(sizes)
    done = log.done if log is not None else set[int]()
    ahead = ((number, tile) for number, tile in enumerate(tiling.tiles(sizes)) if number not in done)
    finished = total - sum(1 for number in range(total) if number not in done)
    show(finished, total)

    # One for the tile that is pooled, one for the next.
    rooms = itertools.cycle([tiling.rooms(sizes) for _ in range(min(total, 2))])

    def load(tile: Tile) -> dict[str, np.ndarray]:
        return tiling.read(tile, next(rooms))

    with ThreadPoolExecutor(1) as reader:
        coming = next(ahead, None)
        loading = None if coming is None else reader.submit(load, coming[1])
        while coming is not None and loading is not None:
            number, tile = coming
            # Now, even where the call stands in a function that is being traced.
            with jax.ensure_compile_time_eval():
                on_device = jax.block_until_ready(jax.device_put(loading.result()))
            coming = next(ahead, None)
            # Only now, when what is in the other room has been pooled.
            loading = None if coming is None else reader.submit(load, coming[1])
            values = [np.asarray(value) for value in programs[tiling.kind(tile)](on_device)]
            del on_device
            if tiling.index_convention is not None:
                values[1] = tiling.indices(values[1], tile)
            while values:
                write(targets[-len(values)], tiling.place(tile), values.pop(0))
            if log is not None:
                for target in targets:
                    flush(target)
                log.add(number)
            finished += 1
            show(finished, total)
    for target in targets:
        flush(target)
    if log is not None:
        log.end()
