"""Pools of regions of interest."""

from __future__ import annotations

from dataclasses import KW_ONLY
from typing import SupportsIndex

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description
from jaxpool.typing import RegionMode, RegionSize


@description
class RoiAlign(Pool):
    """The means of interpolated samples of every bin of every box.

    `RoiAlign((7, 7))(x, boxes)` is `jaxpool.roi_align(x, boxes, (7, 7))`,
    which documents results, errors and derivatives.
    """

    output_size: RegionSize
    _: KW_ONLY
    spatial_scale: float = 1.0
    sampling_ratio: SupportsIndex | None = None
    aligned: bool = False
    mode: RegionMode = "avg"
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, boxes: ArrayLike, box_indices: ArrayLike | None = None) -> Array:
        """The bins of all boxes."""
        return self.pool_with(jaxpool.roi_align, inputs, boxes, box_indices=box_indices)


@description
class RoiPool(Pool):
    """The maximum of every bin of every box.

    `RoiPool((7, 7))(x, boxes)` is `jaxpool.roi_pool(x, boxes, (7, 7))`, which documents results, errors and
    derivatives.
    """

    output_size: RegionSize
    _: KW_ONLY
    spatial_scale: float = 1.0
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, boxes: ArrayLike, box_indices: ArrayLike | None = None) -> Array:
        """The bins of all boxes."""
        return self.pool_with(jaxpool.roi_pool, inputs, boxes, box_indices=box_indices)


@description
class PsRoiAlign(Pool):
    """The means of interpolated samples of every bin of every box, from feature maps of its own.

    `PsRoiAlign((7, 7))(x, boxes)` is `jaxpool.ps_roi_align(x, boxes, (7, 7))`,
    which documents results, errors and derivatives.
    """

    output_size: RegionSize
    _: KW_ONLY
    spatial_scale: float = 1.0
    sampling_ratio: SupportsIndex | None = None
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, boxes: ArrayLike, box_indices: ArrayLike | None = None) -> Array:
        """The bins of all boxes."""
        return self.pool_with(jaxpool.ps_roi_align, inputs, boxes, box_indices=box_indices)


@description
class PsRoiPool(Pool):
    """The mean of every bin of every box, from feature maps of its own.

    `PsRoiPool((7, 7))(x, boxes)` is `jaxpool.ps_roi_pool(x, boxes, (7, 7))`,
    which documents results, errors and derivatives.
    """

    output_size: RegionSize
    _: KW_ONLY
    spatial_scale: float = 1.0
    channel_axis: int | None = -1

    def __call__(self, inputs: ArrayLike, boxes: ArrayLike, box_indices: ArrayLike | None = None) -> Array:
        """The bins of all boxes."""
        return self.pool_with(jaxpool.ps_roi_pool, inputs, boxes, box_indices=box_indices)
