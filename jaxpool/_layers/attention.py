"""Pools that are attention: learned queries or the mean ask, and the positions answer."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import KW_ONLY
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import normal, variance_scaling, zeros
from jax.typing import ArrayLike, DTypeLike

from jaxpool._geometry.layers import check_heads, check_plane
from jaxpool._layers.layer import Initializer, Maker, WeighingLayer, as_tokens, positions_of, some, xavier
from jaxpool._layers.weights import keep, kept_weights, of_positions, softmax_weights
from jaxpool._modules.description import description
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.global_pools import global_avg_pool, global_min_pool
from jaxpool.typing import WindowShape

# That of the reference, N(0, 1/features).
_CLIP = variance_scaling(1.0, "fan_in", "normal")


def attend(query: Array, key: Array, value: Array, mask: Array | None = None, **_: Any) -> Array:
    """Scaled dot-product attention, in f32 for narrow floats; 0 where the mask leaves no position.

    Args:
      query: array of shape `(*batch, queries, heads, features)`.
      key, value: arrays of shape `(*batch, positions, heads, features)`.
      mask: booleans that broadcast to `(*batch, heads, queries, positions)`.
    """
    dtype = mean_dtypes(query.dtype)[0]
    scores = jnp.einsum("...qhd,...khd->...hqk", query, key, preferred_element_type=dtype)
    weights = softmax_weights(scores / math.sqrt(query.shape[-1]), mask, (-1,))
    keep(weights)
    result = jnp.einsum("...hqk,...khd->...qhd", weights, value.astype(dtype))
    return result.astype(value.dtype)


def _mask_of_keys(mask: Array | None) -> Array | None:
    """The mask of tokens, (*batch, positions, 1), as one of attention for one query."""
    return None if mask is None else jnp.swapaxes(mask, -1, -2)[..., None, :, :]


def _where_any(mask: Array | None, result: Array) -> Array:
    """The result of shape (*batch, features), and 0 where no token counts."""
    if mask is None:
        return result
    return jnp.where(some(mask, (mask.ndim - 2,))[..., 0, :], result, jnp.zeros((), result.dtype))


@description
class MAPHead(WeighingLayer):
    """A learned query asks all tokens by multi-head attention; an MLP with a residual follows.

    `y = attention(probe, tokens)`, then `y + mlp(norm(y))`, where the MLP is dense, activation, dense. The probe
    itself is not added.

    Parameters, for inputs with D features, H heads and M = `mlp_features`:
      probe: (1, 1, D), Xavier uniform.
      attention: `query`, `key`, `value` with kernels (D, H, D / H), Xavier uniform, and biases (H, D / H), 0; `out`
        with kernel (H, D / H, D) and bias (D,).
      norm: scale and bias (D,).
      mlp_hidden, mlp_out: kernels (D, M) and (M, D), Xavier uniform; biases N(0, 1e-6).

    Returns (*batch, D), and 0 where `where` leaves no token. With `return_weights` also those of each head,
    (*batch, *spatial, H), as all layers of attention do: they add up to 1, and are 0 where `where` leaves out.

    Source: J. Lee et al., "Set transformer", ICML 2019; X. Zhai et al., "Scaling vision transformers", CVPR 2022.
    """

    num_heads: int = 12
    _: KW_ONLY
    mlp_features: int | None = None
    activation: Callable[[Array], Array] = jax.nn.gelu
    epsilon: float = 1e-6
    num_spatial_dims: int | None = 1
    dtype: DTypeLike | None = None
    param_dtype: DTypeLike = jnp.float32

    def declare(self, make: Maker, features: int) -> None:
        check_heads(features, self.num_heads)
        hidden = 4 * features if self.mlp_features is None else self.mlp_features
        initial: dict[str, Any] = {"kernel_init": xavier, "bias_init": normal(1e-6)}
        make.parameter("probe", xavier, (1, 1, features))
        make.attention("attention", features, features, self.num_heads, kernel_init=xavier, bias_init=zeros)
        make.layer_norm("norm", features, epsilon=self.epsilon)
        make.dense("mlp_hidden", features, hidden, **initial)
        make.dense("mlp_out", hidden, features, **initial)

    def weighed(self, inputs: ArrayLike, where: ArrayLike | None) -> tuple[Array, Callable[[], Array]]:
        """What the query finds in `inputs`."""
        x, mask, axes = positions_of(self.cast(inputs), where, self.num_spatial_dims)
        parts = self.parts(x.shape[-1])
        tokens, mask = as_tokens(x, axes), None if mask is None else as_tokens(mask, axes)
        probe = jnp.broadcast_to(parts.probe[0].astype(x.dtype), (*tokens.shape[:-2], 1, tokens.shape[-1]))
        with kept_weights() as kept:
            y = parts.attention(probe, tokens, mask=_mask_of_keys(mask))
        y = y + parts.mlp_out(self.activation(parts.mlp_hidden(parts.norm(y))))
        result = _where_any(mask, y[..., 0, :]).astype(x.dtype)
        return result, lambda: of_positions(kept[0], [x.shape[axis] for axis in axes])


@description
class AttentionPool2d(WeighingLayer):
    """The mean of the plane asks all positions and itself by multi-head attention, with learned positions.

    The tokens are the mean and the plane, row by row, plus `positional_embedding`; the query is the first of them. It
    takes as many spatial axes as `plane_shape` has sizes.

    Parameters, for inputs with D features, H heads and N positions in `plane_shape`:
      positional_embedding: (N + 1, D), the mean first, N(0, 1 / D).
      attention: `query`, `key`, `value` with kernels (D, H, D / H), N(0, 1 / D), and biases (H, D / H), 0; `out` with
        kernel (H, D / H, out_features) and bias (out_features,).

    Returns (*batch, out_features), and 0 where `where` leaves no position. The mean is that of those that count.
    With `return_weights` also those of each head, (*batch, *spatial, H). What they lack to 1 is the weight of the mean.

    Source: A. Radford et al., "Learning transferable visual models from natural language supervision", ICML 2021.
    """

    plane_shape: WindowShape
    num_heads: int
    out_features: int | None = None
    _: KW_ONLY
    dtype: DTypeLike | None = None
    param_dtype: DTypeLike = jnp.float32

    def declare(self, make: Maker, features: int) -> None:
        check_heads(features, self.num_heads)
        outputs = features if self.out_features is None else self.out_features
        tokens = math.prod(map(int, self.plane_shape)) + 1
        make.parameter("positional_embedding", normal(features**-0.5), (tokens, features))
        make.attention("attention", features, outputs, self.num_heads, kernel_init=_CLIP, bias_init=zeros)

    def weighed(self, inputs: ArrayLike, where: ArrayLike | None) -> tuple[Array, Callable[[], Array]]:
        """What the mean finds in `inputs`."""
        x = self.cast(inputs)
        plane = tuple(map(int, self.plane_shape))
        check_plane(x.shape, plane)
        x, mask, axes = positions_of(x, where, len(plane))
        parts = self.parts(x.shape[-1])
        tokens, mask = as_tokens(x, axes), None if mask is None else as_tokens(mask, axes)
        mean = global_avg_pool(tokens, num_spatial_dims=1, keepdims=True, where=mask)
        positions = parts.positional_embedding.astype(x.dtype)
        tokens = jnp.concatenate([mean, tokens], -2)
        tokens = tokens + jnp.broadcast_to(positions, tokens.shape)
        keys = None if mask is None else jnp.concatenate([some(mask, (mask.ndim - 2,)), mask], -2)
        with kept_weights() as kept:
            y = parts.attention(tokens[..., :1, :], tokens, mask=_mask_of_keys(keys))
        result = _where_any(mask, y[..., 0, :]).astype(x.dtype)
        return result, lambda: of_positions(kept[0][..., 1:], plane)


@description
class SimPool(WeighingLayer):
    """The mean of the inputs asks the normalised inputs by attention; these are the values themselves.

    `query = W_q mean(x)`, `key = W_k norm(x)`, `value = norm(x)`. With `gamma` the values are a power mean, as
    `(value - min(value) + 1e-6) ** gamma` is averaged and the root taken.

    Parameters, for inputs with D features:
      query, key: kernels (D, D), Xavier uniform, without biases.
      norm: scale and bias (D,).

    Returns (*batch, D), and 0 where `where` leaves no position. With `return_weights` also those of each head,
    (*batch, *spatial, H).

    Source: B. Psomas et al., "Keep it SimPool: who said supervised transformers suffer from attention deficit?", ICCV
    2023.
    """

    _: KW_ONLY
    num_heads: int = 1
    gamma: float | None = None
    epsilon: float = 1e-6
    kernel_init: Initializer = xavier
    num_spatial_dims: int | None = None
    dtype: DTypeLike | None = None
    param_dtype: DTypeLike = jnp.float32

    def declare(self, make: Maker, features: int) -> None:
        check_heads(features, self.num_heads)
        make.layer_norm("norm", features, epsilon=self.epsilon)
        for name in ("query", "key"):
            make.dense(name, features, features, use_bias=False, kernel_init=self.kernel_init)

    def weighed(self, inputs: ArrayLike, where: ArrayLike | None) -> tuple[Array, Callable[[], Array]]:
        """What the mean finds in `inputs`."""
        x, mask, axes = positions_of(self.cast(inputs), where, self.num_spatial_dims)
        parts = self.parts(x.shape[-1])
        tokens, mask = as_tokens(x, axes), None if mask is None else as_tokens(mask, axes)
        mean = global_avg_pool(tokens, num_spatial_dims=1, keepdims=True, where=mask)
        values = parts.norm(tokens)
        query, key = parts.query(mean), parts.key(values)
        with kept_weights() as kept:
            result = simple_attention(query, key, values, mask, self.num_heads, self.gamma)
        result = _where_any(mask, result).astype(x.dtype)
        return result, lambda: of_positions(kept[0], [x.shape[axis] for axis in axes])


def simple_attention(
    query: Array, key: Array, value: Array, mask: Array | None, num_heads: int, gamma: float | None
) -> Array:
    """Attention of one query in heads, joined; with an exponent the power mean of what is above the least value.

    Args:
      query: array of shape `(*batch, 1, features)`.
      key, value: arrays of shape `(*batch, positions, features)`.
      mask: booleans of shape `(*batch, positions, 1)`.
      num_heads: the number of heads.
      gamma: the exponent.
    """
    dtype, _ = mean_dtypes(value.dtype)

    def heads(x: Array) -> Array:
        return x.reshape(*x.shape[:-1], num_heads, x.shape[-1] // num_heads)

    value = value.astype(dtype)
    if gamma is not None:
        least = global_min_pool(value, num_spatial_dims=1, keepdims=True, where=mask)
        above = value - least + jnp.asarray(1e-6, dtype)
        # What is left out may lie below the least.
        value = (above if mask is None else jnp.where(mask, above, 1)) ** gamma
    found = attend(heads(query), heads(key), heads(value), _mask_of_keys(mask))
    found = found.reshape(*found.shape[:-3], found.shape[-2] * found.shape[-1])
    if gamma is not None:
        found = _where_any(mask, found)
        found = jnp.where(found == 0, 0, jnp.where(found == 0, 1, found) ** (1 / gamma))
    return found
