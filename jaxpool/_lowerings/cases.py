"""What the choice of an algorithm depends on, and the names of what makes a difference in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from jaxpool._geometry import Window
from jaxpool._lowerings import narrow, taps


class Case(NamedTuple):
    """What the choice depends on besides operator and platform: the window, its arrays' shape, and their dtype.

    `lanes` is the number of elements along the last axis, which is contiguous in memory, and large where that is not
    known; `narrow` says that they are floats which are computed as integers or wider floats, see the module `narrow`.
    """

    window: Window
    rank: int
    lanes: int
    narrow: bool = False

    @property
    def minor(self) -> bool:
        """Whether the window lies along the last axis of the array, the one that is contiguous in memory."""
        return self.window.axes[-1] == self.rank - 1

    @property
    def dense(self) -> bool:
        """Whether windows start at every element."""
        return all(part.stride == 1 for part in self.window.parts)

    @property
    def dilated(self) -> bool:
        """Whether a window has gaps."""
        return any(part.dilation > 1 for part in self.window.parts)

    @property
    def longest(self) -> int:
        """Taps along the longest side of the window."""
        return max(part.taps for part in self.window.parts)


def case_of(platform: str, window: Window, shape: Sequence[Any], dtype: Any) -> Case:
    """The case of arrays of a shape and a dtype."""
    lanes = shape[-1] if isinstance(shape[-1], int) else 1 << 20
    return Case(window, len(shape), lanes, narrow.applies(platform, dtype))


def few(case: Case) -> bool:
    """Whether all taps at once make few slices."""
    # Joining regions along the contiguous axis is slow, so there as few as possible; 81 slices are a window of 3 by 3
    # with borders on all sides.
    return not case.minor and case.window.taps <= 9 and taps.slice_count(case.window) <= 81


def long(case: Case) -> bool:
    """Whether a chain of windows is shorter than the window."""
    return case.dense and case.longest > 6


def stored_value(case: Case) -> bool:
    """Whether values are better found with every link of a chain stored."""
    return long(case) and case.longest > 10 and not (case.narrow and not case.minor and 8 < case.lanes < 20)


def stored_place(case: Case) -> bool:
    """The same for values with places, which cost more to find again."""
    return long(case) and (case.longest > 10 or len(case.window.parts) > 1 or case.minor or case.lanes <= 8)


def joint(case: Case) -> bool:
    """Whether a GPU should look at all taps at once."""
    # From 5 by 5 on, the instructions of a dense window cost more than moving the bytes once for every axis.
    return case.window.taps <= 9 or not case.dense


# XLA:CPU unrolls a loop over a few lanes, up to about 32 of them, and then hardly fills vectors; the more slices take
# part, the worse. The bounds on lanes and taps, here and above, come from timing single operators on 2 cores;
# `cpu.json` shows what they lead to for windows of 2 and 3 with 1, 3, 6, 8, 16 and 24 channels, and for long ones with
# 1, 3, 12 and 17. Windows of 4 to 6 and those in three dimensions rest on timings alone where channels are few.


def few_lanes(case: Case) -> bool:
    """Whether the lanes fill less than half of a vector, so that extrema need one slice per tap of one axis only."""
    return not case.minor and case.lanes < (16 if case.narrow else 8)


def separable_place(case: Case) -> bool:
    """Whether extrema with offsets in small windows are better found along one axis at a time."""
    # Not for narrow floats in windows of 2 by 2: max-2x2-s2-digits in `cpu-few-channels.json`.
    return few_lanes(case) and few(case) and not (case.narrow and case.window.taps <= 4)


def merged_value(case: Case) -> bool:
    """Whether values are better found on merged axes."""
    # Up to 8 lanes the loop over them is short enough, from 32 on it is no longer unrolled.
    return case.dense and not case.minor and 8 < case.lanes < 32 and not few(case) and not long(case)


def merged_place(case: Case) -> bool:
    """Whether values with places are better found on merged axes."""
    if case.minor or not case.dense or few(case) or long(case):
        return False
    return len(case.window.parts) > 2 and 8 <= case.lanes < 24


def merged_scatter(case: Case) -> bool:
    """Whether the scatter is better done on merged axes."""
    if case.minor or not case.dense:
        return False
    return 2 <= case.lanes < (24 if len(case.window.parts) > 2 else 9 if case.narrow else 12)


def stored_scatter(case: Case) -> bool:
    """Whether the scatter is better done in a chain whose links are stored."""
    unrolled = case.narrow and not case.minor and 8 < case.lanes < 16
    return case.dense and case.longest > (6 if unrolled else 13)


def narrow_sum(case: Case) -> bool:
    """Whether narrow floats are better summed along one axis at a time."""
    return case.narrow and case.dense and case.lanes >= 32 and few(case)


def narrow_merged(case: Case) -> bool:
    """Whether extrema of narrow floats are better found on merged axes, one after another."""
    return case.narrow and few(case) and overlapping(case) and case.lanes < 32


def narrow_separable(case: Case) -> bool:
    """Whether extrema of narrow floats are better found along one axis at a time."""
    # 16 lanes of 16 bits are one vector, which has no loop.
    return case.narrow and few(case) and not (case.dense and case.lanes == 16)


def overlapping(case: Case) -> bool:
    """Whether windows lie apart along the last axis and yet share elements."""
    last = case.window.parts[-1]
    return 1 < last.stride < last.extent


def phases(case: Case) -> bool:
    """Whether the scatter should interleave phases along the last axis at all."""
    last = case.window.parts[-1]
    if not overlapping(case) or last.stride > 2:
        # Joining more phases than two is slower than repeating.
        return False
    # Cropping what was joined along the contiguous axis is slow; so is joining short rows that are then narrowed.
    return not case.minor or (last.size % 2 == 0 and (not case.narrow or last.size >= 32))


def joint_phases(case: Case) -> bool:
    """Whether the scatter should interleave all axes at once, or just the contiguous one, with all taps at once."""
    # It compares once for every tap, which from about 5 by 5 on costs more than one axis after another.
    if not phases(case) or case.window.taps > 25:
        return False
    if case.minor:
        return True
    return all(part.stride == 2 for part in case.window.parts) and case.lanes > (32 if case.narrow else 15)


def last_phases(case: Case) -> bool:
    """Whether the scatter should go one axis at a time and interleave the last one."""
    if not phases(case):
        return False
    # With more lanes, up to 5 by 5, repeating all axes at once is faster where joining them is not. A single lane of
    # narrow floats is narrowed element by element.
    short = case.lanes < 16 and not (case.narrow and case.lanes == 1)
    return case.minor or short or (case.window.taps > 25 and case.lanes >= 16)


def joint_spread(case: Case) -> bool:
    """Whether the spread should look at all windows of an element at once."""
    return not case.minor and 8 <= case.lanes <= 32 and taps.covering_count(case.window) <= 27


def separable_scatter(case: Case) -> bool:
    """Whether the scatter should go one axis at a time though few windows hold an element."""
    # Repeating the cotangent by the stride is slow along the contiguous axis. Of windows apart, 32 lanes are a third as
    # fast as 40 (2 by 2 and 3 by 3, f32 and bf16): the longest loop that is unrolled.
    return overlapping(case) if case.minor else case.window.apart and case.lanes == 32
