"""Weighted means, variances and blurs against loops in float64, at their limits, and where naive formulas fail."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
from jax.test_util import check_grads

import jaxpool
from jaxpool._geometry import pooling_window

pytestmark = pytest.mark.most(4)

GEOMETRIES = [
    {"window_shape": (2, 2), "strides": 2},
    {"window_shape": (3, 2), "strides": 1, "padding": ((1, 2), (0, 1))},
    {"window_shape": (2, 3), "strides": (3, 1), "window_dilation": (2, 1)},
    {"window_shape": (3, 3), "strides": 2, "padding": 1, "ceil_mode": True},
    {"window_shape": (4, 3), "strides": (1, 3), "padding": "SAME"},
]
close = functools.partial(np.testing.assert_allclose, rtol=2e-5, atol=1e-6)


def by_loops(shape, arguments, valid, of):
    """`of` the numbers of the valid elements of every window; 0 where there are none."""
    numbers = np.where(valid, np.arange(math.prod(shape), dtype=np.float64).reshape(shape), np.nan)
    window = pooling_window(shape, channel_axis=None, padding_is_empty=False, **arguments)

    def each(elements):
        kept = np.asarray([int(e) for e in elements if not np.isnan(e)], int)
        return of(kept) if kept.size else 0.0

    return oracle.reduce_windows(numbers, window, each)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("arguments", GEOMETRIES)
def test_pools_beside_loops(arguments, masked, rng):
    shape = (7, 8)
    x, logits = rng.normal(size=(2, *shape)).astype(np.float32)
    weights = rng.random(shape).astype(np.float32)
    valid = rng.random(shape) < 0.5 if masked else np.ones(shape, bool)
    flat, own, given = (a.ravel().astype(np.float64) for a in (x, logits, weights))
    options = arguments | {"channel_axis": None, "where": valid}
    expected = functools.partial(by_loops, shape, arguments, valid)

    def softmax(numbers, values, beta):
        share = np.exp(beta * values[numbers])
        return np.sum(share * flat[numbers]) / share.sum()

    close(jaxpool.softmax_pool(x, **options), expected(lambda n: softmax(n, flat, 1)))
    found = jaxpool.softmax_pool(x, logits=logits, beta=-1.5, **options)
    close(found, expected(lambda n: softmax(n, own, -1.5)))
    found = jaxpool.weighted_avg_pool(x, weights, **options)
    close(found, expected(lambda n: np.sum(given[n] * flat[n]) / np.sum(given[n])))
    for ddof in (0, 1):
        moments = expected(lambda n, ddof=ddof: np.var(flat[n], ddof=ddof) if n.size > ddof else 0.0)
        close(jaxpool.var_pool(x, ddof=ddof, **options), moments)
        close(jaxpool.std_pool(x, ddof=ddof, **options), np.sqrt(moments))


def test_global_pools_beside_numpy(rng):
    x = rng.normal(size=(2, 5, 6, 3)).astype(np.float32)
    scores = rng.normal(size=(2, 5, 6, 1)).astype(np.float32)
    valid = rng.random((2, 5, 6, 1)) < 0.5
    valid[1] = False
    share = np.exp(scores) * valid
    empty = share.sum((1, 2), keepdims=True) == 0
    mean = np.where(
        empty, 0, (share * x).sum((1, 2), keepdims=True) / np.where(empty, 1, share.sum((1, 2), keepdims=True))
    )
    close(jaxpool.global_softmax_pool(x, logits=scores, where=valid, keepdims=True), mean)
    close(jaxpool.global_weighted_avg_pool(x, np.exp(scores), where=valid), mean[:, 0, 0])
    close(jaxpool.global_var_pool(x, ddof=1), x.var((1, 2), ddof=1))
    close(jaxpool.global_std_pool(x), x.std((1, 2)))
    inside = x[0][valid[0, ..., 0]]
    close(jaxpool.global_std_pool(x, where=valid), [inside.std(0), np.zeros(3)])
    # A window that is the whole plane is the global pool.
    for windowed, whole in (
        (jaxpool.softmax_pool, jaxpool.global_softmax_pool),
        (jaxpool.var_pool, jaxpool.global_var_pool),
    ):
        close(windowed(x, (5, 6)), whole(x, keepdims=True))


def binomial(taps):
    return np.array([math.comb(taps - 1, i) for i in range(taps)]) / 2 ** (taps - 1)


@pytest.mark.parametrize("taps", [(1, 2), (3, 4), (5, 3), (7, 6)])
@pytest.mark.parametrize("strides", [1, 2, 3])
def test_blur_beside_loops(taps, strides, rng):
    x = rng.normal(size=(8, 9)).astype(np.float32)
    pads = [((t - 1) // 2, t // 2) for t in taps]
    filters = np.outer(*map(binomial, taps))

    def blurred(array):
        padded = np.pad(array, pads)
        windows = np.lib.stride_tricks.sliding_window_view(padded, taps)
        return (windows * filters).sum((2, 3))[::strides, ::strides]

    blur = functools.partial(jaxpool.blur_pool, window_shape=taps, strides=strides, padding=pads, channel_axis=None)
    close(blur(x), blurred(x))
    close(blur(x, count_include_pad=False), blurred(x) / blurred(np.ones_like(x)))
    valid = rng.random(x.shape) < 0.5
    weight = blurred(valid.astype(np.float64))
    expected = np.where(weight > 0, blurred(np.where(valid, x, 0)) / np.where(weight > 0, weight, 1), 0)
    close(blur(x, count_include_pad=False, where=valid), expected)
    mirrored = functools.partial(blur, padding_mode="REFLECT")
    if max(map(max, pads)):
        windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, pads, "reflect"), taps)
        close(mirrored(x), (windows * filters).sum((2, 3))[::strides, ::strides])


def test_sizes_of_three_libraries_blurs():
    x = jnp.ones((1, 9, 8, 1))
    # Zhang: reflected; timm: as much on both sides; kornia: zeros.
    assert jaxpool.blur_pool(x, (4, 4), 2, [(1, 2)] * 2, padding_mode="REFLECT").shape == (1, 5, 4, 1)
    assert jaxpool.blur_pool(x, (4, 4), 2, 2, padding_mode="REFLECT").shape == (1, 5, 5, 1)
    assert jaxpool.blur_pool(x, (4, 4), 2, 1).shape == (1, 4, 4, 1)


def test_limits_of_the_temperature(rng):
    x = jnp.asarray(rng.normal(size=(2, 6, 6, 3)), jnp.float32)
    close(jaxpool.softmax_pool(x, (3, 3), 2, beta=0), jaxpool.avg_pool(x, (3, 3), 2))
    close(jaxpool.softmax_pool(x, (3, 3), 2, beta=1e4), jaxpool.max_pool(x, (3, 3), 2))
    close(jaxpool.softmax_pool(x, (3, 3), 2, beta=-1e4), jaxpool.min_pool(x, (3, 3), 2))
    close(jaxpool.softmax_pool(x, (1, 1), beta=7), x)
    per_channel = jnp.array([0.0, 1.0, 1e4])
    found = jaxpool.softmax_pool(x, (2, 2), 2, beta=per_channel.reshape(1, 1, 1, 3))
    close(found[..., 0], jaxpool.avg_pool(x, (2, 2), 2)[..., 0])
    close(found[..., 2], jaxpool.max_pool(x, (2, 2), 2)[..., 2])


@pytest.mark.parametrize("size", [20.0, 200.0, 1e4])
def test_logits_of_any_size_neither_overflow_nor_vanish(size, rng):
    # A window far below the largest logit of its plane, in which a shift of the plane would leave nothing.
    logits = jnp.asarray(rng.normal(size=(4, 8)), jnp.float32) + jnp.linspace(-size, size, 8)[None]
    x = jnp.asarray(rng.normal(size=(4, 8)), jnp.float32)
    pool = functools.partial(jaxpool.softmax_pool, window_shape=(2, 2), strides=2, channel_axis=None)
    expected = by_loops(
        x.shape,
        {"window_shape": (2, 2), "strides": 2},
        np.ones(x.shape, bool),
        lambda n: np.dot(np.asarray(jax.nn.softmax(logits.ravel()[n]), float), np.asarray(x.ravel()[n], float)),
    )
    np.testing.assert_allclose(pool(x, logits=logits), expected, rtol=1e-5, atol=1e-6)
    slopes = jax.grad(lambda x, logits: pool(x, logits=logits).sum(), (0, 1))(x, logits)
    assert all(jnp.isfinite(slope).all() for slope in slopes)
    np.testing.assert_allclose(slopes[0].reshape(2, 2, 4, 2).sum((1, 3)), 1, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_floats_are_computed_in_f32(dtype, rng):
    x = jnp.asarray(rng.normal(size=(1, 32, 32, 2)) + 8, dtype)
    wide = x.astype(jnp.float32)
    for pool in (jaxpool.softmax_pool, jaxpool.var_pool, jaxpool.blur_pool):
        found = pool(x, (5, 5), 2)
        assert found.dtype == x.dtype
        np.testing.assert_array_equal(found, pool(wide, (5, 5), 2).astype(dtype))
    assert jaxpool.var_pool(jnp.arange(4).reshape(1, 2, 2, 1), (2, 2)).item() == 1.25


def test_a_large_mean_takes_no_digits_of_the_variance(rng):
    x = rng.normal(size=(1, 16, 16, 1)).astype(np.float32) + np.float32(1e4)
    expected = np.lib.stride_tricks.sliding_window_view(x[0, ..., 0].astype(np.float64), (3, 3)).var((2, 3))
    np.testing.assert_allclose(jaxpool.var_pool(x, (3, 3))[0, ..., 0], expected, rtol=5e-3)
    np.testing.assert_allclose(jaxpool.global_var_pool(x)[0, 0], x.astype(np.float64).var(), rtol=1e-5)


@pytest.mark.later
def test_gradients_of_constant_windows_are_zero_and_not_nan():
    x = jnp.ones((1, 4, 4, 1))
    for pool in (
        lambda x: jaxpool.std_pool(x, (2, 2), 2),
        jaxpool.global_std_pool,
        lambda x: jaxpool.std_pool(x, (2, 2), 2, where=jnp.zeros(x.shape, bool)),
        lambda x: jaxpool.softmax_pool(x, (2, 2), 2, where=jnp.zeros(x.shape, bool)),
        lambda x: jaxpool.global_softmax_pool(x, where=jnp.zeros(x.shape, bool)),
        lambda x: jaxpool.weighted_avg_pool(x, jnp.zeros(x.shape), (2, 2)),
    ):
        for slope in (jax.grad(lambda x, pool=pool: pool(x).sum())(x), jax.jvp(pool, (x,), (x,))[1]):
            np.testing.assert_array_equal(slope, jnp.zeros(slope.shape))


@pytest.mark.slow
def test_derivatives_by_every_array():
    with jax.enable_x64(True):
        rng = np.random.default_rng(3)
        x, logits = jnp.asarray(rng.normal(size=(2, 5, 4)))
        weights = jnp.asarray(rng.random((5, 4)) + 0.1)
        options = {"window_shape": (3, 2), "strides": 2, "padding": 1, "channel_axis": None}
        plane = {"num_spatial_dims": 2, "channel_axis": None}
        pools = [
            (lambda x, s, b: jaxpool.softmax_pool(x, logits=s, beta=b, **options), (x, logits, jnp.asarray(0.7))),
            (lambda x, b: jaxpool.softmax_pool(x, beta=b, **options), (x, jnp.asarray(2.0))),
            (lambda x, s: jaxpool.global_softmax_pool(x, logits=s, **plane), (x, logits)),
            (lambda x, w: jaxpool.weighted_avg_pool(x, w, **options), (x, weights)),
            (lambda x, w: jaxpool.global_weighted_avg_pool(x, w, **plane), (x, weights)),
            (lambda x: jaxpool.std_pool(x, ddof=1, **options | {"padding": 0}), (x,)),
            (lambda x: jaxpool.global_var_pool(x, **plane), (x,)),
        ]
        for pool, arrays in pools:
            check_grads(pool, arrays, order=2, modes=["fwd", "rev"])


def test_no_array_of_weights_is_kept_for_the_reverse_mode():
    x = jnp.zeros((1, 32, 32, 8))
    _, back = jax.vjp(lambda x: jaxpool.softmax_pool(x, (3, 3)), x)
    kept = [leaf.nbytes for leaf in jax.tree.leaves(back) if hasattr(leaf, "nbytes")]
    # Nine weights for each output would be nine times the inputs.
    assert max(kept) <= x.nbytes
    assert sum(kept) <= 9 * x.nbytes


def test_windows_that_would_be_written_out_too_often_are_refused():
    with pytest.raises(ValueError, match="softmax_pool: window_shape must have at most 256 elements; got"):
        jaxpool.softmax_pool(jnp.zeros((1, 64, 64, 1)), (40, 40))
    assert jaxpool.softmax_pool(jnp.zeros((1, 64, 64, 1)), (64, 64)).shape == (1, 1, 1, 1)


def test_logits_may_be_large_or_leave_elements_out():
    flat = {"channel_axis": None}
    for size in (1e4, 1e8):
        close(jaxpool.softmax_pool(jnp.array([1.0, 3.0]), (2,), logits=jnp.full(2, size), **flat), [2.0])
        slope = jax.grad(lambda s: jaxpool.softmax_pool(jnp.array([1.0, 3.0]), (2,), logits=s, **flat).sum())
        close(slope(jnp.full(2, size)), [-0.5, 0.5])
    logits = jnp.array([-jnp.inf, 0.0, 1.0, 2.0])
    close(jaxpool.softmax_pool(jnp.array([7.0, 1.0, 0.0, 2.0]), (2,), 2, logits=logits, beta=0, **flat), [1.0, 1.0])
    for pool in (
        lambda x: jaxpool.softmax_pool(x, (2,), **flat),
        lambda x: jaxpool.global_softmax_pool(x, num_spatial_dims=1, keepdims=True, **flat),
    ):
        close(pool(jnp.array([-jnp.inf, 1.0])), [1.0])


@pytest.mark.later
def test_no_gradient_passes_what_a_mask_leaves_out():
    x, valid = jnp.array([1.0, jnp.nan, 3.0, 4.0]), jnp.array([True, False, True, True])
    flat, plane = {"channel_axis": None, "where": valid}, {"num_spatial_dims": 1, "channel_axis": None, "where": valid}
    for pool in (
        lambda x, b: jaxpool.softmax_pool(x, (2,), 2, beta=b, **flat),
        lambda x, b: jaxpool.global_softmax_pool(x, beta=b, **plane),
        lambda x, b: b * jaxpool.weighted_avg_pool(x, jnp.ones(4), (2,), 2, **flat),
        lambda x, b: b * jaxpool.var_pool(x, (2,), 2, **flat),
        lambda x, b: b * jaxpool.global_var_pool(x, **plane),
        lambda x, b: b * jaxpool.global_std_pool(x, **plane),
        lambda x, b: b * jaxpool.blur_pool(x, (2,), 2, **flat),
    ):
        slopes = jax.grad(lambda x, b, pool=pool: pool(x, b).sum(), (0, 1))(x, 1.0)
        assert all(jnp.isfinite(slope).all() for slope in slopes)
        assert slopes[0][1] == 0


def test_extreme_values():
    flat = {"channel_axis": None}
    close(jaxpool.var_pool(jnp.full(4, 2e19), (3,), 1, 1, **flat), jnp.zeros(4))
    small = jax.grad(lambda w: jaxpool.weighted_avg_pool(jnp.array([1.0, 3.0]), w, (2,), **flat).sum())
    np.testing.assert_allclose(small(jnp.full(2, 1e-20)), [-5e19, 5e19], rtol=1e-5)
    assert jnp.isfinite(jaxpool.blur_pool(jnp.full(3, 2e38), (3,), **flat)).all()
    second = jax.hessian(lambda x: jaxpool.std_pool(x, (2,), **flat).sum())(jnp.ones(3))
    np.testing.assert_array_equal(second, jnp.zeros((3, 3)))


def test_what_ceil_mode_adds_to_a_blur_does_not_count():
    flat = {"channel_axis": None}
    close(jaxpool.blur_pool(jnp.ones(4), (3,), 2, ceil_mode=True, **flat), [1.0, 1.0])
    close(jaxpool.blur_pool(jnp.ones(4), (3,), 2, 1, ceil_mode=True, **flat), [0.75, 1.0, 1 / 3])
    with pytest.raises(ValueError, match="blur_pool: padding must leave at least one element"):
        jaxpool.blur_pool(jnp.ones(4), (2,), 1, 3, False, **flat)


def test_arrays_go_with_inputs_that_are_padded_by_a_mode():
    x = jnp.arange(4.0)
    flat = {"channel_axis": None, "padding_mode": "EDGE"}
    padded = jnp.pad(x, 1, "edge")
    for beta in (1.0, jnp.linspace(0.0, 2.0, 4)):
        own = jnp.pad(jnp.broadcast_to(beta, x.shape), 1, "edge")
        expected = jaxpool.softmax_pool(padded, (3,), logits=own * padded, channel_axis=None)
        close(jaxpool.softmax_pool(x, (3,), 1, 1, beta=beta, **flat), expected)
    weights = jnp.array([1.0, 2.0, 3.0, 4.0])
    expected = jaxpool.weighted_avg_pool(padded, jnp.pad(weights, 1, "edge"), (3,), channel_axis=None)
    close(jaxpool.weighted_avg_pool(x, weights, (3,), 1, 1, **flat), expected)


def test_padding_does_not_multiply_the_program_of_a_softmax():
    x = jax.ShapeDtypeStruct((1, 32, 32, 4), jnp.float32)

    def lines(padding):
        pool = jax.jit(lambda x: jaxpool.softmax_pool(x, (6, 6), 1, padding))
        return len(pool.trace(x).lower(lowering_platforms=("cpu",)).as_text().splitlines())

    assert lines(3) <= 1.5 * lines(0)


def log_mean_exp(x, beta):
    top = x.max() if beta > 0 else x.min()
    return top + np.log(np.mean(np.exp(beta * (x - top)))) / beta


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("arguments", GEOMETRIES)
def test_maxima_and_means_together_beside_loops(arguments, masked, rng):
    shape = (7, 8)
    x = rng.normal(size=shape).astype(np.float32)
    valid = rng.random(shape) < 0.5 if masked else np.ones(shape, bool)
    flat = x.ravel().astype(np.float64)
    options = arguments | {"channel_axis": None, "where": valid}
    expected = functools.partial(by_loops, shape, arguments, valid)
    some = expected(lambda n: n.size) > 0
    for beta in (10.0, -2.0, 1e-5):
        smooth = expected(lambda n, beta=beta: log_mean_exp(flat[n], beta))
        for own in (beta, jnp.float32(beta)):
            found = np.asarray(jaxpool.lse_pool(x, beta=own, **options))
            close(found[some], smooth[some])
            assert (found[~some] == -np.sign(beta) * np.inf).all()
    inside = options | {"count_include_pad": False}
    most, mean = expected(lambda n: flat[n].max()), expected(lambda n: flat[n].mean())
    close(jaxpool.mixed_pool(x, **inside), (most + mean) / 2)
    close(jaxpool.mixed_pool(x, alpha=jnp.float32(2), **inside), 2 * most - mean)
    close(jaxpool.concat_pool(x, **inside), np.stack([mean, most], -1))
    close(jaxpool.concat_pool(x, order="max_avg", **inside), np.stack([most, mean], -1))


def dense_windows(x, taps, pads=((0, 0), (0, 0)), strides=1):
    return np.lib.stride_tricks.sliding_window_view(np.pad(x, pads), taps)[::strides, ::strides]


def test_gated_pool_beside_loops(rng):
    x, weights = rng.normal(size=(7, 8)).astype(np.float32), rng.normal(size=(3, 2)).astype(np.float32)
    windows = dense_windows(x, (3, 2), strides=2)
    share = 1 / (1 + np.exp(-(windows * weights).sum((2, 3))))
    expected = share * windows.max((2, 3)) + (1 - share) * windows.mean((2, 3))
    close(jaxpool.gated_pool(x, weights, (3, 2), 2, channel_axis=None), expected)
    # Maps of features with a filter each, or one for both, also channels first and with two batch axes.
    maps, filters = np.stack([x, -x], -1), np.stack([weights, 2 * weights], -1)
    each = [jaxpool.gated_pool(maps[..., i], filters[..., i], (3, 2), 2, channel_axis=None) for i in (0, 1)]
    close(jaxpool.gated_pool(maps, filters, (3, 2), 2), np.stack(each, -1))
    first = np.moveaxis(maps, -1, 0)[None, None]
    close(jaxpool.gated_pool(first, filters, (3, 2), 2, channel_axis=-3), np.stack(each)[None, None])
    close(jaxpool.gated_pool(maps, filters[..., :1], (3, 2), 2)[..., 0], each[0])
    # Saturated shares are the maximum and the mean.
    close(
        jaxpool.gated_pool(np.abs(x), np.full((3, 2), 200, np.float32), (3, 2), channel_axis=None),
        jaxpool.max_pool(np.abs(x), (3, 2), channel_axis=None),
    )
    close(
        jaxpool.gated_pool(np.abs(x), np.full((3, 2), -200, np.float32), (3, 2), channel_axis=None),
        jaxpool.avg_pool(np.abs(x), (3, 2), channel_axis=None),
    )


@pytest.mark.parametrize("taps", [1, 2, 5, 401])
def test_gaussian_pool_beside_its_definition(taps, rng):
    x, sigma = rng.normal(size=(2, 500, 3)).astype(np.float32), np.array([0.1, 0.4, 0.5], np.float32)
    half = (taps - 1) / 2
    place = (np.arange(taps) - half) / max(half, 1)
    weights = np.exp(-((place[:, None] / sigma) ** 2) / 2)
    # "same" of the reference: one more element before the middle where the window is odd.
    pads = (taps // 2 - 1 + taps % 2, taps // 2)
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(x, ((0, 0), pads, (0, 0))), taps, 1)[:, ::3]
    inside = np.lib.stride_tricks.sliding_window_view(np.pad(np.ones(500), pads), taps)[::3]
    expected = np.einsum("btck,kc->btc", windows, weights)
    pool = functools.partial(jaxpool.gaussian_pool, window_shape=(taps,), strides=3, padding=[pads])
    np.testing.assert_allclose(pool(x, sigma=sigma[None, None]), expected, rtol=1e-4, atol=1e-4)
    mean = expected / np.einsum("tk,kc->tc", inside, weights)
    np.testing.assert_allclose(pool(x, sigma=sigma[None, None], normalize=True), mean, rtol=1e-4, atol=1e-5)
    close(pool(jnp.ones((1, 500, 3)), normalize=True), jnp.ones((1, *expected.shape[1:])))


def test_detail_preserving_pool_beside_its_formula(rng):
    x = rng.normal(size=(6, 8)).astype(np.float32)
    alpha, lam = 0.3, -0.4

    def near(array):
        return np.kron(array.reshape(3, 2, 4, 2).mean((1, 3)), np.ones((2, 2)))

    detail = (x - near(x)) ** 2 + 1e-3
    weights = np.exp(alpha) + (detail / near(detail)) ** np.exp(lam)
    expected = near(x * weights)[::2, ::2] / near(weights)[::2, ::2]
    pool = functools.partial(jaxpool.detail_preserving_pool, window_shape=(2, 2), channel_axis=None)
    close(pool(x, alpha=alpha, lam=lam), expected)
    close(pool(np.pad(x, ((0, 1), (0, 1))), alpha=alpha, lam=lam), expected)
    # All elements weigh the same where one has a large weight, and in constant windows.
    close(pool(x, alpha=50.0), jaxpool.avg_pool(x, (2, 2), 2, channel_axis=None))
    close(pool(np.full((4, 4), 3.0, np.float32)), np.full((2, 2), 3.0))
    valid = rng.random(x.shape) < 0.5
    valid[:2, :2] = False
    found = pool(x, where=valid)
    assert found[0, 0] == 0
    assert np.isfinite(jax.grad(lambda x: jnp.sum(pool(x, where=valid) ** 2))(jnp.asarray(x))).all()


@pytest.mark.later
def test_ada_pool_beside_its_formula(rng):
    x = rng.normal(size=(7, 8)).astype(np.float32)
    valid = rng.random(x.shape) < 0.6
    alpha = rng.random((5, 4)).astype(np.float32)

    def of(elements):
        kept = elements[~np.isnan(elements)]
        if not kept.size:
            return 0.0, 0.0
        dice = 2 * np.abs(kept * kept.mean()) / (kept**2 + kept.mean() ** 2)
        return tuple(np.average(kept, weights=np.exp(weights)) for weights in (dice, kept))

    windows = dense_windows(np.where(valid, x, np.nan).astype(np.float64), (3, 2), strides=1)[:, ::2]
    both = np.apply_along_axis(of, -1, windows.reshape(5, 4, 6))
    found = jaxpool.ada_pool(x, (3, 2), (1, 2), alpha=alpha, channel_axis=None, where=valid)
    close(found, alpha * both[..., 0] + (1 - alpha) * both[..., 1])
    close(
        jaxpool.ada_pool(x, (3, 2), (1, 2), alpha=0, channel_axis=None),
        jaxpool.softmax_pool(x, (3, 2), (1, 2), channel_axis=None),
    )
    # Zeros and large numbers have weights and derivatives.
    for value in (0.0, 1e30):
        constant = jnp.full((4, 4), value)
        close(jaxpool.ada_pool(constant, (2, 2), 2, channel_axis=None), constant[:2, :2])
        slope = jax.grad(lambda x: jnp.sum(jaxpool.ada_pool(x, (2, 2), 2, channel_axis=None)))(constant)
        close(slope, jnp.full((4, 4), 0.25))
    check_grads(
        lambda x, a: jaxpool.ada_pool(x, (2, 2), alpha=a, channel_axis=None),
        (jnp.asarray(x), jnp.float32(0.3)),
        2,
        eps=1e-3,
        rtol=3e-2,
        atol=3e-2,
    )


@pytest.mark.later
def test_smooth_maxima_at_their_limits(rng):
    x = jnp.asarray(rng.normal(size=(2, 6, 6, 3)), jnp.float32)
    close(jaxpool.lse_pool(x, (3, 3), 2, beta=1e4), jaxpool.max_pool(x, (3, 3), 2), rtol=1e-3)
    close(jaxpool.lse_pool(x, (3, 3), 2, beta=-1e4), jaxpool.min_pool(x, (3, 3), 2), rtol=1e-3)
    for beta in (0, 1e-6, jnp.float32(1e-6), jnp.zeros((1, 1, 1, 3))):
        close(jaxpool.lse_pool(x, (3, 3), 2, beta=beta), jaxpool.avg_pool(x, (3, 3), 2))
    # Two where f32 without care gives 2.0266.
    close(jaxpool.lse_pool(jnp.full((2, 2), 2.0), (2, 2), beta=1e-6, channel_axis=None), [[2.0]])
    slope = jax.grad(lambda beta: jnp.sum(jaxpool.lse_pool(x, (3, 3), 2, beta=beta)))(0.0)
    close(slope, jnp.sum(jaxpool.var_pool(x, (3, 3), 2)) / 2)
    edges = jnp.array([1.0, jnp.inf, -jnp.inf, 0.0, -jnp.inf, -jnp.inf])
    found = jaxpool.lse_pool(edges, (2,), beta=1.0, channel_axis=None)
    np.testing.assert_allclose(found, [np.inf, np.inf, -np.log(2), -np.log(2), -np.inf], rtol=1e-6)
    for dtype, large in ((jnp.float16, 6e4), (jnp.bfloat16, 1e38), (jnp.float32, 3e38)):
        high = jnp.full((4, 4), large, dtype)
        assert jaxpool.lse_pool(high, (2, 2), channel_axis=None).dtype == dtype
        close(jaxpool.lse_pool(high, (2, 2), channel_axis=None).astype(np.float32), high[:3, :3].astype(np.float32))


@pytest.mark.later
def test_global_maxima_and_means_together(rng):
    x = jnp.asarray(rng.normal(size=(2, 5, 6, 3)), jnp.float32)
    alpha = jnp.asarray([0.0, 1.0, 0.25]).reshape(1, 1, 1, 3)
    most, mean = x.max((1, 2)), x.mean((1, 2))
    close(jaxpool.global_mixed_pool(x, alpha=alpha), alpha[0, 0] * most + (1 - alpha[0, 0]) * mean)
    close(jaxpool.global_concat_pool(x), np.concatenate([mean, most], -1))
    first = jaxpool.global_concat_pool(jnp.moveaxis(x, -1, 1), channel_axis=1, keepdims=True, order="max_avg")
    close(first[:, :, 0, 0], np.concatenate([most, mean], -1))
    close(jaxpool.global_stats_pool(x, ddof=1), np.concatenate([mean, x.std((1, 2), ddof=1)], -1))
    nothing = jnp.zeros((1, 5, 6, 1), bool)
    for pool in (jaxpool.global_mixed_pool, jaxpool.global_concat_pool, jaxpool.global_stats_pool):
        assert not pool(x, where=nothing).any()
        assert not jax.grad(lambda x, pool=pool: jnp.sum(pool(x, where=nothing)))(x).any()


@pytest.mark.slow
@pytest.mark.parametrize("beta", [1.5, -2.0])
def test_derivatives_of_smooth_maxima_and_mixtures(beta, rng):
    x = jnp.asarray(rng.normal(size=(1, 4, 5, 2)), jnp.float32)
    check_grads(lambda x, b: jaxpool.lse_pool(x, (3, 2), 2, 1, beta=b), (x, jnp.float32(beta)), 2, rtol=2e-2, atol=2e-2)
    check_grads(lambda x, b: jaxpool.global_lse_pool(x, beta=b), (x, jnp.float32(beta)), 2, rtol=2e-2, atol=2e-2)
    weights = jnp.asarray(rng.normal(size=(2, 2, 2)), jnp.float32)
    check_grads(lambda x, w: jaxpool.gated_pool(x, w, (2, 2)), (x, weights), 2, eps=1e-3, rtol=2e-2, atol=2e-2)
    parameters = (jnp.float32(0.3), jnp.float32(0.2))
    check_grads(
        lambda x, a, b: jaxpool.detail_preserving_pool(x, (2, 2), alpha=a, lam=b),
        (x, *parameters),
        2,
        rtol=3e-2,
        atol=3e-2,
    )
    check_grads(lambda x, s: jaxpool.gaussian_pool(x, (3, 3), sigma=s), (x, jnp.float32(0.6)), 2, rtol=2e-2, atol=2e-2)


def test_variances_keep_small_deviations_from_a_large_mean():
    x = jnp.asarray([[1e4, 1e4 + 1, 1e4, 1e4 + 1], [1e4, 1e4, 1e4 + 2, 1e4]], jnp.float32)
    expected = [[0.25, 0.25, 0.25], [0.0, 1.0, 1.0]]
    close(jaxpool.var_pool(x, (1, 2), channel_axis=None), expected)
    # A window of more than 256 elements goes another way.
    wide = jnp.tile(x[:1], (1, 100))
    close(jaxpool.var_pool(wide, (1, 300), channel_axis=None), jnp.full((1, 101), 0.25), rtol=1e-4)


@pytest.mark.parametrize("name", ["softmax_pool", "lse_pool"])
def test_what_takes_no_part_gets_no_gradient_from_a_nan(name):
    def pooled(x, **options):
        if name == "lse_pool":
            return jaxpool.lse_pool(x, (2,), channel_axis=None, **options)
        return jaxpool.softmax_pool(jnp.ones(x.shape), (2,), logits=x, channel_axis=None, **options)

    def gradient(x, **options):
        return jax.grad(lambda x: jnp.nansum(pooled(x, **options)))(jnp.asarray(x, jnp.float32))

    # Left out beside a NaN, reached by no window, cropped.
    assert gradient([jnp.nan, 2, 3, 4], strides=2, where=np.array([True, False, True, True]))[1] == 0
    assert gradient([1, 2, jnp.nan], strides=2)[2] == 0
    assert gradient([jnp.nan, 1, 2], padding=((-1, 0),))[0] == 0


def test_softmax_of_numbers_near_the_largest_is_their_mean():
    x = jnp.asarray([3e38, 3e38, 3e38, 1.0], jnp.float32)
    np.testing.assert_allclose(jaxpool.softmax_pool(x, (3,), channel_axis=None), [3e38, 3e38], rtol=1e-6)


def test_the_gradient_of_softmax_pool_of_large_inputs_is_that_of_the_largest():
    x = jnp.asarray([0, 1e8, 0, 3e7], jnp.float32)
    gradient = jax.grad(lambda x: jaxpool.softmax_pool(x, (2,), 2, channel_axis=None).sum())(x)
    np.testing.assert_array_equal(gradient, [0, 1, 0, 1])


def test_sums_of_weighted_taps_keep_the_inputs_once():
    x = jnp.asarray(np.random.default_rng(0).standard_normal((1, 12, 12, 2)), jnp.float32)
    weights = jnp.ones((5, 5, 1))
    _, pullback = jax.vjp(lambda x, w: jaxpool.gated_pool(x, w, (5, 5)), x, weights)
    kept = sum(leaf.size for leaf in jax.tree.leaves(pullback))
    assert kept < 8 * x.size
