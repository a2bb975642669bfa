"""Average and sum pooling."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import Window, WindowArguments, check_divisor, check_flag, check_rounding_mode, digit_bits
from jaxpool._geometry.calls import explained
from jaxpool._operators import window_sum
from jaxpool._pools.divisors import divide, divisor_of
from jaxpool._pools.dtypes import mean_dtypes, sum_dtypes
from jaxpool._pools.inputs import array_and_window, mask_of
from jaxpool._pools.padding import padded
from jaxpool._pools.rounding import rounded_mean
from jaxpool._pools.shards import over_shards
from jaxpool.typing import AxisNames, Implementation, Ints, Padding, PaddingMode, RoundingMode, WindowShape


def _wide_sum(x: Array, window: Window, implementation: Implementation | None, dtype: jnp.dtype) -> Array:
    # Floats are widened inside, where a lowering may choose how.
    x = x if jnp.issubdtype(x.dtype, jnp.inexact) else x.astype(dtype)
    return window_sum(x, window, implementation, dtype)


@functools.partial(
    jax.jit,
    static_argnames=(
        *("window", "count_include_pad", "divisor_override", "padding_mode", "implementation", "rounding_mode"),
    ),
    inline=True,
)
@over_shards
def average_of(
    inputs: Array,
    mask: Array | None,
    window: Window,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
    padding_mode: PaddingMode | None = None,
    implementation: Implementation | None = None,
    rounding_mode: RoundingMode | None = None,
) -> Array:
    """The mean of every window."""
    whole = window if padding_mode is None else window.on_padded_input()
    x, mask, window = padded(inputs, mask, window, padding_mode, beyond="zero")
    return means_of(x, mask, window, whole, count_include_pad, divisor_override, implementation, rounding_mode)


def means_of(
    x: Array,
    mask: Array | None,
    window: Window,
    whole: Window,
    count_include_pad: bool,
    divisor_override: int | None = None,
    implementation: Implementation | None = None,
    rounding_mode: RoundingMode | None = None,
) -> Array:
    """The means of inputs that are padded; the windows are those of `divisor_of`."""
    dtype, result_dtype = mean_dtypes(x.dtype)
    x = x if mask is None else jnp.where(mask, x, jnp.zeros((), x.dtype))
    real = jnp.finfo(dtype).dtype
    divisor = divisor_override
    if divisor is None:
        divisor = divisor_of(mask, window, whole, count_include_pad, real, x.ndim)
    if rounding_mode is not None:
        sums = functools.partial(window_sum, window=window, implementation=implementation)
        return rounded_mean(x, sums, divisor, window.taps, rounding_mode)
    total = _wide_sum(x, window, implementation, dtype)
    if not isinstance(divisor, int):
        divisor = divisor.astype(dtype)
    return divide(total, divisor).astype(result_dtype)


@functools.partial(jax.jit, static_argnames=("window", "padding_mode", "implementation"), inline=True)
@over_shards
def sum_of(
    inputs: Array,
    mask: Array | None,
    window: Window,
    padding_mode: PaddingMode | None = None,
    implementation: Implementation | None = None,
) -> Array:
    """The sum of every window."""
    x, mask, window = padded(inputs, mask, window, padding_mode, beyond="zero")
    dtype, result_dtype = sum_dtypes(x.dtype)
    x = x if mask is None else jnp.where(mask, x, jnp.zeros((), x.dtype))
    return _wide_sum(x, window, implementation, dtype).astype(result_dtype)


@explained
def avg_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    count_include_pad: bool = True,
    *,
    divisor_override: int | None = None,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    rounding_mode: RoundingMode | None = None,
    where: ArrayLike | None = None,
    implementation: Implementation | None = None,
) -> Array:
    """Average pooling: the mean of every window. Strides default to 1, not to the window.

    Each feature map becomes one smaller, smoother map of local means.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any numeric dtype.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names,
        implementation: as in `jaxpool.max_pool`.
      count_include_pad: whether padding counts in the divisor, as in Flax and PyTorch. Keras and TensorFlow do not
        count it. What ceil mode adds beyond the padding never counts.
      divisor_override: an integer to divide every sum by, in place of a count.
      rounding_mode: None, or how means of integers become integers of the same dtype, as quantised networks need them:
        "half_even" (halves to the even neighbour, as PyTorch's quantised kernels and XNNPACK), "half_away" (halves away
        from 0, as TFLite and CMSIS-NN), "floor" or "trunc" (towards 0). Sums are exact. Only the mean is rounded.
      where: as in `jaxpool.max_pool`. Elements left out count neither in the sum nor in the divisor. A window without
        any valid element returns 0. Padding counts as `count_include_pad` says.

    Returns:
      The means, with the sizes of `jaxpool.output_shape` along the spatial axes. Floats and complex numbers keep their
      dtype, and f16, bf16 and fp8 are summed in f32; integers and booleans have the dtype of `jnp.mean`. With
      a `rounding_mode` integers keep their dtype, and means that do not fit into it, because of a `divisor_override`,
      saturate.

    Raises:
      TypeError: an argument of the wrong kind, or a `rounding_mode` for inputs that are no integers.
      ValueError: a window that does not fit, with `count_include_pad=False` one that lies wholly in padding, or with a
        `rounding_mode` one of 2**23 elements or more.
      NotImplementedError: `implementation` cannot run this window.

    Derivatives: both modes, any order. The pool is linear: reverse mode keeps nothing but divisors, and those only if
    windows have different ones.

    XLA multiplies by the reciprocal of a constant divisor, as it does in `jnp.mean`. So the mean of equal elements may
    differ from them in the last bit: that of 121 ones is 0.99999994.

    Source: Y. LeCun et al., "Gradient-based learning applied to document recognition", Proc. IEEE 1998 (subsampling).

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([[1., 3., 2., 4.], [5., 7., 1., 1.], [0., 2., 9., 1.], [4., 2., 3., 7.]])
      >>> jaxpool.avg_pool(x, (2, 2), 2, channel_axis=None)
      Array([[4., 2.],
             [2., 5.]], dtype=float32)
      >>> jaxpool.avg_pool(jnp.array([1, 2, 3, 5], jnp.int8), (2,), channel_axis=None, rounding_mode="half_even")
      Array([2, 2, 4], dtype=int8)
    """
    check_flag("count_include_pad", count_include_pad)
    divisor_override = check_divisor(divisor_override)
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    x, window = array_and_window(
        inputs,
        arguments,
        implementation,
        "window_sum",
        padding_is_empty=not count_include_pad and divisor_override is None,
    )
    if rounding_mode is not None:
        check_rounding_mode(rounding_mode, str(x.dtype))
        digit_bits(rounding_mode, jnp.iinfo(x.dtype).bits, window.taps, divisor_override)
    mask = mask_of(where, x)
    include = bool(count_include_pad)
    return average_of(x, mask, window, include, divisor_override, padding_mode, implementation, rounding_mode)


@explained
def sum_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
    implementation: Implementation | None = None,
) -> Array:
    """Sum pooling: the sum of every window. Strides default to 1, not to the window.

    Arguments and errors are those of `jaxpool.max_pool`, but a window may lie wholly in padding. Its sum is 0, and so
    is that of a window without any valid element of `where`.

    Returns:
      The sums. Floats and complex numbers keep their dtype, and f16, bf16 and fp8 are summed in f32; integers and
      booleans are widened as `jnp.sum` does, to 32 bits at least.

    Derivatives: both modes, any order. The pool is linear, so reverse mode keeps nothing.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([[1., 3., 2., 4.], [5., 7., 1., 1.], [0., 2., 9., 1.], [4., 2., 3., 7.]])
      >>> jaxpool.sum_pool(x, (2, 2), 2, channel_axis=None)
      Array([[16.,  8.],
             [ 8., 20.]], dtype=float32)
    """
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    x, window = array_and_window(inputs, arguments, implementation, "window_sum", padding_is_empty=False)
    return sum_of(x, mask_of(where, x), window, padding_mode, implementation)
