"""An element of whole planes at a rank, and its place: by a sort and by counting, in turns.

`python -m benchmarks.ranks --output ranks.json` runs on the CPU. The choice there rests on its result.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxpool._geometry import AxisWindow, Window
from jaxpool._lowerings import order, ranks

# The middle elements along the axes: of many planes, of few, and of one.
CASES: list[tuple[tuple[int, ...], tuple[int, ...]]] = [
    ((8, 28, 28, 256), (1, 2)),
    ((8, 256, 28, 28), (2, 3)),
    ((1, 112, 112, 64), (1, 2)),
    ((8, 7, 7, 1024), (1, 2)),
    ((8, 2000, 16), (1,)),
    *(((planes, size), (1,)) for size in (4, 16, 64, 256, 1024) for planes in (1, 16, 256)),
]
DTYPES = ("float32", "bfloat16", "int8")
CONTENDERS: dict[str, Callable[..., Array]] = {"sort": order.ranked_places, "count": ranks.ranked_places}


def measured(shape: tuple[int, ...], axes: tuple[int, ...], dtype: str, samples: int) -> list[dict[str, Any]]:
    """One record of each contender: milliseconds, and seconds to compile."""
    x = jnp.asarray(np.random.default_rng(0).standard_normal(shape, np.float32) * 30, dtype)
    window = Window(tuple(AxisWindow(axis, shape[axis], 1, 1, 1, 0, 0, 1) for axis in axes))
    middle = int(np.prod([shape[axis] for axis in axes])) // 2
    rank = jnp.full((1,) * len(shape), middle, jnp.int32)
    records: list[dict[str, Any]] = []
    programs: list[Any] = []
    for name, function in CONTENDERS.items():
        program = jax.jit(function, static_argnames=("window", "dtype", "descending"))
        begin = time.perf_counter()
        programs.append(program.lower(x, rank, window=window, dtype="int32", descending=False).compile())
        compiled = round(time.perf_counter() - begin, 3)
        records.append({"shape": shape, "axes": axes, "dtype": dtype, "contender": name, "compile_s": compiled})
    found = [np.asarray(program(x, rank)) for program in programs]
    np.testing.assert_array_equal(found[0], found[1])
    # A sample takes some milliseconds at least, as a call has a cost of its own.
    repeats = max(1, min(100, 100_000 // x.size))
    seconds: list[list[float]] = [[] for _ in programs]
    for turn in range(samples):
        for number in range(len(programs))[:: 1 if turn % 2 else -1]:
            begin = time.perf_counter()
            for _ in range(repeats):
                jax.block_until_ready(programs[number](x, rank))
            seconds[number].append((time.perf_counter() - begin) / repeats)
    for record, own in zip(records, seconds, strict=True):
        record |= {"median_ms": round(statistics.median(own) * 1e3, 4), "least_ms": round(min(own) * 1e3, 4)}
    return records


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ranks", description=__doc__)
    parser.add_argument("--dtypes", nargs="+", choices=DTYPES, default=list(DTYPES))
    parser.add_argument("--samples", type=int, default=7)
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE.json")
    options = parser.parse_args(arguments)
    records: list[dict[str, Any]] = []
    for dtype in options.dtypes:
        for shape, axes in CASES:
            own = measured(shape, axes, dtype, options.samples)
            records += own
            times = "  ".join(f"{record['contender']} {record['median_ms']:10.3f} ms" for record in own)
            print(f"{dtype:10} {'x'.join(map(str, shape)):16} {times}", flush=True)
            if options.output:
                result = {"device": jax.devices()[0].device_kind, "jax": jax.__version__, "samples": options.samples}
                rows = ",\n".join(f" {json.dumps(record)}" for record in records)
                head = json.dumps(result)[:-1]
                options.output.write_text(f'{head}, "records": [\n{rows}\n]}}\n')


if __name__ == "__main__":
    main()
