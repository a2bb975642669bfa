"""One function for every rank: `max_pool1d`, `max_pool2d` and `max_pool3d` from one implementation."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from jax import Array

from jaxpool._geometry.calls import explained

P = ParamSpec("P")
R = TypeVar("R")

_LAYOUTS = {1: "(N, C, L)", 2: "(N, C, H, W)", 3: "(N, C, D, H, W)"}


def on_ranks(implementation: Callable[Concatenate[int, P], R]) -> Callable[[int], Callable[P, R]]:
    """What makes the function of a rank out of an implementation that takes the rank first.

    The functions are named after the implementation and take over its docstring, which may hold `{rank}`, `{layout}`
    for the axes of the inputs, and `{four}` and `{two}` for a plane of 4 and of 2 elements along each axis.
    """
    documentation, implementation.__doc__ = implementation.__doc__ or "", None

    def of_rank(rank: int) -> Callable[P, R]:
        def function(*args: P.args, **kwargs: P.kwargs) -> R:
            return implementation(rank, *args, **kwargs)

        return _public(function, implementation, rank, documentation)

    return of_rank


def with_indices(
    implementation: Callable[Concatenate[int, P], Any],
) -> Callable[[int], Callable[P, tuple[Array, Array]]]:
    """The same for functions that return indices, whatever is given for `return_indices`."""
    place = list(inspect.signature(implementation).parameters).index("return_indices") - 1
    any_arguments: Callable[..., Any] = implementation

    def of_rank(rank: int) -> Callable[P, tuple[Array, Array]]:
        def function(*args: P.args, **kwargs: P.kwargs) -> tuple[Array, Array]:
            values, options = list(args), dict(kwargs)
            if len(values) > place:
                values[place] = True
            else:
                options["return_indices"] = True
            return any_arguments(rank, *values, **options)

        name = f"{implementation.__name__[1:]}{rank}d"
        documentation = f"`{name}` with `return_indices=True`, whatever is given for it."
        return _public(function, implementation, rank, documentation, "_with_indices")

    return of_rank


def _public(
    function: Callable[P, R], source: Callable[..., Any], rank: int, documentation: str, suffix: str = ""
) -> Callable[P, R]:
    """A function with the name, the signature and the documentation that its source has for a rank."""
    name = f"{source.__name__[1:]}{rank}d{suffix}"
    layout, plane = _LAYOUTS[rank], ", ".join("{0}" for _ in range(rank))
    words = {"layout": f"`{layout}` or `{layout.replace('N, ', '')}`", "four": plane.format(4), "two": plane.format(2)}
    signature = inspect.signature(source)
    _, *parameters = signature.parameters.values()
    made: Any = functools.update_wrapper(function, source)
    made.__name__ = made.__qualname__ = name
    made.__doc__ = documentation.format(rank=rank, **words)
    made.__signature__ = signature.replace(parameters=parameters)
    made.__annotations__ = {name: kind for name, kind in source.__annotations__.items() if name != "rank"}
    return explained(made)
