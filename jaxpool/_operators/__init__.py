"""Stage 3 of 4: the window operators and all derivative rules."""

from jaxpool._operators.extremum import (
    gather_at_extremum,
    scatter_at_extremum,
    window_argextremum,
    window_extremum,
)
from jaxpool._operators.linear import gather_at_offsets, scatter_at_offsets, window_spread, window_sum

__all__ = [
    "gather_at_extremum",
    "gather_at_offsets",
    "scatter_at_extremum",
    "scatter_at_offsets",
    "window_argextremum",
    "window_extremum",
    "window_spread",
    "window_sum",
]
