"""The first step of every pooling function: its inputs as an array, its other arguments as a window."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxpool._geometry import (
    Window,
    WindowArguments,
    check_dtype,
    check_implementation,
    check_inputs,
    check_where,
    native,
    traced,
)
from jaxpool._operators import IMPLEMENTATIONS, Plan, check_runs
from jaxpool._pools.shards import window_of


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
    explicit = arguments.padding_mode is None
    if implementation is None:
        return x, window_of(x, arguments, padding_is_empty=padding_is_empty, native=explicit)
    if not isinstance(implementation, Plan):
        check_implementation(implementation, IMPLEMENTATIONS)
    symbolic = explicit and implementation == "reduce_window"
    window = window_of(x, arguments, padding_is_empty=padding_is_empty, symbolic=symbolic, native=explicit)
    check_runs(operator, (window if explicit else window.on_padded_input()).normal, implementation)
    return x, window
