"""Products of deviations from the mean of each window."""

from __future__ import annotations

from typing import Any

from jax import Array

from jaxpool._geometry import Window
from jaxpool._operators.linear import same_as_inputs, same_as_outputs
from jaxpool._operators.primitive import bilinear_pair, bind, operator


def _like_inputs(u: Any, g: Any, *known: Any, **static: Any) -> Any:
    del u
    return same_as_inputs(g, *known, **static)


# y[o] = sum_i (u[i] - mean of u) (v[i] - mean of v)     x[h] = sum over the o that hold h of g[o] (u[h] - mean of u)
_products_p = operator("window_products", same_as_outputs)
_spread_p = operator("window_products_spread", _like_inputs)
bilinear_pair(_products_p, _spread_p)


def window_products(u: Array, v: Array, count: Array, mask: Array | None, window: Window) -> Array:
    """The sum over every window of the products of deviations from its means: with `u` twice, of their squares.

    Args:
      u, v: the inputs, 0 where the mask leaves out.
      count: the number of elements in each window that are not left out, at least 1; of size 1 along any other axis.
      mask: 1 where an element counts and 0 elsewhere, of size 1 or that of the inputs along axes that are not the
        window's; None if all count.
      window: the window; its padding is left out.
    """
    known = (count,) if mask is None else (count, mask)
    return bind(_products_p, u, v, *known, window=window.normal, implementation=None)
