"""What a compiled program tells about itself. All of it is static, but for the seconds that the compiler took."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence
from typing import Any

import jax
from jax.experimental.layout import Format, Layout
from jax.sharding import SingleDeviceSharding

from benchmarks.aot.hlo import Program
from benchmarks.aot.programs import Built
from benchmarks.aot.targets import Target


@dataclasses.dataclass(frozen=True)
class Figures:
    """Static figures of one compiled program.

    Attributes:
      operations: the kernels (GPU) or top-level operations (TPU) of the optimised program, in its order: an opcode, and
        a fusion's kind.
      accessed_bytes: bytes read and written. On GPU, of every kernel its operands and results, each once, as if caches
        served all that is read again; on TPU what the compiler counts, with what fills the tiles.
      residual_bytes: bytes among the arguments that the forward pass had to keep.
      temporary_bytes: memory besides arguments and results.
      scatter: whether there is a scatter or a select-and-scatter.
      model_us: microseconds by the compiler's own cost model, where it has one. An estimate, never a timing.
      model_memory_us: the part of it that memory traffic takes (GPU).
      compile_seconds: what the compiler took on this machine; the only figure here that a clock told.
    """

    operations: tuple[str, ...]
    accessed_bytes: float | None
    residual_bytes: int
    temporary_bytes: int
    scatter: bool
    model_us: float | None
    model_memory_us: float | None
    compile_seconds: float


def compile_for(built: Built, target: Target, device: Any, chosen_layouts: bool) -> tuple[Figures, str]:
    """The figures of a program, and its optimised HLO.

    Args:
      built: the program.
      target: what it is compiled for.
      device: a device of the target.
      chosen_layouts: whether the compiler chooses the layouts of arguments and results, as inside a network.
    """
    sharding = SingleDeviceSharding(device)
    arguments = built.arguments
    if chosen_layouts:
        layouts = Format(Layout.AUTO, sharding)
        function = jax.jit(built.function, in_shardings=layouts, out_shardings=layouts)
    else:
        function = jax.jit(built.function)
        arguments = tuple(jax.ShapeDtypeStruct(a.shape, a.dtype, sharding=sharding) for a in arguments)
    lowered = function.lower(*arguments)
    start = time.perf_counter()
    compiled = lowered.compile()
    seconds = time.perf_counter() - start
    text = compiled.as_text() or ""
    memory: Any = compiled.memory_analysis()
    program = Program(text)
    launches = program.launches()
    if target.platform == "tpu":
        accessed, model_us = _tpu_costs(compiled)
        memory_us = None
    else:
        accessed = float(sum(launch.moved_bytes for launch in launches))
        model_us = _sum([launch.model_us for launch in launches])
        memory_us = _sum([launch.model_memory_us for launch in launches])
    figures = Figures(
        operations=tuple(launch.operation for launch in launches),
        accessed_bytes=accessed,
        residual_bytes=built.residual_bytes,
        temporary_bytes=memory.temp_size_in_bytes,
        scatter=program.scatters,
        model_us=model_us,
        model_memory_us=memory_us,
        compile_seconds=seconds,
    )
    return figures, text


def _sum(values: Sequence[float | None]) -> float | None:
    """The sum, or None where one is missing."""
    known = [value for value in values if value is not None]
    return sum(known) if values and len(known) == len(values) else None


def _tpu_costs(compiled: Any) -> tuple[float | None, float | None]:
    """Bytes accessed, and microseconds by the compiler's model, which are negative where an operation has none."""
    analysis: dict[str, float] = compiled.cost_analysis() or {}
    seconds = analysis.get("optimal_seconds", -1.0)
    return analysis.get("bytes accessed"), seconds * 1e6 if seconds > 0 else None
