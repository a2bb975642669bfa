"""What a contender makes of a workload: a program that can be prepared, started, waited for and looked at."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import time
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import jax
import numpy as np
from jax import lax

from benchmarks.reference import Data, checked_part, part_of
from benchmarks.workloads import EAGER, Pool, Workload, in_a_row


class UnavailableError(Exception):
    """The contender is not installed or cannot do this; the message says which."""


@dataclasses.dataclass(frozen=True)
class Preparation:
    """The price of a program before its first run, and the memory it takes beyond arguments and results.

    `program` names what the compiler made of it: the same name, the same instructions.
    """

    lowering_s: float | None = None
    compile_s: float | None = None
    temporary_bytes: int | None = None
    program: str = ""


class Program(Protocol):
    """One contender's program for one workload, dtype and mode."""

    @property
    def layout(self) -> str:
        """The memory order of its inputs, which are brought into it before anything is timed."""
        ...

    @property
    def residual_bytes(self) -> int | None:
        """What is kept from the forward pass for the backward pass, where the mode is "vjp"."""
        ...

    def prepare(self) -> Preparation:
        """Lowers and compiles."""
        ...

    def start(self) -> Any:
        """Starts one run; its results may still be on their way."""
        ...

    def wait(self, results: Any) -> None:
        """Returns when the results are there."""
        ...

    def results(self) -> tuple[Any, ...]:
        """The part of the results that is checked, as NumPy arrays in the workload's layout."""
        ...


@dataclasses.dataclass(frozen=True)
class JaxPool:
    """A pooling function of a JAX library on one workload.

    Attributes:
      pool: from an array to the pooled array.
      with_argmax: from an array to the maxima and their places in the plane, if the library has that.
      channels_first: whether it wants the channels on axis 1 where the workload has them elsewhere.
    """

    pool: Pool
    with_argmax: Pool | None = None
    channels_first: bool = False

    def in_a_row(self, repeats: int) -> JaxPool:
        """So many pools, one after another."""
        with_argmax = self.with_argmax if repeats == 1 else None
        return dataclasses.replace(self, pool=in_a_row(self.pool, repeats), with_argmax=with_argmax)


def program_of(pool: JaxPool, mode: str) -> Callable[..., Any]:
    """The function of a mode's inputs: what is compiled, or called as it is."""
    function = pool.pool
    if mode in ("forward", EAGER):
        return function
    if mode == "forward_with_argmax":
        if pool.with_argmax is None:
            raise UnavailableError("it does not tell where the maxima are")
        return pool.with_argmax
    if mode == "jvp":
        return lambda x, tangent: jax.jvp(function, (x,), (tangent,))
    if mode == "vjp":
        return lambda pullback, cotangent: pullback(cotangent)[0]

    def forward_vjp(x: Any, cotangent: Any) -> Any:
        y, pullback = jax.vjp(function, x)
        # As in a network, where the cotangent arrives after the output has left. What the pullback kept stays free.
        y, cotangent = lax.optimization_barrier((y, cotangent))
        return y, pullback(cotangent)[0]

    return forward_vjp


def instructions(text: str | None) -> str:
    """A short name for a compiled program, from its instructions alone: neither their names nor their sources count.

    Nor do the elements of large constants, which XLA does not print.
    """
    if not text:
        return ""
    lines = [line for line in text.splitlines() if re.match(r"\s*(ROOT )?%|ENTRY|\}", line)]
    bare = re.sub(r", (metadata|frontend_attributes)=\{[^}]*\}", "", "\n".join(lines))
    bare = re.sub(r"[\w.-]+(?=: \w+\[)", "", bare)
    numbers: dict[str, str] = {}
    numbered = re.sub(r"%[\w.-]+", lambda name: numbers.setdefault(name[0], f"%{len(numbers)}"), bare)
    return hashlib.sha256(numbered.encode()).hexdigest()[:12]


class JaxProgram:
    """A program that XLA compiles, or in mode "eager" a call that JAX dispatches."""

    def __init__(self, pool: JaxPool, workload: Workload, mode: str, data: Data):
        self._workload = workload
        rank = len(workload.shape)
        order = (0, workload.channel_axis % rank, *workload.spatial_axes)
        self._order = order if pool.channels_first and order != tuple(range(rank)) else None
        first = pool.channels_first or (workload.channel_axis % rank == 1 and rank > 2)
        self.layout = "channels first" if first else "channels last"
        self.residual_bytes: int | None = None
        self._mode = mode
        self._function = program_of(pool, mode)
        self._inputs = tuple(
            data.once(("jax", self._order, id(array)), lambda array=array: jax.device_put(self._given(array)))
            for array in data.inputs(mode)
        )
        if mode == "vjp":
            x, cotangent = self._inputs
            _, pullback = jax.jit(lambda x: jax.vjp(pool.pool, x))(x)
            self.residual_bytes = sum(leaf.nbytes for leaf in jax.tree.leaves(pullback))
            self._inputs = (pullback, cotangent)
        self._compiled: Callable[..., Any] | None = None

    def _given(self, array: Any) -> Any:
        if self._order is None or array.ndim != len(self._order):
            return array
        return np.ascontiguousarray(np.transpose(array, self._order))

    def _back(self, array: Any) -> Any:
        if self._order is None or array.ndim != len(self._order):
            return array
        return array.transpose(np.argsort(self._order))

    def prepare(self) -> Preparation:
        """Lowers and compiles; an eager call does so by itself when it is first made."""
        if self._mode == EAGER:
            self._compiled = self._function
            return Preparation()
        begin = time.perf_counter()
        lowered = jax.jit(self._function).lower(*self._inputs)
        middle = time.perf_counter()
        self._compiled = compiled = lowered.compile()
        end = time.perf_counter()
        memory = compiled.memory_analysis()
        temporary = None if memory is None else int(memory.temp_size_in_bytes)
        return Preparation(middle - begin, end - middle, temporary, instructions(compiled.as_text()))

    def start(self) -> Any:
        """Starts one run."""
        assert self._compiled is not None, "prepare() comes first"
        return self._compiled(*self._inputs)

    def wait(self, results: Any) -> None:
        """Blocks until the device is done."""
        jax.block_until_ready(results)

    def results(self) -> tuple[Any, ...]:
        """The checked part of one run."""
        results = self.start()
        part = checked_part(self._workload)
        arrays: Sequence[Any] = results if isinstance(results, tuple | list) else (results,)
        return tuple(np.asarray(part_of(self._back(array), self._workload, part)) for array in arrays)


def copy_program(moved: int) -> JaxProgram:
    """What the machine can do: XLA's loop that reads and writes each element once, `moved` bytes together."""
    elements = max(1, moved // 8)
    workload = Workload("copy", "memory speed", "max", (elements, 1, 1), (1,), (1,))
    ones = np.ones(workload.shape, np.float32)
    return JaxProgram(JaxPool(lambda x: -x), workload, "forward", Data(ones))
