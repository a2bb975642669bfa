"""From the arguments a user writes to a `Window`, or to an error that says what to do instead.

Every error of an argument is raised here and reads
`<function>: <argument> must <rule>; got <argument>=<value> for <fact>. <Remedy.>`
"""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, NoReturn, SupportsIndex

import numpy as np

from jaxpool._geometry.window import AxisWindow, Window

Ints = SupportsIndex | Sequence[SupportsIndex]
Padding = str | SupportsIndex | Sequence[SupportsIndex | Sequence[SupportsIndex]]

_PADDING_NAMES = ("VALID", "SAME", "SAME_LOWER")
_PADDING_RULE = (
    "be 'VALID', 'SAME', 'SAME_LOWER', an int, or a sequence with one int or one (low, high) pair per spatial axis"
)


def _refuse(
    kind: type[Exception], function: str, argument: str, rule: str, value: Any, fact: str, remedy: str
) -> NoReturn:
    raise kind(f"{function}: {argument} must {rule}; got {argument}={value} for {fact}. {remedy}")


def _traced(value: Any) -> bool:
    # By name: this stage does not import jax, and every tracer class of jax ends so.
    return any(cls.__name__.endswith("Tracer") for cls in type(value).__mro__)


def _index(function: str, argument: str, value: Any, whole: Any, fact: str) -> int:
    """`value`, an element of the argument's value `whole`, as an int."""
    if _traced(value):
        remedy = "Mark the argument with jax.jit's static_argnames, or close over it."
        _refuse(TypeError, function, argument, "be known while tracing", "a traced value", fact, remedy)
    if not isinstance(value, bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
    if value is whole:
        rule, remedy = "be an integer", f"Write a whole number, not {type(value).__name__}."
    else:
        rule, remedy = "hold integers", f"Write whole numbers, not {type(value).__name__}."
    _refuse(TypeError, function, argument, rule, repr(whole), fact, remedy)


def _sequence(value: Any) -> list[Any] | None:
    """The elements of a list, a tuple or a one-dimensional array; None for anything else."""
    if isinstance(value, str | bytes | dict | set) or _traced(value) or getattr(value, "shape", None) == ():
        return None
    try:
        return list(value)
    except TypeError:
        return None


def _positive(function: str, argument: str, values: list[int], whole: Any, fact: str) -> tuple[int, ...]:
    if any(value < 1 for value in values):
        remedy = "Use 1 or more along every axis."
        _refuse(ValueError, function, argument, "be positive", repr(whole), fact, remedy)
    return tuple(values)


def _window_shape(function: str, value: Any) -> tuple[int, ...]:
    fact = "the window"
    if _traced(value):
        _index(function, "window_shape", value, value, fact)
    elements = _sequence(value)
    if elements is None:
        rule = "be a sequence with one size per spatial axis"
        if isinstance(value, SupportsIndex) and not isinstance(value, bool):
            remedy = f"Write ({value},) for one spatial axis, ({value}, {value}) for two."
        else:
            remedy = "Write (2, 2) for a window of 2 by 2."
        _refuse(TypeError, function, "window_shape", rule, repr(value), "a window of unknown rank", remedy)
    if not elements:
        rule = "have at least one size"
        remedy = "Give one size per spatial axis."
        _refuse(ValueError, function, "window_shape", rule, repr(value), "a window of rank 0", remedy)
    sizes = [_index(function, "window_shape", element, value, fact) for element in elements]
    return _positive(function, "window_shape", sizes, value, fact)


def _per_axis(function: str, argument: str, value: Any, window_shape: tuple[int, ...]) -> tuple[int, ...]:
    """An int or one int per spatial axis, all positive."""
    fact = f"window_shape={window_shape}"
    elements = _sequence(value)
    if elements is None:
        elements = [value] * len(window_shape)
    if len(elements) != len(window_shape):
        rule = "be an int or have one int per spatial axis"
        remedy = f"Give {len(window_shape)} of them, or one int for all axes."
        _refuse(ValueError, function, argument, rule, repr(value), fact, remedy)
    values = [_index(function, argument, element, value, fact) for element in elements]
    return _positive(function, argument, values, value, fact)


def _same(size: int, extent: int, stride: int, lower: bool) -> tuple[int, int]:
    # ceil(size / stride) windows; an odd cell of padding goes to the high side, or to the low one.
    outputs = -(-size // stride)
    total = max((outputs - 1) * stride + extent - size, 0)
    small, large = total // 2, total - total // 2
    return (large, small) if lower else (small, large)


def _paddings(
    function: str, value: Any, sizes: tuple[int, ...], extents: list[int], strides: tuple[int, ...]
) -> list[tuple[int, int]]:
    """One (low, high) pair per spatial axis."""
    fact = f"{len(sizes)} spatial axes" if len(sizes) > 1 else "1 spatial axis"
    if isinstance(value, str):
        name = value.upper()
        if name == "VALID":
            return [(0, 0)] * len(sizes)
        if name in _PADDING_NAMES:
            return [_same(*axis, name == "SAME_LOWER") for axis in zip(sizes, extents, strides, strict=True)]
        remedy = "Use one of these names or explicit numbers."
        _refuse(ValueError, function, "padding", _PADDING_RULE, repr(value), fact, remedy)
    elements = _sequence(value)
    if elements is None:
        if value is None:
            remedy = "Leave the argument out, or write 'VALID' or 0, for none."
            _refuse(TypeError, function, "padding", _PADDING_RULE, value, fact, remedy)
        amount = _index(function, "padding", value, value, fact)
        return [(amount, amount)] * len(sizes)
    if len(elements) != len(sizes):
        remedy = f"Give {len(sizes)} of them, or one int for all axes."
        _refuse(ValueError, function, "padding", _PADDING_RULE, repr(value), fact, remedy)
    pairs: list[tuple[int, int]] = []
    for element in elements:
        ends = _sequence(element)
        ends = [element, element] if ends is None else ends
        if len(ends) != 2:
            remedy = "Write each pair as (low, high)."
            _refuse(ValueError, function, "padding", _PADDING_RULE, repr(value), fact, remedy)
        low, high = (_index(function, "padding", end, value, fact) for end in ends)
        pairs.append((low, high))
    return pairs


def _spatial_axes(
    function: str, argument: str, value: Any, shape: tuple[Any, ...], spatial: int, channel_axis: Any
) -> tuple[int, ...]:
    """The last `spatial` axes that are not the channel axis; `argument` is what asked for so many."""
    rank = len(shape)
    channel = None
    if channel_axis is not None:
        fact = f"inputs of shape {shape}"
        channel = _index(function, "channel_axis", channel_axis, channel_axis, fact)
        if not -rank <= channel < rank:
            rule = f"be None or an axis from {-rank} to {rank - 1}" if rank else "be None"
            remedy = "Use -1 for channels last, 1 for batched channels first, None for no channel axis."
            _refuse(ValueError, function, "channel_axis", rule, channel, fact, remedy)
        channel %= rank
    others = [axis for axis in range(rank) if axis != channel]
    if len(others) < spatial:
        needed = spatial + (channel is not None)
        rule = f"fit into the inputs, which would need at least {needed} axes"
        fact = f"inputs of shape {shape} and channel_axis={channel_axis}"
        remedy = "Give inputs of shape (*batch, *spatial, features), or pass channel_axis=None if there is none."
        _refuse(ValueError, function, argument, rule, repr(value), fact, remedy)
    return tuple(others[len(others) - spatial :])


def _spatial_sizes(function: str, shape: tuple[Any, ...], axes: tuple[int, ...]) -> tuple[int, ...]:
    sizes: list[int] = []
    for axis in axes:
        size = shape[axis]
        if not isinstance(size, int):
            rule = "have spatial axes of known size"
            remedy = "Only batch and channel axes may be symbolic; export once per spatial size."
            _refuse(ValueError, function, "inputs.shape", rule, shape, f"spatial axis {axis}", remedy)
        sizes.append(size)
    return tuple(sizes)


def _outputs(size: int, extent: int, stride: int, low: int, high: int, ceil_mode: bool) -> int:
    """Number of windows; in ceil mode, as in torch, the last one starts inside the input or its low padding."""
    room = size + low + high - extent
    if not ceil_mode:
        return room // stride + 1
    return min(-(-room // stride) + 1, -(-(size + low) // stride))


def _axis_window(
    function: str,
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
    if ceil_mode and min(pair) < 0:
        rule = "not be negative in ceil mode"
        remedy = "Crop the inputs by slicing first, or pass ceil_mode=False."
        _refuse(ValueError, function, "padding", rule, repr(padding), f"axis {axis} of size {size}", remedy)
    outputs = _outputs(size, extent, stride, low, high, ceil_mode)
    # An empty axis has no elements to pool, however wide its padding.
    if outputs < 1 or size < 1:
        fact = f"axis {axis} of size {size} with padding ({low}, {high}) and an effective window of {extent}"
        remedy = "Use a smaller window or more padding; for the whole plane use the global pools."
        _refuse(ValueError, function, "window_shape", "fit into the padded input", taps, fact, remedy)
    return AxisWindow(axis, size, taps, stride, dilation, low, high, outputs)


def _require_real_taps(function: str, part: AxisWindow, padding: Any) -> None:
    for segment in part.segments():
        if segment.last <= segment.first:
            rule = "leave at least one element of the inputs in every window"
            where = f"window {segment.start} of {part.taps} taps lies wholly in padding"
            fact = f"axis {part.axis} of size {part.size}, where {where}"
            remedy = "Pad less, or dilate less."
            _refuse(ValueError, function, "padding", rule, repr(padding), fact, remedy)


def pooling_window(
    function: str,
    shape: tuple[Any, ...],
    window_shape: Any,
    strides: Any = None,
    padding: Any = "VALID",
    *,
    window_dilation: Any = 1,
    ceil_mode: Any = False,
    channel_axis: Any = -1,
    padding_is_empty: bool,
) -> Window:
    """The window that a pooling function's arguments describe on inputs of the given shape.

    Args:
      function: the public function's name, for its errors.
      shape: the shape of the inputs; batch and channel sizes may be symbolic.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis: as the user wrote them.
      padding_is_empty: whether a window wholly in padding has no value and is refused.
    """
    taps = _window_shape(function, window_shape)
    check_flag(function, "ceil_mode", ceil_mode)
    steps = _per_axis(function, "strides", 1 if strides is None else strides, taps)
    dilations = _per_axis(function, "window_dilation", window_dilation, taps)
    axes = _spatial_axes(function, "window_shape", window_shape, shape, len(taps), channel_axis)
    sizes = _spatial_sizes(function, shape, axes)
    extents = [(t - 1) * d + 1 for t, d in zip(taps, dilations, strict=True)]
    pairs = _paddings(function, padding, sizes, extents, steps)
    parts = tuple(
        _axis_window(function, axis, size, tap, step, dilation, pair, ceil_mode, padding)
        for axis, size, tap, step, dilation, pair in zip(axes, sizes, taps, steps, dilations, pairs, strict=True)
    )
    if padding_is_empty:
        for part in parts:
            _require_real_taps(function, part, padding)
    return Window(parts)


def global_window(function: str, shape: tuple[Any, ...], num_spatial_dims: Any, channel_axis: Any) -> Window:
    """The window that is the whole plane of the last `num_spatial_dims` axes that are not the channel axis."""
    fact = f"inputs of shape {shape}"
    spatial = _index(function, "num_spatial_dims", num_spatial_dims, num_spatial_dims, fact)
    if spatial < 1:
        remedy = "Use 2 for images, 1 for sequences, 3 for volumes."
        _refuse(ValueError, function, "num_spatial_dims", "be positive", spatial, fact, remedy)
    axes = _spatial_axes(function, "num_spatial_dims", spatial, shape, spatial, channel_axis)
    sizes = _spatial_sizes(function, shape, axes)
    if 0 in sizes:
        remedy = "There is nothing to pool; drop the empty inputs first."
        _refuse(ValueError, function, "inputs.shape", "have no empty spatial axis", shape, f"axes {axes}", remedy)
    parts = tuple(AxisWindow(axis, size, size, 1, 1, 0, 0, 1) for axis, size in zip(axes, sizes, strict=True))
    return Window(parts)


def check_inputs(function: str, inputs: Any) -> None:
    """Refuses anything that is not an array."""
    if not (hasattr(inputs, "shape") and hasattr(inputs, "dtype")):
        remedy = "Convert with jnp.asarray first."
        fact = "an argument without shape and dtype"
        _refuse(TypeError, function, "inputs", "be an array", type(inputs).__name__, fact, remedy)


def check_dtype(function: str, dtype: Any, *, ordered: bool = False) -> None:
    """Refuses dtypes that are no numbers, and those without an order where one is needed."""
    name = str(dtype)
    if name in ("object", "float0") or name.startswith(("key<", "<U", "|S", "datetime", "timedelta")):
        remedy = "Pool arrays of floats, integers, booleans or complex numbers."
        _refuse(TypeError, function, "inputs.dtype", "be numeric", name, "pooling", remedy)
    if ordered and name.startswith("complex"):
        remedy = "Pool jnp.abs(inputs), or the real and imaginary parts apart."
        fact = "an extremum, and complex numbers have no order"
        _refuse(TypeError, function, "inputs.dtype", "be ordered", name, fact, remedy)


def check_option(function: str, argument: str, value: Any, options: Sequence[Any], fact: str) -> None:
    """Refuses a value that is none of the options; `fact` is what they are for."""
    if not any(value is option or (isinstance(value, str) and value == option) for option in options):
        names = ", ".join(repr(option) for option in options)
        remedy = "Pick one of them."
        _refuse(ValueError, function, argument, f"be one of {names}", repr(value), fact, remedy)


def check_flag(function: str, argument: str, value: Any) -> None:
    """Refuses anything but True and False."""
    if not isinstance(value, bool | np.bool_):
        fact = "a traced value" if _traced(value) else f"a value of type {type(value).__name__}"
        remedy = "Write True or False; it must be known while tracing."
        shown = "<traced>" if _traced(value) else repr(value)
        _refuse(TypeError, function, argument, "be True or False", shown, fact, remedy)


def check_implementation(function: str, value: Any, names: Sequence[str]) -> None:
    """Refuses an implementation that does not exist."""
    check_option(function, "implementation", value, (None, *names), "a choice of algorithm")


def check_divisor(function: str, value: Any) -> int | None:
    """Refuses a divisor that is no integer, or 0."""
    if value is None:
        return None
    divisor = _index(function, "divisor_override", value, value, "the divisor")
    if divisor == 0:
        remedy = "Pass None to divide by the number of elements."
        _refuse(ValueError, function, "divisor_override", "not be 0", 0, "the divisor", remedy)
    return divisor


def check_plane_size(function: str, window: Window) -> None:
    """Refuses a plane whose positions int32 cannot hold."""
    sizes = tuple(part.size for part in window.parts)
    if math.prod(sizes) >= 1 << 31:
        remedy = "Pool parts of the plane."
        _refuse(
            ValueError, function, "inputs.shape", "have a plane of at most 2**31 - 1 elements", sizes, "int32", remedy
        )


def hashable(value: Any) -> Any:
    """An argument with its lists and arrays as tuples, so that a module that holds it can be hashed and compared."""
    elements = _sequence(value)
    return value if elements is None else tuple(hashable(element) for element in elements)
