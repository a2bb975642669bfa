"""Generalised mean pooling with a learned exponent."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import KW_ONLY
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import constant
from jax.typing import ArrayLike, DTypeLike

from jaxpool._geometry import plane_axes, pooling_window
from jaxpool._geometry.layers import check_channel_axis, refuse_without_window
from jaxpool._layers.instances import along_features
from jaxpool._layers.layer import Layer, Maker
from jaxpool._modules.description import description
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.inputs import mask_of
from jaxpool._pools.power import global_power_mean_pool, power_mean_pool
from jaxpool.typing import Ints, Padding, PaddingMode, WindowShape

_LEAST_P = 1e-2


def generalised_mean(
    x: Array, p: Array, eps: float, mask: Array | None, pool: Callable[..., Array], axis: int
) -> Array:
    """`mean(max(x, eps) ** p) ** (1 / p)`, with one exponent or one for each feature.

    Args:
      x: the inputs.
      p: the exponents, of shape (1,) or (features,). Those below 0.01 count as that.
      eps: the least value.
      mask: the elements that count.
      pool: the power mean pool, which takes inputs, `p`, `channel_axis` and `where`.
      axis: the axis of the features.
    """
    dtype, _ = mean_dtypes(x.dtype)
    wide = x.astype(dtype)
    # A comparison and not a maximum, which would share the gradient at eps.
    clamped = jnp.where(wide < eps, jnp.asarray(eps, dtype), wide)
    p = along_features(jnp.maximum(p.astype(dtype), _LEAST_P), x.ndim, axis)
    return pool(clamped, p=p, channel_axis=axis, where=mask).astype(x.dtype)


@description
class GeM(Layer):
    """Generalised mean pooling of the plane, or of every window, with a learned exponent.

    `mean(max(x, eps) ** p) ** (1 / p)`: the average at p = 1, the maximum to infinity. An exponent below 0.01 counts as
    0.01. Leave p out of weight decay. `jaxpool.global_power_mean_pool` is the same with a given exponent and of
    absolute values.

    Parameters:
      p: (1,), or (C,) with `per_channel`; 3, or `p_init`.

    Returns (*batch, C), or what `jaxpool.output_shape` says of the window; 0 where `where` leaves no element.

    Source: F. Radenovic, G. Tolias, O. Chum, "Fine-tuning CNN image retrieval with no human annotation", TPAMI 2018.
    """

    window_shape: WindowShape | None = None
    strides: Ints | None = None
    padding: Padding = "VALID"
    count_include_pad: bool = True
    _: KW_ONLY
    p_init: float = 3.0
    per_channel: bool = False
    eps: float = 1e-6
    num_spatial_dims: int | None = None
    keepdims: bool = False
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None
    dtype: DTypeLike | None = None
    param_dtype: DTypeLike = jnp.float32

    def declare(self, make: Maker, features: int) -> None:
        make.parameter("p", constant(self.p_init), (features if self.per_channel else 1,))

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The means of `inputs`."""
        x = self.cast(inputs)
        axis = check_channel_axis(x.ndim, self.channel_axis)
        p = self.parts(x.shape[axis]).p
        return generalised_mean(x, p, self.eps, mask_of(where, x), self._pool(x.shape), axis)

    def _pool(self, shape: tuple[int, ...]) -> Callable[..., Array]:
        """The power mean with all arguments but the arrays."""
        if self.window_shape is None:
            axes = plane_axes(shape, self.num_spatial_dims, self.channel_axis)
            plane = {"num_spatial_dims": len(axes), "keepdims": self.keepdims}
            return functools.partial(global_power_mean_pool, **plane)
        refuse_without_window("num_spatial_dims", self.num_spatial_dims, None)
        refuse_without_window("keepdims", self.keepdims, False)
        window: dict[str, Any] = {
            "window_shape": self.window_shape,
            "strides": self.strides,
            "padding": self.padding,
            "window_dilation": self.window_dilation,
            "ceil_mode": self.ceil_mode,
            "padding_mode": self.padding_mode,
        }
        # Refuses what is wrong with the shape that the user gave.
        pooling_window(shape, **window, channel_axis=self.channel_axis, padding_is_empty=False)
        return functools.partial(power_mean_pool, **window, count_include_pad=self.count_include_pad)
