"""Figures of a run: ratios, shares of the roofline, and sweeps."""

from __future__ import annotations

import math
import pathlib
from collections.abc import Callable, Sequence

import matplotlib

matplotlib.use("Agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullFormatter

from benchmarks.contenders import TORCH
from benchmarks.records import Case, Run

_COLOURS = {
    "jaxpool": "#1b6ca8",
    "flax": "#d1495b",
    "lax": "#e88d97",
    "equinox": "#edae49",
    "keras": "#8d5a97",
    "torch_channels_last": "#2e8b57",
    "torch_channels_first": "#7fbf7f",
    "copy": "#888888",
}
_plain = FuncFormatter(lambda value, _: f"{value:g}")


def draw(run: Run, directory: pathlib.Path) -> list[str]:
    """Draws whatever the run has data for; the names of the files."""
    cases = [case for case in run.cases if "sweep" not in case.workload.tags]
    names: list[str] = []
    if any(case.record("jaxpool") for case in cases):
        names += [_ratios(cases, directory), _roofline(cases, directory)]
    for kind, size in (("window", lambda case: case.workload.window[0]), ("elements", elements)):
        chosen = [case for case in run.cases if {"sweep", kind} <= set(case.workload.tags)]
        if chosen:
            names.append(_sweep(chosen, kind, size, directory))
    return names


def elements(case: Case) -> int:
    """The number of elements of a case's input."""
    return math.prod(case.workload.shape)


def _rows(cases: Sequence[Case], title: str) -> tuple[Axes, Callable[[str], str]]:
    """Axes with one row per case, from the top, and what finishes them into a file's name."""
    figure, axes = plt.subplots(figsize=(9, 1.6 + 0.24 * len(cases)), layout="constrained")
    axes.set_yticks(range(len(cases)), [case.title for case in cases], fontsize=8)
    axes.set_ylim(len(cases) - 0.5, -0.5)
    axes.grid(axis="both", color="#e5e5e5")
    axes.set_axisbelow(True)
    axes.set_title(title, fontsize=10, loc="left")

    def finish(path: str) -> str:
        axes.set_xscale("log")
        axes.xaxis.set_major_formatter(_plain)
        figure.legend(fontsize=8, loc="outside lower center", ncols=4)
        figure.savefig(path, dpi=130)
        plt.close(figure)
        return pathlib.Path(path).name

    return axes, finish


def _ratios(cases: Sequence[Case], directory: pathlib.Path) -> str:
    axes, finish = _rows(cases, "how many times faster jaxpool is (medians; right of the line: faster)")
    for name, others in (("flax", ("flax",)), ("torch_channels_last", TORCH)):
        label = "than flax" if name == "flax" else "than the faster torch"
        ratios = [case.ratio(case.fastest(others), case.record("jaxpool")) for case in cases]
        errors = [_error(case, others) * ratio for case, ratio in zip(cases, ratios, strict=True)]
        axes.errorbar(ratios, range(len(cases)), xerr=errors, fmt="o", markersize=5, color=_COLOURS[name], label=label)
    axes.axvline(1, color="black", linewidth=0.8)
    return finish(str(directory / "ratios.png"))


def _error(case: Case, others: Sequence[str]) -> float:
    """The relative standard error of jaxpool's ratio to the fastest of others; 0 where it is unknown."""
    records = (case.record("jaxpool"), case.fastest(others))
    errors = [0.0 if record is None else record.uncertainty for record in records]
    return 0.0 if any(map(math.isnan, errors)) else math.hypot(*errors)


def _roofline(cases: Sequence[Case], directory: pathlib.Path) -> str:
    axes, finish = _rows(cases, "achieved bandwidth, as a share of a plain copy of the bytes that must move")
    names = [name for name in ("flax", *TORCH, "jaxpool") if any(case.record(name) for case in cases)]
    for name in names:
        shares = [case.roofline(case.record(name)) for case in cases]
        axes.scatter(shares, range(len(cases)), s=26, color=_COLOURS[name], label=name)
    axes.axvline(1, color="black", linewidth=0.8)
    return finish(str(directory / "roofline.png"))


def _sweep(cases: Sequence[Case], kind: str, size: Callable[[Case], int], directory: pathlib.Path) -> str:
    modes = list(dict.fromkeys(case.mode for case in cases))
    figure, axes = plt.subplots(1, len(modes), figsize=(5.5 * len(modes), 4), squeeze=False, layout="constrained")
    for panel, mode in zip(axes[0], modes, strict=True):
        chosen = sorted((case for case in cases if case.mode == mode), key=size)
        for name in dict.fromkeys(name for case in chosen for name in case.records):
            timed = [(size(case), record) for case in chosen if (record := case.record(name)) is not None]
            if not timed:
                continue
            style = "--" if name == "copy" else "-"
            panel.errorbar(
                [place for place, _ in timed],
                [record.median * 1e3 for _, record in timed],
                [record.spread * 1e3 for _, record in timed],
                marker=".",
                linestyle=style,
                color=_COLOURS.get(name),
                label="copy of the bytes that must move" if name == "copy" else name,
            )
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.yaxis.set_major_formatter(_plain)
        if kind == "window":
            panel.set_xticks([size(case) for case in chosen], [str(size(case)) for case in chosen])
            panel.xaxis.set_minor_formatter(NullFormatter())
        panel.set_xlabel("window along each axis" if kind == "window" else "elements of the input")
        panel.set_ylabel("ms")
        panel.set_title(f"{chosen[0].workload.source}: {mode}", fontsize=10, loc="left")
        panel.grid(color="#e5e5e5")
    figure.legend(*axes[0][0].get_legend_handles_labels(), fontsize=8, loc="outside lower center", ncols=4)
    path = directory / f"sweep-{kind}.png"
    figure.savefig(path, dpi=130)
    plt.close(figure)
    return path.name
