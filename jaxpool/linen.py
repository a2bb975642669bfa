"""Every pool but `jaxpool.pool` as a `flax.linen` module.

A module is made with the arguments of its function after `inputs`, with the same names, order and defaults, and is
called with the arrays: `MaxPool((2, 2), strides=2)(x, where=mask)` is
`jaxpool.max_pool(x, (2, 2), strides=2, where=mask)`. A call may also take an exponent that is learned,
`GlobalPowerMeanPool()(x, p=p)`, and the size of an unpooled plane,
`MaxUnpool((2, 2), 2)(x, indices, output_shape=size)`.
Arguments are checked when a module is made, as far as they can be without inputs; the rest is checked in the call.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from jaxpool import _modules
from jaxpool._geometry.calls import unknown_name
from jaxpool.typing import (
    Direction,
    Duplicates,
    FractionalRule,
    Implementation,
    IndexConvention,
    Ints,
    Levels,
    OutputSize,
    Padding,
    PaddingMode,
    PyramidKind,
    PyramidOrder,
    Plateau,
    QuantileMethod,
    Residual,
    Scalar,
    WindowShape,
)

try:
    from flax import linen as nn
except ImportError as _error:
    raise _modules.needs_flax("jaxpool.linen", _error) from _error

# By these names `typing.get_type_hints` finds the types of the constructors, which Flax makes in this file.
_TYPES = (
    Duplicates,
    Direction,
    FractionalRule,
    Implementation,
    IndexConvention,
    Ints,
    Levels,
    OutputSize,
    Padding,
    PaddingMode,
    PyramidKind,
    PyramidOrder,
    Plateau,
    QuantileMethod,
    Residual,
    Scalar,
    Sequence,
    WindowShape,
)


class _Module(nn.Module):
    """What Flax needs to know of every pool."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        if "__call__" not in vars(cls):
            # Flax sees only those calls that a class defines itself.
            call: Any = cls.__call__
            type.__setattr__(cls, "__call__", call)
        makes_init = "__init__" not in vars(cls)
        super().__init_subclass__(**kwargs)
        if makes_init and issubclass(cls, _modules.Pool):
            init: Any = cls.__init__
            init.__signature__ = _with_names_last(inspect.signature(init))
            type.__setattr__(cls, "__init__", _modules.validated(init))


def _with_names_last(signature: inspect.Signature) -> inspect.Signature:
    """The signature of a constructor with Flax's own arguments, which it would take by position, by name only."""
    parameters = list(signature.parameters.values())
    own = [p for p in parameters if p.name not in ("parent", "name")]
    flax = [p.replace(kind=p.KEYWORD_ONLY) for p in parameters if p.name in ("parent", "name")]
    return signature.replace(parameters=own + flax)


class MaxPool(_modules.MaxPool, _Module):
    """Max pooling, `jaxpool.max_pool`, as a `flax.linen` module."""


class MinPool(_modules.MinPool, _Module):
    """Min pooling, `jaxpool.min_pool`, as a `flax.linen` module."""


class MaxPoolWithArgmax(_modules.MaxPoolWithArgmax, _Module):
    """Max pooling with indices, `jaxpool.max_pool_with_argmax`, as a `flax.linen` module."""


class MinPoolWithArgmin(_modules.MinPoolWithArgmin, _Module):
    """Min pooling with indices, `jaxpool.min_pool_with_argmin`, as a `flax.linen` module."""


# The name that the class had first.
MinPoolWithArgmax = MinPoolWithArgmin


class AvgPool(_modules.AvgPool, _Module):
    """Average pooling, `jaxpool.avg_pool`, as a `flax.linen` module."""


class SumPool(_modules.SumPool, _Module):
    """Sum pooling, `jaxpool.sum_pool`, as a `flax.linen` module."""


class LpPool(_modules.LpPool, _Module):
    """Lp pooling, `jaxpool.lp_pool`, as a `flax.linen` module."""


class PowerMeanPool(_modules.PowerMeanPool, _Module):
    """Power mean pooling, `jaxpool.power_mean_pool`, as a `flax.linen` module."""


class SoftmaxPool(_modules.SoftmaxPool, _Module):
    """Softmax pooling, `jaxpool.softmax_pool`, as a `flax.linen` module."""


class GlobalSoftmaxPool(_modules.GlobalSoftmaxPool, _Module):
    """Global softmax pooling, `jaxpool.global_softmax_pool`, as a `flax.linen` module."""


class WeightedAvgPool(_modules.WeightedAvgPool, _Module):
    """Weighted average pooling, `jaxpool.weighted_avg_pool`, as a `flax.linen` module."""


class GlobalWeightedAvgPool(_modules.GlobalWeightedAvgPool, _Module):
    """Global weighted average pooling, `jaxpool.global_weighted_avg_pool`, as a `flax.linen` module."""


class BlurPool(_modules.BlurPool, _Module):
    """Blur pooling, `jaxpool.blur_pool`, as a `flax.linen` module."""


class VarPool(_modules.VarPool, _Module):
    """Variance pooling, `jaxpool.var_pool`, as a `flax.linen` module."""


class StdPool(_modules.StdPool, _Module):
    """Standard deviation pooling, `jaxpool.std_pool`, as a `flax.linen` module."""


class GlobalVarPool(_modules.GlobalVarPool, _Module):
    """Global variance pooling, `jaxpool.global_var_pool`, as a `flax.linen` module."""


class GlobalStdPool(_modules.GlobalStdPool, _Module):
    """Global standard deviation pooling, `jaxpool.global_std_pool`, as a `flax.linen` module."""


class GlobalAvgPool(_modules.GlobalAvgPool, _Module):
    """Global average pooling, `jaxpool.global_avg_pool`, as a `flax.linen` module."""


class GlobalMaxPool(_modules.GlobalMaxPool, _Module):
    """Global max pooling, `jaxpool.global_max_pool`, as a `flax.linen` module."""


class GlobalMinPool(_modules.GlobalMinPool, _Module):
    """Global min pooling, `jaxpool.global_min_pool`, as a `flax.linen` module."""


class GlobalSumPool(_modules.GlobalSumPool, _Module):
    """Global sum pooling, `jaxpool.global_sum_pool`, as a `flax.linen` module."""


class GlobalLpPool(_modules.GlobalLpPool, _Module):
    """Global Lp pooling, `jaxpool.global_lp_pool`, as a `flax.linen` module."""


class GlobalPowerMeanPool(_modules.GlobalPowerMeanPool, _Module):
    """Generalised mean pooling (GeM), `jaxpool.global_power_mean_pool`, as a `flax.linen` module."""


class AdaptiveAvgPool(_modules.AdaptiveAvgPool, _Module):
    """Adaptive average pooling, `jaxpool.adaptive_avg_pool`, as a `flax.linen` module."""


class AdaptiveMaxPool(_modules.AdaptiveMaxPool, _Module):
    """Adaptive max pooling, `jaxpool.adaptive_max_pool`, as a `flax.linen` module."""


class AdaptiveMaxPoolWithArgmax(_modules.AdaptiveMaxPoolWithArgmax, _Module):
    """Adaptive max pooling with indices, `jaxpool.adaptive_max_pool_with_argmax`, as a `flax.linen` module."""


class FractionalMaxPool(_modules.FractionalMaxPool, _Module):
    """Fractional max pooling, `jaxpool.fractional_max_pool`, as a `flax.linen` module."""


class FractionalMaxPoolWithArgmax(_modules.FractionalMaxPoolWithArgmax, _Module):
    """Fractional max pooling with indices, `jaxpool.fractional_max_pool_with_argmax`, as a `flax.linen` module."""


class MaxUnpool(_modules.MaxUnpool, _Module):
    """Max unpooling, `jaxpool.max_unpool`, as a `flax.linen` module."""


class AvgUnpool(_modules.AvgUnpool, _Module):
    """Average unpooling, `jaxpool.avg_unpool`, as a `flax.linen` module."""


class LsePool(_modules.LsePool, _Module):
    """Log-sum-exp pooling, `jaxpool.lse_pool`, as a `flax.linen` module."""


class GlobalLsePool(_modules.GlobalLsePool, _Module):
    """Global log-sum-exp pooling, `jaxpool.global_lse_pool`, as a `flax.linen` module."""


class GlobalMixedPool(_modules.GlobalMixedPool, _Module):
    """Global mixed pooling, `jaxpool.global_mixed_pool`, as a `flax.linen` module."""


class ConcatPool(_modules.ConcatPool, _Module):
    """Concatenated pooling, `jaxpool.concat_pool`, as a `flax.linen` module."""


class GlobalConcatPool(_modules.GlobalConcatPool, _Module):
    """Global concatenated pooling, `jaxpool.global_concat_pool`, as a `flax.linen` module."""


class GaussianPool(_modules.GaussianPool, _Module):
    """Gaussian pooling, `jaxpool.gaussian_pool`, as a `flax.linen` module."""


class DetailPreservingPool(_modules.DetailPreservingPool, _Module):
    """Detail-preserving pooling, `jaxpool.detail_preserving_pool`, as a `flax.linen` module."""


class GlobalStatsPool(_modules.GlobalStatsPool, _Module):
    """Statistics pooling, `jaxpool.global_stats_pool`, as a `flax.linen` module."""
class AdaptiveLpPool(_modules.AdaptiveLpPool, _Module):
    """Adaptive Lp pooling, `jaxpool.adaptive_lp_pool`, as a `flax.linen` module."""


class AdaptiveMinPool(_modules.AdaptiveMinPool, _Module):
    """Adaptive min pooling, `jaxpool.adaptive_min_pool`, as a `flax.linen` module."""


class AdaptivePowerMeanPool(_modules.AdaptivePowerMeanPool, _Module):
    """Adaptive power mean pooling, `jaxpool.adaptive_power_mean_pool`, as a `flax.linen` module."""


class AdaptiveSumPool(_modules.AdaptiveSumPool, _Module):
    """Adaptive sum pooling, `jaxpool.adaptive_sum_pool`, as a `flax.linen` module."""


class FractionalAvgPool(_modules.FractionalAvgPool, _Module):
    """Fractional average pooling, `jaxpool.fractional_avg_pool`, as a `flax.linen` module."""


class GlobalMaxPoolWithArgmax(_modules.GlobalMaxPoolWithArgmax, _Module):
    """Global max pooling with indices, `jaxpool.global_max_pool_with_argmax`, as a `flax.linen` module."""


class GlobalMinPoolWithArgmin(_modules.GlobalMinPoolWithArgmin, _Module):
    """Global min pooling with indices, `jaxpool.global_min_pool_with_argmin`, as a `flax.linen` module."""


class PyramidPool(_modules.PyramidPool, _Module):
    """Spatial pyramid pooling, `jaxpool.pyramid_pool`, as a `flax.linen` module."""


class RmacPool(_modules.RmacPool, _Module):
    """Regional maximum activations, `jaxpool.rmac_pool`, as a `flax.linen` module."""
class CornerPool(_modules.CornerPool, _Module):
    """Corner pooling, `jaxpool.corner_pool`, as a `flax.linen` module."""


class HaarPool(_modules.HaarPool, _Module):
    """Haar pooling, `jaxpool.haar_pool`, as a `flax.linen` module."""


class HaarUnpool(_modules.HaarUnpool, _Module):
    """The inverse of Haar pooling, `jaxpool.haar_unpool`, as a `flax.linen` module."""


class SpectralPool(_modules.SpectralPool, _Module):
    """Spectral pooling, `jaxpool.spectral_pool`, as a `flax.linen` module."""


class Windows(_modules.Windows, _Module):
    """Windows as an axis, `jaxpool.windows`, as a `flax.linen` module."""
class MedianPool(_modules.MedianPool, _Module):
    """Median pooling, `jaxpool.median_pool`, as a `flax.linen` module."""


class QuantilePool(_modules.QuantilePool, _Module):
    """Quantile pooling, `jaxpool.quantile_pool`, as a `flax.linen` module."""


class RankPool(_modules.RankPool, _Module):
    """Rank pooling, `jaxpool.rank_pool`, as a `flax.linen` module."""


class TopkPool(_modules.TopkPool, _Module):
    """Top-k pooling, `jaxpool.topk_pool`, as a `flax.linen` module."""


class GlobalMedianPool(_modules.GlobalMedianPool, _Module):
    """Global median pooling, `jaxpool.global_median_pool`, as a `flax.linen` module."""


class GlobalQuantilePool(_modules.GlobalQuantilePool, _Module):
    """Global quantile pooling, `jaxpool.global_quantile_pool`, as a `flax.linen` module."""


class GlobalTopkPool(_modules.GlobalTopkPool, _Module):
    """Global top-k pooling, `jaxpool.global_topk_pool`, as a `flax.linen` module."""


class KmaxPool(_modules.KmaxPool, _Module):
    """k-max pooling, `jaxpool.kmax_pool`, as a `flax.linen` module."""


class LocalMaxima(_modules.LocalMaxima, _Module):
    """Local maxima, `jaxpool.local_maxima`, as a `flax.linen` module."""


class StochasticPool(_modules.StochasticPool, _Module):
    """Stochastic pooling, `jaxpool.stochastic_pool`, as a `flax.linen` module."""

    def own_key(self) -> Any:
        """A key of the stream "pool", or None for a module without one."""
        # As for dropout, `init` alone may have no stream but that of the parameters.
        found = self.scope is not None and (self.has_rng("pool") or self.has_rng("params"))
        return self.make_rng("pool") if found else None


if not TYPE_CHECKING:
    # Hidden from type checkers, which otherwise take every name for one of the module.
    def __getattr__(name: str) -> Any:
        raise unknown_name("jaxpool.linen", name, __all__)


__all__ = [
    "AdaptiveAvgPool",
    "AdaptiveLpPool",
    "AdaptiveMaxPool",
    "AdaptiveMaxPoolWithArgmax",
    "AdaptiveMinPool",
    "AdaptivePowerMeanPool",
    "AdaptiveSumPool",
    "AvgPool",
    "AvgUnpool",
    "BlurPool",
    "ConcatPool",
    "DetailPreservingPool",
    "FractionalAvgPool",
    "CornerPool",
    "FractionalMaxPool",
    "FractionalMaxPoolWithArgmax",
    "GaussianPool",
    "GlobalAvgPool",
    "GlobalConcatPool",
    "GlobalLpPool",
    "GlobalLsePool",
    "GlobalMaxPool",
    "GlobalMaxPoolWithArgmax",
    "GlobalMedianPool",
    "GlobalMinPool",
    "GlobalMixedPool",
    "GlobalMinPoolWithArgmin",
    "GlobalPowerMeanPool",
    "GlobalQuantilePool",
    "GlobalSoftmaxPool",
    "GlobalStatsPool",
    "GlobalStdPool",
    "GlobalSumPool",
    "GlobalTopkPool",
    "GlobalVarPool",
    "GlobalWeightedAvgPool",
    "HaarPool",
    "HaarUnpool",
    "KmaxPool",
    "LocalMaxima",
    "LpPool",
    "LsePool",
    "MaxPool",
    "MaxPoolWithArgmax",
    "MaxUnpool",
    "MedianPool",
    "MinPool",
    "MinPoolWithArgmin",
    "PowerMeanPool",
    "PyramidPool",
    "RmacPool",
    "QuantilePool",
    "RankPool",
    "SoftmaxPool",
    "SpectralPool",
    "StdPool",
    "StochasticPool",
    "SumPool",
    "TopkPool",
    "VarPool",
    "WeightedAvgPool",
    "Windows",
]
