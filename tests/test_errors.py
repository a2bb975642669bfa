"""Every refused call and the whole of its message, as a user reads it; and calls that are welcome all the same."""

import copy
import functools
import inspect
import itertools
import json
import math
import pathlib
import pickle
import re
import subprocess
import sys
import traceback
import typing

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from bad_calls import CALLS, KEY, PLACES, X, Y
from jax import lax
from jax.experimental import checkify

import jaxpool
import jaxpool.torch
from jaxpool._geometry import WindowArguments, pooling_window, unpooling_window
from jaxpool._geometry.calls import explained

PACKAGE = pathlib.Path(jaxpool.__file__).parent
MESSAGES = json.loads(pathlib.Path(__file__).with_name("bad_calls.json").read_text())


@pytest.mark.every_case
@pytest.mark.parametrize("name", CALLS)
def test_bad_call(name):
    kind, message = MESSAGES[name]
    with pytest.raises(Exception) as error:  # noqa: PT011 -- kind and message are compared whole
        CALLS[name]()
    assert (type(error.value).__name__, str(error.value)) == (kind, message)
    # A traceback is short: of the library it shows the function that was called, or the module and its function.
    frames = traceback.extract_tb(error.value.__traceback__)
    assert len([frame for frame in frames if PACKAGE in pathlib.Path(frame.filename).parents]) <= 2
    assert error.value.__cause__ is not None or error.value.__suppress_context__ or error.value.__context__ is None


def test_every_message_belongs_to_a_call_and_has_all_parts():
    assert set(MESSAGES) == set(CALLS)
    assert len(CALLS) >= 390
    for kind, message in MESSAGES.values():
        assert kind in ("ValueError", "TypeError", "NotImplementedError", "AttributeError", "ImportError")
        function, rest = message.split(": ", 1)
        assert function.replace(".", "").isidentifier()
        assert rest.startswith("has no attribute ") == (kind in ("AttributeError", "ImportError"))
        if not rest.startswith(("has no attribute ", "takes ", "needs ")):
            assert " must " in rest
        assert "; got " in rest or rest.startswith("has no attribute ")
        assert rest.endswith((".", "?"))


NONE = X[:0]
V = jnp.asarray(np.random.default_rng(1).permutation(X.size).reshape(X.shape), jnp.float32)
CONSTANT = jnp.array([2, 2])
EVERYTHING = np.ones((1, 8, 8, 1), bool)
INTEGERS = V.astype(int)
FOREIGN = np.asarray(V).astype(">f4")
HUGE = jax.ShapeDtypeStruct((1 << 32,), jnp.float32)


def shapes(function, *arrays):
    return jax.eval_shape(function, *arrays)


# What is welcome, and the same call in plain words or what it gives.
WELCOME = {
    "numpy integers": lambda: (
        jaxpool.adaptive_avg_pool(V, (np.int64(3), np.uint8(2))),
        jaxpool.adaptive_avg_pool(V, (3, 2)),
    ),
    "a list of sizes": lambda: (jaxpool.adaptive_max_pool(V, [3, None]), jaxpool.adaptive_max_pool(V, (3, 8))),
    "an array of sizes": lambda: (
        jaxpool.adaptive_max_pool_with_argmax(V, np.array([3, 2])),
        jaxpool.adaptive_max_pool_with_argmax(V, (3, 2)),
    ),
    "a constant of jax": lambda: (
        jax.jit(lambda x: jaxpool.max_pool(x, CONSTANT))(V),
        jaxpool.max_pool(V, (2, 2)),
    ),
    "a plane in numpy": lambda: (
        jaxpool.max_unpool(Y + 1, PLACES, output_shape=np.array([9, 9])),
        jnp.zeros((2, 9, 9, 3)).at[:, 0, 0].set(1),
    ),
    "a shape in numpy": lambda: (
        jaxpool.indices_to_onnx(np.asarray(PLACES), np.array(X.shape), storage_order=np.int64(1)),
        jaxpool.indices_to_onnx(PLACES, X.shape, storage_order=1),
    ),
    "a mode in lower case": lambda: (
        jaxpool.max_pool(V, (3, 3), padding=1, padding_mode="reflect"),
        jaxpool.max_pool(V, (3, 3), padding=1, padding_mode="REFLECT"),
    ),
    "a numpy mask": lambda: (jaxpool.avg_pool(V, (2, 2), where=EVERYTHING), jaxpool.avg_pool(V, (2, 2))),
    "a mask of nothing but ones": lambda: (
        jaxpool.global_max_pool(V, where=jnp.ones((1, 1, 1, 1), bool)),
        V.max((1, 2)),
    ),
    "a mask of batches": lambda: (
        jaxpool.global_sum_pool(V, where=np.array([True, False])[:, None, None, None]),
        V.sum((1, 2)).at[1].set(0),
    ),
    "a mask for each element by vmap": lambda: (
        jax.vmap(lambda x, m: jaxpool.sum_pool(x, (2, 2), where=m))(V, jnp.ones((2, 8, 1, 1), bool)),
        jaxpool.sum_pool(V, (2, 2)),
    ),
    "a numpy exponent": lambda: (jaxpool.lp_pool(V, (2, 2), p=np.float32(3)), jaxpool.lp_pool(V, (2, 2), p=3.0)),
    "an integer exponent in an array": lambda: (
        jaxpool.power_mean_pool(V[:, :1, :1], (1, 1), p=jnp.array(3)),
        V[:, :1, :1],
    ),
    "an infinite exponent": lambda: (jaxpool.global_lp_pool(V, p=math.inf), V.max((1, 2))),
    "an exponent beyond floats": lambda: (jaxpool.lp_pool(V, (2, 2), p=10**400), jaxpool.max_pool(V, (2, 2))),
    "a whole float for integers": lambda: (
        jaxpool.pool(INTEGERS, 0.0, lax.add, (2, 2)),
        jaxpool.sum_pool(INTEGERS, (2, 2)),
    ),
    "the least integer": lambda: (
        jaxpool.pool(V.astype(jnp.int8), -128, lax.max, (2, 2)),
        jaxpool.max_pool(V.astype(jnp.int8), (2, 2)),
    ),
    "an identity that is traced": lambda: (
        jax.jit(lambda i: jaxpool.pool(V, i, lax.max, (2, 2)))(-1.0),
        jaxpool.max_pool(V, (2, 2)),
    ),
    "keys by vmap": lambda: (
        jax.vmap(lambda k: jaxpool.fractional_max_pool(V, k, (3, 3), rule="tensorflow"))(jax.random.split(KEY)),
        jnp.stack([jaxpool.fractional_max_pool(V, k, (3, 3), rule="tensorflow") for k in jax.random.split(KEY)]),
    ),
    "a symbolic batch": lambda: (
        jax.eval_shape(
            lambda i: jaxpool.indices_to_tf(i, (i.shape[0], 8, 8, 3)),
            jax.ShapeDtypeStruct((*jax.export.symbolic_shape("b"), 4, 4, 3), jnp.int32),
        ).shape[1:],
        (4, 4, 3),
    ),
    "no batch to pool": lambda: (
        jaxpool.adaptive_max_pool_with_argmax(NONE, (3, 3)),
        (jnp.zeros((0, 3, 3, 3)), jnp.zeros((0, 3, 3, 3), jnp.int32)),
    ),
    "no batch to unpool": lambda: (
        jaxpool.max_unpool(NONE, jnp.zeros(NONE.shape, int), (2, 2)),
        jnp.zeros((0, 9, 9, 3)),
    ),
    "no batch at random": lambda: (
        jaxpool.fractional_max_pool(NONE, KEY, (3, 3), window_shape=(2, 2)),
        jnp.zeros((0, 3, 3, 3)),
    ),
    "no batch of norms": lambda: (jaxpool.lp_pool(NONE, (2, 2)), jnp.zeros((0, 7, 7, 3))),
    # The byte order of FITS and NIfTI.
    "maxima of big-endian numbers": lambda: (jaxpool.max_pool(FOREIGN, (2, 2)), jaxpool.max_pool(V, (2, 2))),
    "averages of big-endian numbers": lambda: (jaxpool.global_avg_pool(FOREIGN), jaxpool.global_avg_pool(V)),
    "big-endian numbers for torch": lambda: (
        jaxpool.torch.avg_pool2d(FOREIGN, 2),
        jaxpool.torch.avg_pool2d(V, 2),
    ),
    "big-endian integers and indices": lambda: (
        jaxpool.max_unpool(np.asarray(INTEGERS).astype(">i2"), np.zeros(V.shape, ">i4"), output_shape=(8, 8)),
        jaxpool.max_unpool(INTEGERS.astype(jnp.int16), jnp.zeros(V.shape, jnp.int32), output_shape=(8, 8)),
    ),
    "big-endian indices of tf": lambda: (
        jaxpool.indices_from_tf(np.asarray(jaxpool.indices_to_tf(PLACES, X.shape)).astype(">i8"), X.shape),
        PLACES,
    ),
    "big-endian samples": lambda: (
        jaxpool.fractional_max_pool(V, None, (3, 3), window_shape=(2, 2), samples=np.full((2, 3, 2), 0.5, ">f4")),
        jaxpool.fractional_max_pool(V, None, (3, 3), window_shape=(2, 2), samples=jnp.full((2, 3, 2), 0.5)),
    ),
    "a big-endian exponent": lambda: (
        jaxpool.lp_pool(V, (2, 2), p=np.asarray(3, ">f4")),
        jaxpool.lp_pool(V, (2, 2), p=3),
    ),
    "a big-endian dtype": lambda: (
        jaxpool.chosen_implementation(X.shape, (2, 2), platform="cpu", dtype=np.dtype(">f4")),
        jaxpool.chosen_implementation(X.shape, (2, 2), platform="cpu"),
    ),
    # More elements than 32-bit indices reach.
    "offsets on an axis of 2**32": lambda: (
        shapes(
            lambda x: jaxpool.max_pool_with_argmax(x, (2,), 2, channel_axis=None, index_convention="window")[1], HUGE
        ),
        jax.ShapeDtypeStruct((1 << 31,), jnp.uint8),
    ),
    "coordinates on a plane of 2**32": lambda: (
        shapes(
            lambda x: jaxpool.max_pool_with_argmax(x, (2, 2), 2, channel_axis=None, index_convention="coordinates")[1],
            jax.ShapeDtypeStruct((1 << 16, 1 << 16), jnp.float32),
        ),
        jax.ShapeDtypeStruct((1 << 15, 1 << 15, 2), jnp.int32),
    ),
    "even bins on an axis of 2**32": lambda: (
        shapes(lambda x: jaxpool.adaptive_max_pool(x, (4,), channel_axis=None), HUGE),
        jax.ShapeDtypeStruct((4,), jnp.float32),
    ),
}


@pytest.mark.parametrize("name", WELCOME)
def test_good_call(name):
    found, expected = WELCOME[name]()
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    for a, b in zip(jax.tree.leaves(found), jax.tree.leaves(expected), strict=True):
        if hasattr(b, "dtype"):
            assert (a.shape, a.dtype) == (b.shape, b.dtype)
        if not isinstance(b, jax.ShapeDtypeStruct):
            np.testing.assert_array_equal(a, b)


SUMMING = [
    jaxpool.sum_pool,
    jaxpool.avg_pool,
    jaxpool.lp_pool,
    jaxpool.power_mean_pool,
    jaxpool.avg_unpool,
    lambda x, _: jaxpool.global_sum_pool(x),
    lambda x, _: jaxpool.global_avg_pool(x),
    lambda x, size: jaxpool.adaptive_avg_pool(x, size),
]


@pytest.mark.parametrize("pool", SUMMING)
@pytest.mark.parametrize("name", ["int2", "uint2", "int4", "uint4"])
def test_integers_of_few_bits_are_summed_as_those_of_eight(pool, name, rng):
    limits = jnp.iinfo(name)
    wide = "int8" if name.startswith("int") else "uint8"
    x = jnp.asarray(rng.integers(int(limits.min), int(limits.max) + 1, (1, 5, 5, 2)), wide)
    found, expected = pool(x.astype(name), (2, 2)), pool(x, (2, 2))
    assert found.dtype == expected.dtype
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["int2", "uint2", "int4", "uint4"])
def test_extrema_of_integers_of_few_bits_are_those_of_eight(name, rng):
    limits = jnp.iinfo(name)
    wide = "int8" if name.startswith("int") else "uint8"
    x = jnp.asarray(rng.integers(int(limits.min), int(limits.max) + 1, (1, 5, 5, 2)), wide)
    for pool in (jaxpool.max_pool, jaxpool.min_pool, jaxpool.adaptive_max_pool):
        found = pool(x.astype(name), (2, 2))
        assert found.dtype == name
        np.testing.assert_array_equal(found.astype(wide), pool(x, (2, 2)))
    _, places = jaxpool.max_pool_with_argmax(x.astype(name), (2, 2), 2, where=jnp.ones((1, 5, 5, 1), bool))
    np.testing.assert_array_equal(places, jaxpool.max_pool_with_argmax(x, (2, 2), 2)[1])


@pytest.mark.skipif(np.dtype(np.longdouble).itemsize == 8, reason="has no floats of more than 64 bits")
@pytest.mark.parametrize(("dtype", "remedy"), [(np.longdouble, "float64"), (np.clongdouble, "complex128")])
def test_numbers_wider_than_those_of_jax_are_refused(dtype, remedy):
    with pytest.raises(TypeError) as error:
        jaxpool.avg_pool(np.zeros((4, 4), dtype), (2, 2), channel_axis=None)
    assert str(error.value) == (
        "avg_pool: inputs.dtype must have at most 64 bits per real number; "
        f"got inputs.dtype={np.dtype(dtype)}. Convert with inputs.astype(np.{remedy}) first."
    )


def unpooled(indices, **arguments):
    values = jnp.ones((2, 2))
    return np.asarray(jax.jit(lambda i: jaxpool.max_unpool(values, i, channel_axis=None, **arguments))(indices))


# Where values go whose indices are traced; some lie outside.
OUTSIDE = {
    "spatial": ([[0, 16], [-1, 1]], {"output_shape": (4, 4)}, [0, 1]),
    "coordinates": ([[[0, 0], [0, 9]], [[-1, 3], [3, 3]]], {"output_shape": (4, 4)}, [0, 15]),
    "window": ([[0, 256], [-256, 4]], {"window_shape": (2, 2), "strides": 2}, [0]),
    "window, overlapping": ([[0, 6], [-1, 8]], {"window_shape": (3, 3), "padding": 1}, [2]),
}


@pytest.mark.parametrize("name", OUTSIDE)
def test_indices_outside_raise_where_they_are_known_and_are_dropped_where_they_are_traced(name):
    indices, arguments, kept = OUTSIDE[name]
    arguments = {**arguments, "index_convention": name.split(",")[0]}
    assert np.flatnonzero(unpooled(np.array(indices), **arguments)).tolist() == kept
    call = functools.partial(jaxpool.max_unpool, channel_axis=None, **arguments)
    for known in (np.array(indices), jnp.array(indices)):
        for transformed in (
            call,
            jax.jit(lambda v, i=known: call(v, i)),
            jax.grad(lambda v, i=known: call(v, i).sum()),
        ):
            values = jnp.ones((2, 2))
            with pytest.raises(ValueError, match=r"^max_unpool: indices must lie between "):
                transformed(values, known) if transformed is call else transformed(values)


def test_known_indices_inside_a_shard_map_are_taken_as_they_are():
    values, indices = jaxpool.max_pool_with_argmax(V, (2, 2), 2)
    expected = jaxpool.max_unpool(values, indices, (2, 2), 2)
    mesh = jax.make_mesh((1,), ("d",), axis_types=(jax.sharding.AxisType.Auto,))
    spec = jax.sharding.PartitionSpec("d")
    for known in (indices, np.asarray(indices)):
        unpool = jax.shard_map(
            lambda v, i=known: jaxpool.max_unpool(v, i, (2, 2), 2), mesh=mesh, in_specs=spec, out_specs=spec
        )
        np.testing.assert_array_equal(unpool(values), expected)
        np.testing.assert_array_equal(jax.jit(unpool)(values), expected)


@pytest.mark.parametrize("padding_mode", [None, "EDGE", "REFLECT", "WRAP"])
@pytest.mark.parametrize(
    "arguments",
    [
        {"window_shape": (2, 3), "strides": (2, 1), "padding": 1},
        {"window_shape": (3, 2), "strides": 2, "padding": ((1, 0), (0, 1)), "window_dilation": (1, 2)},
        {"window_shape": (2, 2), "strides": 3},
    ],
)
def test_indices_of_a_pooling_are_never_taken_for_those_of_another_plane(arguments, padding_mode, rng):
    # The smallest planes that these windows pool.
    window, steps = arguments["window_shape"], np.broadcast_to(arguments["strides"], 2)
    dilation = np.broadcast_to(arguments.get("window_dilation", 1), 2)
    pads = np.sum(np.broadcast_to(arguments.get("padding", 0), (2, 2)), axis=1)
    sizes = [int(3 * s + (w - 1) * d + 1 - p) for s, w, d, p in zip(steps, window, dilation, pads, strict=True)]
    x = rng.normal(size=(2, *sizes, 2)).astype(np.float32)
    values, indices = jaxpool.max_pool_with_argmax(x, **arguments, padding_mode=padding_mode)
    assert values.shape[1:3] == (4, 4)
    expected = np.asarray(jaxpool.max_unpool(values, indices, output_shape=tuple(sizes)))
    np.testing.assert_array_equal(jaxpool.max_unpool(values, indices, **arguments), expected)


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.uint16, np.uint32, np.int64])
@pytest.mark.parametrize("convention", ["spatial", "window", "coordinates"])
def test_narrow_and_wide_indices_name_the_same_places(dtype, convention, rng):
    x = jnp.asarray(rng.normal(size=(11, 11)), jnp.float32)
    arguments = {"window_shape": (3, 3), "padding": 1, "channel_axis": None, "index_convention": convention}
    values, indices = jaxpool.max_pool_with_argmax(x, **arguments)
    expected = jaxpool.max_unpool(values, indices, **arguments)
    narrow = np.asarray(indices).astype(dtype)
    error, result = checkify.checkify(lambda: jaxpool.max_unpool(values, narrow, checked=True, **arguments))()
    assert error.get() is None
    np.testing.assert_array_equal(result, expected)
    np.testing.assert_array_equal(jaxpool.max_unpool(values, narrow, **arguments), expected)


def outputs(size, taps, stride, padding):
    """The numbers of windows in floor mode and in ceil mode."""
    for ceil_mode in (False, True):
        try:
            window = pooling_window(
                (size,), taps, stride, padding, ceil_mode=ceil_mode, channel_axis=None, padding_is_empty=False
            )
        except ValueError:
            continue
        yield window.parts[0].outputs


@pytest.mark.parametrize("padding", ["VALID", "SAME", "SAME_LOWER", 1, [(1, 0)], [(-1, 0)]])
def test_planes_are_refused_exactly_where_pooling_gives_no_such_inputs_and_suggestions_are_taken(padding):
    def window(n, taps, stride, size):
        arguments = WindowArguments(taps, stride, padding, channel_axis=None)
        return unpooling_window((n,), arguments, (size,), padding_is_empty=False)

    for size, taps, stride, n in itertools.product(range(1, 10), [(1,), (2,), (4,)], (1, 2, 3), range(1, 9)):
        try:
            window(n, taps, stride, size)
        except ValueError as error:
            assert n not in outputs(size, taps, stride, padding)
            for suggestion in re.findall(r"(\d+) (?:to (\d+) )?do", str(error)):
                for other in filter(None, suggestion):
                    assert n in outputs(int(other), taps, stride, padding)
        else:
            assert n in outputs(size, taps, stride, padding)


def test_what_was_understood_once_does_not_let_its_equals_pass():
    x = jnp.ones((1, 4, 4, 2))
    assert jaxpool.max_pool(x, (1, 2), 1, ((0, 0), (0, 1))).shape == (1, 4, 4, 2)
    for window, strides, padding in [
        ((True, 2), 1, ((0, 0), (0, 1))),
        ((1, 2), True, ((0, 0), (0, 1))),
        ((1, 2), 1, ((False, 0), (0, 1))),
        ((1.0, 2), 1, ((0, 0), (0, 1))),
        ((1, 2), 1.0, ((0, 0), (0, 1))),
    ]:
        for _ in range(2):
            with pytest.raises(TypeError, match=r"^max_pool: "):
                jaxpool.max_pool(x, window, strides, padding)
    assert jaxpool.global_avg_pool(x, num_spatial_dims=1).shape == (1, 4, 2)
    with pytest.raises(TypeError, match=r"^global_avg_pool: num_spatial_dims"):
        jaxpool.global_avg_pool(x, num_spatial_dims=True)
    with pytest.raises(TypeError, match=r"^max_pool: ceil_mode"):
        jaxpool.max_pool(x, (1, 2), ceil_mode=0)


def test_functions_that_explain_calls_stay_plain_functions():
    for module in (jaxpool, jaxpool.torch):
        for name in module.__all__:
            function = getattr(module, name)
            assert pickle.loads(pickle.dumps(function)) is function
            assert copy.deepcopy(function) is function
            assert inspect.isfunction(function)
            assert inspect.isfunction(function.__wrapped__)
            assert (function.__name__, function.__qualname__) == (name, name)
            assert "args" not in inspect.signature(function).parameters
            hints = typing.get_type_hints(function)
            assert list(hints) == [*inspect.signature(function).parameters, "return"]
    pooled = jax.jit(jaxpool.max_pool, static_argnums=(1, 2))(V, (2, 2), 2)
    np.testing.assert_array_equal(pooled, functools.partial(jaxpool.max_pool, strides=2)(V, window_shape=(2, 2)))


def test_an_error_from_inside_a_function_is_left_as_it_is():
    @explained
    def pool(inputs, fn):
        return fn(inputs)

    with pytest.raises(TypeError, match=r"<lambda>\(\) takes 0 positional arguments"):
        pool(1, lambda: 2)
    with pytest.raises(TypeError, match=r"^pool: needs fn; got no value for it\. Write pool\(inputs, fn, \.\.\.\)\.$"):
        pool(1)
    own = TypeError("own")

    def fail(_):
        raise own

    with pytest.raises(TypeError) as error:
        pool(1, fail)
    assert error.value is own
    # Nothing of Python's own error is shown beside ours.
    with pytest.raises(TypeError) as error:
        jaxpool.max_pool(X, (2, 2), stride=2)
    assert error.value.__context__ is None


def test_an_unknown_name_tells_where_those_there_are_stand():
    with pytest.raises(AttributeError) as error:
        jaxpool.relu  # noqa: B018
    assert str(error.value) == "jaxpool: has no attribute relu. dir(jaxpool) lists what it has."
    assert not hasattr(jaxpool, "relu")
    assert not hasattr(jaxpool, "a.b")
    assert {*jaxpool.__all__, "linen", "morphology", "nnx", "onnx", "torch"} <= set(dir(jaxpool))


def test_parts_of_the_package_are_imported_when_they_are_asked_for():
    code = """
import sys, jaxpool, jax.numpy as jnp
assert jaxpool.torch.max_pool2d(jnp.ones((1, 4, 4)), 2).shape == (1, 2, 2)
assert not any(m.split(".")[0] == "flax" for m in sys.modules)
sys.modules["flax"] = None
try:
    jaxpool.nnx
except ImportError as error:
    assert str(error).startswith("jaxpool.nnx needs Flax"), error
    assert 'pip install "jaxpool[flax]"' in str(error), error
else:
    raise AssertionError
del sys.modules["flax"]
assert jaxpool.nnx.MaxPool((2, 2))(jnp.ones((4, 4, 1))).shape == (3, 3, 1)
assert jaxpool.linen.MaxPool((2, 2)).window_shape == (2, 2)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
