"""Pools to a given size: adaptive and fractional ones, spectra, pyramids, regions, as `flax.linen` modules."""

from __future__ import annotations

from jaxpool import _modules
from jaxpool.linen._module import Module


class AdaptiveAvgPool(_modules.AdaptiveAvgPool, Module):
    """Adaptive average pooling, `jaxpool.adaptive_avg_pool`, as a `flax.linen` module."""


class AdaptiveMaxPool(_modules.AdaptiveMaxPool, Module):
    """Adaptive max pooling, `jaxpool.adaptive_max_pool`, as a `flax.linen` module."""


class AdaptiveMaxPoolWithArgmax(_modules.AdaptiveMaxPoolWithArgmax, Module):
    """Adaptive max pooling with indices, `jaxpool.adaptive_max_pool_with_argmax`, as a `flax.linen` module."""


class FractionalMaxPool(_modules.FractionalMaxPool, Module):
    """Fractional max pooling, `jaxpool.fractional_max_pool`, as a `flax.linen` module."""


class FractionalMaxPoolWithArgmax(_modules.FractionalMaxPoolWithArgmax, Module):
    """Fractional max pooling with indices, `jaxpool.fractional_max_pool_with_argmax`, as a `flax.linen` module."""


class AdaptiveLpPool(_modules.AdaptiveLpPool, Module):
    """Adaptive Lp pooling, `jaxpool.adaptive_lp_pool`, as a `flax.linen` module."""


class AdaptiveMinPool(_modules.AdaptiveMinPool, Module):
    """Adaptive min pooling, `jaxpool.adaptive_min_pool`, as a `flax.linen` module."""


class AdaptivePowerMeanPool(_modules.AdaptivePowerMeanPool, Module):
    """Adaptive power mean pooling, `jaxpool.adaptive_power_mean_pool`, as a `flax.linen` module."""


class AdaptiveSumPool(_modules.AdaptiveSumPool, Module):
    """Adaptive sum pooling, `jaxpool.adaptive_sum_pool`, as a `flax.linen` module."""


class FractionalAvgPool(_modules.FractionalAvgPool, Module):
    """Fractional average pooling, `jaxpool.fractional_avg_pool`, as a `flax.linen` module."""


class PyramidPool(_modules.PyramidPool, Module):
    """Spatial pyramid pooling, `jaxpool.pyramid_pool`, as a `flax.linen` module."""


class RmacPool(_modules.RmacPool, Module):
    """Regional maximum activations, `jaxpool.rmac_pool`, as a `flax.linen` module."""


class SpectralPool(_modules.SpectralPool, Module):
    """Spectral pooling, `jaxpool.spectral_pool`, as a `flax.linen` module."""


class RoiAlign(_modules.RoiAlign, Module):
    """RoIAlign, `jaxpool.roi_align`, as a `flax.linen` module."""


class RoiPool(_modules.RoiPool, Module):
    """RoIPool, `jaxpool.roi_pool`, as a `flax.linen` module."""


class PsRoiAlign(_modules.PsRoiAlign, Module):
    """Position-sensitive RoIAlign, `jaxpool.ps_roi_align`, as a `flax.linen` module."""


class PsRoiPool(_modules.PsRoiPool, Module):
    """Position-sensitive RoIPool, `jaxpool.ps_roi_pool`, as a `flax.linen` module."""
