"""Maxima and minima as `MaxPool`."""

from __future__ import annotations

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from jaxpool._geometry import Window
from jaxpool._lowerings import extreme
from jaxpool.onnx._elementary import arrange, elementary, native, restore
from jaxpool.onnx._graph import Context, Type, Value, cast, constant_of, node, shaped, written_out
from jaxpool.onnx._planes import MOST_AXES, Planes, groups

# The dtype in which `MaxPool`, as runtimes have it, gives every value of a dtype exactly.
_EXACT = {
    **{dtype: dtype for dtype in (Type.FLOAT16, Type.FLOAT, Type.DOUBLE)},
    **dict.fromkeys((Type.BFLOAT16, Type.BOOL, Type.INT8, Type.UINT8, Type.INT16, Type.UINT16), Type.FLOAT),
    **dict.fromkeys((Type.INT32, Type.UINT32), Type.DOUBLE),
}
# Planes with more elements than int32 counts are left to elementary operators.
_MOST_ELEMENTS = (1 << 31) - 1


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
        where = shaped(where, Type.INT64, shape)
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


def convert_extremum(context: Context, equation: Any) -> list[Value]:
    """The extrema of windows."""
    window: Window = equation.params["window"]
    value = context.get_value_for_var(equation.invars[0])
    reduces = window.whole and value.dtype.is_floating_point()
    if not native(equation) or value.dtype not in _EXACT or reduces:
        return elementary(context, equation)
    aval, kind = equation.invars[0].aval, equation.params["kind"]
    masked = _is_masked(value, kind)
    for planes in groups(window.parts, aval.shape):
        value = arrange(context, equation, value, planes, aval.dtype, extreme(aval.dtype, kind))
        value, _ = _maxima(context, value, planes, kind, indices=False)
        value = restore(context, equation, value, planes, aval.dtype)
    if not masked:
        return [value]
    result = jax.ShapeDtypeStruct(equation.outvars[0].aval.shape, aval.dtype)
    return written_out(context, equation, functools.partial(_with_infinities, kind=kind), [value], result)


def convert_argextremum(context: Context, equation: Any) -> list[Value]:
    """The extrema of windows and their offsets."""
    window: Window = equation.params["window"]
    aval, kind = equation.invars[0].aval, equation.params["kind"]
    value = context.get_value_for_var(equation.invars[0])
    planes = Planes(window.parts, aval.shape)
    elements = math.prod(plan.size for plan in planes.plans)
    # Padded beforehand, an element of the padding could be the first of many -inf.
    if (
        not native(equation)
        or value.dtype not in _EXACT
        or len(window.parts) > MOST_AXES
        or planes.padded_beforehand
        or elements > _MOST_ELEMENTS
    ):
        return elementary(context, equation)
    arranged = arrange(context, equation, value, planes, aval.dtype, extreme(aval.dtype, kind))
    found, indices = _maxima(context, arranged, planes, kind, indices=True)
    shape = planes.pooled_shape(inputs=False)
    plane = context.builder.const_i64(context.fresh_name("plane"), [elements])
    index = cast(context, node(context, "Mod", [indices, plane], Type.INT64, shape), Type.INT32)
    function = functools.partial(planes.offsets, dtype=window.offset_dtype)
    offsets = written_out(context, equation, function, [index], jax.ShapeDtypeStruct(shape, np.int32))
    return [restore(context, equation, found, planes, aval.dtype), *offsets]
