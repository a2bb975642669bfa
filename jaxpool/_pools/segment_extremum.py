"""The largest and the smallest element of sets."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import SegmentedAxis, check_fill_value
from jaxpool._geometry.calls import explained
from jaxpool._operators import segment_extremum
from jaxpool._pools.segments import Sets, sets_of


@functools.partial(jax.jit, static_argnames=("segments", "kind", "fill_value"), inline=True)
def _extremum(x: Array, ids: Array, mask: Array | None, segments: SegmentedAxis, kind: str, fill_value: float) -> Array:
    values, places = segment_extremum(x, ids, mask, segments, kind)
    return jnp.where(places == segments.size, np.asarray(fill_value).astype(x.dtype), values)


def _run(sets: Sets, kind: str, fill_value: float) -> Array:
    check_fill_value(fill_value, str(sets[0].dtype))
    return _extremum(*sets, kind, fill_value)


@explained
def segment_max_pool(
    inputs: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int,
    *,
    fill_value: float = 0,
    indices_are_sorted: bool = False,
    where: ArrayLike | None = None,
) -> Array:
    """Segment max pooling: the largest element of each set.

    Args:
      inputs, segment_ids, num_segments, where: as in `jaxpool.segment_sum_pool`. Any real dtype.
      fill_value: what a set without any element returns, a number that the dtype holds. 0 is what PyTorch Geometric
        returns, `-jnp.inf` what `jax.ops.segment_max` does.
      indices_are_sorted: as in `jaxpool.segment_sum_pool`. Runs repeat bit by bit also without it.

    Returns:
      Array of shape `(*batch, num_segments, *features)`, in the dtype of `inputs`. A set with a NaN returns NaN.

    Raises:
      TypeError, ValueError: as in `jaxpool.segment_sum_pool`, and a `fill_value` that the dtype does not hold.

    Derivatives: both modes, any order. The gradient of a set goes to its first maximum, or to its first NaN, where that
    of `jax.ops.segment_max` is shared among equals. Reverse mode keeps one position per result, and gathers.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x, ids = jnp.array([1., 2., -4.]), jnp.array([0, 0, 2])
      >>> jaxpool.segment_max_pool(x, ids, 3)
      Array([ 2.,  0., -4.], dtype=float32)
      >>> jaxpool.segment_max_pool(x, ids, 3, fill_value=-jnp.inf)
      Array([  2., -inf,  -4.], dtype=float32)
    """
    sets = sets_of(inputs, segment_ids, num_segments, indices_are_sorted, where, real=True)
    return _run(sets, "max", fill_value)


@explained
def segment_min_pool(
    inputs: ArrayLike,
    segment_ids: ArrayLike,
    num_segments: int,
    *,
    fill_value: float = 0,
    indices_are_sorted: bool = False,
    where: ArrayLike | None = None,
) -> Array:
    """Segment min pooling: the smallest element of each set; otherwise as `jaxpool.segment_max_pool`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.segment_min_pool(jnp.array([1., 2., 4.]), jnp.array([0, 0, 2]), 3)
      Array([1., 0., 4.], dtype=float32)
    """
    sets = sets_of(inputs, segment_ids, num_segments, indices_are_sorted, where, real=True)
    return _run(sets, "min", fill_value)
