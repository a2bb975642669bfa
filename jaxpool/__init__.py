"""Pooling for JAX: pure functions on CPU, GPU and TPU, differentiable to any order in both modes."""

from jaxpool._pools.average import avg_pool, sum_pool
from jaxpool._pools.extremum import max_pool, max_pool_with_argmax, min_pool, min_pool_with_argmax
from jaxpool._pools.questions import chosen_implementation, output_shape
from jaxpool._pools.whole_plane import global_avg_pool, global_max_pool, global_min_pool, global_sum_pool

__version__ = "0.1.0"

__all__ = [
    "avg_pool",
    "chosen_implementation",
    "global_avg_pool",
    "global_max_pool",
    "global_min_pool",
    "global_sum_pool",
    "max_pool",
    "max_pool_with_argmax",
    "min_pool",
    "min_pool_with_argmax",
    "output_shape",
    "sum_pool",
]
