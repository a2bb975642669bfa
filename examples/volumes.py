"""Pools a volume that is larger than the memory it may take, is interrupted, and goes on where it was.

A scan of 384 x 384 x 384 voxels, 216 MiB, is written to a file: bright cells in noise. `jaxpool.pool_tiles` takes
the maxima of windows of 3 x 3 x 3 voxels, two voxels apart, in 32 MiB. The first run is stopped halfway. The second
one finds the journal beside the result and reads only what is missing. In the end, some blocks of the result are
compared with the pool of the same voxels in memory.

Run `pip install rich`, then `python examples/volumes.py`. Nothing stays on the disk, unless a folder is named.
"""

from __future__ import annotations

import contextlib
import functools
import sys
import tempfile
from pathlib import Path

import numpy as np

import jaxpool

SIZE, CELLS, RADIUS = 384, 400, 6
WINDOW, MEMORY = (3, 3, 3), 32 * 2**20


def write_scan(path: Path, size: int) -> np.ndarray:
    """A volume of noise and round cells in a file, which is opened for reading."""
    rng = np.random.default_rng(0)
    volume = np.lib.format.open_memmap(path, "w+", np.float32, (size, size, size, 1))
    for z in range(size):
        volume[z] = rng.normal(0, 0.1, (size, size, 1))
    ball = sum(axis**2 for axis in np.ogrid[(slice(-RADIUS, RADIUS + 1),) * 3]) <= RADIUS**2
    for place in rng.integers(RADIUS, size - RADIUS, (CELLS, 3)):
        part = tuple(slice(p - RADIUS, p + RADIUS + 1) for p in place)
        volume[(*part, 0)] += ball * rng.uniform(0.5, 1.5)
    volume.flush()
    return np.load(path, mmap_mode="r")


def stop_halfway(done: int, total: int) -> None:
    """What a power cut does."""
    if done == total // 2:
        raise KeyboardInterrupt(f"stopped after {done} of {total} tiles")


def differences(volume: np.ndarray, pooled: np.ndarray, blocks: int = 20) -> int:
    """How many results of some blocks are not those of the pool of that block in memory."""
    rng, wrong = np.random.default_rng(1), 0
    for start in rng.integers(1, pooled.shape[0] - 9, (blocks, 3)):
        # "SAME" with an even size pads at the end only: output o reads voxels 2 o to 2 o + 2.
        read = tuple(slice(2 * s, 2 * s + 17) for s in start)
        expected = jaxpool.max_pool(np.asarray(volume[read]), WINDOW, 2)
        wrong += int((pooled[tuple(slice(s, s + 8) for s in start)] != expected).sum())
    return wrong


def main(folder: Path, size: int = SIZE, memory: int = MEMORY) -> int:
    """Writes, pools, stops, goes on, compares; returns how many results differ."""
    volume = write_scan(folder / "scan.npy", size)
    out = folder / "small.npy"
    print(f"The scan has {volume.nbytes / 2**20:.0f} MiB, and tiles may take {memory / 2**20:.0f} MiB.")
    run = functools.partial(jaxpool.pool_tiles, jaxpool.max_pool, volume, WINDOW, 2, "SAME", memory=memory)
    with contextlib.suppress(KeyboardInterrupt):
        run(out=out, journal=True, progress=stop_halfway)
    print("Stopped. The journal has", len(Path(f"{out}.tiles").read_text().splitlines()) - 1, "finished tiles.")
    pooled = run(out=out, journal=True, progress=True)
    wrong = differences(volume, pooled)
    print(f"{volume.shape} became {pooled.shape}; of 20 blocks compared, {wrong} results differ.")
    return wrong


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else temporary)) > 0)
