"""Stage 3 of 3: how an operator is computed. A platform's file chooses a plan, and the files of algorithms run it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp

from jaxpool._geometry import Window
from jaxpool._geometry.values import ArgumentError, refuse
from jaxpool._lowerings import (
    backward,
    bins,
    chain,
    cpu,
    forward,
    gpu,
    keys,
    moments,
    native,
    order,
    places,
    ranks,
    segments,
    tpu,
    weighted,
)
from jaxpool._lowerings.bins import bin_mask, starts_and_counts
from jaxpool._lowerings.forward import beats, extreme, window_starts
from jaxpool._lowerings.plan import JOINT, NAMED, NATIVE, OPERATORS, PLANE, Case, Plan, by_size, case_of, refuses

__all__ = [
    "IMPLEMENTATIONS",
    "NAMED",
    "OPERATORS",
    "PLATFORMS",
    "Plan",
    "beats",
    "bin_mask",
    "case_of",
    "check_runs",
    "choose",
    "compute",
    "extreme",
    "keeps_input",
    "refuses",
    "runs",
    "scatters_natively",
    "starts_and_counts",
    "window_starts",
]

PLATFORMS = ("cpu", "gpu", "tpu", "other")
_SUITS = {"cpu": cpu, "gpu": gpu, "tpu": tpu}
IMPLEMENTATIONS = tuple(NAMED)
Implementation = str | Plan | None

_AXES = (chain.window_sum, chain.window_spread, chain.window_extremum, chain.window_argextremum,
         chain.gather_at_offsets, chain.scatter_at_offsets)  # fmt: skip
_JOINT = (forward.window_sum, backward.window_spread, forward.window_extremum, forward.window_argextremum,
          forward.gather_at_offsets, backward.scatter_at_offsets)  # fmt: skip
_NATIVE = (native.window_sum, native.window_spread, native.window_extremum, native.window_argextremum)
_PLANE = (native.plane_sum, native.plane_spread, native.plane_extremum, native.plane_argextremum,
          native.plane_gather, native.plane_scatter)  # fmt: skip
_FUNCTIONS: dict[str, dict[str, Callable[..., Any]]] = {
    "axes": dict(zip(OPERATORS, _AXES, strict=True)),
    "joint": dict(zip(OPERATORS, _JOINT, strict=True)),
    "native": dict(zip(OPERATORS, _NATIVE, strict=False)),
    "plane": dict(zip(OPERATORS, _PLANE, strict=True)),
}
# Operators with one algorithm for every platform.
_ALWAYS: dict[str, Callable[..., Any]] = {
    "lay_out_bins": bins.lay_out_bins,
    "collect_bins": bins.collect_bins,
    "sum_bins": bins.sum_bins,
    "spread_bins": bins.spread_bins,
    "gather_at_places": places.gather_at_places,
    "scatter_at_places": places.scatter_at_places,
    "last_at_places": places.last_at_places,
    "first_maximum": places.first_maximum,
    "window_products": moments.window_products,
    "window_products_spread": moments.window_products_spread,
    "sum_between": places.sum_between,
    "spread_between": places.spread_between,
    "first_in_regions": places.first_in_regions,
    "segment_sum": segments.segment_sum,
    "segment_spread": segments.segment_spread,
    "segment_extremum": segments.segment_extremum,
    "gather_in_segments": segments.gather_in_segments,
    "scatter_in_segments": segments.scatter_in_segments,
    "window_exp_share": weighted.window_exp_share,
    "window_expm1_sum": weighted.window_expm1_sum,
    "window_softmax": weighted.window_softmax,
    "window_weighted_sum": weighted.window_weighted_sum,
    "window_weighted_spread": weighted.window_weighted_spread,
    "window_order": order.window_order,
    "window_argorder": order.window_argorder,
    "plane_order": order.plane_order,
    "up_to_place": order.up_to_place,
}


def runs(implementation: Implementation, operator: str, window: Window) -> bool:
    """Whether the implementation that was asked for, if any, can run an operator on this window."""
    return implementation is None or _refusal(implementation, Case(operator, window, 0, 0)) is None


def _plan(implementation: str | Plan) -> Plan:
    return NAMED[implementation] if isinstance(implementation, str) else implementation


def _refusal(implementation: str | Plan, case: Case) -> str | None:
    return refuses(_plan(implementation), case)


def check_runs(operator: str, window: Window, implementation: Implementation, consistent: bool = True):
    """Raises NotImplementedError if an implementation that was asked for cannot run this window."""
    case = Case(operator, window, 0, 0, False, consistent)
    if implementation is None or (reason := _refusal(implementation, case)) is None:
        return
    names = [name for name in IMPLEMENTATIONS if _refusal(name, case) is None]
    others = f", or one of {', '.join(names)}" if names else ""
    fact = f"a window of {tuple(part.taps for part in window.parts)}: {reason}"
    rule, remedy = "be able to run the window", f"Pass implementation=None{others}."
    refuse(NotImplementedError, "implementation", rule, repr(implementation), remedy, fact)


def choose(case: Case, platform: str, implementation: Implementation) -> Plan:
    """The plan that runs a case on a platform.

    Raises:
      NotImplementedError: the implementation that was asked for cannot run this window.
    """
    suits = _SUITS.get(platform)
    if implementation is not None:
        try:
            check_runs(case.operator, case.window, implementation, case.consistent)
        except ArgumentError as refusal:
            raise refusal.named(case.operator) from None
        if isinstance(implementation, Plan):
            return implementation
        plan = NAMED[implementation]
        adapted = plan if suits is None or plan == NATIVE else suits.adapt(plan, case)
        return adapted if refuses(adapted, case) is None else plan
    if case.window.symbolic:
        return _for_symbols(case)
    plan = _chosen(case, suits)
    # What can always run if the chosen plan cannot: the chain is as long as the logarithm of the window.
    for candidate in (plan, JOINT, NAMED["chain"], NATIVE):
        if refuses(candidate, case) is None:
            return candidate
    raise NotImplementedError(
        f"{case.operator}: window_shape must be small enough for one of the implementations; got a window of "
        f"{tuple(part.taps for part in case.window.parts)} with {case.window.taps} taps. "
        f"Pool in two steps, or use a global pool."
    )


def _chosen(case: Case, suits: Any) -> Plan:
    if suits is not None:
        return suits.choose(case)
    if case.window.whole:
        return PLANE
    return NATIVE if case.operator in ("window_sum", "window_extremum", "window_spread") else by_size(case)


def _for_symbols(case: Case) -> Plan:
    """What does not look at the numbers of windows with the same borders."""
    plans = (PLANE, NATIVE, Plan("joint", borders="pad", back="dilate"))
    return next(plan for plan in plans if refuses(plan, case) is None)


def keeps_input(residual: str | None, window: Window, platform: str) -> bool:
    """Whether derivatives of an extremum keep the inputs on a platform; else they keep offsets."""
    return residual == "input" if residual is not None else platform == "tpu" and tpu.keeps_input(window)


def scatters_natively(window: Window, platform: str, implementation: Implementation) -> bool:
    """Whether the gradient of an extremum from its inputs is XLA's own scatter."""
    if implementation is None:
        return platform == "tpu" and tpu.scatters_natively(window)
    return _plan(implementation) == NATIVE and native.cannot_scatter(window) is None


def _at_extremum(operator: str, platform: str, x: Any, y: Any, implementation: Implementation, **static: Any) -> Any:
    """A gather or scatter at the first extremum of `y`, from the inputs and not from offsets."""
    if operator == "scatter_at_extremum" and scatters_natively(static["window"], platform, implementation):
        return native.scatter_at_extremum(x, y, **static)
    _, offsets = compute("window_argextremum", platform, y, implementation=implementation, **static)
    name = operator.replace("extremum", "offsets")
    implementation = implementation if runs(implementation, name, static["window"]) else None
    return compute(name, platform, x, offsets, window=static["window"], implementation=implementation, consistent=True)


def _ranked_places(platform: str, *arrays: Any, **static: Any) -> Any:
    """Places by rank, counted where that suits the platform, else of the sorted plane."""
    suits = _SUITS.get(platform)
    counts = suits is not None and suits.COUNTS_RANKS
    return (ranks if counts else order).ranked_places(*arrays, **static)


def compute(
    operator: str, platform: str, *arrays: Any, window: Any, implementation: Implementation, **parameters: Any
) -> Any:
    """The operator's result on a platform, by the plan of choice."""
    if operator in _ALWAYS:
        return _ALWAYS[operator](*arrays, window=window, **parameters)
    if operator == "ranked_places":
        return _ranked_places(platform, *arrays, window=window, **parameters)
    if operator in ("gather_at_extremum", "scatter_at_extremum"):
        return _at_extremum(operator, platform, *arrays, window=window, implementation=implementation, **parameters)
    consistent = parameters.pop("consistent", True)
    case = case_of(operator, window, arrays[0].shape, arrays[0].dtype, consistent)
    plan = choose(case, platform, implementation)
    run = _run(plan, operator, window)
    if operator in ("window_sum", "window_spread"):
        return _summed(run, platform, case, plan, *arrays, **parameters)
    return _on_cpu(run, case, plan, *arrays, **parameters) if platform == "cpu" else run(*arrays, **parameters)


def _run(plan: Plan, operator: str, window: Window) -> Callable[..., Any]:
    function = _FUNCTIONS[plan.order][operator]
    if plan.order not in ("axes", "joint"):
        return functools.partial(function, window=window)
    if plan.order == "axes" or not plan.merge:
        return functools.partial(function, window=window, plan=plan)

    def merged(*arrays: Any, **parameters: Any) -> Any:
        def run(arrays: Any, window: Window) -> Any:
            results = function(*arrays, window=window, plan=plan, **parameters)
            return results if isinstance(results, tuple) else (results,)

        results = forward.on_merged_axes(run, arrays, window)
        return results if operator == "window_argextremum" else results[0]

    return merged


def _summed(run: Callable[..., Any], platform: str, case: Case, plan: Plan, x: Any, dtype: str) -> Any:
    """A sum in the wider of two dtypes, on a CPU in f32 at least, for which it has vector instructions."""
    wide = max(x.dtype, jnp.dtype(dtype), key=lambda d: d.itemsize)
    if platform == "cpu":
        x = cpu.inputs(case, plan, x)
        narrow = jnp.issubdtype(wide, jnp.floating) and jnp.finfo(wide).bits < 32
        wide = jnp.float32 if narrow else wide
    return run(x.astype(wide)).astype(dtype)


def _on_cpu(run: Callable[..., Any], case: Case, plan: Plan, *arrays: Any, **parameters: Any) -> Any:
    """The result with what XLA:CPU has to be kept from, and narrow floats as integers."""
    x, *offsets = arrays
    if plan.order == "native":
        return run(*arrays, **parameters)
    if case.operator == "scatter_at_offsets" and case.consistent and case.window.non_overlapping:
        offsets = [cpu.computed_once(offsets[0], case.window)]
    x = cpu.inputs(case, plan, x)
    if case.operator == "window_argextremum" and cpu.finds_values_apart(case, plan):
        values, both = _run(plan, "window_extremum", case.window), run
        run = lambda x, **p: (values(x, **p), both(x, **p)[1])  # noqa: E731
    if case.narrow or cpu.loses_nan(case, plan, x.dtype):
        return keys.run(case, run, x, *offsets, **parameters)
    return run(x, *offsets, **parameters)
