"""Where maxima are, in the words of other frameworks."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import (
    check_flag,
    check_indices,
    check_option,
    check_range,
    index_dtype,
    native,
    plane_axes,
    refuse_other_places,
    shape_of,
)
from jaxpool._geometry.calls import explained
from jaxpool._pools.inputs import at_hand, range_of, x64


def _layout(
    indices: ArrayLike,
    input_shape: Sequence[int],
    num_spatial_dims: int | None,
    channel_axis: int | None,
    whole: bool,
    theirs: bool = False,
) -> tuple[Array, list[int], int, int, Array, Array]:
    """The indices, the plane's sizes, channels, elements of the plane, and the number of batch and channel.

    `whole` tells whether places in the whole array are counted, or those in one element of the batch, `theirs` whether
    the indices are those of the other framework.
    """
    shape = shape_of(input_shape)
    axes = plane_axes(shape, num_spatial_dims, channel_axis, "input_shape")
    sizes = [shape[axis] for axis in axes]
    channel = None if channel_axis is None else channel_axis % len(shape)
    channels = 1 if channel is None else shape[channel]
    counted, part = (shape, "") if whole else ([*sizes, channels], "pictures of ")
    dtype = index_dtype("input_shape", counted, x64(), shape, part)
    expected = tuple(None if axis in axes else size for axis, size in enumerate(shape))
    remedy = "Batch and channels are those of input_shape; only the spatial sizes differ."
    source = "the other framework" if theirs else "max_pool_with_argmax"
    known: Any = native(indices)
    check_indices(known, expected, f"input_shape={shape}", remedy, source)
    if at_hand(known) and 0 not in known.shape:
        limit = math.prod(counted) if theirs else math.prod(sizes)
        _check_range(known, limit, shape)
    places = jnp.asarray(known).astype(dtype)
    batch = jnp.zeros((1,) * len(shape), dtype)
    for axis, size in enumerate(shape):
        if axis not in axes and axis != channel:
            batch = batch * size + lax.broadcasted_iota(
                dtype, [size if a == axis else 1 for a in range(len(shape))], axis
            )
    number = jnp.zeros((), dtype)
    if channel is not None:
        number = lax.broadcasted_iota(dtype, [channels if a == channel else 1 for a in range(len(shape))], channel)
    return places, sizes, channels, math.prod(sizes), batch, number.reshape(number.shape or (1,) * len(shape))


def _check_range(indices: Any, limit: int, shape: tuple[int, ...]) -> None:
    remedy = "Pass the shape of the pooled inputs, and the options with which the indices were made."
    check_range(*range_of(indices), [limit], f"input_shape={shape}", remedy)


def _check_inverse(indices: Any, again: Callable[[], Array], shape: Sequence[int]) -> None:
    """Refuses known indices that are not what converting the result gives `again`."""
    if at_hand(indices):
        with jax.ensure_compile_time_eval():
            expected = again()
            if not bool(jnp.array_equal(expected, jnp.asarray(native(indices)).astype(expected.dtype))):
                refuse_other_places(indices, tuple(shape))


@explained
def indices_to_tf(
    indices: ArrayLike,
    input_shape: Sequence[int],
    *,
    include_batch_in_index: bool = False,
    num_spatial_dims: int | None = None,
    channel_axis: int | None = -1,
) -> Array:
    """Indices as `tf.nn.max_pool_with_argmax` gives them: `(y * width + x) * channels + channel`.

    TensorFlow flattens pictures with the channels last, whatever the layout here, and with `include_batch_in_index` the
    whole batch. Under padding TensorFlow is documented to clamp; these indices are those of real elements anyway.

    Args:
      indices: of `jaxpool.max_pool_with_argmax`, index convention "spatial".
      input_shape: the shape of the pooled inputs.
      include_batch_in_index: whether pictures are counted on: `+ batch * height * width * channels`.
      num_spatial_dims, channel_axis: the layout, as in `jaxpool.global_avg_pool`.

    Returns:
      Integers of the same shape; int64 where 32 bits do not hold them and `jax_enable_x64` is set.

    Raises:
      TypeError: indices that are no integers.
      ValueError: shapes that do not go together, inputs that int32 cannot index, or known indices that lie outside.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.indices_to_tf(jnp.array([[[[0, 3, 1]]]]), (1, 2, 2, 3))
      Array([[[[ 0, 10,  5]]]], dtype=int32)
    """
    check_flag("include_batch_in_index", include_batch_in_index)
    places, _, channels, plane, batch, channel = _layout(
        indices, input_shape, num_spatial_dims, channel_axis, bool(include_batch_in_index)
    )
    if include_batch_in_index:
        places = places + batch * plane
    return places * channels + channel


@explained
def indices_from_tf(
    indices: ArrayLike,
    input_shape: Sequence[int],
    *,
    include_batch_in_index: bool = False,
    num_spatial_dims: int | None = None,
    channel_axis: int | None = -1,
) -> Array:
    """The inverse of `jaxpool.indices_to_tf`: indices as `jaxpool.max_unpool` takes them.

    Known indices must name elements of the map in which they stand; traced ones are not checked.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.indices_from_tf(jnp.array([[[[0, 10, 5]]]]), (1, 2, 2, 3))
      Array([[[[0, 3, 1]]]], dtype=int32)
    """
    check_flag("include_batch_in_index", include_batch_in_index)
    places, _, channels, plane, _, _ = _layout(
        indices, input_shape, num_spatial_dims, channel_axis, bool(include_batch_in_index), theirs=True
    )
    places = places // channels
    result = places % plane if include_batch_in_index else places
    _check_inverse(
        indices,
        lambda: indices_to_tf(
            result,
            input_shape,
            include_batch_in_index=include_batch_in_index,
            num_spatial_dims=num_spatial_dims,
            channel_axis=channel_axis,
        ),
        input_shape,
    )
    return result


def _transposed(places: Array, sizes: Sequence[int]) -> Array:
    """Row-major positions in a plane as column-major ones."""
    total = jnp.zeros_like(places)
    for axis in reversed(range(len(sizes))):
        total = total + places % sizes[axis] * math.prod(sizes[:axis])
        places = places // sizes[axis]
    return total


@explained
def indices_to_onnx(
    indices: ArrayLike,
    input_shape: Sequence[int],
    *,
    storage_order: int = 0,
    num_spatial_dims: int | None = None,
    channel_axis: int | None = -1,
) -> Array:
    """Indices as ONNX's `MaxPool` gives them: positions in the whole flattened tensor `(N, C, *spatial)`.

    Args:
      indices: of `jaxpool.max_pool_with_argmax`, index convention "spatial".
      input_shape: the shape of the pooled inputs, in the layout here.
      storage_order: 0 for planes flattened row by row, 1 for column by column.
      num_spatial_dims, channel_axis: the layout, as in `jaxpool.global_avg_pool`.

    Returns:
      Integers of the same shape; int64 where 32 bits do not hold them and `jax_enable_x64` is set.

    Raises:
      TypeError: indices that are no integers.
      ValueError: shapes that do not go together, inputs that int32 cannot index, or known indices that lie outside.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.indices_to_onnx(jnp.array([[[[0, 3, 1]]]]), (1, 2, 2, 3))
      Array([[[[0, 7, 9]]]], dtype=int32)
    """
    check_option("storage_order", storage_order, (0, 1))
    places, sizes, channels, plane, batch, channel = _layout(indices, input_shape, num_spatial_dims, channel_axis, True)
    places = _transposed(places, sizes) if storage_order else places
    return (batch * channels + channel) * plane + places


@explained
def indices_from_onnx(
    indices: ArrayLike,
    input_shape: Sequence[int],
    *,
    storage_order: int = 0,
    num_spatial_dims: int | None = None,
    channel_axis: int | None = -1,
) -> Array:
    """The inverse of `jaxpool.indices_to_onnx`: indices as `jaxpool.max_unpool` takes them.

    Known indices must name elements of the map in which they stand; traced ones are not checked.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.indices_from_onnx(jnp.array([[[[0, 7, 9]]]]), (1, 2, 2, 3))
      Array([[[[0, 3, 1]]]], dtype=int32)
    """
    check_option("storage_order", storage_order, (0, 1))
    places, sizes, _, plane, _, _ = _layout(indices, input_shape, num_spatial_dims, channel_axis, True, theirs=True)
    places = places % plane
    result = _transposed(places, sizes[::-1]) if storage_order else places
    _check_inverse(
        indices,
        lambda: indices_to_onnx(
            result,
            input_shape,
            storage_order=storage_order,
            num_spatial_dims=num_spatial_dims,
            channel_axis=channel_axis,
        ),
        input_shape,
    )
    return result
