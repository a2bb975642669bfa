"""Vectors of locally aggregated descriptors."""

from __future__ import annotations

from dataclasses import KW_ONLY

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import uniform
from jax.typing import ArrayLike, DTypeLike

from jaxpool._layers.layer import Layer, Maker, as_tokens, positions_of
from jaxpool._modules.description import description
from jaxpool._pools.dtypes import mean_dtypes


def unit(x: Array, axes: int | tuple[int, ...] = -1) -> Array:
    """The vectors along the axes with length 1, those shorter than 1e-12 over that; 0 stays, without a gradient."""
    square = jnp.sum(jnp.square(x), axes, keepdims=True)
    length = jnp.sqrt(jnp.where(square == 0, 1, square))
    return jnp.where(square == 0, 0, x / jnp.maximum(length, 1e-12))


def aggregated(x: Array, assignment: Array, centroids: Array) -> Array:
    """The sums of what each cluster leaves of its descriptors, each of length 1, then all of them together.

    Args:
      x: array of shape `(*batch, positions, features)`.
      assignment: how much of a position belongs to a cluster, `(*batch, positions, clusters)`.
      centroids: array of shape `(clusters, features)`.

    Returns: Array of shape `(*batch, clusters * features)`, one cluster after another.
    """
    sums = jnp.einsum("...nk,...nd->...kd", assignment, x)
    # The differences of all pairs would be an array of positions times clusters times features.
    share = jnp.sum(assignment, -2)[..., None]
    residuals = sums - share * jnp.broadcast_to(centroids, sums.shape)
    normalised = unit(residuals)
    return unit(normalised.reshape(*normalised.shape[:-2], -1))


@description
class NetVLAD(Layer):
    """What a plane's descriptors differ by from learned centres, summed for each of them.

    Each position x, of length 1 with `normalize`, belongs to the clusters by a softmax of `assignment(x)`. The result
    joins `sum(a_k * (x - c_k))` over the positions for all clusters k, each of length 1, and has length 1 itself.

    Parameters, for inputs with D features and K = `num_clusters`:
      centroids: (K, D), uniform in [0, 1).
      assignment: kernel (D, K), `2 alpha c`; bias (K,), `-alpha |c|^2`, so that it starts as the softmax of `-alpha`
        times the squared distances.

    Returns (*batch, K * D), one cluster after another, and 0 where `where` leaves no position.

    Source: R. Arandjelovic et al., "NetVLAD: CNN architecture for weakly supervised place recognition", CVPR 2016.
    """

    num_clusters: int = 64
    _: KW_ONLY
    alpha: float = 100.0
    normalize: bool = True
    num_spatial_dims: int | None = None
    dtype: DTypeLike | None = None
    param_dtype: DTypeLike = jnp.float32

    def declare(self, make: Maker, features: int) -> None:
        centroids = make.parameter("centroids", uniform(1.0), (self.num_clusters, features))

        def kernel(_: Array, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
            return (2 * self.alpha * centroids.T).reshape(shape).astype(dtype)

        def bias(_: Array, shape: tuple[int, ...], dtype: DTypeLike) -> Array:
            return (-self.alpha * jnp.sum(jnp.square(centroids), -1)).reshape(shape).astype(dtype)

        make.dense("assignment", features, self.num_clusters, kernel_init=kernel, bias_init=bias)

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The sums for all clusters."""
        x, mask, axes = positions_of(self.cast(inputs), where, self.num_spatial_dims)
        parts = self.parts(x.shape[-1])
        dtype, _ = mean_dtypes(x.dtype)
        tokens = as_tokens(x, axes).astype(dtype)
        tokens = unit(tokens) if self.normalize else tokens
        assignment = jax.nn.softmax(parts.assignment(tokens.astype(x.dtype)).astype(dtype), -1)
        if mask is not None:
            assignment = jnp.where(as_tokens(mask, axes), assignment, 0)
        return aggregated(tokens, assignment, parts.centroids.astype(dtype)).astype(x.dtype)
