"""Which algorithm runs: one table over operator, platform and window, read when a program is lowered."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

from jaxpool._geometry import Window
from jaxpool._lowerings import reduce_window, separable, slices, taps, whole

LOWERINGS: dict[str, ModuleType] = {
    "reduce_window": reduce_window,
    "separable": separable,
    "slices": slices,
    "whole": whole,
}
PLATFORMS = ("cpu", "gpu", "tpu", "other")

OPERATORS = (
    "window_sum",
    "window_spread",
    "window_extremum",
    "window_argextremum",
    "gather_at_offsets",
    "scatter_at_offsets",
)

Applies = Callable[[Window], bool]


class Row(NamedTuple):
    """The first row that fits decides."""

    operators: tuple[str, ...]
    platforms: tuple[str, ...]
    applies: Applies
    implementation: str


def _always(window: Window) -> bool:
    del window
    return True


def _at_most(count: int) -> Applies:
    return lambda window: window.taps <= count


def _apart(window: Window) -> bool:
    """Whether no two windows share an element."""
    return all(part.stride >= part.extent for part in window.parts)


def _few_slices(window: Window) -> bool:
    # 81: a 3x3 window with borders on both sides of both axes.
    return window.taps <= 9 and taps.slice_count(window) <= 81


_ANY = PLATFORMS
_SUMS = ("window_sum", "window_extremum")
_PICKS = ("gather_at_offsets", "scatter_at_offsets")

TABLE = (
    Row(OPERATORS, _ANY, lambda window: window.whole, "whole"),
    # The built-in joint window has the price of its taps on CPU and is native elsewhere.
    Row(_SUMS, ("cpu",), _apart, "reduce_window"),
    Row(_SUMS, ("cpu",), _always, "separable"),
    Row(_SUMS, ("gpu", "tpu"), _at_most(25), "reduce_window"),
    Row(_SUMS, ("gpu", "tpu"), _always, "separable"),
    Row(_SUMS, ("other",), _always, "reduce_window"),
    Row(("window_spread",), ("cpu", "gpu"), _always, "separable"),
    Row(("window_spread",), ("tpu", "other"), _always, "reduce_window"),
    Row(("window_argextremum",), _ANY, _few_slices, "slices"),
    Row(("window_argextremum",), _ANY, _always, "separable"),
    Row(_PICKS, _ANY, _at_most(16), "slices"),
    Row(_PICKS, _ANY, _always, "separable"),
    Row(OPERATORS, _ANY, _always, "slices"),
    Row(OPERATORS, _ANY, _always, "reduce_window"),
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


def choose(operator: str, platform: str, window: Window, implementation: str | None, consistent: bool = True) -> str:
    """The name of the implementation that computes an operator.

    Raises:
      NotImplementedError: the implementation that was asked for cannot run this window.
    """
    if implementation is not None:
        check_runs(operator, operator, window, implementation, consistent)
        return implementation
    for row in TABLE:
        fits = operator in row.operators and platform in row.platforms and row.applies(window)
        if fits and LOWERINGS[row.implementation].refuses(operator, window, consistent) is None:
            return row.implementation
    raise NotImplementedError(
        f"{operator}: window_shape must be small enough for one of the implementations; got a window of "
        f"{tuple(part.taps for part in window.parts)} with {window.taps} taps. Pool in two steps, or use a global pool."
    )


def compute(operator: str, platform: str, *arrays: Any, window: Window, implementation: str | None, **parameters: Any):
    """The operator's result by the implementation of choice."""
    name = choose(operator, platform, window, implementation, parameters.get("consistent", True))
    return getattr(LOWERINGS[name], operator)(*arrays, window=window, **parameters)
