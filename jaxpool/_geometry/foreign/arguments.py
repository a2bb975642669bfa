"""The names that arguments have in other libraries, and what to write here instead."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Any, NamedTuple


class Argument(NamedTuple):
    """An argument and its names elsewhere.

    Attributes:
      names: its name in `jaxpool`, then its names in other libraries, `jaxpool.torch` included.
      note: what differs from other libraries where a function of `jaxpool` takes it.
      absent: what to do where a function takes it under none of its names.
    """

    names: tuple[str, ...]
    note: str = ""
    absent: str = ""


_NO_WINDOW = "There is no window to set; windows are those of max_pool, avg_pool and the like."
_LEAVE_OUT = "Leave it out"
# The first row with the unknown name counts.
ARGUMENTS = (
    Argument(("inputs", "input", "x", "value", "operand", "images", "tensor", "features"), "It comes first."),
    Argument(
        (
            *("window_shape", "kernel_size", "pool_size", "ksize", "kernel_shape", "kernel", "window", "window_size"),
            *("window_dimensions", "filter_size", "size"),
        ),
        "It is a sequence with one size per spatial axis.",
        _NO_WINDOW,
    ),
    Argument(
        ("strides", "stride", "window_strides", "step", "steps"),
        "Strides default to 1 here, in PyTorch and Keras to the window.",
        _NO_WINDOW,
    ),
    Argument(
        ("padding", "pads", "pad", "auto_pad", "paddings"),
        "It is 'VALID', 'SAME', 'SAME_LOWER', 'CAUSAL', an int, or one int or (low, high) pair per spatial axis.",
        "This function does not pad; use jnp.pad first.",
    ),
    Argument(
        ("window_dilation", "dilation", "dilations", "dilation_rate", "rhs_dilation"),
        absent="This function does not dilate; max_pool and avg_pool do.",
    ),
    Argument(
        ("base_dilation", "lhs_dilation"),
        absent="Put the gaps between the inputs first, with interior padding by lax.pad; see PORTING.md.",
    ),
    Argument(
        ("ceil_mode", "use_ceil", "ceil", "pooling_convention"),
        "It is True or False.",
        f"{_LEAVE_OUT}; the number of outputs is fixed otherwise.",
    ),
    Argument(
        (
            "channel_axis",
            "data_format",
            "image_data_format",
            "channels_first",
            "channels_last",
            "feature_axis",
            "layout",
        ),
        "It is -1 for channels last, the default, and -3 for channels first in images.",
        f"{_LEAVE_OUT}; channels come before the spatial axes, as in PyTorch.",
    ),
    Argument(
        ("where", "mask", "masks", "valid", "valid_mask", "padding_mask"),
        "It is an array of booleans with as many axes as the inputs.",
        "Windowed, adaptive and global pools take a mask, as where. Elsewhere replace what must not count first, with "
        "jnp.where.",
    ),
    Argument(
        ("return_indices", "return_mask", "return_argmax", "with_argmax", "with_indices"),
        absent=f"{_LEAVE_OUT}; max_pool_with_argmax and adaptive_max_pool_with_argmax return values and indices.",
    ),
    Argument(
        ("num_spatial_dims", "axis", "axes", "dim", "dims", "spatial_dims", "spatial_axes", "ndim"),
        "It is 1 for sequences, 2 for images, 3 for volumes; they are the last axes but the channels.",
        f"{_LEAVE_OUT}; one size per spatial axis tells how many there are, the last ones but the channels.",
    ),
    Argument(
        ("keepdims", "keepdim", "keep_dims"),
        absent=f"{_LEAVE_OUT}; all axes stay.",
    ),
    Argument(
        ("output_size", "output_shape", "target_shape", "target_size", "output_ratio", "pooling_ratio", "size"),
        "It has one size per spatial axis, without batch and channels.",
        f"{_LEAVE_OUT}; for a result of a given size use adaptive_avg_pool or adaptive_max_pool.",
    ),
    Argument(
        ("count_include_pad", "exclusive", "exclude_pad"),
        "It is True or False.",
        f"{_LEAVE_OUT}; only avg_pool and power_mean_pool divide by a count, and padding never wins a maximum.",
    ),
    Argument(("divisor_override", "divisor"), absent="Of the functions of jaxpool, avg_pool and avg_unpool take it."),
    Argument(
        ("p", "norm_type", "norm", "ord", "power", "exponent"),
        "It is a positive number.",
        f"{_LEAVE_OUT}; lp_pool and power_mean_pool take an exponent.",
    ),
    Argument(
        ("ddof", "correction", "unbiased"),
        "It is an integer: 0 for the variance itself, 1 for an unbiased one.",
        f"{_LEAVE_OUT}; only var_pool and std_pool take it.",
    ),
    Argument(
        ("beta", "temperature", "alpha", "tau", "t"),
        "It is the inverse of the temperature.",
        f"{_LEAVE_OUT}; only softmax_pool takes it.",
    ),
    Argument(
        ("weights", "weight", "w", "attention"),
        "It has as many axes as the inputs.",
        f"{_LEAVE_OUT}; weighted_avg_pool takes weights.",
    ),
    Argument(("direction", "side", "corner"), absent=f"{_LEAVE_OUT}; only corner_pool takes a direction."),
    Argument(("logits", "scores", "logit"), absent=f"{_LEAVE_OUT}; softmax_pool takes logits."),
    Argument(
        ("levels", "pyramid", "bins", "pool_sizes", "pool_scales", "out_pool_size", "pyramid_levels"),
        absent=f"{_LEAVE_OUT}; only pyramid_pool takes levels.",
    ),
    Argument(
        ("kind", "pool_type", "pooling_type"),
        "It is 'max' or 'avg'.",
        "Call the function of that operation, as max_pool or avg_pool; pool takes any.",
    ),
    Argument(
        ("order", "flatten", "memory_format"),
        "It is 'features_last' or 'features_first'.",
        f"{_LEAVE_OUT}; only pyramid_pool joins bins to a vector.",
    ),
    Argument(("num_levels", "L", "scales"), "It is an integer.", f"{_LEAVE_OUT}; only rmac_pool takes it."),
    Argument(("overlap", "ovr"), "It is a number from 0 to 1.", f"{_LEAVE_OUT}; only rmac_pool takes it."),
    Argument(("eps", "epsilon"), "It is added to norms.", f"{_LEAVE_OUT}; nothing here is divided by what may be 0."),
    Argument(("samples", "_random_samples", "random_samples"), absent=f"{_LEAVE_OUT}; nothing is random here."),
    Argument(
        ("key", "rng", "rngs", "seed", "rng_key", "prng_key", "generator"),
        "It is a typed key, as jax.random.key(0) makes it.",
        f"{_LEAVE_OUT}; nothing is random here.",
    ),
    Argument(
        ("q", "quantile", "percentile"),
        "It is a number from 0 to 1.",
        f"{_LEAVE_OUT}; quantile_pool takes it.",
    ),
    Argument(
        ("method", "interpolation"),
        "It is 'linear', 'lower', 'higher', 'midpoint' or 'nearest'.",
        f"{_LEAVE_OUT}; only medians and quantiles take it.",
    ),
    Argument(("rank",), "0 is the smallest element, -1 the largest.", f"{_LEAVE_OUT}; rank_pool takes it."),
    Argument(("k", "topk", "top_k", "num_elements"), absent=f"{_LEAVE_OUT}; topk_pool and kmax_pool take it."),
    Argument(("kmax", "kmin"), absent=f"{_LEAVE_OUT}; only global_topk_pool takes it."),
    Argument(("plateau",), absent=f"{_LEAVE_OUT}; only local_maxima takes it."),
    Argument(
        ("deterministic", "inference", "eval_mode"),
        "It is True or False.",
        f"{_LEAVE_OUT}; only stochastic_pool draws.",
    ),
    Argument(
        ("padding_mode", "mode", "pad_mode", "border_mode"),
        "It is 'EDGE', 'REFLECT' or 'WRAP'.",
        "Pad with jnp.pad first.",
    ),
    Argument(
        ("padding_value", "pad_value", "constant_values", "constant_value", "cval", "padding_constant"),
        "It is one number.",
        "Pad with jnp.pad first; max_pool and min_pool take a padding_value.",
    ),
    Argument(
        ("rounding_mode", "rounding", "round_mode", "rounding_method"),
        "It is 'half_even', 'half_away', 'floor' or 'trunc', for inputs of integers.",
        f"{_LEAVE_OUT}; avg_pool, global_avg_pool and adaptive_avg_pool round means of integers.",
    ),
    Argument(
        ("empty", "fill_value", "default", "empty_value"),
        "It is one number, for windows without a valid element.",
        f"{_LEAVE_OUT}; only maxima and minima take a value for windows without a valid element.",
    ),
    Argument(("init", "init_value", "init_val", "initial"), absent=f"{_LEAVE_OUT}; only pool takes an identity."),
    Argument(
        ("reduce_fn", "computation", "operation", "op", "fn", "reducer", "pool_type", "pooling_type"),
        absent="Call the function of that operation, as max_pool or avg_pool; pool takes any.",
    ),
    Argument(("implementation", "algorithm"), absent=f"{_LEAVE_OUT}; there is one algorithm."),
    Argument(("index_convention", "include_batch_in_index"), absent=f"{_LEAVE_OUT}; this function returns no indices."),
    Argument(("residual",), absent=f"{_LEAVE_OUT}; only max_pool and min_pool take it."),
    Argument(("indices", "index", "argmax", "switches"), absent=f"{_LEAVE_OUT}; max_unpool takes indices."),
    Argument(
        ("dtype", "out_dtype", "output_dtype", "accum_dtype", "Targmax"),
        absent="Cast the inputs or the result with astype; narrow floats are summed in f32 anyway.",
    ),
    Argument(
        ("segment_ids", "batch", "batch_index", "index", "segments", "groups"),
        "It has the first axes of the inputs.",
        f"{_LEAVE_OUT}; segment_avg_pool and the like pool sets.",
    ),
    Argument(
        ("num_segments", "size", "dim_size", "num_graphs", "batch_size"),
        "It counts the sets, empty ones included.",
        f"{_LEAVE_OUT}; segment_avg_pool and the like pool sets.",
    ),
    Argument(("indices_are_sorted", "sorted"), absent=f"{_LEAVE_OUT}; only pools of sets take it."),
    Argument(
        ("fill_value", "fill", "empty"), absent=f"{_LEAVE_OUT}; only segment_max_pool and segment_min_pool take it."
    ),
    Argument(("name",), absent=f"{_LEAVE_OUT}; for a name in profiles use jax.named_scope."),
    Argument(("out",), absent=f"{_LEAVE_OUT}; arrays of JAX are never changed, and the result is returned."),
)


def _written(name: str, value: Any) -> str:
    """An argument as it is to be written, with a value that is short and means the same under another name."""

    def plain(part: Any) -> bool:
        return type(part) is int or (isinstance(part, list | tuple) and len(part) <= 4 and all(map(plain, part)))

    if name == "window_shape" and type(value) is int:
        return f"window_shape=({value},) for one spatial axis, ({value}, {value}) for two"
    same = name in ("window_shape", "strides", "padding", "window_dilation", "kernel_size", "stride", "dilation")
    return f"{name}={value!r}" if same and plain(value) else f"{name}= instead"


def names_of(name: str) -> tuple[str, ...]:
    """The argument itself, and its names elsewhere."""
    return next((row.names for row in ARGUMENTS if name in row.names), (name,))


def argument_remedy(name: str, value: Any, parameters: Sequence[str]) -> str:
    """What to write for an argument that a function with these parameters does not have."""
    rows = [row for row in ARGUMENTS if name in row.names]
    for row in rows:
        for own in row.names:
            if own in parameters:
                # The functions of `jaxpool.torch` keep to PyTorch's rules.
                note = f" {row.note}" if row.note and not {"input", "kernel_size"} & {*parameters} else ""
                return f"Write {_written(own, value)}.{note}"
    if rows:
        return rows[0].absent or f"{_LEAVE_OUT}."
    close = difflib.get_close_matches(name, parameters, 1)
    known = f"The arguments are {', '.join(parameters)}."
    return f"Did you mean {close[0]}? {known}" if close else known
