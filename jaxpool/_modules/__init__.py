"""What the Flax modules of a pool have in common: fields, checks, call and documentation. Nothing here imports Flax.

Each class describes the module of one function. Its fields are the arguments of the function that are known when a
module is made; its call takes the arrays. `jaxpool.linen` and `jaxpool.nnx` derive one class each from it.
"""

from jaxpool._modules.adaptive import AdaptiveAvgPool, AdaptiveMaxPool, AdaptiveMaxPoolWithArgmax
from jaxpool._modules.adaptive_reductions import (
    AdaptiveLpPool,
    AdaptiveMinPool,
    AdaptivePowerMeanPool,
    AdaptiveSumPool,
)
from jaxpool._modules.average import AvgPool, LpPool, PowerMeanPool, SumPool
from jaxpool._modules.description import Pool, needs_flax, validated
from jaxpool._modules.extremum import MaxPool, MaxPoolWithArgmax, MinPool, MinPoolWithArgmin
from jaxpool._modules.fractional import FractionalAvgPool, FractionalMaxPool, FractionalMaxPoolWithArgmax
from jaxpool._modules.global_indices import GlobalMaxPoolWithArgmax, GlobalMinPoolWithArgmin
from jaxpool._modules.global_pools import (
    GlobalAvgPool,
    GlobalLpPool,
    GlobalMaxPool,
    GlobalMinPool,
    GlobalPowerMeanPool,
    GlobalSumPool,
)
from jaxpool._modules.mixed import (
    ConcatPool,
    DetailPreservingPool,
    GaussianPool,
    GlobalConcatPool,
    GlobalLsePool,
    GlobalMixedPool,
    GlobalStatsPool,
    LsePool,
)
from jaxpool._modules.grids import CornerPool, HaarPool, HaarUnpool, SpectralPool, Windows
from jaxpool._modules.moments import GlobalStdPool, GlobalVarPool, StdPool, VarPool
from jaxpool._modules.pyramids import PyramidPool, RmacPool
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
    "GlobalMinPool",
    "GlobalMixedPool",
    "GlobalMinPoolWithArgmin",
    "GlobalPowerMeanPool",
    "GlobalSoftmaxPool",
    "GlobalStatsPool",
    "GlobalStdPool",
    "GlobalSumPool",
    "GlobalVarPool",
    "GlobalWeightedAvgPool",
    "HaarPool",
    "HaarUnpool",
    "LpPool",
    "LsePool",
    "MaxPool",
    "MaxPoolWithArgmax",
    "MaxUnpool",
    "MinPool",
    "MinPoolWithArgmin",
    "Pool",
    "PowerMeanPool",
    "PyramidPool",
    "RmacPool",
    "SoftmaxPool",
    "SpectralPool",
    "StdPool",
    "SumPool",
    "VarPool",
    "WeightedAvgPool",
    "Windows",
    "needs_flax",
    "validated",
]
