"""The conversions: one for every operator of `_operators`."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax2onnx.converter.output_binding import is_drop_var  # pyright: ignore[reportMissingImports]
from jax2onnx.plugins._patching import AssignSpec, MonkeyPatchSpec  # pyright: ignore[reportMissingImports]
from jax2onnx.plugins.jax.lax.div import DivPlugin  # pyright: ignore[reportMissingImports]
from jax2onnx.plugins.plugin_system import (  # pyright: ignore[reportMissingImports]
    PrimitiveLeafPlugin,
    register_primitive,
)

from jaxpool._geometry.values import refuse
from jaxpool._pools import fractional
from jaxpool.onnx._averages import average_of, convert_sum
from jaxpool.onnx._elementary import elementary
from jaxpool.onnx._graph import Context, Value
from jaxpool.onnx._maxima import convert_argextremum, convert_extremum

# Operators without an ONNX operator of their own.
_ELEMENTARY = (
    "collect_bins",
    "first_maximum",
    "gather_at_extremum",
    "gather_at_offsets",
    "gather_at_places",
    "last_at_places",
    "lay_out_bins",
    "scatter_at_extremum",
    "scatter_at_offsets",
    "scatter_at_places",
    "spread_between",
    "spread_bins",
    "sum_between",
    "sum_bins",
    "window_argorder",
    "window_exp_share",
    "window_expm1_sum",
    "window_order",
    "window_products",
    "window_products_spread",
    "window_softmax",
    "window_spread",
    "window_weighted_spread",
    "window_weighted_sum",
)


def _identity(context: Context, equation: Any) -> list[Value]:
    return [context.get_value_for_var(variable) for variable in equation.invars]


_numpy = types.SimpleNamespace(**vars(jnp))


def _without_keys(check: Callable[..., None]) -> Callable[..., None]:
    """The check of a random pool's arguments, refusing keys, too."""

    def checked(key: Any, samples: Any, rule: str, *options: Any) -> None:
        check(key, samples, rule, *options)
        if key is not None:
            must = "be None in a model for ONNX, where random numbers are not JAX's"
            remedy = "Pass samples, which the rule 'torch' takes."
            refuse(NotImplementedError, "key", must, "a key", remedy, f"rule={rule!r}")

    return checked


class _Division(DivPlugin):  # pyright: ignore[reportUntypedBaseClass]
    """The converter's own division, but averages become one operator."""

    def lower(self, ctx: Context, eqn: Any) -> Any:
        """Emits the quotient."""
        average = average_of(ctx, eqn)
        return super().lower(ctx, eqn) if average is None else average

    @classmethod
    def binding_specs(cls) -> list[Any]:
        """While it traces, the converter replaces functions of `jax.numpy`. The functions here go on with JAX's own.

        They remember what they have traced, and pools must run after a conversion as before it.
        """
        modules = [module for name, module in sys.modules.items() if name.split(".")[0] == "jaxpool"]
        assigned = [AssignSpec(module, "jnp", _numpy) for module in modules if hasattr(module, "jnp")]
        return [*assigned, MonkeyPatchSpec(fractional, "check_randomness", _without_keys)]


def _plugin(convert: Callable[[Context, Any], list[Value]]) -> type[PrimitiveLeafPlugin]:
    class Plugin(PrimitiveLeafPlugin):  # pyright: ignore[reportUntypedBaseClass]
        def lower(self, ctx: Context, eqn: Any) -> list[Value]:
            values = convert(ctx, eqn)
            return [value for variable, value in zip(eqn.outvars, values, strict=True) if not is_drop_var(variable)]

    return Plugin


def register() -> None:
    """Makes the conversions known to `jax2onnx`."""
    conversions = {
        "window_extremum": convert_extremum,
        "window_argextremum": convert_argextremum,
        "window_sum": convert_sum,
    }
    plugins = {name: _plugin(convert) for name, convert in conversions.items()}
    plugins |= {name: _plugin(elementary) for name in _ELEMENTARY}
    plugins["integers_without_series"] = _plugin(_identity)
    plugins["div"] = _Division
    for name, plugin in plugins.items():
        register_primitive(jaxpr_primitive=name, component=name, context="jaxpool", onnx=[], testcases=[])(plugin)
