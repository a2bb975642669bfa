"""Windows as an axis, corner, Haar and spectral pooling, against loops and NumPy in float64, and at their limits."""

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

pytestmark = pytest.mark.most(2)
close = functools.partial(np.testing.assert_allclose, rtol=2e-5, atol=1e-5)
same = np.testing.assert_array_equal
GEOMETRIES = [
    {"window_shape": (2, 2), "strides": 2},
    {"window_shape": (3, 2), "strides": 1, "padding": ((1, 2), (0, 1))},
    {"window_shape": (2, 3), "strides": (3, 1), "window_dilation": (2, 1)},
    {"window_shape": (3, 3), "strides": 2, "padding": 1, "ceil_mode": True},
    {"window_shape": (5, 5), "strides": (2, 3), "padding": "SAME"},
    {"window_shape": (2, 5), "strides": 3, "padding": ((-1, 0), (2, -1))},
    {"window_shape": (2, 2), "strides": (1, 4), "padding": ((0, 0), (-3, 4))},
    {"window_shape": (7, 8)},
    {"window_shape": (9, 8), "strides": 4, "padding": ((1, 1), (2, 0))},
]


# ---------------------------------------------------------------------------------------------------------- windows


def windows_by_loops(x, window):
    """`x` has the spatial axes only; the elements of each window stand last."""
    parts = window.parts
    columns = ([p.size for p in parts], [p.outputs for p in parts], [p.taps for p in parts])
    columns += ([p.stride for p in parts], [p.dilation for p in parts], [p.low for p in parts])
    y = np.zeros([*columns[1], window.taps], x.dtype)
    for out, cells in oracle.windows(*columns):
        for offset, place in cells:
            if place is not None:
                y[(*out, offset)] = x[place]
    return y


@pytest.mark.parametrize("dtype", ["float32", "int8", "bool", "complex64", "bfloat16"])
@pytest.mark.parametrize("arguments", GEOMETRIES)
def test_windows_beside_loops(arguments, dtype, rng):
    x = np.asarray(jnp.asarray(rng.integers(0, 100, (7, 8)) * (rng.random((7, 8)) < 0.8), dtype))
    window = pooling_window(x.shape, channel_axis=None, padding_is_empty=False, **arguments)
    found = jaxpool.windows(x, channel_axis=None, **arguments)
    assert found.dtype == x.dtype
    same(found, windows_by_loops(x, window))


@pytest.mark.parametrize("arguments", GEOMETRIES)
def test_the_sum_over_windows_is_sum_pooling_and_so_is_the_adjoint(arguments, rng):
    x = rng.integers(-9, 10, (2, 7, 8, 3)).astype(np.float32)
    view = functools.partial(jaxpool.windows, **arguments)
    same(view(x).sum(3), jaxpool.sum_pool(x, **arguments))
    window = pooling_window(x.shape, padding_is_empty=False, **arguments)
    g = rng.integers(-9, 10, jax.eval_shape(view, x).shape).astype(np.float32)
    expected = np.zeros(x.shape, np.float32)
    numbers = windows_by_loops(np.arange(1, 57).reshape(7, 8), window)
    for out in np.ndindex(*g.shape[1:3]):
        for tap in range(window.taps):
            if numbers[(*out, tap)]:
                expected[(slice(None), *divmod(numbers[(*out, tap)] - 1, 8))] += g[(slice(None), *out, tap)]
    same(jax.linear_transpose(view, x)(g)[0], expected)
    same(jax.jvp(view, (x,), (x,))[1], view(x))


@pytest.mark.parametrize("mode", ["EDGE", "REFLECT", "WRAP"])
def test_windows_of_padding_that_holds_elements(mode, rng):
    x = rng.normal(size=(7, 8)).astype(np.float32)
    padded = np.pad(x, ((1, 2), (2, 0)), mode.lower())
    expected = np.lib.stride_tricks.sliding_window_view(padded, (3, 3))[::2, ::2].reshape(4, 4, 9)
    same(jaxpool.windows(x, (3, 3), 2, ((1, 2), (2, 0)), channel_axis=None, padding_mode=mode), expected)


def test_where_the_new_axis_stands(rng):
    x = rng.normal(size=(2, 7, 8, 3)).astype(np.float32)
    last = jaxpool.windows(x, (3, 2), 2)
    assert last.shape == (2, 3, 4, 6, 3)
    first = jaxpool.windows(np.moveaxis(x, -1, 1), (3, 2), 2, channel_axis=-3)
    same(first, np.moveaxis(last, -1, 1))
    between = jaxpool.windows(np.moveaxis(x, -1, 2), (3, 2), 2, channel_axis=2)
    same(between, np.moveaxis(last, -1, 2))
    assert jaxpool.windows(x, (2, 2, 2, 1), channel_axis=None).shape == (1, 6, 7, 3, 8)


def test_windows_of_one_and_three_axes(rng):
    sound = rng.normal(size=(2, 1000, 1)).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(sound[..., 0], 400, 1)[:, ::160]
    same(jaxpool.windows(sound, (400,), 160)[..., 0], frames)
    volume = rng.normal(size=(5, 4, 6)).astype(np.float32)
    blocks = np.lib.stride_tricks.sliding_window_view(volume, (2, 3, 2))[::2, :, ::3].reshape(2, 2, 2, 12)
    same(jaxpool.windows(volume, (2, 3, 2), (2, 1, 3), channel_axis=None), blocks)


def test_a_median_with_its_gradient(rng):
    x = jnp.asarray(rng.permutation(42).reshape(6, 7), jnp.float32)
    found = jnp.median(jaxpool.windows(x, (3, 3), channel_axis=None), axis=-1)
    same(found, np.median(np.lib.stride_tricks.sliding_window_view(x, (3, 3)), (2, 3)))
    slope = jax.grad(lambda x: jnp.median(jaxpool.windows(x, (3, 3), channel_axis=None), axis=-1).sum())(x)
    assert slope.sum() == found.size


def test_patches_are_neither_cut_nor_joined():
    x = jax.ShapeDtypeStruct((2, 32, 48, 3), jnp.float32)
    text = jax.jit(lambda x: jaxpool.windows(x, (16, 16), 16)).lower(x).as_text()
    assert set(re.findall(r"stablehlo\.(\w+)", text)) <= {"reshape", "transpose", "return", "broadcast_in_dim"}
    # And frames that overlap are joined from runs of strides.
    sound = jax.ShapeDtypeStruct((1, 16000, 1), jnp.float32)
    text = jax.jit(lambda x: jaxpool.windows(x, (400,), 160)).lower(sound).as_text()
    assert text.count("stablehlo.slice") <= 7


def test_long_windows_are_short_programs():
    sound = jax.ShapeDtypeStruct((2, 4096, 1), jnp.float32)
    for size, strides in ((1023, 1), (2000, 3)):
        gradient = jax.jit(jax.grad(lambda x, k=size, s=strides: (jaxpool.windows(x, (k,), s) ** 2).sum()))
        assert gradient.lower(sound).as_text().count("\n") < 250
    x = np.arange(4096.0, dtype=np.float32)[:, None]
    expected = np.lib.stride_tricks.sliding_window_view(x[:, 0], 2000)
    same(jaxpool.windows(x, (2000,))[..., 0], expected)
    same(jaxpool.windows(x, (2000,), 7)[..., 0], expected[::7])
    assert jaxpool.windows(x, (4096,)).shape == (1, 4096, 1)
    with pytest.raises(ValueError, match=r"^windows: window_shape must have at most 256 elements along a dilated axis"):
        jaxpool.windows(x, (300,), window_dilation=2)


# ----------------------------------------------------------------------------------------------------------- corners


def running(x, direction):
    """The running maximum by NumPy, which propagates NaN."""
    axis = -2 if direction in ("top", "bottom") else -1
    if direction in ("bottom", "right"):
        return np.maximum.accumulate(x, axis)
    return np.flip(np.maximum.accumulate(np.flip(x, axis), axis), axis)


@pytest.mark.parametrize("dtype", ["float32", "int8", "bool", "bfloat16", "float16"])
@pytest.mark.parametrize("direction", ["top", "bottom", "left", "right"])
def test_corners_beside_numpy(direction, dtype, rng):
    x = np.array(jnp.asarray(rng.integers(-9, 9, (2, 3, 13, 18)), dtype))
    found = jaxpool.corner_pool(x, direction, channel_axis=-3)
    assert found.dtype == x.dtype
    same(found, running(x, direction))
    same(jaxpool.corner_pool(np.moveaxis(x, 1, -1), direction), np.moveaxis(running(x, direction), 1, -1))
    if dtype == "float32":
        x[0, 0, 4, 7] = np.nan
        x[0, 1] = -np.inf
        same(jaxpool.corner_pool(x, direction, channel_axis=1), running(x, direction))


@pytest.mark.parametrize("direction", ["top", "bottom", "left", "right"])
def test_masked_corners(direction, rng):
    x = rng.normal(size=(11, 9)).astype(np.float32)
    valid = rng.random(x.shape) < 0.4
    pool = functools.partial(jaxpool.corner_pool, direction=direction, channel_axis=None, where=valid)
    same(pool(x), running(np.where(valid, x, -np.inf), direction))
    broken = jnp.where(valid, x, jnp.nan)
    same(pool(broken), pool(x))
    slope = jax.grad(lambda x: jnp.where(jnp.isfinite(pool(x)), pool(x), 0).sum())(broken)
    # Every place that sees a valid element sends its one to it.
    assert slope.sum() == float(np.isfinite(pool(x)).sum())
    assert not slope[~valid].any()


def test_equal_elements_of_a_corner():
    x = jnp.array([[2.0, 5.0, 1.0, 5.0, 0.0]])
    for direction, expected in (("right", [1.0, 4.0, 0.0, 0.0, 0.0]), ("left", [0.0, 2.0, 0.0, 2.0, 1.0])):
        pool = functools.partial(jaxpool.corner_pool, direction=direction, channel_axis=None)
        same(jax.grad(lambda x, pool=pool: pool(x).sum())(x)[0], expected)
        column = jax.grad(lambda x, d=direction: jaxpool.corner_pool(x, d, channel_axis=None).sum())
        same(column(jnp.zeros((2, 3))), [[3.0, 0.0, 0.0]] * 2 if direction == "right" else [[1.0] * 3] * 2)
    slope = jax.grad(lambda x: jaxpool.corner_pool(x, "bottom", channel_axis=None).sum())
    same(slope(jnp.zeros((3, 1))), [[3], [0], [0]])
    second = jax.hessian(lambda x: (jaxpool.corner_pool(x, "left", channel_axis=None) ** 2).sum())(x)[0, :, 0]
    same(second, np.diag([0.0, 4.0, 0.0, 4.0, 2.0]))


def test_corners_are_short_programs():
    x = jax.ShapeDtypeStruct((1, 128, 128, 8), jnp.float32)
    gradient = jax.jit(jax.grad(lambda x: jaxpool.corner_pool(x, "top").sum()))
    for platform in ("cpu", "cuda"):
        assert gradient.trace(x).lower(lowering_platforms=(platform,)).as_text().count("\n") < 1500


def test_directions_that_do_not_exist():
    for wrong, remedy in (("TOP", "Write 'top'"), ("up", "It is the"), (None, "It is the")):
        with pytest.raises(ValueError, match=rf"^corner_pool: direction must be one of 'top', .*{remedy}"):
            jaxpool.corner_pool(jnp.zeros((1, 4, 4, 1)), wrong)


# -------------------------------------------------------------------------------------------------------------- Haar


def haar_by_loops(x):
    """Bands before features, from the products of (1, 1) and (-1, 1) along each of the axes but the last."""
    rank = x.ndim - 1
    x = np.pad(x, [(0, size % 2) for size in x.shape[:-1]] + [(0, 0)], "edge")
    bands = []
    for band in itertools.product((0, 1), repeat=rank):
        y = np.zeros([size // 2 for size in x.shape[:-1]] + [x.shape[-1]])
        for corner in itertools.product((0, 1), repeat=rank):
            sign = math.prod(-1 if high and not second else 1 for high, second in zip(band, corner, strict=True))
            y += sign * x[tuple(slice(second, None, 2) for second in corner)]
        bands.append(y / 2 ** (rank / 2))
    return np.concatenate(bands, -1)


@pytest.mark.parametrize("shape", [(6, 8, 3), (5, 7, 2), (1, 4, 1), (9, 2), (3, 4, 5, 2)])
def test_haar_beside_loops(shape, rng):
    x = rng.normal(size=shape).astype(np.float32)
    spatial = {"num_spatial_dims": len(shape) - 1}
    found = jaxpool.haar_pool(x, **spatial)
    close(found, haar_by_loops(x.astype(np.float64)))
    close(jaxpool.haar_unpool(found, output_shape=shape[:-1], **spatial), x, rtol=1e-6, atol=1e-6)
    batch = np.stack([x, 2 * x, -x])
    first = jaxpool.haar_pool(np.moveaxis(batch, -1, 1), channel_axis=-len(shape), **spatial)
    close(first, np.moveaxis(np.asarray(jaxpool.haar_pool(batch, **spatial)), -1, 1))


def test_the_four_bands_in_the_order_of_the_field():
    a, b, c, d = 1.0, 2.0, 5.0, 11.0
    (found,) = jaxpool.haar_pool(jnp.array([[[[a], [b]], [[c], [d]]]])).reshape(1, 4)
    same(found, [(a + b + c + d) / 2, (-a + b - c + d) / 2, (-a - b + c + d) / 2, (a - b - c + d) / 2])


def test_haar_bands_keep_lengths_and_their_inverse_is_their_transpose(rng):
    x = rng.normal(size=(2, 8, 6, 3)).astype(np.float32)
    bands = jaxpool.haar_pool(x)
    close(jnp.sum(bands**2), np.sum(x.astype(np.float64) ** 2))
    close(bands[..., :3], 2 * jaxpool.avg_pool(x, (2, 2), 2))
    g = rng.normal(size=bands.shape).astype(np.float32)
    close(jax.linear_transpose(jaxpool.haar_pool, x)(g)[0], jaxpool.haar_unpool(g))
    close(jax.linear_transpose(jaxpool.haar_unpool, g)(x)[0], bands)
    # Exactly, where nothing is rounded.
    whole = jnp.asarray(rng.integers(-99, 99, x.shape), jnp.float32)
    same(jaxpool.haar_unpool(jaxpool.haar_pool(whole)), whole)
    same(jaxpool.haar_unpool(jaxpool.haar_pool(whole[:, :7, :5]), output_shape=(7, 5)), whole[:, :7, :5])


def test_dtypes_of_haar_bands(rng):
    x = jnp.asarray(rng.normal(size=(1, 4, 6, 2)), jnp.float32)
    for dtype in ("bfloat16", "float16"):
        narrow = x.astype(dtype)
        assert jaxpool.haar_pool(narrow).dtype == dtype
        same(jaxpool.haar_pool(narrow), jaxpool.haar_pool(narrow.astype(jnp.float32)).astype(dtype))
    # A sum that f16 does not hold on the way.
    large = jnp.full((1, 2, 2, 1), 30000.0, "float16")
    same(jaxpool.haar_unpool(jaxpool.haar_pool(large)), large)
    assert jaxpool.haar_pool(jnp.arange(16).reshape(1, 4, 4, 1)).dtype == jnp.float32
    both = jaxpool.haar_pool(lax.complex(x, -x))
    close(both.real, jaxpool.haar_pool(x))
    same(both.imag, -both.real)


def test_what_holds_no_bands_is_refused():
    with pytest.raises(ValueError, match=r"^haar_unpool: inputs.shape must have 4 bands of features; got"):
        jaxpool.haar_unpool(jnp.zeros((1, 4, 4, 6)))
    with pytest.raises(ValueError, match=r"^haar_pool: channel_axis must name the axis of the features; got"):
        jaxpool.haar_pool(jnp.zeros((1, 4, 4, 6)), num_spatial_dims=2, channel_axis=None)
    with pytest.raises(ValueError, match=r"^haar_unpool: output_shape must be \(8, 8\), or one less along an axis"):
        jaxpool.haar_unpool(jnp.zeros((1, 4, 4, 4)), output_shape=(6, 8))
    with pytest.raises(ValueError, match=r"^haar_pool: num_spatial_dims must be given"):
        jaxpool.haar_pool(jnp.zeros((4, 4, 6)))


# ----------------------------------------------------------------------------------------------------------- spectra


def cropped_spectrum(x, sizes):
    """The centred spectrum, cropped with both highest frequencies of even sizes, which then are averaged."""
    spectrum = np.fft.fftshift(np.fft.fftn(x.astype(np.float64)))
    result = spectrum
    for axis, (size, m) in enumerate(zip(x.shape, sizes, strict=True)):
        if m == size:
            continue
        centre = size // 2
        low, high = centre - m // 2, centre + m // 2
        kept = np.take(result, range(low, high + 1), axis)
        if m % 2 == 0:
            first, *_, last = np.moveaxis(kept, axis, 0)
            inner = np.take(kept, range(1, m), axis)
            kept = np.concatenate([np.expand_dims((first + last) / 2, axis), inner], axis)
        result = kept
    return np.fft.ifftn(np.fft.ifftshift(result)) * math.prod(sizes) / x.size


@pytest.mark.parametrize("sizes", [(3, 5), (4, 4), (7, 2), (6, 8), (1, 1), (2, 7)])
@pytest.mark.parametrize("shape", [(7, 8), (8, 9)])
def test_spectra_beside_numpy(shape, sizes, rng):
    x = rng.normal(size=shape).astype(np.float32)
    expected = cropped_spectrum(x, sizes)
    assert np.abs(expected.imag).max() < 1e-12
    close(jaxpool.spectral_pool(x, sizes, channel_axis=None), expected.real)
    images = np.stack([x, -x])[..., None]
    close(jaxpool.spectral_pool(images, sizes)[..., 0], np.stack([expected.real, -expected.real]))
    close(jaxpool.spectral_pool(np.moveaxis(images, -1, 1), sizes, channel_axis=-3)[1, 0], -expected.real)


def test_low_waves_are_resampled_and_the_mean_stays(rng):
    for size, outputs, frequency in ((16, 8, 3), (15, 9, 4), (12, 7, 2), (9, 4, 1)):
        wave = 2 + np.cos(2 * np.pi * frequency * np.arange(size) / size + 0.3)
        expected = 2 + np.cos(2 * np.pi * frequency * np.arange(outputs) / outputs + 0.3)
        close(jaxpool.spectral_pool(wave.astype(np.float32), (outputs,), channel_axis=None), expected)
    # At the highest frequency that the output has, half of the mean over both signs; above it, nothing.
    wave = np.cos(2 * np.pi * 4 * np.arange(16) / 16 + 0.3).astype(np.float32)
    close(jaxpool.spectral_pool(wave, (8,), channel_axis=None), np.cos(0.3) / 2 * (-1.0) ** np.arange(8))
    close(jaxpool.spectral_pool(wave, (7,), channel_axis=None), np.zeros(7))
    x = rng.normal(size=(2, 9, 8, 3)).astype(np.float32)
    close(jaxpool.spectral_pool(x, (4, 5)).mean((1, 2)), x.mean((1, 2)))


def test_an_axis_of_a_spectrum_may_stay(rng):
    x = rng.normal(size=(2, 9, 8, 3)).astype(np.float32)
    same(jaxpool.spectral_pool(x, (None, 8)), x)
    close(jaxpool.spectral_pool(x, (None, 4)), jaxpool.spectral_pool(x, (9, 4)))
    with pytest.raises(ValueError, match=r"^spectral_pool: output_size must not be above the inputs' sizes; got"):
        jaxpool.spectral_pool(x, (10, 8))
    with pytest.raises(TypeError, match=r"^spectral_pool: inputs.dtype must be real"):
        jaxpool.spectral_pool(x + 1j, (3, 3))


def test_dtypes_of_spectra(rng):
    x = jnp.asarray(rng.normal(size=(1, 9, 8, 2)), jnp.bfloat16)
    found = jaxpool.spectral_pool(x, (4, 4))
    assert found.dtype == x.dtype
    same(found, jaxpool.spectral_pool(x.astype(jnp.float32), (4, 4)).astype(x.dtype))
    assert jaxpool.spectral_pool(jnp.arange(9).reshape(3, 3, 1), (2, 2)).dtype == jnp.float32


@pytest.mark.later
def test_derivatives_of_spectra_in_both_modes():
    with jax.enable_x64(True):
        x = jnp.asarray(np.random.default_rng(1).normal(size=(2, 6, 7, 2)))
        check_grads(lambda x: jaxpool.spectral_pool(x, (4, 3)) ** 2, (x,), order=2, modes=["fwd", "rev"])


# ---------------------------------------------------------------------------------------------------- empty windows


@pytest.mark.parametrize("padding_mode", [None, "EDGE"])
@pytest.mark.parametrize("name", ["max_pool", "min_pool"])
def test_what_a_window_without_a_valid_element_returns(name, padding_mode, rng):
    pool = functools.partial(
        getattr(jaxpool, name), window_shape=(2, 2), strides=2, padding=((1, 1), (0, 0)), padding_mode=padding_mode
    )
    x = rng.normal(size=(2, 6, 6, 3)).astype(np.float32)
    valid = rng.random((1, 6, 6, 1)) < 0.2
    counted = np.asarray(jaxpool.max_pool(np.broadcast_to(valid, x.shape), **pool.keywords))
    assert 0 < counted.mean() < 1
    found = pool(x, where=valid, empty=-7.5)
    same(found, np.where(counted, pool(x, where=valid), -7.5))
    same(pool(x, empty=-7.5), pool(x))
    slope = jax.grad(lambda x: pool(x, where=valid, empty=0.0).sum())(x)
    assert slope.sum() == float(counted.sum())
    learned = jax.grad(lambda e: pool(x, where=valid, empty=e).sum())(jnp.float32(0))
    assert learned == float((~counted).sum())
    whole = pool(x.astype(np.int8), where=valid, empty=3)
    assert whole.dtype == jnp.int8
    same(whole, np.where(counted, pool(x.astype(np.int8), where=valid), 3))


@pytest.mark.later
@pytest.mark.parametrize("kind", ["max", "min"])
def test_what_a_plane_and_a_bin_without_a_valid_element_return(kind, rng):
    x = rng.normal(size=(4, 5, 6, 3)).astype(np.float32)
    valid = rng.random((4, 5, 6, 1)) < 0.15
    valid[1] = False
    for name, arguments in ((f"global_{kind}_pool", {}), (f"adaptive_{kind}_pool", {"output_size": (3, 4)})):
        pool = functools.partial(getattr(jaxpool, name), **arguments)
        largest = functools.partial(getattr(jaxpool, name.replace("min", "max")), **arguments)
        counted = np.asarray(largest(np.broadcast_to(valid, x.shape)))
        assert 0 < counted.mean() < 1
        same(pool(x, where=valid, empty=-7.5), np.where(counted, pool(x, where=valid), -7.5))
        same(pool(x, empty=-7.5), pool(x))
        slope = jax.grad(lambda x, pool=pool: pool(x, where=valid, empty=0.0).sum())(x)
        assert slope.sum() == float(counted.sum())
        learned = jax.grad(lambda e, pool=pool: pool(x, where=valid, empty=e).sum())(jnp.float32(0))
        assert learned == float((~counted).sum())
        with pytest.raises(ValueError, match=rf"^{name}: empty must be a number that int8 holds; got empty=300"):
            pool(x.astype(np.int8), where=valid, empty=300)
    same(jaxpool.global_max_pool(x, keepdims=True, where=valid, empty=2.0)[1], np.full((1, 1, 3), 2.0, np.float32))


@pytest.mark.parametrize(
    ("empty", "dtype", "message"),
    [
        (0.5, "int8", "max_pool: empty must be a number that int8 holds; got empty=0.5"),
        (300, "uint8", "max_pool: empty must be a number that uint8 holds; got empty=300"),
        ("0", "float32", "max_pool: empty must be None or one real number; got empty=str"),
        (1j, "float32", "max_pool: empty must be None or one real number; got empty=complex"),
    ],
)
def test_what_is_no_value_for_an_empty_window(empty, dtype, message):
    with pytest.raises((TypeError, ValueError), match=f"^{re.escape(message)}"):
        jaxpool.max_pool(jnp.zeros((1, 4, 4, 1), dtype), (2, 2), where=jnp.ones((1, 4, 4, 1), bool), empty=empty)
