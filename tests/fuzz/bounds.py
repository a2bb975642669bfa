"""What a result may be: an interval for every element, exact where the rule is exact."""

import dataclasses

import jax.numpy as jnp
import numpy as np

from fuzz.values import cast, is_complex, is_float


@dataclasses.dataclass(frozen=True, eq=False)
class Bounds:
    """The least and the largest that each element may be, as values of `dtype`.

    Attributes:
      low, high: equal where there is one right answer; NaN where the answer is NaN. Complex numbers have their parts on
        a last axis of their own.
      dtype: the dtype that the result must have.
      free: elements about which nothing is said.
    """

    low: np.ndarray
    high: np.ndarray
    dtype: np.dtype
    free: np.ndarray

    def mapped(self, function):
        return Bounds(function(self.low), function(self.high), self.dtype, function(self.free))

    def fault(self, got):
        """What is wrong with a result, or None."""
        got = np.asarray(got)
        if got.dtype != self.dtype:
            return f"dtype {got.dtype}, expected {self.dtype}"
        parts = np.stack([got.real, got.imag], -1) if is_complex(got.dtype) else got
        if parts.shape != self.low.shape:
            expected = self.low.shape[:-1] if is_complex(got.dtype) else self.low.shape
            return f"shape {got.shape}, expected {expected}"
        low, high = self.low, self.high
        if is_float(parts.dtype):
            parts, low, high = (a.astype(np.float64) for a in (parts, low, high))
            lost = np.isnan(low), np.isnan(high), np.isnan(parts)
            good = (parts >= low) & (parts <= high) | lost[2] & (lost[0] | lost[1])
            # An end beyond the largest number is NaN in dtypes without infinity.
            good |= lost[1] & (parts >= low) | lost[0] & (parts <= high)
        else:
            good = (parts == low) & (parts == high)
        bad = np.argwhere(~(good | self.free))
        if not bad.size:
            return None
        place = tuple(int(i) for i in bad[0])
        ends = sorted({str(self.low[place]), str(self.high[place])})
        return (
            f"{len(bad)} of {parts.size} elements, the first at {place}: {parts[place]}, expected {' to '.join(ends)}"
        )


def exact(values, free=None):
    values = np.asarray(values)
    free = np.zeros(values.shape, bool) if free is None else free
    return Bounds(values, values, values.dtype, free)


def total(terms, real, sum_dtype, dtype, scale=1, error=0.0, floor=0.0):
    """The sum over the last axis of `terms` where `real`, computed in `sum_dtype` and cast.

    Args:
      terms: the summands, as f64 or wider.
      real: which of them there are.
      sum_dtype: the float in which the library adds.
      dtype: that of the result.
      scale: what the sum is divided by, with a rounding.
      error: the relative error of each summand.
      floor: the absolute error of the sum.
    """
    info = jnp.finfo(sum_dtype)
    wide = np.longdouble if info.bits == 64 else np.float64
    with np.errstate(all="ignore"):
        terms = np.where(real, terms, 0).astype(wide)
        whole = terms.sum(-1)
        size = np.abs(np.where(np.isfinite(terms), terms, 0)).sum(-1)
        unit = float(info.eps) * (terms.shape[-1] + 3) + error
        slack = size * wide(unit) + float(info.tiny) * (terms.shape[-1] + 1)
        scale = np.asarray(scale, wide)
        low, high = (whole - slack) / scale, (whole + slack) / scale
        low, high = np.minimum(low, high), np.maximum(low, high)
        # Where parts of the sum may overflow, the order decides.
        free = (size + slack > float(info.max)) & ~np.isnan(whole)
        pad = float(info.tiny) + floor
        low, high = (cast(end, sum_dtype) for end in (low - pad, high + pad))
    return Bounds(cast(low, dtype), cast(high, dtype), jnp.dtype(dtype), free & np.ones(low.shape, bool))
