"""The guide: its tables name every pool, and its costs are those of the committed run."""

import pathlib
import re

import pytest

import jaxpool

pytest.importorskip("benchmarks.family", reason="the benchmarks are not part of the package")

from benchmarks import family, records

ROOT = pathlib.Path(__file__).parents[1]
PAGE = ROOT / "examples" / "guide" / "choosing.md"
RESULTS = ROOT / "benchmarks" / "results" / "family.json"
if not (PAGE.exists() and RESULTS.exists()):
    pytest.skip("neither results nor pages are part of the source distribution", allow_module_level=True)

# What no one chooses as a pool of its own: other forms of pools that the tables name, and what helps them.
_OTHERS = {
    *("adaptive_pool", "adaptive_min_pool", "adaptive_sum_pool", "adaptive_lp_pool", "adaptive_power_mean_pool"),
    *(
        "adaptive_max_pool_with_argmax",
        "avg_unpool",
        "sum_pool",
        "global_sum_pool",
        "global_min_pool",
        "global_lp_pool",
    ),
    *("fractional_avg_pool", "fractional_max_pool_with_argmax", "max_unpool", "min_pool", "min_pool_with_argmin"),
    *("global_max_pool_with_argmax", "global_min_pool_with_argmin", "global_quantile_pool", "haar_unpool", "pool"),
    *("global_weighted_avg_pool", "windows"),
}


def pools():
    """The public functions that pool."""
    return {name for name in jaxpool.__all__ if re.search(r"pool(_|$)|^roi_align$|^local_maxima$", name)}


def test_the_tables_name_every_pool():
    named = set(re.findall(r"`(\w+)", PAGE.read_text()))
    missing = {name for name in pools() - _OTHERS if name not in named}
    segments = {name for name in missing if name.startswith("segment_")}
    assert missing == segments
    assert set(jaxpool.__all__) >= _OTHERS


def test_the_costs_are_those_of_the_committed_run():
    text = PAGE.read_text()
    assert family.written(text, records.load(RESULTS)) == text


def test_costs_are_ratios_to_the_average_of_the_same_group():
    (group, *_) = family.groups()
    run = records.Run({}, {})
    for mode, factor in (("forward", 3), ("forward_vjp", 2)):
        case = records.Case(group.workload, "float32", mode, 1)
        case.records = {
            "avg_pool": records.Record("avg_pool", seconds=[0.1]),
            "max_pool": records.Record("max_pool", seconds=[0.1 * factor]),
        }
        run.cases.append(case)
    run.cases[0].records["local_maxima"] = records.Record("local_maxima", seconds=[0.5])
    assert family.cost(run, "max_pool") == pytest.approx(2)
    assert family.cost(run, "local_maxima") == pytest.approx(5)
    assert family.cost(run, "min_pool") is None
    page = "| pool | cost |\n|---|---|\n| `max_pool` | |\n| `min_pool` | 7 |\n\n`max_pool` | 1 |\n"
    assert (
        family.written(page, run)
        == "| pool | cost |\n|---|---|\n| `max_pool` | 2 |\n| `min_pool` |  |\n\n`max_pool` | 1 |\n"
    )


def test_every_pool_of_the_benchmark_runs():
    for group in family.groups():
        assert next(iter(group.pools)) in ("avg_pool", "global_avg_pool")
        x = family.jax.ShapeDtypeStruct(group.workload.shape, "float32")
        for name, pool in group.pools.items():
            assert family.jax.eval_shape(pool, x).shape[0] == x.shape[0], name


def test_a_run_has_all_pools_in_turns(capsys):
    from rich.console import Console

    from benchmarks import measure, suite

    options = measure.Options(samples=3, sample_s=0.0, budget_s=0.01, warmup_s=0.0)
    steps = family.steps_of("^(global_max_pool)$", ["forward"], options)
    run = suite.new_run(options, [])
    run.cases = [step(lambda _: None) for step in steps]
    assert {name for case in run.cases for name in case.records} == {"global_avg_pool", "global_max_pool", "copy"}
    family.show(run, Console(width=120))
    assert "global_max_pool" in capsys.readouterr().out
