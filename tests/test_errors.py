"""Every refused call and the whole of its message, as a user reads it; and calls that are welcome all the same."""

import itertools
import json
import math
import pathlib
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from bad_calls import CALLS, KEY, PLACES, X, Y
from jax import lax
from jax.experimental import checkify

import jaxpool
from jaxpool._geometry import pooling_window, unpooling_window

MESSAGES = json.loads(pathlib.Path(__file__).with_name("bad_calls.json").read_text())


@pytest.mark.parametrize("name", CALLS)
def test_bad_call(name):
    kind, message = MESSAGES[name]
    with pytest.raises(Exception) as error:  # noqa: PT011 -- kind and message are compared whole
        CALLS[name]()
    assert (type(error.value).__name__, str(error.value)) == (kind, message)


def test_every_message_belongs_to_a_call_and_has_all_parts():
    assert set(MESSAGES) == set(CALLS)
    assert len(CALLS) >= 260
    for kind, message in MESSAGES.values():
        assert kind in ("ValueError", "TypeError", "NotImplementedError")
        function, rest = message.split(": ", 1)
        assert function.isidentifier()
        assert " must " in rest
        assert "; got " in rest
        assert rest.endswith(".")


NONE = X[:0]
CONSTANT = jnp.array([2, 2])
WELCOME = {
    "numpy integers": lambda: jaxpool.adaptive_avg_pool(X, (np.int64(3), np.uint8(2))),
    "a list of sizes": lambda: jaxpool.adaptive_max_pool(X, [3, None]),
    "an array of sizes": lambda: jaxpool.adaptive_max_pool_with_argmax(X, np.array([3, 2])),
    "a constant of jax": lambda: jax.jit(lambda x: jaxpool.max_pool(x, CONSTANT))(X),
    "a plane in numpy": lambda: jaxpool.max_unpool(Y, PLACES, output_shape=np.array([9, 9])),
    "a shape in numpy": lambda: jaxpool.indices_to_onnx(
        np.asarray(PLACES), np.array(X.shape), storage_order=np.int64(1)
    ),
    "a mode in lower case": lambda: jaxpool.max_pool(X, (3, 3), padding=1, padding_mode="reflect"),
    "a numpy mask": lambda: jaxpool.avg_pool(X, (2, 2), where=np.ones((8, 8, 1), bool)),
    "a mask of one": lambda: jaxpool.global_max_pool(X, where=np.True_),
    "a numpy exponent": lambda: jaxpool.lp_pool(X, (2, 2), p=np.float32(3)),
    "an integer exponent in an array": lambda: jaxpool.power_mean_pool(X, (2, 2), p=jnp.array(3)),
    "an infinite exponent": lambda: jaxpool.global_lp_pool(X, p=math.inf),
    "an exponent beyond floats": lambda: jaxpool.lp_pool(X, (2, 2), p=10**400),
    "a whole float for integers": lambda: jaxpool.pool(X.astype(int), 0.0, lax.add, (2, 2)),
    "the least integer": lambda: jaxpool.pool(X.astype(jnp.int8), -128, lax.max, (2, 2)),
    "an identity that is traced": lambda: jax.jit(lambda i: jaxpool.pool(X, i, lax.max, (2, 2)))(-1.0),
    "keys by vmap": lambda: jax.vmap(lambda k: jaxpool.fractional_max_pool(X, k, (3, 3), rule="tensorflow"))(
        jax.random.split(KEY)
    ),
    "a symbolic batch": lambda: jax.eval_shape(
        lambda i: jaxpool.indices_to_tf(i, (i.shape[0], 8, 8, 3)),
        jax.ShapeDtypeStruct((*jax.export.symbolic_shape("b"), 4, 4, 3), jnp.int32),
    ),
    "no batch to pool": lambda: jaxpool.adaptive_max_pool_with_argmax(NONE, (3, 3)),
    "no batch to unpool": lambda: jaxpool.max_unpool(NONE, jnp.zeros(NONE.shape, int), (2, 2)),
    "no batch at random": lambda: jaxpool.fractional_max_pool(NONE, KEY, (3, 3), window_shape=(2, 2)),
    "no batch of norms": lambda: jaxpool.lp_pool(NONE, (2, 2)),
}


@pytest.mark.parametrize("name", WELCOME)
def test_good_call(name):
    WELCOME[name]()


def unpooled(indices, **arguments):
    return np.asarray(jaxpool.max_unpool(jnp.ones((2, 2)), indices, channel_axis=None, **arguments))


def test_values_whose_place_is_outside_are_dropped_in_every_convention():
    places = np.array([[0, 16], [-1, 1]])
    assert np.flatnonzero(unpooled(places, output_shape=(4, 4))).tolist() == [0, 1]
    coordinates = np.array([[[0, 0], [0, 9]], [[-1, 3], [3, 3]]])
    result = unpooled(coordinates, output_shape=(4, 4), index_convention="coordinates")
    assert np.flatnonzero(result).tolist() == [0, 15]
    offsets = np.array([[0, 256], [-256, 4]])
    result = unpooled(offsets, window_shape=(2, 2), strides=2, index_convention="window")
    assert np.flatnonzero(result).tolist() == [0]
    overlapping = np.array([[0, 6], [-1, 8]])
    result = unpooled(overlapping, window_shape=(3, 3), padding=1, index_convention="window")
    assert np.flatnonzero(result).tolist() == [2]


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
                "pool", (size,), taps, stride, padding, ceil_mode=ceil_mode, channel_axis=None, padding_is_empty=False
            )
        except ValueError:
            continue
        yield window.parts[0].outputs


@pytest.mark.parametrize("padding", ["VALID", "SAME", "SAME_LOWER", 1, [(1, 0)], [(-1, 0)]])
def test_planes_are_refused_exactly_where_pooling_gives_no_such_inputs_and_suggestions_are_taken(padding):
    def window(n, taps, stride, size):
        more = {"window_dilation": 1, "channel_axis": None, "output_shape": (size,), "padding_is_empty": False}
        return unpooling_window("unpool", (n,), taps, stride, padding, **more)

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
