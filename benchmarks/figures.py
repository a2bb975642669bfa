"""The two figures of the guide as SVG, out of saved runs: how many times faster, and the time over the window's size.

They suit light and dark pages, as all pictures of the guide do, and a page as narrow as a phone.
"""

from __future__ import annotations

import math
import pathlib
from collections.abc import Sequence

from benchmarks.ratios import PEERS, beside
from benchmarks.records import Case, ResultError, Run
from benchmarks.summary import mean, plain
from examples.drawing import box, picture, short, text

_WIDTH = 490
_TITLES = {"flax": "Flax", "torch": "PyTorch", "torch_channels_last": "PyTorch", "copy": "a plain copy"}
_POOLS = {"max": "Max pooling", "avg": "Average pooling", "global_avg": "Global average pooling"}
_COLUMNS = {
    ("float32", "forward"): "f32, forward",
    ("float32", "forward_vjp"): "f32, with gradient",
    ("bfloat16", "forward"): "bf16, forward",
    ("bfloat16", "forward_vjp"): "bf16, with gradient",
}
_STYLE = """text { font-size: 17px; }
.note { font-size: 15px; }
.title { font-size: 19px; font-weight: 700; }
.right { text-anchor: end; }
.flax { fill: var(--orange); }
.torch { fill: var(--green); }
.grid { stroke: var(--line); stroke-width: 1; opacity: 0.45; }
.base { stroke: var(--ink); stroke-width: 1.5; }
.ours { stroke: var(--blue); fill: var(--blue); }
.theirs { stroke: var(--orange); fill: var(--orange); }
.third { stroke: var(--green); fill: var(--green); }
.copied { stroke: var(--soft); fill: var(--soft); }
.line { fill: none; stroke-width: 3.5; stroke-linejoin: round; stroke-linecap: round; }
.copied.line { stroke-width: 2; stroke-dasharray: 5 5; }
"""
# Where a ratio of 1 stands, and how many pixels tenfold are.
_ONE, _TENFOLD = 182, 112
_BAR = 15


def write(runs: Sequence[Run], folder: pathlib.Path) -> list[pathlib.Path]:
    """Draws what the runs have data for; the files.

    Raises:
      ResultError: there is data for neither figure.
    """
    drawn: dict[str, str] = {}
    for run in runs:
        if _named(run):
            drawn["speed"] = speed(run)
        if _growing(run):
            drawn["window-size"] = window_size(run)
    if not drawn:
        raise ResultError("No file has two-dimensional pools of the suite, or a sweep over the window's size.")
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in drawn.items():
        (folder / f"{name}.svg").write_text(content)
    return [folder / f"{name}.svg" for name in drawn]


def _named(run: Run) -> list[Case]:
    """The two-dimensional pools of the suite, as in README's table."""
    return [case for case in run.cases if "2d" in case.workload.tags and case.workload.pool in _POOLS]


def _growing(run: Run) -> list[Case]:
    """The sweep over the window's size."""
    return [case for case in run.cases if {"sweep", "window"} <= set(case.workload.tags)]


def _facts(run: Run) -> str:
    """The machine and the versions."""
    versions = run.environment["versions"]
    torch = versions["torch"].partition("+")[0]
    return f"{run.device}, JAX {versions['jax']}, Flax {versions['flax']}, PyTorch {torch}"


def speed(run: Run) -> str:
    """How many times faster jaxpool is: two bars for each pool, dtype and mode, in geometric means.

    Bars begin at "as fast" and grow with the logarithm, so that twice as fast and twice as slow are as long.
    """
    cases = _named(run)
    parts = [text(_WIDTH / 2, 22, "How many times faster jaxpool is", "title")]
    for k, name in enumerate(PEERS):
        x = 90 + 160 * k
        parts += [box(x, 46, 22, _BAR, name), text(x + 30, 54, f"than {_TITLES[name]}", "left")]
    lines: list[str] = []
    y = 84.0
    for pool, title in _POOLS.items():
        parts.append(text(10, y + 14, title, "left name"))
        y += 32
        top = y
        for (dtype, mode), label in _COLUMNS.items():
            chosen = [case for case in cases if (case.workload.pool, case.dtype, case.mode) == (pool, dtype, mode)]
            parts.append(text(_ONE - 12, y + _BAR + 1, label, "right"))
            parts += [bar for k, name in enumerate(PEERS) for bar in _bar(y + (_BAR + 3) * k, name, chosen)]
            y += 2 * (_BAR + 3) + 12
        lines += [_vertical(_ONE + k * _TENFOLD, top - 6, y - 6, kind) for k, kind in enumerate(("base", "grid"))]
        y += 6
    for k, words in enumerate(("as fast", "10 times")):
        parts.append(text(_ONE + k * _TENFOLD, y + 6, words, "note"))
    names = {case.workload.name for case in cases}
    parts.append(text(_WIDTH / 2, y + 36, f"Geometric means of {len(names)} pools of images, {_date(run)}.", "note"))
    parts.append(text(_WIDTH / 2, y + 58, _facts(run), "note"))
    return picture(_WIDTH, y + 78, "How many times faster jaxpool is than Flax and PyTorch", [*lines, *parts], _STYLE)


def _date(run: Run) -> str:
    return str(run.environment["date"])[:10]


def _bar(y: float, name: str, cases: Sequence[Case]) -> list[str]:
    """One bar and its value in words."""
    peer = PEERS[name]
    known = [case for case in cases if not math.isnan(beside(case, peer))]
    if not known:
        return [text(_ONE + 10, y + _BAR / 2 + 0.5, "not measured", "left note")]
    times = 1 / mean(beside(case, peer) for case in known)
    same = all(case.same_program(case.record("jaxpool"), peer(case)) for case in known)
    words = "the same program" if same else plain(times)
    end = _ONE if same else _ONE + _TENFOLD * math.log10(times)
    left, right = min(end, _ONE), max(end, _ONE)
    return [
        box(left, y, max(right - left, 2), _BAR, name),
        text(right + 8, y + _BAR / 2 + 0.5, words, "left note"),
    ]


def _vertical(x: float, top: float, bottom: float, kind: str) -> str:
    return f'<path d="M{short(x)} {short(top)}V{short(bottom)}" class="{kind}"/>'


# The panels of the sweep: where they begin, their size, and the numbers at their ends.
_LEFT, _WIDE, _TALL = 76, 290, 270
_SIZES, _TIMES = (3, 129), (1e-4, 1.0)
_LINES = {"jaxpool": "ours", "flax": "theirs", "torch_channels_last": "third", "copy": "copied"}


def window_size(run: Run) -> str:
    """The time of max pooling over the size of the window, forward and with the gradient, on logarithmic axes."""
    cases = _growing(run)
    parts = [text(_WIDTH / 2, 22, "How long max pooling takes", "title")]
    top = 82.0
    for mode, title in (("forward", "Forward"), ("forward_vjp", "Forward and gradient")):
        chosen = [case for case in cases if (case.dtype, case.mode) == ("float32", mode)]
        parts += [text(_LEFT, top - 22, title, "left name"), *_panel(top, chosen)]
        top += _TALL + 96
    shape = " x ".join(map(str, cases[0].workload.shape))
    parts.append(text(_WIDTH / 2, top - 22, f"Stride 1 on {shape} in f32, {_date(run)}.", "note"))
    parts.append(text(_WIDTH / 2, top, _facts(run), "note"))
    return picture(_WIDTH, top + 20, "The time of max pooling over the size of its window", parts, _STYLE)


def _place(size: float, seconds: float, top: float) -> tuple[float, float]:
    across = math.log(size / _SIZES[0]) / math.log(_SIZES[1] / _SIZES[0])
    up = math.log(seconds / _TIMES[0]) / math.log(_TIMES[1] / _TIMES[0])
    return _LEFT + _WIDE * across, top + _TALL * (1 - up)


def _panel(top: float, cases: Sequence[Case]) -> list[str]:
    """Axes and a line for each contender, with its name at the end."""
    bottom = top + _TALL
    parts: list[str] = []
    for seconds, words in ((1e-4, "0.1 ms"), (1e-3, "1 ms"), (1e-2, "10 ms"), (1e-1, "100 ms"), (1.0, "1 s")):
        _, y = _place(_SIZES[0], seconds, top)
        kind = "base" if seconds == _TIMES[0] else "grid"
        parts.append(f'<path d="M{_LEFT} {short(y)}h{_WIDE}" class="{kind}"/>')
        parts.append(text(_LEFT - 8, y, words, "right note"))
    for size in (3, 5, 9, 17, 33, 65, 129):
        x, _ = _place(size, 1.0, top)
        parts += [text(x, bottom + 17, size, "note")]
    parts.append(text(_LEFT + _WIDE / 2, bottom + 38, "side of the window", "note"))
    for name in ("copy", "torch_channels_last", "flax", "jaxpool"):
        timed = [(case.workload.window[0], found) for case in cases if (found := case.record(name)) is not None]
        points = [_place(size, record.median, top) for size, record in sorted(timed, key=lambda pair: pair[0])]
        if points:
            parts += _line(points, _LINES[name], _TITLES.get(name, name))
    return parts


def _line(points: Sequence[tuple[float, float]], kind: str, name: str) -> list[str]:
    joined = " ".join(f"{short(x)},{short(y)}" for x, y in points)
    parts = [f'<polyline points="{joined}" class="line {kind}"/>']
    if kind != "copied":
        parts += [f'<circle cx="{short(x)}" cy="{short(y)}" r="4.5" class="{kind}"/>' for x, y in points]
    x, y = points[-1]
    if kind == "theirs":
        # To the right, the line of another one may end.
        return [*parts, text(x - 12, y - 2, name, "right name")]
    return [*parts, text(x + 12, y, name, "left note" if kind == "copied" else "left name")]
