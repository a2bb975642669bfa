"""The derivative rules of operators that are linear in one operand, or in each of two."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import jax
from jax import Array, lax
from jax.experimental import jet
from jax.extend.core import Primitive
from jax.interpreters import ad

from jaxpool._operators.primitive.definition import bind


def zero(value: Any) -> Any:
    """The tangent of a constant."""
    return ad.Zero(jax.typeof(value).to_tangent_aval())


def adjoint_pair(forward: Primitive, backward: Primitive) -> None:
    """Makes two primitives, linear in their first operand, each other's transpose.

    Any further operands are constants of both, such as the offsets of a gather and its scatter.
    """
    _linear(forward, backward)
    _linear(backward, forward)


def _linear(primitive: Primitive, adjoint: Primitive) -> None:
    def tangent(dx: Array, x: Array, *constants: Array, **static: Any) -> Array:
        del x
        return bind(primitive, dx, *constants, **static)

    def jvp(primals: Sequence[Array], tangents: Sequence[Any], **static: Any) -> tuple[Array, Any]:
        out = primitive.bind(*primals, **static)
        if isinstance(tangents[0], ad.Zero):
            return out, zero(out)
        return out, tangent(tangents[0], *primals, **static)

    def transpose(cotangent: Any, x: Any, *constants: Array, **static: Any) -> list[Any]:
        if isinstance(cotangent, ad.Zero):
            return [ad.Zero(x.aval.to_tangent_aval()), *[None] * len(constants)]
        back = static | {"dtype": x.aval.dtype.name} if "dtype" in static else static
        return [bind(adjoint, cotangent, *constants, **back), *[None] * len(constants)]

    def taylor(primals: Sequence[Array], series: Sequence[Sequence[Array]], **static: Any) -> tuple[Array, list[Array]]:
        x, *constants = primals
        return bind(primitive, x, *constants, **static), [bind(primitive, t, *constants, **static) for t in series[0]]

    ad.primitive_jvps[primitive] = jvp
    ad.primitive_transposes[primitive] = transpose
    jet.jet_rules[primitive] = taylor


def bilinear_pair(forward: Primitive, backward: Primitive) -> None:
    """Sets the rules of a symmetric product over windows and of its transpose.

    `forward(u, v)` is linear in both and has the shape of outputs, `backward(u, g)` that of inputs, and
    `<g, forward(u, v)> = <v, backward(u, g)> = <u, backward(v, g)>`. Any further operands are constants of both.
    """
    for primitive in (forward, backward):
        ad.primitive_jvps[primitive] = functools.partial(_bilinear_jvp, primitive)
        jet.jet_rules[primitive] = functools.partial(_bilinear_series, primitive)

    def transpose(forwards: bool, cotangent: Any, a: Any, b: Any, *known: Array, **static: Any) -> list[Any]:
        first = ad.is_undefined_primal(a)
        unknown = a if first else b
        if isinstance(cotangent, ad.Zero):
            result: Any = ad.Zero(unknown.aval.to_tangent_aval())
        elif forwards:
            result = bind(backward, b if first else a, cotangent, *known, **static)
        else:
            operands = (backward, cotangent, b) if first else (forward, a, cotangent)
            result = bind(*operands, *known, **static)
        return [result if first else None, None if first else result, *[None] * len(known)]

    ad.primitive_transposes[forward] = functools.partial(transpose, True)
    ad.primitive_transposes[backward] = functools.partial(transpose, False)


def _bilinear_jvp(
    primitive: Primitive, primals: Sequence[Array], tangents: Sequence[Any], **static: Any
) -> tuple[Array, Any]:
    a, b, *known = primals
    out = bind(primitive, a, b, *known, **static)
    da, db = (None if isinstance(t, ad.Zero) else t for t in tangents[:2])
    pairs = [(da, b), (a, db)]
    terms = [bind(primitive, x, y, *known, **static) for x, y in pairs if x is not None and y is not None]
    return out, functools.reduce(lax.add, terms) if terms else zero(out)


def _bilinear_series(
    primitive: Primitive, primals: Sequence[Array], series: Sequence[Sequence[Array]], **static: Any
) -> tuple[Array, list[Array]]:
    a, b, *known = primals
    first, second = [a, *series[0]], [b, *series[1]]

    def coefficient(order: int) -> Array:
        pairs = zip(first[: order + 1], reversed(second[: order + 1]), strict=True)
        return functools.reduce(lax.add, (bind(primitive, x, y, *known, **static) for x, y in pairs))

    out, *terms = map(coefficient, range(len(first)))
    return out, terms
