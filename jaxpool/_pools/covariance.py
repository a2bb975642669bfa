"""Covariance pooling."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import plane_axes
from jaxpool._geometry.calls import explained
from jaxpool._geometry.layers import check_channel_axis, check_number_of, check_positions
from jaxpool._operators import plane_sum
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.inputs import as_array
from jaxpool._pools.shards import with_whole_planes

_product = functools.partial(jnp.matmul, precision=lax.Precision.HIGHEST)


def _covariance(x: Array, mask: Array | None) -> Array:
    """That of the features over the positions, from `(*batch, positions, features)`; 0 of none."""
    if mask is None:
        centered = x - jnp.mean(x, -2, keepdims=True)
        return _product(jnp.swapaxes(centered, -1, -2), centered) / x.shape[-2]
    x = jnp.where(mask, x, 0)
    count = jnp.maximum(jnp.sum(mask, -2, keepdims=True, dtype=x.dtype), 1)
    centered = jnp.where(mask, x - plane_sum(x, (x.ndim - 2,), None, x.dtype) / count, 0)
    return _product(jnp.swapaxes(centered, -1, -2), centered) / count


def _root(matrix: Array, steps: int) -> Array:
    """The square root of positive matrices by Newton and Schulz, from a trace of 1; 0 of 0."""
    trace = jnp.trace(matrix, axis1=-2, axis2=-1)[..., None, None]
    zero = trace == 0
    scale = jnp.where(zero, 1, trace)
    size = matrix.shape[-1]
    # A sum, so that it is shared out among devices like the matrices.
    threefold = jnp.zeros_like(matrix) + 3 * jnp.eye(size, dtype=matrix.dtype).reshape(
        (1,) * (matrix.ndim - 2) + (size, size)
    )
    root = matrix / scale
    inverse = threefold / 3
    for _ in range(steps):
        step = (threefold - _product(inverse, root)) / 2
        root, inverse = _product(root, step), _product(step, inverse)
    return jnp.where(zero, 0, root * jnp.sqrt(scale))


@functools.partial(jax.jit, static_argnames=("axes", "channel", "steps"), inline=True)
def _pooled(inputs: Array, mask: Array | None, axes: tuple[int, ...], channel: int, steps: int) -> Array:
    dtype, result_dtype = mean_dtypes(inputs.dtype)
    order = [*(a for a in range(inputs.ndim) if a not in (*axes, channel)), *axes, channel]
    batch = inputs.ndim - len(axes) - 1

    def tokens(x: Array) -> Array:
        moved = jnp.transpose(x, order)
        sizes = moved.shape[batch:-1]
        return moved.reshape(*moved.shape[:batch], int(np.prod(sizes)), moved.shape[-1])

    valid = None
    if mask is not None:
        plane = [size if axis in axes else 1 for axis, size in enumerate(inputs.shape)]
        valid = tokens(jnp.broadcast_to(mask, np.broadcast_shapes(mask.shape, tuple(plane))))
    root = _root(_covariance(tokens(inputs.astype(dtype)), valid), steps)
    size = root.shape[-1]
    rows, columns = np.triu_indices(size)
    places = jnp.asarray(rows * size + columns, jnp.int32)
    flat = root.reshape(*root.shape[:-2], size * size)
    flat = flat.at[..., places].get(unique_indices=True, indices_are_sorted=True, mode="promise_in_bounds")
    return flat.astype(result_dtype)


@explained
def global_covariance_pool(
    inputs: ArrayLike,
    *,
    num_iterations: int = 5,
    num_spatial_dims: int | None = None,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global covariance pooling (iSQRT-COV): the square root of the covariance of the features.

    The covariance over the positions, divided by their number, is scaled to a trace of 1. Newton-Schulz iterations
    approach its square root, which is scaled back.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype. In common
        networks a dense layer, batch normalisation and ReLU first reduce the features, to 256.
      num_iterations: the number of iterations. 5 is the paper's, 3 the default of its code. More come closer to the
        root.
      num_spatial_dims, channel_axis: as in `jaxpool.global_avg_pool`, but there must be features.
      where: boolean array, the positions that count. It has as many axes as `inputs`, each of the same size or of size
        1, and size 1 along the features. A plane without any returns 0 and has no gradient.

    Returns: Array of shape `(*batch, features * (features + 1) // 2)`, the upper triangle of the root, row by row.
      Floats keep their dtype, and f16, bf16 and fp8 are computed in f32. Integers return f32. Where all positions are
      equal it is 0.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: too few axes, an empty spatial axis, or a mask that tells features apart.

    Derivatives: both modes, any order, through the iterations. The triangle is a gather at fixed places.

    Source: P. Li, J. Xie, Q. Wang, Z. Gao, "Towards faster training of global covariance pooling networks by iterative
    matrix square root normalization", CVPR 2018.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([[2., 0.], [-2., 0.], [0., 2.], [0., -2.]])
      >>> jaxpool.global_covariance_pool(x, num_iterations=9, num_spatial_dims=1).round(3)
      Array([1.414, 0.   , 1.414], dtype=float32)
    """
    x = as_array(inputs, ordered=True)
    steps = check_number_of("num_iterations", num_iterations)
    channel = check_channel_axis(x.ndim, channel_axis)
    axes = plane_axes(x.shape, num_spatial_dims, channel_axis)
    if where is not None:
        check_positions(where, x.shape, channel)
        where = jnp.asarray(where)
    # Every pair of features meets.
    return _pooled(with_whole_planes(x, (*axes, channel)), where, axes, channel, steps)
