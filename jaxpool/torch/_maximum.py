# Torch's own argument names are kept.
# ruff: noqa: A002
"""Max pooling under torch's names."""

from __future__ import annotations

from typing import Any

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._geometry import Ints, check_flag
from jaxpool._geometry.calls import explained
from jaxpool.torch._arguments import array_of, frame_of


def _max_pool(
    function: str,
    rank: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: Any,
    return_indices: Any,
) -> Any:
    x, sizes = array_of(function, input, rank)
    frame = frame_of(function, sizes, kernel_size, stride, padding, dilation, ceil_mode)
    check_flag(function, "return_indices", return_indices)
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


@explained
def max_pool1d(
    input: ArrayLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """`torch.nn.functional.max_pool1d`, on arrays `(N, C, L)` or `(C, L)`.

    Returns the maxima, with `return_indices` also their places, int32 (int64 where 64-bit types are on and needed). The
    default stride is the kernel size. Any real dtype; torch wants floats in 1-D.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import max_pool1d
      >>> max_pool1d(jnp.array([[1., 3., 2., 4.]]), 2)
      Array([[3., 4.]], dtype=float32)
    """
    return _max_pool("max_pool1d", 1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@explained
def max_pool2d(
    input: ArrayLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """`torch.nn.functional.max_pool2d`, on arrays `(N, C, H, W)` or `(C, H, W)`; see `max_pool1d`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import max_pool2d
      >>> values, indices = max_pool2d(jnp.arange(16.).reshape(1, 4, 4), 2, return_indices=True)
      >>> indices
      Array([[[ 5,  7],
              [13, 15]]], dtype=int32)
    """
    return _max_pool("max_pool2d", 2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@explained
def max_pool3d(
    input: ArrayLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """`torch.nn.functional.max_pool3d`, on arrays `(N, C, D, H, W)` or `(C, D, H, W)`; see `max_pool1d`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import max_pool3d
      >>> max_pool3d(jnp.zeros((2, 3, 8, 8, 8)), 3, 2, 1).shape
      (2, 3, 4, 4, 4)
    """
    return _max_pool("max_pool3d", 3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


@explained
def max_pool1d_with_indices(
    input: ArrayLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Array, Array]:
    """`max_pool1d` with `return_indices=True`, whatever is given for it.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import max_pool1d_with_indices
      >>> max_pool1d_with_indices(jnp.ones((1, 4)), 2)[1].shape
      (1, 2)
    """
    del return_indices
    return _max_pool("max_pool1d_with_indices", 1, input, kernel_size, stride, padding, dilation, ceil_mode, True)


@explained
def max_pool2d_with_indices(
    input: ArrayLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Array, Array]:
    """`max_pool2d` with `return_indices=True`, whatever is given for it.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import max_pool2d_with_indices
      >>> max_pool2d_with_indices(jnp.ones((1, 4, 4)), 2)[1].shape
      (1, 2, 2)
    """
    del return_indices
    return _max_pool("max_pool2d_with_indices", 2, input, kernel_size, stride, padding, dilation, ceil_mode, True)


@explained
def max_pool3d_with_indices(
    input: ArrayLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    dilation: Ints = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> tuple[Array, Array]:
    """`max_pool3d` with `return_indices=True`, whatever is given for it.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import max_pool3d_with_indices
      >>> max_pool3d_with_indices(jnp.ones((1, 4, 4, 4)), 2)[1].shape
      (1, 2, 2, 2)
    """
    del return_indices
    return _max_pool("max_pool3d_with_indices", 3, input, kernel_size, stride, padding, dilation, ceil_mode, True)
