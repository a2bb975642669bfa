"""Maxima and minima with a number in the padding: beside loops and beside padding that is written out."""

import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from jax.test_util import check_grads

import jaxpool
from jaxpool._geometry import pooling_window

FLAT = {"channel_axis": None}
WINDOWS = [
    {"window_shape": (3, 3), "padding": 1},
    {"window_shape": (3, 2), "strides": 2, "padding": ((2, 0), (0, 1))},
    {"window_shape": (2, 3), "strides": (3, 2), "padding": 1, "ceil_mode": True},
    {"window_shape": (3, 3), "strides": 2, "ceil_mode": True},
    {"window_shape": (2, 2), "padding": ((3, 3), (0, 2)), "window_dilation": (4, 3)},
    {"window_shape": (4, 3), "padding": "SAME"},
    {"window_shape": (3, 2), "padding": "CAUSAL"},
    {"window_shape": (2, 2), "strides": 2, "padding": ((-1, 1), (1, -2))},
    {"window_shape": (2, 2)},
]


def by_loops(x, valid, window, kind, constant, empty):
    """Of every window the extremum of its valid elements and of its cells in the explicit padding."""
    best = max if kind == "max" else min
    result = np.zeros([part.outputs for part in window.parts])
    for out in np.ndindex(result.shape):
        values = []
        for tap in itertools.product(*(range(part.taps) for part in window.parts)):
            place = [o * p.stride - p.low + t * p.dilation for o, p, t in zip(out, window.parts, tap, strict=True)]
            if all(0 <= i < p.size for i, p in zip(place, window.parts, strict=True)):
                values += [x[tuple(place)]] if valid[tuple(place)] else []
            elif all(-p.low <= i < p.size + p.high for i, p in zip(place, window.parts, strict=True)):
                values.append(constant)
        result[out] = best(values) if values else empty
    return result


@pytest.mark.parametrize("arguments", WINDOWS)
@pytest.mark.parametrize("kind", ["max", "min"])
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.every_case
def test_beside_loops(arguments, kind, masked, rng):
    pool = getattr(jaxpool, f"{kind}_pool")
    x = rng.integers(-9, 10, (8, 9)).astype(np.float32)
    valid = rng.random(x.shape) < 0.25 if masked else np.ones(x.shape, bool)
    window = pooling_window(x.shape, **arguments, channel_axis=None, padding_is_empty=True)
    for constant in (-20, -3, 0.0, 2.5, 20, math.inf, -math.inf):
        for empty in (None, 7.0) if masked else (None,):
            worst = (-math.inf if kind == "max" else math.inf) if empty is None else empty
            expected = by_loops(x, valid, window, kind, constant, worst)
            where = valid if masked else None
            found = pool(x, **arguments, **FLAT, padding_value=constant, where=where, empty=empty)
            np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "bool", "bfloat16", "float16", "int32"])
@pytest.mark.every_case
def test_beside_padding_that_is_written_out(dtype, rng):
    x = jnp.asarray(rng.integers(0, 2 if dtype == "bool" else 100, (2, 9, 8, 3))).astype(dtype)
    for constant in (0, 1) if dtype == "bool" else (0, 3, 77):
        padded = jnp.pad(x, ((0, 0), (1, 1), (2, 1), (0, 0)), constant_values=jnp.asarray(constant, dtype))
        for pool in (jaxpool.max_pool, jaxpool.min_pool):
            found = pool(x, (3, 3), 2, ((1, 1), (2, 1)), padding_value=constant)
            assert found.dtype == x.dtype
            np.testing.assert_array_equal(found, pool(padded, (3, 3), 2))


def test_beside_scipy(rng):
    ndimage = pytest.importorskip("scipy.ndimage", reason="scipy is not installed")
    x = rng.integers(-9, 10, (7, 9)).astype(np.float32)
    for size, constant in itertools.product((3, 5), (-2.0, 0.0, 4.0)):
        own = {"strides": 1, "padding": size // 2, "padding_value": constant, **FLAT}
        for pool, theirs in ((jaxpool.max_pool, ndimage.maximum_filter), (jaxpool.min_pool, ndimage.minimum_filter)):
            np.testing.assert_array_equal(pool(x, (size, size), **own), theirs(x, size, mode="constant", cval=constant))


def test_nan_stays():
    x = jnp.array([jnp.nan, 1.0, 2.0])
    found = jaxpool.max_pool(x, (3,), 1, 1, **FLAT, padding_value=5)
    np.testing.assert_array_equal(found, [np.nan, np.nan, 5])


def test_derivatives(rng):
    x = jnp.asarray(rng.permutation(20).reshape(4, 5).astype(np.float32))
    pool = functools.partial(jaxpool.max_pool, window_shape=(3, 3), padding=1, **FLAT)

    def padded(x):
        return jaxpool.max_pool(jnp.pad(x, 1, constant_values=16.5), (3, 3), **FLAT)

    np.testing.assert_array_equal(
        jax.grad(lambda x: (pool(x, padding_value=16.5) ** 2).sum())(x), jax.grad(lambda x: (padded(x) ** 2).sum())(x)
    )
    check_grads(
        lambda x, c: pool(x, padding_value=c),
        (x, jnp.float32(16.5)),
        order=2,
        modes=("fwd", "rev"),
        atol=0.05,
        rtol=0.05,
        eps=0.05,
    )
    # As often as it wins.
    wins = int((padded(x) == 16.5).sum())
    assert wins > 0
    assert jax.grad(lambda c: pool(x, padding_value=c).sum())(16.5) == wins
    # Of equals the element.
    slope = jax.grad(lambda x: pool(x, padding_value=0.0).sum())(jnp.zeros((2, 2)))
    assert slope.sum() == 4


def test_sizes_that_are_symbols():
    pool = functools.partial(
        jaxpool.max_pool, window_shape=(3, 2), strides=2, padding=1, padding_value=0.5, implementation="reduce_window"
    )
    shape = jax.ShapeDtypeStruct(export.symbolic_shape("b, h, w, 2"), jnp.float32)
    exported = export.export(jax.jit(pool))(shape)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(2, 7, 8, 2)), jnp.float32)
    np.testing.assert_array_equal(exported.call(x), pool(x))


def test_long_axes_store_no_constant():
    text = (
        jax.jit(lambda x: jaxpool.max_pool(x, (3,), 1, 1, padding_value=0.0))
        .lower(jax.ShapeDtypeStruct((100_000, 1), jnp.float32))
        .as_text()
    )
    assert len(text) < 20_000


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"padding_value": "0"}, TypeError, "must be None or one real number; got padding_value=str"),
        ({"padding_value": math.nan}, ValueError, "must not be NaN; got padding_value=nan"),
        ({"padding_value": 0.5}, ValueError, "must be a number that int8 holds; got padding_value=0.5"),
        ({"padding_value": -math.inf}, ValueError, "must be a number that int8 holds; got padding_value=-inf"),
        ({"padding_value": 0, "padding_mode": "EDGE"}, ValueError, "must be None where padding_mode='EDGE'; got"),
    ],
)
@pytest.mark.every_case
def test_refusals(arguments, kind, message):
    with pytest.raises(kind, match=f"^max_pool: padding_value {message}"):
        jaxpool.max_pool(jnp.zeros((1, 4, 4, 1), jnp.int8), (2, 2), 1, 1, **arguments)


def test_names_elsewhere():
    with pytest.raises(TypeError, match=r"Write padding_value= instead|Write padding_value=0"):
        jaxpool.max_pool(jnp.zeros((1, 4, 4, 1)), (2, 2), 1, 1, constant_values=0)
    with pytest.raises(TypeError, match=r"avg_pool: takes no argument padding_value; .*Pad with jnp\.pad first"):
        jaxpool.avg_pool(jnp.zeros((1, 4, 4, 1)), (2, 2), 1, 1, padding_value=0)
