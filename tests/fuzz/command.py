"""Arguments, progress, the report and the tally of a run."""

import argparse
import contextlib
import dataclasses
import json
import pathlib
import sys
import time

import jax
import numpy as np

import jaxpool
from fuzz.check import RULES, UNCHECKED
from fuzz.generators import GENERATORS
from fuzz.run import BLOCK, Options, Tally, fresh, run_number, settings
from fuzz.shrink import shrink

try:
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
except ImportError:
    Progress = None


def _parser():
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description="Random calls beside an oracle in NumPy.")
    add = parser.add_argument
    add("--cases", type=int, default=1000, help="how many cases to run at least: a call times one array of values")
    add("--seed", type=int, default=0, help="the same seed draws the same calls, with the same options")
    add("--first", type=int, default=0, help="the number of the first call, as a failure tells it")
    add("--only", choices=sorted(GENERATORS), metavar="NAME", help="calls of this function only")
    add("--x64", action="store_true", help="with 64-bit types")
    add("--debug-nans", action="store_true", help="under jax_debug_nans, where inputs without NaN must not raise")
    add(
        "--skip", action="append", choices=sorted(RULES), default=[], help="a rule that is not checked; may be repeated"
    )
    add("--also", action="append", choices=UNCHECKED, default=[], help="a rule that is not checked otherwise")
    add(
        "--invalid", type=float, default=0.05, metavar="SHARE", help="of calls with an argument that is wrong or absurd"
    )
    add("--unoptimized", action="store_true", help="with jax_disable_most_optimizations in every other hundred calls")
    add("--json", type=pathlib.Path, metavar="FILE", help="where the tally is added, or replaced")
    add("--shrink", type=float, default=20, metavar="SECONDS", help="how long to look for smaller calls per failure")
    add("--failures", type=int, default=50, help="after how many failures to stop")
    return parser


@contextlib.contextmanager
def _progress(cases):
    """A function that takes the number of cases done so far, and failures."""
    if Progress is not None and sys.stderr.isatty():
        from rich.console import Console

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("cases", total=cases)
            yield lambda done, failed: bar.update(task, completed=done, description=f"cases, {failed} failed")
        return
    last = [time.monotonic()]

    def line(done, failed):
        if time.monotonic() - last[0] > 30:
            last[0] = time.monotonic()
            print(f"{done} of {cases} cases, {failed} failed", file=sys.stderr, flush=True)

    yield line


def tally_of(tally, options, seconds, first, last):
    """What is written to a file."""
    return {
        "cases": tally.cases,
        "calls": tally.calls,
        "seed": options.seed,
        "calls numbered": [first, last],
        "options": json.loads(json.dumps(dataclasses.asdict(options))),
        "rules checked": sorted(set(RULES) - set(options.skip)),
        "failures": len(tally.failures),
        "failures by rule": dict(sorted(tally.rules.items())),
        "functions": dict(sorted(tally.functions.items())),
        "dtypes": dict(sorted(tally.dtypes.items())),
        "transformations": dict(sorted(tally.transformations.items())),
        "named implementations": dict(sorted(tally.implementations.items())),
        "seconds": round(seconds),
        "versions": {"jaxpool": jaxpool.__version__, "jax": jax.__version__, "numpy": np.__version__},
        "python": sys.version.split()[0],
        "failing calls": [failure.text() for failure in tally.failures],
    }


def write(file, run):
    """Adds a run to those of a file, in place of one with the same options and versions."""
    runs = json.loads(file.read_text())["runs"] if file.exists() else []
    runs = [own for own in runs if any(own[key] != run[key] for key in ("options", "versions"))]
    about = "one case: a call under one transformation on one array of values; see tests/fuzz/__init__.py"
    file.write_text(json.dumps({"about": about, "runs": [*runs, run]}, indent=1) + "\n")


def main(argv=None):
    """Runs the cases; returns 1 where one fails."""
    arguments = _parser().parse_args(argv)
    skip = tuple(dict.fromkeys([*arguments.skip, *(rule for rule in UNCHECKED if rule not in arguments.also)]))
    options = Options(arguments.seed, arguments.only, arguments.x64, arguments.debug_nans, skip, arguments.invalid)
    settings(options.x64)
    tally, start, number = Tally(), time.monotonic(), arguments.first
    with _progress(arguments.cases) as report:
        while tally.cases < arguments.cases and len(tally.failures) < arguments.failures:
            if number % BLOCK == 0:
                fresh()
                if arguments.unoptimized:
                    jax.config.update("jax_disable_most_optimizations", number // BLOCK % 2 == 1)
            known = len(tally.failures)
            run_number(number, options, tally)
            for i in range(known, len(tally.failures)):
                tally.failures[i] = shrink(tally.failures[i], arguments.shrink)
                only = f" --only {arguments.only}" if arguments.only else ""
                again = f"--seed {options.seed} --first {number} --cases 1{only}"
                print(f"\n# again: python -m tests.fuzz {again}\n{tally.failures[i].text()}", flush=True)
            number += 1
            report(tally.cases, len(tally.failures))
    seconds = time.monotonic() - start
    if arguments.json:
        write(arguments.json, tally_of(tally, options, seconds, arguments.first, number - 1))
    failed = len(tally.failures)
    print(f"{tally.cases} cases of {tally.calls} calls in {seconds:.0f} s: {failed or 'none'} failed.")
    return 1 if failed else 0
