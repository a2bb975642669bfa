"""Every pool but `jaxpool.pool` as a `flax.nnx` module, and pools with parameters.

A module is made with the arguments of its function after `inputs`, with the same names, order and defaults, and is
called with the arrays: `MaxPool((2, 2), strides=2)(x, where=mask)` is
`jaxpool.max_pool(x, (2, 2), strides=2, where=mask)`. A call may also take an exponent that is learned,
`GlobalPowerMeanPool()(x, p=p)`, and the size of an unpooled plane,
`MaxUnpool((2, 2), 2)(x, indices, output_shape=size)`.
Arguments are checked when a module is made, as far as they can be without inputs; the rest is checked in the call.

Layers with parameters, such as `GeM(512, rngs=rngs)` and `MAPHead(768, num_heads=12, rngs=rngs)`, take the number of
features first and `rngs` by name, then what their documentation lists. `dtype` and `param_dtype` are those of Flax.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from jaxpool import _layers, _modules
from jaxpool._geometry.calls import unknown_name
from jaxpool._nnx import Layer as _Layer
from jaxpool._nnx import Module as _Module


class MaxPool(_modules.MaxPool, _Module):
    """Max pooling, `jaxpool.max_pool`, as a `flax.nnx` module."""


class MinPool(_modules.MinPool, _Module):
    """Min pooling, `jaxpool.min_pool`, as a `flax.nnx` module."""


class MaxPoolWithArgmax(_modules.MaxPoolWithArgmax, _Module):
    """Max pooling with indices, `jaxpool.max_pool_with_argmax`, as a `flax.nnx` module."""


class MinPoolWithArgmin(_modules.MinPoolWithArgmin, _Module):
    """Min pooling with indices, `jaxpool.min_pool_with_argmin`, as a `flax.nnx` module."""


# The name that the class had first.
MinPoolWithArgmax = MinPoolWithArgmin


class AvgPool(_modules.AvgPool, _Module):
    """Average pooling, `jaxpool.avg_pool`, as a `flax.nnx` module."""


class SumPool(_modules.SumPool, _Module):
    """Sum pooling, `jaxpool.sum_pool`, as a `flax.nnx` module."""


class LpPool(_modules.LpPool, _Module):
    """Lp pooling, `jaxpool.lp_pool`, as a `flax.nnx` module."""


class PowerMeanPool(_modules.PowerMeanPool, _Module):
    """Power mean pooling, `jaxpool.power_mean_pool`, as a `flax.nnx` module."""


class SoftmaxPool(_modules.SoftmaxPool, _Module):
    """Softmax pooling, `jaxpool.softmax_pool`, as a `flax.nnx` module."""


class GlobalSoftmaxPool(_modules.GlobalSoftmaxPool, _Module):
    """Global softmax pooling, `jaxpool.global_softmax_pool`, as a `flax.nnx` module."""


class WeightedAvgPool(_modules.WeightedAvgPool, _Module):
    """Weighted average pooling, `jaxpool.weighted_avg_pool`, as a `flax.nnx` module."""


class GlobalWeightedAvgPool(_modules.GlobalWeightedAvgPool, _Module):
    """Global weighted average pooling, `jaxpool.global_weighted_avg_pool`, as a `flax.nnx` module."""


class BlurPool(_modules.BlurPool, _Module):
    """Blur pooling, `jaxpool.blur_pool`, as a `flax.nnx` module."""


class VarPool(_modules.VarPool, _Module):
    """Variance pooling, `jaxpool.var_pool`, as a `flax.nnx` module."""


class StdPool(_modules.StdPool, _Module):
    """Standard deviation pooling, `jaxpool.std_pool`, as a `flax.nnx` module."""


class GlobalVarPool(_modules.GlobalVarPool, _Module):
    """Global variance pooling, `jaxpool.global_var_pool`, as a `flax.nnx` module."""


class GlobalStdPool(_modules.GlobalStdPool, _Module):
    """Global standard deviation pooling, `jaxpool.global_std_pool`, as a `flax.nnx` module."""


class GlobalAvgPool(_modules.GlobalAvgPool, _Module):
    """Global average pooling, `jaxpool.global_avg_pool`, as a `flax.nnx` module."""


class GlobalMaxPool(_modules.GlobalMaxPool, _Module):
    """Global max pooling, `jaxpool.global_max_pool`, as a `flax.nnx` module."""


class GlobalMinPool(_modules.GlobalMinPool, _Module):
    """Global min pooling, `jaxpool.global_min_pool`, as a `flax.nnx` module."""


class GlobalSumPool(_modules.GlobalSumPool, _Module):
    """Global sum pooling, `jaxpool.global_sum_pool`, as a `flax.nnx` module."""


class GlobalLpPool(_modules.GlobalLpPool, _Module):
    """Global Lp pooling, `jaxpool.global_lp_pool`, as a `flax.nnx` module."""


class GlobalPowerMeanPool(_modules.GlobalPowerMeanPool, _Module):
    """Generalised mean pooling (GeM), `jaxpool.global_power_mean_pool`, as a `flax.nnx` module."""


class AdaptiveAvgPool(_modules.AdaptiveAvgPool, _Module):
    """Adaptive average pooling, `jaxpool.adaptive_avg_pool`, as a `flax.nnx` module."""


class AdaptiveMaxPool(_modules.AdaptiveMaxPool, _Module):
    """Adaptive max pooling, `jaxpool.adaptive_max_pool`, as a `flax.nnx` module."""


class AdaptiveMaxPoolWithArgmax(_modules.AdaptiveMaxPoolWithArgmax, _Module):
    """Adaptive max pooling with indices, `jaxpool.adaptive_max_pool_with_argmax`, as a `flax.nnx` module."""


class FractionalMaxPool(_modules.FractionalMaxPool, _Module):
    """Fractional max pooling, `jaxpool.fractional_max_pool`, as a `flax.nnx` module."""


class FractionalMaxPoolWithArgmax(_modules.FractionalMaxPoolWithArgmax, _Module):
    """Fractional max pooling with indices, `jaxpool.fractional_max_pool_with_argmax`, as a `flax.nnx` module."""


class GlobalFirstPool(_modules.GlobalFirstPool, _Module):
    """Global first pooling, `jaxpool.global_first_pool`, as a `flax.nnx` module."""


class GlobalLastPool(_modules.GlobalLastPool, _Module):
    """Global last pooling, `jaxpool.global_last_pool`, as a `flax.nnx` module."""


class SegmentSumPool(_modules.SegmentSumPool, _Module):
    """Segment sum pooling, `jaxpool.segment_sum_pool`, as a `flax.nnx` module."""


class SegmentAvgPool(_modules.SegmentAvgPool, _Module):
    """Segment average pooling, `jaxpool.segment_avg_pool`, as a `flax.nnx` module."""


class SegmentMaxPool(_modules.SegmentMaxPool, _Module):
    """Segment max pooling, `jaxpool.segment_max_pool`, as a `flax.nnx` module."""


class SegmentMinPool(_modules.SegmentMinPool, _Module):
    """Segment min pooling, `jaxpool.segment_min_pool`, as a `flax.nnx` module."""


class SegmentVarPool(_modules.SegmentVarPool, _Module):
    """Segment variance pooling, `jaxpool.segment_var_pool`, as a `flax.nnx` module."""


class SegmentStdPool(_modules.SegmentStdPool, _Module):
    """Segment standard deviation pooling, `jaxpool.segment_std_pool`, as a `flax.nnx` module."""


class SegmentSoftmaxPool(_modules.SegmentSoftmaxPool, _Module):
    """Segment softmax pooling, `jaxpool.segment_softmax_pool`, as a `flax.nnx` module."""


class MaxUnpool(_modules.MaxUnpool, _Module):
    """Max unpooling, `jaxpool.max_unpool`, as a `flax.nnx` module."""


class AvgUnpool(_modules.AvgUnpool, _Module):
    """Average unpooling, `jaxpool.avg_unpool`, as a `flax.nnx` module."""


class LsePool(_modules.LsePool, _Module):
    """Log-sum-exp pooling, `jaxpool.lse_pool`, as a `flax.nnx` module."""


class GlobalLsePool(_modules.GlobalLsePool, _Module):
    """Global log-sum-exp pooling, `jaxpool.global_lse_pool`, as a `flax.nnx` module."""


class GlobalMixedPool(_modules.GlobalMixedPool, _Module):
    """Global mixed pooling, `jaxpool.global_mixed_pool`, as a `flax.nnx` module."""


class ConcatPool(_modules.ConcatPool, _Module):
    """Concatenated pooling, `jaxpool.concat_pool`, as a `flax.nnx` module."""


class GlobalConcatPool(_modules.GlobalConcatPool, _Module):
    """Global concatenated pooling, `jaxpool.global_concat_pool`, as a `flax.nnx` module."""


class GaussianPool(_modules.GaussianPool, _Module):
    """Gaussian pooling, `jaxpool.gaussian_pool`, as a `flax.nnx` module."""


class DetailPreservingPool(_modules.DetailPreservingPool, _Module):
    """Detail-preserving pooling, `jaxpool.detail_preserving_pool`, as a `flax.nnx` module."""


class GlobalStatsPool(_modules.GlobalStatsPool, _Module):
    """Statistics pooling, `jaxpool.global_stats_pool`, as a `flax.nnx` module."""


class AdaptiveLpPool(_modules.AdaptiveLpPool, _Module):
    """Adaptive Lp pooling, `jaxpool.adaptive_lp_pool`, as a `flax.nnx` module."""


class AdaptiveMinPool(_modules.AdaptiveMinPool, _Module):
    """Adaptive min pooling, `jaxpool.adaptive_min_pool`, as a `flax.nnx` module."""


class AdaptivePowerMeanPool(_modules.AdaptivePowerMeanPool, _Module):
    """Adaptive power mean pooling, `jaxpool.adaptive_power_mean_pool`, as a `flax.nnx` module."""


class AdaptiveSumPool(_modules.AdaptiveSumPool, _Module):
    """Adaptive sum pooling, `jaxpool.adaptive_sum_pool`, as a `flax.nnx` module."""


class FractionalAvgPool(_modules.FractionalAvgPool, _Module):
    """Fractional average pooling, `jaxpool.fractional_avg_pool`, as a `flax.nnx` module."""


class GlobalMaxPoolWithArgmax(_modules.GlobalMaxPoolWithArgmax, _Module):
    """Global max pooling with indices, `jaxpool.global_max_pool_with_argmax`, as a `flax.nnx` module."""


class GlobalMinPoolWithArgmin(_modules.GlobalMinPoolWithArgmin, _Module):
    """Global min pooling with indices, `jaxpool.global_min_pool_with_argmin`, as a `flax.nnx` module."""


class PyramidPool(_modules.PyramidPool, _Module):
    """Spatial pyramid pooling, `jaxpool.pyramid_pool`, as a `flax.nnx` module."""


class RmacPool(_modules.RmacPool, _Module):
    """Regional maximum activations, `jaxpool.rmac_pool`, as a `flax.nnx` module."""


class CornerPool(_modules.CornerPool, _Module):
    """Corner pooling, `jaxpool.corner_pool`, as a `flax.nnx` module."""


class HaarPool(_modules.HaarPool, _Module):
    """Haar pooling, `jaxpool.haar_pool`, as a `flax.nnx` module."""


class HaarUnpool(_modules.HaarUnpool, _Module):
    """The inverse of Haar pooling, `jaxpool.haar_unpool`, as a `flax.nnx` module."""


class SpectralPool(_modules.SpectralPool, _Module):
    """Spectral pooling, `jaxpool.spectral_pool`, as a `flax.nnx` module."""


class Windows(_modules.Windows, _Module):
    """Windows as an axis, `jaxpool.windows`, as a `flax.nnx` module."""


class MedianPool(_modules.MedianPool, _Module):
    """Median pooling, `jaxpool.median_pool`, as a `flax.nnx` module."""


class QuantilePool(_modules.QuantilePool, _Module):
    """Quantile pooling, `jaxpool.quantile_pool`, as a `flax.nnx` module."""


class RankPool(_modules.RankPool, _Module):
    """Rank pooling, `jaxpool.rank_pool`, as a `flax.nnx` module."""


class TopkPool(_modules.TopkPool, _Module):
    """Top-k pooling, `jaxpool.topk_pool`, as a `flax.nnx` module."""


class GlobalMedianPool(_modules.GlobalMedianPool, _Module):
    """Global median pooling, `jaxpool.global_median_pool`, as a `flax.nnx` module."""


class GlobalQuantilePool(_modules.GlobalQuantilePool, _Module):
    """Global quantile pooling, `jaxpool.global_quantile_pool`, as a `flax.nnx` module."""


class GlobalTopkPool(_modules.GlobalTopkPool, _Module):
    """Global top-k pooling, `jaxpool.global_topk_pool`, as a `flax.nnx` module."""


class KmaxPool(_modules.KmaxPool, _Module):
    """k-max pooling, `jaxpool.kmax_pool`, as a `flax.nnx` module."""


class LocalMaxima(_modules.LocalMaxima, _Module):
    """Local maxima, `jaxpool.local_maxima`, as a `flax.nnx` module."""


class StochasticPool(_modules.StochasticPool, _Module):
    """Stochastic pooling, `jaxpool.stochastic_pool`, as a `flax.nnx` module."""


class GlobalCovariancePool(_modules.GlobalCovariancePool, _Module):
    """Global covariance pooling, `jaxpool.global_covariance_pool`, as a `flax.nnx` module."""


class AttentionPool(_Layer, _layers.AttentionPool):
    """Attention pooling of bags, plain or gated, as a `flax.nnx` module."""


class AttentionPool2d(_Layer, _layers.AttentionPool2d):
    """Attention pooling of images, as in CLIP, as a `flax.nnx` module."""


class AttentiveStatsPool(_Layer, _layers.AttentiveStatsPool):
    """Attentive statistics pooling (ASP), as a `flax.nnx` module."""


class AutoPool(_Layer, _layers.AutoPool):
    """AutoPool, softmax pooling with a learned sharpness, as a `flax.nnx` module."""


class GatedPool(_Layer, _layers.GatedPool):
    """Gated max-average pooling, as a `flax.nnx` module."""


class GeM(_Layer, _layers.GeM):
    """Generalised mean pooling (GeM) with a learned exponent, as a `flax.nnx` module."""


class LIPPool(_Layer, _layers.LIPPool):
    """Local importance-based pooling (LIP), as a `flax.nnx` module."""


class MAPHead(_Layer, _layers.MAPHead):
    """Multihead attention pooling (MAP), as a `flax.nnx` module."""


class MixedPool(_Layer, _layers.MixedPool):
    """Mixed max-average pooling, as a `flax.nnx` module."""


class PPM(_Layer, _layers.PPM):
    """The pyramid pooling module of PSPNet, as a `flax.nnx` module."""


class NetVLAD(_Layer, _layers.NetVLAD):
    """NetVLAD, as a `flax.nnx` module."""


class SimPool(_Layer, _layers.SimPool):
    """SimPool, as a `flax.nnx` module."""


class RoiAlign(_modules.RoiAlign, _Module):
    """RoIAlign, `jaxpool.roi_align`, as a `flax.nnx` module."""


class RoiPool(_modules.RoiPool, _Module):
    """RoIPool, `jaxpool.roi_pool`, as a `flax.nnx` module."""


class PsRoiAlign(_modules.PsRoiAlign, _Module):
    """Position-sensitive RoIAlign, `jaxpool.ps_roi_align`, as a `flax.nnx` module."""


class PsRoiPool(_modules.PsRoiPool, _Module):
    """Position-sensitive RoIPool, `jaxpool.ps_roi_pool`, as a `flax.nnx` module."""


class AdaPool(_modules.AdaPool, _Module):
    """AdaPool, `jaxpool.ada_pool`, as a `flax.nnx` module."""


if not TYPE_CHECKING:
    # Hidden from type checkers, which otherwise take every name for one of the module.
    def __getattr__(name: str) -> Any:
        raise unknown_name("jaxpool.nnx", name, __all__)


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
