"""A few lines that draw diagrams as SVG: cells with numbers, windows, arrows. Colours suit light and dark pages.

An image in a page follows the page's own colour scheme, so that one file serves both. Colours are those of Okabe and
Ito, which people with any colour vision tell apart; no picture tells by colour alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape

CELL = 40
STYLE = """
svg { --ink: #1f2328; --soft: #57606a; --cell: #eef1f5; --line: #8c959f; --blue: #0072b2; --orange: #e69f00;
  --green: #009e73; --sky: #a6d8f5; --red: #d55e00; }
@media (prefers-color-scheme: dark) {
  svg { --ink: #e6edf3; --soft: #a9b4c0; --cell: #30363f; --line: #6e7681; --blue: #56b4e9; --green: #2fc79b;
    --sky: #1d5578; --red: #ff8a3d; }
}
text { font: 15px system-ui, sans-serif; fill: var(--ink); text-anchor: middle; dominant-baseline: central; }
.note { font-size: 14px; fill: var(--soft); }
.left { text-anchor: start; }
.name { font-weight: 600; }
.on { fill: #111; font-weight: 700; }
.cell { fill: var(--cell); stroke: var(--line); }
.lit { fill: var(--orange); stroke: var(--line); }
.part { fill: var(--sky); stroke: var(--line); }
.pad { fill: none; stroke: var(--line); stroke-dasharray: 3 3; }
.window { fill: none; stroke: var(--blue); stroke-width: 4; }
.back { fill: none; stroke: var(--green); stroke-width: 3; }
.badge { fill: var(--green); }
.arrow { fill: none; stroke: var(--soft); stroke-width: 2; }
.head { fill: var(--soft); }
"""


def picture(width: float, height: float, title: str, parts: Sequence[str], style: str = "") -> str:
    """A whole file."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}" role="img">\n<title>{escape(title)}</title>\n'
        f"<style>{STYLE}{style}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def text(x: float, y: float, words: object, kind: str = "") -> str:
    """Words around a point, or from it on with the kind "left"."""
    return (
        f'<text x="{short(x)}" y="{short(y)}"'
        + (f' class="{kind}"' if kind else "")
        + f">{escape(number(words))}</text>"
    )


def short(place: float) -> str:
    """A place to a tenth, so that the last bits of a result move nothing."""
    return f"{round(place, 1):g}"


def number(value: object) -> str:
    """A number without needless zeros; NaN in capitals; anything else as it is."""
    if isinstance(value, float):
        return "NaN" if value != value else f"{value:.3g}"
    return str(value)


def box(x: float, y: float, width: float, height: float, kind: str, more: str = "") -> str:
    """A rectangle."""
    size = f'x="{short(x)}" y="{short(y)}" width="{short(width)}" height="{short(height)}"'
    return f'<rect {size} rx="3" class="{kind}"{more}/>'


def arrow(x: float, y: float, to_x: float, to_y: float) -> str:
    """A straight arrow."""
    length = ((to_x - x) ** 2 + (to_y - y) ** 2) ** 0.5
    across, down = (to_x - x) / length, (to_y - y) / length
    base_x, base_y = to_x - 9 * across, to_y - 9 * down
    tip = (
        f"{to_x:g},{to_y:g} {base_x - 5 * down:g},{base_y + 5 * across:g} {base_x + 5 * down:g},{base_y - 5 * across:g}"
    )
    return f'<path d="M{x:g} {y:g}L{base_x:g} {base_y:g}" class="arrow"/><polygon points="{tip}" class="head"/>'


def cells(
    x: float,
    y: float,
    rows: Sequence[Sequence[object]],
    kinds: Mapping[tuple[int, int], str] | Callable[[int, int], str] | None = None,
    size: float = CELL,
) -> str:
    """A map of numbers; `kinds` names the cells that are not plain ones."""
    drawn: list[str] = []
    for i, row in enumerate(rows):
        for j, value in enumerate(row):
            kind = kinds(i, j) if callable(kinds) else (kinds or {}).get((i, j), "cell")
            drawn.append(box(x + j * size, y + i * size, size, size, kind))
            if value != "":
                drawn.append(text(x + (j + 0.5) * size, y + (i + 0.5) * size, value, "on" if kind == "lit" else ""))
    return "\n".join(drawn)


def window(x: float, y: float, row: int, column: int, height: int, width: int, size: float = CELL) -> str:
    """The frame of a window over a map that starts at a point."""
    return box(x + column * size, y + row * size, width * size, height * size, "window")
