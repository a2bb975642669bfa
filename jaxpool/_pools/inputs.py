"""The first step of every pooling function: its inputs as an array, its other arguments as a window."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxpool._geometry import (
    Window,
    check_dtype,
    check_implementation,
    check_inputs,
    global_window,
    pooling_window,
)
from jaxpool._lowerings import IMPLEMENTATIONS, check_runs


def as_array(function: str, inputs: Any, ordered: bool) -> Array:
    """The inputs, of a dtype that the function can pool."""
    check_inputs(function, inputs)
    check_dtype(function, inputs.dtype, ordered=ordered)
    return jnp.asarray(inputs)


def array_and_window(
    function: str,
    inputs: Any,
    window_shape: Any,
    strides: Any,
    padding: Any,
    window_dilation: Any,
    ceil_mode: Any,
    channel_axis: Any,
    implementation: Any,
    *,
    operator: str,
    ordered: bool = False,
    padding_is_empty: bool = True,
) -> tuple[Array, Window]:
    """What a windowed pool computes with.

    Args:
      function: the public function's name, for its errors.
      inputs, window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, implementation: as given to it.
      operator: the operator that computes it.
      ordered: whether the dtype needs an order.
      padding_is_empty: whether a window wholly in padding has no value.
    """
    x = as_array(function, inputs, ordered)
    check_implementation(function, implementation, IMPLEMENTATIONS)
    window = pooling_window(
        function,
        x.shape,
        window_shape,
        strides,
        padding,
        window_dilation=window_dilation,
        ceil_mode=ceil_mode,
        channel_axis=channel_axis,
        padding_is_empty=padding_is_empty,
    )
    check_runs(function, operator, window, implementation)
    return x, window


def array_and_plane(
    function: str, inputs: Any, num_spatial_dims: Any, channel_axis: Any, *, ordered: bool = False
) -> tuple[Array, Window]:
    """What a global pool computes with: the window is the whole plane."""
    x = as_array(function, inputs, ordered)
    return x, global_window(function, x.shape, num_spatial_dims, channel_axis)
