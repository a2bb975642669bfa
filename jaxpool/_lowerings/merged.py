"""A window along one axis, on arrays of which all later axes are one: for XLA:CPU, whose loops have the array's axes.

A loop over a few channels is unrolled and hardly fills vectors; one over all that follows an axis does. Where windows
start at every element, the axis itself is merged, too: neighbours then lie as far apart as the later axes have
elements, so the window is a dilated one. "merged_separable" goes so along all axes, one after another.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax import Array

from jaxpool._geometry import Window
from jaxpool._lowerings import slices, taps

reads_padding = slices.reads_padding


def refuses(operator: str, window: Window, consistent: bool) -> str | None:
    """Why this window cannot be run, or None."""
    return slices.refuses(operator, window, consistent)


def mergeable(array: Array, axis: int) -> bool:
    """Whether there are later axes, of sizes that can be multiplied."""
    after: tuple[Any, ...] = array.shape[axis + 1 :]
    # Sizes may be symbols, and one of 0 would leave no axis to pool over.
    return bool(after) and all(isinstance(size, int) and size > 0 for size in after)


def merge(array: Array, axis: int) -> Array:
    """The array with an axis and all later ones as one."""
    return array.reshape(*array.shape[:axis], math.prod(array.shape[axis:]))


def scale(window: Window, rest: int) -> Window:
    """A dense window along one axis, on the axis that takes in `rest` elements after each of its own."""
    (part,) = window.parts
    scaled = {name: getattr(part, name) * rest for name in ("size", "dilation", "low", "high", "outputs")}
    return Window((dataclasses.replace(part, **scaled),))


def _on_long_rows(compute: Callable[[Sequence[Array], Window], Any], arrays: Sequence[Array], window: Window) -> Any:
    """What `compute` makes of the arrays and the window along one axis, on merged axes."""
    (part,) = window.parts
    if not mergeable(arrays[0], part.axis):
        return compute(arrays, window)
    shape: tuple[Any, ...] = arrays[0].shape
    before, after = shape[: part.axis], shape[part.axis + 1 :]
    rest = math.prod(after)
    if part.stride == 1:
        merged = [merge(array, part.axis) for array in arrays]
        window, length = scale(window, rest), rest
    else:
        merged, length = [array.reshape(*before, array.shape[part.axis], rest) for array in arrays], 1
    results = compute(merged, window)
    return jax.tree.map(lambda array: array.reshape(*before, array.shape[part.axis] // length, *after), results)


def window_sum(x: Array, window: Window) -> Array:
    """As `slices.window_sum`."""
    return _on_long_rows(lambda arrays, window: slices.window_sum(arrays[0], window), (x,), window)


def window_spread(g: Array, window: Window) -> Array:
    """As `slices.window_spread`."""
    return _on_long_rows(lambda arrays, window: slices.window_spread(arrays[0], window), (g,), window)


def window_extremum(x: Array, window: Window, kind: str) -> Array:
    """As `slices.window_extremum`."""
    return _on_long_rows(lambda arrays, window: slices.window_extremum(arrays[0], window, kind), (x,), window)


def select_best(arrays: Sequence[Array], window: Window, kind: str) -> tuple[Array, ...]:
    """As `slices.select_best`."""
    return _on_long_rows(lambda arrays, window: slices.select_best(arrays, window, kind), arrays, window)


def gather_at_offsets(x: Array, offsets: Array, window: Window, consistent: bool) -> Array:
    """As `slices.gather_at_offsets`."""

    def gather(arrays: Sequence[Array], window: Window) -> Array:
        return slices.gather_at_offsets(arrays[0], arrays[1], window, consistent)

    return _on_long_rows(gather, (x, offsets), window)


def scatter_rows(offsets: Array, values: Sequence[Array], window: Window, rows: taps.Rows) -> tuple[Array, ...]:
    """As `slices.scatter_rows`."""

    def scatter(arrays: Sequence[Array], window: Window) -> tuple[Array, ...]:
        return slices.scatter_rows(arrays[0], arrays[1:], window, rows)

    return _on_long_rows(scatter, (offsets, *values), window)


def scatter_at_offsets(g: Array, offsets: Array, window: Window, consistent: bool) -> Array:
    """As `slices.scatter_at_offsets`."""

    def scatter(arrays: Sequence[Array], window: Window) -> Array:
        return slices.scatter_at_offsets(arrays[0], arrays[1], window, consistent)

    return _on_long_rows(scatter, (g, offsets), window)
