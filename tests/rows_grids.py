"""Rows of the shared table: windows as an axis, corner, Haar and spectral pooling, morphology."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from row import DILATED, MIRRORED, OVERLAPPING, Row, mask

import jaxpool
from jaxpool import morphology


def bands_of(x: jax.Array, **arguments: Any) -> jax.Array:
    """Bands on an axis of their own, so that each feature is a result by itself."""
    bands, size = jaxpool.haar_pool(x, **arguments), x.shape[-1]
    return jnp.stack([lax.slice_in_dim(bands, i * size, (i + 1) * size, axis=-1) for i in range(4)], -2)


def unpooled(x: jax.Array, **arguments: Any) -> jax.Array:
    """A plane from bands that are made of any number of features."""
    return jaxpool.haar_unpool(jnp.concatenate([x, 2 * x, -x, 3 * x], -1), **arguments)


def with_first_column(shape: tuple[Any, ...]) -> dict[str, Any]:
    """A mask that leaves every running maximum to the right an element."""
    valid = mask(shape)["where"]
    valid[..., 0, :] = True
    return {"where": valid}


CROSS = np.array([[False, True, False], [True, True, True], [False, True, False]])
# Distinct, and so small that the order of integers stays.
HEIGHTS = np.arange(6, dtype=np.float32).reshape(2, 3) / 20

ROWS = [
    Row("windows", jaxpool.windows, OVERLAPPING, linear=True),
    Row("windows, dilated", jaxpool.windows, DILATED, linear=True),
    Row("windows, mirrored", jaxpool.windows, MIRRORED, linear=True),
    Row("corner_pool", jaxpool.corner_pool, {"direction": "top"}),
    Row("corner_pool, masked", jaxpool.corner_pool, {"direction": "right"}, arrays=with_first_column),
    Row("haar_pool", bands_of, {"num_spatial_dims": 2}, linear=True),
    Row("haar_unpool", unpooled, {"num_spatial_dims": 2}, linear=True),
    Row("spectral_pool", jaxpool.spectral_pool, {"output_size": (3, 4)}, linear=True),
    Row("dilation, offsets", morphology.dilation, {"window_shape": (2, 3), "offsets": HEIGHTS}, infinite=True),
    Row("erosion, cross", morphology.erosion, {"footprint": CROSS}, infinite=True),
    Row("opening", morphology.opening, {"window_shape": (3, 2)}),
]
