"""Positions in the plane that depend on the data; integers, without derivative."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._operators.linear import gather_at_places
from jaxpool._operators.primitive import bind, differentiate, identity, operator, without_derivative


def _mask(places: Any, *, window: Window, **static: Any) -> Any:
    del window, static
    return places.update(dtype=jnp.dtype(jnp.bool_), weak_type=False)


def _places(x: Any, *bounds: Any, window: Window, **static: Any) -> Any:
    del static
    return x.update(shape=window.output_shape(x.shape), dtype=bounds[0].dtype, weak_type=False)


_last_p = operator("last_at_places", _mask)
_first_p = operator("first_maximum", _places)
without_derivative(_last_p)
without_derivative(_first_p)


_integers_p = identity("integers_without_series")
without_derivative(_integers_p)


def without_series(places: Array) -> Array:
    """The same integers as constants: Taylor mode has no rules for the arithmetic of integers that carry terms."""
    return bind(_integers_p, places)


def last_at_places(places: Array, window: Window) -> Array:
    """Whether an output is the last, in row-major order, of those with the same place."""
    return bind(_last_p, places, window=window, implementation=None)


def first_maximum(x: Array, bounds: list[Array], window: Window) -> Array:
    """The place of the first maximum between a start and a stop per axis, as `_lowerings.places` has them."""
    return bind(_first_p, lax.stop_gradient(x), *bounds, window=window, implementation=None)


def _value_and_place(x: Any, *bounds: Any, window: Window, **static: Any) -> tuple[Any, Any]:
    place = _places(x, *bounds, window=window, **static)
    return place.update(dtype=x.dtype), place


_region_p = operator("first_in_regions", _value_and_place, multiple_results=True)


def _slope(
    x: Array, *bounds: Array, window: Window, **static: Any
) -> tuple[list[Array], list[Callable[[Array], Array] | None]]:
    values, places = bind(_region_p, x, *bounds, window=window, **static)
    return [values, places], [lambda dx: gather_at_places(dx, places, window), None]


differentiate(_region_p, _slope)


def first_in_regions(x: Array, bounds: list[Array], window: Window) -> Array:
    """The largest element of every region, as `_lowerings.places` has them; its tangent is that of the first."""
    return bind(_region_p, x, *bounds, window=window, implementation=None)[0]
