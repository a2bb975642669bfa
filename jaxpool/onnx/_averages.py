"""Sums and means as `AveragePool`."""

from __future__ import annotations

import dataclasses
import weakref
from typing import Any

import jax
import numpy as np

from jaxpool._geometry import Window
from jaxpool.onnx._elementary import arrange, elementary, native, restore
from jaxpool.onnx._graph import Context, Type, Value, cast, constant_of, node, written_out
from jaxpool.onnx._planes import Planes, groups

# The opset from which on `AveragePool` has dilation.
_DILATED_AVERAGES = 19


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


def convert_sum(context: Context, equation: Any) -> list[Value]:
    """The sums of windows, as averages times the number of elements."""
    window: Window = equation.params["window"]
    value = context.get_value_for_var(equation.invars[0])
    aval, result = equation.invars[0].aval, equation.outvars[0].aval
    # The converter takes `jnp.where(x > 0, x, 0)` for float64 even where there is none.
    single = jax.dtypes.canonicalize_dtype(result.dtype) == np.float32 and not context.enable_double_precision
    floats = value.dtype in (Type.FLOAT, Type.FLOAT16, Type.BFLOAT16)
    dilated = any(part.dilation > 1 for part in window.parts)
    refused = window.whole or not single or not floats or (dilated and context.opset < _DILATED_AVERAGES)
    if not native(equation) or refused:
        return elementary(context, equation)
    steps = groups(window.parts, aval.shape)
    arranged = mean = cast(context, value, Type.FLOAT)
    for planes in steps:
        arranged = arrange(context, equation, mean, planes, np.float32, 0)
        shape, attributes = planes.pooled_shape(inputs=False), planes.attributes()
        mean = node(context, "AveragePool", [arranged], Type.FLOAT, shape, count_include_pad=1, **attributes)
        mean = restore(context, equation, mean, planes, np.float32)
    aval = jax.ShapeDtypeStruct(result.shape, np.float32)
    (total,) = written_out(context, equation, lambda x: x * np.float32(window.taps), [mean], aval)
    record = _Sum(window.taps, mean, steps[0] if len(steps) == 1 else None, arranged)
    _sums.setdefault(context, {})[total] = record
    return [total]


def average_of(context: Context, equation: Any) -> list[Value] | None:
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
    mean = node(context, "AveragePool", [record.arranged], Type.FLOAT, pooled, count_include_pad=0, **attributes)
    return [restore(context, equation, mean, planes, np.float32)]
