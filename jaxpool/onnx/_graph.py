"""Emission into the graph that `jax2onnx` builds."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np
import onnx_ir as ir  # pyright: ignore[reportMissingImports]
from jax2onnx.converter.lowering_dispatch import lower_jaxpr_with_plugins  # pyright: ignore[reportMissingImports]
from jax2onnx.plugins.plugin_system import PLUGIN_REGISTRY  # pyright: ignore[reportMissingImports]
from onnx.reference import ReferenceEvaluator  # pyright: ignore[reportMissingImports]

import jaxpool

Value = Any
Context = Any
Type = ir.DataType

# The converter knows constants by the identity of their variables, which must therefore not be used again.
_traced: weakref.WeakKeyDictionary[Context, list[Any]] = weakref.WeakKeyDictionary()

# The operators of which divisors of averages are made.
_CONSTANT = {
    *("Add", "Cast", "Concat", "Constant", "ConstantOfShape", "Expand", "Identity", "Max", "Mul", "Reshape", "Squeeze"),
    *("Sub", "Unsqueeze"),
}


def function_of(equation: Any) -> str:
    """The public function that an equation comes from, or the name of the operator."""
    traceback = getattr(equation.source_info, "traceback", None)
    for frame in [] if traceback is None else traceback.frames:
        if frame.function_name in jaxpool.__all__ and "jaxpool" in frame.file_name:
            return frame.function_name
    return equation.primitive.name


def written_out(
    context: Context, equation: Any, function: Callable[..., Any], values: Sequence[Value], *avals: Any
) -> list[Value]:
    """The results of a function of arrays, written out in the operators of which it is made.

    Args:
      context: the converter's.
      equation: the one that is converted, for errors.
      function: from arrays to an array, or a sequence of them.
      values: the arrays in the graph.
      avals: their shapes and dtypes.

    Raises:
      NotImplementedError: an operation of the function has no conversion.
    """
    closed = jax.make_jaxpr(function)(*avals)
    _traced.setdefault(context, []).append(closed)
    for variable, constant in zip(closed.jaxpr.constvars, closed.consts, strict=True):
        context.bind_const_for_var(variable, np.asarray(constant))
    for variable, value in zip(closed.jaxpr.invars, values, strict=True):
        context.bind_value_for_var(variable, value)
    try:
        lower_jaxpr_with_plugins(
            ctx=context, jaxpr=closed.jaxpr, registry=PLUGIN_REGISTRY, source=equation.primitive.name
        )
    except Exception as error:
        shapes = ", ".join(f"{aval.dtype}{list(aval.shape)}" for aval in avals)
        raise NotImplementedError(
            f"{function_of(equation)}: inputs and arguments must be ones that jax2onnx converts; "
            f"got {equation.primitive.name} of {shapes} for an ONNX model. jax2onnx says: {error}"
        ) from error
    return [context.get_value_for_var(variable) for variable in closed.jaxpr.outvars]


def shaped(value: Value, dtype: Any, shape: Sequence[Any]) -> Value:
    """The value with its type and shape told."""
    value.type = ir.TensorType(dtype)
    value.shape = ir.Shape([size if isinstance(size, int) else str(size) for size in shape])
    return value


def node(
    context: Context, operator: str, inputs: Sequence[Value], dtype: Any, shape: Sequence[Any], **attributes: Any
) -> Value:
    """The only result of a new node."""
    emit = getattr(context.builder, operator)
    value = emit(*inputs, _outputs=[context.fresh_name(operator)], **attributes)
    return shaped(value, dtype, shape)


def cast(context: Context, value: Value, dtype: Any) -> Value:
    """The value in another dtype."""
    if value.dtype == dtype:
        return value
    return node(context, "Cast", [value], dtype, value.shape, to=int(dtype))


def constant_of(value: Value) -> np.ndarray | None:
    """What a value of the graph is, but for broadcasting, or None where it depends on the inputs of the model."""
    if value.const_value is not None:
        return value.const_value.numpy()
    producer = value.producer()
    if producer is None or producer.op_type not in _CONSTANT or producer.domain:
        return None
    if producer.op_type == "Expand":
        return constant_of(producer.inputs[0])
    inputs = [None if operand is None else constant_of(operand) for operand in producer.inputs]
    if any(array is None for array in inputs):
        return None
    feeds = {operand.name: array for operand, array in zip(producer.inputs, inputs, strict=True)}
    results = ReferenceEvaluator(ir.serde.serialize_node(producer)).run(None, feeds)
    return np.asarray(results[producer.outputs.index(value)])
