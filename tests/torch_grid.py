"""Random calls of torch's pooling functions, run by torch and by jaxpool.torch."""

import dataclasses
import math
import zlib
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxpool.torch

torch = pytest.importorskip("torch", reason="torch is not installed; these tests compare with it")

import torch.nn.functional as functional  # noqa: E402

# How many valid calls of each function are drawn; three-dimensional programs take longest to compile.
COUNTS = {
    **{f"max_pool{rank}d": count for rank, count in ((1, 350), (2, 225), (3, 50))},
    **{f"avg_pool{rank}d": count for rank, count in ((1, 600), (2, 325), (3, 100))},
    **{f"lp_pool{rank}d": count for rank, count in ((1, 250), (2, 200), (3, 50))},
    **{f"adaptive_avg_pool{rank}d": count for rank, count in ((1, 150), (2, 75), (3, 25))},
    **{f"adaptive_max_pool{rank}d": count for rank, count in ((1, 100), (2, 50), (3, 25))},
    **{f"fractional_max_pool{rank}d": count for rank, count in ((2, 25), (3, 25))},
    **{f"max_unpool{rank}d": count for rank, count in ((1, 100), (2, 75), (3, 25))},
    **{f"max_pool{rank}d_with_indices": 25 for rank in (1, 2, 3)},
    **{f"adaptive_max_pool{rank}d_with_indices": 25 for rank in (1, 2, 3)},
    **{f"fractional_max_pool{rank}d_with_indices": 25 for rank in (2, 3)},
}
CHUNK = 25


@dataclasses.dataclass
class Call:
    """A function's name and all its arguments; arrays are numpy's, `dtype` is what the input is converted to."""

    name: str
    arguments: dict[str, Any]
    dtype: str = "float32"

    def __str__(self) -> str:
        shown = {k: f"array{v.shape}" if isinstance(v, np.ndarray) else v for k, v in self.arguments.items()}
        return f"{self.name}({', '.join(f'{k}={v!r}' for k, v in shown.items())}) in {self.dtype}"

    @property
    def family(self) -> str:
        return self.name.removesuffix("_with_indices")[:-2]

    @property
    def rank(self) -> int:
        return rank_of(self.name)


@dataclasses.dataclass
class Result:
    """What a call gives, as numpy arrays: values, indices or None, and the gradient of the input or None."""

    values: np.ndarray
    indices: np.ndarray | None
    gradient: np.ndarray | None


def rank_of(name: str) -> int:
    return int(name.removesuffix("_with_indices")[-2])


def draw_rng(*seed: Any) -> np.random.Generator:
    return np.random.default_rng([zlib.crc32(str(part).encode()) for part in seed])


# Drawing.


def _spelled(rng: np.random.Generator, values: tuple[int, ...], short: bool) -> Any:
    """One int per axis, spelled in any of the ways that torch takes."""
    if len(set(values)) == 1:
        form = rng.integers(3 if short else 2)
        if form:
            return values[0] if form == 1 else [values[0]]
    return values if rng.integers(2) else list(values)


def _sizes(rng: np.random.Generator, rank: int) -> tuple[int, ...]:
    return _ints(rng, 1, {1: 13, 2: 8, 3: 6}[rank], rank)


def _ints(rng: np.random.Generator, low: int, high: int, count: int) -> tuple[int, ...]:
    """`count` ints from `low` up to but without `high`."""
    return tuple(int(v) for v in rng.integers(low, high, count))


def _content(rng: np.random.Generator, shape: tuple[int, ...], rank: int, kind: str) -> np.ndarray:
    """Many ties, distinct reals, infinities, or one NaN per plane: with several in a window, torch takes the last."""
    if kind == "real":
        return rng.standard_normal(shape).astype(np.float32)
    x = rng.integers(-3, 4, shape).astype(np.float32)
    if kind == "infinite":
        x = np.where(rng.random(shape) < 0.3, -np.inf, x)
        x = np.where(rng.random(shape) < 0.1, np.inf, x)
    if kind == "nan":
        planes = x.reshape(-1, math.prod(shape[-rank:]))
        planes[np.arange(len(planes)), rng.integers(0, planes.shape[1], len(planes))] = np.nan
        x = planes.reshape(shape)
    if kind == "low":
        x = np.where(rng.random(shape) < 0.8, -np.inf, x)
    return x.astype(np.float32)


def _lead(rng: np.random.Generator) -> tuple[int, ...]:
    """Batch and channels, without a batch, or with an empty one."""
    form = rng.integers(30)
    return (0, 2) if form == 0 else (2,) if form < 8 else (2, 2)


def _input(rng: np.random.Generator, rank: int, sizes: tuple[int, ...], *kinds: str) -> np.ndarray:
    shape = (*_lead(rng), *sizes)
    return _content(rng, shape, rank, kinds[rng.integers(len(kinds))])


def _frame(rng: np.random.Generator, rank: int, *, short: bool = True) -> tuple[dict[str, Any], tuple[int, ...]]:
    # Small windows, as the compiler takes its time for every element of them; now and then larger ones.
    kernel = _ints(rng, 1, {1: 5, 2: 4, 3: 3}[rank] + 2 * (rng.random() < 0.15), rank)
    if rng.random() < 0.2:
        kernel = (kernel[0],) * rank
    arguments = {"kernel_size": _spelled(rng, kernel, short)}
    form = rng.integers(6)
    if form == 0:
        arguments["stride"] = () if short and rng.integers(2) else None
    elif form > 1:
        arguments["stride"] = _spelled(rng, _ints(rng, 1, 5, rank), True)
    return arguments, kernel


def _unshortened(arguments: dict[str, Any], rank: int, *names: str) -> dict[str, Any]:
    """The same with an int for a sequence of one that stands for all axes."""
    result = dict(arguments)
    for name in names:
        value = result.get(name)
        if isinstance(value, list | tuple) and len(value) < rank:
            result[name] = value[0]
    return result


def _padding(rng: np.random.Generator, kernel: tuple[int, ...]) -> Any:
    # Now and then more than torch allows.
    extra = rng.random() < 0.05
    return _spelled(rng, tuple(int(rng.integers(0, k // 2 + 1 + extra)) for k in kernel), True)


def _draw_max_pool(rng: np.random.Generator, rank: int) -> dict[str, Any]:
    arguments, kernel = _frame(rng, rank)
    arguments["padding"] = _padding(rng, kernel)
    if rng.random() < 0.4:
        arguments["dilation"] = _spelled(rng, _ints(rng, 1, 4, rank), True)
    arguments["ceil_mode"] = bool(rng.integers(2))
    arguments["return_indices"] = bool(rng.integers(2))
    x = _input(rng, rank, _sizes(rng, rank), "ties", "ties", "real", "nan", "infinite", "low")
    return {"input": x, **arguments}


def _draw_avg_pool(rng: np.random.Generator, rank: int) -> dict[str, Any]:
    arguments, kernel = _frame(rng, rank)
    arguments["padding"] = _padding(rng, kernel)
    arguments["ceil_mode"] = bool(rng.integers(2))
    arguments["count_include_pad"] = bool(rng.integers(2))
    if rank > 1 and rng.random() < 0.3:
        arguments["divisor_override"] = (None, 1, 2, 3, 7, -2)[rng.integers(6)]
    return {"input": _input(rng, rank, _sizes(rng, rank), "ties", "real", "real", "nan", "infinite"), **arguments}


def _draw_lp_pool(rng: np.random.Generator, rank: int) -> dict[str, Any]:
    arguments = _unshortened(_frame(rng, rank, short=False)[0], rank, "kernel_size")
    if rank == 1 and not isinstance(arguments["kernel_size"], int):
        arguments["kernel_size"] = arguments["kernel_size"][0]
    arguments["ceil_mode"] = bool(rng.integers(2))
    powers = (1, 2, 2, 2.0, 3, 3.0, 4, 0.5, 1.5, 2.5, -1, -2, math.inf, -math.inf)
    power = powers[rng.integers(len(powers))]
    # With p = 1, torch gives a sum that is NaN the gradient 0.
    x = _input(rng, rank, _sizes(rng, rank), "ties", "real", *(["nan"] if power != 1 else []))
    integers = bool((x == np.round(x)).all())
    if power == -1 or (not integers and power not in (2, 4, -2, math.inf, -math.inf)):
        # Sums that cancel are exact only for integers.
        x = np.abs(x)
    return {"input": x, **arguments, "norm_type": power}


def _adaptive_sizes(rng: np.random.Generator, rank: int) -> tuple[int, ...]:
    return _ints(rng, 1, {1: 13, 2: 7, 3: 5}[rank], rank)


def _draw_adaptive_avg_pool(rng: np.random.Generator, rank: int) -> dict[str, Any]:
    sizes: Any = _ints(rng, 1, {1: 9, 2: 7, 3: 4}[rank], rank)
    if len(set(sizes)) == 1 and rng.integers(2):
        sizes = sizes[0]
    elif rank > 1 and rng.random() < 0.3:
        sizes = tuple(None if rng.integers(2) else size for size in sizes)
    x = _input(rng, rank, _adaptive_sizes(rng, rank), "ties", "real", "nan", "infinite")
    return {"input": x, "output_size": sizes}


def _draw_adaptive_max_pool(rng: np.random.Generator, rank: int) -> dict[str, Any]:
    arguments = _draw_adaptive_avg_pool(rng, rank)
    kinds = ("ties", "ties", "real", "nan", "infinite", "low")
    arguments["input"] = _input(rng, rank, _adaptive_sizes(rng, rank), *kinds)
    return {**arguments, "return_indices": bool(rng.integers(2))}


def _draw_fractional_max_pool(rng: np.random.Generator, rank: int) -> dict[str, Any]:
    sizes = tuple(size + 1 for size in _sizes(rng, rank))
    x = _input(rng, rank, sizes, "ties", "ties", "real", "nan", "infinite", "low")
    kernel = _ints(rng, 1, 6 - rank, rank)
    arguments: dict[str, Any] = {"kernel_size": kernel[0] if len(set(kernel)) == 1 else kernel}
    if rng.random() < 0.7:
        outputs = tuple(int(rng.integers(1, max(size - k + 2, 2))) for size, k in zip(sizes, kernel, strict=True))
        arguments["output_size"] = outputs[0] if len(set(outputs)) == 1 else outputs
    else:
        ratios = tuple(float(v) for v in rng.uniform(0.2, 0.9, rank))
        arguments["output_ratio"] = ratios[0] if rank == 3 and rng.integers(2) else ratios
    batch = x.shape[0] if x.ndim == rank + 2 else 1
    samples = rng.random((batch + int(rng.integers(2)), 2, rank)).astype(np.float32)
    samples = np.where(rng.random(samples.shape) < 0.1, np.float32(0), samples)
    return {"input": x, **arguments, "return_indices": bool(rng.integers(2)), "_random_samples": samples}


def _draw_max_unpool(rng: np.random.Generator, rank: int) -> dict[str, Any]:
    arguments, kernel = _frame(rng, rank, short=False)
    arguments = _unshortened(arguments, rank, "kernel_size", "stride")
    arguments["padding"] = tuple(int(rng.integers(0, k // 2 + 1)) for k in kernel)
    plane = _input(rng, rank, _sizes(rng, rank), "ties", "real", "nan", "infinite")
    pool = getattr(functional, f"max_pool{rank}d")
    try:
        ceil = bool(rng.integers(2))
        values, indices = pool(torch.from_numpy(plane), **arguments, ceil_mode=ceil, return_indices=True)
    except RuntimeError:
        return _draw_max_unpool(rng, rank)
    form = rng.integers(4)
    if form:
        arguments["output_size"] = plane.shape[-rank:] if form < 3 else (9, 9, *plane.shape[-rank:])
    return {"input": values.numpy(), "indices": indices.numpy(), **arguments}


_DRAW = {
    "max_pool": _draw_max_pool,
    "avg_pool": _draw_avg_pool,
    "lp_pool": _draw_lp_pool,
    "adaptive_avg_pool": _draw_adaptive_avg_pool,
    "adaptive_max_pool": _draw_adaptive_max_pool,
    "fractional_max_pool": _draw_fractional_max_pool,
    "max_unpool": _draw_max_unpool,
}


def draw(name: str, rng: np.random.Generator) -> Call:
    """A call that is valid more often than not."""
    call = Call(name, {})
    call.arguments = _DRAW[call.family](rng, call.rank)
    chance = rng.random()
    if chance < 0.08:
        call.dtype = ("bfloat16", "float16")[rng.integers(2)]
    elif chance < 0.12 and call.family == "max_pool" and np.isfinite(call.arguments["input"]).all():
        call.dtype = ("int32", "int8")[rng.integers(2)]
    return call


# Calls that torch refuses.


def plain(name: str) -> Call:
    """A valid call on a small input, from which the bad ones are made."""
    rank = rank_of(name)
    call = Call(name, {"input": np.arange(2 * 2 * 7**rank, dtype=np.float32).reshape(2, 2, *(7,) * rank)})
    if call.family in ("adaptive_avg_pool", "adaptive_max_pool"):
        return Call(name, {**call.arguments, "output_size": 3})
    if call.family == "lp_pool":
        return Call(name, {**call.arguments, "norm_type": 2, "kernel_size": 2})
    if call.family == "fractional_max_pool":
        samples = np.full((2, 2, rank), 0.3, np.float32)
        return Call(name, {**call.arguments, "kernel_size": 2, "output_size": 3, "_random_samples": samples})
    if call.family == "max_unpool":
        indices = np.broadcast_to(np.arange(7**rank).reshape((7,) * rank), call.arguments["input"].shape).copy()
        return Call(name, {**call.arguments, "indices": indices, "kernel_size": 2})
    return Call(name, {**call.arguments, "kernel_size": 3})


def _bad_inputs(call: Call) -> list[dict[str, Any]]:
    x = call.arguments["input"]
    values = (x[0, 0], x[None], x[0, 0, ..., 0], x[..., :0], x[:, :, :0], x.astype(np.complex64), x.tolist(), None)
    return [{"input": value} for value in values]


def _bad_windows(call: Call) -> list[dict[str, Any]]:
    rank = call.rank
    parameters = {*call.arguments, *_OPTIONAL[call.family]}
    twice = (2,) * (rank + 1)
    kinds = [2.5, "2", twice, (2.0,) * rank, (None, 2.5, 2)[:rank], *([(2, 2)] if rank > 2 else [])]
    large = [] if call.family == "max_unpool" else [99]
    values = {
        "kernel_size": [*kinds, 0, -1, (2,) * (rank - 1) + (0,), None, (), *large],
        "stride": [*kinds, 0, -1, (2,) * (rank - 1) + (0,)],
        "dilation": [*kinds, 0, -1, (2,) * (rank - 1) + (0,)],
        "padding": [*kinds, -1, 2, 4, 9, (0,) * (rank - 1) + (2,)],
        "output_size": kinds,
        "ceil_mode": [1, None, "yes"],
        "count_include_pad": [1, None],
        "divisor_override": [0, 2.5, "2"],
        "norm_type": [0, 0.0, "2", None],
    }
    return [{name: value} for name, many in values.items() if name in parameters for value in many]


def _bad_others(call: Call) -> list[dict[str, Any]]:
    rank = call.rank
    if call.family in ("adaptive_avg_pool", "adaptive_max_pool"):
        return [{"output_size": value} for value in (None, -1, (), True, (-1,) * rank)]
    if call.family == "fractional_max_pool":
        sizes = (None, -1, 7, 99, (), (3,) * (rank - 1) + (7,))
        ratios = ((0.5,) * (rank + 1), (0.5,), "half", (1.5,) * rank, (-0.5,) * rank, ("a",) * rank)
        samples = [
            np.full(shape, 0.3, np.float32) for shape in ((2, 2, rank + 1), (2, 1, rank), (1, 2, rank), (2, rank))
        ]
        return [
            *({"output_size": value} for value in sizes),
            *({"output_size": None, "output_ratio": value} for value in ratios),
            *({"_random_samples": value} for value in (*samples, samples[0][..., :rank].astype(np.float16), [0.3])),
        ]
    if call.family == "max_unpool":
        sizes = ((14,) * (rank - 1) + (16,), (12,) * rank, (14,) * (rank + 1), (), (14.0,) * rank, 14)
        indices = call.arguments["indices"]
        wrong = (indices[..., :3], indices.astype(np.float32), indices[0], None)
        return [{"output_size": value} for value in sizes] + [{"indices": value} for value in wrong]
    return []


_OPTIONAL = {
    "max_pool": ("stride", "padding", "dilation", "ceil_mode"),
    "avg_pool": ("stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
    "lp_pool": ("stride", "ceil_mode"),
    "adaptive_avg_pool": (),
    "adaptive_max_pool": (),
    "fractional_max_pool": ("output_ratio",),
    "max_unpool": ("stride", "padding", "output_size"),
}


def bad_calls() -> list[Call]:
    """Calls that torch, with few exceptions, refuses."""
    calls: list[Call] = []
    for name in COUNTS:
        good = plain(name)
        options = [*_bad_inputs(good), *_bad_windows(good), *_bad_others(good)]
        # In 1-D, means have no divisor of their own.
        options = [bad for bad in options if name != "avg_pool1d" or "divisor_override" not in bad]
        calls += [Call(name, {**good.arguments, **bad}) for bad in options]
    return calls


# Running.


def _as_torch(call: Call) -> dict[str, Any]:
    arguments = {k: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for k, v in call.arguments.items()}
    return arguments | {k: arguments[k].to(getattr(torch, call.dtype)) for k in _floats(call)}


def _as_jax(call: Call) -> dict[str, Any]:
    return call.arguments | {k: call.arguments[k].astype(jnp.dtype(call.dtype)) for k in _floats(call)}


def _floats(call: Call) -> list[str]:
    """The arguments that the call's dtype is for."""
    return [k for k, v in call.arguments.items() if isinstance(v, np.ndarray) and v.dtype == np.float32]


def cotangent(shape: tuple[int, ...]) -> np.ndarray:
    """Small integers, which every dtype holds and adds up exactly."""
    return (np.arange(math.prod(shape)) * 7 % 11 - 5).astype(np.float32).reshape(shape)


def call_torch(call: Call) -> Any:
    return getattr(functional, call.name)(**_as_torch(call))


def call_jax(call: Call) -> Any:
    return getattr(jaxpool.torch, call.name)(**_as_jax(call))


def run_torch(call: Call) -> Result:
    """Torch's result; its exceptions pass through."""
    arguments = _as_torch(call)
    x = arguments["input"]
    smooth = x.dtype.is_floating_point
    if smooth:
        x.requires_grad_()
    result = getattr(functional, call.name)(**arguments)
    values, indices = result if isinstance(result, tuple) else (result, None)
    gradient = None
    if smooth:
        weights = torch.from_numpy(cotangent(tuple(values.shape))).to(values.dtype)
        (gradient,) = torch.autograd.grad(values, x, weights)
        gradient = gradient.float().numpy()
        values = values.detach().float()
    return Result(values.numpy(), None if indices is None else indices.numpy(), gradient)


def run_jax(calls: list[Call]) -> list[Result]:
    """The results of all calls, in one program, as starting the compiler takes its time."""
    arguments = [_as_jax(call) for call in calls]
    arrays = [{k: v for k, v in a.items() if isinstance(v, np.ndarray)} for a in arguments]

    def everything(arrays: list[dict[str, Any]]) -> list[Any]:
        return [_value_and_gradient(*item) for item in zip(calls, arguments, arrays, strict=True)]

    outputs = jax.jit(everything, compiler_options=_quick_compiler())(arrays)
    results: list[Result] = []
    for values, indices, gradient in outputs:
        assert gradient is None or gradient.dtype == values.dtype
        floats = gradient is not None
        results.append(
            Result(
                np.asarray(values.astype(jnp.float32) if floats else values),
                None if indices is None else np.asarray(indices),
                np.asarray(gradient.astype(jnp.float32)) if floats else None,
            )
        )
    return results


def _value_and_gradient(call: Call, arguments: dict[str, Any], arrays: dict[str, Any]) -> Any:
    function = getattr(jaxpool.torch, call.name)

    def pooled(x: jax.Array) -> tuple[jax.Array, jax.Array | None]:
        result = function(**{**arguments, **arrays, "input": x})
        return result if isinstance(result, tuple) else (result, None)

    x = jnp.asarray(arrays["input"])
    if not jnp.issubdtype(x.dtype, jnp.floating):
        return *pooled(x), None
    values, pull, indices = jax.vjp(pooled, x, has_aux=True)
    (gradient,) = pull(jnp.asarray(cotangent(values.shape)).astype(values.dtype))
    return values, indices, gradient


_QUICK = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_use_fusion_emitters": False,
    "xla_llvm_disable_expensive_passes": True,
}
_options: list[dict[str, Any] | None] = []


def _quick_compiler() -> dict[str, Any] | None:
    """Options that cut XLA's time for a program in half, where this version has them."""
    if not _options:
        try:
            jax.jit(lambda x: x + 1, compiler_options=_QUICK)(1.0)
            _options.append(_QUICK)
        except jax.errors.JaxRuntimeError:
            _options.append(None)
    return _options[0]
