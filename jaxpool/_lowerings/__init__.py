"""Stage 4 of 4: how an operator is computed. One algorithm per file; `choice` picks among them."""

from jaxpool._lowerings.choice import (
    IMPLEMENTATIONS,
    LOWERINGS,
    OPERATORS,
    PLATFORMS,
    Case,
    check_runs,
    choose,
    compute,
)

__all__ = ["IMPLEMENTATIONS", "LOWERINGS", "OPERATORS", "PLATFORMS", "Case", "check_runs", "choose", "compute"]
