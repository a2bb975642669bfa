"""Local importance-based pooling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY
from typing import Any

import jax.numpy as jnp
from jax import Array
from jax.nn import sigmoid
from jax.nn.initializers import zeros
from jax.typing import ArrayLike, DTypeLike

from jaxpool._geometry import pooling_window
from jaxpool._layers.layer import Maker, WeighingLayer, positions_of, some
from jaxpool._modules.description import description
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.softmax import softmax_pool
from jaxpool.typing import Ints, Padding, WindowShape


@description
class LIPPool(WeighingLayer):
    """Local importance-based pooling (LIP): softmax pooling with logits of a small network. Strides default to 1.

    The logits are `max_logit * sigmoid(norm(conv(x)))`, with a convolution of size `kernel_size` along every axis that
    keeps the plane. It starts as average pooling without the padding. The paper pools (3, 3) windows with strides of 2
    and padding 1. Channels come last.

    Parameters, for inputs with C features and n spatial axes:
      conv: kernel (*n times kernel_size, C, C), 0; no bias.
      norm: instance normalisation, scale (C,), 1, and bias (C,), 0.

    Returns what `jaxpool.output_shape` says of the window; 0 where `where` leaves no position. With `return_weights`
    also the importance of each element, of the shape of the inputs: windows are means with these as weights.

    Source: Z. Gao, L. Wang, G. Wu, "LIP: Local importance-based pooling", ICCV 2019.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    _: KW_ONLY
    kernel_size: int = 3
    max_logit: float = 12.0
    window_dilation: Ints = 1
    ceil_mode: bool = False
    dtype: DTypeLike | None = None
    param_dtype: DTypeLike = jnp.float32

    def declare(self, make: Maker, features: int) -> None:
        sizes = (self.kernel_size,) * len(self.window_shape)
        make.conv("conv", features, features, sizes, use_bias=False, kernel_init=zeros)
        make.instance_norm("norm", features, epsilon=1e-5, use_fast_variance=False)

    def weighed(self, inputs: ArrayLike, where: ArrayLike | None) -> tuple[Array, Callable[[], Array]]:
        """The weighted means of `inputs`."""
        x = self.cast(inputs)
        window: dict[str, Any] = {
            "window_shape": self.window_shape,
            "strides": self.strides,
            "padding": self.padding,
            "window_dilation": self.window_dilation,
            "ceil_mode": self.ceil_mode,
        }
        pooling_window(x.shape, **window, padding_is_empty=False)
        x, mask, axes = positions_of(x, where, len(self.window_shape))
        parts = self.parts(x.shape[-1])
        # Statistics of nothing are NaN: where nothing counts, all does, and no result sees it.
        valid = None if mask is None else _one_batch(mask | ~some(mask, axes), axes)
        scores = parts.norm(parts.conv(_one_batch(x, axes)), mask=valid)
        logits = self.max_logit * sigmoid(scores.astype(mean_dtypes(x.dtype)[0])).reshape(x.shape)
        result = softmax_pool(x, **window, logits=logits, where=mask)

        def weights() -> Array:
            own = jnp.exp(logits)
            return own if mask is None else jnp.where(mask, own, 0)

        return result, weights


def _one_batch(x: Array, axes: tuple[int, ...]) -> Array:
    """The inputs with one batch axis, as the normalisation of every image takes it."""
    return x.reshape(-1, *x.shape[axes[0] :])
