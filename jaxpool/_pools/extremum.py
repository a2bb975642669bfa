"""Max and min pooling, with and without the place of the extremum."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import (
    AxisWindow,
    Ints,
    Padding,
    Window,
    check_offsets,
    check_option,
    index_dtype,
    refuse_symbolic_indices,
)
from jaxpool._geometry.calls import explained
from jaxpool._operators import extreme, window_argextremum, window_extremum, window_starts
from jaxpool._pools.inputs import along, array_and_window, mask_of, padded, x64

INDEX_CONVENTIONS = ("spatial", "window", "coordinates")


@functools.partial(
    jax.jit, static_argnames=("window", "kind", "padding_mode", "implementation", "residual"), inline=True
)
def extremum_of(
    inputs: Array,
    mask: Array | None,
    window: Window,
    kind: str,
    padding_mode: str | None = None,
    implementation: str | None = None,
    residual: str | None = None,
) -> Array:
    """The largest or smallest element of every window."""
    x, mask, window = padded(inputs, mask, window, padding_mode)
    x = x if mask is None else jnp.where(mask, x, extreme(x.dtype, kind))
    return window_extremum(x, window, kind, implementation, residual)


@functools.partial(
    jax.jit,
    static_argnames=("window", "kind", "padding_mode", "implementation", "convention", "dtype"),
    inline=True,
)
def _argextremum_of(
    inputs: Array,
    mask: Array | None,
    window: Window,
    kind: str,
    padding_mode: str | None,
    implementation: str | None,
    convention: str,
    dtype: str,
) -> tuple[Array, Array]:
    x, mask, inner = padded(inputs, mask, window, padding_mode)
    worst = extreme(x.dtype, kind)
    values, offsets = window_argextremum(x if mask is None else jnp.where(mask, x, worst), inner, kind, implementation)
    if mask is not None:
        # Among elements that are all worst, one that is left out may stand first.
        _, valid = window_argextremum(along(mask, inner).astype(jnp.uint8), inner, "max", implementation)
        offsets = jnp.where(values == worst, valid, offsets)
    if convention == "window":
        return values, _in_whole_window(offsets, inner)
    places = [
        _unpadded(place, part, padding_mode)
        for place, part in zip(coordinates(offsets, inner.normal, dtype), window.parts, strict=True)
    ]
    if convention == "coordinates":
        return values, jnp.stack(places, axis=-1)
    return values, plane_indices(places, window)


def _in_whole_window(offsets: Array, window: Window) -> Array:
    """From offsets in the normal form of a window to those in the window itself."""
    if window.normal is window:
        return offsets
    dtype = window.offset_dtype
    total = jnp.zeros(offsets.shape, dtype)
    taps = taps_of(offsets, window.normal, dtype)
    for tap, part, stride in zip(taps, window.parts, window.offset_strides, strict=True):
        total += (tap + jnp.asarray(part.first_tap, dtype)) * jnp.asarray(stride, dtype)
    return total


def taps_of(offsets: Array, window: Window, dtype: str) -> list[Array]:
    """From offsets in the window to taps along each of its axes."""
    offsets = offsets.astype(dtype)
    taps: list[Array] = []
    for stride in window.offset_strides:
        # No offset is negative, which `//` and `%` would allow for.
        taps.append(lax.div(offsets, jnp.dtype(dtype).type(stride)))
        offsets = offsets - taps[-1] * stride
    return taps


def coordinates(offsets: Array, window: Window, dtype: str) -> list[Array]:
    """From offsets in the window to positions along each spatial axis."""
    places: list[Array] = []
    for part, tap in zip(window.parts, taps_of(offsets, window, dtype), strict=True):
        starts = lax.broadcast_in_dim(window_starts(part, dtype), tap.shape, (part.axis,))
        places.append(starts + tap * part.dilation)
    return places


def plane_indices(places: Sequence[Array], window: Window) -> Array:
    """From positions along each spatial axis to row-major positions in the plane."""
    indices = jnp.zeros_like(places[0])
    for place, part in zip(places, window.parts, strict=True):
        indices = indices * part.size + place
    return indices


def _unpadded(place: Array, part: AxisWindow, mode: str | None) -> Array:
    """Where an element of the padded input comes from."""
    if mode is None:
        return place
    place = place - max(part.low, 0)
    match mode.lower():
        case "edge":
            return jnp.clip(place, 0, part.size - 1)
        case "wrap":
            return place % part.size
        case _:
            return part.size - 1 - jnp.abs(part.size - 1 - jnp.abs(place))


@explained
def max_pool(
    inputs: ArrayLike,
    window_shape: Ints,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: str | None = None,
    where: ArrayLike | None = None,
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
        `len(window_shape)` others. For channels first count from the end, -3 for images: 1 is another axis under
        `vmap` and where there is no batch.
      padding_mode: None for padding that holds nothing, or what it holds, as elements like any others: "EDGE" (the
        nearest element), "REFLECT" (the mirror image, without the border) or "WRAP" (the other end), as in `jnp.pad`,
        in any case of letters. Negative padding crops afterwards.
      where: array of booleans with as many axes as `inputs`, of the same size or of size 1, which broadcasts: the
        elements that count. A window without any gives the smallest value of the dtype (-inf), and no gradient;
        `jaxpool.max_pool(where, ...)` tells which have one. Where all valid elements are -inf themselves the gradient
        may be lost, too.
      residual: what is kept for derivatives: "offsets", one position in the window per output (one byte up to 256
        elements); "input", the inputs themselves, which a TPU scatters from natively; None for "input" where the
        default backend is a TPU and the window is not dilated, else "offsets". Both give the same gradient everywhere.
      implementation: None for the algorithm that suits the platform and the window, or the name of one:
        "reduce_window" (the native window of XLA), "joint" (all elements of a window at once), "separable" (one axis
        after another), "chain" (long windows as a few short ones). Derivatives use it where they have it.

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
        padding_mode,
        implementation,
        operator="window_extremum",
        ordered=True,
    )
    check_option("max_pool", "residual", residual, (None, "offsets", "input"), "what derivatives keep")
    mask = mask_of("max_pool", where, x)
    return extremum_of(x, mask, window, "max", padding_mode, implementation, residual)


@explained
def min_pool(
    inputs: ArrayLike,
    window_shape: Ints,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: str | None = None,
    where: ArrayLike | None = None,
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
        padding_mode,
        implementation,
        operator="window_extremum",
        ordered=True,
    )
    check_option("min_pool", "residual", residual, (None, "offsets", "input"), "what derivatives keep")
    mask = mask_of("min_pool", where, x)
    return extremum_of(x, mask, window, "min", padding_mode, implementation, residual)


def _place_dtype(function: str, shape: tuple[int, ...], window: Window, convention: str) -> str:
    """The dtype in which the convention tells places."""
    check_option(function, "index_convention", convention, INDEX_CONVENTIONS, "what the indices are")
    if convention == "window":
        check_offsets(function, window)
    # Offsets in the window have a dtype of their own.
    sizes = [] if convention == "window" else [part.size for part in window.parts]
    if window.symbolic and sizes:
        refuse_symbolic_indices(function, shape, convention)
    return index_dtype(function, "inputs.shape", [max(sizes)] if convention == "coordinates" else sizes, x64(), shape)


@explained
def max_pool_with_argmax(
    inputs: ArrayLike,
    window_shape: Ints,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: str | None = None,
    where: ArrayLike | None = None,
    index_convention: str = "spatial",
    implementation: str | None = None,
) -> tuple[Array, Array]:
    """Max pooling that also tells where each maximum is. Strides default to 1 (PyTorch's and Keras's to the window).

    Arguments, errors and derivatives are those of `jaxpool.max_pool`; the indices have no derivative.

    Args:
      index_convention: "spatial", PyTorch's: a row-major index into the unpadded spatial plane; "window": a row-major
        position in the window, in the smallest unsigned type that fits; "coordinates": one position per spatial axis,
        on a new last axis. `jaxpool.indices_to_tf` and `jaxpool.indices_to_onnx` convert the first.

    Returns:
      The maxima, and where the first maximum (or the first NaN) of each window is: always a real element, never
      padding, nor one that `where` leaves out unless the window has no other. The dtype is int32; for planes of 2**31
      elements and more it is int64, which `jax_enable_x64` must allow.

    Raises:
      ValueError: also for a plane that int32 cannot index.

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
        padding_mode,
        implementation,
        operator="window_argextremum",
        ordered=True,
    )
    mask = mask_of("max_pool_with_argmax", where, x)
    dtype = _place_dtype("max_pool_with_argmax", x.shape, window, index_convention)
    return _argextremum_of(x, mask, window, "max", padding_mode, implementation, index_convention, dtype)


@explained
def min_pool_with_argmax(
    inputs: ArrayLike,
    window_shape: Ints,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: str | None = None,
    where: ArrayLike | None = None,
    index_convention: str = "spatial",
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
        padding_mode,
        implementation,
        operator="window_argextremum",
        ordered=True,
    )
    mask = mask_of("min_pool_with_argmax", where, x)
    dtype = _place_dtype("min_pool_with_argmax", x.shape, window, index_convention)
    return _argextremum_of(x, mask, window, "min", padding_mode, implementation, index_convention, dtype)
