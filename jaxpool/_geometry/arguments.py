"""From the arguments a user writes to a `Window`, or to an error that says what to do instead."""

from __future__ import annotations

from typing import Any, NamedTuple

from jaxpool._geometry.axes import plane_of, spatial_axes
from jaxpool._geometry.axis_window import AxisWindow, known
from jaxpool._geometry.checks import check_flag
from jaxpool._geometry.foreign.values import of_all_axes
from jaxpool._geometry.padding import (
    PADDING_NAMES,
    check_padding_mode,
    paddings_of,
    require_reachable,
    require_real_taps,
    require_source,
)
from jaxpool._geometry.values import as_index, as_positive, as_sequence, as_sizes, memoised, refuse, shown
from jaxpool._geometry.window import Window

# Beyond, forward and gradient of a softmax take more than ten seconds to compile: `softmax-compile.json`.
_MOST_WRITTEN_OUT = 256


def window_sizes(value: Any) -> tuple[int, ...]:
    """The window's size along every spatial axis."""
    remedy = "Write (2, 2) for a window of 2 by 2."
    if isinstance(value, int) and not isinstance(value, bool):
        remedy = f"Write ({value},) for one spatial axis, ({value}, {value}) for two."
    elements = as_sizes("window_shape", value, "be a sequence with one size per spatial axis", remedy)
    sizes = [as_index("window_shape", element, value) for element in elements]
    return as_positive("window_shape", sizes, value)


def _per_axis(argument: str, value: Any, window_shape: tuple[int, ...]) -> tuple[int, ...]:
    """An int or one int per spatial axis, all positive."""
    fact = f"window_shape={window_shape}"
    rule = "be an int or have one int per spatial axis"
    elements = as_sequence(value)
    if elements is None:
        named = isinstance(value, str) and value.upper() in PADDING_NAMES
        remedy = f"Write padding={value!r}; after the window come the strides." if named else None
        elements = [as_index(argument, value, value, fact, rule, remedy)] * len(window_shape)
    if len(elements) != len(window_shape):
        rank = len(window_shape)
        remedy = of_all_axes(elements, rank) or f"Give {rank} of them, or one int for all axes."
        refuse(ValueError, argument, rule, shown(value), remedy, fact)
    values = [as_index(argument, element, value, fact) for element in elements]
    return as_positive(argument, values, value, fact)


def steps_of(
    strides: Any, window_dilation: Any, window_shape: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Stride and dilation along every spatial axis."""
    steps = _per_axis("strides", 1 if strides is None else strides, window_shape)
    return steps, _per_axis("window_dilation", window_dilation, window_shape)


def outputs_of(size: int, extent: int, stride: int, low: int, high: int, ceil_mode: bool) -> int:
    """Number of windows; in ceil mode, as in torch, the last one starts inside the input or its low padding."""
    room = size + low + high - extent
    if not ceil_mode:
        return room // stride + 1
    return min(-(-room // stride) + 1, -(-(size + low) // stride))


def _axis_window(
    axis: int,
    size: int,
    taps: int,
    stride: int,
    dilation: int,
    pair: tuple[int, int],
    ceil_mode: bool,
    padding: Any,
) -> AxisWindow:
    low, high = pair
    extent = (taps - 1) * dilation + 1
    if ceil_mode and not known(size):
        remedy = "Export once per spatial size."
        refuse(ValueError, "inputs.shape", "be known in ceil mode", size, remedy, f"axis {axis}")
    if ceil_mode and min(pair) < 0:
        rule = "not be negative in ceil mode"
        remedy = "Crop the inputs by slicing first, or pass ceil_mode=False."
        refuse(ValueError, "padding", rule, repr(padding), remedy, f"axis {axis} of size {size}")
    outputs = outputs_of(size, extent, stride, low, high, ceil_mode)
    if known(size) and outputs < 1:
        fact = f"axis {axis} of size {size} with padding ({low}, {high}) and an effective window of {extent}"
        remedy = "Use a smaller window or more padding; for the whole plane use the global pools."
        remedy += " For channels first pass channel_axis, -3 for images."
        refuse(ValueError, "window_shape", "fit into the padded input", taps, remedy, fact)
    return AxisWindow(axis, size, taps, stride, dilation, low, high, outputs)


class WindowArguments(NamedTuple):
    """The arguments that describe a window, as the user wrote them."""

    window_shape: Any
    strides: Any = None
    padding: Any = "VALID"
    window_dilation: Any = 1
    ceil_mode: Any = False
    channel_axis: Any = -1
    padding_mode: Any = None
    spatial_axis_names: Any = None


@memoised
def pooling_window(
    shape: tuple[Any, ...],
    window_shape: Any,
    strides: Any = None,
    padding: Any = "VALID",
    window_dilation: Any = 1,
    ceil_mode: Any = False,
    channel_axis: Any = -1,
    padding_mode: Any = None,
    spatial_axis_names: Any = None,
    *,
    padding_is_empty: bool,
    symbolic: bool = False,
    native: bool = False,
    argument: str = "inputs.shape",
) -> Window:
    """The window that a pooling function's arguments describe on inputs of the given shape.

    Args:
      shape: the shape of the inputs; batch and channel sizes may be symbolic.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode: as the user wrote them.
      spatial_axis_names: nothing here; where devices share axes, the shape is that of the whole.
      padding_is_empty: whether a window wholly in padding has no value and is refused.
      symbolic: whether spatial sizes may be symbolic.
      native: whether they may be with XLA's own window.
      argument: what the shape comes from.
    """
    del spatial_axis_names
    taps = window_sizes(window_shape)
    check_flag("ceil_mode", ceil_mode)
    steps, dilations = steps_of(strides, window_dilation, taps)
    axes = spatial_axes("window_shape", window_shape, shape, len(taps), channel_axis)
    sizes = plane_of(shape, axes, argument, symbolic=symbolic, native=native)
    extents = [(t - 1) * d + 1 for t, d in zip(taps, dilations, strict=True)]
    pairs = paddings_of(padding, sizes, extents, steps)
    parts = tuple(
        _axis_window(axis, size, tap, step, dilation, pair, ceil_mode, padding)
        for axis, size, tap, step, dilation, pair in zip(axes, sizes, taps, steps, dilations, pairs, strict=True)
    )
    mode = check_padding_mode(padding_mode)
    for part in parts:
        require_reachable(part, padding)
        if mode is not None:
            require_source(part, padding, mode)
        elif padding_is_empty:
            require_real_taps(part, padding)
    window = Window(parts)
    if window.normal.taps > 1 << 31:
        rule, fact = "meet at most 2**31 elements and padding between them", f"inputs of shape {shape}"
        remedy = "Use a smaller window, or one axis after another."
        refuse(ValueError, "window_shape", rule, shown(window_shape), remedy, fact)
    return window


def check_offsets(window: Window) -> None:
    """Refuses a window in which 32 bits do not name every element."""
    if window.taps > 1 << 31:
        shape = tuple(part.taps for part in window.parts)
        rule, remedy = "have at most 2**31 elements", "Use index_convention='coordinates'."
        refuse(ValueError, "window_shape", rule, shape, remedy, "index_convention='window'")


def written_out(window: Window) -> bool:
    """Whether a program may name each element of a window."""
    return max(window.taps, window.normal.taps) <= _MOST_WRITTEN_OUT


def check_written_out(window: Window) -> None:
    """Refuses a window of so many elements that a program that names each of them takes too long to compile."""
    if not (written_out(window) or window.normal.whole):
        sizes = tuple(part.taps for part in window.parts)
        remedy = "Pool in two steps; for the whole plane use the global pool."
        refuse(ValueError, "window_shape", f"have at most {_MOST_WRITTEN_OUT} elements", sizes, remedy)
