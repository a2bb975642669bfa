"""What `jax2onnx` makes of pools, run by onnxruntime: the same values, the same indices, and whole networks."""

import functools
import importlib
import warnings

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.extend.core import Primitive
from table import ROWS, ids

import jaxpool
from jaxpool._operators import Plan, extremum, linear, places

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    jax2onnx = pytest.importorskip("jax2onnx", reason="jax2onnx is not installed; `make test-export` installs it")
    onnxruntime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")
    importlib.import_module("jaxpool.onnx")

# The converter's own.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning")


def exported(function, *shapes, **options):
    specs = [shape if isinstance(shape, jax.ShapeDtypeStruct) else tuple(shape) for shape in shapes]
    return jax2onnx.to_onnx(function, specs, **options)


def session(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def run(model, *arrays):
    running = session(model)
    return running.run(None, {node.name: array for node, array in zip(running.get_inputs(), arrays, strict=True)})


def operators(model):
    return sorted(node.op_type for node in model.graph.node)


def assert_same(function, x, tolerance=0.0, **options):
    """Compares dtypes, shapes and values; what is no float, such as indices, must be equal. The model is returned."""
    model = exported(function, jax.ShapeDtypeStruct(x.shape, x.dtype), **options)
    results = run(model, x)
    expected = jax.tree.leaves(function(x))
    assert len(results) == len(expected)
    for result, wanted in zip(results, expected, strict=True):
        assert result.dtype == wanted.dtype
        allowed = tolerance if result.dtype.kind == "f" else 0
        np.testing.assert_allclose(result, np.asarray(wanted), rtol=allowed, atol=allowed)
    return model


def numbers(shape, dtype=np.float32):
    """Few different values, so that maxima are tied, none of them 0 on average."""
    x = np.random.default_rng(0).integers(0, 7, shape) - (0 if np.dtype(dtype).kind in "ub" else 3)
    return x.astype(dtype)


# ----------------------------------------------------------------------------------------------- windows and layouts

GEOMETRIES = {
    "1-D, SAME": ((2, 9, 3), {"window_shape": (3,), "strides": 2, "padding": "SAME"}),
    "1-D, SAME_LOWER, no batch": ((10, 3), {"window_shape": (4,), "strides": 3, "padding": "SAME_LOWER"}),
    "2-D, ceil": ((2, 8, 10, 3), {"window_shape": (3, 3), "strides": 2, "padding": 1, "ceil_mode": True}),
    "2-D, ceil beyond": ((2, 8, 8, 3), {"window_shape": (3, 2), "strides": (3, 5), "ceil_mode": True}),
    "2-D, dilated, channels first": (
        (2, 3, 8, 9),
        {"window_shape": (2, 3), "strides": (1, 2), "padding": 1, "window_dilation": 2, "channel_axis": 1},
    ),
    "2-D, wide padding": ((2, 8, 9, 3), {"window_shape": (2, 2), "padding": (2, 3), "window_dilation": (3, 4)}),
    "2-D, cropped": ((2, 9, 9, 3), {"window_shape": (2, 3), "strides": 2, "padding": ((-2, 1), (1, -3))}),
    "2-D, left over": ((2, 9, 12, 3), {"window_shape": (2, 2), "strides": (7, 5), "padding": ((0, -3), (0, 0))}),
    "2-D, no channels": ((8, 9), {"window_shape": (2, 2), "strides": 2, "channel_axis": None}),
    "2-D, three batch axes": ((2, 1, 3, 6, 5, 2), {"window_shape": (2, 3), "strides": (2, 1)}),
    "2-D, channels between": ((2, 6, 3, 5), {"window_shape": (2, 3), "padding": ((1, 0), (0, 1)), "channel_axis": 2}),
    "3-D": ((2, 5, 6, 7, 2), {"window_shape": (2, 3, 2), "strides": (1, 2, 3), "padding": ((1, 0), (0, 2), (1, 1))}),
    "4-D": ((1, 4, 5, 4, 5, 2), {"window_shape": (2, 3, 2, 1), "strides": (1, 2, 2, 1), "padding": (0, 1, 1, 0)}),
    "the whole plane": ((2, 6, 5, 3), {"window_shape": (6, 5)}),
}
POOLS = {
    "max": jaxpool.max_pool,
    "min": jaxpool.min_pool,
    "argmax": jaxpool.max_pool_with_argmax,
    "argmin": functools.partial(jaxpool.min_pool_with_argmin, index_convention="coordinates"),
    "offsets": functools.partial(jaxpool.max_pool_with_argmax, index_convention="window"),
    "average": jaxpool.avg_pool,
    "average, real": functools.partial(jaxpool.avg_pool, count_include_pad=False),
    "sum": jaxpool.sum_pool,
}


@pytest.mark.parametrize("geometry", GEOMETRIES)
@pytest.mark.parametrize("pool", POOLS)
def test_windows(pool, geometry):
    shape, arguments = GEOMETRIES[geometry]
    assert_same(functools.partial(POOLS[pool], **arguments), numbers(shape), 1e-6)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "bool", "float16"])
@pytest.mark.parametrize("pool", ["max", "argmin", "sum", "average"])
def test_dtypes(pool, dtype):
    x = numbers((2, 6, 7, 3), dtype)
    if dtype in ("int32", "uint32"):
        # Numbers, and sums of them, that float32 does not tell apart.
        x = x + x.dtype.type(2**26)
    pool = functools.partial(POOLS[pool], window_shape=(2, 3), strides=2, padding=((0, 1), (1, 0)))
    assert_same(pool, x, 2**-10 if dtype == "float16" else 1e-6)


@pytest.mark.parametrize("pool", ["max", "argmin", "sum", "average, real"])
def test_64_bits(pool):
    pool = functools.partial(POOLS[pool], window_shape=(2, 3), strides=2, padding=((0, 1), (1, 0)))
    with jax.enable_x64(True):
        assert_same(pool, numbers((2, 6, 7, 3), np.float64) / 3, 1e-15, enable_double_precision=True)
        assert_same(pool, numbers((2, 6, 7, 3), np.int64) + 2**60, 1e-15, enable_double_precision=True)


@pytest.mark.parametrize("pool", POOLS)
def test_symbolic_batches(pool):
    arguments = {"window_shape": (3, 2), "strides": 2, "padding": "SAME"}
    pool = functools.partial(POOLS[pool], **arguments)
    for shape in [("batch", 7, 6, 3), ("batch", 2, "time", 7, 6, 3)]:
        model = exported(pool, shape)
        for size in (1, 3):
            x = numbers([{"batch": size, "time": 2}.get(n, n) for n in shape])
            for result, wanted in zip(run(model, x), jax.tree.leaves(pool(x)), strict=True):
                np.testing.assert_allclose(result, wanted, rtol=1e-6, atol=1e-6)


# --------------------------------------------------------------------------------------- which operators are emitted


@pytest.mark.parametrize("pool", ["max", "average", "average, real"])
@pytest.mark.parametrize("batch", [2, "batch"])
def test_a_pool_is_one_operator(pool, batch):
    operator = "MaxPool" if pool == "max" else "AveragePool"
    pool = functools.partial(POOLS[pool], window_shape=(3, 3), strides=2, padding="SAME")
    if pool.func is jaxpool.avg_pool:
        # Padding counts, and nothing else is divided by.
        assert operators(exported(pool, (batch, 9, 8, 4))) == ["AveragePool", "Transpose", "Transpose"]
    assert operators(exported(pool, (batch, 9, 8, 4))) == sorted(["Transpose", operator, "Transpose"])
    assert operators(exported(functools.partial(pool, channel_axis=1), (batch, 4, 9, 8))) == [operator]


@pytest.mark.parametrize("pool", ["max", "average"])
def test_a_pool_behind_a_choice_is_one_operator(pool):
    pool = functools.partial(POOLS[pool], window_shape=(2, 2), strides=2, channel_axis=1)

    def model(x):
        return pool(jnp.where(x > 0, x, 0))

    with jax.numpy_dtype_promotion("standard"):
        emitted = operators(assert_same(model, numbers((2, 3, 8, 8)), 1e-6))
    assert len([name for name in emitted if name in ("MaxPool", "AveragePool")]) == 1
    assert "Slice" not in emitted


def test_other_divisors_follow_the_operator():
    pool = functools.partial(jaxpool.avg_pool, window_shape=(2, 2), strides=2, divisor_override=3, channel_axis=1)
    assert operators(exported(pool, (2, 3, 8, 8))) == ["AveragePool", "Div", "Mul"]


def test_reductions_of_whole_planes():
    assert "ReduceMax" in operators(exported(jaxpool.global_max_pool, (2, 6, 5, 3)))
    # A window that is the plane stays a window.
    pool = functools.partial(jaxpool.max_pool, window_shape=(6, 5))
    assert operators(exported(pool, (2, 6, 5, 3))) == ["MaxPool", "Transpose", "Transpose"]


def test_dilated_averages_before_there_were_any():
    pool = functools.partial(jaxpool.avg_pool, window_shape=(2, 2), window_dilation=2, channel_axis=1)
    x = numbers((2, 3, 8, 8))
    assert operators(assert_same(pool, x, 1e-6, opset=21)) == ["AveragePool"]
    assert "AveragePool" not in operators(assert_same(pool, x, 1e-6, opset=18))


# ------------------------------------------------------------------------------------------- infinities, NaN and ties


@pytest.mark.parametrize("shape", [(2, 9, 3), (2, 6, 9, 3), (2, 4, 5, 6, 3)])
@pytest.mark.parametrize("pool", ["max", "min", "argmax"])
def test_windows_without_valid_elements(pool, shape):
    rank = len(shape) - 2
    valid = np.random.default_rng(1).random((1, *shape[1:-1], 1)) < 0.3
    expected = jaxpool.max_pool(valid, (2,) * rank, 1)
    assert not expected.all()
    assert_same(functools.partial(POOLS[pool], window_shape=(2,) * rank, where=valid), numbers(shape))


@pytest.mark.parametrize("pool", ["max", "min"])
def test_the_last_finite_number_is_no_infinity(pool):
    # What many write in place of elements that must not count.
    limits = jnp.finfo(jnp.float32)
    last = limits.min if pool == "max" else limits.max

    def masked(x):
        return POOLS[pool](jnp.where(x > 9, x, last), (2, 2), 2)

    assert_same(masked, numbers((1, 4, 4, 2)))
    assert np.isfinite(masked(numbers((1, 4, 4, 2)))).all()


@pytest.mark.parametrize("pool", ["max", "min", "average"])
def test_a_named_implementation_is_written_out(pool):
    x = numbers((2, 6, 7, 3))
    x[np.random.default_rng(2).random(x.shape) < 0.2] = np.nan
    x[np.random.default_rng(3).random(x.shape) < 0.2] = np.inf if pool == "min" else -np.inf
    pool = functools.partial(POOLS[pool], window_shape=(2, 2), padding=1)
    assert not {"MaxPool", "AveragePool"} & set(
        operators(assert_same(functools.partial(pool, implementation="separable"), x, 1e-6))
    )
    native = exported(functools.partial(pool, implementation="reduce_window"), x.shape)
    assert operators(native) == operators(exported(pool, x.shape))


# --------------------------------------------------------------------------------------------------- every operator


def test_every_operator_has_a_conversion():
    registry = importlib.import_module("jax2onnx.plugins.plugin_system").PLUGIN_REGISTRY
    modules = (extremum, linear, places)
    names = {value.name for module in modules for value in vars(module).values() if isinstance(value, Primitive)}
    assert len(names) == 20
    # A search for the largest element of boxes has none.
    assert names - {"first_in_regions"} <= set(registry)


# Rows of the shared table that do not become ONNX, and what the error says.
RANDOM = "key must be None in a model for ONNX, where random numbers are not"
REFUSED = {"fractional_max_pool_with_argmax": RANDOM, "fractional_avg_pool, overlapping": RANDOM}
# Pools whose operators have no conversion: sorts of planes, sets of data-dependent size, searches, Fourier transforms.
UNKNOWN = ("global_median", "global_quantile", "global_topk", "kmax", "roi_pool", "segment", "spectral")
# onnxruntime cannot choose between booleans.
NOT_RUN = {"adaptive_max_pool, masked", "adaptive_max_pool_with_argmax, masked", "adaptive_power_mean_pool"}


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_every_pool_becomes_onnx(row):
    def everything(x):
        arrays = {} if row.arrays is None else row.arrays(x.shape)
        return row.pool(x, **row.arguments, **arrays)

    if row.name in REFUSED:
        with pytest.raises(NotImplementedError, match=f"{row.name.partition(',')[0]}: {REFUSED[row.name]}"):
            exported(everything, row.shape)
        return
    if row.name.startswith(UNKNOWN):
        with pytest.raises(NotImplementedError):
            exported(everything, row.shape)
        return
    if row.name in NOT_RUN:
        exported(everything, row.shape)
        return
    # Places of samples are rounded in another order. The row of ada_pool adds 100, whose last digit is 8e-6.
    tolerance = 1e-5 if "roi" in row.name or row.name == "ada_pool" else 1e-6
    assert_same(everything, row.inputs(), tolerance)


@pytest.mark.parametrize("name", ["max_pool", "avg_pool", "sum_pool", "global_max_pool", "max_unpool, added"])
def test_gradients_become_onnx(name):
    row = next(row for row in ROWS if row.name == name)
    assert_same(jax.grad(lambda x: (row(x) ** 2).sum()), row.inputs(), 1e-5)


def test_pools_run_after_a_conversion_as_before_it():
    x = numbers((2, 5, 6, 3))
    valid = x > 0

    def pools(x):
        return jaxpool.max_pool(x, (2, 2), where=valid), jaxpool.avg_pool(x, (3, 2), 2, "SAME", False, where=valid)

    # Shapes that nothing else has pooled: what is remembered now is what the conversion has traced.
    exported(pools, x.shape)
    first = pools(x)
    jax.clear_caches()
    for result, wanted in zip(first, pools(x), strict=True):
        np.testing.assert_array_equal(result, wanted)
    assert jnp.where is importlib.import_module("jax.numpy").where
    assert importlib.import_module("jaxpool._pools.extremum").jnp is jnp


def test_errors_name_the_function_and_the_reason():
    x = jax.ShapeDtypeStruct((2, 6, 6, 3), jnp.complex64)
    with pytest.raises(NotImplementedError, match=r"^sum_pool: inputs must be real .* got complex64 for window_sum"):
        exported(lambda x: jaxpool.sum_pool(x, (2, 2)), x)
    gradient = jax.grad(lambda x: jaxpool.max_pool(x, (3, 3), 2, implementation=Plan("joint", back="dilate")).sum())
    message = r"^max_pool: inputs and arguments .* got scatter_at_offsets of float32\[2, 2, 2, 3\].* interior padding"
    with pytest.raises(NotImplementedError, match=message):
        exported(gradient, (2, 6, 6, 3))
