"""Checks of masks and lengths of sequences, and the lengths that windows leave."""

from __future__ import annotations

from typing import Any

from jaxpool._geometry.arguments import WindowArguments, pooling_window
from jaxpool._geometry.axis_window import AxisWindow, known
from jaxpool._geometry.values import as_index, as_sequence, kind_of, refuse, shown
from jaxpool._geometry.window import Window


def check_mask(value: Any) -> None:
    """Refuses what is no array of booleans."""
    if not hasattr(value, "shape") or str(getattr(value, "dtype", "")) != "bool":
        remedy = "Compare first, as in mask > 0."
        if not hasattr(value, "dtype"):
            remedy = "Convert with jnp.asarray first."
        refuse(TypeError, "mask", "be an array of booleans", kind_of(value), remedy)


def check_lengths(value: Any) -> None:
    """Refuses what is no array of integers."""
    dtype = str(getattr(value, "dtype", ""))
    if not hasattr(value, "shape") or not dtype.startswith(("int", "uint")):
        remedy = "Convert with jnp.asarray(lengths) first."
        if dtype.startswith(("float", "bfloat")):
            remedy = "Relative ones are jnp.round(lengths * size).astype(jnp.int32)."
        refuse(TypeError, "lengths", "be an array of integers", kind_of(value), remedy)


def check_size(value: Any) -> Any:
    """The size of the padded sequences, which may be symbolic."""
    if type(value).__name__.endswith("DimExpr"):
        return value
    remedy = "Write inputs.shape[1], the size that all sequences are padded to; it must be known while tracing."
    size = as_index("size", value, value, remedy=remedy)
    if size < 0:
        refuse(ValueError, "size", "not be negative", size, remedy)
    return size


def mask_window(shape: tuple[Any, ...], arguments: WindowArguments) -> Window:
    """The window of a pool on a mask of positions."""
    window = pooling_window(shape, *arguments, padding_is_empty=True, argument="mask.shape")
    last = window.parts[-1]
    if arguments.channel_axis is None and last.axis == len(shape) - 1 and last.size == 1 and last.taps > 1:
        rule = "end in the positions where channel_axis is None"
        remedy = "For masks of shape (*batch, *spatial, 1) pass channel_axis=-1."
        refuse(ValueError, "mask.shape", rule, shape, remedy, f"a window of {last.taps} positions")
    return window


def length_window(size: Any, arguments: WindowArguments) -> AxisWindow:
    """The window of a pool along sequences of one size, of which each valid part is a prefix that stays one."""
    elements = as_sequence(arguments.window_shape)
    if elements is not None and len(elements) != 1:
        remedy = "Lengths are of one axis; pool the mask of a plane with pooled_mask."
        refuse(ValueError, "window_shape", "have one size", shown(arguments.window_shape), remedy)
    size = check_size(size)
    if known(size) and size < 1:
        refuse(ValueError, "size", "be positive", size, "There is nothing to pool.")
    (part,) = pooling_window((size,), *arguments, padding_is_empty=True, argument="size").parts
    if part.dilation > 1 and (part.low > 0 or part.high_overhang > 0):
        rule = "be 1 where there is padding, as the valid results need not come first"
        remedy = "Pool the mask: pooled_mask(mask_from_lengths(lengths, size), ...)."
        refuse(ValueError, "window_dilation", rule, part.dilation, remedy, f"padding ({part.low}, {part.high})")
    return part
