"""The built-in scatter to the selected element, from the inputs: native on TPU, and there minimal in bytes.

Elsewhere it is expanded into index arrays and a scatter, or into a slow loop. Windows of many taps go one axis after
another, where each row first gets what the windows whose extremum it holds send to it: the same gradient, also at ties.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._lowerings import reduce_window

# Beyond this the native operation takes minutes to compile.
_JOINT_TAPS = 27


def refuses(operator: str, window: Window, consistent: bool) -> str | None:
    """Why this window cannot be run, or None."""
    del consistent
    if operator != "scatter_at_extremum":
        return "select_and_scatter only computes the gradient of an extremum from its inputs"
    if any(part.dilation > 1 for part in window.parts):
        return "select_and_scatter has no dilation"
    if any(min(part.low, part.high) < 0 for part in window.parts):
        return "select_and_scatter cannot crop"
    return None


def _along(g: Array, x: Array, window: Window, kind: str) -> Array:
    dimensions, strides, padding, _ = reduce_window.arguments(window, x.ndim)

    def keeps(old: Array, new: Array) -> Array:
        # A NaN that is there already stays; padding takes no part.
        better = old >= new if kind == "max" else old <= new
        return better | (old != old)

    scalar = jax.ShapeDtypeStruct((), x.dtype)
    select = jax.make_jaxpr(keeps)(scalar, scalar)
    scatter = jax.make_jaxpr(lax.add)(scalar, scalar)
    return lax.select_and_scatter_p.bind(
        x,
        g.astype(x.dtype),
        jnp.zeros((), x.dtype),
        select_jaxpr=select.jaxpr,
        select_consts=tuple(select.consts),
        scatter_jaxpr=scatter.jaxpr,
        scatter_consts=tuple(scatter.consts),
        window_dimensions=tuple(dimensions),
        window_strides=tuple(strides),
        padding=tuple(padding),
    )


def scatter_at_extremum(g: Array, x: Array, window: Window, kind: str) -> Array:
    """x[h] = sum of g[o] over the windows o whose first extremum is at h."""
    if window.taps <= _JOINT_TAPS or len(window.parts) == 1:
        return _along(g, x, window, kind)
    singles = [Window((part,)) for part in window.parts]
    rows = [x]
    for single in reversed(singles[1:]):
        rows.append(reduce_window.window_extremum(rows[-1], single, kind))
    for single in singles:
        g = _along(g, rows.pop(), single, kind)
    return g
