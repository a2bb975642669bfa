"""What a pool of windows must give, from its table of cells: values, places, tangents and cotangents."""

import dataclasses
import math
from typing import Any

import jax.numpy as jnp
import numpy as np

from fuzz.bounds import Bounds, exact, total
from fuzz.values import cast, is_complex, is_float, is_inexact, limits
from fuzz.windows import RefusedError, Windows


def real_dtype(dtype):
    """The float in which sums of a dtype are added."""
    dtype = jnp.dtype(dtype)
    if not is_inexact(dtype):
        return jnp.ones((1,), dtype).mean().dtype
    bits = jnp.finfo(dtype).bits
    return jnp.dtype(np.float64 if bits == 64 else np.float32)


def parts_of(x):
    """Complex numbers as pairs on a last axis."""
    return np.stack([x.real, x.imag], -1) if is_complex(x.dtype) else x


class Plan:
    """What one call must give; `piecewise` where it is linear around every input, `linear` where everywhere."""

    linear = False
    piecewise = True
    differentiable = True

    def outputs(self, x):
        """A list of bounds, one for each result."""
        raise NotImplementedError

    def tangent(self, x, dx):
        """Bounds of the tangent of the first result; None where nothing is said."""
        raise NotImplementedError

    def cotangent(self, x, g):
        """Bounds of the cotangent of the inputs."""
        raise NotImplementedError


@dataclasses.dataclass(frozen=True, eq=False)
class OnWindows(Plan):
    """A pool of windows; subclasses say what one window gives, and how much each of its elements weighs."""

    windows: Windows
    where: Any = None
    squeezed: bool = False

    def laid_out(self, array, sizes=None):
        """From an array to (maps, places)."""
        axes = self.windows.axes
        moved = np.moveaxis(array, axes, range(array.ndim - len(axes), array.ndim))
        kept = moved.shape[: array.ndim - len(axes)]
        return moved.reshape(math.prod(kept), math.prod(sizes or self.windows.sizes))

    def restored(self, array, shape, sizes):
        """From (maps, places, ...) to the layout of an array of `shape`, with `sizes` along the spatial axes."""
        axes = self.windows.axes
        kept = [n for axis, n in enumerate(shape) if axis not in axes]
        result = array.reshape(*kept, *sizes, *array.shape[2:])
        return np.moveaxis(result, range(len(kept), len(kept) + len(axes)), axes)

    def _out(self, array, shape):
        result = self.restored(array, shape, self.windows.outs)
        return result.squeeze(self.windows.axes) if self.squeezed else result

    def elements(self, x):
        """The elements of every window, (maps, windows, taps), and which of them count."""
        plane = self.laid_out(x)
        cells = np.maximum(self.windows.cells, 0)
        at = (np.arange(len(plane))[:, None, None], cells)
        valid = self.windows.real & np.ones((len(plane), 1, 1), bool)
        if self.where is not None:
            valid = valid & self.laid_out(np.broadcast_to(self.where, x.shape))[at]
        return plane[at], valid

    def require_elements(self):
        """Refuses windows wholly in padding."""
        if not self.windows.real.any(-1).all():
            raise RefusedError("wholly in padding")

    def weights(self, x):
        """The derivative of every window by its elements, its relative error, and windows of which nothing is said."""
        raise NotImplementedError

    def summing_dtype(self, dtype):
        """The float in which slopes are added."""
        return real_dtype(dtype)

    def floor(self, weights):
        """The absolute error of slopes; none where weights are what they are."""
        del weights
        return 0.0

    def tangent(self, x, dx):
        weights, error, free = self.weights(x)
        terms, valid = self.elements(dx)
        wide = self.summing_dtype(x.dtype)
        used = valid & (weights != 0)
        parts = [
            total(weights * part, used, wide, part_dtype, error=error, floor=self.floor(weights))
            for part, part_dtype in real_parts(terms, x.dtype)
        ]
        bounds = joined(parts, x.dtype)
        bounds = dataclasses.replace(bounds, free=bounds.free | _like(free, bounds.free))
        return bounds.mapped(lambda a: self._out(a, x.shape))

    def cotangent(self, x, g):
        weights, error, free = self.weights(x)
        if free.any():
            return None
        shape = [1 if a in self.windows.axes else n for a, n in enumerate(x.shape)]
        slopes = self.laid_out(g.reshape(shape) if self.squeezed else g, self.windows.outs)
        maps, places = len(slopes), math.prod(self.windows.sizes)
        cells = np.broadcast_to(self.windows.cells, weights.shape)
        at = (np.arange(maps)[:, None, None], cells)
        used = np.broadcast_to(self.windows.real, weights.shape) & (weights != 0)
        # At most as many terms come together as windows and taps meet in one element.
        meeting = np.zeros((maps, places), int)
        np.add.at(meeting, tuple(np.broadcast_to(i, cells.shape)[used] for i in at), 1)
        depth = int(meeting.max(initial=1))
        stacks = []
        for part, part_dtype in real_parts(slopes, x.dtype):
            terms = np.zeros((maps, places, depth))
            filled = np.zeros((maps, places), int)
            products = weights * part[:, :, None]
            for b, o, t in np.argwhere(used):
                place = (b, cells[b, o, t])
                terms[(*place, filled[place])] = products[b, o, t]
                filled[place] += 1
            there = np.arange(depth) < filled[..., None]
            stacks.append(
                total(terms, there, self.summing_dtype(x.dtype), part_dtype, error=error, floor=self.floor(weights))
            )
        return joined(stacks, x.dtype).mapped(lambda a: self.restored(a, x.shape, self.windows.sizes))


def _like(flags, shape_of):
    return flags[..., None] & np.ones_like(shape_of) if shape_of.ndim > flags.ndim else flags


def real_parts(terms, dtype):
    if is_complex(jnp.dtype(dtype)):
        part = jnp.finfo(dtype).dtype
        return [(terms.real, part), (terms.imag, part)]
    return [(terms.astype(np.float64), jnp.dtype(dtype))]


def joined(parts, dtype):
    if len(parts) == 1:
        return parts[0]
    low, high, free = (np.stack([getattr(p, name) for p in parts], -1) for name in ("low", "high", "free"))
    return Bounds(low, high, jnp.dtype(dtype), free)


@dataclasses.dataclass(frozen=True, eq=False)
class Extremum(OnWindows):
    """The first largest or smallest element of every window, or its first NaN."""

    kind: str = "max"
    convention: str | None = None
    padding_value: Any = None
    instead: Any = None

    def choose(self, x):
        """Values, taps, windows without element, and windows whose extremum ties with what is left out."""
        own, valid = self.elements(x)
        worst = worst_of(x.dtype, self.kind)
        numbers = own.astype(np.uint8) if own.dtype == bool else own
        numbers = numbers.astype(np.float32) if is_float(x.dtype) and numbers.itemsize < 4 else numbers
        nan = np.isnan(numbers) & valid if is_float(x.dtype) else np.zeros(valid.shape, bool)
        edge = cast(worst, numbers.dtype)
        with np.errstate(invalid="ignore"):
            best = (np.max if self.kind == "max" else np.min)(np.where(valid & ~nan, numbers, edge), -1)
        hits = np.where(nan.any(-1, keepdims=True), nan, valid & (numbers == best[..., None]))
        tap = hits.argmax(-1)
        empty = ~valid.any(-1)
        values = np.take_along_axis(own, tap[..., None], -1)[..., 0]
        left_out = (np.broadcast_to(self.windows.real, valid.shape) & ~valid).any(-1)
        loose = left_out & (values == worst)
        beside = np.broadcast_to((self.windows.counted & ~self.windows.real).any(-1), empty.shape)
        found = np.where(empty & ~beside if self.padding_value is not None else empty, self.nothing(worst), values)
        if self.padding_value is not None:
            found = np.where(empty & beside, worst, found)
            constant = cast(self.padding_value, x.dtype)
            wins = beside & ~nan.any(-1) & (constant > best if self.kind == "max" else constant < best)
            # What wins is no element, and has no gradient.
            found, empty = np.where(wins, constant, found), empty | wins
        return found.astype(x.dtype), tap, empty, loose

    def nothing(self, worst):
        """What a window without a valid element gives."""
        return worst if self.instead is None else cast(self.instead, np.asarray(worst).dtype)

    def outputs(self, x):
        values, tap, empty, _ = self.choose(x)
        result = [exact(values).mapped(lambda a: self._out(a, x.shape))]
        if self.convention is not None:
            result.append(self.places(tap, empty).mapped(lambda a: self._out(a, x.shape)))
        return result

    def places(self, tap, empty):
        if self.convention == "window":
            taps = math.prod(self.windows.taps)
            dtype = next(d for d, bits in ((np.uint8, 8), (np.uint16, 16), (np.uint32, 32)) if taps <= 1 << bits)
            return exact(tap.astype(dtype), empty)
        cells = np.broadcast_to(self.windows.cells, (*tap.shape, self.windows.cells.shape[-1]))
        place = np.take_along_axis(cells, tap[..., None], -1)[..., 0]
        if self.convention == "spatial":
            return exact(place.astype(np.int32), empty)
        along = np.stack(np.unravel_index(np.maximum(place, 0), self.windows.sizes), -1).astype(np.int32)
        return exact(along, np.broadcast_to(empty[..., None], along.shape))

    def weights(self, x):
        _, tap, empty, loose = self.choose(x)
        taps = self.windows.cells.shape[-1]
        weights = (np.arange(taps) == tap[..., None]) & ~empty[..., None]
        return weights.astype(np.float64), 0.0, loose & ~empty


def worst_of(dtype, kind):
    """What a window without element gives."""
    dtype = jnp.dtype(dtype)
    if dtype == jnp.bool_:
        return np.bool_(kind == "min")
    if is_float(dtype):
        infinite = cast(-np.inf if kind == "max" else np.inf, dtype)
        if np.isinf(infinite.astype(np.float32)):
            return infinite
    return cast(limits(dtype)[0 if kind == "max" else 1], dtype)
