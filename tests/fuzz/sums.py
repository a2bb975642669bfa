"""What sums, means, norms and power means of windows must give."""

import dataclasses
import fractions
import math

import jax.numpy as jnp
import numpy as np

from fuzz.bounds import Bounds, exact, total
from fuzz.plans import OnWindows, joined, real_dtype, real_parts
from fuzz.values import cast, is_complex, is_float, is_inexact


def rounded(sums, divisors, mode, dtype):
    """Quotients as integers of a dtype, in Python's own integers."""
    half = fractions.Fraction(1, 2)
    rules = {
        "half_even": round,
        "half_away": lambda v: math.floor(v + half) if v > 0 else math.ceil(v - half),
        "floor": math.floor,
        "trunc": math.trunc,
    }
    limits, rule = np.iinfo(dtype), rules[mode]

    def one(total, divisor):
        return min(max(rule(fractions.Fraction(int(total), int(divisor))), limits.min), limits.max)

    if not sums.size:
        return sums.astype(dtype)
    return np.vectorize(one, otypes=[object])(sums, divisors).astype(dtype)


@dataclasses.dataclass(frozen=True, eq=False)
class Sum(OnWindows):
    """Sums, or with divisors means, of integers maybe rounded."""

    linear = True
    mean: bool = False
    include: bool = True
    override: int | None = None
    rounding: str | None = None

    def result_dtype(self, dtype):
        if is_inexact(dtype) or self.rounding is not None:
            return dtype
        return real_dtype(dtype) if self.mean else jnp.zeros((1,), dtype).sum().dtype

    def divisors(self, valid):
        if not self.mean:
            return np.ones(valid.shape[:2])
        if self.override is not None:
            return np.full(valid.shape[:2], float(self.override))
        padding = self.windows.counted & ~self.windows.real if self.include else np.zeros((1, 1, 1), bool)
        return np.maximum(valid.sum(-1) + padding.sum(-1), 1).astype(np.float64)

    def outputs(self, x):
        own, valid = self.elements(x)
        dtype = self.result_dtype(x.dtype)
        if self.rounding is not None:
            sums = np.where(valid, own, 0).astype(object).sum(-1)
            bounds = exact(rounded(sums, self.divisors(valid), self.rounding, dtype))
            return [bounds.mapped(lambda a: self._out(a, x.shape))]
        if not is_inexact(dtype):
            bounds = exact(np.where(valid, own, 0).astype(dtype).sum(-1, dtype=dtype))
            return [bounds.mapped(lambda a: self._out(a, x.shape))]
        wide, scale = real_dtype(dtype), self.divisors(valid)
        own = own if is_inexact(own.dtype) else own.astype(wide)
        parts = [total(part, valid, wide, d, scale) for part, d in real_parts(own, dtype)]
        bounds = joined(parts, dtype)
        if is_complex(jnp.dtype(dtype)) and self.mean:
            # A division of complex numbers makes NaN of an infinite part's neighbour.
            odd = ~(np.isfinite(bounds.low) & np.isfinite(bounds.high)).all(-1)
            bounds = dataclasses.replace(bounds, free=bounds.free | odd[..., None])
        return [bounds.mapped(lambda a: self._out(a, x.shape))]

    def weights(self, x):
        _, valid = self.elements(x)
        scale = self.divisors(valid)[..., None]
        eps = float(jnp.finfo(real_dtype(x.dtype)).eps)
        return valid / scale, 4 * eps, np.zeros(valid.shape[:2], bool)


@dataclasses.dataclass(frozen=True, eq=False)
class Norm(Sum):
    """Norms and power means."""

    linear = False
    piecewise = False
    p: float = 2.0

    def result_dtype(self, dtype):
        return dtype if is_float(dtype) else real_dtype(dtype)

    def _norms(self, x):
        own, valid = self.elements(x)
        wide = np.longdouble
        with np.errstate(all="ignore"):
            size = np.where(valid, np.abs(own.astype(np.float64)), 0).astype(wide)
            largest = size.max(-1)
            usual = np.isfinite(largest) & (largest > 0)
            scale = np.where(usual, largest, 1)[..., None]
            if math.isinf(self.p):
                return size, valid, largest
            powers = np.where(size > 0, (size / scale) ** wide(self.p), 0).sum(-1)
            powers = powers / self.divisors(valid) if self.mean else powers
            norm = np.where(usual, scale[..., 0] * powers ** (1 / wide(self.p)), largest)
        return size, valid, norm

    def error(self, dtype):
        eps = float(jnp.finfo(real_dtype(dtype)).eps)
        p = min(self.p, 1e6)
        return eps * (16 + 4 * self.windows.cells.shape[-1]) * (2 + 1 / p + p)

    def floor(self, weights):
        # Powers of elements that are too small to count vanish.
        return 1e-15 * float(np.abs(np.where(np.isfinite(weights), weights, 0)).max(initial=0))

    def outputs(self, x):
        _, _, norm = self._norms(x)
        dtype = self.result_dtype(x.dtype)
        error = 0.0 if math.isinf(self.p) else self.error(x.dtype)
        with np.errstate(all="ignore"):
            pad = float(jnp.finfo(real_dtype(dtype)).tiny) * 16
            low, high = norm * (1 - error) - pad, norm * (1 + error) + pad
            low, high = (cast(cast(end, real_dtype(dtype)), dtype) for end in (low, high))
        bounds = Bounds(low, high, jnp.dtype(dtype), np.zeros(low.shape, bool))
        return [bounds.mapped(lambda a: self._out(a, x.shape))]

    def weights(self, x):
        own, valid = self.elements(x)
        size, _, norm = self._norms(x)
        sign = np.sign(own.astype(np.float64))
        if math.isinf(self.p):
            first = np.arange(size.shape[-1]) == (size == norm[..., None]).argmax(-1)[..., None]
            return np.where(first & valid, sign, 0), 0.0, ~np.isfinite(norm)
        with np.errstate(all="ignore"):
            share = np.where(size > 0, (size / norm[..., None]) ** (self.p - 1), 0)
            share = share / self.divisors(valid)[..., None] if self.mean else share
        weights = np.where(valid & (size > 0), sign * share, 0).astype(np.float64)
        # Where the norm itself overflows there is no slope.
        most = float(jnp.finfo(real_dtype(x.dtype)).max)
        free = ~np.isfinite(weights).all(-1) | ~(norm * (1 + self.error(x.dtype)) <= most)
        return weights, 4 * self.error(x.dtype), free
