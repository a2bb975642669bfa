"""What a pool would do, without running it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any, overload

import jax
from jax.typing import DTypeLike

from jaxpool._geometry import (
    WindowArguments,
    check_implementation,
    check_option,
    check_pool,
    known_dtype,
    pooling_window,
    shape_of,
)
from jaxpool._geometry.calls import explained, misfit
from jaxpool._operators import IMPLEMENTATIONS, PLATFORMS, chosen_plans, default_platform
from jaxpool.typing import Implementation, Ints, Padding, Platform, Residual, WindowShape


@overload
def output_shape(
    input_shape: Sequence[int],
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    pool: None = None,
    dtype: DTypeLike = "float32",
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
) -> tuple[int, ...]: ...


@overload
def output_shape(
    input_shape: Sequence[int],
    window_shape: WindowShape | None = None,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    pool: Callable[..., Any],
    dtype: DTypeLike = "float32",
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    **arguments: Any,
) -> Any: ...


@explained
def output_shape(
    input_shape: Sequence[int],
    window_shape: WindowShape | None = None,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    pool: Callable[..., Any] | None = None,
    dtype: DTypeLike = "float32",
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    **arguments: Any,
) -> Any:
    """The output shape of a pool on inputs of shape `input_shape`; nothing is computed. Strides default to 1.

    Along a spatial axis of `size` elements with `low` and `high` padding and an effective window of
    `extent = (window - 1) * dilation + 1`, the output has `(size + low + high - extent) // stride + 1` elements.
    In ceil mode the division rounds up, unless the last window would start beyond the input and its low padding.

    That is the shape of maxima, averages and most other windowed pools. Ask for that of any pool with `pool` and its
    arguments.

    Args:
      input_shape: the shape of the inputs; sizes may be symbolic, as in `jax.export`.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis: as in `jaxpool.max_pool`.
      pool: None, or what pools: a function of the package or one of your own, or a module. It gets all other arguments
        that are not the defaults.
      dtype: of the inputs of `pool`.
      arguments: further arguments of `pool` by name. An array may be a `jax.ShapeDtypeStruct`.

    Returns:
      The shape. If `pool` returns several arrays, their shapes in the same order or structure.

    Raises:
      TypeError, ValueError: as in `jaxpool.max_pool`, or as `pool` raises them.

    Example:
      >>> import jaxpool
      >>> jaxpool.output_shape((8, 112, 112, 64), (3, 3), 2, 1)
      (8, 56, 56, 64)
      >>> jaxpool.output_shape((8, 111, 111, 64), (2, 2), 2, ceil_mode=True)
      (8, 56, 56, 64)
      >>> jaxpool.output_shape((8, 31, 31, 64), pool=jaxpool.adaptive_avg_pool, output_size=(7, None))
      (8, 7, 31, 64)
      >>> jaxpool.output_shape((8, 56, 56, 64), (2, 2), 2, pool=jaxpool.avg_unpool)
      (8, 112, 112, 64)
    """
    shape = shape_of(input_shape)
    window = (window_shape, strides, padding, window_dilation, ceil_mode, channel_axis)
    if pool is not None:
        check_pool(pool)
        given = zip(_WINDOW, window, (None, None, "VALID", 1, False, -1), strict=True)
        # A default of another type, as an array, is none.
        changed = {
            name: value for name, value, default in given if type(value) is not type(default) or value != default
        }
        return _shapes(pool, jax.ShapeDtypeStruct(shape, known_dtype(dtype)), changed | arguments)
    if arguments:
        parameters = dict(inspect.signature(output_shape).parameters)
        del parameters["arguments"]
        unknown = misfit("output_shape", parameters, (input_shape,), arguments)
        assert unknown is not None
        raise unknown
    asked: Any = window
    found = pooling_window(
        shape, *WindowArguments(*asked), padding_is_empty=False, symbolic=True, argument="input_shape"
    )
    return found.output_shape(shape)


_WINDOW = ("window_shape", "strides", "padding", "window_dilation", "ceil_mode", "channel_axis")


def _shapes(pool: Callable[..., Any], inputs: jax.ShapeDtypeStruct, arguments: dict[str, Any]) -> Any:
    """The shapes of what a pool returns, in its structure."""
    shapes = {name: value for name, value in arguments.items() if isinstance(value, jax.ShapeDtypeStruct)}
    others = {name: value for name, value in arguments.items() if name not in shapes}
    results = jax.eval_shape(lambda x, arrays: pool(x, **others, **arrays), inputs, shapes)
    return jax.tree.map(lambda result: result.shape, results)


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
