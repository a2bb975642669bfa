"""From the arguments a user writes to a `Window`, or to an error that says what to do instead."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from jaxpool._geometry.checks import check_flag, check_option
from jaxpool._geometry.foreign import of_all_axes, padding_in_a_row, spelled
from jaxpool._geometry.values import as_index, as_positive, as_sequence, as_sizes, memoised, refuse, shown, traced
from jaxpool._geometry.window import AxisWindow, Window, known

PADDING_MODES = ("EDGE", "REFLECT", "WRAP")
# The names of PyTorch for two of them.
_SAME_MODES = {"REPLICATE": "EDGE", "CIRCULAR": "WRAP"}
_PADDING_NAMES = ("VALID", "SAME", "SAME_LOWER", "CAUSAL")
# Windows farther apart than this would lie in padding that no memory holds.
FARTHEST = (1 << 31) - 1
# Beyond, forward and gradient of a softmax take more than ten seconds to compile: `softmax-compile.json`.
_MOST_WRITTEN_OUT = 256
_PADDING_RULE = (
    "be 'VALID', 'SAME', 'SAME_LOWER', 'CAUSAL', an int, or a sequence with one int or one (low, high) pair per "
    "spatial axis"
)


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
        named = isinstance(value, str) and value.upper() in _PADDING_NAMES
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


def _same(size: int, extent: int, stride: int, lower: bool) -> tuple[int, int]:
    if extent < stride and not known(size):
        rule, remedy = "be known for 'SAME' and windows that do not touch", "Export once per spatial size."
        refuse(ValueError, "inputs.shape", rule, size, remedy, "a spatial axis")
    # ceil(size / stride) windows; an odd cell of padding goes to the high side, or to the low one.
    outputs = -(-size // stride)
    total = (outputs - 1) * stride + extent - size
    # Never negative where windows touch; the sign of a symbolic number is not known.
    total = total if extent >= stride else max(total, 0)
    small, large = total // 2, total - total // 2
    return (large, small) if lower else (small, large)


def _named_elsewhere(value: str, extents: Sequence[int]) -> str:
    """The remedy for a name of padding that is none here."""
    name = value.upper()
    if name in PADDING_MODES:
        return f"Tell its width in numbers or by one of these names, and pass padding_mode={value!r}."
    if name == "FULL":
        pairs = tuple((extent - 1, extent - 1) for extent in extents)
        return f"Write {pairs}, one (low, high) pair per spatial axis."
    return spelled("padding", value, _PADDING_NAMES) or "Use one of these names or explicit numbers."


def paddings_of(
    value: Any, sizes: tuple[int, ...], extents: Sequence[int], strides: tuple[int, ...]
) -> list[tuple[int, int]]:
    """One (low, high) pair per spatial axis."""
    fact = f"{len(sizes)} spatial axes" if len(sizes) > 1 else "1 spatial axis"
    if isinstance(value, str):
        name = value.upper()
        if name == "VALID":
            return [(0, 0)] * len(sizes)
        if name == "CAUSAL":
            return [(extent - 1, 0) for extent in extents]
        if name in _PADDING_NAMES:
            lower = name == "SAME_LOWER"
            return [_same(*axis, lower) for axis in zip(sizes, extents, strides, strict=True)]
        refuse(ValueError, "padding", _PADDING_RULE, repr(value), _named_elsewhere(value, extents), fact)
    elements = as_sequence(value)
    if elements is None:
        if value is None:
            remedy = "Leave the argument out, or write 'VALID' or 0, for none."
            refuse(TypeError, "padding", _PADDING_RULE, value, remedy, fact)
        amount = as_index("padding", value, value, fact, _PADDING_RULE)
        return [(amount, amount)] * len(sizes)
    if len(elements) != len(sizes):
        remedy = padding_in_a_row(elements, len(sizes)) or f"Give {len(sizes)} of them, or one int for all axes."
        refuse(ValueError, "padding", _PADDING_RULE, shown(value), remedy, fact)
    pairs: list[tuple[int, int]] = []
    for element in elements:
        ends = as_sequence(element)
        ends = [element, element] if ends is None else ends
        if len(ends) != 2:
            remedy = "Write each pair as (low, high)."
            refuse(ValueError, "padding", _PADDING_RULE, repr(value), remedy, fact)
        low, high = (as_index("padding", end, value, fact) for end in ends)
        pairs.append((low, high))
    return pairs


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


def require_real_taps(part: AxisWindow, padding: Any, plane: str = "the inputs") -> None:
    """Refuses padding in which a window lies wholly; `plane` is what is padded."""
    window = part.window_in_padding()
    if window is not None:
        rule = f"leave at least one element of {plane} in every window"
        where = f"window {window} of {part.taps} taps lies wholly in padding"
        fact = f"axis {part.axis} of size {part.size}, where {where}"
        refuse(ValueError, "padding", rule, shown(padding), "Pad less, or dilate less.", fact)


def _require_reachable(part: AxisWindow, padding: Any) -> None:
    """Refuses windows that lie so far out in padding that no array holds what is between them."""
    if not part.symbolic and part.normal.span > max(FARTHEST, 2 * part.size):
        rule = f"keep the windows within {FARTHEST} elements"
        fact = f"axis {part.axis} of size {part.size} with {part.outputs} windows, {part.stride} apart"
        refuse(ValueError, "padding", rule, shown(padding), "Pad less.", fact)


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
        _require_reachable(part, padding)
        if mode is not None:
            _require_source(part, padding, mode)
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


def check_padding_mode(value: Any) -> str | None:
    """The padding mode in lower case; refuses what is none."""
    name = value.upper() if isinstance(value, str) else value
    name = _SAME_MODES.get(name, name) if isinstance(name, str) else name
    if not (isinstance(name, str) and name in PADDING_MODES):
        if isinstance(name, str) and name in _PADDING_NAMES:
            rule, remedy = f"be one of None, {', '.join(map(repr, PADDING_MODES))}", f"Write padding={value!r}."
            refuse(ValueError, "padding_mode", rule, repr(value), remedy)
        check_option("padding_mode", value, (None, *PADDING_MODES))
        return None
    return name.lower()


def _require_source(part: AxisWindow, padding: Any, mode: str) -> None:
    """Refuses padding that is wider than what it is made of."""
    most = {"reflect": part.size - 1, "wrap": part.size}.get(mode)
    if most is not None and max(part.low, part.high) > most:
        rule = f"be at most {most} where padding_mode={mode.upper()!r}"
        fact = f"axis {part.axis} of size {part.size}"
        refuse(ValueError, "padding", rule, shown(padding), "Pad less, or pass padding_mode='EDGE'.", fact)


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
