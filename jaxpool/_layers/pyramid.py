"""The pyramid pooling module: means of bins of several sizes, each seen by every position."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike, DTypeLike

from jaxpool._geometry.pyramids import interpolation, pyramid_levels
from jaxpool._layers.layer import Layer, Maker, positions_of, some
from jaxpool._modules.description import description
from jaxpool._pools.adaptive import adaptive_avg_pool, adaptive_max_pool
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool.typing import Levels


def relu(x: Array) -> Array:
    """`jax.nn.relu`, as a function that can be pickled."""
    return jax.nn.relu(x)


def resized(x: Array, axes: Sequence[int], sizes: Sequence[int], align_corners: bool) -> Array:
    """Linear interpolation along some axes to these sizes, one axis after another: a product with a matrix each."""
    for axis, size in zip(axes, sizes, strict=True):
        matrix = jnp.asarray(interpolation(x.shape[axis], size, align_corners), x.dtype)
        product = lax.dot_general(x, matrix, (((axis,), (1,)), ((), ())), precision=lax.Precision.HIGHEST)
        x = jnp.moveaxis(product, -1, axis)
    return x


@description
class PPM(Layer):
    """The pyramid pooling module of PSPNet: the inputs, and behind them the means of coarse bins at every position.

    Of each level the means of adaptive bins go through a dense layer, batch normalisation and the activation, and are
    interpolated to the plane of the inputs. `align_corners=True` is the reference's: the first and last bins lie on the
    first and last positions. With False positions and bins are cells of one area, as in `jax.image.resize`. Channels
    come last.

    Parameters, for inputs with C features and L = `out_features`, of each level:
      conv_0, conv_1, conv_2, conv_3 and so on: kernel (C, L), LeCun normal; no bias.
      norm_0, norm_1, norm_2, norm_3 and so on: batch normalisation, scale and bias (L,), running mean and var (L,).

    Returns (*batch, *spatial, C + levels * L), the inputs first. Positions that `where` leaves out are 0, and bins
    without any position that counts take no part.

    Source: H. Zhao et al., "Pyramid scene parsing network", CVPR 2017.
    """

    levels: Levels = (1, 2, 3, 6)
    out_features: int | None = None
    _: KW_ONLY
    activation: Callable[[Array], Array] = relu
    align_corners: bool = True
    use_running_average: bool | None = None
    num_spatial_dims: int | None = None
    dtype: DTypeLike | None = None
    param_dtype: DTypeLike = jnp.float32

    def declare(self, make: Maker, features: int) -> None:
        number = len(self.levels)
        outputs = max(features // number, 1) if self.out_features is None else self.out_features
        # That of the reference; Flax weighs the old statistics where PyTorch weighs the new ones.
        statistics = {"momentum": 0.9, "use_fast_variance": False, "use_running_average": self.use_running_average}
        for level in range(number):
            make.dense(f"conv_{level}", features, outputs, use_bias=False)
            make.batch_norm(f"norm_{level}", outputs, epsilon=1e-5, **statistics)

    def __call__(
        self, inputs: ArrayLike, where: ArrayLike | None = None, use_running_average: bool | None = None
    ) -> Array:
        """The `inputs` and what surrounds them."""
        x, mask, axes = positions_of(self.cast(inputs), where, self.num_spatial_dims)
        parts = vars(self.parts(x.shape[-1]))
        sizes = [x.shape[axis] for axis in axes]
        wide, _ = mean_dtypes(x.dtype)
        joined = [x]
        for number, level in enumerate(pyramid_levels(self.levels, len(axes))):
            y = parts[f"conv_{number}"](adaptive_avg_pool(x, level, where=mask))
            valid = None if mask is None else adaptive_max_pool(mask, level)
            # Statistics of nothing are NaN: where nothing counts, all does, and no result sees it.
            counted = None if valid is None else valid | ~some(valid, range(valid.ndim))
            y = parts[f"norm_{number}"](y, use_running_average=use_running_average, mask=counted)
            y = self.activation(y).astype(wide)
            if valid is None:
                y = resized(y, axes, sizes, self.align_corners)
            else:
                share = resized(valid.astype(wide), axes, sizes, self.align_corners)
                total = resized(jnp.where(valid, y, 0), axes, sizes, self.align_corners)
                y = total / jnp.where(share == 0, 1, share)
            joined.append(y.astype(x.dtype))
        result = jnp.concatenate(joined, -1)
        return result if mask is None else jnp.where(mask, result, jnp.zeros((), x.dtype))
