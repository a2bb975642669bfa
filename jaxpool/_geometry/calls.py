"""Errors of calls that Python itself refuses: unknown, missing and surplus arguments, and unknown names of a module."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from jaxpool._geometry.foreign.arguments import argument_remedy
from jaxpool._geometry.foreign.functions import meant_by
from jaxpool._geometry.values import ArgumentError, is_array, kind_of, shown

_Function = TypeVar("_Function", bound=Callable[..., Any])


ERRORS = (TypeError, ValueError, NotImplementedError)
# What explains arguments that do not fit, from those by position and those by name; None if they do.
Explain = Callable[[Sequence[Any], Mapping[str, Any]], TypeError | None]


def explained(function: _Function) -> _Function:
    """The function, which names itself in errors of its arguments and explains calls that do not fit its signature."""
    name = function.__name__

    def explain(args: Sequence[Any], kwargs: Mapping[str, Any]) -> TypeError | None:
        return misfit(name, inspect.signature(function).parameters, args, kwargs)

    return bounded(function, lambda _: name, explain)


def bounded(function: _Function, name: Callable[[Sequence[Any]], str], explain: Explain) -> _Function:
    """The function, at which tracebacks of errors of arguments end, so that they show the line of the call.

    Args:
      function: the function, or the method of a module.
      name: what the errors call it, from its arguments by position.
      explain: what explains a call that does not fit.
    """

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except ERRORS as error:
            short = shortened(error, name(args))
            if short is None and isinstance(error, TypeError):
                short = explain(args, kwargs)
            if short is None:
                raise
        # Outside of the handler, so that no context is shown.
        raise short

    bounding: Any = call
    return bounding


def shortened(error: Exception, name: str) -> Exception | None:
    """An error of an argument without the frames that found it; None for any other error.

    It has the name of the function that refused the argument, or `name` if it has none yet.
    """
    if isinstance(error, ArgumentError):
        error = error.named(name)
        vars(error)["of_argument"] = True
    return error.with_traceback(None) if vars(error).get("of_argument") else None


def _got(value: Any) -> str:
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    text = kind_of(value) if is_array(value) else shown(value)
    return text if len(text) <= 80 else type(value).__name__


def misfit(
    name: str, parameters: Mapping[str, inspect.Parameter], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> TypeError | None:
    """The error that says why arguments do not fit a function, and what to write; None if they fit."""
    message = _misfit(name, parameters, args, kwargs)
    return None if message is None else unfit(message)


def unfit(message: str) -> TypeError:
    """An error of an argument with a message of its own; see `shortened`."""
    error = TypeError(message)
    vars(error)["of_argument"] = True
    return error


def _misfit(
    name: str, parameters: Mapping[str, inspect.Parameter], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> str | None:
    known = {key: p for key, p in parameters.items() if p.kind is not p.VAR_KEYWORD}
    # What takes any argument passes them on.
    unknown = next((key for key in kwargs if key not in known), None) if len(known) == len(parameters) else None
    parameters = known
    if unknown is not None:
        value = kwargs[unknown]
        remedy = argument_remedy(unknown, value, list(parameters))
        return f"{name}: takes no argument {unknown}; got {unknown}={_got(value)}. {remedy}"
    positional = [p.name for p in parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    if len(args) > len(positional):
        others = [p.name for p in parameters.values() if p.kind is p.KEYWORD_ONLY]
        most = f"{len(positional)} positional argument{'s' if len(positional) != 1 else ''}"
        remedy = f"By position come {', '.join(positional)}; p" if positional else "P"
        remedy = f"{remedy}ass by name {', '.join(others)}." if others else f"{remedy[:-3]}, and no more."
        return f"{name}: takes at most {most}; got {len(args)} of them. {remedy}"
    twice = next((key for key in positional[: len(args)] if key in kwargs), None)
    if twice is not None:
        order = ", ".join(positional)
        return f"{name}: takes {twice} once; got it by position and by name. The order of positions is {order}."
    given = {*positional[: len(args)], *kwargs}
    missing = next((p.name for p in parameters.values() if p.default is p.empty and p.name not in given), None)
    if missing is None:
        return None
    order = [p.name for p in parameters.values() if p.default is p.empty]
    remedy = f"Write {name}({', '.join(order)}, ...)."
    if missing == "window_shape":
        remedy += " For the whole plane use the global pools."
    return f"{name}: needs {missing}; got no value for it. {remedy}"


def submodule(package: str, name: str) -> Any:
    """The public module of a package, imported when it is first asked for; None if there is none."""
    path = f"{package}.{name}"
    if name.startswith("_") or not name.isidentifier() or importlib.util.find_spec(path) is None:
        return None
    return importlib.import_module(path)


def unknown_name(
    package: str, name: str, functions: Sequence[str], others: Sequence[str] = (), modules: Sequence[str] = ()
) -> Exception:
    """The error for a name that a package does not have, which says what to write.

    Args:
      package: `jaxpool` or `jaxpool.torch`.
      name: what was asked for.
      functions: those of the package.
      others: for `jaxpool.torch`, those of `jaxpool`.
      modules: for `jaxpool.torch`, those of its `nn`.
    """
    if name.startswith("_"):
        return AttributeError(f"{package}: has no attribute {name}.")
    remedy = f"Write {package}.nn.{name}." if name in modules else _remedy(package, name, functions)
    if remedy is None and (found := meant_by(name, others)):
        remedy = f"Write jaxpool.{found[0]}, for channels first in images with channel_axis=-3."
    if remedy is None:
        remedy = f"dir({package}) lists what it has."
    return _kind_of_error()(f"{package}: has no attribute {name}. {remedy}")


def _kind_of_error() -> type[Exception]:
    # `from package import name` asks for the name first, and drops the text of an AttributeError.
    frame = inspect.currentframe()
    for _ in ("unknown_name", "__getattr__", "who asks"):
        frame = None if frame is None else frame.f_back
    importing = frame is not None and frame.f_code.co_name == "_handle_fromlist"
    return ImportError if importing else AttributeError


def _remedy(package: str, name: str, functions: Sequence[str]) -> str | None:
    found = meant_by(name, functions)
    if not found:
        return None
    choice = ", ".join(found[:-1]) + f" or {found[-1]}" if len(found) > 1 else found[0]
    remedy = f"Write {package}.{choice}"
    if package != "jaxpool":
        return f"{remedy}."
    if name[:1].isupper():
        own = "".join(word.capitalize() for word in found[0].split("_"))
        remedy += f", or as a module jaxpool.nnx.{own} or jaxpool.linen.{own}"
    if re.search("[123][dD]", name) and not found[0].startswith("global"):
        remedy += "; one size per spatial axis tells how many there are"
    return f"{remedy}."
