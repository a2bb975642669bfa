"""What turns a class with annotated fields into the description of a module: constructor, call and documentation."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, TypeVar, dataclass_transform

from jaxpool._geometry import hashable
from jaxpool._geometry.calls import bounded, misfit, unfit
from jaxpool._geometry.foreign.arguments import names_of
from jaxpool._modules.checks import check_arguments, is_array, refuse_array
from jaxpool._modules.documentation import documented, example

_Result = TypeVar("_Result")
_Class = TypeVar("_Class", bound="type[Pool]")


class Pool:
    """The base of every description."""

    fields_of_pool: ClassVar[tuple[str, ...]]
    name_of_pool: ClassVar[str]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        description = description_of(cls)
        if description is not None:
            # The public one of the file, as in `jaxpool.linen`: pickles and `help` have this name.
            cls.__module__ = cls.__module__.partition("._")[0]
            call: Any = cls.__call__
            more = getattr(cls, "made_with", {})
            cls.__doc__ = documented(cls.__doc__, description, call, more)
        super().__init_subclass__(**kwargs)

    def pool_with(self, function: Callable[..., _Result], *arrays: Any, **named: Any) -> _Result:
        """Call the function with the fields; what is named and not None takes the place of a field."""
        arguments = {name: getattr(self, name) for name in self.fields_of_pool}
        arguments.update((name, value) for name, value in named.items() if value is not None)
        return function(*arrays, **arguments)


def description_of(cls: type[Any]) -> type[Any] | None:
    """What a class of Flax is made from; None for descriptions themselves, and for what users derive from a class."""
    return next((base for base in cls.__bases__ if "fields_of_pool" in vars(base)), None)


@dataclass_transform(eq_default=False)
def description(cls: _Class) -> _Class:
    """Make the annotated names of a class its fields, and their values the arguments of its constructor."""
    made: Any = dataclasses.dataclass(eq=False, repr=False)(cls)
    made.fields_of_pool = tuple(field.name for field in dataclasses.fields(made))
    made.name_of_pool = cls.__name__
    made.__init__ = validated(made.__init__)
    made.__call__ = _explained(made.__call__)
    return made


def validated(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor that refuses wrong arguments in the words of the functions, and keeps lists as tuples."""
    signature = inspect.signature(init)
    optional = {name for name, parameter in signature.parameters.items() if parameter.default is None}

    @functools.wraps(init)
    def constructor(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = _bound(self, signature, args, kwargs)
        given = {name: bound.arguments[name] for name in type(self).fields_of_pool}
        check_arguments(given, optional, type(self).name_of_pool)
        bound.arguments.update((name, hashable(value)) for name, value in given.items())
        init(*bound.args, **bound.kwargs)

    return bounded(constructor, _name, lambda *_: None)


def _name(args: Sequence[Any]) -> str:
    """The class of a module, which is the first argument of its methods."""
    return type(args[0]).__name__


def _bound(
    self: Any, signature: inspect.Signature, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> inspect.BoundArguments:
    """The arguments of a constructor by name, with defaults; refuses those that do not fit it."""
    module = type(self)
    name = module.__name__
    _, *fields = signature.parameters.values()
    parameters = {field.name: field for field in fields}
    # The inputs as first argument.
    first = "inputs" if fields[0].kind is fields[0].KEYWORD_ONLY else fields[0].name
    value = args[0] if args else kwargs.get("inputs", kwargs.get(first))
    if is_array(value):
        shown = example(name, module.fields_of_pool, module.__call__)
        refuse_array(first, value, f"{name}(in_features, ..., rngs=rngs)(x)" if first == "in_features" else shown)
    try:
        bound = signature.bind(self, *args, **kwargs)
    except TypeError as error:
        for array in inspect.signature(module.__call__).parameters:
            given = next((key for key in kwargs if key not in parameters and array in names_of(key)), None)
            if given is not None:
                shown = example(name, module.fields_of_pool, module.__call__, f"{array}={array}")
                raise unfit(f"{name}: takes no argument {given}. Give {array} in the call: {shown}.") from None
        raise misfit(name, parameters, args, kwargs) or unfit(f"{name}: {error}.") from None
    bound.apply_defaults()
    return bound


def _explained(call: Callable[..., _Result]) -> Callable[..., _Result]:
    """The call of a module, which explains arguments that do not fit it."""
    _, *arrays = inspect.signature(call).parameters.values()
    parameters = {array.name: array for array in arrays}

    def explain(args: Sequence[Any], kwargs: Mapping[str, Any]) -> TypeError | None:
        return _misfit_of_call(type(args[0]), parameters, args[1:], kwargs)

    return bounded(call, _name, explain)


def _misfit_of_call(
    module: type[Any], parameters: Mapping[str, inspect.Parameter], args: Sequence[Any], kwargs: Mapping[str, Any]
) -> TypeError | None:
    name = module.__name__
    field = next((key for key in kwargs if key not in parameters and key in module.fields_of_pool), None)
    if field is not None:
        taken = f"{name}(...): takes {field} where it is made, not in the call."
        return unfit(f"{taken} Write {name}(..., {field}={field})(x).")
    return misfit(f"{name}(...)", parameters, args, kwargs)


def needs_flax(module: str, error: ImportError) -> ImportError:
    """The error of a module of this package that cannot import Flax."""
    remedy = 'Install it with: pip install "jaxpool[flax]"'
    return ImportError(f"{module} needs Flax, which cannot be imported ({error}). {remedy}", name=error.name)
