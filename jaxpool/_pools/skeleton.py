"""The soft skeleton of clDice."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import Element, check_iterations, cross, plane_axes, structuring_element
from jaxpool._geometry.calls import explained
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.inputs import as_array
from jaxpool._pools.morphology import extremum_under


def _positive(x: Array) -> Array:
    """The positive part, NaN included; its derivative at 0 is 0."""
    return jnp.where(x <= 0, 0, x)


@functools.partial(jax.jit, static_argnames=("lines", "box", "iterations"), inline=True)
def _skeleton(inputs: Array, lines: Element, box: Element, iterations: int) -> Array:
    dtype, result_dtype = mean_dtypes(inputs.dtype)
    x = inputs.astype(dtype)

    def step(carry: tuple[Array, Array], _: None) -> tuple[tuple[Array, Array], None]:
        x, skeleton = carry
        eroded = extremum_under(x, lines, "min")
        ridge = _positive(x - extremum_under(eroded, box, "max"))
        return (eroded, skeleton + _positive(ridge - skeleton * ridge)), None

    (_, skeleton), _ = lax.scan(step, (x, jnp.zeros_like(x)), None, length=iterations + 1)
    return skeleton.astype(result_dtype)


@explained
def soft_skeleton(
    inputs: ArrayLike,
    *,
    iterations: int = 3,
    num_spatial_dims: int | None = None,
    channel_axis: int | None = -1,
) -> Array:
    """The soft skeleton of clDice: the middle lines of bright parts, such as vessels, with a gradient.

    In each step it keeps what an opening takes away, and erodes. The erosion is the minimum over lines of 3 along the
    axes, the dilation in the opening the maximum over a box of 3.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype, but
        meant are probabilities.
      iterations: how often to erode: about the largest radius of what is to be thinned, in pixels.
      num_spatial_dims, channel_axis: as in `jaxpool.global_avg_pool`.

    Returns: Array of the shape of the inputs, in the dtype of float inputs. f16, bf16 and fp8 are computed in f32, and
      integers return f32. Padding takes no part.

    Raises:
      TypeError: an argument of the wrong kind.
      ValueError: a negative number of iterations, an empty spatial axis, or no `num_spatial_dims` for inputs that are
        not of rank 4.

    Derivatives: both modes, any order. The first of equal elements has the gradient, and where a difference is 0 it has
    none. Reverse mode keeps what each step needs.

    Source: S. Shit et al., "clDice: a novel topology-preserving loss function for tubular structure segmentation",
    CVPR 2021. Its loss compares `t = sum(soft_skeleton(p) * q) / sum(soft_skeleton(p))` and the same with `p` and `q`
    exchanged.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool import morphology
      >>> bar = jnp.zeros((5, 7)).at[1:4, 1:6].set(1.)
      >>> morphology.soft_skeleton(bar, num_spatial_dims=2, channel_axis=None)
      Array([[0., 0., 0., 0., 0., 0., 0.],
             [0., 0., 0., 0., 0., 0., 0.],
             [0., 0., 1., 1., 1., 0., 0.],
             [0., 0., 0., 0., 0., 0., 0.],
             [0., 0., 0., 0., 0., 0., 0.]], dtype=float32)
    """
    x = as_array(inputs, ordered=True)
    rank = len(plane_axes(x.shape, num_spatial_dims, channel_axis))
    sizes, footprint = cross(rank)
    lines = structuring_element(x.shape, sizes, footprint, channel_axis, None, reflected=False)
    box = structuring_element(x.shape, sizes, None, channel_axis, None, reflected=True)
    return _skeleton(x, lines, box, check_iterations(iterations))
