"""Order statistics, local maxima and stochastic pooling beside NumPy, at ties, infinities, NaN, masks and limits."""

import functools

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
from flax import nnx
from jax.test_util import check_grads

import jaxpool
import jaxpool.linen
import jaxpool.nnx
from jaxpool._geometry import AxisWindow, Window, pooling_window
from jaxpool._lowerings import order, ranks
from jaxpool._lowerings.order import network

pytestmark = pytest.mark.most(4)

GEOMETRIES = [
    {"window_shape": (2, 2), "strides": 2},
    {"window_shape": (3, 2), "strides": 1, "padding": ((1, 2), (0, 1))},
    {"window_shape": (2, 3), "strides": (3, 1), "window_dilation": (2, 1)},
    {"window_shape": (3, 3), "strides": 2, "padding": 1, "ceil_mode": True},
    {"window_shape": (4, 3), "strides": (1, 3), "padding": "SAME"},
    {"window_shape": (2, 2), "strides": 2, "padding": ((4, 0), (0, 0))},
]
METHODS = ["linear", "lower", "higher", "midpoint", "nearest"]
close = functools.partial(np.testing.assert_allclose, rtol=2e-6, atol=1e-6)
FLAT = {"channel_axis": None}


def quantile(elements, q, method):
    """NumPy's, but for the nearest of two, where it rounds half to even and JAX down."""
    if method == "nearest":
        place = q * (len(elements) - 1)
        return np.sort(elements)[int(np.ceil(place - 0.5))]
    return np.quantile(elements, q, method=method)


def top(elements, k):
    number = round(k * len(elements)) if isinstance(k, float) else k
    return np.sort(elements)[::-1][: max(number, 1)].mean()


def rank(elements, place):
    return np.sort(elements)[np.clip(place if place >= 0 else len(elements) + place, 0, len(elements) - 1)]


def by_loops(x, arguments, valid, of):
    """`of` the valid elements of every window; 0 where there are none."""
    window = pooling_window(x.shape, channel_axis=None, padding_is_empty=False, **arguments)

    def each(elements):
        kept = np.asarray([e for e in elements if not np.isnan(e)])
        return of(kept) if kept.size else 0.0

    return oracle.reduce_windows(np.where(valid, x.astype(np.float64), np.nan), window, each)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("ties", [False, True])
@pytest.mark.parametrize("arguments", GEOMETRIES)
def test_pools_beside_loops(arguments, ties, masked, rng):
    x = rng.integers(-3, 3, (7, 8)).astype(np.float32) if ties else rng.normal(size=(7, 8)).astype(np.float32)
    valid = rng.random(x.shape) < 0.5 if masked else np.ones(x.shape, bool)
    options = arguments | FLAT | ({"where": valid} if masked else {})
    expected = functools.partial(by_loops, x, arguments, valid)
    for method in METHODS:
        for q in (0.0, 0.3, 0.5, 1.0):
            found = jaxpool.quantile_pool(x, q=q, method=method, **options)
            close(found, expected(functools.partial(quantile, q=q, method=method)), err_msg=f"{method} {q}")
    close(jaxpool.median_pool(x, **options), expected(np.median))
    for k in (1, 2, 3, 0.25, 0.5):
        close(jaxpool.topk_pool(x, k=k, **options), expected(functools.partial(top, k=k)))
    for place in (0, 1, -1, -2, 3):
        close(jaxpool.rank_pool(x, rank=place, **options), expected(functools.partial(rank, place=place)))


@pytest.mark.parametrize("taps", [(1, 1), (3, 5), (5, 5), (7, 7), (10, 10)])
def test_large_windows_beside_numpy(taps, rng):
    x = rng.normal(size=(12, 13)).astype(np.float32)
    windows = np.lib.stride_tricks.sliding_window_view(x, taps).reshape(13 - taps[0], 14 - taps[1], -1)
    close(jaxpool.median_pool(x, taps, **FLAT), np.median(windows, -1))
    close(jaxpool.quantile_pool(x, taps, q=0.9, method="lower", **FLAT), np.quantile(windows, 0.9, -1, method="lower"))


def test_windows_that_are_the_plane_may_be_large(rng):
    x = rng.normal(size=(2, 12, 13, 3)).astype(np.float32)
    valid = rng.random((2, 12, 13, 1)) < 0.5
    for windowed, whole in (
        (functools.partial(jaxpool.median_pool, method="lower"), functools.partial(np.quantile, q=0.5, method="lower")),
        (functools.partial(jaxpool.rank_pool, rank=-2), lambda x, axis: np.sort(x, axis)[-2]),
        (functools.partial(jaxpool.topk_pool, k=30), lambda x, axis: np.sort(x, axis)[-30:].mean(axis)),
    ):
        for n in range(2):
            found = windowed(x, (12, 13), where=valid)[n, 0, 0]
            close(found, whole(x[n][valid[n, ..., 0]], axis=0))
        # A constant divisor becomes a factor, so that means may differ in the last bit.
        close(windowed(x, (12, 13)), windowed(x, (12, 13), where=np.ones_like(valid)))
    with pytest.raises(ValueError, match="median_pool: window_shape must have at most 100 elements; got"):
        jaxpool.median_pool(x, (12, 12))
    with pytest.raises(ValueError, match="topk_pool: window_shape must have at most 51 elements; got"):
        jaxpool.topk_pool(x, (9, 9), k=5)


def test_networks_sort_all_zeros_and_ones():
    for size in range(1, 14):
        wires = (np.arange(1 << size)[:, None] >> np.arange(size)) & 1
        expected = np.sort(wires, 1)
        for wanted in ({size // 2}, {0, size - 1}, set(range(size))):
            found = wires.copy()
            for i, j, low, high in network(size, frozenset(wanted)):
                a, b = found[:, i].copy(), found[:, j].copy()
                # What nobody needs is spoilt.
                found[:, i] = np.minimum(a, b) if low else 7
                found[:, j] = np.maximum(a, b) if high else 7
            for place in wanted:
                np.testing.assert_array_equal(found[:, place], expected[:, place])
    medians = {taps: network(taps, frozenset({taps // 2})) for taps in (3, 9, 25)}
    results = {taps: sum(low + high for *_, low, high in found) for taps, found in medians.items()}
    assert (results[3], results[9]) <= (4, 40)
    assert results[25] <= 210


def places_by_numpy(x, valid, ranks, number, descending):
    """Of every row the places from a rank on: the first NaN, or a stable sort of the valid elements."""
    found = np.full((len(x), number), -1)
    for row, (values, kept) in enumerate(zip(x, valid, strict=True)):
        places = np.flatnonzero(kept)
        broken = [place for place in places if values[place] != values[place]]
        signed = -values if descending else values
        in_order = sorted(places, key=signed.__getitem__)
        taken = [broken[0]] * number if broken else in_order[ranks[row] : ranks[row] + number]
        found[row, : len(taken)] = taken
    return found


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize(
    "dtype",
    ["float32", "bfloat16", "float8_e5m2", "int32", "uint8", "int4", "bool", "float64", "int64", "uint64", "uint32"],
)
@pytest.mark.parametrize("algorithm", [order, ranks], ids=["sorted", "counted"])
def test_places_by_rank(algorithm, dtype, masked, rng):
    with jax.enable_x64(dtype.endswith("64")):
        kind, x = jnp.dtype(dtype), rng.integers(-3, 4, (40, 12))
        if jnp.issubdtype(kind, jnp.floating):
            x = np.where(rng.random(x.shape) < 0.3, rng.choice([np.inf, -np.inf, -0.0, 0.5], x.shape), x)
            x[:20] = np.where(rng.random((20, 12)) < 0.05, np.nan, x[:20])
        elif dtype not in ("int4", "bool"):
            ends = np.array([np.iinfo(dtype).min, np.iinfo(dtype).max], dtype)
            x = np.where(rng.random(x.shape) < 0.3, rng.choice(ends, x.shape), np.abs(x).astype(dtype))
        x = jnp.asarray(x, kind)
        valid = rng.random(x.shape) < 0.6 if masked else np.ones(x.shape, bool)
        valid[3] = not masked
        first = np.asarray([rng.integers(max(kept.sum(), 1)) for kept in valid])
        for number, descending in ((1, False), (2, False), (2, True), (4, True)):
            window = Window((AxisWindow(1, 12, 1, 1, 1, 0, 0, number),))
            arrays = [x, jnp.asarray(first, jnp.int32)[:, None], *([jnp.asarray(valid)] if masked else [])]
            run = functools.partial(algorithm.ranked_places, window=window, dtype="int32", descending=descending)
            found = np.asarray(jax.jit(run)(*arrays))
            values = np.asarray(x).astype(object if dtype in ("int64", "uint64") else np.float64)
            expected = places_by_numpy(values, valid, first, number, descending)
            np.testing.assert_array_equal(np.where(expected < 0, -1, found), expected)
            assert ((found >= 0) & (found < 12)).all()


def test_the_mean_of_the_largest_at_its_limits():
    pool = functools.partial(jaxpool.global_topk_pool, kmax=2, num_spatial_dims=1, channel_axis=None)
    nan, inf = np.nan, np.inf
    x = jnp.array([[1.0, nan, 3, nan], [inf, -inf, -inf, 2], [-inf, inf, -inf, -inf], [3, 5, 3, 3]])
    np.testing.assert_array_equal(pool(x), [nan, inf, nan, 4])
    slope = jax.grad(lambda x: pool(x).sum())(x)
    # A NaN has the whole gradient; infinities that have no mean share it.
    np.testing.assert_array_equal(slope, [[0, 1, 0, 0], [0.5, 0, 0, 0.5], [0.5, 0.5, 0, 0], [0.5, 0.5, 0, 0]])
    valid = jnp.array([[False] * 4, [True, False, True, False], [False] * 4, [False, False, False, True]])
    np.testing.assert_array_equal(pool(x, where=valid), [0, nan, 0, 3])
    slope = jax.grad(lambda x: pool(x, where=valid).sum())(x)
    np.testing.assert_array_equal(slope, [[0, 0, 0, 0], [0.5, 0, 0.5, 0], [0, 0, 0, 0], [0, 0, 0, 1]])
    assert "stablehlo.sort" not in jax.jit(pool).lower(x).as_text()


@pytest.mark.slow
def test_global_pools_beside_numpy(rng):
    x = rng.normal(size=(3, 5, 6, 2)).astype(np.float32)
    valid = rng.random((3, 5, 6, 1)) < 0.5
    valid[2] = False
    for method in METHODS:
        of = functools.partial(quantile, q=0.3, method=method)
        found = jaxpool.global_quantile_pool(x, q=0.3, method=method)
        close(found, [[of(x[n, ..., c].ravel()) for c in range(2)] for n in range(3)])
        found = jaxpool.global_quantile_pool(x, q=0.3, method=method, where=valid)
        close(found[:2], [[of(x[n, valid[n, ..., 0], c]) for c in range(2)] for n in range(2)])
        np.testing.assert_array_equal(found[2], [0, 0])
    close(jaxpool.global_median_pool(x), np.median(x, (1, 2)))
    first = np.moveaxis(x, -1, 1)
    close(jaxpool.global_median_pool(first, channel_axis=1, keepdims=True)[:, :, 0, 0], np.median(x, (1, 2)))
    for kmax, kmin, alpha in ((1, 0, 1.0), (3, 2, 1.0), (0.2, 0.1, 0.7), (99, 99, 1.0), (2, 3, 0.0)):
        for mask in (None, valid):

            def wildcat(elements, kmax=kmax, kmin=kmin, alpha=alpha):
                if not elements.size:
                    return 0.0
                high = top(elements, kmax)
                return (high - alpha * top(-elements, kmin)) / 2 if kmin and alpha else high

            kept = np.ones_like(valid) if mask is None else valid
            expected = [[wildcat(x[n, kept[n, ..., 0], c]) for c in range(2)] for n in range(3)]
            close(jaxpool.global_topk_pool(x, kmax=kmax, kmin=kmin, alpha=alpha, where=mask), expected)


def test_the_largest_stay_in_their_order_of_time():
    x = jnp.array([[3, 9, 1, 9, 5], [2, 2, 2, 2, 2], [5, 4, 3, 2, 1]])[..., None]
    values, valid = jaxpool.kmax_pool(x, k=3)
    np.testing.assert_array_equal(values[..., 0], [[9, 9, 5], [2, 2, 2], [5, 4, 3]])
    assert values.dtype == x.dtype
    assert valid.all()
    # Of equal elements the first are taken, as the gradient tells.
    slope = jax.grad(lambda x: jaxpool.kmax_pool(x, k=3)[0].sum())(x.astype(jnp.float32))[..., 0]
    np.testing.assert_array_equal(slope, [[0, 1, 0, 1, 1], [1, 1, 1, 0, 0], [1, 1, 1, 0, 0]])
    mask = jnp.array([[True] * 5, [False] * 5, [False, True, False, False, True]])[..., None]
    values, valid = jaxpool.kmax_pool(x, k=3, where=mask)
    np.testing.assert_array_equal(values[..., 0], [[9, 9, 5], [0, 0, 0], [4, 1, 0]])
    np.testing.assert_array_equal(valid[..., 0], [[1, 1, 1], [0, 0, 0], [1, 1, 0]])
    values, valid = jaxpool.kmax_pool(x, k=7)
    np.testing.assert_array_equal(values[0, :, 0], [3, 9, 1, 9, 5, 0, 0])
    np.testing.assert_array_equal(valid[0, :, 0], [1] * 5 + [0, 0])
    values, _ = jaxpool.kmax_pool(jnp.array([1.0, jnp.nan, 3.0, -jnp.inf]), k=2, channel_axis=None)
    np.testing.assert_array_equal(values, [np.nan, 3])


def slope_of(pool, x, **arguments):
    return jax.grad(lambda x: pool(x, **arguments, **FLAT).sum())(jnp.asarray(x, jnp.float32)).tolist()


def test_where_the_gradient_goes():
    median, middle = jaxpool.median_pool, {"window_shape": (4,)}
    # Halves to two elements as in NumPy, all to the lower one as in PyTorch.
    assert slope_of(median, [4, 1, 3, 2], **middle) == [0, 0, 0.5, 0.5]
    assert slope_of(median, [4, 1, 3, 2], **middle, method="lower") == [0, 0, 0, 1]
    # Ties: the first; the mean of two equal elements has halves for both.
    assert slope_of(median, [5, 5, 5], window_shape=(3,)) == [1, 0, 0]
    assert slope_of(median, [7, 5, 5, 1], **middle) == [0, 0.5, 0.5, 0]
    assert slope_of(median, [5, 5, 5, 5], **middle) == [0.5, 0.5, 0, 0]
    assert slope_of(jaxpool.topk_pool, [2, 3, 3, 3], **middle, k=2) == [0, 0.5, 0.5, 0]
    assert slope_of(jaxpool.rank_pool, [3, 3, 1], window_shape=(3,), rank=-1) == [1, 0, 0]
    inf = np.inf
    assert slope_of(median, [inf, inf, 1], window_shape=(3,)) == [1, 0, 0]
    assert slope_of(median, [-inf, -inf, 1], window_shape=(3,)) == [1, 0, 0]
    # Infinity in the window and beyond: padding and what is masked are never chosen.
    assert slope_of(median, [inf, inf], window_shape=(3,), padding=1, method="higher") == [2, 0]
    valid = jnp.array([False, True, True])
    assert slope_of(median, [1, inf, inf], window_shape=(3,), where=valid, method="lower") == [0, 1, 0]
    assert slope_of(jaxpool.topk_pool, [1, -inf, -inf], window_shape=(3,), where=valid, k=1) == [0, 1, 0]
    assert slope_of(median, [1, np.nan, np.nan], window_shape=(3,)) == [0, 1, 0]
    # No gradient passes what is left out, and none is NaN.
    assert slope_of(median, [1, np.nan, 3], window_shape=(3,), where=jnp.array([True, False, True])) == [0.5, 0, 0.5]
    for pool, more in ((median, {}), (jaxpool.topk_pool, {"k": 2}), (jaxpool.rank_pool, {"rank": 1})):
        assert slope_of(pool, [1, 2, 3], window_shape=(3,), where=jnp.zeros(3, bool), **more) == [0, 0, 0]


def test_nan_and_infinities_are_values():
    x = np.array([[np.inf, 1, 2, -np.inf, 5, np.nan, 3, 4, 0]], np.float32)
    for pool in (
        functools.partial(jaxpool.median_pool, x, (1, 3), **FLAT),
        functools.partial(jaxpool.rank_pool, x, (1, 3), rank=-2, **FLAT),
    ):
        np.testing.assert_array_equal(pool()[0], [2, 1, 2, np.nan, np.nan, np.nan, 3])
    np.testing.assert_array_equal(
        jaxpool.topk_pool(x, (1, 3), k=2, **FLAT)[0], [np.inf, 1.5, 3.5, np.nan, np.nan, np.nan, 3.5]
    )
    # A share of 0 of infinity is no NaN.
    assert jaxpool.quantile_pool(jnp.array([1.0, 2.0, jnp.inf]), (3,), q=0.5, **FLAT) == 2
    assert jnp.isnan(jaxpool.global_median_pool(x, num_spatial_dims=2, channel_axis=None))
    valid = ~np.isnan(x)
    for whole in (jaxpool.global_median_pool, functools.partial(jaxpool.global_quantile_pool, q=0.5)):
        assert whole(x, num_spatial_dims=2, channel_axis=None, where=valid) == 2.5
    slope = jax.grad(lambda x: jaxpool.global_median_pool(x, num_spatial_dims=2, channel_axis=None))(jnp.asarray(x))
    np.testing.assert_array_equal(slope[0], [0, 0, 0, 0, 0, 1, 0, 0, 0])
    large = np.full((1, 16, 16, 8), 1.0, np.float32)
    large[0, 8, 8, 3] = np.nan
    found = jaxpool.median_pool(large, (5, 5))
    assert np.isnan(found[0, 4:9, 4:9, 3]).all()
    assert np.isnan(found).sum() == 25


def test_dtypes(rng):
    whole = jnp.asarray(rng.integers(-(2**31), 2**31 - 1, (6, 6)), jnp.int32)
    flat = np.lib.stride_tricks.sliding_window_view(np.asarray(whole), (3, 3)).reshape(4, 4, 9)
    for found in (
        jaxpool.rank_pool(whole, (3, 3), rank=4, **FLAT),
        jaxpool.median_pool(whole, (3, 3), method="lower", **FLAT),
    ):
        assert found.dtype == jnp.int32
        np.testing.assert_array_equal(found, np.sort(flat, -1)[..., 4])
    found = jaxpool.global_median_pool(whole, method="lower", num_spatial_dims=2, channel_axis=None)
    assert (found.dtype, int(found)) == (jnp.int32, int(np.sort(np.asarray(whole).ravel())[17]))
    found = jaxpool.median_pool(jnp.array([1, 2, 3, 4], jnp.uint8), (2,), **FLAT)
    assert found.dtype == jnp.float32
    np.testing.assert_array_equal(found, [1.5, 2.5, 3.5])
    smallest = jnp.array([jnp.iinfo(jnp.int32).min, 5, jnp.iinfo(jnp.int32).max], jnp.int32)
    np.testing.assert_array_equal(
        jaxpool.rank_pool(smallest, (3,), 1, 1, rank=-1, **FLAT), [5, smallest[2], smallest[2]]
    )
    bits = jnp.array([True, False, True, False, False])
    np.testing.assert_array_equal(jaxpool.rank_pool(bits, (3,), rank=1, **FLAT), [True, False, False])
    for dtype in ("float16", "bfloat16"):
        x = jnp.asarray(rng.normal(size=(1, 9, 9, 2)) * 100, dtype)
        for pool in (
            functools.partial(jaxpool.median_pool, window_shape=(4, 4)),
            functools.partial(jaxpool.topk_pool, window_shape=(4, 4), k=5),
            jaxpool.global_median_pool,
            functools.partial(jaxpool.stochastic_pool, key=None, window_shape=(3, 3), deterministic=True),
        ):
            assert pool(x).dtype == x.dtype
            np.testing.assert_array_equal(pool(x), pool(x.astype(jnp.float32)).astype(dtype))


@pytest.mark.slow
def test_derivatives_in_both_modes():
    with jax.enable_x64(True):
        rng = np.random.default_rng(5)
        x = jnp.asarray(rng.permutation(60).reshape(6, 10) / 7.0)
        valid = jnp.asarray(rng.random((6, 10)) < 0.6)
        options = {"window_shape": (3, 3), "strides": 2, "padding": 1, "channel_axis": None}
        plane = {"num_spatial_dims": 2, "channel_axis": None, "where": valid}
        for pool in (
            lambda x: jaxpool.median_pool(x, **options) ** 2,
            lambda x: jaxpool.quantile_pool(x, q=0.3, where=valid, **options) ** 2,
            lambda x: jaxpool.topk_pool(x, k=3, where=valid, **options) ** 2,
            lambda x: jaxpool.global_quantile_pool(x, q=0.3, **plane) ** 2,
            lambda x: jaxpool.global_topk_pool(x, kmax=3, kmin=0.2, **plane) ** 2,
            lambda x: jaxpool.kmax_pool(x, k=4, where=valid)[0] ** 2,
            lambda x: jaxpool.stochastic_pool(x, jax.random.key(1), **options) ** 2,
            lambda x: jaxpool.stochastic_pool(x, None, deterministic=True, **options),
        ):
            check_grads(pool, (x + 0.1,), order=2, modes=["fwd", "rev"], eps=1e-4)


def test_one_offset_of_one_byte_is_kept_per_output():
    x = jnp.zeros((1, 32, 32, 8))
    _, back = jax.vjp(lambda x: jaxpool.median_pool(x, (3, 3)), x)
    kept = [leaf for leaf in jax.tree.leaves(back) if hasattr(leaf, "nbytes") and leaf.size > 1]
    assert [leaf.dtype for leaf in kept] == ["uint8"]
    assert sum(leaf.nbytes for leaf in kept) == 30 * 30 * 8


def test_padding_does_not_multiply_the_program_of_a_median():
    x = jax.ShapeDtypeStruct((1, 32, 32, 4), jnp.float32)

    def lines(padding):
        pool = jax.jit(lambda x: jaxpool.median_pool(x, (5, 5), 1, padding))
        return len(pool.trace(x).lower(lowering_platforms=("cpu",)).as_text().splitlines())

    assert lines(2) <= 2 * lines(0)


def test_filters_of_scipy(rng):
    ndimage = pytest.importorskip("scipy.ndimage")
    x = rng.normal(size=(9, 11)).astype(np.float32)
    for size in (3, 5):
        pads = size // 2
        own = {"padding": pads, "channel_axis": None}
        for mode, theirs in (("REFLECT", "mirror"), ("EDGE", "nearest"), ("WRAP", "wrap")):
            found = jaxpool.median_pool(x, (size, size), padding_mode=mode, **own)
            np.testing.assert_array_equal(found, ndimage.median_filter(x, size, mode=theirs))
            found = jaxpool.rank_pool(x, (size, size), rank=-2, padding_mode=mode, **own)
            np.testing.assert_array_equal(found, ndimage.rank_filter(x, -2, size, mode=theirs))


def test_a_rank_that_the_window_does_not_have_is_refused():
    for place in (4, -5):
        with pytest.raises(ValueError, match=r"rank_pool: rank must be from -4 to 3; got rank=-?\d for windows of 4"):
            jaxpool.rank_pool(jnp.zeros((4, 4)), (2, 2), rank=place, **FLAT)
    with pytest.raises(
        ValueError, match=r"topk_pool: k must be an integer, 1 or more, or a share between 0 and 1; got"
    ):
        jaxpool.topk_pool(jnp.zeros((4, 4)), (2, 2), k=1.5, **FLAT)
    with pytest.raises(TypeError, match="quantile_pool: q must be known while tracing"):
        jax.jit(lambda q: jaxpool.quantile_pool(jnp.zeros((4, 4)), (2, 2), q=q, **FLAT))(0.5)


def peaks_by_loops(x, taps, lows, valid, first):
    found = np.zeros(x.shape, bool)
    for place in np.ndindex(x.shape):
        spans = [range(p - low, p - low + t) for p, low, t in zip(place, lows, taps, strict=True)]
        around = [(a, b) for a in spans[0] for b in spans[1] if 0 <= a < x.shape[0] and 0 <= b < x.shape[1]]
        around = [other for other in around if valid[other]]
        best = max((x[other] for other in around), default=-np.inf)
        equal = [other for other in around if x[other] == best]
        found[place] = valid[place] and x[place] == best and (not first or equal[0] == place)
    return found


@pytest.mark.parametrize("values", ["numbers", "ties", "-inf"])
@pytest.mark.parametrize("first", [False, True])
def test_local_maxima_beside_loops(first, values, rng):
    x = rng.normal(size=(7, 8)) if values == "numbers" else rng.integers(0, 3, (7, 8)).astype(float)
    x = np.where(x < 2, -np.inf, x) if values == "-inf" else x
    plateau = "first" if first else "all"
    for taps, padding, lows in (
        ((3, 3), "SAME", (1, 1)),
        ((2, 3), "SAME", (0, 1)),
        ((2, 2), "SAME_LOWER", (1, 1)),
        ((5, 4), ((4, 0), (1, 2)), (4, 1)),
        ((9, 19), "SAME", (4, 9)),
        ((1, 1), "SAME", (0, 0)),
    ):
        for valid in (np.ones(x.shape, bool), rng.random(x.shape) < 0.6):
            found = jaxpool.local_maxima(x.astype(np.float32), taps, padding, plateau=plateau, where=valid, **FLAT)
            np.testing.assert_array_equal(found, peaks_by_loops(x.astype(np.float32), taps, lows, valid, first))
            if valid.all():
                plain = jaxpool.local_maxima(x.astype(np.float32), taps, padding, plateau=plateau, **FLAT)
                np.testing.assert_array_equal(plain, found)


def test_peaks_of_two_detectors_and_plateaus(rng):
    heat = jnp.asarray(rng.integers(0, 9, (2, 8, 9, 3)), jnp.float32)
    # CenterNet: a maximum of 3 by 3 that equals the element. FCOS: of 2 by 2 on padded maps, without the last of them.
    kept = jaxpool.max_pool(heat, (3, 3), 1, 1) == heat
    np.testing.assert_array_equal(jaxpool.local_maxima(heat, (3, 3)), kept)
    kept = jaxpool.max_pool(heat, (2, 2), 1, 1)[:, :-1, :-1] == heat
    np.testing.assert_array_equal(jaxpool.local_maxima(heat, (2, 2), "SAME_LOWER"), kept)
    flat = jnp.zeros((8, 8)).at[2:6, 2:6].set(1.0)
    assert (jaxpool.local_maxima(flat, (3, 3), **FLAT) & (flat > 0)).sum() == 16
    assert (jaxpool.local_maxima(flat, (3, 3), plateau="first", **FLAT) & (flat > 0)).sum() == 1
    broken = jnp.array([1.0, 3.0, jnp.nan, 2.0, 5.0])
    for plateau in ("all", "first"):
        found = jaxpool.local_maxima(broken, (3,), plateau=plateau, **FLAT)
        np.testing.assert_array_equal(found, [False, False, False, False, True])
    with pytest.raises(ValueError, match="local_maxima: padding must put a window around every element; got"):
        jaxpool.local_maxima(heat, (3, 3), "VALID")
    slope = jax.grad(lambda x: (x * jaxpool.local_maxima(x, (3,), **FLAT).astype(x.dtype)).sum())(jnp.arange(4.0))
    np.testing.assert_array_equal(slope, [0, 0, 0, 1])


def test_frequencies_of_draws_are_the_shares():
    x = jnp.array([1.0, 2.0, 0.0, 5.0, -3.0, 8.0])
    keys = jax.random.split(jax.random.key(0), 20_000)
    for padding, window in ((0, (6,)), (1, (3,))):
        pool = functools.partial(jaxpool.stochastic_pool, window_shape=window, padding=padding, channel_axis=None)
        draws = np.asarray(jax.jit(jax.vmap(lambda key, pool=pool: pool(x, key)))(keys))
        positive = np.pad(np.maximum(np.asarray(x), 0), padding)
        for place in range(draws.shape[1]):
            elements = positive[place : place + window[0]]
            for value in set(elements[elements > 0]):
                share = elements[elements == value].sum() / elements.sum()
                assert abs((draws[:, place] == value).mean() - share) < 0.012
    # What a mode pads with counts as elements of its own.
    x = jnp.array([1.0, 3.0])
    pool = functools.partial(
        jaxpool.stochastic_pool, window_shape=(4,), padding=1, padding_mode="EDGE", channel_axis=None
    )
    draws = np.asarray(jax.jit(jax.vmap(lambda key: pool(x, key)))(keys))
    assert abs((draws == 3).mean() - 6 / 8) < 0.012
    # Windows that share nothing are independent.
    x = jnp.ones(8).at[::2].set(2.0)
    pool = functools.partial(jaxpool.stochastic_pool, window_shape=(2,), strides=2, channel_axis=None)
    draws = np.asarray(jax.jit(jax.vmap(lambda key: pool(x, key)))(keys))
    assert np.abs(np.corrcoef(draws.T) - np.eye(4)).max() < 0.03


def test_draws_at_their_limits():
    key = jax.random.key(3)
    pool = functools.partial(jaxpool.stochastic_pool, key=key, window_shape=(2,), strides=2, channel_axis=None)
    x = jnp.array([0.0, 0.0, -1.0, -2.0, 0.0, 4.0, -3.0, 2.0])
    np.testing.assert_array_equal(pool(x), [0, 0, 4, 2])
    np.testing.assert_array_equal(pool(x, deterministic=True), [0, 0, 4, 2])
    # The gradient goes to the element that is drawn, and nowhere in a window of zeros.
    slope = jax.grad(lambda x: (pool(x) * jnp.arange(1.0, 5.0)).sum())(x)
    np.testing.assert_array_equal(slope, [0, 0, 0, 0, 0, 3, 0, 4])
    assert jnp.isfinite(jax.grad(lambda x: pool(x, deterministic=True).sum())(x)).all()
    np.testing.assert_array_equal(pool(jnp.array([jnp.nan, 1.0, 1.0, jnp.nan])), [np.nan, np.nan])
    np.testing.assert_array_equal(pool(jnp.array([jnp.inf, 1.0])), [np.inf])
    valid = jnp.array([True, False, False, False])
    np.testing.assert_array_equal(pool(jnp.array([1.0, jnp.nan, 5.0, 9.0]), where=valid), [1, 0])
    np.testing.assert_array_equal(pool(jnp.array([3, 0, 0, 2])), jnp.array([3.0, 2.0]))
    assert pool(jnp.ones(4, jnp.bfloat16)).dtype == jnp.bfloat16
    with pytest.raises(ValueError, match="stochastic_pool: key must be given; got key=None for deterministic=False"):
        jaxpool.stochastic_pool(x, None, (2,), **FLAT)
    with pytest.raises(TypeError, match="stochastic_pool: key must be a typed random key; got key=tuple for"):
        jaxpool.stochastic_pool(x, (2,), 2, **FLAT)


def test_the_mean_of_all_draws(rng):
    x = np.abs(rng.normal(size=(2, 6, 6, 3))).astype(np.float32)
    found = jaxpool.stochastic_pool(x, None, (2, 2), 2, deterministic=True)
    close(found, jaxpool.weighted_avg_pool(x, x, (2, 2), 2))
    keys = jax.random.split(jax.random.key(0), 4000)
    draws = jax.jit(jax.vmap(lambda key: jaxpool.stochastic_pool(x, key, (2, 2), 2)))(keys)
    np.testing.assert_allclose(draws.mean(0), found, atol=0.07)


@pytest.mark.slow
def test_draws_in_every_transformation(rng):
    x, key = jnp.asarray(np.abs(rng.normal(size=(3, 6, 6, 2))), jnp.float32), jax.random.key(5)
    pool = functools.partial(jaxpool.stochastic_pool, window_shape=(3, 3), strides=2)
    drawn = pool(x, key)
    np.testing.assert_array_equal(jax.jit(pool)(x, key), drawn)
    values, slope = jax.jvp(lambda x: pool(x, key), (x,), (2 * x,))
    np.testing.assert_array_equal(values, drawn)
    np.testing.assert_array_equal(slope, 2 * drawn)
    keys = jax.random.split(key, 3)
    each = jnp.stack([pool(image, own) for image, own in zip(x, keys, strict=True)])
    np.testing.assert_array_equal(jax.vmap(pool)(x, keys), each)
    scope = jax.export.symbolic_shape("b, 6, 6, 2")
    exported = jax.export.export(jax.jit(pool))(jax.ShapeDtypeStruct(scope, jnp.float32), key)
    np.testing.assert_array_equal(exported.call(x, key), drawn)
    text = jax.jit(jax.grad(lambda x: pool(x, key).sum())).lower(x).as_text()
    assert "stablehlo.scatter" not in text
    assert "stablehlo.gather" not in text


def test_keys_of_flax_modules(rng):
    x, key = jnp.asarray(np.abs(rng.normal(size=(2, 6, 6, 3))), jnp.float32), jax.random.key(5)

    class Network(nn.Module):
        @nn.compact
        def __call__(self, x, train):
            return jaxpool.linen.StochasticPool((2, 2), 2)(x, deterministic=not train)

    network = Network()
    drawn = [network.apply({}, x, True, rngs={"pool": jax.random.key(n)}) for n in (0, 0, 1)]
    np.testing.assert_array_equal(drawn[0], drawn[1])
    assert (drawn[0] != drawn[2]).any()
    mean = jaxpool.stochastic_pool(x, None, (2, 2), 2, deterministic=True)
    np.testing.assert_array_equal(network.apply({}, x, False), mean)
    assert network.init(jax.random.key(0), x, True) == {}
    with pytest.raises(ValueError, match="stochastic_pool: key must be given"):
        network.apply({}, x, True)

    module, rngs = jaxpool.nnx.StochasticPool((2, 2), 2), nnx.Rngs(0, pool=7)
    first, second = module(x, rngs.pool), module(x, rngs.pool)
    assert (first != second).any()
    np.testing.assert_array_equal(first, module(x, nnx.Rngs(pool=7).pool()))
    np.testing.assert_array_equal(module(x, nnx.Rngs(0)), module(x, nnx.Rngs(0)()))
    np.testing.assert_array_equal(module(x, key), jaxpool.stochastic_pool(x, key, (2, 2), 2))
    module.eval()
    np.testing.assert_array_equal(module(x), mean)
    module.train()
    with pytest.raises(ValueError, match="stochastic_pool: key must be given"):
        module(x)


def test_the_mean_of_the_largest_takes_as_many_as_it_should_where_subnormal_numbers_are_zero():
    x = jnp.array([0.0, -1e-40, 0.0, 1e-40, 0.0])[None, :, None]
    for number in (1, 2, 4):
        slope = jax.grad(lambda x, number=number: jaxpool.global_topk_pool(x, kmax=number, num_spatial_dims=1).sum())(x)
        np.testing.assert_allclose(slope.sum(), 1, rtol=1e-6)
        assert (slope > 0).sum() == number
