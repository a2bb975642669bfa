"""One axis after another: as many operations as the taps of all axes added up, not multiplied.

Extrema with offsets go from the last axis to the first, which finds the first extremum in row-major order: the first in
each row, then the first row that has it. Their adjoint goes the other way. It needs `consistent` offsets, those of a
`window_argextremum` of the same window: there, all windows whose extremum lies in one row agree on its place in the
row, so that the row can be told first, with the place as a payload.

What happens along one axis is the business of `base`, `slices` by default; see `over`.
"""

from __future__ import annotations

import functools
from types import ModuleType, SimpleNamespace

from jax import Array

from jaxpool._geometry import Window
from jaxpool._lowerings import slices, taps


def refuses(operator: str, window: Window, consistent: bool, base: ModuleType = slices) -> str | None:
    """Why this window cannot be run, or None."""
    if operator in ("gather_at_offsets", "scatter_at_offsets") and not consistent and len(window.parts) > 1:
        return "one axis at a time needs offsets that come from an extremum of the same window"
    return next((reason for w in _single_axes(window) if (reason := base.refuses(operator, w, True))), None)


def _single_axes(window: Window) -> list[Window]:
    return [Window((part,)) for part in window.parts]


def window_sum(x: Array, window: Window, base: ModuleType = slices) -> Array:
    """y[o] = sum over the taps i of x[o * stride - low + i * dilation]."""
    for single in reversed(_single_axes(window)):
        (x,) = taps.materialize(x)
        x = base.window_sum(x, single)
    return x


def window_spread(g: Array, window: Window, base: ModuleType = slices) -> Array:
    """x[h] = sum over the taps i of g[(h + low - i * dilation) / stride], where that is a window."""
    for single in _single_axes(window):
        g = base.window_spread(g, single)
    return g


def window_extremum(x: Array, window: Window, kind: str, base: ModuleType = slices) -> Array:
    """y[o] = the largest, or smallest, element of the window; NaN if there is one."""
    for single in reversed(_single_axes(window)):
        (x,) = taps.materialize(x)
        x = base.window_extremum(x, single, kind)
    return x


def window_argextremum(x: Array, window: Window, kind: str, base: ModuleType = slices) -> tuple[Array, Array]:
    """The extremum of each window and the offset of the first element that has it."""
    dtype = window.offset_dtype
    total: Array | None = None
    for single, stride in reversed(list(zip(_single_axes(window), window.offset_strides, strict=True))):
        x, *carried, tap = base.select_best((x,) if total is None else (x, total), single, kind)
        offset = tap.astype(dtype) * taps.constant(stride, dtype)
        total = offset + carried[0] if carried else offset
    if total is None:
        raise AssertionError("a window has at least one axis")
    return x, taps.at_real_taps(total, window) if base.reads_padding else total


def _rows(window: Window) -> list[tuple[Window, taps.Rows]]:
    """For all axes but the last, how the offsets that are left name the tap along it."""
    axes = zip(window.parts[:-1], window.offset_strides[:-1], strict=True)
    return [(Window((part,)), taps.Rows(part.taps, stride, stride)) for part, stride in axes]


def gather_at_offsets(x: Array, offsets: Array, window: Window, consistent: bool, base: ModuleType = slices) -> Array:
    """y[o] = x[o * stride - low + tap(offsets[o]) * dilation], 0 in padding."""
    # The row of every window is told the place in the row, axis by axis; then the rows are read, last axis first.
    steps: list[tuple[Array, Window]] = []
    for single, rows in _rows(window):
        steps.append((taps.row_of(offsets, rows), single))
        (offsets,) = base.scatter_rows(offsets, (), single, rows)
    for tap, single in reversed([*steps, (offsets, Window(window.parts[-1:]))]):
        x = base.gather_at_offsets(x, tap, single, consistent)
    return x


def scatter_at_offsets(g: Array, offsets: Array, window: Window, consistent: bool, base: ModuleType = slices) -> Array:
    """x[h] = sum of g[o] over the windows o whose offset names h."""
    for single, rows in _rows(window):
        g, offsets = taps.materialize(*base.scatter_rows(offsets, (g,), single, rows))
    return base.scatter_at_offsets(g, offsets, Window(window.parts[-1:]), consistent)


def over(base: ModuleType, *operators: str) -> SimpleNamespace:
    """The lowering that does the same with another base, for some of the operators."""
    functions = {name: functools.partial(globals()[name], base=base) for name in ("refuses", *operators)}
    return SimpleNamespace(**functions)
