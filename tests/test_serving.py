"""Serving: every public function in one file for CPU, GPU and TPU, run by a process that cannot import the library."""

import functools
import json
import pathlib
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from example_files import loaded
from jax import export
from table import ROWS

import jaxpool
from jaxpool import morphology

ROOT = pathlib.Path(__file__).parents[1]
PLATFORMS = ("cpu", "cuda", "tpu")
BOX = {"window_shape": (3, 3)}


def indices(function, **arguments):
    """Integers of 0 to 23 as indices in a plane of 4 by 6."""
    return lambda x: function(jnp.abs(x).astype(jnp.int32) % 24, **arguments)


def lengths(x):
    """A length from 0 to 6 for each picture."""
    return jnp.abs(x[:, 0, 0, 0]).astype(jnp.int32) % 7


# What has no row in the shared table, since it has no derivative or is made of what has.
OTHERS = {
    "mask_from_lengths": lambda x: jaxpool.mask_from_lengths(lengths(x), 6),
    "pooled_lengths": lambda x: jaxpool.pooled_lengths(lengths(x), 6, (3,), 2, "SAME"),
    "pooled_mask": lambda x: jaxpool.pooled_mask(x[..., 0] > 0, (2, 2), 2, rule="all"),
    "indices_to_tf": lambda x: indices(jaxpool.indices_to_tf, input_shape=x.shape)(x),
    "indices_from_tf": lambda x: jaxpool.indices_from_tf(jaxpool.indices_to_tf(plane(x), x.shape), x.shape),
    "black_hat": functools.partial(morphology.black_hat, **BOX),
    "closing": functools.partial(morphology.closing, **BOX),
    "morphological_gradient": functools.partial(morphology.morphological_gradient, **BOX),
    "top_hat": functools.partial(morphology.top_hat, **BOX),
    "soft_skeleton": functools.partial(morphology.soft_skeleton, iterations=2),
}


def plane(x):
    return jnp.abs(x).astype(jnp.int32) % 24


# Indices that count over the whole batch depend on its size, which must be known; a batch of 2 is exported.
FIXED = {
    "indices_to_onnx": lambda x: jaxpool.indices_to_onnx(plane(x), x.shape),
    "indices_from_onnx": lambda x: jaxpool.indices_from_onnx(jaxpool.indices_to_onnx(plane(x), x.shape), x.shape),
    "indices_to_tf, whole batch": lambda x: jaxpool.indices_to_tf(plane(x), x.shape, include_batch_in_index=True),
}
# What returns no arrays, and what is a loop over files.
# `halo_exchange` is a part of programs for several devices.
NOT_EXPORTED = {"output_shape", "chosen_implementation", "pool_tiles", "halo_exchange"}


def everything(row):
    """All results of a row, not the values alone."""

    def run(x):
        arrays = {} if row.arrays is None else row.arrays(x.shape)
        return row.pool(x, **row.arguments, **arrays)

    return run


CASES = {row.name: everything(row) for row in ROWS} | OTHERS | FIXED
INPUTS = {row.name: row.inputs for row in ROWS}
# Each share starts one process.
SHARES = 36


def inputs(name, batch):
    shape = (batch, 4, 6, 2)
    return INPUTS[name](shape) if name in INPUTS else np.random.default_rng(2).normal(0, 30, shape).astype(np.float32)


RUN = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("jaxpool", "flax", "tests"):
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Absent())
import json, pathlib
import jax
import jax.export
import numpy as np

try:
    import jaxpool
except ImportError:
    pass
else:
    raise AssertionError("the library can be imported")
folder = pathlib.Path(sys.argv[1])
for name, batches in json.loads((folder / "names.json").read_text()).items():
    exported = jax.export.deserialize(bytearray((folder / f"{name}.model").read_bytes()))
    assert exported.platforms == ("cpu", "cuda", "tpu"), exported.platforms
    for batch in batches:
        results = jax.tree.leaves(exported.call(np.load(folder / f"{name}.{batch}.npy")))
        np.savez(folder / f"{name}.{batch}.npz", *map(np.asarray, results))
assert not {module.split(".")[0] for module in sys.modules} & {"jaxpool", "flax"}
"""


def run_alone(functions, folder):
    """Exports functions, runs the files in one process, and yields the name, what comes out, and what should."""
    (symbol,) = export.symbolic_shape("batch")
    names = {}
    for number, (name, function) in enumerate(functions.items()):
        batches = (2,) if name in FIXED else (1, 3)
        spec = jax.ShapeDtypeStruct((2 if name in FIXED else symbol, 4, 6, 2), np.float32)
        exported = export.export(jax.jit(function), platforms=PLATFORMS)(spec)
        (folder / f"{number}.model").write_bytes(exported.serialize())
        for batch in batches:
            np.save(folder / f"{number}.{batch}.npy", inputs(name, batch))
        names[str(number)] = batches
    (folder / "names.json").write_text(json.dumps(names))
    command = [sys.executable, "-I", "-c", RUN, str(folder)]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    for (name, function), (number, batches) in zip(functions.items(), names.items(), strict=True):
        for batch in batches:
            expected = jax.tree.leaves(jax.jit(function)(inputs(name, batch)))
            with np.load(folder / f"{number}.{batch}.npz") as found:
                yield name, [found[key] for key in found.files], expected


def test_every_public_function_is_exported_or_named():
    public = {*jaxpool.__all__, *morphology.__all__}
    assert {name.partition(",")[0] for name in CASES} == public - NOT_EXPORTED
    assert {*NOT_EXPORTED} <= public


@pytest.mark.later
@pytest.mark.most(4)
@pytest.mark.parametrize("share", range(SHARES))
def test_functions_run_without_the_library(share, tmp_path):
    functions = {name: CASES[name] for name in list(CASES)[share::SHARES]}
    names = set()
    for name, found, expected in run_alone(functions, tmp_path):
        names.add(name)
        assert len(found) == len(expected)
        for got, wanted in zip(found, expected, strict=True):
            assert got.dtype == wanted.dtype, name
            np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5, err_msg=name)
    assert names == set(functions)


@pytest.mark.parametrize("name", FIXED)
def test_indices_over_the_whole_batch_say_that_its_size_must_be_known(name):
    shape = export.symbolic_shape("batch, 4, 6, 2")
    with pytest.raises(ValueError, match=r"^indices_\w+: input_shape must have known sizes; .* without symbolic sizes"):
        export.export(jax.jit(FIXED[name]), platforms=PLATFORMS)(jax.ShapeDtypeStruct(shape, np.float32))


def test_a_loop_over_files_says_that_it_is_none_of_a_program():
    with pytest.raises(TypeError, match=r"^pool_tiles: source must be an array with elements; "):
        export.export(jax.jit(lambda x: jaxpool.pool_tiles(jaxpool.max_pool, x, (2, 2))))(
            jax.ShapeDtypeStruct((1, 4, 6, 2), np.float32)
        )


# ------------------------------------------------------------------------------------- one native window for converters


def program(name, platforms, **arguments):
    """The program of a pool, after a way through a file."""
    shape = export.symbolic_shape("batch, 9, 8, 3")
    pool = functools.partial(getattr(jaxpool, name), window_shape=(3, 3), strides=2, padding="SAME", **arguments)
    exported = export.export(jax.jit(pool), platforms=platforms)(jax.ShapeDtypeStruct(shape, np.float32))
    return export.deserialize(exported.serialize()).mlir_module()


# What converters do not know.
UNKNOWN = re.compile(r"optimization_barrier|stablehlo\.case|custom_call @(?!shape_assertion)")
WINDOW = re.compile(r'= "?stablehlo\.reduce_window"?\(')


@pytest.mark.parametrize("platform", PLATFORMS)
@pytest.mark.parametrize("name", ["max_pool", "min_pool", "avg_pool", "sum_pool"])
def test_the_exported_program_has_one_native_window(name, platform):
    text = program(name, (platform,), implementation="reduce_window")
    assert len(WINDOW.findall(text)) == 1
    assert not UNKNOWN.search(text)
    if platform == "tpu":
        # There it is what runs by default.
        assert len(WINDOW.findall(program(name, (platform,)))) == 1


def test_a_file_for_three_platforms_has_a_native_window_for_each():
    text = program("max_pool", PLATFORMS, implementation="reduce_window")
    assert len(WINDOW.findall(text)) == 3
    assert "stablehlo.case" in text


# ------------------------------------------------------------------------------------------------------------ example


@pytest.mark.later
def test_the_example_runs_and_both_processes_agree(capsys):
    example = loaded("serving")
    assert example.main() == 0
    assert "jaxpool was not imported there" in capsys.readouterr().out
