"""Which algorithm runs: one table over operator, platform and window, read when a program is lowered.

The rows for CPU rest on timings (`benchmarks/results/cpu.json`), those for GPU and TPU on what their compilers
make of the programs (`compile-h100.json`, `compile-v5e.json`, `compile-v6e.json` there), never run on either.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import jax.numpy as jnp

from jaxpool._geometry import Window
from jaxpool._lowerings import (
    bins,
    doubling,
    narrow,
    padded,
    padded_separable,
    places,
    reduce_window,
    select_and_scatter,
    separable,
    slices,
    taps,
    whole,
)

LOWERINGS: dict[str, ModuleType] = {
    "reduce_window": reduce_window,
    "doubling": doubling,
    "padded": padded,
    "padded_separable": padded_separable,
    "select_and_scatter": select_and_scatter,
    "separable": separable,
    "slices": slices,
    "whole": whole,
}
# What a user can ask for; the others only compute derivatives.
IMPLEMENTATIONS = tuple(name for name in LOWERINGS if name != "select_and_scatter")
PLATFORMS = ("cpu", "gpu", "tpu", "other")

OPERATORS = (
    "window_sum",
    "window_spread",
    "window_extremum",
    "window_argextremum",
    "gather_at_offsets",
    "scatter_at_offsets",
)


SUMS = ("window_sum", "window_spread")


class Case(NamedTuple):
    """What the choice depends on besides operator and platform: the window, its arrays' rank, and their dtype.

    `narrow` says that the arrays hold floats which are computed as integers or wider floats, see the module `narrow`.
    """

    window: Window
    rank: int
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


def case_of(platform: str, window: Window, rank: int, dtype: Any) -> Case:
    """The case of arrays of a rank and a dtype."""
    return Case(window, rank, narrow.applies(platform, dtype))


class Row(NamedTuple):
    """The first row that fits decides."""

    operators: tuple[str, ...]
    platforms: tuple[str, ...]
    applies: Callable[[Case], bool]
    implementation: str


def _few(case: Case) -> bool:
    # Joining regions along the contiguous axis is slow, so there as few as possible; 81 slices are a window of 3 by 3
    # with borders on all sides.
    return not case.minor and case.window.taps <= 9 and taps.slice_count(case.window) <= 81


def _long(case: Case) -> bool:
    return case.dense and case.longest > 6


def _joint(case: Case) -> bool:
    # From 5 by 5 on, the instructions of a dense window cost more than moving the bytes once for every axis.
    return case.window.taps <= 9 or not case.dense


def _interleaved(case: Case) -> bool:
    # Along the contiguous axis, repeating the cotangent by the stride is slow, so there only one axis deep.
    last = case.window.parts[-1]
    return case.minor and 1 < last.stride < last.extent


_ANY = PLATFORMS
_VALUES = ("window_sum", "window_extremum")
_SPREADS = ("window_spread", "scatter_at_offsets")

TABLE = (
    Row(OPERATORS, _ANY, lambda case: case.window.whole, "whole"),
    # Values. On CPU the built-in window has the price of all its taps, and more where it is fused with what makes its
    # input; elsewhere it is native, and best for small windows.
    Row(_VALUES, ("gpu",), lambda case: _joint(case) and case.window.taps <= 25, "reduce_window"),
    # A TPU has the built-in window natively; strided slices read and write every element many times, dense ones do not,
    # and they beat the built-in window of pairs.
    Row(("window_argextremum",), ("tpu",), lambda case: case.dense, "padded_separable"),
    Row((*_VALUES, "window_spread", "window_argextremum"), ("tpu",), lambda _: True, "reduce_window"),
    # XLA:GPU fuses padding and dilation; one kernel for small windows, one per axis for large ones.
    Row(OPERATORS, ("gpu",), lambda case: _joint(case) and case.window.taps <= 27, "padded"),
    Row(OPERATORS, ("gpu",), lambda case: case.longest <= 32, "padded_separable"),
    Row(_VALUES, ("other",), lambda _: True, "reduce_window"),
    # Offsets across the gaps of a dilated window would be computed again inside the padding that their scatter needs.
    Row(("window_argextremum",), ("cpu",), lambda case: _few(case) and case.dilated, "separable"),
    # What narrow floats become is cheaper to make again along one axis than to keep; see `narrow`.
    Row(("window_sum",), ("cpu",), lambda case: case.narrow and case.dense and _few(case), "separable"),
    Row(("window_extremum",), ("cpu",), lambda case: case.narrow and _few(case), "separable"),
    Row(("window_argextremum",), ("cpu",), lambda case: case.narrow and case.minor and case.dense, "doubling"),
    Row((*_VALUES, "window_argextremum"), _ANY, _few, "slices"),
    Row((*_VALUES, "window_argextremum"), _ANY, _long, "doubling"),
    Row((*_VALUES, "window_argextremum"), _ANY, lambda _: True, "separable"),
    # The way back.
    Row(("window_spread",), ("other",), lambda _: True, "reduce_window"),
    Row(("scatter_at_offsets",), ("cpu", "other"), _interleaved, "separable"),
    Row(_SPREADS, _ANY, lambda case: taps.covering_count(case.window) <= 9, "slices"),
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
    names = [name for name, module in LOWERINGS.items() if module.refuses(operator, window, consistent) is None]
    raise NotImplementedError(
        f"{function}: implementation must be able to run the window; got implementation={implementation!r} for a "
        f"window of {tuple(part.taps for part in window.parts)}: {reason}. "
        f"Pass implementation=None, or one of {', '.join(names)}."
    )


def choose(operator: str, platform: str, case: Case, implementation: str | None, consistent: bool = True) -> str:
    """The name of the implementation that computes an operator.

    Raises:
      NotImplementedError: the implementation that was asked for cannot run this window.
    """
    window = case.window
    if implementation is not None:
        check_runs(operator, operator, window, implementation, consistent)
        return implementation
    for row in TABLE:
        fits = operator in row.operators and platform in row.platforms and row.applies(case)
        if fits and LOWERINGS[row.implementation].refuses(operator, window, consistent) is None:
            return row.implementation
    raise NotImplementedError(
        f"{operator}: window_shape must be small enough for one of the implementations; got a window of "
        f"{tuple(part.taps for part in window.parts)} with {window.taps} taps. Pool in two steps, or use a global pool."
    )


def scatter_at_extremum(platform: str, g: Any, x: Any, *, window: Window, kind: str, implementation: str | None) -> Any:
    """Every element gets the sum over the windows whose first extremum it is; from the inputs, not from offsets."""
    native = platform == "tpu" and select_and_scatter.refuses("scatter_at_extremum", window, True) is None
    if implementation == "select_and_scatter" or (implementation is None and native and not window.whole):
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
    case = case_of(platform, window, arrays[0].ndim, arrays[0].dtype)
    name = choose(operator, platform, case, implementation, parameters.get("consistent", True))
    run = getattr(LOWERINGS[name], operator)
    if operator in SUMS:
        return _summed(run, platform, *arrays, window=window, **parameters)
    if case.narrow:
        return narrow.run(operator, run, *arrays, window=window, **parameters)
    return run(*arrays, window=window, **parameters)
