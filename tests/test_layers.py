"""Layers with parameters: beside NumPy, in both Flax APIs, under every transformation."""

import dataclasses
import functools
import inspect
import pickle
from collections.abc import Callable
from typing import Any

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import layer_oracle as oracle
import numpy as np
import pytest
from flax import nnx
from jax.test_util import check_grads

import jaxpool
import jaxpool.linen
import jaxpool.nnx

pytestmark = pytest.mark.most(2)
FEATURES = 6
IMAGE, SEQUENCE = (3, 5, 6, FEATURES), (3, 9, FEATURES)
WINDOW = {"window_shape": (3, 2), "strides": 2}


@dataclasses.dataclass(frozen=True)
class Case:
    """A layer with arguments, inputs of a shape, and what NumPy makes of one row.

    Attributes:
      more: named arguments of the call.
      positive: whether the inputs are.
    """

    name: str
    arguments: dict[str, Any]
    shape: tuple[int, ...]
    expected: Callable[..., Any]
    more: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def rank(self):
        return len(self.shape) - 2


def _windowed(function):
    return functools.partial(function, window=(3, 2), strides=2)


CASES = [
    Case("GeM", {}, IMAGE, oracle.gem),
    Case("GeM", {"per_channel": True, "num_spatial_dims": 1}, SEQUENCE, oracle.gem),
    Case("GeM", WINDOW, IMAGE, _windowed(oracle.gem_of_windows)),
    Case(
        "GeM",
        WINDOW | {"per_channel": True, "padding": 1, "count_include_pad": False},
        IMAGE,
        functools.partial(oracle.gem_of_windows, window=(3, 2), strides=2, padding=1),
    ),
    Case("AutoPool", {}, SEQUENCE, oracle.auto_pool),
    Case("AutoPool", {"num_spatial_dims": 2}, IMAGE, oracle.auto_pool),
    Case("AttentionPool", {"hidden_features": 4}, SEQUENCE, oracle.attention_pool),
    Case("AttentionPool", {"hidden_features": 4, "gated": True, "num_spatial_dims": 2}, IMAGE, oracle.attention_pool),
    Case("MAPHead", {"num_heads": 2}, SEQUENCE, oracle.map_head),
    Case("MAPHead", {"num_heads": 3, "mlp_features": 5, "num_spatial_dims": 2}, IMAGE, oracle.map_head),
    Case("AttentionPool2d", {"plane_shape": (5, 6), "num_heads": 2}, IMAGE, oracle.attention_pool_2d),
    Case(
        "AttentionPool2d",
        {"plane_shape": [9], "num_heads": 3, "out_features": 4},
        SEQUENCE,
        oracle.attention_pool_2d,
    ),
    Case("SimPool", {}, IMAGE, oracle.sim_pool),
    Case(
        "SimPool",
        {"gamma": 1.25, "num_heads": 2, "num_spatial_dims": 1},
        SEQUENCE,
        functools.partial(oracle.sim_pool, gamma=1.25, num_heads=2),
    ),
    Case("MixedPool", WINDOW, IMAGE, _windowed(oracle.mixed_pool)),
    Case(
        "MixedPool",
        WINDOW | {"per_channel": True, "padding": 1, "count_include_pad": False},
        IMAGE,
        functools.partial(oracle.mixed_pool, window=(3, 2), strides=2, padding=1),
    ),
    Case("GatedPool", WINDOW, IMAGE, _windowed(oracle.gated_pool)),
    Case(
        "GatedPool",
        {"window_shape": [3, 2], "per_channel": True, "padding": 1, "window_dilation": 2, "count_include_pad": False},
        IMAGE,
        functools.partial(oracle.gated_pool, window=(3, 2), padding=1, dilation=2),
    ),
    Case("LIPPool", WINDOW, IMAGE, _windowed(oracle.lip_pool)),
    Case(
        "LIPPool",
        {"window_shape": (3,), "strides": 2, "padding": 1},
        SEQUENCE,
        functools.partial(oracle.lip_pool, window=(3,), strides=2, padding=1),
    ),
    Case("NetVLAD", {"num_clusters": 4, "alpha": 2.0}, IMAGE, oracle.net_vlad),
    Case(
        "NetVLAD",
        {"num_clusters": 3, "normalize": False, "num_spatial_dims": 1},
        SEQUENCE,
        functools.partial(oracle.net_vlad, normalize=False),
    ),
    Case("AttentiveStatsPool", {"hidden_features": 4}, SEQUENCE, None, {"use_running_average": True}),
    Case(
        "AttentiveStatsPool",
        {"hidden_features": 4, "global_context": False, "num_spatial_dims": 2},
        IMAGE,
        None,
        {"use_running_average": True},
    ),
]
CASES += [
    Case("PPM", {"levels": (1, 2, 3)}, IMAGE, None, {"use_running_average": True}),
    Case(
        "PPM",
        {"levels": [1, (2, 4), (8, 3)], "out_features": 5, "align_corners": False, "num_spatial_dims": 2},
        IMAGE,
        None,
        {"use_running_average": True},
    ),
    Case("PPM", {"num_spatial_dims": 1}, SEQUENCE, None, {"use_running_average": True}),
]
# Those of which each row is computed alone, with the statistics of training, too.
LAYERS = sorted({case.name for case in CASES})
FIRST = [next(case for case in CASES if case.name == name) for name in LAYERS]


def ids(case):
    return f"{case.name}-{'-'.join(case.arguments)}"


def with_rank(case):
    """The case with a number of spatial axes, so that there may be any number of batch axes."""
    if "num_spatial_dims" in getattr(jaxpool.linen, case.name).fields_of_pool and "window_shape" not in case.arguments:
        return dataclasses.replace(case, arguments=case.arguments | {"num_spatial_dims": case.rank})
    return case


def inputs(case, seed=0):
    x = np.random.default_rng(seed).normal(size=case.shape).astype(np.float32)
    return jnp.asarray(x)


def mask_for(case, empty=True):
    """A mask of positions; the last row of the batch has none if `empty`."""
    mask = np.random.default_rng(1).random((*case.shape[:-1], 1)) < 0.7
    mask[-1] = not empty
    return jnp.asarray(mask)


def made(case, **more):
    """The layer of nnx with parameters drawn at random, as many start at 0."""
    layer = getattr(jaxpool.nnx, case.name)(FEATURES, rngs=nnx.Rngs(0), **case.arguments, **more)
    rng = np.random.default_rng(2)
    state = nnx.state(layer)

    def drawn(value):
        return jnp.asarray(np.abs(rng.normal(size=value.shape)) + 0.25, value.dtype) / 2

    nnx.update(layer, jax.tree.map(drawn, state))
    return layer


def carried(layer):
    """The variables of linen for a layer of nnx."""
    variables = {"params": nnx.to_pure_dict(nnx.state(layer, nnx.Param))}
    statistics = nnx.to_pure_dict(nnx.state(layer, nnx.BatchStat))
    return variables | ({"batch_stats": statistics} if statistics else {})


def as_numpy(tree):
    return jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), tree)


def expected_of(case, layer, x, mask):
    variables = as_numpy(carried(layer))
    compute = case.expected
    if case.name == "AttentiveStatsPool":
        context = case.arguments.get("global_context", True)
        statistics = variables["batch_stats"]["norm"]
        compute = functools.partial(oracle.attentive_stats, statistics=statistics, context=context)
    if case.name == "PPM":
        own = {k: v for k, v in case.arguments.items() if k in ("levels", "align_corners")}
        compute = functools.partial(oracle.ppm, statistics=variables["batch_stats"], **own)
    mask = np.ones((*x.shape[:-1], 1), bool) if mask is None else np.asarray(mask)
    rows = [
        compute(row, valid, variables["params"]) if valid.any() else None
        for row, valid in zip(np.asarray(x, np.float64), mask[..., 0], strict=True)
    ]
    return np.stack([np.zeros_like(rows[0]) if row is None else row for row in rows])


def test_every_layer_has_cases():
    layer = jaxpool.linen._module.Layer
    names = {name for name in jaxpool.linen.__all__ if issubclass(getattr(jaxpool.linen, name), layer)}
    assert names == set(LAYERS)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("case", CASES, ids=ids)
def test_beside_numpy(case, masked):
    layer, x = made(case), inputs(case)
    where = mask_for(case) if masked else None
    expected = expected_of(case, layer, x, where)
    found = layer(x, where=where, **case.more)
    assert found.dtype == jnp.float32
    np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6)
    if masked:
        assert not found[-1].any()
        # What is left out takes no part, whatever it is.
        spoilt = jnp.where(where, x, jnp.nan)
        np.testing.assert_array_equal(layer(spoilt, where=where, **case.more), found)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("case", CASES, ids=ids)
def test_linen_and_nnx_are_one(case, masked):
    layer, x = made(case), inputs(case)
    where = mask_for(case) if masked else None
    module = getattr(jaxpool.linen, case.name)(**case.arguments)
    variables = module.init(jax.random.key(0), x, where=where, **case.more)
    chex.assert_trees_all_equal_shapes_and_dtypes(variables, carried(layer))
    chex.assert_trees_all_close(
        module.apply(carried(layer), x, where=where, **case.more), layer(x, where=where, **case.more), rtol=1e-6
    )
    # Batch axes of any number.
    module = type(module)(**with_rank(case).arguments)
    several = jnp.stack([x, 2 * x]), None if where is None else jnp.stack([where, where])
    found = module.apply(carried(layer), several[0], where=several[1], **case.more)
    np.testing.assert_allclose(found[1], layer(2 * x, where=where, **case.more), rtol=1e-5, atol=1e-6)
    alone = module.apply(carried(layer), x[0], where=None if where is None else where[0], **case.more)
    np.testing.assert_allclose(alone, found[0, 0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_gradients_are_finite_and_pass_nothing_that_is_left_out(case):
    layer, x, where = made(case), inputs(case), mask_for(case)
    module = getattr(jaxpool.linen, case.name)(**case.arguments)

    @jax.jit
    def loss(variables, x):
        return jnp.sum(jnp.sin(module.apply(variables, x, where=where, **case.more)))

    for spoilt in (x, jnp.where(where, x, jnp.nan), jnp.where(where, x, jnp.inf), jnp.where(where, 0, x)):
        found = jax.grad(loss, (0, 1))(carried(layer), spoilt)
        chex.assert_tree_all_finite(found)
        assert not jnp.where(where, 0, found[1]).any()
    chex.assert_tree_all_finite(jax.grad(loss, (0, 1))(carried(layer), jnp.ones_like(x)))


@pytest.mark.slow
@jax.numpy_dtype_promotion("standard")  # Flax's own normalisations need it.
@pytest.mark.parametrize("case", FIRST, ids=ids)
def test_derivatives_of_both_modes_and_the_second_order(case):
    with jax.enable_x64(True):
        layer = made(case, param_dtype=jnp.float64)
        x = jnp.asarray(np.random.default_rng(3).permutation(np.prod(case.shape)).reshape(case.shape) / 40 + 0.1)
        module = getattr(jaxpool.linen, case.name)(**case.arguments)
        variables = carried(layer)
        statistics = {k: v for k, v in variables.items() if k != "params"}

        @jax.jit
        def run(params, x):
            return module.apply({"params": params, **statistics}, x, where=mask_for(case), **case.more)

        assert run(variables["params"], x).dtype == jnp.float64
        check_grads(run, (variables["params"], x), order=2, modes=("fwd", "rev"), rtol=1e-4, atol=1e-4)


@jax.numpy_dtype_promotion("standard")  # Flax's own normalisations need it.
@pytest.mark.parametrize("dtype", [jnp.bfloat16, jnp.float16])
@pytest.mark.parametrize("case", CASES, ids=ids)
def test_narrow_floats(case, dtype):
    layer, x, where = made(case), inputs(case).astype(dtype), mask_for(case)
    expected = layer(x.astype(jnp.float32), where=where, **case.more)
    # As in Flax: what inputs and parameters promote to, unless a dtype is given.
    wide = layer(x, where=where, **case.more)
    assert wide.dtype == jnp.float32
    np.testing.assert_allclose(wide, expected, rtol=1e-6)
    narrow = made(case, dtype=dtype)(x, where=where, **case.more)
    assert narrow.dtype == dtype
    tolerance = {jnp.bfloat16: 0.06, jnp.float16: 0.008}[dtype]
    np.testing.assert_allclose(narrow.astype(np.float32), expected, rtol=tolerance, atol=tolerance)
    all_narrow = made(case, param_dtype=dtype)
    assert all_narrow(x, where=where, **case.more).dtype == dtype
    assert {leaf.dtype for leaf in jax.tree.leaves(nnx.state(all_narrow, nnx.Param))} == {jnp.dtype(dtype)}


@pytest.mark.parametrize("case", FIRST, ids=ids)
def test_integers_are_read_as_floats(case):
    x = jnp.arange(np.prod(case.shape)).reshape(case.shape) % 7
    layer = made(case)
    np.testing.assert_allclose(layer(x, **case.more), layer(x.astype(jnp.float32), **case.more), rtol=1e-6)


# What NumPy makes of the weights of the positions that count; of the others it is known from their sums.
WEIGHTS = {
    "AttentionPool": oracle.attention_pool_weights,
    "AttentionPool2d": oracle.attention_pool_2d_weights,
    "AttentiveStatsPool": None,
    "AutoPool": oracle.auto_pool_weights,
    "LIPPool": None,
    "MAPHead": oracle.map_weights,
    "SimPool": oracle.sim_pool_weights,
}
WEIGHTED = [case for case in CASES if case.name in WEIGHTS]


def test_layers_that_return_weights():
    with_weights = {
        name for name in LAYERS if "return_weights" in inspect.signature(getattr(jaxpool.nnx, name).__call__).parameters
    }
    assert with_weights == set(WEIGHTS)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("case", WEIGHTED, ids=ids)
def test_weights_beside_numpy(case, masked):
    layer, x = made(case), inputs(case)
    where = mask_for(case) if masked else None
    mask = np.ones((*x.shape[:-1],), bool) if where is None else np.asarray(where)[..., 0]
    result, weights = layer(x, where=where, return_weights=True, **case.more)
    np.testing.assert_array_equal(result, layer(x, where=where, **case.more))
    assert weights.shape[:-1] == x.shape[:-1]
    assert weights.dtype == jnp.float32
    assert not np.asarray(weights)[~mask].any()
    compute = WEIGHTS[case.name]
    if compute is None:
        return
    parameters = as_numpy(carried(layer))["params"]
    options = {"num_heads": case.arguments["num_heads"]} if case.name == "SimPool" and case.arguments else {}
    for row, valid, own in zip(np.asarray(x, np.float64), mask, weights, strict=True):
        if valid.any():
            expected = compute(row, valid, parameters, **options)
            np.testing.assert_allclose(np.asarray(own)[valid], expected, rtol=1e-4, atol=1e-6)
    spoilt = x if where is None else jnp.where(where, x, jnp.nan)
    np.testing.assert_array_equal(layer(spoilt, where=where, return_weights=True, **case.more)[1], weights)


@pytest.mark.later
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("case", WEIGHTED, ids=ids)
def test_results_are_means_with_the_weights(case, masked):
    layer, x = made(case), inputs(case)
    where = mask_for(case) if masked else None
    result, weights = layer(x, where=where, return_weights=True, **case.more)
    axes = tuple(range(1, x.ndim - 1))
    total = np.asarray(weights).sum(axes)
    if case.name == "LIPPool":
        window = {"strides": None, "padding": "VALID"} | case.arguments
        np.testing.assert_allclose(result, jaxpool.weighted_avg_pool(x, weights, **window), rtol=1e-4, atol=1e-5)
        return
    counted = 3 if where is None else 2
    if case.name == "AttentionPool2d":
        assert (total[:counted] < 1).all()
        assert (total[:counted] > 0).all()
        return
    np.testing.assert_allclose(total[:counted], 1, rtol=1e-5)
    assert not total[counted:].any()
    mean = np.asarray(weights * x).sum(axes) if weights.shape[-1] in (1, FEATURES) else None
    if case.name == "AttentiveStatsPool":
        center = mean.reshape(3, *(1 for _ in axes), FEATURES)
        deviation = np.sqrt(np.asarray(weights * (x - center) ** 2).sum(axes))
        mean = np.concatenate([mean, deviation], -1)
    if case.name in ("AttentionPool", "AttentiveStatsPool", "AutoPool"):
        np.testing.assert_allclose(result, mean, rtol=1e-4, atol=1e-5)


@pytest.mark.later
@jax.numpy_dtype_promotion("standard")  # Flax's own normalisations need it.
@pytest.mark.parametrize("case", [case for case in FIRST if case.name in WEIGHTS], ids=ids)
@pytest.mark.every_case
def test_weights_in_both_apis_and_under_transformations(case):
    layer, x, where = made(case), inputs(case), mask_for(case)
    expected = layer(x, where=where, return_weights=True, **case.more)
    module, variables = getattr(jaxpool.linen, case.name)(**case.arguments), carried(layer)

    @jax.jit
    def run(variables, x):
        return module.apply(variables, x, where=where, return_weights=True, **case.more)

    close = functools.partial(chex.assert_trees_all_close, rtol=1e-5, atol=1e-6)
    close(run(variables, x), expected)
    call = nnx.jit(lambda layer, x: layer(x, where=where, return_weights=True, **case.more))
    close(call(layer, x), expected)
    slope = jax.grad(lambda variables: jnp.sum(jnp.sin(run(variables, x)[1])))(variables)
    chex.assert_tree_all_finite(slope)
    # A function of the weights, as attention that is to be sharp, reaches the parameters.
    assert any(np.abs(leaf).max() > 0 for leaf in jax.tree.leaves(slope))
    narrow = made(case, dtype=jnp.bfloat16)
    _, weights = narrow(x, where=where, return_weights=True, **case.more)
    assert weights.dtype == jnp.float32
    np.testing.assert_allclose(weights, expected[1], rtol=0.2, atol=0.05)
    with pytest.raises(TypeError, match=rf"^{case.name}: return_weights must be True or False; got return_weights=1"):
        layer(x, return_weights=1)


def test_weights_of_large_logits_are_finite():
    layer = made(CASES[0].__class__("AutoPool", {}, SEQUENCE, None))
    layer.alpha[...] = jnp.full_like(layer.alpha[...], 300.0)
    x = inputs(CASES[4])
    _, weights = layer(x, return_weights=True)
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-5)
    chex.assert_tree_all_finite(jax.grad(lambda x: (layer(x, return_weights=True)[1] ** 2).sum())(x))


def test_weights_of_classes_in_front():
    x = inputs(CASES[4])
    layer = jaxpool.nnx.AutoPool(FEATURES, channel_axis=1, rngs=nnx.Rngs(0))
    first = jnp.moveaxis(x, -1, 1)
    where = first > 0
    result, weights = layer(first, where=where, return_weights=True)
    assert weights.shape == first.shape
    np.testing.assert_allclose((weights * first).sum(2), result, rtol=1e-5, atol=1e-6)
    assert not weights[~where].any()


def test_limits():
    x = jnp.abs(inputs(CASES[0])) + 1
    one = jaxpool.nnx.GeM(FEATURES, p_init=1.0, rngs=nnx.Rngs(0))
    np.testing.assert_allclose(one(x), jaxpool.global_avg_pool(x), rtol=1e-6)
    large = jaxpool.nnx.GeM(FEATURES, p_init=1e4, rngs=nnx.Rngs(0))
    np.testing.assert_allclose(large(x), jaxpool.global_max_pool(x), rtol=1e-3)
    third = jaxpool.nnx.GeM(FEATURES, rngs=nnx.Rngs(0))
    np.testing.assert_allclose(third(x), jaxpool.global_power_mean_pool(x, p=3), rtol=1e-6)
    # Negatives count as eps, and so does an exponent that is too small.
    np.testing.assert_allclose(third(-x), np.full((3, FEATURES), 1e-6), rtol=1e-5)
    least, below = (jaxpool.nnx.GeM(FEATURES, p_init=p, rngs=nnx.Rngs(0)) for p in (1e-2, 1e-4))
    np.testing.assert_array_equal(least(x), below(x))
    window = {"window_shape": (3, 3), "strides": 2, "padding": 1}
    lip = jaxpool.nnx.LIPPool(FEATURES, **window, rngs=nnx.Rngs(0))
    np.testing.assert_allclose(lip(x), jaxpool.avg_pool(x, **window, count_include_pad=False), rtol=1e-6)
    auto = jaxpool.nnx.AutoPool(FEATURES, num_spatial_dims=2, rngs=nnx.Rngs(0))
    np.testing.assert_allclose(auto(x), jaxpool.global_avg_pool(x), rtol=1e-6)
    most, mean = (jaxpool.nnx.MixedPool(FEATURES, **window, alpha_init=a, rngs=nnx.Rngs(0)) for a in (1, 0))
    np.testing.assert_allclose(most(x), jaxpool.max_pool(x, **window), rtol=1e-6)
    np.testing.assert_allclose(mean(x), jaxpool.avg_pool(x, **window), rtol=1e-6)
    half = jaxpool.nnx.MixedPool(FEATURES, **window, rngs=nnx.Rngs(0))
    gated = jaxpool.nnx.GatedPool(FEATURES, **window, rngs=nnx.Rngs(0))
    np.testing.assert_allclose(gated(x), half(x), rtol=1e-6)


def test_net_vlad_starts_as_the_softmax_of_squared_distances():
    case = next(case for case in CASES if case.name == "NetVLAD")
    layer, x = jaxpool.nnx.NetVLAD(FEATURES, 4, alpha=3.0, normalize=False, rngs=nnx.Rngs(0)), inputs(case)
    distances = jnp.sum((x[..., None, :] - jnp.broadcast_to(layer.centroids[...], (*x.shape[:-1], 4, 6))) ** 2, -1)
    np.testing.assert_allclose(
        jax.nn.softmax(layer.assignment(x)), jax.nn.softmax(-3.0 * distances), rtol=1e-4, atol=1e-6
    )
    module = jaxpool.linen.NetVLAD(4, alpha=3.0)
    params = module.init(jax.random.key(0), x)["params"]
    np.testing.assert_allclose(params["assignment"]["kernel"], 6 * params["centroids"].T, rtol=1e-6)


@pytest.mark.parametrize("layer", ["GeM", "MixedPool", "GatedPool", "AutoPool"])
@pytest.mark.parametrize("masked", [False, True])
def test_channels_first(layer, masked):
    case = next(c for c in CASES if c.name == layer and c.shape == IMAGE)
    for per_channel in (False, True):
        arguments = dict(case.arguments)
        if layer != "AutoPool":
            arguments["per_channel"] = per_channel
        last = made(dataclasses.replace(case, arguments=arguments))
        first = made(dataclasses.replace(case, arguments=arguments | {"channel_axis": 1}))
        x, where = inputs(case), mask_for(case) if masked else None
        expected = last(x, where=where)
        found = first(jnp.moveaxis(x, -1, 1), where=None if where is None else jnp.moveaxis(where, -1, 1))
        np.testing.assert_allclose(found, jnp.moveaxis(expected, -1, 1), rtol=1e-6)


@pytest.mark.parametrize("layer", ["GeM", "MixedPool", "GatedPool"])
@pytest.mark.parametrize("arguments", [{"padding_mode": "REFLECT", "padding": 1}, {"ceil_mode": True, "padding": 1}])
def test_other_padding(layer, arguments):
    """Padding that is written out, and windows of ceil mode, which no other test of these layers has."""
    x = jnp.abs(inputs(CASES[0])) + 0.1
    window = {"window_shape": (2, 3), "strides": (2, 2), **arguments}
    pool = getattr(jaxpool.nnx, layer)(FEATURES, **window, rngs=nnx.Rngs(0))
    most, mean = jaxpool.max_pool(x, **window), jaxpool.avg_pool(x, **window)
    expected = (most + mean) / 2 if layer != "GeM" else jaxpool.power_mean_pool(x, **window)
    np.testing.assert_allclose(pool(x), expected, rtol=1e-5)
    if layer == "GatedPool":
        # The mean of the window decides.
        pool.omega[...] = jnp.full_like(pool.omega[...], 1 / 6)
        share = jax.nn.sigmoid(jaxpool.sum_pool(x, **window) / 6)
        np.testing.assert_allclose(pool(x), share * most + (1 - share) * mean, rtol=1e-5)


def test_a_mask_of_features_is_for_pools_alone():
    x = inputs(CASES[0])
    where = x > 0
    for layer in ("GeM", "MixedPool", "GatedPool"):
        case = next(c for c in CASES if c.name == layer)
        pool = made(case)
        for feature in range(FEATURES):
            one = pool(x, where=jnp.broadcast_to(where[..., feature : feature + 1], x.shape))
            np.testing.assert_allclose(pool(x, where=where)[..., feature], one[..., feature], rtol=1e-5)
    for layer in ("SimPool", "NetVLAD", "LIPPool"):
        case = next(c for c in CASES if c.name == layer)
        with pytest.raises(ValueError, match=rf"^{layer}: where.shape must have the size 1 along the features"):
            made(case)(x, where=where)


def test_running_statistics():
    case = next(case for case in CASES if case.name == "AttentiveStatsPool")
    x, where = inputs(case), mask_for(case)
    layer = jaxpool.nnx.AttentiveStatsPool(FEATURES, 4, rngs=nnx.Rngs(0))
    module = jaxpool.linen.AttentiveStatsPool(4)
    variables = carried(layer)
    result, updates = module.apply(variables, x, where, use_running_average=False, mutable=["batch_stats"])
    np.testing.assert_allclose(layer(x, where), result, rtol=1e-6)
    # What nnx keeps in place is what linen returns.
    chex.assert_trees_all_close(carried(layer)["batch_stats"], updates["batch_stats"], rtol=1e-6)
    assert not np.allclose(updates["batch_stats"]["norm"]["mean"], 0)
    # Positions left out are not in them.
    _, others = module.apply(
        variables, jnp.where(where, x, 99.0), where, use_running_average=False, mutable=["batch_stats"]
    )
    chex.assert_trees_all_close(others, updates)
    layer.eval()
    running = module.apply(carried(layer), x, where, use_running_average=True)
    np.testing.assert_allclose(layer(x, where), running, rtol=1e-6)
    np.testing.assert_allclose(
        jaxpool.linen.AttentiveStatsPool(4, use_running_average=True).apply(carried(layer), x, where), running
    )
    layer.train()
    assert not np.allclose(layer(x, where), running)
    # A batch without any valid element leaves no NaN behind.
    layer(x, jnp.zeros_like(where))
    chex.assert_tree_all_finite(carried(layer))


@pytest.mark.later
@pytest.mark.parametrize("case", FIRST, ids=ids)
def test_under_the_transformations_of_nnx(case):
    case = with_rank(case)
    layer, x, where = made(case), inputs(case), mask_for(case)

    def call(layer, x, where):
        return layer(x, where=where, **case.more)

    expected = call(layer, x, where)
    close = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)
    close(nnx.jit(call)(layer, x, where), expected)
    close(nnx.remat(call)(layer, x, where), expected)
    close(nnx.vmap(call, in_axes=(None, 0, 0))(layer, x, where), expected)
    close(nnx.merge(*nnx.split(layer))(x, where=where, **case.more), expected)
    close(pickle.loads(pickle.dumps(layer))(x, where=where, **case.more), expected)
    assert repr(layer).startswith(case.name)
    slope = nnx.jit(nnx.grad(lambda layer: call(layer, x, where).sum()))(layer)
    assert jax.tree.structure(slope) == jax.tree.structure(nnx.state(layer, nnx.Param))
    chex.assert_tree_all_finite(nnx.to_pure_dict(slope))

    @nnx.split_rngs(splits=2)
    @nnx.vmap(in_axes=0, out_axes=0)
    def several(rngs):
        return getattr(jaxpool.nnx, case.name)(FEATURES, rngs=rngs, **case.arguments)

    pair = several(nnx.Rngs(0))
    both = nnx.vmap(call, in_axes=(0, None, None))(pair, x, where)
    assert both.shape == (2, *expected.shape)
    state = nnx.state(pair)
    one = nnx.merge(nnx.graphdef(layer), jax.tree.map(lambda leaf: leaf[1], state))
    close(both[1], call(one, x, where))


@pytest.mark.parametrize("case", FIRST, ids=ids)
def test_under_the_transformations_of_linen(case):
    case = with_rank(case)
    layer, x, where = made(case), inputs(case), mask_for(case)
    made_of = getattr(jaxpool.linen, case.name)
    module, variables = made_of(**case.arguments), carried(layer)
    positional = (x, where, *case.more.values())
    expected = module.apply(variables, *positional)
    close = functools.partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-6)
    close(jax.jit(module.apply, static_argnums=3 if case.more else ())(variables, *positional), expected)
    close(
        nn.remat(made_of, static_argnums=3 if case.more else ())(**case.arguments).apply(variables, *positional),
        expected,
    )
    axes = (0, 0, *(None for _ in case.more))
    shared = {"params": None, "batch_stats": None}
    mapped = nn.vmap(made_of, in_axes=axes, variable_axes=shared, split_rngs={"params": False})(**case.arguments)
    close(mapped.apply(variables, *positional), expected)
    several = nn.vmap(
        made_of,
        in_axes=(None, None, *(None for _ in case.more)),
        axis_size=2,
        variable_axes={"params": 0, "batch_stats": 0},
        split_rngs={"params": True},
    )(**case.arguments)
    own = several.init(jax.random.key(0), *positional)
    both = several.apply(own, *positional)
    close(both[1], module.apply(jax.tree.map(lambda leaf: leaf[1], own), *positional))
    again = made_of(**case.arguments)
    assert module == again
    assert hash(module) == hash(again)
    assert pickle.loads(pickle.dumps(module)) == module
    _, state = module.apply(variables, *positional, capture_intermediates=True, mutable=["intermediates"])
    np.testing.assert_array_equal(state["intermediates"]["__call__"][0], expected)
    # As a part of a network.
    network = nn.Sequential([made_of(**case.arguments), nn.Dense(2)])
    if not case.more:
        found = network.init(jax.random.key(0), x)["params"]["layers_0"]
        assert jax.tree.map(jnp.shape, found) == jax.tree.map(jnp.shape, variables["params"])


def test_what_users_derive_from_a_layer():
    class Scaled(jaxpool.linen.GeM):
        scale: float = 2.0

        @nn.compact
        def __call__(self, inputs, where=None):
            return self.scale * super().__call__(inputs, where)

    class Cubic(jaxpool.nnx.GeM):
        def __init__(self, rngs):
            super().__init__(FEATURES, p_init=3.0, rngs=rngs)

    x = inputs(CASES[0])
    expected = jaxpool.linen.GeM().apply({"params": {"p": jnp.full(1, 3.0)}}, x)
    scaled = Scaled(scale=3.0)
    variables = scaled.init(jax.random.key(0), x)
    assert jax.tree.map(jnp.shape, variables) == {"params": {"p": (1,)}}
    np.testing.assert_allclose(scaled.apply(variables, x), 3 * expected, rtol=1e-6)
    np.testing.assert_allclose(Cubic(nnx.Rngs(0))(x), expected, rtol=1e-6)


@pytest.mark.later
@pytest.mark.parametrize("case", FIRST, ids=ids)
def test_programs_are_traced_once_and_exported_with_a_symbolic_batch(case):
    layer, x, where = made(case), inputs(case), mask_for(case)
    module, variables = getattr(jaxpool.linen, case.name)(**case.arguments), carried(layer)
    traces = []

    @jax.jit
    def run(x, where):
        traces.append(1)
        return module.apply(variables, x, where=where, **case.more)

    run(x, where)
    run(2 * x, ~where)
    assert len(traces) == 1
    batch = jax.export.symbolic_shape("b")[0]
    shapes = (jax.ShapeDtypeStruct((batch, *a.shape[1:]), a.dtype) for a in (x, where))
    exported = jax.export.export(jax.jit(run))(*shapes)
    np.testing.assert_allclose(exported.call(x[:2], where[:2]), run(x[:2], where[:2]), rtol=1e-6, atol=1e-7)


WRONG = {
    "activation": ["gelu", None],
    "align_corners": [1, None],
    "alpha": ["1", None, float("inf")],
    "alpha_init": [True, jnp.ones(2)],
    "dtype": [jnp.int32, "floaty", 3],
    "eps": [0, -1.0, "1"],
    "epsilon": [0.0, None],
    "gamma": [0, "1"],
    "gated": [1, None],
    "global_context": [0],
    "hidden_features": [0, 1.5, None],
    "kernel_init": [0.0, None],
    "levels": [4, (), (0, 2), (2.5,)],
    "kernel_size": [0, (3, 3)],
    "max_logit": ["12", None],
    "mlp_features": [0, 2.5],
    "normalize": [1],
    "num_clusters": [0, 1.5],
    "num_heads": [0, None],
    "omega_init": [1.0],
    "out_features": [0, "4"],
    "p_init": [0, "3", None],
    "param_dtype": [None, jnp.int8, jnp.complex64],
    "per_channel": [1, None],
    "plane_shape": [5, (), (0, 6), (2.5, 2), None],
    "use_running_average": [1, "yes"],
    "window_shape": [2, (), (0, 2)],
    "strides": [0, "SAME", 1.5],
    "padding": [None, "SAEM"],
    "num_spatial_dims": [0, 1.5],
    "keepdims": [1],
    "channel_axis": ["last"],
    "ceil_mode": [1],
    "count_include_pad": [None],
    "padding_mode": ["ZEROS"],
    "window_dilation": [0, None],
}


@pytest.mark.parametrize("api", [jaxpool.linen, jaxpool.nnx], ids=lambda api: api.__name__)
@pytest.mark.parametrize("case", FIRST, ids=ids)
@pytest.mark.every_case
def test_wrong_arguments_are_refused_where_a_layer_is_made(case, api):
    kind = getattr(api, case.name)
    own = (FEATURES,) if api is jaxpool.nnx else ()
    keys = {"rngs": nnx.Rngs(0)} if api is jaxpool.nnx else {}
    fields = kind.fields_of_pool
    assert set(fields) <= set(WRONG)
    for field in fields:
        for wrong in WRONG[field]:
            with pytest.raises((TypeError, ValueError), match=rf"^{case.name}: {field} must .*; got .*\. [A-Z].*[.?]$"):
                kind(*own, **(case.arguments | {field: wrong}), **keys)
    with pytest.raises(TypeError, match=rf"^{case.name}: takes no argument kernels; got kernels=2\."):
        kind(*own, **case.arguments, kernels=2, **keys)


def test_errors_of_nnx_name_what_is_missing():
    rngs = nnx.Rngs(0)
    with pytest.raises(TypeError, match=r"^GeM: needs in_features; got no value for it\. Write GeM\(in_features, rngs"):
        jaxpool.nnx.GeM(rngs=rngs)
    with pytest.raises(TypeError, match=r"^GeM: needs rngs; got no value for it\."):
        jaxpool.nnx.GeM(8)
    for wrong in (0, 1.5, None, (2, 2)):
        with pytest.raises((TypeError, ValueError), match=r"^GeM: in_features must be "):
            jaxpool.nnx.GeM(wrong, rngs=rngs)
    with pytest.raises(TypeError, match=r"^GeM: in_features must be an integer; got in_features=an array of float32"):
        jaxpool.nnx.GeM(inputs(CASES[0]), rngs=rngs)
    with pytest.raises(
        ValueError, match=r"^GeM: inputs must have the 8 features .* Make the layer with in_features=6\."
    ):
        jaxpool.nnx.GeM(8, rngs=rngs)(inputs(CASES[0]))
    with pytest.raises(
        TypeError, match=r"^GeM: rngs must be random keys of Flax; got rngs=0\. Write rngs=nnx\.Rngs\(0"
    ):
        jaxpool.nnx.GeM(8, rngs=0)


def test_wrong_calls_are_refused():
    x, rngs = inputs(CASES[0]), nnx.Rngs(0)
    with pytest.raises(TypeError, match=r"^GeM: inputs.dtype must be real"):
        jaxpool.nnx.GeM(FEATURES, rngs=rngs)(x.astype(jnp.complex64))
    with pytest.raises(TypeError, match=r"^GeM\(\.\.\.\): takes no argument mask; .* Write where= instead\."):
        jaxpool.nnx.GeM(FEATURES, rngs=rngs)(x, mask=x > 0)
    with pytest.raises(ValueError, match=r"^GeM: num_spatial_dims must be given unless inputs are"):
        jaxpool.linen.GeM().init(jax.random.key(0), x[0])
    with pytest.raises(ValueError, match=r"^GeM: keepdims must be False where window_shape is given"):
        jaxpool.linen.GeM((2, 2), keepdims=True).init(jax.random.key(0), x)
    with pytest.raises(
        ValueError, match=r"^GeM: strides must be None; got .* for window_shape=None\. Pass window_shape"
    ):
        jaxpool.linen.GeM(strides=2)
    with pytest.raises(ValueError, match=r"^GeM: channel_axis must be an axis of the inputs; got channel_axis=None"):
        jaxpool.linen.GeM(channel_axis=None).init(jax.random.key(0), x)
    with pytest.raises(ValueError, match=r"^LIPPool: window_shape must fit into the padded input"):
        jaxpool.linen.LIPPool((9, 9)).init(jax.random.key(0), x)
    with pytest.raises(ValueError, match=r"^AttentionPool2d: inputs.shape must end in \(7, 7\) and the features, as"):
        jaxpool.linen.AttentionPool2d((7, 7), 2).init(jax.random.key(0), x)
    for api in (jaxpool.linen, jaxpool.nnx):
        own, keys = ((FEATURES,), {"rngs": rngs}) if api is jaxpool.nnx else ((), {})
        layer = functools.partial(api.MAPHead, *own, 4, **keys)
        made_or_called = layer if keys else lambda layer=layer: layer().init(jax.random.key(0), x[0])
        with pytest.raises(ValueError, match=r"^MAPHead: num_heads must divide the number of features; got num_heads="):
            made_or_called()
    with pytest.raises(TypeError, match=r"^SimPool: where must be an array of booleans"):
        jaxpool.linen.SimPool().init(jax.random.key(0), x, where=jnp.ones((3, 5, 6, 1)))


@pytest.mark.parametrize("name", LAYERS)
def test_documentation(name):
    for api in (jaxpool.linen, jaxpool.nnx):
        kind = getattr(api, name)
        args, call = kind.__doc__.split("\nArgs:")[1].split("\nCall:")
        flax = ("parent", "name")
        names = [p for p in inspect.signature(kind).parameters if p not in flax]
        for argument in names:
            assert f"\n  {argument}: " in args, argument
        for argument in list(inspect.signature(kind.__call__).parameters)[1:]:
            assert f"\n  {argument}: " in call, argument
        for part in ("Parameters", "Returns", "Source:"):
            assert part in kind.__doc__
        assert max(map(len, kind.__doc__.splitlines())) <= 120
    # Every parameter by name, or by that of its layer.
    layer = made(next(case for case in CASES if case.name == name))
    parameters = kind.__doc__.split("Parameters")[1].split("Returns")[0]
    for part in nnx.to_pure_dict(nnx.state(layer, nnx.Param)):
        assert part in parameters, part


def test_covariance_beside_numpy():
    x = inputs(CASES[0])
    where = mask_for(CASES[0])
    for mask in (None, where):
        for steps in (1, 3, 8):
            found = jaxpool.global_covariance_pool(x, num_iterations=steps, where=mask)
            valid = np.ones((*x.shape[:-1],), bool) if mask is None else np.asarray(mask)[..., 0]
            expected = [
                oracle.covariance_pool(row, own, steps) if own.any() else np.zeros(21)
                for row, own in zip(np.asarray(x, np.float64), valid, strict=True)
            ]
            np.testing.assert_allclose(found, expected, rtol=1e-4, atol=2e-6)
    first = jnp.moveaxis(x, -1, 1), jnp.moveaxis(where, -1, 1)
    np.testing.assert_allclose(
        jaxpool.global_covariance_pool(first[0], channel_axis=1, where=first[1]),
        jaxpool.global_covariance_pool(x, where=where),
        rtol=1e-6,
    )


def test_the_covariance_and_its_root():
    x = inputs(CASES[0])
    found = jaxpool.global_covariance_pool(x, num_iterations=30)
    upper = np.zeros((3, FEATURES, FEATURES))
    upper[:, *np.triu_indices(FEATURES)] = found
    root = upper + np.triu(upper, 1).transpose(0, 2, 1)
    covariance = [np.cov(row.reshape(-1, FEATURES), rowvar=False, bias=True) for row in np.asarray(x)]
    np.testing.assert_allclose(root @ root, covariance, rtol=1e-3, atol=1e-3)
    # Without any difference there is no root to take, and no NaN.
    same = jnp.broadcast_to(x[:, :1, :1], x.shape)
    chex.assert_tree_all_finite(jax.grad(lambda x: jaxpool.global_covariance_pool(x).sum())(jnp.ones_like(x)))
    assert jaxpool.global_covariance_pool(jnp.round(same)).max() == 0
    narrow = x.astype(jnp.bfloat16)
    expected = jaxpool.global_covariance_pool(narrow.astype(jnp.float32))
    np.testing.assert_array_equal(jaxpool.global_covariance_pool(narrow), expected.astype(jnp.bfloat16))


def test_the_mask_of_covariances():
    x, where = inputs(CASES[0]), mask_for(CASES[0])
    spoilt = jnp.where(where, x, jnp.nan)
    slope = jax.grad(lambda x: jaxpool.global_covariance_pool(x, where=where).sum())
    chex.assert_tree_all_finite(slope(spoilt))
    np.testing.assert_allclose(slope(spoilt), slope(x), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match=r"^global_covariance_pool: where.shape must have the size 1 along"):
        jaxpool.global_covariance_pool(x, where=x > 0)
    with pytest.raises(ValueError, match=r"^global_covariance_pool: num_iterations must be positive"):
        jaxpool.global_covariance_pool(x, num_iterations=0)
    with pytest.raises(ValueError, match=r"^global_covariance_pool: channel_axis must be an axis"):
        jaxpool.global_covariance_pool(x, channel_axis=None)
