"""The plane that an unpooling fills: what a window pooled, from what it left."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

import numpy as np

from jaxpool._geometry.arguments import WindowArguments, outputs_of, steps_of, window_sizes
from jaxpool._geometry.axes import plane_of, spatial_axes
from jaxpool._geometry.axis_window import AxisWindow
from jaxpool._geometry.foreign.values import of_all_axes
from jaxpool._geometry.padding import FARTHEST, paddings_of, require_real_taps
from jaxpool._geometry.values import as_index, as_positive, as_sequence, kind_of, refuse, shown, traced
from jaxpool._geometry.window import Window


def plane_sizes(value: Any, rank: int, shape: tuple[Any, ...]) -> tuple[int, ...]:
    """The sizes of a plane that `output_shape` gives, one per spatial axis."""
    fact = f"inputs of shape {shape}"
    if traced(value):
        as_index("output_shape", value, value, fact)
    elements = as_sequence(value)
    if elements is None or len(elements) != rank:
        rule = f"have one size per spatial axis, {rank} in all"
        remedy = of_all_axes(elements or [], rank, shape) or "Leave out batch and channels."
        refuse(ValueError, "output_shape", rule, shown(value), remedy, fact)
    sizes = [as_index("output_shape", element, value, fact) for element in elements]
    return as_positive("output_shape", sizes, value, fact)


def check_without_window(
    strides: Any, padding: Any, window_dilation: Any, why: str = "indices in the plane need no window"
) -> None:
    """Refuses what describes a window where there is none; `why` says that it may be left out."""
    given = {"strides": (strides, None), "padding": (padding, "VALID"), "window_dilation": (window_dilation, 1)}
    for argument, (value, default) in given.items():
        same = value is default
        if isinstance(value, str | int | np.integer):
            same = value == default or (isinstance(value, str) and value.upper() == default)
        if not same:
            rule, fact = f"be {default!r}", "window_shape=None"
            remedy = f"Pass window_shape, too, or leave it out: {why}."
            refuse(ValueError, argument, rule, shown(value), remedy, fact)


def refuse_missing_window() -> NoReturn:
    """Refuses offsets in a window without the window."""
    remedy = "Pass the arguments of the pooling; output_shape alone does not tell where windows are."
    refuse(TypeError, "window_shape", "be given", None, remedy, "index_convention='window'")


def plane_window(shape: tuple[Any, ...], output_shape: Any, channel_axis: Any, convention: str) -> Window:
    """No window at all, only the sizes of a plane and of what was pooled from it."""
    fact = f"inputs of shape {shape}"
    if convention == "window":
        refuse_missing_window()
    if traced(output_shape):
        as_index("output_shape", output_shape, output_shape, fact)
    elements = as_sequence(output_shape)
    if not elements:
        rule = "have one size per spatial axis where no window is given"
        remedy = "Write output_shape=x.shape[1:3] with what was pooled, or the window_shape and strides."
        refuse(ValueError, "output_shape", rule, shown(output_shape), remedy, fact)
    sizes = plane_sizes(output_shape, len(elements), shape)
    axes = spatial_axes("output_shape", output_shape, shape, len(sizes), channel_axis)
    pooled = plane_of(shape, axes)
    return Window(
        tuple(AxisWindow(axis, size, 1, 1, 1, 0, 0, n) for axis, size, n in zip(axes, sizes, pooled, strict=True))
    )


def _sizes_that_fit(n: int, extent: int, step: int, low: int, high: int, same: bool) -> tuple[int, int]:
    """The least and the largest size of an axis on which there are n windows, in floor mode or in ceil mode."""
    if same:
        return (n - 1) * step + 1, n * step
    size = (n - 1) * step + extent - low - high
    least = max(size - step + 1, (n - 1) * step - low + 1) if min(low, high) >= 0 else size
    return max(min(least, size), 1), size + step - 1


def unpooling_window(
    shape: tuple[Any, ...], arguments: WindowArguments, output_shape: Any, padding_is_empty: bool = True
) -> Window:
    """The window that pooled a plane of `output_shape` to inputs of the given shape.

    Without `output_shape`, the smallest plane that floor mode pools so: `(n - 1) * stride + extent - low - high`.
    """
    window_shape, strides, padding, window_dilation, _, channel_axis, *_ = arguments
    taps = window_sizes(window_shape)
    steps, dilations = steps_of(strides, window_dilation, taps)
    axes = spatial_axes("window_shape", window_shape, shape, len(taps), channel_axis)
    pooled = plane_of(shape, axes)
    extents = tuple((t - 1) * d + 1 for t, d in zip(taps, dilations, strict=True))
    fact = f"inputs of shape {shape}"
    same = isinstance(padding, str) and padding.upper() in ("SAME", "SAME_LOWER")
    if output_shape is None:
        if same:
            rule = "be numbers, or 'VALID', where output_shape is not given"
            remedy = "Pass output_shape, the sizes before pooling."
            refuse(ValueError, "padding", rule, repr(padding), remedy, fact)
        pairs = paddings_of(padding, pooled, extents, steps)
        sizes = tuple((n - 1) * s + e - sum(p) for n, s, e, p in zip(pooled, steps, extents, pairs, strict=True))
        if min(sizes) < 1:
            remedy = "Pad as the pooling did, or pass output_shape."
            refuse(ValueError, "padding", "leave a plane", shown(padding), remedy, f"a plane of {sizes}")
    else:
        sizes = plane_sizes(output_shape, len(taps), shape)
        pairs = paddings_of(padding, sizes, extents, steps)
    if max(sizes) > FARTHEST:
        rule, remedy = f"fill a plane of at most {FARTHEST} elements along an axis", "Use smaller strides and windows."
        refuse(ValueError, "strides", rule, shown(strides), remedy, f"a plane of {tuple(sizes)}")
    parts: list[AxisWindow] = []
    for axis, size, n, tap, step, dilation, extent, (low, high) in zip(
        axes, sizes, pooled, taps, steps, dilations, extents, pairs, strict=True
    ):
        ceil_modes = (False, True) if min(low, high) >= 0 else (False,)
        if n not in [outputs_of(size, extent, step, low, high, mode) for mode in ceil_modes]:
            least, most = _sizes_that_fit(n, extent, step, low, high, same)
            remedy = f"Sizes from {least} to {most} do." if most > least else f"The size {least} does."
            if most < 1:
                remedy = "With this padding no size does; pad as the pooling did."
            rule = f"have room for {n} windows along axis {axis}, and no more"
            refuse(ValueError, "output_shape", rule, shown(output_shape), remedy, fact)
        parts.append(AxisWindow(axis, size, tap, step, dilation, low, high, n))
        if padding_is_empty:
            require_real_taps(parts[-1], padding, "the plane")
    return Window(tuple(parts))


def check_range(low: Sequence[int], high: Sequence[int], limits: Sequence[int], fact: str, remedy: str) -> None:
    """Refuses indices from `low` to `high` if some do not lie below the limits; one number per axis that they count."""
    if all(least >= 0 for least in low) and all(most < limit for most, limit in zip(high, limits, strict=True)):
        return
    first, last, bounds = tuple(low), tuple(high), tuple(limit - 1 for limit in limits)
    if len(limits) == 1:
        got, rule = f"values from {first[0]} to {last[0]}", f"lie between 0 and {bounds[0]}"
    else:
        got, rule = f"positions from {first} to {last}", f"lie between {(0,) * len(limits)} and {bounds}"
    refuse(ValueError, "indices", rule, got, remedy, fact)


def refuse_astray(indices: Any, sizes: tuple[int, ...], remedy: str) -> NoReturn:
    """Refuses indices that lie outside the windows that they are said to come from."""
    fact = f"the smallest plane that such windows pool, of the sizes {sizes}"
    refuse(ValueError, "indices", "lie in their windows", kind_of(indices), remedy, fact)


def refuse_other_places(indices: Any, shape: tuple[int, ...]) -> NoReturn:
    """Refuses indices that belong to another element of the batch, or to another channel, than where they stand."""
    rule, fact = "name elements of their own map", f"input_shape={shape}"
    remedy = "Pass the shape of the pooled inputs, and the options with which the indices were made."
    refuse(ValueError, "indices", rule, kind_of(indices), remedy, fact)


def check_indices(
    indices: Any, expected: tuple[Any, ...], fact: str, remedy: str, source: str = "max_pool_with_argmax"
) -> None:
    """Refuses indices that are no integer array of the expected shape, in which None stands for any size.

    `remedy` is for those of another shape, `source` is what returns them.
    """
    dtype = str(getattr(indices, "dtype", ""))
    if not hasattr(indices, "shape") or not dtype.startswith(("int", "uint")):
        remedy = f"Pass the array of indices that {source} returns."
        refuse(TypeError, "indices", "be an array of integers", kind_of(indices), remedy, fact)
    shape = tuple(indices.shape)
    fits = len(shape) == len(expected) and all(b in (None, a) for a, b in zip(shape, expected, strict=True))
    if not fits:
        sizes = ", ".join("*" if size is None else str(size) for size in expected)
        rule = f"be ({sizes}{',' if len(expected) == 1 else ''})"
        refuse(ValueError, "indices.shape", rule, shape, remedy, fact)
