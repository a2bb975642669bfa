"""Stage 3 of 4: the window operators and all derivative rules."""

# Any associative operation: written in terms that JAX differentiates by itself.
from jaxpool._lowerings import reduce_from as window_reduce_from
from jaxpool._lowerings import reduce_windows as window_reduce
from jaxpool._operators.extremum import (
    gather_at_extremum,
    keeps_input,
    scatter_at_extremum,
    window_argextremum,
    window_extremum,
)
from jaxpool._operators.linear import (
    gather_at_offsets,
    gather_at_places,
    lay_out_bins,
    scatter_at_offsets,
    scatter_at_places,
    sum_bins,
    window_spread,
    window_sum,
)
from jaxpool._operators.places import first_maximum, last_at_places, without_series
from jaxpool._operators.plane import plane_count, plane_sum

__all__ = [
    "first_maximum",
    "gather_at_extremum",
    "gather_at_offsets",
    "gather_at_places",
    "keeps_input",
    "last_at_places",
    "lay_out_bins",
    "plane_count",
    "plane_sum",
    "scatter_at_extremum",
    "scatter_at_offsets",
    "scatter_at_places",
    "sum_bins",
    "window_argextremum",
    "window_extremum",
    "window_reduce",
    "window_reduce_from",
    "window_spread",
    "window_sum",
    "without_series",
]
