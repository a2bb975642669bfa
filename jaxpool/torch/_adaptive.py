# Torch's own argument names are kept.
# ruff: noqa: A002
"""Adaptive pooling under torch's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._geometry import check_flag
from jaxpool._geometry.calls import explained
from jaxpool._geometry.values import as_index, as_positive, as_sequence, refuse
from jaxpool.torch._arguments import array_of, spatial

Sizes = int | Sequence[int | None]


def _outputs(function: str, value: Any, sizes: tuple[int, ...]) -> tuple[int, ...]:
    """The output sizes: an int for all axes, or one int per axis; beyond 1-D also None for the size of the input."""
    rank = len(sizes)
    fact = spatial(rank)
    elements = as_sequence(value)
    if elements is None:
        elements = [value] * rank
    elif len(elements) != rank:
        rule = f"be an int or have one size per spatial axis, {rank} in all"
        refuse(ValueError, function, "output_size", rule, repr(value), fact, f"Write {(1,) * rank}, or one int.")
    elif rank > 1:
        elements = [size if element is None else element for element, size in zip(elements, sizes, strict=True)]
    outputs = [as_index(function, "output_size", element, value, fact) for element in elements]
    return as_positive(function, "output_size", outputs, value, fact)


def _adaptive_avg_pool(function: str, rank: int, input: Any, output_size: Any) -> Array:
    x, sizes = array_of(function, input, rank, floats=True)
    return jaxpool.adaptive_avg_pool(x, _outputs(function, output_size, sizes), channel_axis=-rank - 1)


def _adaptive_max_pool(function: str, rank: int, input: Any, output_size: Any, return_indices: Any) -> Any:
    x, sizes = array_of(function, input, rank)
    outputs = _outputs(function, output_size, sizes)
    check_flag(function, "return_indices", return_indices)
    pool = jaxpool.adaptive_max_pool_with_argmax if return_indices else jaxpool.adaptive_max_pool
    return pool(x, outputs, channel_axis=-rank - 1)


@explained
def adaptive_avg_pool1d(input: ArrayLike, output_size: int | Sequence[int]) -> Array:
    """`torch.nn.functional.adaptive_avg_pool1d`, on arrays `(N, C, L)` or `(C, L)`.

    `output_size` is an int or a sequence of one. Floats only, of any width; f16, bf16 and fp8 are summed in f32.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import adaptive_avg_pool1d
      >>> adaptive_avg_pool1d(jnp.arange(5.).reshape(1, 5), 3)
      Array([[0.5, 2. , 3.5]], dtype=float32)
    """
    return _adaptive_avg_pool("adaptive_avg_pool1d", 1, input, output_size)


@explained
def adaptive_avg_pool2d(input: ArrayLike, output_size: Sizes) -> Array:
    """`torch.nn.functional.adaptive_avg_pool2d`, on arrays `(N, C, H, W)` or `(C, H, W)`.

    `output_size` is an int for both axes or one size per axis; None keeps the size of an axis. Dtypes as in
    `adaptive_avg_pool1d`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import adaptive_avg_pool2d
      >>> adaptive_avg_pool2d(jnp.zeros((8, 64, 13, 9)), (7, None)).shape
      (8, 64, 7, 9)
    """
    return _adaptive_avg_pool("adaptive_avg_pool2d", 2, input, output_size)


@explained
def adaptive_avg_pool3d(input: ArrayLike, output_size: Sizes) -> Array:
    """`torch.nn.functional.adaptive_avg_pool3d`, on arrays `(N, C, D, H, W)` or `(C, D, H, W)`.

    As `adaptive_avg_pool2d`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import adaptive_avg_pool3d
      >>> adaptive_avg_pool3d(jnp.ones((1, 4, 5, 6)), 1)
      Array([[[[1.]]]], dtype=float32)
    """
    return _adaptive_avg_pool("adaptive_avg_pool3d", 3, input, output_size)


@explained
def adaptive_max_pool1d(input: ArrayLike, output_size: int | Sequence[int], return_indices: bool = False) -> Any:
    """`torch.nn.functional.adaptive_max_pool1d`, on arrays `(N, C, L)` or `(C, L)`.

    Returns the maxima, with `return_indices` also their places, int32 (int64 where 64-bit types are on and needed).
    `output_size` as in `adaptive_avg_pool1d`. Any real dtype; torch wants floats.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import adaptive_max_pool1d
      >>> adaptive_max_pool1d(jnp.array([[3., 1., 4., 1., 5.]]), 3, return_indices=True)[1]
      Array([[0, 2, 4]], dtype=int32)
    """
    return _adaptive_max_pool("adaptive_max_pool1d", 1, input, output_size, return_indices)


@explained
def adaptive_max_pool2d(input: ArrayLike, output_size: Sizes, return_indices: bool = False) -> Any:
    """`torch.nn.functional.adaptive_max_pool2d`, on arrays `(N, C, H, W)` or `(C, H, W)`.

    `output_size` as in `adaptive_avg_pool2d`, results and dtypes as in `adaptive_max_pool1d`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import adaptive_max_pool2d
      >>> adaptive_max_pool2d(jnp.arange(9.).reshape(1, 3, 3), 2)
      Array([[[4., 5.],
              [7., 8.]]], dtype=float32)
    """
    return _adaptive_max_pool("adaptive_max_pool2d", 2, input, output_size, return_indices)


@explained
def adaptive_max_pool3d(input: ArrayLike, output_size: Sizes, return_indices: bool = False) -> Any:
    """`torch.nn.functional.adaptive_max_pool3d`, on arrays `(N, C, D, H, W)` or `(C, D, H, W)`.

    As `adaptive_max_pool2d`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import adaptive_max_pool3d
      >>> adaptive_max_pool3d(jnp.zeros((8, 16, 5, 6, 7)), (None, 3, 2)).shape
      (8, 16, 5, 3, 2)
    """
    return _adaptive_max_pool("adaptive_max_pool3d", 3, input, output_size, return_indices)


@explained
def adaptive_max_pool1d_with_indices(
    input: ArrayLike, output_size: int | Sequence[int], return_indices: bool = False
) -> tuple[Array, Array]:
    """`adaptive_max_pool1d` with `return_indices=True`, whatever is given for it.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import adaptive_max_pool1d_with_indices
      >>> adaptive_max_pool1d_with_indices(jnp.ones((1, 5)), 3)[1].shape
      (1, 3)
    """
    del return_indices
    return _adaptive_max_pool("adaptive_max_pool1d_with_indices", 1, input, output_size, True)


@explained
def adaptive_max_pool2d_with_indices(
    input: ArrayLike, output_size: Sizes, return_indices: bool = False
) -> tuple[Array, Array]:
    """`adaptive_max_pool2d` with `return_indices=True`, whatever is given for it.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import adaptive_max_pool2d_with_indices
      >>> adaptive_max_pool2d_with_indices(jnp.ones((1, 5, 5)), 3)[1].shape
      (1, 3, 3)
    """
    del return_indices
    return _adaptive_max_pool("adaptive_max_pool2d_with_indices", 2, input, output_size, True)


@explained
def adaptive_max_pool3d_with_indices(
    input: ArrayLike, output_size: Sizes, return_indices: bool = False
) -> tuple[Array, Array]:
    """`adaptive_max_pool3d` with `return_indices=True`, whatever is given for it.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import adaptive_max_pool3d_with_indices
      >>> adaptive_max_pool3d_with_indices(jnp.ones((1, 5, 5, 5)), 3)[1].shape
      (1, 3, 3, 3)
    """
    del return_indices
    return _adaptive_max_pool("adaptive_max_pool3d_with_indices", 3, input, output_size, True)
