"""The diagrams of windows: the course's window on its way, and what strides, padding, ceil mode and dilation do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from drawing import CELL, arrow, box, cells, picture, text, window

import jaxpool
from jaxpool.typing import PaddingName

Pair = tuple[int, int]
MAP = np.array([[1, 3, 2, 4], [5, 7, 1, 1], [0, 2, 9, 1], [4, 2, 3, 7]], np.float32)
CORNERS = ((0, 0), (0, 2), (2, 0), (2, 2))
SECONDS, STEP = 14.0, 1.6


def halved(pool: Callable[..., Any], x: np.ndarray = MAP) -> Any:
    """A pool of windows of 2 by 2 that do not overlap."""
    return pool(x, (2, 2), 2, channel_axis=None)


def winners(x: np.ndarray = MAP) -> list[tuple[int, int]]:
    """The places of the maxima."""
    _, indices = halved(jaxpool.max_pool_with_argmax, x)
    return [divmod(int(index), x.shape[1]) for index in indices.ravel()]


def phases(name: str, start: float, end: float = SECONDS) -> str:
    """CSS by which an element can be seen from one moment to another, and always without motion."""
    first, last = 100 * start / SECONDS, 100 * end / SECONDS
    hidden = f"0%, {max(first - 0.01, 0):.2f}%" + (f", {last:.2f}%, 100%" if end < SECONDS else "")
    return (
        f"@keyframes {name} {{ {hidden} {{ opacity: 0 }} {first:.2f}% {{ opacity: 1 }} }}\n"
        f".{name} {{ animation: {name} {SECONDS:g}s infinite step-end; }}\n"
    )


def sliding(*, moving: bool) -> str:
    """The course's window on its way, its winners, and their gradient on its way back."""
    left, right, top = 30, 290, 50
    values = np.asarray(halved(jaxpool.max_pool)).ravel()
    gradient = np.asarray(jax.grad(lambda x: halved(jaxpool.max_pool, x).sum())(jnp.asarray(MAP)))
    plain = np.full((2, 2), "").tolist()
    parts = [text(left + 80, 25, "a feature map, 4 by 4", "note"), text(right + 40, 65, "the largest, 2 by 2", "note")]
    parts += [cells(left, top, MAP.tolist()), cells(right, top + CELL, plain), arrow(205, 130, 275, 130)]
    style = ""
    back = 4 * STEP + 0.6
    layers: list[list[str]] = [[], [], [], []]
    for i, ((row, column), place, value) in enumerate(zip(CORNERS, winners(), values, strict=True)):
        # Each thing appears in its turn; without motion all of them are there.
        x, y = left + place[1] * CELL, top + place[0] * CELL
        out_x, out_y = right + (i % 2) * CELL, top + CELL + (i // 2) * CELL
        seen = [box(x, y, CELL, CELL, "lit"), text(x + CELL / 2, y + CELL / 2, float(MAP[place]), "on")]
        seen += [box(out_x, out_y, CELL, CELL, "lit"), text(out_x + CELL / 2, out_y + CELL / 2, float(value), "on")]
        flow = f'<path d="M{out_x + 20:g} {out_y + 20:g}L{x + 32:g} {y + 32:g}" class="back" pathLength="1"/>'
        badge = f'<circle cx="{x + 32:g}" cy="{y + 32:g}" r="9" class="badge"/>'
        mark = text(x + 32, y + 32.5, float(gradient[place]), "on small")
        layers[0].append(f'<g class="flow">{flow}</g>')
        layers[1].append(f'<g class="seen{i}">' + "".join(seen) + "</g>")
        layers[2].append(f'<g class="frame{i}">' + window(left, top, row, column, 2, 2) + "</g>")
        layers[3].append(f'<g class="badges">{badge}{mark}</g>')
        if moving:
            style += phases(f"seen{i}", i * STEP + 0.6) + phases(f"frame{i}", i * STEP, (i + 1) * STEP)
    parts += [part for layer in layers for part in layer]
    note = "its gradient goes back to the winners, and nowhere else"
    parts.append(f'<g class="badges">{text(210, 232, note, "note")}</g>')
    style += ".small { font-size: 12px; }\n.back { stroke-dasharray: 1; opacity: 0.75; }\n"
    if moving:
        start, end = 100 * back / SECONDS, 100 * (back + 1.4) / SECONDS
        style += phases("badges", back + 1.2)
        style += (
            f"@keyframes flow {{ 0%, {start:.2f}% {{ stroke-dashoffset: 1 }} {end:.2f}%, 100% "
            f"{{ stroke-dashoffset: 0 }} }}\n.flow path {{ animation: flow {SECONDS:g}s infinite linear; }}\n"
            "@media (prefers-reduced-motion: reduce) { * { animation: none !important; } }\n"
        )
    return picture(420, 255, "Max pooling of 2 by 2 with stride 2, and its gradient", parts, style)


def line(
    y: float,
    name: str,
    size: int,
    low: int,
    high: int,
    window_size: int,
    stride: int,
    dilation: int = 1,
    extra: int = 0,
) -> list[str]:
    """A row of elements with padding, and below it the reach of each window."""
    left, width = 170, 30
    parts = [text(10, y + width / 2, name, "left")]
    total = low + size + high
    kinds = {(0, i): "cell" if low <= i < low + size else "pad" for i in range(total + extra)}
    numbers = [i - low if low <= i < low + size else "" for i in range(total + extra)]
    parts.append(cells(left - low * width, y, [numbers], kinds, width))
    starts = range(0, total + extra - (window_size - 1) * dilation, stride)
    for row, start in enumerate(starts):
        bar = y + width + 8 + 9 * row
        first, last = left + (start - low) * width, left + (start - low + (window_size - 1) * dilation + 1) * width
        parts.append(f'<path d="M{first + 4:g} {bar:g}H{last - 4:g}" class="arrow"/>')
        for k in range(window_size):
            x = left + (start - low + k * dilation) * width
            parts.append(box(x + 6, bar - 3, width - 12, 6, "badge"))
    return parts


def strides() -> str:
    """Windows of three with strides of one, two and three."""
    parts: list[str] = []
    for y, stride in ((20, 1), (130, 2), (220, 3)):
        count = jaxpool.output_shape((7,), (3,), stride, channel_axis=None)[0]
        parts += line(y, f"stride {stride}: {count} outputs", 7, 0, 0, 3, stride)
    return picture(400, 290, "A window of 3 over 7 elements with strides 1, 2 and 3", parts)


def padding() -> str:
    """What the names of padding put where."""
    parts: list[str] = []
    names: dict[PaddingName, tuple[int, int]] = {
        "VALID": (0, 0),
        "SAME": (0, 1),
        "SAME_LOWER": (1, 0),
        "CAUSAL": (2, 0),
    }
    for k, (name, (low, high)) in enumerate(names.items()):
        count = jaxpool.output_shape((6,), (3,), 2, name, channel_axis=None)[0]
        assert count == jaxpool.output_shape((6,), (3,), 2, [(low, high)], channel_axis=None)[0]
        parts += line(20 + 85 * k, f"{name}: {count}", 6, low, high, 3, 2)
    return picture(400, 350, "Padding by its names: a window of 3 with stride 2 over 6 elements", parts)


def ceiling() -> str:
    """The last window of ceil mode."""
    parts: list[str] = []
    for k, ceil in enumerate((False, True)):
        count = jaxpool.output_shape((6,), (3,), 2, ceil_mode=ceil, channel_axis=None)[0]
        parts += line(20 + 85 * k, f"{'ceil' if ceil else 'floor'} mode: {count}", 6, 0, 0, 3, 2, extra=int(ceil))
    parts.append(text(200, 195, "the last window starts inside the input", "note"))
    return picture(400, 215, "Floor and ceil mode: a window of 3 with stride 2 over 6 elements", parts)


def dilation() -> str:
    """A window of three, dense and dilated by two."""
    parts: list[str] = []
    for k, distance in enumerate((1, 2)):
        count = jaxpool.output_shape((7,), (3,), 2, window_dilation=distance, channel_axis=None)[0]
        parts += line(20 + 90 * k, f"dilation {distance}: {count}", 7, 0, 0, 3, 2, distance)
    return picture(400, 190, "A window of 3 with stride 2 over 7 elements, with dilation 1 and 2", parts)
