"""Pools of sets, as `flax.linen` modules."""

from __future__ import annotations

from jaxpool import _modules
from jaxpool.linen._module import Module


class SegmentSumPool(_modules.SegmentSumPool, Module):
    """Segment sum pooling, `jaxpool.segment_sum_pool`, as a `flax.linen` module."""


class SegmentAvgPool(_modules.SegmentAvgPool, Module):
    """Segment average pooling, `jaxpool.segment_avg_pool`, as a `flax.linen` module."""


class SegmentMaxPool(_modules.SegmentMaxPool, Module):
    """Segment max pooling, `jaxpool.segment_max_pool`, as a `flax.linen` module."""


class SegmentMinPool(_modules.SegmentMinPool, Module):
    """Segment min pooling, `jaxpool.segment_min_pool`, as a `flax.linen` module."""


class SegmentVarPool(_modules.SegmentVarPool, Module):
    """Segment variance pooling, `jaxpool.segment_var_pool`, as a `flax.linen` module."""


class SegmentStdPool(_modules.SegmentStdPool, Module):
    """Segment standard deviation pooling, `jaxpool.segment_std_pool`, as a `flax.linen` module."""


class SegmentSoftmaxPool(_modules.SegmentSoftmaxPool, Module):
    """Segment softmax pooling, `jaxpool.segment_softmax_pool`, as a `flax.linen` module."""
