"""Which algorithm runs: one table over operator, platform and window, read when a program is lowered.

The rows for CPU rest on timings (`benchmarks/results/cpu.json`), those for GPU and TPU on what their compilers
make of the programs (`compile-h100.json`, `compile-v5e.json`, `compile-v6e.json` there), never run on either.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import jax.numpy as jnp

from jaxpool._geometry import Window
from jaxpool._lowerings import (
    bins,
    cases,
    doubling,
    interleaved,
    merged,
    narrow,
    padded,
    places,
    reduce_window,
    select_and_scatter,
    separable,
    slices,
    taps,
    whole,
)

OPERATORS = (
    "window_sum",
    "window_spread",
    "window_extremum",
    "window_argextremum",
    "gather_at_offsets",
    "scatter_at_offsets",
)

LOWERINGS: dict[str, ModuleType | SimpleNamespace] = {
    "reduce_window": reduce_window,
    "doubling": doubling,
    "interleaved": interleaved,
    "interleaved_separable": separable.over(interleaved, "scatter_at_offsets"),
    "merged_separable": separable.over(merged, *OPERATORS),
    "padded": padded,
    "padded_separable": separable.over(padded, *OPERATORS),
    "select_and_scatter": select_and_scatter,
    "separable": separable,
    "slices": slices,
    "stored_doubling": doubling.STORED,
    "whole": whole,
}
# What a user can ask for: what computes values. The others only compute derivatives.
IMPLEMENTATIONS = tuple(name for name, module in LOWERINGS.items() if hasattr(module, "window_extremum"))
PLATFORMS = ("cpu", "gpu", "tpu", "other")

SUMS = ("window_sum", "window_spread")


class Row(NamedTuple):
    """The first row that fits decides."""

    operators: tuple[str, ...]
    platforms: tuple[str, ...]
    applies: Callable[[cases.Case], bool]
    implementation: str


_ANY = PLATFORMS
_VALUES = ("window_sum", "window_extremum")
_READS = (*_VALUES, "window_argextremum")
_SPREADS = ("window_spread", "scatter_at_offsets")

TABLE = (
    Row(OPERATORS, _ANY, lambda case: case.window.whole, "whole"),
    # A TPU has the built-in window natively; strided slices read and write every element many times, dense ones do not,
    # and they beat the built-in window of pairs.
    Row(("window_argextremum",), ("tpu",), lambda case: case.dense, "padded_separable"),
    Row((*_VALUES, "window_spread", "window_argextremum"), ("tpu",), lambda _: True, "reduce_window"),
    # XLA:GPU fuses padding and dilation; one kernel for small windows, one per axis for large ones.
    Row(OPERATORS, ("gpu",), lambda case: cases.joint(case) and case.window.taps <= 27, "padded"),
    Row(OPERATORS, ("gpu",), lambda case: case.longest <= 32, "padded_separable"),
    Row(_VALUES, ("other",), lambda _: True, "reduce_window"),
    # Offsets across the gaps of a dilated window would be computed again inside the padding that their scatter needs.
    Row(("window_argextremum",), ("cpu",), lambda case: cases.few(case) and case.dilated, "separable"),
    # What narrow floats become is cheaper to make again along one axis than to keep; see `narrow`.
    Row(("window_sum",), ("cpu",), cases.narrow_sum, "separable"),
    Row(("window_extremum",), ("cpu",), cases.narrow_merged, "merged_separable"),
    Row(("window_extremum",), ("cpu",), cases.narrow_separable, "separable"),
    Row(("window_extremum",), ("cpu",), cases.stored_value, "stored_doubling"),
    Row(("window_argextremum",), ("cpu",), cases.merged_place, "merged_separable"),
    Row(("window_argextremum",), ("cpu",), cases.stored_place, "stored_doubling"),
    Row(("window_argextremum",), ("cpu",), lambda case: case.narrow and case.minor and case.dense, "doubling"),
    Row(_VALUES, ("cpu",), lambda case: case.lanes <= 8 and cases.few(case), "separable"),
    Row(("window_argextremum",), ("cpu",), cases.separable_place, "separable"),
    Row(("window_sum",), ("cpu",), cases.merged_value, "merged_separable"),
    Row(("window_extremum",), ("cpu",), lambda case: cases.merged_value(case) and not case.narrow, "merged_separable"),
    Row(_READS, _ANY, cases.few, "slices"),
    Row(_READS, _ANY, cases.long, "doubling"),
    Row(_READS, _ANY, lambda _: True, "separable"),
    # The way back.
    Row(("window_spread",), ("other",), lambda _: True, "reduce_window"),
    Row(("scatter_at_offsets",), ("cpu",), cases.joint_phases, "interleaved"),
    Row(("scatter_at_offsets",), ("cpu",), cases.last_phases, "interleaved_separable"),
    Row(("scatter_at_offsets",), ("cpu",), cases.separable_scatter, "separable"),
    Row(_SPREADS, _ANY, lambda case: taps.covering_count(case.window) <= 9, "slices"),
    Row(("window_spread",), ("cpu",), cases.joint_spread, "slices"),
    Row(("window_spread",), ("cpu",), lambda case: case.dense, "doubling"),
    Row(("scatter_at_offsets",), ("cpu",), cases.stored_scatter, "stored_doubling"),
    Row(("scatter_at_offsets",), ("cpu",), cases.merged_scatter, "merged_separable"),
    Row(_SPREADS, _ANY, lambda case: case.dense and case.longest > 13, "doubling"),
    Row(_SPREADS, _ANY, lambda _: True, "separable"),
    # Forward mode.
    Row(("gather_at_offsets",), _ANY, lambda case: case.window.taps <= 16, "slices"),
    Row(("gather_at_offsets",), _ANY, lambda case: case.dense and case.longest > 13, "doubling"),
    Row(("gather_at_offsets",), _ANY, lambda _: True, "separable"),
    # Where none of these can run the window.
    Row(OPERATORS, _ANY, lambda _: True, "slices"),
    Row(OPERATORS, _ANY, lambda _: True, "doubling"),
    Row(OPERATORS, _ANY, lambda _: True, "reduce_window"),
)


def check_runs(
    function: str, operator: str, window: Window, implementation: str | None, consistent: bool = True
) -> None:
    """Raises NotImplementedError if an implementation that was asked for cannot run this window."""
    if implementation is None:
        return
    reason = LOWERINGS[implementation].refuses(operator, window, consistent)
    if reason is None:
        return
    names = [name for name in IMPLEMENTATIONS if LOWERINGS[name].refuses(operator, window, consistent) is None]
    raise NotImplementedError(
        f"{function}: implementation must be able to run the window; got implementation={implementation!r} for a "
        f"window of {tuple(part.taps for part in window.parts)}: {reason}. "
        f"Pass implementation=None, or one of {', '.join(names)}."
    )


def choose(operator: str, platform: str, case: cases.Case, implementation: str | None, consistent: bool = True) -> str:
    """The name of the implementation that computes an operator.

    Raises:
      NotImplementedError: the implementation that was asked for cannot run this window.
    """
    window = case.window
    if implementation is not None:
        check_runs(operator, operator, window, implementation, consistent)
        return implementation
    if window.symbolic and window.whole:
        return "whole"
    if window.symbolic:
        # What does not look at single positions of the borders.
        return "reduce_window" if operator in reduce_window.OPERATORS else "padded"
    for row in TABLE:
        fits = operator in row.operators and platform in row.platforms and row.applies(case)
        if fits and LOWERINGS[row.implementation].refuses(operator, window, consistent) is None:
            return row.implementation
    raise NotImplementedError(
        f"{operator}: window_shape must be small enough for one of the implementations; got a window of "
        f"{tuple(part.taps for part in window.parts)} with {window.taps} taps. Pool in two steps, or use a global pool."
    )


def scatters_natively(platform: str, window: Window, implementation: str | None) -> bool:
    """Whether the scatter from the inputs is the one operation that XLA has for it."""
    native = platform == "tpu" and select_and_scatter.refuses("scatter_at_extremum", window, True) is None
    return implementation == "select_and_scatter" or (implementation is None and native and not window.whole)


def scatter_at_extremum(platform: str, g: Any, x: Any, *, window: Window, kind: str, implementation: str | None) -> Any:
    """Every element gets the sum over the windows whose first extremum it is; from the inputs, not from offsets."""
    if scatters_natively(platform, window, implementation):
        check_runs("scatter_at_extremum", "scatter_at_extremum", window, "select_and_scatter")
        return select_and_scatter.scatter_at_extremum(g, x, window, kind)
    _, offsets = compute("window_argextremum", platform, x, window=window, kind=kind, implementation=implementation)
    static: dict[str, Any] = {"window": window, "implementation": implementation, "consistent": True}
    return compute("scatter_at_offsets", platform, g, offsets, **static)


def gather_at_extremum(platform: str, dx: Any, x: Any, *, window: Window, kind: str, implementation: str | None) -> Any:
    """From every window the element of `dx` at the first extremum of `x`."""
    _, offsets = compute("window_argextremum", platform, x, window=window, kind=kind, implementation=implementation)
    static: dict[str, Any] = {"window": window, "implementation": implementation, "consistent": True}
    return compute("gather_at_offsets", platform, dx, offsets, **static)


# Operators with one algorithm for every platform.
_ALWAYS: dict[str, Callable[..., Any]] = {
    "lay_out_bins": bins.lay_out_bins,
    "collect_bins": bins.collect_bins,
    "sum_bins": bins.sum_bins,
    "spread_bins": bins.spread_bins,
    "gather_at_places": places.gather_at_places,
    "scatter_at_places": places.scatter_at_places,
    "last_at_places": places.last_at_places,
    "first_maximum": places.first_maximum,
}
_COMPOSED = {"scatter_at_extremum": scatter_at_extremum, "gather_at_extremum": gather_at_extremum}


def _summed(run: Callable[..., Any], platform: str, x: Any, *, window: Window, dtype: str) -> Any:
    wide = max(x.dtype, jnp.dtype(dtype), key=lambda d: d.itemsize)
    wide = jnp.float32 if narrow.applies(platform, wide) else wide
    return run(x.astype(wide), window=window).astype(dtype)


def compute(operator: str, platform: str, *arrays: Any, window: Any, implementation: str | None, **parameters: Any):
    """The operator's result by the implementation of choice."""
    if operator in _ALWAYS:
        return _ALWAYS[operator](*arrays, window=window)
    if operator in _COMPOSED:
        return _COMPOSED[operator](platform, *arrays, window=window, implementation=implementation, **parameters)
    case_dtype = arrays[0].dtype
    case = cases.case_of(platform, window, arrays[0].shape, case_dtype)
    name = choose(operator, platform, case, implementation, parameters.get("consistent", True))
    run = getattr(LOWERINGS[name], operator)
    native = name == "reduce_window"
    if platform == "cpu" and operator in _READS and not (window.whole or native):
        # Else XLA would take apart what an earlier pool has joined, and compute every tap from its taps.
        arrays = taps.materialize(*arrays)
    if operator in SUMS:
        return _summed(run, platform, *arrays, window=window, **parameters)
    apart = window.apart and not window.whole
    if operator == "scatter_at_offsets" and platform == "cpu" and apart and parameters["consistent"]:
        g, offsets = arrays
        arrays = (g, taps.computed_once(offsets, window))
    if (case.narrow or (window.whole and narrow.loses_nan(platform, operator, case_dtype))) and not native:
        return narrow.run(operator, run, *arrays, window=window, **parameters)
    return run(*arrays, window=window, **parameters)
