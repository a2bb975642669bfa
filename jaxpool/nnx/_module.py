"""What `flax.nnx` needs to know of pools and layers."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar, Literal, overload

from jax import Array
from jax.typing import ArrayLike

from jaxpool import _modules
from jaxpool._geometry.layers import check_features, check_number_of
from jaxpool._geometry.values import refuse, shown
from jaxpool._layers.attention import attend
from jaxpool._layers.layer import Initializer

try:
    from flax import nnx
except ImportError as _error:
    raise _modules.needs_flax("jaxpool.nnx", _error) from _error


class _ConstructorSignature:
    """The signature of a class, which Flax's metaclass hides; that of an instance is that of its call, as usual."""

    def __get__(self, module: Any, owner: type[Any]) -> inspect.Signature:
        if module is not None:
            raise AttributeError("__signature__")
        signature = inspect.signature(owner.__init__)
        _, *parameters = signature.parameters.values()
        return signature.replace(parameters=parameters, return_annotation=signature.empty)


class Module(nnx.Module):
    """What Flax needs to know of every pool."""

    __signature__: ClassVar[Any] = _ConstructorSignature()


class Layer(Module):
    """What Flax needs to know of every layer with parameters: they are made with it, for so many features."""

    made_with: ClassVar[dict[str, str]] = {
        "in_features": "The number of features of the inputs.",
        "rngs": "Random keys for the parameters, as `nnx.Rngs(0)`.",
    }

    if TYPE_CHECKING:
        # What type checkers see; the arguments of each layer are checked when it is made.
        def __init__(self, in_features: int, *args: Any, rngs: nnx.Rngs, **kwargs: Any) -> None: ...

        @overload
        def __call__(
            self,
            inputs: ArrayLike,
            where: ArrayLike | None = None,
            *args: Any,
            return_weights: Literal[False] = False,
            **kwargs: Any,
        ) -> Array: ...

        @overload
        def __call__(
            self,
            inputs: ArrayLike,
            where: ArrayLike | None = None,
            *args: Any,
            return_weights: Literal[True],
            **kwargs: Any,
        ) -> tuple[Array, Array]: ...

        def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None, *args: Any, **kwargs: Any) -> Any: ...

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if Layer in cls.__bases__:
            own: Any = cls.__init__
            made: Any = cls
            made.__init__ = _constructor(own)

    def parts(self, features: int) -> Any:
        """The parts by name: arrays, and layers that can be called."""
        own: Any = self
        check_features(features, own.in_features)
        parts = {name: getattr(self, name) for name in own.names_of_parts}
        return SimpleNamespace(
            **{name: part[...] if isinstance(part, nnx.Param) else part for name, part in parts.items()}
        )


def _constructor(init: Callable[..., None]) -> Callable[..., None]:
    """The constructor of a description with the number of features in front, and the random keys by name."""
    signature = inspect.signature(init)
    first, *fields = signature.parameters.values()
    features = inspect.Parameter("in_features", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=int)
    keys = inspect.Parameter("rngs", inspect.Parameter.KEYWORD_ONLY, annotation=nnx.Rngs)

    def constructor(self: Any, in_features: int, *args: Any, rngs: nnx.Rngs, **kwargs: Any) -> None:
        init(self, *args, **kwargs)
        _check_keys(rngs)
        self.in_features = check_number_of("in_features", in_features)
        make = _Maker(self, rngs)
        self.declare(make, self.in_features)
        self.names_of_parts = tuple(make.names)

    made: Any = constructor
    made.__signature__ = signature.replace(parameters=[first, features, *fields, keys])
    made.__annotations__ = {**init.__annotations__, "in_features": int, "rngs": nnx.Rngs}
    # Where the names of the types are.
    made.__wrapped__ = init
    return _modules.validated(made)


def _check_keys(rngs: Any) -> None:
    if not isinstance(rngs, nnx.Rngs):
        refuse(TypeError, "rngs", "be random keys of Flax", shown(rngs), "Write rngs=nnx.Rngs(0).")


class _Maker:
    """Makes the parts of a layer as its attributes."""

    def __init__(self, layer: Any, rngs: nnx.Rngs) -> None:
        self.layer = layer
        self.rngs = rngs
        self.names: list[str] = []
        self.dtypes = {"dtype": layer.dtype, "param_dtype": layer.param_dtype}

    def _kept(self, name: str, part: Any) -> Any:
        self.names.append(name)
        setattr(self.layer, name, part)
        return part

    def parameter(self, name: str, init: Initializer, shape: Sequence[int]) -> Any:
        value = init(self.rngs.params(), tuple(shape), self.layer.param_dtype)
        self._kept(name, nnx.Param(value))
        return value

    def _module(self, kind: Any, name: str, *sizes: Any, **options: Any) -> Any:
        return self._kept(name, kind(*sizes, **self.dtypes, **options, rngs=self.rngs))

    def dense(self, name: str, inputs: int, outputs: int, **options: Any) -> Any:
        return self._module(nnx.Linear, name, inputs, outputs, **options)

    def conv(self, name: str, inputs: int, outputs: int, kernel_size: Sequence[int], **options: Any) -> Any:
        return self._module(nnx.Conv, name, inputs, outputs, kernel_size, **options)

    def layer_norm(self, name: str, features: int, **options: Any) -> Any:
        return self._module(nnx.LayerNorm, name, features, **options)

    def instance_norm(self, name: str, features: int, **options: Any) -> Any:
        return self._module(nnx.InstanceNorm, name, features, **options)

    def batch_norm(self, name: str, features: int, **options: Any) -> Any:
        options["use_running_average"] = bool(options.get("use_running_average"))
        return self._module(nnx.BatchNorm, name, features, **options)

    def attention(self, name: str, features: int, outputs: int, num_heads: int, **options: Any) -> Any:
        sizes = {"num_heads": num_heads, "in_features": features, "out_features": outputs}
        options = {"attention_fn": attend, "decode": False, **options}
        return self._module(nnx.MultiHeadAttention, name, **sizes, **options)


__all__ = ["Layer", "Module"]
