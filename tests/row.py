"""What a row of the table of all pools is, and arguments that many of them share."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np


@dataclasses.dataclass(frozen=True, eq=False)
class Row:
    """A public function with arguments, on inputs of `shape`, spatial axes 1 and 2 with the channel last.

    Attributes:
      arrays: further arguments, made from the shape of the inputs.
      smooth: whether it is curved, so that exact finite differences do not tell its derivatives.
      places: whether the program may hold gathers and scatters, because places depend on data or on bins.
      sorts: whether the program may sort planes.
      mixes: whether features meet, or are joined with others, so that no device can take some of them alone.
      composed: whether it only joins operators that other rows test, so that a part of the tests will do.
      infinite: whether something is infinite on the way, so that steps outside of `jit` may be.
    """

    name: str
    pool: Callable[..., Any]
    arguments: dict[str, Any]
    linear: bool = False
    shape: tuple[int, ...] = (2, 4, 6, 2)
    arrays: Callable[[tuple[Any, ...]], dict[str, Any]] | None = None
    smooth: bool = False
    places: bool = False
    sorts: bool = False
    infinite: bool = False
    mixes: bool = False
    composed: bool = False

    def __call__(self, x: jax.Array) -> jax.Array:
        """The values alone."""
        arrays = {} if self.arrays is None else self.arrays(x.shape)
        result = self.pool(x, **self.arguments, **arrays)
        return result[0] if isinstance(result, tuple) else result

    def inputs(self, shape: tuple[int, ...] | None = None) -> np.ndarray:
        """Distinct integers, so that every pool is linear near them; fractions for those that are smooth."""
        shape = self.shape if shape is None else shape
        size = int(np.prod(shape))
        x = np.random.default_rng(7).permutation(size).reshape(shape).astype(np.float32) - size // 2
        # Away from 0, where powers have no derivative.
        return (x + 0.5) / 8 if self.smooth else x


OVERLAPPING = {"window_shape": (3, 3), "strides": 2, "padding": ((1, 0), (1, 1)), "ceil_mode": True}
DILATED = {"window_shape": (2, 3), "strides": (1, 2), "padding": 1, "window_dilation": 2}
MIRRORED = {"window_shape": (3, 2), "strides": 2, "padding": ((1, 2), (0, 1)), "padding_mode": "REFLECT"}


def mask(shape: tuple[Any, ...]) -> dict[str, Any]:
    """A mask over the spatial axes; its first rows leave some windows without any valid element."""
    height, width = shape[-3:-1]
    valid = np.random.default_rng(3).random((height, width, 1)) < 0.6
    valid[:2, :3] = False
    return {"where": valid.reshape((1,) * (len(shape) - 3) + valid.shape)}


def chequered(shape: tuple[Any, ...]) -> dict[str, Any]:
    """A mask that leaves at least one of two neighbours in, so that no window is empty: its value would be -inf."""
    where = mask(shape)["where"]
    return {"where": where | (np.indices(where.shape[-3:-1]).sum(0) % 2 == 0)[..., None]}


def some_weights(shape: tuple[Any, ...]) -> dict[str, Any]:
    """A weight for each place, the same in every feature map."""
    weights = np.random.default_rng(6).random((*shape[-3:-1], 1)).astype(np.float32)
    return {"weights": weights.reshape((1,) * (len(shape) - 3) + weights.shape)}


def some_indices(shape: tuple[Any, ...]) -> dict[str, Any]:
    """A place for each value in a plane of (2 * height, 2 * width), some of them the same."""
    height, width = shape[-3:-1]
    places = np.random.default_rng(4).integers(0, 4 * height * width, (height, width, 1))
    plane = (2 * height, 2 * width)
    return {"indices": jnp.broadcast_to(jnp.asarray(places, jnp.int32), shape), "output_shape": plane}


def some_offsets(shape: tuple[Any, ...]) -> dict[str, Any]:
    """A position in a window of 3 by 2 for each value."""
    places = np.random.default_rng(5).integers(0, 6, (*shape[-3:-1], 1))
    return {"indices": jnp.broadcast_to(jnp.asarray(places, jnp.uint8), shape)}


def some_samples(shape: tuple[Any, ...]) -> dict[str, Any]:
    """The same two numbers for every feature map."""
    return {"key": None, "samples": jnp.broadcast_to(jnp.asarray([0.3, 0.8], jnp.float32), (*shape[:-3], shape[-1], 2))}


def ids(row: Row) -> str:
    """A test's name."""
    return row.name
