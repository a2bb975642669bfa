"""The command line of the benchmarks. Without arguments: a short run of the four core cases and its table."""

from __future__ import annotations

import argparse
import dataclasses
import os
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from benchmarks.environment import wanted_settings
from benchmarks.workloads import EAGER, MODES, SHORT_NAMES, SUITES, WORKLOADS, select

try:
    from rich.console import Console
except ModuleNotFoundError as error:
    raise SystemExit(f"{error}. The benchmarks need `pip install --group bench`, or `make bench`.") from None

if TYPE_CHECKING:  # JAX is imported only by the commands that need it.
    from benchmarks.measure import Options

SHORT = ["run", "--tags", "core", "--dtypes", "float32", "--modes", "forward", "forward_vjp", "--budget", "1"]
_WIDTH = 128
_DEFAULT = ["jaxpool", "flax", "torch_channels_last"]


def parser() -> argparse.ArgumentParser:
    """The commands and their options."""
    result = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = result.add_subparsers(dest="command", required=True)

    run = commands.add_parser("run", help="check and time contenders on workloads")
    run.add_argument("--select", default="", metavar="PATTERN", help="a part of the name, or a shell pattern")
    run.add_argument("--tags", nargs="+", default=[], help="workloads that have all of these")
    dtypes = list(dict.fromkeys(dtype for workload in WORKLOADS for dtype in workload.dtypes))
    run.add_argument(
        "--dtypes", nargs="+", type=_long_name, choices=dtypes, help="or f32, bf16; default: all that a workload names"
    )
    run.add_argument("--modes", nargs="+", choices=(*MODES, EAGER), help="default: all")
    run.add_argument("--suite", choices=SUITES, default="cpu", help="accelerator: inputs that fill a chip, long loops")
    run.add_argument("--output", type=pathlib.Path, metavar="FILE.json", help="saved after every case")
    _measuring(run)

    sweep = commands.add_parser("sweep", help="time over the window's size, and over the number of elements")
    sweep.add_argument("--kinds", nargs="+", choices=("window", "elements"), default=["window", "elements"])
    sweep.add_argument("--pool", choices=("max", "avg"), default="max")
    sweep.add_argument("--modes", nargs="+", choices=MODES, default=["forward", "forward_vjp"])
    sweep.add_argument("--largest", type=int, metavar="N", help="no window or number of elements above this")
    sweep.add_argument("--limit", type=float, default=1.0, metavar="S", help="who takes longer leaves the sweep")
    sweep.add_argument("--output", type=pathlib.Path, default=pathlib.Path("sweep"), metavar="DIR")
    _measuring(sweep)

    pools = commands.add_parser("random", help="pools drawn by a seed, beside flax and torch: means and the worst ten")
    _drawing(pools, 200)
    pools.add_argument("--modes", nargs="+", choices=MODES, default=["forward", "forward_vjp"])
    pools.add_argument("--output", type=pathlib.Path, metavar="FILE.json", help="saved after every case")
    _measuring(pools)

    choice = commands.add_parser("choice", help="every algorithm beside the chosen one: where another is faster")
    _drawing(choice, 0)
    choice.add_argument("--select", default="", metavar="PATTERN", help="of named workloads, where --count is 0")
    choice.add_argument("--suite", choices=SUITES, default="cpu")
    choice.add_argument("--modes", nargs="+", choices=MODES, default=["forward", "forward_with_argmax", "vjp"])
    choice.add_argument("--bound", type=_positive(float), default=1.15, help="what is slower than so many times")
    choice.add_argument("--output", type=pathlib.Path, metavar="FILE.json", help="saved after every case")
    _measuring(choice, peers=False)

    family = commands.add_parser("family", help="what every pool costs beside average pooling")
    family.add_argument("--select", default="", metavar="REGEX", help="pools whose name it matches")
    family.add_argument("--modes", nargs="+", choices=("forward", "forward_vjp"), default=["forward", "forward_vjp"])
    family.add_argument("--output", type=pathlib.Path, metavar="FILE.json", help="saved after every group")
    _measuring(family, peers=False)

    costs = commands.add_parser("costs", help="write the costs of a saved run of `family` into a page with tables")
    costs.add_argument("file", type=pathlib.Path, metavar="FILE.json")
    costs.add_argument(
        "--output", type=pathlib.Path, default=pathlib.Path("examples/guide/choosing.md"), metavar="PAGE.md"
    )

    sharding = commands.add_parser("sharding", help="what devices send to each other that share an image or a volume")
    sharding.add_argument(
        "--chip", metavar="NAME", help='a TPU generation to compile for, such as "v5e"; default: simulated CPUs'
    )
    sharding.add_argument("--output", type=pathlib.Path, metavar="FILE.json")

    report = commands.add_parser("report", help="Markdown and plots out of saved runs of one device")
    report.add_argument("files", nargs="+", type=pathlib.Path, metavar="FILE.json")
    report.add_argument("--output", type=pathlib.Path, required=True, metavar="DIR")

    compare = commands.add_parser(
        "compare", help="what became slower or larger; exit status 1 if anything did, 2 if nothing can be compared"
    )
    compare.add_argument("before", type=pathlib.Path)
    compare.add_argument("after", type=pathlib.Path)
    compare.add_argument("--threshold", type=float, default=0.1, help="relative changes of less are none")
    compare.add_argument("--normalise", action="store_true", help="take times relative to the copy of the same case")

    readme = commands.add_parser("readme", help="write the figures of a saved run into README")
    readme.add_argument("file", type=pathlib.Path, metavar="FILE.json")
    readme.add_argument("--output", type=pathlib.Path, default=pathlib.Path("README.md"), metavar="README.md")

    commands.add_parser("list", help="workloads, tags and contenders")
    commands.add_parser("compile", help="what compilers say about accelerators", add_help=False)
    return result


def _drawing(command: argparse.ArgumentParser, count: int) -> None:
    command.add_argument("--seed", type=int, default=0, help="the same seed draws the same pools")
    command.add_argument("--count", type=int, default=count, metavar="N", help=f"pools; default: {count}")
    command.add_argument("--first", type=int, default=0, metavar="N", help="the number of the first pool")


def _measuring(command: argparse.ArgumentParser, peers: bool = True) -> None:
    if peers:
        command.add_argument("--contenders", nargs="+", default=_DEFAULT, metavar="NAME", help="see `list`; or: all")
    command.add_argument("--samples", type=_positive(int), help="per contender and case; three at least")
    command.add_argument(
        "--budget", type=_positive(float), metavar="S", help="seconds of samples per contender and case"
    )
    command.add_argument("--summary", action="store_true", help="keep median, spread and count, not every sample")
    command.add_argument("--system-allocator", action="store_true", help="leave the settings of malloc alone")


def _long_name(dtype: str) -> str:
    return SHORT_NAMES.get(dtype, dtype)


def _positive(kind: type[int | float]) -> Callable[[str], int | float]:
    def positive(text: str) -> int | float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    positive.__name__ = "number"
    return positive


def _options(arguments: argparse.Namespace, accelerator: bool) -> Options:
    from benchmarks.measure import ACCELERATOR_OPTIONS, FEWEST, Options

    options = ACCELERATOR_OPTIONS if accelerator else Options()
    if arguments.samples is not None:
        options = dataclasses.replace(options, samples=max(FEWEST, arguments.samples))
    if arguments.budget is not None:
        options = dataclasses.replace(options, budget_s=arguments.budget)
    return options


def _contenders(arguments: argparse.Namespace) -> list[str]:
    from benchmarks.contenders import CONTENDERS

    if arguments.contenders == ["all"]:
        return list(CONTENDERS)
    unknown = [name for name in arguments.contenders if name not in CONTENDERS]
    if unknown:
        raise SystemExit(f"No contender {', '.join(unknown)}; there are {', '.join(CONTENDERS)}.")
    return arguments.contenders


def _count(workloads: Sequence[object]) -> str:
    return f"{len(workloads)} workload{'s' * (len(workloads) != 1)}"


def _run(arguments: argparse.Namespace, console: Console) -> int:
    from benchmarks import report, suite

    options, contenders = _options(arguments, arguments.suite == "accelerator"), _contenders(arguments)
    workloads = select(arguments.select, arguments.tags, arguments.suite)
    plan = suite.plan(workloads, arguments.dtypes, arguments.modes)
    if not plan:
        named = select(arguments.select, suite=arguments.suite)
        console.print(
            f"Nothing to measure: of suite {arguments.suite!r} --select leaves {_count(named)}, --tags "
            f"{_count(workloads)}, --dtypes and --modes no case of these. See `python -m benchmarks list`.",
            highlight=False,
        )
        return 2
    run = suite.new_run(options, contenders, suite=arguments.suite, summary=arguments.summary)
    suite.execute(run, suite.steps_of(plan, contenders, options), console, arguments.output)
    report.show(run, console)
    return 0


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
    from benchmarks import random_pools, ratios, suite
    from benchmarks.contenders import CONTENDERS

    options = _options(arguments, arguments.suite == "accelerator")
    workloads = random_pools.draw(arguments.seed, arguments.count, first=arguments.first)
    workloads = workloads or select(arguments.select, suite=arguments.suite)
    workloads = [workload for workload in workloads if workload.pool in ("max", "avg")]
    contenders = [name for name in CONTENDERS if name.partition(":")[0] == "jaxpool"]
    plan = suite.plan(workloads, None, arguments.modes)
    run = suite.new_run(options, contenders, suite=arguments.suite, seed=arguments.seed, summary=arguments.summary)
    suite.execute(run, suite.steps_of(plan, contenders, options), console, arguments.output)
    ratios.show_choice(run, console, arguments.bound)
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
    from benchmarks import records, report

    try:
        path = report.report([records.load(file) for file in arguments.files], arguments.output)
    except records.ResultError as error:
        console.print(str(error))
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


def _list(arguments: argparse.Namespace, console: Console) -> int:
    from benchmarks.contenders import CONTENDERS

    del arguments
    for workload in WORKLOADS:
        facts = f"{workload.source}; {', '.join(workload.dtypes)}; {' '.join(workload.tags)}"
        console.print(f"{workload.name:44} {workload.shape!s:22} {facts}", highlight=False, soft_wrap=True)
    console.print(f"contenders: {', '.join(CONTENDERS)}", highlight=False, soft_wrap=True)
    return 0


def main(argv: Sequence[str]) -> int:
    """Runs one command; its exit status."""
    if argv[:1] == ["compile"]:
        from benchmarks.aot import command

        command.main(list(argv[1:]))
        return 0
    arguments = parser().parse_args(argv or SHORT)
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
