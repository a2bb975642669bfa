"""What unpooling, reductions by any operation, and conversions of indices must give."""

import dataclasses
import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from fuzz.bounds import Bounds, exact, total
from fuzz.plans import OnWindows, Plan, joined, real_dtype, real_parts
from fuzz.sums import Sum
from fuzz.values import is_complex, is_inexact


@dataclasses.dataclass(frozen=True, eq=False)
class Unpool(OnWindows):
    """Values at their places; `windows` are those that pooled the plane, so inputs and results change roles."""

    linear = True
    indices: Any = None
    convention: str = "spatial"
    add: bool = False

    def places(self):
        """(maps, windows): where each value goes, -1 for nowhere."""
        plane = math.prod(self.windows.sizes)
        if self.convention == "coordinates":
            along = [self.laid_out(self.indices[..., i], self.windows.outs) for i in range(len(self.windows.sizes))]
            inside = np.ones(along[0].shape, bool)
            place = np.zeros(along[0].shape, np.int64)
            for own, size in zip(along, self.windows.sizes, strict=True):
                inside &= (own >= 0) & (own < size)
                place = place * size + own.astype(np.int64)
            return np.where(inside, place, -1)
        given = self.laid_out(self.indices, self.windows.outs).astype(object)
        if self.convention == "spatial":
            return np.where((given >= 0) & (given < plane), given, -1).astype(np.int64)
        taps = self.windows.cells.shape[-1]
        inside = (given >= 0) & (given < taps)
        tap = np.where(inside, given, 0).astype(np.int64)
        cells = np.broadcast_to(self.windows.cells, (len(tap), *self.windows.cells.shape[1:]))
        return np.where(inside, np.take_along_axis(cells, tap[..., None], -1)[..., 0], -1)

    @property
    def outside(self):
        """Whether some index names no place, which is refused where it is known."""
        limits = {"window": self.windows.cells.shape[-1], "spatial": math.prod(self.windows.sizes)}
        limits = self.windows.sizes if self.convention == "coordinates" else limits[self.convention]
        return bool(((self.indices < 0) | (self.indices >= np.asarray(limits))).any())

    def kept(self):
        """Places, and -1 also for values that another overwrites."""
        places = self.places().copy()
        if not self.add:
            for row in places:
                last = {place: i for i, place in enumerate(row)}
                for i, place in enumerate(row):
                    row[i] = place if last[place] == i else -1
        return places

    def _back(self, values, shape, dtype):
        places = self.kept()
        flat = self.laid_out(values, self.windows.outs)
        plane = math.prod(self.windows.sizes)
        depth = max((int((row == p).sum()) for row in places for p in set(row) if p >= 0), default=1)
        terms = np.zeros((len(flat), plane, depth), flat.dtype)
        filled = np.zeros((len(flat), plane), int)
        for b, o in np.argwhere(places >= 0):
            p = places[b, o]
            terms[b, p, filled[b, p]] = flat[b, o]
            filled[b, p] += 1
        there = np.arange(depth) < filled[..., None]
        if not is_inexact(dtype) or depth == 1:
            result = np.where(there, terms, np.zeros((), terms.dtype))
            result = (
                result.any(-1) if dtype.kind == "b" else result.sum(-1, dtype=dtype) if depth > 1 else result[..., 0]
            )
            parts = np.stack([result.real, result.imag], -1) if is_complex(dtype) else result
            bounds = Bounds(parts, parts, dtype, np.zeros(parts.shape, bool))
        else:
            own = [(t, d) for t, d in real_parts(terms, dtype)]
            bounds = joined([total(t, there, d, d) for t, d in own], dtype)
        return bounds.mapped(lambda a: self.restored(a, shape, self.windows.sizes))

    def outputs(self, x):
        return [self._back(x, x.shape, x.dtype)]

    def tangent(self, x, dx):
        return self._back(dx, x.shape, x.dtype)

    def cotangent(self, x, g):
        places = self.kept()
        flat = self.laid_out(g)
        taken = np.take_along_axis(flat, np.maximum(places, 0), 1)
        taken = np.where(places >= 0, taken, np.zeros((), taken.dtype)).astype(x.dtype)
        parts = np.stack([taken.real, taken.imag], -1) if is_complex(taken.dtype) else taken
        bounds = Bounds(parts, parts, x.dtype, np.zeros(parts.shape, bool))
        return bounds.mapped(lambda a: self.restored(a, x.shape, self.windows.outs))


@dataclasses.dataclass(frozen=True, eq=False)
class Spread(Plan):
    """Average unpooling: the adjoint of the averages `mean`, of planes of `shape`."""

    linear = True
    mean: Sum
    shape: tuple

    def _back(self, g):
        if not is_inexact(g.dtype):
            g = g.astype(real_dtype(g.dtype))
        return self.mean.cotangent(np.zeros(self.shape, g.dtype), g)

    def outputs(self, x):
        return [self._back(x)]

    def tangent(self, x, dx):
        del x
        return self._back(dx)

    def cotangent(self, x, g):
        del x
        return self.mean.tangent(np.zeros(self.shape, g.dtype), g)


@dataclasses.dataclass(frozen=True, eq=False)
class Reduction(OnWindows):
    """`pool` with an operation that the reducer does in NumPy."""

    reducer: Any = None
    init: Any = None

    @property
    def differentiable(self):
        return self.reducer.weights is not None

    @property
    def piecewise(self):
        return self.reducer.piecewise

    def outputs(self, x):
        own, valid = self.elements(x)
        results = self.reducer.expected(own, valid, self.init)
        return [bounds.mapped(lambda a: self._out(a, x.shape)) for bounds in results]

    def weights(self, x):
        own, valid = self.elements(x)
        with np.errstate(all="ignore"):
            weights = self.reducer.weights(own.astype(np.float64), valid, self.init)
        eps = float(jnp.finfo(x.dtype).eps)
        return weights, eps * 4 * (own.shape[-1] + 2), ~np.isfinite(weights).all(-1)

    def floor(self, weights):
        del weights
        return 0.0 if self.piecewise else 1e-30

    def summing_dtype(self, dtype):
        return dtype


@dataclasses.dataclass(frozen=True, eq=False)
class Conversion(Plan):
    """Indices of other frameworks, one position in the flattened array after another."""

    differentiable = False
    windows: Any
    shape: tuple
    channel: int | None
    options: dict
    framework: str
    back: bool

    def outputs(self, x):
        result = np.zeros(x.shape, np.int64)
        sizes, axes = self.windows.sizes, self.windows.axes
        channels = 1 if self.channel is None else self.shape[self.channel]
        plane = math.prod(sizes)
        batch_axes = [a for a in range(len(self.shape)) if a not in axes and a != self.channel]
        batch_sizes = [self.shape[a] for a in batch_axes]
        order = self.options.get("storage_order", 0)
        for at in np.ndindex(x.shape):
            batch = int(np.ravel_multi_index([at[a] for a in batch_axes], batch_sizes)) if batch_axes else 0
            channel = 0 if self.channel is None else at[self.channel]
            value = int(x[at])
            if self.framework == "tf":
                first = batch * plane if self.options.get("include_batch_in_index") else 0
                to = (first + value) * channels + channel
                from_ = value // channels - first
            else:
                first = (batch * channels + channel) * plane
                own = value if not self.back else value - first
                turned = own
                if order and 0 <= own < plane:
                    there = np.unravel_index(own, sizes, order="F" if self.back else "C")
                    turned = int(np.ravel_multi_index(there, sizes, order="C" if self.back else "F"))
                to, from_ = first + turned, turned
            result[at] = from_ if self.back else to
        return [exact(result.astype(np.int32))]
