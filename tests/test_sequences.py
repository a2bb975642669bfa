"""Causal windows, masks and lengths after a pool, first and last tokens, and the recipes of PORTING.md."""

import functools
import itertools
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest
from jax.test_util import check_grads

import jaxpool
import jaxpool.linen
import jaxpool.nnx
import jaxpool.torch
from jaxpool._geometry import pooling_window

pytestmark = pytest.mark.most(2)

close = functools.partial(np.testing.assert_allclose, rtol=2e-5, atol=1e-6)
PORTING = pathlib.Path(__file__).parents[1].joinpath("PORTING.md").read_text()
CAUSAL_POOLS = {
    "max": jaxpool.max_pool,
    "min": jaxpool.min_pool,
    "argmax": lambda x, *args, **kwargs: jaxpool.max_pool_with_argmax(x, *args, **kwargs)[0],
    "avg": functools.partial(jaxpool.avg_pool, count_include_pad=False),
    "avg, padding counts": jaxpool.avg_pool,
    "sum": jaxpool.sum_pool,
    "lp": functools.partial(jaxpool.lp_pool, p=3),
    "power mean": functools.partial(jaxpool.power_mean_pool, p=2, count_include_pad=False),
    "softmax": jaxpool.softmax_pool,
    "weighted": lambda x, *args, **kwargs: jaxpool.weighted_avg_pool(x, jnp.ones_like(x), *args, **kwargs),
    "var": jaxpool.var_pool,
    "std": jaxpool.std_pool,
    "blur": functools.partial(jaxpool.blur_pool, count_include_pad=False),
    "pool": lambda x, *args, **kwargs: jaxpool.pool(x, 1.0, jax.lax.mul, *args, **kwargs),
}
every_pool = pytest.mark.parametrize("name", CAUSAL_POOLS)
STEPS = [(3, 1, 1), (3, 2, 1), (2, 1, 3), (3, 2, 2), (1, 2, 1), (4, 3, 1)]


@pytest.mark.parametrize(("taps", "stride", "dilation"), STEPS)
def test_causal_windows_beside_loops(taps, stride, dilation, rng):
    x = rng.permutation(11).astype(np.float32)
    options = {"window_dilation": dilation, "channel_axis": None}
    past = [x[[p for p in range(o - (taps - 1) * dilation, o + 1, dilation) if p >= 0]] for o in range(0, 11, stride)]
    largest = jaxpool.max_pool(x, (taps,), stride, "CAUSAL", **options)
    np.testing.assert_array_equal(largest, [window.max() for window in past])
    close(jaxpool.avg_pool(x, (taps,), stride, "causal", False, **options), [window.mean() for window in past])
    close(jaxpool.avg_pool(x, (taps,), stride, "CAUSAL", **options), [window.sum() / taps for window in past])
    close(jaxpool.std_pool(x, (taps,), stride, "CAUSAL", **options), [window.std() for window in past])
    assert jaxpool.output_shape((11,), (taps,), stride, "CAUSAL", **options) == largest.shape == (-(-11 // stride),)


@every_pool
@pytest.mark.parametrize(("taps", "stride", "dilation"), [(3, 1, 1), (3, 2, 1), (3, 2, 2)])
def test_no_result_of_a_causal_window_sees_the_future(name, taps, stride, dilation, rng):
    x = jnp.asarray(rng.random(9) + 0.5, jnp.float32)
    options = {"window_dilation": dilation, "channel_axis": None}
    pool = functools.partial(CAUSAL_POOLS[name], window_shape=(taps,), strides=stride, padding="CAUSAL", **options)
    slopes = jax.jacobian(pool)(x)
    assert slopes.shape == (-(-9 // stride), 9)
    for output, row in enumerate(slopes):
        assert not row[output * stride + 1 :].any()
        assert row[: output * stride + 1].any() or (name in ("var", "std") and output * stride < dilation)
    # Neither does a value: what comes later may be anything.
    now = 2 * stride
    changed = pool(x.at[now + 1 :].set(jnp.nan))
    np.testing.assert_array_equal(changed[:3], pool(x)[:3])


def test_causal_windows_of_planes_and_of_every_kind_of_call(rng):
    x = jnp.asarray(rng.normal(size=(2, 6, 7, 3)), jnp.float32)
    pairs = ((4, 0), (1, 0))
    expected = jaxpool.max_pool(x, (3, 2), (1, 2), pairs, window_dilation=(2, 1))
    arguments = ((3, 2), (1, 2), "CAUSAL")
    for found in (
        jaxpool.max_pool(x, *arguments, window_dilation=(2, 1)),
        jaxpool.linen.MaxPool(*arguments, window_dilation=(2, 1)).apply({}, x),
        jaxpool.nnx.MaxPool(*arguments, window_dilation=(2, 1))(x),
        jaxpool.max_pool(x, *arguments, window_dilation=(2, 1), ceil_mode=True),
    ):
        np.testing.assert_array_equal(found, expected)
    values, places = jaxpool.max_pool_with_argmax(x, (2, 2), 2, "CAUSAL")
    back = jaxpool.max_unpool(values, places, (2, 2), 2, "CAUSAL", output_shape=(6, 7))
    np.testing.assert_array_equal(np.unique(back[back != 0]), np.unique(values))
    # The smallest plane that such windows cover.
    assert jaxpool.avg_unpool(values, (2, 2), 2, "CAUSAL").shape == (2, 5, 7, 3)
    with pytest.raises(TypeError, match="max_pool1d: padding must be an int"):
        jaxpool.torch.max_pool1d(x[0], 2, 1, "CAUSAL")


@pytest.mark.parametrize(("theirs", "ours"), [("replicate", "EDGE"), ("circular", "WRAP"), ("Circular", "wrap")])
def test_names_of_padding_modes_in_pytorch(theirs, ours, rng):
    x = jnp.asarray(rng.normal(size=(2, 5, 6, 3)), jnp.float32)
    mask = jnp.asarray(rng.random((2, 5, 6, 1)) < 0.7)
    window = {"window_shape": (3, 2), "strides": 2, "padding": ((1, 2), (0, 1))}
    for pool in (
        functools.partial(jaxpool.max_pool, where=mask),
        jaxpool.max_pool_with_argmax,
        functools.partial(jaxpool.avg_pool, where=mask),
        jaxpool.softmax_pool,
        jaxpool.std_pool,
        functools.partial(jaxpool.pool, init=1.0, reduce_fn=jax.lax.mul),
        lambda x, **arguments: jaxpool.nnx.LpPool(**arguments)(x),
    ):
        found, expected = (jax.tree.leaves(pool(x, **window, padding_mode=mode)) for mode in (theirs, ours))
        for got, wanted in zip(found, expected, strict=True):
            np.testing.assert_array_equal(got, wanted)


def test_names_of_padding_modes_are_not_names_of_padding():
    with pytest.raises(ValueError, match=r"got padding='circular' for 2 spatial axes\. Tell its width in numbers"):
        jaxpool.max_pool(jnp.zeros((1, 4, 4, 1)), (2, 2), padding="circular")
    with pytest.raises(ValueError, match=r"padding_mode must be one of .*; got padding_mode='CAUSAL'\. Write padding="):
        jaxpool.max_pool(jnp.zeros((1, 4, 4, 1)), (2, 2), padding_mode="CAUSAL")
    with pytest.raises(ValueError, match=r"padding must be at most 4 where padding_mode='WRAP'"):
        jaxpool.max_pool(jnp.zeros((1, 4, 4, 1)), (2, 2), padding=5, padding_mode="circular")


# Masks and lengths.


WINDOWS = [
    {"window_shape": (taps,), "strides": stride, "padding": padding, "ceil_mode": ceil_mode}
    for taps, stride, padding, ceil_mode in itertools.product(
        (1, 2, 3, 5), (1, 2, 3), ("VALID", "SAME", "SAME_LOWER", "CAUSAL", 1, ((2, 1),), ((0, 3),)), (False, True)
    )
    if padding not in (1, ((2, 1),), ((0, 3),)) or taps > 3
]
WINDOWS += [{"window_shape": (2,), "strides": s, "padding": ((-1, -2),)} for s in (1, 2)]
WINDOWS += [{"window_shape": (2,), "strides": s, "window_dilation": d} for s in (1, 2) for d in (2, 3)]


def masked_by_loops(mask, rule, **arguments):
    """Whether any or all real elements of each window are valid."""
    window = pooling_window(mask.shape, channel_axis=None, padding_is_empty=True, **arguments)
    numbers = np.arange(mask.size, dtype=np.float64).reshape(mask.shape)

    def each(elements):
        valid = [mask.ravel()[int(number)] for number in elements if not np.isnan(number)]
        return float(any(valid) if rule == "any" else all(valid))

    return oracle.reduce_windows(numbers, window, each) > 0


@pytest.mark.parametrize("rule", ["any", "all"])
@pytest.mark.parametrize("arguments", WINDOWS, ids=str)
def test_lengths_after_a_pool_are_those_of_the_mask(arguments, rule):
    size = 8
    lengths = jnp.arange(-1, size + 2)
    mask = jaxpool.mask_from_lengths(lengths, size)
    assert mask.sum(1).tolist() == [0, *range(size + 1), size]
    pooled = jaxpool.pooled_mask(mask, rule=rule, **arguments)
    for row, expected in zip(pooled, mask, strict=True):
        np.testing.assert_array_equal(row, masked_by_loops(np.asarray(expected), rule, **arguments))
    left = jaxpool.pooled_lengths(lengths, size, rule=rule, **arguments)
    np.testing.assert_array_equal(jaxpool.mask_from_lengths(left, pooled.shape[1]), pooled)
    assert left.max() <= pooled.shape[1]
    assert left.min() == 0


@pytest.mark.parametrize("rule", ["any", "all"])
def test_masks_after_a_pool_of_planes_and_of_layouts(rule, rng):
    mask = rng.random((7, 8)) < 0.7
    arguments = {"window_shape": (3, 2), "strides": (2, 1), "padding": 1, "window_dilation": (1, 2)}
    expected = masked_by_loops(mask, rule, **arguments)
    np.testing.assert_array_equal(jaxpool.pooled_mask(mask, rule=rule, **arguments), expected)
    batch = jnp.stack([jnp.asarray(mask), ~mask])
    found = jaxpool.pooled_mask(batch, rule=rule, **arguments)
    np.testing.assert_array_equal(found[0], expected)
    as_where = jaxpool.pooled_mask(batch[..., None], rule=rule, channel_axis=-1, **arguments)
    np.testing.assert_array_equal(as_where[..., 0], found)
    np.testing.assert_array_equal(
        jax.jit(jax.vmap(functools.partial(jaxpool.pooled_mask, rule=rule, **arguments)))(batch), found
    )
    circular = jaxpool.pooled_mask(mask, (3, 1), 1, ((1, 1), (0, 0)), rule=rule, padding_mode="circular")
    three = [np.roll(mask, shift, 0) for shift in (-1, 0, 1)]
    np.testing.assert_array_equal(circular, np.any(three, 0) if rule == "any" else np.all(three, 0))


def test_a_mask_after_a_pool_is_where_the_pool_has_elements(rng):
    x = jnp.asarray(rng.random((3, 9, 2)) + 1, jnp.float32)
    mask = jaxpool.mask_from_lengths(jnp.array([0, 4, 9]), 9)
    window = {"window_shape": (3,), "strides": 2, "padding": "CAUSAL"}
    pooled = jaxpool.avg_pool(x, where=mask[..., None], **window)
    np.testing.assert_array_equal(pooled[..., 0] > 0, jaxpool.pooled_mask(mask, **window))
    # One layer after another.
    after = jaxpool.pooled_mask(jaxpool.pooled_mask(mask, **window), (2,), 2)
    again = jaxpool.avg_pool(pooled, (2,), 2, where=jaxpool.pooled_mask(mask, **window)[..., None])
    np.testing.assert_array_equal(again[..., 1] > 0, after)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int32", "uint32", "int64"])
def test_lengths_of_any_integers(dtype):
    lengths = np.array([0, 5, 100], dtype)
    assert jaxpool.mask_from_lengths(lengths, 300).sum(1).tolist() == [0, 5, 100]
    assert jaxpool.pooled_lengths(lengths, 300, (200,), 1).tolist() == [0, 5, 100]
    assert jaxpool.pooled_lengths(lengths, 300, (90,), 1, rule="all").tolist() == [0, 0, 11]
    assert jaxpool.mask_from_lengths(np.zeros((2, 0), dtype), 3).shape == (2, 0, 3)
    assert jaxpool.mask_from_lengths(lengths[:0], 0).shape == (0, 0)


def test_lengths_are_traced_and_sizes_symbolic():
    lengths = jnp.array([2, 5])
    pool = jax.jit(lambda n: jaxpool.pooled_lengths(n, 6, (3,), 2, "SAME"))
    np.testing.assert_array_equal(pool(lengths), jaxpool.pooled_lengths(lengths, 6, (3,), 2, "SAME"))
    (size,) = jax.export.symbolic_shape("n")
    exported = jax.export.export(jax.jit(lambda n, x: jaxpool.mask_from_lengths(n, x.shape[0])))(
        jax.ShapeDtypeStruct((2,), jnp.int32), jax.ShapeDtypeStruct((size,), jnp.float32)
    )
    np.testing.assert_array_equal(exported.call(lengths, jnp.zeros(6)), jaxpool.mask_from_lengths(lengths, 6))


BAD = {
    "lengths must be an array of integers; got lengths=an array of float32 with shape (2,). Relative ones are": (
        lambda: jaxpool.mask_from_lengths(jnp.array([0.5, 1.0]), 8)
    ),
    "lengths must be an array of integers; got lengths=list. Convert": lambda: jaxpool.mask_from_lengths([1, 2], 8),
    "size must be known while tracing": lambda: jax.jit(jaxpool.mask_from_lengths)(jnp.array([1]), 8),
    "size must not be negative; got size=-1. Write": lambda: jaxpool.mask_from_lengths(jnp.array([1]), -1),
    "size must be positive; got size=0. There": lambda: jaxpool.pooled_lengths(jnp.array([1]), 0, (1,)),
    "window_shape must have one size; got window_shape=(2, 2). Lengths": (
        lambda: jaxpool.pooled_lengths(jnp.array([1]), 8, (2, 2))
    ),
    "window_dilation must be 1 where there is padding": (
        lambda: jaxpool.pooled_lengths(jnp.array([1]), 8, (3,), 1, "CAUSAL", window_dilation=2)
    ),
    "rule must be one of 'any', 'all'; got rule='some'.": (
        lambda: jaxpool.pooled_mask(jnp.ones((1, 8), bool), (2,), rule="some")
    ),
    "mask must be an array of booleans; got mask=an array of int32 with shape (1, 8). Compare first": (
        lambda: jaxpool.pooled_mask(jnp.ones((1, 8), jnp.int32), (2,))
    ),
    "mask.shape must end in the positions where channel_axis is None; got mask.shape=(1, 8, 1) for": (
        lambda: jaxpool.pooled_mask(jnp.ones((1, 8, 1), bool), (3,), 1, "SAME")
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_wrong_masks_and_lengths_are_refused(message):
    with pytest.raises((TypeError, ValueError)) as error:
        BAD[message]()
    assert message in str(error.value)
    assert str(error.value).startswith(("mask_from_lengths: ", "pooled_lengths: ", "pooled_mask: "))


# The first and the last element.


def ends_by_loops(x, mask, last):
    """The first or last valid element of each plane of the two axes before the last."""
    flat, valid = x.reshape(x.shape[0], -1, x.shape[-1]), mask.reshape(x.shape[0], -1)
    result = np.zeros((x.shape[0], x.shape[-1]), x.dtype)
    for image, places in enumerate(valid):
        held = np.flatnonzero(places)
        if held.size:
            result[image] = flat[image, held[-1 if last else 0]]
    return result


@pytest.mark.parametrize("last", [False, True])
def test_ends_of_planes_beside_loops(last, rng):
    pool = jaxpool.global_last_pool if last else jaxpool.global_first_pool
    x = rng.normal(size=(5, 3, 4, 2)).astype(np.float32)
    mask = rng.random((5, 3, 4)) < 0.3
    mask[1] = False
    mask[2] = np.arange(12).reshape(3, 4) == 6
    expected = ends_by_loops(x, mask, last)
    where = jnp.asarray(mask[..., None])
    np.testing.assert_array_equal(pool(x, where=where), expected)
    np.testing.assert_array_equal(pool(x, where=where, keepdims=True)[:, 0, 0], expected)
    np.testing.assert_array_equal(pool(x), x[:, -1, -1] if last else x[:, 0, 0])
    np.testing.assert_array_equal(pool(x, keepdims=True), x[:, -1:, -1:] if last else x[:, :1, :1])
    # Any number of batch axes, any layout.
    np.testing.assert_array_equal(pool(x[None], num_spatial_dims=2, where=where[None])[0], expected)
    first = pool(np.moveaxis(x, -1, 1), channel_axis=-3, num_spatial_dims=2, where=jnp.moveaxis(where, -1, 1))
    np.testing.assert_array_equal(first, expected)
    # A mask of its own for each feature, and one for the whole batch.
    each = rng.random(x.shape) < 0.4
    found = pool(x, where=each)
    for feature in range(2):
        alone = ends_by_loops(x[..., feature : feature + 1], each[..., feature], last)
        np.testing.assert_array_equal(found[:, feature : feature + 1], alone)
    np.testing.assert_array_equal(pool(x, where=where[2:3]), x[:, 1, 2])


@pytest.mark.parametrize("last", [False, True])
def test_the_gradient_goes_to_the_end_alone(last):
    pool = functools.partial(jaxpool.global_last_pool if last else jaxpool.global_first_pool, num_spatial_dims=1)
    mask = jnp.array([[False, True, True, False], [False] * 4, [True] * 4])
    x = jnp.where(mask, 2.0, jnp.nan)[..., None] * jnp.ones((1, 1, 2))
    slope = jax.grad(lambda x: pool(x, where=mask[..., None]).sum())(x)
    expected = np.zeros((3, 4))
    expected[0, 2 if last else 1] = expected[2, 3 if last else 0] = 1
    np.testing.assert_array_equal(slope, np.repeat(expected[..., None], 2, -1))
    np.testing.assert_array_equal(pool(x, where=mask[..., None]), [[2, 2], [0, 0], [2, 2]])
    check_grads(lambda x: pool(x, where=mask[..., None]), (jnp.nan_to_num(x),), order=2, modes=["fwd", "rev"])


@pytest.mark.parametrize(
    "dtype", ["float32", "float16", "bfloat16", "float8_e4m3fn", "int8", "uint32", "bool", "complex64"]
)
def test_ends_keep_every_dtype_and_value(dtype):
    x = jnp.asarray([[[0], [1], [1], [0]]], dtype)
    mask = jnp.array([False, True, True, False])[None, :, None]
    for pool in (jaxpool.global_first_pool, jaxpool.global_last_pool):
        for found in (pool(x, num_spatial_dims=1, where=mask), pool(x[:, 1:2], num_spatial_dims=1)):
            assert found.dtype == x.dtype
            assert complex(found[0, 0]) == 1
    for value in (jnp.inf, -jnp.inf, jnp.nan, 3.0e38, 1e-30):
        x = jnp.full((1, 4, 1), 5.0).at[0, 2].set(value)
        found = jaxpool.global_last_pool(x, num_spatial_dims=1, where=mask)
        np.testing.assert_array_equal(found, x[:, 2])


# What other libraries do, in NumPy, beside what PORTING.md says to write.


def st_mean(tokens, mask):
    return (tokens * mask[..., None]).sum(1) / np.maximum(mask.sum(1, keepdims=True), 1e-9)


def st_mean_sqrt(tokens, mask):
    return (tokens * mask[..., None]).sum(1) / np.sqrt(np.maximum(mask.sum(1, keepdims=True), 1e-9))


def st_max(tokens, mask):
    return np.where(mask[..., None], tokens, -1e9).max(1)


def st_weighted_mean(tokens, mask):
    weights = np.arange(1, mask.shape[1] + 1)[None, :, None] * mask[..., None]
    return (tokens * weights).sum(1) / np.maximum(weights.sum(1), 1e-9)


def st_last(tokens, mask):
    """The element at the last 1; the first one, times 0, of a row without any."""
    last = [np.flatnonzero(row)[-1] if row.any() else 0 for row in mask]
    return tokens[np.arange(len(mask)), last] * mask[np.arange(len(mask)), last][:, None]


def e5_last(tokens, mask):
    if mask[:, -1].all():
        return tokens[:, -1]
    return tokens[np.arange(len(mask)), mask.sum(1) - 1]


def keras_mean(tokens, mask):
    return (tokens * mask[..., None]).sum(1) / mask.sum(1, keepdims=True)


def moving_average(x, k):
    """Autoformer's: the ends repeated (k - 1) // 2 times, then the mean of k."""
    padded = np.pad(x, ((0, 0), ((k - 1) // 2,) * 2, (0, 0)), "edge")
    return np.lib.stride_tricks.sliding_window_view(padded, k, 1).mean(-1)


def rolling(x, k, of, least):
    """pandas' `rolling(k, min_periods=least)`, along the second axis."""
    result = np.full(x.shape, np.nan)
    for i in range(x.shape[1]):
        window = x[:, max(i - k + 1, 0) : i + 1]
        if window.shape[1] >= least:
            result[:, i] = of(window)
    return result


MASKS = {
    "right": [[1, 1, 1, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0]],
    "left": [[0, 0, 1, 1, 1], [1, 1, 1, 1, 1], [0, 0, 0, 0, 1]],
    "empty": [[1, 1, 0, 0, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 0]],
    "holes": [[0, 1, 0, 1, 0], [1, 0, 0, 0, 1], [0, 0, 1, 0, 0]],
}
FEATURES = np.random.default_rng(5).normal(size=(3, 5, 4))
# What to write, the definition, and the masks for which both are the same.
ALL = tuple(MASKS)
RECIPES = {
    "global_avg_pool(tokens, num_spatial_dims=1, where=mask[..., None])": (st_mean, ALL),
    "global_sum_pool(tokens, num_spatial_dims=1, where=mask[..., None]) / "
    "jnp.sqrt(jnp.maximum(mask.sum(1, keepdims=True), 1))": (st_mean_sqrt, ALL),
    "global_max_pool(tokens, num_spatial_dims=1, where=mask[..., None])": (st_max, ("right", "left", "holes")),
    "global_weighted_avg_pool(tokens, jnp.arange(1.0, mask.shape[1] + 1)[None, :, None], num_spatial_dims=1, "
    "where=mask[..., None])": (st_weighted_mean, ALL),
    "global_first_pool(tokens, num_spatial_dims=1)": (lambda tokens, _: tokens[:, 0], ALL),
    "global_last_pool(tokens, num_spatial_dims=1, where=mask[..., None])": (st_last, ALL),
}


def written(code, **names):
    assert f"`{code}`" in PORTING, code
    public = {name: getattr(jaxpool, name) for name in jaxpool.__all__}
    return eval(code, {"jnp": jnp, **public, **names})


@pytest.mark.parametrize("side", MASKS)
@pytest.mark.parametrize("code", RECIPES)
def test_recipes_of_sentence_embeddings(code, side):
    definition, sides = RECIPES[code]
    mask = np.array(MASKS[side], bool)
    found = written(code, tokens=jnp.asarray(FEATURES, jnp.float32), mask=jnp.asarray(mask))
    expected = definition(FEATURES, mask)
    rows = np.ones(3, bool) if side in sides else mask.any(1)
    close(found[rows], expected[rows])
    if not rows.all():
        # A row without any token: the smallest value, where theirs is -1e9.
        np.testing.assert_array_equal(found[~rows], np.full_like(found[~rows], -np.inf))


def test_last_tokens_of_e5_and_means_of_keras():
    for side in ("right", "left"):
        mask = np.array(MASKS[side], bool)
        options = {"num_spatial_dims": 1, "where": jnp.asarray(mask[..., None])}
        close(jaxpool.global_last_pool(FEATURES.astype(np.float32), **options), e5_last(FEATURES, mask))
        close(jaxpool.global_avg_pool(FEATURES.astype(np.float32), **options), keras_mean(FEATURES, mask))
    # Theirs is the last position of a row without a token, and not the last token of a mask with holes.
    empty = np.array(MASKS["empty"], bool)
    found = jaxpool.global_last_pool(FEATURES.astype(np.float32), num_spatial_dims=1, where=empty[..., None])
    assert not found[1].any()
    close(e5_last(FEATURES, empty)[1], FEATURES[1, -1])
    close(found[::2], e5_last(FEATURES, empty)[::2])


def test_a_prompt_is_left_out_by_the_mask():
    mask = jnp.asarray(np.array(MASKS["right"], bool))
    code = "mask & (jnp.arange(mask.shape[1]) >= prompt)[None]"
    expected = np.array(MASKS["right"])
    expected[:, :2] = 0
    np.testing.assert_array_equal(written(code, mask=mask, prompt=2), expected)


@pytest.mark.parametrize(
    ("code", "definition"),
    [
        ("global_avg_pool(x[:, 1:], num_spatial_dims=1)", lambda x: x[:, 1:].mean(1)),
        ("global_max_pool(x[:, 1:], num_spatial_dims=1)", lambda x: x[:, 1:].max(1)),
        (
            "0.5 * (global_avg_pool(x[:, 1:], num_spatial_dims=1) + global_max_pool(x[:, 1:], num_spatial_dims=1))",
            lambda x: 0.5 * (x[:, 1:].mean(1) + x[:, 1:].max(1)),
        ),
        ("global_first_pool(x, num_spatial_dims=1)", lambda x: x[:, 0]),
    ],
)
def test_recipes_of_timm(code, definition):
    close(written(code, x=jnp.asarray(FEATURES, jnp.float32)), definition(FEATURES))


@pytest.mark.parametrize("k", [1, 3, 4, 5])
def test_recipe_of_the_moving_average(k):
    found = written(
        'avg_pool(x, (k,), 1, [((k - 1) // 2,) * 2], padding_mode="replicate")',
        x=jnp.asarray(FEATURES, jnp.float32),
        k=k,
    )
    close(found, np.moveaxis(moving_average(FEATURES, k), 1, 1))
    if k % 2:
        same = written('avg_pool(x, (k,), 1, "SAME", padding_mode="replicate")', x=FEATURES.astype(np.float32), k=k)
        close(same, found)


@pytest.mark.parametrize("k", [1, 2, 3, 5])
def test_recipes_of_rolling_windows(k):
    x = jnp.asarray(FEATURES, jnp.float32)
    for code, of, least in (
        ('avg_pool(x, (k,), 1, "CAUSAL", False)', lambda w: w.mean(1), 1),
        ('sum_pool(x, (k,), 1, "CAUSAL")', lambda w: w.sum(1), 1),
        ('max_pool(x, (k,), 1, "CAUSAL")', lambda w: w.max(1), 1),
        ("avg_pool(x, (k,))", lambda w: w.mean(1), k),
        ("std_pool(x, (k,), ddof=1)", lambda w: w.std(1, ddof=1) if w.shape[1] > 1 else 0 * w[:, 0], k),
    ):
        expected = rolling(FEATURES, k, of, least)
        close(written(code, x=x, k=k), expected[:, least - 1 :])
        assert np.isnan(expected[:, : least - 1]).all()
