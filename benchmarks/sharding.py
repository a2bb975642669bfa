"""What devices send to each other that share the spatial axes of a pool: programs compiled, and their bytes counted.

Nothing runs, so the numbers do not depend on the machine. Devices are simulated CPUs, or the chips of a TPU topology
for which the program is compiled ahead of time.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
import pathlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jax.experimental import topologies
from jax.experimental.layout import Format, Layout
from jax.sharding import AxisType, Mesh, NamedSharding
from jax.sharding import PartitionSpec as P

import jaxpool
from benchmarks.aot.hlo import Program
from jaxpool.typing import Residual

COLLECTIVES = ("collective-permute", "all-gather", "all-to-all", "all-reduce", "reduce-scatter")
Pool = Callable[[jax.Array], jax.Array]


@dataclasses.dataclass(frozen=True)
class Case:
    """A pool of an array whose axes 1 to 3 devices share: `(batch, depth, height, width, features)` or one less."""

    name: str
    shape: tuple[int, ...]
    window: tuple[int, ...]
    stride: int
    kind: str = "max"

    def pool(self, library: str, names: Sequence[str], residual: Residual | None) -> Pool:
        """The pool of a library; `names` are the mesh axes that split the spatial ones.

        The library is "jaxpool", "jaxpool by names", which is told these names, or "flax". `residual` is what a maximum
        keeps, which depends on the host: on one with a TPU the inputs.
        """
        steps = (self.stride,) * len(self.window)
        if self.kind == "block":
            return self._block(library, names, residual)
        if library == "flax":
            run = nn.max_pool if self.kind == "max" else nn.avg_pool
            return lambda x: run(x, self.window, steps, "SAME")
        told = tuple(names) if library == "jaxpool by names" else None
        pool = functools.partial(jaxpool.max_pool, residual=residual) if self.kind == "max" else jaxpool.avg_pool
        return lambda x: pool(x, self.window, steps, "SAME", spatial_axis_names=told)

    def _block(self, library: str, names: Sequence[str], residual: Residual | None) -> Pool:
        """A convolution of 3 elements along each axis, ReLU and max pooling; features stay as many."""
        steps = (self.stride,) * len(self.window)
        features = self.shape[-1]
        # As a constant of NumPy: no array of the topology can be made here.
        kernel: Any = np.full((3,) * len(self.window) + (features, features), 0.01, np.float32)
        layout = ("NDHWC", "DHWIO", "NDHWC")

        def convolve(x: jax.Array, padding: str) -> jax.Array:
            return jax.nn.relu(lax.conv_general_dilated(x, kernel, (1, 1, 1), padding, dimension_numbers=layout))

        def of_shard(x: jax.Array) -> jax.Array:
            for axis, name in enumerate(names, start=1):
                x = jaxpool.halo_exchange(x, name, axis=axis, before=1, after=1)
            x = convolve(x, "VALID")
            return jaxpool.max_pool(x, self.window, steps, "SAME", spatial_axis_names=names, residual=residual)

        if library == "flax":
            return lambda x: nn.max_pool(convolve(x, "SAME"), self.window, steps, "SAME")
        return jax.shard_map(of_shard, in_specs=P(None, *names), out_specs=P(None, *names))

    def halo_bytes(self, shards: Sequence[int]) -> int:
        """Bytes that a device needs from others forward: what its windows reach beyond its shard."""
        own, wide = 1, 1
        for size, taps, count in zip(self.shape[1:-1], self.window, shards, strict=True):
            own *= size // count
            wide *= size // count + (max(taps - self.stride, 0) if count > 1 else 0)
        total = wide - own
        if self.kind == "block":
            convolved = (size // count + 2 * (count > 1) for size, count in zip(self.shape[1:-1], shards, strict=True))
            total += math.prod(convolved) - own
        return total * self.shape[0] * self.shape[-1] * 4


IMAGES = (
    Case("max 3x3 stride 2", (4, 512, 512, 64), (3, 3), 2),
    Case("max 3x3 stride 1", (4, 512, 512, 64), (3, 3), 1),
    Case("avg 3x3 stride 2", (4, 512, 512, 64), (3, 3), 2, "avg"),
    Case("max 13x13 stride 1", (4, 512, 512, 64), (13, 13), 1),
)
VOLUMES = (
    Case("max 2x2x2 stride 2", (1, 1024, 1024, 1024, 8), (2, 2, 2), 2),
    Case("max 3x3x3 stride 2", (1, 1024, 1024, 1024, 8), (3, 3, 3), 2),
    Case("avg 3x3x3 stride 2", (1, 1024, 1024, 1024, 8), (3, 3, 3), 2, "avg"),
    Case("convolution, ReLU, max 3x3x3 stride 2", (1, 1024, 1024, 1024, 8), (3, 3, 3), 2, "block"),
)
# How many devices share each spatial axis.
OF_IMAGES = ((1, 1), (2, 1), (4, 1), (8, 1), (2, 4))
OF_VOLUMES = ((2, 2, 1), (4, 2, 2), (4, 4, 1), (4, 4, 4), (8, 8, 2), (16, 16, 1), (8, 8, 4))
# A program for a part of a slice does not compile: the slice of so many chips.
SLICES = {4: "2x2", 16: "4x4", 64: "8x8", 128: "8x16", 256: "16x16"}


def sent_by(compiled: Any) -> dict[str, int]:
    """Bytes that a device receives in a program, by the kind of operation."""
    sent: dict[str, int] = {}
    for computation in Program(compiled.as_text()).computations:
        for instruction in computation.values():
            opcode = instruction.opcode.removesuffix("-start")
            if opcode in COLLECTIVES:
                sent[opcode] = sent.get(opcode, 0) + instruction.brought_bytes
    return sent


def measured(case: Case, shards: Sequence[int], devices: Sequence[Any], library: str, explicit: bool) -> dict[str, Any]:
    """The bytes and the memory of a pool forward, and with its gradient."""
    names = tuple("abc"[: len(shards)])
    kind = AxisType.Explicit if explicit else AxisType.Auto
    mesh = Mesh(np.asarray(devices).reshape(shards), names, axis_types=(kind,) * len(names))
    spec = P(None, *names)
    inputs = jax.ShapeDtypeStruct(case.shape, jnp.float32, sharding=NamedSharding(mesh, spec))
    on_tpu = devices[0].platform == "tpu"
    pool = case.pool(library, names, "input" if on_tpu else None)

    def both(x: jax.Array) -> jax.Array:
        y, pull = jax.vjp(pool, x)
        return pull(jnp.cos(y))[0]

    result: dict[str, Any] = {}
    # As inside a network, where the compiler chooses layouts; by default 8 features would take the room of 128.
    layout = Format(Layout.AUTO, NamedSharding(mesh, spec)) if on_tpu else None
    layout = NamedSharding(mesh, spec) if layout is None else layout
    for name, run in (("forward", pool), ("forward + gradient", both)):
        with jax.set_mesh(mesh):
            lowered = jax.jit(run, in_shardings=layout, out_shardings=layout).lower(inputs)
        try:
            compiled = lowered.compile()
        except jax.errors.JaxRuntimeError as error:
            if "RESOURCE_EXHAUSTED" not in str(error):
                raise
            result[name] = {"failed": "out of memory"}
            continue
        memory: Any = compiled.memory_analysis()
        result[name] = {"sent": sent_by(compiled), "temporary": int(memory.temp_size_in_bytes)}
    return result


def contenders() -> Mapping[str, tuple[str, bool]]:
    """By name the library and whether mesh axes are explicit; Flax's pools refuse explicit ones."""
    return {
        "jaxpool, explicit": ("jaxpool", True),
        "jaxpool, auto, names": ("jaxpool by names", False),
        "jaxpool, auto": ("jaxpool", False),
        "flax, auto": ("flax", False),
    }


def devices_of(chip: str | None, count: int) -> Sequence[Any]:
    """So many simulated CPUs, or the chips of a slice of a TPU generation."""
    if chip is None:
        return jax.devices()[:count]
    return topologies.get_topology_desc(platform="tpu", topology_name=f"{chip}:{SLICES[count]}").devices


def run(chip: str | None, show: Callable[[str], None]) -> dict[str, Any]:
    """All cases on up to 8 simulated CPUs, or on slices of a TPU generation such as "v5e"."""
    cases, layouts = (IMAGES, OF_IMAGES) if chip is None else (VOLUMES, OF_VOLUMES)
    rows: list[dict[str, Any]] = []
    for case in cases:
        for shards in layouts:
            devices = devices_of(chip, math.prod(shards))
            row: dict[str, Any] = {"case": case.name, "shape": case.shape, "shards": shards}
            row["halo"] = case.halo_bytes(shards)
            for name, (library, explicit) in contenders().items():
                if case.kind != "block" or not name.startswith("jaxpool, auto"):
                    row[name] = measured(case, shards, devices, library, explicit)
            rows.append(row)
            show(summary(row))
    return {"devices": chip or "cpu", "jax": jax.__version__, "rows": rows}


def summary(row: Mapping[str, Any]) -> str:
    """A row in one line: kilobytes received by a device, forward and with the gradient."""
    parts = [f"{row['case']:20} {'x'.join(map(str, row['shards'])):9} halo {row['halo'] / 1024:10.1f} KiB"]
    shown = filter(row.__contains__, contenders())
    parts += [f"{name}: " + ", ".join(map(_kibibytes, row[name].values())) for name in shown]
    return " | ".join(parts)


def table(result: Mapping[str, Any]) -> str:
    """A result in Markdown: MiB that a device brings, and MiB of temporary memory, forward and with the gradient."""
    names = [name for name in contenders() if any(name in row for row in result["rows"])]
    lines = ["| pool | shards | halo | " + " | ".join(names) + " |", "|---|---|---|" + "---|" * len(names)]
    for row in result["rows"]:
        shards = " x ".join(map(str, row["shards"]))
        cells = [", ".join(map(_mebibytes, row[name].values())) if name in row else "" for name in names]
        lines.append(f"| {row['case']} | {shards} | {row['halo'] / 2**20:.2f} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _mebibytes(figures: Mapping[str, Any]) -> str:
    if "failed" in figures:
        return "does not fit"
    return f"{sum(figures['sent'].values()) / 2**20:.2f} ({figures['temporary'] / 2**20:.0f})"


def _kibibytes(figures: Mapping[str, Any]) -> str:
    return figures.get("failed") or f"{sum(figures['sent'].values()) / 1024:.1f}"


def save(result: Mapping[str, Any], path: pathlib.Path) -> None:
    """Write a result as JSON, a row per line."""
    rows = ",\n".join("  " + json.dumps(row) for row in result["rows"])
    head = json.dumps({key: value for key, value in result.items() if key != "rows"})[1:-1]
    path.write_text("{" + head + ', "rows": [\n' + rows + "\n]}\n")
