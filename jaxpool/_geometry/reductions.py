"""Checks of reductions with any function: trees of operands, and what the function returns."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from jaxpool._geometry.values import ArgumentError, refuse, refused, shown


def _layout(leaves: Sequence[tuple[Any, str]]) -> str:
    return ", ".join(f"{dtype}{list(shape)}" for shape, dtype in leaves) or "no array"


def check_operands(leaves: Sequence[tuple[Any, str]], structure: Any, init: Any, reduce_fn: Any) -> None:
    """Refuses a reduction of what is no tree of arrays of one shape, by no function, or with another tree of scalars.

    Args:
      leaves: the shape and the dtype of every array.
      structure: that of the inputs, as jax shows it.
      init: the structure of the identity.
      reduce_fn: as given.
    """
    if not callable(reduce_fn):
        remedy = "The order of arguments is inputs, init, reduce_fn, window_shape."
        refuse(TypeError, "reduce_fn", "be a function of two operands", shown(reduce_fn), remedy)
    if not leaves:
        remedy = "Pass an array or a tree of arrays."
        refuse(ValueError, "inputs", "hold at least one array", structure, remedy)
    if any(shape != leaves[0][0] for shape, _ in leaves):
        remedy = "Broadcast them to one shape first."
        refuse(ValueError, "inputs", "be arrays of one shape", _layout(leaves), remedy)
    if init != structure:
        remedy = "Give one scalar per array, in the same tree."
        fact = f"inputs of structure {structure}"
        refuse(TypeError, "init", "have the structure of the inputs", init, remedy, fact)


def refused_operation(leaves: Sequence[tuple[Any, str]], operation: Any, error: Exception) -> ArgumentError:
    """The refusal of an operation that fails on two operands with an error."""
    name = getattr(operation, "__name__", type(operation).__name__)
    found = f"one that raises {type(error).__name__} ({name})"
    remedy = "Its own error stands above; lax.max and jnp.add are operations that do."
    return refused(TypeError, "reduce_fn", "join two operands into one", found, remedy, f"operands {_layout(leaves)}")


def check_results(
    leaves: Sequence[tuple[Any, str]], structure: Any, found: Sequence[tuple[Any, str]], result: Any
) -> None:
    """Refuses an operation whose results, `found` in the tree `result`, are not what its operands are."""
    fact = f"operands {_layout(leaves)}"
    got = f"one that returns {_layout(found)}"
    rule = "return what it is given, with the same structure, shapes and dtypes"
    if result != structure:
        got, fact = f"{got} as {result}", f"{fact} as {structure}"
        remedy = "Return the tree that each operand is."
    elif [shape for shape, _ in found] != [shape for shape, _ in leaves]:
        remedy = "Write it elementwise, in operations of whole arrays."
    else:
        remedy = "Cast inside, or pass inputs of the wider dtype."
    if result != structure or list(found) != list(leaves):
        refuse(TypeError, "reduce_fn", rule, got, remedy, fact)


def refuse_order(operation: Any, operands: Any, left: Any, right: Any) -> NoReturn:
    """Refuses an operation whose result depends on the order in which three operands are joined."""
    name = getattr(operation, "__name__", type(operation).__name__)
    a, b, c = operands
    fact = f"a, b, c = {a}, {b}, {c}, where f(f(a, b), c) = {left} and f(a, f(b, c)) = {right}"
    remedy = "Carry in a tree what it needs, as a mean needs the sum and the count."
    refuse(ValueError, "reduce_fn", "be associative", f"one that is not ({name})", remedy, fact)
