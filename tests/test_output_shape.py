"""The shape of every pool's result, without running it."""

import functools
import inspect
import re

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import nnx
from jax import export
from table import ROWS, ids

import jaxpool
import jaxpool.linen
import jaxpool.nnx
import jaxpool.torch

SHAPE = (2, 9, 12, 3)


def shapes(tree):
    return jax.tree.map(jnp.shape, tree)


def as_structs(arrays):
    """Arrays of a call as what has their shape; keys and numbers as they are."""

    def is_array(value):
        return hasattr(value, "shape") and value.shape != () and not jnp.issubdtype(value.dtype, jax.dtypes.prng_key)

    return {k: jax.ShapeDtypeStruct(v.shape, v.dtype) if is_array(v) else v for k, v in arrays.items()}


@pytest.mark.parametrize("row", ROWS, ids=ids)
@pytest.mark.every_case
def test_every_row_of_the_table(row):
    arrays = {} if row.arrays is None else row.arrays(row.shape)
    expected = shapes(row.pool(jnp.asarray(row.inputs()), **row.arguments, **arrays))
    ask = functools.partial(jaxpool.output_shape, row.shape, pool=row.pool)
    assert ask(**row.arguments, **arrays) == expected
    # Samples that are known are checked.
    assert ask(**row.arguments, **as_structs(arrays)) == expected
    assert jaxpool.output_shape(row.shape, pool=row) == (expected[0] if isinstance(expected[0], tuple) else expected)


def test_the_table_has_every_pool_that_has_a_shape():
    asked = {row.name.partition(",")[0] for row in ROWS}
    others = {name for name in jaxpool.__all__ if inspect.signature(getattr(jaxpool, name)).parameters.get("inputs")}
    # It is asked of a shard, inside `jax.shard_map`.
    assert others - {"halo_exchange"} <= asked


@pytest.mark.parametrize(
    ("pool", "arguments", "expected"),
    [
        (jaxpool.max_pool, {"window_shape": (3, 3), "strides": 2, "padding": 1}, (2, 5, 6, 3)),
        (jaxpool.max_pool_with_argmax, {"window_shape": (3, 3), "padding": "SAME"}, ((2, 9, 12, 3),) * 2),
        (jaxpool.avg_pool, {"window_shape": (2, 2), "strides": 2, "channel_axis": 1, "ceil_mode": True}, (2, 9, 6, 2)),
        (jaxpool.adaptive_avg_pool, {"output_size": (7, None)}, (2, 7, 12, 3)),
        (jaxpool.adaptive_max_pool_with_argmax, {"output_size": (1, 20)}, ((2, 1, 20, 3),) * 2),
        (jaxpool.global_avg_pool, {}, (2, 3)),
        (jaxpool.global_max_pool_with_argmax, {"keepdims": True}, ((2, 1, 1, 3),) * 2),
        (jaxpool.global_stats_pool, {"num_spatial_dims": 2}, (2, 6)),
        (jaxpool.global_covariance_pool, {}, (2, 6)),
        (jaxpool.kmax_pool, {"k": 4}, ((2, 9, 4, 3),) * 2),
        (jaxpool.concat_pool, {"window_shape": (3, 3), "strides": 3}, (2, 3, 4, 6)),
        (jaxpool.windows, {"window_shape": (3, 4)}, (2, 7, 9, 12, 3)),
        (jaxpool.pyramid_pool, {"levels": (1, (2, 3))}, (2, 21)),
        (jaxpool.rmac_pool, {}, (2, 3)),
        (jaxpool.corner_pool, {"direction": "top"}, SHAPE),
        (jaxpool.haar_unpool, {"num_spatial_dims": 1, "channel_axis": 2}, (2, 9, 6, 6)),
        (jaxpool.spectral_pool, {"output_size": (5, 4)}, (2, 5, 4, 3)),
        (jaxpool.avg_unpool, {"window_shape": (2, 2), "strides": 2}, (2, 18, 24, 3)),
        (jaxpool.pool, {"window_shape": (2, 3), "init": 0.0, "reduce_fn": jax.lax.add}, (2, 8, 10, 3)),
        (jaxpool.stochastic_pool, {"key": jax.random.key(0), "window_shape": (3, 3), "strides": 3}, (2, 3, 4, 3)),
        (
            jaxpool.fractional_avg_pool,
            {"key": jax.random.key(0), "output_size": (4, 5), "window_shape": (2, 2)},
            (2, 4, 5, 3),
        ),
        (
            jaxpool.max_unpool,
            {"indices": jax.ShapeDtypeStruct(SHAPE, jnp.int32), "output_shape": (20, 30)},
            (2, 20, 30, 3),
        ),
        (
            jaxpool.roi_align,
            {"boxes": jax.ShapeDtypeStruct((2, 5, 4), jnp.float32), "output_size": (7, 6)},
            (2, 5, 7, 6, 3),
        ),
        (
            jaxpool.segment_max_pool,
            {"segment_ids": jax.ShapeDtypeStruct((2, 9), jnp.int32), "num_segments": 4},
            (2, 4, 12, 3),
        ),
        (jaxpool.nnx.AdaptiveAvgPool((4, 5)), {}, (2, 4, 5, 3)),
        (jaxpool.linen.MaxPoolWithArgmax((2, 2), 2), {}, ((2, 4, 6, 3),) * 2),
        (jaxpool.nnx.AttentionPool2d(3, (9, 12), 1, 7, rngs=nnx.Rngs(0)), {}, (2, 7)),
        (jaxpool.torch.max_pool2d, {"kernel_size": 3, "stride": 2, "padding": 1}, (2, 9, 6, 2)),
        (lambda x: {"mean": jaxpool.global_avg_pool(x)}, {}, {"mean": (2, 3)}),
    ],
)
@pytest.mark.every_case
def test_shapes_that_are_known(pool, arguments, expected):
    assert jaxpool.output_shape(SHAPE, pool=pool, **arguments) == expected


def test_nothing_is_computed():
    # Of these inputs alone there would be 3 TB.
    large = (1, 1 << 19, 1 << 20, 3)
    assert jaxpool.output_shape(large, pool=jaxpool.global_avg_pool) == (1, 3)
    assert jaxpool.output_shape(large, (3, 3), 2, pool=jaxpool.avg_pool) == jaxpool.output_shape(large, (3, 3), 2)
    with jax.log_compiles(), jax.checking_leaks():
        assert jaxpool.output_shape(large, (3, 3), 2, pool=jaxpool.lse_pool) == (1, 262143, 524287, 3)
    assert jaxpool.output_shape((0, 8, 8, 3), pool=jaxpool.global_max_pool) == (0, 3)


def test_arguments_by_position_go_to_the_pool():
    for pool in (jaxpool.max_pool, jaxpool.sum_pool, jaxpool.median_pool, jaxpool.softmax_pool, jaxpool.var_pool):
        assert jaxpool.output_shape(SHAPE, (3, 2), (2, 3), 1, pool=pool) == (2, 5, 5, 3)
        assert jaxpool.output_shape(SHAPE, np.array([3, 2]), np.array([2, 3]), [(1, 1), (1, 1)], pool=pool) == (
            2,
            5,
            5,
            3,
        )


def test_the_dtype_is_that_of_the_inputs():
    pool = functools.partial(jaxpool.global_avg_pool, rounding_mode="floor")
    assert jaxpool.output_shape(SHAPE, pool=pool, dtype="int8") == (2, 3)
    with pytest.raises(TypeError, match=r"^global_avg_pool: rounding_mode must be None unless inputs are integers"):
        jaxpool.output_shape(SHAPE, pool=pool)
    with pytest.raises(TypeError, match=r"^output_shape: dtype must name a numeric dtype"):
        jaxpool.output_shape(SHAPE, pool=pool, dtype="numbers")


def test_layers_of_linen():
    def pool(x):
        return jaxpool.linen.NetVLAD(5).init_with_output(jax.random.key(0), x)[0]

    assert jaxpool.output_shape(SHAPE, pool=pool) == (2, 15)
    assert jaxpool.output_shape(
        SHAPE, pool=nn.Dense(4).bind({"params": {"kernel": jnp.ones((3, 4)), "bias": jnp.ones(4)}})
    ) == (2, 9, 12, 4)


def test_symbolic_sizes():
    (batch,) = export.symbolic_shape("b")
    assert jaxpool.output_shape((batch, 9, 12, 3), pool=jaxpool.adaptive_max_pool, output_size=(4, 5)) == (
        batch,
        4,
        5,
        3,
    )
    height, width = export.symbolic_shape("h, w")
    assert jaxpool.output_shape((2, height, width, 3), pool=jaxpool.global_sum_pool) == (2, 3)


def test_refusals():
    with pytest.raises(TypeError, match=r"^adaptive_avg_pool: needs output_size; got no value for it\."):
        jaxpool.output_shape(SHAPE, pool=jaxpool.adaptive_avg_pool)
    with pytest.raises(
        TypeError, match=r"^global_avg_pool: takes no argument window_shape; got window_shape=\(2, 2\)\."
    ):
        jaxpool.output_shape(SHAPE, (2, 2), pool=jaxpool.global_avg_pool)
    with pytest.raises(ValueError, match=r"^max_pool: window_shape must fit into the padded input"):
        jaxpool.output_shape(SHAPE, (20, 20), pool=jaxpool.max_pool)
    with pytest.raises(TypeError, match=r"^output_shape: pool must be None or a function of inputs; got pool='max'\."):
        jaxpool.output_shape(SHAPE, (2, 2), pool="max")
    with pytest.raises(TypeError, match=r"^output_shape: takes no argument output_size; got output_size=\(7, 7\)\."):
        jaxpool.output_shape(SHAPE, output_size=(7, 7))
    with pytest.raises(TypeError, match=r"^output_shape: takes no argument stride; got stride=2. Write strides=2\."):
        jaxpool.output_shape(SHAPE, (2, 2), stride=2)
    with pytest.raises(TypeError, match=r"^output_shape: window_shape must be a sequence"):
        jaxpool.output_shape(SHAPE)
    with pytest.raises(TypeError, match=r"^output_shape: needs input_shape; got no value for it\."):
        jaxpool.output_shape(pool=jaxpool.max_pool)

    def broken(x):
        return x + "one"

    # The error of a pool of one's own is its own.
    with pytest.raises(TypeError, match=re.compile("str|dtype")) as error:
        jaxpool.output_shape(SHAPE, pool=broken)
    assert "output_shape" not in str(error.value)
