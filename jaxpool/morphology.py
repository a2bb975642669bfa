"""Morphology of grey and binary images of any rank: `dilation`, `erosion`, and what is made of them.

A structuring element is a box, `window_shape`; or a `footprint`, the places in a box that count; or `offsets`, what is
added at each place, which may be learned. Conventions are those of SciPy: the centre of the element is at `size // 2`
along every axis, and a dilation mirrors it there. Padding never counts, as in SciPy with `mode="constant"` and an
infinite `cval`, and in kornia with its default "geodesic". For borders as SciPy has them by default, pad with
`jnp.pad(x, ..., mode="symmetric")` first and crop afterwards.

Layout, dtypes, ties and NaN are those of all pools, see `help(jaxpool)`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxpool._geometry.calls import unknown_name
from jaxpool._pools.morphology import black_hat, closing, dilation, erosion, morphological_gradient, opening, top_hat
from jaxpool._pools.skeleton import soft_skeleton

if not TYPE_CHECKING:
    # Hidden from type checkers, which otherwise take every name for one of the module.
    def __getattr__(name: str) -> Any:
        raise unknown_name("jaxpool.morphology", name, __all__)


__all__ = [
    "black_hat",
    "closing",
    "dilation",
    "erosion",
    "morphological_gradient",
    "opening",
    "soft_skeleton",
    "top_hat",
]
