"""A JAX primitive from an operator's shapes and computation: evaluation, compilation and batching."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.core import ShapedArray
from jax.extend.core import Primitive
from jax.interpreters import batching, mlir, xla
from jax.sharding import AxisType

from jaxpool._geometry import Window
from jaxpool._lowerings import compute

# JAX's platform names; an unknown backend gets the rule registered without a platform.
_PLATFORMS = {"cpu": "cpu", "cuda": "gpu", "rocm": "gpu", "tpu": "tpu"}

AbstractResult = Callable[..., Any]


def operator(
    name: str,
    result: AbstractResult,
    *,
    only_for_rules: Sequence[str] = (),
    multiple_results: bool = False,
) -> Primitive:
    """A primitive that `_lowerings` computes, with eager evaluation, compilation and batching.

    Args:
      name: the operator's name there.
      result: `(*avals, window, **parameters)` to the abstract result or results.
      only_for_rules: the names of static parameters that the derivative rules read and `_lowerings` does not.
      multiple_results: whether `result` is a sequence.
    """

    def computed(platform: str, *arrays: Any, **static: Any) -> Any:
        return compute(name, platform, *arrays, **{k: v for k, v in static.items() if k not in only_for_rules})

    primitive = Primitive(name)
    primitive.multiple_results = multiple_results
    primitive.def_abstract_eval(result)
    primitive.def_impl(functools.partial(xla.apply_primitive, primitive))
    mlir.register_lowering(primitive, _lowering(functools.partial(computed, "other"), multiple_results))
    for platform, kind in _PLATFORMS.items():
        mlir.register_lowering(
            primitive, _lowering(functools.partial(computed, kind), multiple_results), platform=platform
        )
    batching.primitive_batchers[primitive] = functools.partial(_batch, primitive)
    return primitive


def identity(name: str) -> Primitive:
    """A primitive that does nothing, for rules of its own."""
    primitive = Primitive(name)
    primitive.def_impl(lambda x: x)
    primitive.def_abstract_eval(lambda x: x)
    mlir.register_lowering(primitive, lambda _, x: [x])
    batching.defvectorized(primitive)
    return primitive


def _lowering(computed: Callable[..., Any], multiple_results: bool) -> Callable[..., Any]:
    rule = mlir.lower_fun(computed, multiple_results=multiple_results)

    def lower(context: mlir.LoweringRuleContext, *values: Any, **static: Any) -> Any:
        # Inside, shapes and dtypes are all that matters: explicit shardings and varying axes are settled by the
        # abstract result, and what is inside is left to the partitioner.
        avals: Sequence[Any] = context.avals_in
        with _automatic_axes():
            plain = [ShapedArray(aval.shape, aval.dtype) for aval in avals]
            return rule(context.replace(avals_in=plain), *values, **static)

    return lower


def _automatic_axes() -> contextlib.AbstractContextManager[Any]:
    """Within it no mesh axis is explicit: there, arrays without a sharding would be gathered on every device."""
    mesh = jax.sharding.get_abstract_mesh()
    types = zip(mesh.axis_names, mesh.axis_types, strict=True)
    automatic = {name: AxisType.Auto for name, kind in types if kind == AxisType.Explicit}
    return jax.sharding.use_abstract_mesh(mesh.update_axis_types(automatic)) if automatic else contextlib.nullcontext()


def _batch(
    primitive: Primitive, arrays: Sequence[Array], dims: Sequence[int | None], *, window: Window, **static: Any
) -> Any:
    # The batch axis stays where the first operand has it: no data moves, the window's axes do.
    axis, size = next((dim, array.shape[dim]) for array, dim in zip(arrays, dims, strict=True) if dim is not None)

    def aligned(array: Array, dim: int | None) -> Array:
        if dim is None:
            shape = (*array.shape[:axis], size, *array.shape[axis:])
            return jnp.broadcast_to(jnp.expand_dims(array, axis), shape)
        return array if dim == axis else jnp.moveaxis(array, dim, axis)

    operands = [aligned(array, dim) for array, dim in zip(arrays, dims, strict=True)]
    result = primitive.bind(*operands, window=window.with_batch_axis(axis), **static)
    return (result, [axis] * len(result)) if primitive.multiple_results else (result, axis)


def bind(primitive: Primitive, *arrays: Array, **static: Any) -> Any:
    """Applies a primitive to arrays that inside `jax.shard_map` may vary over different mesh axes."""
    varying = [getattr(jax.typeof(array), "vma", frozenset()) for array in arrays]
    everywhere = frozenset().union(*varying)
    operands = [
        lax.pcast(array, tuple(everywhere - axes), to="varying") if everywhere - axes else array
        for array, axes in zip(arrays, varying, strict=True)
    ]
    return primitive.bind(*operands, **static)
