"""What the right answer is: the inputs of a workload, and its results as float64 NumPy, one axis after another.

Shares no code with jaxpool, nor with the loops of `tests/oracle.py`, against which the tests hold it.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Hashable, Sequence
from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import EAGER, Workload

Arrays = tuple[NDArray[Any], ...]
Make = Callable[[], NDArray[Any]]

# Elements times taps that NumPy goes through in well under a second.
_STEPS = 20_000_000
# Of the dtype's rounding; averages over thousands of elements, and sums of overlapping gradients, round many times.
_TOLERANCE = {"float64": 1e-10, "float32": 3e-5, "bfloat16": 3e-2, "float16": 4e-3}


class Data:
    """The arrays of a workload: the input and, made when asked for, a cotangent and a tangent."""

    def __init__(self, x: NDArray[Any], cotangent: Make | None = None, tangent: Make | None = None):
        self.x = x
        self._make = {"cotangent": cotangent, "tangent": tangent}
        self._kept: dict[Hashable, Any] = {}

    def once(self, key: Hashable, make: Callable[[], Any]) -> Any:
        """What `make` makes, the first time and after: contenders on one device share their inputs."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]

    def _array(self, name: str) -> NDArray[Any]:
        make = self._make[name]
        if make is None:
            raise ValueError(f"integers have no {name}")
        return self.once(name, make)

    @property
    def cotangent(self) -> NDArray[Any]:
        """Of the shape of the output."""
        return self._array("cotangent")

    @property
    def tangent(self) -> NDArray[Any]:
        """Of the shape of the input."""
        return self._array("tangent")

    def inputs(self, mode: str) -> Arrays:
        """What a program for a mode is given; the backward pass alone has the input in its residuals."""
        if mode in ("forward_vjp", "vjp"):
            return self.x, self.cotangent
        return (self.x, self.tangent) if mode == "jvp" else (self.x,)


def make_data(workload: Workload, dtype: str) -> Data:
    """The same numbers in every run.

    Averages get positive numbers, whose sums grow and show a sum in too narrow a dtype. Cotangents are small integers,
    whose sums are exact in every float.
    """
    seed = zlib.crc32(workload.name.encode())
    rng = np.random.default_rng(seed)
    if dtype.startswith(("int", "uint")):
        return Data(rng.integers(-100 if dtype.startswith("int") else 0, 101, workload.shape).astype(dtype))
    kind = np.dtype(getattr(ml_dtypes, dtype) if dtype == "bfloat16" else dtype)
    if workload.pool == "max":
        x = rng.standard_normal(workload.shape, np.float32)
    else:
        x = rng.random(workload.shape, np.float32) * np.float32(2)

    def small(shape: tuple[int, ...], number: int) -> NDArray[Any]:
        return np.random.default_rng((seed, number)).integers(-3, 4, shape, np.int8).astype(kind)

    return Data(x.astype(kind, copy=False), lambda: small(workload.output_shape, 1), lambda: small(workload.shape, 2))


def checked_part(workload: Workload) -> tuple[int, int]:
    """How many examples and channels of the real inputs are checked: all, or what NumPy computes in a second."""
    batch, channels = workload.shape[0], workload.shape[workload.channel_axis]
    plane = math.prod(workload.plane) * max(1, sum(workload.window) // 2)
    while batch * channels * plane > _STEPS and batch * channels > 1:
        if batch > 1:
            batch = (batch + 1) // 2
        else:
            channels = (channels + 1) // 2
    return batch, channels


def part_of(array: Any, workload: Workload, part: tuple[int, int]) -> Any:
    """The first examples and channels of an array in the workload's layout; a global pool's output has no plane."""
    batch, channels = part
    index = [slice(None)] * array.ndim
    index[0] = slice(batch)
    index[-1 if array.ndim == 2 else workload.channel_axis % array.ndim] = slice(channels)
    return array[tuple(index)]


def expected(workload: Workload, mode: str, data: Data, part: tuple[int, int]) -> Arrays:
    """The right results of a mode on a part of the inputs, channels last, in float64 (places in int64)."""

    def cut(array: NDArray[Any]) -> NDArray[Any]:
        return _channels_last(array, workload, part)

    x = cut(data.x)
    if workload.pool == "max":
        values, places = _max(x, workload)
        for _ in range(workload.repeats - 1):
            values, following = _max(values, workload)
            places = _take(places, following)
        shape = x.shape
        return {
            "forward": lambda: (values,),
            "forward_with_argmax": lambda: (values, places),
            "forward_vjp": lambda: (values, _put(cut(data.cotangent), places, shape)),
            EAGER: lambda: (values,),
            "vjp": lambda: (_put(cut(data.cotangent), places, shape),),
            "jvp": lambda: (values, _take(cut(data.tangent), places)),
        }[mode]()
    return {
        "forward": lambda: (_average(x, workload),),
        "forward_vjp": lambda: (_average(x, workload), _average_transposed(cut(data.cotangent), workload)),
        EAGER: lambda: (_average(x, workload),),
        "vjp": lambda: (_average_transposed(cut(data.cotangent), workload),),
        "jvp": lambda: (_average(x, workload), _average(cut(data.tangent), workload)),
    }[mode]()


def fault(workload: Workload, dtype: str, mode: str, data: Data, results: Sequence[Any]) -> str | None:
    """What is wrong with results in the workload's layout, already cut to `checked_part`; None if nothing is."""
    wanted: Arrays = data.once(("expected", mode), lambda: expected(workload, mode, data, checked_part(workload)))
    if len(results) != len(wanted):
        return f"{len(results)} results where {len(wanted)} are wanted"
    for index, (result, want) in enumerate(zip(results, wanted, strict=True)):
        got = np.asarray(result)
        if got.ndim == len(workload.shape):
            got = np.moveaxis(got, workload.channel_axis, -1)
        want = want.reshape(want.shape[0], -1) if workload.pool == "global_avg" and got.ndim == 2 else want
        if got.shape != want.shape:
            return f"result {index} has shape {got.shape}, not {want.shape}"
        tolerance = 0.0 if want.dtype == np.int64 else _TOLERANCE.get(dtype, _TOLERANCE["float32"])
        error = np.abs(got.astype(np.float64) - want)
        bad = ~(error <= tolerance * (1 + np.abs(want)))
        if bad.any():
            worst = float(np.max(np.where(np.isnan(error), np.inf, error)))
            return f"result {index} differs in {bad.mean():.2%} of its elements, by up to {worst:.3g}"
    return None


def _channels_last(array: NDArray[Any], workload: Workload, part: tuple[int, int]) -> NDArray[Any]:
    """A part in float64 as (batch, *plane, channels); a global pool's cotangent gets its plane of 1s back."""
    array = part_of(array, workload, part).astype(np.float64)
    if array.ndim == 2:
        return array.reshape(array.shape[0], *[1] * len(workload.window), array.shape[1])
    return np.moveaxis(array, workload.channel_axis, -1)


def _taps(array: NDArray[Any], workload: Workload, number: int, fill: float) -> list[NDArray[Any]]:
    """For each tap along a spatial axis the elements under it, one per output."""
    low, high = workload.pairs[number]
    stride, outputs = workload.strides[number], workload.output_plane[number]
    pads = [(0, 0)] * array.ndim
    pads[number + 1] = (low, high)
    padded = np.moveaxis(np.pad(array, np.asarray(pads), constant_values=fill), number + 1, 0)
    starts = range(0, workload.window[number] * workload.dilation, workload.dilation)
    views = [padded[start : start + (outputs - 1) * stride + 1 : stride] for start in starts]
    return [np.moveaxis(view, 0, number + 1) for view in views]


def _max(x: NDArray[Any], workload: Workload) -> tuple[NDArray[Any], NDArray[Any]]:
    """Values and the places of the first maxima in the plane: the first row that has it, the first column in it."""
    sizes = x.shape[1:-1]
    places = np.broadcast_to(np.arange(math.prod(sizes)).reshape(1, *sizes, 1), x.shape)
    values = x
    for number in reversed(range(len(sizes))):
        candidates = _taps(values, workload, number, -np.inf)
        where = _taps(places, workload, number, -1)
        values, places = candidates[0], where[0]
        for candidate, place in zip(candidates[1:], where[1:], strict=True):
            better = candidate > values
            values, places = np.where(better, candidate, values), np.where(better, place, places)
    return values, places


def _flat(array: NDArray[Any]) -> NDArray[Any]:
    return array.reshape(array.shape[0], -1, array.shape[-1])


def _take(x: NDArray[Any], places: NDArray[Any]) -> NDArray[Any]:
    return np.take_along_axis(_flat(x), _flat(places), axis=1).reshape(places.shape)


def _put(cotangent: NDArray[Any], places: NDArray[Any], shape: tuple[int, ...]) -> NDArray[Any]:
    batch, channels = shape[0], shape[-1]
    plane = math.prod(shape[1:-1])
    rows = np.arange(batch)[:, None, None] * plane + _flat(places)
    cells = rows * channels + np.arange(channels)
    sums = np.bincount(cells.ravel(), _flat(cotangent).ravel(), minlength=math.prod(shape))
    return sums.reshape(shape)


def _bins(size: int, outputs: int) -> NDArray[Any]:
    """The matrix of adaptive averages along one axis: bin i holds elements floor(i s / n) to ceil((i + 1) s / n)."""
    matrix = np.zeros((outputs, size))
    for i in range(outputs):
        start, stop = i * size // outputs, -(-(i + 1) * size // outputs)
        matrix[i, start:stop] = 1 / (stop - start)
    return matrix


def _along_axes(x: NDArray[Any], matrices: Sequence[NDArray[Any]]) -> NDArray[Any]:
    for number, matrix in enumerate(matrices):
        x = np.moveaxis(np.tensordot(matrix, x, axes=(1, number + 1)), 0, number + 1)
    return x


def _divisors(workload: Workload) -> NDArray[Any]:
    """What each window's sum is divided by, to broadcast over (batch, *plane, channels)."""
    divisor = np.ones((1, *workload.plane, 1))
    if workload.count_include_pad:
        return np.full((1,) * divisor.ndim, workload.taps, np.float64)
    for number in range(len(workload.window)):
        divisor = np.sum(_taps(divisor, workload, number, 0), axis=0)
    return divisor


def _average(x: NDArray[Any], workload: Workload) -> NDArray[Any]:
    if workload.pool == "adaptive_avg":
        return _along_axes(x, [_bins(*pair) for pair in zip(workload.plane, workload.window, strict=True)])
    for number in range(len(workload.window)):
        x = np.sum(_taps(x, workload, number, 0), axis=0)
    return x / _divisors(workload)


def _average_transposed(cotangent: NDArray[Any], workload: Workload) -> NDArray[Any]:
    if workload.pool == "adaptive_avg":
        return _along_axes(cotangent, [_bins(*pair).T for pair in zip(workload.plane, workload.window, strict=True)])
    x = cotangent / _divisors(workload)
    for number, size in enumerate(workload.plane):
        low, high = workload.pairs[number]
        stride, outputs = workload.strides[number], workload.output_plane[number]
        rows = np.moveaxis(x, number + 1, 0)
        spread = np.zeros((low + size + high, *rows.shape[1:]))
        for start in range(0, workload.window[number] * workload.dilation, workload.dilation):
            spread[start : start + (outputs - 1) * stride + 1 : stride] += rows
        x = np.moveaxis(spread[low : low + size], 0, number + 1)
    return x
