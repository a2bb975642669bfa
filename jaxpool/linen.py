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
from typing import TYPE_CHECKING, Any

from jax import Array
from jax.typing import DTypeLike

from jaxpool import _layers, _modules
from jaxpool._geometry.calls import unknown_name
from jaxpool._layers.layer import Initializer
from jaxpool._linen import Layer as _Layer
from jaxpool._linen import Module as _Module
from jaxpool.typing import (
    Duplicates,
    FractionalRule,
    Implementation,
    IndexConvention,
    Ints,
    OutputSize,
    Padding,
    PaddingMode,
    Residual,
    Scalar,
    WindowShape,
)

# By these names `typing.get_type_hints` finds the types of the constructors, which Flax makes in this file.
_TYPES = (
    Array,
    Callable,
    DTypeLike,
    Initializer,
    Duplicates,
    FractionalRule,
    Implementation,
    IndexConvention,
    Ints,
    OutputSize,
    Padding,
    PaddingMode,
    Residual,
    Scalar,
    Sequence,
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


class MaxUnpool(_modules.MaxUnpool, _Module):
    """Max unpooling, `jaxpool.max_unpool`, as a `flax.linen` module."""


class AvgUnpool(_modules.AvgUnpool, _Module):
    """Average unpooling, `jaxpool.avg_unpool`, as a `flax.linen` module."""


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


class NetVLAD(_layers.NetVLAD, _Layer):
    """NetVLAD, as a `flax.linen` module."""


class SimPool(_layers.SimPool, _Layer):
    """SimPool, as a `flax.linen` module."""


if not TYPE_CHECKING:
    # Hidden from type checkers, which otherwise take every name for one of the module.
    def __getattr__(name: str) -> Any:
        raise unknown_name("jaxpool.linen", name, __all__)


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
