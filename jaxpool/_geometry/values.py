"""How single values of arguments are read, and how they are refused.

Every error of an argument reads `<function>: <argument> must <rule>; got <argument>=<value> for <fact>. <Remedy.>`
"""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, NoReturn, SupportsIndex

# The names of arguments that are arrays, other than the inputs.
ARRAYS = ("indices", "key", "samples", "where")

Ints = SupportsIndex | Sequence[SupportsIndex]
Padding = str | SupportsIndex | Sequence[SupportsIndex | Sequence[SupportsIndex]]


def refuse(
    kind: type[Exception], function: str, argument: str, rule: str, value: Any, fact: str, remedy: str
) -> NoReturn:
    """Raises an error in the form that all of them have."""
    raise kind(f"{function}: {argument} must {rule}; got {argument}={value} for {fact}. {remedy}")


def traced(value: Any) -> bool:
    """Whether a value is a stand-in of a JAX transformation."""
    # By name: this stage does not import jax, and every tracer class of jax ends so.
    return any(cls.__name__.endswith("Tracer") for cls in type(value).__mro__)


def as_index(function: str, argument: str, value: Any, whole: Any, fact: str) -> int:
    """`value`, an element of the argument's value `whole`, as an int."""
    if traced(value):
        remedy = "Mark the argument with jax.jit's static_argnames, or close over it."
        refuse(TypeError, function, argument, "be known while tracing", "a traced value", fact, remedy)
    if not isinstance(value, bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
    if value is whole:
        rule, remedy = "be an integer", f"Write a whole number, not {type(value).__name__}."
    else:
        rule, remedy = "hold integers", f"Write whole numbers, not {type(value).__name__}."
    refuse(TypeError, function, argument, rule, repr(whole), fact, remedy)


def as_sequence(value: Any) -> list[Any] | None:
    """The elements of a list, a tuple or a one-dimensional array; None for anything else."""
    if isinstance(value, str | bytes | dict | set) or traced(value) or getattr(value, "shape", None) == ():
        return None
    try:
        return list(value)
    except TypeError:
        return None


def as_positive(function: str, argument: str, values: list[int], whole: Any, fact: str) -> tuple[int, ...]:
    """The values, none of them below 1."""
    if any(value < 1 for value in values):
        remedy = "Use 1 or more along every axis."
        refuse(ValueError, function, argument, "be positive", repr(whole), fact, remedy)
    return tuple(values)


def hashable(value: Any) -> Any:
    """An argument with its lists and arrays as tuples, so that a module that holds it can be hashed and compared."""
    elements = as_sequence(value)
    return value if elements is None else tuple(hashable(element) for element in elements)
