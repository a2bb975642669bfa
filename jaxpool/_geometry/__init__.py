"""Stage 2 of 4: window arithmetic and argument errors. Integers only; nothing here imports jax."""

from jaxpool._geometry.arguments import (
    Ints,
    Padding,
    check_divisor,
    check_dtype,
    check_flag,
    check_implementation,
    check_inputs,
    check_option,
    check_plane_size,
    global_window,
    hashable,
    pooling_window,
)
from jaxpool._geometry.window import AxisWindow, Segment, Window

__all__ = [
    "AxisWindow",
    "Ints",
    "Padding",
    "Segment",
    "Window",
    "check_divisor",
    "check_dtype",
    "check_flag",
    "check_implementation",
    "check_inputs",
    "check_option",
    "check_plane_size",
    "global_window",
    "hashable",
    "pooling_window",
]
