"""Who takes part: jaxpool with each of its implementations, and what people use today. All but jaxpool are optional."""

from __future__ import annotations

import dataclasses
import functools
import importlib
import math
import os
import textwrap
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax

import jaxpool
from benchmarks import before
from benchmarks.environment import version
from benchmarks.programs import JaxPool, JaxProgram, Program, UnavailableError
from benchmarks.reference import Data
from benchmarks.torch_program import TorchProgram
from benchmarks.workloads import EAGER, Workload
from jaxpool._geometry import pooling_window
from jaxpool._lowerings import OPERATORS, Plan
from jaxpool._lowerings.plan import slice_count

# A program of more slices takes longer to compile than it is worth.
_MOST_SLICES = 160

Build = Callable[[Workload, str, str, Data], Program]

# What is compared: the plans that differ in what they compute on a CPU, and those of accelerators.
PLANS = (
    Plan("native"),
    Plan("joint"),
    Plan("joint", merge=True),
    Plan("joint", back="phases"),
    Plan("joint", borders="pad", back="dilate"),
    Plan("axes"),
    Plan("axes", merge=True),
    Plan("axes", store=True),
    Plan("axes", merge=True, store=True),
    Plan("axes", borders="pad", merge=True, store=True),
    Plan("axes", back="phases"),
    Plan("axes", borders="pad", back="dilate"),
    Plan("axes", chain=True, store=True),
    Plan("axes", chain=True, merge=True, store=True),
    Plan("axes", chain=True, borders="pad", back="dilate"),
)


def library(name: str) -> Any:
    """An optional package."""
    try:
        return importlib.import_module(name)
    except ImportError as error:
        raise UnavailableError(f"{name} is not installed") from error


def build(contender: str, workload: Workload, dtype: str, mode: str, data: Data) -> Program:
    """A contender's program for a workload.

    Raises:
      UnavailableError: it cannot do this; the message says why.
    """
    if mode not in workload.modes(dtype):
        raise UnavailableError(f"an {workload.pool} pool of {dtype} has no mode {mode}")
    try:
        return CONTENDERS[contender](workload, dtype, mode, data)
    except NotImplementedError as error:
        raise UnavailableError(first_line(error)) from error


def first_line(error: BaseException) -> str:
    """An error in one line of moderate length."""
    lines = str(error).strip().splitlines() or [""]
    return f"{type(error).__name__}: {textwrap.shorten(lines[0].partition('. Pass ')[0], 200)}"


def _refuse_many_slices(plan: Plan, workload: Workload) -> None:
    window = pooling_window(
        workload.shape,
        workload.window,
        workload.strides,
        workload.padding,
        window_dilation=workload.dilation,
        channel_axis=workload.channel_axis,
        padding_is_empty=False,
    )
    count = max(slice_count(operator, plan, window) for operator in OPERATORS)
    if plan.order == "joint" and count > _MOST_SLICES:
        raise UnavailableError(f"it would take {count} slices")


def _before(workload: Workload) -> JaxPool:
    if before.folder is None:
        raise UnavailableError("no other checkout was named: --before FOLDER")
    return _jaxpool(workload, None, before.load(before.folder))


def _jaxpool(workload: Workload, implementation: Any, jaxpool: Any = jaxpool) -> JaxPool:
    common: dict[str, Any] = {"channel_axis": workload.channel_axis}
    if isinstance(implementation, Plan):
        _refuse_many_slices(implementation, workload)
    if workload.pool in ("global_avg", "adaptive_avg"):
        if implementation is not None:
            raise UnavailableError("this pool has no choice of implementation")
        if workload.pool == "global_avg":
            return JaxPool(functools.partial(jaxpool.global_avg_pool, num_spatial_dims=len(workload.window), **common))
        return JaxPool(functools.partial(jaxpool.adaptive_avg_pool, output_size=workload.window, **common))
    common |= {
        "window_shape": workload.window,
        "strides": workload.strides,
        "padding": workload.padding,
        "window_dilation": workload.dilation,
        "implementation": implementation,
    }
    if workload.pool == "avg":
        return JaxPool(functools.partial(jaxpool.avg_pool, count_include_pad=workload.count_include_pad, **common))
    return JaxPool(
        functools.partial(jaxpool.max_pool, **common), functools.partial(jaxpool.max_pool_with_argmax, **common)
    )


def _lowest(dtype: Any) -> Any:
    floating = jnp.issubdtype(dtype, jnp.floating)
    return dtype.type(-jnp.inf if floating else jnp.iinfo(dtype).min)


def _lax(workload: Workload) -> JaxPool:
    """`reduce_window` written by hand, as Flax calls it: sums in the dtype of the input."""
    rank = len(workload.shape)
    sizes, strides, dilations, pads = [1] * rank, [1] * rank, [1] * rank, [(0, 0)] * rank
    for number, axis in enumerate(workload.spatial_axes):
        sizes[axis], strides[axis] = workload.window[number], workload.strides[number]
        dilations[axis], pads[axis] = workload.dilation, workload.pairs[number]
    if workload.pool == "adaptive_avg":
        raise UnavailableError("it has no adaptive bins")

    def reduced(x: Any, initial: Any, function: Any) -> Any:
        return lax.reduce_window(x, initial, function, sizes, strides, pads, window_dilation=dilations)

    def average(x: Any) -> Any:
        zero = x.dtype.type(0)
        total = reduced(x, zero, lax.add)
        if workload.count_include_pad:
            return (total / x.dtype.type(workload.taps)).reshape(workload.output_shape)
        ones = [size if axis in workload.spatial_axes else 1 for axis, size in enumerate(x.shape)]
        return total / jnp.broadcast_to(reduced(jnp.ones(ones, x.dtype), zero, lax.add), total.shape)

    def first_of_two(a: Any, b: Any) -> Any:
        first = (a[0] > b[0]) | ((a[0] == b[0]) & (a[1] < b[1]))
        return jnp.where(first, a[0], b[0]), jnp.where(first, a[1], b[1])

    def with_argmax(x: Any) -> Any:
        shape = [size if axis in workload.spatial_axes else 1 for axis, size in enumerate(x.shape)]
        places = jnp.arange(math.prod(shape), dtype=jnp.int32).reshape(shape)
        initial = (_lowest(x.dtype), jnp.int32(jnp.iinfo(jnp.int32).max))
        return reduced((x, jnp.broadcast_to(places, x.shape)), initial, first_of_two)

    if workload.pool == "max":
        return JaxPool(lambda x: reduced(x, _lowest(x.dtype), lax.max), with_argmax)
    return JaxPool(average)


def _flax(workload: Workload) -> JaxPool:
    linen = library("flax.linen")
    if workload.dilation != 1:
        raise UnavailableError("it has no dilation")
    if workload.pool == "adaptive_avg":
        raise UnavailableError("it has no adaptive pooling")
    if workload.pool == "global_avg":
        return JaxPool(lambda x: jnp.mean(x, axis=workload.spatial_axes))
    arguments: dict[str, Any] = {"strides": workload.strides, "padding": workload.padding}
    pool = linen.max_pool
    if workload.pool == "avg":
        pool, arguments["count_include_pad"] = linen.avg_pool, workload.count_include_pad

    def pooled(x: Any) -> Any:
        if workload.channel_axis % x.ndim == x.ndim - 1:
            return pool(x, workload.window, **arguments)
        # Channels in front become examples of one feature each, which moves nothing.
        merged = x.reshape(-1, *workload.plane, 1)
        return pool(merged, workload.window, **arguments).reshape(workload.output_shape)

    return JaxPool(pooled)


def _equinox(workload: Workload) -> JaxPool:
    nn = library("equinox").nn
    rank = len(workload.window)
    if workload.dilation != 1:
        raise UnavailableError("it has no dilation")
    if not workload.count_include_pad and any(map(sum, workload.pairs)):
        raise UnavailableError("it always counts padding")
    if workload.pool in ("global_avg", "adaptive_avg"):
        target = workload.window if workload.pool == "adaptive_avg" else (1,) * rank
        layer = getattr(nn, f"AdaptiveAvgPool{rank}d")(target)
    else:
        family = "MaxPool" if workload.pool == "max" else "AvgPool"
        layer = getattr(nn, f"{family}{rank}d")(workload.window, workload.strides, workload.pairs)

    def pooled(x: Any) -> Any:
        y = jax.vmap(layer)(x)
        return y.reshape(workload.output_shape) if workload.pool == "global_avg" else y

    return JaxPool(pooled, channels_first=True)


def _keras(workload: Workload) -> JaxPool:
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = library("keras")
    if keras.backend.backend() != "jax":
        raise UnavailableError(f"keras runs on {keras.backend.backend()} here")
    first = workload.channel_axis % len(workload.shape) == 1 and len(workload.shape) > 2
    layout = "channels_first" if first else "channels_last"
    if workload.pool == "global_avg":
        return JaxPool(lambda x: keras.ops.mean(x, axis=workload.spatial_axes))
    if workload.pool == "adaptive_avg":
        return JaxPool(lambda x: keras.ops.adaptive_average_pool(x, workload.window, data_format=layout))
    if workload.dilation != 1:
        raise UnavailableError("it has no dilation")
    padded = any(map(sum, workload.pairs))
    if padded and workload.pairs != dataclasses.replace(workload, padding="SAME").pairs:
        raise UnavailableError(f"it has no padding {workload.padding}")
    if padded and workload.pool == "avg" and workload.count_include_pad:
        raise UnavailableError("it never counts padding")
    pool = keras.ops.max_pool if workload.pool == "max" else keras.ops.average_pool
    padding = "same" if padded else "valid"
    return JaxPool(lambda x: pool(x, workload.window, workload.strides, padding, layout))


def _lenient(pool: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """A pool of a library that relies on promotion of dtypes and ranks, which a strict caller may have switched off.

    What it promotes is cast back, as a network of one dtype has to do.
    """

    def lenient(x: Any) -> Any:
        with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
            y = pool(x)
        return y.astype(x.dtype) if jnp.issubdtype(x.dtype, jnp.floating) else y

    return lenient


def _on_jax(make: Callable[[Workload], JaxPool]) -> Build:
    def built(workload: Workload, dtype: str, mode: str, data: Data) -> Program:
        del dtype
        return JaxProgram(make(workload).in_a_row(workload.repeats), workload, mode, data)

    return built


def _other(make: Callable[[Workload], JaxPool]) -> Build:
    def built(workload: Workload, dtype: str, mode: str, data: Data) -> Program:
        del dtype
        pool = make(workload).in_a_row(workload.repeats)
        # Leniency costs time in every eager call, and none in a compiled one.
        pool = pool if mode == EAGER else dataclasses.replace(pool, pool=_lenient(pool.pool))
        return JaxProgram(pool, workload, mode, data)

    return built


def _on_torch(channels_last: bool) -> Build:
    def built(workload: Workload, dtype: str, mode: str, data: Data) -> Program:
        return TorchProgram(library("torch"), workload, dtype, mode, data, channels_last, jax.default_backend())

    return built


CONTENDERS: dict[str, Build] = {
    "jaxpool": _on_jax(functools.partial(_jaxpool, implementation=None)),
    **{f"jaxpool:{plan}": _on_jax(functools.partial(_jaxpool, implementation=plan)) for plan in PLANS},
    "before": _on_jax(_before),
    "lax": _on_jax(_lax),
    "flax": _other(_flax),
    "equinox": _other(_equinox),
    "keras": _other(_keras),
    "torch_channels_last": _on_torch(channels_last=True),
    "torch_channels_first": _on_torch(channels_last=False),
}
TORCH = ("torch_channels_last", "torch_channels_first")
# All but the single plans of jaxpool, and what it was before.
LIBRARIES = tuple(name for name in CONTENDERS if ":" not in name and name != "before")
_ABOUT = {
    "jaxpool": ("jaxpool", "what jaxpool chooses here"),
    "before": ("jaxpool", "jaxpool of another checkout: --before FOLDER"),
    "lax": ("jax", "lax.reduce_window, written by hand as flax calls it"),
    "flax": ("flax", "flax.linen.max_pool and avg_pool; jnp.mean for whole planes"),
    "equinox": ("equinox", "equinox.nn's layers, on channels first"),
    "keras": ("keras", "keras.ops on the backend jax"),
    "torch_channels_last": ("torch", "torch.nn.functional in the memory order channels_last"),
    "torch_channels_first": ("torch", "torch.nn.functional in torch's usual memory order"),
}


def described() -> dict[str, str]:
    """What every contender is, and the version that is installed here."""

    def about(name: str) -> str:
        if name not in _ABOUT:
            return f"jaxpool with the plan {name.partition(':')[2]}, wherever it can run"
        package, text = _ABOUT[name]
        return f"{text}; {'not installed' if (found := version(package)) is None else f'{package} {found}'}"

    return {name: about(name) for name in CONTENDERS}
