"""Windows along one axis: which taps meet elements, in integers."""

from __future__ import annotations

import bisect
import dataclasses
import itertools
from typing import Any, NamedTuple

import numpy as np


def known(size: Any) -> bool:
    """Whether a size is a number, and not a symbol for one that only a running exported program has."""
    return isinstance(size, int)


class Segment(NamedTuple):
    """Outputs `start:stop` of one axis, all of whose windows have exactly the taps `first:last` inside the input."""

    start: int
    stop: int
    first: int
    last: int


@dataclasses.dataclass(frozen=True)
class Shards:
    """How devices share an axis: the mesh axes that split it, how many shards they make of it, and what is beyond.

    `filled` tells whether padding holds elements, as a padding mode makes them.
    """

    names: tuple[str, ...]
    count: int
    filled: bool = False


@dataclasses.dataclass(frozen=True)
class AxisWindow:
    """The window along one axis of an array.

    Output `o` reads the taps `i = 0 .. taps - 1` at the positions `o * stride - low + i * dilation`; the positions
    `0 .. size - 1` are the input, every other one is padding.

    Attributes:
      axis: the array axis.
      size: elements of the input along it.
      taps: elements of the window.
      stride: distance of neighbouring windows.
      dilation: distance of neighbouring taps.
      low, high: padding before and after the input as the user asked for it; negative padding crops.
      outputs: number of windows.
      shards: how devices share the axis, of which each has only its shard; None where it is whole. Sizes are those of
        the whole axis.
    """

    axis: int
    size: int
    taps: int
    stride: int
    dilation: int
    low: int
    high: int
    outputs: int
    shards: Shards | None = None

    @property
    def extent(self) -> int:
        """Distance from the first tap to one past the last."""
        return (self.taps - 1) * self.dilation + 1

    @property
    def reach(self) -> int:
        """Positions from the first to the last element of a window; an upper bound where the size is a symbol."""
        return self.extent if self.symbolic else min(self.extent, self.size)

    @property
    def high_overhang(self) -> int:
        """High padding up to the last tap of the last window; negative where the windows end before the input does.

        Ceil mode can make it larger than `high`.
        """
        return (self.outputs - 1) * self.stride + self.extent - self.size - self.low

    @property
    def halo(self) -> tuple[int, int]:
        """How many elements beside a shard its windows reach, before and after it."""
        part = self._reaching
        return max(part.low, 0), max(part.high_overhang, 0)

    @property
    def _reaching(self) -> AxisWindow:
        """The same windows, without taps that reach only what holds no element."""
        return self if self.shards is None or self.shards.filled else self.normal

    @property
    def shard(self) -> AxisWindow:
        """The windows of one shard, on its elements and the halo around them; no padding is left."""
        if self.shards is None:
            return self
        part, count = self._reaching, self.shards.count
        size, outputs = self.size // count + sum(self.halo), self.outputs // count
        # Windows step over as many elements as there are, so that those of a shard end where those of the whole do.
        low, high = min(part.low, 0), min(part.high_overhang, 0)
        return dataclasses.replace(part, size=size, low=low, high=high, outputs=outputs, shards=None)

    @property
    def shard_with_all_taps(self) -> AxisWindow:
        """As `shard`, for weights of taps: also those that reach no element, which are beyond the halo in padding."""
        if self.shards is None:
            return self
        low, count = self.low - self.halo[0], self.shards.count
        part = dataclasses.replace(self, size=self.shard.size, low=low, outputs=self.outputs // count, shards=None)
        return dataclasses.replace(part, high=part.high_overhang)

    @property
    def whole(self) -> bool:
        """Whether the only window is exactly the input."""
        one = known(self.outputs) and self.outputs == 1
        return one and self.low == 0 and self.dilation == 1 and self.taps == self.size

    @property
    def symbolic(self) -> bool:
        """Whether sizes are known only when an exported program runs."""
        return not known(self.size)

    @property
    def span(self) -> int:
        """Distance from the first tap of the first window to one past the last tap of the last."""
        return (self.outputs - 1) * self.stride + self.extent

    @property
    def on_padded_plane(self) -> AxisWindow:
        """The same windows on an input that has exactly the padding that they reach."""
        return dataclasses.replace(self, size=self.span, low=0, high=0)

    def scaled(self, factor: int) -> AxisWindow:
        """The dense windows on an axis that has `factor` elements for each of this one's."""
        scaled = {name: getattr(self, name) * factor for name in ("size", "dilation", "low", "high", "outputs")}
        return dataclasses.replace(self, **scaled)

    @property
    def first_tap(self) -> int:
        """The first tap that meets an element in any window."""
        return max(-(((self.outputs - 1) * self.stride - self.low) // self.dilation), 0)

    @property
    def normal(self) -> AxisWindow:
        """The same windows without what makes no difference: taps that meet no element, a stride of one window.

        A window may be far larger than the input, and a stride than both. Nothing may be done in proportion to that.
        """
        if self.symbolic:
            return self
        first, last = self.first_tap, min((self.size + self.low - 1) // self.dilation, self.taps - 1)
        if last < first:
            # Padding and nothing else.
            return dataclasses.replace(self, taps=1, stride=1, dilation=1, low=self.outputs, high=0)
        taps = last - first + 1
        dilation = self.dilation if taps > 1 else 1
        stride = self.stride if self.outputs > 1 else min(self.stride, (taps - 1) * dilation + 1)
        if (taps, dilation, stride) == (self.taps, self.dilation, self.stride):
            return self
        low = self.low - first * self.dilation
        return dataclasses.replace(self, taps=taps, stride=stride, dilation=dilation, low=low)

    def window_in_padding(self) -> int | None:
        """The first window that holds no element, or None; of symbolic sizes as far as the padding tells."""
        last = (self.taps - 1) * self.dilation
        if last < self.low:
            return 0
        if self.symbolic:
            return None
        if self.dilation > self.size:
            # Only windows that start before the input can step over it.
            for output in range(min(-(-self.low // self.stride), self.outputs)):
                distance = self.low - output * self.stride
                reached = -(-distance // self.dilation) * self.dilation
                if reached > last or reached - distance >= self.size:
                    return output
        beyond = max(-(-(self.size + self.low) // self.stride), 0)
        return beyond if beyond < self.outputs else None

    def starts(self, outputs: np.ndarray) -> np.ndarray:
        """Positions of the first taps of the given outputs."""
        return outputs * self.stride - self.low

    def taps_below(self, outputs: np.ndarray, limit: int) -> np.ndarray:
        """How many taps of each of the given outputs lie at positions below `limit`."""
        return np.clip(-((self.starts(outputs) - limit) // self.dilation), 0, self.taps)

    def _segments_of(self, outputs: np.ndarray, limit: int) -> list[Segment]:
        if not outputs.size:
            return []
        if max(self.span, self.low, limit) >= 1 << 62:
            outputs = outputs.astype(object)
        first = self.taps_below(outputs, 0)
        last = self.taps_below(outputs, limit)
        changes = np.flatnonzero((np.diff(first) != 0) | (np.diff(last) != 0)) + 1
        edges = [0, *changes.tolist(), len(outputs)]
        return [
            Segment(int(outputs[a]), int(outputs[b - 1]) + 1, int(first[a]), int(last[a]))
            for a, b in itertools.pairwise(edges)
            if b > a
        ]

    def segments(self, limit: int | None = None) -> list[Segment]:
        """The outputs in runs with the same real taps, in order: low border, interior, high border.

        Only border outputs are looked at one by one, so a long axis costs nothing.

        Args:
          limit: the position from which on taps do not count; the input's size by default.
        """
        if limit is None and self.low == 0 and known(self.high_overhang) and self.high_overhang == 0:
            # All that can be told of symbolic sizes.
            return [Segment(0, self.outputs, 0, self.taps)]
        limit = self.size if limit is None else limit
        # Interior: o * stride - low >= 0 and o * stride - low + extent <= limit.
        inner = min(max(-(-self.low // self.stride), 0), self.outputs)
        outer = min(max((limit - self.extent + self.low) // self.stride + 1, inner), self.outputs)
        runs = self._segments_of(np.arange(inner), limit)
        if outer > inner:
            runs.append(Segment(inner, outer, 0, self.taps))
        return runs + self._segments_of(np.arange(outer, self.outputs), limit)

    def real_counts(self) -> list[tuple[int, int]]:
        """Runs `(length, taps inside the input)` over the outputs."""
        return [(s.stop - s.start, s.last - s.first) for s in self.segments()]

    def padded_counts(self) -> list[tuple[int, int]]:
        """Runs `(length, taps inside the input or its explicit padding)`: what ceil mode adds beyond does not count."""
        if self.symbolic:
            # Ceil mode is refused for these, and without it windows end in the padding.
            return [(self.outputs, self.taps)]
        padded = dataclasses.replace(self, low=0, size=self.size + self.low + self.high)
        return padded.real_counts()

    def padding_runs(self) -> list[tuple[int, bool]]:
        """Runs `(length, whether windows have elements in the explicit padding)` over the outputs; sizes are known."""
        real, padded = self.real_counts(), self.padded_counts()
        ends = [list(itertools.accumulate(length for length, _ in runs)) for runs in (real, padded)]
        runs: list[tuple[int, bool]] = []
        start = 0
        for stop in sorted({*ends[0], *ends[1]}):
            counts = [part[bisect.bisect(end, start)][1] for part, end in zip((real, padded), ends, strict=True)]
            runs.append((stop - start, counts[0] < counts[1]))
            start = stop
        return runs
