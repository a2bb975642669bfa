"""Structuring elements of morphology: which places around a pixel count."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np

from jaxpool._geometry.arguments import pooling_window, window_sizes
from jaxpool._geometry.values import as_index, as_sequence, kind_of, native, refuse, shown, traced
from jaxpool._geometry.window import Window

# The program names each of them. With 64, forward and gradient compile in six seconds, with 100 in sixteen:
# `order-compile.json`.
_MOST_PLACES = 64


class Element(NamedTuple):
    """A structuring element on inputs of a known shape.

    Attributes:
      window: the box around it.
      places: the positions in the box that count, row by row; None for all.
    """

    window: Window
    places: tuple[tuple[int, ...], ...] | None


def _footprint(value: Any) -> np.ndarray:
    remedy = "Write an array of NumPy, such as np.eye(3, dtype=bool); it must be known while tracing."
    if traced(value):
        refuse(TypeError, "footprint", "be known while tracing", "a traced value", remedy)
    try:
        array = None if as_sequence(value) is None else np.asarray(value)
    except ValueError:
        array = None
    if array is None or array.dtype != np.bool_:
        got = shown(value) if array is None else f"an array of {array.dtype}"
        refuse(TypeError, "footprint", "be an array of booleans", got, remedy)
    if not array.any():
        refuse(ValueError, "footprint", "be True somewhere", kind_of(array), "Mark the places that count.")
    return array


def structuring_element(
    shape: tuple[Any, ...], window_shape: Any, footprint: Any, channel_axis: Any, offsets: Any, *, reflected: bool
) -> Element:
    """The element that arguments describe on inputs of a shape.

    Its centre is the place `size // 2` along every axis; `reflected` is whether it is mirrored there, as in a dilation.
    """
    marked = None if footprint is None else _footprint(footprint)
    if window_shape is None:
        if marked is None:
            remedy = "Write (3, 3) for a box of 3 by 3, or pass footprint."
            refuse(TypeError, "window_shape", "be given where footprint is not", None, remedy)
        window_shape = marked.shape
    sizes = window_sizes(window_shape)
    if marked is not None and marked.shape != sizes:
        remedy = "Leave out window_shape, or pass the shape of the footprint."
        refuse(ValueError, "window_shape", "be the shape of the footprint", sizes, remedy, f"{marked.shape}")
    before, after = ([size // 2 for size in sizes], [(size - 1) // 2 for size in sizes])
    pads = list(zip(after, before, strict=True)) if reflected else list(zip(before, after, strict=True))
    window = pooling_window(shape, sizes, 1, tuple(pads), channel_axis=channel_axis, padding_is_empty=False)
    if offsets is None and (marked is None or marked.all()):
        return Element(window, None)
    marked = np.ones(sizes, bool) if marked is None else marked
    count = int(marked.sum())
    if count > _MOST_PLACES:
        rule, remedy = f"have at most {_MOST_PLACES} places that count", "Use a box without offsets, or several steps."
        refuse(ValueError, "window_shape" if footprint is None else "footprint", rule, count, remedy)
    places = itertools.product(*(range(size) for size in sizes))
    return Element(window, tuple(place for place in places if marked[place]))


def check_heights(value: Any, sizes: tuple[int, ...], shape: tuple[Any, ...], channel_axis: Any) -> bool:
    """Refuses offsets that are not one number per place of the element; whether each feature has its own."""
    array: Any = native(value)
    numbers = str(getattr(array, "dtype", "")).startswith(("float", "bfloat", "int", "uint"))
    if not hasattr(array, "shape") or not numbers:
        remedy = "Pass an array, such as jnp.zeros(window_shape)."
        refuse(TypeError, "offsets", "be an array of real numbers", kind_of(value), remedy)
    own = tuple(array.shape)
    if own == sizes:
        return False
    if channel_axis is None or own != (*sizes, shape[channel_axis]):
        remedy = "Give one number per place of the window, or one per place and feature."
        rule = "be that of the window, with one more axis if features have their own"
        refuse(ValueError, "offsets.shape", rule, own, remedy, f"a window of {sizes} and inputs of shape {shape}")
    return True


def cross(rank: int) -> tuple[tuple[int, ...], np.ndarray]:
    """The axes' lines through the centre of a box of 3."""
    places = np.indices((3,) * rank)
    return (3,) * rank, (places != 1).sum(0) <= 1


def check_iterations(value: Any) -> int:
    """The number of steps; refuses what is no integer, or negative."""
    number = as_index("iterations", value, value)
    if number < 0:
        refuse(ValueError, "iterations", "not be negative", number, "Pass about the largest radius, in pixels.")
    return number
