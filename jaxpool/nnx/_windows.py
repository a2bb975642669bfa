"""Pools with windows, and their inverses, as `flax.nnx` modules."""

from __future__ import annotations

from jaxpool import _modules
from jaxpool.nnx._module import Module


class MaxPool(_modules.MaxPool, Module):
    """Max pooling, `jaxpool.max_pool`, as a `flax.nnx` module."""


class MinPool(_modules.MinPool, Module):
    """Min pooling, `jaxpool.min_pool`, as a `flax.nnx` module."""


class MaxPoolWithArgmax(_modules.MaxPoolWithArgmax, Module):
    """Max pooling with indices, `jaxpool.max_pool_with_argmax`, as a `flax.nnx` module."""


class MinPoolWithArgmin(_modules.MinPoolWithArgmin, Module):
    """Min pooling with indices, `jaxpool.min_pool_with_argmin`, as a `flax.nnx` module."""


class AvgPool(_modules.AvgPool, Module):
    """Average pooling, `jaxpool.avg_pool`, as a `flax.nnx` module."""


class SumPool(_modules.SumPool, Module):
    """Sum pooling, `jaxpool.sum_pool`, as a `flax.nnx` module."""


class LpPool(_modules.LpPool, Module):
    """Lp pooling, `jaxpool.lp_pool`, as a `flax.nnx` module."""


class PowerMeanPool(_modules.PowerMeanPool, Module):
    """Power mean pooling, `jaxpool.power_mean_pool`, as a `flax.nnx` module."""


class SoftmaxPool(_modules.SoftmaxPool, Module):
    """Softmax pooling, `jaxpool.softmax_pool`, as a `flax.nnx` module."""


class WeightedAvgPool(_modules.WeightedAvgPool, Module):
    """Weighted average pooling, `jaxpool.weighted_avg_pool`, as a `flax.nnx` module."""


class BlurPool(_modules.BlurPool, Module):
    """Blur pooling, `jaxpool.blur_pool`, as a `flax.nnx` module."""


class VarPool(_modules.VarPool, Module):
    """Variance pooling, `jaxpool.var_pool`, as a `flax.nnx` module."""


class StdPool(_modules.StdPool, Module):
    """Standard deviation pooling, `jaxpool.std_pool`, as a `flax.nnx` module."""


class MaxUnpool(_modules.MaxUnpool, Module):
    """Max unpooling, `jaxpool.max_unpool`, as a `flax.nnx` module."""


class AvgUnpool(_modules.AvgUnpool, Module):
    """Average unpooling, `jaxpool.avg_unpool`, as a `flax.nnx` module."""


class LsePool(_modules.LsePool, Module):
    """Log-sum-exp pooling, `jaxpool.lse_pool`, as a `flax.nnx` module."""


class ConcatPool(_modules.ConcatPool, Module):
    """Concatenated pooling, `jaxpool.concat_pool`, as a `flax.nnx` module."""


class GaussianPool(_modules.GaussianPool, Module):
    """Gaussian pooling, `jaxpool.gaussian_pool`, as a `flax.nnx` module."""


class DetailPreservingPool(_modules.DetailPreservingPool, Module):
    """Detail-preserving pooling, `jaxpool.detail_preserving_pool`, as a `flax.nnx` module."""


class HaarPool(_modules.HaarPool, Module):
    """Haar pooling, `jaxpool.haar_pool`, as a `flax.nnx` module."""


class HaarUnpool(_modules.HaarUnpool, Module):
    """The inverse of Haar pooling, `jaxpool.haar_unpool`, as a `flax.nnx` module."""


class Windows(_modules.Windows, Module):
    """Windows as an axis, `jaxpool.windows`, as a `flax.nnx` module."""


class MedianPool(_modules.MedianPool, Module):
    """Median pooling, `jaxpool.median_pool`, as a `flax.nnx` module."""


class QuantilePool(_modules.QuantilePool, Module):
    """Quantile pooling, `jaxpool.quantile_pool`, as a `flax.nnx` module."""


class RankPool(_modules.RankPool, Module):
    """Rank pooling, `jaxpool.rank_pool`, as a `flax.nnx` module."""


class TopkPool(_modules.TopkPool, Module):
    """Top-k pooling, `jaxpool.topk_pool`, as a `flax.nnx` module."""


class LocalMaxima(_modules.LocalMaxima, Module):
    """Local maxima, `jaxpool.local_maxima`, as a `flax.nnx` module."""


class StochasticPool(_modules.StochasticPool, Module):
    """Stochastic pooling, `jaxpool.stochastic_pool`, as a `flax.nnx` module."""


class AdaPool(_modules.AdaPool, Module):
    """AdaPool, `jaxpool.ada_pool`, as a `flax.nnx` module."""
