"""Regions of interest: boxes in a plane, each pooled to the same number of bins."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, NoReturn

from jaxpool._geometry.axes import plane_of, spatial_axes
from jaxpool._geometry.axis_window import known
from jaxpool._geometry.fractional import fractional_sizes
from jaxpool._geometry.values import as_index, kind_of, native, refuse, shown, traced

REGION_MODES = ("avg", "max")
# Boxes that are computed at once even where the inputs are small.
_FEWEST_AT_ONCE = 8


class Regions(NamedTuple):
    """What is done in every box.

    Attributes:
      bins: the number of bins along height and width.
      scale: elements of the inputs per unit of the boxes.
      samples: along each axis of a bin, None for one per element.
      aligned: whether coordinates are those of borders of elements, and not of their centres.
      mode: how the samples of a bin become one number, "avg" or "max".
    """

    bins: tuple[int, int]
    scale: float
    samples: int | None = None
    aligned: bool = True
    mode: str = "avg"


def region_sizes(output_size: Any, fact: str = "") -> tuple[int, int]:
    """The number of bins along height and width."""
    sizes = fractional_sizes(output_size, fact)
    if len(sizes) != 2:
        remedy = "Write (7, 7) for 7 by 7 bins; boxes lie in planes of two axes."
        refuse(ValueError, "output_size", "have two sizes, height and width", shown(output_size), remedy, fact)
    return sizes[0], sizes[1]


def check_spatial_scale(value: Any) -> float:
    """The scale as a float; refuses what is no positive number."""
    rule = "be a positive number"
    if traced(value) or hasattr(value, "shape"):
        remedy = "Pass a number, or multiply the boxes by the array and leave it out."
        if getattr(value, "shape", None) != () or traced(value):
            refuse(TypeError, "spatial_scale", rule, "a traced value" if traced(value) else kind_of(value), remedy)
        value = value.item()
    remedy = "Pass 1 / 16 for inputs whose elements stand for 16 by 16 pixels."
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse(TypeError, "spatial_scale", rule, shown(value), remedy)
    if not 0 < value < math.inf:
        refuse(ValueError, "spatial_scale", rule, value, remedy)
    return float(value)


def check_sampling_ratio(value: Any) -> int | None:
    """The number of samples along each axis of a bin; refuses what is neither None nor a positive integer."""
    if value is None:
        return None
    remedy = "Pass None for one sample per element, where other libraries have 0 or -1."
    rule = "be None or a positive integer"
    samples = as_index("sampling_ratio", value, value, rule=rule, remedy=remedy)
    if samples < 1:
        refuse(ValueError, "sampling_ratio", rule, samples, remedy)
    return samples


def check_maximum_of_samples(mode: str, sampling_ratio: int | None) -> None:
    """Refuses maxima over as many samples as a box has elements: only averages of them are matrices."""
    if mode == "max" and sampling_ratio is None:
        rule, fact = "be a positive integer where mode='max'", "mode='max'"
        refuse(ValueError, "sampling_ratio", rule, None, "Pass sampling_ratio=2, or pool with roi_pool.", fact)


class Layout(NamedTuple):
    """Where inputs have the plane and the features.

    Attributes:
      batch: the axes in front, in their order.
      plane: the axes of height and width.
      channel: the axis of the features, counted from the end; None if there is none.
      sizes: of the plane.
    """

    batch: tuple[int, ...]
    plane: tuple[int, ...]
    channel: int | None
    sizes: tuple[int, ...]


def region_layout(shape: tuple[Any, ...], output_size: Any, channel_axis: Any) -> Layout:
    """The layout of inputs of the given shape."""
    axes = spatial_axes("output_size", output_size, shape, 2, channel_axis)
    sizes = plane_of(shape, axes)
    rank = len(shape)
    channel = None if channel_axis is None else int(channel_axis) % rank - rank
    if channel is not None and channel < -3:
        rule, remedy = "stand behind the batch axes", "Move it with jnp.moveaxis first, or map with jax.vmap."
        refuse(ValueError, "channel_axis", rule, channel_axis, remedy, f"inputs of shape {shape}")
    others = () if channel is None else (channel + rank,)
    return Layout(tuple(axis for axis in range(rank) if axis not in axes + others), axes, channel, sizes)


def check_boxes(boxes: Any, box_indices: Any, shape: tuple[Any, ...], layout: Layout) -> bool:
    """Whether boxes are one list for all pictures, and not one set per picture; refuses what is neither.

    Args:
      boxes, box_indices: as given.
      shape: that of the inputs.
      layout: that of the inputs.
    """
    batch = tuple(shape[axis] for axis in layout.batch)
    fact = f"inputs of shape {shape}"
    _check_numbers("boxes", boxes, ("int", "uint", "float", "bfloat"), fact)
    own = tuple(boxes.shape)
    if box_indices is not None:
        _check_numbers("box_indices", box_indices, ("int", "uint"), fact)
        if len(batch) != 1:
            remedy = "Leave it out; there is one set of boxes per picture."
            refuse(
                ValueError,
                "box_indices",
                "be None unless inputs have one batch axis",
                kind_of(box_indices),
                remedy,
                fact,
            )
        if len(own) != 2 or own[-1] != 4:
            remedy = "Pass one box (x1, y1, x2, y2) per index."
            refuse(ValueError, "boxes.shape", "be (boxes, 4) where box_indices are given", own, remedy, fact)
        if tuple(box_indices.shape) != own[:1]:
            remedy = "Pass the number of a picture for each box."
            refuse(ValueError, "box_indices.shape", f"be {own[:1]}", tuple(box_indices.shape), remedy, fact)
        return True
    if len(batch) == 1 and len(own) == 2 and own[-1] == 5:
        return True
    if len(own) != len(batch) + 2 or own[:-2] != batch or own[-1] != 4:
        _refuse_boxes(own, batch, fact)
    return False


def _refuse_boxes(own: tuple[Any, ...], batch: tuple[Any, ...], fact: str) -> NoReturn:
    sizes = "".join(f"{size}, " for size in batch)
    rule, remedy = f"be ({sizes}boxes, 4)", "The last axis is (x1, y1, x2, y2), one set of boxes per picture."
    if len(batch) == 1:
        rule += " or (boxes, 5)"
        remedy = "Pass one set of boxes per picture, or put the number of its picture in front of each box."
        if len(own) == 2 and own[-1] == 4:
            remedy = "Pass box_indices, the number of the picture of each box, or boxes[None] for the only picture."
    elif own[-1:] == (5,):
        remedy = "The number of the picture belongs to inputs with one batch axis only; leave it out: boxes[..., 1:]."
    refuse(ValueError, "boxes.shape", rule, own, remedy, fact)


def _check_numbers(argument: str, value: Any, kinds: tuple[str, ...], fact: str) -> None:
    array: Any = native(value)
    if not hasattr(array, "shape") or not str(getattr(array, "dtype", "")).startswith(kinds):
        what = "real numbers" if len(kinds) > 2 else "integers"
        remedy = "Convert with jnp.asarray first." if not hasattr(array, "shape") else f"Convert it to {what} first."
        refuse(TypeError, argument, f"be an array of {what}", kind_of(value), remedy, fact)


def check_pictures(argument: str, low: float, high: float, count: int) -> None:
    """Refuses known numbers of pictures that there are not."""
    if not (low >= 0 and high < count):
        got, remedy = f"numbers from {low:g} to {high:g}", "The first picture has the number 0."
        refuse(ValueError, argument, f"name one of {count} pictures", got, remedy)


def check_position_sensitive(channels: int, bins: tuple[int, int], channel_axis: Any) -> None:
    """Refuses inputs whose features cannot be shared out among the bins."""
    rule = "be divisible by the number of bins"
    fact = f"output_size={bins}"
    if channel_axis is None:
        remedy = "Each bin has feature maps of its own; name their axis, -1 or -3."
        refuse(ValueError, "channel_axis", "be given", None, remedy, fact)
    if not known(channels) or channels % math.prod(bins):
        remedy = f"Give {math.prod(bins)} feature maps for each feature of the result."
        refuse(ValueError, "the number of features", rule, channels, remedy, fact)


def even_parts(count: int, most: int) -> int:
    """How many of `count` to compute at once, at most `most`; a divisor if there is one that is not much smaller."""
    most = min(max(most, 1), max(count, 1))
    for size in range(most, most // 2, -1):
        if count % size == 0:
            return size
    return most


def boxes_at_once(count: int, between: int, inputs: int, results: int, parts: int) -> int:
    """How many boxes to compute at once, so that what lies between takes a part of what inputs and results take.

    Args:
      count: the number of boxes.
      between: elements between input and result of one box.
      inputs: elements of the inputs.
      results: elements of the result of one box.
      parts: the most that lies between is one of so many parts.
    """
    most = (inputs + count * results) // (parts * max(between, 1))
    return even_parts(count, max(most, _FEWEST_AT_ONCE))
