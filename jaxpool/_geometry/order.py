"""Which of the sorted elements of a window a pool takes, and with which weights, for every number of valid elements."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any, NamedTuple

from jaxpool._geometry.arguments import pooling_window
from jaxpool._geometry.checks import check_option
from jaxpool._geometry.padding import FARTHEST
from jaxpool._geometry.values import as_index, as_positive, native, refuse, shown, traced
from jaxpool._geometry.window import Window

METHODS = ("linear", "lower", "higher", "midpoint", "nearest")
PLATEAUS = ("all", "first")
# The elements of a window, and these for each element that is taken of it. At the bounds value and
# gradient compile within three seconds without a mask: `order-compile.json`. With one they take longer.
_MOST_SORTED = 100
_MOST_COMPARED = 256
# A position among n sorted elements, and its weight.
Terms = tuple[tuple[int, float], ...]
# From so many elements on, this position.
Steps = tuple[tuple[int, int], ...]


@dataclasses.dataclass(frozen=True)
class Quantile:
    """The quantile `q`, between the elements beside the position `q * (n - 1)`."""

    q: float
    method: str
    descending = False

    @property
    def element(self) -> bool:
        """Whether the result is one of the elements."""
        return self.method in ("lower", "higher", "nearest")

    def terms(self, count: int) -> Terms:
        """Positions from the smallest on, and weights."""
        place = self.q * (count - 1)
        low, high = math.floor(place), math.ceil(place)
        share = place - low
        if self.method == "linear":
            return ((low, 1 - share), (high, share))
        if self.method == "midpoint":
            return ((low, 0.5), (high, 0.5)) if high > low else ((low, 1.0), (low, 0.0))
        nearest = low if share <= 0.5 else high
        return (({"lower": low, "higher": high}.get(self.method, nearest), 1.0),)

    def divisor(self, count: int) -> int:
        """What the weighted sum is divided by."""
        del count
        return 1


@dataclasses.dataclass(frozen=True)
class Rank:
    """The element at a position: from 0 on counted from the smallest, below 0 from the largest."""

    rank: int
    element = True

    @property
    def descending(self) -> bool:
        """Whether positions count from the largest element."""
        return self.rank < 0

    def terms(self, count: int) -> Terms:
        """The position, or the last one of fewer elements."""
        place = -1 - self.rank if self.rank < 0 else self.rank
        return ((min(place, count - 1), 1.0),)

    def divisor(self, count: int) -> int:
        """What the weighted sum is divided by."""
        del count
        return 1


@dataclasses.dataclass(frozen=True)
class Top:
    """The mean of the `k` largest elements, or of a share of them; of the smallest if not `descending`."""

    k: float
    descending: bool = True
    element = False

    def terms(self, count: int) -> Terms:
        """Positions from the end on, and weights."""
        return tuple((place, 1.0) for place in range(self.divisor(count)))

    def divisor(self, count: int) -> int:
        """How many elements there are of so many."""
        wanted = round(self.k * count) if isinstance(self.k, float) else self.k
        return min(max(wanted, 1), count)


Choice = Quantile | Rank | Top


class Picks(NamedTuple):
    """What a choice takes of windows of some numbers of elements.

    Attributes:
      steps: for each term the position, as it changes with the number of elements.
      weights: for each term the weight of each of those numbers.
      divisors: the divisor of each of them.
    """

    steps: tuple[Steps, ...]
    weights: tuple[tuple[float, ...], ...]
    divisors: tuple[int, ...]


def picks(choice: Choice, counts: Sequence[int]) -> Picks:
    """What a choice takes where windows have one of these numbers of elements, which ascend."""
    terms = {count: choice.terms(count) if count else () for count in counts}
    steps: list[Steps] = []
    weights: list[tuple[float, ...]] = []
    for term in range(max(map(len, terms.values()))):
        own = {count: found[term] for count, found in terms.items() if term < len(found)}
        if not any(weight for _, weight in own.values()):
            continue
        runs = itertools.groupby(own.items(), key=lambda item: item[1][0])
        steps.append(tuple((next(items)[0], place) for place, items in runs))
        weights.append(tuple(own[count][1] if count in own else 0.0 for count in counts))
    return Picks(tuple(steps), tuple(weights), tuple(max(choice.divisor(count), 1) if count else 1 for count in counts))


def possible_counts(window: Window, masked: bool) -> tuple[int, ...]:
    """The numbers of elements that windows may have, in ascending order."""
    if masked:
        return tuple(range(window.taps + 1))
    products = {1}
    for part in window.parts:
        products = {a * b for a in products for b in {count for _, count in part.real_counts()}}
    return tuple(sorted(products))


def is_sorted_whole(window: Window, choice: Choice) -> bool:
    """Whether a window is so large that it is sorted as a plane; refuses one that is as large, but not the plane."""
    taps = max(window.normal.taps, 1)
    taken = len(choice.terms(taps))
    most = min(_MOST_SORTED, _MOST_COMPARED // taken)
    if taps <= most:
        return False
    if not window.normal.whole:
        sizes = tuple(part.taps for part in window.parts)
        remedy = "Pool in two steps; for the whole plane use the global pool."
        fact = f"{taken} of its elements" if taken > 2 else ""
        refuse(ValueError, "window_shape", f"have at most {most} elements", sizes, remedy, fact)
    return True


def _number(argument: str, value: Any, rule: str, remedy: str) -> float | int:
    """An int or a float; refuses all else."""
    if traced(value):
        remedy = "Mark the argument with jax.jit's static_argnames, or close over it."
        refuse(TypeError, argument, "be known while tracing", "a traced value", remedy)
    value = native(value)
    if hasattr(value, "dtype") and getattr(value, "shape", None) == () and hasattr(value, "item"):
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, int | float):
        refuse(TypeError, argument, rule, shown(value), remedy)
    return value


def check_quantile(q: Any, method: Any) -> Quantile:
    """The quantile that the arguments name."""
    number = check_q(q)
    check_option("method", method, METHODS)
    return Quantile(number, str(method))


def check_q(q: Any) -> float:
    """A number from 0 to 1; refuses all else."""
    rule, remedy = "be a number from 0 to 1", "Pass 0.5 for the median, 0 for the minimum, 1 for the maximum."
    number = _number("q", q, rule, remedy)
    if not 0 <= number <= 1:
        refuse(ValueError, "q", rule, number, remedy)
    return float(number)


def check_rank(rank: Any, taps: int | None = None) -> Rank:
    """The rank that an argument names; refuses one that a window of so many elements does not have."""
    place = as_index("rank", rank, rank, remedy="Write 0 for the smallest element, -1 for the largest.")
    if taps is not None and not -taps <= place < taps:
        remedy = "Write 0 for the smallest element, -1 for the largest."
        refuse(ValueError, "rank", f"be from {-taps} to {taps - 1}", place, remedy, f"windows of {taps} elements")
    return Rank(place)


def check_top(argument: str, k: Any, *, none: bool = False) -> Top:
    """How many of the largest elements an argument names; `none` is whether it may be 0."""
    least = "0 or more" if none else "1 or more"
    rule = f"be an integer, {least}, or a share between 0 and 1"
    remedy = "Write 3 for three elements, 0.2 for a fifth of them."
    number = _number(argument, k, rule, remedy)
    share = isinstance(number, float)
    fits = 0 < number < 1 if share else int(not none) <= number <= FARTHEST
    if not fits and not (none and number == 0):
        refuse(ValueError, argument, rule, number, remedy)
    return Top(number if share and number else int(number))


def check_positive_integer(argument: str, value: Any) -> int:
    """A positive integer; refuses all else."""
    (number,) = as_positive(argument, [as_index(argument, value, value)], value)
    return number


def check_alpha(alpha: Any) -> float:
    """A finite number; refuses all else."""
    rule, remedy = "be a finite number", "Pass 1.0 for the mean of both, 0.0 for the largest alone."
    number = _number("alpha", alpha, rule, remedy)
    if not abs(number) < math.inf:
        refuse(ValueError, "alpha", rule, number, remedy)
    return float(number)


def peak_window(shape: tuple[Any, ...], window_shape: Any, padding: Any, channel_axis: Any) -> Window:
    """The windows around every element; refuses padding with which there are more or fewer of them than elements."""
    window = pooling_window(shape, window_shape, 1, padding, channel_axis=channel_axis, padding_is_empty=False)
    for part in window.parts:
        if part.outputs != part.size or not 0 <= part.low < part.taps:
            pairs = tuple((own.taps // 2, (own.taps - 1) // 2) for own in window.parts)
            rule = "put a window around every element"
            remedy = f"Write 'SAME', 'SAME_LOWER', or pairs such as {pairs}."
            refuse(ValueError, "padding", rule, shown(padding), remedy, f"windows of {part.taps} on axis {part.axis}")
    return window
