"""What suits a TPU: `reduce_window` and `select_and_scatter` are its own, minimal in bytes for small windows.

Strided slices read and write every element many times there; dense ones do not. One axis after another, they take
0.04 to 0.65 of the time of a native window of pairs, by bytes and instructions for a v5e: `pairs-v5e.json`.
Its compiler's own model of time and bytes is the measure: `compile-v5e.json`, `compile-v6e.json`.
"""

from __future__ import annotations

import dataclasses

from jaxpool._geometry import Window
from jaxpool._lowerings.native import cannot_scatter
from jaxpool._lowerings.plan import AXES, NATIVE, PLANE, Case, Plan, by_size

# Elements of whole planes by their rank. Counting was measured on a CPU only, so XLA sorts here.
COUNTS_RANKS = False


def choose(case: Case) -> Plan:
    """The plan for an operator."""
    window = case.window
    if window.whole:
        return PLANE
    if case.operator == "window_argextremum" and case.dense:
        return dataclasses.replace(AXES, borders="pad", back="dilate")
    if case.operator not in ("gather_at_offsets", "scatter_at_offsets"):
        return NATIVE
    return by_size(case)


def adapt(plan: Plan, case: Case) -> Plan:
    """A plan that a user has named, as it suits a TPU."""
    del case
    return plan


def scatters_natively(window: Window) -> bool:
    """Whether the gradient of an extremum is XLA's own scatter from the inputs."""
    return not window.whole and cannot_scatter(window) is None


def keeps_input(window: Window) -> bool:
    """Whether derivatives of an extremum keep its inputs, and not offsets."""
    # The native scatter has no dilation. What it cannot crop is computed from the inputs as elsewhere.
    return not window.whole and all(part.dilation == 1 for part in window.parts)
