"""Every pool but `jaxpool.pool` as a `flax.nnx` module.

A module is made with the arguments of its function after `inputs`, with the same names, order and defaults, and is
called with the arrays: `MaxPool((2, 2), strides=2)(x, where=mask)` is
`jaxpool.max_pool(x, (2, 2), strides=2, where=mask)`. A call may also take an exponent that is learned,
`GlobalPowerMeanPool()(x, p=p)`, and the size of an unpooled plane,
`MaxUnpool((2, 2), 2)(x, indices, output_shape=size)`.
Arguments are checked when a module is made, as far as they can be without inputs; the rest is checked in the call.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar

from jaxpool import _modules
from jaxpool._geometry.calls import unknown_name

try:
    from flax import nnx
except ImportError as _error:
    raise _modules.needs_flax("jaxpool.nnx", _error) from _error


class _ConstructorSignature:
    """The signature of a class, which Flax's metaclass hides; that of an instance is that of its call, as usual."""

    def __get__(self, module: Any, owner: type[Any]) -> inspect.Signature:
        if module is not None:
            raise AttributeError("__signature__")
        signature = inspect.signature(owner.__init__)
        _, *parameters = signature.parameters.values()
        return signature.replace(parameters=parameters, return_annotation=signature.empty)


class _Module(nnx.Module):
    """What Flax needs to know of every pool."""

    __signature__: ClassVar[Any] = _ConstructorSignature()


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


if not TYPE_CHECKING:
    # Hidden from type checkers, which otherwise take every name for one of the module.
    def __getattr__(name: str) -> Any:
        raise unknown_name("jaxpool.nnx", name, __all__)


__all__ = [
    "AdaptiveAvgPool",
    "AdaptiveMaxPool",
    "AdaptiveMaxPoolWithArgmax",
    "AvgPool",
    "AvgUnpool",
    "BlurPool",
    "FractionalMaxPool",
    "FractionalMaxPoolWithArgmax",
    "GlobalAvgPool",
    "GlobalFirstPool",
    "GlobalLastPool",
    "GlobalLpPool",
    "GlobalMaxPool",
    "GlobalMinPool",
    "GlobalPowerMeanPool",
    "GlobalSoftmaxPool",
    "GlobalStdPool",
    "GlobalSumPool",
    "GlobalVarPool",
    "GlobalWeightedAvgPool",
    "LpPool",
    "MaxPool",
    "MaxPoolWithArgmax",
    "MaxUnpool",
    "MinPool",
    "MinPoolWithArgmin",
    "PowerMeanPool",
    "SegmentAvgPool",
    "SegmentMaxPool",
    "SegmentMinPool",
    "SegmentSoftmaxPool",
    "SegmentStdPool",
    "SegmentSumPool",
    "SegmentVarPool",
    "SoftmaxPool",
    "StdPool",
    "SumPool",
    "VarPool",
    "WeightedAvgPool",
]
