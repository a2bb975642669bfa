"""The derivative rules of sums whose weights are exponentials."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array, lax
from jax.experimental import jet
from jax.extend.core import Primitive
from jax.interpreters import ad

from jaxpool._operators.primitive.definition import bind
from jaxpool._operators.primitive.linear import zero


def exponential_pair(
    forward: Primitive, backward: Primitive, *, softmax: Primitive, share: Primitive, difference: Primitive
) -> None:
    """Sets the rules of sums whose weights are exponentials, of their transposes, and of what is made of both.

    `y = forward(x, logits, shift)` and `g = backward(h, logits, shift)` sum with the weights `exp(logits - shift)`,
    over windows and over the windows of each element. The shift is a constant, so that

        dy = forward(dx + x dlogits),    dg = backward(dh) + g dlogits.

    `difference(logits, shift)` is the total of the weights less a constant, `share(logits, shift)` one over the total,
    and `softmax(x, logits, shift)` the mean:

        dd = forward(dlogits),    ds = -s s forward(dlogits),    dy = s (forward(dx + x dlogits) - y forward(dlogits)).

    Where a logit is -inf, `x` does not count and may be anything.
    """
    _exponential(forward, backward, _sent)
    _exponential(backward, forward, None)

    def through_logits(primitive: Primitive, slope_of: Callable[..., Array], terms_of: Callable[..., Any]) -> None:
        def tangent(primals: Sequence[Array], tangents: Sequence[Any], **static: Any) -> tuple[Array, Any]:
            out = bind(primitive, *primals, **static)
            if isinstance(tangents[0], ad.Zero):
                return out, zero(out)
            return out, slope_of(out, bind(forward, tangents[0], *primals, **static))

        def taylor(primals: Sequence[Array], series: Sequence[Sequence[Array]], **static: Any) -> tuple[Array, Any]:
            out = bind(primitive, *primals, **static)
            return out, terms_of(out, _totals(forward, primals[0], series[0], primals[1], static))

        ad.primitive_jvps[primitive] = tangent
        jet.jet_rules[primitive] = taylor

    def softmax_tangent(primals: Sequence[Array], tangents: Sequence[Any], **static: Any) -> tuple[Array, Any]:
        out = bind(softmax, *primals, **static)
        x, logits, shift = primals
        dx, slope = (None if isinstance(t, ad.Zero) else t for t in tangents[:2])
        if dx is None and slope is None:
            return out, zero(out)
        unit = bind(share, logits, shift, **static)
        terms = [] if dx is None else [dx]
        terms += [] if slope is None else [_sent(x, logits, slope)]
        result = unit * bind(forward, functools.reduce(lax.add, terms), logits, shift, **static)
        if slope is not None:
            result = result - out * (unit * bind(forward, slope, logits, shift, **static))
        return out, result

    def softmax_taylor(primals: Sequence[Array], series: Sequence[Sequence[Array]], **static: Any) -> tuple[Array, Any]:
        x, logits, shift = primals
        _, *sums = _along_curve(forward, _sent, [x, *series[0]], [logits, *series[1]], shift, static)
        totals = _totals(forward, logits, series[1], shift, static)
        return _quotient(bind(softmax, *primals, **static), bind(share, logits, shift, **static), sums, totals)

    through_logits(difference, lambda _, slope: slope, lambda _, totals: totals)
    through_logits(
        share,
        lambda out, slope: -out * (out * slope),
        lambda out, totals: _quotient(out, out, [jnp.zeros_like(out)] * len(totals), totals)[1],
    )
    ad.primitive_jvps[softmax] = softmax_tangent
    jet.jet_rules[softmax] = softmax_taylor


def _totals(
    forward: Primitive, logits: Array, terms: Sequence[Array], shift: Array, static: dict[str, Any]
) -> list[Array]:
    """Taylor coefficients of the total of the weights, from the first on."""
    slopes = [(k + 1) * term for k, term in enumerate(terms)]
    totals = _along_curve(forward, _sent, slopes, [logits, *terms[:-1]], shift, static)
    return [term / (k + 1) for k, term in enumerate(totals)]


def _quotient(first: Array, unit: Array, sums: Sequence[Array], totals: Sequence[Array]) -> tuple[Array, list[Array]]:
    """Taylor coefficients of sums over totals, from the first on; `unit` is one over the total."""
    out = [first]
    for term in sums:
        known = (total * earlier for total, earlier in zip(totals, reversed(out), strict=False))
        out.append(unit * functools.reduce(lax.sub, known, term))
    return first, out[1:]


def _sent(x: Array, logits: Array, slope: Array) -> Array:
    return jnp.where(logits == -jnp.inf, 0, x) * slope


def _product(a: Sequence[Array], b: Sequence[Array], order: int) -> Array:
    """A Taylor coefficient of `a` times the derivative of `b`, from those of both."""
    terms = [(order - i + 1) * a[i] * b[order - i + 1] for i in range(order + 1)]
    return functools.reduce(lax.add, terms)


def _exponential(primitive: Primitive, adjoint: Primitive, sent: Callable[..., Array] | None) -> None:
    """The rules of one of the pair; `sent` says what a slope of the logits adds to the first operand's tangent.

    Without it the slope multiplies the result.
    """

    def tangent(primals: Sequence[Array], tangents: Sequence[Any], **static: Any) -> tuple[Array, Any]:
        out = bind(primitive, *primals, **static)
        x, logits, _ = primals
        dx, slope = (None if isinstance(t, ad.Zero) else t for t in tangents[:2])
        if sent is not None and slope is not None:
            term = sent(x, logits, slope)
            dx = term if dx is None else dx + term
        result = None if dx is None else bind(primitive, dx, *primals[1:], **static)
        if sent is None and slope is not None:
            result = out * slope if result is None else result + out * slope
        return out, zero(out) if result is None else result

    def transpose(cotangent: Any, x: Any, *known: Array, **static: Any) -> list[Any]:
        if isinstance(cotangent, ad.Zero):
            return [ad.Zero(x.aval.to_tangent_aval()), None, None]
        return [bind(adjoint, cotangent, *known, **static), None, None]

    def taylor(primals: Sequence[Array], series: Sequence[Sequence[Array]], **static: Any) -> tuple[Array, list[Array]]:
        x, logits, shift = primals
        out, *terms = _along_curve(primitive, sent, [x, *series[0]], [logits, *series[1]], shift, static)
        return out, terms

    ad.primitive_jvps[primitive] = tangent
    ad.primitive_transposes[primitive] = transpose
    jet.jet_rules[primitive] = taylor


def _along_curve(
    primitive: Primitive,
    sent: Callable[..., Array] | None,
    first: Sequence[Array],
    logits: Sequence[Array],
    shift: Array,
    static: Any,
) -> list[Array]:
    """Taylor coefficients of the result, from those of the operands: the rule of the tangent, applied to itself."""
    if sent is not None:
        first = [jnp.where(logits[0] == -jnp.inf, 0, term) for term in first]
    out = [bind(primitive, first[0], logits[0], shift, **static)]
    if len(first) == 1:
        return out
    slopes = [(k + 1) * term for k, term in enumerate(first[1:])]
    if sent is not None:
        slopes = [slope + _product(first, logits, k) for k, slope in enumerate(slopes)]
    for k, term in enumerate(_along_curve(primitive, sent, slopes, logits[:-1], shift, static)):
        out.append((term if sent is not None else term + _product(out, logits, k)) / (k + 1))
    return out
