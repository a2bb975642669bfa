"""Pools between the maximum and the average, with a weight that is learned."""

from __future__ import annotations

from dataclasses import KW_ONLY

import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import constant, zeros
from jax.typing import ArrayLike, DTypeLike

from jaxpool._geometry import Window, WindowArguments, pooling_window
from jaxpool._geometry.layers import check_channel_axis
from jaxpool._layers.instances import along_features
from jaxpool._layers.layer import Initializer, Layer, Maker
from jaxpool._modules.description import description
from jaxpool._pools.inputs import mask_of
from jaxpool._pools.mixed import both_of, mixed_of, share_of
from jaxpool.typing import Ints, Padding, PaddingMode, WindowShape


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
        window = _window_of(self, x)
        alpha = along_features(self.parts(x.shape[axis]).alpha, x.ndim, axis)
        largest, mean = both_of(x, mask_of(where, x), window, self.count_include_pad, self.padding_mode)
        return mixed_of(largest, mean, alpha.astype(mean.dtype), x.dtype)


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
        window = _window_of(self, x)
        mask = mask_of(where, x)
        share = share_of(x, self.parts(x.shape[axis]).omega, mask, window, self.padding_mode, axis)
        largest, mean = both_of(x, mask, window, self.count_include_pad, self.padding_mode)
        return mixed_of(largest, mean, share, x.dtype)


def _window_of(layer: MixedPool | GatedPool, x: Array) -> Window:
    arguments = WindowArguments(
        layer.window_shape,
        layer.strides,
        layer.padding,
        layer.window_dilation,
        layer.ceil_mode,
        layer.channel_axis,
        layer.padding_mode,
    )
    return pooling_window(x.shape, *arguments, padding_is_empty=True)
