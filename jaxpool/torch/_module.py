"""What makes the modules of `torch.nn`: a constructor and a call that explain arguments that do not fit."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Sequence
from typing import Any, TypeVar, dataclass_transform

from jaxpool._geometry import hashable
from jaxpool._geometry.calls import bounded, misfit

_Class = TypeVar("_Class", bound=type[Any])


@dataclass_transform(frozen_default=True)
def module(cls: _Class) -> _Class:
    """Make a frozen dataclass whose constructor explains arguments that do not fit."""
    made: Any = dataclasses.dataclass(frozen=True)(cls)
    init = made.__init__
    _, *fields = inspect.signature(init).parameters.values()
    parameters = {field.name: field for field in fields}

    @functools.wraps(init)
    def constructor(self: Any, *args: Any, **kwargs: Any) -> None:
        error = misfit(type(self).__name__, parameters, args, kwargs)
        if error is not None:
            raise error
        # Tuples in place of lists, so that modules can be compared and hashed, as static arguments must be.
        init(self, *map(hashable, args), **{name: hashable(value) for name, value in kwargs.items()})

    made.__init__ = constructor
    made.__call__ = _explained(made.__call__)
    return made


def _explained(call: Callable[..., Any]) -> Callable[..., Any]:
    """A call that explains arguments that do not fit."""
    _, *arrays = inspect.signature(call).parameters.values()
    parameters = {array.name: array for array in arrays}

    def name(args: Sequence[Any]) -> str:
        return f"{type(args[0]).__name__}(...)"

    return bounded(call, name, lambda args, kwargs: misfit(name(args), parameters, args[1:], kwargs))
