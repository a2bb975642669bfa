"""Pools of regions of interest against loops in float64, in every form of boxes, at their limits; their memory."""

import functools
import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.sharding import AxisType
from jax.sharding import PartitionSpec as P
from jax.test_util import check_grads

import jaxpool
from jaxpool._geometry.regions import boxes_at_once, even_parts

pytestmark = pytest.mark.most(2)

close = functools.partial(np.testing.assert_allclose, rtol=2e-5, atol=2e-5)


def interpolated(x, row, column):
    """The element between four, of borders up to one beyond the plane, 0 farther out."""
    height, width, channels = x.shape
    if not (-1 <= row <= height and -1 <= column <= width):
        return np.zeros(channels)
    (top, down), (left, across) = (
        (min(math.floor(max(p, 0)), n - 1), max(p, 0) - math.floor(max(p, 0)))
        for p, n in ((row, height), (column, width))
    )
    bottom, right = min(top + 1, height - 1), min(left + 1, width - 1)
    upper = (1 - across) * x[top, left] + across * x[top, right]
    lower = (1 - across) * x[bottom, left] + across * x[bottom, right]
    return (1 - down) * upper + down * lower


def align_by_loops(x, box, size, scale=1.0, ratio=None, aligned=False, mode="avg", apart=False):
    x = np.asarray(x, np.float64)
    left, top, right, bottom = (float(c) * scale - (0.5 if aligned else 0) for c in box)
    height, width = bottom - top, right - left
    if not aligned:
        height, width = max(height, 1), max(width, 1)
    down, across = (ratio or math.ceil(length / n) for length, n in ((height, size[0]), (width, size[1])))
    y = np.zeros((*size, x.shape[-1] // (math.prod(size) if apart else 1)))
    for i, j in itertools.product(*map(range, size)):
        samples = [
            interpolated(x, top + i * height / size[0] + (a + 0.5) * height / size[0] / down,
                         left + j * width / size[1] + (b + 0.5) * width / size[1] / across)
            for a in range(down) for b in range(across)
        ]  # fmt: skip
        if samples:
            found = np.mean(samples, 0) if mode == "avg" else np.max(samples, 0)
            y[i, j] = found.reshape(-1, *size)[:, i, j] if apart else found
    return y


def away_from_zero(value):
    return int(math.copysign(math.floor(abs(value) + 0.5), value))


def bins_by_loops(first, last, n, size, closed):
    length = max(last - first + closed, 1)
    for i in range(n):
        start, stop = first + i * length // n, first - (-(i + 1) * length // n)
        yield range(min(max(start, 0), size), min(max(stop, 0), size))


def pool_by_loops(x, box, size, scale=1.0, apart=False):
    x = np.asarray(x, np.float64)
    left, top, right, bottom = (away_from_zero(float(c) * scale) for c in box)
    y = np.zeros((*size, x.shape[-1] // (math.prod(size) if apart else 1)))
    for i, rows in enumerate(bins_by_loops(top, bottom, size[0], x.shape[0], not apart)):
        for j, columns in enumerate(bins_by_loops(left, right, size[1], x.shape[1], not apart)):
            elements = x[rows.start : rows.stop, columns.start : columns.stop]
            if rows and columns and apart:
                y[i, j] = elements.mean((0, 1)).reshape(-1, *size)[:, i, j]
            elif rows and columns:
                y[i, j] = elements.max((0, 1))
    return y


# In pixels of a picture of 28 by 36 behind a stride of 4: ordinary, on borders, outside, beyond, of no size, reversed,
# far larger than the plane, far away, and with corners in the middle between two elements.
BOXES = np.array(
    [
        *[[3.3, 4.1, 20.2, 25.7], [0, 0, 36, 28], [-9.0, -7, 12, 9.5], [30.1, 20, 55, 44], [-40, -40, -10, -9]],
        *[[8, 8, 8, 8], [20, 22, 9, 6.5], [-300, -220, 410, 555], [5e4, 5e4, 50090, 50090], [2, 6, 10, 14.0]],
        *[[6.1, 6.1, 7.9, 7.7], [-2, -6, 2, 6], [35.5, 27.5, 36.5, 29]],
    ],
    np.float32,
)
SIZES = [(2, 3), (1, 1), (7, 5)]
ALIGN = [
    {"sampling_ratio": ratio, "aligned": aligned, "mode": mode}
    for ratio, aligned, mode in itertools.product((None, 1, 3), (False, True), ("avg", "max"))
    if ratio or mode == "avg"
]


def loops_of(by_loops, x, boxes, *args, **named):
    return np.stack([by_loops(x, box, *args, **named) for box in boxes])


def picture(channels, rng, shape=(7, 9)):
    return rng.normal(size=(*shape, channels)).astype(np.float32)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("options", ALIGN)
def test_align_beside_loops(options, size, rng):
    x = picture(2, rng)
    named = {"scale": 0.25, "ratio": options["sampling_ratio"], "aligned": options["aligned"], "mode": options["mode"]}
    close(
        jaxpool.roi_align(x, BOXES, size, spatial_scale=0.25, **options),
        loops_of(align_by_loops, x, BOXES, size, **named),
    )


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("scale", [1.0, 0.25])
def test_the_other_three_beside_loops(size, scale, rng):
    x = picture(2, rng)
    maxima = jaxpool.roi_pool(x, BOXES, size, spatial_scale=scale)
    np.testing.assert_array_equal(maxima, loops_of(pool_by_loops, x, BOXES, size, scale))
    apart = picture(2 * math.prod(size), rng)
    means = jaxpool.ps_roi_pool(apart, BOXES, size, spatial_scale=scale)
    close(means, loops_of(pool_by_loops, apart, BOXES, size, scale, apart=True))
    # Loops over all samples of large boxes take long.
    for ratio in (None, 2) if scale < 1 else (2,):
        found = jaxpool.ps_roi_align(apart, BOXES, size, spatial_scale=scale, sampling_ratio=ratio)
        close(found, loops_of(align_by_loops, apart, BOXES, size, scale, ratio, aligned=True, apart=True))


@pytest.mark.parametrize("bins", [1, 2, 7])
@pytest.mark.parametrize("length", [0.3, 6.99, 7.0, 7.01, 13.5, 14.0, 64.2, 1000.0])
def test_as_many_samples_as_a_box_is_long(length, bins, rng):
    # Boxes of any length with starts that put samples on borders, on elements and between them.
    x = picture(1, rng, (5, 3))
    boxes = np.array(
        [[0, start, 3, start + length] for start in (-length / 2, -1.5, -0.5, 0, 0.25, 2, 3.9)], np.float32
    )
    for aligned in (False, True):
        found = jaxpool.roi_align(x, boxes, (bins, 1), aligned=aligned)
        np.testing.assert_allclose(
            found, loops_of(align_by_loops, x, boxes, (bins, 1), aligned=aligned), rtol=1e-3, atol=2e-4
        )


POOLS = {
    "roi_align": (functools.partial(jaxpool.roi_align, output_size=(3, 2), spatial_scale=0.25), 4),
    "roi_align, max": (
        functools.partial(jaxpool.roi_align, output_size=(3, 2), spatial_scale=0.25, sampling_ratio=2, mode="max"),
        4,
    ),
    "roi_pool": (functools.partial(jaxpool.roi_pool, output_size=(3, 2), spatial_scale=0.25), 4),
    "ps_roi_align": (functools.partial(jaxpool.ps_roi_align, output_size=(3, 2), spatial_scale=0.25), 12),
    "ps_roi_pool": (functools.partial(jaxpool.ps_roi_pool, output_size=(3, 2), spatial_scale=0.25), 12),
}
every_pool = pytest.mark.parametrize("name", POOLS)


@pytest.mark.slow
@every_pool
def test_every_form_of_boxes_is_one_set_per_picture(name, rng):
    pool, channels = POOLS[name]
    x = rng.normal(size=(3, 7, 9, channels)).astype(np.float32)
    sets = np.stack([np.roll(BOXES, shift, 0) for shift in range(3)])
    alone = np.stack([pool(own, boxes) for own, boxes in zip(x, sets, strict=True)])
    close(pool(x, sets), alone)
    close(jax.vmap(pool)(x, sets), alone)
    # Any number of batch axes.
    close(pool(x.reshape(3, 1, 7, 9, channels), sets[:, None]), alone[:, None])
    # A list in any order.
    order = rng.permutation(alone.shape[0] * alone.shape[1])
    numbers = np.repeat(np.arange(3), len(BOXES))[order]
    boxes = sets.reshape(-1, 4)[order]
    expected = alone.reshape(-1, *alone.shape[2:])[order]
    close(pool(x, boxes, box_indices=numbers), expected)
    in_front = np.concatenate([numbers[:, None].astype(np.float32), boxes], 1)
    close(pool(x, in_front), expected)
    close(jax.jit(pool)(x, in_front), expected)
    # Other places of the features.
    first = functools.partial(pool, channel_axis=-3)
    close(first(np.moveaxis(x, -1, -3), sets), np.moveaxis(alone, -1, -3))
    close(first(np.moveaxis(x, -1, 1), in_front), np.moveaxis(expected, -1, -3))
    close(pool(np.moveaxis(x, -1, -2), sets, channel_axis=2), np.moveaxis(alone, -1, -2))
    if not name.startswith("ps"):
        close(pool(x[..., 0], sets, channel_axis=None), alone[..., 0])
    # Of a number that there is not, once the program cannot tell.
    away = jax.jit(pool)(x, boxes, box_indices=jnp.where(jnp.arange(len(boxes)) == 1, 7, numbers))
    close(away, np.where((np.arange(len(boxes)) == 1)[:, None, None, None], 0, expected))


@pytest.mark.slow
@every_pool
def test_many_boxes_are_computed_in_parts(name, rng):
    pool, channels = POOLS[name]
    x = rng.normal(size=(2, 4, 6, channels)).astype(np.float32)
    boxes = (rng.random((2, 203, 4)) * 24).astype(np.float32)
    one_by_one = np.stack(
        [[pool(own, box[None])[0] for box in set_] for own, set_ in zip(x, boxes[:, :5], strict=True)]
    )
    close(pool(x, boxes)[:, :5], one_by_one)
    close(pool(x, boxes[:, -6:]), pool(x, boxes)[:, -6:])
    numbers = np.repeat(np.arange(2), 203)
    listed = functools.partial(pool, box_indices=numbers)
    weights = rng.normal(size=pool(x, boxes).shape).astype(np.float32)
    close(listed(x, boxes.reshape(-1, 4)), pool(x, boxes).reshape(-1, *weights.shape[2:]))

    def loss(x, boxes):
        return jnp.vdot(pool(x, boxes), weights)

    def listed_loss(x, boxes):
        return jnp.vdot(listed(x, boxes), weights.reshape(-1, *weights.shape[2:]))

    slopes = jax.jit(jax.grad(loss, (0, 1)))(x, boxes)
    parts = [jax.grad(lambda x, b, w: jnp.vdot(pool(x, b), w), (0, 1))(x, b, w)
             for b, w in zip(np.split(boxes, 29, 1), np.split(weights, 29, 1), strict=True)]  # fmt: skip
    np.testing.assert_allclose(slopes[0], sum(part[0] for part in parts), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(slopes[1], np.concatenate([part[1] for part in parts], 1), rtol=1e-4, atol=1e-4)
    of_list = jax.jit(jax.grad(listed_loss, (0, 1)))(x, boxes.reshape(-1, 4))
    np.testing.assert_allclose(of_list[0], slopes[0], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(of_list[1].reshape(boxes.shape), slopes[1], rtol=1e-4, atol=1e-4)


@pytest.mark.later
@every_pool
def test_limits_of_boxes(name, rng):
    pool, channels = POOLS[name]
    x = rng.normal(size=(7, 9, channels)).astype(np.float32)
    features = pool(x, BOXES).shape[-1]
    assert pool(x, BOXES[:0]).shape == (0, 3, 2, features)
    assert jax.grad(lambda x: pool(x, BOXES[:0]).sum())(x).shape == x.shape
    assert pool(x[None], np.zeros((0, 5), np.float32)).shape == (0, 3, 2, features)
    for bad in (np.nan, np.inf, -np.inf):
        broken = np.concatenate([BOXES[:2], np.full((1, 4), bad, np.float32), [[1, 2, bad, 9]]]).astype(np.float32)
        found = pool(x, broken)
        close(found[:2], pool(x, BOXES[:2]))
        assert np.isnan(found[2:]).all()
        # What is NaN sends nothing back.
        slopes = jax.grad(lambda x, b: jnp.sum(pool(x, b)[:2]), (0, 1))(x, broken)
        assert all(np.isfinite(slope).all() for slope in slopes)
        slopes = jax.grad(lambda x, b: jnp.sum(pool(x, b)), (0, 1))(x, broken)
        assert all(np.isfinite(slope).all() for slope in slopes)
    # Whole numbers, and far away ones.
    whole = BOXES[[1, 9]]
    close(pool(x, whole.astype(np.int32)), pool(x, whole))
    far = np.array([[1e9, 1e9, 2e9, 2e9], [-3e38, -3e38, -1e38, -1e38]], np.float32)
    np.testing.assert_array_equal(pool(x, far), np.zeros((2, 3, 2, features)))


@every_pool
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "int8"])
def test_dtypes(name, dtype, rng):
    pool, channels = POOLS[name]
    x = jnp.asarray(8 * rng.normal(size=(7, 9, channels)), dtype)
    found = pool(x, BOXES)
    if name == "roi_pool":
        assert found.dtype == x.dtype
        np.testing.assert_array_equal(found.astype(jnp.float32), pool(x.astype(jnp.float32), BOXES))
        return
    result = jnp.dtype(jnp.float32) if dtype == "int8" else x.dtype
    assert found.dtype == result
    np.testing.assert_array_equal(found, pool(x.astype(jnp.float32), BOXES).astype(result))
    close(pool(x, BOXES.astype(np.float16)), found, atol=0.1)


def test_double_precision_of_boxes_and_inputs(rng):
    with jax.enable_x64(True):
        x = rng.normal(size=(7, 9, 2))
        boxes = BOXES.astype(np.float64) * 0.9 + 0.0123
        found = jaxpool.roi_align(x, boxes, (3, 2), spatial_scale=0.25)
        np.testing.assert_allclose(found, loops_of(align_by_loops, x, boxes, (3, 2), 0.25), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("value", [0.5, 1.5, 2.5, -0.5, -1.5, -2.5, 0.49999997, -0.49999997, 8388609.0])
def test_halves_are_rounded_away_from_zero(value):
    # Elements that know their number; ten to the left and right of 0.
    x = jnp.arange(21.0).reshape(1, 21, 1)
    box = np.array([[np.float32(value), 0, np.float32(value), 0]], np.float32)
    nearest = math.copysign(math.floor(abs(value) + 0.5), value) if abs(value) != np.float32(0.49999997) else 0
    found = jaxpool.roi_pool(x, box, (1, 1)).item()
    assert found == (nearest if 0 <= nearest <= 20 else 0)
    if abs(value) < 10:
        shifted = jaxpool.roi_pool(x, box + np.array([[8, 0, 8, 0]], np.float32), (1, 1)).item()
        assert shifted == away_from_zero(float(np.float32(np.float32(value) + np.float32(8))))


def test_a_bin_has_its_feature_maps_in_order():
    x = jnp.broadcast_to(jnp.arange(12.0), (5, 5, 12))
    for pool in (jaxpool.ps_roi_align, jaxpool.ps_roi_pool):
        np.testing.assert_allclose(
            pool(x, BOXES[:1] / 8, (2, 3))[0], np.arange(12.0).reshape(2, 2, 3).transpose(1, 2, 0), rtol=1e-6
        )


def test_first_of_equal_elements_and_nan_have_the_gradient():
    box = np.array([[0, 0, 3, 1]], np.float32)

    def slope(x):
        return jax.grad(lambda x: jaxpool.roi_pool(x, box, (1, 1), channel_axis=None).sum())(x)

    same = jnp.ones((2, 4))
    np.testing.assert_array_equal(slope(same), same.at[:].set(0).at[0, 0].set(1))
    np.testing.assert_array_equal(slope(same.at[1, 1].set(2)), same.at[:].set(0).at[1, 1].set(1))
    broken = same.at[1, 0].set(jnp.nan).at[0, 2].set(jnp.nan)
    assert np.isnan(jaxpool.roi_pool(broken, box, (1, 1), channel_axis=None)).all()
    np.testing.assert_array_equal(slope(broken), same.at[:].set(0).at[0, 2].set(1))
    lowest = jnp.full((2, 4), -jnp.inf)
    np.testing.assert_array_equal(jaxpool.roi_pool(lowest, box, (1, 2), channel_axis=None), -np.full((1, 1, 2), np.inf))
    np.testing.assert_array_equal(slope(lowest), same.at[:].set(0).at[0, 0].set(1))


@every_pool
def test_no_element_outside_of_a_picture_or_a_bin_counts(name, rng):
    pool, channels = POOLS[name]
    x = rng.normal(size=(2, 7, 9, channels)).astype(np.float32)
    x[1] = np.nan
    numbers = np.zeros(len(BOXES), np.int32)
    close(pool(x, BOXES, box_indices=numbers), pool(x[0], BOXES))
    slopes = jax.grad(lambda x: jnp.sum(pool(x, BOXES, box_indices=numbers)))(x)
    assert np.isfinite(slopes).all()
    if name == "roi_pool":
        # Elsewhere zeros are multiplied, too.
        x[0, 6, 8] = np.nan
        np.testing.assert_array_equal(pool(x[0], BOXES[:1]), pool(np.nan_to_num(x[0]), BOXES[:1]))


@pytest.mark.slow
@every_pool
def test_derivatives_by_inputs_and_boxes(name):
    pool, channels = POOLS[name]
    with jax.enable_x64(True):
        rng = np.random.default_rng(5)
        x = jnp.asarray(rng.normal(size=(5, 6, channels)))
        boxes = jnp.asarray(BOXES[[0, 2, 3, 10]].astype(np.float64) * 0.7 + 0.123)
        check_grads(pool, (x, boxes), order=2, modes=["fwd", "rev"])
        numbers = np.array([0, 1, 1, 0])
        listed = functools.partial(pool, box_indices=numbers)
        check_grads(listed, (jnp.stack([x, -x]), boxes), order=1, modes=["fwd", "rev"])


@pytest.mark.later
def test_the_slope_by_a_box_on_an_element_is_that_of_both_sides():
    x = jnp.array([[0.0], [1.0], [5.0]])[:, None]

    def at(row):
        # A box of one element with one sample, in its middle.
        return jaxpool.roi_align(x, jnp.stack([0 * row, row - 0.5, 1 + 0 * row, row + 0.5])[None], (1, 1)).sum()

    for row, expected in ((0.5, 1), (1.0, 2.5), (1.5, 4)):
        close(jax.grad(at)(row), expected)
        close(jax.jvp(at, (row,), (1.0,))[1], expected)


@pytest.mark.slow
@every_pool
def test_explicit_sharding_and_varying_axes(name, rng):
    pool, channels = POOLS[name]
    x = rng.normal(size=(4, 7, 9, channels)).astype(np.float32)
    sets = np.broadcast_to(BOXES, (4, *BOXES.shape))
    numbers = jnp.asarray(np.arange(len(BOXES)) % 4)
    expected, listed = pool(x, sets), pool(x, BOXES, box_indices=numbers)
    mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Explicit,), devices=jax.devices()[:4])
    with jax.set_mesh(mesh):
        split = jax.device_put(x, P("data"))
        found = jax.jit(pool)(split, sets)
        assert jax.typeof(found).sharding.spec[0] == "data"
        close(found, expected)
        close(jax.jit(pool)(split, jax.device_put(sets, P("data"))), expected)
        for spec in (P("data"), P(None, None, None, "data")):
            close(jax.jit(functools.partial(pool, box_indices=numbers))(jax.device_put(x, spec), BOXES), listed)
    mesh = jax.make_mesh((4,), ("data",), axis_types=(AxisType.Auto,), devices=jax.devices()[:4])

    def each(x):
        return pool(x, BOXES, box_indices=jnp.zeros(len(BOXES), jnp.int32))

    mapped = jax.shard_map(each, mesh=mesh, in_specs=P("data"), out_specs=P("data"), check_vma=True)
    close(jax.jit(mapped)(x), expected.reshape(-1, *expected.shape[2:]))


@every_pool
def test_export_with_any_number_of_pictures_and_boxes(name, rng):
    pool, channels = POOLS[name]
    batch, count = jax.export.symbolic_shape("batch, count")
    arrays = [jax.ShapeDtypeStruct((batch, 7, 9, channels), np.float32)]
    arrays += [jax.ShapeDtypeStruct((count, 4), np.float32), jax.ShapeDtypeStruct((count,), np.int32)]

    def listed(x, boxes, numbers):
        return pool(x, boxes, box_indices=numbers)

    exported = jax.export.export(jax.jit(listed), platforms=("cpu", "cuda", "tpu"))(*arrays)
    x = rng.normal(size=(2, 7, 9, channels)).astype(np.float32)
    numbers = (np.arange(len(BOXES)) % 2).astype(np.int32)
    close(exported.call(x, BOXES, numbers), listed(x, BOXES, numbers))


def compiled_memory(function, *shapes):
    compiled = jax.jit(function).lower(*(jax.ShapeDtypeStruct(shape, jnp.float32) for shape in shapes)).compile()
    return compiled.memory_analysis()


@pytest.mark.parametrize("name", ["roi_align", "roi_pool"])
def test_a_thousand_boxes_need_little_memory(name):
    # The compiler tells without running: 69 megabytes of inputs and 50 of results.
    pool = functools.partial(getattr(jaxpool, name), output_size=(7, 7), spatial_scale=0.25)
    for x, boxes in (((1, 200, 336, 256), (1, 1000, 4)), ((2, 200, 336, 256), (1000, 5))):
        memory = compiled_memory(pool, x, boxes)
        both = memory.argument_size_in_bytes + memory.output_size_in_bytes
        assert memory.temp_size_in_bytes <= both


def test_how_many_boxes_at_once():
    assert even_parts(1000, 24) == 20
    assert even_parts(997, 24) == 24
    assert even_parts(5, 24) == 5
    assert even_parts(0, 24) == 1
    assert boxes_at_once(1000, 7 * 336, 200 * 336, 49, 2) == 20
    assert boxes_at_once(1000, 7 * 336, 2, 0, 2) == 8


X = np.zeros((2, 7, 9, 4), np.float32)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"boxes": np.zeros((3, 4))}, r"boxes\.shape must be \(2, boxes, 4\) or \(boxes, 5\); .* Pass box_indices, "),
        (
            {"boxes": np.zeros((3, 5, 4))},
            r"boxes\.shape must be \(2, boxes, 4\) or \(boxes, 5\); got boxes\.shape=\(3, 5, ",
        ),
        ({"boxes": np.zeros((2, 3, 5))}, r"boxes\.shape must be \(2, boxes, 4\)"),
        ({"boxes": [[0, 0, 1, 1]]}, r"boxes must be an array of real numbers; .* Convert with jnp\.asarray first"),
        ({"boxes": np.zeros((2, 3, 4), bool)}, r"boxes must be an array of real numbers"),
        ({"boxes": np.full((3, 5), 2.0)}, r"boxes\[:, 0\] must name one of 2 pictures; .*numbers from 2 to 2\."),
        (
            {"boxes": np.zeros((1, 4)), "box_indices": np.array([-1])},
            r"box_indices must name one of 2 pictures; got box_indices=numbers from -1 to -1",
        ),
        ({"boxes": np.zeros((1, 4)), "box_indices": np.array([0.0])}, r"box_indices must be an array of integers"),
        ({"boxes": np.zeros((1, 4)), "box_indices": np.array([0, 1])}, r"box_indices\.shape must be \(1,\)"),
        (
            {"boxes": np.zeros((1, 5)), "box_indices": np.array([0])},
            r"boxes\.shape must be \(boxes, 4\) where box_indices",
        ),
        (
            {"inputs": X[0], "boxes": np.zeros((1, 4)), "box_indices": np.array([0])},
            r"box_indices must be None unless inputs have one batch axis",
        ),
        (
            {"inputs": X[0], "boxes": np.zeros((1, 5))},
            r"boxes\.shape must be \(boxes, 4\); .* leave it out: boxes\[\.\.\., 1:\]",
        ),
        ({"output_size": (7, 7, 7)}, r"output_size must have two sizes, height and width"),
        ({"output_size": 7}, r"output_size must be a sequence"),
        ({"spatial_scale": 0}, r"spatial_scale must be a positive number"),
        ({"spatial_scale": jnp.ones(2)}, r"spatial_scale must be a positive number; .* multiply the boxes"),
        ({"channel_axis": 0}, r"channel_axis must stand behind the batch axes"),
        ({"sampling_ratio": -1}, r"sampling_ratio must be None or a positive integer; .* Pass None"),
        ({"sampling_ratio": 0.5}, r"sampling_ratio must be None or a positive integer"),
        ({"mode": "max"}, r"sampling_ratio must be a positive integer where mode='max'"),
        ({"mode": "mean"}, r"mode must be one of 'avg', 'max'"),
        ({"aligned": 1}, r"aligned must be True or False"),
        ({"inputs": X.astype(np.complex64)}, r"inputs\.dtype must be real"),
    ],
)
def test_refused(arguments, message):
    given = {"inputs": X, "boxes": np.zeros((2, 3, 4)), "output_size": (2, 2)} | arguments
    with pytest.raises((TypeError, ValueError), match="^roi_align: " + message):
        jaxpool.roi_align(**given)


def test_refused_features():
    for pool in (jaxpool.ps_roi_align, jaxpool.ps_roi_pool):
        with pytest.raises(ValueError, match="the number of features must be divisible by the number of bins; got"):
            pool(X, np.zeros((2, 3, 4)), (3, 1))
        with pytest.raises(ValueError, match="channel_axis must be given; got channel_axis=None for output_size="):
            pool(X, np.zeros((2, 7, 3, 4)), (2, 2), channel_axis=None)
    with pytest.raises(TypeError, match="spatial_scale must be a positive number; got spatial_scale=a traced value"):
        jax.jit(lambda s: jaxpool.roi_pool(X, np.zeros((2, 3, 4)), (2, 2), spatial_scale=s))(0.5)
