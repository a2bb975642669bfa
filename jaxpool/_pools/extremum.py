"""Max and min pooling, with and without the place of the extremum."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import Ints, Padding, Window, check_option, check_plane_size
from jaxpool._operators import window_argextremum, window_extremum
from jaxpool._pools.inputs import array_and_window


@functools.partial(jax.jit, static_argnames=("window", "kind", "implementation", "residual"), inline=True)
def extremum_of(
    inputs: Array, window: Window, kind: str, implementation: str | None = None, residual: str | None = None
) -> Array:
    """The largest or smallest element of every window."""
    return window_extremum(inputs, window, kind, implementation, residual)


@functools.partial(jax.jit, static_argnames=("window", "kind", "implementation"), inline=True)
def _argextremum_of(inputs: Array, window: Window, kind: str, implementation: str | None) -> tuple[Array, Array]:
    values, offsets = window_argextremum(inputs, window, kind, implementation)
    return values, plane_indices(offsets, window)


def plane_indices(offsets: Array, window: Window) -> Array:
    """From offsets in the window to row-major positions in the unpadded spatial plane, int32."""
    offsets = offsets.astype(jnp.int32)
    indices = jnp.zeros(offsets.shape, jnp.int32)
    for part, stride in zip(window.parts, window.offset_strides, strict=True):
        tap, offsets = offsets // stride, offsets % stride
        output = lax.broadcasted_iota(jnp.int32, offsets.shape, part.axis)
        indices = indices * part.size + output * part.stride - part.low + tap * part.dilation
    return indices


def max_pool(
    inputs: ArrayLike,
    window_shape: Ints,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    residual: str | None = None,
    implementation: str | None = None,
) -> Array:
    """Max pooling: the largest element of every window. Strides default to 1 (PyTorch's and Keras's to the window).

    A window slides over the spatial axes from the top left; every feature map gives one smaller map in which only its
    most prominent values stay.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes, none included; any real
        dtype.
      window_shape: one size per spatial axis; its length tells how many spatial axes there are.
      strides: an int or one per spatial axis, in elements.
      padding: "VALID" (none), "SAME" (`ceil(size / stride)` outputs, an odd cell of padding at the end), "SAME_LOWER"
        (at the start), in any case of letters; an int, one int per spatial axis, or one `(low, high)` pair per spatial
        axis. Padding never wins, not even against -inf. Negative padding crops.
      window_dilation: distance of neighbouring elements of a window, an int or one per spatial axis.
      ceil_mode: whether, as in PyTorch, a last window counts that starts inside the input or its low padding and
        reaches beyond the high padding.
      channel_axis: the axis of the features, or None if there is none; the spatial axes are the last
        `len(window_shape)` others.
      residual: what is kept for derivatives: "offsets", one position in the window per output (one byte up to 256
        elements); "input", the inputs themselves, which a TPU scatters from natively; None for "input" where the
        default backend is a TPU and the window is not dilated, else "offsets". Both give the same gradient everywhere.
      implementation: None for the algorithm that suits the platform and the window, or the name of one:
        "reduce_window", "doubling", "padded", "padded_separable", "separable", "slices", "whole". Derivatives use it
        where they have it.

    Returns:
      The maxima, in the dtype of `inputs`, with the sizes of `jaxpool.output_shape` along the spatial axes. A window
      with a NaN gives NaN.

    Raises:
      TypeError: an argument of the wrong kind, complex inputs included.
      ValueError: a window that does not fit, or one that lies wholly in padding.
      NotImplementedError: `implementation` cannot run this window.

    Derivatives: both modes, any order. The gradient of a window goes to its first maximum in row-major order, or to its
    first NaN; what reverse mode keeps is `residual`.

    Source: K. Yamaguchi et al., "A neural network for speaker-independent isolated word recognition", ICSLP 1990.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([[1., 3., 2., 4.], [5., 6., 1., 2.], [0., 2., 9., 1.], [4., 1., 3., 8.]])
      >>> jaxpool.max_pool(x, (2, 2), 2, channel_axis=None)
      Array([[6., 4.],
             [4., 9.]], dtype=float32)
    """
    x, window = array_and_window(
        "max_pool",
        inputs,
        window_shape,
        strides,
        padding,
        window_dilation,
        ceil_mode,
        channel_axis,
        implementation,
        operator="window_extremum",
        ordered=True,
    )
    check_option("max_pool", "residual", residual, (None, "offsets", "input"), "what derivatives keep")
    return extremum_of(x, window, "max", implementation, residual)


def min_pool(
    inputs: ArrayLike,
    window_shape: Ints,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    residual: str | None = None,
    implementation: str | None = None,
) -> Array:
    """Min pooling: the smallest element of every window. Strides default to 1 (PyTorch's and Keras's to the window).

    Arguments, results, errors and derivatives are those of `jaxpool.max_pool`, with the smallest in place of the
    largest: padding never wins, the first minimum takes the gradient, NaN propagates.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([[1., 3., 2., 4.], [5., 6., 1., 2.], [0., 2., 9., 1.], [4., 1., 3., 8.]])
      >>> jaxpool.min_pool(x, (2, 2), 2, channel_axis=None)
      Array([[1., 1.],
             [0., 1.]], dtype=float32)
    """
    x, window = array_and_window(
        "min_pool",
        inputs,
        window_shape,
        strides,
        padding,
        window_dilation,
        ceil_mode,
        channel_axis,
        implementation,
        operator="window_extremum",
        ordered=True,
    )
    check_option("min_pool", "residual", residual, (None, "offsets", "input"), "what derivatives keep")
    return extremum_of(x, window, "min", implementation, residual)


def max_pool_with_argmax(
    inputs: ArrayLike,
    window_shape: Ints,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    implementation: str | None = None,
) -> tuple[Array, Array]:
    """Max pooling that also tells where each maximum is. Strides default to 1 (PyTorch's and Keras's to the window).

    Arguments, errors and derivatives are those of `jaxpool.max_pool`; the indices have no derivative.

    Returns:
      The maxima, and an int32 array of the same shape: the place of the first maximum (or the first NaN) as a row-major
      index into the unpadded spatial plane, PyTorch's convention. It is always a real element, never padding.

    Raises:
      ValueError: also for a plane of more than 2**31 - 1 elements, which int32 cannot index.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([[1., 3., 2., 4.], [5., 6., 1., 2.], [0., 2., 9., 1.], [4., 1., 3., 8.]])
      >>> values, indices = jaxpool.max_pool_with_argmax(x, (2, 2), 2, channel_axis=None)
      >>> indices
      Array([[ 5,  3],
             [12, 10]], dtype=int32)
    """
    x, window = array_and_window(
        "max_pool_with_argmax",
        inputs,
        window_shape,
        strides,
        padding,
        window_dilation,
        ceil_mode,
        channel_axis,
        implementation,
        operator="window_argextremum",
        ordered=True,
    )
    check_plane_size("max_pool_with_argmax", window)
    return _argextremum_of(x, window, "max", implementation)


def min_pool_with_argmax(
    inputs: ArrayLike,
    window_shape: Ints,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    implementation: str | None = None,
) -> tuple[Array, Array]:
    """Min pooling that also tells where each minimum is. Strides default to 1 (PyTorch's and Keras's to the window).

    As `jaxpool.max_pool_with_argmax`, with the first minimum in place of the first maximum. The name keeps to the
    field's word for "the place of the extremum".

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([[1., 3., 2., 4.], [5., 6., 1., 2.], [0., 2., 9., 1.], [4., 1., 3., 8.]])
      >>> values, indices = jaxpool.min_pool_with_argmax(x, (2, 2), 2, channel_axis=None)
      >>> indices
      Array([[ 0,  6],
             [ 8, 11]], dtype=int32)
    """
    x, window = array_and_window(
        "min_pool_with_argmax",
        inputs,
        window_shape,
        strides,
        padding,
        window_dilation,
        ceil_mode,
        channel_axis,
        implementation,
        operator="window_argextremum",
        ordered=True,
    )
    check_plane_size("min_pool_with_argmax", window)
    return _argextremum_of(x, window, "min", implementation)
