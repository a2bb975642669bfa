"""The derivative rules of operators whose tangent goes through a linear operator, or that have none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax
from jax import Array
from jax.experimental import jet
from jax.extend.core import Primitive
from jax.interpreters import ad

from jaxpool._operators.primitive.definition import bind
from jaxpool._operators.primitive.linear import zero


def differentiate(primitive: Primitive, rule: Callable[..., tuple[Any, Any]]) -> None:
    """Sets the rule `(x, *constants, **static)` to the values and the linear function that tangents are sent through.

    A result without derivative has None in place of that function. A rule may compute the values differently from the
    primitive, since here both are wanted. The function is the same for every order, so Taylor terms go through it, too.
    """

    def along(value: Any, slope: Callable[[Array], Array] | None, dx: Array) -> Any:
        return zero(value) if slope is None else slope(dx)

    def jvp(primals: Sequence[Array], tangents: Sequence[Any], **static: Any) -> tuple[Any, Any]:
        if isinstance(tangents[0], ad.Zero):
            out = primitive.bind(*primals, **static)
            return out, jax.tree.map(zero, out)
        values, slopes = rule(*primals, **static)
        if primitive.multiple_results:
            return values, [along(value, slope, tangents[0]) for value, slope in zip(values, slopes, strict=True)]
        return values, along(values, slopes, tangents[0])

    def taylor(primals: Sequence[Array], series: Sequence[Sequence[Array]], **static: Any) -> tuple[Any, Any]:
        values, slopes = rule(*primals, **static)

        def terms(slope: Callable[[Array], Array] | None) -> Any:
            return jet.zero_series if slope is None else [slope(term) for term in series[0]]

        return values, [terms(slope) for slope in slopes] if primitive.multiple_results else terms(slopes)

    ad.primitive_jvps[primitive] = jvp
    jet.jet_rules[primitive] = taylor


def without_derivative(primitive: Primitive) -> None:
    """Declares that the results of a primitive are constants for every Taylor term."""

    def taylor(primals: Sequence[Array], series: Any, **static: Any) -> tuple[Any, Any]:
        del series
        return bind(primitive, *primals, **static), jet.zero_series

    jet.jet_rules[primitive] = taylor
