"""Means of integers that stay integers, beside Python's own integers and the formulas of quantised kernels."""

import fractions
import functools
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
from jax import export

import jaxpool
import jaxpool.linen
import jaxpool.nnx
from jaxpool._geometry import pooling_window

FLAT = {"channel_axis": None}
MODES = ["half_even", "half_away", "floor", "trunc"]
DTYPES = ["int8", "uint8", "int16", "uint16", "int32", "uint32"]
# Pools that round, each over a plane of two axes.
POOLS = {
    "avg_pool": functools.partial(jaxpool.avg_pool, window_shape=(3, 2), **FLAT),
    "global_avg_pool": functools.partial(jaxpool.global_avg_pool, num_spatial_dims=2, **FLAT),
    "adaptive_avg_pool": functools.partial(jaxpool.adaptive_avg_pool, output_size=(2, 3), **FLAT),
}
WINDOWS = [
    {"window_shape": (2, 2), "strides": 2},
    {"window_shape": (3, 2), "strides": 2, "padding": ((1, 1), (0, 1))},
    {"window_shape": (3, 2), "strides": 2, "padding": ((1, 1), (0, 1)), "count_include_pad": False},
    {"window_shape": (2, 3), "strides": (3, 2), "padding": 1, "ceil_mode": True},
    {"window_shape": (2, 2), "window_dilation": (2, 3), "divisor_override": 7},
    {"window_shape": (3, 3), "divisor_override": -2},
    {"window_shape": (3, 3), "padding": "SAME", "divisor_override": 1},
    {"window_shape": (2, 2), "padding": "SAME", "divisor_override": -60000},
]


def rounded(total, divisor, mode, dtype):
    """What Python makes of it."""
    value = fractions.Fraction(int(total), int(divisor))
    result = {
        "half_even": round,
        "half_away": lambda v: (
            math.floor(v + fractions.Fraction(1, 2)) if v > 0 else math.ceil(v - fractions.Fraction(1, 2))
        ),
        "floor": math.floor,
        "trunc": math.trunc,
    }[mode](value)
    limits = np.iinfo(dtype)
    return min(max(result, limits.min), limits.max)


def integers(rng, shape, dtype):
    """Of the whole range, its ends among them, and small ones with many ties."""
    limits = np.iinfo(dtype)
    x = rng.integers(limits.min, limits.max, shape, dtype, endpoint=True)
    small = rng.integers(max(limits.min, -5), 6, shape).astype(dtype)
    ends = rng.choice(np.array([limits.min, limits.max], dtype), shape)
    return np.choose(rng.integers(0, 3, shape), [x, small, ends])


@pytest.mark.parametrize("arguments", WINDOWS)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.most(24)
def test_windows_beside_loops(dtype, mode, arguments, rng):
    x = integers(rng, (7, 8), dtype)
    geometry = {k: v for k, v in arguments.items() if k not in ("count_include_pad", "divisor_override")}
    window = pooling_window(x.shape, **geometry, channel_axis=None, padding_is_empty=False)
    include, override = arguments.get("count_include_pad", True), arguments.get("divisor_override")
    divisors = oracle.counts(window, include)
    padding = divisors - oracle.counts(window, False)
    for valid in (np.ones(x.shape, bool), rng.random(x.shape) < 0.3):
        totals = oracle.reduce_windows(np.where(valid, x, 0).astype(object), window, sum)
        counted = oracle.reduce_windows(valid, window, np.count_nonzero) + padding
        counted = np.maximum(counted, 1) if override is None else np.full(counted.shape, override)
        expected = np.vectorize(lambda s, n: rounded(s, n, mode, dtype), otypes=[object])(totals, counted)
        where = None if valid.all() else valid
        found = jaxpool.avg_pool(x, **arguments, **FLAT, rounding_mode=mode, where=where)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, expected.astype(dtype))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.most(12)
def test_planes_and_bins_beside_loops(dtype, mode, masked, rng):
    x = integers(rng, (7, 10), dtype)
    valid = rng.random(x.shape) < 0.4 if masked else np.ones(x.shape, bool)
    valid[:4, :3] &= not masked
    where = valid if masked else None

    def mean(values):
        real = values[values != None]  # noqa: E711
        return rounded(sum(map(int, real)), max(real.size, 1), mode, dtype)

    kept = np.where(valid, x.astype(object), None)
    found = POOLS["global_avg_pool"](x, rounding_mode=mode, where=where)
    assert (found.dtype, int(found)) == (dtype, mean(kept))
    for size in ((3, 4), (7, 5), (1, 10), (2, 13)):
        found = jaxpool.adaptive_avg_pool(x, size, **FLAT, rounding_mode=mode, where=where)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, oracle.adaptive(kept, size, mean).astype(dtype))


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.most(6)
def test_sums_of_large_planes_do_not_overflow(dtype, mode, rng):
    limits = np.iinfo(dtype)
    x = integers(rng, (300, 301), dtype)
    for plane in (x, np.full_like(x, limits.max), np.full_like(x, limits.min)):
        total = int(plane.astype(object).sum())
        found = POOLS["global_avg_pool"](plane, rounding_mode=mode)
        assert int(found) == rounded(total, plane.size, mode, dtype)
        (found,) = jaxpool.avg_pool(plane, plane.shape, **FLAT, rounding_mode=mode).ravel()
        assert int(found) == rounded(total, plane.size, mode, dtype)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["int64", "uint64", "int8", "int32"])
def test_with_64_bits(dtype, mode, rng):
    with jax.enable_x64(True):
        x = integers(rng, (40,), dtype)
        found = jaxpool.avg_pool(x, (5,), 3, **FLAT, rounding_mode=mode)
        assert found.dtype == dtype
        windows = [x[i : i + 5].astype(object) for i in range(0, 36, 3)]
        assert [int(y) for y in found] == [rounded(sum(map(int, w)), 5, mode, dtype) for w in windows]


@pytest.mark.parametrize("dtype", [jnp.int4, jnp.uint4])
def test_integers_of_four_bits(dtype):
    x = jnp.arange(8).astype(dtype)
    found = jaxpool.avg_pool(x, (2,), 2, **FLAT, rounding_mode="half_even")
    assert found.dtype == dtype
    assert found.astype(jnp.int32).tolist() == [0, 2, 4, 6]


def test_halves():
    x = np.array([[-3, 0], [-1, 0], [1, 0], [3, 0], [-2, 0]], np.int8)
    expected = {
        "half_even": [-2, 0, 0, 2, -1],
        "half_away": [-2, -1, 1, 2, -1],
        "floor": [-2, -1, 0, 1, -1],
        "trunc": [-1, 0, 0, 1, -1],
    }
    for mode, means in expected.items():
        assert jaxpool.avg_pool(x, (2,), **FLAT, rounding_mode=mode).ravel().tolist() == means


def test_beside_the_formulas_of_quantised_kernels(rng):
    x = rng.integers(-128, 128, (6, 9, 9, 3)).astype(np.int8)
    windows = np.lib.stride_tricks.sliding_window_view(x, (3, 2), (1, 2)).reshape(6, 7, 8, 3, 6).astype(np.int32)
    total, n = windows.sum(-1), 6
    # TFLite and CMSIS-NN: half of the divisor is added with the sign of the sum, and C's division cuts off.
    tflite = np.trunc((total + np.where(total > 0, n // 2, -(n // 2))) / n).astype(np.int8)
    np.testing.assert_array_equal(jaxpool.avg_pool(x, (3, 2), rounding_mode="half_away"), tflite)
    # PyTorch and XNNPACK: the product with the reciprocal, rounded as C's nearbyint rounds.
    torch = np.rint(total / n).astype(np.int8)
    np.testing.assert_array_equal(jaxpool.avg_pool(x, (3, 2), rounding_mode="half_even"), torch)
    # PyTorch's mean of plain integers.
    np.testing.assert_array_equal(jaxpool.avg_pool(x, (3, 2), rounding_mode="trunc"), np.trunc(total / n))


@pytest.mark.filterwarnings("ignore")  # PyTorch's quantised tensors are about to move to another package.
def test_beside_torch(rng):
    torch = pytest.importorskip("torch", reason="torch is not installed; this test compares with it")
    functional = torch.nn.functional
    x = rng.integers(-128, 128, (2, 4, 9, 12)).astype(np.int8)
    quantised = torch.quantize_per_tensor(torch.tensor(x).float(), 1.0, 0, torch.qint8)
    first = {"channel_axis": 1}
    for window, strides, padding, include in (((3, 2), (1, 1), (0, 0), True), ((2, 2), (2, 2), (1, 1), False)):
        theirs = functional.avg_pool2d(quantised, window, strides, padding, count_include_pad=include)
        ours = jaxpool.avg_pool(x, window, strides, padding, include, rounding_mode="half_even", **first)
        np.testing.assert_array_equal(ours, theirs.int_repr().numpy())
    theirs = functional.adaptive_avg_pool2d(quantised, (3, 6))
    ours = jaxpool.adaptive_avg_pool(x, (3, 6), rounding_mode="half_even", **first)
    np.testing.assert_array_equal(ours, theirs.int_repr().numpy())
    # Plain integers are cut off.
    theirs = functional.avg_pool2d(torch.tensor(x.astype(np.int64)), (3, 2))
    ours = jaxpool.avg_pool(x, (3, 2), (3, 2), rounding_mode="trunc", **first)
    np.testing.assert_array_equal(ours, theirs.numpy())


def test_means_that_f32_does_not_hold():
    x = np.array([2**30, 2**30 + 1, 2**30 + 2, 2**30 + 4], np.int32)
    found = jaxpool.avg_pool(x, (2,), **FLAT, rounding_mode="floor")
    assert found.tolist() == [2**30, 2**30 + 1, 2**30 + 3]


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("dtype", ["int8", "int32"])
def test_transformations(name, dtype, rng):
    pool = functools.partial(POOLS[name], rounding_mode="half_even")
    x = jnp.asarray(integers(rng, (4, 7, 9), dtype))
    expected = np.stack([pool(plane) for plane in x])
    for run in (jax.vmap(pool), jax.jit(pool), jax.jit(jax.vmap(pool)), lambda x: jax.lax.map(pool, x)):
        np.testing.assert_array_equal(run(x), expected)
    np.testing.assert_array_equal(
        jax.vmap(pool, 2, 2 if expected.ndim > 1 else 0)(jnp.moveaxis(x, 0, 2)), np.moveaxis(expected, 0, -1)
    )
    # Integers have no derivative.
    values, tangent = jax.jvp(pool, (x,), (np.zeros(x.shape, jax.dtypes.float0),))
    np.testing.assert_array_equal(values, expected)
    assert tangent.dtype == jax.dtypes.float0
    slope = jax.grad(lambda s: (s * pool(x).astype(jnp.float32)).sum())(2.0)
    np.testing.assert_allclose(slope, expected.astype(np.float32).sum(), rtol=1e-6)


@pytest.mark.parametrize("name", POOLS)
def test_export_with_a_symbolic_batch(name, rng):
    x = jnp.asarray(integers(rng, (4, 7, 9), "int8"))
    pool = functools.partial(POOLS[name], rounding_mode="half_away")
    shape = jax.ShapeDtypeStruct(export.symbolic_shape("b, 7, 9"), jnp.int8)
    exported = export.export(jax.jit(pool), platforms=("cpu", "cuda", "tpu"))(shape)
    text = exported.mlir_module()
    assert not re.search(r"stablehlo\.divide.*f32", text)
    np.testing.assert_array_equal(exported.call(x), pool(x))


@pytest.mark.parametrize("implementation", ["reduce_window", "joint", "separable"])
def test_every_algorithm(implementation, rng):
    x = integers(rng, (2, 9, 9, 3), "int32")
    arguments = {"window_shape": (3, 3), "strides": 2, "padding": 1, "rounding_mode": "half_even"}
    found = jaxpool.avg_pool(x, **arguments, implementation=implementation)
    np.testing.assert_array_equal(found, jaxpool.avg_pool(x, **arguments))


def test_padding_that_holds_elements(rng):
    x = integers(rng, (6, 7), "uint8")
    found = jaxpool.avg_pool(x, (3, 3), 1, 1, **FLAT, padding_mode="EDGE", rounding_mode="floor")
    np.testing.assert_array_equal(found, jaxpool.avg_pool(np.pad(x, 1, "edge"), (3, 3), **FLAT, rounding_mode="floor"))


@pytest.mark.parametrize("api", [jaxpool.linen, jaxpool.nnx], ids=lambda api: api.__name__)
def test_modules(api, rng):
    x = jnp.asarray(integers(rng, (2, 8, 8, 3), "int8"))
    for module, expected in (
        (api.AvgPool((2, 2), 2, rounding_mode="floor"), jaxpool.avg_pool(x, (2, 2), 2, rounding_mode="floor")),
        (api.GlobalAvgPool(rounding_mode="trunc"), jaxpool.global_avg_pool(x, rounding_mode="trunc")),
        (
            api.AdaptiveAvgPool((3, 3), rounding_mode="half_away"),
            jaxpool.adaptive_avg_pool(x, (3, 3), rounding_mode="half_away"),
        ),
    ):
        np.testing.assert_array_equal(module(x), expected)


@pytest.mark.parametrize("name", POOLS)
def test_refusals(name):
    pool = POOLS[name]
    for dtype in ("float32", "bool", "complex64"):
        with pytest.raises(
            TypeError, match=rf"^{name}: rounding_mode must be None unless inputs are integers; got .* {dtype}\. "
        ):
            pool(jnp.zeros((7, 9), dtype), rounding_mode="floor")
    with pytest.raises(ValueError, match=rf"^{name}: rounding_mode must be one of .*Write 'half_even'\."):
        pool(jnp.zeros((7, 9), "int8"), rounding_mode="half_to_even")
    large = jax.ShapeDtypeStruct((4096, 2048), jnp.int8)
    whole = {"avg_pool": {"window_shape": (4096, 2048)}, "adaptive_avg_pool": {"output_size": (1, 1)}}.get(name, {})
    with pytest.raises(
        ValueError, match=rf"^{name}: rounding_mode must be None for windows and divisors of 8388608 or"
    ):
        jax.eval_shape(functools.partial(pool, rounding_mode="floor", **whole), large)
    smaller = jax.ShapeDtypeStruct((4096, 2047), jnp.int8)
    whole = whole if name != "avg_pool" else {"window_shape": (4096, 2047)}
    assert jax.eval_shape(functools.partial(pool, rounding_mode="floor", **whole), smaller).dtype == jnp.int8


def test_more_refusals():
    with pytest.raises(ValueError, match=r"^avg_pool: rounding_mode must be None for windows and divisors of"):
        jaxpool.avg_pool(jnp.zeros((8,), "int8"), (2,), **FLAT, divisor_override=1 << 40, rounding_mode="floor")
    shape = jax.ShapeDtypeStruct(export.symbolic_shape("h, 9"), jnp.int8)
    with pytest.raises(ValueError, match=r"^global_avg_pool: rounding_mode must be None for planes of symbolic sizes"):
        export.export(jax.jit(functools.partial(POOLS["global_avg_pool"], rounding_mode="floor")))(shape)
    with pytest.raises(TypeError, match=r"rounding_mode="):
        jaxpool.avg_pool(jnp.zeros((8,), "int8"), (2,), **FLAT, rounding="floor")
