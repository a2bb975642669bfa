"""Operators as they are computed here, in elementary operators of ONNX."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp

from jaxpool._lowerings import OPERATORS, compute
from jaxpool._lowerings.plan import NAMED, PLANE, Plan
from jaxpool.onnx._graph import Context, Value, function_of, written_out
from jaxpool.onnx._planes import Planes


def native(equation: Any) -> bool:
    """Whether the pool is left to an ONNX operator: no other algorithm was asked for."""
    return equation.params["implementation"] in (None, "reduce_window")


def elementary(context: Context, equation: Any, named: Plan | None = None) -> list[Value]:
    """An operator as it is computed here, by the algorithm of the name or the one that was asked for."""
    name = equation.primitive.name
    params = {key: value for key, value in equation.params.items() if key != "residual"}
    window = params["window"]
    if named is None and not native(equation):
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


def arrange(context: Context, equation: Any, value: Value, planes: Planes, dtype: Any, identity: Any) -> Value:
    """The inputs in ONNX's layout; `identity` fills what is padded beforehand."""
    aval = jax.ShapeDtypeStruct(planes.shape, dtype)
    function = functools.partial(planes.arranged, identity=identity)
    return written_out(context, equation, function, [value], aval)[0]


def restore(context: Context, equation: Any, value: Value, planes: Planes, dtype: Any) -> Value:
    """Results in ONNX's layout in that of the inputs."""
    aval = jax.ShapeDtypeStruct(planes.pooled_shape(inputs=False), dtype)
    return written_out(context, equation, planes.restored, [value], aval)[0]
