"""Tables: on the terminal after a run, and as Markdown with plots out of saved runs."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import compiled, summary
from benchmarks.compiled import Compiled
from benchmarks.contenders import TORCH
from benchmarks.records import Case, Record, Run, merge

_HEAD = ("case", "contender", "time, ms", "x flax", "x torch", "of copy", "compile, s", "temp, MiB", "kept, MiB")


def report(runs: Sequence[Run], directory: pathlib.Path, results: Sequence[Compiled] = ()) -> pathlib.Path:
    """Writes `report.md` and its plots, out of runs and out of results of `compile`.

    Raises:
      MixedDevicesError: the runs are of several devices.
    """
    run, figures = merge(runs) if runs else None, list[str]()
    directory.mkdir(parents=True, exist_ok=True)
    if run is not None:
        from benchmarks import plots

        figures = plots.draw(run, directory)
    path = directory / "report.md"
    path.write_text(markdown(run, figures, results))
    return path


def show(run: Run, console: Console) -> None:
    """The table of a run, and who did not take part and why."""
    table = Table(box=None, pad_edge=False)
    table.add_column("case and contender")
    for title in _HEAD[2:]:
        table.add_column(title, justify="right", no_wrap=True)
    for case in run.cases:
        table.add_row(case.title, style="bold")
        for name, *row in _rows(case):
            table.add_row(f"  {name}", *row)
    console.print(table)
    console.print("x flax, x torch: how many times faster than flax and than the faster memory order of torch.")
    console.print("=: compiled to the same instructions, so that the ratio is noise.", highlight=False)
    console.print(
        "of copy: the time of a plain copy of the bytes that must move, which took turns with the contenders,"
    )
    console.print("over theirs. Reading costs less than writing, so what mostly reads can pass 100%.", highlight=False)
    for line in (*absences(run), *summary.sentences(run)):
        console.print(line, highlight=False, markup=False)


def markdown(run: Run | None, figures: Sequence[str], results: Sequence[Compiled] = ()) -> str:
    """Results as Markdown: what they come to, then one line per case, every contender, and the facts of the machine."""
    lines = ["# Benchmarks"]
    if run is not None:
        lines += ["", f"## Summary: {run.device}, {run.environment.get('date', '')}", ""]
        lines += [*_table(summary.HEAD, summary.rows(run)), "", *summary.NOTE]
    for result in results:
        lines += ["", f"## Summary: compiled for {result.description} ({result.name})", "", result.note, ""]
        lines += [*_table(compiled.HEAD, compiled.summary(result)), "", *compiled.NOTE]
    if run is not None:
        lines += ["", *_measured(run, figures)]
    for result in results:
        lines += ["", f"## Every program: {result.description} ({result.name})", "", *_table(*compiled.every(result))]
        lines += ["", *(f"- {line}" for line in compiled.missing(result))]
        lines += [f"- {name}: {value}" for name, value in {**result.settings, **result.versions}.items()]
    return "\n".join(lines) + "\n"


def _measured(run: Run, figures: Sequence[str]) -> list[str]:
    lines = ["## Cases", ""]
    lines += _table(("case", "jaxpool, ms", "x flax", "x torch", "of copy"), [_summary(case) for case in run.cases])
    lines += [
        "",
        "`x flax` and `x torch` say how many times faster jaxpool is than flax and than the faster memory order of",
        "torch. `of copy` is the bandwidth by the bytes that must move, as a share of what a copy of as many bytes",
        "reached in the same turns; reading costs less than writing, so what mostly reads can pass 100%.",
        "`=`: both were compiled to the same instructions, so their ratio shows the noise of this run.",
        "Times are medians of all samples with their median absolute deviation.",
    ]
    lines += [f"\n![{pathlib.Path(name).stem}]({name})" for name in figures]
    lines += ["", "## Every contender", ""]
    lines += _table(_HEAD, [(case.title, *row) for case in run.cases for row in _rows(case)])
    missing = absences(run)
    if missing:
        lines += ["", "## Not timed", "", *(f"- {line}" for line in missing)]
    lines += ["", "## Machine", "", *(f"- {name}: {value}" for name, value in run.environment.items())]
    return lines + [f"- {name}: {value}" for name, value in run.options.items()]


def absences(run: Run) -> list[str]:
    """Who was not timed and why, each reason once, with the first case that it holds for."""
    cases: dict[tuple[str, str, str], list[str]] = {}
    for case in run.cases:
        for record in case.records.values():
            if not record.timed:
                cases.setdefault((record.contender, record.status, record.reason), []).append(case.title)
    return [
        f"{contender} {status} for {titles[0]}{f' and {len(titles) - 1} more' if len(titles) > 1 else ''}: {reason}"
        for (contender, status, reason), titles in cases.items()
    ]


def _number(value: float) -> str:
    """Three digits, without an exponent for what is large."""
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def _times(value: float, same: bool = False) -> str:
    """A ratio, marked where both are the same program."""
    return "" if math.isnan(value) else _number(value) + " =" * same


def _milliseconds(record: Record | None) -> str:
    if record is None:
        return ""
    spread = record.spread * 1e3
    return f"{_number(record.median * 1e3)} ± {f'{spread:.0f}' if spread >= 10 else f'{spread:.1g}'}"


def _share(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.1%}" if value < 0.1 else f"{value:.0%}"


def _mebibytes(value: int | None) -> str:
    if value is None:
        return ""
    return "<0.01" if 0 < value < 2**20 / 100 else _number(value / 2**20)


def _rows(case: Case) -> list[tuple[str, ...]]:
    """One row per timed contender."""
    flax, torch = case.record("flax"), case.fastest(TORCH)
    return [
        (
            record.contender,
            _milliseconds(record),
            _times(case.ratio(flax, record), record is not flax and case.same_program(flax, record)),
            _times(case.ratio(torch, record)),
            _share(case.roofline(record)),
            "" if record.compile_s is None else f"{record.compile_s:.2f}",
            _mebibytes(record.temporary_bytes),
            _mebibytes(record.residual_bytes),
        )
        for record in case.records.values()
        if record.timed
    ]


def _summary(case: Case) -> tuple[str, ...]:
    ours, flax, torch = case.record("jaxpool"), case.record("flax"), case.fastest(TORCH)
    beside_flax = _times(case.ratio(flax, ours), case.same_program(flax, ours))
    return case.title, _milliseconds(ours), beside_flax, _times(case.ratio(torch, ours)), _share(case.roofline(ours))


def _table(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[str]:
    marks = ["---" if number == 0 else "--:" for number in range(len(head))]
    return [f"| {' | '.join(map(str, row))} |" for row in (head, marks, *rows)]
