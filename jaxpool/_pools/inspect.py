"""What a pool would do, without running it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jax.typing import DTypeLike

from jaxpool._geometry import (
    WindowArguments,
    check_implementation,
    check_option,
    known_dtype,
    pooling_window,
    shape_of,
)
from jaxpool._geometry.calls import explained
from jaxpool._operators import IMPLEMENTATIONS, PLATFORMS, chosen_plans, default_platform
from jaxpool.typing import Implementation, Ints, Padding, Platform, Residual, WindowShape


@explained
def output_shape(
    input_shape: Sequence[int],
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
) -> tuple[int, ...]:
    """The output shape of a pool on inputs of shape `input_shape`. Strides default to 1.

    Along a spatial axis of `size` elements with `low` and `high` padding and an effective window of
    `extent = (window - 1) * dilation + 1`, the output has `(size + low + high - extent) // stride + 1` elements.
    In ceil mode the division rounds up, unless the last window would start beyond the input and its low padding.

    Other pools need no arithmetic. Adaptive and fractional ones have `output_size` along the spatial axes, unpooling
    has its `output_shape`, and global ones have no spatial axes, or 1 along each with `keepdims`.

    Args:
      input_shape: the shape of the inputs; sizes may be symbolic, as in `jax.export`.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis: as in `jaxpool.max_pool`.

    Raises:
      TypeError, ValueError: as in `jaxpool.max_pool`.

    Example:
      >>> import jaxpool
      >>> jaxpool.output_shape((8, 112, 112, 64), (3, 3), 2, 1)
      (8, 56, 56, 64)
      >>> jaxpool.output_shape((8, 111, 111, 64), (2, 2), 2, ceil_mode=True)
      (8, 56, 56, 64)
    """
    shape = shape_of(input_shape)
    arguments = WindowArguments(window_shape, strides, padding, window_dilation, ceil_mode, channel_axis)
    window = pooling_window(shape, *arguments, padding_is_empty=False, symbolic=True, argument="input_shape")
    return window.output_shape(shape)


@explained
def chosen_implementation(
    input_shape: Sequence[Any],
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    implementation: Implementation | None = None,
    residual: Residual | None = None,
    platform: Platform | None = None,
    dtype: DTypeLike = "float32",
) -> dict[str, str]:
    """Which algorithm each operator of a pool would run. Strides default to 1.

    Use it in bug reports and benchmarks.

    Args:
      input_shape: the shape of the inputs.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, implementation, residual: as in
        `jaxpool.max_pool`.
      platform: "cpu", "gpu", "tpu" or "other"; by default that of JAX's default backend.
      dtype: of the inputs; on a CPU, floats of 16 bits or fewer may run other algorithms than f32.

    Returns:
      For each operator its implementation: "window_sum" (averages and sums) and "window_spread" (its gradient),
      "window_extremum" (values of max and min pooling), "window_argextremum" (the same with indices). The gradient of
      max and min pooling is "scatter_at_offsets" and its forward mode "gather_at_offsets" where offsets are kept, else
      "scatter_at_extremum" and "gather_at_extremum".
      An implementation is one that the argument may name, with what the platform adds to it: "padded" where the input
      is padded first, "merged" where the axes after the window are one, "stored" where no step recomputes the one
      before it, "phases" and "dilate" for ways to compute a gradient. "whole plane" is a reduction of the whole plane,
      "select_and_scatter" the native scatter of a TPU.
      With `implementation`, operators that cannot run this window with it are left out, but for derivatives, which then
      run what None would.

    Raises:
      TypeError, ValueError: as in `jaxpool.max_pool`.

    Example:
      >>> import jaxpool
      >>> jaxpool.chosen_implementation((8, 112, 112, 64), (3, 3), 2, 1, platform="cpu")["window_extremum"]
      'joint'
    """
    target = default_platform() if platform is None else platform
    check_option("platform", target, PLATFORMS)
    check_implementation(implementation, IMPLEMENTATIONS)
    shape = shape_of(input_shape)
    arguments = WindowArguments(window_shape, strides, padding, window_dilation, ceil_mode, channel_axis)
    window = pooling_window(shape, *arguments, padding_is_empty=False, argument="input_shape")
    check_option("residual", residual, (None, "offsets", "input"))
    return chosen_plans(window, shape, known_dtype(dtype), target, implementation, residual)
