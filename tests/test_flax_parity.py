"""Drop-in: wherever flax is right, the same values, dtypes and gradients; where it is wrong, the right answer."""

import flax.linen
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxpool


class Flax:
    """Flax's pools, under the default promotion that they need."""

    @staticmethod
    def _lenient(pool):
        def call(*args, **kwargs):
            with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
                return pool(*args, **kwargs)

        return call

    max_pool = _lenient(flax.linen.max_pool)
    min_pool = _lenient(flax.linen.pooling.min_pool)
    avg_pool = _lenient(flax.linen.avg_pool)
    pool = _lenient(flax.linen.pooling.pool)


def random_case(seed):
    """A shape, window, strides and padding that flax accepts; ranks 1 to 4, 0 to 2 batch axes."""
    rng = np.random.default_rng(seed)
    rank = int(rng.integers(1, 5))
    largest = {1: 12, 2: 8, 3: 5, 4: 4}[rank]
    sizes = rng.integers(3, largest + 1, rank)
    window = tuple(int(rng.integers(1, min(n, 4 if rank < 3 else 3) + 1)) for n in sizes)
    strides = None if rng.random() < 0.2 else tuple(int(rng.integers(1, 4)) for _ in window)
    forms = ["VALID", "SAME", "pairs"]
    padding = forms[seed % 3]
    # flax refuses explicit padding with several batch axes, or with none.
    batch = (2,) if padding == "pairs" else ((), (2,), (2, 1))[int(rng.integers(3))]
    if padding == "pairs":
        padding = tuple((int(rng.integers(0, k)), int(rng.integers(0, k))) for k in window)
    return (*batch, *map(int, sizes), 3), window, strides, padding


def random_array(shape, dtype, seed):
    # Small integers: ties are common, and every sum is exact in every dtype.
    values = np.random.default_rng(seed).integers(-2, 3, shape)
    return jnp.asarray(values, dtype)


DTYPES = ("float32", "bfloat16", "int32")
SEEDS = range(42)


def parity(pool, reference, seed, dtype, arguments=()):
    shape, window, strides, padding = random_case(seed)
    x = random_array(shape, dtype, seed)
    ours = jax.jit(lambda x: pool(x, window, strides, padding, *arguments))
    theirs = jax.jit(lambda x: reference(x, window, strides, padding, *arguments))
    y, expected = ours(x), theirs(x)
    return x, ours, theirs, y, expected


def assert_same_gradient(ours, theirs, x, y):
    w = random_array(y.shape, y.dtype, 99)
    slope, expected = (
        jax.jit(jax.grad(lambda x, f=f: jnp.sum(f(x) * w).astype(jnp.float32)))(x) for f in (ours, theirs)
    )
    assert slope.dtype == expected.dtype
    np.testing.assert_allclose(
        np.float64(slope), np.float64(expected), rtol=1e-6 if x.dtype == np.float32 else 2e-2, atol=1e-6
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_max_pool_is_flax_max_pool(seed):
    x, ours, theirs, y, expected = parity(jaxpool.max_pool, Flax.max_pool, seed, DTYPES[seed // 3 % 3])
    assert y.dtype == expected.dtype
    np.testing.assert_array_equal(y, expected)
    if x.dtype != jnp.int32:
        assert_same_gradient(ours, theirs, x, y)


@pytest.mark.parametrize("seed", SEEDS)
def test_avg_pool_is_flax_avg_pool(seed):
    include = seed % 2 == 0
    # flax turns bf16 into f32 without count_include_pad: tested as a fault below.
    dtype = ("float32", "bfloat16" if include else "float32", "int32")[seed // 3 % 3]
    x, ours, theirs, y, expected = parity(jaxpool.avg_pool, Flax.avg_pool, seed, dtype, (include,))
    assert y.dtype == expected.dtype
    np.testing.assert_allclose(np.float64(y), np.float64(expected), rtol=1e-6 if dtype != "bfloat16" else 2**-8)
    if dtype == "float32":
        assert_same_gradient(ours, theirs, x, y)


@pytest.mark.parametrize("seed", range(12))
def test_min_pool_is_flax_min_pool(seed):
    _, _, _, y, expected = parity(jaxpool.min_pool, Flax.min_pool, seed, DTYPES[seed // 3 % 3])
    np.testing.assert_array_equal(y, expected)


OPERATIONS = [
    (-np.inf, jax.lax.max),
    (np.inf, jax.lax.min),
    (0.0, jax.lax.add),
    (1.0, jax.lax.add),
    (1.0, jnp.add),
    (1.0, jax.lax.max),
    (-1.0, jnp.minimum),
    (1.0, jax.lax.mul),
    (2.0, jax.lax.mul),
    (0.5, lambda a, b: a + b - a * b),
]


@pytest.mark.parametrize("seed", range(20))
def test_pool_is_flax_pool(seed):
    init, reduce_fn = OPERATIONS[seed % len(OPERATIONS)]
    shape, window, strides, padding = random_case(seed)
    strides = strides or (1,) * len(window)
    x = random_array(shape, "float32", seed)
    ours = jax.jit(lambda x: jaxpool.pool(x, init, reduce_fn, window, strides, padding))
    theirs = jax.jit(lambda x: Flax.pool(x, init, reduce_fn, window, strides, padding))
    y, expected = ours(x), theirs(x)
    assert y.dtype == expected.dtype
    np.testing.assert_allclose(y, expected, rtol=1e-5)
    # Flax has a derivative where the operation is a sum or an extremum, and `init` its identity.
    if seed % len(OPERATIONS) < 3:
        assert_same_gradient(ours, theirs, x, y)


@pytest.mark.later
@pytest.mark.parametrize("dtype", ["int8", "uint8", "bool"])
def test_pool_of_integers_is_flax_pool(dtype, rng):
    x = jnp.asarray(rng.integers(0, 2 if dtype == "bool" else 256, (2, 7, 6, 3)), "uint8").astype(dtype)
    cases = [(False, jax.lax.max)] if dtype == "bool" else [(0, jax.lax.max), (9, jax.lax.add), (3, jax.lax.mul)]
    for init, reduce_fn in cases:
        arguments = (jnp.asarray(init, dtype), reduce_fn, (3, 2), (2, 1), "SAME")
        y, expected = jaxpool.pool(x, *arguments), Flax.pool(x, *arguments)
        assert y.dtype == expected.dtype
        np.testing.assert_array_equal(y, expected)


# ---- Where flax is wrong. Each test names the fault and shows that the fault is still there.


def test_flax_averages_bf16_in_bf16():
    x = jnp.full((1, 64, 64, 1), 1.1, jnp.bfloat16)
    assert Flax.avg_pool(x, (64, 64)).item() == 0.5
    assert jaxpool.avg_pool(x, (64, 64)).item() == x[0, 0, 0, 0].item()
    assert jaxpool.global_avg_pool(x).item() == x[0, 0, 0, 0].item()


def test_flax_averages_f16_to_infinity():
    x = jnp.full((1, 128, 128, 1), 8, jnp.float16)
    assert np.isinf(Flax.avg_pool(x, (128, 128)).item())
    assert jaxpool.avg_pool(x, (128, 128)).item() == 8
    assert jaxpool.global_avg_pool(x).item() == 8


def test_flax_turns_bf16_into_f32_without_count_include_pad():
    x = jnp.ones((1, 4, 4, 1), jnp.bfloat16)
    assert Flax.avg_pool(x, (3, 3), padding="SAME", count_include_pad=False).dtype == jnp.float32
    assert jaxpool.avg_pool(x, (3, 3), padding="SAME", count_include_pad=False).dtype == jnp.bfloat16


def test_flax_wraps_around_in_averages_of_small_integers():
    x = jnp.full((1, 2, 2, 1), 200, jnp.uint8)
    assert Flax.avg_pool(x, (2, 2)).item() == 8
    assert jaxpool.avg_pool(x, (2, 2)).item() == 200


def test_flax_gives_an_empty_array_for_a_window_larger_than_the_input():
    x = jnp.zeros((1, 2, 2, 1))
    assert Flax.max_pool(x, (3, 3)).size == 0
    with pytest.raises(ValueError, match="must fit into the padded input"):
        jaxpool.max_pool(x, (3, 3))


def test_flax_refuses_lists_and_ints():
    x = jnp.arange(16.0).reshape(1, 4, 4, 1)
    expected = Flax.max_pool(x, (2, 2), (2, 2), ((1, 1), (1, 1)))
    with pytest.raises(TypeError):
        Flax.max_pool(x, (2, 2), [2, 2])
    with pytest.raises(TypeError):
        Flax.max_pool(x, (2, 2), padding=1)
    np.testing.assert_array_equal(jaxpool.max_pool(x, [2, 2], [2, 2], [[1, 1], [1, 1]]), expected)
    np.testing.assert_array_equal(jaxpool.max_pool(x, (2, 2), 2, 1), expected)


def test_flax_refuses_explicit_padding_with_several_batch_axes():
    x = jnp.arange(64.0).reshape(2, 2, 4, 4, 1)
    with pytest.raises((ValueError, AssertionError)):
        Flax.max_pool(x, (2, 2), padding=((1, 1), (1, 1)))
    assert jaxpool.max_pool(x, (2, 2), padding=((1, 1), (1, 1))).shape == (2, 2, 5, 5, 1)


def test_lax_has_no_gradient_of_a_dilated_maximum():
    x = jnp.arange(16.0).reshape(1, 4, 4, 1)

    def dilated(x):
        return jax.lax.reduce_window(
            x, -jnp.inf, jax.lax.max, (1, 2, 2, 1), (1, 1, 1, 1), "VALID", window_dilation=(1, 2, 2, 1)
        )

    with pytest.raises(NotImplementedError):
        jax.grad(lambda x: dilated(x).sum())(x)
    slope = jax.grad(lambda x: jaxpool.max_pool(x, (2, 2), window_dilation=2).sum())(x)
    np.testing.assert_array_equal(slope[0, :, :, 0], [[0, 0, 0, 0], [0, 0, 0, 0], [0, 0, 1, 1], [0, 0, 1, 1]])


def test_flax_sends_the_gradient_past_a_nan():
    x = jnp.zeros((1, 5, 5, 1)).at[0, 2, 2, 0].set(jnp.nan)
    w = jnp.arange(1.0, 10).reshape(1, 3, 3, 1)

    def slope(pool):
        return jax.vjp(lambda x: pool(x, (3, 3)), x)[1](w)[0]

    # Every window holds the NaN, so it gets the whole cotangent.
    assert slope(jaxpool.max_pool)[0, 2, 2, 0] == w.sum()
    assert slope(Flax.max_pool)[0, 2, 2, 0] != w.sum()


def test_flax_loses_gradients_of_minus_infinity_into_the_padding():
    x = jnp.full((1, 4, 4, 1), -jnp.inf)

    def pulled(pool):
        y, pull = jax.vjp(lambda x: pool(x, (3, 3), (2, 2), ((1, 1), (1, 1))), x)
        return pull(jnp.ones_like(y))[0].sum()

    assert pulled(Flax.max_pool) < 4
    assert pulled(jaxpool.max_pool) == 4


def test_flax_gives_nan_for_windows_wholly_in_padding():
    x = jnp.ones((1, 2, 2, 1))
    wide = ((2, 2), (2, 2))
    assert np.isnan(Flax.avg_pool(x, (2, 2), padding=wide, count_include_pad=False)).any()
    with pytest.raises(ValueError, match="leave at least one element of the inputs in every window"):
        jaxpool.avg_pool(x, (2, 2), padding=wide, count_include_pad=False)
    assert jaxpool.avg_pool(x, (2, 2), padding=wide).shape == (1, 5, 5, 1)
