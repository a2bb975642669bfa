"""What is refused when a module is made: arguments of which it can be told without inputs that they are wrong.

The checks are those of the functions. What depends on the shape of the inputs is left to the call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn

from jaxpool._geometry import (
    METHODS,
    PLATEAUS,
    check_alpha,
    check_ddof,
    check_direction,
    check_divisor,
    check_empty,
    check_exponent,
    check_flag,
    check_implementation,
    check_option,
    check_padding_value,
    check_positive_integer,
    check_rank,
    check_real_array,
    check_rounding_mode,
    check_top,
)
from jaxpool._geometry.arguments import steps_of, window_sizes
from jaxpool._geometry.bins import adaptive_sizes
from jaxpool._geometry.fractional import check_rule, fractional_sizes, fractional_taps
from jaxpool._geometry.layers import (
    check_finite_number,
    check_float_dtype,
    check_function,
    check_number_of,
    plane_sizes,
)
from jaxpool._geometry.order import check_q
from jaxpool._geometry.padding import check_padding_mode, paddings_of
from jaxpool._geometry.pyramids import (
    PYRAMID_KINDS,
    PYRAMID_ORDERS,
    check_features,
    check_fraction,
    check_num_levels,
    pyramid_levels,
)
from jaxpool._geometry.regions import (
    REGION_MODES,
    check_maximum_of_samples,
    check_sampling_ratio,
    check_spatial_scale,
    region_sizes,
)
from jaxpool._geometry.segments import check_fill_value, check_num_segments
from jaxpool._geometry.shards import axis_names_of
from jaxpool._geometry.unpooling import check_without_window, refuse_missing_window
from jaxpool._geometry.values import as_index, as_positive, as_sequence, kind_of, refuse, shown, traced
from jaxpool._operators import IMPLEMENTATIONS
from jaxpool._pools.argextremum import INDEX_CONVENTIONS
from jaxpool._pools.concat import ORDERS
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
    rules = {
        "direction": "be the name of one",
        "in_features": "be an integer",
        "inputs": "be given in the call",
        "num_segments": "be an integer",
    }
    rule = rules.get(argument, "be a sequence of integers")
    remedy = f"A module is made first and called later: {example}."
    refuse(TypeError, argument, rule, got, remedy)


def _flag(argument: str) -> Callable[[Any], None]:
    return lambda value: check_flag(argument, value)


def _option(argument: str, options: tuple[Any, ...]) -> Callable[[Any], None]:
    return lambda value: check_option(argument, value, options)


def _number(argument: str) -> Callable[[Any], None]:
    return lambda value: check_real_array(argument, value, getattr(value, "shape", ()), scalar=True)


def _channel_axis(value: Any) -> None:
    if value is not None:
        remedy = "Use -1 for channels last, -3 for images with channels first, None for no channel axis."
        as_index("channel_axis", value, value, rule="be None or an integer", remedy=remedy)


def _num_spatial_dims(value: Any) -> None:
    if value is not None:
        number = as_index("num_spatial_dims", value, value)
        as_positive("num_spatial_dims", [number], number)


# One check for each argument that can be judged by itself; behind the name of a module, what it means there alone.
CHECKS: dict[str, Callable[[Any], Any]] = {
    "activation": lambda value: check_function("activation", value),
    "align_corners": _flag("align_corners"),
    "aligned": _flag("aligned"),
    "alpha": _number("alpha"),
    "GlobalTopkPool.alpha": check_alpha,
    "NetVLAD.alpha": lambda value: check_finite_number("alpha", value),
    "alpha_init": lambda value: check_finite_number("alpha_init", value),
    "beta": _number("beta"),
    "ceil_mode": _flag("ceil_mode"),
    "channel_axis": _channel_axis,
    "checked": _flag("checked"),
    "count_include_pad": _flag("count_include_pad"),
    "ddof": check_ddof,
    "deterministic": _flag("deterministic"),
    "direction": check_direction,
    "divisor_override": check_divisor,
    "dtype": lambda value: None if value is None else check_float_dtype("dtype", value),
    "duplicates": _option("duplicates", ("set", "add")),
    "empty": check_empty,
    "eps": lambda value: check_finite_number("eps", value, positive=True),
    "RmacPool.eps": lambda value: check_fraction("eps", value, math.inf),
    "epsilon": lambda value: check_finite_number("epsilon", value, positive=True),
    "fill_value": check_fill_value,
    "gamma": lambda value: None if value is None else check_finite_number("gamma", value, positive=True),
    "gated": _flag("gated"),
    "global_context": _flag("global_context"),
    "hidden_features": lambda value: check_number_of("hidden_features", value),
    "implementation": lambda value: check_implementation(value, IMPLEMENTATIONS),
    "index_convention": _option("index_convention", INDEX_CONVENTIONS),
    "indices_are_sorted": _flag("indices_are_sorted"),
    "keepdims": _flag("keepdims"),
    "kernel_init": lambda value: check_function("kernel_init", value),
    "kernel_size": lambda value: check_number_of("kernel_size", value),
    "kind": _option("kind", PYRAMID_KINDS),
    "kmax": lambda value: check_top("kmax", value),
    "kmin": lambda value: check_top("kmin", value, none=True),
    "lam": _number("lam"),
    "levels": lambda value: pyramid_levels(value, None),
    "max_logit": lambda value: check_finite_number("max_logit", value),
    "method": _option("method", METHODS),
    "mlp_features": lambda value: None if value is None else check_number_of("mlp_features", value),
    "mode": _option("mode", REGION_MODES),
    "normalize": _flag("normalize"),
    "num_clusters": lambda value: check_number_of("num_clusters", value),
    "num_heads": lambda value: check_number_of("num_heads", value),
    "num_iterations": lambda value: check_number_of("num_iterations", value),
    "num_levels": check_num_levels,
    "num_segments": check_num_segments,
    "num_spatial_dims": _num_spatial_dims,
    "omega_init": lambda value: check_function("omega_init", value),
    "order": _option("order", ORDERS),
    "PyramidPool.order": _option("order", PYRAMID_ORDERS),
    "out_features": lambda value: None if value is None else check_number_of("out_features", value),
    "overlap": lambda value: check_fraction("overlap", value, 1.0),
    "overlapping": _flag("overlapping"),
    "p": check_exponent,
    "p_init": lambda value: check_finite_number("p_init", value, positive=True),
    "padding_mode": check_padding_mode,
    "padding_value": check_padding_value,
    "param_dtype": lambda value: check_float_dtype("param_dtype", value),
    "per_channel": _flag("per_channel"),
    "plane_shape": plane_sizes,
    "plateau": _option("plateau", PLATEAUS),
    "q": check_q,
    "rank": check_rank,
    "residual": _option("residual", (None, "offsets", "input")),
    "rounding_mode": check_rounding_mode,
    "rule": _option("rule", RULES),
    "sampling_ratio": check_sampling_ratio,
    "sigma": _number("sigma"),
    "spatial_scale": check_spatial_scale,
    "use_running_average": lambda value: None if value is None else check_flag("use_running_average", value),
}


def _window(given: Mapping[str, Any]) -> int:
    """Check what must have as many elements as the window has axes, and return their number."""
    taps = window_sizes(given["window_shape"])
    steps, dilations = steps_of(given["strides"], given["window_dilation"], taps)
    extents = [(tap - 1) * dilation + 1 for tap, dilation in zip(taps, dilations, strict=True)]
    # The sizes of the plane decide how much is padded, but not what is refused.
    paddings_of(given["padding"], taps, extents, steps)
    if given.get("spatial_axis_names") is not None:
        axis_names_of(given["spatial_axis_names"], len(taps))
    return len(taps)


def _peaks(given: Mapping[str, Any]) -> None:
    """Check the windows around every element."""
    taps = window_sizes(given["window_shape"])
    paddings_of(given["padding"], taps, taps, (1,) * len(taps))


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
    if "spatial_scale" in given:
        region_sizes(given["output_size"])
        check_maximum_of_samples(given.get("mode", "avg"), given.get("sampling_ratio"))
        return
    if "rule" not in given:
        adaptive_sizes(given["output_size"])
        return
    sizes = fractional_sizes(given["output_size"])
    check_rule(given["rule"], given["window_shape"], given["overlapping"])
    if given["window_shape"] is not None:
        fractional_taps(given["window_shape"], given["output_size"], len(sizes))


def _windows(given: Mapping[str, Any], optional: Collection[str]) -> int | None:
    """Check what describes windows; the number of spatial axes, if it is known."""
    if "strides" in given and given["window_shape"] is None and "window_shape" in optional:
        described = given["strides"], given["padding"], given["window_dilation"]
        if "index_convention" in given:
            check_without_window(*described)
        else:
            check_without_window(*described, "without it the whole plane is pooled")
        if given.get("index_convention") == "window":
            refuse_missing_window()
    elif "strides" in given:
        return _window(given)
    elif "plateau" in given:
        _peaks(given)
    elif "window_shape" in given and "output_size" not in given:
        # The window is the stride, too.
        return len(window_sizes(given["window_shape"]))
    return given.get("num_spatial_dims")


def check_arguments(given: Mapping[str, Any], optional: Collection[str], module: str) -> None:
    """Refuse what can be told to be wrong without inputs, in the words of the functions.

    Args:
      given: the value of every field.
      optional: the fields that may be None.
      module: the name of the description.
    """
    rank = _windows(given, optional)
    if "k" in given:
        (check_top if "window_shape" in given else check_positive_integer)("k", given["k"])
    if given.get("output_shape") is not None:
        _output_shape(given["output_shape"], rank)
    for argument, value in given.items():
        check = CHECKS.get(f"{module}.{argument}", CHECKS.get(argument))
        if check is not None:
            check(value)
    if "num_levels" in given:
        check_features(given["channel_axis"])
    if "output_size" in given:
        _output_size(given)
