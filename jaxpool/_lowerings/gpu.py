"""What suits a GPU: XLA:GPU fuses padding and dilation into the loop that reads them, so each step is one kernel.

Its compiler's own model of time and bytes is the measure: `compile-h100.json`.
"""

from __future__ import annotations

import dataclasses

from jaxpool._lowerings.plan import AXES, FORWARD, JOINT, PLANE, Case, Plan, by_size

# Elements of whole planes by their rank. Counting was measured on a CPU only, so XLA sorts here.
COUNTS_RANKS = False


def choose(case: Case) -> Plan:
    """The plan for an operator."""
    window = case.window
    if window.whole:
        return PLANE
    # From 5 by 5 on, the instructions of a dense window cost more than moving the bytes once for every axis.
    # Where windows hardly overlap, all taps at once read every element once, in one kernel: `compile-h100-random.json`.
    barely_overlap = case.operator in FORWARD and case.overlap <= 2 and window.taps <= 128
    if barely_overlap or window.taps <= 9 or (window.taps <= 27 and not case.dense):
        return adapt(JOINT, case)
    if case.longest <= 32 and case.consistent:
        return adapt(AXES, case)
    # One dilated copy per tap would be too many.
    return by_size(case)


def adapt(plan: Plan, case: Case) -> Plan:
    """A plan with the borders and the way back that suit a GPU."""
    parts = case.window.parts
    # Where no two windows share an element, repeating sums by the stride takes as many bytes and a sixth of the
    # instructions (in the machine code for an H100). If windows overlap, it would read each sum more than once.
    repeats = case.operator == "window_spread" and case.window.non_overlapping and all(p.stride > 1 for p in parts)
    return dataclasses.replace(plan, borders="pad", back="cover" if repeats else "dilate")
