"""The types in the signatures of jaxpool."""

from collections.abc import Sequence
from typing import Literal, SupportsIndex

from jax.typing import ArrayLike

__all__ = [
    "AxisNames",
    "ConcatOrder",
    "Direction",
    "Duplicates",
    "FractionalRule",
    "Implementation",
    "IndexConvention",
    "Ints",
    "Levels",
    "MaskRule",
    "OutputSize",
    "Padding",
    "PaddingMode",
    "PaddingName",
    "Plateau",
    "Platform",
    "PyramidKind",
    "PyramidOrder",
    "QuantileMethod",
    "RegionMode",
    "RegionSize",
    "Residual",
    "RoundingMode",
    "Scalar",
    "WindowShape",
]

# One size per spatial axis.
WindowShape = Sequence[SupportsIndex]
# One integer for all spatial axes, or one per axis.
Ints = SupportsIndex | WindowShape
# One size per spatial axis, or None to keep that of the inputs.
OutputSize = Sequence[SupportsIndex | None]
# Of each level of a pyramid the number of bins along all spatial axes, or along each of them.
Levels = Sequence[Ints]
ConcatOrder = Literal["avg_max", "max_avg"]
PaddingName = Literal["VALID", "SAME", "SAME_LOWER", "CAUSAL", "valid", "same", "same_lower", "causal"]
# A name, an integer, or per spatial axis an integer or a (low, high) pair.
Padding = PaddingName | SupportsIndex | Sequence[SupportsIndex | Sequence[SupportsIndex]]
PaddingMode = Literal["EDGE", "REFLECT", "WRAP", "edge", "reflect", "wrap", "replicate", "circular"]
# For every spatial axis the mesh axis that splits it, several, or None.
AxisNames = str | Sequence[str | Sequence[str] | None]
Residual = Literal["offsets", "input"]
# How means of integers become integers.
RoundingMode = Literal["half_even", "half_away", "floor", "trunc"]
# Names of algorithms. They are for experiments, and may change without a deprecation.
Implementation = Literal["reduce_window", "joint", "separable", "chain"]
IndexConvention = Literal["spatial", "window", "coordinates"]
Direction = Literal["top", "bottom", "left", "right"]
Duplicates = Literal["set", "add"]
FractionalRule = Literal["torch", "tensorflow", "tensorflow_pseudo_random"]
PyramidKind = Literal["max", "avg"]
PyramidOrder = Literal["features_last", "features_first"]
QuantileMethod = Literal["linear", "lower", "higher", "midpoint", "nearest"]
Plateau = Literal["all", "first"]
RegionMode = Literal["avg", "max"]
# Height and width in bins.
RegionSize = Sequence[SupportsIndex]
# Whether any or all elements of a window must count for its result to.
MaskRule = Literal["any", "all"]
Platform = Literal["cpu", "gpu", "tpu", "other"]
# One real number, or an array that holds one.
Scalar = float | ArrayLike
