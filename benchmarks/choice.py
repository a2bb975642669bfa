"""The chosen algorithm beside all others: where another one is faster, and not by chance."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

from rich.console import Console

from benchmarks.measure import Notify, Options, measure
from benchmarks.random_pools import describe
from benchmarks.ratios import table_of
from benchmarks.records import Case, Record, Run
from benchmarks.suite import Plan, Step

CHOSEN = "jaxpool"


def steps_of(plans: Sequence[Plan], contenders: Sequence[str], options: Options, bound: float) -> list[Step]:
    """One step per case, in which whoever seems to beat the choice has to do so twice.

    The fastest of many is often so by chance. So time each that seems more than `bound` times as fast once more, beside
    the choice alone, and keep what the second measurement says of both.
    """

    def step(plan: Plan) -> Step:
        def run(notify: Notify) -> Case:
            case = measure(*plan, contenders, options, notify)
            again: set[str] = set()
            while (best := best_of(case)) is not None and beaten(case) > bound and best.contender not in again:
                again.add(best.contender)
                case.records |= measure(*plan, [CHOSEN, best.contender], options, notify).records
            return case

        return run

    return [step(plan) for plan in plans]


def best_of(case: Case) -> Record | None:
    """The fastest of jaxpool's algorithms, the chosen one among them."""
    return case.fastest([name for name in case.records if name.partition(":")[0] == CHOSEN])


def beaten(case: Case) -> float:
    """The time of the choice over that of the best; 1 if both are the same program, NaN where one was not timed."""
    chosen, best = case.record(CHOSEN), best_of(case)
    return 1.0 if case.same_program(chosen, best) else case.ratio(chosen, best)


def show(run: Run, console: Console, bound: float = 1.15) -> None:
    """Where the chosen algorithm takes more than `bound` times as long as the best of all."""
    table = table_of("the choice is beaten", "dtype", "mode", "ms", "of the best", "which is")
    ratios: list[float] = []
    for case in run.cases:
        chosen, best, ratio = case.record(CHOSEN), best_of(case), beaten(case)
        if chosen is None or best is None or math.isnan(ratio):
            continue
        ratios.append(ratio)
        if ratio > bound:
            milliseconds = f"{chosen.median * 1e3:.3g}"
            name = best.contender.partition(":")[2]
            table.add_row(describe(case.workload), case.dtype, case.mode, milliseconds, f"{ratio:.2f}", name)
    if not ratios:
        console.print("Nothing was timed.")
        return
    if table.row_count:
        console.print(table)
    within = sum(ratio <= bound for ratio in ratios)
    mean = statistics.geometric_mean(ratios)
    console.print(
        f"The choice is within {bound:g} of the best in {within} of {len(ratios)} cases; geometric mean {mean:.3f}.",
        highlight=False,
    )
