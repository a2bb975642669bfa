"""README's table of figures, made from a saved run and written between two markers."""

from __future__ import annotations

import math
import pathlib
import statistics
import textwrap
from collections.abc import Callable

from benchmarks.ratios import PEERS, beside
from benchmarks.records import Case, Run

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
# PyTorch is slow at few channels; apart, they do not hide the others.
_FEW_CHANNELS = 24
_COLUMNS = (("float32", "forward"), ("float32", "forward_vjp"), ("bfloat16", "forward"), ("bfloat16", "forward_vjp"))
_HEAD = (
    "| pool | f32 forward | f32 forward + gradient | bf16 forward | bf16 forward + gradient |",
    "|---|---|---|---|---|",
)


def _few(case: Case) -> bool:
    return case.workload.shape[case.workload.channel_axis] <= _FEW_CHANNELS


_ROWS: dict[str, Callable[[Case], bool]] = {
    "max": lambda case: case.workload.pool == "max" and not _few(case),
    "max, at most 24 channels": lambda case: case.workload.pool == "max" and _few(case),
    "average": lambda case: case.workload.pool == "avg" and not _few(case),
    "average, at most 24 channels": lambda case: case.workload.pool == "avg" and _few(case),
    "global average": lambda case: case.workload.pool == "global_avg",
}


def figures(run: Run) -> str:
    """The time of jaxpool over that of Flax and of PyTorch in a run, as a Markdown table under its caption."""
    cases = [case for case in run.cases if "2d" in case.workload.tags]
    names = {case.workload.name for case in cases}
    versions = run.environment["versions"]
    torch = versions["torch"].partition("+")[0]
    peers = f"Flax {versions['flax']} (first number) and PyTorch {torch} (second, channels last)"
    machine = f"{run.device}, JAX {versions['jax']}, {run.environment['date'][:10]}"
    caption = (
        f"Time of jaxpool relative to {peers}; lower is better. Geometric means over {len(names)} "
        f"two-dimensional pools of the benchmark suite. {machine}."
    )
    lines = [*textwrap.wrap(caption, 120), "", *_HEAD]
    for title, belongs in _ROWS.items():
        cells = [_cell([c for c in cases if belongs(c) and (c.dtype, c.mode) == column]) for column in _COLUMNS]
        lines.append(f"| {title} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(cases: list[Case]) -> str:
    """The means beside Flax and beside PyTorch."""
    means: list[str] = []
    for peer in PEERS.values():
        known = [ratio for ratio in (beside(case, peer) for case in cases) if not math.isnan(ratio)]
        means.append(f"{statistics.geometric_mean(known):.2g}" if known else "-")
    return ", ".join(means)


def written(text: str, run: Run) -> str:
    """A text with the figures of a run between its markers.

    Raises:
      ValueError: the text does not have both markers, in their order.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README needs a line {BEGIN} and below it a line {END}.")
    return f"{before}{BEGIN}\n{figures(run)}\n{END}{after}"


def write(path: pathlib.Path, run: Run) -> None:
    """Put the figures of a run into a file."""
    path.write_text(written(path.read_text(), run))
