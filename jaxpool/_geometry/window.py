"""Windows over some axes of an array: integers per axis, hashable and comparable."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Sequence
from typing import Any

from jaxpool._geometry.axis_window import AxisWindow, known


@dataclasses.dataclass(frozen=True)
class Window:
    """A window over some axes of an array, its parts in ascending order of their axes."""

    parts: tuple[AxisWindow, ...]

    # Every eager call asks for the hash, and whether a window is the one that it was compiled for: usually itself.

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Window) and self.parts == other.parts)

    def __hash__(self) -> int:
        return self._hash

    @functools.cached_property
    def _hash(self) -> int:
        return hash(self.parts)

    @functools.cached_property
    def normal(self) -> Window:
        """The same windows without what makes no difference, as operators take them; usually itself."""
        parts = tuple(part.normal for part in self.parts)
        return self if all(new is old for new, old in zip(parts, self.parts, strict=True)) else Window(parts)

    @property
    def axes(self) -> tuple[int, ...]:
        """The array axes."""
        return tuple(part.axis for part in self.parts)

    @property
    def taps(self) -> int:
        """Elements of the window."""
        return math.prod(part.taps for part in self.parts)

    @property
    def reach(self) -> int:
        """Positions in the box around the elements of a window; an upper bound where a size is a symbol."""
        return math.prod(part.reach for part in self.parts)

    @property
    def offset_dtype(self) -> str:
        """Name of the smallest unsigned type that holds every row-major position inside the window."""
        if not known(self.taps):
            return "uint32"
        sizes = (("uint8", 8), ("uint16", 16), ("uint32", 32))
        return next((name for name, bits in sizes if self.taps <= 1 << bits), "uint64")

    @property
    def symbolic(self) -> bool:
        """Whether a spatial size is known only when an exported program runs."""
        return any(part.symbolic for part in self.parts)

    @property
    def whole(self) -> bool:
        """Whether the only window is exactly the input along every axis."""
        return all(part.whole for part in self.parts)

    @property
    def non_overlapping(self) -> bool:
        """Whether no two windows share an element."""
        return all(part.outputs == 1 or part.stride >= part.extent for part in self.parts)

    def output_shape(self, input_shape: Sequence[Any]) -> tuple[Any, ...]:
        """`input_shape` with the numbers of windows along the window's axes."""
        return self._with(input_shape, [part.outputs for part in self.parts])

    def input_shape(self, output_shape: Sequence[Any]) -> tuple[Any, ...]:
        """`output_shape` with the input sizes along the window's axes."""
        return self._with(output_shape, [part.size for part in self.parts])

    def _with(self, shape: Sequence[Any], sizes: list[int]) -> tuple[Any, ...]:
        # Sizes of the other axes may be symbolic, hence Any.
        result = list(shape)
        for axis, size in zip(self.axes, sizes, strict=True):
            result[axis] = size
        return tuple(result)

    @property
    def sharded(self) -> bool:
        """Whether devices share an axis of it."""
        return any(part.shards is not None for part in self.parts)

    @property
    def shard(self) -> Window:
        """The windows of one shard, on its elements and the halos around them."""
        return Window(tuple(part.shard for part in self.parts)) if self.sharded else self

    def with_batch_axis(self, axis: int) -> Window:
        """The same window on arrays that have one more axis, inserted at `axis`."""
        return Window(tuple(dataclasses.replace(p, axis=p.axis + (p.axis >= axis)) for p in self.parts))

    @property
    def on_padded_plane(self) -> Window:
        """The same windows on an input that has exactly the padding that they reach."""
        return Window(tuple(part.on_padded_plane for part in self.parts))

    def on_padded_input(self) -> Window:
        """The same windows on an input that has been padded: padding is real there, and only crops remain."""
        parts = [
            dataclasses.replace(p, size=p.size + max(p.low, 0) + max(p.high, 0), low=min(p.low, 0), high=min(p.high, 0))
            for p in self.parts
        ]
        return Window(tuple(parts))

    @functools.cached_property
    def offset_strides(self) -> tuple[int, ...]:
        """Row-major strides of the taps: `offset = sum(tap * stride)`."""
        return tuple(math.prod(p.taps for p in self.parts[i + 1 :]) for i in range(len(self.parts)))
