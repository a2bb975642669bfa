"""Results of `python -m benchmarks compile`, read back and told in plain words. Nothing in them was timed."""

from __future__ import annotations

import dataclasses
import json
import pathlib
import statistics
from collections.abc import Sequence
from typing import Any

from benchmarks.records import ResultError, read, rounded
from benchmarks.summary import cell, mean, place, plain
from benchmarks.workloads import WORKLOADS

Row = dict[str, Any]
HEAD = (
    "pool",
    "dtype",
    "mode",
    "programs",
    "estimate beside flax",
    "bytes, of the least",
    "of flax",
    "GB/s, estimated",
    "MiB",
    "MiB of flax",
)
NOTE = (
    "Geometric means of jaxpool over the programs of a pool, dtype and mode. `bytes, of the least` are the bytes read",
    "and written over those that any program must move. `MiB` is the mean of temporary memory and of what is kept for",
    "the backward pass, over the programs that flax has, too.",
)
_EVERY = (
    "program",
    "contender",
    "kernels",
    "bytes, of the least",
    "estimate, µs",
    "temp, MiB",
    "kept, MiB",
    "compile, s",
)
_FIELDS = ("workload", "dtype", "mode", "contender")
# What a file keeps of a program, a line each; where a program was not compiled, the reason stands behind the names.
COLUMNS = (
    *_FIELDS,
    "pool",
    "minimum_bytes",
    "kernels",
    "scatter",
    "bytes_over_minimum",
    "model_us",
    "compile_seconds",
    "temporary_bytes",
    "residual_bytes",
)
_POOLS = {workload.name: workload.pool for workload in WORKLOADS}


@dataclasses.dataclass(frozen=True)
class Compiled:
    """What compilers said about programs for one target: a row per workload, dtype, mode and contender.

    Attributes:
      name: of the file.
      description: of the target.
      note: what the figures are.
      settings, versions: how and with what it was compiled.
      rows: as `compile` wrote them.
    """

    name: str
    description: str
    note: str
    settings: dict[str, Any]
    versions: dict[str, str]
    rows: list[Row]


def load(path: pathlib.Path) -> Compiled | None:
    """Reads a result of `compile`; None if the file is something else.

    Raises:
      ResultError: it cannot be read, or is no JSON, or rows of it lack their names.
    """
    content = read(path)
    if not isinstance(content, dict) or not {"description", "rows"} <= set(content):
        return None
    columns = content.get("columns", ())
    rows = [_named(columns, row) for row in content["rows"]]
    if not all(set(_FIELDS) <= set(row) for row in rows):
        raise ResultError(f"{path} has rows without {', '.join(_FIELDS)}, so it is no whole result of `compile`.")
    facts = (content.get("note", ""), content.get("settings", {}), content.get("versions", {}))
    return Compiled(path.stem, content["description"], *facts, rows)


def save(path: pathlib.Path, facts: dict[str, Any], rows: Sequence[Row]) -> None:
    """Writes what `load` reads: facts of the target, and one line for each program."""
    columns = [name for name in COLUMNS if any(row.get(name) is not None for row in rows)]
    lines = ",\n".join(json.dumps(_plain(columns, row), separators=(",", ":")) for row in rows)
    head = json.dumps({**facts, "columns": columns})[:-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f'{head}, "rows": [\n{lines}\n]}}\n')


def _plain(columns: Sequence[str], row: Row) -> list[Any]:
    for kind in ("failed", "skipped"):
        if kind in row:
            return [*(row[name] for name in _FIELDS), {kind: row[kind]}]
    values = [row.get(name) for name in columns]
    return [rounded(value) if isinstance(value, float) else value for value in values]


def _named(columns: Sequence[str], row: Any) -> Row:
    if not isinstance(row, list):
        return {}
    if row and isinstance(row[-1], dict):
        return {**dict(zip(_FIELDS, row, strict=False)), **row[-1]}
    return {name: value for name, value in zip(columns, row, strict=False) if value is not None}


def summary(result: Compiled) -> list[tuple[str, ...]]:
    """One row of `HEAD` per pool, dtype and mode."""
    groups: dict[tuple[str, str, str], list[tuple[Row, Row]]] = {}
    programs = {tuple(row[name] for name in _FIELDS): row for row in result.rows if "kernels" in row}
    for (workload, dtype, mode, contender), row in programs.items():
        if contender == "jaxpool":
            flax = programs.get((workload, dtype, mode, "flax"), {})
            groups.setdefault((_pool(row), dtype, mode), []).append((row, flax))
    return [_row(group, groups[group]) for group in sorted(groups, key=place)]


def every(result: Compiled) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The head and the rows of the table of every program."""
    rows = [
        (
            f"{row.get('pool', row['workload'])} {row['dtype']} {row['mode']}",
            row["contender"],
            str(row.get("kernels", "")),
            *(_number(row, name, scale) for name, scale in (("bytes_over_minimum", 1), ("model_us", 1))),
            *(_number(row, name, 2**20) for name in ("temporary_bytes", "residual_bytes")),
            _number(row, "compile_seconds", 1),
        )
        for row in result.rows
        if "kernels" in row
    ]
    return _EVERY, rows


def missing(result: Compiled) -> list[str]:
    """Programs without figures and why, each reason once, with the first program that it holds for."""
    reasons: dict[str, list[str]] = {}
    for row in result.rows:
        reason = row.get("failed") or row.get("skipped")
        if reason:
            reasons.setdefault(f"{row['contender']}: {reason}", []).append(
                f"{row['workload']} {row['dtype']} {row['mode']}"
            )
    return [
        f"{titles[0]}{f' and {len(titles) - 1} more' if len(titles) > 1 else ''}: {reason}"
        for reason, titles in reasons.items()
    ]


def _row(group: tuple[str, str, str], pairs: Sequence[tuple[Row, Row]]) -> tuple[str, ...]:
    both = [(ours, flax) for ours, flax in pairs if ours.get("model_us") and flax.get("model_us")]
    kept = [(ours, flax) for ours, flax in pairs if "temporary_bytes" in ours and "temporary_bytes" in flax]
    return (
        *group,
        str(len(pairs)),
        plain(mean(flax["model_us"] / ours["model_us"] for ours, flax in both)),
        *(cell(mean(row.get("bytes_over_minimum") for row in side)) for side in zip(*pairs, strict=True)),
        cell(mean(_bandwidth(ours) for ours, _ in pairs)),
        *((_mebibytes(side) for side in zip(*kept, strict=True)) if kept else ("", "")),
    )


def _pool(row: Row) -> str:
    """Of a workload, or of a pool at random, whose description begins with it."""
    described: str = row.get("pool", "other")
    return _POOLS.get(row["workload"], described.partition(" ")[0])


def _bandwidth(row: Row) -> float | None:
    """Bytes that must move per second, in 10**9, by the compiler's estimate."""
    return row["minimum_bytes"] / row["model_us"] / 1e3 if row.get("minimum_bytes") and row.get("model_us") else None


def _mebibytes(rows: Sequence[Row]) -> str:
    return cell(statistics.fmean(row["temporary_bytes"] + row.get("residual_bytes", 0) for row in rows) / 2**20)


def _number(row: Row, name: str, scale: float) -> str:
    value = row.get(name)
    return "" if value is None else cell(value / scale)
