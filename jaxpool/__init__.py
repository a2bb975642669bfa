"""Pooling for JAX: pure functions on CPU, GPU and TPU, differentiable to any order in both modes."""

from typing import TYPE_CHECKING, Any

from jaxpool._geometry.calls import submodule, unknown_name
from jaxpool._pools.adaptive import adaptive_avg_pool, adaptive_max_pool, adaptive_max_pool_with_argmax
from jaxpool._pools.average import avg_pool, sum_pool
from jaxpool._pools.extremum import max_pool, max_pool_with_argmax, min_pool, min_pool_with_argmax
from jaxpool._pools.fractional import fractional_max_pool, fractional_max_pool_with_argmax
from jaxpool._pools.global_pools import global_avg_pool, global_max_pool, global_min_pool, global_sum_pool
from jaxpool._pools.indices import indices_from_onnx, indices_from_tf, indices_to_onnx, indices_to_tf
from jaxpool._pools.power import global_lp_pool, global_power_mean_pool, lp_pool, power_mean_pool
from jaxpool._pools.questions import chosen_implementation, output_shape
from jaxpool._pools.reduce import pool
from jaxpool._pools.unpool import avg_unpool, max_unpool

if TYPE_CHECKING:
    from jaxpool import linen as linen
    from jaxpool import nnx as nnx
    from jaxpool import torch as torch
else:
    # Hidden from type checkers, which otherwise take every name for one of the package.
    def __getattr__(name: str) -> Any:
        found = submodule("jaxpool", name)
        if found is None:
            raise unknown_name("jaxpool", name, __all__)
        return found

    def __dir__() -> list[str]:
        return [*__all__, "__version__", "linen", "nnx", "onnx", "torch"]


__version__ = "0.1.0"

__all__ = [
    "adaptive_avg_pool",
    "adaptive_max_pool",
    "adaptive_max_pool_with_argmax",
    "avg_pool",
    "avg_unpool",
    "chosen_implementation",
    "fractional_max_pool",
    "fractional_max_pool_with_argmax",
    "global_avg_pool",
    "global_lp_pool",
    "global_max_pool",
    "global_min_pool",
    "global_power_mean_pool",
    "global_sum_pool",
    "indices_from_onnx",
    "indices_from_tf",
    "indices_to_onnx",
    "indices_to_tf",
    "lp_pool",
    "max_pool",
    "max_pool_with_argmax",
    "max_unpool",
    "min_pool",
    "min_pool_with_argmax",
    "output_shape",
    "pool",
    "power_mean_pool",
    "sum_pool",
]
