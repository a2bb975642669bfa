"""The commands and their options, each with examples. Needs neither JAX nor jaxpool."""

from __future__ import annotations

import argparse
import pathlib
import re
from collections.abc import Callable
from typing import Any

from benchmarks.workloads import EAGER, ITEM_BYTES, MODES, SHORT_NAMES, SUITES, WORKLOADS, Pairs

PROGRAM = "python -m benchmarks"
POOLS = tuple(dict.fromkeys(workload.pool for workload in WORKLOADS))
TAGS = tuple(dict.fromkeys(tag for workload in WORKLOADS for tag in workload.tags))
# Without `jax_enable_x64` there is no float64.
DTYPES = tuple(dtype for dtype in ITEM_BYTES if dtype != "float64")
OWN = ("shape", "pool", "window", "strides", "padding", "dilation", "channels_first", "count_include_pad")
LISTS = ("workloads", "tags", "contenders")
PEERS = ["jaxpool", "flax", "torch_channels_last"]
_MODES = {
    "forward": "the pool alone",
    "forward_with_argmax": "maxima and their indices",
    "forward_vjp": "the pool and its gradient",
    "vjp": "the gradient alone, of what the pool kept",
    "jvp": "the derivative in forward mode",
    EAGER: "one call without jit, on small inputs",
}
_NAMED_PADDINGS = ("VALID", "SAME", "SAME_LOWER")

EXAMPLES: dict[str, tuple[str, ...]] = {
    "": (
        "run --shape 8,112,112,64 --window 3 --strides 2",
        "list",
        "report benchmarks/results/cpu.json --output report",
    ),
    "run": (
        "run --tags 2d --contenders all --output cpu.json",
        "run --select 'avg-*' --dtypes f32 bf16 --modes forward vjp",
        "run --suite accelerator --output gpu.json",
        "run --before ../as-it-was --contenders jaxpool --output changes.json",
        "run --shape 8,112,112,64 --window 3 --strides 2 --padding 1 --dtype bf16 --pool max",
        "run --shape 4,80,16000 --channels-first --window 25 --strides 10 --pool avg --modes forward eager",
        "run --shape 8,15,15,64 --window 3,2 --strides 2 --padding 1,0:1 --output own.json",
        "run --shape 8,13,17,512 --pool adaptive_avg --window 7",
    ),
    "sweep": ("sweep --output sweep", "sweep --kinds window --pool avg --largest 13 --contenders jaxpool flax"),
    "random": ("random --seed 1 --count 200", "random --seed 1 --first 17 --count 1 --contenders all"),
    "choice": ("choice --count 50", "choice --select stem --modes forward vjp --bound 1.3"),
    "family": ("family --summary --output family.json", "family --select 'lp|lse' --modes forward"),
    "costs": ("costs family.json",),
    "sharding": ("sharding --output sharding.json", "sharding --chip v5e"),
    "report": (
        "report benchmarks/results/cpu.json --output report",
        "report mine.json benchmarks/results/compile-h100.json --output report",
    ),
    "compare": ("compare before.json after.json", "compare before.json after.json --threshold 0.05 --normalise"),
    "readme": ("readme benchmarks/results/cpu.json",),
    "figures": ("figures benchmarks/results/cpu.json benchmarks/results/cpu-sweep.json",),
    "list": (
        "list tags",
        "list workloads --tags 2d --pool avg --dtypes bf16",
        "list workloads --select '*-batch32' --suite cpu",
        "list contenders",
    ),
    "compile": ("compile --target h100", "compile --target v5e --select stem --dtypes f32 --output compile-v5e.json"),
}


def examples(command: str) -> str:
    """The examples of a command, as its help shows them."""
    return "\n".join(["examples:", *(f"  {PROGRAM} {example}" for example in EXAMPLES[command])])


def parser(description: str) -> argparse.ArgumentParser:
    """The commands and their options."""
    raw = argparse.RawDescriptionHelpFormatter
    result = argparse.ArgumentParser(prog=PROGRAM, description=description, epilog=examples(""), formatter_class=raw)
    commands = result.add_subparsers(dest="command", required=True, metavar="COMMAND", title="commands")

    def command(name: str, about: str) -> argparse.ArgumentParser:
        text = f"{about[0].upper()}{about[1:]}."
        return commands.add_parser(name, help=about, description=text, epilog=examples(name), formatter_class=raw)

    run = command("run", "check and time contenders on named workloads, or on a pool of your own (--shape)")
    _selecting(run)
    named = "; ".join(f"{name}: {about}" for name, about in _MODES.items())
    default = "default: all; with --shape, forward and forward_vjp"
    run.add_argument("--modes", nargs="+", choices=_MODES, metavar="MODE", help=f"{named}; {default}")
    suites = "which sizes; cpu: those of networks in small batches (the default); accelerator: those that fill a chip"
    run.add_argument("--suite", choices=SUITES, help=suites)
    run.add_argument("--output", type=pathlib.Path, metavar="FILE.json", help="saved here after every case")
    _owning(run)
    _measuring(run, None)

    sweep = command("sweep", "time over the window's size, and over the number of elements")
    kinds = ("window", "elements")
    sweep.add_argument("--kinds", nargs="+", choices=kinds, default=list(kinds), help="what grows; default: both")
    sweep.add_argument("--pool", choices=("max", "avg"), default="max", help="default: max")
    _moding(sweep, "forward", "forward_vjp")
    sweep.add_argument("--largest", type=positive(int), metavar="N", help="no window or number of elements above this")
    late = "who takes longer than so many seconds is left out of what is larger; default: 1"
    sweep.add_argument("--limit", type=positive(float), default=1.0, metavar="S", help=late)
    folder = "for sweep.json and the plots; default: sweep"
    sweep.add_argument("--output", type=pathlib.Path, default=pathlib.Path("sweep"), metavar="DIR", help=folder)
    _measuring(sweep)

    pools = command("random", "pools drawn by a seed, beside flax and torch: means and the worst ten")
    _drawing(pools, 200)
    _moding(pools, "forward", "forward_vjp")
    pools.add_argument("--output", type=pathlib.Path, metavar="FILE.json", help="saved here after every case")
    _measuring(pools)

    choice = command("choice", "every algorithm beside the chosen one: where another is faster")
    _drawing(choice, 0)
    choice.add_argument("--select", default="", metavar="PATTERN", help="of named workloads, where --count is 0")
    choice.add_argument("--suite", choices=SUITES, default="cpu", help="of named workloads; default: cpu")
    _moding(choice, "forward", "forward_with_argmax", "vjp")
    bound = "show where the choice takes more than so many times as long as the best; default: 1.15"
    choice.add_argument("--bound", type=positive(float), default=1.15, metavar="X", help=bound)
    choice.add_argument("--output", type=pathlib.Path, metavar="FILE.json", help="saved here after every case")
    _measuring(choice, ())

    family = command("family", "what every pool costs beside average pooling")
    family.add_argument("--select", default="", metavar="REGEX", type=_regex, help="pools whose name it matches")
    modes = ("forward", "forward_vjp")
    family.add_argument("--modes", nargs="+", choices=modes, default=list(modes), help="default: both")
    family.add_argument("--output", type=pathlib.Path, metavar="FILE.json", help="saved here after every group")
    _measuring(family, ())

    costs = command("costs", "write the costs of a saved run of `family` into a page with tables")
    costs.add_argument("file", type=pathlib.Path, metavar="FILE.json", help="what `family --output` saved")
    page = pathlib.Path("examples/guide/choosing.md")
    costs.add_argument("--output", type=pathlib.Path, default=page, metavar="PAGE.md", help=f"default: {page}")

    sharding = command("sharding", "what devices send to each other that share an image or a volume")
    chips = 'a TPU generation to compile for, such as "v5e"; default: simulated CPUs'
    sharding.add_argument("--chip", metavar="NAME", help=chips)
    sharding.add_argument("--output", type=pathlib.Path, metavar="FILE.json", help="saved here at the end")

    report = command("report", "tables and plots of saved results, a summary in plain words first")
    saved = "what --output of other commands saved: runs of one device, and results of `compile`"
    report.add_argument("files", nargs="+", type=pathlib.Path, metavar="FILE.json", help=saved)
    folder = "a folder for report.md and its plots"
    report.add_argument("--output", type=pathlib.Path, required=True, metavar="DIR", help=folder)

    compare = command(
        "compare", "what became slower or larger; exit status 1 if anything did, 2 if nothing can be compared"
    )
    compare.add_argument("before", type=pathlib.Path, metavar="BEFORE.json", help="a saved run")
    compare.add_argument("after", type=pathlib.Path, metavar="AFTER.json", help="a later one on the same device")
    threshold = "relative changes of less are none; default: 0.1"
    compare.add_argument("--threshold", type=positive(float), default=0.1, metavar="X", help=threshold)
    compare.add_argument("--normalise", action="store_true", help="take times relative to the copy of the same case")

    readme = command("readme", "write the table of a saved run into README")
    readme.add_argument("file", type=pathlib.Path, metavar="FILE.json", help="what `run --output` saved")
    page = pathlib.Path("README.md")
    readme.add_argument("--output", type=pathlib.Path, default=page, metavar="README.md", help=f"default: {page}")

    figures = command("figures", "draw the figures of the guide as SVG, out of saved runs of `run` and `sweep`")
    figures.add_argument("files", nargs="+", type=pathlib.Path, metavar="FILE.json", help="saved runs")
    folder = pathlib.Path("examples/guide/pictures")
    figures.add_argument("--output", type=pathlib.Path, default=folder, metavar="DIR", help=f"default: {folder}")

    listing = command("list", "workloads, tags and contenders, one a line")
    listing.add_argument("lists", nargs="*", metavar="LIST", type=_list, help=f"{', '.join(LISTS)}; default: all")
    _selecting(listing)
    listing.add_argument("--suite", choices=SUITES, help="only workloads of this suite")
    listing.add_argument("--pool", choices=POOLS, help="only workloads of this pool")

    about = "kernels, bytes and memory of programs for GPUs and TPUs that need not be here"
    commands.add_parser("compile", help=about, add_help=False)
    return result


def _moding(command: argparse.ArgumentParser, *default: str) -> None:
    """What of the pool is run; `run --help` explains the names."""
    text = f"of {', '.join(MODES)}, see `run --help`; default: {', '.join(default)}"
    command.add_argument("--modes", nargs="+", choices=MODES, default=list(default), metavar="MODE", help=text)


def _selecting(command: argparse.ArgumentParser) -> None:
    pattern = "workloads with this in their name, or those that a shell pattern such as 'avg-*' matches"
    command.add_argument("--select", default="", metavar="PATTERN", help=pattern)
    tags = f"workloads that have all of these tags: {', '.join(TAGS)}"
    command.add_argument("--tags", nargs="+", default=[], choices=TAGS, metavar="TAG", help=tags)
    command.add_argument(
        "--dtypes",
        "--dtype",
        nargs="+",
        type=_long_name,
        choices=DTYPES,
        metavar="DTYPE",
        help=f"of {', '.join((*SHORT_NAMES, *DTYPES))}; default: all that a workload names",
    )


def _owning(command: argparse.ArgumentParser) -> None:
    own = command.add_argument_group("a case of your own", "instead of --select, --tags and --suite")
    own.add_argument("--shape", type=_sizes, metavar="N,...", help="of the input, batch first; in f32 without --dtype")
    own.add_argument("--pool", choices=POOLS, help="default: max")
    own.add_argument("--window", type=_sizes, metavar="N,...", help="one number for all spatial axes, or one for each")
    own.add_argument("--strides", type=_sizes, metavar="N,...", help="likewise; default: 1, as in jaxpool")
    paddings = f"{', '.join(_NAMED_PADDINGS)}, or N or LOW:HIGH for all spatial axes or each; default: none"
    own.add_argument("--padding", type=_padding, metavar="PAD,...", help=paddings)
    own.add_argument("--dilation", type=positive(int), metavar="N", help="of the window; default: 1")
    own.add_argument("--channels-first", action="store_true", default=None, help="channels on axis 1; default: last")
    counted = argparse.BooleanOptionalAction
    own.add_argument("--count-include-pad", action=counted, help="whether averages count padding; default: yes")


def _drawing(command: argparse.ArgumentParser, count: int) -> None:
    least = positive(int) if count else _natural
    command.add_argument("--seed", type=int, default=0, help="the same seed draws the same pools")
    command.add_argument("--count", type=least, default=count, metavar="N", help=f"pools; default: {count}")
    command.add_argument("--first", type=_natural, default=0, metavar="N", help="the number of the first pool")


def _measuring(command: argparse.ArgumentParser, peers: Any = PEERS) -> None:
    if peers != ():
        default = f"default: {', '.join(PEERS)}"
        named = f"of `list contenders`, or all; {default}{'' if peers else '; with --shape, every library'}"
        command.add_argument("--contenders", nargs="+", default=peers, metavar="NAME", help=named)
        other = "the root of another checkout, whose jaxpool takes turns with this one, as the contender `before`"
        command.add_argument("--before", type=pathlib.Path, metavar="FOLDER", help=other)
    samples = "samples of each contender on each case, three at least; default: 15, on accelerators 20"
    command.add_argument("--samples", type=positive(int), metavar="N", help=samples)
    seconds = "seconds after which a contender gets no more samples of a case; default: 2, on accelerators 6"
    command.add_argument("--budget", type=positive(float), metavar="S", help=seconds)
    command.add_argument("--summary", action="store_true", help="save median, spread and count, not every sample")
    command.add_argument("--system-allocator", action="store_true", help="leave malloc as it is: benchmarks/README.md")


def _long_name(dtype: str) -> str:
    return SHORT_NAMES.get(dtype, dtype)


def _list(name: str) -> str:
    if name not in LISTS:
        raise argparse.ArgumentTypeError(f"{name!r} is none of {', '.join(LISTS)}")
    return name


def _regex(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no regular expression: {error}") from None
    return text


def positive(kind: type[int | float]) -> Callable[[str], int | float]:
    """A reader of numbers above 0."""

    def number(text: str) -> int | float:
        value = kind(text)
        if not value > 0:
            raise argparse.ArgumentTypeError(f"{text} is not above 0")
        return value

    return number


def _natural(text: str) -> int:
    if not re.fullmatch(r"\d+", text):
        raise argparse.ArgumentTypeError(f"{text} is not a number from 0 on")
    return int(text)


def _sizes(text: str) -> tuple[int, ...]:
    if not re.fullmatch(r"0*[1-9]\d*(,0*[1-9]\d*)*", text):
        raise argparse.ArgumentTypeError(f"{text!r} is not like 3 or 8,112,112,64: numbers above 0 with commas")
    return tuple(map(int, text.split(",")))


def _padding(text: str) -> str | Pairs:
    if text.upper() in _NAMED_PADDINGS:
        return text.upper()
    pairs: list[tuple[int, int]] = []
    for part in text.split(","):
        found = re.fullmatch(r"(\d+)(?::(\d+))?", part)
        if found is None:
            named = ", ".join(_NAMED_PADDINGS)
            raise argparse.ArgumentTypeError(f"{text!r} is not {named}, and not like 1, 0:1 or 1,0:1")
        pairs.append((int(found[1]), int(found[2] or found[1])))
    return tuple(pairs)
