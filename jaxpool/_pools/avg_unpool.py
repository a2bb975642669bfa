"""The inverse of average pooling."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import Window, WindowArguments, check_divisor, check_flag, check_implementation, unpooling_window
from jaxpool._geometry.calls import explained
from jaxpool._operators import IMPLEMENTATIONS, check_runs, window_spread
from jaxpool._pools.divisors import counts, divide
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.inputs import as_array
from jaxpool._pools.padding import without_halos
from jaxpool._pools.shards import over_shards
from jaxpool.typing import Implementation, Ints, Padding, WindowShape


@functools.partial(
    jax.jit, static_argnames=("window", "count_include_pad", "divisor_override", "implementation"), inline=True
)
@functools.partial(over_shards, sizes="output_shape")
def _spread_means(
    means: Array,
    window: Window,
    count_include_pad: bool,
    divisor_override: int | None,
    implementation: Implementation | None,
) -> Array:
    dtype, result_dtype = mean_dtypes(means.dtype)
    divisor = divisor_override
    if divisor is None:
        divisor = counts(window, count_include_pad, jnp.finfo(dtype).dtype, means.ndim)
    if not isinstance(divisor, int):
        divisor = divisor.astype(dtype)
    spread = window_spread(divide(means.astype(dtype), divisor), window.shard, implementation)
    return without_halos(spread, window).astype(result_dtype)


@explained
def avg_unpool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    count_include_pad: bool = True,
    *,
    output_shape: Sequence[int] | None = None,
    divisor_override: int | None = None,
    window_dilation: Ints = 1,
    channel_axis: int | None = -1,
    implementation: Implementation | None = None,
) -> Array:
    """Average unpooling: spread every mean evenly over the elements of its window. Strides default to 1.

    It is the adjoint of `jaxpool.avg_pool` with the same arguments on inputs of spatial sizes `output_shape`: for all x
    and y, `vdot(avg_pool(x), y) == vdot(x, avg_unpool(y))`. With `divisor_override=1` it is that of `jaxpool.sum_pool`.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, as average pooling returns it; any numeric dtype.
      window_shape, strides, padding, count_include_pad, divisor_override, window_dilation, channel_axis,
        implementation: those of the pooling.
      output_shape: as in `jaxpool.max_unpool`.

    Returns:
      Array with the sizes of the plane along the spatial axes; dtypes as in `jaxpool.avg_pool`.

    Raises:
      TypeError, ValueError: as in `jaxpool.avg_pool`; also an `output_shape` that does not pool to the inputs.

    Derivatives: both modes, any order. The function is linear.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.avg_unpool(jnp.array([4., 8.]), (2,), 2, channel_axis=None)
      Array([2., 2., 4., 4.], dtype=float32)
    """
    means = as_array(inputs, ordered=False)
    check_flag("count_include_pad", count_include_pad)
    divisor = check_divisor(divisor_override)
    check_implementation(implementation, IMPLEMENTATIONS)
    arguments = WindowArguments(window_shape, strides, padding, window_dilation, channel_axis=channel_axis)
    window = unpooling_window(
        means.shape, arguments, output_shape, padding_is_empty=not count_include_pad and divisor is None
    )
    check_runs("window_spread", window.normal, implementation)
    return _spread_means(means, window, bool(count_include_pad), divisor, implementation)
