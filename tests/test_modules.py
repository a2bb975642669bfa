"""The Flax modules are the functions, with the same names, order and defaults."""

import dataclasses
import functools
import inspect
import pickle

import chex
import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxpool
import jaxpool.linen
import jaxpool.nnx
from jaxpool import _layers

ARRAYS = ("box_indices", "boxes", "indices", "key", "logits", "samples", "segment_ids", "weights", "where")


def first_argument(name):
    return next(iter(inspect.signature(getattr(jaxpool, name)).parameters))


def class_name(function_name):
    return "".join(part.capitalize() for part in function_name.split("_"))


def has_module(name):
    # An argument of `pool` is called init, which a Flax module has already; layers learn what some functions are given.
    special = name in ("pool", "adaptive_pool", "halo_exchange") or class_name(name) in _layers.__all__
    return first_argument(name) == "inputs" and not special


POOLS = list(filter(has_module, jaxpool.__all__))
WINDOWED = {"window_shape": [2, 3], "strides": 2, "padding": [[0, 1], [1, 1]]}


# What a pool needs that others do not; and instead of the usual arguments for its kind.
MORE = {
    "global_quantile_pool": {"q": 0.3},
    "global_topk_pool": {"kmax": 3, "kmin": 0.1, "alpha": 0.5},
    "quantile_pool": {"q": 0.3},
    "rank_pool": {"rank": -2},
    # Keys have tests of their own.
    "stochastic_pool": {"deterministic": True},
    "topk_pool": {"k": 2},
}
INSTEAD = {
    "corner_pool": {"direction": "left"},
    "detail_preserving_pool": {"window_shape": [2, 3]},
    "global_covariance_pool": {"num_iterations": 3, "num_spatial_dims": 2},
    "global_stats_pool": {"num_spatial_dims": 2},
    "haar_pool": {"num_spatial_dims": 2},
    # Of the inputs, the axis that has an even size.
    "haar_unpool": {"num_spatial_dims": 1, "channel_axis": -2},
    "kmax_pool": {"k": 2},
    "local_maxima": {"window_shape": [2, 3], "padding": [[0, 1], [1, 1]]},
    "pyramid_pool": {"levels": [1, [2, 3]], "num_spatial_dims": 2},
    "rmac_pool": {"num_levels": 2},
    "spectral_pool": {"output_size": [3, None]},
}
KINDS = {
    "adaptive": {"output_size": [3, None]},
    "fractional": {"output_size": [3, 2], "window_shape": [2, 2]},
    "global": {"keepdims": True, "num_spatial_dims": 2},
    "ps": {"output_size": [3, 1]},
    "roi": {"output_size": [3, 1]},
    "segment": {"num_segments": 4, "indices_are_sorted": True},
}


def arguments(name):
    return INSTEAD.get(name) or KINDS.get(name.split("_")[0], WINDOWED) | MORE.get(name, {})


def arrays(name, x):
    if name == "max_unpool":
        # Of a plane of which the windows make one of the shape of x.
        return (jaxpool.max_pool_with_argmax(jnp.zeros((2, 9, 11, 3)), **WINDOWED)[1],), {}
    if name.startswith("fractional"):
        return (None,), {"samples": jnp.full((2, 3, 2), 0.5)}
    if "roi" in name:
        boxes = jnp.array([[0.3, 0.7, 4.1, 3.9], [-2.2, 1.1, 3.3, 9.4]], jnp.float32)
        return (jnp.stack([boxes, boxes + 1]),), {}
    if name.startswith("segment"):
        return (jnp.asarray([[0, 0, 2, 2, 4], [-1, 1, 1, 2, 3]], jnp.int32),), {"where": x[..., :1] > 0}
    if "weighted" in name:
        return (jnp.abs(x),), {"where": x[..., :1] > 0}
    if name == "stochastic_pool":
        return (None,), {"where": x[..., :1] > 0}
    takes_mask = "where" in inspect.signature(getattr(jaxpool, name)).parameters
    return (), {"where": x[..., :1] > 0} if takes_mask else {}


def inputs(shape=(2, 5, 6, 3)):
    return jnp.asarray(np.random.default_rng(0).normal(size=shape), np.float32)


def test_every_pool_has_a_module_in_both():
    names = sorted([*map(class_name, POOLS), *_layers.__all__])
    assert sorted(jaxpool.linen.__all__) == names
    assert sorted(jaxpool.nnx.__all__) == names


@pytest.mark.parametrize("api", [jaxpool.linen, jaxpool.nnx], ids=lambda api: api.__name__)
def test_pickles_and_help_know_modules_by_their_public_name(api):
    # They outlive the files that the classes stand in.
    assert {getattr(api, name).__module__ for name in api.__all__} == {api.__name__}


def test_the_first_name_of_min_pooling_with_indices_stays():
    assert jaxpool.min_pool_with_argmax is jaxpool.min_pool_with_argmin
    for api in (jaxpool.linen, jaxpool.nnx):
        assert api.MinPoolWithArgmax is api.MinPoolWithArgmin


@pytest.mark.parametrize("name", POOLS)
def test_fields_are_the_arguments_of_the_function(name):
    _, *everything = inspect.signature(getattr(jaxpool, name)).parameters.values()
    expected = [parameter for parameter in everything if parameter.name not in ARRAYS]
    linen_class = getattr(jaxpool.linen, class_name(name))
    fields = [f for f in dataclasses.fields(linen_class) if f.name not in ("parent", "name")]
    missing = dataclasses.MISSING
    defaults = [missing if p.default is p.empty else p.default for p in expected]
    assert [(f.name, f.default, f.kw_only) for f in fields] == [
        (p.name, default, p.kind is p.KEYWORD_ONLY) for p, default in zip(expected, defaults, strict=True)
    ]
    nnx_class = getattr(jaxpool.nnx, class_name(name))
    attributes = [attribute for attribute in vars(nnx_class(**arguments(name))) if not attribute.startswith("_")]
    assert attributes == [p.name for p in expected]


@pytest.mark.parametrize("name", POOLS)
def test_modules_compute_what_the_function_does(name):
    x = inputs()
    more, named = arrays(name, x)
    expected = getattr(jaxpool, name)(x, *more, **named, **arguments(name))
    linen_module = getattr(jaxpool.linen, class_name(name))(**arguments(name))
    nnx_module = getattr(jaxpool.nnx, class_name(name))(**arguments(name))
    chex.assert_trees_all_equal(linen_module.apply({}, x, *more, **named), expected)
    chex.assert_trees_all_equal(linen_module(x, *more, **named), expected)
    chex.assert_trees_all_equal(nnx_module(x, *more, **named), expected)
    found = nnx.jit(lambda m, x: m(x, *more, **named))(nnx_module, x)
    if any(word in name for word in ("weighted", "roi", "segment", "stochastic", "topk", "lse")):
        # The product with the weights, or a square, is fused into the sum, and rounded otherwise.
        chex.assert_trees_all_close(found, expected, rtol=1e-6)
    elif "covariance" in name:
        # So is the subtraction of the mean.
        chex.assert_trees_all_close(found, expected, rtol=1e-6, atol=1e-6)
    else:
        chex.assert_trees_all_equal(found, expected)
    assert jax.tree.leaves(nnx.state(nnx_module)) == []
    assert linen_module.init(jax.random.key(0), x, *more, **named) == {}
    again = getattr(jaxpool.linen, class_name(name))(**arguments(name))
    assert hash(linen_module) == hash(again)
    assert linen_module == again
    assert pickle.loads(pickle.dumps(linen_module)) == linen_module
    chex.assert_trees_all_equal(pickle.loads(pickle.dumps(nnx_module))(x, *more, **named), expected)
    assert repr(linen_module).startswith(class_name(name))
    assert repr(nnx_module).startswith(class_name(name))


def test_positional_arguments_are_those_of_the_function():
    x = inputs()
    expected = jaxpool.avg_pool(x, (2, 2), 2, "SAME", False)
    chex.assert_trees_all_equal(jaxpool.linen.AvgPool((2, 2), 2, "SAME", False).apply({}, x), expected)
    chex.assert_trees_all_equal(jaxpool.nnx.AvgPool((2, 2), 2, "SAME", False)(x), expected)


@pytest.mark.later
def test_what_is_named_in_a_call_takes_the_place_of_the_field():
    x = inputs()
    for module in (jaxpool.nnx.GlobalPowerMeanPool(p=2), jaxpool.linen.GlobalPowerMeanPool(p=2)):
        got = jax.grad(lambda p, module=module: module(x, p=p).sum())(3.0)
        expected = jax.grad(lambda p: jaxpool.global_power_mean_pool(x, p=p).sum())(3.0)
        np.testing.assert_allclose(got, expected, rtol=1e-6)
    for api in (jaxpool.nnx, jaxpool.linen):
        values, indices = api.MaxPoolWithArgmax((2, 2), 2)(x)
        unpooled = api.MaxUnpool((2, 2), 2)(values, indices, output_shape=(5, 6))
        chex.assert_trees_all_equal(unpooled, jaxpool.max_unpool(values, indices, (2, 2), 2, output_shape=(5, 6)))
        with pytest.raises(TypeError, match=r"MaxPool\(\.\.\.\): takes strides where it is made, not in the call"):
            api.MaxPool((2, 2))(x, strides=2)


def test_flax_takes_its_own_arguments_by_name_only():
    pool = jaxpool.linen.MaxPool((2, 2), name="pool", parent=None)
    assert (pool.name, pool.parent) == ("pool", None)
    with pytest.raises(
        TypeError,
        match=r"MaxPool: takes at most 3 positional arguments; got 4 of them\. By position come window_shape, ",
    ):
        jaxpool.linen.MaxPool((2, 2), 2, "VALID", None)


@pytest.mark.parametrize("name", POOLS)
def test_flax_captures_the_call_of_every_module(name):
    x = inputs()
    more, named = arrays(name, x)
    module = getattr(jaxpool.linen, class_name(name))(**arguments(name))
    result, state = module.apply({}, x, *more, **named, capture_intermediates=True)
    chex.assert_trees_all_equal(state["intermediates"]["__call__"], (result,))


def test_flax_sees_a_call_of_a_module():
    class Network(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nn.Dense(2)(jaxpool.linen.GlobalAvgPool(name="features")(jaxpool.linen.MaxPool((2, 2))(x)))

    x = inputs()
    _, state = Network().init_with_output(jax.random.key(0), x, capture_intermediates=True)
    (features,) = state["intermediates"]["features"]["__call__"]
    chex.assert_trees_all_equal(features, jaxpool.global_avg_pool(jaxpool.max_pool(x, (2, 2))))
    table = nn.tabulate(Network(), jax.random.key(0), console_kwargs={"width": 200})(x)
    assert "MaxPool_0" in table
    assert "features" in table
    network = nnx.Sequential(jaxpool.nnx.MaxPool((2, 2)), jaxpool.nnx.GlobalAvgPool())
    table = nnx.tabulate(network, x, console_kwargs={"width": 200})
    assert "layers/1 " in table
    assert "call" not in table


@pytest.mark.later
def test_in_linen_sequential_scan_vmap_and_remat():
    class Block(nn.Module):
        @nn.compact
        def __call__(self, x, _):
            x = nn.Conv(3, (3, 3))(x)
            return jaxpool.linen.MaxPool((3, 3), padding="SAME")(x), None

    x = inputs()
    network = nn.Sequential([jaxpool.linen.MaxPool((2, 2)), nn.Conv(4, (3, 3)), jaxpool.linen.GlobalAvgPool()])
    variables = network.init(jax.random.key(0), x)
    assert network.apply(variables, x).shape == (2, 4)
    scanned = nn.scan(nn.remat(Block), variable_axes={"params": 0}, split_rngs={"params": True}, length=3)()
    variables = scanned.init(jax.random.key(0), x, None)
    y, _ = scanned.apply(variables, x, None)
    assert y.shape == x.shape
    slope = jax.grad(lambda v: scanned.apply(v, x, None)[0].sum())(variables)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slope))
    mapped = nn.vmap(jaxpool.linen.AvgPool, in_axes=0, variable_axes={})((2, 2))
    xs = jnp.stack([x, 2 * x])
    chex.assert_trees_all_equal(mapped.apply({}, xs), jaxpool.avg_pool(xs, (2, 2)))


def test_in_nnx_sequential_jit_grad_and_scan():
    class Block(nnx.Module):
        def __init__(self, rngs):
            self.conv = nnx.Conv(3, 3, (3, 3), rngs=rngs)
            self.pool = jaxpool.nnx.MaxPool([3, 3], padding="SAME")

        def __call__(self, x):
            return self.pool(self.conv(x))

    x = inputs()
    rngs = nnx.Rngs(0)
    network = nnx.Sequential(Block(rngs), jaxpool.nnx.AvgPool((2, 2), 2), jaxpool.nnx.GlobalAvgPool())
    assert nnx.jit(lambda m, x: m(x))(network, x).shape == (2, 3)
    slope = nnx.jit(nnx.grad(lambda m, x: m(x).sum()))(network, x)
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slope))

    @nnx.vmap(in_axes=0, out_axes=0)
    def make(key):
        return Block(nnx.Rngs(key))

    @nnx.scan(in_axes=(0, nnx.Carry), out_axes=nnx.Carry)
    def run(block, x):
        return block(x)

    assert run(make(jax.random.split(jax.random.key(0), 3)), x).shape == x.shape
    assert nnx.remat(lambda m, x: m(x))(network, x).shape == (2, 3)


def assert_close(transformation, got, expected):
    # Fused otherwise, sums and quotients may be rounded otherwise.
    np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6, err_msg=transformation)


def by_position(name, call):
    """All arguments of a call by position, as the transformations of nnx give them; each array has a leading axis."""
    x = inputs()
    more, named = arrays(name, x)
    bound = inspect.signature(call).bind(x, *more, **named)
    bound.apply_defaults()
    return bound.args


@pytest.mark.parametrize("name", POOLS)
def test_every_module_in_every_transformation_of_nnx(name):
    pool = functools.partial(getattr(jaxpool.nnx, class_name(name)), **arguments(name))
    args = by_position(name, pool())
    axes = tuple(None if arg is None else 0 for arg in args)

    @jax.jit
    def everything(*args):
        module = pool()
        return {
            "vmap": nnx.vmap(module)(*args),
            "vmap of axes": nnx.vmap(lambda m, *args: m(*args), in_axes=(None, *axes))(module, *args),
            "remat": nnx.remat(module)(*args),
            "scan": nnx.scan(module, in_axes=axes, out_axes=0)(*args),
            "jit": nnx.jit(module)(*args),
            "cond": nnx.cond(args[0].sum() > 0, lambda m, *args: m(*args), lambda m, *args: m(*args), module, *args),
            "split_rngs": nnx.split_rngs(splits=2)(lambda m, *args: m(*args))(module, *args),
            "donated": jax.jit(module, donate_argnums=0)(*args),
        }

    expected = jax.jit(pool())(*args)
    for transformation, result in everything(*args).items():
        jax.tree.map(functools.partial(assert_close, transformation), result, expected)


@pytest.mark.parametrize("name", POOLS)
def test_every_module_in_every_transformation_of_linen(name):
    pool = getattr(jaxpool.linen, class_name(name))
    made = arguments(name)
    args = by_position(name, pool(**made))
    axes = tuple(None if arg is None else 0 for arg in args)

    class Step(nn.Module):
        @nn.compact
        def __call__(self, count, *args):
            return count + 1, pool(**made)(*args)

    class Branches(nn.Module):
        @nn.compact
        def __call__(self, *args):
            module = pool(**made)
            return nn.cond(args[0].sum() > 0, lambda m, *args: m(*args), lambda m, *args: m(*args), module, *args)

    @jax.jit
    def everything(*args):
        scan = nn.scan(Step, variable_axes={}, split_rngs={}, in_axes=axes)()
        return {
            "vmap": nn.vmap(pool, in_axes=axes, variable_axes={}, split_rngs={})(**made).apply({}, *args),
            "remat": nn.remat(pool)(**made).apply({}, *args),
            "jit": nn.jit(pool)(**made).apply({}, *args),
            "scan": scan.apply({}, 0, *args)[1],
            "cond": Branches().apply({}, *args),
        }

    expected = jax.jit(pool(**made))(*args)
    for transformation, result in everything(*args).items():
        jax.tree.map(functools.partial(assert_close, transformation), result, expected)


def test_what_users_derive_from_a_module():
    class Scaled(jaxpool.linen.MaxPool):
        scale: float = 2.0

        def __call__(self, inputs, where=None):
            return self.scale * super().__call__(inputs, where)

    class Halving(jaxpool.nnx.MaxPool):
        def __init__(self, rank):
            super().__init__([2] * rank, strides=2)

    x = inputs()
    scaled = Scaled([2, 2], strides=2, scale=3.0)
    assert scaled == Scaled((2, 2), strides=2, scale=3.0)
    assert hash(scaled) == hash(Scaled((2, 2), strides=2, scale=3.0))
    chex.assert_trees_all_equal(scaled.apply({}, x), 3 * jaxpool.max_pool(x, (2, 2), 2))
    halving = Halving(2)
    assert halving.window_shape == (2, 2)
    assert list(inspect.signature(Halving).parameters) == ["rank"]
    chex.assert_trees_all_equal(nnx.vmap(halving)(x), jaxpool.max_pool(x, (2, 2), 2))
    with pytest.raises(TypeError, match="Scaled: window_shape must be a sequence"):
        Scaled(2)
    with pytest.raises(TypeError, match="Halving: strides must"):
        type("Halving", (jaxpool.nnx.MaxPool,), {})((2, 2), 1.5)


@pytest.mark.later
def test_a_learned_exponent_of_nnx_in_every_kind_of_call():
    x = inputs()
    lp_pool = functools.partial(jaxpool.lp_pool, window_shape=(2, 2))
    for module, function in (
        (jaxpool.nnx.GlobalPowerMeanPool(p=nnx.Param(jnp.asarray(3.0))), jaxpool.global_power_mean_pool),
        (jaxpool.nnx.LpPool((2, 2), p=nnx.Param(jnp.asarray(3.0))), lp_pool),
    ):
        expected = function(x, p=3.0)
        np.testing.assert_allclose(module(x), expected, rtol=1e-6)
        np.testing.assert_allclose(jax.jit(module)(x), expected, rtol=1e-6)
        np.testing.assert_allclose(nnx.jit(lambda m, x: m(x))(module, x), expected, rtol=1e-6)
        np.testing.assert_allclose(nnx.merge(*nnx.split(module))(x), expected, rtol=1e-6)
        slope = nnx.grad(lambda m: m(x).sum())(module)["p"][...]
        expected = jax.grad(lambda p, function=function: function(x, p=p).sum())(3.0)
        np.testing.assert_allclose(slope, expected, rtol=1e-5)
    with pytest.raises(ValueError, match=r"^lp_pool: p must be positive; got p=-1\.0"):
        jaxpool.nnx.LpPool((2, 2), p=nnx.Param(jnp.asarray(-1.0)))(x)


@pytest.mark.parametrize("api", [jaxpool.nnx, jaxpool.linen], ids=lambda api: api.__name__)
def test_tools_that_replace_a_function_by_name_reach_the_modules(api, monkeypatch):
    # As those for quantisation do, which take a pool for one operation.
    seen = []

    def replaced(inputs, *args, **kwargs):
        seen.append((args, kwargs["window_shape"]))
        return pool(inputs, *args, **kwargs)

    pool = jaxpool.avg_pool
    monkeypatch.setattr(jaxpool, "avg_pool", replaced)
    x = inputs()
    np.testing.assert_array_equal(api.AvgPool((2, 2), 2)(x), pool(x, (2, 2), 2))
    assert seen == [((), (2, 2))]
