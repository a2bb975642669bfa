"""The linear window operators, each beside its adjoint."""

from __future__ import annotations

from typing import Any

from jax import Array

from jaxpool._geometry import Window
from jaxpool._operators.primitive import adjoint_pair, bind, operator


def same_as_outputs(x: Any, *offsets: Any, window: Window, **static: Any) -> Any:
    """The abstract result of an operator from inputs to outputs: dtype, sharding and varying axes stay."""
    del offsets, static
    return x.update(shape=window.output_shape(x.shape), weak_type=False)


def same_as_inputs(g: Any, *offsets: Any, window: Window, **static: Any) -> Any:
    """The abstract result of an operator from outputs to inputs."""
    del offsets, static
    return g.update(shape=window.input_shape(g.shape), weak_type=False)


# y[o] = sum_i x[o * stride - low + i * dilation]    x[h] = sum_i y[(h + low - i * dilation) / stride]
_sum_p = operator("window_sum", same_as_outputs, ())
_spread_p = operator("window_spread", same_as_inputs, ())
adjoint_pair(_sum_p, _spread_p)

# y[o] = x[place(o, offsets[o])]                     x[h] = sum over the o with place(o, offsets[o]) = h of y[o]
_gather_p = operator("gather_at_offsets", same_as_outputs, ("consistent",))
_scatter_p = operator("scatter_at_offsets", same_as_inputs, ("consistent",))
adjoint_pair(_gather_p, _scatter_p)


def window_sum(x: Array, window: Window, implementation: str | None = None) -> Array:
    """The sum of every window, padding counting as 0; in the dtype of `x`."""
    return bind(_sum_p, x, window=window, implementation=implementation)


def window_spread(g: Array, window: Window, implementation: str | None = None) -> Array:
    """The adjoint of `window_sum`: every element gets the sum of the windows that hold it."""
    return bind(_spread_p, g, window=window, implementation=implementation)


def gather_at_offsets(
    x: Array, offsets: Array, window: Window, *, consistent: bool, implementation: str | None = None
) -> Array:
    """From every window the element at the window's offset; 0 where that is padding.

    Args:
      x: the inputs.
      offsets: row-major positions inside the window, of dtype `window.offset_dtype`, shaped like the outputs.
      window: the window.
      consistent: whether the offsets come from `window_argextremum` of the same window, which permits faster ways.
      implementation: a name from `choice.LOWERINGS`, or None.
    """
    return bind(_gather_p, x, offsets, window=window, consistent=consistent, implementation=implementation)


def scatter_at_offsets(
    g: Array, offsets: Array, window: Window, *, consistent: bool, implementation: str | None = None
) -> Array:
    """The adjoint of `gather_at_offsets`: every element gets the sum over the windows whose offset names it."""
    return bind(_scatter_p, g, offsets, window=window, consistent=consistent, implementation=implementation)
