"""Every implementation of every operator against the oracle, and every adjoint against its definition."""

import functools
import itertools
import re

import jax
import jax.numpy as jnp
import numpy as np
import oracle
import pytest

import jaxpool
from jaxpool import _operators as ops
from jaxpool._geometry import Window, pooling_window
from jaxpool._lowerings import NAMED, Plan, chain, extreme, native, refuses
from jaxpool._lowerings.plan import BACKWARD, case_of

# name: input shape (spatial axes last, after one batch axis), window, strides, padding, dilation, ceil mode
CASES = {
    "2x2 s2": ((2, 6, 8), (2, 2), 2, "VALID", 1, False),
    "3x3 s2 p1, remainder": ((2, 8, 7), (3, 3), 2, 1, 1, False),
    "3x3 s1 same": ((2, 5, 6), (3, 3), 1, "SAME", 1, False),
    "3x2 s2 ceil": ((2, 8, 7), (3, 2), 2, ((1, 0), (0, 1)), 1, True),
    "3x3 s1 d2x3 same": ((2, 6, 9), (3, 3), 1, "SAME", (2, 3), False),
    "3x3 s2 d2 p2": ((2, 9, 8), (3, 3), 2, 2, 2, False),
    "gaps, s3 k2": ((2, 10, 11), (2, 2), 3, "VALID", 1, False),
    "crop": ((2, 8, 9), (2, 3), (1, 2), ((-1, 0), (-1, -1)), 1, False),
    "wide padding": ((2, 4, 4), (5, 5), 2, ((4, 3), (2, 4)), 1, False),
    "1-D k4 s3 d3": ((2, 17), (4,), 3, 3, 3, False),
    "3-D 2x3x2": ((2, 4, 5, 4), (2, 3, 2), (2, 1, 2), ((0, 1), (1, 1), (0, 0)), 1, False),
    "whole plane": ((2, 4, 5), (4, 5), 1, "VALID", 1, False),
    "17x17, uint16 offsets": ((1, 18, 19), (17, 17), 2, 5, 1, False),
    "16x16, 256 taps": ((1, 17, 16), (16, 16), 1, ((0, 0), (0, 1)), 1, False),
}


def plans_for(operator):
    """All plans that differ for an operator: borders count forward, the way back counts backward."""
    borders, backs = (
        (["split"], ["cover", "phases", "dilate"]) if operator in BACKWARD else (["split", "pad"], ["cover"])
    )
    orders = [("joint", False), ("axes", False), ("axes", True)]
    rest = itertools.product(orders, borders, [False, True], backs)
    # What a CPU merges it stores, too. What suits a GPU is not merged: that is for the loops of a CPU.
    plans = [
        Plan(*order, b, merge, merge and order[0] == "axes", back)
        for order, b, merge, back in rest
        if not (merge and back == "dilate")
    ]
    return [
        Plan("native"),
        Plan("plane"),
        Plan("axes", store=True),
        Plan("axes", chain=True, store=True),
        Plan("axes", merge=True),
        *plans,
    ]


DATA = ("ties", "distinct", "special")


def window_of(case: str) -> Window:
    shape, taps, strides, padding, dilation, ceil_mode = CASES[case]
    return pooling_window(
        shape,
        taps,
        strides,
        padding,
        window_dilation=dilation,
        ceil_mode=ceil_mode,
        channel_axis=None,
        padding_is_empty=True,
    )


def able(operator, case, plan, consistent=True):
    shape = CASES[case][0]
    plan = NAMED.get(plan, plan)
    return refuses(plan, case_of(operator, window_of(case), shape, np.float32, consistent)) is None


def numbers(shape, kind, seed=0):
    rng = np.random.default_rng(seed)
    if kind == "ties":
        return rng.integers(-2, 3, shape).astype(np.float32)
    if kind == "distinct":
        return rng.permutation(np.arange(np.prod(shape))).reshape(shape).astype(np.float32) - np.prod(shape) // 2
    return rng.choice(np.float32([-np.inf, -np.inf, -np.inf, -1, np.inf, np.nan]), shape)


@functools.cache
def expected_argextremum(case, kind, data):
    x = numbers(CASES[case][0], data)
    return x, *oracle.window_argextremum(x, window_of(case), kind)


def pairs(operator):
    rows = itertools.product(CASES, plans_for(operator))
    return [pytest.param(case, plan, id=f"{plan}, {case}") for case, plan in rows if able(operator, case, plan)]


@pytest.mark.parametrize(("case", "name"), pairs("window_sum"))
def test_sum_and_its_adjoint(case, name):
    window = window_of(case)
    for data in ("ties", "special"):
        x = numbers(CASES[case][0], data)
        y, pull = jax.vjp(lambda x: ops.window_sum(x, window, name), x)
        # Infinities of both signs add up to NaN.
        with np.errstate(invalid="ignore"):
            np.testing.assert_array_equal(y, oracle.window_sum(x, window))
        if able("window_spread", case, name):
            g = numbers(y.shape, "ties")
            np.testing.assert_array_equal(pull(jnp.asarray(g))[0], oracle.window_spread(g, window))


@pytest.mark.parametrize(("case", "name"), pairs("window_spread"))
def test_spread(case, name):
    window = window_of(case)
    g = numbers(window.output_shape(CASES[case][0]), "ties")
    np.testing.assert_array_equal(ops.window_spread(g, window, name), oracle.window_spread(g, window))


@pytest.mark.parametrize("kind", ["max", "min"])
@pytest.mark.parametrize(("case", "name"), pairs("window_extremum"))
def test_extremum(case, name, kind):
    for data in DATA:
        x, values, _ = expected_argextremum(case, kind, data)
        np.testing.assert_array_equal(ops.window_extremum(x, window_of(case), kind, name), values)


@pytest.mark.parametrize("kind", ["max", "min"])
@pytest.mark.parametrize(("case", "name"), pairs("window_argextremum"))
def test_argextremum(case, name, kind):
    window = window_of(case)
    for data in DATA:
        x, values, offsets = expected_argextremum(case, kind, data)
        got_values, got_offsets = ops.window_argextremum(x, window, kind, name)
        np.testing.assert_array_equal(got_values, values)
        np.testing.assert_array_equal(got_offsets, offsets)
        assert got_offsets.dtype == window.offset_dtype


@pytest.mark.parametrize(("case", "name"), pairs("gather_at_offsets"))
def test_gather_at_offsets_of_an_extremum(case, name):
    window = window_of(case)
    for data in DATA:
        x, _, offsets = expected_argextremum(case, "max", data)
        offsets = offsets.astype(window.offset_dtype)
        t = numbers(x.shape, "ties", 1)
        y = ops.gather_at_offsets(t, offsets, window, consistent=True, implementation=name)
        np.testing.assert_array_equal(y, oracle.gather_at_offsets(t, offsets, window))


@pytest.mark.parametrize(("case", "name"), pairs("scatter_at_offsets"))
def test_scatter_at_offsets_of_an_extremum(case, name):
    window = window_of(case)
    for data in DATA:
        _, _, offsets = expected_argextremum(case, "max", data)
        offsets = offsets.astype(window.offset_dtype)
        g = numbers(offsets.shape, "ties", 2)
        z = ops.scatter_at_offsets(g, offsets, window, consistent=True, implementation=name)
        np.testing.assert_array_equal(z, oracle.scatter_at_offsets(g, offsets, window))


@pytest.mark.parametrize(("case", "name"), pairs("scatter_at_offsets"))
def test_scatter_at_offsets_where_channels_follow(case, name):
    # Some lowerings go other ways along the last axis of an array than along the others.
    window = window_of(case)
    columns = [expected_argextremum(case, "max", data)[2].astype(window.offset_dtype) for data in DATA]
    g = [numbers(column.shape, "ties", seed) for seed, column in enumerate(columns)]
    got = ops.scatter_at_offsets(np.stack(g, -1), np.stack(columns, -1), window, consistent=True, implementation=name)
    for i, (cotangent, offsets) in enumerate(zip(g, columns, strict=True)):
        expected = oracle.scatter_at_offsets(cotangent, offsets, window)
        np.testing.assert_array_equal(got[..., i], expected, err_msg=DATA[i])
        if name.back == "phases":
            alone = ops.scatter_at_offsets(cotangent, offsets, window, consistent=True, implementation=name)
            np.testing.assert_array_equal(alone, expected, err_msg=DATA[i])


@pytest.mark.parametrize("taps", [(5, 51), (16, 16), (17, 16)])
def test_gradient_at_the_last_elements_of_windows_apart(taps):
    # Offsets up to 254, 255 and 271.
    x = np.arange(2 * np.prod(taps), dtype=np.float32).reshape(1, 2 * taps[0], taps[1], 1)
    gradient = np.asarray(jax.grad(lambda x: jaxpool.max_pool(x, taps, taps).sum())(x))
    np.testing.assert_array_equal(np.argwhere(gradient[0, ..., 0]), [[i * taps[0] - 1, taps[1] - 1] for i in (1, 2)])


@pytest.mark.parametrize("case", CASES)
def test_merged_rows_where_channels_follow(case):
    window = window_of(case)
    xs, values, offsets = zip(*(expected_argextremum(case, "max", data) for data in DATA), strict=True)
    x, name = np.stack(xs, -1), Plan("axes", merge=True, store=True)
    got_values, got_offsets = ops.window_argextremum(x, window, "max", name)
    np.testing.assert_array_equal(got_values, np.stack(values, -1))
    np.testing.assert_array_equal(got_offsets, np.stack(offsets, -1))
    np.testing.assert_array_equal(ops.window_extremum(x, window, "max", name), np.stack(values, -1))
    t, g = numbers(x.shape, "ties", 1), numbers(got_values.shape, "ties", 2)
    y = ops.gather_at_offsets(t, got_offsets, window, consistent=True, implementation=name)
    expected = [oracle.gather_at_offsets(t[..., i], offsets[i], window) for i in range(len(DATA))]
    np.testing.assert_array_equal(y, np.stack(expected, -1))
    total = np.stack([oracle.window_sum(t[..., i], window) for i in range(len(DATA))], -1)
    np.testing.assert_array_equal(ops.window_sum(t, window, name), total)
    spread = np.stack([oracle.window_spread(g[..., i], window) for i in range(len(DATA))], -1)
    np.testing.assert_array_equal(ops.window_spread(g, window, name), spread)


@pytest.mark.parametrize(
    "name",
    [Plan("native"), Plan("joint", borders="pad"), Plan("axes", borders="pad"), Plan("axes", chain=True)],
    ids=str,
)
@pytest.mark.parametrize("outputs", [3, 5000])
def test_offsets_stay_out_of_padding_along_short_and_long_axes(name, outputs):
    window = pooling_window((outputs,), (4,), 1, ((3, 0),), channel_axis=None, padding_is_empty=True)
    _, offsets = ops.window_argextremum(np.full(outputs, -np.inf, np.float32), window, "max", name)
    # Taps that meet no element of short inputs are cut.
    first = window.parts[0].first_tap
    assert offsets[:4].tolist() == [max(3 - i, 0) - first for i in range(len(offsets[:4]))]
    assert not np.any(offsets[3:])


# A window of 128 positions has labels of 8 bits, a larger one of 32. The last two reach farther than the plane.
WRAPPING = [
    ((400,), (128,), 1, "i8"),
    ((400,), (129,), 1, "i32"),
    ((60, 50), (8, 16), 1, "i8"),
    ((60, 50), (44, 2), (1, 2), "i32"),
    ((60, 50), (2, 22), (1, 3), "i8"),
    ((60, 50), (6, 5), 3, "i32"),
    ((10, 10), (10, 2), (1, 300_000_000), "i8"),
    ((3, 3), (2, 2), 70_000, "i8"),
]


@pytest.mark.parametrize(("shape", "taps", "dilation", "dtype"), WRAPPING)
@pytest.mark.parametrize("kind", ["max", "min"])
def test_labels_of_elements_of_large_planes_wrap_around(shape, taps, dilation, dtype, kind):
    far = np.max(dilation) > 1000
    padding = tuple(
        (d, d - size + 1) if d > 1000 else (n // 2, n // 3)
        for n, d, size in zip(taps, np.broadcast_to(dilation, len(taps)).tolist(), shape, strict=True)
    )
    strides = dilation if far else 3
    window = pooling_window(shape, taps, strides, padding, dilation, channel_axis=None, padding_is_empty=True).normal
    text = jax.jit(lambda x: ops.window_argextremum(x, window, kind, Plan("native"))).lower(jnp.zeros(shape)).as_text()
    (pair,) = re.findall(r"\(tensor<[0-9x]+xf32>, tensor<[0-9x]+x(i\d+)>, tensor<f32>, tensor<i\d+>\)", text)
    assert pair == dtype
    for data in DATA:
        x = numbers(shape, data)
        values, offsets = ops.window_argextremum(x, window, kind, Plan("native"))
        want_values, want_offsets = oracle.window_argextremum(x, window, kind)
        np.testing.assert_array_equal(values, want_values)
        np.testing.assert_array_equal(offsets, want_offsets)


@pytest.mark.later
@pytest.mark.parametrize("dtype", [np.float32, np.int8, bool])
@pytest.mark.parametrize("name", [None, *NAMED])
def test_the_first_of_elements_that_are_all_the_worst_is_found(name, dtype):
    for (shape, taps, strides, padding, dilation, ceil_mode), kind in itertools.product(CASES.values(), ("max", "min")):
        window = pooling_window(shape, taps, strides, padding, dilation, ceil_mode, None, padding_is_empty=True)
        if name is not None and refuses(NAMED[name], case_of("window_argextremum", window, shape, dtype)) is not None:
            continue
        x = np.full(shape, extreme(np.dtype(dtype), kind))
        values, offsets = ops.window_argextremum(x, window, kind, name)
        np.testing.assert_array_equal(values, np.full(values.shape, x.flat[0]))
        np.testing.assert_array_equal(offsets, oracle.window_argextremum(x.astype(np.float32), window, kind)[1])


def test_chains_reach_every_tap_and_no_other():
    for count in range(1, 300):
        reached = {0}
        for taps, distance in chain.sizes_of(count):
            # Blocks further apart than they are long would leave gaps.
            assert distance <= len(reached)
            reached = {tap + i * distance for tap in reached for i in range(taps)}
        assert reached == set(range(count)), count


@pytest.mark.parametrize("kind", ["max", "min"])
@pytest.mark.parametrize("case", CASES)
def test_gather_and_scatter_at_an_extremum_of_the_input(case, kind):
    window = window_of(case)
    for data in DATA:
        x, _, offsets = expected_argextremum(case, kind, data)
        t, g = numbers(x.shape, "ties", 1), numbers(offsets.shape, "ties", 2)
        y = ops.gather_at_extremum(t, x, window, kind)
        np.testing.assert_array_equal(y, oracle.gather_at_offsets(t, offsets, window))
        expected = oracle.scatter_at_offsets(g, offsets, window)
        np.testing.assert_array_equal(ops.scatter_at_extremum(g, x, window, kind), expected)
        # XLA:CPU scans padded windows in another order than unpadded ones, so that ties there tell nothing about a TPU.
        padded = any(part.low > 0 or part.high_overhang > 0 for part in window.parts)
        if native.cannot_scatter(window) is None and (data == "distinct" or not padded):
            scattered = ops.scatter_at_extremum(g, x, window, kind, Plan("native"))
            np.testing.assert_array_equal(scattered, expected, err_msg=data)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_gather_and_scatter_at_any_offsets(case, rng):
    window = window_of(case)
    shape = window.output_shape(CASES[case][0])
    offsets = rng.integers(0, window.taps, shape).astype(window.offset_dtype)
    t, g = numbers(CASES[case][0], "ties", 1), numbers(shape, "ties", 2)
    for plan in plans_for("gather_at_offsets"):
        if able("gather_at_offsets", case, plan, consistent=False):
            y = ops.gather_at_offsets(t, offsets, window, consistent=False, implementation=plan)
            np.testing.assert_array_equal(y, oracle.gather_at_offsets(t, offsets, window), err_msg=str(plan))
    for plan in plans_for("scatter_at_offsets"):
        if able("scatter_at_offsets", case, plan, consistent=False):
            z = ops.scatter_at_offsets(g, offsets, window, consistent=False, implementation=plan)
            np.testing.assert_array_equal(z, oracle.scatter_at_offsets(g, offsets, window), err_msg=str(plan))


def _linear_operators(window, shape, rng):
    """Each linear operator as a function of its first operand, and its adjoint."""
    offsets = rng.integers(0, window.taps, window.output_shape(shape)).astype(window.offset_dtype)
    return {
        "sum": (lambda x: ops.window_sum(x, window), lambda g: ops.window_spread(g, window)),
        "gather": (
            lambda x: ops.gather_at_offsets(x, offsets, window, consistent=False),
            lambda g: ops.scatter_at_offsets(g, offsets, window, consistent=False),
        ),
    }


@pytest.mark.parametrize("case", ["3x3 s2 p1, remainder", "3x2 s2 ceil", "3x3 s2 d2 p2", "crop", "1-D k4 s3 d3"])
def test_adjoints(case, rng):
    window, shape = window_of(case), CASES[case][0]
    for name, (forward, backward) in _linear_operators(window, shape, rng).items():
        x, y = numbers(shape, "ties", 1), numbers(window.output_shape(shape), "ties", 2)
        # <A x, y> = <x, A* y>; small integers, so both sides are exact.
        assert jnp.vdot(forward(x), y) == jnp.vdot(x, backward(y)), name
        # The dense matrix, column by column, against the transpose that JAX derives, and its transpose again.
        basis = np.eye(x.size, dtype=np.float32).reshape(x.size, *shape)
        dense = np.asarray(jax.vmap(forward)(basis)).reshape(x.size, y.size).T
        np.testing.assert_array_equal(dense @ x.ravel(), np.ravel(forward(x)), err_msg=name)
        (transposed,) = jax.linear_transpose(forward, x)(y)
        np.testing.assert_array_equal(np.ravel(transposed), dense.T @ y.ravel(), err_msg=name)
        (twice,) = jax.linear_transpose(lambda g, t=backward: t(g), y)(x)
        np.testing.assert_array_equal(np.ravel(twice), dense @ x.ravel(), err_msg=name)


def test_a_lowering_that_cannot_run_a_window_says_why():
    window = window_of("3x3 s1 same")
    offsets = np.zeros((2, 5, 6), np.uint8)
    message = (
        "gather_at_offsets: implementation must be able to run the window; got implementation='separable' for a window "
        "of (3, 3): one axis at a time needs offsets that come from an extremum of the same window. "
        "Pass implementation=None, or one of joint."
    )
    with pytest.raises(NotImplementedError) as error:
        ops.gather_at_offsets(np.zeros((2, 5, 6)), offsets, window, consistent=False, implementation="separable")
    assert str(error.value) == message


@pytest.mark.parametrize("name", [None, *NAMED, Plan("joint", borders="pad", back="dilate")])
def test_sums_are_as_wide_as_asked_and_their_adjoints_as_narrow_as_the_input(name, rng):
    window = pooling_window((6, 7), (3, 3), 1, 1, channel_axis=None, padding_is_empty=True)
    x = jnp.asarray(rng.integers(-3, 4, (6, 7)), jnp.bfloat16) + jnp.bfloat16(256)

    def total(x):
        return ops.window_sum(x, window, name, jnp.float32)

    y, pull = jax.vjp(total, x)
    assert y.dtype == jnp.float32
    # 9 * 256 and a small number: more digits than bf16 has.
    np.testing.assert_array_equal(y, oracle.window_sum(np.asarray(x, np.float32), window))
    g = jnp.asarray(rng.integers(-3, 4, (6, 7)), jnp.float32) + 256
    (dx,) = pull(g)
    assert dx.dtype == jnp.bfloat16
    np.testing.assert_array_equal(dx, oracle.window_spread(np.asarray(g), window).astype(jnp.bfloat16))
    assert jax.jvp(total, (x,), (x,))[1].dtype == jnp.float32
    assert jax.linear_transpose(pull, g)((dx,))[0].dtype == jnp.float32
