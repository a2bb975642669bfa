"""Rows of the shared table: windows as an axis, corner, Haar and spectral pooling."""

from typing import Any

import jax
import jax.numpy as jnp
from row import DILATED, MIRRORED, OVERLAPPING, Row, mask

import jaxpool


def unpooled(x: jax.Array) -> jax.Array:
    """A plane from bands that are made of any number of features."""
    return jaxpool.haar_unpool(jnp.concatenate([x, 2 * x, -x, 3 * x], -1), num_spatial_dims=2)


def with_first_column(shape: tuple[Any, ...]) -> dict[str, Any]:
    """A mask that leaves every running maximum to the right an element."""
    valid = mask(shape)["where"]
    valid[..., 0, :] = True
    return {"where": valid}


ROWS = [
    Row("windows", jaxpool.windows, OVERLAPPING, linear=True),
    Row("windows, dilated", jaxpool.windows, DILATED, linear=True),
    Row("windows, mirrored", jaxpool.windows, MIRRORED, linear=True),
    Row("corner_pool", jaxpool.corner_pool, {"direction": "top"}),
    Row("corner_pool, masked", jaxpool.corner_pool, {"direction": "right"}, arrays=with_first_column),
    Row("haar_pool", jaxpool.haar_pool, {"num_spatial_dims": 2}, linear=True),
    Row("haar_unpool", unpooled, {}, linear=True),
    Row("spectral_pool", jaxpool.spectral_pool, {"output_size": (3, 4)}, linear=True),
]
