"""Pools of sequences: the first and the last element that count, and masks and lengths before and after a pool."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import (
    WindowArguments,
    check_flag,
    check_lengths,
    check_mask,
    check_option,
    check_size,
    length_window,
    mask_window,
    plane_as_window,
    plane_axes,
)
from jaxpool._geometry.calls import explained
from jaxpool._operators import plane_sum, without_series
from jaxpool._pools.dtypes import sum_dtypes
from jaxpool._pools.extremum import extremum_of
from jaxpool._pools.inputs import as_array, mask_of
from jaxpool._pools.padding import along
from jaxpool._pools.shards import with_whole_planes
from jaxpool.typing import Ints, MaskRule, Padding, PaddingMode, WindowShape


def _at_end(mask: Array, axes: tuple[int, ...], last: bool) -> Array:
    """The mask with its first or last valid place of each plane alone, in row-major order."""
    for number, axis in enumerate(axes):
        held = jnp.any(mask, axes[number + 1 :], keepdims=True)
        index = lax.broadcasted_iota(jnp.int32, held.shape, axis)
        size = held.shape[axis]
        if last:
            place = jnp.max(jnp.where(held, index, -1), axis, keepdims=True)
        else:
            place = jnp.min(jnp.where(held, index, size), axis, keepdims=True)
        mask = mask & (index == place)
    return mask


@functools.partial(jax.jit, static_argnames=("axes", "keepdims", "last"), inline=True)
def _end(x: Array, mask: Array | None, axes: tuple[int, ...], keepdims: bool, last: bool) -> Array:
    if mask is None:
        for axis in axes:
            start = x.shape[axis] - 1 if last else 0
            x = lax.slice_in_dim(x, start, start + 1, axis=axis)
        return x if keepdims else lax.squeeze(x, axes)
    chosen = _at_end(along(without_series(mask), plane_as_window(x.shape, axes)), axes, last)
    # A sum of one element and zeros: sharded axes stay apart, and the gradient is no scatter.
    alone = jnp.where(chosen, x, jnp.zeros((), x.dtype))
    result = plane_sum(alone, axes, None, sum_dtypes(x.dtype)[0]).astype(x.dtype)
    return result if keepdims else lax.squeeze(result, axes)


def _global(
    inputs: ArrayLike, spatial: int | None, keepdims: bool, channel_axis: int | None, where: Any, last: bool
) -> Array:
    check_flag("keepdims", keepdims)
    x = as_array(inputs, ordered=False)
    axes = plane_axes(x.shape, spatial, channel_axis)
    mask = mask_of(where, x)
    x = with_whole_planes(x, axes) if mask is None else x
    return _end(x, mask, axes, bool(keepdims), last)


@explained
def global_first_pool(
    inputs: ArrayLike,
    *,
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global first pooling: the first element of each feature map that counts, as the token of a class.

    Args:
      inputs, num_spatial_dims, keepdims, channel_axis: as in `jaxpool.global_avg_pool`. Of more than one spatial axis
        the first element is that in row-major order.
      where: boolean array, the elements that count. It has as many axes as `inputs`, each of the same size or of size
        1: `mask[..., None]` for tokens. A map without any returns 0 and has no gradient. The valid ones may stand
        anywhere, so that padding may be on either side.

    Returns:
      Array of shape `(*batch, features)`, in the dtype of `inputs`. With `where`, -0 becomes 0.

    Raises:
      TypeError, ValueError: as in `jaxpool.global_avg_pool`.

    Derivatives: both modes, any order. The gradient goes to that element alone, and nothing but the mask is kept.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> tokens, mask = jnp.array([[[1.], [2.], [3.]]]), jnp.array([[False, True, True]])
      >>> jaxpool.global_first_pool(tokens, num_spatial_dims=1, where=mask[..., None])
      Array([[2.]], dtype=float32)
    """
    return _global(inputs, num_spatial_dims, keepdims, channel_axis, where, last=False)


@explained
def global_last_pool(
    inputs: ArrayLike,
    *,
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global last pooling: the last element of each feature map that counts, as decoders embed a text.

    Arguments, results, errors and derivatives are those of `jaxpool.global_first_pool`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> tokens, mask = jnp.array([[[1.], [2.], [3.]]]), jnp.array([[True, True, False]])
      >>> jaxpool.global_last_pool(tokens, num_spatial_dims=1, where=mask[..., None])
      Array([[2.]], dtype=float32)
    """
    return _global(inputs, num_spatial_dims, keepdims, channel_axis, where, last=True)


@explained
def mask_from_lengths(lengths: ArrayLike, size: int) -> Array:
    """The mask of sequences from their lengths, which are padded at the end.

    Args:
      lengths: integers of shape `(*batch,)`. A negative one counts as 0.
      size: the size that all sequences are padded to.

    Returns:
      Booleans of shape `(*batch, size)`. Pools take them as `where=mask[..., None]`. For padding at the start write
      `mask[..., ::-1]`.

    Raises:
      TypeError: lengths that are no array of integers, such as those relative to `size`.
      ValueError: a negative `size`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.mask_from_lengths(jnp.array([1, 3]), 3)
      Array([[ True, False, False],
             [ True,  True,  True]], dtype=bool)
    """
    check_lengths(lengths)
    size = check_size(size)
    own = _signed(lengths)
    return lax.broadcasted_iota(own.dtype, (*own.shape, size), own.ndim) < own[..., None]


def _signed(lengths: Any) -> Array:
    """Lengths in a dtype that holds all sizes, and differences of them."""
    own = jnp.asarray(lengths)
    return own.astype(jnp.int64 if own.dtype.itemsize == 8 else jnp.int32)


@explained
def pooled_mask(
    mask: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    rule: MaskRule = "any",
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = None,
    padding_mode: PaddingMode | None = None,
) -> Array:
    """The mask of the results of a pool, from that of its inputs. Strides default to 1.

    Args:
      mask: booleans of shape `(*batch, *spatial)`, the elements that count, such as tokens of shape `(batch, length)`.
      window_shape, strides, padding, window_dilation, ceil_mode, padding_mode: those of the pool, as in
        `jaxpool.max_pool`.
      rule: "any": a result counts if any element of its window does, as in the pools themselves, whose windows without
        one return 0. "all": it counts if all of them do. Padding is no element, unless `padding_mode` fills it.
      channel_axis: None for a mask of positions. For one of shape `(*batch, *spatial, 1)`, as `where` has it, pass -1.

    Returns:
      Booleans of shape `(*batch, *pooled)`, and of the same number of axes as `mask`.

    Raises:
      TypeError, ValueError: as in `jaxpool.max_pool`, and a mask that ends in an axis of size 1 where `channel_axis` is
        None.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> mask = jnp.array([[True, True, True, False, False, False]])
      >>> jaxpool.pooled_mask(mask, (2,), 2)
      Array([[ True,  True, False]], dtype=bool)
      >>> jaxpool.pooled_mask(mask, (2,), 2, rule="all")
      Array([[ True, False, False]], dtype=bool)
    """
    check_mask(mask)
    check_option("rule", rule, ("any", "all"))
    x = jnp.asarray(mask)
    arguments = WindowArguments(window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode)
    window = mask_window(x.shape, arguments)
    return extremum_of(x, None, window, "max" if rule == "any" else "min", padding_mode)


@explained
def pooled_lengths(
    lengths: ArrayLike,
    size: int,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    rule: MaskRule = "any",
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
) -> Array:
    """The lengths of sequences after a pool along them. Strides default to 1.

    They are those of the mask: `mask_from_lengths(pooled_lengths(lengths, size, ...), new_size)` is
    `pooled_mask(mask_from_lengths(lengths, size), ...)`.

    Args:
      lengths: integers of shape `(*batch,)`.
      size: the size that all sequences are padded to, which "SAME" and the last windows depend on.
      window_shape, strides, padding, window_dilation, ceil_mode: those of the pool, as in `jaxpool.max_pool`, along the
        one axis of the sequences. With padding there may be no dilation.
      rule: as in `jaxpool.pooled_mask`.

    Returns: Integers of shape `(*batch,)`.

    Raises:
      TypeError, ValueError: as in `jaxpool.max_pool`, a window of more than one axis, and dilation with padding, after
        which the results that count need not come first.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.pooled_lengths(jnp.array([1, 3, 6]), 6, (2,), 2)
      Array([1, 2, 3], dtype=int32)
      >>> jaxpool.pooled_lengths(jnp.array([1, 3, 6]), 6, (2,), 2, rule="all")
      Array([0, 1, 3], dtype=int32)
    """
    check_lengths(lengths)
    check_option("rule", rule, ("any", "all"))
    part = length_window(size, WindowArguments(window_shape, strides, padding, window_dilation, ceil_mode, None))
    own = jnp.minimum(_signed(lengths), part.size)
    if rule == "any":
        # Windows that start before the end of the sequence.
        count = -(-(own + part.low) // part.stride)
    else:
        count = (own + part.low - part.extent) // part.stride + 1
        count = jnp.where(own == part.size, part.outputs, count)
    return jnp.where(own > 0, jnp.clip(count, 0, part.outputs), 0)
