"""Checks of single numbers that stand for elements: in padding, in windows without any, as identities."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from jaxpool._geometry.values import kind_of, refuse, shown


def _holds(dtype: str, value: Any) -> bool:
    """Whether a dtype has a value; of an array that may be traced, whether it can be cast without loss of its kind."""
    kinds = ("bool", "int", "float", "complex")
    own = next((i for i, kind in enumerate(kinds) if kind in dtype), len(kinds))
    if hasattr(value, "dtype") and not isinstance(value, np.generic | np.ndarray):
        return any(kind in str(value.dtype) for kind in kinds[: own + 1])
    number = value.item() if isinstance(value, np.generic | np.ndarray) else value
    if not isinstance(number, bool | int | float | complex):
        return False
    if own >= 2:
        return own > 2 or not isinstance(number, complex)
    if isinstance(number, complex) or number != number or abs(number) == math.inf or int(number) != number:
        return False
    signed = not dtype.startswith(("uint", "bool"))
    bits = 1 if own == 0 else int(dtype.strip("uint"))
    return -(1 << bits - 1) * signed <= number < 1 << bits - signed


def _is_real_number(value: Any) -> bool:
    """Whether it is one real number, as a Python number, a scalar of NumPy or an array without axes."""
    kinds = ("bool", "int", "uint", "float", "bfloat")
    number = isinstance(value, bool | int | float) or str(getattr(value, "dtype", "")).startswith(kinds)
    return number and getattr(value, "shape", ()) == ()


def check_empty(value: Any, dtype: str | None = None) -> None:
    """Refuses what is no real number to stand for nothing, or none that a dtype, if it is known, holds."""
    if value is None:
        return
    number = _is_real_number(value)
    if number and (dtype is None or _holds(dtype, value)):
        return
    if number:
        refuse(ValueError, "empty", f"be a number that {dtype} holds", shown(value), "Convert the inputs first.")
    remedy = "Write one number for all windows, as 0, or None for the smallest value of the dtype."
    refuse(TypeError, "empty", "be None or one real number", kind_of(value), remedy)


def check_padding_value(value: Any, dtype: str | None = None, padding_mode: Any = None) -> None:
    """Refuses what is no real number to stand in padding, or one that a dtype, if it is known, does not hold."""
    if value is None:
        return
    if not _is_real_number(value):
        remedy = "Write one number for all padding, as 0, or None for padding that never wins."
        refuse(TypeError, "padding_value", "be None or one real number", kind_of(value), remedy)
    if padding_mode is not None:
        remedy = "Leave out one of the two."
        refuse(ValueError, "padding_value", f"be None where padding_mode={padding_mode!r}", shown(value), remedy)
    if isinstance(value, float | np.floating) and math.isnan(value):
        refuse(ValueError, "padding_value", "not be NaN", shown(value), "Pad with jnp.pad first.")
    if dtype is not None and not _holds(dtype, value):
        remedy = "Convert the inputs first."
        refuse(ValueError, "padding_value", f"be a number that {dtype} holds", shown(value), remedy)


def check_identity(value: Any, dtype: str, argument: str = "init") -> None:
    """Refuses an identity of a reduction, or another number, that is no scalar of the dtype."""
    fact = f"inputs of {dtype}"
    shape = getattr(value, "shape", ())
    if shape != ():
        remedy = "Give one scalar for each array of the inputs."
        refuse(ValueError, argument, "be a scalar", kind_of(value), remedy, fact)
    if not _holds(dtype, value):
        remedy = "Write a number of that dtype."
        if "int" in dtype:
            remedy = "Write a whole number; jnp.iinfo(dtype).min stands for -inf."
        refuse(TypeError, argument, f"be a number that {dtype} holds", shown(value), remedy, fact)
