"""Rows of functions beside the layers with parameters."""

from row import Row, mask

import jaxpool

ROWS = [
    Row("global_covariance_pool", jaxpool.global_covariance_pool, {}, smooth=True, places=True, mixes=True),
    Row(
        "global_covariance_pool, masked",
        jaxpool.global_covariance_pool,
        {"num_iterations": 3},
        arrays=mask,
        smooth=True,
        places=True,
        mixes=True,
    ),
]
