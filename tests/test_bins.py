"""Masks over bins and for any operation, pyramids, R-MAC, indices of global extrema, fractional means, exponents."""

import functools
import itertools
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
from jax import lax
from jax.test_util import check_grads

import jaxpool
from jaxpool._geometry import pooling_window
from jaxpool._geometry.pyramids import rmac_squares

pytestmark = pytest.mark.most(2)
FLAT = {"channel_axis": None}
SIZES = [((7,), (3,)), ((13,), (7,)), ((3,), (7,)), ((6, 8), (3, 4)), ((5, 6), (3, None)), ((13, 17), (1, 5))]
close = functools.partial(np.testing.assert_allclose, rtol=2e-5, atol=1e-6)


def by_bins(shape, output_size, valid, of, empty=0.0):
    """`of` the numbers of the valid elements of every bin; `empty` where there are none."""
    numbers = np.where(valid, np.arange(math.prod(shape), dtype=np.float64).reshape(shape), np.nan)

    def each(elements):
        kept = elements[~np.isnan(elements)].astype(int)
        return of(kept) if kept.size else empty

    return oracle.adaptive(numbers, output_size, each)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("shape", "output_size"), SIZES)
def test_bins_beside_loops(shape, output_size, masked, rng):
    x = rng.integers(-4, 5, shape).astype(np.float32)
    valid = rng.random(shape) < 0.4 if masked else np.ones(shape, bool)
    where = valid if masked else None
    flat = x.ravel().astype(np.float64)
    pool = {"output_size": output_size, "where": where, **FLAT}
    expected = functools.partial(by_bins, shape, output_size, valid)
    np.testing.assert_allclose(jaxpool.adaptive_avg_pool(x, **pool), expected(lambda n: flat[n].mean()), rtol=1e-6)
    np.testing.assert_array_equal(jaxpool.adaptive_sum_pool(x, **pool), expected(lambda n: flat[n].sum()))
    largest = expected(lambda n: flat[n].max(), -np.inf)
    np.testing.assert_array_equal(jaxpool.adaptive_max_pool(x, **pool), largest)
    np.testing.assert_array_equal(jaxpool.adaptive_min_pool(x, **pool), expected(lambda n: flat[n].min(), np.inf))
    values, indices = jaxpool.adaptive_max_pool_with_argmax(x, **pool)
    np.testing.assert_array_equal(values, largest)
    # The first of the largest; the bin's first where it has no valid element.
    places = np.arange(x.size, dtype=float).reshape(shape)
    firsts = oracle.adaptive(places, output_size, np.min)
    first = expected(lambda n: n[np.argmax(flat[n])], -1)
    np.testing.assert_array_equal(indices, np.where(first < 0, firsts, first))
    for p in (1, 2.5, 3.0, jnp.asarray(0.7), math.inf):
        of_p = float(p)
        norm = expected(lambda n, q=of_p: np.linalg.norm(flat[n], q) if q < math.inf else np.abs(flat[n]).max())
        close(jaxpool.adaptive_lp_pool(x, p=p, **pool), norm)
        if of_p < math.inf:
            mean = expected(lambda n, q=of_p: np.mean(np.abs(flat[n]) ** q) ** (1 / q))
            close(jaxpool.adaptive_power_mean_pool(x, p=p, **pool), mean)


def last_of(first, second):
    del first
    return second


def first_of(first, second):
    del second
    return first


@pytest.mark.later
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(("shape", "output_size"), SIZES)
def test_any_operation_over_bins(shape, output_size, masked, rng):
    x = (rng.random(shape) + 0.5).astype(np.float32)
    valid = rng.random(shape) < 0.4 if masked else np.ones(shape, bool)
    x = np.where(valid, x, np.nan)
    where = valid if masked else None
    flat = x.ravel().astype(np.float64)
    pool = functools.partial(jaxpool.adaptive_pool, output_size=output_size, where=where, **FLAT)
    for init in (1.0, 2.0):
        product = by_bins(shape, output_size, valid, lambda n, i=init: i * np.prod(flat[n]), init)
        np.testing.assert_allclose(pool(x, init, lax.mul), product, rtol=1e-5)
        total = by_bins(shape, output_size, valid, lambda n, i=init: i + np.sum(flat[n]), init)
        np.testing.assert_allclose(pool(x, init, lax.add), total, rtol=1e-5)
        highest = by_bins(shape, output_size, valid, lambda n, i=init: max(i, flat[n].max()), init)
        np.testing.assert_allclose(pool(x, init, lax.max), highest, rtol=1e-6)
    # The last and the first in row-major order, `init` before all: neither commutes, nor has an identity.
    for take, of in ((last_of, lambda n: flat[n[-1]]), (first_of, lambda n: 0 * n[0] + 7.0)):
        end = by_bins(shape, output_size, valid, of, 7.0)
        np.testing.assert_allclose(pool(x, 7.0, take), end, rtol=1e-6)
    slope = jax.grad(lambda x: pool(x, 2.0, lax.mul).sum())(jnp.asarray(x))
    assert np.isfinite(slope).all()
    np.testing.assert_array_equal(slope[~valid], 0)


GEOMETRIES = [
    {"window_shape": (2, 2), "strides": 2},
    {"window_shape": (3, 2), "strides": 1, "padding": ((1, 2), (0, 1))},
    {"window_shape": (2, 3), "strides": (3, 1), "window_dilation": (2, 1)},
    {"window_shape": (4, 3), "strides": (1, 3), "padding": "SAME"},
    {"window_shape": (5, 7), "strides": 1},
]


@pytest.mark.later
@pytest.mark.parametrize("arguments", GEOMETRIES)
def test_any_operation_with_a_mask(arguments, rng):
    shape = (7, 8)
    x = (rng.random(shape) + 0.5).astype(np.float32)
    valid = rng.random(shape) < 0.3
    holes = np.where(valid, x, np.nan)
    window = pooling_window(shape, channel_axis=None, padding_is_empty=False, **arguments)

    def expected(of, empty):
        def each(elements):
            kept = [e for e in elements if not np.isnan(e)]
            return of(np.array(kept, float)) if kept else empty

        return oracle.reduce_windows(holes, window, each)

    pool = functools.partial(jaxpool.pool, holes, where=valid, **arguments, **FLAT)
    close(pool(0.0, lax.add), expected(np.sum, 0.0))
    close(pool(3.0, lax.add), expected(lambda e: 3 + e.sum(), 3.0))
    np.testing.assert_array_equal(pool(-jnp.inf, jnp.maximum), expected(np.max, -np.inf))
    np.testing.assert_allclose(pool(1.0, lax.min), expected(lambda e: min(1.0, e.min()), 1.0), rtol=1e-6)
    close(pool(1.0, lax.mul), expected(np.prod, 1.0))
    close(pool(2.0, lax.mul), expected(lambda e: 2 * e.prod(), 2.0))
    close(pool(-jnp.inf, jnp.logaddexp), expected(lambda e: np.log(np.exp(e).sum()), -np.inf))
    close(pool(0.5, jnp.logaddexp), expected(lambda e: np.log(np.exp(0.5) + np.exp(e).sum()), 0.5))
    np.testing.assert_array_equal(pool(9.0, last_of), expected(lambda e: e[-1], 9.0))
    for init in (-jnp.inf, 0.5):
        of_x = functools.partial(jaxpool.pool, where=valid, **arguments, **FLAT)
        slope = jax.grad(lambda x, i=init, f=of_x: jnp.exp(f(x, i, jnp.logaddexp)).sum())(jnp.asarray(holes))
        assert np.isfinite(slope).all()
        np.testing.assert_array_equal(slope[~valid], 0)


@pytest.mark.later
def test_what_is_left_out_and_padding_keep_tangents_finite():
    x, valid = jnp.arange(6.0), np.array([True, False, False, True, True, True])
    # Two elements of padding, or two that are left out, side by side. Weights that sum to 1 make the tangent 1.
    for options in ({"window_shape": (3,), "padding": 2}, {"window_shape": (2,), "where": valid}):
        pool = functools.partial(jaxpool.pool, **options, **FLAT)
        values, tangents = jax.jvp(lambda x, pool=pool: pool(x, -jnp.inf, jnp.logaddexp), (x,), (jnp.ones(6),))
        np.testing.assert_allclose(tangents, np.isfinite(values), rtol=1e-5)
    bins = functools.partial(jaxpool.adaptive_pool, output_size=(4,), where=valid, **FLAT)
    _, tangents = jax.jvp(lambda x: bins(x, -jnp.inf, jnp.logaddexp), (x,), (jnp.ones(6),))
    np.testing.assert_allclose(tangents, [1, 0, 1, 1], rtol=1e-5)


@pytest.mark.later
def test_a_mask_for_a_tree_and_for_padding_that_holds_something(rng):
    x = rng.random((2, 6, 7, 3)).astype(np.float32)
    valid = rng.random((1, 6, 7, 1)) < 0.5

    def mean(a, b):
        return a[0] + b[0], a[1] + b[1]

    for mode in (None, "EDGE", "WRAP"):
        options = {"strides": 2, "padding": 1, "padding_mode": mode, "where": valid}
        tree = (jnp.asarray(x), jnp.ones_like(x))
        total, count = jaxpool.pool(tree, (0.0, 0.0), mean, (3, 3), **options)
        close(total, jaxpool.sum_pool(x, (3, 3), **options))
        found = np.where(count == 0, 0, total / jnp.maximum(count, 1))
        close(found, jaxpool.avg_pool(x, (3, 3), count_include_pad=False, **options))
        close(jaxpool.pool(x, 0.0, lax.add, (3, 3), **options), total)
    with pytest.raises(ValueError, match=r"pool: where\.shape must have as many axes"):
        jaxpool.pool(x, 0.0, lax.add, (3, 3), where=valid[0])


@pytest.mark.slow
def test_what_a_mask_leaves_out_of_bins_has_no_influence(rng):
    x = rng.normal(size=(2, 7, 9, 3)).astype(np.float32)
    valid = rng.random((2, 7, 9, 1)) < 0.6
    valid[0, :3] = False
    holes = jnp.asarray(np.where(valid, x, np.nan))
    for pool in (
        jaxpool.adaptive_avg_pool,
        jaxpool.adaptive_sum_pool,
        jaxpool.adaptive_max_pool,
        jaxpool.adaptive_min_pool,
        jaxpool.adaptive_lp_pool,
        functools.partial(jaxpool.adaptive_power_mean_pool, p=jnp.linspace(0.5, 3.0, 3).reshape(1, 1, 1, 3)),
        lambda x, _, where: jaxpool.pyramid_pool(x, (1, 3), where=where),
        lambda x, _, where: jaxpool.pyramid_pool(x, (1, 3), kind="avg", where=where),
        lambda x, _, where: jaxpool.rmac_pool(x, where=where),
        lambda x, _, where: jaxpool.global_max_pool_with_argmax(x, where=where)[0],
    ):
        call = functools.partial(pool, where=valid)
        np.testing.assert_array_equal(call(holes, (3, 4)), call(jnp.asarray(x), (3, 4)))
        y, pull = jax.vjp(lambda x, call=call: call(x, (3, 4)), holes)
        (slope,) = pull(jnp.ones_like(y))
        assert np.isfinite(slope).all()
        np.testing.assert_array_equal(np.asarray(slope)[~np.broadcast_to(valid, x.shape)], 0)
        tangent = jax.jvp(lambda x, call=call: call(x, (3, 4)), (holes,), (holes,))[1]
        assert np.isfinite(tangent).all()


def test_bins_of_infinities_and_nan():
    x = jnp.full((4, 6), -jnp.inf)
    valid = np.zeros((4, 6), bool)
    valid[1, 1] = valid[3, 5] = True
    values, indices = jaxpool.adaptive_max_pool_with_argmax(x, (2, 4), where=valid, **FLAT)
    assert (values == -jnp.inf).all()
    # -inf that counts comes before what does not; bins without valid elements name their first.
    assert indices.tolist() == [[7, 7, 3, 4], [12, 13, 15, 23]]
    slope = jax.grad(lambda x: jaxpool.adaptive_max_pool(x, (2, 4), where=valid, **FLAT).sum())(x)
    assert not slope.any()
    nan = jnp.zeros(6).at[jnp.array([2, 3])].set(jnp.nan)
    values, indices = jaxpool.adaptive_max_pool_with_argmax(nan, (4,), where=np.arange(6) != 2, **FLAT)
    np.testing.assert_array_equal(np.isnan(values), [False, False, True, False])
    assert indices.tolist() == [0, 1, 3, 4]
    integers = jaxpool.adaptive_max_pool(jnp.arange(4, dtype=jnp.int8), (2,), where=np.arange(4) > 1, **FLAT)
    assert integers.tolist() == [-128, 3]


@pytest.mark.later
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_floats_in_bins_are_computed_in_f32(dtype, rng):
    x = jnp.asarray(rng.normal(size=(1, 31, 33, 4)) + 4, dtype)
    valid = rng.random((1, 31, 33, 1)) < 0.5
    for pool in (
        jaxpool.adaptive_avg_pool,
        jaxpool.adaptive_sum_pool,
        jaxpool.adaptive_lp_pool,
        jaxpool.adaptive_power_mean_pool,
    ):
        found = pool(x, (2, 3), where=valid)
        assert found.dtype == dtype
        np.testing.assert_array_equal(found, pool(x.astype(jnp.float32), (2, 3), where=valid).astype(dtype))
    wide = jaxpool.rmac_pool(x.astype(jnp.float32))
    np.testing.assert_array_equal(jaxpool.rmac_pool(x), wide.astype(dtype))
    averaged = functools.partial(
        jaxpool.fractional_avg_pool, key=jax.random.key(0), output_size=(3, 4), rule="tensorflow"
    )
    np.testing.assert_array_equal(averaged(x), averaged(x.astype(jnp.float32)).astype(dtype))
    assert jaxpool.adaptive_sum_pool(jnp.ones((5,), jnp.int8), (2,), **FLAT).dtype == jnp.int32


@pytest.mark.slow
def test_one_exponent_per_feature_is_each_feature_with_its_own(rng):
    x = rng.normal(size=(2, 6, 7, 3)).astype(np.float32)
    exponents = [0.5, 2.0, 9.0]
    p = jnp.asarray(exponents).reshape(1, 1, 1, 3)
    valid = rng.random((1, 6, 7, 1)) < 0.6
    windows = [{"window_shape": (2, 2), "strides": 2}, {"window_shape": (3, 4), "padding": 1}, {"window_shape": (6, 7)}]
    pools = [functools.partial(f, **w) for f in (jaxpool.lp_pool, jaxpool.power_mean_pool) for w in windows]
    pools += [functools.partial(jaxpool.adaptive_lp_pool, output_size=(3, 4))]
    pools += [functools.partial(jaxpool.adaptive_power_mean_pool, output_size=(2, 7))]
    pools += [functools.partial(f, keepdims=True) for f in (jaxpool.global_lp_pool, jaxpool.global_power_mean_pool)]
    for pool, where in itertools.product(pools, (None, valid)):
        alone = [pool(x[..., i : i + 1], p=q, where=where) for i, q in enumerate(exponents)]
        np.testing.assert_allclose(pool(x, p=p, where=where), np.concatenate(alone, -1), rtol=2e-5)
        first = None if where is None else np.moveaxis(where, -1, 1)
        given = {"channel_axis": -3, "p": p.reshape(1, 3, 1, 1), "where": first}
        found = pool(np.moveaxis(x, -1, 1), **given)
        np.testing.assert_allclose(np.moveaxis(found, 1, -1), np.concatenate(alone, -1), rtol=2e-5)
        # Between the two axes of space.
        between = None if where is None else np.moveaxis(where, -1, 2)
        given = {"channel_axis": 2, "p": p.reshape(1, 1, 3, 1), "where": between}
        found = pool(np.moveaxis(x, -1, 2), **given)
        np.testing.assert_allclose(np.moveaxis(found, 2, -1), np.concatenate(alone, -1), rtol=2e-5)
    # And one per picture.
    each = jaxpool.lp_pool(x, (2, 2), p=jnp.asarray([1.0, 3.0]).reshape(2, 1, 1, 1))
    np.testing.assert_allclose(each[1], jaxpool.lp_pool(x[1], (2, 2), p=3.0), rtol=2e-5)


@pytest.mark.slow
@pytest.mark.parametrize("channel_axis", [-1, -3])
def test_derivatives_by_exponents_of_features(channel_axis):
    with jax.enable_x64(True):
        rng = np.random.default_rng(4)
        x = jnp.asarray(rng.normal(size=(1, 3, 4, 2)))
        p = jnp.asarray([1.5, 3.2]).reshape(1, 1, 1, 2)
        x, p = (jnp.moveaxis(a, -1, channel_axis) for a in (x, p))
        options = {"channel_axis": channel_axis}
        for pool in (
            lambda x, p: jaxpool.lp_pool(x, (2, 3), 2, 1, p=p, **options),
            lambda x, p: jaxpool.global_power_mean_pool(x, p=p, **options),
            lambda x, p: jaxpool.adaptive_power_mean_pool(x, (2, 2), p=p, **options),
        ):
            check_grads(pool, (x, p), order=2, modes=["fwd", "rev"])


@pytest.mark.later
@pytest.mark.parametrize("shape", [(2, 5, 6, 3), (1, 8, 8, 2)])
def test_order_of_a_pyramid(shape, rng):
    x = rng.permutation(math.prod(shape)).reshape(shape).astype(np.float32)
    levels = (1, (2, 3), 4)
    for kind, pool in (("max", jaxpool.adaptive_max_pool), ("avg", jaxpool.adaptive_avg_pool)):
        planes = [np.asarray(pool(x, size)) for size in ((1, 1), (2, 3), (4, 4))]
        last = np.concatenate([plane.reshape(shape[0], -1) for plane in planes], 1)
        first = np.concatenate([np.moveaxis(plane, -1, 1).reshape(shape[0], -1) for plane in planes], 1)
        found = functools.partial(jaxpool.pyramid_pool, levels=levels, kind=kind)
        np.testing.assert_array_equal(found(x), last)
        np.testing.assert_array_equal(found(x, order="features_first"), first)
        # The vector does not depend on the layout.
        moved = np.moveaxis(x, -1, 1)
        np.testing.assert_array_equal(found(moved, channel_axis=-3), last)
        np.testing.assert_array_equal(found(moved, channel_axis=1, order="features_first"), first)
        alone = found(x[0, ..., 0], channel_axis=None, num_spatial_dims=2)
        np.testing.assert_array_equal(alone, last.reshape(shape[0], -1, shape[-1])[0, :, 0])


def test_pyramids_of_time_and_of_empty_bins(rng):
    x = rng.normal(size=(2, 9, 3)).astype(np.float32)
    lengths = np.array([9, 2])
    valid = (np.arange(9) < lengths[:, None])[..., None]
    found = jaxpool.pyramid_pool(x, (1, 2, 4), num_spatial_dims=1, where=valid)
    assert found.shape == (2, 7 * 3)
    np.testing.assert_array_equal(found[0], jaxpool.pyramid_pool(x, (1, 2, 4), num_spatial_dims=1)[0])
    vectors = np.asarray(found[1]).reshape(7, 3)
    np.testing.assert_array_equal(vectors[0], x[1, :2].max(0))
    np.testing.assert_array_equal(vectors[3], x[1, :2].max(0))
    # Bins of the second half have no valid element: 0, not -inf.
    np.testing.assert_array_equal(vectors[[2, 5, 6]], 0)
    assert jaxpool.pyramid_pool(jnp.arange(8, dtype=jnp.int8), (1, 2), num_spatial_dims=1, **FLAT).tolist() == [7, 3, 7]


def rmac_by_loops(x, squares, eps=1e-6):
    """Of one picture with channels last, in float64."""

    def unit(region):
        v = region.max((0, 1))
        return v / (np.sqrt((v**2).sum()) + eps)

    total = unit(x)
    for side, (rows, columns) in squares:
        for i, j in itertools.product(rows, columns):
            total = total + unit(x[i : i + side, j : j + side])
    return total


@pytest.mark.parametrize("size", [(7, 7), (9, 14), (14, 9), (5, 31), (1, 4), (2, 2)])
def test_rmac_beside_loops(size, rng):
    x = rng.normal(size=(2, *size, 4)).astype(np.float32)
    for levels, overlap in ((3, 0.4), (1, 0.2), (5, 0.4)):
        squares = rmac_squares(size, levels, overlap)
        expected = [rmac_by_loops(picture.astype(np.float64), squares) for picture in x]
        found = jaxpool.rmac_pool(x, num_levels=levels, overlap=overlap)
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)
    moved = jaxpool.rmac_pool(np.moveaxis(x, -1, 0), channel_axis=0)
    np.testing.assert_allclose(moved.T, jaxpool.rmac_pool(x), rtol=1e-5, atol=1e-5)


def reference_squares(size, levels=3, wanted=0.4):
    """The published description in exact fractions: centres of regions, from which half a side is subtracted."""
    short, long = min(size), max(size)
    more = 0
    if short != long:
        overlaps = [abs(1 - (long - short) / ((steps - 1) * short) - wanted) for steps in range(2, 8)]
        more = overlaps.index(min(overlaps)) + 1
    for level in range(1, levels + 1):
        side = 2 * short // (level + 1)
        half = math.floor(side / 2 - 1)
        corners = []
        for length in size:
            regions = level + (more if length > short else 0)
            step = (length - side) / (regions - 1) if regions > 1 else 0
            corners.append([math.floor(half + i * step + 1e-9) - half for i in range(regions)])
        if side:
            yield side, corners


def test_squares_of_rmac_are_those_of_the_description():
    # Equal distances to the wanted overlap apart, which rounding decides.
    for size in itertools.product(range(1, 40), (7, 8, 13, 30, 37)):
        short, long = min(size), max(size)
        distances = sorted(abs(0.6 - (long - short) / ((steps - 1) * short)) for steps in range(2, 8))
        if short == long or distances[1] - distances[0] > 1e-6:
            assert rmac_squares(size, 3, 0.4) == list(reference_squares(size)), size
    # All of the plane is covered, and nothing beside it.
    side, (rows, columns) = rmac_squares((20, 33), 3, 0.4)[2]
    assert side == 10
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (0, 10, 0, 23)


@pytest.mark.later
def test_rmac_of_zeros_and_of_planes_without_valid_elements():
    x = jnp.zeros((1, 5, 7, 3))
    empty = functools.partial(jaxpool.rmac_pool, where=np.zeros((1, 5, 7, 1), bool))
    for pool in (jaxpool.rmac_pool, empty):
        y, pull = jax.vjp(pool, x)
        np.testing.assert_array_equal(y, jnp.zeros((1, 3)))
        assert jnp.isfinite(pull(jnp.ones_like(y))[0]).all()
    # The squares overflow; of larger norms XLA:CPU flushes the reciprocal to 0.
    large = jnp.full((1, 4, 4, 2), 3e37)
    close(jaxpool.rmac_pool(large, num_levels=1), jnp.full((1, 2), 2 / math.sqrt(2)))


@pytest.mark.slow
def test_derivatives_of_rmac_and_of_masked_operations(rng):
    with jax.enable_x64(True):
        x = jnp.asarray(rng.normal(size=(1, 4, 6, 2)))
        valid = rng.random((1, 4, 6, 1)) < 0.6
        for pool in (
            functools.partial(jaxpool.rmac_pool, num_levels=2),
            functools.partial(jaxpool.rmac_pool, where=valid),
            lambda x: jaxpool.pool(x, 0.5, jnp.logaddexp, (2, 3), padding=1, where=valid),
            lambda x: jaxpool.adaptive_pool(x, -jnp.inf, jnp.logaddexp, (3, 4), where=valid)[:, :1],
            lambda x: jaxpool.fractional_avg_pool(x, jax.random.key(1), (3, 4), window_shape=(2, 2)),
        ):
            finite = lambda x, pool=pool: jnp.where(jnp.isfinite(pool(x)), pool(x), 0)  # noqa: E731
            check_grads(finite, (x,), order=2, modes=["fwd", "rev"])


@pytest.mark.later
def test_indices_of_global_extrema(rng):
    x = rng.integers(-3, 4, (3, 6, 7, 4)).astype(np.float32)
    x[0, 2:4, 1, 0] = np.nan
    valid = rng.random((3, 6, 7, 1)) < 0.3
    valid[2] = False
    for name, worst, argument in (("max", -np.inf, np.argmax), ("min", np.inf, np.argmin)):
        pool = getattr(jaxpool, f"global_{name}_pool_with_arg{name}")
        planes = x.reshape(3, 42, 4)
        values, indices = pool(x)
        # NumPy's is the first, also of NaN.
        np.testing.assert_array_equal(indices, argument(planes, 1))
        np.testing.assert_array_equal(values, getattr(jaxpool, f"global_{name}_pool")(x))
        inside = np.broadcast_to(valid, x.shape).reshape(planes.shape)
        values, indices = pool(x, where=valid, keepdims=True)
        assert values.shape == indices.shape == (3, 1, 1, 4)
        expected = argument(np.where(inside, planes, worst), 1)
        np.testing.assert_array_equal(indices[:, 0, 0], expected)
        np.testing.assert_array_equal(values, getattr(jaxpool, f"global_{name}_pool")(x, where=valid, keepdims=True))
    worst = jnp.full((1, 2, 2, 1), -jnp.inf)
    places = jaxpool.global_max_pool_with_argmax(worst, where=np.array([0, 0, 1, 1], bool).reshape(1, 2, 2, 1))[1]
    assert places.item() == 2
    slope = jax.grad(lambda x: jaxpool.global_max_pool_with_argmax(x)[0].sum())(jnp.ones((1, 2, 2, 1)))
    assert slope.ravel().tolist() == [1, 0, 0, 0]


def spans_of(rule, overlapping, key, size, outputs):
    """Where windows lie, from those of maxima: the place of the largest of a ramp, and of its mirror image."""
    ramp = np.arange(size, dtype=np.float32)
    options = {"rule": rule, "overlapping": overlapping, **FLAT}
    highest = jaxpool.fractional_max_pool(ramp, key, (outputs,), **options)
    lowest = -jaxpool.fractional_max_pool(-ramp, key, (outputs,), **options)
    return np.asarray(lowest, int), np.asarray(highest, int) + 1


@pytest.mark.later
@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("rule", ["tensorflow", "tensorflow_pseudo_random"])
def test_fractional_means_are_those_of_the_windows_of_maxima(rule, overlapping, rng):
    for size, outputs in ((11, 7), (12, 5), (9, 9), (40, 2)):
        x = rng.normal(size=size).astype(np.float32)
        key = jax.random.key(size)
        starts, stops = spans_of(rule, overlapping, key, size, outputs)
        assert (starts[0], stops[-1]) == (0, size)
        np.testing.assert_array_equal(starts[1:], stops[:-1] - overlapping)
        found = jaxpool.fractional_avg_pool(x, key, (outputs,), rule=rule, overlapping=overlapping, **FLAT)
        expected = [x[a:b].astype(np.float64).mean() for a, b in zip(starts, stops, strict=True)]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
        # What is not finite stays where it is.
        x[size // 2] = np.inf
        found = jaxpool.fractional_avg_pool(x, key, (outputs,), rule=rule, overlapping=overlapping, **FLAT)
        np.testing.assert_array_equal(np.isinf(found), (starts <= size // 2) & (size // 2 < stops))


def test_fractional_means_of_windows_of_one_size(rng):
    x = rng.normal(size=(2, 9, 10, 3)).astype(np.float32)
    samples = rng.random((2, 3, 2)).astype(np.float32)
    found = np.asarray(jaxpool.fractional_avg_pool(x, None, (4, 5), window_shape=(3, 2), samples=samples))
    slope = jax.grad(lambda x: jaxpool.fractional_avg_pool(x, None, (4, 5), window_shape=(3, 2), samples=samples).sum())
    shares = np.zeros_like(x)

    def starts(size, taps, outputs, u):
        alpha = np.float32(size - taps) / np.float32(outputs - 1)
        row = [int((np.float32(i) + u) * alpha) - int(u * alpha) for i in range(outputs)]
        return [*row[:-1], size - taps]

    for b, c in itertools.product(range(2), range(3)):
        rows, columns = starts(9, 3, 4, samples[b, c, 0]), starts(10, 2, 5, samples[b, c, 1])
        for (i, r), (j, k) in itertools.product(enumerate(rows), enumerate(columns)):
            window = x[b, r : r + 3, k : k + 2, c]
            np.testing.assert_allclose(found[b, i, j, c], window.mean(), rtol=1e-5, atol=1e-6)
            shares[b, r : r + 3, k : k + 2, c] += 1 / 6
    close(slope(jnp.asarray(x)), shares)


def scattered_in(text):
    return re.findall(r'"stablehlo\.scatter".*?\}\) : \((tensor<[^>]*>)', text, re.DOTALL)


def test_the_gradient_of_fractional_means_scatters_nothing():
    x = jax.ShapeDtypeStruct((1, 16, 16, 4), jnp.float32)
    for options in ({"window_shape": (3, 3)}, {"rule": "tensorflow_pseudo_random", "overlapping": True}):
        pool = functools.partial(jaxpool.fractional_avg_pool, key=jax.random.key(0), output_size=(7, 9), **options)
        text = jax.jit(jax.grad(lambda x, pool=pool: pool(x).sum())).lower(x).as_text()
        largest = functools.partial(jaxpool.fractional_max_pool, **pool.keywords)
        forward = jax.jit(jax.grad(lambda x, pool=largest: pool(x).sum())).lower(x).as_text()
        assert any("f32" in scattered for scattered in scattered_in(forward))
        assert not any("f32" in scattered for scattered in scattered_in(text))


@pytest.mark.later
def test_branches_of_a_pyramid_pooling_module_with_aligned_corners(rng):
    x = jnp.asarray(rng.normal(size=(1, 9, 13, 2)), jnp.float32)
    for n in (2, 3, 6):
        branch = jaxpool.adaptive_avg_pool(x, (n, n))
        scale = jnp.array([(9 - 1) / (n - 1), (13 - 1) / (n - 1)])
        found = jax.image.scale_and_translate(branch, x.shape, (1, 2), scale, 0.5 - scale / 2, "bilinear")
        rows = np.linspace(0, n - 1, 9)
        columns = np.linspace(0, n - 1, 13)
        plane = np.asarray(branch[0, ..., 0])
        along = np.stack([np.interp(columns, np.arange(n), row) for row in plane])
        expected = np.stack([np.interp(rows, np.arange(n), column) for column in along.T], 1)
        np.testing.assert_allclose(found[0, ..., 0], expected, rtol=1e-4, atol=1e-5)
