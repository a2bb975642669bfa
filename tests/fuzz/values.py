"""Dtypes and values: ties, NaN, infinities, both zeros, subnormals and the ends of every dtype."""

import jax.numpy as jnp
import numpy as np

# How often each dtype is drawn, without and with 64-bit types.
DTYPES = {"float32": 10, "bfloat16": 5, "float16": 4, "float8_e4m3fn": 2, "float8_e5m2": 2, "bool": 2, "complex64": 2,
          "int8": 1, "int16": 1, "int32": 2, "uint8": 2, "uint16": 1, "uint32": 1}  # fmt: skip
WIDE = {"float64": 14, "int64": 4, "uint64": 4, "complex128": 2}
KINDS = ("ties", "ordinary", "nan", "inf", "zeros", "subnormal", "extreme", "equal", "worst", "mixed")


def is_float(dtype):
    return jnp.issubdtype(dtype, jnp.floating)


def is_complex(dtype):
    return jnp.issubdtype(dtype, jnp.complexfloating)


def is_inexact(dtype):
    return jnp.issubdtype(dtype, jnp.inexact)


def draw_dtype(rng, x64, ordered=False, inexact=False):
    weights = DTYPES | (WIDE if x64 else {})
    names = [
        name
        for name in weights
        if not (ordered and name.startswith("complex")) and (not inexact or is_inexact(jnp.dtype(name)))
    ]
    chances = np.array([weights[name] for name in names], float)
    return str(rng.choice(names, p=chances / chances.sum()))


def cast(values, dtype):
    """To a dtype as NumPy casts, without its warnings."""
    with np.errstate(all="ignore"):
        return np.asarray(values).astype(jnp.dtype(dtype))


def limits(dtype):
    """The smallest, the largest and the smallest normal number."""
    info = jnp.finfo(dtype) if is_float(dtype) else jnp.iinfo(dtype)
    tiny = float(info.tiny) if is_float(dtype) else 1
    return (float(info.min), float(info.max), tiny) if is_float(dtype) else (info.min, info.max, 1)


def draw(rng, shape, dtype, kind):
    """An array of one kind of values."""
    dtype = jnp.dtype(dtype)
    small = rng.integers(-2, 3, shape)
    if dtype == jnp.bool_:
        return small > 0
    if is_complex(dtype):
        return cast(small + 1j * rng.integers(-2, 3, shape), dtype)
    least, most, tiny = limits(dtype)
    if not is_float(dtype):
        if kind in ("extreme", "worst", "mixed"):
            return np.where(rng.random(shape) < 0.5, dtype.type(least), dtype.type(most)).astype(dtype)
        if kind == "ordinary":
            return rng.integers(least, most, shape, dtype=dtype, endpoint=True)
        return cast(small - min(int(least) and 1 and -2, 0) if least == 0 else small, dtype)
    pools = {
        "nan": [np.nan, 0, 1, 2],
        "inf": [np.inf, -np.inf, 0, 1],
        "zeros": [0.0, -0.0, 0.0, -0.0, 1.0],
        "subnormal": [tiny / 2, -tiny / 2, tiny / 4, 0.0, -0.0, tiny, -tiny],
        "extreme": [most, least, most, tiny, -tiny, 0.0, 1.0],
        "worst": [-np.inf, np.inf, least],
        "mixed": [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -1.0, most, least, tiny],
    }
    if kind == "ties":
        values = small
    elif kind == "ordinary":
        values = rng.normal(size=shape) * 2
    elif kind == "equal":
        values = np.full(shape, rng.choice([0.0, -0.0, 1.0, -1.5]))
    elif kind == "worst":
        values = np.full(shape, rng.choice(pools[kind]))
    else:
        values = rng.choice(pools[kind], shape)
    return cast(values, dtype)


def slopes(rng, shape, dtype):
    """Small whole numbers, for tangents and cotangents: their sums are exact."""
    return draw(rng, shape, dtype, "ties")


def has_subnormals(x):
    if not is_float(x.dtype):
        return False
    size = np.abs(x.astype(np.float64))
    return bool(((size > 0) & (size < float(jnp.finfo(x.dtype).tiny))).any())


def flushed(x):
    """Subnormal numbers as zeros, as XLA's programs on CPU may read them."""
    size = np.abs(x.astype(np.float64))
    return np.where((size > 0) & (size < float(jnp.finfo(x.dtype).tiny)), np.zeros((), x.dtype), x)
