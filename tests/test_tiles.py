"""Pools of arrays larger than memory: tiles beside the whole, stores, the budget, and runs that go on."""

import itertools
import json
import math
import os
import pathlib
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from example_files import loaded
from hypothesis import given, settings
from test_geometry import AXIS, real_taps, window_of

import jaxpool
from jaxpool._geometry import AxisWindow, Window
from jaxpool._geometry.tiles import axis_tiles, source_places, tile_sizes
from jaxpool._tiles import pools as tiles
from jaxpool._tiles.programs import Tiling

ROOT = pathlib.Path(__file__).parents[1]
VOLUME = np.random.default_rng(0).integers(-40, 40, (2, 9, 10, 11, 2)).astype(np.float32)
IMAGES = np.random.default_rng(1).normal(size=(2, 13, 12, 3)).astype(np.float32)


def together(found, expected, exact=True):
    """Compares results, one or several, bit by bit or to rounding."""
    found, expected = jax.tree.leaves(found), jax.tree.leaves(expected)
    for got, wanted in zip(found, expected, strict=True):
        assert got.dtype == wanted.dtype
        assert got.shape == wanted.shape
        if exact:
            np.testing.assert_array_equal(got, wanted)
        else:
            np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


class Lazy:
    """An array that is read in slices, which are counted."""

    def __init__(self, array):
        self.array, self.shape, self.dtype, self.reads = array, array.shape, array.dtype, []

    def __getitem__(self, slices):
        self.reads.append(slices)
        return self.array[slices]


# -------------------------------------------------------------------------------------------------- integers of tiles


@settings(max_examples=300, deadline=None)
@given(AXIS)
def test_windows_of_tiles_are_those_of_the_axis(axis):
    size, taps, stride, dilation, low, high, ceil_mode = axis
    try:
        part = window_of(size, taps, stride, dilation, [(low, high)], ceil_mode)
    except ValueError:
        return
    padded = np.repeat(*np.transpose([(c, n) for n, c in part.padded_counts()]))
    for length in {1, 2, 3, max(part.outputs - 1, 1), part.outputs}:
        # Along another axis, ceil mode may be needed though it is not along this one.
        for tile, forced in itertools.product(axis_tiles(part.outputs, length, part, None), {False, ceil_mode}):
            (piece,) = tile.pieces
            added = tile.ceil_mode or forced
            pads = (tile.low, max(tile.high, 0) if added else tile.high)
            own = window_of(tile.size, taps, stride, dilation, [pads], added)
            assert own.outputs >= tile.stop - tile.start
            if not (added and tile.high < 0):
                assert own.outputs == tile.stop - tile.start
            counts = np.repeat(*np.transpose([(c, n) for n, c in own.padded_counts()]))
            for o in range(tile.start, tile.stop):
                assert real_taps(own, o - tile.start, tile.size) == real_taps(part, o, size)
                assert counts[o - tile.start] == padded[o]
                # The same elements, unless there is none.
                if real_taps(part, o, size):
                    start = (o - tile.start) * stride - tile.low + piece.first
                    assert start == o * stride - low
    assert len({(t.size, t.low, t.high, t.ceil_mode) for t in axis_tiles(part.outputs, part.outputs, part, None)}) == 1


@pytest.mark.parametrize("mode", ["EDGE", "REFLECT", "WRAP", "replicate", "circular"])
def test_padded_places_are_those_of_numpy(mode):
    name = {"replicate": "edge", "circular": "wrap"}.get(mode, mode.lower())
    for size in (1, 2, 7):
        pad = {"reflect": size - 1, "wrap": size}.get(name, 5)
        expected = np.pad(np.arange(size), pad, name)
        assert source_places(np.arange(-pad, size + pad), size, mode).tolist() == expected.tolist()


def test_there_are_few_kinds_of_tiles():
    part = AxisWindow(0, 1001, 9, 2, 3, 30, 30, 519)
    for size in range(1, 519):
        kinds = {(t.size, t.stop - t.start, t.low, t.high) for t in axis_tiles(519, size, part, None)}
        # Padding of several windows makes tiles of one window that are all different.
        assert len(kinds) <= (4 if size > 24 else 40)


def test_axes_are_divided_in_the_order_that_reads_least():
    parts = tuple(AxisWindow(axis, 64, 3, 1, 1, 1, 1, 64) for axis in (1, 2, 3))
    window, counts = Window(parts), (8, 64, 64, 64, 4)

    def cost(sizes):
        return math.prod(sizes)

    def sizes(limit, whole=(), chunks=(1,) * 5):
        return tile_sizes(counts, window, whole, chunks, cost, limit)

    every = math.prod(counts)
    assert sizes(every) == counts
    # The batch, then slabs, which are not made thinner than eight halos; then the next axis.
    assert sizes(every / 8) == (1, 64, 64, 64, 4)
    assert sizes(every / 16) == (1, 32, 64, 64, 4)
    assert sizes(every / 64) == (1, 16, 32, 64, 4)
    assert sizes(16**3 * 2) == (1, 16, 16, 16, 2)
    assert sizes(16**3 * 2, whole=(4,)) == (1, 8, 16, 16, 4)
    assert sizes(2) == (1, 1, 1, 2, 1)
    assert sizes(2, whole=(4,)) is None
    # Whole chunks, and tiles of nearly the same size where there are none.
    assert sizes(every / 8 / 1.5, chunks=(1, 20, 20, 20, 1)) == (1, 40, 64, 64, 4)
    assert sizes(every / 8 / 1.5) == (1, 32, 64, 64, 4)


# ----------------------------------------------------------------------------------------------- beside the whole array

# A pool, its arguments, and whether its results are the same to the last bit.
POOLS = {
    "max_pool": ({}, True),
    "min_pool": ({"empty": 7.0}, True),
    "max_pool_with_argmax": ({}, True),
    "min_pool_with_argmin": ({"index_convention": "coordinates"}, True),
    "avg_pool": ({"count_include_pad": False}, False),
    "sum_pool": ({}, False),
    "lp_pool": ({"p": 3.0}, False),
    "power_mean_pool": ({"p": jnp.asarray([[[[1.5, 2.0, 3.0]]]])}, False),
    "var_pool": ({"ddof": 1}, False),
    "std_pool": ({}, False),
    "median_pool": ({}, True),
    "quantile_pool": ({"q": 0.3, "method": "nearest"}, True),
    "rank_pool": ({"rank": -2}, True),
    "topk_pool": ({"k": 2}, False),
    "softmax_pool": ({"logits": Lazy(IMAGES[::-1, ::-1])}, False),
    "lse_pool": ({"beta": 2.0}, False),
    "weighted_avg_pool": ({"weights": np.abs(IMAGES[..., :1])}, False),
    "mixed_pool": ({"alpha": 0.25}, False),
    "blur_pool": ({"count_include_pad": False}, False),
    "gaussian_pool": ({"normalize": True}, False),
    "ada_pool": ({}, False),
    "concat_pool": ({"order": "max_avg"}, False),
    "gated_pool": ({"weights": jnp.ones((3, 2, 3))}, False),
    "pool": ({"init": 1.0, "reduce_fn": jnp.multiply}, False),
}


def test_every_pool_with_windows_goes_in_tiles_or_says_why_not():
    assert set(POOLS) == {function.__name__ for function in tiles._POOLS}
    windowed = {
        name
        for name in jaxpool.__all__
        if {"window_shape", "padding"} <= set(jaxpool_parameters(name)) and jaxpool_parameters(name)[0] == "inputs"
    }
    others = {"avg_unpool", "max_unpool", "local_maxima", "stochastic_pool", "windows"}
    assert windowed - others == set(POOLS)


def jaxpool_parameters(name):
    code = getattr(jaxpool, name).__wrapped__.__code__
    return code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]


@pytest.mark.most(8)
@pytest.mark.parametrize("name", POOLS)
def test_a_pool_in_tiles_is_the_pool_of_the_whole(name):
    pool = getattr(jaxpool, name)
    arguments, exact = POOLS[name]
    window = {"strides": 2, "padding": ((1, 2), (0, 1)), "ceil_mode": True}
    valid = np.random.default_rng(2).random((2, 13, 12, 1)) < 0.9
    plain = {key: value.array if isinstance(value, Lazy) else value for key, value in arguments.items()}
    for mask in (None, valid) if name in ("max_pool_with_argmax", "avg_pool") else (valid,):
        where = {} if mask is None or name == "gated_pool" else {"where": mask}
        found = jaxpool.pool_tiles(
            pool, Lazy(IMAGES), (3, 2), tile_shape=(1, 3, 6, None), **window, **where, **arguments
        )
        together(found, pool(IMAGES, window_shape=(3, 2), **window, **where, **plain), exact)


GEOMETRIES = {
    "valid": {},
    "same": {"strides": 2, "padding": "SAME"},
    "same lower": {"strides": 3, "padding": "SAME_LOWER"},
    "causal": {"padding": "causal"},
    "ceil": {"strides": (2, 3, 2), "padding": 1, "ceil_mode": True},
    "dilated": {"strides": (1, 2, 1), "padding": 2, "window_dilation": (2, 1, 3)},
    "cropped": {"padding": ((-2, 1), (1, -3), (0, 0)), "strides": 2},
    "far apart": {"strides": 4, "padding": "SAME"},
    "mirrored": {"padding": ((1, 2), (2, 0), (2, 2)), "padding_mode": "REFLECT", "strides": 2},
    "wrapped": {"padding": 2, "padding_mode": "circular", "strides": 2, "ceil_mode": True},
    "edges": {"padding": ((4, -1), (1, 3), (0, 9)), "padding_mode": "EDGE"},
    "channels first": {"channel_axis": 1, "padding": "SAME", "strides": 2},
    "no channels": {"channel_axis": None, "padding": 1},
}


@pytest.mark.most(10)
@pytest.mark.parametrize("name", GEOMETRIES)
@pytest.mark.parametrize("pool", ["max_pool_with_argmax", "avg_pool"])
def test_geometries(name, pool):
    arguments = GEOMETRIES[name]
    volume = np.moveaxis(VOLUME, -1, 1) if name == "channels first" else VOLUME
    # Two axes of three are divided; the programs of three would take long to compile.
    divided = {"channels first": (1, 1, 2, None, 3)}.get(name, (1, 3, None, 4, 1))
    pool = getattr(jaxpool, pool)
    found = jaxpool.pool_tiles(pool, volume, (2, 3, 3), tile_shape=divided, **arguments)
    together(found, pool(volume, (2, 3, 3), **arguments), exact=pool is not jaxpool.avg_pool)


@pytest.mark.parametrize("convention", ["spatial", "window", "coordinates"])
def test_indices_are_those_of_the_whole_array(convention):
    arguments = {"strides": 1, "padding": ((2, 0), (0, 1)), "index_convention": convention}
    for mode in (None, "WRAP"):
        whole = jaxpool.max_pool_with_argmax(IMAGES, (3, 2), padding_mode=mode, **arguments)
        found = jaxpool.pool_tiles(
            jaxpool.max_pool_with_argmax, IMAGES, (3, 2), padding_mode=mode, tile_shape=(1, 5, 4, None), **arguments
        )
        together(found, whole)


def test_axes_of_one_element():
    # Of a mask, which broadcasts, and of inputs, which padding repeats.
    thin, valid = IMAGES[:, :1], np.random.default_rng(3).random((1, 13, 1, 1)) < 0.7
    for tile_shape in [(1, 6, 1, None), (1, 3, 12, None)]:
        found = jaxpool.pool_tiles(jaxpool.max_pool, IMAGES, (1, 2), where=valid, tile_shape=tile_shape)
        together(found, jaxpool.max_pool(IMAGES, (1, 2), where=valid))
    arguments = {"padding": ((2, 1), (0, 0)), "padding_mode": "EDGE"}
    found = jaxpool.pool_tiles(jaxpool.max_pool, thin, (2, 2), tile_shape=(None, 2, 5, None), **arguments)
    together(found, jaxpool.max_pool(thin, (2, 2), **arguments))


def test_a_tile_may_lie_in_padding_alone():
    for padding, ceil_mode in [(((9, 0), (0, 8)), False), (((9, 0), (0, 8)), True), (((7, 3), (0, 0)), True)]:
        arguments = {"strides": (2, 3), "padding": padding, "ceil_mode": ceil_mode}
        found = jaxpool.pool_tiles(jaxpool.sum_pool, IMAGES, (2, 2), tile_shape=(None, 2, 1, None), **arguments)
        together(found, jaxpool.sum_pool(IMAGES, (2, 2), **arguments), exact=False)


@pytest.mark.parametrize("dtype", ["float64", "float16", "bfloat16", "int8", "int64", "bool", ">f4", ">i2"])
def test_dtypes(dtype):
    array = (IMAGES * 9).astype(jnp.dtype(dtype))
    for pool in (jaxpool.max_pool, jaxpool.avg_pool):
        found = jaxpool.pool_tiles(pool, array, (3, 3), 2, 1, tile_shape=(None, 3, None, None))
        exact = pool is jaxpool.max_pool
        np.testing.assert_allclose(
            found.astype(np.float32), pool(array, (3, 3), 2, 1).astype(np.float32), rtol=0 if exact else 1e-2
        )
        assert found.dtype == pool(array, (3, 3), 2, 1).dtype


def test_64_bits():
    with jax.enable_x64(True):
        array = IMAGES.astype(np.float64) / 3
        found = jaxpool.pool_tiles(jaxpool.max_pool, array, (3, 3), 2, 1, tile_shape=(None, 3, None, None))
        together(found, jaxpool.max_pool(array, (3, 3), 2, 1))


class Peaks:
    """A plane of more than 2**31 elements that is nowhere: 0, and 1 in a few places."""

    shape, dtype = (1, 1 << 16, 1 << 16, 1), np.dtype(np.uint8)

    def __init__(self, places):
        self.places = places

    def __getitem__(self, slices):
        found = np.zeros([part.stop - part.start for part in slices], np.uint8)
        for row, column in self.places:
            if all(part.start <= place < part.stop for part, place in zip(slices[1:3], (row, column), strict=True)):
                found[0, row - slices[1].start, column - slices[2].start] = 1
        return found


def test_indices_of_planes_beyond_32_bits():
    step = 1 << 14
    places = [(a * step + 2, b * step + 1) for a in range(4) for b in range(4)]
    arguments = {"strides": step, "tile_shape": (1, 1, 1, 1)}
    values, indices = jaxpool.pool_tiles(jaxpool.max_pool_with_argmax, Peaks(places), (3, 3), **arguments)
    assert values.all()
    assert indices.dtype == np.int64
    assert indices.ravel().tolist() == [row * (1 << 16) + column for row, column in places]


def test_an_empty_batch():
    found = jaxpool.pool_tiles(jaxpool.max_pool, IMAGES[:0], (2, 2), 2, memory=10_000)
    assert found.shape == (0, 6, 6, 3)


@pytest.mark.parametrize("memory", [3_000, 10_000, 50_000])
def test_tiles_of_any_memory(memory, monkeypatch):
    compiled, program = [], Tiling.program
    monkeypatch.setattr(Tiling, "program", lambda self, tile: compiled.append(self.kind(tile)) or program(self, tile))
    source = Lazy(IMAGES)
    found = jaxpool.pool_tiles(jaxpool.max_pool, source, (3, 3), 1, "SAME", memory=memory)
    together(found, jaxpool.max_pool(IMAGES, (3, 3), 1, "SAME"))
    # There are two tiles that are read, and what the source returns.
    largest = max(math.prod(part.stop - part.start for part in slices) for slices in source.reads)
    assert 3 * largest * 4 < memory
    assert len(set(compiled)) <= 16
    # More of them with less memory, but not one element at a time.
    assert len(source.reads) < 100 * IMAGES.nbytes / memory


# ------------------------------------------------------------------------------------------------------------- stores


class Target:
    """What is written in slices."""

    def __init__(self, shape, dtype, chunks=None):
        self.array, self.shape, self.dtype, self.writes = np.zeros(shape, dtype), shape, np.dtype(dtype), []
        if chunks is not None:
            self.chunks = chunks

    def __setitem__(self, slices, values):
        self.writes.append(slices)
        self.array[slices] = values


def test_each_result_is_written_once_and_in_whole_chunks():
    target = Target((2, 13, 12, 3), np.float32, (1, 4, 12, 3))
    jaxpool.pool_tiles(jaxpool.max_pool, IMAGES, (3, 3), 1, "SAME", out=target, memory=8_000)
    together(target.array, jaxpool.max_pool(IMAGES, (3, 3), 1, "SAME"))
    assert len(target.writes) > 2
    assert sum(math.prod(part.stop - part.start for part in slices) for slices in target.writes) == target.array.size
    assert all(part[1].start % 4 == 0 for part in target.writes)


def memmaps(folder):
    np.save(folder / "source.npy", VOLUME)
    return np.load(folder / "source.npy", mmap_mode="r"), lambda shape, dtype: np.lib.format.open_memmap(
        folder / "out.npy", "w+", dtype, shape
    )


def zarrs(folder):
    zarr = pytest.importorskip("zarr", reason="zarr is not installed; `make test-peers` installs it")
    source = zarr.create_array(folder / "source.zarr", data=VOLUME, chunks=(1, 4, 4, 4, 2))

    def create(shape, dtype):
        return zarr.create_array(folder / "out.zarr", shape=shape, dtype=dtype, chunks=(1, 2, 2, 2, 2))

    return source, create


def tensorstores(folder):
    tensorstore = pytest.importorskip("tensorstore", reason="tensorstore is not installed; Flax brings it")

    def create(shape, dtype, name="out"):
        spec = {"driver": "zarr", "kvstore": {"driver": "file", "path": str(folder / name)}}
        return tensorstore.open(spec, create=True, shape=shape, dtype=tensorstore.dtype(dtype)).result()

    source = create(VOLUME.shape, np.float32, "source")
    source[...] = VOLUME
    return source, create


def h5py_sets(folder):
    h5py = pytest.importorskip("h5py", reason="h5py is not installed; Keras brings it")
    file = h5py.File(folder / "all.h5", "w")
    file["source"] = VOLUME
    return file["source"], lambda shape, dtype: file.create_dataset("out", shape, dtype, chunks=True)


def jax_arrays(_):
    return jnp.asarray(VOLUME), np.zeros


@pytest.mark.every_case
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("store", [memmaps, zarrs, tensorstores, h5py_sets, jax_arrays])
def test_stores(store, tmp_path):
    source, create = store(tmp_path)
    expected = jaxpool.max_pool(VOLUME, (3, 3, 3), 2, "SAME")
    out = create(expected.shape, np.float32)
    arguments = {"memory": 20_000, "journal": tmp_path / "journal"}
    found = jaxpool.pool_tiles(jaxpool.max_pool, source, (3, 3, 3), 2, "SAME", out=out, **arguments)
    assert found is out
    together(np.asarray(found[...]), expected)
    assert not (tmp_path / "journal").exists()


def test_paths_become_files_of_numpy(tmp_path):
    out = tmp_path / "values.npy", str(tmp_path / "indices.npy")
    found = jaxpool.pool_tiles(jaxpool.max_pool_with_argmax, IMAGES, (2, 2), 2, out=out, memory=9_000, journal=True)
    assert all(isinstance(array, np.memmap) for array in found)
    expected = jaxpool.max_pool_with_argmax(IMAGES, (2, 2), 2)
    together(found, expected)
    together([np.load(path) for path in out], expected)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["indices.npy", "values.npy"]


def test_a_private_copy_of_a_file_keeps_what_is_written(tmp_path):
    np.save(tmp_path / "source.npy", IMAGES)
    copy = np.load(tmp_path / "source.npy", mmap_mode="c")
    copy[:] = -copy
    found = jaxpool.pool_tiles(jaxpool.max_pool, copy, (2, 2), memory=9_000)
    together(found, jaxpool.max_pool(-IMAGES, (2, 2)))
    np.testing.assert_array_equal(copy, -IMAGES)


# ----------------------------------------------------------------------------------------------------------- the budget

BUDGET = """
import sys
import numpy as np
import jaxpool

class Volume:
    # Nothing of it is in memory but what is asked for.
    dtype = np.dtype(np.float32)
    def __init__(self, shape):
        self.shape = shape
    def __getitem__(self, slices):
        z, y, x, c = (np.arange(part.start, part.stop, dtype=np.float32) for part in slices)
        return np.multiply.outer(np.add.outer(z * 3 % 7, y % 5), np.multiply.outer(x % 11 + 1, c + 1))

class Total:
    dtype = np.dtype(np.float32)
    def __init__(self, shape):
        self.shape, self.total = shape, 0.0
    def __setitem__(self, slices, values):
        self.total += float(values.sum(dtype=np.float64))

def pooled(depth, memory, progress=False):
    shape = (depth, 256, 256, 4)
    out = Total(jaxpool.output_shape(shape, (3, 3, 3), 2, "SAME"))
    jaxpool.pool_tiles(jaxpool.max_pool, Volume(shape), (3, 3, 3), 2, "SAME", out=out, memory=memory)
    return out.total

def peak():
    return next(int(line.split()[1]) << 10 for line in open("/proc/self/status") if line.startswith("VmHWM"))

memory = int(sys.argv[1])
# What JAX itself and a compiler take, before.
pooled(8, 1 << 22)
before = peak()
total = pooled(256, memory)
print(peak() - before, total)
"""


@pytest.mark.slow
@pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="only Linux tells the peak of a process")
def test_a_volume_of_four_times_the_budget_stays_within_it():
    # 256 * 256 * 256 * 4 floats are 256 MiB.
    memory = 64 << 20
    command = [sys.executable, "-c", BUDGET, str(memory)]
    # What is let go of goes back to the system at once, so that the peak is what is in use.
    env = environment() | {"MALLOC_MMAP_THRESHOLD_": "65536"}
    result = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT, env=env)
    more, total = map(float, result.stdout.split())
    assert more < memory
    # The tiles were not so small that the test says nothing.
    assert more > memory / 4
    z, y, x, c = (np.arange(size, dtype=np.float32) for size in (256, 256, 256, 4))
    along = [jaxpool.max_pool(v[:, None], (3,), 2, "SAME")[:, 0] for v in (z * 3 % 7, y % 5, x % 11 + 1)]
    depth, height, width = (np.asarray(v, np.float64) for v in along)
    expected = np.add.outer(depth, height).sum() * width.sum() * (c + 1).sum()
    assert total == pytest.approx(expected, rel=1e-9)


def environment():
    # One device, as a process has it.
    return os.environ | {"XLA_FLAGS": "", "PYTHONPATH": str(ROOT), "JAX_PLATFORMS": "cpu"}


def test_memory_is_what_the_programs_say(monkeypatch):
    needed = []
    bytes_of = Tiling.bytes_of

    def noted(self, tile, program):
        needed.append(bytes_of(self, tile, program))
        return needed[-1]

    monkeypatch.setattr(Tiling, "bytes_of", noted)
    # The first program says that it needs half of the memory more than there is.
    monkeypatch.setattr(Tiling, "cost", lambda _, sizes: math.prod(sizes))
    jaxpool.pool_tiles(jaxpool.median_pool, IMAGES, (3, 3), 1, "SAME", memory=12_000)
    assert needed[0] > 12_000
    assert needed[-1] <= 12_000


# --------------------------------------------------------------------------------------------------- runs that go on

INTERRUPTED = """
import json, os, signal, sys
import numpy as np
import jaxpool

folder, limit = sys.argv[1], int(sys.argv[2])
volume = np.load(folder + "/source.npy", mmap_mode="r")
reads = 0

class Counted:
    shape, dtype = volume.shape, volume.dtype
    def __getitem__(self, slices):
        global reads
        reads += 1
        return volume[slices]

def progress(done, total):
    if done == limit:
        os.kill(os.getpid(), signal.SIGKILL)

out = jaxpool.pool_tiles(
    jaxpool.max_pool_with_argmax, Counted(), (3, 3, 3), 2, 1, memory=15_000, progress=progress, journal=True,
    out=(folder + "/values.npy", folder + "/indices.npy"),
)
print(reads)
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "kill") or sys.platform == "win32", reason="processes are killed otherwise there")
def test_a_killed_run_goes_on_and_loses_no_tile(tmp_path):
    np.save(tmp_path / "source.npy", VOLUME)

    def run(limit):
        command = [sys.executable, "-c", INTERRUPTED, str(tmp_path), str(limit)]
        return subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, env=environment())

    journal = tmp_path / "values.npy.tiles"
    killed = run(5)
    assert killed.returncode < 0, killed.stderr
    lines = journal.read_text().splitlines()
    total = math.prod(
        -(-count // size) for count, size in zip((2, 5, 5, 6, 2), json.loads(lines[0])["tile_shape"], strict=True)
    )
    assert lines[1:] == ["0", "1", "2", "3", "4"]
    # The end of a line that was not written to its end.
    journal.write_text(journal.read_text() + "1")
    killed = run(7)
    assert killed.returncode < 0, killed.stderr
    assert journal.read_text().splitlines()[1:] == list("0123456")
    finished = run(-1)
    assert finished.returncode == 0, finished.stderr
    assert int(finished.stdout) == total - 7
    assert not journal.exists()
    expected = jaxpool.max_pool_with_argmax(VOLUME, (3, 3, 3), 2, 1)
    together([np.load(tmp_path / "values.npy"), np.load(tmp_path / "indices.npy")], expected)


class StopError(Exception):
    """What a user's interruption is here."""


def begun(path, tile=2, **changed):
    """A run that stops after some tiles; again with a journal it goes on."""

    def stop(done, _):
        if done == tile:
            raise StopError

    arguments = {"strides": 2, "padding": "SAME", "out": path, "memory": 4_000, "journal": True, "progress": stop}
    return jaxpool.pool_tiles(jaxpool.avg_pool, IMAGES, (3, 3), **arguments | changed)


def test_a_journal_is_for_one_call_only(tmp_path):
    path = tmp_path / "out.npy"
    with pytest.raises(StopError):
        begun(path)
    journal = tmp_path / "out.npy.tiles"
    other = {"out": np.zeros((2, 13, 12, 3), np.float32), "journal": journal}
    for changed, what in [
        ({"padding": 1}, "padding=1, where the first run had 'SAME'"),
        ({"count_include_pad": False}, "count_include_pad=False, where the first run had None"),
        ({"strides": 1} | other, "strides=1, where the first run had 2"),
        ({"where": IMAGES > 0}, "where=bool[2, 13, 12, 3], where the first run had None"),
        ({"tile_shape": (1, 1, 1, 1)}, "tile_shape=[1, 1, 1, 1], where the first run had [1, "),
    ]:
        with pytest.raises(ValueError, match=r"^pool_tiles: journal must be that of the same call; got ") as error:
            begun(path, **changed)
        assert f"got journal={str(journal)!r} for {what}" in str(error.value)
        assert str(error.value).endswith("Pass the arguments of the first run, or delete the file to begin anew.")
    with pytest.raises(ValueError, match=r"^pool_tiles: memory must be at least \d+; got memory=100 for a tile of "):
        begun(path, memory=100)
    # More memory does not change the tiles, of which some are written.
    source = Lazy(IMAGES)
    tiles_before = json.loads(journal.read_text().splitlines()[0])["tile_shape"]
    total = math.prod(-(-c // s) for c, s in zip((2, 7, 6, 3), tiles_before, strict=True))
    arguments = {"out": path, "memory": 1 << 20, "journal": True}
    found = jaxpool.pool_tiles(jaxpool.avg_pool, source, (3, 3), 2, "SAME", **arguments)
    assert len(source.reads) == total - 2 > 0
    together(found, jaxpool.avg_pool(IMAGES, (3, 3), 2, "SAME"), exact=False)


def test_a_file_that_is_no_journal_is_left_alone(tmp_path):
    other = tmp_path / "notes.txt"
    other.write_text("buy milk\n")
    with pytest.raises(ValueError, match=r"journal must be that of the same call"):
        begun(tmp_path / "out.npy", journal=other)
    assert other.read_text() == "buy milk\n"
    assert not (tmp_path / "out.npy").exists()


def test_a_file_that_is_gone(tmp_path):
    path = tmp_path / "out.npy"
    with pytest.raises(StopError):
        begun(path)
    path.unlink()
    with pytest.raises(
        ValueError, match=r"^pool_tiles: out must exist where a journal says that it was begun; got out="
    ):
        begun(path)


# -------------------------------------------------------------------------------------------------- progress, errors


def test_progress(capsys):
    seen = []
    jaxpool.pool_tiles(
        jaxpool.max_pool, IMAGES, (2, 2), tile_shape=(1, 6, None, None), progress=lambda *c: seen.append(c)
    )
    assert seen == [(done, 4) for done in range(5)]
    pytest.importorskip("rich", reason="the progress bar is that of rich")
    jaxpool.pool_tiles(jaxpool.max_pool, IMAGES, (2, 2), tile_shape=(1, 6, None, None), progress=True)
    assert re.search(r"max_pool, tiles .*4/4", capsys.readouterr().out)


def test_without_rich_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "rich.progress", None)
    with pytest.raises(
        ImportError, match=r"^pool_tiles: progress=True needs rich.* Install it with `pip install rich`\.$"
    ):
        jaxpool.pool_tiles(jaxpool.max_pool, IMAGES, (2, 2), progress=True)


def test_an_error_while_reading_is_the_users_own():
    class Broken(Lazy):
        def __getitem__(self, slices):
            raise OSError("disk")

    with pytest.raises(OSError, match=r"^disk$"):
        jaxpool.pool_tiles(jaxpool.max_pool, Broken(IMAGES), (2, 2))


def test_nothing_is_opened_before_all_is_known(tmp_path):
    path = tmp_path / "out.npy"
    with pytest.raises(ValueError, match="memory must be at least"):
        jaxpool.pool_tiles(jaxpool.max_pool, IMAGES, (3, 3), out=path, memory=10)
    with pytest.raises(ValueError, match=r"^max_pool: window_shape must fit"):
        jaxpool.pool_tiles(jaxpool.max_pool, IMAGES, (30, 3), out=path)
    assert not path.exists()


def test_the_example_is_stopped_goes_on_and_is_right(tmp_path, capsys):
    # The progress bar is that of rich.
    example = loaded("volumes", "rich")
    assert example.main(tmp_path, 48, 1 << 18) == 0
    assert re.search(r"Stopped\. The journal has [1-9]\d* finished tiles\.", capsys.readouterr().out)
    # A wrong result is seen.
    small = np.load(tmp_path / "small.npy")
    assert example.differences(np.load(tmp_path / "scan.npy"), small + 1) > 0
