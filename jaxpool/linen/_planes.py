"""Pools of whole planes: global ones, corners, the largest elements of a sequence, as `flax.linen` modules."""

from __future__ import annotations

from jaxpool import _modules
from jaxpool.linen._module import Module


class GlobalSoftmaxPool(_modules.GlobalSoftmaxPool, Module):
    """Global softmax pooling, `jaxpool.global_softmax_pool`, as a `flax.linen` module."""


class GlobalWeightedAvgPool(_modules.GlobalWeightedAvgPool, Module):
    """Global weighted average pooling, `jaxpool.global_weighted_avg_pool`, as a `flax.linen` module."""


class GlobalVarPool(_modules.GlobalVarPool, Module):
    """Global variance pooling, `jaxpool.global_var_pool`, as a `flax.linen` module."""


class GlobalStdPool(_modules.GlobalStdPool, Module):
    """Global standard deviation pooling, `jaxpool.global_std_pool`, as a `flax.linen` module."""


class GlobalAvgPool(_modules.GlobalAvgPool, Module):
    """Global average pooling, `jaxpool.global_avg_pool`, as a `flax.linen` module."""


class GlobalMaxPool(_modules.GlobalMaxPool, Module):
    """Global max pooling, `jaxpool.global_max_pool`, as a `flax.linen` module."""


class GlobalMinPool(_modules.GlobalMinPool, Module):
    """Global min pooling, `jaxpool.global_min_pool`, as a `flax.linen` module."""


class GlobalSumPool(_modules.GlobalSumPool, Module):
    """Global sum pooling, `jaxpool.global_sum_pool`, as a `flax.linen` module."""


class GlobalLpPool(_modules.GlobalLpPool, Module):
    """Global Lp pooling, `jaxpool.global_lp_pool`, as a `flax.linen` module."""


class GlobalPowerMeanPool(_modules.GlobalPowerMeanPool, Module):
    """Generalised mean pooling (GeM), `jaxpool.global_power_mean_pool`, as a `flax.linen` module."""


class GlobalFirstPool(_modules.GlobalFirstPool, Module):
    """Global first pooling, `jaxpool.global_first_pool`, as a `flax.linen` module."""


class GlobalLastPool(_modules.GlobalLastPool, Module):
    """Global last pooling, `jaxpool.global_last_pool`, as a `flax.linen` module."""


class GlobalLsePool(_modules.GlobalLsePool, Module):
    """Global log-sum-exp pooling, `jaxpool.global_lse_pool`, as a `flax.linen` module."""


class GlobalMixedPool(_modules.GlobalMixedPool, Module):
    """Global mixed pooling, `jaxpool.global_mixed_pool`, as a `flax.linen` module."""


class GlobalConcatPool(_modules.GlobalConcatPool, Module):
    """Global concatenated pooling, `jaxpool.global_concat_pool`, as a `flax.linen` module."""


class GlobalStatsPool(_modules.GlobalStatsPool, Module):
    """Statistics pooling, `jaxpool.global_stats_pool`, as a `flax.linen` module."""


class GlobalMaxPoolWithArgmax(_modules.GlobalMaxPoolWithArgmax, Module):
    """Global max pooling with indices, `jaxpool.global_max_pool_with_argmax`, as a `flax.linen` module."""


class GlobalMinPoolWithArgmin(_modules.GlobalMinPoolWithArgmin, Module):
    """Global min pooling with indices, `jaxpool.global_min_pool_with_argmin`, as a `flax.linen` module."""


class CornerPool(_modules.CornerPool, Module):
    """Corner pooling, `jaxpool.corner_pool`, as a `flax.linen` module."""


class GlobalMedianPool(_modules.GlobalMedianPool, Module):
    """Global median pooling, `jaxpool.global_median_pool`, as a `flax.linen` module."""


class GlobalQuantilePool(_modules.GlobalQuantilePool, Module):
    """Global quantile pooling, `jaxpool.global_quantile_pool`, as a `flax.linen` module."""


class GlobalTopkPool(_modules.GlobalTopkPool, Module):
    """Global top-k pooling, `jaxpool.global_topk_pool`, as a `flax.linen` module."""


class KmaxPool(_modules.KmaxPool, Module):
    """k-max pooling, `jaxpool.kmax_pool`, as a `flax.linen` module."""


class GlobalCovariancePool(_modules.GlobalCovariancePool, Module):
    """Global covariance pooling, `jaxpool.global_covariance_pool`, as a `flax.linen` module."""
