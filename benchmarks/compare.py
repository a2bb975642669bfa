"""Two runs side by side: what became slower, and whether that is more than noise."""

from __future__ import annotations

import dataclasses
import math

from rich.console import Console
from rich.table import Table

from benchmarks.records import Case, Key, Record, Run, one_device

# How many standard errors of the ratio a change must exceed.
_ERRORS = 3.0


@dataclasses.dataclass(frozen=True)
class Change:
    """One contender on one case in two runs.

    Attributes:
      title: the case.
      contender: who.
      before, after: median seconds, or those of the copy's median if that was asked for.
      ratio: after over before.
      noise: what of the ratio's distance from 1 the samples can explain.
      verdict: "slower", "faster", "more memory", "less memory", "lost" (timed only before) or "".
    """

    title: str
    contender: str
    before: float
    after: float
    ratio: float
    noise: float
    verdict: str

    @property
    def regression(self) -> bool:
        """Whether it got worse."""
        return self.verdict in ("slower", "more memory", "lost")


def changes(before: Run, after: Run, threshold: float = 0.1, normalise: bool = False) -> list[Change]:
    """What changed from one run to another on the same device.

    Args:
      before, after: the runs.
      threshold: relative changes of less are none, however small the noise of a run: two runs differ in more.
      normalise: whether times are taken relative to the copy of the same case, for a machine that others use too.

    Raises:
      MixedDevicesError: the runs are of different devices.
    """
    one_device((before, after))
    then = {case.key: case for case in before.cases}
    result: list[Change] = []
    for case in after.cases:
        earlier = then.get(case.key)
        if earlier is None or earlier.workload != case.workload:
            continue
        for name, record in earlier.records.items():
            if not record.timed or name not in case.records or (normalise and name == "copy"):
                continue
            result.append(_change(earlier, record, case, case.records[name], threshold, normalise))
    return result


def alone(before: Run, after: Run) -> tuple[list[Case], list[Case]]:
    """The cases of each run that the other does not have, or has with another workload of the name."""
    cases = [{case.key: case for case in run.cases} for run in (before, after)]

    def without(own: dict[Key, Case], others: dict[Key, Case]) -> list[Case]:
        return [c for key, c in own.items() if key not in others or others[key].workload != c.workload]

    return without(cases[0], cases[1]), without(cases[1], cases[0])


def _change(then: Case, before: Record, case: Case, after: Record, threshold: float, normalise: bool) -> Change:
    old, new = _units(then, before, normalise), _units(case, after, normalise)
    ratio = new[0] / old[0]
    noise = _ERRORS * math.hypot(old[1], new[1]) * ratio
    noise = math.inf if math.isnan(noise) else noise
    verdict = ""
    if not after.timed:
        verdict = "lost"
    elif abs(math.log(ratio)) > math.log1p(threshold) and abs(ratio - 1) > noise:
        verdict = "slower" if ratio > 1 else "faster"
    else:
        sizes = [
            (a, b)
            for a, b in (
                (before.temporary_bytes, after.temporary_bytes),
                (before.residual_bytes, after.residual_bytes),
            )
            if a is not None and b is not None
        ]
        slack = 1 << 16
        if any(b > a * (1 + threshold) + slack for a, b in sizes):
            verdict = "more memory"
        elif any(a > b * (1 + threshold) + slack for a, b in sizes):
            verdict = "less memory"
    return Change(case.title, after.contender, old[0], new[0], ratio, noise, verdict)


def _units(case: Case, record: Record, normalise: bool) -> tuple[float, float]:
    """A median and its relative standard error."""
    copy = case.record("copy")
    if not normalise or copy is None:
        return record.median, record.uncertainty
    return record.median / copy.median, math.hypot(record.uncertainty, copy.uncertainty)


def show_changes(found: list[Change], normalise: bool, console: Console) -> None:
    """A table of all changes that are more than noise."""
    unit, scale = ("copies", 1.0) if normalise else ("ms", 1e3)
    table = Table("case", "contender", f"before, {unit}", f"after, {unit}", "after / before", "noise", "", box=None)
    told = [change for change in found if change.verdict]
    for change in told:
        before, after = f"{change.before * scale:.3g}", f"{change.after * scale:.3g}"
        row = (before, after, f"{change.ratio:.3f}", f"± {change.noise:.3f}", change.verdict)
        table.add_row(change.title, change.contender, *row)
    if told:
        console.print(table)
    worse = sum(change.regression for change in found)
    console.print(f"{len(found)} compared, {worse} worse, {len(told) - worse} better", highlight=False)
