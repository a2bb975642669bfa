# Torch's own argument names are kept.
# ruff: noqa: A002
"""Max unpooling under torch's names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._geometry import Ints, check_range, native
from jaxpool._geometry.calls import explained
from jaxpool._geometry.values import as_index, as_sequence, refuse
from jaxpool._pools.inputs import at_hand, range_of
from jaxpool.torch._arguments import array_of, ints_of, not_negative, positive_ints, require_array, spatial


def _outputs(function: str, value: Any, usual: tuple[int, ...], stride: tuple[int, ...]) -> tuple[int, ...]:
    """The spatial sizes of the result: the usual ones, or others within one stride of them."""
    rank = len(usual)
    fact = spatial(rank)
    elements = as_sequence(value)
    if elements is None:
        remedy = f"Write {usual}; leave it out for these sizes."
        refuse(TypeError, function, "output_size", "be a sequence", repr(value), fact, remedy)
    if len(elements) not in (rank, rank + 2):
        rule, remedy = f"have {rank} sizes, or {rank + 2} with batch and channels", f"Write {usual}."
        refuse(ValueError, function, "output_size", rule, repr(value), fact, remedy)
    sizes = tuple(as_index(function, "output_size", element, value, fact) for element in elements[-rank:])
    if any(abs(size - default) >= step for size, default, step in zip(sizes, usual, stride, strict=True)):
        rule = f"be less than a stride from {usual}"
        refuse(ValueError, function, "output_size", rule, repr(value), f"stride={stride}", f"Write {usual}.")
    return sizes


def _max_unpool(
    function: str,
    rank: int,
    input: Any,
    indices: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    output_size: Any,
) -> Array:
    x, pooled = array_of(function, input, rank)
    require_array(function, "indices", indices)
    indices = native(indices)
    if not jnp.issubdtype(indices.dtype, jnp.integer):
        remedy = "Pass the indices of a max pooling."
        refuse(TypeError, function, "indices.dtype", "be an integer dtype", indices.dtype, spatial(rank), remedy)
    if tuple(indices.shape) != x.shape:
        rule, remedy = "have the shape of input", "Pass one index per value."
        refuse(ValueError, function, "indices.shape", rule, tuple(indices.shape), f"input of shape {x.shape}", remedy)
    kernel = positive_ints(function, "kernel_size", kernel_size, rank, short=False)
    steps = kernel if stride is None else positive_ints(function, "stride", stride, rank, short=False)
    pads = ints_of(function, "padding", padding, rank, short=False)
    not_negative(function, pads, padding)
    usual = tuple((n - 1) * s + k - 2 * p for n, s, k, p in zip(pooled, steps, kernel, pads, strict=True))
    sizes = usual if output_size is None else _outputs(function, output_size, usual, steps)
    if min(sizes) < 1:
        rule, fact = "leave a result that is not empty", f"a result of {sizes}"
        refuse(ValueError, function, "padding", rule, repr(padding), fact, "Pad as the max pooling did.")
    if at_hand(indices) and indices.size:
        fact = f"a result with the spatial sizes {sizes}"
        remedy = "Pass output_size, the spatial sizes of what was pooled, and its kernel_size, stride and padding."
        check_range(function, *range_of(indices), (math.prod(sizes),), fact, remedy)
    return jaxpool.max_unpool(x, indices, output_shape=sizes, channel_axis=-rank - 1)


@explained
def max_unpool1d(
    input: ArrayLike,
    indices: ArrayLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Array:
    """`torch.nn.functional.max_unpool1d`, on arrays `(N, C, L)` or `(C, L)`.

    Indices are those of `max_pool1d`, of any integer dtype. An index outside the plane raises where it is known; where
    `jit` traces it, its value is dropped. Where an index repeats, the last value stays and the gradient of the others
    is 0; torch leaves open which stays, and gives the gradient to all. `output_size` may have batch and channels in
    front, which are not looked at. Any real dtype.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import max_pool1d, max_unpool1d
      >>> values, indices = max_pool1d(jnp.array([[1., 3., 2., 4., 5.]]), 2, return_indices=True)
      >>> max_unpool1d(values, indices, 2, output_size=(5,))
      Array([[0., 3., 0., 4., 0.]], dtype=float32)
    """
    return _max_unpool("max_unpool1d", 1, input, indices, kernel_size, stride, padding, output_size)


@explained
def max_unpool2d(
    input: ArrayLike,
    indices: ArrayLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Array:
    """`torch.nn.functional.max_unpool2d`, on arrays `(N, C, H, W)` or `(C, H, W)`; see `max_unpool1d`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import max_pool2d, max_unpool2d
      >>> values, indices = max_pool2d(jnp.arange(4.).reshape(1, 2, 2), 2, return_indices=True)
      >>> max_unpool2d(values, indices, 2)
      Array([[[0., 0.],
              [0., 3.]]], dtype=float32)
    """
    return _max_unpool("max_unpool2d", 2, input, indices, kernel_size, stride, padding, output_size)


@explained
def max_unpool3d(
    input: ArrayLike,
    indices: ArrayLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Array:
    """`torch.nn.functional.max_unpool3d`, on arrays `(N, C, D, H, W)` or `(C, D, H, W)`; see `max_unpool1d`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import max_pool3d, max_unpool3d
      >>> values, indices = max_pool3d(jnp.ones((1, 4, 4, 4)), 2, return_indices=True)
      >>> max_unpool3d(values, indices, 2).sum()
      Array(8., dtype=float32)
    """
    return _max_unpool("max_unpool3d", 3, input, indices, kernel_size, stride, padding, output_size)
