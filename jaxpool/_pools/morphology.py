"""Morphology of grey and binary images: dilation, erosion and what is made of them."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import Element, check_heights, structuring_element
from jaxpool._geometry.calls import explained
from jaxpool._operators import element_extremum, extreme
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.extremum import extremum_of
from jaxpool._pools.inputs import as_array, mask_of
from jaxpool._pools.shards import with_whole_planes
from jaxpool.typing import WindowShape


@functools.partial(jax.jit, static_argnames=("element", "kind", "channel"), inline=True)
def extremum_under(
    inputs: Array,
    element: Element,
    kind: str,
    mask: Array | None = None,
    offsets: Array | None = None,
    channel: int | None = None,
) -> Array:
    """The extremum under a structuring element; with a `channel` each of its features has offsets of its own."""
    window, places = element
    if places is None:
        return extremum_of(inputs, mask, window, kind)
    inputs = with_whole_planes(inputs, window.axes)
    dilates = kind == "max"
    # A dilation reads the element backwards, which the order of the window's places is not.
    last = [part.taps - 1 for part in window.parts]
    taps = [tuple(end - i for end, i in zip(last, place, strict=True)) if dilates else place for place in places]
    pairs = sorted(zip(taps, places, strict=True))
    x, heights, result_dtype = inputs, None, inputs.dtype
    if offsets is not None:
        dtype, result_dtype = mean_dtypes(inputs.dtype)
        x = inputs.astype(dtype)
        shape = [1] * x.ndim
        if channel is not None:
            shape[channel] = x.shape[channel]
        signed = offsets.astype(dtype) if dilates else -offsets.astype(dtype)
        heights = [signed[place].reshape(shape) for _, place in pairs]
    x = x if mask is None else jnp.where(mask, x, extreme(x.dtype, kind))
    return element_extremum(x, [tap for tap, _ in pairs], heights, window, kind).astype(result_dtype)


def _run(
    kind: str, inputs: ArrayLike, window_shape: Any, footprint: Any, offsets: Any, channel_axis: Any, where: Any
) -> Array:
    x = as_array(inputs, ordered=True)
    element = structuring_element(x.shape, window_shape, footprint, channel_axis, offsets, reflected=kind == "max")
    sizes = tuple(part.taps for part in element.window.parts)
    apart = offsets is not None and check_heights(offsets, sizes, x.shape, channel_axis)
    heights = None if offsets is None else jnp.asarray(offsets)
    channel = channel_axis % x.ndim if apart else None
    return extremum_under(x, element, kind, mask_of(where, x), heights, channel)


def _difference(larger: Array, smaller: Array) -> Array:
    return larger & ~smaller if larger.dtype == jnp.bool_ else larger - smaller


@explained
def dilation(
    inputs: ArrayLike,
    window_shape: WindowShape | None = None,
    *,
    footprint: ArrayLike | None = None,
    offsets: ArrayLike | None = None,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Dilation: at every place the largest element under the mirrored structuring element. Bright parts grow.

    `max over y of inputs[place - y] + offsets[y]`, where `y` runs over the structuring element around its centre.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape: the sizes of a box as structuring element, one per spatial axis. Its centre is the element
        `size // 2`: an even box reaches one farther before it than after it.
      footprint: the places of the box that count, a boolean array of NumPy that has `window_shape` as its shape, which
        can then be left out. None for all.
      offsets: array of shape `window_shape`, or `(*window_shape, features)`: what is added at each place, 0 if None. It
        may be learned.
      channel_axis: as in `jaxpool.max_pool`.
      where: as in `jaxpool.max_pool`. Elements left out never win.

    Returns:
      Array of the shape of the inputs. Padding never wins; where the structuring element has nothing but padding, the
      result is the smallest value of the dtype. The dtype stays. With `offsets`, f16, bf16 and fp8 are computed in f32,
      and integers return f32.

    Raises:
      TypeError: an argument of the wrong kind, or neither `window_shape` nor `footprint`.
      ValueError: shapes that do not fit, or with a footprint or offsets more than 64 places.

    Derivatives: both modes, any order, with respect to inputs and offsets. The first of equal elements has the
    gradient. A box is `jaxpool.max_pool` with stride 1, as fast for large boxes. Otherwise the program has a step for
    each place, and reverse mode keeps one byte for each output.

    Source: J. Serra, "Image analysis and mathematical morphology", 1982; conventions are those of SciPy.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool import morphology
      >>> morphology.dilation(jnp.array([0., 0., 1., 0., 0.]), (3,), channel_axis=None)
      Array([0., 1., 1., 1., 0.], dtype=float32)
    """
    return _run("max", inputs, window_shape, footprint, offsets, channel_axis, where)


@explained
def erosion(
    inputs: ArrayLike,
    window_shape: WindowShape | None = None,
    *,
    footprint: ArrayLike | None = None,
    offsets: ArrayLike | None = None,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Erosion: at every place the smallest element under the structuring element. Bright parts shrink.

    `min over y of inputs[place + y] - offsets[y]`; otherwise as `jaxpool.morphology.dilation`, with the largest value
    of the dtype where the structuring element has nothing but padding.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool import morphology
      >>> morphology.erosion(jnp.array([0., 1., 1., 1., 0.]), (3,), channel_axis=None)
      Array([0., 0., 1., 0., 0.], dtype=float32)
    """
    return _run("min", inputs, window_shape, footprint, offsets, channel_axis, where)


@explained
def opening(
    inputs: ArrayLike,
    window_shape: WindowShape | None = None,
    *,
    footprint: ArrayLike | None = None,
    offsets: ArrayLike | None = None,
    channel_axis: int | None = -1,
) -> Array:
    """Opening: an erosion, then a dilation. Bright parts in which the structuring element has no room vanish.

    Arguments, errors and derivatives are those of `jaxpool.morphology.dilation`. The result is nowhere above the
    inputs, and opening it again changes nothing.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool import morphology
      >>> morphology.opening(jnp.array([0., 1., 0., 1., 1., 1., 0.]), (3,), channel_axis=None)
      Array([0., 0., 0., 1., 1., 1., 0.], dtype=float32)
    """
    eroded = _run("min", inputs, window_shape, footprint, offsets, channel_axis, None)
    return _run("max", eroded, window_shape, footprint, offsets, channel_axis, None)


@explained
def closing(
    inputs: ArrayLike,
    window_shape: WindowShape | None = None,
    *,
    footprint: ArrayLike | None = None,
    offsets: ArrayLike | None = None,
    channel_axis: int | None = -1,
) -> Array:
    """Closing: a dilation, then an erosion. Dark parts in which the structuring element has no room vanish.

    Arguments, errors and derivatives are those of `jaxpool.morphology.dilation`. The result is nowhere below the
    inputs, and closing it again changes nothing.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool import morphology
      >>> morphology.closing(jnp.array([1., 1., 0., 1., 1.]), (3,), channel_axis=None)
      Array([1., 1., 1., 1., 1.], dtype=float32)
    """
    dilated = _run("max", inputs, window_shape, footprint, offsets, channel_axis, None)
    return _run("min", dilated, window_shape, footprint, offsets, channel_axis, None)


@explained
def morphological_gradient(
    inputs: ArrayLike,
    window_shape: WindowShape | None = None,
    *,
    footprint: ArrayLike | None = None,
    offsets: ArrayLike | None = None,
    channel_axis: int | None = -1,
) -> Array:
    """The dilation less the erosion: edges.

    Arguments, errors and derivatives are those of `jaxpool.morphology.dilation`. Integers keep their dtype, in which a
    difference may wrap around; of booleans the result tells where the dilation is True and the erosion is not.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool import morphology
      >>> morphology.morphological_gradient(jnp.array([0., 0., 0., 5., 5., 5.]), (3,), channel_axis=None)
      Array([0., 0., 5., 5., 0., 0.], dtype=float32)
    """
    dilated = _run("max", inputs, window_shape, footprint, offsets, channel_axis, None)
    return _difference(dilated, _run("min", inputs, window_shape, footprint, offsets, channel_axis, None))


@explained
def top_hat(
    inputs: ArrayLike,
    window_shape: WindowShape | None = None,
    *,
    footprint: ArrayLike | None = None,
    offsets: ArrayLike | None = None,
    channel_axis: int | None = -1,
) -> Array:
    """The inputs less their opening: bright parts in which the structuring element has no room.

    Arguments, errors and derivatives are those of `jaxpool.morphology.dilation`, differences those of
    `jaxpool.morphology.morphological_gradient`. SciPy calls it `white_tophat`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool import morphology
      >>> morphology.top_hat(jnp.array([0., 1., 0., 1., 1., 1., 0.]), (3,), channel_axis=None)
      Array([0., 1., 0., 0., 0., 0., 0.], dtype=float32)
    """
    eroded = _run("min", inputs, window_shape, footprint, offsets, channel_axis, None)
    opened = _run("max", eroded, window_shape, footprint, offsets, channel_axis, None)
    return _difference(jnp.asarray(inputs).astype(opened.dtype), opened)


@explained
def black_hat(
    inputs: ArrayLike,
    window_shape: WindowShape | None = None,
    *,
    footprint: ArrayLike | None = None,
    offsets: ArrayLike | None = None,
    channel_axis: int | None = -1,
) -> Array:
    """The closing of the inputs less themselves: dark parts in which the structuring element has no room.

    Arguments, errors and derivatives are those of `jaxpool.morphology.dilation`, differences those of
    `jaxpool.morphology.morphological_gradient`. SciPy calls it `black_tophat`, kornia `bottom_hat`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool import morphology
      >>> morphology.black_hat(jnp.array([1., 1., 0., 1., 1.]), (3,), channel_axis=None)
      Array([0., 0., 1., 0., 0.], dtype=float32)
    """
    dilated = _run("max", inputs, window_shape, footprint, offsets, channel_axis, None)
    closed = _run("min", dilated, window_shape, footprint, offsets, channel_axis, None)
    return _difference(closed, jnp.asarray(inputs).astype(closed.dtype))
