"""Every pool but `jaxpool.pool` as a `flax.linen` module.

A module has the arguments of its function after `inputs` as fields, with the same names, order and defaults, and calls
the function on its inputs: `MaxPool((2, 2), strides=2)(x)` is `jaxpool.max_pool(x, (2, 2), strides=2)`. Arrays are no
fields but given with the inputs: `MaxPool((2, 2))(x, where=mask)`, `MaxUnpool((2, 2))(x, indices)`. What is named
in a call takes the place of the field: `GlobalPowerMeanPool()(x, p=p)` for a learned p.
"""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar

from flax import linen as nn

import jaxpool
from jaxpool._geometry import ARRAYS, hashable

P = ParamSpec("P")
R = TypeVar("R")

if TYPE_CHECKING:

    class _Pool(Generic[P, R]):
        # What a type checker sees: the function's arguments in the constructor, its result from a call. Not that it is
        # an nn.Module: from these, checkers make up a constructor of their own.
        def __init__(self, *args: P.args, **kwargs: P.kwargs) -> None: ...

        def __call__(self, inputs: Any, *arrays: Any, **named: Any) -> R: ...

        def __getattr__(self, name: str) -> Any: ...


def _module(function: Callable[Concatenate[Any, P], R]) -> type[_Pool[P, R]]:
    """A base class with the function's arguments as fields, which calls it."""
    _, *others = inspect.signature(function).parameters.values()
    fields = [field for field in others if field.name not in ARRAYS]
    leading = [field for field in others if field.name in ARRAYS and field.kind is not field.KEYWORD_ONLY]
    names = [field.name for field in fields]
    untyped: Any = function

    def post_init(self: Any) -> None:
        for field in names:
            object.__setattr__(self, field, hashable(getattr(self, field)))
        nn.Module.__post_init__(self)

    def call(self: Any, inputs: Any, *arrays: Any, **named: Any) -> R:
        if len(arrays) > len(leading):
            rule = f"at most {len(leading)} positional arrays after the inputs; pass others by name, as in where=mask"
            raise TypeError(f"{type(self).__name__}: a call takes {rule}.")
        arguments: Any = {field: getattr(self, field) for field in names}
        return untyped(inputs, *arrays, **{**arguments, **named})

    # Flax's tables, filters and interceptors go by this name.
    call.__name__ = "__call__"

    body: dict[str, Any] = {
        "__annotations__": {field.name: field.annotation for field in fields},
        "__call__": call,
        "__module__": __name__,
        "__post_init__": post_init,
    }
    for field in fields:
        missing = field.default is inspect.Parameter.empty
        default = dataclasses.MISSING if missing else field.default
        keyword_only = field.kind is inspect.Parameter.KEYWORD_ONLY
        body[field.name] = dataclasses.field(default=default, kw_only=keyword_only)
    metaclass: Any = type(nn.Module)
    return metaclass("_Pool", (nn.Module,), body)


class MaxPool(_module(jaxpool.max_pool)):
    """`jaxpool.max_pool` as a module."""


class MinPool(_module(jaxpool.min_pool)):
    """`jaxpool.min_pool` as a module."""


class AvgPool(_module(jaxpool.avg_pool)):
    """`jaxpool.avg_pool` as a module."""


class SumPool(_module(jaxpool.sum_pool)):
    """`jaxpool.sum_pool` as a module."""


class MaxPoolWithArgmax(_module(jaxpool.max_pool_with_argmax)):
    """`jaxpool.max_pool_with_argmax` as a module."""


class MinPoolWithArgmax(_module(jaxpool.min_pool_with_argmax)):
    """`jaxpool.min_pool_with_argmax` as a module."""


class GlobalAvgPool(_module(jaxpool.global_avg_pool)):
    """`jaxpool.global_avg_pool` as a module."""


class GlobalMaxPool(_module(jaxpool.global_max_pool)):
    """`jaxpool.global_max_pool` as a module."""


class GlobalMinPool(_module(jaxpool.global_min_pool)):
    """`jaxpool.global_min_pool` as a module."""


class GlobalSumPool(_module(jaxpool.global_sum_pool)):
    """`jaxpool.global_sum_pool` as a module."""


class AdaptiveAvgPool(_module(jaxpool.adaptive_avg_pool)):
    """`jaxpool.adaptive_avg_pool` as a module."""


class AdaptiveMaxPool(_module(jaxpool.adaptive_max_pool)):
    """`jaxpool.adaptive_max_pool` as a module."""


class AdaptiveMaxPoolWithArgmax(_module(jaxpool.adaptive_max_pool_with_argmax)):
    """`jaxpool.adaptive_max_pool_with_argmax` as a module."""


class MaxUnpool(_module(jaxpool.max_unpool)):
    """`jaxpool.max_unpool` as a module; a call takes the inputs and their indices."""


class AvgUnpool(_module(jaxpool.avg_unpool)):
    """`jaxpool.avg_unpool` as a module."""


class LpPool(_module(jaxpool.lp_pool)):
    """`jaxpool.lp_pool` as a module."""


class PowerMeanPool(_module(jaxpool.power_mean_pool)):
    """`jaxpool.power_mean_pool` as a module."""


class GlobalLpPool(_module(jaxpool.global_lp_pool)):
    """`jaxpool.global_lp_pool` as a module."""


class GlobalPowerMeanPool(_module(jaxpool.global_power_mean_pool)):
    """`jaxpool.global_power_mean_pool` as a module."""


class FractionalMaxPool(_module(jaxpool.fractional_max_pool)):
    """`jaxpool.fractional_max_pool` as a module; a call takes the inputs and a key."""


class FractionalMaxPoolWithArgmax(_module(jaxpool.fractional_max_pool_with_argmax)):
    """`jaxpool.fractional_max_pool_with_argmax` as a module; a call takes the inputs and a key."""


__all__ = [
    "AdaptiveAvgPool",
    "AdaptiveMaxPool",
    "AdaptiveMaxPoolWithArgmax",
    "AvgPool",
    "AvgUnpool",
    "FractionalMaxPool",
    "FractionalMaxPoolWithArgmax",
    "GlobalAvgPool",
    "GlobalLpPool",
    "GlobalMaxPool",
    "GlobalMinPool",
    "GlobalPowerMeanPool",
    "GlobalSumPool",
    "LpPool",
    "MaxPool",
    "MaxPoolWithArgmax",
    "MaxUnpool",
    "MinPool",
    "MinPoolWithArgmax",
    "PowerMeanPool",
    "SumPool",
]
