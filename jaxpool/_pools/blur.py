"""Anti-aliased downsampling: means with binomial weights."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import AxisWindow, Window, WindowArguments, check_flag
from jaxpool._geometry.calls import explained
from jaxpool._operators import window_sum
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.inputs import as_array, mask_of
from jaxpool._pools.padding import along, of_shard, padded
from jaxpool._pools.shards import over_shards, window_of
from jaxpool.typing import AxisNames, Ints, Padding, PaddingMode, WindowShape


def _blurred(x: Array, window: Window) -> Array:
    """The sum of every window with binomial weights that add up to 1; padding counts as 0.

    A row of Pascal's triangle is pairs added up, again and again, so that all steps are sums of two elements.
    """
    for part in window.parts:
        pads = [(0, 0, 0)] * x.ndim
        pads[part.axis] = (part.low, part.high_overhang, 0)
        x = lax.pad(x, jnp.zeros((), x.dtype), pads)
        for step in range(max(part.taps - 1, 1)):
            last, taps = step >= part.taps - 2, min(part.taps, 2)
            size = x.shape[part.axis]
            outputs = part.outputs if last else size - part.dilation
            pair = AxisWindow(part.axis, size, taps, part.stride if last else 1, part.dilation, 0, 0, outputs)
            x = window_sum(x * jnp.asarray(1 / taps, x.dtype), Window((pair,)))
    return x


def _inside(window: Window, rank: int, dtype: Any, padding: bool) -> Array:
    """The sum of the weights of every window inside the inputs, or inside them and their padding."""
    total = jnp.ones((1,) * rank, dtype)
    for part in window.parts:
        low, high = (part.low, part.high) if padding else (0, 0)
        shape = [1] * rank
        shape[part.axis] = part.size + low + high
        # The same windows over what counts; the rest, such as what ceil mode adds, is 0.
        own = dataclasses.replace(part, size=shape[part.axis], low=part.low - low, high=part.high - high)
        own = dataclasses.replace(own, shards=None)
        total = total * of_shard(_blurred(jnp.ones(shape, dtype), Window((own,))), part)
    return total


@functools.partial(jax.jit, static_argnames=("window", "count_include_pad", "padding_mode"), inline=True)
@over_shards
def _blur(
    inputs: Array, mask: Array | None, window: Window, count_include_pad: bool, padding_mode: str | None
) -> Array:
    whole = window if padding_mode is None else window.on_padded_input()
    x, mask, window = padded(inputs, mask, window, padding_mode, beyond="zero")
    if padding_mode is None:
        window = Window(tuple(part.shard_with_all_taps for part in whole.parts))
    dtype, result_dtype = mean_dtypes(x.dtype)
    x = (x if mask is None else jnp.where(mask, x, 0)).astype(dtype)
    if mask is None and count_include_pad and all(part.high_overhang <= part.high for part in whole.parts):
        return _blurred(x, window).astype(result_dtype)
    weight = _inside(whole, x.ndim, dtype, count_include_pad)
    if mask is not None:
        own = _blurred(along(mask, window).astype(dtype), window)
        # Padding counts as it does without a mask.
        weight = own + (weight - _inside(whole, x.ndim, dtype, padding=False))
    empty = weight == 0
    return jnp.where(empty, 0, _blurred(x, window) / jnp.where(empty, 1, weight)).astype(result_dtype)


@explained
def blur_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    count_include_pad: bool = True,
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Blur pooling: the mean of every window with binomial weights, such as 1/4, 1/2, 1/4. Strides default to 1.

    It removes high frequencies before downsampling. The network then reacts less to shifts. Max blur pooling is
    `blur_pool(max_pool(x, (2, 2)), (4, 4), 2, ...)`: the maxima with stride 1, then the blur with the stride.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape: the size of the filter along each spatial axis. An even size shifts the result by half an element.
      strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names: as in
        `jaxpool.max_pool`. Zhang pads `(f - 1) // 2` before and `f // 2` after with `padding_mode="REFLECT"`, timm
        `(stride + f - 2) // 2` on both sides with `padding_mode="REFLECT"`, kornia `(f - 1) // 2` on both sides with
        zeros.
      count_include_pad: whether padding counts as zeros. If not, the weights of the elements inside add up to 1, and
        borders keep their brightness.
      where: as in `jaxpool.avg_pool`. A window without any valid element returns 0.

    Returns: The means, with the sizes of `jaxpool.output_shape` along the spatial axes, in the dtype of float inputs.
      f16, bf16 and fp8 are summed in f32, and integers return f32.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit, or with `count_include_pad=False` one that lies wholly in padding.

    Derivatives: both modes, any order. The pool is linear: reverse mode keeps nothing but divisors.

    Source: R. Zhang, "Making convolutional networks shift-invariant again", ICML 2019.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.blur_pool(jnp.array([0., 4., 0., 0.]), (3,), channel_axis=None)
      Array([2., 1.], dtype=float32)
    """
    check_flag("count_include_pad", count_include_pad)
    x = as_array(inputs, ordered=True)
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    window = window_of(x, arguments, padding_is_empty=not count_include_pad)
    return _blur(x, mask_of(where, x), window, bool(count_include_pad), padding_mode)
