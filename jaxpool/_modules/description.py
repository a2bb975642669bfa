"""What turns a class with annotated fields into the description of a module: constructor, call and documentation."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NoReturn, TypeVar, dataclass_transform

from jaxpool._geometry import hashable
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
            _refuse_call(module, signature, kwargs, error)
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
    module: type[Any], signature: inspect.Signature, kwargs: Mapping[str, Any], error: TypeError
) -> NoReturn:
    """Refuse what the signature of a constructor does not have."""
    _, *names = signature.parameters
    remedy = f"The arguments are {', '.join(names)}."
    for array in inspect.signature(module.__call__).parameters:
        if array in kwargs and array not in names:
            shown = example(module.__name__, module.fields_of_pool, module.__call__, f"{array}={array}")
            remedy += f" Give {array} in the call: {shown}."
    raise TypeError(f"{module.__name__}: {error}. {remedy}") from None


def needs_flax(module: str, error: ImportError) -> ImportError:
    """The error of a module of this package that cannot import Flax."""
    remedy = 'Install it with: pip install "jaxpool[flax]"'
    return ImportError(f"{module} needs Flax, which cannot be imported ({error}). {remedy}", name=error.name)
