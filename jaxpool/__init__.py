"""Pooling for JAX: pure functions on CPU, GPU and TPU, differentiable to any order in both modes.

The rules that every pool keeps:

- **Strides** default to 1.
- **Layout**: `(*batch, *spatial, features)` with any number of batch axes. `channel_axis` names another axis for the
  features, or None. Count it from the end, -3 for images with channels first: 1 is another axis under `vmap`.
- **Dtypes**: floats keep theirs. f16, bf16 and fp8 are summed in f32. Maxima and minima work on floats, integers and
  booleans. Averages of integers have the dtype of `jnp.mean`, or their own with a `rounding_mode`. Sums and averages
  take complex numbers, all other pools real ones.
- **Borders of averages**: padding counts in the divisor unless `count_include_pad=False`. What ceil mode adds never
  counts.
- **Ties**: the first in row-major order has the index and the gradient. 0 and -0 are equal. On TPU the gradient of a
  maximum is XLA's native scatter, and ties follow its order of scanning.
- **NaN**: the value is NaN, and index and gradient are those of the first NaN.
- **-inf and the smallest integers** are ordinary values: indices and gradients are those of real elements, never of
  padding.
- **Ceil mode** is PyTorch's: the last window starts inside the input or its low padding. With more padding than
  PyTorch allows it can give fewer windows than floor mode.
- **A window wholly in padding** is refused for maxima, minima and averages that do not count padding. A window that
  does not fit is an error, where Flax returns an empty array. Softmax, weighted and variance pools return 0 in padding.
  Negative padding crops.
- **Masks**: `where` has as many axes as the inputs, each of their size or 1. Elements left out take no part. A window
  without any valid element gives 0, or the smallest value of the dtype for a maximum, and no gradient. If all valid
  elements of a window are -inf, the index is right and the gradient is 0.
- **Norms** are of absolute values. Their gradient at 0 is 0, no power overflows on the way, and derivatives vanish
  where elements are within a factor of four of the largest float, or near the smallest.
- **Residuals**: a maximum keeps one position in the window per output, one byte up to 256 elements, or the input with
  `residual="input"`, which is the default on TPU. Averages keep at most a map of divisors.
- **Runs repeat** bit by bit on one device. Outside of TPU no scatter runs, except where indices depend on data:
  `max_unpool`, the gradients of `fractional_max_pool` and of order statistics of whole planes, and pools of sets. Sums
  of the latter repeat on a GPU only with `indices_are_sorted=True`, which needs no scatter.

Finer limits:

- Traced indices, exponents and samples are not checked for their range.
- The gradient of `pool` is that of the operation itself, which decides ties and keeps intermediate results. Only
  `lax.max`, `lax.min`, `lax.add` and their namesakes in `jnp`, on one array, are the library's own operators.
- Of zeros of both signs that are the largest, XLA's own window (on TPU, or by the name "reduce_window") and the
  global pools return either. XLA:CPU's own window can lose NaN in large planes.
- In `jax.export`, `implementation="reduce_window"` takes symbolic spatial sizes, but no ceil mode, no "SAME" with a
  stride above the window, and indices only with `index_convention="window"`. Whether the window fits is not checked
  then.
- Explicit sharding may split batch, channels and space. Where it splits space, windowed pools exchange halos, and
  global ones their results. Shards must be whole multiples of the stride, with as many outputs as steps, such as
  padding "SAME" gives. Adaptive bins within shards need no exchange. Other adaptive pools, fractional and random ones,
  order statistics of whole planes, and pools with weights for each tap gather space first.
- Under automatic sharding the partitioner decides. On CPU and GPU it exchanges far more than halos where space is
  split; `max_unpool` and the gradient of fractional pools gather a sharded batch.
- Floats of fewer than 8 bits are not tested.
"""

import importlib.metadata as _metadata
from typing import TYPE_CHECKING, Any

from jaxpool._geometry.calls import submodule, unknown_name
from jaxpool._pools.adaptive import adaptive_avg_pool, adaptive_max_pool, adaptive_max_pool_with_argmax
from jaxpool._pools.adaptive_reductions import (
    adaptive_lp_pool,
    adaptive_min_pool,
    adaptive_pool,
    adaptive_power_mean_pool,
    adaptive_sum_pool,
)
from jaxpool._pools.argextremum import max_pool_with_argmax, min_pool_with_argmin
from jaxpool._pools.average import avg_pool, sum_pool
from jaxpool._pools.avg_unpool import avg_unpool
from jaxpool._pools.blur import blur_pool
from jaxpool._pools.concat import concat_pool, global_concat_pool
from jaxpool._pools.corner import corner_pool
from jaxpool._pools.covariance import global_covariance_pool
from jaxpool._pools.detail import ada_pool, detail_preserving_pool
from jaxpool._pools.extremum import max_pool, min_pool
from jaxpool._pools.fractional import fractional_avg_pool, fractional_max_pool, fractional_max_pool_with_argmax
from jaxpool._pools.gaussian import gaussian_pool
from jaxpool._pools.global_pools import (
    global_avg_pool,
    global_max_pool,
    global_max_pool_with_argmax,
    global_min_pool,
    global_min_pool_with_argmin,
    global_sum_pool,
)
from jaxpool._pools.haar import haar_pool, haar_unpool
from jaxpool._pools.halo import halo_exchange
from jaxpool._pools.indices import indices_from_onnx, indices_from_tf, indices_to_onnx, indices_to_tf
from jaxpool._pools.inspect import chosen_implementation, output_shape
from jaxpool._pools.logsumexp import global_lse_pool, lse_pool
from jaxpool._pools.max_unpool import max_unpool
from jaxpool._pools.mixed import gated_pool, global_mixed_pool, mixed_pool
from jaxpool._pools.moments import global_stats_pool, global_std_pool, global_var_pool, std_pool, var_pool
from jaxpool._pools.order import median_pool, quantile_pool, rank_pool, topk_pool
from jaxpool._pools.order_of_planes import global_median_pool, global_quantile_pool, global_topk_pool, kmax_pool
from jaxpool._pools.peaks import local_maxima
from jaxpool._pools.power import global_lp_pool, global_power_mean_pool, lp_pool, power_mean_pool
from jaxpool._pools.pyramids import pyramid_pool, rmac_pool
from jaxpool._pools.reduce import pool
from jaxpool._pools.regions import ps_roi_align, ps_roi_pool, roi_align, roi_pool
from jaxpool._pools.segment_extremum import segment_max_pool, segment_min_pool
from jaxpool._pools.segments import (
    segment_avg_pool,
    segment_softmax_pool,
    segment_std_pool,
    segment_sum_pool,
    segment_var_pool,
)
from jaxpool._pools.sequences import global_first_pool, global_last_pool, mask_from_lengths, pooled_lengths, pooled_mask
from jaxpool._pools.softmax import global_softmax_pool, softmax_pool
from jaxpool._pools.spectral import spectral_pool
from jaxpool._pools.stochastic import stochastic_pool
from jaxpool._pools.views import windows
from jaxpool._pools.weighted import global_weighted_avg_pool, weighted_avg_pool
from jaxpool._tiles.pools import pool_tiles

if TYPE_CHECKING:
    from jaxpool import linen as linen
    from jaxpool import morphology as morphology
    from jaxpool import nnx as nnx
    from jaxpool import torch as torch
else:
    # Hidden from type checkers, which otherwise take every name for one of the package.
    def __getattr__(name: str) -> Any:
        found = submodule("jaxpool", name)
        if found is None:
            raise unknown_name("jaxpool", name, __all__)
        return found

    def __dir__() -> list[str]:
        return [*__all__, "__version__", "linen", "morphology", "nnx", "onnx", "torch"]


try:
    __version__ = _metadata.version("jaxpool")
except _metadata.PackageNotFoundError:
    # It is read from a folder, such as one of PYTHONPATH, and not installed.
    __version__ = "0+unknown"

# The name that the function had first.
min_pool_with_argmax = min_pool_with_argmin
# Values are put back alike, whatever they are.
min_unpool = max_unpool

__all__ = [
    "ada_pool",
    "adaptive_avg_pool",
    "adaptive_lp_pool",
    "adaptive_max_pool",
    "adaptive_max_pool_with_argmax",
    "adaptive_min_pool",
    "adaptive_pool",
    "adaptive_power_mean_pool",
    "adaptive_sum_pool",
    "avg_pool",
    "avg_unpool",
    "blur_pool",
    "chosen_implementation",
    "concat_pool",
    "corner_pool",
    "detail_preserving_pool",
    "fractional_avg_pool",
    "fractional_max_pool",
    "fractional_max_pool_with_argmax",
    "gated_pool",
    "gaussian_pool",
    "global_avg_pool",
    "global_concat_pool",
    "global_covariance_pool",
    "global_first_pool",
    "global_last_pool",
    "global_lp_pool",
    "global_lse_pool",
    "global_max_pool",
    "global_max_pool_with_argmax",
    "global_median_pool",
    "global_min_pool",
    "global_min_pool_with_argmin",
    "global_mixed_pool",
    "global_power_mean_pool",
    "global_quantile_pool",
    "global_softmax_pool",
    "global_stats_pool",
    "global_std_pool",
    "global_sum_pool",
    "global_topk_pool",
    "global_var_pool",
    "global_weighted_avg_pool",
    "haar_pool",
    "haar_unpool",
    "halo_exchange",
    "indices_from_onnx",
    "indices_from_tf",
    "indices_to_onnx",
    "indices_to_tf",
    "kmax_pool",
    "local_maxima",
    "lp_pool",
    "lse_pool",
    "mask_from_lengths",
    "max_pool",
    "max_pool_with_argmax",
    "max_unpool",
    "median_pool",
    "min_pool",
    "min_pool_with_argmin",
    "mixed_pool",
    "output_shape",
    "pool",
    "pool_tiles",
    "pooled_lengths",
    "pooled_mask",
    "power_mean_pool",
    "ps_roi_align",
    "ps_roi_pool",
    "pyramid_pool",
    "quantile_pool",
    "rank_pool",
    "rmac_pool",
    "roi_align",
    "roi_pool",
    "segment_avg_pool",
    "segment_max_pool",
    "segment_min_pool",
    "segment_softmax_pool",
    "segment_std_pool",
    "segment_sum_pool",
    "segment_var_pool",
    "softmax_pool",
    "spectral_pool",
    "std_pool",
    "stochastic_pool",
    "sum_pool",
    "topk_pool",
    "var_pool",
    "weighted_avg_pool",
    "windows",
]
