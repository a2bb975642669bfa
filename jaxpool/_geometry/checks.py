"""Checks of single arguments: inputs and dtypes, options, flags, divisors."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from jaxpool._geometry.foreign.values import spelled
from jaxpool._geometry.values import as_index, is_array, refuse, shown, traced


def check_inputs(inputs: Any) -> None:
    """Refuses anything that is not an array."""
    if not is_array(inputs):
        remedy = "Convert with jnp.asarray first."
        refuse(TypeError, "inputs", "be an array", type(inputs).__name__, remedy)


def known_dtype(dtype: Any) -> np.dtype:
    """The dtype that an argument names; the inputs themselves are not at hand."""
    try:
        known = None if dtype is None else np.dtype(dtype)
    except (TypeError, ValueError):
        known = None
    if known is None or known.kind in "OUSMm":
        remedy = "Write it as jnp.bfloat16 or 'bfloat16'."
        refuse(TypeError, "dtype", "name a numeric dtype", repr(dtype), remedy)
    return known.newbyteorder("=")


# How the names of dtypes begin that JAX has no arrays of: text, times, records, keys, and floats of more than 64 bits.
_NO_NUMBERS = ("key<", "<U", "|S", "String", "datetime", "timedelta", "|V", "[", "{")
_TOO_WIDE = ("float96", "float128", "complex192", "complex256")


@functools.lru_cache(maxsize=256)
def check_dtype(dtype: Any, *, ordered: bool = False) -> None:
    """Refuses dtypes that are no numbers, and those without an order where one is needed."""
    name = "float0" if str(dtype) == "[('float0', 'V')]" else str(dtype)
    if name in ("object", "float0") or name.startswith(_NO_NUMBERS):
        remedy = "Pool arrays of floats, integers, booleans or complex numbers."
        if name.startswith(("[", "{")):
            remedy = f"Pool one of its fields, as inputs[{dtype.names[0]!r}]." if dtype.names else remedy
        refuse(TypeError, "inputs.dtype", "be numeric", name, remedy)
    if name in _TOO_WIDE:
        remedy = f"Convert with inputs.astype(np.{'complex128' if 'complex' in name else 'float64'}) first."
        refuse(TypeError, "inputs.dtype", "have at most 64 bits per real number", name, remedy)
    if ordered and name.startswith("complex"):
        remedy = "Pool jnp.abs(inputs), or the real and imaginary parts apart."
        refuse(TypeError, "inputs.dtype", "be real", name, remedy)


def check_option(argument: str, value: Any, options: Sequence[Any]) -> None:
    """Refuses a value that is none of the options."""
    known = isinstance(value, str | np.integer)
    if not any(value is option or (known and value == option) for option in options):
        names = ", ".join(repr(option) for option in options)
        remedy = spelled(argument, value, options) or "Pick one of them."
        refuse(ValueError, argument, f"be one of {names}", shown(value), remedy)


def check_flag(argument: str, value: Any) -> None:
    """Refuses anything but True and False."""
    if not isinstance(value, bool | np.bool_):
        fact = "" if traced(value) else f"a value of type {type(value).__name__}"
        remedy = "Write True or False; it must be known while tracing."
        refuse(TypeError, argument, "be True or False", shown(value), remedy, fact)


def check_pool(value: Any) -> None:
    """Refuses what cannot be called with inputs."""
    if not callable(value):
        remedy = "Pass a function such as jaxpool.adaptive_avg_pool, or a module, and its arguments by name."
        refuse(TypeError, "pool", "be None or a function of inputs", shown(value), remedy)


def check_implementation(value: Any, names: Sequence[str]) -> None:
    """Refuses an implementation that does not exist."""
    check_option("implementation", value, (None, *names))


def check_divisor(value: Any) -> int | None:
    """Refuses a divisor that is no integer, or 0."""
    if value is None:
        return None
    divisor = as_index("divisor_override", value, value)
    if divisor == 0:
        remedy = "Pass None to divide by the number of elements."
        refuse(ValueError, "divisor_override", "not be 0", 0, remedy)
    return divisor


def check_ddof(value: Any) -> int:
    """The number that is subtracted from that of the elements; refuses what is no integer, or negative."""
    ddof = as_index("ddof", value, value)
    if ddof < 0:
        refuse(ValueError, "ddof", "not be negative", ddof, "Pass 0 for the variance itself, 1 for an unbiased one.")
    return ddof


def index_dtype(
    argument: str,
    sizes: Sequence[Any],
    wide: bool,
    shape: Sequence[Any] | None = None,
    part: str = "a plane of ",
) -> str:
    """int32, or int64 where positions in an array of these sizes need it and `wide` allows it; refuses otherwise.

    `shape` is that of the array of which `sizes` are the plane, or another `part`.
    """
    whole = tuple(sizes if shape is None else shape)
    if not all(isinstance(size, int) for size in sizes):
        remedy = "Pass a shape without symbolic sizes."
        refuse(ValueError, argument, "have known sizes", whole, remedy, "indices of its elements")
    if math.prod(sizes) < 1 << 31:
        return "int32"
    if not wide:
        rule = f"have {'' if shape is None else part}at most 2**31 - 1 elements"
        remedy = "Set jax_enable_x64 for int64 indices, or work on parts of it."
        refuse(ValueError, argument, rule, whole, remedy, "int32 indices")
    return "int64"


def refuse_symbolic_indices(shape: Sequence[Any], convention: str) -> NoReturn:
    """Refuses indices in a plane whose sizes are not known."""
    rule, fact = "have known spatial sizes", f"index_convention={convention!r}"
    remedy = "Pass index_convention='window', whose offsets do not depend on them."
    refuse(ValueError, "inputs.shape", rule, tuple(shape), remedy, fact)
