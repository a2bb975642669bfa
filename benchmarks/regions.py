"""Pools of regions beside a plain gather: times, and the memory that the compiler says they need.

`python -m benchmarks.regions --output regions.json` runs on the default device. `--memory` compiles and runs nothing.
"""

from __future__ import annotations

import argparse
import functools
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

import jaxpool
from benchmarks.records import rounded

BINS, RATIO = (7, 7), 2
# Pictures, height, width, features, boxes of each picture.
CASES = {
    "small": (1, 25, 42, 64, 16),
    "head": (2, 50, 84, 256, 256),
    "stride-4": (1, 200, 336, 256, 1000),
}
MODES = ("forward", "by inputs", "by inputs and boxes")


def gathered(x: Array, boxes: Array) -> Array:
    """RoIAlign of aligned boxes as most programs have it: four elements are read for every sample."""
    height, width, _ = x.shape

    def corners(low: Array, length: Array, bins: int, size: int) -> tuple[Array, Array, Array, Array]:
        places = low + (jnp.arange(bins * RATIO) + 0.5) * length / (bins * RATIO)
        inside = (places >= -1) & (places <= size)
        places = jnp.clip(places, 0, size - 1)
        first = jnp.floor(places).astype(jnp.int32)
        return first, jnp.minimum(first + 1, size - 1), places - first, inside

    def of_box(box: Array) -> Array:
        left, top, right, bottom = box - 0.5
        up, down, share, real = corners(top, bottom - top, BINS[0], height)
        rows = [(up, jnp.where(real, 1 - share, 0)), (down, jnp.where(real, share, 0))]
        before, after, share, real = corners(left, right - left, BINS[1], width)
        columns = [(before, jnp.where(real, 1 - share, 0)), (after, jnp.where(real, share, 0))]
        total = sum(
            x[row[:, None], column[None]] * (down_share[:, None] * share[None])[..., None]
            for row, down_share in rows
            for column, share in columns
        )
        return jnp.asarray(total).reshape(BINS[0], RATIO, BINS[1], RATIO, -1).mean((1, 3))

    return jax.vmap(of_box)(boxes)


CONTENDERS: dict[str, Callable[[Array, Array], Array]] = {
    "gather": jax.vmap(gathered),
    "roi_align": functools.partial(jaxpool.roi_align, output_size=BINS, sampling_ratio=RATIO, aligned=True),
    "roi_align, adaptive": functools.partial(jaxpool.roi_align, output_size=BINS, aligned=True),
    "roi_pool": functools.partial(jaxpool.roi_pool, output_size=BINS),
}


def program(pool: Callable[[Array, Array], Array], mode: str) -> Callable[[Array, Array], Any]:
    """What is compiled for a mode: values, or the gradient of half their squares."""
    if mode == "forward":
        return pool
    arguments = 0 if mode == "by inputs" else (0, 1)
    return jax.grad(lambda x, boxes: jnp.sum(pool(x, boxes) ** 2) / 2, arguments)


def arrays(case: str) -> tuple[Array, Array]:
    """Features, and boxes of many sizes."""
    pictures, height, width, features, count = CASES[case]
    rng = np.random.default_rng(0)
    x = rng.standard_normal((pictures, height, width, features), np.float32)
    sizes = np.exp(rng.uniform(np.log(4), np.log(min(height, width)), (pictures, count, 2)))
    middles = rng.uniform(0, (width, height), (pictures, count, 2))
    boxes = np.concatenate([middles - sizes / 2, middles + sizes / 2], -1)
    return jnp.asarray(x), jnp.asarray(boxes, jnp.float32)


def measured(case: str, contender: str, mode: str, samples: int) -> dict[str, Any]:
    """One record: bytes that the compiler tells, and the seconds of every sample."""
    x, boxes = arrays(case)
    compiled = jax.jit(program(CONTENDERS[contender], mode)).lower(x, boxes).compile()
    memory: Any = compiled.memory_analysis()
    record: dict[str, Any] = {"case": case, "contender": contender, "mode": mode}
    record |= {
        "input_bytes": x.nbytes + boxes.nbytes,
        "output_bytes": memory.output_size_in_bytes,
        "temporary_bytes": memory.temp_size_in_bytes,
    }
    seconds: list[float] = []
    if samples:
        jax.block_until_ready(compiled(x, boxes))
    for _ in range(samples):
        begin = time.perf_counter()
        jax.block_until_ready(compiled(x, boxes))
        seconds.append(rounded(time.perf_counter() - begin))
    return record | {"seconds": seconds}


def one_line_each(result: dict[str, Any]) -> str:
    """The result as JSON, a line for each record."""
    lines = ",\n".join(json.dumps(record, separators=(",", ":")) for record in result["records"])
    return f"{json.dumps({**result, 'records': []})[:-2]}\n{lines}\n]}}\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.regions", description=__doc__)
    parser.add_argument("--cases", nargs="+", choices=list(CASES), default=list(CASES))
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--contenders", nargs="+", choices=list(CONTENDERS), default=list(CONTENDERS))
    parser.add_argument("--samples", type=int, default=5)
    parser.add_argument("--memory", action="store_true", help="compile, and run nothing")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE.json")
    options = parser.parse_args(arguments)
    records: list[dict[str, Any]] = []
    for case in options.cases:
        for mode in options.modes:
            for contender in options.contenders:
                record = measured(case, contender, mode, 0 if options.memory else options.samples)
                records.append(record)
                middle = statistics.median(record["seconds"]) * 1e3 if record["seconds"] else float("nan")
                megabytes = record["temporary_bytes"] / 1e6
                print(f"{case:10} {mode:20} {contender:20} {middle:10.2f} ms {megabytes:8.1f} MB", flush=True)
                if options.output:
                    result = {"device": jax.devices()[0].device_kind, "jax": jax.__version__, "records": records}
                    options.output.write_text(one_line_each(result))


if __name__ == "__main__":
    main()
