"""Pools of sets against loops in float64, at ties, NaN and empty sets, in any layout and under transformations."""

import functools
import pathlib
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads

import jaxpool
import jaxpool.linen
import jaxpool.nnx

pytestmark = pytest.mark.most(2)

close = functools.partial(np.testing.assert_allclose, rtol=2e-5, atol=1e-6)
PORTING = pathlib.Path(__file__).parents[1].joinpath("PORTING.md").read_text()
every_order = pytest.mark.parametrize("ordered", [False, True], ids=["any order", "sorted"])


def softmax_mean(values, scores):
    shares = np.exp(scores - scores.max())
    return np.sum(shares * values) / shares.sum()


POOLS = {
    "sum": (jaxpool.segment_sum_pool, np.sum),
    "avg": (jaxpool.segment_avg_pool, np.mean),
    "max": (jaxpool.segment_max_pool, np.max),
    "min": (jaxpool.segment_min_pool, np.min),
    "var": (jaxpool.segment_var_pool, np.var),
    "std": (jaxpool.segment_std_pool, np.std),
    "unbiased": (
        functools.partial(jaxpool.segment_std_pool, ddof=1),
        lambda x: np.std(x, ddof=1) if x.size > 1 else 0.0,
    ),
    "softmax": (jaxpool.segment_softmax_pool, lambda x: softmax_mean(x, x)),
    "cold": (functools.partial(jaxpool.segment_softmax_pool, beta=-2.5), lambda x: softmax_mean(x, -2.5 * x)),
}
every_pool = pytest.mark.parametrize("name", POOLS)


def by_loops(x, ids, count, valid, of):
    """`of` the valid elements of every set, of which `ids` of one axis less tell; 0 of empty ones."""
    result = np.zeros((x.shape[0], count, x.shape[2]))
    for row, s, feature in np.ndindex(result.shape):
        elements = x[row, (ids[row] == s) & valid[row, :, feature], feature]
        result[row, s, feature] = of(elements.astype(np.float64)) if elements.size else 0
    return result


def drawn(rng, ordered, rows=3, elements=11, features=2):
    x = rng.normal(size=(rows, elements, features)).astype(np.float32)
    ids = rng.integers(-2, 8, (rows, elements))
    ids = np.where(ids == 3, 4, ids)
    return x, np.sort(ids, -1) if ordered else ids


@pytest.mark.later
@every_order
@every_pool
def test_pools_of_sets_beside_loops(name, ordered, rng):
    pool, of = POOLS[name]
    pool = functools.partial(pool, indices_are_sorted=ordered)
    x, ids = drawn(rng, ordered)
    everything = np.ones(x.shape, bool)
    expected = by_loops(x, ids, 6, everything, of)
    close(pool(x, ids, 6), expected)
    close(pool(x[1], ids[1], 6), expected[1])
    close(pool(x[1, :, 0], ids[1], 6), expected[1, :, 0])
    close(pool(x[0][None, None], ids[0][None, None], 6)[0, 0], expected[0])
    each = rng.random(x.shape) < 0.6
    close(pool(x, ids, 6, where=each), by_loops(x, ids, 6, each, of))
    places = rng.random((1, x.shape[1], 1)) < 0.6
    close(pool(x, ids, 6, where=places), by_loops(x, ids, 6, np.broadcast_to(places, x.shape), of))
    # A whole row that is left out.
    rows = np.array([True, False, True])[:, None, None]
    close(pool(x, ids, 6, where=rows), by_loops(x, ids, 6, np.broadcast_to(rows, x.shape), of))
    # Two axes of features, each a map of its own.
    planes = np.stack([x, -x], -1)
    close(pool(planes, ids, 6)[..., 0], expected)
    # Sets of any size, and in axes that a map moves.
    close(pool(x, ids * 0, 1), by_loops(x, ids * 0, 1, everything, of))
    moved = jax.jit(jax.vmap(lambda x, i: pool(x, i, 6), in_axes=(2, None), out_axes=2))(x, ids)
    close(moved, expected)
    mapped = jax.vmap(lambda x, i: pool(x, i, 6), in_axes=(None, 0))(x[1], ids)
    close(mapped, by_loops(np.stack([x[1]] * 3), ids, 6, everything, of))


@every_order
def test_logits_and_temperatures_beside_loops(ordered, rng):
    x, ids = drawn(rng, ordered)
    logits = rng.normal(size=(*x.shape[:2], 1)).astype(np.float32) * 30
    beta = np.array([0.5, 2.0], np.float32).reshape(1, 1, 2)
    found = jaxpool.segment_softmax_pool(x, ids, 6, logits=logits, beta=beta, indices_are_sorted=ordered)
    for row, s, feature in np.ndindex(found.shape):
        inside = ids[row] == s
        scores = logits[row, inside, 0].astype(np.float64) * beta[0, 0, feature]
        close(found[row, s, feature], softmax_mean(x[row, inside, feature], scores) if inside.any() else 0)
    # Logits far apart and far from 0, and those that leave elements out.
    far = np.where(ids[..., None] == 4, -1e30, 1e30).astype(np.float32)
    close(
        jaxpool.segment_softmax_pool(x, ids, 6, logits=far, indices_are_sorted=ordered),
        jaxpool.segment_avg_pool(x, ids, 6, indices_are_sorted=ordered),
    )
    gone = np.where(x[..., :1] > 0, 0, -np.inf).astype(np.float32)
    slope = jax.grad(lambda x: jaxpool.segment_softmax_pool(x, ids, 6, logits=gone, indices_are_sorted=ordered).sum())(
        x
    )
    assert np.isfinite(slope).all()
    close(
        jaxpool.segment_softmax_pool(x, ids, 6, logits=gone, indices_are_sorted=ordered),
        jaxpool.segment_avg_pool(x, ids, 6, indices_are_sorted=ordered, where=x[..., :1] > 0),
    )


@every_order
@pytest.mark.parametrize("kind", ["max", "min"])
def test_the_first_of_equals_has_the_gradient(kind, ordered):
    pool = functools.partial(getattr(jaxpool, f"segment_{kind}_pool"), indices_are_sorted=ordered)
    ids = jnp.array([0, 0, 0, 1, 1, 1, 2])
    x = jnp.array([2.0, 3.0, 3.0, 0.0, -0.0, 0.0, -jnp.inf]) * (1 if kind == "max" else -1)
    expected = np.array([0.0, 1, 0, 1, 0, 0, 1])
    if not ordered:
        order = np.array([6, 3, 0, 4, 1, 5, 2])
        x, ids, expected = x[order], ids[order], expected[order]
    np.testing.assert_array_equal(jax.grad(lambda x: pool(x, ids, 4).sum())(x), expected)
    slope = jax.jacfwd(lambda x: pool(x, ids, 4))(x)
    np.testing.assert_array_equal(slope.sum(0), expected)
    # That of jax.ops is shared.
    if kind == "max":
        theirs = jax.grad(lambda x: jax.ops.segment_max(x, ids, 4)[:3].sum())(x)
        assert not np.array_equal(theirs, expected)


@pytest.mark.slow
@every_order
def test_nan_goes_through_its_own_set_alone(ordered):
    x = jnp.array([1.0, jnp.nan, 5.0, jnp.nan, 2.0, 3.0])
    ids = jnp.array([0, 0, 0, 0, 1, 1])
    for name, (pool, _) in POOLS.items():
        found = pool(x, ids, 3, indices_are_sorted=ordered)
        assert np.isnan(found[0]), name
        assert np.isfinite(found[1:]).all(), name
        valid = pool(x, ids, 3, indices_are_sorted=ordered, where=jnp.isfinite(x))
        assert np.isfinite(valid).all(), name
        slope = jax.grad(lambda x, pool=pool: pool(x, ids, 3, indices_are_sorted=ordered, where=jnp.isfinite(x)).sum())(
            x
        )
        assert np.isfinite(slope).all(), name
        assert not slope[jnp.isnan(x)].any(), name
    for pool in (jaxpool.segment_max_pool, jaxpool.segment_min_pool):
        slope = jax.grad(lambda x, pool=pool: pool(x, ids, 3, indices_are_sorted=ordered)[0])(x)
        np.testing.assert_array_equal(slope, [0, 1, 0, 0, 0, 0])


@pytest.mark.slow
@every_order
def test_what_has_no_set_takes_no_part_and_has_no_gradient(ordered):
    x = jnp.array([jnp.nan, jnp.inf, 1.0, 2.0, jnp.nan, 3e38])
    ids = jnp.array([-3, -1, 0, 0, 2, 9])
    for name, (pool, of) in POOLS.items():
        pool = functools.partial(pool, indices_are_sorted=ordered)
        close(pool(x, ids, 2), [of(np.array([1.0, 2.0])), 0], err_msg=name)
        slope = jax.grad(lambda x, pool=pool: pool(x, ids, 2).sum())(x)
        assert not slope[jnp.array([0, 1, 4, 5])].any(), name
        assert np.isfinite(slope).all(), name


@pytest.mark.slow
@every_order
def test_empty_sets_and_empty_inputs(ordered):
    for name, (pool, _) in POOLS.items():
        pool = functools.partial(pool, indices_are_sorted=ordered)
        x, ids = jnp.zeros((2, 0, 3)), jnp.zeros((2, 0), jnp.int32)
        np.testing.assert_array_equal(pool(x, ids, 4), np.zeros((2, 4, 3)), err_msg=name)
        assert jax.grad(lambda x, pool=pool, ids=ids: pool(x, ids, 4).sum())(x).shape == x.shape
        assert pool(jnp.zeros((0, 5, 3)), jnp.zeros((0, 5), jnp.int32), 4).shape == (0, 4, 3)
        assert pool(jnp.zeros((5, 3)), jnp.zeros(5, jnp.int32), 0).shape == (0, 3)
        slope = jax.grad(lambda x, pool=pool: pool(x, jnp.full(3, 7), 4).sum())(jnp.ones(3))
        np.testing.assert_array_equal(slope, np.zeros(3), err_msg=name)
    x, ids = jnp.array([1.0, -jnp.inf]), jnp.array([0, 2])
    for fill, pool in (
        (-jnp.inf, jaxpool.segment_max_pool),
        (7, jaxpool.segment_min_pool),
        (0, jaxpool.segment_max_pool),
    ):
        found = pool(x, ids, 3, fill_value=fill, indices_are_sorted=ordered)
        np.testing.assert_array_equal(found, [1.0, fill, -np.inf])


@pytest.mark.slow
def test_constant_sets_have_finite_derivatives():
    ids = jnp.array([0, 0, 0, 1])
    for pool in (jaxpool.segment_std_pool, functools.partial(jaxpool.segment_std_pool, ddof=1)):
        for order in (jax.grad, jax.hessian):
            slope = order(lambda x, pool=pool: pool(x, ids, 3).sum())(jnp.full(4, 3.0))
            np.testing.assert_array_equal(slope, np.zeros(slope.shape))


@every_order
@pytest.mark.slow
def test_derivatives_by_every_array(ordered):
    with jax.enable_x64(True):
        rng = np.random.default_rng(3)
        x, logits = jnp.asarray(rng.normal(size=(2, 2, 6, 2)))
        ids = jnp.array([[0, 0, 1, 1, 1, 3], [-1, 0, 0, 2, 2, 2]])
        for name, (pool, _) in POOLS.items():
            if name == "unbiased":
                continue
            function = functools.partial(pool, segment_ids=ids, num_segments=4, indices_are_sorted=ordered)
            if name == "std":
                # Away from sets of one element, whose root has no second derivative.
                function = functools.partial(pool, segment_ids=ids // 2, num_segments=1, indices_are_sorted=ordered)
            check_grads(function, (x,), order=2, modes=["fwd", "rev"])

        def softmax(x, logits, beta):
            return jaxpool.segment_softmax_pool(x, ids, 4, logits=logits, beta=beta, indices_are_sorted=ordered)

        check_grads(softmax, (x, logits, jnp.asarray(0.7)), order=2, modes=["fwd", "rev"])


@pytest.mark.slow
@every_order
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_narrow_floats_are_computed_in_f32(dtype, ordered, rng):
    x = jnp.asarray(rng.normal(size=(100, 2)) + 8, dtype)
    ids = jnp.asarray(np.sort(rng.integers(0, 3, 100)))
    for name, (pool, _) in POOLS.items():
        found = pool(x, ids, 4, indices_are_sorted=ordered)
        assert found.dtype == x.dtype, name
        wide = pool(x.astype(jnp.float32), ids, 4, indices_are_sorted=ordered)
        np.testing.assert_array_equal(found, wide.astype(dtype), err_msg=name)


@pytest.mark.later
@every_order
def test_dtypes_of_results(ordered):
    ids = np.array([0, 0, 2, 2], np.uint8)

    def pooled(name, dtype, **more):
        x = jnp.asarray([1, 0, 1, 1], dtype)
        return getattr(jaxpool, f"segment_{name}_pool")(x, ids, 300, indices_are_sorted=ordered, **more)[:3]

    assert pooled("sum", "int8").dtype == pooled("sum", "bool").dtype == jnp.int32
    assert (
        pooled("avg", "int32").dtype == pooled("softmax", "int32").dtype == pooled("std", "bool").dtype == jnp.float32
    )
    assert pooled("sum", "complex64").tolist() == [1, 0, 2]
    assert pooled("avg", "complex64").tolist() == [0.5, 0, 1]
    for dtype in ("bool", "uint8", "int32", "float8_e4m3fn", "bfloat16"):
        for name, expected in (("max", [1, 0, 1]), ("min", [0, 0, 1])):
            found = pooled(name, dtype)
            assert found.dtype == dtype
            np.testing.assert_array_equal(found.astype(jnp.float32), expected)
    smallest = jnp.iinfo(jnp.int32).min
    assert pooled("max", "int32", fill_value=smallest).tolist() == [1, smallest, 1]


@pytest.mark.slow
def test_a_count_goes_on_where_f32_stops():
    # One by one, f32 counts no further than 2**24.
    x = jnp.zeros((1 << 24) + 4, jnp.int8)
    assert jaxpool.segment_sum_pool(x + 1, jnp.zeros(x.shape, jnp.int8), 1).item() == x.size
    count = jax.jit(lambda ids: jaxpool.segment_avg_pool(jnp.full(ids.shape, 8.0, jnp.bfloat16), ids, 1))
    np.testing.assert_allclose(float(count(jnp.zeros((1 << 24) + 4, jnp.int32))[0]), 8, rtol=1e-2)


@every_pool
def test_sums_of_sorted_sets_need_no_scatter(name):
    pool, _ = POOLS[name]

    def everything(x, ids):
        y, pull = jax.vjp(lambda x: pool(x, ids, 5, indices_are_sorted=True), x)
        return y, pull(y), jax.jvp(lambda x: pool(x, ids, 5, indices_are_sorted=True), (x,), (x,))[1]

    shapes = jax.ShapeDtypeStruct((2, 40, 3), jnp.float32), jax.ShapeDtypeStruct((2, 40), jnp.int32)
    for platform in ("cpu", "cuda", "tpu"):
        text = jax.jit(everything).trace(*shapes).lower(lowering_platforms=(platform,)).as_text()
        assert not re.search(r"stablehlo\.(scatter|select_and_scatter|sort)\b", text)


def test_gradients_are_gathers_in_any_order():
    def gradient(x, ids):
        return jax.grad(lambda x: sum(jaxpool.segment_max_pool(x, ids, 5)[0]))(x)

    def values(x, ids):
        return jaxpool.segment_max_pool(x, ids, 5)

    shapes = jax.ShapeDtypeStruct((40, 3), jnp.float32), jax.ShapeDtypeStruct((40,), jnp.int32)
    scatters = [jax.jit(f).lower(*shapes).as_text().count('"stablehlo.scatter"(') for f in (values, gradient)]
    assert scatters == [2, 2]


def test_packed_rows_are_pools_of_their_sequences(rng):
    x = jnp.asarray(rng.normal(size=(2, 6, 4)), jnp.float32)
    ids = jnp.array([[0, 0, 0, 1, 1, 2], [0, 1, 1, 1, -1, -1]])
    found = jaxpool.segment_avg_pool(x, ids, 3, indices_are_sorted=False)
    close(found[0, 1], jaxpool.global_avg_pool(x[0, 3:5], num_spatial_dims=1))
    close(found[1, 1], jaxpool.global_avg_pool(x[1, 1:4], num_spatial_dims=1))
    assert not found[1, 2].any()


REFUSED = {
    "segment_ids must be an array of integers; got segment_ids=list for inputs of shape (4, 3). Convert": (
        lambda x: jaxpool.segment_sum_pool(x, [0, 0, 1, 1], 2)
    ),
    "segment_ids must be an array of integers; got segment_ids=an array of float32 with shape (4,) for": (
        lambda x: jaxpool.segment_avg_pool(x, jnp.zeros(4), 2)
    ),
    "segment_ids.shape must be that of the first axes of the inputs; got segment_ids.shape=(4, 1) for": (
        lambda x: jaxpool.segment_max_pool(x, jnp.zeros((4, 1), jnp.int32), 2)
    ),
    "segment_ids.shape must be that of the first axes of the inputs; got segment_ids.shape=() for": (
        lambda x: jaxpool.segment_max_pool(x, jnp.int32(0), 2)
    ),
    "num_segments must be known while tracing; got num_segments=a traced value": (
        lambda x: jax.jit(jaxpool.segment_sum_pool)(x, jnp.zeros(4, jnp.int32), 2)
    ),
    "num_segments must not be negative; got num_segments=-1.": (
        lambda x: jaxpool.segment_sum_pool(x, jnp.zeros(4, jnp.int32), -1)
    ),
    "indices_are_sorted must be True or False": (
        lambda x: jaxpool.segment_sum_pool(x, jnp.zeros(4, jnp.int32), 2, indices_are_sorted=1)
    ),
    "where.shape must have as many axes as the inputs, 2; got where.shape=(4,) for": (
        lambda x: jaxpool.segment_sum_pool(x, jnp.zeros(4, jnp.int32), 2, where=jnp.ones(4, bool))
    ),
    "fill_value must be a real number; got fill_value=None.": (
        lambda x: jaxpool.segment_max_pool(x, jnp.zeros(4, jnp.int32), 2, fill_value=None)
    ),
    "fill_value must be a number that int32 holds; got fill_value=-inf for inputs of int32. Write a whole": (
        lambda x: jaxpool.segment_max_pool(x.astype(int), jnp.zeros(4, jnp.int32), 2, fill_value=-jnp.inf)
    ),
    "inputs.dtype must be real; got inputs.dtype=complex64.": (
        lambda x: jaxpool.segment_std_pool(x.astype(complex), jnp.zeros(4, jnp.int32), 2)
    ),
    "takes no argument batch; got batch=an array of int32 with shape (4,). Write segment_ids= instead.": (
        lambda x: jaxpool.segment_avg_pool(x, batch=jnp.zeros(4, jnp.int32), num_segments=2)
    ),
    "takes no argument size; got size=2. Write num_segments= instead.": (
        lambda x: jaxpool.segment_avg_pool(x, jnp.zeros(4, jnp.int32), size=2)
    ),
}


@pytest.mark.parametrize("message", REFUSED)
def test_wrong_sets_are_refused(message):
    with pytest.raises((TypeError, ValueError)) as error:
        REFUSED[message](jnp.zeros((4, 3)))
    assert message in str(error.value)
    assert str(error.value).startswith("segment_")


def test_names_of_other_libraries():
    for theirs, ours in (
        ("segment_sum", "segment_sum_pool"),
        ("segment_max", "segment_max_pool"),
        ("global_add_pool", "segment_sum_pool"),
        ("last_token_pool", "global_last_pool"),
    ):
        with pytest.raises(AttributeError, match=rf"Write jaxpool\.{ours}"):
            getattr(jaxpool, theirs)


# The readouts of PyTorch Geometric, in loops, beside what PORTING.md says to write.
X = np.random.default_rng(4).normal(size=(9, 3))
BATCH = np.array([0, 0, 0, 0, 2, 2, 3, 3, 3])
SCORE = np.random.default_rng(5).permutation(9) / 3


def per_graph(function):
    return np.stack([function(np.flatnonzero(graph == BATCH)) for graph in range(4)])


def reads(of):
    return lambda nodes: of(X[nodes]) if nodes.size else np.zeros(3)


def softmax_of(nodes, scores):
    shares = np.exp(scores) / np.exp(scores).sum(0)
    return (shares * X[nodes]).sum(0)


READOUTS = {
    "segment_avg_pool(x, batch, size)": reads(lambda x: x.mean(0)),
    "segment_sum_pool(x, batch, size)": reads(lambda x: x.sum(0)),
    "segment_max_pool(x, batch, size)": reads(lambda x: x.max(0)),
    "segment_var_pool(x, batch, size)": reads(lambda x: (x**2).mean(0) - x.mean(0) ** 2),
    "segment_std_pool(x, batch, size)": reads(lambda x: np.sqrt((x**2).mean(0) - x.mean(0) ** 2)),
    "segment_softmax_pool(x, batch, size, beta=t)": lambda nodes: softmax_of(nodes, 1.5 * X[nodes]),
    "segment_softmax_pool(x, batch, size, logits=gate(x))": lambda nodes: softmax_of(
        nodes, X[nodes] @ [[1], [2], [-1]]
    ),
    "segment_avg_pool(x, batch, size, where=kept[:, None])": lambda nodes: (
        X[nodes[np.argsort(-SCORE[nodes])[:2]]].mean(0) if nodes.size else np.zeros(3)
    ),
}


@every_order
@pytest.mark.parametrize("code", READOUTS)
def test_readouts_of_graphs(code, ordered):
    order = np.arange(9) if ordered else np.random.default_rng(6).permutation(9)
    names = {"jnp": jnp, **{name: getattr(jaxpool, name) for name in jaxpool.__all__}}
    names |= {"x": jnp.asarray(X[order], jnp.float32), "batch": jnp.asarray(BATCH[order]), "size": 4, "t": 1.5, "k": 2}
    names |= {"gate": lambda x: x @ jnp.array([[1.0], [2.0], [-1.0]]), "score": jnp.asarray(SCORE[order], jnp.float32)}
    for name, line in (
        ("order", "order = jnp.lexsort((-score, batch))"),
        ("start", "start = jnp.searchsorted(batch[order], batch)"),
        ("rank", "rank = jnp.argsort(order) - start"),
        ("kept", "rank < k"),
    ):
        assert f"`{line}`" in PORTING
        names[name] = eval(line.split(" = ")[-1], names)
    assert f"`{code}`" in PORTING
    with jax.default_matmul_precision("highest"):
        close(eval(code, names), per_graph(READOUTS[code]), atol=1e-5)


def test_modules_take_sets_in_the_call():
    x, batch = jnp.asarray(X, jnp.float32), jnp.asarray(BATCH)
    for api in (jaxpool.linen, jaxpool.nnx):
        module = api.SegmentSoftmaxPool(4, indices_are_sorted=True)
        close(module(x, batch, beta=2.0), jaxpool.segment_softmax_pool(x, batch, 4, beta=2.0))
        with pytest.raises(TypeError, match=r"Give segment_ids in the call: SegmentMaxPool\(8\)\(x, segment_ids\)"):
            api.SegmentMaxPool(4, batch=batch)
