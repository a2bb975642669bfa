"""Checks of arrays that go with the inputs: masks, weights, exponents, one number for each feature."""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from jaxpool._geometry.values import kind_of, native, refuse, shown
from jaxpool._geometry.window import Window


def check_where(value: Any, shape: tuple[Any, ...]) -> None:
    """Refuses a mask that is no boolean array, has another rank than the inputs, or does not broadcast to them.

    Axes are never added: a mask of batch and positions would be one of positions and channels where sizes agree.
    """
    fact = f"inputs of shape {shape}"
    if not hasattr(value, "shape") or str(getattr(value, "dtype", "")) != "bool":
        got, remedy = kind_of(value), "Compare first, as in where=mask > 0."
        if isinstance(value, list | tuple):
            remedy = "Convert with jnp.asarray first."
        elif not hasattr(value, "dtype"):
            got, remedy = shown(value), "Leave it out if all elements count."
        refuse(TypeError, "where", "be an array of booleans", got, remedy, fact)
    _check_broadcasts("where", tuple(value.shape), shape)


def check_real_array(
    argument: str, value: Any, shape: tuple[Any, ...], *, scalar: bool = False, of: str = "inputs"
) -> None:
    """Refuses what is no array of real numbers, or does not broadcast to the inputs; axes are never added.

    `scalar` is whether a number will do, too; `of` is what has the shape.
    """
    if scalar and isinstance(value, int | float) and not isinstance(value, bool):
        if not abs(value) < math.inf:
            refuse(ValueError, argument, "be finite", value, "Pass a large number, or use max_pool.")
        return
    array: Any = native(value)
    numbers = str(getattr(array, "dtype", "")).startswith(("float", "bfloat", "int", "uint"))
    if not hasattr(array, "shape") or not numbers:
        remedy = "Pass an array, as jnp.ones_like(inputs) makes it."
        what = "a real number or an array of them" if scalar else "an array of real numbers"
        refuse(TypeError, argument, f"be {what}", kind_of(value), remedy, f"{of} of shape {shape}")
    if not (scalar and array.shape == ()):
        _check_broadcasts(argument, tuple(array.shape), shape, of)


def check_per_window(argument: str, value: Any, shape: tuple[Any, ...], axes: Sequence[int]) -> None:
    """Refuses what is no number and no array of them that is the same along the spatial axes."""
    check_real_array(argument, value, shape, scalar=True)
    own = getattr(value, "shape", ())
    if own and any(own[axis] != 1 for axis in axes):
        rule, fact = "have size 1 along the spatial axes", f"spatial axes {tuple(axes)}"
        refuse(ValueError, f"{argument}.shape", rule, tuple(own), "Give one number, or one per feature.", fact)


def feature_axis(shape: tuple[Any, ...], channel_axis: Any) -> int | None:
    """The axis of the features, counted from the front; it has been checked already."""
    return None if channel_axis is None else operator.index(channel_axis) % len(shape)


def check_tap_weights(argument: str, value: Any, shape: tuple[Any, ...], window: Window, channel: int | None) -> None:
    """Refuses what is no array with one number for each tap of the window and each feature, or one for all features."""
    array: Any = native(value)
    numbers = str(getattr(array, "dtype", "")).startswith(("float", "bfloat", "int", "uint"))
    taps = tuple(part.taps for part in window.parts)
    wanted = [taps] if channel is None else [(*taps, shape[channel]), (*taps, 1)]
    fact = f"inputs of shape {shape} and a window of {taps}"
    if not hasattr(array, "shape") or not numbers:
        remedy = f"Pass an array of shape {wanted[0]}."
        refuse(TypeError, argument, "be an array of real numbers", kind_of(value), remedy, fact)
    if tuple(array.shape) not in wanted:
        rule = f"be {' or '.join(map(str, wanted))}"
        remedy = "Give one number for each element of the window and each feature; size 1 is for all features."
        refuse(ValueError, f"{argument}.shape", rule, tuple(array.shape), remedy, fact)


def check_per_feature(argument: str, value: Any, shape: tuple[Any, ...], channel: int | None) -> None:
    """Refuses what is no number and no array with one for each feature, of the inputs' rank."""
    check_real_array(argument, value, shape, scalar=True)
    own = getattr(value, "shape", ())
    if any(size != 1 for axis, size in enumerate(own) if axis != channel):
        rule = "have size 1 along all axes but that of the features"
        fact = f"inputs of shape {shape}"
        refuse(ValueError, f"{argument}.shape", rule, tuple(own), "Give one number, or one per feature.", fact)


def _check_broadcasts(argument: str, own: tuple[Any, ...], shape: tuple[Any, ...], of: str = "inputs") -> None:
    fact = f"{of} of shape {shape}"
    if len(own) != len(shape):
        rule = f"have as many axes as the {of}, {len(shape)}"
        refuse(ValueError, f"{argument}.shape", rule, own, _same_rank(argument, own, shape), fact)
    if not _broadcasts(own, shape):
        remedy = f"Along every axis it has the size of the {of}, or 1 where it is the same for all."
        refuse(ValueError, f"{argument}.shape", f"broadcast to the shape of the {of}", own, remedy, fact)


def _broadcasts(own: Sequence[Any], shape: Sequence[Any]) -> bool:
    return all(a in (1, b) for a, b in zip(own, shape, strict=True))


def _same_rank(argument: str, own: tuple[Any, ...], shape: tuple[Any, ...]) -> str:
    """How an array of another rank gets that of the inputs."""
    missing = len(shape) - len(own)
    if missing < 0:
        return f"Leave out {-missing} of its axes."
    if not own:
        return f"Write {argument}.reshape({(1,) * len(shape)})."
    fitting = [form for form in _new_axes(len(shape), missing) if _broadcasts(_with_new_axes(own, form), shape)]
    if not fitting:
        return "Along every axis it has the size of the inputs, or 1 where it is the same for all."
    names = [f"{argument}[{_index(form, len(shape))}]" for form in fitting[:3]]
    if len(names) == 1:
        return f"Write {names[0]}."
    return f"Write {' or '.join(names)}, so that its axes stand where the inputs have them."


def _new_axes(rank: int, missing: int) -> list[tuple[int, ...]]:
    """Where new axes can stand: behind, as those of channels, then in front, as those of a batch, then elsewhere."""
    forms = list(itertools.combinations(range(rank), missing))
    return sorted(forms, key=lambda form: (form[0] != rank - missing, form[-1] != missing - 1, form))


def _with_new_axes(own: Sequence[Any], form: tuple[int, ...]) -> list[Any]:
    sizes = list(own)
    for axis in form:
        sizes.insert(axis, 1)
    return sizes


def _index(form: tuple[int, ...], rank: int) -> str:
    """What to write in brackets for new axes at these places."""
    if form[0] == rank - len(form):
        return ", ".join(["...", *["None"] * len(form)])
    return ", ".join("None" if axis in form else ":" for axis in range(form[-1] + 1))


def check_exponent(value: Any, shape: tuple[Any, ...] | None = None, axes: Sequence[int] = ()) -> Any:
    """A positive number as a float, an array as it is; refuses all else. The elements of arrays of JAX are not read.

    Args:
      value: the exponent.
      shape: that of the inputs, to which an array that is no scalar must broadcast; None if it is not known yet.
      axes: the spatial axes, along which it must have size 1.
    """
    remedy = "Pass a positive number, or math.inf."
    rule = "be a real number or an array of them"
    array = hasattr(value, "shape") and hasattr(value, "dtype")
    if array:
        if not str(native(value).dtype).startswith(("int", "uint", "float", "bfloat")):
            refuse(TypeError, "p", rule, kind_of(value), remedy)
        if value.shape != ():
            if shape is not None:
                _check_broadcasts("p", tuple(value.shape), shape)
                if any(value.shape[axis] != 1 for axis in axes):
                    fact = f"inputs of shape {shape} with the spatial axes {tuple(axes)}"
                    remedy = "A window has one exponent; use another for each feature."
                    refuse(ValueError, "p.shape", "be 1 along the spatial axes", tuple(value.shape), remedy, fact)
            return native(value)
        if not isinstance(value, np.generic | np.ndarray):
            return value
    elif isinstance(value, bool) or not isinstance(value, int | float):
        refuse(TypeError, "p", rule, shown(value), remedy)
    number: Any = native(value)
    if not number > 0:
        refuse_number("p", number)
    try:
        return float(number)
    except OverflowError:
        return math.inf


def refuse_number(argument: str, number: Any) -> NoReturn:
    """Refuses an exponent that is not positive."""
    remedy = "Pass a positive number, or math.inf."
    refuse(ValueError, argument, "be positive", number, remedy)
