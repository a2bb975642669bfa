"""The linear window operators, each beside its adjoint."""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import Array

from jaxpool._geometry import AxisBins, BinSums, Window
from jaxpool._operators.primitive import adjoint_pair, bind, operator


def same_as_outputs(x: Any, *offsets: Any, window: Window | AxisBins, **static: Any) -> Any:
    """The abstract result of an operator from inputs to outputs: dtype, sharding and varying axes stay."""
    del offsets, static
    return x.update(shape=window.output_shape(x.shape), weak_type=False)


def same_as_inputs(g: Any, *offsets: Any, window: Window | AxisBins, **static: Any) -> Any:
    """The abstract result of an operator from outputs to inputs."""
    del offsets, static
    return g.update(shape=window.input_shape(g.shape), weak_type=False)


def _outputs_of(x: Any, *, dtype: str, **static: Any) -> Any:
    return same_as_outputs(x, **static).update(dtype=jnp.dtype(dtype))


def _inputs_of(g: Any, *, dtype: str, **static: Any) -> Any:
    return same_as_inputs(g, **static).update(dtype=jnp.dtype(dtype))


# y[o] = sum_i x[o * stride - low + i * dilation]    x[h] = sum_i y[(h + low - i * dilation) / stride]
# Both sum in the wider of their two dtypes, `dtype` being that of the result.
_sum_p = operator("window_sum", _outputs_of)
_spread_p = operator("window_spread", _inputs_of)
adjoint_pair(_sum_p, _spread_p)

# y[o] = x[place(o, offsets[o])]                     x[h] = sum over the o with place(o, offsets[o]) = h of y[o]
_gather_p = operator("gather_at_offsets", same_as_outputs)
_scatter_p = operator("scatter_at_offsets", same_as_inputs)
adjoint_pair(_gather_p, _scatter_p)


# y[i * width + k] = x[start(i) + k] in bin i        x[p] = sum over the bins i with p of y[i * width + p - start(i)]
_lay_out_p = operator("lay_out_bins", same_as_outputs)
_collect_p = operator("collect_bins", same_as_inputs)
adjoint_pair(_lay_out_p, _collect_p)


# y[i] = sum of x over bin i                         x[p] = sum of y over the bins that hold p
_sum_bins_p = operator("sum_bins", same_as_outputs)
_spread_bins_p = operator("spread_bins", same_as_inputs)
adjoint_pair(_sum_bins_p, _spread_bins_p)


# y[o] = x[places[o]]                                x[h] = sum over the o with places[o] = h of y[o]
_gather_places_p = operator("gather_at_places", same_as_outputs)
_scatter_places_p = operator("scatter_at_places", same_as_inputs)
adjoint_pair(_gather_places_p, _scatter_places_p)


# y[o] = sum of x[h] from starts[o] to stops[o]      x[h] = sum of y[o] over the o with starts[o] <= h < stops[o]
_sum_between_p = operator("sum_between", same_as_outputs)
_spread_between_p = operator("spread_between", same_as_inputs)
adjoint_pair(_sum_between_p, _spread_between_p)


def window_sum(x: Array, window: Window, implementation: str | None = None, dtype: Any = None) -> Array:
    """The sum of every window, padding counting as 0; in `dtype`, by default that of `x`, and no narrower than it."""
    name = jnp.dtype(x.dtype if dtype is None else dtype).name
    return bind(_sum_p, x, window=window.normal, implementation=implementation, dtype=name)


def window_spread(g: Array, window: Window, implementation: str | None = None, dtype: Any = None) -> Array:
    """The adjoint of `window_sum`: every element gets the sum of the windows that hold it; no wider than `g`."""
    name = jnp.dtype(g.dtype if dtype is None else dtype).name
    return bind(_spread_p, g, window=window.normal, implementation=implementation, dtype=name)


def gather_at_offsets(
    x: Array, offsets: Array, window: Window, *, consistent: bool, implementation: str | None = None
) -> Array:
    """From every window the element at the window's offset; 0 where that is padding.

    Args:
      x: the inputs.
      offsets: row-major positions inside the window, of dtype `window.offset_dtype`, shaped like the outputs.
      window: the window.
      consistent: whether the offsets come from `window_argextremum` of the same window, which permits faster ways.
      implementation: the name of one, a plan, or None for the choice of the platform.
    """
    return bind(_gather_p, x, offsets, window=window.normal, consistent=consistent, implementation=implementation)


def scatter_at_offsets(
    g: Array, offsets: Array, window: Window, *, consistent: bool, implementation: str | None = None
) -> Array:
    """The adjoint of `gather_at_offsets`: every element gets the sum over the windows whose offset names it."""
    return bind(_scatter_p, g, offsets, window=window.normal, consistent=consistent, implementation=implementation)


def lay_out_bins(x: Array, bins: AxisBins) -> Array:
    """The elements of every bin side by side, each bin as wide as the largest and ending in zeros where it is not."""
    return bind(_lay_out_p, x, window=bins, implementation=None)


def sum_bins(x: Array, bins: AxisBins) -> Array:
    """The sum of every bin, in the dtype of `x`."""
    return bind(_sum_bins_p, x, window=BinSums(bins.axis, bins.size, bins.outputs), implementation=None)


def gather_at_places(x: Array, places: Array, window: Window) -> Array:
    """Every window's element at a row-major position in the plane; 0 outside it."""
    return bind(_gather_places_p, x, places, window=window, implementation=None)


def scatter_at_places(g: Array, places: Array, window: Window) -> Array:
    """The adjoint of `gather_at_places`: every element gets the sum of what is sent to it."""
    return bind(_scatter_places_p, g, places, window=window, implementation=None)


def sum_between(x: Array, bounds: list[Array], window: Window) -> Array:
    """The sum between a start and a stop per axis, as `_lowerings.places` has them, in the dtype of `x`."""
    return bind(_sum_between_p, x, *bounds, window=window, implementation=None)
