"""Sets of elements along one axis, told apart by an integer of each element, and the checks of their arguments."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxpool._geometry.axis_window import known
from jaxpool._geometry.scalars import check_identity
from jaxpool._geometry.values import as_index, kind_of, refuse, shown

_LAYOUT = "Its axes are the first ones of inputs of shape (*batch, elements, *features)."


@dataclasses.dataclass(frozen=True)
class SegmentedAxis:
    """The sets along one axis of an array, in the place of a window.

    Attributes:
      axis: the axis of the elements, and in results that of the sets.
      size: the number of elements.
      count: the number of sets.
      ordered: whether the integers of the elements never decrease.
    """

    axis: int
    size: Any
    count: int
    ordered: bool

    def output_shape(self, shape: Sequence[Any]) -> tuple[Any, ...]:
        """The shape of one value for each set."""
        return (*shape[: self.axis], self.count, *shape[self.axis + 1 :])

    def input_shape(self, shape: Sequence[Any]) -> tuple[Any, ...]:
        """The shape of one value for each element."""
        return (*shape[: self.axis], self.size, *shape[self.axis + 1 :])

    def with_batch_axis(self, axis: int) -> SegmentedAxis:
        """The same sets in an array with one more axis there."""
        return dataclasses.replace(self, axis=self.axis + (axis <= self.axis))


def check_num_segments(value: Any) -> int:
    """The number of sets; refuses what is no integer, or negative."""
    remedy = "Write how many sets there are, empty ones included; it must be known while tracing."
    count = as_index("num_segments", value, value, remedy=remedy)
    if count < 0:
        refuse(ValueError, "num_segments", "not be negative", count, remedy)
    return count


def segments_of(shape: tuple[Any, ...], segment_ids: Any, num_segments: Any, ordered: bool) -> SegmentedAxis:
    """The sets that integers for the first axes of the inputs describe."""
    count = check_num_segments(num_segments)
    fact = f"inputs of shape {shape}"
    dtype = str(getattr(segment_ids, "dtype", ""))
    if not hasattr(segment_ids, "shape") or not dtype.startswith(("int", "uint")):
        remedy = "Convert with jnp.asarray(segment_ids, jnp.int32) first."
        refuse(TypeError, "segment_ids", "be an array of integers", kind_of(segment_ids), remedy, fact)
    own = tuple(segment_ids.shape)
    if not own or own != shape[: len(own)]:
        rule = "be that of the first axes of the inputs"
        refuse(ValueError, "segment_ids.shape", rule, own, _LAYOUT, fact)
    size = shape[len(own) - 1]
    if known(size) and size >= 1 << 31:
        refuse(ValueError, "inputs.shape", "have at most 2**31 - 1 elements", shape, "Pool parts of it.")
    return SegmentedAxis(len(own) - 1, size, count, bool(ordered))


def check_fill_value(value: Any, dtype: str | None = None) -> None:
    """Refuses what is no real number, or none of the dtype."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool | np.complexfloating)
    if not number:
        remedy = "Write 0, or -jnp.inf for what jax.ops.segment_max returns."
        refuse(TypeError, "fill_value", "be a real number", shown(value), remedy)
    if dtype is not None:
        check_identity(value, dtype, "fill_value")
