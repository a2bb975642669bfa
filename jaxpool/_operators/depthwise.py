"""Sums over windows with given weights for each tap.

A window of few taps is written out: the sum of the weighted taps, each the sum over windows of one tap. A long one is a
depthwise convolution of XLA.
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.sharding import PartitionSpec as P

from jaxpool._geometry import Window
from jaxpool._operators.linear import window_sum

# Windows of up to so many taps are written out, which is faster on a CPU: `cpu-dot.json`. Programs grow with the taps.
_FEW_TAPS = 81


def window_dot(x: Array, weights: Array, window: Window, channel: int | None) -> Array:
    """The sum of `weights[tap] * x[element at the tap]` over every window of every feature map.

    Args:
      x: the inputs.
      weights: of the window's shape and one axis for the features, of their number or of size 1.
      window: the window; its padding counts as 0.
      channel: the axis of the features, or None.
    """
    if window.taps <= _FEW_TAPS:
        return _written_out(x, weights, window, channel)
    x, window = _cropped(x, window)
    features = 1 if channel is None else x.shape[channel]
    batch = [axis for axis in range(x.ndim) if axis not in window.axes and axis != channel]
    order = [*batch, *window.axes, *([] if channel is None else [channel])]
    plane = [x.shape[axis] for axis in window.axes]
    count = math.prod(x.shape[axis] for axis in batch)
    spec = (*jax.typeof(x).sharding.spec, *[None] * x.ndim)
    explicit = any(name is not None for name in spec)
    shared = spec[batch[0]] if len(batch) == 1 else None
    letters = "".join(chr(ord("a") + i) for i in range(len(plane)))
    y = lax.conv_general_dilated(
        jnp.transpose(x, order).reshape(count, *plane, features),
        jnp.broadcast_to(weights, (*weights.shape[:-1], features))[..., None, :],
        [part.stride for part in window.parts],
        [(part.low, part.high_overhang) for part in window.parts],
        rhs_dilation=[part.dilation for part in window.parts],
        dimension_numbers=(f"N{letters}C", f"{letters}IO", f"N{letters}C"),
        feature_group_count=features,
        precision=lax.Precision.HIGHEST,
        out_sharding=P(shared, *[None] * len(plane), None if channel is None else spec[channel]) if explicit else None,
    )
    shape = window.output_shape(x.shape)
    inverse = [order.index(axis) for axis in range(x.ndim)]
    return jnp.transpose(y.reshape([shape[axis] for axis in order]), inverse)


def _written_out(x: Array, weights: Array, window: Window, channel: int | None) -> Array:
    pads = [(0, 0, 0)] * x.ndim
    for part in window.parts:
        pads[part.axis] = (part.low, part.high_overhang, 0)
    x, window = lax.pad(x, jnp.zeros((), x.dtype), pads), window.on_padded_plane
    shape = [1] * x.ndim
    if channel is not None:
        shape[channel] = weights.shape[-1]

    def weighted(tap: tuple[int, ...]) -> Array:
        parts = zip(window.parts, tap, strict=True)
        single = Window(tuple(dataclasses.replace(p, taps=1, dilation=1, low=-i * p.dilation) for p, i in parts))
        # Weighted first: derivatives keep the inputs once, and not every tap.
        return window_sum(weights[tap].reshape(shape) * x, single)

    taps = itertools.product(*(range(part.taps) for part in window.parts))
    return functools.reduce(lax.add, map(weighted, taps))


def _cropped(x: Array, window: Window) -> tuple[Array, Window]:
    """Without what negative padding crops, which a convolution of ONNX does not know."""
    parts = list(window.parts)
    for number, part in enumerate(parts):
        low, high = max(-part.low, 0), max(-part.high_overhang, 0)
        if low or high:
            x = lax.slice_in_dim(x, low, part.size - high, axis=part.axis)
            inner = dataclasses.replace(part, size=part.size - low - high, low=part.low + low, high=part.high + high)
            parts[number] = inner
    return x, Window(tuple(parts))
