"""Times the pools of jaxpool beside those of Flax, PyTorch and others. Wrong results are not timed.

Without a command: the four core pools in f32, forward and with the gradient, in about a minute.

A workload is a pool and the shape of its input, with a name. A contender is a library, or one algorithm of jaxpool. A
case is a workload with a dtype and a mode. Every command has a --help with examples.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from benchmarks.environment import wanted_settings
from benchmarks.parser import LISTS, OWN, PEERS, TAGS, parser
from benchmarks.workloads import EAGER, Workload, select

try:
    from rich.console import Console
except ModuleNotFoundError as error:
    raise SystemExit(f"{error}. The benchmarks need `pip install --group bench`, or `make bench`.") from None

if TYPE_CHECKING:  # JAX is imported only by the commands that need it.
    from benchmarks.measure import Options
    from benchmarks.suite import Plan

SHORT = ["run", "--tags", "core", "--dtypes", "float32", "--modes", "forward", "forward_vjp", "--budget", "1"]
_WIDTH = 128
_OWN_MODES = ("forward", "forward_vjp")


def _options(arguments: argparse.Namespace, accelerator: bool) -> Options:
    from benchmarks.measure import ACCELERATOR_OPTIONS, FEWEST, Options

    options = ACCELERATOR_OPTIONS if accelerator else Options()
    if arguments.samples is not None:
        options = dataclasses.replace(options, samples=max(FEWEST, arguments.samples))
    if arguments.budget is not None:
        options = dataclasses.replace(options, budget_s=arguments.budget)
    return options


def _contenders(arguments: argparse.Namespace) -> list[str]:
    from benchmarks import before

    before.folder = arguments.before
    named = _named_contenders(arguments)
    return named if before.folder is None or "before" in named else [*named, "before"]


def _named_contenders(arguments: argparse.Namespace) -> list[str]:
    from benchmarks.contenders import CONTENDERS, LIBRARIES

    if arguments.contenders is None:
        return PEERS if arguments.shape is None else list(LIBRARIES)
    if arguments.contenders == ["all"]:
        return list(CONTENDERS)
    unknown = [name for name in arguments.contenders if name not in CONTENDERS]
    if unknown:
        raise SystemExit(f"No contender {', '.join(unknown)}; there are {', '.join(CONTENDERS)}.")
    return arguments.contenders


def _count(workloads: Sequence[object]) -> str:
    return f"{len(workloads)} workload{'s' * (len(workloads) != 1)}"


def _run(arguments: argparse.Namespace, console: Console) -> int:
    from benchmarks import ratios, report, suite

    try:
        plan = _own(arguments) if arguments.shape is not None else _named(arguments)
    except ValueError as error:
        console.print(str(error), highlight=False, soft_wrap=True, markup=False)
        return 2
    filled = arguments.suite == "accelerator"
    if arguments.shape is not None:
        import jax

        filled = jax.default_backend() != "cpu"
    options, contenders = _options(arguments, filled), _contenders(arguments)
    run = suite.new_run(options, contenders, suite=arguments.suite or "cpu", summary=arguments.summary)
    suite.execute(run, suite.steps_of(plan, contenders, options), console, arguments.output)
    report.show(run, console)
    if arguments.before is not None:
        ratios.show_peers(run, console)
    return 0


def _named(arguments: argparse.Namespace) -> list[Plan]:
    """The cases of named workloads.

    Raises:
      ValueError: there are none.
    """
    from benchmarks import suite

    given = [_option(name) for name in OWN if getattr(arguments, name) is not None]
    if given:
        raise ValueError(f"{', '.join(given)}: of a case of your own, which needs --shape. See `run --help`.")
    name = arguments.suite or "cpu"
    workloads = select(arguments.select, arguments.tags, name)
    plan = suite.plan(workloads, arguments.dtypes, arguments.modes)
    if not plan:
        named = select(arguments.select, suite=name)
        raise ValueError(
            f"Nothing to measure: of suite {name!r} --select leaves {_count(named)}, --tags "
            f"{_count(workloads)}, --dtypes and --modes no case of these. See `python -m benchmarks list`."
        )
    return plan


def _own(arguments: argparse.Namespace) -> list[Plan]:
    """The cases of a pool out of the arguments, one per dtype and mode.

    Raises:
      ValueError: it cannot be, or has no such mode; the message says why.
    """
    from benchmarks import own

    given = [_option(name) for name in ("select", "tags", "suite") if getattr(arguments, name)]
    if given:
        raise ValueError(f"{', '.join(given)}: of named workloads, which --shape does not look at. Leave it out.")
    plan: list[Plan] = []
    for dtype in arguments.dtypes or ["float32"]:
        chosen = {name: value for name in OWN if (value := getattr(arguments, name)) is not None}
        compiled, called = own.workloads(dtype=dtype, **chosen)
        possible = (*compiled.modes(dtype), EAGER)
        modes = arguments.modes or [mode for mode in _OWN_MODES if mode in possible]
        missing = [mode for mode in modes if mode not in possible]
        if missing:
            there = f"there are {', '.join(possible)}"
            raise ValueError(f"A {compiled.pool} pool of {dtype} has no mode {', '.join(missing)}; {there}.")
        plan += [(called if mode == EAGER else compiled, dtype, mode) for mode in modes]
    return plan


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def _sweep(arguments: argparse.Namespace, console: Console) -> int:
    import math

    from benchmarks import plots, report, suite, sweep

    options, contenders = _options(arguments, False), _contenders(arguments)
    run = suite.new_run(options, contenders, limit_s=arguments.limit, summary=arguments.summary)
    largest = arguments.largest or sys.maxsize
    steps: list[suite.Step] = []
    for kind in arguments.kinds:
        points = sweep.window_points(arguments.pool) if kind == "window" else sweep.element_points(arguments.pool)
        points = [p for p in points if (p.window[0] if kind == "window" else math.prod(p.shape)) <= largest]
        modes = [mode for mode in arguments.modes if points and mode in points[0].modes("float32")]
        steps += sweep.sweep_steps(points, modes, contenders, options, arguments.limit)
    suite.execute(run, steps, console, arguments.output / "sweep.json")
    report.show(run, console)
    console.print(f"{', '.join(['sweep.json', *plots.draw(run, arguments.output)])} in {arguments.output}")
    return 0


def _random(arguments: argparse.Namespace, console: Console) -> int:
    from benchmarks import random_pools, ratios, suite

    options, contenders = _options(arguments, False), _contenders(arguments)
    workloads = random_pools.draw(arguments.seed, arguments.count, first=arguments.first)
    plan = suite.plan(workloads, None, arguments.modes)
    run = suite.new_run(options, contenders, seed=arguments.seed, first=arguments.first, summary=arguments.summary)
    suite.execute(run, suite.steps_of(plan, contenders, options), console, arguments.output)
    ratios.show_peers(run, console)
    return 0


def _choice(arguments: argparse.Namespace, console: Console) -> int:
    from benchmarks import choice, random_pools, suite
    from benchmarks.contenders import CONTENDERS

    options = _options(arguments, arguments.suite == "accelerator")
    workloads = random_pools.draw(arguments.seed, arguments.count, first=arguments.first)
    workloads = workloads or select(arguments.select, suite=arguments.suite)
    workloads = [workload for workload in workloads if workload.pool in ("max", "avg")]
    contenders = [name for name in CONTENDERS if name.partition(":")[0] == "jaxpool"]
    plan = suite.plan(workloads, None, arguments.modes)
    run = suite.new_run(options, contenders, suite=arguments.suite, seed=arguments.seed, summary=arguments.summary)
    suite.execute(run, choice.steps_of(plan, contenders, options, arguments.bound), console, arguments.output)
    choice.show(run, console, arguments.bound)
    return 0


def _family(arguments: argparse.Namespace, console: Console) -> int:
    from benchmarks import family, suite

    options = _options(arguments, False)
    run = suite.new_run(options, [], summary=arguments.summary)
    suite.execute(run, family.steps_of(arguments.select, arguments.modes, options), console, arguments.output)
    family.show(run, console)
    return 0


def _sharding(arguments: argparse.Namespace, console: Console) -> int:
    from benchmarks.aot import targets

    flags = os.environ.get("XLA_FLAGS", "")
    os.environ["XLA_FLAGS"] = f"{flags} --xla_force_host_platform_device_count=8".strip()
    targets.prepare(os.environ, targets.TARGETS["v5e"])
    from benchmarks import sharding

    result = sharding.run(arguments.chip, lambda line: console.print(line, highlight=False))
    if arguments.output is not None:
        sharding.save(result, arguments.output)
    return 0


def _costs(arguments: argparse.Namespace, console: Console) -> int:
    from benchmarks import family, records

    try:
        page = family.written(arguments.output.read_text(), records.load(arguments.file))
    except (OSError, ValueError) as error:
        console.print(str(error), highlight=False)
        return 2
    arguments.output.write_text(page)
    console.print(f"{arguments.output}")
    return 0


def _report(arguments: argparse.Namespace, console: Console) -> int:
    from benchmarks import compiled, records, report

    try:
        found = [compiled.load(file) or records.load(file) for file in arguments.files]
        runs = [result for result in found if isinstance(result, records.Run)]
        others = [result for result in found if isinstance(result, compiled.Compiled)]
        path = report.report(runs, arguments.output, others)
    except records.ResultError as error:
        console.print(str(error), highlight=False, soft_wrap=True, markup=False)
        return 2
    console.print(f"{path}")
    return 0


def _compare(arguments: argparse.Namespace, console: Console) -> int:
    from benchmarks import compare, records

    try:
        before, after = records.load(arguments.before), records.load(arguments.after)
        found = compare.changes(before, after, arguments.threshold, arguments.normalise)
    except records.ResultError as error:
        console.print(str(error))
        return 2
    compare.show_changes(found, arguments.normalise, console)
    for name, cases in zip((arguments.before, arguments.after), compare.alone(before, after), strict=True):
        if cases:
            text = f"{len(cases)} cases only in {name}, the first: {cases[0].title}"
            console.print(text, highlight=False, soft_wrap=True)
    if not found:
        console.print("Nothing was compared.")
        return 2
    return int(any(change.regression for change in found))


def _readme(arguments: argparse.Namespace, console: Console) -> int:
    from benchmarks import readme, records

    try:
        readme.write(arguments.output, records.load(arguments.file))
    except ValueError as error:
        console.print(str(error), highlight=False)
        return 2
    console.print(f"{arguments.output}")
    return 0


def _figures(arguments: argparse.Namespace, console: Console) -> int:
    from benchmarks import figures, records

    try:
        paths = figures.write([records.load(file) for file in arguments.files], arguments.output)
    except records.ResultError as error:
        console.print(str(error), highlight=False, soft_wrap=True, markup=False)
        return 2
    for path in paths:
        console.print(f"{path}")
    return 0


def _list(arguments: argparse.Namespace, console: Console) -> int:
    lists = arguments.lists or LISTS
    selected = select(arguments.select, arguments.tags, arguments.suite)
    workloads = [workload for workload in selected if _wanted(workload, arguments)]
    if "workloads" in lists:
        for workload in workloads:
            facts = f"{workload.source}; {', '.join(workload.dtypes)}; {' '.join(workload.tags)}"
            console.print(f"{workload.name:44} {workload.shape!s:22} {facts}", highlight=False, soft_wrap=True)
    if "tags" in lists:
        for tag in TAGS:
            tagged = [workload for workload in workloads if tag in workload.tags]
            if tagged:
                console.print(f"tag {tag:20} {_count(tagged)}", highlight=False)
    if "contenders" in lists:
        from benchmarks.contenders import described

        for name, about in described().items():
            console.print(f"{name:36} {about}", highlight=False, soft_wrap=True, markup=False)
    if not workloads and set(lists) != {"contenders"}:
        console.print("No workload is left. Leave out some of --select, --tags, --dtypes, --pool and --suite.")
        return 2
    return 0


def _wanted(workload: Workload, arguments: argparse.Namespace) -> bool:
    of_dtype = arguments.dtypes is None or not set(arguments.dtypes).isdisjoint(workload.dtypes)
    return of_dtype and arguments.pool in (None, workload.pool)


def main(argv: Sequence[str]) -> int:
    """Runs one command; its exit status."""
    if argv[:1] == ["compile"]:
        from benchmarks.aot import command

        command.main(list(argv[1:]))
        return 0
    arguments = parser(__doc__ or "").parse_args(argv or SHORT)
    commands = {
        "run": _run,
        "sweep": _sweep,
        "random": _random,
        "choice": _choice,
        "family": _family,
        "costs": _costs,
        "sharding": _sharding,
        "report": _report,
        "compare": _compare,
        "readme": _readme,
        "figures": _figures,
        "list": _list,
    }
    console = Console()
    return commands[arguments.command](arguments, Console(width=max(console.width, _WIDTH)))


def _start() -> int:
    """As a program: settings of malloc and OpenMP take effect only in a process that starts with them."""
    argv = sys.argv[1:]
    if not argv or argv[0] in ("run", "sweep", "random", "choice", "family"):
        wanted = wanted_settings(os.environ, "--system-allocator" in argv)
        if wanted:
            os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **wanted})
    return main(argv)


if __name__ == "__main__":
    sys.exit(_start())
