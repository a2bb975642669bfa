"""Layers with parameters, as `flax.nnx` modules."""

from __future__ import annotations

from jaxpool import _layers
from jaxpool.nnx._module import Layer


class AttentionPool(Layer, _layers.AttentionPool):
    """Attention pooling of bags, plain or gated, as a `flax.nnx` module."""


class AttentionPool2d(Layer, _layers.AttentionPool2d):
    """Attention pooling of images, as in CLIP, as a `flax.nnx` module."""


class AttentiveStatsPool(Layer, _layers.AttentiveStatsPool):
    """Attentive statistics pooling (ASP), as a `flax.nnx` module."""


class AutoPool(Layer, _layers.AutoPool):
    """AutoPool, softmax pooling with a learned sharpness, as a `flax.nnx` module."""


class GatedPool(Layer, _layers.GatedPool):
    """Gated max-average pooling, as a `flax.nnx` module."""


class GeM(Layer, _layers.GeM):
    """Generalised mean pooling (GeM) with a learned exponent, as a `flax.nnx` module."""


class LIPPool(Layer, _layers.LIPPool):
    """Local importance-based pooling (LIP), as a `flax.nnx` module."""


class MAPHead(Layer, _layers.MAPHead):
    """Multihead attention pooling (MAP), as a `flax.nnx` module."""


class MixedPool(Layer, _layers.MixedPool):
    """Mixed max-average pooling, as a `flax.nnx` module."""


class PPM(Layer, _layers.PPM):
    """The pyramid pooling module of PSPNet, as a `flax.nnx` module."""


class NetVLAD(Layer, _layers.NetVLAD):
    """NetVLAD, as a `flax.nnx` module."""


class SimPool(Layer, _layers.SimPool):
    """SimPool, as a `flax.nnx` module."""
