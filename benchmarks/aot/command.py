"""`python -m benchmarks compile`: what compilers make of every workload, for accelerators this machine does not have.

Programs are compiled ahead of time and never run. Kernels, bytes and memory are facts about the program; its time is
the compiler's own estimate.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.metadata
import pathlib
import statistics
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

import rich
from rich.progress import track
from rich.table import Table

from benchmarks import compiled, random_pools
from benchmarks.aot.targets import TARGETS, MissingToolError, Target, check_installed
from benchmarks.aot.worker import Worker
from benchmarks.parser import PROGRAM, TAGS, examples, positive
from benchmarks.workloads import SHORT_NAMES, SUITES, Workload, minimal_bytes, select

MODES = ("forward", "forward_with_argmax", "vjp", "forward_vjp")
# Of pools at random, enough to fill an accelerator.
ELEMENTS = (10**7, 10**8)
_SHORT = {long: short for short, long in SHORT_NAMES.items()}
LAYOUTS = ("given", "chosen")
NOTE = (
    "Static: these programs were compiled and never run. Microseconds are the compiler's own estimate, not a timing, "
    "and it is blind: on TPU to all but memory traffic, on GPU to the instructions that compute addresses and bounds. "
    "Only the seconds of compilation were measured, on this machine."
)

Row = dict[str, Any]
Case = tuple[Workload, str, str, str]


def main(argv: list[str]) -> None:
    """Compiles, prints a table, and writes it as JSON if asked to."""
    options = _parser().parse_args(argv)
    target = TARGETS[options.target]
    try:
        check_installed(target)
    except MissingToolError as error:
        raise SystemExit(str(error)) from None
    cases = list(_cases(options))
    if not cases:
        raise SystemExit(f"benchmarks compile: no workload of the suite matches {options.select!r}")
    chosen_layouts = (options.layouts or ("chosen" if target.platform == "tpu" else "given")) == "chosen"
    rows: list[Row] = []
    with contextlib.suppress(KeyboardInterrupt), Worker(target, chosen_layouts) as worker:
        for case in track(cases, f"compiling for {target.name}", transient=True):
            # One by one: an interrupt keeps what there is.
            rows.append(_row(worker, case, options.limit, options.hlo))  # noqa: PERF401
    if options.output:
        layouts = "chosen" if chosen_layouts else "given"
        _write(options.output, target, rows, {"limit_seconds": options.limit, "layouts": layouts})
    rich.print(_table(target, rows))
    for line in beside_flax(rows):
        rich.print(line)
    for row in rows:
        if "failed" in row:
            rich.print(f"{_name(row)}: {row['failed']}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"{PROGRAM} compile",
        description=textwrap.fill(NOTE, 100),
        epilog=examples("compile"),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--target", required=True, choices=TARGETS, help="what to compile for; none has to be here")
    parser.add_argument("--select", default="", metavar="PATTERN", help="a part of a workload's name, or a glob")
    parser.add_argument(
        "--tags", nargs="+", default=[], choices=TAGS, metavar="TAG", help="only workloads with all of these"
    )
    parser.add_argument("--suite", choices=(*SUITES, "all"), default="accelerator", help="which sizes")
    parser.add_argument("--count", type=int, default=0, metavar="N", help="pools at random in place of workloads")
    parser.add_argument("--seed", type=int, default=0, help="the same seed draws the same pools")
    parser.add_argument("--dtypes", nargs="+", choices=SHORT_NAMES, help="instead of those the workload names")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=MODES)
    parser.add_argument(
        "--contenders", nargs="+", default=["jaxpool", "flax"], help="jaxpool, jaxpool:<implementation>, flax"
    )
    parser.add_argument(
        "--limit", type=positive(float), default=120, metavar="SECONDS", help="give a program up after this long"
    )
    parser.add_argument(
        "--layouts", choices=LAYOUTS, help="of arguments: row-major, or the compiler's choice (the default for TPU)"
    )
    parser.add_argument("--hlo", type=pathlib.Path, metavar="FOLDER", help="where to write the optimised programs")
    parser.add_argument("--output", type=pathlib.Path, metavar="FILE.json")
    return parser


def _cases(options: argparse.Namespace) -> Iterator[Case]:
    suite = None if options.suite == "all" else options.suite
    drawn = random_pools.draw(options.seed, options.count, ELEMENTS)
    for workload in drawn or select(options.select, options.tags, suite):
        named = [dtype for dtype in workload.dtypes if dtype in _SHORT]
        for dtype in [SHORT_NAMES[short] for short in options.dtypes] if options.dtypes else named:
            for mode in options.modes:
                if mode in workload.modes(dtype):
                    # Flax has no indices.
                    able = [name for name in options.contenders if (name, mode) != ("flax", "forward_with_argmax")]
                    yield from ((workload, dtype, mode, contender) for contender in able)


def _row(worker: Worker, case: Case, limit: float, folder: pathlib.Path | None) -> Row:
    workload, dtype, mode, contender = case
    row: Row = {"workload": workload.name, "dtype": dtype, "mode": mode, "contender": contender}
    name = "-".join(row.values()).replace(":", "-")
    if "random" in workload.tags:
        row["pool"] = random_pools.describe(workload)
    path = ""
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        path = str(folder.resolve() / f"{name}.hlo")
    figures = worker.compile(*case, limit=limit, hlo=path)
    row |= {"minimum_bytes": minimal_bytes(workload, dtype, mode), **figures}
    if "operations" in figures:
        row["kernels"] = len(figures["operations"])
    if figures.get("accessed_bytes") is not None:
        row["bytes_over_minimum"] = figures["accessed_bytes"] / row["minimum_bytes"]
    return row


def _name(row: Row) -> str:
    return " ".join(row[key] for key in ("workload", "dtype", "mode", "contender"))


def _cell(row: Row, key: str, scale: float = 1, digits: int = 1) -> str:
    value = row.get(key)
    return "-" if value is None else f"{value / scale:.{digits}f}"


def _table(target: Target, rows: Sequence[Row]) -> Table:
    table = Table(title=f"Compiled for {target.description}", caption=NOTE)
    for column in ("workload", "dtype", "mode", "contender"):
        table.add_column(column, overflow="fold")
    counted = "kernels" if target.platform == "cuda" else "top-level ops"
    for column in (
        f"{counted} (static)",
        "bytes / minimum (static)",
        "MB accessed (static)",
        "MB kept for vjp (static)",
        "MB temporary (static)",
        "scatter",
        "µs estimated by the compiler",
        "of which memory (estimate)",
        "seconds to compile",
    ):
        table.add_column(column, justify="right")
    for row in rows:
        if "skipped" in row:
            continue
        # What has no figures shows the reason in the first of their columns.
        short = row.get("failed", "").split(":")[0]
        table.add_row(
            row["workload"],
            _SHORT[row["dtype"]],
            row["mode"],
            row["contender"],
            short or str(row["kernels"]),
            _cell(row, "bytes_over_minimum", digits=2),
            _cell(row, "accessed_bytes", 1e6),
            _cell(row, "residual_bytes", 1e6),
            _cell(row, "temporary_bytes", 1e6),
            "-" if short else "yes" if row["scatter"] else "no",
            _cell(row, "model_us"),
            _cell(row, "model_memory_us"),
            _cell(row, "compile_seconds"),
            end_section=row["contender"] != "jaxpool",
        )
    return table


def _versions() -> dict[str, str]:
    packages = ("jax", "jaxlib", "flax", "libtpu", "jax-cuda12-plugin", "jax-cuda13-plugin", "nvidia-cuda-nvcc-cu12")
    found: dict[str, str] = {}
    for package in packages:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[package] = importlib.metadata.version(package)
    return found


def beside_flax(rows: Sequence[Row]) -> Iterator[str]:
    """Per mode the compiler's time over that of Flax's program: the geometric mean, and the largest.

    Programs without an estimate are left out: compilers have none for some operations.
    """
    keys = ("workload", "dtype", "mode", "contender")
    found = {tuple(row[key] for key in keys): row for row in rows if row.get("model_us")}
    for mode in MODES:
        ratios = {
            f"{row.get('pool', key[0])} {_SHORT[key[1]]}": row["model_us"] / found[(*key[:3], "flax")]["model_us"]
            for key, row in found.items()
            if key[2:] == (mode, "jaxpool") and (*key[:3], "flax") in found
        }
        if ratios:
            worst = max(ratios, key=lambda name: ratios[name])
            mean = statistics.geometric_mean(ratios.values())
            yield f"{mode}: {mean:.3f} of flax in {len(ratios)} programs; at most {ratios[worst]:.2f}, {worst}"


def _write(path: pathlib.Path, target: Target, rows: Sequence[Row], settings: dict[str, Any]) -> None:
    facts = {
        "note": NOTE,
        "target": target.name,
        "description": target.description,
        "settings": settings,
        "versions": _versions(),
    }
    compiled.save(path, facts, rows)
