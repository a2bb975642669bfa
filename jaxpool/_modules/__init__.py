"""What the Flax modules of a pool have in common: fields, checks, call and documentation. Nothing here imports Flax.

Each class describes the module of one function. Its fields are the arguments of the function that are known when a
module is made; its call takes the arrays. `jaxpool.linen` and `jaxpool.nnx` derive one class each from it.
"""

from jaxpool._modules.adaptive import AdaptiveAvgPool, AdaptiveMaxPool, AdaptiveMaxPoolWithArgmax
from jaxpool._modules.average import AvgPool, LpPool, PowerMeanPool, SumPool
from jaxpool._modules.description import Pool, needs_flax, validated
from jaxpool._modules.extremum import MaxPool, MaxPoolWithArgmax, MinPool, MinPoolWithArgmin
from jaxpool._modules.fractional import FractionalMaxPool, FractionalMaxPoolWithArgmax
from jaxpool._modules.global_pools import (
    GlobalAvgPool,
    GlobalLpPool,
    GlobalMaxPool,
    GlobalMinPool,
    GlobalPowerMeanPool,
    GlobalSumPool,
)
from jaxpool._modules.moments import GlobalStdPool, GlobalVarPool, StdPool, VarPool
from jaxpool._modules.segments import (
    SegmentAvgPool,
    SegmentMaxPool,
    SegmentMinPool,
    SegmentSoftmaxPool,
    SegmentStdPool,
    SegmentSumPool,
    SegmentVarPool,
)
from jaxpool._modules.sequences import GlobalFirstPool, GlobalLastPool
from jaxpool._modules.unpool import AvgUnpool, MaxUnpool
from jaxpool._modules.weighted import (
    BlurPool,
    GlobalSoftmaxPool,
    GlobalWeightedAvgPool,
    SoftmaxPool,
    WeightedAvgPool,
)

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
    "Pool",
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
    "needs_flax",
    "validated",
]
