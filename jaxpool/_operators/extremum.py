"""The maximum and minimum of every window, with their derivative.

The plain value takes the cheapest way. Once a derivative is asked for, values and offsets are computed together; the
tangent is the linear gather at these offsets, so the offsets are all that reverse mode keeps, and no order of
differentiation computes a maximum twice.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array

from jaxpool._geometry import Window
from jaxpool._lowerings import keeps_input, runs
from jaxpool._operators.linear import gather_at_offsets, same_as_inputs, same_as_outputs
from jaxpool._operators.primitive import adjoint_pair, bind, differentiate, operator


def _value(x: Any, *, window: Window, **static: Any) -> Any:
    del static
    return x.update(shape=window.output_shape(x.shape), weak_type=False)


def _value_and_offsets(x: Any, *, window: Window, **static: Any) -> tuple[Any, Any]:
    value = _value(x, window=window, **static)
    return value, value.update(dtype=jnp.dtype(window.offset_dtype))


_extremum_p = operator("window_extremum", _value, only_for_rules=("residual",))
_argextremum_p = operator("window_argextremum", _value_and_offsets, multiple_results=True)


# y[o] = dx[place(o, offset of the first extremum of x)], and its adjoint; x is a constant of both.
_gather_p = operator("gather_at_extremum", same_as_outputs)
_scatter_p = operator("scatter_at_extremum", same_as_inputs)
adjoint_pair(_gather_p, _scatter_p)


def window_extremum(
    x: Array,
    window: Window,
    kind: str,
    implementation: str | None = None,
    residual: str | None = None,
    *,
    any_zero: bool = False,
) -> Array:
    """The largest (`kind="max"`) or smallest (`"min"`) element of every window; NaN where it holds one.

    `residual` is what derivatives keep: "offsets", "input", or None for what suits the default backend. `any_zero`
    tells that a zero may have either sign where the window is the whole plane, which saves reading the inputs again.
    """
    if window.normal.whole and implementation is None and residual is None and not any_zero:
        return window_argextremum(x, window, kind, implementation)[0]
    return bind(_extremum_p, x, window=window.normal, kind=kind, implementation=implementation, residual=residual)


def gather_at_extremum(dx: Array, x: Array, window: Window, kind: str, implementation: str | None = None) -> Array:
    """From every window the element of `dx` that stands where `x` has its first extremum."""
    return bind(_gather_p, dx, x, window=window.normal, kind=kind, implementation=implementation)


def scatter_at_extremum(g: Array, x: Array, window: Window, kind: str, implementation: str | None = None) -> Array:
    """The adjoint of `gather_at_extremum`: every element gets the sum over the windows whose first extremum it is."""
    return bind(_scatter_p, g, x, window=window.normal, kind=kind, implementation=implementation)


def window_argextremum(x: Array, window: Window, kind: str, implementation: str | None = None) -> tuple[Array, Array]:
    """The extremum and the offset of the first element that has it, in row-major order; of the first NaN."""
    values, offsets = bind(_argextremum_p, x, window=window.normal, kind=kind, implementation=implementation)
    return values, offsets


def usable(implementation: str | None, operator_name: str, window: Window) -> str | None:
    """The implementation asked for, where it has the derivative's operator."""
    return implementation if runs(implementation, operator_name, window) else None


def _gather_along(offsets: Array, window: Window, implementation: str | None) -> Callable[[Array], Array]:
    named = usable(implementation, "gather_at_offsets", window)
    return lambda dx: gather_at_offsets(dx, offsets, window, consistent=True, implementation=named)


def _extremum_rule(
    x: Array, *, window: Window, kind: str, implementation: str | None, residual: str | None
) -> tuple[Array, Callable[[Array], Array]]:
    if keeps_input(residual, window, jax.default_backend()):
        values = window_extremum(x, window, kind, implementation, residual)
        named = usable(implementation, "gather_at_offsets", window)
        named = usable(named, "window_argextremum", window)
        return values, lambda dx: gather_at_extremum(dx, x, window, kind, named)
    named = usable(implementation, "window_argextremum", window)
    values, offsets = window_argextremum(x, window, kind, named)
    return values, _gather_along(offsets, window, implementation)


def _argextremum_rule(
    x: Array, *, window: Window, kind: str, implementation: str | None
) -> tuple[tuple[Array, Array], tuple[Callable[[Array], Array], None]]:
    values, offsets = window_argextremum(x, window, kind, implementation)
    return (values, offsets), (_gather_along(offsets, window, implementation), None)


differentiate(_extremum_p, _extremum_rule)
differentiate(_argextremum_p, _argextremum_rule)
