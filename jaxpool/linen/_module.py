"""What `flax.linen` needs to know of pools and layers."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from jaxpool import _modules
from jaxpool._layers.attention import attend
from jaxpool._layers.layer import Initializer

try:
    from flax import linen as nn
except ImportError as _error:
    raise _modules.needs_flax("jaxpool.linen", _error) from _error


class Module(nn.Module):
    """What Flax needs to know of every pool."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "__call__" not in vars(cls):
            # Flax sees only those calls that a class defines itself.
            call: Any = cls.__call__
            type.__setattr__(cls, "__call__", call)
        makes_init = "__init__" not in vars(cls)
        super().__init_subclass__(**kwargs)
        if makes_init and issubclass(cls, _modules.Pool):
            init: Any = cls.__init__
            init.__signature__ = _with_names_last(inspect.signature(init))
            if (description := _modules.description_of(cls)) is not None:
                # Where the names of the types are.
                init.__wrapped__ = description.__init__
            type.__setattr__(cls, "__init__", _modules.validated(init))


def _with_names_last(signature: inspect.Signature) -> inspect.Signature:
    """The signature of a constructor with Flax's own arguments, which it would take by position, by name only."""
    parameters = list(signature.parameters.values())
    own = [p for p in parameters if p.name not in ("parent", "name")]
    flax = [p.replace(kind=p.KEYWORD_ONLY) for p in parameters if p.name in ("parent", "name")]
    return signature.replace(parameters=own + flax)


class Layer(Module):
    """What Flax needs to know of every layer with parameters: they are made in its call."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "__call__" not in vars(cls):
            call: Any = cls.__call__
            type.__setattr__(cls, "__call__", nn.compact(call))
        super().__init_subclass__(**kwargs)

    def parts(self, features: int) -> Any:
        """The parts by name: arrays, and layers that can be called."""
        make = _Maker(self)
        layer: Any = self
        layer.declare(make, features)
        return SimpleNamespace(**make.made)


class _Maker:
    """Makes the parts of a layer inside its call."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.made: dict[str, Any] = {}
        self.dtypes = {"dtype": layer.dtype, "param_dtype": layer.param_dtype}

    def parameter(self, name: str, init: Initializer, shape: Sequence[int]) -> Any:
        self.made[name] = self.layer.param(name, init, tuple(shape), self.layer.param_dtype)
        return self.made[name]

    def _module(self, kind: Any, name: str, *sizes: Any, **options: Any) -> Any:
        self.made[name] = kind(*sizes, **self.dtypes, **options, name=name)
        return self.made[name]

    def dense(self, name: str, inputs: int, outputs: int, **options: Any) -> Any:
        del inputs
        return self._module(nn.Dense, name, outputs, **options)

    def conv(self, name: str, inputs: int, outputs: int, kernel_size: Sequence[int], **options: Any) -> Any:
        del inputs
        return self._module(nn.Conv, name, outputs, kernel_size, **options)

    def layer_norm(self, name: str, features: int, **options: Any) -> Any:
        del features
        return self._module(nn.LayerNorm, name, **options)

    def instance_norm(self, name: str, features: int, **options: Any) -> Any:
        del features
        return self._module(nn.InstanceNorm, name, **options)

    def batch_norm(self, name: str, features: int, **options: Any) -> Any:
        del features
        return self._module(nn.BatchNorm, name, **options)

    def attention(self, name: str, features: int, outputs: int, num_heads: int, **options: Any) -> Any:
        sizes = {"num_heads": num_heads, "qkv_features": features, "out_features": outputs}
        return self._module(nn.MultiHeadDotProductAttention, name, **sizes, attention_fn=attend, **options)


__all__ = ["Layer", "Module"]
