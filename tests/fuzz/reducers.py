"""Operations for `pool`: the text of a call, and what they give in NumPy."""

import dataclasses
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from fuzz.bounds import Bounds, exact, total
from fuzz.values import cast, is_float


@dataclasses.dataclass(frozen=True, eq=False)
class Reducer:
    """One operation.

    Attributes:
      text: the operation as Python.
      identity: for a dtype, the text of the identity.
      expected: `(elements, valid, init)` to bounds of every result.
      accepts: whether it takes a dtype.
      tree: the text of what is pooled, made of the inputs `x`.
      weights: `(elements, valid, init)` to the derivative of the first result by every element; None where it is not
        checked, as maxima share it among equals.
      piecewise: whether these are the same near every input.
    """

    text: str
    identity: Callable
    expected: Callable
    accepts: Callable
    tree: str = "x"
    weights: Callable | None = None
    piecewise: bool = False

    def __call__(self, *operands):
        return self.function(*operands)

    @property
    def function(self):
        return eval(self.text, {"jnp": jnp, "lax": lax, "jax": jax})

    def operands(self, x):
        return eval(self.tree, {"jnp": jnp, "lax": lax, "jax": jax, "x": x})


def _filled(own, valid, init):
    return np.where(valid, own, cast(init, own.dtype))


def _sum(own, valid, init):
    del init
    if not jnp.issubdtype(own.dtype, jnp.inexact):
        return [exact(np.where(valid, own, 0).sum(-1, dtype=own.dtype))]
    return [total(own.astype(np.float64), valid, own.dtype, own.dtype)]


def _fold(function):
    def expected(own, valid, init):
        own = _filled(own, valid, init)
        wide = own.astype(np.float32) if is_float(own.dtype) and own.itemsize < 4 else own
        with np.errstate(all="ignore"):
            return [exact(function.reduce(wide, axis=-1).astype(own.dtype))]

    return expected


def _product(own, valid, init):
    own = _filled(own, valid, init)
    if not is_float(own.dtype):
        return [exact(np.multiply.reduce(own, axis=-1, dtype=own.dtype))]
    eps = float(jnp.finfo(own.dtype).eps) * (own.shape[-1] + 2)
    with np.errstate(all="ignore"):
        whole = np.multiply.reduce(own.astype(np.longdouble), axis=-1)
        slack = np.abs(whole) * eps + float(jnp.finfo(own.dtype).tiny)
        # The order decides where parts may overflow, or vanish.
        logs = np.abs(np.log(np.abs(own.astype(np.float64))))
    top = np.log(float(jnp.finfo(own.dtype).max))
    free = ~np.isfinite(whole) | (
        np.where(np.isfinite(logs), logs, 0).sum(-1) > -np.log(float(jnp.finfo(own.dtype).tiny)) / 2
    )
    del top
    whole, slack = np.where(free, 0, whole), np.where(free, 0, slack)
    return [Bounds(cast(whole - slack, own.dtype), cast(whole + slack, own.dtype), own.dtype, free)]


def _first(own, valid, init):
    own = _filled(own, valid, init)
    hit = own != 0
    tap = hit.argmax(-1)
    return [exact(np.take_along_axis(own, tap[..., None], -1)[..., 0])]


def _count(own, valid, init):
    del init
    return [*_sum(own, valid, 0), exact(valid.sum(-1).astype(np.int32))]


def _logsumexp(own, valid, init):
    del init
    eps = 16 * float(jnp.finfo(own.dtype).eps) * own.shape[-1]
    with np.errstate(all="ignore"):
        terms = np.where(valid, own.astype(np.longdouble), -np.inf)
        top = terms.max(-1)
        shift = np.where(np.isfinite(top), top, 0)
        logs = shift + np.log(np.exp(terms - shift[..., None]).sum(-1))
        whole = np.where(np.isposinf(top) | np.isnan(top), top, logs)
        slack = np.where(np.isfinite(whole), eps * (1 + np.abs(whole)), 0)
        low, high = (cast(end, own.dtype) for end in (whole - slack, whole + slack))
    return [Bounds(low, high, own.dtype, np.zeros(top.shape, bool))]


def _ones(own, valid, init):
    del own, init
    return valid.astype(np.float64)


def _others(own, valid, init):
    own = np.where(valid, own, init)
    weights = np.empty(own.shape)
    for t in range(own.shape[-1]):
        weights[..., t] = np.delete(own, t, -1).prod(-1)
    # Products of others may overflow or vanish on the way.
    usual = (np.abs(np.log(np.abs(own))) < 3).all(-1, keepdims=True) & (own.shape[-1] <= 8)
    return np.where(usual, weights, np.nan) * np.where(valid, 1, 0)


def _at_first(own, valid, init):
    del init
    hit = valid & (own != 0)
    # Of windows of zeros alone the last is told.
    tap = np.where(hit.any(-1), hit.argmax(-1), own.shape[-1] - 1)
    weights = (np.arange(own.shape[-1]) == tap[..., None]) & valid
    return np.where(hit.any(-1, keepdims=True), weights, np.nan)


def _softmax(own, valid, init):
    del init
    terms = np.where(valid, own, -np.inf)
    powers = np.exp(terms - terms.max(-1, keepdims=True))
    # A sum of exponentials changes nothing of numbers that are as large as this.
    usual = (np.abs(own) < 100).all(-1, keepdims=True)
    return np.where(usual, np.where(valid, powers / powers.sum(-1, keepdims=True), 0), np.nan)


def _numeric(dtype):
    return dtype != jnp.bool_


def _real(dtype):
    return _numeric(dtype) and not jnp.issubdtype(dtype, jnp.complexfloating)


def _ends(which):
    def identity(dtype):
        if is_float(dtype):
            info = jnp.finfo(dtype)
            return (
                repr(float("inf" if which == "max" else "-inf"))
                if jnp.dtype(dtype).name != "float8_e4m3fn"
                else repr(float(getattr(info, which)))
            )
        return repr(int(getattr(jnp.iinfo(dtype), which)))

    return identity


def _zero(dtype):
    return "0.0" if is_float(dtype) else "False" if dtype == jnp.bool_ else "0"


def _one(dtype):
    return "1.0" if is_float(dtype) else "1"


REDUCERS = {
    "add": Reducer("lax.add", _zero, _sum, _real, weights=_ones, piecewise=True),
    "mul": Reducer("lax.mul", _one, _product, _real, weights=_others),
    "max": Reducer("lax.max", _ends("min"), _fold(np.maximum), _real),
    "min": Reducer("lax.min", _ends("max"), _fold(np.minimum), _real),
    "or": Reducer("lax.bitwise_or", _zero, _fold(np.bitwise_or), lambda dtype: not jnp.issubdtype(dtype, jnp.inexact)),
    "first": Reducer("lambda a, b: jnp.where(a == 0, b, a)", _zero, _first, _real, weights=_at_first, piecewise=True),
    "logaddexp": Reducer(
        "jnp.logaddexp",
        lambda _: "-inf",
        _logsumexp,
        lambda dtype: jnp.dtype(dtype).name in ("float32", "float64"),
        weights=_softmax,
    ),
    "count": Reducer(
        "lambda a, b: (a[0] + b[0], a[1] + b[1])",
        lambda dtype: f"({_zero(dtype)}, 0)",
        _count,
        _real,
        "(x, jnp.ones(x.shape, jnp.int32))",
        weights=_ones,
        piecewise=True,
    ),
}
