"""Elements by their rank in the window, with their derivative, and the order of a whole plane.

Once a derivative is asked for, values and offsets are found together. The tangent of each result is the linear gather
at its offsets, as for maxima, so the offsets are all that reverse mode keeps.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import Window
from jaxpool._operators.linear import gather_at_offsets
from jaxpool._operators.primitive import bind, differentiate, operator, without_derivative

# For each result, pairs of a count and a rank: the rank of windows with at least so many valid elements.
Requests = tuple[tuple[tuple[int, int], ...], ...]


def _values(x: Any, *known: Any, window: Window, requests: Requests, **static: Any) -> list[Any]:
    del known, static
    return [x.update(shape=window.output_shape(x.shape), weak_type=False)] * len(requests)


def _values_and_offsets(x: Any, *known: Any, window: Window, **static: Any) -> list[Any]:
    values = _values(x, *known, window=window, **static)
    return values + [value.update(dtype=jnp.dtype(window.offset_dtype)) for value in values]


def _order(x: Any, *known: Any, window: Window, dtype: str, **static: Any) -> Any:
    del known, static
    return x.update(shape=window.output_shape(x.shape), dtype=jnp.dtype(dtype), weak_type=False)


def _chosen(x: Any, *others: Any, **static: Any) -> Any:
    del others, static
    return x.update(dtype=jnp.dtype(jnp.bool_), weak_type=False)


_order_p = operator("window_order", _values, multiple_results=True)
_argorder_p = operator("window_argorder", _values_and_offsets, multiple_results=True)
_plane_p = operator("plane_order", _order)
_ranked_p = operator("ranked_places", _order)
_up_to_p = operator("up_to_place", _chosen)
for _primitive in (_plane_p, _ranked_p, _up_to_p):
    without_derivative(_primitive)


def window_order(
    x: Array, known: Sequence[Array], window: Window, requests: Requests, *, descending: bool
) -> list[Array]:
    """For each request the element at a rank of every window; NaN where the window holds one.

    Args:
      x: the inputs. What a mask leaves out is the value that sorts last.
      known: nothing if all elements of all windows count; else which elements do, of the inputs' size along the
        window's axes, and how many each window has, of the outputs' size there. Along other axes both may have the size
        1.
      window: the window.
      requests: for each result the rank from a number of valid elements on, for ascending numbers. The gradient goes to
        the first element that has the value; where earlier requests have the same value, to the next.
      descending: whether rank 0 is the largest element.
    """
    return bind(_order_p, x, *known, window=window, implementation=None, requests=requests, descending=descending)


def _gather(offsets: Array, window: Window) -> Callable[[Array], Array]:
    return lambda dx: gather_at_offsets(dx, offsets, window, consistent=False)


def _argorder(x: Array, *known: Array, window: Window, **static: Any) -> tuple[list[Array], list[Array]]:
    found = bind(_argorder_p, x, *known, window=window, **static)
    return found[: len(found) // 2], found[len(found) // 2 :]


def _order_rule(x: Array, *known: Array, window: Window, **static: Any) -> tuple[list[Array], list[Any]]:
    values, offsets = _argorder(x, *known, window=window, **static)
    return values, [_gather(own, window) for own in offsets]


def _argorder_rule(x: Array, *known: Array, window: Window, **static: Any) -> tuple[list[Array], list[Any]]:
    values, offsets = _argorder(x, *known, window=window, **static)
    return [*values, *offsets], [*(_gather(own, window) for own in offsets), *[None] * len(offsets)]


differentiate(_order_p, _order_rule)
differentiate(_argorder_p, _argorder_rule)


def place_order(x: Array, mask: Array | None, window: Window, dtype: str, *, descending: bool) -> Array:
    """The row-major places of the elements of a plane in order, along its first axis; the other axes have size 1.

    NaN come first, what the mask leaves out comes last, and equal elements stay in their order.

    Args:
      x: the inputs.
      mask: which elements count, of size 1 along axes where they are the same, or None for all.
      window: the first axis with as many outputs as the plane has elements, the others with one.
      dtype: that of the places.
      descending: whether the largest element comes first.
    """
    known, x = _known(mask, window), lax.stop_gradient(x)
    return bind(_plane_p, x, *known, window=window, implementation=None, dtype=dtype, descending=descending)


def _known(mask: Array | None, window: Window) -> tuple[Array, ...]:
    return () if mask is None else (jnp.broadcast_to(mask, window.input_shape(mask.shape)),)


def ranked_places(x: Array, mask: Array | None, rank: Array, window: Window, dtype: str, *, descending: bool) -> Array:
    """The row-major places of the elements at a rank and those that follow, along the first axis of the plane.

    All are the place of the first NaN if there is one. Beyond the last element they are any in the plane.

    Args:
      x: the inputs.
      mask: which elements count, of size 1 along axes where they are the same, or None for all.
      rank: the first rank, of size 1 along the window's axes and along axes where it is the same.
      window: the first axis with as many outputs as there are ranks, the others with one.
      dtype: that of the places.
      descending: whether the largest element has rank 0.
    """
    operands = (lax.stop_gradient(x), rank, *_known(mask, window))
    return bind(_ranked_p, *operands, window=window, implementation=None, dtype=dtype, descending=descending)


def up_to_place(x: Array, mask: Array | None, place: Array, window: Window, *, descending: bool) -> Array:
    """Which elements come no later in order than the one at a place that `ranked_places` found; of a NaN, only this."""
    operands = (lax.stop_gradient(x), place, *_known(mask, window))
    return bind(_up_to_p, *operands, window=window, implementation=None, descending=descending)
