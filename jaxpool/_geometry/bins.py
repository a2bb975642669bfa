"""Adaptive pooling's bins: a given number of windows over an axis of any size."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxpool._geometry.axes import plane_of, spatial_axes
from jaxpool._geometry.axis_window import AxisWindow
from jaxpool._geometry.values import as_index, as_sizes, refuse


@dataclasses.dataclass(frozen=True)
class AxisBins:
    """The bins along one axis.

    Bin `i` holds the positions `i * size // outputs` up to `ceil((i + 1) * size / outputs)`: PyTorch's rule, in
    integers. Where `outputs` does not divide `size`, neighbouring bins may share one element; where there are more bins
    than elements, bins share elements.

    Attributes:
      axis: the array axis.
      size: elements of the input along it.
      outputs: number of bins.
    """

    axis: int
    size: int
    outputs: int

    def starts(self) -> np.ndarray:
        """The first position of every bin."""
        return np.arange(self.outputs, dtype=np.int64) * self.size // self.outputs

    def counts(self) -> np.ndarray:
        """The number of elements in every bin."""
        stops = -(-np.arange(1, self.outputs + 1, dtype=np.int64) * self.size // self.outputs)
        return stops - self.starts()

    @property
    def width(self) -> int:
        """The number of elements in the largest bin."""
        return int(self.counts().max())

    @property
    def even(self) -> bool:
        """Whether the bins lie side by side and are equally large."""
        return self.size % self.outputs == 0

    @property
    def coverage(self) -> AxisBins:
        """The bins that hold each position: they are consecutive, and so bins of bins by the same rule."""
        return AxisBins(self.axis, self.outputs, self.size)

    def with_batch_axis(self, axis: int) -> AxisBins:
        """The same bins on arrays that have one more axis, inserted at `axis`."""
        return dataclasses.replace(self, axis=self.axis + (self.axis >= axis))

    def input_shape(self, shape: Sequence[Any]) -> tuple[Any, ...]:
        """`shape` with the input's size along the axis."""
        return (*shape[: self.axis], self.size, *shape[self.axis + 1 :])

    def output_shape(self, shape: Sequence[Any]) -> tuple[Any, ...]:
        """`shape` with as many elements along the axis as all bins have, each as wide as the largest."""
        return (*shape[: self.axis], self.outputs * self.width, *shape[self.axis + 1 :])

    def share(self, shards: int) -> AxisBins:
        """The bins of each shard, where all have as many: they follow the same rule."""
        return dataclasses.replace(self, size=self.size // shards, outputs=self.outputs // shards)

    def window(self) -> AxisWindow:
        """The windows that the bins are, one beside the other, each as wide as the largest."""
        width = self.width
        return AxisWindow(self.axis, self.outputs * width, width, width, 1, 0, 0, self.outputs)


@dataclasses.dataclass(frozen=True)
class ShardBins:
    """The parts of bins that each shard of an axis has.

    Attributes:
      bins: the bins along the whole axis.
      names: the mesh axes that split it, maybe none.
      shards: the number of shards.
    """

    bins: AxisBins
    names: tuple[str, ...]
    shards: int

    @property
    def joined(self) -> bool:
        """Whether bins lie in several shards, so that results must be joined."""
        return self.bins.outputs % self.shards != 0

    @property
    def size(self) -> int:
        """The number of elements in a shard."""
        return self.bins.size // self.shards

    def firsts(self) -> np.ndarray:
        """For every shard the first bin of which it has a part."""
        begin = np.arange(self.shards, dtype=np.int64) * self.size
        return np.searchsorted(self.bins.starts() + self.bins.counts(), begin, side="right")

    @property
    def number(self) -> int:
        """The largest number of bins of which a shard has a part."""
        end = (np.arange(self.shards, dtype=np.int64) + 1) * self.size
        return int((np.searchsorted(self.bins.starts(), end, side="left") - self.firsts()).max())

    def starts(self) -> np.ndarray:
        """Where each part begins in its shard: one row per shard, `number` in each."""
        return self._bounds()[0]

    def lengths(self) -> np.ndarray:
        """The number of elements in each part; none in those that fill up a row."""
        starts, stops = self._bounds()
        return np.maximum(stops - starts, 0)

    @property
    def width(self) -> int:
        """The number of elements in the largest part."""
        return int(self.lengths().max())

    def _bounds(self) -> tuple[np.ndarray, np.ndarray]:
        bins = self.firsts()[:, None] + np.arange(self.number)
        real = bins < self.bins.outputs
        bins = np.minimum(bins, self.bins.outputs - 1)
        begin = np.arange(self.shards, dtype=np.int64)[:, None] * self.size
        starts = np.clip(self.bins.starts()[bins] - begin, 0, self.size)
        stops = np.clip((self.bins.starts() + self.bins.counts())[bins] - begin, 0, self.size)
        return starts, np.where(real, stops, starts)

    def window(self) -> AxisWindow:
        """The windows that the parts are, one beside the other, each as wide as the largest."""
        width = self.width
        return AxisWindow(self.bins.axis, self.number * width, width, width, 1, 0, 0, self.number)


@dataclasses.dataclass(frozen=True)
class BinSums(AxisBins):
    """The same bins, each giving one element."""

    def output_shape(self, shape: Sequence[Any]) -> tuple[Any, ...]:
        """`shape` with the number of bins along the axis."""
        return (*shape[: self.axis], self.outputs, *shape[self.axis + 1 :])


def adaptive_sizes(output_size: Any, fact: str = "") -> list[int | None]:
    """The number of bins along every spatial axis, None where an axis keeps its size."""
    rule = "be a sequence with one size or None per spatial axis"
    remedy = "Write (7, 7) for a plane of 7 by 7, (7, None) to keep the second axis as it is."
    elements = as_sizes("output_size", output_size, rule, remedy, fact)
    wanted = [None if e is None else as_index("output_size", e, output_size, fact) for e in elements]
    if any(size is not None and size < 1 for size in wanted):
        remedy = "Use 1 or more, or None to keep a size."
        refuse(ValueError, "output_size", "be positive", repr(output_size), remedy, fact)
    return wanted


def adaptive_bins(shape: tuple[Any, ...], output_size: Any, channel_axis: Any) -> tuple[AxisBins, ...]:
    """The bins that an adaptive pool's arguments describe on inputs of the given shape."""
    wanted = adaptive_sizes(output_size, f"inputs of shape {shape}")
    axes = spatial_axes("output_size", output_size, shape, len(wanted), channel_axis)
    sizes = plane_of(shape, axes)
    if any(n is not None and size % n and max(size, n) >= 1 << 31 for size, n in zip(sizes, wanted, strict=True)):
        rule = "divide the size of an axis of 2**31 elements or more, and be below 2**31 elsewhere"
        remedy = "Pool down to fewer elements first, with a windowed pool."
        refuse(ValueError, "output_size", rule, repr(output_size), remedy, f"inputs of shape {shape}")
    return tuple(
        AxisBins(axis, size, size if outputs is None else outputs)
        for axis, size, outputs in zip(axes, sizes, wanted, strict=True)
    )
