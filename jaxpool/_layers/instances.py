"""Pools of bags and sequences: each instance has a weight that is learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY

import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid
from jax.nn.initializers import zeros
from jax.typing import ArrayLike, DTypeLike

from jaxpool._geometry import plane_axes
from jaxpool._geometry.layers import check_channel_axis
from jaxpool._layers.layer import Initializer, Maker, WeighingLayer, positions_of, xavier
from jaxpool._layers.weights import softmax_weights
from jaxpool._modules.description import description
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.softmax import global_softmax_pool


@description
class AttentionPool(WeighingLayer):
    """A small network gives each instance of a bag a score; the result is the mean with their softmax as weights.

    The score of an instance h is `score(tanh(hidden(h)))`, and with `gated` it is
    `score(tanh(hidden(h)) * sigmoid(gate(h)))`. It has one spatial axis, that of the instances, unless
    `num_spatial_dims` says otherwise.

    Parameters, for inputs with D features and L = `hidden_features`:
      hidden, and with `gated` also gate: kernel (D, L), Xavier uniform; bias (L,), 0.
      score: kernel (L, 1), Xavier uniform; bias (1,), 0.

    Returns (*batch, D), and 0 where `where` leaves no instance. With `return_weights` also the weights,
    (*batch, *spatial, 1): they add up to 1, and are 0 where `where` leaves out.

    Source: M. Ilse, J. Tomczak, M. Welling, "Attention-based deep multiple instance learning", ICML 2018.
    """

    hidden_features: int = 128
    _: KW_ONLY
    gated: bool = False
    kernel_init: Initializer = xavier
    num_spatial_dims: int | None = 1
    dtype: DTypeLike | None = None
    param_dtype: DTypeLike = jnp.float32

    def declare(self, make: Maker, features: int) -> None:
        for name in ("hidden", "gate") if self.gated else ("hidden",):
            make.dense(name, features, self.hidden_features, kernel_init=self.kernel_init)
        make.dense("score", self.hidden_features, 1, kernel_init=self.kernel_init)

    def weighed(self, inputs: ArrayLike, where: ArrayLike | None) -> tuple[Array, Callable[[], Array]]:
        """The weighted means of `inputs`."""
        x, mask, axes = positions_of(self.cast(inputs), where, self.num_spatial_dims)
        parts = self.parts(x.shape[-1])
        hidden = jnp.tanh(parts.hidden(x))
        if self.gated:
            hidden = hidden * sigmoid(parts.gate(x))
        logits = parts.score(hidden)
        result = global_softmax_pool(x, logits=logits, num_spatial_dims=len(axes), where=mask)
        return result, lambda: softmax_weights(logits.astype(mean_dtypes(logits.dtype)[0]), mask, axes)


@description
class AutoPool(WeighingLayer):
    """The mean along time with the softmax of the inputs as weights, and a learned sharpness per class.

    `sum(softmax(alpha * x) * x)` for each feature: the mean at `alpha` 0, where it starts, the softmax pool at 1, and
    the maximum to infinity. It has one spatial axis, that of time, unless `num_spatial_dims` says otherwise.

    Parameters, for inputs with C features:
      alpha: (C,), 0.

    Returns (*batch, C), and 0 where `where` leaves no element. With `return_weights` also the weights, of the shape of
    the inputs.

    Source: B. McFee, J. Salamon, J. Bello, "Adaptive pooling operators for weakly labeled sound event detection", 2018.
    """

    _: KW_ONLY
    num_spatial_dims: int | None = 1
    keepdims: bool = False
    channel_axis: int | None = -1
    dtype: DTypeLike | None = None
    param_dtype: DTypeLike = jnp.float32

    def declare(self, make: Maker, features: int) -> None:
        make.parameter("alpha", zeros, (features,))

    def weighed(self, inputs: ArrayLike, where: ArrayLike | None) -> tuple[Array, Callable[[], Array]]:
        """The weighted means of `inputs`."""
        x = self.cast(inputs)
        axis = check_channel_axis(x.ndim, self.channel_axis)
        alpha = along_features(self.parts(x.shape[axis]).alpha, x.ndim, axis)
        result = global_softmax_pool(
            x,
            beta=alpha,
            num_spatial_dims=self.num_spatial_dims,
            keepdims=self.keepdims,
            channel_axis=self.channel_axis,
            where=where,
        )

        def weights() -> Array:
            wide, _ = mean_dtypes(x.dtype)
            axes = plane_axes(x.shape, self.num_spatial_dims, self.channel_axis)
            mask = None if where is None else jnp.asarray(where)
            # What is left out may be NaN.
            values = x if mask is None else jnp.where(mask, x, 0)
            return softmax_weights(values.astype(wide) * alpha.astype(wide), mask, axes)

        return result, weights


def along_features(parameter: Array, rank: int, axis: int) -> Array:
    """A parameter of shape (features,) with the rank of the inputs."""
    return parameter.reshape(*(parameter.shape[0] if a == axis else 1 for a in range(rank)))
