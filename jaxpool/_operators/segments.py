"""Operators on sets of elements along one axis; an integer of each element, `ids`, tells its set.

`ids` have as many axes as the elements, each of the same size or of size 1. Integers outside of the range name no set.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import SegmentedAxis
from jaxpool._operators.linear import same_as_inputs, same_as_outputs
from jaxpool._operators.places import without_series
from jaxpool._operators.primitive import adjoint_pair, bind, operator, without_derivative


def _places(x: Any, *others: Any, window: SegmentedAxis, **static: Any) -> Any:
    del others, static
    return x.update(shape=window.output_shape(x.shape), dtype=jnp.dtype(jnp.int32), weak_type=False)


# y[s] = sum of x[i] over the i with ids[i] = s      x[i] = y[ids[i]]
_sum_p = operator("segment_sum", same_as_outputs)
_spread_p = operator("segment_spread", same_as_inputs)
adjoint_pair(_sum_p, _spread_p)

# y[s] = x[places[s]]                                x[i] = y[ids[i]] where places[ids[i]] = i
_gather_p = operator("gather_in_segments", same_as_outputs)
_scatter_p = operator("scatter_in_segments", same_as_inputs)
adjoint_pair(_gather_p, _scatter_p)

_extremum_p = operator("segment_extremum", _places)
without_derivative(_extremum_p)


def segment_sum(x: Array, ids: Array, segments: SegmentedAxis) -> Array:
    """The sum of every set, in the dtype of `x`; 0 of an empty one."""
    return bind(_sum_p, x, ids, window=segments, implementation=None)


def segment_spread(g: Array, ids: Array, segments: SegmentedAxis) -> Array:
    """The adjoint of `segment_sum`: for every element the value of its set, 0 where it has none."""
    return bind(_spread_p, g, ids, window=segments, implementation=None)


def segment_extremum(
    x: Array, ids: Array, valid: Array | None, segments: SegmentedAxis, kind: str
) -> tuple[Array, Array]:
    """The extremum of every set, 0 of an empty one, and the place of the first element that has it, or of a NaN.

    Args:
      x: the elements.
      ids: their sets.
      valid: the elements that take part, None for all.
      segments: the axis. The place in an empty set is its size.
      kind: "max" or "min".
    """
    operands = [lax.stop_gradient(x), ids] if valid is None else [lax.stop_gradient(x), ids, valid]
    places = without_series(bind(_extremum_p, *operands, window=segments, implementation=None, kind=kind))
    return bind(_gather_p, x, places, ids, window=segments, implementation=None), places
