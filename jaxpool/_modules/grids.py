"""Corner, Haar and spectral pooling, and windows as an axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description
from jaxpool.typing import Direction, Ints, OutputSize, Padding, PaddingMode, WindowShape


@description
class CornerPool(Pool):
    """At every place the largest element from there to the end of its column or row.

    `CornerPool("top")(x)` is `jaxpool.corner_pool(x, "top")`, which documents results, errors and derivatives.
    """

    direction: Direction
    _: KW_ONLY
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, where: ArrayLike | None = None) -> Array:
        """The maxima of `inputs`."""
        return self.pool_with(jaxpool.corner_pool, inputs, where=where)


@description
class HaarPool(Pool):
    """Half the size along every spatial axis, in bands that lose nothing.

    `HaarPool()(x)` is `jaxpool.haar_pool(x)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    num_spatial_dims: int | None = None
    channel_axis: int = -1

    def __call__(self, inputs: ArrayLike) -> Array:
        """The bands of `inputs`."""
        return self.pool_with(jaxpool.haar_pool, inputs)


@description
class HaarUnpool(Pool):
    """One plane from its bands.

    `HaarUnpool()(x)` is `jaxpool.haar_unpool(x)`, which documents results, errors and derivatives.
    """

    _: KW_ONLY
    output_shape: Sequence[int] | None = None
    num_spatial_dims: int | None = None
    channel_axis: int = -1

    def __call__(self, inputs: ArrayLike, output_shape: Sequence[int] | None = None) -> Array:
        """The plane."""
        return self.pool_with(jaxpool.haar_unpool, inputs, output_shape=output_shape)


@description
class SpectralPool(Pool):
    """A smaller plane with the low frequencies of the inputs.

    `SpectralPool((7, 7))(x)` is `jaxpool.spectral_pool(x, (7, 7))`, which documents results, errors and derivatives.
    """

    output_size: OutputSize
    _: KW_ONLY
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike) -> Array:
        """The low frequencies of `inputs`."""
        return self.pool_with(jaxpool.spectral_pool, inputs)


@description
class Windows(Pool):
    """The elements of every window, on an axis of their own.

    `Windows((2, 2), 2)(x)` is `jaxpool.windows(x, (2, 2), 2)`, which documents results, errors and derivatives.
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    _: KW_ONLY
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None

    def __call__(self, inputs: ArrayLike) -> Array:
        """The windows of `inputs`."""
        return self.pool_with(jaxpool.windows, inputs)
