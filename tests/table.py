"""One row per pooling function: whatever holds for every pool is tested from here."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

import jaxpool


@dataclasses.dataclass(frozen=True, eq=False)
class Row:
    """A public function with arguments, on inputs of `shape`, spatial axes 1 and 2 with the channel last."""

    name: str
    pool: Callable[..., Any]
    arguments: dict[str, Any]
    linear: bool = False
    shape: tuple[int, ...] = (2, 4, 6, 2)

    def __call__(self, x: jax.Array) -> jax.Array:
        """The values alone."""
        result = self.pool(x, **self.arguments)
        return result[0] if isinstance(result, tuple) else result

    def inputs(self, shape: tuple[int, ...] | None = None) -> np.ndarray:
        """Distinct integers: no ties, so that every pool is linear near them."""
        shape = self.shape if shape is None else shape
        size = int(np.prod(shape))
        return np.random.default_rng(7).permutation(size).reshape(shape).astype(np.float32) - size // 2


OVERLAPPING = {"window_shape": (3, 3), "strides": 2, "padding": ((1, 0), (1, 1)), "ceil_mode": True}
DILATED = {"window_shape": (2, 3), "strides": (1, 2), "padding": 1, "window_dilation": 2}

ROWS = [
    Row("max_pool", jaxpool.max_pool, OVERLAPPING),
    Row("max_pool, keeping the input", jaxpool.max_pool, OVERLAPPING | {"residual": "input"}),
    Row("max_pool, dilated", jaxpool.max_pool, DILATED),
    Row("max_pool, large", jaxpool.max_pool, {"window_shape": (4, 5), "padding": "SAME"}),
    Row("min_pool", jaxpool.min_pool, OVERLAPPING),
    Row("max_pool_with_argmax", jaxpool.max_pool_with_argmax, OVERLAPPING),
    Row("min_pool_with_argmax", jaxpool.min_pool_with_argmax, DILATED),
    Row("avg_pool", jaxpool.avg_pool, OVERLAPPING, linear=True),
    Row("avg_pool, real", jaxpool.avg_pool, DILATED | {"count_include_pad": False}, linear=True),
    Row("avg_pool, override", jaxpool.avg_pool, {"window_shape": (2, 2), "divisor_override": 3}, linear=True),
    Row("sum_pool", jaxpool.sum_pool, DILATED, linear=True),
    Row("global_avg_pool", jaxpool.global_avg_pool, {}, linear=True),
    Row("global_sum_pool", jaxpool.global_sum_pool, {"keepdims": True}, linear=True),
    Row("global_max_pool", jaxpool.global_max_pool, {}),
    Row("global_min_pool", jaxpool.global_min_pool, {"keepdims": True}),
]


def ids(row: Row) -> str:
    """A test's name."""
    return row.name
