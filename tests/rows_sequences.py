"""Rows of sequences and sets: the plane of each image is a set of elements, in its order or not."""

import functools
from typing import Any

import jax.numpy as jnp
import numpy as np
from row import DILATED, Row, mask

import jaxpool


def of_sets(x: Any, *, pool: Any, ordered: bool = True, where: Any = None, scale: float = 1.0, **arguments: Any) -> Any:
    """A pool of sets, of inputs of rank 4: the spatial axes are one, and of its elements some belong to no set."""
    height, width = x.shape[-3:-1]
    ids = np.random.default_rng(8).integers(-1, 5, height * width)
    # The third set is empty.
    ids = np.where(ids == 2, 1, ids)
    ids = jnp.broadcast_to(jnp.asarray(np.sort(ids) if ordered else ids, jnp.int32), (*x.shape[:-3], height * width))
    flat = (x * scale).reshape(*x.shape[:-3], height * width, x.shape[-1])
    if where is not None:
        where = where.reshape(*where.shape[:-3], height * width, 1)
    return pool(flat, ids, 4, indices_are_sorted=ordered, where=where, **arguments)


def sets(function: Any, **arguments: Any) -> Any:
    return functools.partial(of_sets, pool=function, **arguments)


CAUSAL = {"window_shape": (3, 2), "strides": (1, 2), "padding": "CAUSAL"}

ROWS = [
    Row("max_pool, causal", jaxpool.max_pool, CAUSAL),
    Row("avg_pool, causal", jaxpool.avg_pool, DILATED | {"padding": "causal", "count_include_pad": False}, linear=True),
    Row("max_pool_with_argmax, circular", jaxpool.max_pool_with_argmax, CAUSAL | {"padding_mode": "circular"}),
    Row("global_first_pool", jaxpool.global_first_pool, {}, linear=True),
    Row("global_first_pool, masked", jaxpool.global_first_pool, {"keepdims": True}, linear=True, arrays=mask),
    Row("global_last_pool", jaxpool.global_last_pool, {"keepdims": True}, linear=True),
    Row("global_last_pool, masked", jaxpool.global_last_pool, {}, linear=True, arrays=mask),
    Row("segment_sum_pool", sets(jaxpool.segment_sum_pool, ordered=False), {}, linear=True, places=True),
    Row("segment_sum_pool, sorted", sets(jaxpool.segment_sum_pool), {}, linear=True, places=True, arrays=mask),
    Row("segment_avg_pool", sets(jaxpool.segment_avg_pool), {}, linear=True, places=True),
    Row(
        "segment_avg_pool, masked",
        sets(jaxpool.segment_avg_pool, ordered=False),
        {},
        linear=True,
        places=True,
        arrays=mask,
    ),
    Row("segment_max_pool", sets(jaxpool.segment_max_pool, ordered=False), {}, places=True, arrays=mask),
    Row("segment_max_pool, sorted", sets(jaxpool.segment_max_pool), {}, places=True, arrays=mask),
    Row("segment_min_pool", sets(jaxpool.segment_min_pool, ordered=False), {"fill_value": 7}, places=True),
    Row("segment_var_pool", sets(jaxpool.segment_var_pool, scale=1 / 64), {"ddof": 1}, smooth=True, places=True),
    Row("segment_std_pool", sets(jaxpool.segment_std_pool, ordered=False), {}, smooth=True, places=True, arrays=mask),
    Row(
        "segment_softmax_pool",
        sets(jaxpool.segment_softmax_pool),
        {"beta": 0.5},
        smooth=True,
        places=True,
        infinite=True,
    ),
    Row(
        "segment_softmax_pool, masked",
        sets(jaxpool.segment_softmax_pool, ordered=False),
        {},
        smooth=True,
        places=True,
        arrays=mask,
        infinite=True,
    ),
]
