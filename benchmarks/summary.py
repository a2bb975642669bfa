"""What a run comes to, in plain words: geometric means by pool, dtype and mode, bandwidth and memory."""

from __future__ import annotations

import functools
import math
import statistics
from collections.abc import Iterable, Iterator, Sequence

from benchmarks.contenders import LIBRARIES, TORCH
from benchmarks.parser import POOLS
from benchmarks.ratios import PEERS, Peer, beside
from benchmarks.records import Case, Record, Run
from benchmarks.workloads import EAGER, ITEM_BYTES, MODES

Group = tuple[str, str, str]
HEAD = ("pool", "dtype", "mode", "cases", "beside flax", "beside torch", "GB/s", "copy, GB/s", "MiB", "MiB of flax")
NOTE = (
    "Geometric means of jaxpool over the cases of a pool, dtype and mode. `beside torch` is beside the faster memory",
    "order of torch. Slower in so many cases means by a tenth and more. `GB/s` counts the bytes that any program must",
    "move, each array once. A plain copy of as many bytes took turns with the others. `MiB` is the mean of temporary",
    "memory and of what is kept for the backward pass, over the cases that flax has, too, if it has any.",
)
# Less is within the noise of most machines.
_SLOWER = 1.1


def plain(ratio: float) -> str:
    """How many times faster something is, in words: "6 times faster", "1.2 times slower", "as fast"."""
    if math.isnan(ratio):
        return ""
    times = ratio if ratio >= 1 else 1 / ratio
    digits = f"{times:.0f}" if times >= 10 else f"{times:.2g}"
    return "as fast" if digits == "1" else f"{digits} times {'faster' if ratio > 1 else 'slower'}"


def mean(values: Iterable[float | None]) -> float:
    """The geometric mean of the known values; NaN if there are none."""
    known = [value for value in values if value is not None and not math.isnan(value)]
    return statistics.geometric_mean(known) if known else math.nan


def cell(value: float) -> str:
    """A number in a table; nothing for NaN."""
    return "" if math.isnan(value) else f"{value:.0f}" if value >= 100 else f"{value:.2g}"


def groups(run: Run) -> dict[Group, list[Case]]:
    """The cases in which jaxpool was timed, by pool, dtype and mode."""
    found: dict[Group, list[Case]] = {}
    for case in run.cases:
        if case.record("jaxpool") is not None:
            found.setdefault((case.workload.pool, case.dtype, case.mode), []).append(case)
    return {group: found[group] for group in sorted(found, key=place)}


def place(group: Group) -> tuple[int, ...]:
    """Where a group stands in a table."""
    orders = (POOLS, tuple(ITEM_BYTES), (*MODES, EAGER))
    return tuple(order.index(name) if name in order else len(order) for name, order in zip(group, orders, strict=True))


def rows(run: Run) -> list[tuple[str, ...]]:
    """One row of `HEAD` per group."""
    return [_row(group, cases) for group, cases in groups(run).items()]


def sentences(run: Run) -> Iterator[str]:
    """One sentence per group, beside everybody who was timed in it."""
    single = {name: functools.partial(_recorded, name) for name in LIBRARIES if name not in ("jaxpool", *TORCH, *PEERS)}
    peers: dict[str, Peer] = {**PEERS, **single}
    for (pool, dtype, mode), cases in groups(run).items():
        told = {name: _beside(cases, peer) for name, peer in peers.items()}
        words = [_than(name, text) for name, text in told.items() if text]
        number = "" if len(cases) == 1 else f" of {len(cases)} cases"
        if words:
            yield f"{pool} {dtype} {mode}{number}: jaxpool is {', '.join(words)}."


def _than(name: str, text: str) -> str:
    """The name before what stands in parentheses."""
    words, sign, rest = text.partition(" (")
    return f"{words} {'as' if words == 'as fast' else 'than'} {name}{sign}{rest}"


def _recorded(name: str, case: Case) -> Record | None:
    return case.record(name)


def _row(group: Group, cases: Sequence[Case]) -> tuple[str, ...]:
    ours, copied = _records(cases, "jaxpool"), _records(cases, "copy")
    both = [case for case in cases if _memory(case.record("flax")) is not None]
    return (
        *group,
        str(len(cases)),
        *(_beside(cases, peer) for peer in PEERS.values()),
        cell(mean(case.bandwidth(record) / 1e9 for case, record in ours)),
        cell(mean(case.bandwidth(record) / 1e9 for case, record in copied)),
        _mebibytes([case.record("jaxpool") for case in both or cases]),
        _mebibytes([case.record("flax") for case in both]),
    )


def _records(cases: Sequence[Case], name: str) -> list[tuple[Case, Record]]:
    return [(case, record) for case in cases if (record := case.record(name)) is not None]


def _beside(cases: Sequence[Case], peer: Peer) -> str:
    """The mean in words, and in how many cases jaxpool is slower."""
    known = [case for case in cases if not math.isnan(beside(case, peer))]
    if not known:
        return ""
    different = [case for case in known if not case.same_program(case.record("jaxpool"), peer(case))]
    if not different:
        return "as fast (by the same program)"
    slower = sum(beside(case, peer) >= _SLOWER for case in different)
    lost = f" (slower in {slower} of {len(known)})" if slower and len(known) > 1 else ""
    return plain(1 / mean(beside(case, peer) for case in known)) + lost


def _memory(record: Record | None) -> int | None:
    """Bytes beyond arguments and results, and those kept for the backward pass; None if the compiler did not say."""
    if record is None or record.temporary_bytes is None:
        return None
    return record.temporary_bytes + (record.residual_bytes or 0)


def _mebibytes(found: Sequence[Record | None]) -> str:
    known = [size for record in found if (size := _memory(record)) is not None]
    if not known:
        return ""
    size = statistics.fmean(known) / 2**20
    return "<0.01" if 0 < size < 0.01 else cell(size)
