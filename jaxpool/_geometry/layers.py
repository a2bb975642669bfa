"""Checks of the arguments of layers with parameters."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jaxpool._geometry.arrays import check_where
from jaxpool._geometry.values import as_index, as_positive, as_sizes, kind_of, refuse, shown


def check_number_of(argument: str, value: Any) -> int:
    """A number of features, heads, clusters or steps, 1 or more; refuses what is none."""
    number = as_index(argument, value, value)
    if number < 1:
        refuse(ValueError, argument, "be positive", number, "Use 1 or more.")
    return number


def check_finite_number(argument: str, value: Any, *, positive: bool = False) -> float:
    """A finite number as a float; refuses all else."""
    rule = f"be a {'positive ' if positive else ''}finite number"
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        refuse(TypeError, argument, rule, shown(value), "Write a number; a parameter is learned from there.")
    if not abs(value) < math.inf or (positive and not value > 0):
        refuse(ValueError, argument, rule, value, "Write a number such as 1.0.")
    return float(value)


def check_function(argument: str, value: Any) -> None:
    """Refuses what cannot be called."""
    if not callable(value):
        remedy = "Pass a function, such as those of jax.nn and jax.nn.initializers."
        refuse(TypeError, argument, "be a function", shown(value), remedy)


def check_float_dtype(argument: str, value: Any) -> None:
    """Refuses what names no dtype of real floats."""
    try:
        name = "" if value is None else str(np.dtype(value))
    except (TypeError, ValueError):
        name = ""
    if not name.startswith(("float", "bfloat")):
        remedy = "Write it as jnp.float32 or 'bfloat16'."
        refuse(TypeError, argument, "name a dtype of real floats", name or repr(value), remedy)


def plane_sizes(value: Any) -> tuple[int, ...]:
    """The spatial sizes that positions are learned for."""
    rule, remedy = "have one size per spatial axis", "Write it as (7, 7)."
    elements = as_sizes("plane_shape", value, rule, remedy)
    return as_positive("plane_shape", [as_index("plane_shape", element, value) for element in elements], value)


def check_plane(shape: tuple[Any, ...], plane: tuple[int, ...]) -> None:
    """Refuses inputs of another plane than the one that positions are learned for."""
    if tuple(shape[-1 - len(plane) : -1]) != plane or len(shape) <= len(plane):
        remedy = "Resize the inputs or the positions first."
        rule = f"end in {plane} and the features, as plane_shape says"
        refuse(ValueError, "inputs.shape", rule, shape, remedy)


def check_heads(features: int, num_heads: int) -> None:
    """Refuses heads that do not share out the features."""
    if features % num_heads:
        remedy = "Every head takes the same number of features."
        refuse(ValueError, "num_heads", "divide the number of features", num_heads, remedy, f"{features} features")


def check_features(found: Any, features: int) -> None:
    """Refuses inputs with another number of features than a layer was made for."""
    if found != features:
        remedy = f"Make the layer with in_features={found}."
        rule = f"have the {features} features that the layer was made for"
        refuse(ValueError, "inputs", rule, f"an array with {found}", remedy)


def check_channel_axis(rank: int, channel_axis: Any) -> int:
    """The axis of the features, counted from the start; refuses None, as a parameter for each of them needs one."""
    if channel_axis is None:
        remedy = "Use -1 for channels last, -3 for images with channels first."
        refuse(ValueError, "channel_axis", "be an axis of the inputs", None, remedy, "one result per pair or feature")
    remedy = "Use -1 for channels last, -3 for images with channels first, None for no channel axis."
    axis = as_index("channel_axis", channel_axis, channel_axis, "", "be None or an integer", remedy)
    if not -rank <= axis < rank:
        remedy = "Use -1 for channels last, -3 for images with channels first."
        refuse(ValueError, "channel_axis", f"be an axis from {-rank} to {rank - 1}", axis, remedy)
    return axis % rank


def check_positions(value: Any, shape: tuple[Any, ...], feature_axis: int = -1) -> None:
    """Refuses a mask that is none, or that tells features of one position apart."""
    check_where(value, shape)
    if value.shape[feature_axis] != 1:
        remedy = "Write where=where.any(-1, keepdims=True), or the mask of positions before it was broadcast."
        if feature_axis != -1:
            remedy = "Give it the size 1 along the features."
        fact = f"inputs of shape {tuple(shape)}"
        rule = "have the size 1 along the features, as whole positions take part"
        refuse(ValueError, "where.shape", rule, tuple(value.shape), remedy, fact)


def refuse_without_window(argument: str, value: Any, default: Any) -> None:
    """Refuses an argument of global pooling where a window is given."""
    if value != default:
        remedy = "Leave it out, or leave out window_shape to pool the whole plane."
        refuse(ValueError, argument, f"be {default!r} where window_shape is given", kind_of(value), remedy)
