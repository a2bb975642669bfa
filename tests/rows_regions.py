"""Pools of regions of interest, for the table of all pools."""

from typing import Any

import jax.numpy as jnp
import numpy as np
from row import Row

import jaxpool

# Inside, across two borders, beyond the plane and far larger than it, with corners that are no halves.
_BOXES = np.array(
    [[0.7, 0.2, 4.4, 3.3], [-1.9, 1.3, 2.2, 6.1], [6.7, 4.9, 8.1, 9.2], [-9.3, -9.2, 14.1, 12.3]], np.float32
)


def some_boxes(shape: tuple[Any, ...]) -> dict[str, Any]:
    """The same boxes for every picture."""
    return {"boxes": jnp.broadcast_to(_BOXES, (*shape[:-3], *_BOXES.shape))}


ROWS = [
    Row("roi_align", jaxpool.roi_align, {"output_size": (2, 3)}, linear=True, arrays=some_boxes),
    Row(
        "roi_align, max",
        jaxpool.roi_align,
        {"output_size": (2, 1), "sampling_ratio": 2, "aligned": True, "mode": "max"},
        # Not curved, but samples lie closer together than exact differences allow.
        smooth=True,
        arrays=some_boxes,
    ),
    Row("roi_pool", jaxpool.roi_pool, {"output_size": (2, 2)}, arrays=some_boxes, places=True),
    # One bin, as that takes any number of features.
    Row(
        "ps_roi_align",
        jaxpool.ps_roi_align,
        {"output_size": (1, 1), "sampling_ratio": 2},
        linear=True,
        arrays=some_boxes,
    ),
    Row("ps_roi_pool", jaxpool.ps_roi_pool, {"output_size": (1, 1)}, linear=True, arrays=some_boxes),
]
