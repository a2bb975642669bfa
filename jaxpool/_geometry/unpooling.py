"""The plane that an unpooling fills: what a window pooled, from what it left."""

from __future__ import annotations

from typing import Any

from jaxpool._geometry.arguments import (
    paddings_of,
    require_real_taps,
    spatial_axes,
    spatial_sizes,
    steps_of,
    window_sizes,
)
from jaxpool._geometry.values import as_index, as_sequence, refuse
from jaxpool._geometry.window import AxisWindow, Window


def _output_shape(function: str, value: Any, rank: int, fact: str) -> tuple[int, ...]:
    elements = as_sequence(value)
    if elements is None or len(elements) != rank:
        rule = f"have one size per spatial axis, {rank} in all"
        remedy = "Leave out batch and channels."
        refuse(ValueError, function, "output_shape", rule, repr(value), fact, remedy)
    sizes = tuple(as_index(function, "output_shape", element, value, fact) for element in elements)
    if any(size < 1 for size in sizes):
        refuse(
            ValueError, function, "output_shape", "be positive", repr(value), fact, "Use 1 or more along every axis."
        )
    return sizes


def plane_window(function: str, shape: tuple[Any, ...], output_shape: Any, channel_axis: Any) -> Window:
    """No window at all, only the sizes of a plane and of what was pooled from it."""
    fact = f"inputs of shape {shape}"
    elements = as_sequence(output_shape)
    if not elements:
        rule = "have one size per spatial axis where no window is given"
        remedy = "Write output_shape=(14, 14), or give window_shape."
        refuse(ValueError, function, "output_shape", rule, repr(output_shape), fact, remedy)
    sizes = _output_shape(function, output_shape, len(elements), fact)
    axes = spatial_axes(function, "output_shape", output_shape, shape, len(sizes), channel_axis)
    pooled = spatial_sizes(function, shape, axes)
    return Window(
        tuple(AxisWindow(axis, size, 1, 1, 1, 0, 0, n) for axis, size, n in zip(axes, sizes, pooled, strict=True))
    )


def unpooling_window(
    function: str,
    shape: tuple[Any, ...],
    window_shape: Any,
    strides: Any,
    padding: Any,
    *,
    window_dilation: Any,
    channel_axis: Any,
    output_shape: Any,
    padding_is_empty: bool = True,
) -> Window:
    """The window that pooled a plane of `output_shape` to inputs of the given shape.

    Without `output_shape`, the smallest plane that floor mode pools so: `(n - 1) * stride + extent - low - high`.
    """
    taps = window_sizes(function, window_shape)
    steps, dilations = steps_of(function, strides, window_dilation, taps)
    axes = spatial_axes(function, "window_shape", window_shape, shape, len(taps), channel_axis)
    pooled = spatial_sizes(function, shape, axes)
    extents = tuple((t - 1) * d + 1 for t, d in zip(taps, dilations, strict=True))
    fact = f"inputs of shape {shape}"
    if output_shape is None:
        if isinstance(padding, str) and padding.upper() != "VALID":
            rule = "be numbers, or 'VALID', where output_shape is not given"
            refuse(
                ValueError,
                function,
                "padding",
                rule,
                repr(padding),
                fact,
                "Pass output_shape, the sizes before pooling.",
            )
        pairs = paddings_of(function, padding, pooled, extents, steps)
        sizes = tuple((n - 1) * s + e - sum(p) for n, s, e, p in zip(pooled, steps, extents, pairs, strict=True))
    else:
        sizes = _output_shape(function, output_shape, len(taps), fact)
        pairs = paddings_of(function, padding, sizes, extents, steps)
    parts: list[AxisWindow] = []
    for axis, size, n, tap, step, dilation, extent, (low, high) in zip(
        axes, sizes, pooled, taps, steps, dilations, extents, pairs, strict=True
    ):
        room = size + low + high - extent
        if size < 1 or n not in (room // step + 1, -(-room // step) + 1):
            rule = f"leave {n} windows along axis {axis}"
            wanted = (n - 1) * step + extent - low - high
            remedy = f"Sizes from {max(wanted - step + 1, 1)} to {wanted + step - 1} do."
            value = repr(output_shape) if output_shape is not None else None
            refuse(ValueError, function, "output_shape", rule, value, f"{fact} and a plane of {size}", remedy)
        parts.append(AxisWindow(axis, size, tap, step, dilation, low, high, n))
        if padding_is_empty:
            require_real_taps(function, parts[-1], padding)
    return Window(tuple(parts))


def check_indices(function: str, indices: Any, shape: tuple[Any, ...], trailing: tuple[int, ...]) -> None:
    """Refuses indices that are no integer array of the inputs' shape, with `trailing` axes where those are due."""
    fact = f"inputs of shape {shape}"
    dtype = str(getattr(indices, "dtype", type(indices).__name__))
    if not hasattr(indices, "shape") or not dtype.startswith(("int", "uint")):
        remedy = "Pass the indices of max_pool_with_argmax."
        refuse(TypeError, function, "indices", "be an array of integers", dtype, fact, remedy)
    expected = (*shape, *trailing)
    if tuple(indices.shape) != expected:
        remedy = "Pass one place per input, in the convention that index_convention names."
        refuse(ValueError, function, "indices.shape", f"be {expected}", tuple(indices.shape), fact, remedy)
