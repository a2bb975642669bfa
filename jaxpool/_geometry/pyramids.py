"""Pyramids: the levels of bins that are joined to one vector, and the overlapping squares of R-MAC."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from jaxpool._geometry.values import as_index, as_positive, as_sequence, as_sizes, refuse, shown

PYRAMID_KINDS = ("max", "avg")
PYRAMID_ORDERS = ("features_last", "features_first")
# The reference tries these numbers of squares along the longer side, and so many more than along the shorter.
_SQUARES = (2, 3, 4, 5, 6, 7)


def pyramid_levels(levels: Any, spatial: int | None, fact: str = "") -> list[tuple[int, ...]]:
    """The number of bins along every spatial axis of each level; `spatial` is None where it is not known yet."""
    rule = "be a sequence of levels, each an int or one int per spatial axis"
    remedy = "Write (1, 2, 4) for one bin, 2 by 2 bins and 4 by 4 bins."
    result: list[tuple[int, ...]] = []
    for level in as_sizes("levels", levels, rule, remedy, fact):
        sizes = as_sequence(level)
        if sizes is None:
            sizes = [level] * (1 if spatial is None else spatial)
        elif (spatial is not None and len(sizes) != spatial) or not sizes:
            remedy = "Give one int per spatial axis, or one int for all of them."
            refuse(ValueError, "levels", rule, shown(levels), remedy, fact)
        numbers = [as_index("levels", size, levels, fact) for size in sizes]
        result.append(as_positive("levels", numbers, levels, fact))
    return result


def check_features(channel_axis: Any, fact: str = "") -> None:
    """Refuses inputs without features, where vectors of these are normalised."""
    if channel_axis is None:
        remedy = "Use -1 for channels last, -3 for images with channels first."
        refuse(ValueError, "channel_axis", "be the axis of the features", None, remedy, fact)


def check_num_levels(value: Any) -> int:
    """The number of levels as an int."""
    return as_positive("num_levels", [as_index("num_levels", value, value)], value)[0]


def check_fraction(argument: str, value: Any, highest: float) -> float:
    """A number from 0 to `highest` as a float; refuses all else."""
    rule = "be a real number"
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        refuse(TypeError, argument, rule, shown(value), "Write a number, such as 0.4.")
    if not 0 <= value < highest:
        rule = "not be negative, and be finite" if highest == math.inf else f"be from 0 to below {highest:g}"
        refuse(ValueError, argument, rule, value, "Leave it out for the number of the paper.")
    return float(value)


def rmac_squares(sizes: Sequence[int], levels: int, overlap: float) -> list[tuple[int, list[list[int]]]]:
    """For each level the side of its squares, and where they start along each of the two axes.

    Level l has l squares along the shorter side, of side `2 * shorter // (l + 1)`, and as many more along the longer
    side as bring the overlap of neighbours on level 1 nearest to the one that is wanted.
    """
    short, long = min(sizes), max(sizes)
    more = 0
    if short < long:
        # In f32 and in these steps, as the reference has it, so that ties are decided alike.
        steps = np.asarray(_SQUARES, np.float32)
        shift = np.float32(long - short) / (steps - np.float32(1))
        area = np.float32(short**2)
        shared = (area - np.float32(short) * shift) / area
        more = int(np.argmin(np.abs(shared - np.float32(overlap)))) + 1
    result: list[tuple[int, list[list[int]]]] = []
    for level in range(1, levels + 1):
        side = 2 * short // (level + 1)
        if side:
            numbers = [level + (more if size > short else 0) for size in sizes]
            starts = [
                [i * (size - side) // max(n - 1, 1) for i in range(n)] for n, size in zip(numbers, sizes, strict=True)
            ]
            result.append((side, starts))
    return result


def interpolation(bins: int, size: int, align_corners: bool) -> np.ndarray:
    """The matrix, (size, bins), of linear interpolation from bins to the positions of an axis.

    The value of a position is that of the two nearest bins, beyond the first and the last one theirs. With
    `align_corners` the outer bins lie on the outer positions, otherwise positions and bins are cells of one length.
    """
    positions = np.arange(size, dtype=np.float64)
    if align_corners:
        place = positions * ((bins - 1) / (size - 1)) if size > 1 else np.zeros(1)
    else:
        place = np.clip((positions + 0.5) * (bins / size) - 0.5, 0, bins - 1)
    return np.maximum(1 - np.abs(place[:, None] - np.arange(bins)), 0)
