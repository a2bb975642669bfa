"""Layers with parameters: their mathematics, and what they declare, once for both Flax APIs. Nothing imports Flax."""

from jaxpool._layers.attention import AttentionPool2d, MAPHead, SimPool
from jaxpool._layers.importance import LIPPool
from jaxpool._layers.instances import AttentionPool, AutoPool
from jaxpool._layers.mixed import GatedPool, MixedPool
from jaxpool._layers.power import GeM
from jaxpool._layers.pyramid import PPM
from jaxpool._layers.statistics import AttentiveStatsPool
from jaxpool._layers.vlad import NetVLAD

__all__ = [
    "PPM",
    "AttentionPool",
    "AttentionPool2d",
    "AttentiveStatsPool",
    "AutoPool",
    "GatedPool",
    "GeM",
    "LIPPool",
    "MAPHead",
    "MixedPool",
    "NetVLAD",
    "SimPool",
]
