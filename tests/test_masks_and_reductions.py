"""What may be said about elements and operations: masks, padding that holds something, norms, any reducer."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
from jax import lax

import jaxpool
from jaxpool._geometry import pooling_window

GEOMETRIES = [
    {"window_shape": (2, 2), "strides": 2},
    {"window_shape": (3, 3), "strides": 2, "padding": 1},
    {"window_shape": (3, 2), "strides": 1, "padding": ((2, 1), (0, 1)), "window_dilation": (2, 1)},
    {"window_shape": (3, 3), "strides": (2, 3), "padding": ((1, 0), (0, 0)), "ceil_mode": True},
]


def geometry(shape, arguments, empty=True):
    return pooling_window("p", shape, channel_axis=None, padding_is_empty=empty, **arguments)


@pytest.mark.parametrize("arguments", GEOMETRIES)
def test_masked_pools(arguments, rng):
    x = rng.normal(size=(7, 8)).astype(np.float32)
    valid = rng.random((7, 8)) < 0.4
    valid[:3, :3] = False
    window = geometry(x.shape, arguments)
    hidden = np.where(valid, x, np.nan)

    def expected(function, empty):
        def of(elements):
            kept = [e for e in elements if not np.isnan(e)]
            return function(kept) if kept else empty

        return oracle.reduce_windows(hidden, window, of)

    arguments = arguments | {"channel_axis": None, "where": valid}
    close = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)
    close(jaxpool.max_pool(x, **arguments), expected(max, -np.inf))
    close(jaxpool.min_pool(x, **arguments), expected(min, np.inf))
    close(jaxpool.sum_pool(x, **arguments), expected(sum, 0))
    close(jaxpool.avg_pool(x, count_include_pad=False, **arguments), expected(np.mean, 0))
    close(jaxpool.lp_pool(x, p=3, **arguments), expected(lambda e: np.sum(np.abs(e) ** 3) ** (1 / 3), 0))
    close(
        jaxpool.power_mean_pool(x, count_include_pad=False, p=2, **arguments),
        expected(lambda e: np.sqrt(np.mean(np.square(e))), 0),
    )
    values, indices = jaxpool.max_pool_with_argmax(x, **arguments)
    found = np.isfinite(values)
    np.testing.assert_array_equal(x.ravel()[np.asarray(indices)][found], np.asarray(values)[found])
    assert valid.ravel()[np.asarray(indices)][found].all()
    # Which windows have a valid element is a pool of the mask itself.
    del arguments["where"]
    np.testing.assert_array_equal(jaxpool.max_pool(valid, **arguments), found)


POOLS = [
    jaxpool.max_pool,
    jaxpool.min_pool,
    jaxpool.avg_pool,
    functools.partial(jaxpool.avg_pool, count_include_pad=False),
    jaxpool.sum_pool,
    jaxpool.lp_pool,
    functools.partial(jaxpool.lp_pool, p=0.5),
    functools.partial(jaxpool.lp_pool, p=math.inf),
    jaxpool.power_mean_pool,
]


@pytest.mark.parametrize("pool", POOLS)
def test_a_mask_of_ones_changes_nothing_and_no_gradient_is_nan(pool, rng):
    x = rng.normal(size=(2, 6, 7, 3)).astype(np.float32)
    x[0, 2, 2] = 0
    everything = np.ones((1, 6, 1, 1), bool)
    np.testing.assert_allclose(pool(x, (3, 3), 2, 1, where=everything), pool(x, (3, 3), 2, 1), rtol=1e-6)
    valid = rng.random((2, 6, 7, 1)) < 0.3
    x[~np.broadcast_to(valid, x.shape)] = np.nan

    def loss(x):
        y = pool(x, (3, 3), 2, 1, where=valid)
        return jnp.sum(jnp.where(jnp.isfinite(y), y, 0))

    slope = np.asarray(jax.grad(loss)(x))
    assert np.isfinite(slope).all()
    assert (slope[~np.broadcast_to(valid, x.shape)] == 0).all()
    assert (slope != 0).any()


def test_masks_of_global_pools_for_ragged_sequences():
    lengths = jnp.array([2, 0, 4])
    x = jnp.arange(12.0).reshape(3, 4, 1)
    valid = (jnp.arange(4)[None, :] < lengths[:, None])[..., None]
    pool = functools.partial(jaxpool.global_avg_pool, num_spatial_dims=1, where=valid)
    assert pool(x).ravel().tolist() == [0.5, 0, 9.5]
    slope = jax.grad(lambda x: pool(x).sum())(x)
    assert slope[..., 0].tolist() == [[0.5, 0.5, 0, 0], [0, 0, 0, 0], [0.25] * 4]
    assert jaxpool.global_max_pool(x, num_spatial_dims=1, where=valid).ravel().tolist() == [1, -np.inf, 11]
    assert jaxpool.global_min_pool(x, num_spatial_dims=1, where=valid).ravel().tolist() == [0, np.inf, 8]
    assert jaxpool.global_sum_pool(x, num_spatial_dims=1, where=valid).ravel().tolist() == [1, 0, 38]
    assert jaxpool.global_lp_pool(x, num_spatial_dims=1, where=valid, p=1).ravel().tolist() == [1, 0, 38]
    mean = jaxpool.global_power_mean_pool(x, num_spatial_dims=1, where=valid, p=1)
    np.testing.assert_allclose(mean.ravel(), [0.5, 0, 9.5], rtol=1e-6)


def test_a_masked_place_is_never_the_answer_while_a_valid_one_exists():
    x = jnp.full((4, 4), -jnp.inf)
    valid = jnp.zeros((4, 4), bool).at[1, 1].set(True).at[2, 3].set(True)
    _, indices = jaxpool.max_pool_with_argmax(x, (2, 2), 2, channel_axis=None, where=valid)
    assert indices[0, 0] == 5
    assert indices[1, 1] == 11
    smallest = jnp.full((4, 4), -128, jnp.int8)
    _, indices = jaxpool.max_pool_with_argmax(smallest, (4, 4), channel_axis=None, where=valid)
    assert indices.item() == 5


@pytest.mark.parametrize("mode", ["EDGE", "REFLECT", "wrap"])
@pytest.mark.parametrize("padding", [((2, 1), (0, 2)), "SAME", ((1, -1), (-2, 2))])
def test_padding_that_holds_something(mode, padding, rng):
    x = rng.permutation(2 * 6 * 7 * 2).reshape(2, 6, 7, 2).astype(np.float32)
    pairs = ((1, 1), (1, 1)) if padding == "SAME" else padding
    cropped = x[:, max(0, -pairs[0][0]) : 6 - max(0, -pairs[0][1]), max(0, -pairs[1][0]) : 7 - max(0, -pairs[1][1])]
    grown = [(max(0, low), max(0, high)) for low, high in pairs]
    # Padding is made of the whole input, before anything is cropped.
    wide = np.pad(x, ((0, 0), *grown, (0, 0)), mode=mode.lower())
    wide = wide[:, max(0, -pairs[0][0]) : wide.shape[1] - max(0, -pairs[0][1])]
    wide = wide[:, :, max(0, -pairs[1][0]) : wide.shape[2] - max(0, -pairs[1][1])]
    assert cropped.size
    valid = rng.random((2, 6, 7, 1)) < 0.7
    for pool in (jaxpool.max_pool, jaxpool.avg_pool, jaxpool.sum_pool, jaxpool.lp_pool):
        got = pool(x, (3, 3), 1, padding, padding_mode=mode)
        np.testing.assert_allclose(got, pool(jnp.asarray(wide), (3, 3)), rtol=1e-5)
        masked = pool(x, (3, 3), 1, padding, padding_mode=mode, where=valid)
        assert masked.shape == got.shape
    values, indices = jaxpool.max_pool_with_argmax(x, (3, 3), 1, padding, padding_mode=mode)
    flat = x.reshape(2, 42, 2)
    taken = np.take_along_axis(flat, np.reshape(indices, (2, -1, 2)), 1).reshape(values.shape)
    np.testing.assert_array_equal(taken, values)
    # A linear map whose transpose adds what padding copied.
    slope = jax.grad(lambda x: jaxpool.sum_pool(x, (3, 3), 1, padding, padding_mode=mode).sum())(x)
    assert slope.sum() == jaxpool.sum_pool(jnp.ones_like(x), (3, 3), 1, padding, padding_mode=mode).sum()


@pytest.mark.parametrize("p", [0.5, 1, 1.5, 2, 3, 7.0, math.inf])
@pytest.mark.parametrize("arguments", GEOMETRIES)
def test_norms(p, arguments, rng):
    x = rng.normal(size=(7, 8)).astype(np.float32)
    window = geometry(x.shape, arguments)
    expected = oracle.reduce_windows(
        x.astype(np.float64), window, lambda e: np.linalg.norm(e, p) if p >= 1 else np.sum(np.abs(e) ** p) ** (1 / p)
    )
    np.testing.assert_allclose(jaxpool.lp_pool(x, p=p, channel_axis=None, **arguments), expected, rtol=1e-5)
    if p < math.inf:
        learned = jax.jit(lambda p: jaxpool.lp_pool(x, p=p, channel_axis=None, **arguments))(jnp.float32(p))
        np.testing.assert_allclose(learned, expected, rtol=1e-5)
        for include in (True, False):
            mean = jaxpool.power_mean_pool(x, count_include_pad=include, p=p, channel_axis=None, **arguments)
            share = oracle.counts(window, include) ** (1 / p)
            np.testing.assert_allclose(mean, expected / share, rtol=1e-5)


def test_norms_neither_overflow_nor_vanish():
    x = jnp.array([3e30, -4e30, 3e-30, 4e-30, 0, 0, jnp.inf, 1, 1, jnp.nan])
    pool = functools.partial(jaxpool.lp_pool, window_shape=(2,), strides=2, channel_axis=None)
    np.testing.assert_allclose(pool(x), [5e30, 5e-30, 0, np.inf, np.nan], rtol=1e-6)
    for p in (2.0, 5.0, 0.5, jnp.float32(3)):
        slope = jax.grad(lambda x, p=p: pool(x, p=p)[:3].sum())(x)
        assert np.isfinite(slope).all()
        assert slope[4] == slope[5] == 0
    np.testing.assert_allclose(jax.grad(lambda x: pool(x)[:2].sum())(x)[:4], [0.6, -0.8, 0.6, 0.8], rtol=1e-6)
    for large in (1e38, 2e38, 1e-36):
        # Over the whole plane, where one number divides all, and mean norms whose roots of the count are large.
        pair = jnp.array([large, -large])
        np.testing.assert_allclose(pool(pair, p=2), [large * np.sqrt(2)], rtol=1e-6)
        ((slope, _),) = jax.grad(lambda x: pool(x).sum())(pair)[None]
        np.testing.assert_allclose(slope, np.sqrt(0.5), rtol=1e-6)
        mean = jaxpool.power_mean_pool(pair, (2,), p=0.02, channel_axis=None)
        np.testing.assert_allclose(mean, [large], rtol=1e-5)
    np.testing.assert_allclose(jaxpool.global_power_mean_pool(jnp.ones((112, 112, 1)), p=0.1), [1], rtol=1e-5)
    for p in (0.5, 1, 2, 3.0, math.inf, jnp.float32(1)):
        slope = jax.grad(lambda x, p=p: pool(x, p=p).sum())(jnp.array([-2.0, 0, 0, 0]))
        np.testing.assert_allclose(slope, [-1, 0, 0, 0], rtol=1e-6)
    # However large an exponent is, derivatives up to the third are numbers; equal elements share them.
    for p in (1e20, 1e300, jnp.float32(1e30), jnp.float32(math.inf)):
        values, slopes = jax.vjp(lambda x, p=p: pool(x, p=p), jnp.array([3.0, -4, 5, 5]))
        assert values.tolist() == [4, 5]
        np.testing.assert_allclose(slopes(jnp.ones(2))[0], [0, -1, 0.5, 0.5], rtol=1e-6)
        nearly = jnp.array([5.0, np.nextafter(np.float32(5), np.float32(0))])
        third = jax.jacfwd(jax.hessian(lambda x, p=p: pool(x, p=p).sum()))
        assert np.isfinite(third(nearly)).all()
    assert jax.grad(lambda p: pool(jnp.array([3.0, 4]), p=p).sum())(math.inf) == 0
    assert pool(x.astype(jnp.bfloat16)).dtype == jnp.bfloat16
    assert pool(jnp.array([3, 4], jnp.int8)).tolist() == [5.0]
    assert pool(jnp.array([-5, 2], jnp.int32), p=math.inf).tolist() == [5.0]


def test_the_exponent_can_be_learned():
    x = jnp.array([1.0, 2.0, 0.0, 0.5])

    def loss(p):
        return jaxpool.global_power_mean_pool(x, p=p, num_spatial_dims=1, channel_axis=None)

    difference = (loss(3.01) - loss(2.99)) / 0.02
    np.testing.assert_allclose(jax.grad(loss)(3.0), difference, rtol=1e-3)
    np.testing.assert_allclose(jax.jvp(loss, (3.0,), (1.0,))[1], difference, rtol=1e-3)


@pytest.mark.parametrize(
    "arguments",
    [
        *GEOMETRIES,
        {"window_shape": (7, 1), "strides": 1},
        {"window_shape": (1, 5), "strides": 5},
        {"window_shape": (4, 7)},
    ],
)
def test_any_reducer_in_order(arguments, rng):
    # Maps t -> a t + b, joined by composition: associative, not commutative.
    a, b = (rng.integers(-2, 3, (7, 8)).astype(np.float32) for _ in range(2))
    window = geometry(a.shape, arguments, empty=False)

    def compose(first, second):
        return first[0] * second[0], first[1] * second[0] + second[1]

    pair = np.empty((7, 8), object)
    for place in np.ndindex(7, 8):
        pair[place] = (a[place], b[place])
    got = jaxpool.pool((a, b), (1.0, 0.0), compose, channel_axis=None, **arguments)
    for part in (0, 1):
        expected = oracle.reduce_windows(pair, window, lambda e, part=part: functools.reduce(compose, e, (1, 0))[part])
        np.testing.assert_array_equal(got[part], expected)


def test_reducers_with_derivatives(rng):
    x = rng.normal(size=(2, 9, 10, 3)).astype(np.float32)
    for arguments in ({"window_shape": (3, 3), "strides": 2, "padding": 1}, {"window_shape": (5, 6)}):
        log_sum = functools.partial(jaxpool.pool, init=-np.inf, reduce_fn=jnp.logaddexp, **arguments)

        def direct(x, arguments=arguments):
            return jnp.log(jaxpool.sum_pool(jnp.exp(x), **arguments))

        np.testing.assert_allclose(log_sum(x), direct(x), rtol=1e-4, atol=1e-5)
        slopes = [jax.grad(lambda x, f=f: f(x).sum())(x) for f in (log_sum, direct)]
        np.testing.assert_allclose(*slopes, rtol=1e-4, atol=1e-5)
    largest = jaxpool.pool(x, -np.inf, lax.max, (3, 3), 2, "SAME")
    np.testing.assert_array_equal(largest, jaxpool.max_pool(x, (3, 3), 2, "SAME"))
    mirrored = jaxpool.pool(x, 0.0, lax.add, (3, 3), 1, 1, padding_mode="REFLECT")
    np.testing.assert_allclose(
        mirrored, jaxpool.sum_pool(x, (3, 3), 1, 1, padding_mode="REFLECT"), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize(("taps", "stride", "most"), [(64, 1, 7), (65, 1, 8), (100, 1, 10), (50, 50, 7), (3, 1, 3)])
def test_long_windows_take_few_operations(taps, stride, most):
    calls = []

    def add(a, b):
        calls.append(a.shape)
        return a + b

    x = jax.ShapeDtypeStruct((4, 1000, 2), jnp.float32)
    jax.eval_shape(lambda x: jaxpool.pool(x, 0.0, add, (taps,), stride), x)
    # One more for the check of what the operation returns.
    assert len(calls) <= most + 1
