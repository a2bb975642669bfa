"""How single values of arguments are read, and how they are refused.

Every error of an argument reads `<function>: <argument> must <rule>; got <argument>=<value> for <fact>. <Remedy.>`
The function names itself: `refuse` raises the rest, and `calls.explained` puts the name in front.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable
from typing import Any, NoReturn, ParamSpec, TypeVar

import numpy as np

# The names of arguments that are arrays, other than the inputs.
ARRAYS = ("box_indices", "boxes", "indices", "key", "logits", "samples", "segment_ids", "weights", "where")


_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_PLAIN = frozenset((int, str, bool, type(None)))
_INT = frozenset((int,))


def _plain(values: Iterable[Any], kinds: frozenset[type] = _PLAIN) -> bool:
    # By exact types: True equals 1 and is refused where 1 is not, so no tuple may hold it.
    for value in values:
        if type(value) is tuple:
            if not (_INT.issuperset(map(type, value)) or _plain(value, _INT)):
                return False
        elif type(value) not in kinds:
            return False
    return True


def memoised(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Memoise calls whose arguments are plain values, so that repeated eager calls skip validation.

    Exceptions are not cached.
    """
    memory: Any = functools.lru_cache(maxsize=1024, typed=True)(function)

    @functools.wraps(function)
    def call(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> _Result:
        if _plain(args) and (not kwargs or _plain(kwargs.values())):
            return memory(*args, **kwargs)
        return function(*args, **kwargs)

    return call


class ArgumentError(Exception):
    """An argument is refused. `named` is the error that users see."""

    def named(self, function: str) -> Exception:
        """The built-in error of this kind, which begins with the name of the function."""
        kind = next(kind for kind in _KINDS if isinstance(self, kind))
        error = kind(f"{function}: {self}")
        error.__cause__ = self.__cause__
        return error


class _ArgumentTypeError(ArgumentError, TypeError): ...


class _ArgumentValueError(ArgumentError, ValueError): ...


class _ArgumentLoweringError(ArgumentError, NotImplementedError): ...


_KINDS: dict[type[Exception], type[ArgumentError]] = {
    TypeError: _ArgumentTypeError,
    ValueError: _ArgumentValueError,
    NotImplementedError: _ArgumentLoweringError,
}


def refused(kind: type[Exception], argument: str, rule: str, value: Any, remedy: str, fact: str = "") -> ArgumentError:
    """The refusal of an argument, in the form that all of them have.

    Args:
      kind: TypeError, ValueError or NotImplementedError.
      argument: its name.
      rule: what it must do, after "must".
      value: what it is, as text or to be shown.
      remedy: a sentence that says what to do.
      fact: what the value is wrong for, where that is not plain.
    """
    got = f"{argument}={value} for {fact}" if fact else f"{argument}={value}"
    return _KINDS[kind](f"{argument} must {rule}; got {got}. {remedy}")


def refuse(kind: type[Exception], argument: str, rule: str, value: Any, remedy: str, fact: str = "") -> NoReturn:
    """Raise what `refused` returns."""
    raise refused(kind, argument, rule, value, remedy, fact)


def traced(value: Any) -> bool:
    """Whether a value is a stand-in of a JAX transformation."""
    # By name: this stage does not import jax, and every tracer class of jax ends so.
    return any(cls.__name__.endswith("Tracer") for cls in type(value).__mro__)


def is_array(value: Any) -> bool:
    """Whether a value has a shape and a dtype; what answers to any name, as random streams of Flax do, has none."""
    return isinstance(getattr(value, "shape", None), Iterable) and hasattr(value, "dtype")


def kind_of(value: Any) -> str:
    """What a value is, for one that is too large to be shown or stands for no number."""
    if is_array(value):
        return f"an array of {value.dtype} with shape {tuple(value.shape)}"
    return type(value).__name__


def native(value: Any) -> Any:
    """An array of NumPy in the machine's byte order, which JAX wants; FITS and NIfTI files have the other one."""
    if isinstance(value, np.ndarray | np.generic) and not value.dtype.isnative:
        return value.astype(value.dtype.newbyteorder("="))
    return value


def shown(value: Any) -> str:
    """A value as it was written, in one line."""
    if traced(value):
        return "a traced value"
    if not is_array(value):
        text = repr(value)
        return kind_of(value) if "\n" in text else text
    return repr(value) if len(value.shape) == 1 and value.shape[0] <= 8 else kind_of(value)


def as_index(
    argument: str,
    value: Any,
    whole: Any,
    fact: str = "",
    rule: str = "be an integer",
    remedy: str | None = None,
) -> int:
    """`value`, an element of the argument's value `whole`, as an int; `rule` and `remedy` are for a single value."""
    if traced(value):
        remedy = "Mark the argument with jax.jit's static_argnames, or close over it."
        refuse(TypeError, argument, "be known while tracing", "a traced value", remedy, fact)
    if not isinstance(value, bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
    kind = kind_of(value) if getattr(value, "shape", ()) else type(value).__name__
    if value is whole:
        remedy = f"Write a whole number, not {kind}." if remedy is None else remedy
    else:
        rule, remedy = "hold integers", f"Write whole numbers, not {kind}."
    refuse(TypeError, argument, rule, shown(whole), remedy, fact)


def as_sequence(value: Any) -> list[Any] | None:
    """The elements of a list, a tuple or a one-dimensional array; None for anything else."""
    if isinstance(value, str | bytes | dict | set) or traced(value) or getattr(value, "shape", None) == ():
        return None
    try:
        # By way of numpy, as inside jax.jit even the elements of a constant array of JAX are traced.
        return list(np.asarray(value) if hasattr(value, "dtype") else value)
    except TypeError:
        return None


def as_sizes(argument: str, value: Any, rule: str, remedy: str, fact: str = "") -> list[Any]:
    """The elements of an argument with one size per spatial axis, at least one; `remedy` is for what is no sequence."""
    if traced(value):
        as_index(argument, value, value, fact)
    elements = as_sequence(value)
    if elements is None:
        refuse(TypeError, argument, rule, shown(value), remedy, fact)
    if not elements:
        remedy = "Give one size per spatial axis."
        refuse(ValueError, argument, "have at least one size", shown(value), remedy, fact)
    return elements


def as_positive(argument: str, values: list[int], whole: Any, fact: str = "") -> tuple[int, ...]:
    """The values, none of them below 1."""
    if any(value < 1 for value in values):
        remedy = "Use 1 or more along every axis."
        refuse(ValueError, argument, "be positive", shown(whole), remedy, fact)
    return tuple(values)


def hashable(value: Any) -> Any:
    """An argument with its lists and arrays as tuples, so that a module that holds it can be hashed and compared."""
    elements = as_sequence(value)
    return value if elements is None else tuple(hashable(element) for element in elements)
