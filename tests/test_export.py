"""Exported programs: spatial sizes that are symbols, and one native window that converters see."""

import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import export

import jaxpool

NATIVE = {"implementation": "reduce_window"}
SYMBOLIC = {
    "max, valid": lambda x: jaxpool.max_pool(x, (2, 2), 2, **NATIVE),
    "max, same": lambda x: jaxpool.max_pool(x, (3, 3), 2, "SAME", **NATIVE),
    "min, dilated": lambda x: jaxpool.min_pool(x, (3, 3), 1, 1, window_dilation=2, **NATIVE),
    "average, same": lambda x: jaxpool.avg_pool(x, (3, 3), 2, "SAME", **NATIVE),
    "average, real": lambda x: jaxpool.avg_pool(x, (3, 3), 2, ((1, 0), (0, 1)), False, **NATIVE),
    "average, masked": lambda x: jaxpool.avg_pool(x, (3, 3), 2, 1, where=x > 0, **NATIVE),
    "sum, cropped": lambda x: jaxpool.sum_pool(x, (2, 2), 1, -1, **NATIVE),
    "global average": jaxpool.global_avg_pool,
    "global sum, masked": lambda x: jaxpool.global_sum_pool(x, where=x > 0),
    "global maximum": jaxpool.global_max_pool,
    "global minimum": jaxpool.global_min_pool,
    "global norm": jaxpool.global_lp_pool,
    "global power mean": lambda x: jaxpool.global_power_mean_pool(x, p=jnp.float32(2.5)),
}


@pytest.mark.parametrize("name", SYMBOLIC)
def test_spatial_sizes_may_be_symbols_with_the_gradient(name):
    pool = SYMBOLIC[name]

    @jax.jit
    def both(x):
        y, pull = jax.vjp(pool, x)
        return y, pull(jnp.cos(y))[0]

    shape = export.symbolic_shape("b, h, w, 3", constraints=["h >= 5", "w >= 5"])
    exported = export.export(both, platforms=("cpu", "cuda", "tpu"))(jax.ShapeDtypeStruct(shape, np.float32))
    for height, width in ((9, 12), (6, 5)):
        x = np.random.default_rng(0).normal(size=(2, height, width, 3)).astype(np.float32)
        for got, expected in zip(exported.call(x), both(x), strict=True):
            np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("pool", "arguments"),
    [
        (jaxpool.max_pool, {"strides": 2}),
        (jaxpool.max_pool, {"implementation": "reduce_window", "ceil_mode": True}),
        (jaxpool.max_pool, {"implementation": "reduce_window", "strides": 4, "padding": "SAME"}),
        (jaxpool.lp_pool, {}),
    ],
)
def test_symbols_that_cannot_be_run_name_the_remedy(pool, arguments):
    shape = export.symbolic_shape("b, h, w, 3")
    with pytest.raises(ValueError, match=rf"^{pool.__name__}: inputs.shape .*(reduce_window|[Ee]xport once per)"):
        jax.eval_shape(lambda x: pool(x, (2, 2), **arguments), jax.ShapeDtypeStruct(shape, jnp.float32))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("pool", [jaxpool.max_pool, jaxpool.min_pool, jaxpool.avg_pool, jaxpool.sum_pool])
def test_the_named_native_window_is_one_window_and_nothing_else(pool, dtype):
    x = jax.ShapeDtypeStruct((2, 9, 9, 3), dtype)
    for platform in ("cpu", "cuda", "tpu"):
        program = jax.jit(lambda x: pool(x, (3, 3), 2, 1, implementation="reduce_window")).trace(x)
        text = program.lower(lowering_platforms=(platform,)).as_text()
        operations = re.findall(r"stablehlo\.(\w+)", text)
        assert operations.count("reduce_window") == 1
        combine = {"max_pool": "maximum", "min_pool": "minimum"}.get(pool.__name__, "add")
        # JAX itself broadcasts the scalar that stands in padding.
        welcome = {"reduce_window", "constant", "return", "broadcast_in_dim", combine}
        if combine == "add":
            welcome |= {"convert", "divide"}
        assert set(operations) <= welcome
        assert "call" not in text


@pytest.mark.parametrize(("padding", "dilation"), [("VALID", 1), ("SAME", 1), (((1, 0), (1, 2)), (1, 2))])
def test_offsets_in_the_window_on_a_plane_of_symbols(padding, dilation):
    arguments = {"index_convention": "window", "window_dilation": dilation}

    def pool(x):
        return jaxpool.max_pool_with_argmax(x, (3, 2), 2, padding, **arguments, **NATIVE)

    shape = export.symbolic_shape("b, h, w, c", constraints=["h >= 3", "w >= 3"])
    exported = export.export(jax.jit(pool))(jax.ShapeDtypeStruct(shape, np.float32))
    normal = np.random.default_rng(0).normal(size=(2, 7, 6, 3)).astype(np.float32)
    for x in (normal, np.full_like(normal, -np.inf), np.where(normal > 0, -np.inf, np.float32(np.nan))):
        expected = jaxpool.max_pool_with_argmax(x, (3, 2), 2, padding, **arguments)
        for got, wanted in zip(exported.call(x), expected, strict=True):
            np.testing.assert_array_equal(got, wanted)
    wanted = jaxpool.output_shape(shape, (3, 2), 2, padding, window_dilation=dilation)
    assert exported.out_avals[0].shape == wanted


def test_unpooling_to_the_shape_of_inputs_with_a_symbolic_batch():
    def there_and_back(x):
        values, indices = jaxpool.torch.max_pool2d(x, 2, return_indices=True)
        return jaxpool.torch.max_unpool2d(values, indices, 2, output_size=x.shape)

    (batch,) = export.symbolic_shape("b")
    exported = export.export(jax.jit(there_and_back))(jax.ShapeDtypeStruct((batch, 3, 9, 9), np.float32))
    x = np.random.default_rng(0).normal(size=(2, 3, 9, 9)).astype(np.float32)
    np.testing.assert_array_equal(exported.call(x), there_and_back(x))
