# Torch's own argument names are kept.
# ruff: noqa: A002
"""The pooling modules of `torch.nn`, with the same names, arguments, order and defaults.

They have no parameters, so they are plain callables: use them in functions, in `flax.nnx.Sequential`, or anywhere else.
They are made with torch's arguments and called with arrays in torch's layout, as the functions of `jaxpool.torch` are,
which document results and errors.

    >>> import jax.numpy as jnp
    >>> from jaxpool.torch import nn
    >>> pool = nn.MaxPool2d(2, 2)
    >>> pool(jnp.zeros((8, 3, 32, 32))).shape
    (8, 3, 16, 16)
    >>> pool
    MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, return_indices=False, ceil_mode=False)

Arguments are checked in the call, where the size of the input is known. Random pools take a `key` in the call, a new
one for every call, as JAX has no global random state.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from jax import Array
from jax.typing import ArrayLike

import jaxpool.torch as functional
from jaxpool._geometry.calls import unknown_name
from jaxpool.torch._adaptive import Sizes
from jaxpool.torch._fractional import Ratios
from jaxpool.torch._module import module
from jaxpool.typing import Ints


@module
class _MaxPool:
    _function: ClassVar[Callable[..., Any]]
    kernel_size: Ints
    stride: Ints | None = None
    padding: Ints = 0
    dilation: Ints = 1
    return_indices: bool = False
    ceil_mode: bool = False

    def __call__(self, input: ArrayLike) -> Any:
        """The maxima; with `return_indices` also their indices."""
        return self._function(input, **vars(self))


class MaxPool1d(_MaxPool):
    """`torch.nn.MaxPool1d`; see `jaxpool.torch.max_pool1d`."""

    _function = staticmethod(functional.max_pool1d)


class MaxPool2d(_MaxPool):
    """`torch.nn.MaxPool2d`; see `jaxpool.torch.max_pool2d`."""

    _function = staticmethod(functional.max_pool2d)


class MaxPool3d(_MaxPool):
    """`torch.nn.MaxPool3d`; see `jaxpool.torch.max_pool3d`."""

    _function = staticmethod(functional.max_pool3d)


@module
class _MaxUnpool:
    _function: ClassVar[Callable[..., Any]]
    kernel_size: Ints
    stride: Ints | None = None
    padding: Ints = 0

    def __call__(self, input: ArrayLike, indices: ArrayLike, output_size: Sequence[int] | None = None) -> Array:
        """Every value at its index, and 0 elsewhere."""
        return self._function(input, indices, output_size=output_size, **vars(self))


class MaxUnpool1d(_MaxUnpool):
    """`torch.nn.MaxUnpool1d`; see `jaxpool.torch.max_unpool1d`."""

    _function = staticmethod(functional.max_unpool1d)


class MaxUnpool2d(_MaxUnpool):
    """`torch.nn.MaxUnpool2d`; see `jaxpool.torch.max_unpool2d`."""

    _function = staticmethod(functional.max_unpool2d)


class MaxUnpool3d(_MaxUnpool):
    """`torch.nn.MaxUnpool3d`; see `jaxpool.torch.max_unpool3d`."""

    _function = staticmethod(functional.max_unpool3d)


@module
class AvgPool1d:
    """`torch.nn.AvgPool1d`; see `jaxpool.torch.avg_pool1d`."""

    _function: ClassVar[Callable[..., Any]] = staticmethod(functional.avg_pool1d)
    kernel_size: Ints
    stride: Ints | None = None
    padding: Ints = 0
    ceil_mode: bool = False
    count_include_pad: bool = True

    def __call__(self, input: ArrayLike) -> Array:
        """The means."""
        return self._function(input, **vars(self))


@module
class _AvgPool:
    _function: ClassVar[Callable[..., Any]]
    kernel_size: Ints
    stride: Ints | None = None
    padding: Ints = 0
    ceil_mode: bool = False
    count_include_pad: bool = True
    divisor_override: int | None = None

    def __call__(self, input: ArrayLike) -> Array:
        """The means."""
        return self._function(input, **vars(self))


class AvgPool2d(_AvgPool):
    """`torch.nn.AvgPool2d`; see `jaxpool.torch.avg_pool2d`."""

    _function = staticmethod(functional.avg_pool2d)


class AvgPool3d(_AvgPool):
    """`torch.nn.AvgPool3d`; see `jaxpool.torch.avg_pool3d`."""

    _function = staticmethod(functional.avg_pool3d)


@module
class _LPPool:
    _function: ClassVar[Callable[..., Any]]
    norm_type: float
    kernel_size: Ints
    stride: Ints | None = None
    ceil_mode: bool = False

    def __call__(self, input: ArrayLike) -> Array:
        """The norms."""
        return self._function(input, **vars(self))


class LPPool1d(_LPPool):
    """`torch.nn.LPPool1d`; see `jaxpool.torch.lp_pool1d`."""

    _function = staticmethod(functional.lp_pool1d)


class LPPool2d(_LPPool):
    """`torch.nn.LPPool2d`; see `jaxpool.torch.lp_pool2d`."""

    _function = staticmethod(functional.lp_pool2d)


class LPPool3d(_LPPool):
    """`torch.nn.LPPool3d`; see `jaxpool.torch.lp_pool3d`."""

    _function = staticmethod(functional.lp_pool3d)


@module
class _AdaptiveAvgPool:
    _function: ClassVar[Callable[..., Any]]
    output_size: Sizes

    def __call__(self, input: ArrayLike) -> Array:
        """The means."""
        return self._function(input, **vars(self))


class AdaptiveAvgPool1d(_AdaptiveAvgPool):
    """`torch.nn.AdaptiveAvgPool1d`; see `jaxpool.torch.adaptive_avg_pool1d`."""

    _function = staticmethod(functional.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptiveAvgPool):
    """`torch.nn.AdaptiveAvgPool2d`; see `jaxpool.torch.adaptive_avg_pool2d`."""

    _function = staticmethod(functional.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptiveAvgPool):
    """`torch.nn.AdaptiveAvgPool3d`; see `jaxpool.torch.adaptive_avg_pool3d`."""

    _function = staticmethod(functional.adaptive_avg_pool3d)


@module
class _AdaptiveMaxPool:
    _function: ClassVar[Callable[..., Any]]
    output_size: Sizes
    return_indices: bool = False

    def __call__(self, input: ArrayLike) -> Any:
        """The maxima; with `return_indices` also their indices."""
        return self._function(input, **vars(self))


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """`torch.nn.AdaptiveMaxPool1d`; see `jaxpool.torch.adaptive_max_pool1d`."""

    _function = staticmethod(functional.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """`torch.nn.AdaptiveMaxPool2d`; see `jaxpool.torch.adaptive_max_pool2d`."""

    _function = staticmethod(functional.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """`torch.nn.AdaptiveMaxPool3d`; see `jaxpool.torch.adaptive_max_pool3d`."""

    _function = staticmethod(functional.adaptive_max_pool3d)


@module
class _FractionalMaxPool:
    _function: ClassVar[Callable[..., Any]]
    kernel_size: Ints
    output_size: Ints | None = None
    output_ratio: Ratios | None = None
    return_indices: bool = False

    def __call__(self, input: ArrayLike, *, key: Array | None = None, _random_samples: ArrayLike | None = None) -> Any:
        """The maxima over windows that a typed random key places; with `return_indices` also their indices."""
        return self._function(input, key=key, _random_samples=_random_samples, **vars(self))


class FractionalMaxPool2d(_FractionalMaxPool):
    """`torch.nn.FractionalMaxPool2d`; see `jaxpool.torch.fractional_max_pool2d`. A key or samples go into the call."""

    _function = staticmethod(functional.fractional_max_pool2d)


class FractionalMaxPool3d(_FractionalMaxPool):
    """`torch.nn.FractionalMaxPool3d`; see `jaxpool.torch.fractional_max_pool3d`. A key or samples go into the call."""

    _function = staticmethod(functional.fractional_max_pool3d)


if not TYPE_CHECKING:
    # Hidden from type checkers, which otherwise take every name for one of the module.
    def __getattr__(name: str) -> Any:
        raise unknown_name("jaxpool.torch.nn", name, __all__)


__all__ = [
    "AdaptiveAvgPool1d",
    "AdaptiveAvgPool2d",
    "AdaptiveAvgPool3d",
    "AdaptiveMaxPool1d",
    "AdaptiveMaxPool2d",
    "AdaptiveMaxPool3d",
    "AvgPool1d",
    "AvgPool2d",
    "AvgPool3d",
    "FractionalMaxPool2d",
    "FractionalMaxPool3d",
    "LPPool1d",
    "LPPool2d",
    "LPPool3d",
    "MaxPool1d",
    "MaxPool2d",
    "MaxPool3d",
    "MaxUnpool1d",
    "MaxUnpool2d",
    "MaxUnpool3d",
]
