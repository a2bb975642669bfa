"""The Flax modules are the functions, with the same names, order and defaults."""

import dataclasses
import inspect
import pickle

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx

import jaxpool
import jaxpool.linen
import jaxpool.nnx

ARRAYS = ("indices", "key", "samples", "where")


def first_argument(name):
    return next(iter(inspect.signature(getattr(jaxpool, name)).parameters))


# An argument of `pool` is called init, which a Flax module has already.
POOLS = [name for name in jaxpool.__all__ if first_argument(name) == "inputs" and name != "pool"]
WINDOWED = {"window_shape": [2, 3], "strides": 2, "padding": [[0, 1], [1, 1]]}


def class_name(function_name):
    return "".join(part.capitalize() for part in function_name.split("_"))


def arguments(name):
    if name.startswith("adaptive"):
        return {"output_size": [3, None]}
    if name.startswith("fractional"):
        return {"output_size": [3, 2], "window_shape": [2, 2]}
    return {"keepdims": True} if name.startswith("global") else WINDOWED


def arrays(name, x):
    if name == "max_unpool":
        # Of a plane of which the windows make one of the shape of x.
        return (jaxpool.max_pool_with_argmax(jnp.zeros((2, 9, 11, 3)), **WINDOWED)[1],), {}
    if name.startswith("fractional"):
        return (None,), {"samples": jnp.full((2, 3, 2), 0.5)}
    takes_mask = "where" in inspect.signature(getattr(jaxpool, name)).parameters
    return (), {"where": x[..., :1] > 0} if takes_mask else {}


def inputs(shape=(2, 5, 6, 3)):
    return jnp.asarray(np.random.default_rng(0).normal(size=shape), np.float32)


def assert_trees_equal(got, expected):
    jax.tree.map(np.testing.assert_array_equal, got, expected)


def test_every_pool_has_a_module_in_both():
    names = sorted(map(class_name, POOLS))
    assert sorted(jaxpool.linen.__all__) == names
    assert sorted(jaxpool.nnx.__all__) == names


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
    assert list(inspect.signature(nnx_class).parameters.values()) == expected


@pytest.mark.parametrize("name", POOLS)
def test_modules_compute_what_the_function_does(name):
    x = inputs()
    more, named = arrays(name, x)
    expected = getattr(jaxpool, name)(x, *more, **named, **arguments(name))
    linen_module = getattr(jaxpool.linen, class_name(name))(**arguments(name))
    nnx_module = getattr(jaxpool.nnx, class_name(name))(**arguments(name))
    assert_trees_equal(linen_module.apply({}, x, *more, **named), expected)
    assert_trees_equal(linen_module(x, *more, **named), expected)
    assert_trees_equal(nnx_module(x, *more, **named), expected)
    assert_trees_equal(nnx.jit(lambda m, x: m(x, *more, **named))(nnx_module, x), expected)
    assert jax.tree.leaves(nnx.state(nnx_module)) == []
    assert linen_module.init(jax.random.key(0), x, *more, **named) == {}
    again = getattr(jaxpool.linen, class_name(name))(**arguments(name))
    assert hash(linen_module) == hash(again)
    assert linen_module == again
    assert pickle.loads(pickle.dumps(linen_module)) == linen_module
    assert_trees_equal(pickle.loads(pickle.dumps(nnx_module))(x, *more, **named), expected)
    assert repr(linen_module).startswith(class_name(name))
    assert repr(nnx_module).startswith(class_name(name))


def test_positional_arguments_are_those_of_the_function():
    x = inputs()
    expected = jaxpool.avg_pool(x, (2, 2), 2, "SAME", False)
    assert_trees_equal(jaxpool.linen.AvgPool((2, 2), 2, "SAME", False).apply({}, x), expected)
    assert_trees_equal(jaxpool.nnx.AvgPool((2, 2), 2, "SAME", False)(x), expected)


def test_what_is_named_in_a_call_takes_the_place_of_the_field():
    x = inputs()
    for module in (jaxpool.nnx.GlobalPowerMeanPool(p=2), jaxpool.linen.GlobalPowerMeanPool(p=2)):
        got = jax.grad(lambda p, module=module: module(x, p=p).sum())(3.0)
        expected = jax.grad(lambda p: jaxpool.global_power_mean_pool(x, p=p).sum())(3.0)
        np.testing.assert_allclose(got, expected, rtol=1e-6)
    for module in (jaxpool.nnx.MaxPool((2, 2)), jaxpool.linen.MaxPool((2, 2))):
        with pytest.raises(TypeError, match="MaxPool: a call takes at most 0 positional arrays after the inputs; pass"):
            module(x, x > 0)


def test_a_wrong_argument_is_named():
    with pytest.raises(
        TypeError,
        match=r"MaxPool: got an unexpected keyword argument 'stride'. The arguments are window_shape, strides, ",
    ):
        jaxpool.nnx.MaxPool((2, 2), stride=2)
    with pytest.raises(TypeError, match="window_shape"):
        jaxpool.linen.MaxPool()


def test_flax_sees_a_call_of_a_module():
    class Network(nn.Module):
        @nn.compact
        def __call__(self, x):
            return nn.Dense(2)(jaxpool.linen.GlobalAvgPool(name="features")(jaxpool.linen.MaxPool((2, 2))(x)))

    x = inputs()
    _, state = Network().init_with_output(jax.random.key(0), x, capture_intermediates=True)
    (features,) = state["intermediates"]["features"]["__call__"]
    assert_trees_equal(features, jaxpool.global_avg_pool(jaxpool.max_pool(x, (2, 2))))
    table = nn.tabulate(Network(), jax.random.key(0), console_kwargs={"width": 200})(x)
    assert "MaxPool_0" in table
    assert "features" in table
    network = nnx.Sequential(jaxpool.nnx.MaxPool((2, 2)), jaxpool.nnx.GlobalAvgPool())
    table = nnx.tabulate(network, x, console_kwargs={"width": 200})
    assert "layers/1 " in table
    assert "call" not in table


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
    assert_trees_equal(mapped.apply({}, xs), jaxpool.avg_pool(xs, (2, 2)))


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
