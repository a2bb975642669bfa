"""Stage 2 of 3: the window operators and all derivative rules."""

# What pools and modules ask of the lowerings.
from jaxpool._lowerings import (
    IMPLEMENTATIONS,
    PLATFORMS,
    Plan,
    beats,
    bin_mask,
    check_runs,
    extreme,
    starts_and_counts,
    window_starts,
)
from jaxpool._operators.depthwise import window_dot
from jaxpool._operators.elements import element_extremum
from jaxpool._operators.extremum import (
    gather_at_extremum,
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
    sum_between,
    sum_bins,
    window_spread,
    window_sum,
)
from jaxpool._operators.moments import window_products
from jaxpool._operators.order import place_order, ranked_places, up_to_place, window_order
from jaxpool._operators.places import first_in_regions, first_maximum, last_at_places, without_series
from jaxpool._operators.plane import plane_count, plane_sum
from jaxpool._operators.plans import chosen_plans, default_platform
from jaxpool._operators.reduce import reduce_from as window_reduce_from
from jaxpool._operators.reduce import reduce_windows as window_reduce
from jaxpool._operators.segments import segment_extremum, segment_spread, segment_sum
from jaxpool._operators.weighted import window_log_mean_exp, window_softmax_mean

__all__ = [
    "IMPLEMENTATIONS",
    "PLATFORMS",
    "Plan",
    "beats",
    "bin_mask",
    "check_runs",
    "chosen_plans",
    "default_platform",
    "element_extremum",
    "extreme",
    "first_in_regions",
    "first_maximum",
    "gather_at_extremum",
    "gather_at_offsets",
    "gather_at_places",
    "last_at_places",
    "lay_out_bins",
    "place_order",
    "plane_count",
    "plane_sum",
    "ranked_places",
    "scatter_at_extremum",
    "scatter_at_offsets",
    "scatter_at_places",
    "segment_extremum",
    "segment_spread",
    "segment_sum",
    "starts_and_counts",
    "sum_between",
    "sum_bins",
    "up_to_place",
    "window_argextremum",
    "window_dot",
    "window_extremum",
    "window_log_mean_exp",
    "window_order",
    "window_products",
    "window_reduce",
    "window_reduce_from",
    "window_softmax_mean",
    "window_spread",
    "window_starts",
    "window_sum",
    "without_series",
]
