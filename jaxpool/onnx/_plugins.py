"""The conversions: one for every operator of `_operators`."""

from __future__ import annotations

import dataclasses
import functools
import math
import sys
import types
import weakref
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import onnx_ir as ir  # pyright: ignore[reportMissingImports]
from jax2onnx.converter.output_binding import is_drop_var  # pyright: ignore[reportMissingImports]
from jax2onnx.plugins._patching import AssignSpec, MonkeyPatchSpec  # pyright: ignore[reportMissingImports]
from jax2onnx.plugins.jax.lax.div import DivPlugin  # pyright: ignore[reportMissingImports]
from jax2onnx.plugins.plugin_system import (  # pyright: ignore[reportMissingImports]
    PrimitiveLeafPlugin,
    register_primitive,
)

from jaxpool._geometry import Window
from jaxpool._geometry.values import refuse
from jaxpool._lowerings import OPERATORS, compute, extreme
from jaxpool._lowerings.plan import NAMED, PLANE, Plan
from jaxpool._pools import fractional
from jaxpool.onnx._graph import Context, Value, cast, constant_of, function_of, node, shaped, written_out
from jaxpool.onnx._planes import MOST_AXES, Planes, groups

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

_Type = ir.DataType
# The dtype in which `MaxPool`, as runtimes have it, gives every value of a dtype exactly.
_EXACT = {
    **{dtype: dtype for dtype in (_Type.FLOAT16, _Type.FLOAT, _Type.DOUBLE)},
    **dict.fromkeys((_Type.BFLOAT16, _Type.BOOL, _Type.INT8, _Type.UINT8, _Type.INT16, _Type.UINT16), _Type.FLOAT),
    **dict.fromkeys((_Type.INT32, _Type.UINT32), _Type.DOUBLE),
}
# The opset from which on `AveragePool` has dilation.
_DILATED_AVERAGES = 19
# Planes with more elements than int32 counts are left to elementary operators.
_MOST_ELEMENTS = (1 << 31) - 1


@dataclasses.dataclass(frozen=True)
class _Sum:
    """A sum in the graph that was made of averages.

    Attributes:
      taps: elements of the window.
      mean: the averages, padding counted, in the layout of the inputs.
      planes: the window, and None where the sum took several steps.
      arranged: what was pooled, in ONNX's layout.
    """

    taps: int
    mean: Value
    planes: Planes | None
    arranged: Value


_sums: weakref.WeakKeyDictionary[Context, dict[Value, _Sum]] = weakref.WeakKeyDictionary()


def _native(equation: Any) -> bool:
    """Whether the pool is left to an ONNX operator: no other algorithm was asked for."""
    return equation.params["implementation"] in (None, "reduce_window")


def _elementary(context: Context, equation: Any, named: Plan | None = None) -> list[Value]:
    """An operator as it is computed here, by the algorithm of the name or the one that was asked for."""
    name = equation.primitive.name
    params = {key: value for key, value in equation.params.items() if key != "residual"}
    window = params["window"]
    if named is None and not _native(equation):
        named = params["implementation"]
    if named is None and name in OPERATORS:
        # Only offsets that come from maxima can be followed one axis after another.
        named = PLANE if window.whole else NAMED["separable"] if params.get("consistent", True) else None
    params["implementation"] = named
    values = [context.get_value_for_var(variable) for variable in equation.invars]
    avals = [jax.ShapeDtypeStruct(variable.aval.shape, variable.aval.dtype) for variable in equation.invars]
    if jnp.issubdtype(avals[0].dtype, jnp.complexfloating):
        raise NotImplementedError(
            f"{function_of(equation)}: inputs must be real in a model for ONNX, whose operators are; "
            f"got {avals[0].dtype} for {name}. Pool the real and the imaginary parts."
        )
    return written_out(context, equation, functools.partial(compute, name, "other", **params), values, *avals)


def _arranged(context: Context, equation: Any, value: Value, planes: Planes, dtype: Any, identity: Any) -> Value:
    aval = jax.ShapeDtypeStruct(planes.shape, dtype)
    function = functools.partial(planes.arranged, identity=identity)
    return written_out(context, equation, function, [value], aval)[0]


def _restored(context: Context, equation: Any, value: Value, planes: Planes, dtype: Any) -> Value:
    aval = jax.ShapeDtypeStruct(planes.pooled_shape(inputs=False), dtype)
    return written_out(context, equation, planes.restored, [value], aval)[0]


def _maxima(context: Context, value: Value, planes: Planes, kind: str, indices: bool) -> tuple[Value, Value | None]:
    """The extrema of planes in ONNX's layout, and their indices into the whole array where asked for."""
    dtype, shape = value.dtype, planes.pooled_shape(inputs=False)
    exact = _EXACT[dtype]
    value = cast(context, value, exact)
    if kind == "min":
        value = node(context, "Neg", [value], exact, value.shape)
    names = [context.fresh_name("MaxPool"), context.fresh_name("MaxPoolIndices")]
    emitted = context.builder.MaxPool(value, _outputs=names if indices else names[:1], **planes.attributes())
    found, where = emitted if indices else (emitted, None)
    found = shaped(found, exact, shape)
    if where is not None:
        where = shaped(where, _Type.INT64, shape)
    if kind == "min":
        found = node(context, "Neg", [found], exact, shape)
    return cast(context, found, dtype), where


def _is_masked(value: Value, kind: str) -> bool:
    """Whether a mask has put infinity in place of some elements, maybe of all in some windows."""
    producer = value.producer()
    if producer is None or producer.op_type != "Where" or not value.dtype.is_floating_point():
        return False
    others = constant_of(producer.inputs[2])
    return others is not None and bool((others == (-np.inf if kind == "max" else np.inf)).all())


def _with_infinities(y: jax.Array, kind: str) -> jax.Array:
    """Infinity again where runtimes have made the last finite number of it."""
    limits = jnp.finfo(y.dtype)
    last = limits.min if kind == "max" else limits.max
    return jnp.where(y == last, extreme(y.dtype, kind), y)


def _extremum(context: Context, equation: Any) -> list[Value]:
    window: Window = equation.params["window"]
    value = context.get_value_for_var(equation.invars[0])
    reduces = window.whole and value.dtype.is_floating_point()
    if not _native(equation) or value.dtype not in _EXACT or reduces:
        return _elementary(context, equation)
    aval, kind = equation.invars[0].aval, equation.params["kind"]
    masked = _is_masked(value, kind)
    for planes in groups(window.parts, aval.shape):
        value = _arranged(context, equation, value, planes, aval.dtype, extreme(aval.dtype, kind))
        value, _ = _maxima(context, value, planes, kind, indices=False)
        value = _restored(context, equation, value, planes, aval.dtype)
    if not masked:
        return [value]
    result = jax.ShapeDtypeStruct(equation.outvars[0].aval.shape, aval.dtype)
    return written_out(context, equation, functools.partial(_with_infinities, kind=kind), [value], result)


def _argextremum(context: Context, equation: Any) -> list[Value]:
    window: Window = equation.params["window"]
    aval, kind = equation.invars[0].aval, equation.params["kind"]
    value = context.get_value_for_var(equation.invars[0])
    planes = Planes(window.parts, aval.shape)
    elements = math.prod(plan.size for plan in planes.plans)
    # Padded beforehand, an element of the padding could be the first of many -inf.
    if (
        not _native(equation)
        or value.dtype not in _EXACT
        or len(window.parts) > MOST_AXES
        or planes.padded_beforehand
        or elements > _MOST_ELEMENTS
    ):
        return _elementary(context, equation)
    arranged = _arranged(context, equation, value, planes, aval.dtype, extreme(aval.dtype, kind))
    found, indices = _maxima(context, arranged, planes, kind, indices=True)
    shape = planes.pooled_shape(inputs=False)
    plane = context.builder.const_i64(context.fresh_name("plane"), [elements])
    index = cast(context, node(context, "Mod", [indices, plane], _Type.INT64, shape), _Type.INT32)
    function = functools.partial(planes.offsets, dtype=window.offset_dtype)
    offsets = written_out(context, equation, function, [index], jax.ShapeDtypeStruct(shape, np.int32))
    return [_restored(context, equation, found, planes, aval.dtype), *offsets]


def _sum(context: Context, equation: Any) -> list[Value]:
    window: Window = equation.params["window"]
    value = context.get_value_for_var(equation.invars[0])
    aval, result = equation.invars[0].aval, equation.outvars[0].aval
    # The converter takes `jnp.where(x > 0, x, 0)` for float64 even where there is none.
    single = jax.dtypes.canonicalize_dtype(result.dtype) == np.float32 and not context.enable_double_precision
    floats = value.dtype in (_Type.FLOAT, _Type.FLOAT16, _Type.BFLOAT16)
    dilated = any(part.dilation > 1 for part in window.parts)
    refused = window.whole or not single or not floats or (dilated and context.opset < _DILATED_AVERAGES)
    if not _native(equation) or refused:
        return _elementary(context, equation)
    steps = groups(window.parts, aval.shape)
    arranged = mean = cast(context, value, _Type.FLOAT)
    for planes in steps:
        arranged = _arranged(context, equation, mean, planes, np.float32, 0)
        shape, attributes = planes.pooled_shape(inputs=False), planes.attributes()
        mean = node(context, "AveragePool", [arranged], _Type.FLOAT, shape, count_include_pad=1, **attributes)
        mean = _restored(context, equation, mean, planes, np.float32)
    aval = jax.ShapeDtypeStruct(result.shape, np.float32)
    (total,) = written_out(context, equation, lambda x: x * np.float32(window.taps), [mean], aval)
    record = _Sum(window.taps, mean, steps[0] if len(steps) == 1 else None, arranged)
    _sums.setdefault(context, {})[total] = record
    return [total]


def _average(context: Context, equation: Any) -> list[Value] | None:
    """The quotient as one `AveragePool`, if it is a sum of windows divided as that operator does."""
    total, divisor = (context.get_value_for_var(variable) for variable in equation.invars)
    record = _sums.get(context, {}).get(total)
    constant = None if record is None else constant_of(divisor)
    if record is None or constant is None:
        return None
    shape = equation.outvars[0].aval.shape
    if (constant == record.taps).all():
        return [record.mean]
    planes = record.planes
    if planes is None or planes.padded_beforehand or constant.ndim not in (0, len(shape)):
        return None
    if not (constant == planes.real_counts()).all():
        return None
    attributes = planes.attributes()
    pooled = planes.pooled_shape(inputs=False)
    mean = node(context, "AveragePool", [record.arranged], _Type.FLOAT, pooled, count_include_pad=0, **attributes)
    return [_restored(context, equation, mean, planes, np.float32)]


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
        average = _average(ctx, eqn)
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
    conversions = {"window_extremum": _extremum, "window_argextremum": _argextremum, "window_sum": _sum}
    plugins = {name: _plugin(convert) for name, convert in conversions.items()}
    plugins |= {name: _plugin(_elementary) for name in _ELEMENTARY}
    plugins["integers_without_series"] = _plugin(_identity)
    plugins["div"] = _Division
    for name, plugin in plugins.items():
        register_primitive(jaxpr_primitive=name, component=name, context="jaxpool", onnx=[], testcases=[])(plugin)
