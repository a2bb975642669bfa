"""The only file that knows about JAX primitives: it makes one from an operator's shapes, adjoint and computation.

A pair of linear operators, each the other's transpose, gives forward and reverse mode to any order; `jax.custom_vjp`
would lose forward mode, and plain autodiff of the lowerings would keep larger residuals.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.core import ShapedArray
from jax.experimental import jet
from jax.extend.core import Primitive
from jax.interpreters import ad, batching, mlir, xla
from jax.sharding import AxisType

from jaxpool._geometry import Window
from jaxpool._lowerings import compute

# JAX's platform names; an unknown backend gets the rule registered without a platform.
_PLATFORMS = {"cpu": "cpu", "cuda": "gpu", "rocm": "gpu", "tpu": "tpu"}

# The place of the logits among the operands of an exponential pair.
_LOGITS = 1

AbstractResult = Callable[..., Any]


def operator(
    name: str,
    result: AbstractResult,
    *,
    only_for_rules: Sequence[str] = (),
    multiple_results: bool = False,
) -> Primitive:
    """A primitive that `_lowerings` computes, with eager evaluation, compilation and batching.

    Args:
      name: the operator's name there.
      result: `(*avals, window, **parameters)` to the abstract result or results.
      only_for_rules: the names of static parameters that the derivative rules read and `_lowerings` does not.
      multiple_results: whether `result` is a sequence.
    """

    def computed(platform: str, *arrays: Any, **static: Any) -> Any:
        return compute(name, platform, *arrays, **{k: v for k, v in static.items() if k not in only_for_rules})

    primitive = Primitive(name)
    primitive.multiple_results = multiple_results
    primitive.def_abstract_eval(result)
    primitive.def_impl(functools.partial(xla.apply_primitive, primitive))
    mlir.register_lowering(primitive, _lowering(functools.partial(computed, "other"), multiple_results))
    for platform, kind in _PLATFORMS.items():
        mlir.register_lowering(
            primitive, _lowering(functools.partial(computed, kind), multiple_results), platform=platform
        )
    batching.primitive_batchers[primitive] = functools.partial(_batch, primitive)
    return primitive


def identity(name: str) -> Primitive:
    """A primitive that does nothing, for rules of its own."""
    primitive = Primitive(name)
    primitive.def_impl(lambda x: x)
    primitive.def_abstract_eval(lambda x: x)
    mlir.register_lowering(primitive, lambda _, x: [x])
    batching.defvectorized(primitive)
    return primitive


def _lowering(computed: Callable[..., Any], multiple_results: bool) -> Callable[..., Any]:
    rule = mlir.lower_fun(computed, multiple_results=multiple_results)

    def lower(context: mlir.LoweringRuleContext, *values: Any, **static: Any) -> Any:
        # Inside, shapes and dtypes are all that matters: explicit shardings and varying axes are settled by the
        # abstract result, and what is inside is left to the partitioner.
        avals: Sequence[Any] = context.avals_in
        with _automatic_axes():
            plain = [ShapedArray(aval.shape, aval.dtype) for aval in avals]
            return rule(context.replace(avals_in=plain), *values, **static)

    return lower


def _automatic_axes() -> contextlib.AbstractContextManager[Any]:
    """Within it no mesh axis is explicit: there, arrays without a sharding would be gathered on every device."""
    mesh = jax.sharding.get_abstract_mesh()
    types = zip(mesh.axis_names, mesh.axis_types, strict=True)
    automatic = {name: AxisType.Auto for name, kind in types if kind == AxisType.Explicit}
    return jax.sharding.use_abstract_mesh(mesh.update_axis_types(automatic)) if automatic else contextlib.nullcontext()


def _batch(
    primitive: Primitive, arrays: Sequence[Array], dims: Sequence[int | None], *, window: Window, **static: Any
) -> Any:
    # The batch axis stays where the first operand has it: no data moves, the window's axes do.
    axis, size = next((dim, array.shape[dim]) for array, dim in zip(arrays, dims, strict=True) if dim is not None)

    def aligned(array: Array, dim: int | None) -> Array:
        if dim is None:
            shape = (*array.shape[:axis], size, *array.shape[axis:])
            return jnp.broadcast_to(jnp.expand_dims(array, axis), shape)
        return array if dim == axis else jnp.moveaxis(array, dim, axis)

    operands = [aligned(array, dim) for array, dim in zip(arrays, dims, strict=True)]
    result = primitive.bind(*operands, window=window.with_batch_axis(axis), **static)
    return (result, [axis] * len(result)) if primitive.multiple_results else (result, axis)


def bind(primitive: Primitive, *arrays: Array, **static: Any) -> Any:
    """Applies a primitive to arrays that inside `jax.shard_map` may vary over different mesh axes."""
    varying = [getattr(jax.typeof(array), "vma", frozenset()) for array in arrays]
    everywhere = frozenset().union(*varying)
    operands = [
        lax.pcast(array, tuple(everywhere - axes), to="varying") if everywhere - axes else array
        for array, axes in zip(arrays, varying, strict=True)
    ]
    return primitive.bind(*operands, **static)


def _zero(value: Any) -> Any:
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
            return out, _zero(out)
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
    return out, functools.reduce(lax.add, terms) if terms else _zero(out)


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


def exponential_pair(forward: Primitive, backward: Primitive, logarithms: Sequence[Primitive]) -> None:
    """Sets the rules of sums whose weights are exponentials, of their transposes, and of the logarithms of totals.

    `y = forward(x, logits, t, shift)` and `g = backward(h, logits, t, shift)` sum with the weights
    `exp(logits - shift - t)`, over windows and over the windows of each element. The shift is a constant, so that

        dy = forward(dx + x dlogits) - y dt,    dg = backward(dh - h dt) + g dlogits.

    Where a logit is -inf, `x` does not count and may be anything.

    A logarithm of the weights' total, less a constant that is its third operand, `r = logarithm(logits, shift, known)`,
    has `dr = forward(dlogits, logits, r + known, shift)`.
    """
    _exponential(forward, backward, (1, 2), (1, -1))
    _exponential(backward, forward, (2, 1), (-1, 1))
    for logarithm in logarithms:
        _logarithm(logarithm, forward)


def _logarithm(primitive: Primitive, forward: Primitive) -> None:
    def total(out: Array, known: Sequence[Array]) -> Array:
        return functools.reduce(lax.add, known, out)

    def tangent(primals: Sequence[Array], tangents: Sequence[Any], **static: Any) -> tuple[Array, Any]:
        out, (logits, shift, *known) = bind(primitive, *primals, **static), primals
        if isinstance(tangents[0], ad.Zero):
            return out, _zero(out)
        return out, bind(forward, tangents[0], logits, total(out, known), shift, **static)

    def taylor(primals: Sequence[Array], series: Sequence[Sequence[Array]], **static: Any) -> tuple[Array, list[Array]]:
        (first, shift, *known), out = primals, [bind(primitive, *primals, **static)]
        logits = [first, *series[0]]
        for order in range(len(series[0])):
            slopes = [(k + 1) * logits[k + 1] for k in range(order + 1)]
            curves = (slopes, logits[: order + 1], [total(out[0], known), *out[1:]])
            out.append(_along_curve(forward, curves, shift, (1, 2), (1, -1), static)[order] / (order + 1))
        return out[0], out[1:]

    ad.primitive_jvps[primitive] = tangent
    jet.jet_rules[primitive] = taylor


def _exponential(primitive: Primitive, adjoint: Primitive, operands: tuple[int, int], signs: tuple[int, int]) -> None:
    """The rules of one of the pair.

    Args:
      primitive: the primitive.
      adjoint: its transpose.
      operands: the exponent's place that has the shape of the first operand, and the one that has that of the result.
      signs: of these in the exponent.
    """
    inner, outer = operands

    def counted(first: Array, logits: Array) -> Array:
        return jnp.where(logits == -jnp.inf, 0, first) if inner == _LOGITS else first

    def tangent(primals: Sequence[Array], tangents: Sequence[Any], **static: Any) -> tuple[Array, Any]:
        out = bind(primitive, *primals, **static)
        known = [None if isinstance(t, ad.Zero) else t for t in tangents]
        sent = known[0]
        if (slope := known[inner]) is not None:
            first = counted(primals[0], primals[_LOGITS])
            term = first * slope if signs[0] > 0 else -first * slope
            sent = term if sent is None else sent + term
        result = None if sent is None else bind(primitive, sent, *primals[1:], **static)
        if (slope := known[outer]) is not None:
            term = out * slope if signs[1] > 0 else -out * slope
            result = term if result is None else result + term
        return out, _zero(out) if result is None else result

    def transpose(cotangent: Any, x: Any, *exponents: Array, **static: Any) -> list[Any]:
        if isinstance(cotangent, ad.Zero):
            return [ad.Zero(x.aval.to_tangent_aval()), None, None, None]
        return [bind(adjoint, cotangent, *exponents, **static), None, None, None]

    def taylor(primals: Sequence[Array], series: Sequence[Sequence[Array]], **static: Any) -> tuple[Array, list[Array]]:
        *changing, shift = primals
        known = [[primal, *terms] for primal, terms in zip(changing, series, strict=False)]
        known[0] = [counted(term, changing[_LOGITS]) for term in known[0]]
        out = _along_curve(primitive, known, shift, operands, signs, static)
        return out[0], out[1:]

    ad.primitive_jvps[primitive] = tangent
    ad.primitive_transposes[primitive] = transpose
    jet.jet_rules[primitive] = taylor


def _along_curve(
    primitive: Primitive,
    series: Sequence[Sequence[Array]],
    shift: Array,
    operands: tuple[int, int],
    signs: tuple[int, int],
    static: Any,
) -> list[Array]:
    """Taylor coefficients of the result, from those of the operands: the rule of the tangent, applied to itself."""
    first, (inner, outer) = series[0], operands
    out = [bind(primitive, *(terms[0] for terms in series), shift, **static)]
    if len(first) == 1:
        return out

    def products(a: Sequence[Array], b: Sequence[Array], order: int, sign: int) -> Array:
        # The coefficients of `a` times the derivative of `b`.
        terms = [sign * (order - i + 1) * a[i] * b[order - i + 1] for i in range(order + 1)]
        return functools.reduce(lax.add, terms)

    sent = [(k + 1) * first[k + 1] + products(first, series[inner], k, signs[0]) for k in range(len(first) - 1)]
    shorter = [sent, *(terms[:-1] for terms in series[1:])]
    for k, term in enumerate(_along_curve(primitive, shorter, shift, operands, signs, static)):
        out.append((term + products(out, series[outer], k, signs[1])) / (k + 1))
    return out


def differentiate(primitive: Primitive, rule: Callable[..., tuple[Any, Any]]) -> None:
    """Sets the rule `(x, *constants, **static)` to the values and the linear function that tangents are sent through.

    A result without derivative has None in place of that function. A rule may compute the values differently from the
    primitive, since here both are wanted. The function is the same for every order, so Taylor terms go through it, too.
    """

    def along(value: Any, slope: Callable[[Array], Array] | None, dx: Array) -> Any:
        return _zero(value) if slope is None else slope(dx)

    def jvp(primals: Sequence[Array], tangents: Sequence[Any], **static: Any) -> tuple[Any, Any]:
        if isinstance(tangents[0], ad.Zero):
            out = primitive.bind(*primals, **static)
            return out, jax.tree.map(_zero, out)
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
