"""Stage 4 of 4: how an operator is computed. One algorithm per file; `choice` picks among them."""

from jaxpool._lowerings.bins import held, starts_and_counts
from jaxpool._lowerings.cases import case_of
from jaxpool._lowerings.choice import (
    IMPLEMENTATIONS,
    LOWERINGS,
    OPERATORS,
    PLATFORMS,
    check_runs,
    choose,
    compute,
    scatters_natively,
)
from jaxpool._lowerings.monoid import reduce_from, reduce_windows
from jaxpool._lowerings.reduce_window import extreme
from jaxpool._lowerings.taps import beats, window_starts

__all__ = [
    "IMPLEMENTATIONS",
    "LOWERINGS",
    "OPERATORS",
    "PLATFORMS",
    "beats",
    "case_of",
    "check_runs",
    "choose",
    "compute",
    "extreme",
    "held",
    "reduce_from",
    "reduce_windows",
    "scatters_natively",
    "starts_and_counts",
    "window_starts",
]
