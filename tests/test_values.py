"""Values, dtypes, ties, special numbers, indices, residuals."""

import functools
import math

import jax
import jax.numpy as jnp
import ml_dtypes
import numpy as np
import oracle
import pytest

import jaxpool
from jaxpool._geometry import pooling_window
from jaxpool._lowerings import IMPLEMENTATIONS

NOTES = np.array([[1, 3, 2, 4], [5, 6, 1, 2], [0, 2, 9, 1], [4, 1, 3, 8]], np.float32)


def test_the_course_notes_examples():
    top = jaxpool.max_pool(NOTES, (2, 2), 2, channel_axis=None)
    np.testing.assert_array_equal(top, [[6, 4], [4, 9]])
    maps = np.stack([np.full((4, 4), 5), np.full((4, 4), 4), np.full((4, 4), 4)], -1).astype(np.float32)
    maps[0, 0] += 8
    maps[3, 3] -= 8
    np.testing.assert_array_equal(maps.sum((0, 1)), [80, 64, 64])
    np.testing.assert_array_equal(jaxpool.global_avg_pool(maps, num_spatial_dims=2), [5, 4, 4])
    np.testing.assert_array_equal(jaxpool.global_avg_pool(maps[None]), [[5, 4, 4]])


@pytest.mark.parametrize("channel_axis", [-1, 1, 2, 0])
def test_any_channel_axis_gives_the_same_maps(channel_axis, rng):
    x = rng.normal(size=(2, 6, 5, 3)).astype(np.float32)
    expected = jaxpool.max_pool(x, (3, 2), 2, "SAME")
    moved = jaxpool.max_pool(np.moveaxis(x, -1, channel_axis), (3, 2), 2, "SAME", channel_axis=channel_axis)
    np.testing.assert_array_equal(np.moveaxis(moved, channel_axis, -1), expected)
    whole = jaxpool.global_avg_pool(np.moveaxis(x, -1, channel_axis), channel_axis=channel_axis)
    np.testing.assert_allclose(whole if channel_axis else whole.T, x.mean((1, 2)), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("rank", [1, 2, 3, 4])
def test_global_pools_of_any_rank(rank, rng):
    x = rng.integers(-9, 9, (2, 2, *range(2, 2 + rank), 3)).astype(np.float32)
    axes = tuple(range(2, 2 + rank))
    assert jaxpool.global_max_pool(x, num_spatial_dims=rank).tolist() == x.max(axes).tolist()
    assert jaxpool.global_min_pool(x, num_spatial_dims=rank).tolist() == x.min(axes).tolist()
    assert jaxpool.global_sum_pool(x, num_spatial_dims=rank).tolist() == x.sum(axes).tolist()
    kept = jaxpool.global_avg_pool(x, num_spatial_dims=rank, keepdims=True)
    np.testing.assert_allclose(kept, x.mean(axes, keepdims=True), rtol=1e-6, atol=1e-7)


ORDERED = ["float32", "float16", "bfloat16", "float8_e4m3fn", "float8_e5m2", "int8", "uint8", "int16", "int32", "bool"]


@pytest.mark.parametrize("dtype", ORDERED)
def test_extrema_keep_every_ordered_dtype(dtype, rng):
    if dtype == "bool":
        x = rng.random((1, 5, 6)) < 0.5
    else:
        low = 0 if dtype.startswith("u") else -4
        x = np.asarray(rng.integers(low, 5, (1, 5, 6)), jnp.dtype(dtype))
    window = pooling_window(x.shape, (3, 3), 2, 1, channel_axis=None, padding_is_empty=True)
    wide = x.astype(np.float64)
    for pool, kind in ((jaxpool.max_pool_with_argmax, "max"), (jaxpool.min_pool_with_argmin, "min")):
        expected, offsets = oracle.window_argextremum(wide, window, kind)
        for name in (None, "reduce_window"):
            values, indices = pool(x, (3, 3), 2, 1, channel_axis=None, implementation=name)
            assert values.dtype == x.dtype
            np.testing.assert_array_equal(np.asarray(values).astype(np.float64), expected)
            assert indices.dtype == np.int32
            # The index names an element with that value.
            np.testing.assert_array_equal(wide.reshape(1, -1)[0][np.ravel(indices)], expected.ravel())
            rows, columns = np.divmod(offsets, 3)
            outs = np.indices(offsets.shape)
            flat = (outs[1] * 2 - 1 + rows) * 6 + outs[2] * 2 - 1 + columns
            np.testing.assert_array_equal(indices, flat)
        simple = {"max": jaxpool.max_pool, "min": jaxpool.min_pool}[kind](x, (3, 3), 2, 1, channel_axis=None)
        np.testing.assert_array_equal(np.asarray(simple).astype(np.float64), expected)


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float8_e5m2", "float32"])
def test_narrow_floats_with_nan_infinities_and_both_zeros(dtype, rng):
    special = [np.nan, -np.nan, np.inf, -np.inf, 0.0, -0.0, 1.5, -1.5]
    x = rng.choice(
        np.asarray(special, jnp.dtype(dtype)), (3, 15, 17), p=[0.04, 0.04, 0.02, 0.5, 0.15, 0.15, 0.05, 0.05]
    )
    wide = x.astype(np.float64)
    for shape, stride, padding in (((3, 3), 2, 1), ((7, 7), 1, 3), ((2, 3), 1, 0)):
        arguments = (shape, stride, padding)
        window = pooling_window(x.shape, *arguments, channel_axis=None, padding_is_empty=True)
        for pool, kind in ((jaxpool.max_pool_with_argmax, "max"), (jaxpool.min_pool_with_argmin, "min")):
            expected, offsets = oracle.window_argextremum(wide, window, kind)
            (values, indices), pull = jax.vjp(lambda x, p=pool, a=arguments: p(x, *a, channel_axis=None), x)
            simple = getattr(jaxpool, f"{kind}_pool")(x, *arguments, channel_axis=None)
            np.testing.assert_array_equal(np.asarray(values).astype(np.float64), expected)
            np.testing.assert_array_equal(np.asarray(simple).astype(np.float64), expected)
            g = pull((jnp.ones_like(values), np.zeros(indices.shape, jax.dtypes.float0)))[0]
            sent = oracle.scatter_at_offsets(np.ones(offsets.shape), offsets, window).astype(x.dtype)
            np.testing.assert_array_equal(np.asarray(g).astype(np.float64), sent.astype(np.float64))


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "dtype"), [("max", "float32"), ("min", "bfloat16"), ("max", "float8_e5m2")])
def test_the_value_is_the_element_at_the_index_also_in_the_sign_of_zero(dtype, kind, rng):
    pool, with_argmax = getattr(jaxpool, f"{kind}_pool"), getattr(jaxpool, f"{kind}_pool_with_argmax")
    first = pool(jnp.asarray([-0.0, 0.0, -0.0], dtype), (2,), channel_axis=None)
    assert np.signbit(np.asarray(first, np.float32)).tolist() == [True, False]
    worse = -1.0 if kind == "max" else 1.0
    # With many channels and few, short windows and long, apart and overlapping, one that is the plane.
    for shape, window, strides, padding in [
        ((1, 9, 9, 40), (3, 3), 1, 1),
        ((1, 9, 9, 3), (2, 2), 2, 0),
        ((1, 9, 9, 3), (3, 3), 2, 1),
        ((1, 15, 15, 10), (13, 13), 1, 6),
        ((2, 30, 3), (25,), 1, 12),
        ((1, 3, 4, 2), (3, 4), 1, 0),
    ]:
        x = jnp.asarray(rng.choice(np.float32([-0.0, 0.0, worse]), shape), dtype)
        for name in (None, *IMPLEMENTATIONS):
            # Written out tap by tap, long windows take minutes to compile.
            if name == "joint" and math.prod(window) > 12:
                continue
            try:
                values, indices = with_argmax(x, window, strides, padding, implementation=name)
            except NotImplementedError:
                continue
            # The maximum that XLA has natively is free to return either zero.
            alone = [pool(x, window, strides, padding, implementation=name)] if name != "reduce_window" else []
            alone.append(jax.vjp(lambda x, n=name, a=(window, strides, padding): pool(x, *a, implementation=n), x)[0])
            planes, places = (
                np.asarray(a, t).reshape(shape[0], -1, shape[-1]) for a, t in ((x, np.float32), (indices, int))
            )
            expected = np.take_along_axis(planes, places, 1).reshape(values.shape)
            for found in (values, *alone):
                np.testing.assert_array_equal(
                    np.signbit(np.asarray(found, np.float32)), np.signbit(expected), str(name)
                )


@pytest.mark.parametrize(
    ("worst", "dtype"), [(-np.inf, "float32"), (-128, "int8"), (-(2**31), "int32"), (False, "bool"), (0, "uint8")]
)
def test_a_plane_of_worst_values_has_real_indices(worst, dtype):
    x = jnp.full((1, 4, 4, 1), worst, dtype)
    for name in (None, *(name for name in IMPLEMENTATIONS if name != "whole")):
        values, indices = jaxpool.max_pool_with_argmax(x, (3, 3), 2, 1, implementation=name)
        np.testing.assert_array_equal(values, np.full((1, 2, 2, 1), worst, dtype))
        assert indices[0, :, :, 0].tolist() == [[0, 1], [4, 5]], name
        _, indices = jaxpool.max_pool_with_argmax(x, (3, 3), 2, 2, window_dilation=2, implementation=name)
        assert indices[0, :, :, 0].tolist() == [[0, 0], [0, 0]], name


@pytest.mark.slow
@pytest.mark.parametrize("dtype", ["float32", "float16", "float8_e4m3fn", "float8_e5m2"])
@pytest.mark.parametrize("kind", ["max", "min"])
@pytest.mark.parametrize("size", [40, 80])
def test_nan_of_a_large_plane_is_kept(size, kind, dtype):
    # XLA:CPU loses it where it reduces many rows of few channels.
    x = jnp.ones((size, size, 3)).at[1, 2].set(jnp.nan).astype(dtype)
    pool, whole = getattr(jaxpool, f"{kind}_pool"), getattr(jaxpool, f"global_{kind}_pool")
    assert np.isnan(whole(x, num_spatial_dims=2)).all()
    assert np.isnan(jax.jit(jax.vmap(lambda x: whole(x, num_spatial_dims=2)))(x[None])).all()
    values, indices = getattr(jaxpool, f"{kind}_pool_with_argmax")(x, (size, size))
    assert np.isnan(values).all()
    assert indices.ravel().tolist() == [size + 2] * 3
    assert np.isnan(pool(x, (size, size))).all()
    assert np.argwhere(jax.grad(lambda x: whole(x, num_spatial_dims=2).sum())(x)).tolist() == [
        [1, 2, c] for c in range(3)
    ]


def test_nan_goes_everywhere_it_should():
    x = np.arange(25, dtype=np.float32).reshape(1, 5, 5, 1)
    x[0, 1, 3, 0] = x[0, 3, 1, 0] = np.nan
    for pool in (jaxpool.max_pool_with_argmax, jaxpool.min_pool_with_argmin):
        values, indices = pool(x, (3, 3), 2)
        assert np.isnan(values[0, :, :, 0]).tolist() == [[False, True], [True, False]]
        assert indices[0, 0, 1, 0] == 8
        assert indices[0, 1, 0, 0] == 16
        slope = jax.vjp(lambda x, p=pool: p(x, (3, 3), 2)[0], x)[1](jnp.ones_like(values))[0]
        assert slope.sum() == 4
        assert slope[0, 1, 3, 0] == slope[0, 3, 1, 0] == 1
    both = np.full((1, 2, 2, 1), np.nan, np.float32)
    assert jaxpool.max_pool_with_argmax(both, (2, 2))[1].item() == 0
    assert jaxpool.max_pool_with_argmax(both, (1, 2), window_dilation=1)[1].ravel().tolist() == [0, 2]
    assert np.isnan(jaxpool.global_max_pool(x)).all()
    assert jax.grad(lambda x: jaxpool.global_max_pool(x).sum())(x)[0, 1, 3, 0] == 1


def test_ties_go_to_the_first_in_row_major_order():
    x = jnp.ones((1, 4, 4, 1))
    expected = np.zeros((4, 4))
    expected[::2, ::2] = 1
    for name in (None, "joint", "separable"):
        slope = jax.grad(lambda x, n=name: jaxpool.max_pool(x, (2, 2), 2, implementation=n).sum())(x)
        np.testing.assert_array_equal(slope[0, :, :, 0], expected)
    first = jax.grad(lambda x: jaxpool.global_max_pool(x).sum())(x)
    assert first[0, 0, 0, 0] == 1
    assert first.sum() == 1


@pytest.mark.parametrize("count_include_pad", [True, False])
@pytest.mark.parametrize("ceil_mode", [True, False])
def test_divisors(count_include_pad, ceil_mode, rng):
    x = rng.integers(-9, 9, (2, 8, 7)).astype(np.float32)
    arguments = {"strides": (2, 3), "padding": ((1, 2), (0, 1)), "ceil_mode": ceil_mode, "channel_axis": None}
    for dilation in (1, 2):
        window = pooling_window(x.shape, (3, 2), window_dilation=dilation, padding_is_empty=True, **arguments)
        y = jaxpool.avg_pool(x, (3, 2), count_include_pad=count_include_pad, window_dilation=dilation, **arguments)
        expected = oracle.window_sum(x, window) / oracle.counts(window, count_include_pad)
        np.testing.assert_allclose(y, expected, rtol=1e-6)
    override = jaxpool.avg_pool(x, (3, 2), divisor_override=-5, **arguments)
    np.testing.assert_allclose(override, jaxpool.sum_pool(x, (3, 2), **arguments) / -5, rtol=1e-6)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float8_e4m3fn"])
def test_narrow_averages_are_rounded_once(dtype, rng):
    x = rng.uniform(0, 1, (1, 32, 32, 2)).astype(jnp.dtype(dtype))
    exact = x.astype(np.float64)
    info = ml_dtypes.finfo(x.dtype)
    for y, expected in [
        (jaxpool.avg_pool(x, (32, 32)), exact.mean((1, 2), keepdims=True)),
        (jaxpool.global_avg_pool(x, keepdims=True), exact.mean((1, 2), keepdims=True)),
        (jaxpool.avg_pool(x, (4, 4), 4), exact.reshape(1, 8, 4, 8, 4, 2).mean((2, 4))),
    ]:
        assert y.dtype == x.dtype
        # Half a unit in the last place, and what the sum in f32 may add to it.
        bound = expected * float(info.eps) / 2 * (1 + 1e-2)
        assert (np.abs(np.asarray(y).astype(np.float64) - expected) <= bound).all()
        slope = jax.grad(lambda x: jaxpool.avg_pool(x, (4, 4), 4).astype(jnp.float32).sum())(jnp.asarray(x))
        assert slope.dtype == x.dtype
        np.testing.assert_array_equal(np.asarray(slope).astype(np.float64), np.full(x.shape, 1 / 16))


@pytest.mark.parametrize(("dtype", "average", "total"), [("uint8", "float32", "uint32"), ("bool", "float32", "int32")])
def test_averages_and_sums_of_integers_do_not_wrap(dtype, average, total):
    x = np.full((1, 4, 4, 1), 200 if dtype == "uint8" else 1, dtype)
    value = int(x[0, 0, 0, 0])
    for y in (jaxpool.avg_pool(x, (2, 2), 2), jaxpool.global_avg_pool(x)):
        assert y.dtype == average
        assert (y == value).all()
    for y, n in ((jaxpool.sum_pool(x, (2, 2), 2), 4), (jaxpool.global_sum_pool(x), 16)):
        assert y.dtype == total
        assert (y == value * n).all()


def test_complex_numbers_have_sums_and_averages_with_gradients(rng):
    x = (rng.normal(size=(1, 4, 4, 1)) + 1j * rng.normal(size=(1, 4, 4, 1))).astype(np.complex64)
    y = jaxpool.avg_pool(x, (3, 3), 1, 1, count_include_pad=False)
    assert y.dtype == x.dtype
    np.testing.assert_allclose(y[0, 0, 0], x[0, :2, :2].mean((0, 1)), rtol=1e-5)
    np.testing.assert_allclose(jaxpool.global_sum_pool(x), x.sum((1, 2)), rtol=1e-5)
    slope = jax.grad(lambda x: jnp.sum(jnp.abs(jaxpool.avg_pool(x, (2, 2))) ** 2))(x)
    assert slope.dtype == x.dtype


def test_f64_stays_f64():
    with jax.enable_x64(True):
        x = np.random.default_rng(0).normal(size=(1, 4, 4, 1))
        assert jaxpool.max_pool(x, (2, 2)).dtype == np.float64
        y = jaxpool.avg_pool(x, (3, 3), 1, "SAME", False)
        assert y.dtype == np.float64
        np.testing.assert_allclose(y[0, 0, 0], x[0, :2, :2].mean((0, 1)), rtol=1e-14)
        assert jax.grad(lambda x: jaxpool.max_pool(x, (2, 2)).sum())(x).dtype == np.float64
        assert jaxpool.max_pool_with_argmax(x, (2, 2))[1].dtype == np.int32
        assert jaxpool.avg_pool(np.ones((1, 2, 2, 1), np.int64), (2, 2)).dtype == jnp.mean(np.ones(1, np.int64)).dtype


@pytest.mark.parametrize(("window", "dtype"), [((2, 2), "uint8"), ((16, 16), "uint8"), ((17, 16), "uint16")])
@pytest.mark.parametrize("pool", [jaxpool.max_pool, jaxpool.min_pool, jaxpool.max_pool_with_argmax])
def test_the_only_residual_of_a_maximum_is_one_offset_per_output(pool, window, dtype):
    x = jnp.zeros((2, 24, 24, 3))

    def value(x):
        y = pool(x, window, 2)
        return y[0] if isinstance(y, tuple) else y

    _, pull = jax.vjp(value, x)
    residuals = [leaf for leaf in jax.tree.leaves(pull) if hasattr(leaf, "shape") and leaf.size > 1]
    assert [(r.shape, str(r.dtype)) for r in residuals] == [(value(x).shape, dtype)]


def test_the_residual_can_be_the_input():
    x = jnp.arange(2 * 24 * 24.0).reshape(2, 24, 24, 1)
    _, pull = jax.vjp(lambda x: jaxpool.max_pool(x, (3, 3), 2, residual="input"), x)
    residuals = [leaf for leaf in jax.tree.leaves(pull) if hasattr(leaf, "shape") and leaf.size > 1]
    assert [(r.shape, str(r.dtype)) for r in residuals] == [(x.shape, "float32")]


def test_averages_keep_nothing_for_the_reverse_mode():
    x = jnp.zeros((2, 24, 24, 3), jnp.bfloat16)
    _, pull = jax.vjp(lambda x: jaxpool.avg_pool(x, (3, 3), 2, 1), x)
    assert [leaf for leaf in jax.tree.leaves(pull) if hasattr(leaf, "shape") and leaf.size > 1] == []
    _, pull = jax.vjp(lambda x: jaxpool.avg_pool(x, (3, 3), 2, 1, count_include_pad=False), x)
    kept = [leaf for leaf in jax.tree.leaves(pull) if hasattr(leaf, "shape") and leaf.size > 1]
    assert [leaf.shape for leaf in kept] == [(1, 12, 12, 1)]


def test_counts_of_a_large_plane_do_not_burden_the_compiler():
    x = jax.ShapeDtypeStruct((1, 2048, 2048, 1), np.float32)
    pool = jax.jit(lambda x: jaxpool.avg_pool(x, (9, 9), 1, "SAME", count_include_pad=False))
    text = pool.lower(x).as_text()
    # No constant as large as the plane, and no second window over one.
    assert "reduce_window" not in text
    assert len(text) < 40_000
    # XLA would fold a window over a constant for minutes.
    pool.lower(x).compile()


def test_results_are_bitwise_the_same_from_run_to_run(rng):
    x = rng.normal(size=(4, 28, 28, 8)).astype(np.float32)
    both = jax.jit(lambda x: jax.vjp(lambda x: jaxpool.max_pool(x, (5, 5), 2, 2), x)[1](jnp.ones((4, 14, 14, 8)))[0])
    first = np.asarray(both(x))
    for _ in range(5):
        assert np.asarray(both(x)).tobytes() == first.tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("implementation", [None, "joint", "separable", "chain"])
@pytest.mark.parametrize("shape", [(1, 256), (256, 1), (2, 128)])
def test_windows_of_as_many_taps_as_offsets_have_values(implementation, shape, rng):
    # The stride of the first axis in the offset, 256 for a window of 1 by 256, is one more than a byte holds.
    plane = [size + 3 for size in shape]
    x = rng.permutation(math.prod(plane)).astype(np.float32).reshape(*plane, 1)
    pool = functools.partial(jaxpool.max_pool, window_shape=shape, implementation=implementation)
    y, pull = jax.vjp(pool, x)
    places = oracle_places(x[..., 0], shape)
    np.testing.assert_array_equal(y[..., 0], x.ravel()[places])
    cotangent = rng.integers(1, 9, y.shape).astype(np.float32)
    expected = np.bincount(places.ravel(), cotangent.ravel(), x.size)
    np.testing.assert_array_equal(pull(cotangent)[0].ravel(), expected)
    np.testing.assert_array_equal(jax.jvp(pool, (x,), (-x,))[1], -y)
    assert jax.tree.leaves(pull)[0].dtype == np.uint8


def oracle_places(plane, shape):
    """The place in the plane of every window's maximum."""
    windows = np.lib.stride_tricks.sliding_window_view(np.arange(plane.size).reshape(plane.shape), shape)
    flat = windows.reshape(*windows.shape[:2], -1)
    best = plane.ravel()[flat].argmax(axis=-1)
    return np.take_along_axis(flat, best[..., None], axis=-1)[..., 0]
