"""Runs many cases, saves after each, and shows how far it is."""

from __future__ import annotations

import dataclasses
import pathlib
from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from benchmarks.environment import environment
from benchmarks.measure import Notify, Options, measure
from benchmarks.records import Case, Run
from benchmarks.workloads import Workload

Plan = tuple[Workload, str, str]
# A callable that measures one case of a plan.
Step = Callable[[Notify], Case]


def plan(workloads: Iterable[Workload], dtypes: Sequence[str] | None, modes: Sequence[str] | None) -> list[Plan]:
    """The cases of some workloads, with all their dtypes and modes or those that are asked for."""
    return [
        (workload, dtype, mode)
        for workload in workloads
        for dtype in workload.dtypes
        if dtypes is None or dtype in dtypes
        for mode in workload.modes(dtype)
        if modes is None or mode in modes
    ]


def new_run(options: Options, contenders: Sequence[str], **more: object) -> Run:
    """A run without cases yet."""
    return Run(environment(), {**dataclasses.asdict(options), "contenders": list(contenders), **more})


def steps_of(plans: Sequence[Plan], contenders: Sequence[str], options: Options) -> list[Step]:
    """One step per case."""

    def step(workload: Workload, dtype: str, mode: str) -> Step:
        return lambda notify: measure(workload, dtype, mode, contenders, options, notify)

    return [step(*case) for case in plans]


def execute(run: Run, steps: Sequence[Step], console: Console, output: pathlib.Path | None) -> None:
    """Measures every step into the run; an interrupted run keeps what it has."""
    threads = "".join(f" {name}={value}" for name, value in run.environment["threads"].items())
    console.print(f"{run.device}\nallocator: {run.environment['allocator']}\nthreads:{threads}", highlight=False)
    columns = (BarColumn(20), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=len(steps))
        for step in steps:
            try:
                run.cases.append(step(lambda text: progress.update(task, description=text)))
            except KeyboardInterrupt:
                console.print(f"Interrupted after {len(run.cases)} of {len(steps)} cases.", highlight=False)
                return
            progress.advance(task)
            if output is not None:
                run.save(output)
