"""All taps at once on a padded input, and as adjoint one dilated, padded copy of the cotangent per tap.

For compilers that fuse padding and dilation into the loop that reads them, as XLA:GPU does: then each operator is one
kernel that reads and writes every element once. XLA:CPU is slow at both, see `slices`.

Where no two windows share an element, the sums' adjoint repeats the cotangent by the stride: as many bytes with a sixth
of the instructions (in the machine code for an H100). Where they do, that would read the cotangent more than once.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._lowerings import slices, taps
from jaxpool._lowerings.reduce_window import extreme

# Whether padding takes part in comparisons.
reads_padding = True


def refuses(operator: str, window: Window, consistent: bool) -> str | None:
    """Why this window cannot be run, or None."""
    del operator, consistent
    limit = taps.MAX_SLICES
    return None if window.taps <= limit else f"it would take {window.taps} slices, more than {limit}"


def _padded(x: Array, window: Window, value: Any) -> Array:
    pads = [(0, 0, 0)] * x.ndim
    for part in window.parts:
        pads[part.axis] = (part.low, part.reach, 0)
    return lax.pad(x, jnp.asarray(value, x.dtype), pads) if any(map(any, pads)) else x


def _taps(window: Window) -> Iterator[tuple[int, ...]]:
    return itertools.product(*(range(part.taps) for part in window.parts))


def _take(padded: Array, window: Window, tap: Sequence[int]) -> Array:
    start, limit, stride = [0] * padded.ndim, list(padded.shape), [1] * padded.ndim
    for part, i in zip(window.parts, tap, strict=True):
        start[part.axis] = i * part.dilation
        limit[part.axis] = start[part.axis] + (part.outputs - 1) * part.stride + 1
        stride[part.axis] = part.stride
    return lax.slice(padded, start, limit, stride)


def _put(g: Array, window: Window, tap: Sequence[int]) -> Array:
    """The adjoint of `_take` on an unpadded input: zeros but for the positions of one tap."""
    pads = [(0, 0, 0)] * g.ndim
    for part, i in zip(window.parts, tap, strict=True):
        first = i * part.dilation - part.low
        last = first + (part.outputs - 1) * part.stride
        pads[part.axis] = (first, part.size - 1 - last, part.stride - 1)
    return lax.pad(g, jnp.zeros((), g.dtype), pads)


def window_sum(x: Array, window: Window) -> Array:
    """y[o] = sum over the taps i of x[o * stride - low + i * dilation]."""
    padded = _padded(x, window, 0)
    return functools.reduce(lax.add, [_take(padded, window, tap) for tap in _taps(window)])


def window_spread(g: Array, window: Window) -> Array:
    """x[h] = sum over the taps i of g[(h + low - i * dilation) / stride], where that is a window."""
    if window.apart and all(part.stride > 1 for part in window.parts):
        return slices.window_spread(g, window)
    first, *others = (_put(g, window, tap) for tap in _taps(window))
    for other in others:
        first = first + other
    return first


def window_extremum(x: Array, window: Window, kind: str) -> Array:
    """y[o] = the largest, or smallest, element of the window; NaN if there is one."""
    padded = _padded(x, window, extreme(x.dtype, kind))
    # NaN looked for apart, as `taps.first_extremum` does, would cost a GPU a second kernel.
    return taps.first_best(((_take(padded, window, tap),) for tap in _taps(window)), kind)[0]


def select_best(arrays: Sequence[Array], window: Window, kind: str) -> tuple[Array, ...]:
    """Every array at the first extremum of `arrays[0]` in each window, and the offset of that element.

    Where all elements of a window are the worst value of their dtype, it may be padding; see `taps.at_real_taps`.
    """
    padded = (_padded(arrays[0], window, extreme(arrays[0].dtype, kind)), *(_padded(a, window, 0) for a in arrays[1:]))

    def at(tap: tuple[int, ...]) -> tuple[Array, ...]:
        new = tuple(_take(array, window, tap) for array in padded)
        return (*new, jnp.full(new[0].shape, taps.offset_of(window, tap), window.offset_dtype))

    return taps.first_best(map(at, _taps(window)), kind)


def window_argextremum(x: Array, window: Window, kind: str) -> tuple[Array, Array]:
    """The extremum of each window and the offset of the first element that has it."""
    values, offsets = select_best((x,), window, kind)
    return values, taps.at_real_taps(offsets, window)


def gather_at_offsets(x: Array, offsets: Array, window: Window, consistent: bool) -> Array:
    """y[o] = x[o * stride - low + tap(offsets[o]) * dilation], 0 in padding."""
    del consistent
    padded = _padded(x, window, 0)
    result = jnp.zeros(offsets.shape, x.dtype)
    for tap in _taps(window):
        chosen = offsets == jnp.asarray(taps.offset_of(window, tap), offsets.dtype)
        result = lax.select(chosen, _take(padded, window, tap), result)
    return result


def scatter_at_offsets(g: Array, offsets: Array, window: Window, consistent: bool) -> Array:
    """x[h] = sum of g[o] over the windows o whose offset names h."""
    del consistent
    total: Array | None = None
    for tap in _taps(window):
        chosen = offsets == jnp.asarray(taps.offset_of(window, tap), offsets.dtype)
        sent = _put(jnp.where(chosen, g, np.zeros((), g.dtype)), window, tap)
        total = sent if total is None else total + sent
    if total is None:
        raise AssertionError("a window has at least one tap")
    return total


def scatter_rows(offsets: Array, values: Sequence[Array], window: Window, rows: taps.Rows) -> tuple[Array, ...]:
    """As `slices.scatter_rows`."""
    totals: list[Array] = []
    for tap in _taps(window):
        chosen, places = taps.in_row(offsets, taps.offset_of(window, tap), rows)
        sent = [_put(jnp.where(chosen, array, np.zeros((), array.dtype)), window, tap) for array in (*values, places)]
        totals = slices.join_rows(totals, sent)
    return tuple(totals)
