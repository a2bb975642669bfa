"""What a run over many pools comes to: geometric means, and the cases that are furthest from them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.table import Table

from benchmarks.contenders import TORCH
from benchmarks.random_pools import describe
from benchmarks.records import Case, Record, Run

Peer = Callable[[Case], Record | None]
PEERS: dict[str, Peer] = {"flax": lambda case: case.record("flax"), "torch": lambda case: case.fastest(TORCH)}
_SHOWN: dict[str, Peer] = {**PEERS, "before": lambda case: case.record("before")}


def beside(case: Case, peer: Peer) -> float:
    """The time of jaxpool over a peer's; NaN where one of them was not timed."""
    return case.ratio(case.record("jaxpool"), peer(case))


def show_peers(run: Run, console: Console, worst: int = 10) -> None:
    """Per mode and peer the geometric mean of the times over the peer's, how many are over 1.1, and the worst."""
    summary = table_of("mode and peer", "pools", "geometric mean", "over 1.1", "largest")
    for mode in dict.fromkeys(case.mode for case in run.cases):
        for name, peer in _SHOWN.items():
            ratios = _known(beside(case, peer) for case in run.cases if case.mode == mode)
            if ratios:
                share = sum(ratio > 1.1 for ratio in ratios) / len(ratios)
                row = (f"{statistics.geometric_mean(ratios):.3f}", f"{share:.0%}", f"{max(ratios):.2f}")
                summary.add_row(f"{mode} of {name}", str(len(ratios)), *row)
    console.print(summary)
    for name, peer in _SHOWN.items():
        _show_worst(run.cases, name, peer, console, worst)


def _show_worst(cases: Sequence[Case], name: str, peer: Peer, console: Console, worst: int) -> None:
    known = [(beside(case, peer), case) for case in cases]
    known = sorted(((r, case) for r, case in known if not math.isnan(r)), key=lambda pair: -pair[0])[:worst]
    if not known:
        return
    table = table_of(f"the worst beside {name}", "dtype", "mode", "ms", f"of {name}")
    for ratio, case in known:
        record = case.record("jaxpool")
        milliseconds = f"{record.median * 1e3:.3g}" if record is not None else ""
        table.add_row(describe(case.workload), case.dtype, case.mode, milliseconds, f"{ratio:.2f}")
    console.print(table)


def _known(ratios: Iterable[float]) -> list[float]:
    return [ratio for ratio in ratios if not math.isnan(ratio)]


def table_of(first: str, *others: str) -> Table:
    """A table without lines, whose other columns hold numbers."""
    table = Table(box=None, pad_edge=False)
    table.add_column(first, no_wrap=True)
    for title in others:
        table.add_column(title, justify="right", no_wrap=True)
    return table
