"""Pools whose windows or places are not those of a plain window: adaptive, unpooling, indices, fractional."""

import functools
import math

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
from jax.experimental import checkify, jet

import jaxpool
from jaxpool._geometry import AxisBins, pooling_window
from jaxpool._lowerings import starts_and_counts

SIZES = [
    ((7,), (7,)),
    ((13,), (7,)),
    ((14,), (7,)),
    ((3,), (7,)),
    ((29,), (28,)),
    ((3,), (20,)),
    ((40,), (3,)),
    ((5, 6), (3, 4)),
    ((13, 17), (7, 7)),
    ((4, 9), (None, 2)),
    ((4, 3), (1, 5)),
    ((3, 4, 5), (2, None, 3)),
]


@pytest.mark.parametrize(("shape", "output_size"), SIZES)
def test_adaptive_bins(shape, output_size, rng):
    x = rng.integers(-3, 4, shape).astype(np.float32)
    mean = jaxpool.adaptive_avg_pool(x, output_size, channel_axis=None)
    np.testing.assert_allclose(mean, oracle.adaptive(x, output_size, np.mean), rtol=1e-6, atol=1e-7)
    # The derivative is the adjoint: every output's cotangent goes back to the elements of its bin, in equal shares.
    cotangent = rng.integers(-3, 4, mean.shape).astype(np.float32)
    pull = jax.vjp(lambda x: jaxpool.adaptive_avg_pool(x, output_size, channel_axis=None), x)[1]
    columns = np.eye(x.size, dtype=np.float32).reshape(-1, *shape)
    shares = [np.sum(cotangent * oracle.adaptive(column, output_size, np.mean)) for column in columns]
    np.testing.assert_allclose(pull(cotangent)[0].ravel(), shares, rtol=1e-5, atol=1e-6)
    values, indices = jaxpool.adaptive_max_pool_with_argmax(x, list(output_size), channel_axis=None)
    np.testing.assert_array_equal(values, oracle.adaptive(x, output_size, np.max))
    np.testing.assert_array_equal(jaxpool.adaptive_max_pool(x, output_size, channel_axis=None), values)
    places = np.arange(x.size).reshape(shape).astype(float)
    # The first of the largest, as a place in the plane.
    first = oracle.adaptive(places, output_size, lambda bin_: max(bin_.ravel(), key=lambda p: (x.ravel()[int(p)], -p)))
    np.testing.assert_array_equal(indices, first)


def test_bins_of_many_elements_are_those_of_exact_integers():
    for size, outputs in [(100_003, 60_000), (60_000, 100_003), (2**31 - 1, 46_341), (13, 7), (7, 13), (12, 4)]:
        bins = AxisBins(0, size, outputs)
        for got, expected in zip(starts_and_counts(bins), (bins.starts(), bins.counts()), strict=True):
            np.testing.assert_array_equal(got, expected)
        i = np.linspace(0, outputs - 1, 9).astype(int).tolist()
        assert bins.starts()[i].tolist() == [n * size // outputs for n in i]


def test_adaptive_programs_do_not_grow_with_the_output():
    def program(pool, outputs, plane=(101, 103)):
        x = jax.ShapeDtypeStruct((1, *plane, 2), jnp.float32)
        both = jax.jit(lambda x: jax.vjp(lambda x: pool(x, (outputs, outputs)), x)[1](pool(x, (outputs, outputs))))
        return len(both.lower(x).as_text().splitlines())

    # 101 elements in 26 bins take as many elements to a bin, 5, as in 30: the window is the same, the bins are more.
    assert program(jaxpool.adaptive_avg_pool, 26) == program(jaxpool.adaptive_avg_pool, 30)
    # Few bins are averaged by programs of their own.
    for pool, few in ((jaxpool.adaptive_avg_pool, 26), (jaxpool.adaptive_max_pool, 7)):
        assert program(pool, 64) <= program(pool, few)
        assert program(pool, 700, (5, 3)) == program(pool, 70, (5, 3))


def test_adaptive_pools_keep_nan_and_infinity_where_they_are(rng):
    x = rng.normal(size=(5, 7)).astype(np.float32)
    x[0, 0], x[4, 6] = np.nan, np.inf
    y = np.asarray(jaxpool.adaptive_avg_pool(x, (3, 3), channel_axis=None))
    assert np.isnan(y[0, 0])
    assert np.isposinf(y[2, 2])
    assert np.isfinite(y).sum() == 7
    g = jax.grad(lambda x: jaxpool.adaptive_avg_pool(x, (3, 3), channel_axis=None)[1, 1])(jnp.asarray(x))
    assert np.isfinite(g).all()


def test_adaptive_dtypes():
    whole = jnp.full((1, 7, 7, 1), 200, jnp.uint8)
    assert jaxpool.adaptive_avg_pool(whole, (3, 3)).tolist() == jnp.full((1, 3, 3, 1), 200.0).tolist()
    large = jnp.full((1, 64, 63, 1), 1.1, jnp.bfloat16)
    narrow = jaxpool.adaptive_avg_pool(large, (2, 2))
    assert narrow.dtype == jnp.bfloat16
    np.testing.assert_array_equal(narrow, large[:, :2, :2])


@pytest.mark.parametrize("convention", ["spatial", "window", "coordinates"])
@pytest.mark.parametrize(("window", "strides"), [((2, 3), (2, 3)), ((3, 3), 2)])
def test_max_unpool_puts_maxima_back(window, strides, convention, rng):
    x = rng.permutation(2 * 9 * 8 * 3).reshape(2, 9, 8, 3).astype(np.float32) + 1
    arguments = {"window_shape": window, "strides": strides, "padding": 1, "index_convention": convention}
    values, indices = jaxpool.max_pool_with_argmax(x, **arguments)
    back = np.asarray(jaxpool.max_unpool(values, indices, output_shape=(9, 8), **arguments))
    kept = np.isin(x, values)
    np.testing.assert_array_equal(back, np.where(kept, x, 0))
    # Added, it is the adjoint of reading the maxima.
    added = jaxpool.max_unpool(values, indices, output_shape=(9, 8), duplicates="add", **arguments)
    del arguments["index_convention"]
    expected = jax.vjp(lambda x: jaxpool.max_pool(x, **arguments), x)[1](values)[0]
    np.testing.assert_allclose(added, expected, rtol=1e-6)


def test_max_unpool_with_places_of_any_kind():
    values = jnp.array([1.0, 2.0, 3.0, 4.0])
    places = jnp.array([2, 0, 2, 9])

    @functools.partial(jax.jit, static_argnames="duplicates")
    def unpool(values, places, **options):
        return jaxpool.max_unpool(values, places, output_shape=(4,), channel_axis=None, **options)

    # The last of equals stays, and what lies outside is dropped, also before the start.
    assert unpool(values, places).tolist() == [2, 0, 3, 0]
    assert unpool(values, places, duplicates="add").tolist() == [2, 0, 4, 0]
    assert unpool(values, places - 3).tolist() == [0, 0, 0, 0]
    flags = unpool(values > 1, places)
    assert flags.tolist() == [True, False, True, False]
    slope = jax.grad(lambda v: unpool(v, places) @ jnp.arange(4.0))
    assert slope(values).tolist() == [0, 0, 2, 0]
    wide = jaxpool.max_unpool(values[:2], jnp.array([0, 4]), (2,), 3, output_shape=(6,), channel_axis=None)
    assert wide.tolist() == [1, 0, 0, 0, 2, 0]


def test_places_beyond_a_small_window_are_dropped_whatever_their_dtype():
    # 255 is the last number of the dtype, and no place in a window of two.
    places = np.full((1, 2, 1), 255, np.uint8)
    ones = np.ones((1, 2, 1), np.float32)
    unpool = jax.jit(lambda places: jaxpool.max_unpool(ones, places, (2,), 2, index_convention="window"))
    np.testing.assert_array_equal(unpool(places), 0)


@pytest.mark.parametrize("convention", ["spatial", "window", "coordinates"])
def test_the_range_of_indices_is_checked_when_asked(convention):
    def unpool(indices):
        arguments = {"window_shape": (2, 2), "strides": 2, "index_convention": convention, "channel_axis": None}
        return jaxpool.max_unpool(jnp.ones((2, 2)), indices, checked=True, **arguments)

    shape = (2, 2, 2) if convention == "coordinates" else (2, 2)
    error, _ = checkify.checkify(jax.jit(unpool))(jnp.zeros(shape, jnp.int32))
    error.throw()
    nothing = jnp.zeros((0, 2, 2), jnp.int32)
    empty = jaxpool.max_unpool(nothing, nothing, output_shape=(3, 4), channel_axis=None, checked=True)
    assert empty.shape == (0, 3, 4)
    error, _ = checkify.checkify(jax.jit(unpool))(jnp.full(shape, 99, jnp.int32))
    with pytest.raises(checkify.JaxRuntimeError, match=r"max_unpool: indices must lie in .*from 99 to 99"):
        error.throw()


@pytest.mark.parametrize(
    "arguments",
    [
        {"window_shape": (3, 3), "strides": 2, "padding": 1},
        {"window_shape": (2, 3), "strides": (1, 2), "padding": ((1, 0), (1, 1)), "count_include_pad": False},
        {"window_shape": (2, 2), "strides": 3, "window_dilation": 2, "divisor_override": 5},
        {"window_shape": (3, 2), "strides": 2, "padding": "SAME"},
    ],
)
def test_avg_unpool_is_the_adjoint_of_avg_pool(arguments, rng):
    x = rng.normal(size=(2, 8, 9, 3)).astype(np.float32)
    y = jaxpool.avg_pool(x, **arguments)
    g = rng.normal(size=y.shape).astype(np.float32)
    expected = jax.vjp(lambda x: jaxpool.avg_pool(x, **arguments), x)[1](g)[0]
    np.testing.assert_allclose(jaxpool.avg_unpool(g, output_shape=(8, 9), **arguments), expected, rtol=1e-5, atol=1e-6)


def test_index_conventions_tell_the_same_places(rng):
    x = rng.permutation(2 * 7 * 9 * 2).reshape(2, 7, 9, 2)
    arguments = {"window_shape": (3, 4), "strides": 2, "padding": 1, "window_dilation": (1, 2)}
    values, spatial = jaxpool.max_pool_with_argmax(x, **arguments)
    _, coordinates = jaxpool.max_pool_with_argmax(x, index_convention="coordinates", **arguments)
    _, offsets = jaxpool.max_pool_with_argmax(x, index_convention="window", **arguments)
    np.testing.assert_array_equal(coordinates[..., 0] * 9 + coordinates[..., 1], spatial)
    assert offsets.dtype == jnp.uint8
    rows, columns = np.divmod(np.asarray(offsets).astype(int), 4)
    outputs = np.indices(offsets.shape)
    np.testing.assert_array_equal((outputs[1] * 2 - 1 + rows) * 9 + outputs[2] * 2 - 1 + columns * 2, spatial)
    np.testing.assert_array_equal(
        np.take_along_axis(x.reshape(2, 63, 2), np.reshape(spatial, (2, -1, 2)), 1).ravel(), np.ravel(values)
    )


@pytest.mark.slow
@pytest.mark.parametrize("channel_axis", [-1, 1, None])
def test_indices_of_tensorflow_and_onnx(channel_axis, rng):
    shape = {-1: (2, 4, 6, 3), 1: (2, 3, 4, 6), None: (2, 4, 6)}[channel_axis]
    x = rng.permutation(math.prod(shape)).reshape(shape)
    values, indices = jaxpool.max_pool_with_argmax(x, (2, 2), 2, channel_axis=channel_axis)
    axes = {"channel_axis": channel_axis, "num_spatial_dims": 2}
    last = x[..., None] if channel_axis is None else np.moveaxis(x, channel_axis, -1)
    first = np.moveaxis(last, -1, 1)
    with_batch = jaxpool.indices_to_tf(indices, shape, include_batch_in_index=True, **axes)
    np.testing.assert_array_equal(last.ravel()[np.asarray(with_batch)], values)
    plain = jaxpool.indices_to_tf(indices, shape, **axes)
    pictures = np.broadcast_to(np.arange(2).reshape(2, *[1] * (len(shape) - 1)), plain.shape)
    np.testing.assert_array_equal(last.reshape(2, -1)[pictures, np.asarray(plain)], values)
    for batch, forms in ((True, with_batch), (False, plain)):
        again = jaxpool.indices_from_tf(forms, shape, include_batch_in_index=batch, **axes)
        np.testing.assert_array_equal(again, indices)
    columns_first = np.ascontiguousarray(np.swapaxes(first, -1, -2))
    for order, tensor in ((0, first), (1, columns_first)):
        places = jaxpool.indices_to_onnx(indices, shape, storage_order=order, **axes)
        np.testing.assert_array_equal(tensor.ravel()[np.asarray(places)], values)
        again = jaxpool.indices_from_onnx(places, shape, storage_order=order, **axes)
        np.testing.assert_array_equal(again, indices)


def test_indices_along_an_axis_of_many_windows(rng):
    x = rng.permutation(10_002).astype(np.float32).reshape(1, -1, 1)
    y, indices = jaxpool.max_pool_with_argmax(x, (3,), 2, 1)
    assert y.shape == (1, 5001, 1)
    np.testing.assert_array_equal(x[0, indices[0, :, 0], 0], y[0, :, 0])


@pytest.mark.parametrize("dtype", ["float64", "int64", "uint8", "bfloat16"])
@pytest.mark.parametrize("channel_axis", [1, 2, None])
def test_native_pairs_find_the_same_places_between_and_beside_other_axes(channel_axis, dtype, rng):
    with jax.enable_x64(True):
        x = jnp.asarray(rng.integers(0, 4, (2, 9, 5, 8))).astype(dtype)
        arguments = {"window_shape": (3, 2, 3)[: 3 - (channel_axis is not None)], "strides": 2, "padding": 1}
        pool = functools.partial(jaxpool.max_pool_with_argmax, x, channel_axis=channel_axis, **arguments)
        for got, wanted in zip(pool(implementation="reduce_window"), pool(), strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_large_planes_have_indices_of_64_bits_where_these_are_on():
    shape = jax.ShapeDtypeStruct((1, 1 << 16, 1 << 15, 1), jnp.float32)
    with jax.enable_x64(True):
        _, indices = jax.eval_shape(lambda x: jaxpool.max_pool_with_argmax(x, (2, 2), 2), shape)
        assert indices.dtype == jnp.int64
    _, coordinates = jax.eval_shape(
        lambda x: jaxpool.max_pool_with_argmax(x, (2, 2), 2, index_convention="coordinates"), shape
    )
    assert coordinates.dtype == jnp.int32
    assert coordinates.shape == (1, 1 << 15, 1 << 14, 1, 2)


def regions(size, outputs, **options):
    """Where the windows of one axis end, told by the maxima of a ramp."""
    ramp = jnp.arange(float(size))
    pool = jaxpool.fractional_max_pool
    last = pool(ramp, options.pop("key"), (outputs,), channel_axis=None, **options)
    return np.asarray(last).astype(int)


@pytest.mark.parametrize("layout", [(2, 2, 8, 1), (3, 8), (8,)])
def test_fractional_windows_of_single_elements(layout):
    # Where windows start is the same for all maps, the results are not.
    axis = None if layout[-1] == 8 else -1
    x = jnp.arange(math.prod(layout), dtype=jnp.float32).reshape(layout)
    arguments = {"output_size": (8,), "rule": "tensorflow", "channel_axis": axis}
    values, indices = jaxpool.fractional_max_pool_with_argmax(x, jax.random.key(0), **arguments)
    np.testing.assert_array_equal(values, x)
    assert indices.shape == layout
    back = jax.vjp(lambda x: jaxpool.fractional_max_pool(x, jax.random.key(0), **arguments), x)[1](x)[0]
    np.testing.assert_array_equal(back, x)


@pytest.mark.slow
@pytest.mark.parametrize("rule", ["tensorflow", "tensorflow_pseudo_random"])
def test_fractional_regions_of_tensorflow_share_out_the_plane(rule):
    for size, outputs in [(10, 7), (25, 13), (9, 9), (30, 4)]:
        for seed in range(5):
            key = jax.random.key(seed)
            last = regions(size, outputs, key=key, rule=rule)
            steps = np.diff(np.concatenate([[-1], last]))
            assert last[-1] == size - 1
            assert set(steps) <= {size // outputs, size // outputs + 1}
            shared = regions(size, outputs, key=key, rule=rule, overlapping=True)
            np.testing.assert_array_equal(shared, np.minimum(last + 1, size - 1))


def test_fractional_windows_of_torch(rng):
    size, outputs, taps = 17, 6, 3
    samples = rng.random((4, 1)).astype(np.float32)
    ramps = jnp.broadcast_to(jnp.arange(17.0), (4, 17))
    last = jaxpool.fractional_max_pool(
        ramps, None, (outputs,), window_shape=(taps,), samples=samples, channel_axis=None
    )
    alpha = (size - taps) / (outputs - 1)
    for got, (u,) in zip(np.asarray(last), samples, strict=True):
        starts = [int((i + u) * alpha) - int(u * alpha) for i in range(outputs - 1)] + [size - taps]
        assert got.tolist() == [start + taps - 1 for start in starts]
    # Samples of few bits still place windows in order, however many there are.
    narrow = jnp.full((1, 1), 0.5, jnp.bfloat16)
    long = jaxpool.fractional_max_pool(
        jnp.arange(2000.0)[None], None, (1000,), window_shape=(2,), samples=narrow, channel_axis=None
    )
    assert (np.diff(long) > 0).all()
    # One key, one result; another key, other windows; every map has its own.
    x = jnp.asarray(rng.normal(size=(2, 20, 20, 8)), jnp.float32)
    draw = [jaxpool.fractional_max_pool(x, jax.random.key(s), (13, 13), window_shape=(2, 2)) for s in (0, 0, 1)]
    np.testing.assert_array_equal(draw[0], draw[1])
    assert (draw[0] != draw[2]).any()
    values, indices = jaxpool.fractional_max_pool_with_argmax(x, jax.random.key(0), (13, 13), window_shape=(2, 2))
    np.testing.assert_array_equal(values, draw[0])
    flat = np.asarray(x).reshape(2, 400, 8)
    np.testing.assert_array_equal(
        np.take_along_axis(flat, np.reshape(indices, (2, 169, 8)), 1).reshape(values.shape), values
    )


LARGE_WINDOWS = [
    ((40, 45), (2, 3), (1, 1)),
    ((40, 45), (5, 4), (3, 2)),
    ((40, 45), (3, 5), (7, 9)),
    ((50, 61), (3, 4), (32, 32)),
    ((80, 70), (3, 2), (64, 64)),
    ((210, 3), (4, 3), (200, 1)),
    ((3, 5, 40), (2, 2, 3), (2, 3, 17)),
]


@pytest.mark.slow
@pytest.mark.parametrize(("sizes", "outputs", "taps"), LARGE_WINDOWS)
def test_fractional_windows_of_any_size(sizes, outputs, taps, rng):
    x = rng.integers(-2, 3, (4, *sizes)).astype(np.float32)
    x[1][rng.random(sizes) < 4 / math.prod(taps)] = np.nan
    x[2] = np.where(x[2] > 1, 1, -np.inf)
    x[3] = -np.inf
    samples = rng.random((4, len(sizes))).astype(np.float32)
    arguments = {"window_shape": taps, "samples": samples, "channel_axis": None}
    values, indices = jaxpool.fractional_max_pool_with_argmax(x, None, outputs, **arguments)
    for picture, numbers, *got in zip(x, samples, values, indices, strict=True):
        spans = []
        for size, n, k, u in zip(sizes, outputs, taps, numbers, strict=True):
            alpha = np.float32(size - k) / np.float32(n - 1)
            starts = [int((np.float32(i) + u) * alpha) - int(u * alpha) for i in range(n - 1)] + [size - k]
            spans.append([(start, start + k) for start in starts])
        for found, expected in zip(got, oracle.first_maximum(picture, spans), strict=True):
            np.testing.assert_array_equal(found, expected)
    slope = jax.grad(lambda x: jaxpool.fractional_max_pool(x, None, outputs, **arguments).sum())(x)
    counts = [np.bincount(np.ravel(places), minlength=math.prod(sizes)) for places in indices]
    np.testing.assert_array_equal(slope.reshape(4, -1), counts)


@pytest.mark.parametrize("overlapping", [False, True])
@pytest.mark.parametrize("rule", ["tensorflow", "tensorflow_pseudo_random"])
@pytest.mark.parametrize(("size", "outputs"), [(9, 9), (13, 9), (10, 3), (11, 3), (29, 4), (50, 3), (130, 2), (40, 1)])
def test_fractional_regions_of_any_size(size, outputs, rule, overlapping, rng):
    ramp = jnp.arange(float(size))
    x = np.where(rng.random(size) < 0.3, 1, -np.inf).astype(np.float32)
    x[size // 2] = np.nan

    def pooled(x, key):
        return jaxpool.fractional_max_pool_with_argmax(
            x, key, (outputs,), rule=rule, overlapping=overlapping, channel_axis=None
        )

    @jax.jit
    def several(keys):
        # Under `vmap` the windows of every key are others.
        last, first = pooled(ramp, keys)[1], pooled(-ramp, keys)[1]
        return first, last, *pooled(jnp.asarray(x), keys)

    for first, last, values, indices in zip(*jax.vmap(several)(jax.random.split(jax.random.key(1), 8)), strict=True):
        spans = [(int(start), int(stop) + 1) for start, stop in zip(first, last, strict=True)]
        expected, places = oracle.first_maximum(x, [spans])
        np.testing.assert_array_equal(values, expected)
        np.testing.assert_array_equal(indices, places)


def test_fractional_regions_of_many_elements_are_exact():
    # Products of their numbers do not fit 32 bits.
    size, outputs = 200_003, 70_001
    for seed in range(3):
        last = regions(size, outputs, key=jax.random.key(seed), rule="tensorflow_pseudo_random")
        assert set(np.diff(last)) == {2, 3}
        assert last[-1] == size - 1


def test_fractional_programs_do_not_grow_with_the_window():
    key = jax.random.key(0)

    def program(taps, outputs=(2, 3)):
        def both(x):
            y, pull = jax.vjp(lambda x: jaxpool.fractional_max_pool(x, key, outputs, window_shape=taps), x)
            return pull(y)

        return len(jax.jit(both).lower(jax.ShapeDtypeStruct((1, 8200, 8200, 2), jnp.float32)).as_text().splitlines())

    # One more comparison of neighbours, every second time stored, for twice as many elements.
    assert program((33, 65)) == program((64, 128))
    lines = [program((k, k)) for k in (128, 512, 2048, 8192)]
    assert len(set(np.diff(lines))) == 1
    assert lines[-1] < 3 * program((2, 2))
    assert program((64, 64), (700, 900)) == program((64, 64))


def test_fractional_extremes(rng):
    x = rng.normal(size=(6, 6, 1)).astype(np.float32)
    x[2, 3] = np.nan
    whole = jaxpool.fractional_max_pool(
        x, None, (6, 6), window_shape=(1, 1), samples=np.array([[0.2, 0.9]], np.float32)
    )
    np.testing.assert_array_equal(whole, x)
    one, place = jaxpool.fractional_max_pool_with_argmax(x, jax.random.key(0), (1, 1), rule="tensorflow")
    assert np.isnan(one).all()
    assert place.item() == 15


def test_places_agree_with_the_plain_pool_where_both_can(rng):
    x = rng.normal(size=(1, 8, 12, 2)).astype(np.float32)
    plain = jaxpool.max_pool_with_argmax(x, (2, 3), (2, 3))
    for other in (
        jaxpool.adaptive_max_pool_with_argmax(x, (4, 4)),
        jaxpool.fractional_max_pool_with_argmax(x, jax.random.key(0), (4, 4), rule="tensorflow"),
    ):
        for got, expected in zip(other, plain, strict=True):
            np.testing.assert_array_equal(got, expected)
    window = pooling_window((8, 12), (2, 3), (2, 3), channel_axis=None, padding_is_empty=True)
    np.testing.assert_array_equal(plain[0][0, :, :, 0], oracle.reduce_windows(x[0, :, :, 0], window, max))


@pytest.mark.parametrize("convention", ["spatial", "window", "coordinates"])
@pytest.mark.parametrize("duplicates", ["set", "add"])
def test_taylor_mode_through_a_pooling_and_its_unpooling(convention, duplicates):
    def there_and_back(x):
        values, indices = jaxpool.max_pool_with_argmax(x, (3, 2), 1, index_convention=convention)
        return jaxpool.max_unpool(
            values, indices, (3, 2), 1, index_convention=convention, duplicates=duplicates, output_shape=x.shape[1:3]
        )

    x = jnp.asarray(np.random.default_rng(8).permutation(60).reshape(1, 5, 6, 2), jnp.float32)
    dx = jnp.asarray(np.random.default_rng(9).integers(-3, 4, x.shape), jnp.float32)
    for function in (there_and_back, jax.jit(there_and_back)):
        _, terms = jet.jet(function, (x,), ((dx, 2 * dx),))
        expected = jax.jvp(there_and_back, (x,), (dx,))[1]
        np.testing.assert_array_equal(terms[0], expected)
        np.testing.assert_array_equal(terms[1], 2 * expected)


@pytest.mark.parametrize("dtype", ["int16", "uint16", "int32", "uint32"])
def test_places_of_any_integers_come_back_from_other_frameworks(dtype):
    shape = (2, 5, 6, 3)
    _, places = jaxpool.max_pool_with_argmax(jnp.arange(180.0).reshape(shape) % 7, (2, 2), 2)
    for there, back in (
        (jaxpool.indices_to_tf, jaxpool.indices_from_tf),
        (jaxpool.indices_to_onnx, jaxpool.indices_from_onnx),
    ):
        np.testing.assert_array_equal(back(there(places, shape).astype(dtype), shape), places)


def test_arguments_that_describe_no_window_may_be_written_out():
    values, indices = jaxpool.max_pool_with_argmax(jnp.arange(32.0).reshape(1, 4, 4, 2), (2, 2), 2)
    written = {"strides": None, "padding": "valid", "window_dilation": np.int64(1), "output_shape": (4, 4)}
    expected = jaxpool.max_unpool(values, indices, output_shape=(4, 4))
    np.testing.assert_array_equal(jaxpool.max_unpool(values, indices, **written), expected)
