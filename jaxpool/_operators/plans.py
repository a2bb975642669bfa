"""How the operators of a pool would be computed, without computing them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import jax

from jaxpool._geometry import Window
from jaxpool._lowerings import OPERATORS, PLATFORMS, case_of, choose, keeps_input, scatters_natively
from jaxpool._operators.extremum import usable


def default_platform() -> str:
    """The platform of JAX's default backend."""
    backend = jax.default_backend()
    return {"cuda": "gpu", "rocm": "gpu"}.get(backend, backend if backend in PLATFORMS else "other")


def chosen_plans(
    window: Window,
    shape: Sequence[Any],
    dtype: Any,
    platform: str,
    implementation: str | None = None,
    residual: str | None = None,
) -> dict[str, str]:
    """For each operator of a pool and its derivatives the plan that runs it, without those that cannot run."""
    window = window.normal
    shapes = {"window_spread": window.output_shape(shape), "scatter_at_offsets": window.output_shape(shape)}
    result: dict[str, str] = {}
    for operator in OPERATORS:
        case = case_of(operator, window, shapes.get(operator, shape), dtype)
        # Derivatives that an implementation cannot compute are left to the choice.
        derivative = operator.endswith("_at_offsets") or operator == "window_spread"
        try:
            named = usable(implementation, operator, window) if derivative else implementation
            result[operator] = str(choose(case, platform, named))
        except NotImplementedError:
            continue
    if keeps_input(residual, window, platform):
        names = {f"{name}_at_extremum": result.pop(f"{name}_at_offsets", None) for name in ("scatter", "gather")}
        # Operators that read the inputs follow the named implementation only if it can gather, too.
        if scatters_natively(window, platform, usable(implementation, "gather_at_offsets", window)):
            names["scatter_at_extremum"] = "select_and_scatter"
        result |= {operator: name for operator, name in names.items() if name is not None}
    return result
