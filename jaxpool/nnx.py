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


class MaxUnpool(_modules.MaxUnpool, _Module):
    """Max unpooling, `jaxpool.max_unpool`, as a `flax.nnx` module."""


class AvgUnpool(_modules.AvgUnpool, _Module):
    """Average unpooling, `jaxpool.avg_unpool`, as a `flax.nnx` module."""


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


class NetVLAD(_Layer, _layers.NetVLAD):
    """NetVLAD, as a `flax.nnx` module."""


class SimPool(_Layer, _layers.SimPool):
    """SimPool, as a `flax.nnx` module."""


if not TYPE_CHECKING:
    # Hidden from type checkers, which otherwise take every name for one of the module.
    def __getattr__(name: str) -> Any:
        raise unknown_name("jaxpool.nnx", name, __all__)


__all__ = [
    "AdaptiveAvgPool",
    "AdaptiveMaxPool",
    "AdaptiveMaxPoolWithArgmax",
    "AttentionPool",
    "AttentionPool2d",
    "AttentiveStatsPool",
    "AutoPool",
    "AvgPool",
    "AvgUnpool",
    "BlurPool",
    "FractionalMaxPool",
    "FractionalMaxPoolWithArgmax",
    "GatedPool",
    "GeM",
    "GlobalAvgPool",
    "GlobalCovariancePool",
    "GlobalLpPool",
    "GlobalMaxPool",
    "GlobalMinPool",
    "GlobalPowerMeanPool",
    "GlobalSoftmaxPool",
    "GlobalStdPool",
    "GlobalSumPool",
    "GlobalVarPool",
    "GlobalWeightedAvgPool",
    "LIPPool",
    "LpPool",
    "MAPHead",
    "MaxPool",
    "MaxPoolWithArgmax",
    "MaxUnpool",
    "MinPool",
    "MinPoolWithArgmin",
    "MixedPool",
    "NetVLAD",
    "PowerMeanPool",
    "SimPool",
    "SoftmaxPool",
    "StdPool",
    "SumPool",
    "VarPool",
    "WeightedAvgPool",
]
