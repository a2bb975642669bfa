"""What may be said about elements and operations: masks, padding that holds something, norms, any reducer."""

import functools
import inspect
import math

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
from jax import lax
from table import ROWS, ids

import jaxpool
from jaxpool._geometry import pooling_window

GEOMETRIES = [
    {"window_shape": (2, 2), "strides": 2},
    {"window_shape": (3, 3), "strides": 2, "padding": 1},
    {"window_shape": (3, 2), "strides": 1, "padding": ((2, 1), (0, 1)), "window_dilation": (2, 1)},
    {"window_shape": (3, 3), "strides": (2, 3), "padding": ((1, 0), (0, 0)), "ceil_mode": True},
]


def geometry(shape, arguments, empty=True):
    return pooling_window(shape, channel_axis=None, padding_is_empty=empty, **arguments)


# Those of sets make rows of planes, and of a whole mask only.
MASKABLE = [
    row for row in ROWS if "where" in inspect.signature(row.pool).parameters and not row.name.startswith("segment_")
]


@pytest.mark.parametrize("row", MASKABLE, ids=ids)
@pytest.mark.parametrize("small", [(0, 1), (2,)], ids=str)
def test_masks_count_along_axes_where_their_size_is_one(row, small):
    x = row.inputs()
    arrays = ({} if row.arrays is None else row.arrays(x.shape)) | row.arguments
    mask = np.random.default_rng(2).random((*x.shape[:-1], 1)) < 0.7
    for axis in small:
        mask = mask.take([0], axis)
    # Along the features a mask may have to have the size 1.
    whole = np.broadcast_to(mask, (*x.shape[:-1], 1))
    got, wanted = (jax.tree.leaves(row.pool(x, **arrays | {"where": where})) for where in (mask, whole))
    for one, other in zip(got, wanted, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-5)


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


@pytest.mark.slow
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


@pytest.mark.slow
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
    np.testing.assert_allclose(jaxpool.global_power_mean_pool(jnp.ones((1, 112, 112, 1)), p=0.1), [[1]], rtol=1e-5)
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


@pytest.mark.later
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
    # One more for `init`, and one for the check of what the operation returns; others are about a few constants.
    assert sum(shape[0] == 4 for shape in calls) <= most + 2


def earlier(a, b):
    """Not commutative, as `later`."""
    del b
    return a


def later(a, b):
    del a
    return b


STARTS = [
    (1.0, lax.add),
    (1.0, lambda a, b: a + b),
    (2.0, lax.mul),
    (0.5, lax.max),
    (0.5, jnp.minimum),
    (0.5, lambda a, b: jnp.maximum(a, b)),
    (7.0, earlier),
    (7.0, later),
    (-1.0, jnp.logaddexp),
]


@pytest.mark.parametrize(("init", "reduce_fn"), STARTS)
@pytest.mark.parametrize("arguments", [*GEOMETRIES, {"window_shape": (2, 2), "padding": ((2, 1), (0, 2))}])
def test_init_counts_once_in_every_window_and_padding_does_not(init, reduce_fn, arguments, rng):
    x = rng.normal(size=(7, 8)).astype(np.float32)
    window = geometry(x.shape, arguments, empty=False)
    expected = oracle.reduce_windows(x, window, lambda e: functools.reduce(reduce_fn, e, np.float32(init)))
    pool = functools.partial(jaxpool.pool, x, reduce_fn=reduce_fn, channel_axis=None, **arguments)
    for found in (pool(init=init), jax.jit(lambda init: pool(init=init))(init)):
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_init_of_a_tree_counts_once():
    def mean(a, b):
        return a[0] + b[0], a[1] + b[1]

    ones = jnp.ones(4)
    total, count = jaxpool.pool((jnp.arange(4.0), ones), (10.0, 2.0), mean, (3,), 1, 1, channel_axis=None)
    assert total.tolist() == [11, 13, 16, 15]
    assert count.tolist() == [4, 5, 5, 4]
    # Padding that would not be a number is not looked at.
    slope = jax.grad(lambda x: jaxpool.pool(x, 2.0, lambda a, b: a * b, (2,), 1, 1, channel_axis=None).sum())
    assert slope(jnp.array([3.0, 5.0])).tolist() == [12, 8]


@pytest.mark.parametrize("reduce_fn", [lax.max, jnp.maximum, lax.min, jnp.minimum])
def test_extrema_of_a_reducer_are_those_of_the_library(reduce_fn):
    sign = 1 if reduce_fn in (lax.max, jnp.maximum) else -1
    worst = -sign * np.inf
    x = jnp.array([1.0, 1.0, worst, jnp.nan, worst, worst, worst])
    pool = functools.partial(jaxpool.pool, reduce_fn=reduce_fn, channel_axis=None)
    plain = {1: jaxpool.max_pool, -1: jaxpool.min_pool}[sign]
    for arguments in ({"window_shape": (2,), "padding": 1}, {"window_shape": (3,), "strides": 2}):
        expected, pull = jax.vjp(lambda x, a=arguments: plain(x, channel_axis=None, **a), x)
        got, own = jax.vjp(lambda x, a=arguments: pool(x, worst, **a), x)
        np.testing.assert_array_equal(got, expected)
        weights = jnp.arange(1.0, got.size + 1)
        np.testing.assert_array_equal(own(weights)[0], pull(weights)[0])
    # A window wholly in padding has no element, and gives `init`; of `init` and its equal the first is `init`.
    assert pool(x[:2], worst, window_shape=(1,), padding=1).tolist() == [worst, 1, 1, worst]
    assert jax.grad(lambda x: pool(x, 1.0, window_shape=(2,)).sum())(x[:2]).tolist() == [0, 0]
    assert jax.grad(lambda x: pool(x, sign * 0.5, window_shape=(2,)).sum())(sign * x[:2]).tolist() == [1, 0]
    assert np.isnan(pool(x[:2], np.nan, window_shape=(2,))).all()
    # No derivative, and no order of the library's own.
    whole = jnp.array([3, -128, 127], jnp.int8)
    assert pool(whole, 5, window_shape=(2,)).dtype == jnp.int8
    assert pool(whole == 3, False, window_shape=(2,)).dtype == bool
    assert pool(x[:2].astype(complex), 0, window_shape=(2,)).dtype == jnp.complex64


def test_sums_of_a_reducer_keep_the_dtype():
    x = jnp.array([100, 100, 100], jnp.int8)
    for add in (lax.add, jnp.add):
        pool = functools.partial(jaxpool.pool, reduce_fn=add, window_shape=(2,), channel_axis=None)
        assert pool(x, 0).tolist() == [-56, -56]
        assert pool(x, 1).dtype == jnp.int8
        assert pool(x.astype(jnp.uint8), 1).tolist() == [201, 201]
    assert jaxpool.pool(x > 0, False, jnp.add, (2,), channel_axis=None).tolist() == [True, True]
    assert jaxpool.pool(x.astype(complex) * 1j, 1, lax.add, (2,), channel_axis=None).tolist() == [1 + 200j, 1 + 200j]
    narrow = jnp.full((4096,), 1.0, jnp.bfloat16)
    assert jaxpool.pool(narrow, 0.0, lax.add, (4096,), channel_axis=None).item() == 4096


def pairwise(combine):
    """The operation on every leaf of two trees."""
    return lambda a, b: jax.tree.map(combine, a, b)


def top(a, b):
    """The larger value, and what it carries."""
    keep = a[0] >= b[0]
    return jax.tree.map(lambda own, other: jnp.where(keep, own, other), a, b)


def top_two(a, b):
    """The two largest of sorted pairs."""
    first = a[0] >= b[0]
    return jnp.where(first, a[0], b[0]), jnp.where(first, jnp.maximum(a[1], b[0]), jnp.maximum(b[1], a[0]))


def moments(a, b):
    """Count, mean and sum of squared deviations."""
    count, shift = a[0] + b[0], b[1] - a[1]
    return count, a[1] + shift * b[0] / count, a[2] + b[2] + shift**2 * a[0] * b[0] / count


def naive_logsumexp(a, b):
    """NaN for two that are -inf."""
    high = jnp.maximum(a[0], b[0])
    return high, a[1] * jnp.exp(a[0] - high) + b[1] * jnp.exp(b[0] - high)


F32, I32, U8, BOOL = (np.ones((1, 6, 1), dtype) for dtype in (np.float32, np.int32, np.uint8, bool))
C64, BF16, F16 = F32.astype(np.complex64), F32.astype(jnp.bfloat16), F32.astype(np.float16)
ASSOCIATIVE = {
    "a product": (F32, 1.0, lax.mul),
    "a product of f16": (F16, 1.0, lambda a, b: a * b),
    "a complex product": (C64, 1.0, lax.mul),
    "a complex maximum": (C64, 0.0, lax.max),
    "a sum of bf16": (BF16, 0.0, lambda a, b: a + b),
    "logaddexp": (F32, -np.inf, jnp.logaddexp),
    "logaddexp of bf16": (BF16, -np.inf, jnp.logaddexp),
    "hypot": (F32, 0.0, jnp.hypot),
    "resistors": (F32, np.inf, lambda a, b: 1 / (1 / a + 1 / b)),
    "velocities": (F32, 0.0, lambda a, b: (a + b) / (1 + a * b)),
    "chances": (F32, 0.0, lambda a, b: a + b - a * b),
    "a sum with a bound": (F32, 0.0, lambda a, b: jnp.minimum(a + b, 1)),
    "beyond the constants": (F32, np.inf, lambda a, b: jnp.arccosh(jnp.cosh(a) * jnp.cosh(b) - 9)),
    "or": (U8, 0, lax.bitwise_or),
    "xor": (I32, 0, lax.bitwise_xor),
    "gcd": (I32, 0, jnp.gcd),
    "and": (BOOL, True, jnp.logical_and),
    "equality": (BOOL, True, lambda a, b: a == b),
    "the first": (F32, 0.0, earlier),
    "a pair for a mean": ((F32, I32), (0.0, 0), pairwise(jnp.add)),
    "a maximum and a product": (
        {"a": F32, "b": F16},
        {"a": -np.inf, "b": 1.0},
        lambda a, b: {"a": jnp.maximum(a["a"], b["a"]), "b": a["b"] * b["b"]},
    ),
    "a value and its index": ((F32, I32), (-np.inf, -1), top),
    "two of the largest": ((F32, F32), (-np.inf, -np.inf), top_two),
    "moments": ((F32, F32, F32), (0.0, 0.0, 0.0), moments),
    "logsumexp": ((F32, F32), (-np.inf, 0.0), naive_logsumexp),
}
NOT_ASSOCIATIVE = {
    "a difference": (F32, 0.0, lax.sub),
    "a difference of integers": (U8, 0, lax.sub),
    "a mean": (F32, 0.0, lambda a, b: (a + b) / 2),
    "a mean of bf16": (BF16, 0.0, lambda a, b: (a + b) / 2),
    "a mean of integers": (I32, 0, lambda a, b: (a + b) // 2),
    "squares": (F32, 0.0, lambda a, b: a**2 + b**2),
    "a complex quotient": (C64, 1.0, lax.div),
    "not and": (BOOL, True, lambda a, b: ~(a & b)),
    "one leaf of two": ((F32, F32), (0.0, 0.0), lambda a, b: (a[0] + b[0], a[1] - b[1])),
}


@pytest.mark.parametrize("name", ASSOCIATIVE)
def test_associative_operations_are_welcome(name):
    x, init, combine = ASSOCIATIVE[name]
    for arguments in ({}, {"padding": 1}):
        with jax.debug_nans(True):
            jax.eval_shape(lambda x, a=arguments: jaxpool.pool(x, init, combine, (2,), **a), x)


@pytest.mark.parametrize("name", NOT_ASSOCIATIVE)
def test_operations_that_are_not_associative_are_refused(name):
    x, init, combine = NOT_ASSOCIATIVE[name]
    with pytest.raises(
        ValueError, match=r"^pool: reduce_fn must be associative; got .*\(f\(a, b\), c\) = .* = .*\. Carry"
    ):
        jaxpool.pool(x, init, combine, (2,))


def test_an_operation_of_flags_and_numbers_is_accepted():
    # A sum that starts anew at every flag: associative where flags are 0 or 1, and not for other numbers.
    def join(a, b):
        return jnp.maximum(a[0], b[0]), b[1] + (1 - b[0]) * a[1]

    flags, x = jnp.asarray([0.0, 1.0, 0.0, 0.0]), jnp.asarray([1.0, 2.0, 4.0, 8.0])
    _, sums = jaxpool.pool((flags, x), (0.0, 0.0), join, (3,), channel_axis=None)
    assert sums.tolist() == [6, 14]


def test_associativity_is_seen_in_every_transformation_and_once():
    calls = []

    def difference(a, b):
        calls.append(a.shape)
        return a - b

    def pool(x):
        return jaxpool.pool(x, 0.0, difference, (2,))

    mesh = jax.make_mesh((4,), ("data",), axis_types=(jax.sharding.AxisType.Auto,), devices=jax.devices()[:4])
    spec = jax.sharding.PartitionSpec("data")
    mapped = jax.shard_map(pool, mesh=mesh, in_specs=spec, out_specs=spec)
    x = jnp.ones((4, 6, 1))
    grad = jax.grad(lambda x: pool(x).sum())
    for transformed in (pool, jax.jit(pool), jax.vmap(pool), grad, mapped, jax.jit(mapped)):
        with pytest.raises(ValueError, match="must be associative"):
            transformed(x)
    with jax.disable_jit(), pytest.raises(ValueError, match="must be associative"):
        pool(x)
    assert sum(shape == (8, 1, 1) for shape in calls) == 4

    # What reads traced values cannot be looked at, and is taken at its word.
    def scaled(scale):
        return jaxpool.pool(x, 1.0, lambda a, b: a * b * scale, (2,), padding=1)

    assert jax.jit(scaled)(2.0)[0, :, 0].tolist() == [2, 4, 4, 4, 4, 4, 2]


@pytest.mark.parametrize(
    "arguments", [{"padding": 3}, {"padding": (3, 2), "strides": 2}, {"padding": 4, "window_dilation": 4}]
)
@pytest.mark.parametrize("taps", [1, 2])
def test_the_largest_of_windows_in_padding_is_0_and_has_no_gradient(taps, arguments):
    x = jnp.asarray(np.random.default_rng(5).normal(size=(2, 3, 3, 1)), jnp.float32)
    lp_pool = functools.partial(jaxpool.lp_pool, window_shape=(taps, taps), **arguments)
    values, back = jax.vjp(functools.partial(lp_pool, p=jnp.inf), x)
    # A large power is the largest to the last bit, by another way.
    expected, expected_back = jax.vjp(functools.partial(lp_pool, p=2.0**30), x)
    np.testing.assert_allclose(values, expected, rtol=1e-6)
    g = jnp.asarray(np.random.default_rng(6).normal(size=values.shape), jnp.float32)
    np.testing.assert_allclose(back(g)[0], expected_back(g)[0], rtol=1e-5, atol=1e-6)
    assert (values == 0).any()
