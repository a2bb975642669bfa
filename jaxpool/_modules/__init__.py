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
from jaxpool._modules.covariance import GlobalCovariancePool
from jaxpool._modules.description import Pool, description_of, needs_flax, validated
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
from jaxpool._modules.grids import CornerPool, HaarPool, HaarUnpool, SpectralPool, Windows
from jaxpool._modules.mixed import (
    AdaPool,
    ConcatPool,
    DetailPreservingPool,
    GaussianPool,
    GlobalConcatPool,
    GlobalLsePool,
    GlobalMixedPool,
    GlobalStatsPool,
    LsePool,
)
from jaxpool._modules.moments import GlobalStdPool, GlobalVarPool, StdPool, VarPool
from jaxpool._modules.order import (
    GlobalMedianPool,
    GlobalQuantilePool,
    GlobalTopkPool,
    KmaxPool,
    LocalMaxima,
    MedianPool,
    QuantilePool,
    RankPool,
    TopkPool,
)
from jaxpool._modules.pyramids import PyramidPool, RmacPool
from jaxpool._modules.regions import PsRoiAlign, PsRoiPool, RoiAlign, RoiPool
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
from jaxpool._modules.stochastic import StochasticPool
from jaxpool._modules.unpool import AvgUnpool, MaxUnpool
from jaxpool._modules.weighted import (
    BlurPool,
    GlobalSoftmaxPool,
    GlobalWeightedAvgPool,
    SoftmaxPool,
    WeightedAvgPool,
)

__all__ = [
    "AdaPool",
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
    "CornerPool",
    "DetailPreservingPool",
    "FractionalAvgPool",
    "FractionalMaxPool",
    "FractionalMaxPoolWithArgmax",
    "GaussianPool",
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
    "LocalMaxima",
    "LpPool",
    "LsePool",
    "MaxPool",
    "MaxPoolWithArgmax",
    "MaxUnpool",
    "MedianPool",
    "MinPool",
    "MinPoolWithArgmin",
    "Pool",
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
    "SoftmaxPool",
    "SpectralPool",
    "StdPool",
    "StochasticPool",
    "SumPool",
    "TopkPool",
    "VarPool",
    "WeightedAvgPool",
    "Windows",
    "description_of",
    "needs_flax",
    "validated",
]
