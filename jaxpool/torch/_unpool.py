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
from jaxpool._geometry import check_range, native
from jaxpool._geometry.values import as_index, as_sequence, refuse
from jaxpool._pools.inputs import at_hand, range_of
from jaxpool.torch._arguments import array_of, ints_of, not_negative, positive_ints, require_array, spatial
from jaxpool.torch._ranks import on_ranks
from jaxpool.typing import Ints


def _outputs(value: Any, usual: tuple[int, ...], stride: tuple[int, ...]) -> tuple[int, ...]:
    """The spatial sizes of the result: the usual ones, or others within one stride of them."""
    rank = len(usual)
    fact = spatial(rank)
    elements = as_sequence(value)
    if elements is None:
        remedy = f"Write {usual}; leave it out for these sizes."
        refuse(TypeError, "output_size", "be a sequence", repr(value), remedy, fact)
    if len(elements) not in (rank, rank + 2):
        rule, remedy = f"have {rank} sizes, or {rank + 2} with batch and channels", f"Write {usual}."
        refuse(ValueError, "output_size", rule, repr(value), remedy, fact)
    sizes = tuple(as_index("output_size", element, value, fact) for element in elements[-rank:])
    if any(abs(size - default) >= step for size, default, step in zip(sizes, usual, stride, strict=True)):
        rule = f"be less than a stride from {usual}"
        refuse(ValueError, "output_size", rule, repr(value), f"Write {usual}.", f"stride={stride}")
    return sizes


def _max_unpool(
    rank: int,
    input: ArrayLike,
    indices: ArrayLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    output_size: Sequence[int] | None = None,
) -> Array:
    """`torch.nn.functional.max_unpool{rank}d`, on arrays {layout}.

    Indices are those of `max_pool{rank}d`, of any integer dtype. An index outside the plane raises where it is known;
    where `jit` traces it, its value is dropped. Where an index repeats, the last value stays and the gradient of the
    others is 0; torch leaves open which stays, and gives the gradient to all. `output_size` may have batch and channels
    in front, which are not looked at. Any real dtype.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import max_pool{rank}d, max_unpool{rank}d
      >>> values, indices = max_pool{rank}d(jnp.zeros((8, 3, {four})), 2, return_indices=True)
      >>> max_unpool{rank}d(values, indices, 2).shape
      (8, 3, {four})
    """
    x, pooled = array_of(input, rank)
    require_array("indices", indices)
    known: Any = native(indices)
    if not jnp.issubdtype(known.dtype, jnp.integer):
        remedy = "Pass the indices of a max pooling."
        refuse(TypeError, "indices.dtype", "be an integer dtype", known.dtype, remedy, spatial(rank))
    if tuple(known.shape) != x.shape:
        rule, remedy = "have the shape of input", "Pass one index per value."
        refuse(ValueError, "indices.shape", rule, tuple(known.shape), remedy, f"input of shape {x.shape}")
    kernel = positive_ints("kernel_size", kernel_size, rank, short=False)
    steps = kernel if stride is None else positive_ints("stride", stride, rank, short=False)
    pads = ints_of("padding", padding, rank, short=False)
    not_negative(pads, padding)
    usual = tuple((n - 1) * s + k - 2 * p for n, s, k, p in zip(pooled, steps, kernel, pads, strict=True))
    sizes = usual if output_size is None else _outputs(output_size, usual, steps)
    if min(sizes) < 1:
        rule, fact = "leave a result that is not empty", f"a result of {sizes}"
        refuse(ValueError, "padding", rule, repr(padding), "Pad as the max pooling did.", fact)
    if at_hand(known) and known.size:
        fact = f"a result with the spatial sizes {sizes}"
        remedy = "Pass output_size, the spatial sizes of what was pooled, and its kernel_size, stride and padding."
        check_range(*range_of(known), (math.prod(sizes),), fact, remedy)
    return jaxpool.max_unpool(x, known, output_shape=sizes, channel_axis=-rank - 1)


max_unpool1d, max_unpool2d, max_unpool3d = map(on_ranks(_max_unpool), (1, 2, 3))
