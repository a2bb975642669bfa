"""Stochastic pooling: from every window an element that is drawn by its size."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import Window, WindowArguments, check_draw, check_flag, pooling_window
from jaxpool._geometry.calls import explained
from jaxpool._operators import gather_at_offsets, window_argextremum
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.inputs import as_array, mask_of
from jaxpool._pools.padding import padded
from jaxpool._pools.weighted import weighted_of
from jaxpool.typing import Ints, Padding, PaddingMode, WindowShape


@functools.partial(jax.jit, static_argnames=("shape", "dtype"))
def _noise(key: Array, shape: tuple[Any, ...], dtype: Any) -> Array:
    """A program of its own: transformations of the inputs, such as Taylor mode, have no rules for random numbers."""
    return jax.random.gumbel(key, shape, dtype)


@functools.partial(jax.jit, static_argnames=("window", "padding_mode"), inline=True)
def _drawn(inputs: Array, noise: Array, mask: Array | None, window: Window, padding_mode: str | None) -> Array:
    x, mask, window = padded(inputs, mask, window, padding_mode)
    wide, result_dtype = mean_dtypes(inputs.dtype)
    x = x.astype(wide)
    # The largest of log(a) + g, with noise g of a Gumbel distribution, is each element with probability a / sum(a).
    size = lax.stop_gradient(x)
    left_out = size <= 0 if mask is None else (size <= 0) | ~mask
    scores = jnp.where(left_out, -jnp.inf, jnp.log(jnp.where(left_out, 1, size)) + noise)
    best, offsets = window_argextremum(scores, window.normal, "max")
    drawn = gather_at_offsets(x, offsets, window.normal, consistent=True)
    return jnp.where(best == -jnp.inf, 0, drawn).astype(result_dtype)


@functools.partial(jax.jit, static_argnames=("window", "padding_mode"), inline=True)
def _expected(inputs: Array, mask: Array | None, window: Window, padding_mode: str | None) -> Array:
    weights = jnp.where(inputs <= 0, jnp.zeros((), inputs.dtype), inputs)
    return weighted_of(inputs, weights, mask, window, padding_mode)


@explained
def stochastic_pool(
    inputs: ArrayLike,
    key: Array | None,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    deterministic: bool = False,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Stochastic pooling: from every window an element drawn in proportion to its size. Strides default to 1.

    It regularises a network while it trains. For inference `deterministic=True` gives the mean over all draws,
    `sum(a * a) / sum(a)`, where `a` are the elements.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype. They should
        not be negative, as after a ReLU: negative elements have the probability 0.
      key: a typed key (`jax.random.key`), or None with `deterministic=True`. The same key gives the same draws.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode: as in `jaxpool.max_pool`.
        Padding is never drawn.
      deterministic: whether to return means and not draws.
      where: as in `jaxpool.max_pool`. Elements left out are never drawn.

    Returns:
      The elements, with the sizes of `jaxpool.output_shape` along the spatial axes, in the dtype of float inputs;
      integers give f32. A window without any positive element returns 0, a window with a NaN returns NaN. Windows that
      overlap share the random number of a common element: each is right by itself, but they are not independent.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit, or no key to draw with.

    Derivatives: both modes, any order. The gradient goes to the element that is drawn. With `deterministic=True` they
    are those of the mean.

    Source: M. Zeiler, R. Fergus, "Stochastic pooling for regularization of deep convolutional neural networks", ICLR
    2013; E. Gumbel, "Statistical theory of extreme values", 1954, for the way to draw.

    Example:
      >>> import jax, jax.numpy as jnp, jaxpool
      >>> x = jnp.array([0., 2., 0., 0., 1., 3.])
      >>> jaxpool.stochastic_pool(x, jax.random.key(0), (2,), 2, channel_axis=None)[:2]
      Array([2., 0.], dtype=float32)
      >>> jaxpool.stochastic_pool(x, None, (2,), 2, deterministic=True, channel_axis=None)
      Array([2. , 0. , 2.5], dtype=float32)
    """
    check_flag("deterministic", deterministic)
    check_draw(key, bool(deterministic))
    x = as_array(inputs, ordered=True)
    arguments = WindowArguments(window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode)
    window = pooling_window(x.shape, *arguments, padding_is_empty=False)
    mask = mask_of(where, x)
    if deterministic or key is None:
        return _expected(x, mask, window, padding_mode)
    # What a mode pads with is drawn, too, each copy of an element by itself.
    shape = x.shape if padding_mode is None else window.on_padded_input().input_shape(x.shape)
    noise = _noise(key, shape, mean_dtypes(x.dtype)[0])
    return _drawn(x, noise, mask, window, padding_mode)
