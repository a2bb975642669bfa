"""What every pool costs beside average pooling of the same windows, or of the same planes.

All pools of a group have the same inputs and take turns. Their results are not checked here: the tests do that.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax import Array, lax
from rich.console import Console
from rich.table import Table

import jaxpool
from benchmarks.measure import Notify, Options, timed
from benchmarks.programs import JaxPool, JaxProgram
from benchmarks.records import Case, Record, Run
from benchmarks.reference import Data
from benchmarks.suite import Step
from benchmarks.workloads import Workload, minimal_bytes

Pool = Callable[[Array], Array]
# What all others are compared with: the first pool of every group.
_BASES = ("avg_pool", "global_avg_pool")


@dataclasses.dataclass(frozen=True)
class Group:
    """Pools of the same windows.

    Attributes:
      workload: the inputs and windows, as an average.
      pools: by name, the average first.
      without_gradient: pools that have none.
    """

    workload: Workload
    pools: Mapping[str, Pool]
    without_gradient: tuple[str, ...] = ()


def _partial(function: Callable[..., Any], *arguments: Any, **options: Any) -> Pool:
    def pool(x: Array) -> Array:
        result = function(x, *arguments, **options)
        return result[0] if isinstance(result, tuple) else result

    return pool


def _windowed(window: tuple[int, int], stride: int, padding: int) -> Callable[..., Pool]:
    return lambda function, **more: _partial(function, window_shape=window, strides=stride, padding=padding, **more)


def _weights(x: Array) -> Array:
    """One number from 0 for every position. It comes from the inputs, so that no compiler can compute with it."""
    return lax.stop_gradient(lax.abs(x[..., :1]))


def _overlapping() -> dict[str, Pool]:
    of = _windowed((3, 3), 2, 1)
    gate = np.random.default_rng(1).standard_normal((3, 3, 1), np.float32)
    return {
        "avg_pool": of(jaxpool.avg_pool),
        "max_pool": of(jaxpool.max_pool),
        "min_pool": of(jaxpool.min_pool),
        "max_pool_with_argmax": of(jaxpool.max_pool_with_argmax),
        "avg_pool(where=...)": lambda x: of(jaxpool.avg_pool, where=_weights(x) > 0.3)(x),
        "max_pool(where=...)": lambda x: of(jaxpool.max_pool, where=_weights(x) > 0.3)(x),
        "lp_pool": of(jaxpool.lp_pool, p=2),
        "power_mean_pool": of(jaxpool.power_mean_pool, p=3),
        "var_pool": of(jaxpool.var_pool),
        "std_pool": of(jaxpool.std_pool),
        "softmax_pool": of(jaxpool.softmax_pool),
        "softmax_pool(logits=...)": lambda x: of(jaxpool.softmax_pool, logits=_weights(x))(x),
        "lse_pool": of(jaxpool.lse_pool, beta=10),
        "weighted_avg_pool": lambda x: of(jaxpool.weighted_avg_pool, weights=_weights(x))(x),
        "mixed_pool": of(jaxpool.mixed_pool),
        "gated_pool": of(jaxpool.gated_pool, weights=gate),
        "concat_pool": of(jaxpool.concat_pool),
        "gaussian_pool": of(jaxpool.gaussian_pool, sigma=0.5),
        "ada_pool": of(jaxpool.ada_pool),
        "median_pool": of(jaxpool.median_pool),
        "quantile_pool": of(jaxpool.quantile_pool, q=0.25),
        "rank_pool": of(jaxpool.rank_pool, rank=1),
        "topk_pool": of(jaxpool.topk_pool, k=2),
        "stochastic_pool": of(jaxpool.stochastic_pool, key=jax.random.key(0)),
        "pool(..., logaddexp)": of(jaxpool.pool, init=-np.inf, reduce_fn=jax.numpy.logaddexp),
        "blur_pool": _partial(jaxpool.blur_pool, (3, 3), 2, 1),
        "corner_pool": _partial(jaxpool.corner_pool, "top"),
        "local_maxima": _partial(jaxpool.local_maxima, (3, 3)),
    }


def _halving() -> dict[str, Pool]:
    of = _windowed((2, 2), 2, 0)
    return {
        "avg_pool": of(jaxpool.avg_pool),
        "max_pool": of(jaxpool.max_pool),
        "softmax_pool": of(jaxpool.softmax_pool),
        "lse_pool": of(jaxpool.lse_pool, beta=10),
        "var_pool": of(jaxpool.var_pool),
        "median_pool": of(jaxpool.median_pool),
        "stochastic_pool": of(jaxpool.stochastic_pool, key=jax.random.key(0)),
        "detail_preserving_pool": _partial(jaxpool.detail_preserving_pool, (2, 2)),
        "haar_pool": jaxpool.haar_pool,
        "spectral_pool": _partial(jaxpool.spectral_pool, output_size=(56, 56)),
        "fractional_max_pool": _partial(jaxpool.fractional_max_pool, jax.random.key(0), (56, 56), window_shape=(2, 2)),
        "adaptive_avg_pool": _partial(jaxpool.adaptive_avg_pool, output_size=(56, 56)),
        "adaptive_max_pool": _partial(jaxpool.adaptive_max_pool, output_size=(56, 56)),
    }


def _planes() -> dict[str, Pool]:
    return {
        "global_avg_pool": jaxpool.global_avg_pool,
        "global_max_pool": jaxpool.global_max_pool,
        "global_power_mean_pool": _partial(jaxpool.global_power_mean_pool, p=3),
        "global_softmax_pool": jaxpool.global_softmax_pool,
        "global_softmax_pool(logits=...)": lambda x: jaxpool.global_softmax_pool(x, logits=_weights(x)),
        "global_weighted_avg_pool": lambda x: jaxpool.global_weighted_avg_pool(x, _weights(x)),
        "global_lse_pool": _partial(jaxpool.global_lse_pool, beta=10),
        "global_mixed_pool": jaxpool.global_mixed_pool,
        "global_concat_pool": jaxpool.global_concat_pool,
        "global_var_pool": jaxpool.global_var_pool,
        "global_std_pool": jaxpool.global_std_pool,
        "global_stats_pool": jaxpool.global_stats_pool,
        "global_median_pool": jaxpool.global_median_pool,
        "global_topk_pool": _partial(jaxpool.global_topk_pool, kmax=8),
        "global_covariance_pool": jaxpool.global_covariance_pool,
        "pyramid_pool": _partial(jaxpool.pyramid_pool, levels=(1, 2, 4)),
        "rmac_pool": jaxpool.rmac_pool,
        "adaptive_avg_pool": _partial(jaxpool.adaptive_avg_pool, output_size=(7, 7)),
    }


def groups() -> list[Group]:
    """All pools, beside the average of the same windows."""
    overlapping = Workload(
        "family-3x3-s2", "the stem of ResNet", "avg", (8, 112, 112, 64), (3, 3), (2, 2), ((1, 1), (1, 1))
    )
    halving = Workload("family-2x2-s2", "the usual halving", "avg", (8, 112, 112, 64), (2, 2), (2, 2))
    planes = Workload("family-plane", "a head", "global_avg", (32, 28, 28, 256), (28, 28), (1, 1))
    return [
        Group(overlapping, _overlapping(), ("local_maxima",)),
        Group(halving, _halving()),
        Group(planes, _planes()),
    ]


def steps_of(pattern: str, modes: Sequence[str], options: Options) -> list[Step]:
    """One step for each group and mode; with a pattern, of the pools whose name it matches and of the average."""
    return [
        functools.partial(_measure, group, chosen, mode, options)
        for group in groups()
        if set(chosen := [name for name in group.pools if re.search(pattern, name) or name in _BASES]) - {*_BASES}
        for mode in modes
    ]


def _measure(group: Group, chosen: Sequence[str], mode: str, options: Options, notify: Notify) -> Case:
    workload = group.workload
    case = Case(workload, "float32", mode, minimal_bytes(workload, "float32", mode))
    x = jax.device_put(np.random.default_rng(0).standard_normal(workload.shape, np.float32))
    programs: dict[str, JaxProgram] = {}
    for name in chosen:
        if mode != "forward" and name in group.without_gradient:
            case.records[name] = Record(name, "unavailable", "it has no gradient")
            continue
        pool = group.pools[name]
        output = jax.eval_shape(pool, x)
        data = Data(np.asarray(x), functools.partial(np.ones, output.shape, output.dtype))
        programs[name] = JaxProgram(JaxPool(pool), workload, mode, data)
    timed(case, programs, options, notify)
    return case


def cost(run: Run, pool: str) -> float | None:
    """Forward and gradient of a pool over that of average pooling, in the first group that has both; None if none."""
    for mode in ("forward_vjp", "forward"):
        for case in run.cases:
            base = next((case.record(name) for name in _BASES if case.record(name)), None)
            if case.mode == mode and base is not None and (record := case.record(pool)) is not None:
                return record.median / base.median
    return None


def show(run: Run, console: Console) -> None:
    """A table for each group: milliseconds, and how many times average pooling that is."""
    for workload in dict.fromkeys(case.workload for case in run.cases):
        cases = [case for case in run.cases if case.workload == workload]
        table = Table(title=f"{workload.name}, {'x'.join(map(str, workload.shape))} f32")
        table.add_column("pool")
        for case in cases:
            table.add_column(f"{case.mode}, ms", justify="right")
            table.add_column("of average", justify="right")
        for name in dict.fromkeys(name for case in cases for name in case.records):
            cells: list[str] = []
            for case in cases:
                base = next(record for name in _BASES if (record := case.record(name)) is not None)
                record = case.record(name)
                cells += (
                    ["", ""] if record is None else [f"{record.median * 1e3:.2f}", f"{record.median / base.median:.2f}"]
                )
            table.add_row(name, *cells)
        console.print(table)


def written(text: str, run: Run) -> str:
    """A Markdown page whose tables name pools in the column `pool`, with their costs in the column `cost`."""
    lines: list[str] = []
    columns: list[str] = []
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")] if line.startswith("|") else []
        if not cells:
            columns = []
        elif not columns:
            columns = cells
        elif "cost" in columns and not set(line) <= set("|-: "):
            names = re.findall(r"`([^`]+)`", cells[columns.index("pool")])
            known = [value for name in names if (value := cost(run, name)) is not None]
            cells[columns.index("cost")] = ", ".join(
                f"{value:.0f}" if value >= 10 else f"{value:.2g}" for value in known
            )
            line = f"| {' | '.join(cells)} |"
        lines.append(line)
    return "\n".join(lines) + "\n"
