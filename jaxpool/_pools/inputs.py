"""The first step of every pooling function: its inputs as an array, its other arguments as a window."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.sharding import PartitionSpec

from jaxpool._geometry import (
    Window,
    WindowArguments,
    check_dtype,
    check_implementation,
    check_inputs,
    check_where,
    native,
    pooling_window,
    traced,
)
from jaxpool._operators import IMPLEMENTATIONS, Plan, check_runs


def as_array(inputs: Any, ordered: bool) -> Array:
    """The inputs, of a dtype that the function can pool."""
    array = isinstance(inputs, jax.Array)
    if not array:
        check_inputs(inputs)
        inputs = native(inputs)
    check_dtype(inputs.dtype, ordered=ordered)
    return inputs if array else jnp.asarray(inputs)


def x64() -> bool:
    """Whether 64-bit types are on."""
    config: Any = jax.config
    return config.jax_enable_x64


def mask_of(where: Any, x: Array) -> Array | None:
    """The mask as an array, or None; it has as many axes as the inputs and broadcasts along those of size 1."""
    if where is None:
        return None
    check_where(where, x.shape)
    return jnp.asarray(where)


def at_hand(array: Any) -> bool:
    """Whether the elements of an array can be looked at now: it is not traced, and all of it is here."""
    if traced(array) or not getattr(array, "is_fully_addressable", True):
        return False
    # Inside `jax.shard_map` outside of `jit` all that is computed is traced, even from known arrays.
    with jax.ensure_compile_time_eval():
        return not traced(jnp.zeros((), jnp.int32) + 0)


@functools.partial(jax.jit, static_argnames=("axes",))
def _least_and_most(x: Array, axes: tuple[int, ...]) -> tuple[Array, Array]:
    return jnp.min(x, axes), jnp.max(x, axes)


def range_of(indices: Any, apart: int = 0) -> tuple[list[int], list[int]]:
    """The least and the largest of known indices, one for each of the last `apart` axes' elements."""
    axes = tuple(range(len(indices.shape) - apart))
    if isinstance(indices, np.ndarray):
        # As they are: 64 bits may be more than JAX takes.
        low, high = indices.min(axes), indices.max(axes)
    else:
        with jax.ensure_compile_time_eval():
            low, high = jax.device_get(_least_and_most(jnp.asarray(indices), axes))
    return np.atleast_1d(low).tolist(), np.atleast_1d(high).tolist()


def along(mask: Array, window: Window) -> Array:
    """The mask with the inputs' sizes along the window's axes, so that windows can be taken of it."""
    return jnp.broadcast_to(mask, window.input_shape(mask.shape))


def with_whole_planes(x: Array, axes: Sequence[int]) -> Array:
    """The inputs with every spatial axis whole on every device, where a mesh axis of explicit sharding splits one.

    Windows that depend on the data, or on the number of outputs, may lie anywhere.
    """
    spec = (*jax.typeof(x).sharding.spec, *[None] * x.ndim)[: x.ndim]
    if all(spec[axis] is None for axis in axes):
        return x
    return jax.sharding.reshard(x, PartitionSpec(*(None if axis in axes else name for axis, name in enumerate(spec))))


def pad_array(x: Array, window: Window, mode: str) -> Array:
    """The inputs with the window's padding around them, as `jnp.pad` makes it; what crops is left to the window."""
    for part in window.parts:
        low, high = max(part.low, 0), max(part.high, 0)
        before, after = _beside(x, part.axis, low, high, mode.lower())
        pieces = [piece for piece, size in ((before, low), (x, 1), (after, high)) if size]
        x = lax.concatenate(pieces, part.axis) if len(pieces) > 1 else x
    return x


def _beside(x: Array, axis: int, low: int, high: int, mode: str) -> tuple[Array, Array]:
    """What stands before and after along one axis."""
    size = x.shape[axis]

    def cut(start: int, stop: int) -> Array:
        return lax.slice_in_dim(x, start, stop, axis=axis)

    def repeat(piece: Array, times: int) -> Array:
        return jnp.broadcast_to(piece, (*x.shape[:axis], times, *x.shape[axis + 1 :]))

    if mode in ("edge", "replicate"):
        return repeat(cut(0, 1), low), repeat(cut(size - 1, size), high)
    if mode in ("wrap", "circular"):
        return cut(size - low, size), cut(0, high)
    return lax.rev(cut(1, low + 1), (axis,)), lax.rev(cut(size - 1 - high, size - 1), (axis,))


def array_and_window(
    inputs: Any,
    arguments: WindowArguments,
    implementation: Any,
    operator: str,
    *,
    ordered: bool = False,
    padding_is_empty: bool = True,
) -> tuple[Array, Window]:
    """What a windowed pool computes with; the window is that on the inputs before `padded`.

    Args:
      inputs, arguments, implementation: as given to it.
      operator: the operator that computes it.
      ordered: whether the dtype needs an order.
      padding_is_empty: whether a window wholly in padding has no value.
    """
    x = as_array(inputs, ordered)
    if not isinstance(implementation, Plan):
        check_implementation(implementation, IMPLEMENTATIONS)
    explicit = arguments.padding_mode is None
    symbolic = explicit and implementation == "reduce_window"
    window = pooling_window(x.shape, *arguments, padding_is_empty=padding_is_empty, symbolic=symbolic, native=explicit)
    check_runs(operator, (window if explicit else window.on_padded_input()).normal, implementation)
    return x, window


def padded(x: Array, mask: Array | None, window: Window, mode: str | None) -> tuple[Array, Array | None, Window]:
    """Inputs, mask and window after the padding that a mode asks for has been done; unchanged without one."""
    if mode is None:
        return x, mask, window
    # A mask of full size, as its padding is that of the inputs.
    mask = None if mask is None else pad_array(along(mask, window), window, mode)
    return pad_array(x, window, mode), mask, window.on_padded_input()
