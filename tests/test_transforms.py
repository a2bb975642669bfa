"""Every public function under every transformation of JAX, against exact finite differences."""

import functools

import chex
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export
from jax.experimental.jet import jet
from jax.sharding import AxisType, NamedSharding
from jax.sharding import PartitionSpec as P
from table import ROWS, ids

import jaxpool

SMALL = (1, 4, 6, 2)


@pytest.fixture(autouse=True, scope="module")
def quick_compiles():
    """Rules are tested here, and compiling takes nearly all of the time; the other tests run optimised programs."""
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


every_row = pytest.mark.parametrize("row", ROWS, ids=ids)


@functools.cache
def reference(row, shape=SMALL):
    """Inputs, values and the dense Jacobian.

    The inputs are distinct integers, so within 1/4 of them every pool is linear and central differences are exact.
    """
    x = row.inputs(shape)
    if row.smooth:
        y = np.asarray(row(x))
        return x, y, numeric_jacobian(row, x).reshape(y.size, x.size)
    steps = np.eye(x.size, dtype=np.float32).reshape(x.size, *x.shape) / 4
    pool = jax.jit(jax.vmap(row))
    difference = np.asarray(pool(x + steps) - pool(x - steps)) * 2
    y = np.asarray(row(x))
    return x, y, difference.reshape(x.size, y.size).T


def numeric_jacobian(f, x, step=1e-4):
    """Central differences in double precision, outputs before inputs."""
    with jax.enable_x64(True):
        x = jnp.asarray(x, jnp.float64)
        steps = jnp.eye(x.size, dtype=x.dtype).reshape(x.size, *x.shape) * step
        mapped = jax.jit(jax.vmap(f))
        return np.moveaxis(np.asarray(mapped(x[None] + steps) - mapped(x[None] - steps)) / (2 * step), 0, -1)


close = functools.partial(np.testing.assert_allclose, rtol=2e-4, atol=2e-4)


@every_row
def test_jit_and_eager_agree(row):
    x = row.inputs()
    y = row(x)
    # Sums nearly cancel. What only selects or counts has whole numbers, so that no fault passes.
    atol = 1e-6 * np.abs(y, where=np.isfinite(y), out=np.zeros(y.shape)).max()
    chex.assert_trees_all_close(jax.jit(row)(x), y, rtol=1e-6, atol=atol)
    with jax.disable_jit():
        chex.assert_trees_all_close(row(jnp.asarray(x)), y, rtol=1e-6, atol=atol)


@every_row
def test_first_derivatives_in_both_modes(row):
    x, y, dense = reference(row)
    close(np.reshape(jax.jit(jax.jacfwd(row))(x), dense.shape), dense)
    close(np.reshape(jax.jit(jax.jacrev(row))(x), dense.shape), dense)
    rng = np.random.default_rng(1)
    dx, dy = (rng.normal(size=a.shape).astype(np.float32) for a in (x, y))
    value, tangent = jax.jit(lambda x, dx: jax.jvp(row, (x,), (dx,)))(x, dx)
    close(value, y)
    close(np.ravel(tangent), dense @ dx.ravel())
    gradient = jax.jit(jax.grad(lambda x: jnp.vdot(row(x), dy)))
    close(np.ravel(gradient(x)), dense.T @ dy.ravel())
    remat = jax.jit(jax.grad(lambda x: jnp.vdot(jax.checkpoint(row)(x), dy)))
    close(np.ravel(remat(x)), dense.T @ dy.ravel())
    if row.linear:
        (transposed,) = jax.linear_transpose(row, x)(dy)
        close(np.ravel(transposed), dense.T @ dy.ravel())


@pytest.mark.slow
@every_row
def test_higher_derivatives(row):
    x, y, dense = reference(row, (1, 4, 4, 1))
    rng = np.random.default_rng(2)
    w, v = rng.normal(size=y.shape).astype(np.float32) / 8, rng.normal(size=x.shape).astype(np.float32)

    def loss(x):
        return jnp.vdot(w.astype(x.dtype), row(x) ** 3)

    if row.smooth:
        hessian = numeric_jacobian(jax.grad(loss), x).reshape(x.size, x.size)
        largest = np.abs(hessian).max()
        got = np.reshape(jax.jit(jax.hessian(loss))(x), hessian.shape)
        np.testing.assert_allclose(got, hessian, rtol=1e-3, atol=1e-4 * largest)
        third = numeric_jacobian(lambda x: jax.jvp(jax.grad(loss), (x,), (v.astype(x.dtype),))[1], x)
        _, got = jax.jit(lambda x, v: jax.jvp(jax.jacrev(jax.grad(loss)), (x,), (v,)))(x, v)
        largest = np.abs(third).max()
        np.testing.assert_allclose(
            np.reshape(got, hessian.shape), third.reshape(hessian.shape), rtol=1e-2, atol=1e-3 * largest
        )
        return

    # With y linear near x: hessian = J' diag(6 w y) J, its derivative along v = J' diag(6 w J v) J.
    size = (x.size, x.size)
    hessian = dense.T @ np.diag(6 * np.ravel(w * y)) @ dense
    np.testing.assert_allclose(np.reshape(jax.jit(jax.hessian(loss))(x), size), hessian, rtol=1e-3, atol=1e-3)
    _, third = jax.jit(lambda x, v: jax.jvp(jax.jacrev(jax.grad(loss)), (x,), (v,)))(x, v)
    expected = dense.T @ np.diag(6 * np.ravel(w) * (dense @ v.ravel())) @ dense
    np.testing.assert_allclose(np.reshape(third, size), expected, rtol=1e-3, atol=1e-3)


@every_row
def test_taylor_mode_to_third_order(row):
    x = row.inputs(SMALL)
    rng = np.random.default_rng(4)
    series = [rng.normal(size=x.shape).astype(np.float32) / 4 for _ in range(3)]

    def along(t):
        return row(x + t * series[0] + t**2 / 2 * series[1] + t**3 / 6 * series[2])

    derivatives = [jax.jacfwd(along), jax.jacfwd(jax.jacfwd(along)), jax.jacfwd(jax.jacfwd(jax.jacfwd(along)))]
    expected = jax.jit(lambda t: [derivative(t) for derivative in derivatives])(np.float32(0))
    value, terms = jax.jit(lambda x, series: jet(row, (x,), (series,)))(x, series)
    close(value, row(x))
    for term, derivative in zip(terms, expected, strict=True):
        np.testing.assert_allclose(term, derivative, rtol=1e-3, atol=1e-4 * np.abs(derivative).max())


@pytest.mark.later
@every_row
def test_debugging_of_nan_names_an_operation(row):
    x = jnp.asarray(row.inputs(SMALL))
    gradient = jax.grad(lambda x: jnp.sum(row(x) ** 2))
    calls = [row, jax.jit(row), gradient, jax.jit(gradient)]
    broken = jnp.full_like(x, jnp.nan)
    with jax.debug_nans(True):
        for call in calls:
            jax.block_until_ready(call(x))
        for call in calls[:2]:
            with pytest.raises(FloatingPointError, match="nan"):
                call(broken)


@every_row
def test_debugging_of_infinities_lets_finite_results_pass(row):
    x = jnp.asarray(row.inputs(SMALL))
    gradient = jax.grad(lambda x: jnp.sum(row(x)))
    with jax.debug_infs(True):
        for call in (jax.jit(row), jax.jit(gradient)) if row.infinite else (row, gradient):
            jax.block_until_ready(call(x))
        with pytest.raises(FloatingPointError):
            jax.block_until_ready(row(jnp.full_like(x, jnp.inf)))


@every_row
def test_vmap_over_any_axis_also_of_gradients(row):
    xs = row.inputs((3, *row.shape))
    values, gradients = jax.jit(row), jax.jit(jax.grad(lambda x: jnp.sum(row(x) ** 2)))
    expected, slopes = (np.stack([f(x) for x in xs]) for f in (values, gradients))
    # The first axis, and the others in turn.
    for axis in (0, 1 + ROWS.index(row) % row.inputs().ndim):
        moved = np.moveaxis(xs, 0, axis)
        close(jax.jit(jax.vmap(row, in_axes=axis))(moved), expected)
        gradient = jax.jit(jax.vmap(gradients, in_axes=axis, out_axes=axis))
        np.testing.assert_allclose(gradient(moved), np.moveaxis(slopes, 0, axis), rtol=1e-5, atol=1e-3)
    twice = jax.jit(jax.vmap(jax.vmap(row, in_axes=1), in_axes=2, out_axes=1))
    xss = row.inputs((2, 2, *row.shape))
    close(twice(np.moveaxis(xss, (0, 1), (1, 2))), np.stack([[values(x) for x in xs] for xs in xss]))


@every_row
def test_scan(row):
    xs = row.inputs((3, *row.shape))

    def total(xs):
        return jax.lax.scan(lambda carry, x: (carry + jnp.sum(row(x) ** 2), row(x)), jnp.float32(0), xs)

    carry, ys = jax.jit(total)(xs)
    close(ys, np.stack([row(x) for x in xs]))
    close(carry, np.sum(np.square(ys)))
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(row(x) ** 2)))
    close(jax.jit(jax.grad(lambda xs: total(xs)[0]))(xs), np.stack([gradient(x) for x in xs]))


def value_and_gradient(row):
    def both(x):
        y, pull = jax.vjp(row, x)
        return y, pull(jnp.cos(y))[0]

    return both


# Batch, two spatial axes and channels, each divisible by some of 8 devices before and after pooling.
WIDE = (8, 8, 12, 8)


@functools.cache
def wide_reference(row):
    """Inputs for several devices, and what one device makes of them."""
    x = row.inputs(WIDE)
    return x, jax.tree.map(np.asarray, jax.jit(value_and_gradient(row))(x))


# Each pool over one axis, the axes in turn.
AXES = [(row, i % 4) for i, row in enumerate(ROWS)]


@pytest.mark.parametrize(("row", "axis"), AXES, ids=[f"{row.name}-{axis}" for row, axis in AXES])
def test_automatic_sharding_of_any_axis(row, axis):
    x, reference = wide_reference(row)
    mesh = jax.make_mesh((4,), ("devices",), axis_types=(AxisType.Auto,), devices=jax.devices()[:4])
    spec = P(*[None] * axis, "devices")
    sharded = jax.device_put(x, NamedSharding(mesh, spec))
    for got, expected in zip(jax.jit(value_and_gradient(row))(sharded), reference, strict=True):
        close(got, expected)


@every_row
def test_explicit_sharding_of_batch_and_channels(row):
    x, (expected, slopes) = wide_reference(row)
    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(AxisType.Explicit,) * 2)
    with jax.set_mesh(mesh):
        sharded = jax.device_put(x, P("data", None, None, "model"))
        y, gradient = jax.jit(value_and_gradient(row))(sharded)
        assert jax.typeof(y).sharding.spec[0] == "data"
        assert row.mixes or jax.typeof(y).sharding.spec[-1] == "model"
        assert jax.typeof(gradient).sharding == jax.typeof(sharded).sharding
        eager = row(sharded)
    close(y, expected)
    close(eager, expected)
    close(gradient, slopes)


@every_row
def test_explicit_sharding_of_space(row):
    x, reference = wide_reference(row)
    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(AxisType.Explicit,) * 2)
    with jax.set_mesh(mesh):
        sharded = jax.device_put(x, P("model", "data", None, None))
        try:
            results = jax.jit(value_and_gradient(row))(sharded)
        except ValueError as error:
            # Windows that do not fit the shards.
            assert "or gather the axis first" in str(error)  # noqa: PT017
            return
        for got, expected in zip(results, reference, strict=True):
            close(got, expected)


@pytest.mark.parametrize("axis_type", [AxisType.Explicit, AxisType.Auto])
@pytest.mark.parametrize("implementation", [None, "separable", "reduce_window"])
@pytest.mark.parametrize("pool", [jaxpool.max_pool, jaxpool.avg_pool])
def test_devices_need_not_talk_about_batch_and_channels(pool, implementation, axis_type):
    def both(x):
        y, pull = jax.vjp(lambda x: pool(x, (3, 3), 2, "SAME", implementation=implementation), x)
        return y, pull(y)[0]

    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(axis_type,) * 2)
    with jax.set_mesh(mesh):
        spec = P("data", None, None, "model")
        sharded = jax.device_put(np.zeros((8, 9, 9, 64), np.float32), NamedSharding(mesh, spec))
        text = jax.jit(both).lower(sharded).compile().as_text()
    for talk in ("all-gather", "all-to-all", "all-reduce", "collective-permute"):
        assert talk not in text


# Boxes name the image that they lie in, and no compiler splits a Fourier transform.
IN_BATCHES = [row for row in ROWS if "roi_" not in row.name and "spectral" not in row.name]


@pytest.mark.later
@pytest.mark.most(12)
@pytest.mark.parametrize("row", IN_BATCHES, ids=ids)
def test_devices_need_not_talk_about_the_batch(row):
    mesh = jax.make_mesh((8,), ("data",), axis_types=(AxisType.Auto,))
    x = jax.device_put(row.inputs((8, *row.shape[1:])), NamedSharding(mesh, P("data")))
    text = jax.jit(value_and_gradient(row)).lower(x).compile().as_text()
    for talk in ("all-gather", "all-to-all", "all-reduce", "collective-permute"):
        assert f" {talk}(" not in text


@pytest.mark.parametrize("axis_type", [AxisType.Explicit, AxisType.Auto])
@pytest.mark.parametrize(
    ("pool", "shape", "k", "stride"),
    [
        (jaxpool.max_pool, (8, 6, 6, 4), 3, 1),
        (jaxpool.avg_pool, (8, 6, 6, 4), 3, 1),
        # Rows of few channels as long ones, and phases of the stride.
        (jaxpool.max_pool, (8, 8, 8, 4), 5, 1),
        (jaxpool.avg_pool, (8, 8, 8, 16), 5, 1),
        (jaxpool.max_pool, (8, 8, 8, 64), 3, 2),
        (jaxpool.max_pool, (8, 8, 8, 8), 3, 2),
    ],
)
def test_sharding_of_arrays_of_other_shapes_inside(pool, shape, k, stride, axis_type):
    # On a CPU narrow floats are computed as integers or wider floats, and axes are merged and joined.
    x = jnp.asarray(np.random.default_rng(0).normal(size=shape), jnp.bfloat16)

    @jax.jit
    def both(x):
        y, pull = jax.vjp(lambda x: pool(x, (k, k), stride, "SAME"), x)
        return y, pull(y)[0]

    expected = both(x)
    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(axis_type,) * 2)
    with jax.set_mesh(mesh):
        found = both(jax.device_put(x, NamedSharding(mesh, P("data", None, None, "model"))))
    for got, wanted in zip(found, expected, strict=True):
        assert got.dtype == jnp.bfloat16
        np.testing.assert_array_equal(got, wanted)


@every_row
def test_shard_map_with_checks_of_varying_axes(row):
    x, reference = wide_reference(row)
    mesh = jax.make_mesh((4, 2), ("data", "model"), axis_types=(AxisType.Auto,) * 2)
    both = value_and_gradient(row)
    out_rank = reference[0].ndim
    model = None if row.mixes else "model"
    specs = P("data", None, None, model), P("data", *[None] * (out_rank - 2), model)
    mapped = jax.shard_map(both, mesh=mesh, in_specs=specs[0], out_specs=(specs[1], specs[0]), check_vma=True)
    for got, expected in zip(jax.jit(mapped)(x), reference, strict=True):
        close(got, expected)
    # A replicated input whose gradient is summed over the devices by shard_map's own rules.
    loss = jax.shard_map(
        lambda x, w: jax.lax.psum(jnp.sum(row(x) * w), "data"),
        mesh=mesh,
        in_specs=(P(), P("data")),
        out_specs=P(),
        check_vma=True,
    )
    w = np.arange(1, 5, dtype=np.float32)
    w_shape = (4, *[1] * (out_rank - 1))
    gradient = jax.jit(jax.grad(loss))(x, w.reshape(w_shape))
    close(gradient, jax.jit(jax.grad(lambda x: jnp.sum(row(x)) * w.sum()))(x), rtol=1e-3)


@every_row
def test_export_to_every_platform_at_once_and_with_symbolic_batch(row):
    (batch,) = export.symbolic_shape("batch")
    both = jax.jit(value_and_gradient(row))
    symbolic = jax.ShapeDtypeStruct((batch, *row.shape[1:]), np.float32)
    exported = export.export(both, platforms=("cpu", "cuda", "tpu"))(symbolic)
    restored = export.deserialize(exported.serialize())
    for size in (1, 3):
        x = row.inputs((size, *row.shape[1:]))
        for got, expected in zip(restored.call(x), both(x), strict=True):
            close(got, expected)


@pytest.mark.slow
@pytest.mark.parametrize("transform", ["none", "jit", "vmap"])
def test_an_empty_batch_gives_an_empty_result(transform):
    wrap = {"none": lambda f: f, "jit": jax.jit, "vmap": functools.partial(jax.vmap, in_axes=3, out_axes=1)}[transform]
    for row in ROWS:
        shape = (0, 4, 6, 3, 2) if transform == "vmap" else (0, 4, 6, 2)
        assert wrap(row)(np.zeros(shape, np.float32)).shape[0] == 0


@pytest.mark.parametrize(
    ("pool", "shape", "window"),
    [
        (jaxpool.avg_pool, (12, 12, 0, 16), (5, 5)),
        (jaxpool.max_pool, (12, 12, 0, 8), (9, 9)),
        (jaxpool.max_pool, (6, 6, 6, 0, 4), (3, 3, 3)),
    ],
)
def test_an_empty_batch_may_follow_the_window(pool, shape, window):
    axis = len(shape) - 2
    x = np.zeros(shape, np.float32)
    mapped = jax.vmap(lambda x: pool(x, window, 1, "SAME"), axis, axis)
    assert mapped(x).shape == shape
    assert jax.grad(lambda x: mapped(x).sum())(x).shape == shape


@pytest.mark.parametrize("pool", [jaxpool.max_pool, jaxpool.avg_pool])
@pytest.mark.parametrize("sizes", ["9, 9, n, 8", "n, 9, 9, 4", "1, 9, 9, n"])
def test_any_size_but_the_windows_may_be_a_symbol(pool, sizes):
    # The axis behind the window is mapped over, so that it follows the window's inside.
    axis = 2 if sizes.startswith("9") else None

    def one(x):
        return pool(x, (5, 5), 1, "SAME")

    mapped = one if axis is None else jax.vmap(one, axis, axis)

    @jax.jit
    def both(x):
        y, pull = jax.vjp(mapped, x)
        return y, pull(jnp.sin(y))[0]

    symbolic = jax.ShapeDtypeStruct(export.symbolic_shape(sizes), np.float32)
    exported = export.export(both, platforms=("cpu", "cuda", "tpu"))(symbolic)
    x = np.random.default_rng(0).normal(size=[3 if size == "n" else int(size) for size in sizes.split(", ")])
    x = x.astype(np.float32)
    for got, expected in zip(exported.call(x), both(x), strict=True):
        close(got, expected)
