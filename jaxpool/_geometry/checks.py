"""Checks of arguments that are no part of a window: arrays, dtypes, flags, options, numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxpool._geometry.values import as_index, refuse, traced


def check_inputs(function: str, inputs: Any) -> None:
    """Refuses anything that is not an array."""
    if not (hasattr(inputs, "shape") and hasattr(inputs, "dtype")):
        remedy = "Convert with jnp.asarray first."
        fact = "an argument without shape and dtype"
        refuse(TypeError, function, "inputs", "be an array", type(inputs).__name__, fact, remedy)


def check_dtype(function: str, dtype: Any, *, ordered: bool = False) -> None:
    """Refuses dtypes that are no numbers, and those without an order where one is needed."""
    name = str(dtype)
    if name in ("object", "float0") or name.startswith(("key<", "<U", "|S", "datetime", "timedelta")):
        remedy = "Pool arrays of floats, integers, booleans or complex numbers."
        refuse(TypeError, function, "inputs.dtype", "be numeric", name, "pooling", remedy)
    if ordered and name.startswith("complex"):
        remedy = "Pool jnp.abs(inputs), or the real and imaginary parts apart."
        fact = "an extremum, and complex numbers have no order"
        refuse(TypeError, function, "inputs.dtype", "be ordered", name, fact, remedy)


def check_option(function: str, argument: str, value: Any, options: Sequence[Any], fact: str) -> None:
    """Refuses a value that is none of the options; `fact` is what they are for."""
    if not any(value is option or (isinstance(value, str) and value == option) for option in options):
        names = ", ".join(repr(option) for option in options)
        remedy = "Pick one of them."
        refuse(ValueError, function, argument, f"be one of {names}", repr(value), fact, remedy)


def check_flag(function: str, argument: str, value: Any) -> None:
    """Refuses anything but True and False."""
    if not isinstance(value, bool | np.bool_):
        fact = "a traced value" if traced(value) else f"a value of type {type(value).__name__}"
        remedy = "Write True or False; it must be known while tracing."
        shown = "<traced>" if traced(value) else repr(value)
        refuse(TypeError, function, argument, "be True or False", shown, fact, remedy)


def check_implementation(function: str, value: Any, names: Sequence[str]) -> None:
    """Refuses an implementation that does not exist."""
    check_option(function, "implementation", value, (None, *names), "a choice of algorithm")


def check_divisor(function: str, value: Any) -> int | None:
    """Refuses a divisor that is no integer, or 0."""
    if value is None:
        return None
    divisor = as_index(function, "divisor_override", value, value, "the divisor")
    if divisor == 0:
        remedy = "Pass None to divide by the number of elements."
        refuse(ValueError, function, "divisor_override", "not be 0", 0, "the divisor", remedy)
    return divisor


def index_dtype(function: str, argument: str, sizes: Sequence[int], wide: bool) -> str:
    """int32, or int64 where positions in an array of these sizes need it and `wide` allows it; refuses otherwise."""
    if math.prod(sizes) < 1 << 31:
        return "int32"
    if not wide:
        rule = "have at most 2**31 - 1 elements to be told apart"
        remedy = "Set jax_enable_x64 for int64 indices, or pool parts of it."
        refuse(ValueError, function, argument, rule, tuple(sizes), "int32 indices", remedy)
    return "int64"


def check_where(function: str, value: Any, shape: tuple[Any, ...]) -> None:
    """Refuses a mask that is no boolean array, or does not broadcast to the inputs."""
    fact = f"inputs of shape {shape}"
    if not hasattr(value, "shape") or str(getattr(value, "dtype", "")) != "bool":
        got = f"an array of {value.dtype}" if hasattr(value, "dtype") else type(value).__name__
        remedy = "Compare first, as in where=lengths > 0."
        refuse(TypeError, function, "where", "be an array of booleans", got, fact, remedy)
    own = tuple(value.shape)
    fits = len(own) <= len(shape) and all(a in (1, b) for a, b in zip(reversed(own), reversed(shape), strict=False))
    if not fits:
        remedy = "Add axes of size 1, as in where[..., None], until it broadcasts."
        refuse(ValueError, function, "where.shape", "broadcast to the shape of the inputs", own, fact, remedy)


def check_positive_number(function: str, argument: str, value: Any) -> None:
    """Refuses what is neither a positive number nor a traced one."""
    if traced(value) or (hasattr(value, "shape") and hasattr(value, "dtype")):
        if getattr(value, "shape", ()) != () or str(value.dtype).startswith(("complex", "bool")):
            got = f"an array of {value.dtype} with shape {tuple(value.shape)}"
            remedy = "Pass one number for all windows."
            refuse(TypeError, function, argument, "be one real number", got, "an exponent", remedy)
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        remedy = "Pass a positive number, or math.inf."
        refuse(TypeError, function, argument, "be one real number", repr(value), "an exponent", remedy)
    if not value > 0:
        remedy = "Pass a positive number, or math.inf."
        refuse(ValueError, function, argument, "be positive", value, "an exponent", remedy)


def check_reduction(
    leaves: Sequence[tuple[Any, str]],
    structure: Any,
    init: Any,
    found: Sequence[tuple[Any, str]] | None = None,
    result: Any = None,
) -> None:
    """Refuses inputs, identity or results of a reduction that are not trees of one structure, shape and dtype."""
    fact = f"inputs of structure {structure}"
    if not leaves:
        refuse(
            ValueError,
            "pool",
            "inputs",
            "hold at least one array",
            structure,
            "a tree",
            "Pass an array or a tree of arrays.",
        )
    shapes = [shape for shape, _ in leaves]
    if any(shape != shapes[0] for shape in shapes):
        remedy = "Broadcast them to one shape first."
        refuse(ValueError, "pool", "inputs", "be arrays of one shape", shapes, "a tree", remedy)
    if init != structure:
        remedy = "Give one scalar per array, in the same tree."
        refuse(TypeError, "pool", "init", "have the structure of the inputs", init, fact, remedy)
    if found is not None and (result != structure or list(found) != list(leaves)):
        rule = "return what it is given, with the same structure, shapes and dtypes"
        remedy = "Cast inside, or pass inputs of the wider dtype."
        refuse(TypeError, "pool", "reduce_fn", rule, list(found), f"operands {list(leaves)}", remedy)
