"""Axes: which of them are spatial, and how large the plane is."""

from __future__ import annotations

from typing import Any

from jaxpool._geometry.axis_window import AxisWindow, known
from jaxpool._geometry.foreign.values import of_all_axes
from jaxpool._geometry.values import as_index, as_sequence, memoised, refuse, shown, traced
from jaxpool._geometry.window import Window


def spatial_axes(argument: str, value: Any, shape: tuple[Any, ...], spatial: int, channel_axis: Any) -> tuple[int, ...]:
    """The last `spatial` axes that are not the channel axis; `argument` is what asked for so many."""
    rank = len(shape)
    channel = None
    if channel_axis is not None:
        fact = f"inputs of shape {shape}"
        remedy = f"Use -1 for channels last, {-1 - spatial} for channels first, None for no channel axis."
        channel = as_index("channel_axis", channel_axis, channel_axis, fact, "be None or an integer", remedy)
        if not -rank <= channel < rank:
            rule = f"be None or an axis from {-rank} to {rank - 1}" if rank else "be None"
            refuse(ValueError, "channel_axis", rule, channel, remedy, fact)
        channel %= rank
    others = [axis for axis in range(rank) if axis != channel]
    if len(others) < spatial:
        needed = spatial + (channel is not None)
        rule = f"fit into the inputs, which would need at least {needed} {'axes' if needed > 1 else 'axis'}"
        fact = f"inputs of shape {shape} and channel_axis={channel_axis}"
        if channel is None:
            remedy = "Give inputs of shape (*batch, *spatial)."
        else:
            layout = "(*batch, *spatial, features)" if channel == rank - 1 else "(*batch, features, *spatial)"
            remedy = f"Give inputs of shape {layout}, or pass channel_axis=None if there are no features."
        elements = as_sequence(value)
        if elements is not None and len(elements) == rank:
            remedy = of_all_axes(elements, rank - 2, shape) or remedy
        refuse(ValueError, argument, rule, shown(value), remedy, fact)
    return tuple(others[len(others) - spatial :])


def shape_of(value: Any) -> tuple[Any, ...]:
    """The argument `input_shape` as a tuple; its sizes may be symbolic."""
    if traced(value):
        as_index("input_shape", value, value)
    elements = as_sequence(value)
    if elements is None or len(getattr(value, "shape", ())) > 1:
        remedy = "Pass inputs.shape."
        refuse(TypeError, "input_shape", "be a sequence of sizes", shown(value), remedy)
    # A symbolic size of jax.export, by name: this stage does not import jax.
    symbols = [type(size).__name__.endswith("DimExpr") for size in elements]
    sizes = [
        size if symbolic else as_index("input_shape", size, value)
        for size, symbolic in zip(elements, symbols, strict=True)
    ]
    if any(not symbolic and size < 0 for size, symbolic in zip(sizes, symbols, strict=True)):
        remedy = "Pass inputs.shape."
        refuse(ValueError, "input_shape", "not be negative", shown(value), remedy)
    return tuple(sizes)


def plane_of(
    shape: tuple[Any, ...],
    axes: tuple[int, ...],
    argument: str = "inputs.shape",
    *,
    symbolic: bool = False,
    native: bool = False,
) -> tuple[int, ...]:
    """The sizes of the spatial axes, which must not be 0; `argument` is what the shape comes from.

    `symbolic` tells whether a size may be known only when an exported program runs, `native` whether it may be with
    XLA's own window.
    """
    sizes: list[int] = []
    for axis in axes:
        size = shape[axis]
        if not (known(size) or symbolic):
            rule = "have spatial axes of known size"
            remedy = "Only batch and channel axes may be symbolic; export once per spatial size."
            if native:
                remedy = "Pass implementation='reduce_window', which takes any size, or export once per spatial size."
            refuse(ValueError, argument, rule, shape, remedy, f"spatial axis {axis}")
        sizes.append(size)
    if any(known(size) and size == 0 for size in sizes):
        remedy = "There is nothing to pool; drop the empty inputs first."
        refuse(ValueError, argument, "have no empty spatial axis", shape, remedy, f"axes {axes}")
    return tuple(sizes)


@memoised
def plane_axes(
    shape: tuple[Any, ...],
    num_spatial_dims: Any,
    channel_axis: Any,
    argument: str = "inputs.shape",
    *,
    symbolic: bool = True,
) -> tuple[int, ...]:
    """The last `num_spatial_dims` axes that are not the channel axis; `symbolic` is whether sizes may be symbols."""
    fact = f"inputs of shape {shape}"
    if num_spatial_dims is None:
        num_spatial_dims = 2
        if len(shape) != 4 or channel_axis is None:
            rule = "be given unless inputs are (batch, height, width, features)"
            refuse(ValueError, "num_spatial_dims", rule, None, _choices(len(shape), channel_axis), fact)
    spatial = as_index("num_spatial_dims", num_spatial_dims, num_spatial_dims, fact)
    if spatial < 1:
        remedy = "Use 2 for images, 1 for sequences, 3 for volumes."
        refuse(ValueError, "num_spatial_dims", "be positive", spatial, remedy, fact)
    axes = spatial_axes("num_spatial_dims", spatial, shape, spatial, channel_axis)
    plane_of(shape, axes, argument, symbolic=symbolic)
    return axes


def plane_as_window(shape: tuple[Any, ...], axes: tuple[int, ...]) -> Window:
    """The window that is the whole plane."""
    return Window(tuple(AxisWindow(axis, shape[axis], shape[axis], 1, 1, 0, 0, 1) for axis in axes))


def _choices(rank: int, channel_axis: Any) -> str:
    """What inputs of a rank may be."""
    most = rank - (channel_axis is not None)
    if most < 1:
        return "Give inputs of shape (*batch, *spatial, features)."
    kinds = [f"{n} for {name}" for n, name in ((1, "sequences"), (2, "images"), (3, "volumes")) if n <= most]
    return f"Write num_spatial_dims={', '.join(kinds)}."
