"""Pools that nobody chose: drawn by a seed, to find where an algorithm tuned on named workloads is slow."""

from __future__ import annotations

import itertools
import math
import random
import re

from benchmarks.workloads import Workload

ELEMENTS = (10**5, 8 * 10**6)
_MOST_CHANNELS = 512
_MOST_TAPS = 512


def draw(seed: int, count: int, elements: tuple[int, int] = ELEMENTS, first: int = 0) -> tuple[Workload, ...]:
    """The pools with the numbers from `first` on; each depends on the seed, its number and the bounds of elements.

    Max and average pools in one to three dimensions, 1 to 512 channels (as many small numbers as large ones), first or
    last, windows of 2 to 11 elements along an axis and at most 512 in all, stride 1, 2 or the window, with and without
    padding, in f32 or bf16, on inputs with so many elements as the bounds say.
    """
    return tuple(_draw(seed, number, elements) for number in range(first, first + count))


def drawn_as(name: str) -> Workload | None:
    """The pool of a name that `draw` gave with the usual bounds of elements; None for any other name."""
    found = re.fullmatch(r"random-(\d+)-(\d+)", name)
    return _draw(int(found[1]), int(found[2]), ELEMENTS) if found else None


def _draw(seed: int, number: int, bounds: tuple[int, int]) -> Workload:
    rng = random.Random(f"{seed} {number}")
    while True:
        drawn = _attempt(rng, f"random-{seed}-{number}", bounds)
        low, high = bounds
        if (
            low <= math.prod(drawn.shape) <= high
            and drawn.taps <= _MOST_TAPS
            and all(size >= taps for size, taps in zip(drawn.plane, drawn.window, strict=True))
        ):
            return drawn


def _attempt(rng: random.Random, name: str, bounds: tuple[int, int]) -> Workload:
    pool = rng.choice(("max", "max", "avg"))
    rank = rng.choices((1, 2, 3), (25, 55, 20))[0]
    mixed = rng.random() < 0.4
    window = tuple(rng.randint(2, 11) for _ in range(rank)) if mixed else (rng.randint(2, 11),) * rank
    step = rng.choice(("1", "2", "window"))
    strides = window if step == "window" else (int(step),) * rank
    padding = ((0, 0),) * rank
    if rng.random() < 0.5:
        padding = tuple((pad, pad) for pad in (rng.randint(0, taps // 2) for taps in window))
        if rng.random() < 0.3:
            padding = tuple((low, rng.randint(0, taps // 2)) for (low, _), taps in zip(padding, window, strict=True))
    channels = round(2 ** rng.uniform(0, math.log2(_MOST_CHANNELS)))
    batch = rng.choice((1, 2, 4, 8, 16, 32))
    elements = 10 ** rng.uniform(*map(math.log10, bounds))
    side = (elements / batch / channels) ** (1 / rank)
    plane = [max(1, round(side * rng.uniform(0.75, 1.3))) for _ in range(rank)]
    first = rng.random() < 0.25
    return Workload(
        name=name,
        source="at random",
        pool=pool,
        shape=(batch, channels, *plane) if first else (batch, *plane, channels),
        window=window,
        strides=strides,
        padding=padding,
        channel_axis=1 if first else -1,
        dtypes=(rng.choice(("float32", "bfloat16")),),
        tags=("random",),
    )


def describe(workload: Workload) -> str:
    """A pool in a few words: "max 7x7 stride 7, 2x113x148x12"."""

    def times(sizes: tuple[int, ...]) -> str:
        return "x".join(map(str, sizes))

    layout = "" if workload.channel_axis == -1 else " channels first"
    inputs = f"{times(workload.shape)}{layout}"
    if workload.pool not in ("max", "avg"):
        return f"{workload.pool} {times(workload.window)}, {inputs}"
    strides = str(workload.strides[0]) if len(set(workload.strides)) == 1 else times(workload.strides)
    padded = any(itertools.chain(*workload.pairs))
    pads = " pad " + ",".join(str(low) if low == high else f"{low}:{high}" for low, high in workload.pairs)
    counted = "" if workload.count_include_pad else " not counted"
    dilation = f" dilation {workload.dilation}" if workload.dilation != 1 else ""
    return f"{workload.pool} {times(workload.window)} stride {strides}{(pads + counted) * padded}{dilation}, {inputs}"
