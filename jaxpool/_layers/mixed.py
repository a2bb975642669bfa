"""Pools between the maximum and the average, with a weight that is learned."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Any

import jax.numpy as jnp
from jax import Array, lax
from jax.nn import sigmoid
from jax.nn.initializers import constant, zeros
from jax.typing import ArrayLike, DTypeLike

from jaxpool._geometry import Window, WindowArguments, pooling_window
from jaxpool._geometry.layers import check_channel_axis
from jaxpool._layers.instances import along_features
from jaxpool._layers.layer import Initializer, Layer, Maker
from jaxpool._modules.description import description
from jaxpool._pools.average import avg_pool, mean_dtypes
from jaxpool._pools.extremum import max_pool
from jaxpool._pools.inputs import along, mask_of, padded
from jaxpool.typing import Ints, Padding, PaddingMode, WindowShape


def mixture(
    x: Array, share: Array, mask: Array | None, window: Window, arguments: WindowArguments, count_include_pad: bool
) -> Array:
    """`share * max + (1 - share) * average` of every window, and 0 where no element counts."""
    dtype, _ = mean_dtypes(x.dtype)
    wide = x.astype(dtype)
    given: dict[str, Any] = arguments._asdict()
    most = max_pool(wide, **given, where=mask)
    if mask is not None:
        # The maximum of an empty window is -inf, which must not meet a weight of 0.
        most = jnp.where(max_pool(along(mask, window), **given), most, 0)
    mean = avg_pool(wide, **given, count_include_pad=count_include_pad, where=mask)
    share = share.astype(dtype)
    return (share * most + (1 - share) * mean).astype(x.dtype)


def window_products(x: Array, weights: Array, mask: Array | None, window: Window, mode: str | None, axis: int) -> Array:
    """The sum of each window times weights of its size, which may differ between the features.

    Args:
      x: the inputs.
      weights: array of shape `(*window_shape, 1 or features)`.
      mask: the elements that count.
      window: the window.
      mode: what padding holds.
      axis: the axis of the features.
    """
    x = x if mask is None else jnp.where(mask, x, jnp.zeros((), x.dtype))
    x, _, window = padded(x, None, window, mode)
    rank, parts = len(window.parts), window.parts
    moved = jnp.moveaxis(x, axis, -1)
    batch, features = moved.shape[: -rank - 1], moved.shape[-1]
    # Windows of ceil mode end beyond the padding, and negative padding crops.
    ends = [(part.outputs - 1) * part.stride + (part.taps - 1) * part.dilation + 1 for part in parts]
    axes = "".join(map(chr, range(ord("a"), ord("a") + rank)))
    result = lax.conv_general_dilated(
        moved.reshape(-1, *moved.shape[-rank - 1 :]),
        jnp.broadcast_to(weights, (*weights.shape[:-1], features))[..., None, :],
        window_strides=[part.stride for part in parts],
        padding=[(part.low, end - part.low - part.size) for part, end in zip(parts, ends, strict=True)],
        rhs_dilation=[part.dilation for part in parts],
        dimension_numbers=(f"N{axes}C", f"{axes}IO", f"N{axes}C"),
        feature_group_count=features,
        precision=lax.Precision.HIGHEST,
    )
    return jnp.moveaxis(result.reshape(*batch, *result.shape[1:]), -1, axis)


@description
class MixedPool(Layer):
    """Between max and average pooling, with a learned share. Strides default to 1.

    `alpha * max + (1 - alpha) * average` of every window. `alpha` is not kept from leaving [0, 1].

    Parameters:
      alpha: (1,), or (C,) with `per_channel`; 0.5, or `alpha_init`.

    Returns what `jaxpool.output_shape` says of the window; 0 where `where` leaves no element.

    Source: C.-Y. Lee, P. Gallagher, Z. Tu, "Generalizing pooling functions in convolutional neural networks: mixed,
    gated, and tree", AISTATS 2016.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    count_include_pad: bool = True
    _: KW_ONLY
    alpha_init: float = 0.5
    per_channel: bool = False
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None
    dtype: DTypeLike | None = None
    param_dtype: DTypeLike = jnp.float32

    def declare(self, make: Maker, features: int) -> None:
        make.parameter("alpha", constant(self.alpha_init), (features if self.per_channel else 1,))

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The mixtures of `inputs`."""
        x = self.cast(inputs)
        axis = check_channel_axis(x.ndim, self.channel_axis)
        arguments, window = _window_of(self, x)
        alpha = along_features(self.parts(x.shape[axis]).alpha, x.ndim, axis)
        return mixture(x, alpha, mask_of(where, x), window, arguments, self.count_include_pad)


@description
class GatedPool(Layer):
    """Between max and average pooling, with a share that each window decides. Strides default to 1.

    `a * max + (1 - a) * average`, where `a = sigmoid(sum(omega * window))`. The sum is a depthwise convolution of the
    inputs with the strides and the padding of the pool.

    Parameters:
      omega: (*window_shape, 1), or (*window_shape, C) with `per_channel`; 0, so that it starts with equal shares, or
        `omega_init`.

    Returns what `jaxpool.output_shape` says of the window; 0 where `where` leaves no element. What it leaves out is 0
    in the sum.

    Source: C.-Y. Lee, P. Gallagher, Z. Tu, "Generalizing pooling functions in convolutional neural networks: mixed,
    gated, and tree", AISTATS 2016.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    count_include_pad: bool = True
    _: KW_ONLY
    omega_init: Initializer = zeros
    per_channel: bool = False
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None
    dtype: DTypeLike | None = None
    param_dtype: DTypeLike = jnp.float32

    def declare(self, make: Maker, features: int) -> None:
        shape = (*map(int, self.window_shape), features if self.per_channel else 1)
        make.parameter("omega", self.omega_init, shape)

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The mixtures of `inputs`."""
        x = self.cast(inputs)
        axis = check_channel_axis(x.ndim, self.channel_axis)
        arguments, window = _window_of(self, x)
        mask = mask_of(where, x)
        dtype, _ = mean_dtypes(x.dtype)
        omega = self.parts(x.shape[axis]).omega.astype(dtype)
        scores = window_products(x.astype(dtype), omega, mask, window, self.padding_mode, axis)
        return mixture(x, sigmoid(scores), mask, window, arguments, self.count_include_pad)


def _window_of(layer: MixedPool | GatedPool, x: Array) -> tuple[WindowArguments, Window]:
    arguments = WindowArguments(
        layer.window_shape,
        layer.strides,
        layer.padding,
        layer.window_dilation,
        layer.ceil_mode,
        layer.channel_axis,
        layer.padding_mode,
    )
    return arguments, pooling_window(x.shape, *arguments, padding_is_empty=True)
