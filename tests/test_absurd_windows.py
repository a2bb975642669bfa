"""Windows, strides and paddings far beyond any array: the right result at once, or an error that names the bound."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest

import jaxpool
from jaxpool._geometry import AxisWindow, Window, pooling_window
from jaxpool._lowerings import IMPLEMENTATIONS

X = jnp.arange(6.0)
ONE = jnp.ones((1, 1, 1, 1))
POOLS = ["max_pool", "avg_pool", "sum_pool", "lp_pool", "max_pool_with_argmax", "power_mean_pool"]


def test_windows_far_larger_than_the_input_are_as_large_as_the_input():
    assert jaxpool.sum_pool(ONE, (2**28, 1), 1, "SAME").item() == 1
    assert jaxpool.max_pool(ONE, (2**63 - 1, 1), 1, "SAME").item() == 1
    assert jaxpool.avg_pool(ONE, (2**63, 1), 1, "SAME", False).item() == 1
    assert jaxpool.avg_pool(ONE, (2**63, 1), 1, "SAME").item() == np.float32(2.0**-63)
    x = jnp.asarray(np.random.default_rng(0).normal(size=(7, 7, 2)), jnp.float32)
    window = (1048577, 1048576)
    values, indices = jaxpool.max_pool_with_argmax(x, window, 2, "SAME")
    assert values.shape == (4, 4, 2)
    np.testing.assert_array_equal(values, np.broadcast_to(x.max((0, 1)), values.shape))
    np.testing.assert_array_equal(indices, np.broadcast_to(x.reshape(49, 2).argmax(0), values.shape))
    gradient = jax.grad(lambda x: jaxpool.max_pool(x, window, 2, "SAME").sum())(x)
    assert gradient.sum() == values.size


def test_offsets_of_a_large_window_count_its_padding():
    # Of 9 elements the fourth to the sixth are in the input for the first window, and so on.
    x = jnp.asarray([1.0, 3.0, 2.0])
    arguments = {"window_shape": (9,), "padding": ((3, 7),), "channel_axis": None}
    values, offsets = jaxpool.max_pool_with_argmax(x, index_convention="window", **arguments)
    assert offsets.tolist() == [4, 3, 2, 1, 0]
    restored = jaxpool.max_unpool(values, offsets, index_convention="window", output_shape=(3,), **arguments)
    assert restored.tolist() == [0, 3, 0]
    added = jaxpool.max_unpool(
        values, offsets, index_convention="window", duplicates="add", output_shape=(3,), **arguments
    )
    assert added.tolist() == [0, 15, 0]


@pytest.mark.parametrize("pool", [jaxpool.max_pool, jaxpool.avg_pool, jaxpool.lp_pool, jaxpool.sum_pool])
def test_the_stride_of_a_single_window_costs_nothing(pool):
    def loss(x, stride):
        return pool(x, (2,), stride, channel_axis=None).sum()

    program = jax.jit(jax.grad(loss), static_argnums=1).lower(X, 10**9).as_text()
    assert "1000000000" not in program
    np.testing.assert_array_equal(jax.grad(loss)(X, 10**9), jax.grad(loss)(X, 5))


@pytest.mark.parametrize("implementation", [*IMPLEMENTATIONS, None])
def test_a_single_window_leaves_the_rest_of_the_input(implementation):
    # Of 4 elements a window of 2 with stride 3 leaves half.
    x = jnp.asarray([1.0, 2.0, 7.0, 9.0])
    arguments = {"window_shape": (2,), "strides": 3, "channel_axis": None, "implementation": implementation}
    for pool, expected, slope in [
        (jaxpool.sum_pool, [3], [1, 1, 0, 0]),
        (jaxpool.avg_pool, [1.5], [0.5, 0.5, 0, 0]),
        (jaxpool.max_pool, [2], [0, 1, 0, 0]),
        (jaxpool.min_pool, [1], [1, 0, 0, 0]),
    ]:
        try:
            values, back = jax.vjp(functools.partial(pool, **arguments), x)
        except NotImplementedError:
            continue
        assert values.tolist() == expected
        assert back(jnp.ones(1))[0].tolist() == slope


def outcome(call):
    """The shape of a result, or the message of a refusal."""
    try:
        return jax.tree.leaves(jax.eval_shape(call))[0].shape
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("name", POOLS)
@pytest.mark.parametrize("number", [2**40, 2**62, 2**63, 2**64, 2**70])
def test_any_integer_gives_a_result_or_an_error_with_the_function_s_name(name, number):
    for arguments, expected in [
        ({"window_shape": (number,)}, "window_shape must fit"),
        ({"window_shape": (number,), "padding": "SAME"}, (6,)),
        ({"window_shape": (number,), "strides": number, "padding": "SAME"}, (1,)),
        ({"window_shape": (2,), "strides": number}, (1,)),
        ({"window_shape": (2,), "window_dilation": number}, "window_shape must fit"),
        ({"window_shape": (2,), "padding": number}, "padding must keep the windows within"),
        ({"window_shape": (2,), "strides": number, "padding": number}, "padding must keep the windows within"),
        ({"window_shape": (2,), "padding": -number}, "window_shape must fit"),
        ({"window_shape": (2,), "padding": number, "padding_mode": "EDGE"}, "padding must keep the windows within"),
    ]:
        found = outcome(lambda a=arguments: getattr(jaxpool, name)(X, channel_axis=None, **a))
        if isinstance(expected, str):
            assert found.startswith(f"{name}: {expected}")
        else:
            assert found == expected
    same = outcome(lambda: getattr(jaxpool, name)(X, (2,), 1, "SAME", window_dilation=number, channel_axis=None))
    # Windows that step over the whole input have a sum, but no maximum.
    assert same == (6,) if not name.startswith("max") else "must leave at least one element" in same


def test_the_stride_of_a_single_window_of_any_operation_costs_nothing():
    def product(x):
        return jaxpool.pool(x, 1.0, jax.lax.mul, (3,), 10**9, channel_axis=None)

    assert "1000000000" not in jax.jit(product).lower(X).as_text()
    assert product(X + 1).tolist() == [6]


def test_what_lies_out_of_reach_is_refused_with_the_bound():
    for call in (
        lambda: jaxpool.sum_pool(X, (2,), 1, 2**40, channel_axis=None),
        lambda: jaxpool.avg_unpool(X, (2,), 2**50, channel_axis=None),
    ):
        with pytest.raises(ValueError, match="2147483647"):
            call()
    with pytest.raises(ValueError, match="at most 2\\*\\*31 elements"):
        jaxpool.max_pool_with_argmax(X, (2**40,), 1, "SAME", index_convention="window", channel_axis=None)
    with pytest.raises(ValueError, match="window 0 of 2 taps lies wholly in padding"):
        jaxpool.max_pool(X, (2,), 1, 3 * 10**7, channel_axis=None)


def axis_windows():
    for size, taps, stride, dilation, low, high in itertools.product(
        (1, 2, 5), (1, 2, 4), (1, 2, 7), (1, 3), (-1, 0, 2, 9), (-1, 0, 3)
    ):
        outputs = oracle.output_size(size, taps, stride, dilation, low, high, False)
        if outputs > 0:
            yield AxisWindow(0, size, taps, stride, dilation, low, high, outputs)


def test_the_normal_form_reads_the_same_elements_in_the_same_order():
    changed = 0
    for part in axis_windows():
        changed += part.normal is not part
        assert part.normal.normal == part.normal
        read = []
        for form in (part, part.normal):
            cells = oracle._each(Window((form,)))
            read.append([[place for _, place in taps if place is not None] for _, taps in cells])
        assert read[0] == read[1], part
        empty = next((i for i, places in enumerate(read[0]) if not places), None)
        assert part.window_in_padding() == empty, part
    assert changed > 100


def test_symbols_of_geometry_stay_hashable():
    window = pooling_window((6,), (2**70,), 1, "SAME", channel_axis=None, padding_is_empty=True)
    assert hash(window.normal) == hash(window.normal)
    assert window.normal.parts[0].taps <= 11


@pytest.mark.parametrize("number", [10**30, 10**160, 10**400])
def test_means_of_more_elements_than_floats_count_are_0(number):
    far = {"window_shape": (number, number), "padding": number, "strides": 10 * number}
    assert jaxpool.avg_pool(ONE, **far).tolist() == [[[[0]]]]
    assert jaxpool.avg_pool(ONE, **far, where=ONE > 0).tolist() == [[[[0]]]]
    assert jaxpool.power_mean_pool(ONE, **far).tolist() == [[[[0]]]]
    assert jaxpool.avg_pool(ONE, (1, 1), divisor_override=number**2).item() == 0
    assert jaxpool.avg_pool(ONE, (1, 1), divisor_override=-(number**2)).item() == 0
