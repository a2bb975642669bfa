"""Plans: how an operator is computed, as a few decisions that do not depend on each other."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import jax.numpy as jnp

from jaxpool._geometry import AxisWindow, Window, known

OPERATORS = (
    "window_sum",
    "window_spread",
    "window_extremum",
    "window_argextremum",
    "gather_at_offsets",
    "scatter_at_offsets",
)
VALUES = ("window_sum", "window_extremum")
EXTREMA = ("window_extremum", "window_argextremum")
FORWARD = (*VALUES, "window_argextremum")
# The operators that send something from the windows to the elements.
BACKWARD = ("window_spread", "scatter_at_offsets")

# A program of more slices takes too long to compile.
MAX_SLICES = 4096


@dataclasses.dataclass(frozen=True)
class Plan:
    """How an operator is computed. The fields are independent; `refuses` names the combinations that cannot run.

    Attributes:
      order: "native" for XLA's own window operation, "plane" for a reduction where the only window is the whole plane,
        "joint" for all taps of a window at once, "axes" for one axis after another.
      chain: with "axes", compute a long window as a few short ones, one after another.
      borders: "split" computes outputs whose windows reach into padding apart from the others, and never copies the
        input; "pad" pads the input first.
      merge: view the axes after the window's last as one, where XLA:CPU would loop over a few elements.
      store: with "axes", have XLA:CPU store what each step yields; else it may recompute it inside the next.
      back: how elements find the windows that send to them. "cover" looks at the few windows that may hold each
        element, "phases" does so for every element of one remainder by the stride and interleaves the remainders,
        "dilate" spreads what each tap sends over an array of zeros.
    """

    order: Literal["native", "plane", "joint", "axes"] = "axes"
    chain: bool = False
    borders: Literal["split", "pad"] = "split"
    merge: bool = False
    store: bool = False
    back: Literal["cover", "phases", "dilate"] = "cover"

    def __str__(self) -> str:
        """The name of its order and chain, as users know it, and what differs from the defaults."""
        along_axes = "chain" if self.chain else "separable"
        names = {"native": "reduce_window", "plane": "whole plane", "joint": "joint", "axes": along_axes}
        details = ("padded", "merged", "stored", self.back)
        shown = (self.borders == "pad", self.merge, self.store, self.back != "cover")
        return ", ".join((names[self.order], *(detail for detail, show in zip(details, shown, strict=True) if show)))


NATIVE, PLANE, JOINT, AXES, CHAIN = (
    Plan("native"),
    Plan("plane"),
    Plan("joint"),
    Plan("axes"),
    Plan("axes", chain=True),
)
# What users may ask for. A platform adds borders, merge and back.
NAMED = {"reduce_window": NATIVE, "joint": JOINT, "separable": AXES, "chain": CHAIN}


class Case(NamedTuple):
    """What a choice depends on: an operator, its window and its first array.

    Attributes:
      operator: its name.
      window: the window.
      rank: axes of the array.
      innermost: elements along its last axis, which is contiguous in memory; large where the size is a symbol.
      narrow: whether they are floats of 16 bits or less.
      consistent: whether offsets come from an extremum of the same window.
    """

    operator: str
    window: Window
    rank: int
    innermost: int
    narrow: bool = False
    consistent: bool = True

    @property
    def pools_last_axis(self) -> bool:
        """Whether the window lies along the axis that is contiguous in memory."""
        return self.window.axes[-1] == self.rank - 1

    @property
    def dense(self) -> bool:
        """Whether windows start at every element."""
        return all(part.stride == 1 for part in self.window.parts)

    @property
    def dilated(self) -> bool:
        """Whether windows have gaps."""
        return any(part.dilation > 1 for part in self.window.parts)

    @property
    def overlap(self) -> float:
        """How many windows hold an element: taps for each element that the windows are apart."""
        return self.window.taps / math.prod(part.stride for part in self.window.parts)

    @property
    def deepest(self) -> float:
        """How many windows hold an element along the axis where these are most."""
        return max(part.taps / part.stride for part in self.window.parts)

    @property
    def longest(self) -> int:
        """Taps along the longest side of the window."""
        return max(part.taps for part in self.window.parts)


def case_of(operator: str, window: Window, shape: Sequence[Any], dtype: Any, consistent: bool = True) -> Case:
    """The case of an operator whose first array has a shape and a dtype."""
    innermost = shape[-1] if known(shape[-1]) else 1 << 20
    narrow = jnp.issubdtype(dtype, jnp.floating) and jnp.finfo(dtype).bits < 32
    return Case(operator, window, len(shape), innermost, narrow, consistent)


def covering(part: AxisWindow) -> range:
    """How many windows back the windows start that may hold an element, one starting at its own cell being 0 back."""
    return range((part.extent - 1) // part.stride + 1)


def reaching(part: AxisWindow, back: int) -> list[bool]:
    """For every element of a cell, whether the window that starts `back` cells before has a tap there."""
    distances = (phase + back * part.stride for phase in range(part.stride))
    return [d % part.dilation == 0 and d // part.dilation < part.taps for d in distances]


def backs_of(part: AxisWindow) -> Sequence[int]:
    """`covering` without the windows of which no tap reaches an element."""
    if part.stride == 1:
        return range(0, part.extent, part.dilation)
    # Any `stride` distances in a row hold a multiple of the dilation. So each of these windows has a tap there.
    if part.dilation <= part.stride:
        return covering(part)
    return [back for back in covering(part) if any(reaching(part, back))]


def slice_count(operator: str, plan: Plan, window: Window) -> int:
    """How many slices a joint plan takes."""
    if operator in BACKWARD:
        return window.taps if plan.back != "cover" else math.prod(len(backs_of(part)) for part in window.parts)
    if plan.borders == "pad":
        return window.taps
    return math.prod(sum(s.last - s.first for s in part.segments()) for part in window.parts)


def refuses(plan: Plan, case: Case) -> str | None:
    """Why a plan cannot run a case, or None."""
    operator, window = case.operator, case.window
    offsets = operator.endswith("_at_offsets")
    if plan.order == "plane":
        return None if window.whole else "the window is not the whole plane"
    if plan.order == "native":
        if operator == "window_argextremum" and known(window.reach) and window.reach > 1 << 31:
            return "the positions that a window reaches are numbered in 32 bits"
        return "reduce_window cannot pick a different tap in every window" if offsets else None
    if window.symbolic and (plan.order, plan.borders, plan.back) != ("joint", "pad", "dilate"):
        return "it needs to know the sizes of the plane"
    if plan.order == "axes" and offsets and not case.consistent and (plan.chain or len(window.parts) > 1):
        what = "a chain of windows" if plan.chain else "one axis at a time"
        return f"{what} needs offsets that come from an extremum of the same window"
    if plan.back == "phases" and operator in BACKWARD and case.dilated:
        return "remainders by the stride have no windows of their own where windows have gaps"
    if plan.chain:
        return None
    parts = [window] if plan.order == "joint" else [Window((part,)) for part in window.parts]
    count = max(slice_count(operator, plan, part) for part in parts)
    return None if count <= MAX_SLICES else f"it would take {count} slices, more than {MAX_SLICES}"


def by_size(case: Case) -> Plan:
    """A plan that keeps the number of slices moderate, for compilers and windows of which nothing else is known."""
    if case.operator in BACKWARD:
        few = slice_count(case.operator, JOINT, case.window) <= 9
    else:
        few = case.window.taps <= (16 if case.operator == "gather_at_offsets" else 9)
    if few or not case.consistent:
        return JOINT
    return CHAIN if case.dense and case.longest > 13 else AXES
