# Torch's own argument names are kept.
# ruff: noqa: A002
"""Adaptive pooling under torch's names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, cast, overload

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._geometry import check_flag
from jaxpool._geometry.values import as_index, as_positive, as_sequence, refuse
from jaxpool.torch._arguments import array_of, spatial
from jaxpool.torch._ranks import on_ranks, with_indices

Sizes = int | Sequence[int | None]


def _outputs(value: Any, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The output sizes: an int for all axes, or one int per axis; beyond 1-D also None for the size of the input."""
    rank = len(sizes)
    fact = spatial(rank)
    elements = as_sequence(value)
    if elements is None:
        elements = [value] * rank
    elif len(elements) != rank:
        rule = f"be an int or have one size per spatial axis, {rank} in all"
        refuse(ValueError, "output_size", rule, repr(value), f"Write {(1,) * rank}, or one int.", fact)
    elif rank > 1:
        elements = [size if element is None else element for element, size in zip(elements, sizes, strict=True)]
    outputs = [as_index("output_size", element, value, fact) for element in elements]
    return as_positive("output_size", outputs, value, fact)


def _adaptive_avg_pool(rank: int, input: ArrayLike, output_size: Sizes) -> Array:
    """`torch.nn.functional.adaptive_avg_pool{rank}d`, on arrays {layout}.

    `output_size` is an int for all axes or one size per axis; beyond 1-D, None keeps the size of an axis. Floats only,
    of any width; f16, bf16 and fp8 are summed in f32.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import adaptive_avg_pool{rank}d
      >>> adaptive_avg_pool{rank}d(jnp.zeros((8, 3, {four})), 2).shape
      (8, 3, {two})
    """
    x, sizes = array_of(input, rank, floats=True)
    return jaxpool.adaptive_avg_pool(x, _outputs(output_size, sizes), channel_axis=-rank - 1)


def _adaptive_max_pool(rank: int, input: ArrayLike, output_size: Sizes, return_indices: bool = False) -> Any:
    """`torch.nn.functional.adaptive_max_pool{rank}d`, on arrays {layout}.

    Returns the maxima, with `return_indices` also their indices, int32 (int64 where 64-bit types are on and needed).
    `output_size` as in `adaptive_avg_pool{rank}d`. Any real dtype; torch wants floats.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import adaptive_max_pool{rank}d
      >>> adaptive_max_pool{rank}d(jnp.zeros((8, 3, {four})), 2).shape
      (8, 3, {two})
    """
    x, sizes = array_of(input, rank)
    outputs = _outputs(output_size, sizes)
    check_flag("return_indices", return_indices)
    pool = jaxpool.adaptive_max_pool_with_argmax if return_indices else jaxpool.adaptive_max_pool
    return pool(x, outputs, channel_axis=-rank - 1)


adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = map(on_ranks(_adaptive_avg_pool), (1, 2, 3))


class _AdaptiveMaxPool(Protocol):
    @overload
    def __call__(self, input: ArrayLike, output_size: Sizes, return_indices: Literal[False] = False) -> Array: ...
    @overload
    def __call__(self, input: ArrayLike, output_size: Sizes, return_indices: Literal[True]) -> tuple[Array, Array]: ...
    @overload
    def __call__(self, input: ArrayLike, output_size: Sizes, return_indices: bool) -> Array | tuple[Array, Array]: ...


_adaptive_max_pools: Callable[[int], _AdaptiveMaxPool] = cast("Any", on_ranks(_adaptive_max_pool))
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = map(_adaptive_max_pools, (1, 2, 3))
adaptive_max_pool1d_with_indices, adaptive_max_pool2d_with_indices, adaptive_max_pool3d_with_indices = map(
    with_indices(_adaptive_max_pool), (1, 2, 3)
)
