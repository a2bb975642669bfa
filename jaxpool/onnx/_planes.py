"""A window as ONNX's pooling operators take it: an array `(batch, channel, *spatial)`, and attributes."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import Array, lax

from jaxpool._geometry import AxisWindow

# Runtimes pool over one, two or three axes.
MOST_AXES = 3


@dataclasses.dataclass(frozen=True)
class AxisPlan:
    """How the window along one axis is expressed.

    Attributes:
      part: the window.
      crop: elements to cut from the start and from the end of the input.
      pad: elements to put before and after the input by an operator of their own.
      pads: elements of padding before and after the input that the attribute of the pool tells.
    """

    part: AxisWindow
    crop: tuple[int, int]
    pad: tuple[int, int]
    pads: tuple[int, int]

    @property
    def size(self) -> int:
        """Elements along the axis of what is pooled."""
        return self.part.size - sum(self.crop) + sum(self.pad)


def plan_axis(part: AxisWindow) -> AxisPlan:
    """Splits the padding of an axis into what is cut, what is padded beforehand, and what the pool pads."""
    # What the last window leaves over does no harm unless another window would fit into it.
    reach = part.high_overhang if part.high_overhang > -part.stride else part.high_overhang + part.stride - 1
    crop = (max(-part.low, 0), max(-reach, 0) if part.high_overhang <= -part.stride else 0)
    around = (max(part.low, 0), max(part.high_overhang, 0))
    # onnxruntime refuses padding as wide as the window, counted in taps even where these are dilated.
    if max(around) >= part.taps:
        return AxisPlan(part, crop, around, (0, 0))
    return AxisPlan(part, crop, (0, 0), around)


@dataclasses.dataclass(frozen=True)
class Planes:
    """A window over up to `MOST_AXES` axes of an array of a given shape, and the array's ONNX layout.

    Attributes:
      parts: the window along every axis that is pooled.
      shape: the shape of the inputs; all but the pooled sizes may be symbolic.
    """

    parts: tuple[AxisWindow, ...]
    shape: tuple[Any, ...]

    @property
    def plans(self) -> tuple[AxisPlan, ...]:
        """How the window along every axis is expressed."""
        return tuple(plan_axis(part) for part in self.parts)

    @property
    def taps(self) -> int:
        """Elements of the window."""
        return math.prod(part.taps for part in self.parts)

    @property
    def padded_beforehand(self) -> bool:
        """Whether padding is part of what the pool sees as its input."""
        return any(any(plan.pad) for plan in self.plans)

    @property
    def _order(self) -> list[int]:
        pooled = [part.axis for part in self.parts]
        return [axis for axis in range(len(self.shape)) if axis not in pooled] + pooled

    @property
    def _others(self) -> list[Any]:
        return [self.shape[axis] for axis in self._order[: -len(self.parts)]]

    @property
    def output_shape(self) -> tuple[Any, ...]:
        """The shape of the outputs in the layout of the inputs."""
        outputs = {part.axis: part.outputs for part in self.parts}
        return tuple(outputs.get(axis, size) for axis, size in enumerate(self.shape))

    @property
    def batch_and_channel(self) -> tuple[Any, Any]:
        """The first two sizes in ONNX's layout."""
        *batch, channel = [1, 1, *self._others]
        return math.prod(batch), channel

    def pooled_shape(self, inputs: bool) -> tuple[Any, ...]:
        """The shape of what the pool sees, or of what it gives."""
        return (*self.batch_and_channel, *(plan.size if inputs else plan.part.outputs for plan in self.plans))

    def attributes(self) -> dict[str, Any]:
        """The attributes that all pooling operators have."""
        plans = self.plans
        found: dict[str, Any] = {
            "kernel_shape": [part.taps for part in self.parts],
            "strides": [part.stride for part in self.parts],
        }
        pads = [plan.pads[0] for plan in plans] + [plan.pads[1] for plan in plans]
        if any(pads):
            found["pads"] = pads
        if any(part.dilation > 1 for part in self.parts):
            found["dilations"] = [part.dilation for part in self.parts]
        return found

    def arranged(self, x: Array, identity: Any) -> Array:
        """The inputs in ONNX's layout; `identity` fills what is padded beforehand."""
        for plan in self.plans:
            if any(plan.crop):
                x = lax.slice_in_dim(x, plan.crop[0], plan.part.size - plan.crop[1], axis=plan.part.axis)
        if self.padded_beforehand:
            pad = {plan.part.axis: (*plan.pad, 0) for plan in self.plans}
            filling = jnp.asarray(identity, x.dtype)
            x = lax.pad(x, filling, [pad.get(axis, (0, 0, 0)) for axis in range(x.ndim)])
        order = self._order
        x = x if order == sorted(order) else x.transpose(order)
        return x if len(self._others) == 2 else x.reshape(self.pooled_shape(inputs=True))

    def restored(self, y: Array) -> Array:
        """The outputs in the layout of the inputs."""
        others = self._others
        if len(others) != 2:
            y = y.reshape(*others, *(part.outputs for part in self.parts))
        back = np.argsort(self._order).tolist()
        return y if back == sorted(back) else y.transpose(back)

    def offsets(self, indices: Array, dtype: str) -> Array:
        """From row-major indices into one plane of what the pool sees to offsets in the window, restored.

        Args:
          indices: int32, in ONNX's layout.
          dtype: that of the offsets.
        """
        total = jnp.zeros_like(indices)
        scale = 1
        for axis, plan in reversed(list(enumerate(self.plans, 2))):
            starts = np.arange(plan.part.outputs, dtype=np.int32) * plan.part.stride - plan.pads[0]
            shape = [1] * indices.ndim
            shape[axis] = plan.part.outputs
            # No number is negative, which `//` and `%` would allow for.
            lines = lax.div(indices, np.int32(plan.size))
            distance = indices - lines * plan.size - jnp.asarray(starts.reshape(shape))
            tap, indices = lax.div(distance, np.int32(plan.part.dilation)), lines
            total, scale = total + tap * scale, scale * plan.part.taps
        return self.restored(total).astype(dtype)

    def real_counts(self) -> np.ndarray:
        """How many elements of every window are in the input; of size 1 along all axes that are not pooled."""
        counts = np.ones([1] * len(self.shape), np.int64)
        for part in self.parts:
            vector = np.concatenate([np.full(length, count) for length, count in part.real_counts()])
            shape = [1] * len(self.shape)
            shape[part.axis] = part.outputs
            counts = counts * vector.reshape(shape)
        return counts


def groups(parts: Sequence[AxisWindow], shape: Sequence[Any]) -> list[Planes]:
    """The windows over `MOST_AXES` axes at a time, the last axes first, each on the outputs of those before."""
    found: list[Planes] = []
    sizes = tuple(shape)
    rest = list(parts)
    while rest:
        rest, some = rest[:-MOST_AXES], rest[-MOST_AXES:]
        found.append(Planes(tuple(some), sizes))
        sizes = found[-1].output_shape
    return found
