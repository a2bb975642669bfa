# Torch's own argument names are kept.
# ruff: noqa: A002
"""Fractional max pooling under torch's names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._geometry import Ints, check_flag
from jaxpool._geometry.calls import explained
from jaxpool._geometry.fractional import check_key
from jaxpool._geometry.values import as_sequence, refuse
from jaxpool.torch._arguments import array_of, ints_of, number_of, positive_ints, require_array, spatial

Ratios = float | Sequence[float]


def _outputs(function: str, size: Any, ratio: Any, sizes: tuple[int, ...], kernel: tuple[int, ...]) -> tuple[int, ...]:
    """The output sizes, given as such or as shares of the input's."""
    rank = len(sizes)
    fact = f"spatial sizes {sizes}"
    if (size is None) == (ratio is None):
        given, remedy = "neither of them" if size is None else "both", "Pass one of the two."
        refuse(ValueError, function, "output_size", "be given, or else output_ratio", given, fact, remedy)
    if ratio is None:
        argument, value = "output_size", size
        outputs = ints_of(function, argument, value, rank, short=False)
    else:
        argument, value = "output_ratio", ratio
        elements = as_sequence(ratio)
        elements = [ratio] * rank if elements is None else elements
        if len(elements) != rank:
            rule = f"be a number or have one number per spatial axis, {rank} in all"
            refuse(ValueError, function, argument, rule, repr(value), fact, f"Write {(0.5,) * rank}.")
        ratios = [number_of(function, argument, element, fact) for element in elements]
        if not all(0 < share <= 1 for share in ratios):
            refuse(ValueError, function, argument, "lie between 0 and 1", repr(value), fact, f"Write {(0.5,) * rank}.")
        outputs = tuple(int(n * share) for n, share in zip(sizes, ratios, strict=True))
    # In 3-D torch wants one element to spare.
    most = tuple(n - k + (rank == 2) for n, k in zip(sizes, kernel, strict=True))
    if not all(1 <= n <= limit for n, limit in zip(outputs, most, strict=True)):
        rule = f"give sizes from 1 to {most}"
        fact = f"kernel_size={kernel} and {fact}"
        refuse(ValueError, function, argument, rule, repr(value), fact, "Ask for fewer outputs, or smaller windows.")
    return outputs


def _samples(function: str, value: Any, x: Array, rank: int) -> Array:
    """Torch's samples, of shape `(N, C, rank)`, as jaxpool's: one axis per axis of the input, in the spatial order."""
    batched = x.ndim == rank + 2
    fact = f"input of shape {x.shape}"
    require_array(function, "_random_samples", value)
    samples = jnp.asarray(value)
    if samples.dtype != x.dtype:
        remedy = "Convert them with astype."
        rule = f"have the dtype of input, {x.dtype}"
        refuse(TypeError, function, "_random_samples", rule, samples.dtype, fact, remedy)
    batch = x.shape[0] if batched else 1
    shape = (batch, x.shape[-rank - 1], rank)
    if samples.ndim != 3 or samples.shape[1:] != shape[1:] or samples.shape[0] < batch:
        remedy = "The first axis is there also without a batch."
        refuse(ValueError, function, "_random_samples", f"have the shape {shape}", samples.shape, fact, remedy)
    # Torch reads (width, height) in 2-D, but (time, height, width) in 3-D.
    samples = jnp.flip(samples[:batch], axis=-1) if rank == 2 else samples[:batch]
    return samples if batched else samples[0]


def _fractional_max_pool(
    function: str,
    rank: int,
    input: Any,
    kernel_size: Any,
    output_size: Any,
    output_ratio: Any,
    return_indices: Any,
    _random_samples: Any,
    key: Any,
) -> Any:
    x, sizes = array_of(function, input, rank)
    kernel = positive_ints(function, "kernel_size", kernel_size, rank, short=False)
    outputs = _outputs(function, output_size, output_ratio, sizes, kernel)
    check_flag(function, "return_indices", return_indices)
    if (key is None) == (_random_samples is None):
        given = "neither of them" if key is None else "both"
        remedy = "Pass key=jax.random.key(0), a new one for every call; JAX has no global random state."
        refuse(ValueError, function, "key", "be given, or else _random_samples", given, spatial(rank), remedy)
    if key is not None:
        check_key(function, key, spatial(rank))
    samples = None if _random_samples is None else _samples(function, _random_samples, x, rank)
    pool = jaxpool.fractional_max_pool_with_argmax if return_indices else jaxpool.fractional_max_pool
    return pool(x, key, outputs, window_shape=kernel, samples=samples, channel_axis=-rank - 1)


@explained
def fractional_max_pool2d(
    input: ArrayLike,
    kernel_size: Ints,
    output_size: Ints | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = False,
    _random_samples: ArrayLike | None = None,
    *,
    key: Array | None = None,
) -> Any:
    """`torch.nn.functional.fractional_max_pool2d`, on arrays `(N, C, H, W)` or `(C, H, W)`.

    One of `output_size` and `output_ratio` tells the size of the result; torch ignores the ratio where both are given.
    One of `key`, a typed random key, and `_random_samples` tells where the windows are. Samples are numbers from 0 to 1
    of the dtype of `input`, of shape `(N, C, 2)`, with N = 1 without a batch, for width and height in this order; they
    give torch's windows. A key, for which torch has its global state, gives the same windows on every platform.
    Returns the maxima, with `return_indices` also their places, int32 (int64 where 64-bit types are on and needed).

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jaxpool.torch import fractional_max_pool2d
      >>> samples = jnp.full((1, 1, 2), 0.5)
      >>> fractional_max_pool2d(jnp.arange(25.).reshape(1, 5, 5), 2, 3, _random_samples=samples)
      Array([[[ 6.,  8.,  9.],
              [16., 18., 19.],
              [21., 23., 24.]]], dtype=float32)
    """
    size, ratio, samples = output_size, output_ratio, _random_samples
    function = "fractional_max_pool2d"
    return _fractional_max_pool(function, 2, input, kernel_size, size, ratio, return_indices, samples, key)


@explained
def fractional_max_pool3d(
    input: ArrayLike,
    kernel_size: Ints,
    output_size: Ints | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = False,
    _random_samples: ArrayLike | None = None,
    *,
    key: Array | None = None,
) -> Any:
    """`torch.nn.functional.fractional_max_pool3d`, on arrays `(N, C, D, H, W)` or `(C, D, H, W)`.

    As `fractional_max_pool2d`, but `_random_samples` are for depth, height and width in this order, and, as in torch,
    one element of each axis is to spare: `output_size + kernel_size` is at most the size of the input.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jaxpool.torch import fractional_max_pool3d
      >>> fractional_max_pool3d(jnp.ones((2, 9, 9, 9)), 2, output_ratio=0.5, key=jax.random.key(0)).shape
      (2, 4, 4, 4)
    """
    size, ratio, samples = output_size, output_ratio, _random_samples
    function = "fractional_max_pool3d"
    return _fractional_max_pool(function, 3, input, kernel_size, size, ratio, return_indices, samples, key)


@explained
def fractional_max_pool2d_with_indices(
    input: ArrayLike,
    kernel_size: Ints,
    output_size: Ints | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = False,
    _random_samples: ArrayLike | None = None,
    *,
    key: Array | None = None,
) -> tuple[Array, Array]:
    """`fractional_max_pool2d` with `return_indices=True`, whatever is given for it.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jaxpool.torch import fractional_max_pool2d_with_indices
      >>> fractional_max_pool2d_with_indices(jnp.ones((2, 9, 9)), 2, 5, key=jax.random.key(0))[1].shape
      (2, 5, 5)
    """
    del return_indices
    size, ratio, samples = output_size, output_ratio, _random_samples
    function = "fractional_max_pool2d_with_indices"
    return _fractional_max_pool(function, 2, input, kernel_size, size, ratio, True, samples, key)


@explained
def fractional_max_pool3d_with_indices(
    input: ArrayLike,
    kernel_size: Ints,
    output_size: Ints | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = False,
    _random_samples: ArrayLike | None = None,
    *,
    key: Array | None = None,
) -> tuple[Array, Array]:
    """`fractional_max_pool3d` with `return_indices=True`, whatever is given for it.

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jaxpool.torch import fractional_max_pool3d_with_indices
      >>> fractional_max_pool3d_with_indices(jnp.ones((2, 9, 9, 9)), 2, 5, key=jax.random.key(0))[1].shape
      (2, 5, 5, 5)
    """
    del return_indices
    size, ratio, samples = output_size, output_ratio, _random_samples
    function = "fractional_max_pool3d_with_indices"
    return _fractional_max_pool(function, 3, input, kernel_size, size, ratio, True, samples, key)
