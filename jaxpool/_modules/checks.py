"""What is refused when a module is made: arguments of which it can be told without inputs that they are wrong.

The checks are those of the functions. What depends on the shape of the inputs is left to the call.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn

from jaxpool._geometry import (
    check_ddof,
    check_divisor,
    check_flag,
    check_implementation,
    check_option,
    check_positive_number,
    check_real_array,
)
from jaxpool._geometry.arguments import check_padding_mode, paddings_of, steps_of, window_sizes
from jaxpool._geometry.bins import adaptive_sizes
from jaxpool._geometry.fractional import check_rule, fractional_sizes, fractional_taps
from jaxpool._geometry.segments import check_fill_value, check_num_segments
from jaxpool._geometry.unpooling import check_without_window, refuse_missing_window
from jaxpool._geometry.values import as_index, as_positive, as_sequence, kind_of, refuse, shown, traced
from jaxpool._operators import IMPLEMENTATIONS
from jaxpool._pools.extremum import INDEX_CONVENTIONS
from jaxpool._pools.fractional import RULES


def is_array(value: Any) -> bool:
    """Whether a value is a key or inputs: an array that is neither a scalar nor a row of integers."""
    if not (hasattr(value, "shape") and hasattr(value, "dtype")):
        return False
    dtype, rank = str(value.dtype), len(value.shape)
    return rank > 1 or dtype.startswith("key<") or (rank == 1 and not dtype.startswith(("int", "uint")))


def refuse_array(argument: str, value: Any, example: str) -> NoReturn:
    """Refuse the inputs where a module is made; `example` shows where they belong."""
    got = "a traced value" if traced(value) else kind_of(value)
    rule = "be given in the call" if argument == "inputs" else "be a sequence of integers"
    rule = "be an integer" if argument == "num_segments" else rule
    remedy = f"A module is made first and called later: {example}."
    refuse(TypeError, argument, rule, got, remedy)


def _flag(argument: str) -> Callable[[Any], None]:
    return lambda value: check_flag(argument, value)


def _option(argument: str, options: tuple[Any, ...]) -> Callable[[Any], None]:
    return lambda value: check_option(argument, value, options)


def _channel_axis(value: Any) -> None:
    if value is not None:
        remedy = "Use -1 for channels last, -3 for images with channels first, None for no channel axis."
        as_index("channel_axis", value, value, rule="be None or an integer", remedy=remedy)


def _num_spatial_dims(value: Any) -> None:
    if value is not None:
        number = as_index("num_spatial_dims", value, value)
        as_positive("num_spatial_dims", [number], number)


# One check for each argument that can be judged by itself.
CHECKS: dict[str, Callable[[Any], Any]] = {
    "beta": lambda value: check_real_array("beta", value, getattr(value, "shape", ()), scalar=True),
    "ceil_mode": _flag("ceil_mode"),
    "channel_axis": _channel_axis,
    "checked": _flag("checked"),
    "count_include_pad": _flag("count_include_pad"),
    "ddof": check_ddof,
    "divisor_override": check_divisor,
    "duplicates": _option("duplicates", ("set", "add")),
    "fill_value": check_fill_value,
    "indices_are_sorted": _flag("indices_are_sorted"),
    "num_segments": check_num_segments,
    "implementation": lambda value: check_implementation(value, IMPLEMENTATIONS),
    "index_convention": _option("index_convention", INDEX_CONVENTIONS),
    "keepdims": _flag("keepdims"),
    "num_spatial_dims": _num_spatial_dims,
    "overlapping": _flag("overlapping"),
    "p": lambda value: check_positive_number("p", value),
    "padding_mode": check_padding_mode,
    "residual": _option("residual", (None, "offsets", "input")),
    "rule": _option("rule", RULES),
}


def _window(given: Mapping[str, Any]) -> int:
    """Check what must have as many elements as the window has axes, and return their number."""
    taps = window_sizes(given["window_shape"])
    steps, dilations = steps_of(given["strides"], given["window_dilation"], taps)
    extents = [(tap - 1) * dilation + 1 for tap, dilation in zip(taps, dilations, strict=True)]
    # The sizes of the plane decide how much is padded, but not what is refused.
    paddings_of(given["padding"], taps, extents, steps)
    return len(taps)


def _output_shape(value: Any, rank: int | None) -> None:
    """Check the sizes of an unpooled plane, whose rank is that of the window if there is one."""
    if traced(value):
        as_index("output_shape", value, value)
    elements = as_sequence(value)
    if not elements or rank not in (None, len(elements)):
        rule = "have one size per spatial axis" + ("" if rank is None else f", {rank} in all")
        refuse(ValueError, "output_shape", rule, shown(value), "Leave out batch and channels.")
    sizes = [as_index("output_shape", element, value) for element in elements]
    as_positive("output_shape", sizes, value)


def _output_size(given: Mapping[str, Any]) -> None:
    """Check the size of an adaptive pool's result, or that of a fractional pool with its rule."""
    if "rule" not in given:
        adaptive_sizes(given["output_size"])
        return
    sizes = fractional_sizes(given["output_size"])
    check_rule(given["rule"], given["window_shape"], given["overlapping"])
    if given["window_shape"] is not None:
        fractional_taps(given["window_shape"], given["output_size"], len(sizes))


def check_arguments(given: Mapping[str, Any], optional: Collection[str]) -> None:
    """Refuse what can be told to be wrong without inputs, in the words of the functions.

    Args:
      given: the value of every field.
      optional: the fields that may be None.
    """
    rank = None
    if "strides" in given and given["window_shape"] is None and "window_shape" in optional:
        check_without_window(given["strides"], given["padding"], given["window_dilation"])
        if given["index_convention"] == "window":
            refuse_missing_window()
    elif "strides" in given:
        rank = _window(given)
    if given.get("output_shape") is not None:
        _output_shape(given["output_shape"], rank)
    for argument, check in CHECKS.items():
        if argument in given:
            check(given[argument])
    if "output_size" in given:
        _output_size(given)
