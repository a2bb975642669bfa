"""The programs that are compiled: one pooling, one way to use it, by one library."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp

import jaxpool
from benchmarks.workloads import Pool, Workload, in_a_row

Struct = jax.ShapeDtypeStruct


class NotOfferedError(ValueError):
    """The contender has no such pooling."""


@dataclasses.dataclass(frozen=True)
class Built:
    """A function of arrays, and what it takes.

    Attributes:
      function: the function to compile.
      arguments: its arguments' shapes and dtypes.
      residual_bytes: bytes among the arguments that the forward pass has to keep for this one.
    """

    function: Callable[..., Any]
    arguments: tuple[Struct, ...]
    residual_bytes: int = 0


def build(workload: Workload, dtype: str, mode: str, contender: str, residual: str | None = None) -> Built:
    """A function and its arguments.

    Args:
      workload: the pooling and its input.
      dtype: of the input, by its full name.
      mode: "forward", "forward_with_argmax", "vjp" or "forward_vjp".
      contender: "jaxpool", "jaxpool:<implementation>" or "flax".
      residual: jaxpool's argument of that name, for what it would choose on another machine than this one.

    Raises:
      NotOfferedError: the contender cannot do this.
    """
    library, _, implementation = contender.partition(":")
    if library == "jaxpool":
        pool = _jaxpool(workload, mode == "forward_with_argmax", implementation or None, residual)
    elif library == "flax" and mode != "forward_with_argmax":
        pool = _flax(workload)
    else:
        raise NotOfferedError(f"{contender} offers no {mode}")
    pool = in_a_row(pool, workload.repeats)
    inputs = Struct(workload.shape, jnp.dtype(dtype))
    if mode in ("forward", "forward_with_argmax"):
        return Built(pool, (inputs,))
    cotangent = jax.eval_shape(pool, inputs)
    if mode == "vjp":
        return _backward(pool, inputs, cotangent)
    if mode == "forward_vjp":
        return Built(_forward_and_backward(pool), (inputs, cotangent))
    raise NotOfferedError(f"there is no program for the mode {mode!r}")


def _backward(pool: Pool, inputs: Struct, cotangent: Struct) -> Built:
    """The backward pass alone, with what the forward pass kept as arguments."""
    kept, tree = jax.tree.flatten(jax.eval_shape(lambda x: jax.vjp(pool, x)[1], inputs))

    def backward(*arrays: Any) -> Any:
        (gradient,) = jax.tree.unflatten(tree, arrays[:-1])(arrays[-1])
        return gradient

    return Built(backward, (*kept, cotangent), _size(kept))


def _forward_and_backward(pool: Pool) -> Callable[..., Any]:
    def both(inputs: Any, cotangent: Any) -> Any:
        outputs, backward = jax.vjp(pool, inputs)
        return outputs, backward(cotangent)[0]

    return both


def _size(arrays: Sequence[Any]) -> int:
    return sum(math.prod(array.shape) * array.dtype.itemsize for array in arrays)


def _jaxpool(workload: Workload, with_argmax: bool, implementation: str | None, residual: str | None) -> Pool:
    name = f"{workload.pool}_pool" + ("_with_argmax" if with_argmax else "")
    function: Callable[..., Any] | None = getattr(jaxpool, name, None)
    if function is None:
        raise NotOfferedError(f"jaxpool has no {name}")
    options: dict[str, Any] = {"channel_axis": workload.channel_axis}
    if workload.pool in ("global_avg", "adaptive_avg"):
        if implementation is not None:
            raise NotOfferedError(f"{name} takes no implementation")
        if workload.pool == "adaptive_avg":
            return lambda x: function(x, workload.window, **options)
        return lambda x: function(x, num_spatial_dims=len(workload.window), **options)
    options |= {"window_dilation": workload.dilation, "implementation": implementation}
    if workload.pool == "max" and not with_argmax:
        options["residual"] = residual
    if workload.pool == "avg":
        options["count_include_pad"] = workload.count_include_pad
    return lambda x: function(x, workload.window, workload.strides, workload.padding, **options)


def _flax(workload: Workload) -> Pool:
    from flax import linen

    last = len(workload.shape) - 1
    if workload.channel_axis not in (-1, last) or workload.dilation != 1 or workload.pool == "adaptive_avg":
        raise NotOfferedError("flax pools channels-last inputs, without dilation or adaptive bins")
    # Flax takes pairs too; only its annotation says otherwise.
    padding: Any = workload.padding
    window, strides = workload.window, workload.strides
    if workload.pool == "max":
        return lambda x: linen.max_pool(x, window, strides, padding)
    if workload.pool == "global_avg":
        return lambda x: jnp.mean(x, axis=workload.spatial_axes)
    return lambda x: linen.avg_pool(x, window, strides, padding, count_include_pad=workload.count_include_pad)
