"""What stands beyond the elements: padding, and on devices that share an axis the halo of each shard."""

from __future__ import annotations

import functools
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxpool._geometry import AxisWindow, Window
from jaxpool._pools.shards import with_whole_planes


def along(mask: Array, window: Window) -> Array:
    """The mask with the inputs' sizes along the window's axes, so that windows can be taken of it."""
    return jnp.broadcast_to(mask, window.input_shape(mask.shape))


def padded(
    x: Array,
    mask: Array | None,
    window: Window,
    mode: str | None,
    *,
    beyond: Literal["zero", "nearest"] | None = None,
) -> tuple[Array, Array | None, Window]:
    """Inputs, mask and window after the padding that a mode asks for has been done; unchanged without one.

    Where devices share an axis, they hold the halos of their shards, and the windows are those of a shard. At the outer
    ends there is no neighbour. What stands there is left out by the mask, which is made if there is none, or nothing
    needs to be left out: if `beyond` is "zero", it is 0, and if it is "nearest", it may be the nearest element, which
    is in every window that reaches it.

    Axes that explicit sharding splits are gathered first, unless `over_shards` has made shards of them.
    """
    if window.sharded:
        return _with_halos(x, mask, window, mode, beyond)
    x = with_whole_planes(x, window.axes)
    mask = None if mask is None else with_whole_planes(mask, window.axes)
    if mode is None:
        return x, mask, window
    # A mask of full size, as its padding is that of the inputs.
    mask = None if mask is None else pad_array(along(mask, window), window, mode)
    return pad_array(x, window, mode), mask, window.on_padded_input()


def pad_array(x: Array, window: Window, mode: str) -> Array:
    """The inputs with the window's padding around them, as `jnp.pad` makes it; what crops is left to the window."""
    for part in window.parts:
        x = _pad_axis(x, part, mode)
    return x


def _pad_axis(x: Array, part: AxisWindow, mode: str) -> Array:
    low, high = max(part.low, 0), max(part.high, 0)
    before, after = _beside(x, part.axis, low, high, mode.lower())
    pieces = [piece for piece, size in ((before, low), (x, 1), (after, high)) if size]
    return lax.concatenate(pieces, part.axis) if len(pieces) > 1 else x


def _beside(x: Array, axis: int, low: int, high: int, mode: str) -> tuple[Array, Array]:
    """What stands before and after along one axis."""
    size = x.shape[axis]

    def cut(start: int, stop: int) -> Array:
        return lax.slice_in_dim(x, start, stop, axis=axis)

    def repeat(piece: Array, times: int) -> Array:
        return jnp.broadcast_to(piece, (*x.shape[:axis], times, *x.shape[axis + 1 :]))

    if mode in ("edge", "replicate"):
        return repeat(cut(0, 1), low), repeat(cut(size - 1, size), high)
    if mode in ("wrap", "circular"):
        return cut(size - low, size), cut(0, high)
    return lax.rev(cut(1, low + 1), (axis,)), lax.rev(cut(size - 1 - high, size - 1), (axis,))


def _with_halos(
    x: Array, mask: Array | None, window: Window, mode: str | None, beyond: str | None
) -> tuple[Array, Array | None, Window]:
    real: list[Array] = []
    # Those of shards first: what is padded otherwise need not be sent.
    for part in sorted(window.parts, key=lambda part: part.shards is None):
        if part.shards is None:
            x = x if mode is None else _pad_axis(x, part, mode)
            mask = mask if mask is None or mode is None or mask.shape[part.axis] == 1 else _pad_axis(mask, part, mode)
            continue
        size = x.shape[part.axis]
        # An axis along which the mask is the same needs none of its own. Of a shard of one element it may be either.
        wide = mask is not None and mask.shape[part.axis] == size
        nearest = mode is None and beyond == "nearest"
        bring = _with_nearest if nearest else functools.partial(with_halo, mode=mode)
        x = bring(x, part)
        mask = bring(mask, part) if wide and mask is not None else mask
        filled = nearest or (mode is not None and part.high_overhang <= max(part.high, 0))
        if filled or not any(part.halo) or (mode is None and (wide or (mask is None and beyond == "zero"))):
            # Without a mode zeros stand beyond the ends, and False in a mask that has halos.
            continue
        inside = _inside(part, size, mode is not None, x.ndim)
        if mask is None and beyond == "zero":
            # Ceil mode reaches beyond the padding that the mode fills.
            x = jnp.where(inside, x, jnp.zeros((), x.dtype))
        else:
            real.append(inside)
    if real:
        mask = functools.reduce(jnp.logical_and, real if mask is None else [mask, *real])
    inner = window.shard
    if mode is not None:
        parts = zip(window.parts, inner.parts, window.on_padded_input().parts, strict=True)
        inner = Window(tuple(padded if part.shards is None else own for part, own, padded in parts))
    return x, mask, inner


def _with_nearest(x: Array, part: AxisWindow) -> Array:
    """A shard with its halo; beyond an end, the nearest element that is in all windows which reach there."""
    assert part.shards is not None
    count, size, axis, step = part.shards.count, x.shape[part.axis], part.axis, part.dilation
    if step == 1 and max(part.halo) < size:
        return with_halo(x, part, "edge")
    x = with_halo(x, part, None)
    length, place = x.shape[axis], lax.axis_index(part.shards.names)
    for hops in range(count):
        # How many elements are beyond the ends, of the device that is so many hops from them.
        low, high = (max(halo - hops * size, 0) for halo in part.halo)
        if low:
            own = lax.slice_in_dim(x, low, length, axis=axis)
            x = jnp.where(place == hops, lax.concatenate([_repeated(own, axis, step, low), own], axis), x)
        if high:
            own = lax.rev(lax.slice_in_dim(x, 0, length - high, axis=axis), (axis,))
            beyond = lax.concatenate([_repeated(own, axis, step, high), own], axis)
            x = jnp.where(place == count - 1 - hops, lax.rev(beyond, (axis,)), x)
    return x


def _repeated(x: Array, axis: int, step: int, number: int) -> Array:
    """So many elements to stand before `x`, each that which is a multiple of `step` after it."""
    block = lax.slice_in_dim(x, 0, min(step, x.shape[axis]), axis=axis)
    # No window reaches places for which there is no such element.
    widths = [(0, 0, 0)] * x.ndim
    widths[axis] = (0, step - block.shape[axis], 0)
    blocks = [lax.pad(block, jnp.zeros((), x.dtype), widths)] * -(-number // step)
    tiled = lax.concatenate(blocks, axis)
    return lax.slice_in_dim(tiled, tiled.shape[axis] - number, tiled.shape[axis], axis=axis)


def _inside(part: AxisWindow, size: int, with_padding: bool, rank: int) -> Array:
    """Which elements of a shard and its halo are elements of the whole, or of its padding."""
    before, after = part.halo
    low, high = (max(part.low, 0), max(part.high, 0)) if with_padding else (0, 0)
    shape = [1] * rank
    shape[part.axis] = before + size + after
    places = lax.broadcasted_iota(jnp.int32, shape, part.axis) + first_held(part, "int32")
    return (places >= -low) & (places < part.size + high)


def first_held(part: AxisWindow, dtype: str) -> Array | int:
    """Where in the whole axis the first element is that this device holds, the halo included."""
    if part.shards is None:
        return 0
    return lax.axis_index(part.shards.names).astype(dtype) * (part.size // part.shards.count) - part.halo[0]


def of_shard(numbers: Array, part: AxisWindow) -> Array:
    """Of one number for every window along an axis, those of this device's shard."""
    if part.shards is None:
        return numbers
    outputs = part.outputs // part.shards.count
    return lax.dynamic_slice_in_dim(numbers, lax.axis_index(part.shards.names) * outputs, outputs, part.axis)


def with_halo(x: Array, part: AxisWindow, mode: str | None) -> Array:
    """A shard with its halo along one axis; at the outer ends 0, or what the mode says."""
    assert part.shards is not None
    return exchanged(x, part.shards.names, part.axis, *part.halo, None if mode is None else mode.lower())


def without_halos(x: Array, window: Window) -> Array:
    """The adjoint of `padded` without a mode: what stands in a halo is added where it came from."""
    return functools.reduce(_without_halo, reversed(window.parts), x)


def _without_halo(x: Array, part: AxisWindow) -> Array:
    if part.shards is None:
        return x
    shape = list(x.shape)
    shape[part.axis] = part.size // part.shards.count
    # Of zeros that vary over the devices as `x` does.
    origin = lax.slice_in_dim(x, 0, shape[part.axis], axis=part.axis) * jnp.zeros((), x.dtype)
    (result,) = jax.linear_transpose(lambda shard: with_halo(shard, part, None), origin)(x)
    return result


def exchanged(x: Array, names: tuple[str, ...], axis: int, before: int, after: int, mode: str | None) -> Array:
    """A shard between the last elements of the shards before it and the first ones of those after it."""
    if not before and not after:
        return x
    count, size = lax.axis_size(names), x.shape[axis]
    ring = mode in ("wrap", "circular")
    ordered, devices = _in_order_of_mesh(names)

    def brought(start: int, stop: int, hops: int) -> Array:
        """What the device `hops` before this one has there; 0 where there is none."""
        sent = lax.slice_in_dim(x, start, stop, axis=axis)
        pairs = [(i, (i + hops) % count) for i in range(count) if ring or 0 <= i + hops < count]
        return lax.ppermute(sent, ordered, [(int(devices[i]), int(devices[j])) for i, j in pairs])

    far = range(1, -(-max(before, after) // size) + 1)
    lows = [brought(max(hops * size - before, 0), size, hops) for hops in reversed(far) if hops * size - before < size]
    highs = [brought(0, min(after - (hops - 1) * size, size), -hops) for hops in far if after > (hops - 1) * size]
    if mode is not None and not ring:
        # The halo is shorter than a shard, so that there is one piece on each side.
        place = lax.axis_index(names)
        ends = _beside(x, axis, before, after, mode)
        lows = [jnp.where(place == 0, ends[0], piece) for piece in lows]
        highs = [jnp.where(place == count - 1, ends[1], piece) for piece in highs]
    pieces = [*lows, x, *highs]
    return lax.concatenate(pieces, axis) if len(pieces) > 1 else x


def _in_order_of_mesh(names: tuple[str, ...]) -> tuple[tuple[str, ...], np.ndarray]:
    """The names as the mesh has them, and for every shard the number of its device among these.

    `lax.ppermute` counts devices in the order of the mesh, `lax.axis_index` in that of the names.
    """
    mesh = jax.sharding.get_abstract_mesh().axis_names
    ordered = tuple(name for name in mesh if name in names)
    if len(ordered) < len(names) or ordered == names:
        return names, np.arange(lax.axis_size(names))
    numbers = np.arange(lax.axis_size(names)).reshape([lax.axis_size(name) for name in ordered])
    return ordered, numbers.transpose([ordered.index(name) for name in names]).ravel()
