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
                return out, _zero(out)
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
            return out, _zero(out)
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
        return out, _zero(out) if result is None else result

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
