"""What no inputs would make right is refused when a module is made, in the words of the functions."""

import functools
import inspect
import math
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from test_modules import ARRAYS, POOLS, arguments, arrays, class_name, inputs

import jaxpool
import jaxpool.linen
import jaxpool.nnx

APIS = [jaxpool.linen, jaxpool.nnx]
X = inputs()
# For each argument, values that are wrong for every pool and for any inputs.
WRONG = {
    "alpha": ["1", None, float("inf")],
    "aligned": [1, None],
    "beta": ["1", None, True],
    "ceil_mode": [1, None, "yes"],
    "channel_axis": [1.5, "last"],
    "checked": [1],
    "count_include_pad": [None, 0],
    "ddof": [-1, 0.5, None],
    "direction": ["up", "TOP", None, 1],
    "deterministic": [1, None],
    "divisor_override": [0, 2.5],
    "duplicates": ["sum", None],
    "eps": [-1e-6, "1e-6", None, float("inf")],
    "empty": ["0", (0,), np.zeros(2)],
    "fill_value": ["1", None, True],
    "implementation": ["fastest", 1],
    "indices_are_sorted": [1, None],
    "index_convention": ["flat", None],
    "keepdims": [1, None],
    "kind": ["mean", None],
    "lam": ["1", None, float("inf")],
    "normalize": [1, None],
    "sigma": ["1", None, float("inf")],
    "levels": [4, (), (0, 2), (2.5,), ((),), "124"],
    "num_levels": [0, 2.5, None],
    "k": [0, -1, "2", None],
    "kmax": [0, 1.5, "2", None],
    "kmin": [-1, 1.5, "2", None],
    "method": ["middle", None],
    "num_iterations": [0, 1.5, None],
    "mode": ["mean", None],
    "num_segments": [-1, 1.5, "2", None],
    "num_spatial_dims": [0, 1.5, "2"],
    "output_shape": [14, (0, 6), (5.0, 6), (5, 6, 3)],
    "output_size": [7, (), (0, 2), (2.5, 2)],
    "order": ["torch", None],
    "overlap": [-0.1, 1, "0.4", True],
    "overlapping": [1, None],
    "p": [0, -1.0, "2", np.ones(2, bool), jnp.ones(2, bool)],
    "padding": [None, "SAEM", (1,), ((1, 2, 3), (1, 1)), 0.5],
    "padding_mode": ["ZEROS", "SAME", 0],
    "padding_value": ["0", (0,), np.zeros(2), float("nan")],
    "plateau": ["last", None],
    "q": [-0.1, 1.5, "half", None],
    "rank": [0.5, "1", None],
    "residual": ["values", True],
    "rounding_mode": ["nearest", 1],
    "rule": ["random", None],
    "sampling_ratio": [0, -1, 1.5, "2"],
    "spatial_scale": [0, -1.0, math.inf, None, True, np.ones(2)],
    "spatial_axis_names": [("a",), 7, ("a", "a"), (1, None)],
    "strides": [(2,), 0, "SAME", 1.5, (1, -1)],
    "window_dilation": [(2,), 0, None, (1, 1, 1)],
    "window_shape": [2, (), (0, 2), (2.5, 2), "22"],
}


def short(value):
    return value.__name__ if inspect.ismodule(value) else None


def fields_of(name):
    return [p for p in list(inspect.signature(getattr(jaxpool, name)).parameters)[1:] if p not in ARRAYS]


def required_of(call):
    return [p.name for p in inspect.signature(call).parameters.values() if p.default is p.empty]


def error_of(call):
    with pytest.raises((TypeError, ValueError)) as error:
        call()
    return error.type, str(error.value)


@pytest.mark.parametrize("api", APIS, ids=short)
@pytest.mark.parametrize("name", POOLS)
def test_a_wrong_argument_is_refused_as_the_function_refuses_it(name, api):
    function, module = getattr(jaxpool, name), getattr(api, class_name(name))
    more, named = arrays(name, X)
    for field in fields_of(name):
        for wrong in WRONG[field]:
            given = arguments(name) | {field: wrong}
            kind, message = error_of(functools.partial(module, **given))
            expected_kind, expected = error_of(functools.partial(function, X, *more, **named, **given))
            assert kind is expected_kind
            # The function may also say for which inputs.
            expected = expected.replace(f"{name}: ", f"{class_name(name)}: ", 1)
            assert re.split(r" for |\. [A-Z]", message)[0] == re.split(r" for |\. [A-Z]", expected)[0]
            assert re.fullmatch(r"\w+: .* must .*; got .*\. [A-Z].*[.?]", message)


@pytest.mark.parametrize("api", APIS, ids=short)
@pytest.mark.parametrize("name", POOLS)
def test_inputs_for_the_constructor_are_refused_with_the_remedy(name, api):
    module = getattr(api, class_name(name))
    first = next(iter(inspect.signature(getattr(api, class_name(name))).parameters.values()))
    argument = first.name if first.kind is first.POSITIONAL_OR_KEYWORD else "inputs"
    sizes = {
        "direction": "'top'",
        "levels": "(1, 2, 4)",
        "num_segments": "8",
        "output_size": "(7, 7)",
        "window_shape": "(2, 2)",
    }.get(first.name, "")
    sizes += ", window_shape=(2, 2)" * name.startswith("fractional")
    needed = required_of(module.__call__)
    call = ", ".join(["x", *[p for p in ("boxes", "indices", "key", "segment_ids", "weights") if p in needed]])
    rules = {
        "direction": "be the name of one",
        "inputs": "be given in the call",
        "num_segments": "be an integer",
    }
    rule = rules.get(argument, "be a sequence of integers")
    expected = (
        f"{class_name(name)}: {argument} must {rule}; got {argument}=an array of float32 "
        f"with shape {X.shape}. A module is made first and called later: "
        f"{class_name(name)}({sizes})({call})."
    )
    for made in (
        lambda: module(X),
        lambda: module(X, (2, 2)),
        lambda: module(np.asarray(X), (2, 2), 2, "SAME", True, True),
        lambda: module(inputs=X, **arguments(name)),
    ):
        assert error_of(made) == (TypeError, expected)


@pytest.mark.parametrize("api", APIS, ids=short)
def test_traced_values_are_refused_when_a_module_is_made(api):
    with pytest.raises(TypeError, match="AvgPool: window_shape must be a sequence of integers; got window_shape=a"):
        jax.eval_shape(api.AvgPool, X)
    with pytest.raises(TypeError, match="AvgPool: window_shape must be known while tracing; got window_shape=a traced"):
        jax.eval_shape(lambda n: api.AvgPool((n, n)), 2)
    with pytest.raises(TypeError, match="AvgPool: strides must be known while tracing; got strides=a traced value for"):
        jax.eval_shape(lambda n: api.AvgPool((2, 2), n), 2)
    with pytest.raises(TypeError, match="output_size must be a sequence of integers; got output_size=an array of key<"):
        api.FractionalMaxPool(jax.random.key(0), (3, 3))


@pytest.mark.parametrize("api", APIS, ids=short)
def test_arguments_of_the_other_rule_are_refused(api):
    with pytest.raises(TypeError, match="FractionalMaxPool: window_shape must be given; got window_shape=None for"):
        api.FractionalMaxPool((3, 3))
    with pytest.raises(ValueError, match=r"FractionalMaxPool: window_shape must be None; got .* for rule='tensorflow'"):
        api.FractionalMaxPool((3, 3), window_shape=(2, 2), rule="tensorflow")
    with pytest.raises(ValueError, match="FractionalMaxPool: window_shape must have one size per output size; got"):
        api.FractionalMaxPool((3, 3), window_shape=(2, 2, 2))
    with pytest.raises(TypeError, match="AvgUnpool: window_shape must be a sequence"):
        api.AvgUnpool(None)


@pytest.mark.parametrize("api", APIS, ids=short)
def test_what_depends_on_the_inputs_is_left_to_the_call(api):
    module = api.MaxPool((9, 9), channel_axis=7)
    with pytest.raises(ValueError, match="max_pool: channel_axis must"):
        module(X)
    unpool = api.MaxUnpool()
    values, indices = jaxpool.max_pool_with_argmax(X, (2, 2), 2)
    assert unpool(values, indices, (5, 6)).shape == X.shape
    with pytest.raises(ValueError, match="max_unpool: output_shape must have one size per spatial axis where no"):
        unpool(values, indices)


@pytest.mark.parametrize("api", APIS, ids=short)
def test_a_name_that_is_no_argument_is_refused_with_those_that_are(api):
    with pytest.raises(TypeError, match=r"^MaxPool: takes no argument stride; got stride=2\. Write strides=2\."):
        api.MaxPool((2, 2), stride=2)
    with pytest.raises(TypeError, match=r"^MaxPool: takes no argument kernel_size; .* Write window_shape=\(2, 2\)\."):
        api.MaxPool(kernel_size=(2, 2))
    with pytest.raises(TypeError, match=r"^MaxPool: needs window_shape; got no value for it\."):
        api.MaxPool()
    with pytest.raises(TypeError, match=r"^GlobalAvgPool: takes at most 0 positional arguments; .* Pass by name num_"):
        api.GlobalAvgPool(1)
    with pytest.raises(
        TypeError, match=re.escape("Give key in the call: FractionalMaxPool((7, 7), window_shape=(2, 2))(x, key)")
    ):
        api.FractionalMaxPool((3, 3), rngs=1)
    for name in ("where", "mask"):
        with pytest.raises(TypeError, match=re.escape("Give where in the call: MaxPool((2, 2))(x, where=where).")):
            api.MaxPool((2, 2), **{name: X > 0})
    with pytest.raises(TypeError, match=re.escape("Give samples in the call: FractionalMaxPool((7, 7), window_shape=")):
        api.FractionalMaxPool((3, 3), samples=X)


@pytest.mark.parametrize("api", APIS, ids=short)
def test_lists_and_arrays_become_tuples(api):
    module = api.MaxPool(np.array([2, 2]), [1, 2], [[0, 1], (1, 1)])
    assert (module.window_shape, module.strides, module.padding) == ((2, 2), (1, 2), ((0, 1), (1, 1)))
    assert jax.tree.leaves(module.window_shape) == [2, 2]
    constant = api.MaxPool(jnp.array([2, 2]))
    np.testing.assert_array_equal(constant(X), jaxpool.max_pool(X, (2, 2)))


@pytest.mark.parametrize("api", APIS, ids=short)
def test_calls_that_do_not_fit_are_explained(api):
    pool = api.MaxPool((2, 2))
    with pytest.raises(TypeError, match=r"^MaxPool\(\.\.\.\): takes no argument mask; .* Write where= instead\."):
        pool(X, mask=X > 0)
    with pytest.raises(TypeError, match=r"^MaxPool\(\.\.\.\): takes strides where it is made, not in the call\. Write"):
        pool(X, strides=2)
    with pytest.raises(
        TypeError, match=r"^MaxPool\(\.\.\.\): needs inputs; .* Write MaxPool\(\.\.\.\)\(inputs, \.\.\.\)\."
    ):
        pool()
    # Errors of what a call runs are left alone.
    with pytest.raises(TypeError, match=r"^max_pool: inputs must be an array"):
        pool("x")


@pytest.mark.parametrize("api", APIS, ids=short)
def test_names_of_other_libraries_are_explained(api):
    with pytest.raises(
        AttributeError, match=rf"^{api.__name__}: has no attribute MaxPool2d\. Write {api.__name__}.MaxPool\."
    ):
        _ = api.MaxPool2d
    with pytest.raises(AttributeError, match=r"Write jaxpool\.\w+\.GlobalPowerMeanPool\."):
        _ = api.GeMPool
    with pytest.raises(AttributeError, match=r"has no attribute Dense\. dir\(jaxpool\.\w+\) lists"):
        _ = api.Dense


def test_what_describes_no_window_is_refused():
    for fields in ({"strides": 2}, {"padding": 1}, {"window_dilation": 2}, {"index_convention": "window"}):
        for api in APIS:
            with pytest.raises((TypeError, ValueError), match=r"^MaxUnpool: \w+ must be "):
                api.MaxUnpool(**fields)


def test_objects_that_answer_to_any_name_are_refused_by_name():
    rngs = nnx.Rngs(0)
    with pytest.raises(TypeError, match=r"MaxPool: takes no argument rngs; got rngs=Rngs\. Leave it out"):
        jaxpool.nnx.MaxPool((2, 2), rngs=rngs)
    with pytest.raises((TypeError, ValueError), match=r"MaxPool: strides must .* got strides=Rngs for"):
        jaxpool.nnx.MaxPool((2, 2), strides=rngs)
    with pytest.raises(TypeError, match=r"max_pool: inputs must be an array; got inputs=Rngs\. "):
        jaxpool.max_pool(rngs, (2, 2))
