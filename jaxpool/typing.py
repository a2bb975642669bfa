"""The types in the signatures of jaxpool."""

from collections.abc import Sequence
from typing import Literal, SupportsIndex

from jax.typing import ArrayLike

__all__ = [
    "Duplicates",
    "FractionalRule",
    "Implementation",
    "IndexConvention",
    "Ints",
    "MaskRule",
    "OutputSize",
    "Padding",
    "PaddingMode",
    "PaddingName",
    "Platform",
    "Residual",
    "Scalar",
    "WindowShape",
]

# One size per spatial axis.
WindowShape = Sequence[SupportsIndex]
# One integer for all spatial axes, or one per axis.
Ints = SupportsIndex | WindowShape
# One size per spatial axis, or None to keep that of the inputs.
OutputSize = Sequence[SupportsIndex | None]
PaddingName = Literal["VALID", "SAME", "SAME_LOWER", "CAUSAL", "valid", "same", "same_lower", "causal"]
# A name, an integer, or per spatial axis an integer or a (low, high) pair.
Padding = PaddingName | SupportsIndex | Sequence[SupportsIndex | Sequence[SupportsIndex]]
PaddingMode = Literal["EDGE", "REFLECT", "WRAP", "edge", "reflect", "wrap", "replicate", "circular"]
Residual = Literal["offsets", "input"]
# Names of algorithms. They are for experiments, and may change without a deprecation.
Implementation = Literal["reduce_window", "joint", "separable", "chain"]
IndexConvention = Literal["spatial", "window", "coordinates"]
Duplicates = Literal["set", "add"]
FractionalRule = Literal["torch", "tensorflow", "tensorflow_pseudo_random"]
# Whether any or all elements of a window must count for its result to.
MaskRule = Literal["any", "all"]
Platform = Literal["cpu", "gpu", "tpu", "other"]
# One real number, or an array that holds one.
Scalar = float | ArrayLike
