"""Pools of speaker recognition: the mean and the standard deviation with attention."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import Literal, overload

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike, DTypeLike

from jaxpool._geometry import check_flag
from jaxpool._layers.layer import Layer, Maker, positions_of, some
from jaxpool._layers.weights import softmax_weights
from jaxpool._modules.description import description
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.softmax import global_softmax_pool


def attentive_statistics(x: Array, scores: Array, mask: Array | None, num_spatial_dims: int) -> tuple[Array, Array]:
    """The mean and the standard deviation with the softmax of the scores as weights; both 0 where none counts.

    The variance is at least 1e-12, as in the reference.
    """
    dtype, _ = mean_dtypes(x.dtype)
    x, scores = x.astype(dtype), scores.astype(dtype)
    axes = tuple(range(x.ndim - 1 - num_spatial_dims, x.ndim - 1))

    def mean(values: Array) -> Array:
        return global_softmax_pool(values, logits=scores, num_spatial_dims=num_spatial_dims, keepdims=True, where=mask)

    center = mean(x)
    deviation = jnp.sqrt(jnp.maximum(mean(jnp.square(x - center)), 1e-12))
    if mask is not None:
        deviation = jnp.where(some(mask, axes), deviation, 0)
    return center, deviation


@description
class AttentiveStatsPool(Layer):
    """The mean and the standard deviation along time, with weights of a small network for each feature.

    The scores are `score(tanh(norm(relu(hidden(h)))))`, where `h` are the inputs, and with `global_context` also their
    mean and standard deviation. The weights are the softmax of the scores along time. It has one spatial axis, that of
    time, unless `num_spatial_dims` says otherwise.

    Parameters, for inputs with C features and L = `hidden_features`:
      hidden: kernel (3 C, L), or (C, L) without the context, LeCun normal; bias (L,), 0.
      norm: batch normalisation, scale and bias (L,), running mean and var (L,).
      score: kernel (L, C), LeCun normal; bias (C,), 0.

    Returns (*batch, 2 C), the means first, and 0 where `where` leaves no element. With `return_weights` also the
    weights, of the shape of the inputs.

    Source: K. Okabe, T. Koshinaka, K. Shinoda, "Attentive statistics pooling for deep speaker embedding", Interspeech
    2018; B. Desplanques, J. Thienpondt, K. Demuynck, "ECAPA-TDNN", Interspeech 2020.
    """

    hidden_features: int = 128
    _: KW_ONLY
    global_context: bool = True
    use_running_average: bool | None = None
    num_spatial_dims: int | None = 1
    dtype: DTypeLike | None = None
    param_dtype: DTypeLike = jnp.float32

    def declare(self, make: Maker, features: int) -> None:
        make.dense("hidden", features * (3 if self.global_context else 1), self.hidden_features)
        # That of the reference; Flax weighs the old statistics where PyTorch weighs the new ones.
        statistics = {"momentum": 0.9, "use_fast_variance": False, "use_running_average": self.use_running_average}
        make.batch_norm("norm", self.hidden_features, epsilon=1e-5, **statistics)
        make.dense("score", self.hidden_features, features)

    @overload
    def __call__(
        self,
        inputs: ArrayLike,
        where: ArrayLike | None = None,
        use_running_average: bool | None = None,
        return_weights: Literal[False] = False,
    ) -> Array: ...

    @overload
    def __call__(
        self,
        inputs: ArrayLike,
        where: ArrayLike | None = None,
        use_running_average: bool | None = None,
        *,
        return_weights: Literal[True],
    ) -> tuple[Array, Array]: ...

    def __call__(
        self,
        inputs: ArrayLike,
        where: ArrayLike | None = None,
        use_running_average: bool | None = None,
        return_weights: bool = False,
    ) -> Array | tuple[Array, Array]:
        """The means and standard deviations of `inputs`."""
        check_flag("return_weights", return_weights)
        x, mask, axes = positions_of(self.cast(inputs), where, self.num_spatial_dims)
        parts = self.parts(x.shape[-1])
        h = x
        if self.global_context:
            context = attentive_statistics(x, jnp.zeros_like(x), mask, len(axes))
            h = jnp.concatenate([x, *(jnp.broadcast_to(part.astype(x.dtype), x.shape) for part in context)], -1)
        # Statistics of nothing are NaN: where nothing counts, all does, and no result sees it.
        valid = None if mask is None else mask | ~some(mask, range(mask.ndim))
        hidden = parts.norm(jax.nn.relu(parts.hidden(h)), use_running_average=use_running_average, mask=valid)
        scores = parts.score(jnp.tanh(hidden))
        found = attentive_statistics(x, scores, mask, len(axes))
        result = jnp.concatenate([part.squeeze(axes) for part in found], -1).astype(x.dtype)
        if not return_weights:
            return result
        return result, softmax_weights(scores.astype(mean_dtypes(x.dtype)[0]), mask, axes)
