"""What is refused of the pools that take planes apart: windows as an axis, halves of a plane, spectra."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jaxpool._geometry.axes import plane_axes
from jaxpool._geometry.axis_window import AxisWindow
from jaxpool._geometry.bins import AxisBins, adaptive_bins
from jaxpool._geometry.unpooling import plane_sizes
from jaxpool._geometry.values import as_index, refuse, shown
from jaxpool._geometry.window import Window

DIRECTIONS = ("top", "bottom", "left", "right")
# More slices of one array, with their gradient, take more than ten seconds to compile.
_MOST_SLICES = 256


def blocks_of(part: AxisWindow) -> tuple[int, int]:
    """How many blocks hold a window along one axis that is not dilated, and how many elements a block has.

    Blocks are as long as the stride, so that a window of one block is no slice at all.
    """
    width = part.taps if part.outputs == 1 else part.stride
    return -(-part.taps // width), width


def check_slices(window: Window) -> None:
    """Refuses dilated windows that are too many slices of the inputs; others are joined from shorter ones."""
    for part in window.parts:
        if part.dilation > 1 and part.taps > _MOST_SLICES:
            rule, remedy = (
                f"have at most {_MOST_SLICES} elements along a dilated axis",
                "Use fewer elements.",
            )
            refuse(ValueError, "window_shape", rule, part.taps, remedy, f"axis {part.axis}")


def check_direction(value: Any) -> None:
    """Refuses what is no direction in the plane."""
    if not (isinstance(value, str) and value in DIRECTIONS):
        lower = value.lower() if isinstance(value, str) else value
        remedy = f"Write {lower!r}." if lower in DIRECTIONS else "It is the corner's side, where the maximum runs from."
        refuse(ValueError, "direction", f"be one of {', '.join(map(repr, DIRECTIONS))}", shown(value), remedy)


def joined_plane(
    shape: tuple[Any, ...], num_spatial_dims: Any, channel_axis: Any, bands: bool = False
) -> tuple[tuple[int, ...], int]:
    """The spatial axes and the channel axis of a pool that changes the number of features.

    `bands` tells that the features hold one band for each half of every axis.
    """
    fact = f"inputs of shape {shape}"
    if channel_axis is None:
        remedy = "Add one first, as inputs[..., None] does."
        refuse(ValueError, "channel_axis", "name the axis of the features", None, remedy, fact)
    axes = plane_axes(shape, num_spatial_dims, channel_axis, symbolic=False)
    channel = as_index("channel_axis", channel_axis, channel_axis) % len(shape)
    count = 1 << len(axes)
    if bands and not (isinstance(shape[channel], int) and shape[channel] % count == 0):
        remedy = "Pass what haar_pool returns, and the same num_spatial_dims and channel_axis."
        refuse(ValueError, "inputs.shape", f"have {count} bands of features", shape, remedy, f"axis {channel}")
    return axes, channel


def doubled_sizes(shape: tuple[Any, ...], axes: Sequence[int], output_shape: Any) -> tuple[int, ...]:
    """The sizes of the plane whose halves have a shape: twice as many, or one less."""
    full = tuple(2 * shape[axis] for axis in axes)
    if output_shape is None:
        return full
    sizes = plane_sizes(output_shape, len(axes), shape)
    if any(size not in (most - 1, most) for size, most in zip(sizes, full, strict=True)):
        remedy = "Pass the spatial sizes of what haar_pool was given."
        refuse(
            ValueError, "output_shape", f"be {full}, or one less along an axis", shown(output_shape), remedy,
            f"inputs of shape {shape}",
        )  # fmt: skip
    return sizes


def smaller_plane(shape: tuple[Any, ...], output_size: Any, channel_axis: Any) -> tuple[AxisBins, ...]:
    """The spatial axes with their sizes before and after pooling; refuses more elements than there are."""
    bins = adaptive_bins(shape, output_size, channel_axis)
    if any(part.outputs > part.size for part in bins):
        sizes = tuple(part.size for part in bins)
        remedy = "For more elements use jax.image.resize."
        refuse(ValueError, "output_size", "not be above the inputs' sizes", shown(output_size), remedy, f"{sizes}")
    return bins
