# Torch's own argument names are kept.
# ruff: noqa: A002
"""Max pooling under torch's names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Protocol, cast, overload

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._geometry import check_flag
from jaxpool.torch._arguments import array_of, frame_of
from jaxpool.torch._ranks import on_ranks, with_indices
from jaxpool.typing import Ints


def _max_pool(
    rank: int,
    input: ArrayLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """`torch.nn.functional.max_pool{rank}d`, on arrays {layout}.

    Returns the maxima, with `return_indices` also their indices, int32 (int64 where 64-bit types are on and needed).
    The default stride is the kernel size. Any real dtype; torch wants floats in 1-D.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import max_pool{rank}d
      >>> values, indices = max_pool{rank}d(jnp.zeros((8, 3, {four})), 2, return_indices=True)
      >>> values.shape
      (8, 3, {two})
    """
    x, sizes = array_of(input, rank)
    frame = frame_of(sizes, kernel_size, stride, padding, dilation, ceil_mode)
    check_flag("return_indices", return_indices)
    pool = jaxpool.max_pool_with_argmax if return_indices else jaxpool.max_pool
    return pool(
        x,
        frame.kernel,
        frame.stride,
        frame.padding,
        window_dilation=frame.dilation,
        ceil_mode=frame.ceil_mode,
        channel_axis=-rank - 1,
    )


class _MaxPool(Protocol):
    @overload
    def __call__(
        self,
        input: ArrayLike,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        dilation: Ints = 1,
        ceil_mode: bool = False,
        return_indices: Literal[False] = False,
    ) -> Array: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        dilation: Ints = 1,
        ceil_mode: bool = False,
        *,
        return_indices: Literal[True],
    ) -> tuple[Array, Array]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        kernel_size: Ints,
        stride: Ints | None = None,
        padding: Ints = 0,
        dilation: Ints = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Array | tuple[Array, Array]: ...


_max_pools: Callable[[int], _MaxPool] = cast("Any", on_ranks(_max_pool))
max_pool1d, max_pool2d, max_pool3d = map(_max_pools, (1, 2, 3))
max_pool1d_with_indices, max_pool2d_with_indices, max_pool3d_with_indices = map(with_indices(_max_pool), (1, 2, 3))
