"""What turns a class with annotated fields into the description of a module: constructor, call and documentation."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NoReturn, TypeVar, dataclass_transform

from jaxpool._geometry import hashable
from jaxpool._geometry.calls import is_outermost, misfit
from jaxpool._geometry.foreign import names_of
from jaxpool._modules.checks import check_arguments, is_array, refuse_array
from jaxpool._modules.documentation import documented, example

_Result = TypeVar("_Result")
_Class = TypeVar("_Class", bound="type[Pool]")


class Pool:
    """The base of every description."""

    fields_of_pool: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        description = cls.__bases__[0]
        # A class of Flax made from a description, but not what users derive from it.
        if Pool in description.__bases__:
            call: Any = cls.__call__
            cls.__doc__ = documented(cls.__doc__, description.__doc__, cls.fields_of_pool, call)
        super().__init_subclass__(**kwargs)

    def pool_with(self, function: Callable[..., _Result], *arrays: Any, **named: Any) -> _Result:
        """Call the function with the fields; what is named and not None takes the place of a field."""
        arguments = {name: getattr(self, name) for name in self.fields_of_pool}
        arguments.update((name, value) for name, value in named.items() if value is not None)
        return function(*arrays, **arguments)


@dataclass_transform(eq_default=False)
def description(cls: _Class) -> _Class:
    """Make the annotated names of a class its fields, and their values the arguments of its constructor."""
    made: Any = dataclasses.dataclass(eq=False, repr=False)(cls)
    made.fields_of_pool = tuple(field.name for field in dataclasses.fields(made))
    made.__init__ = validated(made.__init__)
    made.__call__ = _explained(made.__call__)
    return made


def validated(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor that refuses wrong arguments in the words of the functions, and keeps lists as tuples."""
    signature = inspect.signature(init)
    optional = {name for name, parameter in signature.parameters.items() if parameter.default is None}

    @functools.wraps(init)
    def constructor(self: Any, *args: Any, **kwargs: Any) -> None:
        module = type(self)
        _refuse_arrays(module, signature, args, kwargs)
        try:
            bound = signature.bind(self, *args, **kwargs)
        except TypeError as error:
            _refuse_call(module, signature, args, kwargs, error)
        bound.apply_defaults()
        given = {name: bound.arguments[name] for name in module.fields_of_pool}
        check_arguments(module.__name__, given, optional)
        bound.arguments.update((name, hashable(value)) for name, value in given.items())
        init(*bound.args, **bound.kwargs)

    return constructor


def _refuse_arrays(
    module: type[Any], signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> None:
    """Refuse the inputs as first argument of a constructor."""
    _, first, *_ = signature.parameters.values()
    name = "inputs" if first.kind is first.KEYWORD_ONLY else first.name
    value = args[0] if args else kwargs.get("inputs", kwargs.get(name))
    if is_array(value):
        refuse_array(module.__name__, name, value, example(module.__name__, module.fields_of_pool, module.__call__))


def _refuse_call(
    module: type[Any], signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any], error: TypeError
) -> NoReturn:
    """Refuse what the signature of a constructor does not have."""
    name = module.__name__
    _, *fields = signature.parameters.values()
    parameters = {field.name: field for field in fields}
    for array in inspect.signature(module.__call__).parameters:
        given = next((key for key in kwargs if key not in parameters and array in names_of(key)), None)
        if given is not None:
            shown = example(name, module.fields_of_pool, module.__call__, f"{array}={array}")
            raise TypeError(f"{name}: takes no argument {given}. Give {array} in the call: {shown}.") from None
    raise TypeError(misfit(name, parameters, args, kwargs) or f"{name}: {error}.") from None


def _explained(call: Callable[..., _Result]) -> Callable[..., _Result]:
    """The call of a module, which explains arguments that do not fit it."""
    _, *arrays = inspect.signature(call).parameters.values()
    parameters = {array.name: array for array in arrays}

    @functools.wraps(call)
    def explaining(self: Any, *args: Any, **kwargs: Any) -> _Result:
        try:
            return call(self, *args, **kwargs)
        except TypeError as error:
            message = None
            if is_outermost(error):
                message = _misfit_of_call(type(self), parameters, args, kwargs)
            if message is None:
                raise
        raise TypeError(message)

    return explaining


def _misfit_of_call(
    module: type[Any], parameters: Mapping[str, inspect.Parameter], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> str | None:
    name = module.__name__
    field = next((key for key in kwargs if key not in parameters and key in module.fields_of_pool), None)
    if field is not None:
        return f"{name}(...): takes {field} where it is made, not in the call. Write {name}(..., {field}={field})(x)."
    return misfit(f"{name}(...)", parameters, args, kwargs)


def needs_flax(module: str, error: ImportError) -> ImportError:
    """The error of a module of this package that cannot import Flax."""
    remedy = 'Install it with: pip install "jaxpool[flax]"'
    return ImportError(f"{module} needs Flax, which cannot be imported ({error}). {remedy}", name=error.name)
