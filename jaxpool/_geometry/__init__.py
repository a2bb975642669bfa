"""Stage 2 of 4: window arithmetic and argument errors. Integers only; nothing here imports jax."""

from jaxpool._geometry.arguments import PADDING_MODES, check_offsets, plane_axes, pooling_window, shape_of
from jaxpool._geometry.bins import AxisBins, BinSums, adaptive_bins
from jaxpool._geometry.checks import (
    check_divisor,
    check_dtype,
    check_flag,
    check_identity,
    check_implementation,
    check_inputs,
    check_operands,
    check_option,
    check_positive_number,
    check_results,
    check_where,
    index_dtype,
    known_dtype,
    refuse_operation,
    refuse_order,
)
from jaxpool._geometry.fractional import check_randomness, check_samples, fractional_window
from jaxpool._geometry.unpooling import check_indices, check_range, plane_window, refuse_astray, unpooling_window
from jaxpool._geometry.values import ARRAYS, Ints, Padding, hashable, native, traced
from jaxpool._geometry.window import AxisWindow, Segment, Window, known

__all__ = [
    "ARRAYS",
    "PADDING_MODES",
    "AxisBins",
    "AxisWindow",
    "BinSums",
    "Ints",
    "Padding",
    "Segment",
    "Window",
    "adaptive_bins",
    "check_divisor",
    "check_dtype",
    "check_flag",
    "check_identity",
    "check_implementation",
    "check_indices",
    "check_inputs",
    "check_offsets",
    "check_operands",
    "check_option",
    "check_positive_number",
    "check_randomness",
    "check_range",
    "check_results",
    "check_samples",
    "check_where",
    "fractional_window",
    "hashable",
    "index_dtype",
    "known",
    "known_dtype",
    "native",
    "plane_axes",
    "plane_window",
    "pooling_window",
    "refuse_astray",
    "refuse_operation",
    "refuse_order",
    "shape_of",
    "traced",
    "unpooling_window",
]
