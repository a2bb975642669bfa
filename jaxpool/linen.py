"""Every pool but `jaxpool.pool` as a `flax.linen` module, and pools with parameters.

A module is made with the arguments of its function after `inputs`, with the same names, order and defaults, and is
called with the arrays: `MaxPool((2, 2), strides=2)(x, where=mask)` is
`jaxpool.max_pool(x, (2, 2), strides=2, where=mask)`. A call may also take an exponent that is learned,
`GlobalPowerMeanPool()(x, p=p)`, and the size of an unpooled plane,
`MaxUnpool((2, 2), 2)(x, indices, output_shape=size)`.
Arguments are checked when a module is made, as far as they can be without inputs; the rest is checked in the call.

Layers with parameters, such as `GeM()` and `MAPHead(num_heads=12)`, are made with what their documentation lists, and
initialised and applied like any module of Flax. `dtype` and `param_dtype` are those of Flax.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, SupportsIndex

from jax import Array
from jax.typing import DTypeLike

from jaxpool import _layers, _modules
from jaxpool._geometry.calls import unknown_name
from jaxpool._layers.layer import Initializer
from jaxpool._linen import Layer as _Layer
from jaxpool._linen import Module as _Module
from jaxpool.typing import (
    AxisNames,
    ConcatOrder,
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
    Plateau,
    PyramidKind,
    PyramidOrder,
    QuantileMethod,
    RegionMode,
    RegionSize,
    Residual,
    RoundingMode,
    Scalar,
    WindowShape,
)

# By these names `typing.get_type_hints` finds the types of the constructors, which Flax makes in this file.
_TYPES = (
    Array,
    AxisNames,
    Callable,
    DTypeLike,
    Initializer,
    Duplicates,
    ConcatOrder,
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
    RegionMode,
    RegionSize,
    Residual,
    RoundingMode,
    Scalar,
    Sequence,
    SupportsIndex,
    WindowShape,
)


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


class GlobalFirstPool(_modules.GlobalFirstPool, _Module):
    """Global first pooling, `jaxpool.global_first_pool`, as a `flax.linen` module."""


class GlobalLastPool(_modules.GlobalLastPool, _Module):
    """Global last pooling, `jaxpool.global_last_pool`, as a `flax.linen` module."""


class SegmentSumPool(_modules.SegmentSumPool, _Module):
    """Segment sum pooling, `jaxpool.segment_sum_pool`, as a `flax.linen` module."""


class SegmentAvgPool(_modules.SegmentAvgPool, _Module):
    """Segment average pooling, `jaxpool.segment_avg_pool`, as a `flax.linen` module."""


class SegmentMaxPool(_modules.SegmentMaxPool, _Module):
    """Segment max pooling, `jaxpool.segment_max_pool`, as a `flax.linen` module."""


class SegmentMinPool(_modules.SegmentMinPool, _Module):
    """Segment min pooling, `jaxpool.segment_min_pool`, as a `flax.linen` module."""


class SegmentVarPool(_modules.SegmentVarPool, _Module):
    """Segment variance pooling, `jaxpool.segment_var_pool`, as a `flax.linen` module."""


class SegmentStdPool(_modules.SegmentStdPool, _Module):
    """Segment standard deviation pooling, `jaxpool.segment_std_pool`, as a `flax.linen` module."""


class SegmentSoftmaxPool(_modules.SegmentSoftmaxPool, _Module):
    """Segment softmax pooling, `jaxpool.segment_softmax_pool`, as a `flax.linen` module."""


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


class GlobalCovariancePool(_modules.GlobalCovariancePool, _Module):
    """Global covariance pooling, `jaxpool.global_covariance_pool`, as a `flax.linen` module."""


class AttentionPool(_layers.AttentionPool, _Layer):
    """Attention pooling of bags, plain or gated, as a `flax.linen` module."""


class AttentionPool2d(_layers.AttentionPool2d, _Layer):
    """Attention pooling of images, as in CLIP, as a `flax.linen` module."""


class AttentiveStatsPool(_layers.AttentiveStatsPool, _Layer):
    """Attentive statistics pooling (ASP), as a `flax.linen` module."""


class AutoPool(_layers.AutoPool, _Layer):
    """AutoPool, softmax pooling with a learned sharpness, as a `flax.linen` module."""


class GatedPool(_layers.GatedPool, _Layer):
    """Gated max-average pooling, as a `flax.linen` module."""


class GeM(_layers.GeM, _Layer):
    """Generalised mean pooling (GeM) with a learned exponent, as a `flax.linen` module."""


class LIPPool(_layers.LIPPool, _Layer):
    """Local importance-based pooling (LIP), as a `flax.linen` module."""


class MAPHead(_layers.MAPHead, _Layer):
    """Multihead attention pooling (MAP), as a `flax.linen` module."""


class MixedPool(_layers.MixedPool, _Layer):
    """Mixed max-average pooling, as a `flax.linen` module."""


class PPM(_layers.PPM, _Layer):
    """The pyramid pooling module of PSPNet, as a `flax.linen` module."""


class NetVLAD(_layers.NetVLAD, _Layer):
    """NetVLAD, as a `flax.linen` module."""


class SimPool(_layers.SimPool, _Layer):
    """SimPool, as a `flax.linen` module."""


class RoiAlign(_modules.RoiAlign, _Module):
    """RoIAlign, `jaxpool.roi_align`, as a `flax.linen` module."""


class RoiPool(_modules.RoiPool, _Module):
    """RoIPool, `jaxpool.roi_pool`, as a `flax.linen` module."""


class PsRoiAlign(_modules.PsRoiAlign, _Module):
    """Position-sensitive RoIAlign, `jaxpool.ps_roi_align`, as a `flax.linen` module."""


class PsRoiPool(_modules.PsRoiPool, _Module):
    """Position-sensitive RoIPool, `jaxpool.ps_roi_pool`, as a `flax.linen` module."""


class AdaPool(_modules.AdaPool, _Module):
    """AdaPool, `jaxpool.ada_pool`, as a `flax.linen` module."""


if not TYPE_CHECKING:
    # Hidden from type checkers, which otherwise take every name for one of the module.
    def __getattr__(name: str) -> Any:
        raise unknown_name("jaxpool.linen", name, __all__)


__all__ = [
    "PPM",
    "AdaPool",
    "AdaptiveAvgPool",
    "AdaptiveLpPool",
    "AdaptiveMaxPool",
    "AdaptiveMaxPoolWithArgmax",
    "AdaptiveMinPool",
    "AdaptivePowerMeanPool",
    "AdaptiveSumPool",
    "AttentionPool",
    "AttentionPool2d",
    "AttentiveStatsPool",
    "AutoPool",
    "AvgPool",
    "AvgUnpool",
    "BlurPool",
    "ConcatPool",
    "CornerPool",
    "DetailPreservingPool",
    "FractionalAvgPool",
    "FractionalMaxPool",
    "FractionalMaxPoolWithArgmax",
    "GatedPool",
    "GaussianPool",
    "GeM",
    "GlobalAvgPool",
    "GlobalConcatPool",
    "GlobalCovariancePool",
    "GlobalFirstPool",
    "GlobalLastPool",
    "GlobalLpPool",
    "GlobalLsePool",
    "GlobalMaxPool",
    "GlobalMaxPoolWithArgmax",
    "GlobalMedianPool",
    "GlobalMinPool",
    "GlobalMinPoolWithArgmin",
    "GlobalMixedPool",
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
    "LIPPool",
    "LocalMaxima",
    "LpPool",
    "LsePool",
    "MAPHead",
    "MaxPool",
    "MaxPoolWithArgmax",
    "MaxUnpool",
    "MedianPool",
    "MinPool",
    "MinPoolWithArgmin",
    "MixedPool",
    "NetVLAD",
    "PowerMeanPool",
    "PsRoiAlign",
    "PsRoiPool",
    "PyramidPool",
    "QuantilePool",
    "RankPool",
    "RmacPool",
    "RoiAlign",
    "RoiPool",
    "SegmentAvgPool",
    "SegmentMaxPool",
    "SegmentMinPool",
    "SegmentSoftmaxPool",
    "SegmentStdPool",
    "SegmentSumPool",
    "SegmentVarPool",
    "SimPool",
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
