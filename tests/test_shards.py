"""Pools of arrays whose spatial axes devices share: equal to those of one device, and no byte too many on the way."""

import functools
import math
import re

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from flax.linen import pooling
from jax import lax
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P

import jaxpool

# Each of 16 elements, so that 8 devices share each of them with stride 2.
SHAPE = (2, 16, 16, 16, 3)
MESHES = {
    "8": ((8,), P(None, "a")),
    "2x4": ((2, 4), P(None, "b", None, "a")),
    "2x2x2": ((2, 2, 2), P(None, "c", "a", "b")),
}
SAME = {"window_shape": (3, 3, 3), "strides": 2, "padding": "SAME"}
DENSE = {"window_shape": (3, 2, 3), "padding": "SAME"}
DILATED = {"window_shape": (3, 3, 2), "strides": 2, "padding": ((1, 2), (2, 1), (1, 1)), "window_dilation": 2}
CEIL = {"window_shape": (3, 3, 3), "strides": 2, "ceil_mode": True}


def some(shape, seed, dtype=np.float32):
    """Numbers with many ties."""
    return np.random.default_rng(seed).integers(-6, 7, shape).astype(dtype)


MASK = some((2, 16, 16, 16, 1), 1) > -3


def pools():
    """Name, pool of one array, whether its values are exact, and the bytes per element of masks that it brings."""
    extremum = {
        "max_pool": functools.partial(jaxpool.max_pool, **SAME),
        "max_pool, dense": functools.partial(jaxpool.max_pool, **DENSE),
        "max_pool, dilated": functools.partial(jaxpool.max_pool, **DILATED),
        "max_pool, ceil": functools.partial(jaxpool.max_pool, **CEIL),
        "max_pool, input": functools.partial(jaxpool.max_pool, **SAME, residual="input"),
        "min_pool, edges": functools.partial(jaxpool.min_pool, **SAME, padding_mode="EDGE"),
        "median_pool": functools.partial(jaxpool.median_pool, **SAME | {"window_shape": (3, 2, 2)}),
        "pool, maximum": lambda x, **names: jaxpool.pool(x, -3.0, jnp.maximum, **SAME, **names),
        "rank_pool, dilated": functools.partial(jaxpool.rank_pool, **DILATED, rank=1),
    }
    sums = {
        "avg_pool": functools.partial(jaxpool.avg_pool, **SAME),
        "avg_pool, dense": functools.partial(jaxpool.avg_pool, **DENSE),
        "avg_pool, without padding": functools.partial(jaxpool.avg_pool, **SAME, count_include_pad=False),
        "avg_pool, ceil": functools.partial(jaxpool.avg_pool, **CEIL),
        "avg_pool, dilated": functools.partial(jaxpool.avg_pool, **DILATED),
        "avg_pool, ceil and edges": functools.partial(jaxpool.avg_pool, **CEIL, padding_mode="EDGE"),
        "sum_pool, separable": functools.partial(jaxpool.sum_pool, **SAME, implementation="separable"),
        "lp_pool": functools.partial(jaxpool.lp_pool, **SAME, p=3.0),
        "lp_pool, infinite": functools.partial(jaxpool.lp_pool, **SAME, p=math.inf),
        "power_mean_pool": functools.partial(jaxpool.power_mean_pool, **SAME, p=2.0, count_include_pad=False),
        "var_pool": functools.partial(jaxpool.var_pool, **SAME),
        "std_pool, dilated": functools.partial(jaxpool.std_pool, **DILATED, ddof=1),
        "softmax_pool": functools.partial(jaxpool.softmax_pool, **SAME),
        "lse_pool": functools.partial(jaxpool.lse_pool, **SAME, beta=2.0),
        "blur_pool": functools.partial(jaxpool.blur_pool, **SAME, count_include_pad=False),
        "mixed_pool": functools.partial(jaxpool.mixed_pool, **SAME, alpha=0.25),
        "topk_pool": functools.partial(jaxpool.topk_pool, **SAME | {"window_shape": (3, 2, 2)}, k=2),
        "pool, products": lambda x, **names: jaxpool.pool(1 + x / 8, 1.0, lax.mul, **DENSE, **names),
    }
    rows = [pytest.param(pool, True, 0, id=name) for name, pool in extremum.items()]
    rows += [pytest.param(pool, False, 0, id=name) for name, pool in sums.items()]
    rows += [
        pytest.param(functools.partial(jaxpool.max_pool, **SAME, where=MASK), True, 2, id="max_pool, masked"),
        pytest.param(functools.partial(jaxpool.avg_pool, **SAME, where=MASK), False, 2, id="avg_pool, masked"),
        pytest.param(functools.partial(jaxpool.lp_pool, **SAME, p=2.0, where=MASK), False, 2, id="lp_pool, masked"),
    ]
    return rows


def mesh_of(name, kind=AxisType.Explicit):
    sizes, spec = MESHES[name]
    names = ("a", "b", "c")[: len(sizes)]
    return jax.make_mesh(sizes, names, axis_types=(kind,) * len(sizes)), spec


def both(pool):
    def run(x):
        y, pull = jax.vjp(pool, x)
        return y, pull(jnp.cos(y))[0]

    return run


BYTES = {"f32": 4, "s32": 4, "u8": 1, "pred": 1, "bf16": 2, "f16": 2, "u16": 2}


def bytes_sent(text):
    """What a device sends to others in a compiled program, by kind of operation."""
    sent = {}
    for results, kind in re.findall(r" = (.+?) (collective-\w+|all-\w+|reduce-scatter)\(", text):
        for dtype, shape in re.findall(r"(\w+)\[([\d,]*)\]", results):
            elements = math.prod(map(int, filter(None, shape.split(","))))
            sent[kind] = sent.get(kind, 0) + elements * BYTES[dtype]
    return sent


def halo_elements(shape, spec, mesh, pool):
    """How many elements outside its shard a device between others needs, with features."""
    options = pool.keywords if isinstance(pool, functools.partial) else SAME
    window = options["window_shape"]
    steps, dilations = (np.broadcast_to(options.get(name, 1), 3) for name in ("strides", "window_dilation"))
    own, wide = 1, 1
    for axis, name in enumerate((*spec, *[None] * 5)[:5]):
        size = shape[axis] // (mesh.shape[name] if name else 1)
        halo = 0
        if name and 1 <= axis <= 3:
            reach = (window[axis - 1] - 1) * dilations[axis - 1] + 1 - steps[axis - 1]
            halo = max(reach, 0)
        own, wide = own * size, wide * (size + halo)
    return wide - own


@pytest.mark.parametrize("mesh_name", MESHES)
@pytest.mark.parametrize(("pool", "exact", "bytes_of_masks"), pools())
def test_shards_pool_as_one_array_and_exchange_their_halos_only(mesh_name, pool, exact, bytes_of_masks):
    x = jnp.asarray(some(SHAPE, 0)) + (0 if exact else 0.125)
    expected = jax.jit(both(pool))(x)
    mesh, spec = mesh_of(mesh_name)
    with jax.set_mesh(mesh):
        sharded = jax.device_put(x, spec)
        compiled = jax.jit(both(pool)).lower(sharded).compile()
        y, slope = compiled(sharded)
    assert jax.typeof(y).sharding.spec[:4] == (*spec, None, None, None, None)[:4]
    assert jax.typeof(slope).sharding == jax.typeof(sharded).sharding
    if exact:
        np.testing.assert_array_equal(y, expected[0])
    for got, wanted in zip((y, slope), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-5)
    assert bytes_sent(compiled.as_text()) == bytes_of_halos(pool, exact, spec, mesh, bytes_of_masks)


def bytes_of_halos(pool, exact, spec, mesh, bytes_of_masks):
    """What a device sends to others, forward and back."""
    function = (
        pool if isinstance(pool, functools.partial) else functools.partial(pool, **DENSE if exact is False else SAME)
    )
    elements = halo_elements(SHAPE, spec, mesh, function)
    masks = halo_elements((2, 16, 16, 16, 1), spec, mesh, function) if bytes_of_masks else 0
    return {"collective-permute": 8 * elements + masks} if elements else {}


@pytest.mark.parametrize("mesh_name", MESHES)
@pytest.mark.parametrize(("pool", "exact", "bytes_of_masks"), pools())
def test_shards_on_automatic_axes_that_are_named_exchange_the_same(mesh_name, pool, exact, bytes_of_masks):
    x = jnp.asarray(some(SHAPE, 0)) + (0 if exact else 0.125)
    expected = jax.jit(both(pool))(x)
    mesh, spec = mesh_of(mesh_name, AxisType.Auto)
    # No mesh is set: the array is on one.
    sharded = jax.device_put(x, NamedSharding(mesh, spec))
    named = functools.partial(pool, spatial_axis_names=(*spec, None, None, None)[1:4])
    compiled = jax.jit(both(named)).lower(sharded).compile()
    y, slope = compiled(sharded)
    assert y.sharding.is_equivalent_to(sharded.sharding, y.ndim)
    assert slope.sharding.is_equivalent_to(sharded.sharding, slope.ndim)
    if exact:
        np.testing.assert_array_equal(y, expected[0])
    for got, wanted in zip((y, slope), expected, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=2e-5, atol=2e-5)
    assert bytes_sent(compiled.as_text()) == bytes_of_halos(pool, exact, spec, mesh, bytes_of_masks)


def nasty(shape, seed, dtype):
    """Ties everywhere, and of floats infinities and NaN, whole windows of -inf at the ends included."""
    x = some(shape, seed, np.int32)
    if not jnp.issubdtype(dtype, jnp.floating):
        return jnp.asarray(x).astype(dtype)
    x = np.where(x == 6, np.nan, np.where(x < -3, -np.inf, x))
    x[:, :3], x[:, -2:], x[0, :, :2, :2] = -np.inf, -np.inf, -np.inf
    return jnp.asarray(x).astype(dtype)


@pytest.mark.parametrize("options", [SAME, DENSE, DILATED, CEIL, SAME | {"padding_mode": "REFLECT"}], ids=str)
@pytest.mark.parametrize("convention", ["spatial", "window", "coordinates"])
@pytest.mark.parametrize("mesh_name", ["2x4", "2x2x2"])
@pytest.mark.parametrize("pool", [jaxpool.max_pool_with_argmax, jaxpool.min_pool_with_argmin])
def test_indices_of_shards_are_those_of_the_whole(pool, mesh_name, convention, options):
    run = functools.partial(pool, **options, index_convention=convention)
    dtypes = [jnp.float32, jnp.bfloat16, jnp.int8]
    arrays = [nasty((1, 16, 8, 16, 2), seed, dtype) for seed, dtype in enumerate(dtypes)]
    masked = functools.partial(run, where=np.random.default_rng(0).random((1, 16, 1, 16, 1)) < 0.5)

    def everything(arrays):
        return [run(x) for x in arrays] + [masked(arrays[0])]

    expected = jax.jit(everything)(arrays)
    mesh, spec = mesh_of(mesh_name)
    with jax.set_mesh(mesh):
        found = jax.jit(everything)([jax.device_put(x, spec) for x in arrays])
    chex.assert_trees_all_equal(jax.device_get(found), jax.device_get(expected))


def test_gradients_at_the_ends_go_to_real_elements():
    # The first windows hold nothing but -inf, which is a value as any other.
    x = nasty((1, 16, 16, 16, 1), 3, jnp.float32)
    pool = functools.partial(jaxpool.max_pool, **SAME)
    gradient = jax.jit(lambda x: jax.vjp(pool, x)[1](jnp.ones_like(pool(x)))[0])
    expected = gradient(x)
    assert expected[:, :3].sum() > 0
    mesh, spec = mesh_of("2x2x2")
    with jax.set_mesh(mesh):
        np.testing.assert_array_equal(gradient(jax.device_put(x, spec)), expected)


@pytest.mark.parametrize("count", [2, 4, 8])
@pytest.mark.parametrize("mode", [None, "WRAP"])
@pytest.mark.parametrize("name", ["max_pool", "avg_pool"])
def test_windows_may_reach_over_several_shards(name, mode, count):
    x = jnp.asarray(some((16, 3), 4))
    pool = functools.partial(
        getattr(jaxpool, name), window_shape=(13,), padding=((4, 8),), padding_mode=mode, window_dilation=1
    )
    expected = jax.jit(both(pool))(x)
    mesh = jax.make_mesh((count,), ("a",), axis_types=(AxisType.Explicit,), devices=jax.devices()[:count])
    with jax.set_mesh(mesh):
        found = jax.jit(both(pool))(jax.device_put(x, P("a")))
    chex.assert_trees_all_close(jax.device_get(found), jax.device_get(expected), rtol=1e-5, atol=1e-5)


# What makes a mask, weights or taps of shards special: shards of one element, arrays with size 1 along what is shared,
# taps that reach no element, windows that step over the nearest one.
SHORT = {"window_shape": (5, 3), "padding": ((2, 2), (2, 2)), "window_dilation": (1, 2)}
ODD = {
    "avg_pool, mask of columns": (jaxpool.avg_pool, SHORT, {"where": (1, 8, 1)}),
    "avg_pool, mask of rows": (jaxpool.avg_pool, SHORT | {"count_include_pad": False}, {"where": (4, 1, 1)}),
    "avg_pool, mask in ceil mode": (
        jaxpool.avg_pool,
        {"window_shape": (1, 4), "strides": (1, 2), "ceil_mode": True, "padding": ((0, 0), (1, 0))}
        | {"padding_mode": "EDGE"},
        {"where": (1, 1, 2)},
    ),
    "max_pool, mask": (jaxpool.max_pool, SHORT | {"empty": 0}, {"where": (4, 8, 2)}),
    "max_pool, constant": (jaxpool.max_pool, SHORT | {"padding_value": 1}, {}),
    "argmax": (jaxpool.max_pool_with_argmax, SHORT, {}),
    "argmin, mask": (jaxpool.min_pool_with_argmin, SHORT | {"index_convention": "window"}, {"where": (1, 8, 1)}),
    "blur_pool": (jaxpool.blur_pool, SHORT, {}),
    "blur_pool, mask": (jaxpool.blur_pool, SHORT | {"count_include_pad": False}, {"where": (4, 8, 1)}),
    "lp_pool, other ends": (
        functools.partial(jaxpool.lp_pool, p=3.0),
        {"window_shape": (5, 1), "padding": ((2, 2), (0, 0)), "padding_mode": "WRAP"},
        {},
    ),
    "softmax_pool, beta": (jaxpool.softmax_pool, SHORT, {"beta": (4, 8, 1), "logits": (1, 8, 2)}),
    "mixed_pool, alpha": (jaxpool.mixed_pool, SHORT, {"alpha": (1, 1, 2), "where": (4, 1, 2)}),
}


@pytest.mark.parametrize(
    ("name", "names"),
    [*((name, False) for name in ODD), *((name, True) for name in ("max_pool, mask", "blur_pool, mask"))],
)
def test_arrays_beside_the_inputs_and_short_shards(name, names):
    function, options, shapes = ODD[name]
    x = jnp.asarray(some((4, 8, 2), 16))
    if "max" in name or "min" in name:
        x = jnp.where(jnp.abs(x) > 3, jnp.inf if "min" in name else -jnp.inf, x)
    arrays = {key: jnp.asarray(some(shape, 17)) for key, shape in shapes.items()}
    arrays = {key: array > 0 if key == "where" else jnp.abs(array) / 8 for key, array in arrays.items()}

    def run(x, arrays, **more):
        def pool(x):
            return function(x, **options, **arrays, **more)

        y, pull = jax.vjp(pool, x)
        slopes = [jnp.cos(part).astype(part.dtype) for part in jax.tree.leaves(y)]
        slopes = [s if "float" in str(s.dtype) else np.zeros(s.shape, jax.dtypes.float0) for s in slopes]
        slopes = [s if s.dtype == jax.dtypes.float0 else jnp.where(jnp.isnan(s), 1, s) for s in slopes]
        return y, pull(jax.tree.unflatten(jax.tree.structure(y), slopes))

    expected = jax.jit(run)(x, arrays)
    kind = AxisType.Auto if names else AxisType.Explicit
    mesh = jax.make_mesh((4, 2), ("a", "b"), axis_types=(kind,) * 2)
    if names:
        specs = {
            key: P(*["ab"[i] if size > 1 else None for i, size in enumerate(array.shape[:2])])
            for key, array in arrays.items()
        }
        run = functools.partial(run, spatial_axis_names=("a", "b"))
        run = jax.shard_map(run, mesh=mesh, in_specs=(P("a", "b"), specs), out_specs=P("a", "b"))
    with jax.set_mesh(mesh):
        found = jax.jit(run)(jax.device_put(x, P("a", "b")), arrays)
    chex.assert_trees_all_close(jax.device_get(found), jax.device_get(expected), rtol=2e-5, atol=2e-5)


def test_a_padding_mode_pads_what_scales_the_logits():
    x = jnp.asarray(some((8, 2), 18))
    found = jaxpool.softmax_pool(x, (3,), 1, 1, beta=jnp.abs(x), padding_mode="EDGE")
    wide = jnp.pad(x, ((1, 1), (0, 0)), mode="edge")
    np.testing.assert_allclose(found, jaxpool.softmax_pool(wide, (3,), beta=jnp.abs(wide)), rtol=1e-6)


@pytest.mark.parametrize(("window", "dilation"), [(3, 2), (2, 5), (13, 1)])
def test_gradients_at_the_ends_where_windows_step_over_elements_or_shards(window, dilation):
    # Nothing but -inf: each window has the gradient of its first real element.
    x = jnp.full((16, 1), -jnp.inf)
    reach = (window - 1) * dilation

    def run(x):
        pool = functools.partial(jaxpool.max_pool, window_shape=(window,), padding=((reach // 2, reach - reach // 2),))
        y, pull = jax.vjp(functools.partial(pool, window_dilation=dilation), x)
        return pull(jnp.ones_like(y))[0]

    expected = jax.jit(run)(x)
    assert expected.sum() == 16
    mesh = jax.make_mesh((8,), ("a",), axis_types=(AxisType.Explicit,))
    with jax.set_mesh(mesh):
        np.testing.assert_array_equal(jax.jit(run)(jax.device_put(x, P("a"))), expected)


def test_vmap_over_what_the_mesh_splits_too():
    x = jnp.asarray(some((4, 8, 2), 19))
    pool = jax.vmap(functools.partial(jaxpool.max_pool_with_argmax, window_shape=(3,), padding="SAME"))
    expected = pool(x)
    mesh = jax.make_mesh((4, 2), ("a", "b"), axis_types=(AxisType.Explicit,) * 2)
    with jax.set_mesh(mesh):
        found = jax.jit(pool)(jax.device_put(x, P("a", "b")))
    assert jax.typeof(found[0]).sharding.spec == P("a", "b", None)
    chex.assert_trees_all_equal(jax.device_get(found), jax.device_get(expected))


def test_windows_longer_than_the_whole_axis():
    x = jnp.asarray(some((8, 2), 4))
    pool = functools.partial(jaxpool.max_pool_with_argmax, window_shape=(31,), padding=15, index_convention="window")
    expected = jax.jit(pool)(x)
    mesh = jax.make_mesh((4,), ("a",), axis_types=(AxisType.Explicit,), devices=jax.devices()[:4])
    with jax.set_mesh(mesh):
        chex.assert_trees_all_equal(jax.device_get(jax.jit(pool)(jax.device_put(x, P("a")))), jax.device_get(expected))


@pytest.mark.parametrize("convention", ["window", "spatial"])
def test_unpooling_of_shards(convention):
    x = jnp.asarray(some((2, 16, 8, 4), 5))

    def run(x):
        options = {"window_shape": (3, 3), "strides": 2, "padding": ((1, 0), (0, 1)), "index_convention": convention}
        y, indices = jaxpool.max_pool_with_argmax(x, **options)
        spread = jaxpool.avg_unpool(y, (3, 3), 2, ((1, 0), (0, 1)), output_shape=(16, 8))
        return jaxpool.max_unpool(y, indices, **options, output_shape=(16, 8), duplicates="add"), spread

    expected = jax.jit(run)(x)
    mesh = jax.make_mesh((4, 2), ("a", "b"), axis_types=(AxisType.Explicit,) * 2)
    with jax.set_mesh(mesh):
        found = jax.jit(run)(jax.device_put(x, P(None, "a", "b")))
    chex.assert_trees_all_close(jax.device_get(found), jax.device_get(expected), rtol=1e-6)


def test_transformations_of_sharded_pools():
    x, dx = jnp.asarray(some((16, 8, 2), 6)), jnp.asarray(some((16, 8, 2), 7))
    mesh = jax.make_mesh((4, 2), ("a", "b"), axis_types=(AxisType.Explicit,) * 2)

    def largest(x):
        return jaxpool.max_pool(x, (3, 3), 2, "SAME")

    def mean(x):
        return jaxpool.avg_pool(jnp.sin(x), (3, 3), 2, "SAME", False)

    def run(x, dx):
        loss = lambda x: jnp.sum(largest(x) * mean(x))  # noqa: E731
        twice = jax.vmap(lambda x: largest(x) + mean(x))(jnp.stack([x, dx]))
        kept = jax.grad(jax.checkpoint(loss))(x)
        return jax.jvp(jax.grad(loss), (x,), (dx,)), twice, kept, jax.linearize(mean, x)[1](dx)

    expected = jax.jit(run)(x, dx)
    with jax.set_mesh(mesh):
        found = jax.jit(run)(*(jax.device_put(array, P("a", "b")) for array in (x, dx)))
        eager = largest(jax.device_put(x, P("a", "b")))
    chex.assert_trees_all_close(jax.device_get(found), jax.device_get(expected), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(eager, largest(x))
    # The sharding of an array says all; no mesh needs to be set.
    alone = jax.device_put(x, NamedSharding(mesh, P("a", "b")))
    np.testing.assert_array_equal(largest(alone), largest(x))
    assert jax.typeof(largest(alone)).sharding.spec == P("a", "b", None)


def test_space_and_batch_and_channels_at_once():
    x = jnp.asarray(some((4, 16, 8, 4), 8))
    pool = functools.partial(jaxpool.max_pool_with_argmax, window_shape=(3, 3), strides=2, padding="SAME")
    expected = jax.jit(pool)(x)
    mesh = jax.make_mesh((2, 2, 2), ("a", "b", "c"), axis_types=(AxisType.Explicit,) * 3)
    for spec in (P("a", "b", None, "c"), P(None, ("a", "c"), "b"), P("c", ("b", "a"), None, None)):
        with jax.set_mesh(mesh):
            sharded = jax.device_put(x, spec)
            compiled = jax.jit(pool).lower(sharded).compile()
            chex.assert_trees_all_equal(jax.device_get(compiled(sharded)), jax.device_get(expected))
        assert set(bytes_sent(compiled.as_text())) == {"collective-permute"}


@pytest.mark.parametrize(
    "pool",
    [
        functools.partial(jaxpool.fractional_max_pool, key=jax.random.key(3), output_size=(5, 3), window_shape=(2, 2)),
        functools.partial(jaxpool.adaptive_max_pool, output_size=(5, 3)),
        functools.partial(jaxpool.spectral_pool, output_size=(7, 3)),
    ],
    ids=["fractional_max_pool", "adaptive_max_pool", "spectral_pool"],
)
def test_what_is_gathered_needs_no_mesh_set(pool):
    x = jnp.asarray(some((2, 16, 8, 4), 20))
    mesh = jax.make_mesh((4, 2), ("a", "b"), axis_types=(AxisType.Explicit,) * 2)
    sharded = jax.device_put(x, NamedSharding(mesh, P(None, "a", "b")))
    assert jax.sharding.get_abstract_mesh().empty
    for run in (pool, jax.jit(pool)):
        chex.assert_trees_all_close(jax.device_get(run(sharded)), jax.device_get(pool(x)), rtol=1e-5, atol=1e-6)


# How a batch of images lies on automatic axes, and the names of those that split its space.
LAYOUTS = {
    "8": ((8,), P(None, "a"), ("a", None)),
    "2x4": ((2, 4), P(None, "a", "b"), ("a", "b")),
    "batch and rows": ((2, 4), P("a", "b"), ("b", None)),
    "both on rows": ((2, 4), P(None, ("b", "a")), (("b", "a"), None)),
    "channels and columns": ((2, 4), P(None, None, "b", "a"), (None, "b")),
}


def on_automatic_axes(layout, shape=(4, 64, 64, 16)):
    sizes, spec, names = LAYOUTS[layout]
    mesh = jax.make_mesh(sizes, ("a", "b")[: len(sizes)], axis_types=(AxisType.Auto,) * len(sizes))
    return jax.device_put(jnp.asarray(some(shape, 21)), NamedSharding(mesh, spec)), names


def bytes_brought(function, x):
    """By a program whose results lie as its input."""
    # Flax divides floats by integers.
    with jax.numpy_dtype_promotion("standard"):
        compiled = jax.jit(function, out_shardings=x.sharding).lower(x).compile()
    return sum(bytes_sent(compiled.as_text()).values())


@pytest.mark.parametrize("window", [(2, 2), (3, 3), (13, 13)], ids=str)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["max_pool", "min_pool", "avg_pool", "sum_pool"])
def test_named_automatic_axes_send_no_more_than_the_pools_of_flax(name, layout, window):
    x, names = on_automatic_axes(layout)
    step = 1 if window == (13, 13) else 2
    ours = functools.partial(getattr(jaxpool, name), window_shape=window, strides=step, padding="SAME")
    sums = functools.partial(pooling.pool, init=0.0, reduce_fn=lax.add)
    theirs = {
        "max_pool": pooling.max_pool,
        "min_pool": pooling.min_pool,
        "avg_pool": pooling.avg_pool,
        "sum_pool": sums,
    }[name]
    theirs = functools.partial(theirs, window_shape=window, strides=(step, step), padding="SAME")
    named = functools.partial(ours, spatial_axis_names=names)
    gradients = [lambda x, pool=pool: both(pool)(x)[1] for pool in (named, theirs)]
    forward, gradient = bytes_brought(named, x), bytes_brought(gradients[0], x)
    assert forward <= bytes_brought(theirs, x)
    assert gradient <= bytes_brought(gradients[1], x)
    rows, columns = (64 // math.prod(x.sharding.mesh.shape[n] for n in np.atleast_1d(a)) if a else 64 for a in names)
    reach = [window[0] - step if a else 0 for a in names]
    halo = (rows + reach[0]) * (columns + reach[1]) - rows * columns
    batch, channels = x.sharding.shard_shape(x.shape)[0], x.sharding.shard_shape(x.shape)[3]
    assert (forward, gradient) == tuple(times * 4 * halo * batch * channels for times in (1, 2))
    for got, wanted in zip(jax.jit(both(named))(x), both(ours)(jax.device_get(x)), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_native_windows_on_automatic_axes_send_what_those_of_flax_do(layout):
    x, _ = on_automatic_axes(layout)
    for name in ("max_pool", "avg_pool"):
        ours = functools.partial(
            getattr(jaxpool, name), window_shape=(3, 3), strides=2, padding="SAME", implementation="reduce_window"
        )
        theirs = functools.partial(getattr(pooling, name), window_shape=(3, 3), strides=(2, 2), padding="SAME")
        assert 0 < bytes_brought(ours, x) == bytes_brought(theirs, x)
    ours, theirs = (lambda x, pool=pool: both(pool)(x)[1] for pool in (ours, theirs))
    assert 0 < bytes_brought(ours, x) == bytes_brought(theirs, x)


@pytest.mark.parametrize("kind", [AxisType.Auto, AxisType.Explicit], ids=["automatic", "explicit"])
@pytest.mark.parametrize(
    ("name", "window"),
    [
        ("max_pool", (3, 3)),
        ("avg_pool", (3, 3)),
        # Those that are stored between their steps.
        ("max_pool", (13, 13)),
        ("avg_pool", (13, 13)),
        ("var_pool", (3, 3)),
        ("softmax_pool", (3, 3)),
        ("median_pool", (3, 3)),
    ],
)
def test_a_batch_that_devices_share_needs_no_exchange(name, window, kind):
    # Larger than the planes: what algorithms append along an axis must not go there.
    x = jnp.asarray(some((64, 16, 16, 32), 22))
    mesh = jax.make_mesh((8,), ("a",), axis_types=(kind,))
    x = jax.device_put(x, NamedSharding(mesh, P("a")))
    pool = functools.partial(getattr(jaxpool, name), window_shape=window, padding="SAME")
    assert not bytes_brought(lambda x: both(pool)(x)[1], x)


def test_names_of_automatic_axes_under_transformations():
    x, names = on_automatic_axes("batch and rows", (4, 16, 16, 3))
    alone = jnp.asarray(jax.device_get(x))
    pool = functools.partial(jaxpool.max_pool, window_shape=(3, 3), strides=2, padding="SAME")
    named = functools.partial(pool, spatial_axis_names=names)
    expected = pool(alone)
    mesh = x.sharding.mesh

    def through(pool, x):
        loss = lambda x: jnp.sum(jnp.sin(jax.checkpoint(pool)(x)) ** 2)  # noqa: E731
        return jax.jvp(jax.grad(loss), (x,), (jnp.cos(x),))[1], jax.vmap(pool)(x), lax.map(pool, x)

    found = jax.jit(functools.partial(through, named))(x)
    chex.assert_trees_all_close(jax.device_get(found), jax.device_get(through(pool, alone)), rtol=1e-5, atol=1e-5)
    np.testing.assert_array_equal(named(x), expected)
    # Below a map over the batch alone, and of arrays that lie nowhere yet.
    mapped = jax.shard_map(named, mesh=mesh, in_specs=P("a"), out_specs=P("a"), axis_names={"a"})
    np.testing.assert_array_equal(jax.jit(mapped)(x), expected)
    with jax.set_mesh(mesh):
        np.testing.assert_array_equal(jax.jit(named)(alone), expected)
        valid = jax.device_get(alone[..., :1]) > -3
        np.testing.assert_array_equal(named(alone, where=valid), pool(alone, where=valid))
    shape = jax.ShapeDtypeStruct(x.shape, x.dtype, sharding=x.sharding)
    exported = jax.export.deserialize(jax.export.export(jax.jit(named))(shape).serialize())
    np.testing.assert_array_equal(jax.jit(exported.call)(x), expected)


@pytest.mark.parametrize("spec", [P("a", "b"), P(None, "b", "a")], ids=["batch", "columns"])
def test_names_of_automatic_axes_beside_explicit_ones(spec):
    x = jnp.asarray(some((4, 16, 16, 3), 23))
    pool = functools.partial(jaxpool.max_pool, window_shape=(3, 3), strides=2, padding="SAME")
    mesh = jax.make_mesh((2, 4), ("a", "b"), axis_types=(AxisType.Explicit, AxisType.Auto))
    sharded = jax.device_put(x, NamedSharding(mesh, spec))
    named = functools.partial(pool, spatial_axis_names=("b", None))
    y = jax.jit(named)(sharded)
    np.testing.assert_array_equal(y, pool(x))
    assert jax.typeof(y).sharding.spec == P(*(name if name == "a" else None for name in (*spec, None, None, None)[:4]))
    valid = np.asarray(x[..., :1]) > -3
    with jax.set_mesh(mesh):
        np.testing.assert_array_equal(jax.jit(functools.partial(named, where=valid))(sharded), pool(x, where=valid))


def test_names_that_no_mesh_has_are_refused():
    x, _ = on_automatic_axes("batch and rows", (4, 16, 16, 3))
    pool = functools.partial(jaxpool.max_pool, window_shape=(3, 3), strides=2, padding="SAME")
    explicit = jax.make_mesh((2, 4), ("a", "b"), axis_types=(AxisType.Explicit,) * 2)
    arrays = [(x, "c"), (jax.device_get(x), "b"), (jax.device_put(x, NamedSharding(explicit, P("a", "b"))), "b")]
    for array, name in arrays:
        with pytest.raises(ValueError, match="or automatic axes of the inputs' mesh; got"):
            pool(array, spatial_axis_names=(name, None))
    with pytest.raises(ValueError, match="Use a size of 8 or 16"):
        pool(x[:, :12], spatial_axis_names=("b", None))


@pytest.mark.parametrize("devices", [2, 4])
@pytest.mark.parametrize(
    "pool",
    [
        lambda x: jaxpool.max_pool(x, (8, 1), (8, 1)),
        lambda x: jaxpool.max_pool(x, (8, 1), 3, ((1, 1), (0, 0))),
        lambda x: jaxpool.sum_pool(x, (8, 1), (8, 1)),
        lambda x: jaxpool.sum_pool(x, (7, 1), (3, 1), implementation="chain"),
        lambda x: jaxpool.adaptive_max_pool(x, (1, 1)),
        lambda x: jaxpool.windows(x, (3, 2), (3, 1), window_dilation=2),
        lambda x: jaxpool.haar_pool(x[:, :2]),
    ],
)
def test_a_single_window_on_an_axis_that_automatic_devices_share(pool, devices):
    """XLA partitions strided slices of one element wrongly: there must be none."""
    x = jnp.asarray(some((4, 8, 4, 2), 21)) + 0.125
    mesh = jax.make_mesh((devices,), ("a",), axis_types=(AxisType.Auto,), devices=jax.devices()[:devices])
    sharded = jax.device_put(x, NamedSharding(mesh, P(None, "a")))
    expected = jax.device_get(jax.jit(both(pool))(x))
    chex.assert_trees_all_close(jax.device_get(jax.jit(both(pool))(sharded)), expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("kinds", ["automatic explicit", "automatic mapped", "mapped explicit"])
def test_mesh_axes_of_two_kinds_are_refused(kinds):
    """But automatic and explicit axes may split different axes of the inputs."""
    kind_of = dict(zip("ab", kinds.split(), strict=True))
    types = tuple(AxisType.Explicit if kind == "explicit" else AxisType.Auto for kind in kind_of.values())
    mapped = {name for name, kind in kind_of.items() if kind == "mapped"}
    explicit = [name if kind == "explicit" else None for name, kind in kind_of.items()]
    names = tuple(name if kind_of[name] != "explicit" else None for name in "ab")
    if kinds == "automatic explicit":
        explicit.reverse()
    pool = functools.partial(jaxpool.max_pool, window_shape=(2, 2), strides=2, spatial_axis_names=names)
    with jax.set_mesh(jax.make_mesh((2, 2), ("a", "b"), axis_types=types)):
        x = jax.device_put(jnp.ones((2, 8, 8, 1)), P(None, *explicit))
        spec = P(None, *(name if name in mapped else None for name in "ab"))
        run = jax.shard_map(pool, in_specs=spec, out_specs=spec, axis_names=mapped) if mapped else pool
        with pytest.raises(ValueError, match="max_pool") as error:
            jax.jit(run)(x)
    first, second = kind_of.values()
    assert str(error.value) == (
        f"max_pool: spatial_axis_names must name mesh axes of one kind; got spatial_axis_names=('a',) for {first} axes "
        f"beside the {second} ('b',). Make all explicit and name none, make all automatic, or map over all with "
        "jax.shard_map."
    )


SHARDED = {"window_shape": (3, 3), "strides": 2, "padding": "SAME", "spatial_axis_names": ("a", None)}


@pytest.mark.parametrize(
    ("pool", "reference"),
    [
        (functools.partial(getattr(jaxpool, name), **SHARDED), functools.partial(getattr(jaxpool, name), **SAME_2D))
        for SAME_2D in [{key: value for key, value in SHARDED.items() if key != "spatial_axis_names"}]
        for name in ("max_pool", "avg_pool", "lse_pool", "var_pool", "median_pool", "blur_pool", "concat_pool")
    ],
)
@pytest.mark.parametrize("check_vma", [True, False])
def test_pools_of_shards_inside_shard_map(pool, reference, check_vma):
    x = jnp.asarray(some((2, 16, 6, 4), 9)) + 0.125
    expected = jax.jit(both(reference))(x)
    mesh = jax.make_mesh((4, 2), ("a", "b"), axis_types=(AxisType.Auto,) * 2)
    spec = P(None, "a")
    mapped = jax.shard_map(pool, mesh=mesh, in_specs=spec, out_specs=spec, check_vma=check_vma)
    found = jax.jit(both(mapped))(x)
    chex.assert_trees_all_close(jax.device_get(found), jax.device_get(expected), rtol=2e-5, atol=2e-5)
    # Inside, too, each shard has its gradient.
    inside = jax.shard_map(both(pool), mesh=mesh, in_specs=spec, out_specs=(spec, spec), check_vma=check_vma)
    chex.assert_trees_all_close(jax.device_get(jax.jit(inside)(x)), jax.device_get(expected), rtol=2e-5, atol=2e-5)


def test_modules_know_the_names_of_mesh_axes():
    x = jnp.asarray(some((2, 16, 6, 4), 9))
    mesh = jax.make_mesh((4, 2), ("a", "b"), axis_types=(AxisType.Auto,) * 2)
    for module in (nnx_pool(), linen_pool()):
        mapped = jax.shard_map(module, mesh=mesh, in_specs=P(None, "a"), out_specs=P(None, "a"))
        np.testing.assert_array_equal(jax.jit(mapped)(x), jaxpool.max_pool(x, (3, 3), 2, "SAME"))
        sharded = jax.device_put(x, NamedSharding(mesh, P(None, "a")))
        np.testing.assert_array_equal(jax.jit(module)(sharded), jaxpool.max_pool(x, (3, 3), 2, "SAME"))


def nnx_pool():
    import jaxpool.nnx

    pool = jaxpool.nnx.MaxPool(**SHARDED)
    assert isinstance(pool, nnx.Module)
    return pool


def linen_pool():
    import jaxpool.linen

    return functools.partial(jaxpool.linen.MaxPool(**SHARDED).apply, {})


def exchange(x, count, mode=None, **options):
    mesh = jax.make_mesh((count,), ("a",), axis_types=(AxisType.Auto,), devices=jax.devices()[:count])
    run = functools.partial(jaxpool.halo_exchange, axis_name="a", padding_mode=mode, **options)
    spec = P(*[None] * (options["axis"] % x.ndim), "a")
    return jax.shard_map(run, mesh=mesh, in_specs=spec, out_specs=spec)(x)


@pytest.mark.parametrize("count", [1, 2, 4])
@pytest.mark.parametrize("mode", [None, "EDGE", "REFLECT", "WRAP", "circular"])
@pytest.mark.parametrize(("before", "after"), [(1, 2), (0, 1), (2, 0), (0, 0)])
def test_halos_are_what_numpy_pads(count, mode, before, after):
    x = some((2, 12), 10)
    numpy_mode = {None: "constant", "circular": "wrap"}.get(mode, str(mode).lower())
    whole = np.pad(x, ((0, 0), (before, after)), mode=numpy_mode)
    size = 12 // count
    wanted = [whole[:, i * size : (i + 1) * size + before + after] for i in range(count)]
    for axis in (1, -1):
        found = exchange(jnp.asarray(x), count, mode, axis=axis, before=before, after=after)
        np.testing.assert_array_equal(found, np.concatenate(wanted, 1))


@pytest.mark.later
@pytest.mark.parametrize("mode", [None, "WRAP"])
def test_wide_halos_come_from_several_devices_and_go_back(mode):
    x = jnp.asarray(some((8, 3), 11))
    run = functools.partial(exchange, count=4, mode=mode, axis=0, before=5, after=3)
    whole = np.pad(x, ((5, 3), (0, 0)), mode="wrap" if mode else "constant")
    found = run(x)
    np.testing.assert_array_equal(found, np.concatenate([whole[i * 2 : i * 2 + 10] for i in range(4)]))
    g = jnp.asarray(some(found.shape, 12))
    (back,) = jax.linear_transpose(run, x)(g)
    assert jnp.vdot(found, g) == jnp.vdot(x, back)
    assert jnp.abs(back - g.reshape(4, 10, 3)[:, 5:7].reshape(8, 3)).sum() > 0
    chex.assert_trees_all_equal(jax.jvp(run, (x,), (x,)), (found, found))


def test_what_is_no_shard_is_refused_or_left_alone():
    x = jnp.ones((4, 4))
    names = functools.partial(jaxpool.max_pool, window_shape=(3,), padding=1, channel_axis=None, spatial_axis_names="v")
    for run in (names, functools.partial(jaxpool.halo_exchange, axis_name="v", axis=0, before=1)):
        with pytest.raises(ValueError, match=r"must name axes over which jax\.shard_map maps"):
            jax.vmap(run, axis_name="v")(x)
    mesh = jax.make_mesh((2,), ("a",), axis_types=(AxisType.Explicit,), devices=jax.devices()[:2])
    with jax.set_mesh(mesh), pytest.raises(ValueError, match="For the whole plane use the global pool"):
        jaxpool.max_pool(jax.device_put(x, P("a")), (4,), 4)
    assert exchange(jnp.ones((0,)), 2, axis=0).shape == (0,)


PLANES = {"num_spatial_dims": 3}
GLOBAL = {
    "global_max_pool": functools.partial(jaxpool.global_max_pool, **PLANES),
    "global_min_pool": functools.partial(jaxpool.global_min_pool, **PLANES, where=MASK),
    "global_avg_pool": functools.partial(jaxpool.global_avg_pool, **PLANES),
    "global_lp_pool": functools.partial(jaxpool.global_lp_pool, **PLANES, p=3.0, where=MASK),
    "global_power_mean_pool": functools.partial(jaxpool.global_power_mean_pool, **PLANES, p=math.inf),
    "global_softmax_pool": functools.partial(jaxpool.global_softmax_pool, **PLANES),
    "global_weighted": lambda x: jaxpool.global_weighted_avg_pool(x, jnp.abs(x) + 1, **PLANES),
    "global_lse_pool": functools.partial(jaxpool.global_lse_pool, **PLANES, where=MASK),
    "global_mixed_pool": functools.partial(jaxpool.global_mixed_pool, **PLANES, where=MASK, keepdims=True),
    "global_std_pool": functools.partial(jaxpool.global_std_pool, **PLANES),
}


@pytest.mark.parametrize("name", GLOBAL)
@pytest.mark.parametrize("mesh_name", ["2x4", "2x2x2"])
def test_global_pools_of_shared_planes_exchange_results_only(name, mesh_name):
    x = jnp.asarray(some(SHAPE, 13)) + 0.125
    expected = jax.jit(both(GLOBAL[name]))(x)
    mesh, spec = mesh_of(mesh_name)
    with jax.set_mesh(mesh):
        sharded = jax.device_put(x, spec)
        compiled = jax.jit(both(GLOBAL[name])).lower(sharded).compile()
        found = compiled(sharded)
    chex.assert_trees_all_close(jax.device_get(found), jax.device_get(expected), rtol=2e-5, atol=1e-5)
    sent = bytes_sent(compiled.as_text())
    # A few numbers per feature map, not the 16 x 16 x 16 elements of each.
    assert set(sent) == {"all-reduce"}
    assert sent["all-reduce"] <= 12 * 4 * 2 * 3


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8", "bool"])
@pytest.mark.parametrize("kind", ["max", "min"])
def test_indices_of_shared_planes(kind, dtype):
    if dtype == "bool":
        x = jnp.asarray(some((3, 8, 4, 16, 2), 14) > 5)
    else:
        x = nasty((3, 8, 4, 16, 2), 14, jnp.dtype(dtype))
        # One plane without NaN, one of equal elements.
        x = x.at[1].set(jnp.nan_to_num(x[1]) if "float" in dtype else x[1]).at[2].set(x[2, 0, 0, 0, 0])
    name = {"max": "global_max_pool_with_argmax", "min": "global_min_pool_with_argmin"}[kind]
    masks = [None, some((3, 8, 4, 16, 1), 15) > 4, np.zeros((1, 8, 1, 1, 1), bool)]
    masks[1][0, :4] = False

    def everything(x):
        return [getattr(jaxpool, name)(x, **PLANES, where=mask) for mask in masks]

    if dtype == "int8":
        # The worst value is one as any other: what is left out does not come first.
        x = x.at[0].set(jnp.iinfo(x.dtype).min if kind == "max" else jnp.iinfo(x.dtype).max)
    expected = jax.device_get(jax.jit(everything)(x))
    mesh, _ = mesh_of("2x2x2")
    for spec in (P(None, "a", "b", "c"), P(None, ("c", "a"), None, "b")):
        with jax.set_mesh(mesh):
            found = jax.device_get(jax.jit(everything)(jax.device_put(x, spec)))
        chex.assert_trees_all_equal(found, expected)


@pytest.mark.parametrize("name", ["avg", "max", "lp", "min"])
def test_adaptive_bins_within_shards_need_no_exchange(name):
    x = jnp.asarray(some((2, 16, 9, 8, 3), 16)) + 0.125
    pool = getattr(jaxpool, f"adaptive_{name}_pool")

    def run(x):
        valid = x[..., :1] > -3
        # 12 bins of 16 elements share some, but those of one of four shards lie in it.
        return both(lambda x: pool(x, (12, 4, None)))(x), pool(x, (8, 2, 4), where=valid)

    expected = jax.jit(run)(x)
    mesh = jax.make_mesh((4, 2), ("a", "b"), axis_types=(AxisType.Explicit,) * 2)
    with jax.set_mesh(mesh):
        sharded = jax.device_put(x, P(None, "a", None, "b"))
        compiled = jax.jit(run).lower(sharded).compile()
        chex.assert_trees_all_close(jax.device_get(compiled(sharded)), jax.device_get(expected), rtol=1e-5, atol=1e-5)
    assert not bytes_sent(compiled.as_text())


@pytest.mark.later
@pytest.mark.parametrize(
    "sizes", [(1, None), (3, 5), (4, 3), (5, 6), (16, 1), (20, 9), (7, 4), (4, 2), (16, 12)], ids=str
)
@pytest.mark.parametrize("name", ["avg", "sum", "max", "min", "lp", "power_mean", "max_argmax", "integers"])
def test_adaptive_bins_of_several_shards_exchange_results_only(name, sizes):
    x = jnp.asarray(some((2, 16, 12, 3), 17)) + 0.125
    x = x.at[0, 3].set(jnp.nan).at[1, :, 4].set(-jnp.inf)
    mask = jnp.asarray(some((2, 16, 12, 1), 18) > 2).at[0, :9].set(False)

    def run(x):
        if name == "max_argmax":
            return [jaxpool.adaptive_max_pool_with_argmax(x, sizes, where=where) for where in (None, mask)]
        if name == "integers":
            whole = jnp.nan_to_num(x).astype(jnp.int32)
            return jaxpool.adaptive_avg_pool(whole, sizes, where=mask, rounding_mode="half_even")
        pool = functools.partial(getattr(jaxpool, f"adaptive_{name}_pool"), output_size=sizes)
        if name in ("lp", "power_mean"):
            # Powers of the first feature vanish, unless they are taken of what is divided by the largest.
            scale, p = jnp.asarray([[[[2.0**-100, 2.0**-50, 1]]]]), jnp.asarray([[[[1.5, 3, 40]]]])
            finite = jnp.where(jnp.isfinite(x), x, 0)
            ways = ({"p": 3.0, "where": mask}, {"p": jnp.inf}, {"p": p, "where": mask}, {"p": p})
            return [both(lambda x, options=options: pool(x * scale, **options) / scale)(finite) for options in ways]
        more = {"empty": 7.0} if name in ("max", "min") else {}
        finite = jnp.where(jnp.isfinite(x), x, 0.5) if name in ("avg", "sum") else x
        return [both(functools.partial(pool, **options))(finite) for options in ({}, {"where": mask, **more})]

    expected = jax.jit(run)(x)
    mesh = jax.make_mesh((2, 4), ("a", "b"), axis_types=(AxisType.Explicit,) * 2)
    sharded = jax.device_put(x, NamedSharding(mesh, P(None, "b", "a")))
    got = jax.device_get(jax.jit(run)(sharded))
    rounding = 0 if name in ("max", "min", "max_argmax", "integers") else 1e-5
    chex.assert_trees_all_close(got, jax.device_get(expected), rtol=rounding, atol=rounding)


def test_adaptive_bins_of_several_shards_never_gather_the_inputs():
    mesh = jax.make_mesh((8,), ("a",), axis_types=(AxisType.Explicit,))
    sharded = jax.device_put(jnp.ones((2, 64, 48, 3)), NamedSharding(mesh, P(None, "a")))
    for pool in (
        jaxpool.adaptive_avg_pool,
        jaxpool.adaptive_max_pool_with_argmax,
        jaxpool.adaptive_min_pool,
        jaxpool.adaptive_lp_pool,
    ):
        sent = bytes_sent(jax.jit(lambda x, pool=pool: pool(x, (7, 6))).lower(sharded).compile().as_text())
        # Results of 4 bytes: of a maximum its level, key, index and value.
        assert set(sent) == {"all-reduce"}
        assert sent["all-reduce"] <= 4 * 4 * (2 * 7 * 6 * 3)
