# Torch's own argument names are kept.
# ruff: noqa: A002
"""Fractional max pooling under torch's names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, Protocol, cast, overload

import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._geometry import check_flag
from jaxpool._geometry.fractional import check_key
from jaxpool._geometry.values import as_sequence, refuse
from jaxpool.torch._arguments import array_of, ints_of, number_of, positive_ints, require_array, spatial
from jaxpool.torch._ranks import on_ranks, with_indices
from jaxpool.typing import Ints

Ratios = float | Sequence[float]


def _outputs(size: Any, ratio: Any, sizes: tuple[int, ...], kernel: tuple[int, ...]) -> tuple[int, ...]:
    """The output sizes, given as such or as shares of the input's."""
    rank = len(sizes)
    fact = f"spatial sizes {sizes}"
    if (size is None) == (ratio is None):
        given, remedy = "neither of them" if size is None else "both", "Pass one of the two."
        refuse(ValueError, "output_size", "be given, or else output_ratio", given, remedy, fact)
    if ratio is None:
        argument, value = "output_size", size
        outputs = ints_of(argument, value, rank, short=False)
    else:
        argument, value = "output_ratio", ratio
        elements = as_sequence(ratio)
        elements = [ratio] * rank if elements is None else elements
        if len(elements) != rank:
            rule = f"be a number or have one number per spatial axis, {rank} in all"
            refuse(ValueError, argument, rule, repr(value), f"Write {(0.5,) * rank}.", fact)
        ratios = [number_of(argument, element, fact) for element in elements]
        if not all(0 < share <= 1 for share in ratios):
            refuse(ValueError, argument, "lie between 0 and 1", repr(value), f"Write {(0.5,) * rank}.", fact)
        outputs = tuple(int(n * share) for n, share in zip(sizes, ratios, strict=True))
    # In 3-D torch wants one element to spare.
    most = tuple(n - k + (rank == 2) for n, k in zip(sizes, kernel, strict=True))
    if not all(1 <= n <= limit for n, limit in zip(outputs, most, strict=True)):
        rule = f"give sizes from 1 to {most}"
        fact = f"kernel_size={kernel} and {fact}"
        refuse(ValueError, argument, rule, repr(value), "Ask for fewer outputs, or smaller windows.", fact)
    return outputs


def _samples(value: Any, x: Array, rank: int) -> Array:
    """Torch's samples, of shape `(N, C, rank)`, as jaxpool's: one axis per axis of the input, in the spatial order."""
    batched = x.ndim == rank + 2
    fact = f"input of shape {x.shape}"
    require_array("_random_samples", value)
    samples = jnp.asarray(value)
    if samples.dtype != x.dtype:
        remedy = "Convert them with astype."
        rule = f"have the dtype of input, {x.dtype}"
        refuse(TypeError, "_random_samples", rule, samples.dtype, remedy, fact)
    batch = x.shape[0] if batched else 1
    shape = (batch, x.shape[-rank - 1], rank)
    if samples.ndim != 3 or samples.shape[1:] != shape[1:] or samples.shape[0] < batch:
        remedy = "The first axis is there also without a batch."
        refuse(ValueError, "_random_samples", f"have the shape {shape}", samples.shape, remedy, fact)
    # Torch reads (width, height) in 2-D, but (time, height, width) in 3-D.
    samples = jnp.flip(samples[:batch], axis=-1) if rank == 2 else samples[:batch]
    return samples if batched else samples[0]


def _fractional_max_pool(
    rank: int,
    input: ArrayLike,
    kernel_size: Ints,
    output_size: Ints | None = None,
    output_ratio: Ratios | None = None,
    return_indices: bool = False,
    _random_samples: ArrayLike | None = None,
    *,
    key: Array | None = None,
) -> Any:
    """`torch.nn.functional.fractional_max_pool{rank}d`, on arrays {layout}.

    One of `output_size` and `output_ratio` is the size of the result; torch ignores the ratio where both are given. In
    3-D, as in torch, one element of each axis is to spare: `output_size + kernel_size` is at most the input's size.

    One of `key`, a typed random key, and `_random_samples` says where the windows are. Samples are numbers from 0 to 1
    of the dtype of `input`, of shape `(N, C, {rank})`, with N = 1 without a batch. They give torch's windows, and come
    in its order: width and height in 2-D, depth, height and width in 3-D. A key, for which torch has its global state,
    gives the same windows on every platform.

    Returns the maxima, with `return_indices` also their indices, int32 (int64 where 64-bit types are on and needed).

    Example:
      >>> import jax, jax.numpy as jnp
      >>> from jaxpool.torch import fractional_max_pool{rank}d
      >>> fractional_max_pool{rank}d(jnp.ones((8, 3, {four})), 2, 2, key=jax.random.key(0)).shape
      (8, 3, {two})
    """
    x, sizes = array_of(input, rank)
    kernel = positive_ints("kernel_size", kernel_size, rank, short=False)
    outputs = _outputs(output_size, output_ratio, sizes, kernel)
    check_flag("return_indices", return_indices)
    if (key is None) == (_random_samples is None):
        given = "neither of them" if key is None else "both"
        remedy = "Pass key=jax.random.key(0), a new one for every call; JAX has no global random state."
        refuse(ValueError, "key", "be given, or else _random_samples", given, remedy, spatial(rank))
    if key is not None:
        check_key(key, spatial(rank))
    samples = None if _random_samples is None else _samples(_random_samples, x, rank)
    pool = jaxpool.fractional_max_pool_with_argmax if return_indices else jaxpool.fractional_max_pool
    return pool(x, key, outputs, window_shape=kernel, samples=samples, channel_axis=-rank - 1)


class _FractionalMaxPool(Protocol):
    @overload
    def __call__(
        self,
        input: ArrayLike,
        kernel_size: Ints,
        output_size: Ints | None = None,
        output_ratio: Ratios | None = None,
        return_indices: Literal[False] = False,
        _random_samples: ArrayLike | None = None,
        *,
        key: Array | None = None,
    ) -> Array: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        kernel_size: Ints,
        output_size: Ints | None = None,
        output_ratio: Ratios | None = None,
        *,
        return_indices: Literal[True],
        _random_samples: ArrayLike | None = None,
        key: Array | None = None,
    ) -> tuple[Array, Array]: ...
    @overload
    def __call__(
        self,
        input: ArrayLike,
        kernel_size: Ints,
        output_size: Ints | None = None,
        output_ratio: Ratios | None = None,
        return_indices: bool = False,
        _random_samples: ArrayLike | None = None,
        *,
        key: Array | None = None,
    ) -> Array | tuple[Array, Array]: ...


_fractional_max_pools: Callable[[int], _FractionalMaxPool] = cast("Any", on_ranks(_fractional_max_pool))
fractional_max_pool2d, fractional_max_pool3d = map(_fractional_max_pools, (2, 3))
fractional_max_pool2d_with_indices, fractional_max_pool3d_with_indices = map(with_indices(_fractional_max_pool), (2, 3))
