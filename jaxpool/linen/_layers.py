"""Layers with parameters, as `flax.linen` modules."""

from __future__ import annotations

from jaxpool import _layers
from jaxpool.linen._module import Layer


class AttentionPool(_layers.AttentionPool, Layer):
    """Attention pooling of bags, plain or gated, as a `flax.linen` module."""


class AttentionPool2d(_layers.AttentionPool2d, Layer):
    """Attention pooling of images, as in CLIP, as a `flax.linen` module."""


class AttentiveStatsPool(_layers.AttentiveStatsPool, Layer):
    """Attentive statistics pooling (ASP), as a `flax.linen` module."""


class AutoPool(_layers.AutoPool, Layer):
    """AutoPool, softmax pooling with a learned sharpness, as a `flax.linen` module."""


class GatedPool(_layers.GatedPool, Layer):
    """Gated max-average pooling, as a `flax.linen` module."""


class GeM(_layers.GeM, Layer):
    """Generalised mean pooling (GeM) with a learned exponent, as a `flax.linen` module."""


class LIPPool(_layers.LIPPool, Layer):
    """Local importance-based pooling (LIP), as a `flax.linen` module."""


class MAPHead(_layers.MAPHead, Layer):
    """Multihead attention pooling (MAP), as a `flax.linen` module."""


class MixedPool(_layers.MixedPool, Layer):
    """Mixed max-average pooling, as a `flax.linen` module."""


class PPM(_layers.PPM, Layer):
    """The pyramid pooling module of PSPNet, as a `flax.linen` module."""


class NetVLAD(_layers.NetVLAD, Layer):
    """NetVLAD, as a `flax.linen` module."""


class SimPool(_layers.SimPool, Layer):
    """SimPool, as a `flax.linen` module."""
