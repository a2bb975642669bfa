"""The benchmark suite: its data, its reference, its contenders on tiny inputs, and what it makes of samples."""

import argparse
import contextlib
import copy
import dataclasses
import importlib.util
import io
import json
import math
import pathlib
import shlex
import sys
import xml.etree.ElementTree as ElementTree
from unittest import mock

import jax
import numpy as np
import oracle
import pytest
from rich.console import Console

import jaxpool
from jaxpool._geometry import pooling_window

pytest.importorskip("benchmarks.workloads", reason="the benchmarks are not part of the package")

from benchmarks import (
    before,
    choice,
    compiled,
    contenders,
    environment,
    figures,
    measure,
    own,
    programs,
    random_pools,
    ratios,
    readme,
    records,
    reference,
    sharding,
    suite,
    summary,
    workloads,
)
from benchmarks.aot.hlo import Program
from benchmarks.parser import EXAMPLES, OWN, TAGS, parser
from benchmarks.workloads import WORKLOADS, Workload, minimal_bytes

QUICK = measure.Options(samples=3, sample_s=0.0, budget_s=0.01, warmup_s=0.0)
TINY = {
    "max-3x3-s2-stem": (2, 9, 10, 3),
    "max-3x3-s1-inception-channels-first": (2, 3, 7, 6),
    "max-3x3-d2-atrous": (1, 8, 9, 2),
    "max-2x2x2-s2-video": (1, 4, 5, 6, 2),
    "max-5x5-s1-sppf": (1, 8, 7, 2),
    "avg-3x3-s1-same-real": (2, 6, 7, 3),
    "avg-25-s10-audio": (2, 47, 3),
    "global-avg-7x7-head": (2, 7, 7, 5),
}
OTHERS = ["max-3x3-s1-inception-channels-first", "avg-3x3-s1-same-real", "global-avg-7x7-head", "max-5x5-s1-sppf"]
ADAPTIVE = (2, 13, 17, 3)


def tiny(name):
    """A workload on a small input."""
    shape = ADAPTIVE if "adaptive" in name else TINY[name]
    return dataclasses.replace(next(w for w in WORKLOADS if w.name == name), shape=shape)


def checked(contender, workload, mode="forward_vjp", dtype="float32"):
    """What is wrong with a contender's results; None if nothing is."""
    data = reference.make_data(workload, dtype)
    program = contenders.build(contender, workload, dtype, mode, data)
    program.prepare()
    return reference.fault(workload, dtype, mode, data, program.results())


def made_up(device="a device", factor=1.0):
    """A run with samples that nobody measured."""
    rng = np.random.default_rng(3)
    cases = []
    for name, modes in (("max-3x3-s2-stem", ("forward", "vjp")), ("avg-25-s10-audio", ("forward",))):
        for mode in modes:
            case = records.Case(tiny(name), "float32", mode, 1000)
            for contender, seconds in (("jaxpool", 1e-3 * factor), ("flax", 5e-3), ("copy", 5e-4)):
                samples = list(seconds * (1 + 0.01 * rng.standard_normal(9)))
                case.records[contender] = records.Record(contender, compile_s=0.5, seconds=samples)
            case.records["keras"] = records.Record("keras", "unavailable", "keras is not installed")
            cases.append(case)
    return records.Run({"device": device}, {"samples": 9}, cases)


def test_the_figures_in_readme_are_those_of_the_committed_run():
    root = pathlib.Path(__file__).parents[1]
    path = root / "benchmarks" / "results" / "cpu.json"
    if not path.exists():
        pytest.skip("results are not part of the source distribution")
    text = (root / "README.md").read_text()
    assert readme.written(text, records.load(path)) == text
    with pytest.raises(ValueError, match="needs a line"):
        readme.written(text.replace(readme.END, ""), records.load(path))


ROOT = pathlib.Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PICTURES = ROOT / "examples" / "guide" / "pictures"
committed = pytest.mark.skipif(not RESULTS.is_dir(), reason="results are not part of the source distribution")


@committed
@pytest.mark.every_case
@pytest.mark.parametrize(
    ("name", "file", "drawn"),
    [("speed", "cpu", figures.speed), ("window-size", "cpu-sweep", figures.window_size)],
)
def test_a_figure_is_what_the_committed_run_says(name, file, drawn):
    """After a change: python -m benchmarks figures benchmarks/results/cpu.json benchmarks/results/cpu-sweep.json."""
    path = PICTURES / f"{name}.svg"
    content = drawn(records.load(RESULTS / f"{file}.json"))
    assert path.read_text() == content
    assert path.stat().st_size < 40_000
    assert ElementTree.fromstring(content).find("{http://www.w3.org/2000/svg}title").text
    assert "prefers-color-scheme: dark" in content


@committed
def test_the_figures_are_drawn_from_the_command_line(tmp_path, capsys):
    from benchmarks.__main__ import main

    files = [str(RESULTS / f"{name}.json") for name in ("cpu", "cpu-sweep")]
    assert main(["figures", *files, "--output", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"speed.svg", "window-size.svg"}
    assert "speed.svg" in capsys.readouterr().out
    assert main(["figures", str(RESULTS / "family.json"), "--output", str(tmp_path)]) == 2
    assert "No file has" in capsys.readouterr().out


def test_a_bar_is_as_long_as_its_ratio_and_says_it():
    case = records.Case(WORKLOADS[0], "float32", "forward", 1)
    seconds = {"jaxpool": 0.1, "flax": 1.0, "torch_channels_last": 0.05, "torch_channels_first": 0.02}
    case.records = {name: records.Record(name, seconds=[value]) for name, value in seconds.items()}
    faster, slower = figures._bar(0, "flax", [case]), figures._bar(0, "torch", [case])
    assert f'width="{figures._TENFOLD}"' in faster[0]
    assert "10 times faster" in faster[1]
    # Beside the faster memory order, and to the left of "as fast".
    assert f'x="{figures._ONE - figures._TENFOLD * math.log10(5):.1f}"' in slower[0]
    assert "5 times slower" in slower[1]
    for record in case.records.values():
        record.program = "one"
    assert "the same program" in figures._bar(0, "flax", [case])[1]
    assert figures._bar(0, "flax", []) == [mock.ANY]


@committed
def test_the_guide_quotes_the_sweep():
    run = records.load(RESULTS / "cpu-sweep.json")
    (case,) = (c for c in run.cases if c.key == ("sweep-window-max-49", "float32", "forward"))
    ours, torch, flax = (case.record(name).median * 1e3 for name in ("jaxpool", "torch_channels_last", "flax"))
    quoted = f"takes {ours:.1f} ms, where PyTorch takes {torch:.0f} ms and Flax {flax:.0f} ms"
    assert quoted in (ROOT / "examples" / "guide" / "performance.md").read_text()
    assert run.options["limit_s"] == 0.5


def test_names_are_unique_and_the_core_is_there():
    assert len({w.name for w in WORKLOADS}) == len(WORKLOADS)
    assert [w.window for w in workloads.select(tags=["core"])] == [(3, 3), (2, 2), (3, 3), (13, 13)]
    assert {w.name for w in workloads.select("avg-*-audio")} == {"avg-25-s10-audio"}
    assert all("accelerator" in w.tags for w in workloads.select(suite="accelerator"))
    assert len(workloads.select()) + len(workloads.select(suite="accelerator")) == len(workloads.select(suite=None))


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda w: w.name)
def test_every_workload_is_one_that_jaxpool_can_run(workload):
    assert len(workload.window) == len(workload.spatial_axes) == len(workload.strides)
    for dtype in workload.dtypes:
        assert {"forward", "eager"} & set(workload.modes(dtype))
        itemsize = workloads.ITEM_BYTES[dtype]
        least = itemsize * (math.prod(workload.shape) + math.prod(workload.output_shape))
        assert all(minimal_bytes(workload, dtype, mode) >= least for mode in workload.modes(dtype))
    if workload.pool == "adaptive_avg":
        return
    arguments = {"window_dilation": workload.dilation, "channel_axis": workload.channel_axis}
    geometry = workload.window, workload.strides
    shape = jaxpool.output_shape(workload.shape, *geometry, workload.padding, **arguments)
    assert shape == jaxpool.output_shape(workload.shape, *geometry, workload.pairs, **arguments)
    if workload.pool == "global_avg":
        assert math.prod(shape) == math.prod(workload.output_shape)
    else:
        assert shape == workload.output_shape


@pytest.mark.parametrize("name", TINY)
def test_the_reference_agrees_with_the_oracle(name):
    workload = tiny(name)
    data = reference.make_data(workload, "float32")
    part = workload.shape[0], workload.shape[workload.channel_axis]
    values, spread = reference.expected(workload, "forward_vjp", data, part)
    order = (0, workload.channel_axis % len(workload.shape), *workload.spatial_axes)
    x = data.x.transpose(order).astype(np.float64)
    arguments = {"window_dilation": workload.dilation, "channel_axis": 1, "padding_is_empty": False}
    window = pooling_window(x.shape, workload.window, workload.strides, workload.pairs, **arguments)
    output = (*x.shape[:2], *workload.output_plane)
    cotangent = data.cotangent.transpose(order) if data.cotangent.ndim == x.ndim else data.cotangent
    cotangent = cotangent.reshape(output).astype(np.float64)
    if workload.pool == "max":
        y, dx, tangents, chain = x, cotangent, data.tangent.transpose(order).astype(np.float64), []
        for _ in range(workload.repeats):
            y, offsets = oracle.window_argextremum(y, window, "max")
            tangents = oracle.gather_at_offsets(tangents, offsets, window)
            chain.append(offsets)
        for offsets in reversed(chain):
            dx = oracle.scatter_at_offsets(dx, offsets, window)
        dy = reference.expected(workload, "jvp", data, part)[1]
        np.testing.assert_array_equal(np.moveaxis(dy, -1, 1), tangents)
    else:
        counts = oracle.counts(window, workload.count_include_pad)
        y = oracle.window_sum(x, window) / counts
        dx = oracle.window_spread(cotangent / counts, window)
    np.testing.assert_allclose(np.moveaxis(values, -1, 1), y, rtol=1e-12)
    np.testing.assert_allclose(np.moveaxis(spread, -1, 1), dx, rtol=1e-12, atol=1e-12)


def test_a_part_is_checked_where_all_would_take_long():
    picture = next(w for w in WORKLOADS if w.name == "max-3x3-s2-picture-batch8")
    assert reference.checked_part(picture) == (1, 1)
    assert reference.checked_part(tiny("max-3x3-s2-stem")) == (2, 3)
    assert reference.part_of(np.zeros((8, 16, 16, 8)), picture, (1, 4)).shape == (1, 16, 16, 4)


@pytest.mark.parametrize("name", TINY)
def test_jaxpool_agrees_with_the_reference(name):
    assert checked("jaxpool", tiny(name)) is None


@pytest.mark.parametrize("name", OTHERS)
@pytest.mark.parametrize("contender", ["lax", "flax"])
def test_others_agree_with_the_reference(contender, name):
    assert checked(contender, tiny(name)) is None


def test_others_say_what_they_cannot_do():
    dilated = tiny("max-3x3-d2-atrous")
    with pytest.raises(NotImplementedError):
        checked("lax", dilated)
    with pytest.raises(programs.UnavailableError, match="it has no dilation"):
        checked("flax", dilated)
    with pytest.raises(programs.UnavailableError, match="where the maxima are"):
        checked("flax", tiny("max-3x3-s2-stem"), "forward_with_argmax")
    with pytest.raises(programs.UnavailableError, match="an avg pool of float32 has no mode forward_with_argmax"):
        checked("jaxpool", tiny("avg-3x3-s1-same-real"), "forward_with_argmax")


@pytest.mark.parametrize("mode", workloads.MODES)
def test_modes_agree_with_the_reference(mode):
    assert checked("jaxpool", tiny("max-3x3-s2-stem"), mode) is None
    if mode != "forward_with_argmax":
        assert checked("jaxpool", tiny("avg-3x3-s1-same-real"), mode, "bfloat16") is None


@pytest.mark.parametrize("name", [name for name in contenders.CONTENDERS if name.startswith("jaxpool:")])
def test_plans_are_contenders(name):
    try:
        assert checked(name, tiny("max-3x3-s2-stem"), "forward") is None
    except (programs.UnavailableError, NotImplementedError):
        assert name not in ("jaxpool:reduce_window", "jaxpool:separable", "jaxpool:joint")


@pytest.mark.parametrize("contender", ["equinox", "keras", "torch_channels_last", "torch_channels_first"])
@pytest.mark.filterwarnings("default")
def test_optional_contenders_agree_or_say_why_not(contender):
    package = contender.partition("_")[0]
    if importlib.util.find_spec(package) is None:
        with pytest.raises(programs.UnavailableError, match=f"{package} is not installed"):
            checked(contender, tiny("max-2x2x2-s2-video"))
        return
    for name in ("avg-25-s10-audio", "max-3x3-s1-inception-channels-first", "max-5x5-s1-sppf"):
        assert checked(contender, tiny(name)) is None, name
    if package == "torch":
        for mode in ("forward_with_argmax", "vjp", "jvp"):
            assert checked(contender, tiny("max-3x3-s2-stem"), mode) is None, mode
        assert checked(contender, tiny("adaptive-avg-7x7-from-13x17")) is None
        assert checked(contender, tiny("global-avg-7x7-head"), dtype="bfloat16") is None


def test_another_checkout_takes_turns_with_this_one(tmp_path, monkeypatch):
    monkeypatch.setattr(before, "folder", None)
    workload = dataclasses.replace(tiny("max-3x3-s2-stem"), tags=("eager",))
    data = reference.make_data(workload, "float32")
    with pytest.raises(programs.UnavailableError, match="--before"):
        contenders.build("before", workload, "float32", "eager", data)
    with pytest.raises(ValueError, match="has no folder jaxpool"):
        before.load(tmp_path)
    package = tmp_path / "jaxpool"
    package.mkdir()
    (package / "__init__.py").write_text("from jaxpool.pools import max_pool\nmax_pool_with_argmax = max_pool\n")
    (package / "pools.py").write_text("def max_pool(x, **options):\n    return 7\n")
    before.load.cache_clear()
    monkeypatch.setattr(before, "folder", tmp_path)
    program = contenders.build("before", workload, "float32", "eager", data)
    program.prepare()
    assert program.start() == 7
    assert sys.modules["jaxpool"] is jaxpool
    assert "jaxpool.pools" not in sys.modules


def test_wrong_contenders_are_not_timed(monkeypatch):
    def wrong(workload, _, *more):
        return programs.JaxProgram(programs.JaxPool(lambda x: jaxpool.min_pool(x, (3, 3), 2, 1)), workload, *more)

    broken = mock.Mock(side_effect=RuntimeError("out of order\nsince Monday"))
    monkeypatch.setitem(contenders.CONTENDERS, "wrong", wrong)
    monkeypatch.setitem(contenders.CONTENDERS, "broken", broken)
    monkeypatch.setitem(contenders.CONTENDERS, "impossible", mock.Mock(side_effect=NotImplementedError("no")))
    names = ["jaxpool", "wrong", "broken", "impossible"]
    case = measure.measure(tiny("max-3x3-s2-stem"), "float32", "forward", names, QUICK, print)
    statuses = {name: (record.status, len(record.seconds)) for name, record in case.records.items()}
    assert statuses == {
        "jaxpool": ("timed", 3),
        "wrong": ("wrong", 0),
        "broken": ("failed", 0),
        "impossible": ("unavailable", 0),
        "copy": ("timed", 3),
    }
    assert case.records["broken"].reason == "RuntimeError: out of order"
    assert case.records["jaxpool"].compile_s > 0


def test_the_backward_pass_alone_gets_its_residuals():
    workload = tiny("max-3x3-s2-stem")
    case = measure.measure(workload, "float32", "vjp", ["jaxpool", "flax"], QUICK, print)
    assert case.records["jaxpool"].residual_bytes == math.prod(workload.output_shape)
    assert case.records["flax"].residual_bytes >= 4 * math.prod(workload.shape)


def test_an_interrupted_run_keeps_what_it_has(tmp_path):
    run, text = made_up(), io.StringIO()
    run.environment |= {"threads": {}, "allocator": "none"}
    cases = list(run.cases)
    run.cases.clear()
    step = mock.Mock(side_effect=[cases[0], KeyboardInterrupt, cases[1]])
    suite.execute(run, [step] * 3, Console(file=text), tmp_path / "run.json")
    assert run.cases == cases[:1]
    assert len(records.load(tmp_path / "run.json").cases) == 1
    assert "Interrupted after 1 of 3 cases." in text.getvalue()


def test_a_summary_keeps_the_statistics_and_no_sample(tmp_path):
    run = made_up()
    run.options["summary"] = True
    run.save(tmp_path / "run.json")
    again = records.load(tmp_path / "run.json")
    assert "seconds" not in (tmp_path / "run.json").read_text()
    for case, kept in zip(run.cases, again.cases, strict=True):
        assert kept.key == case.key
        for name, record in case.records.items():
            assert kept.records[name].timed == record.timed
            np.testing.assert_allclose(kept.records[name].statistics, record.statistics, rtol=1e-3)
            np.testing.assert_allclose(kept.records[name].uncertainty, record.uncertainty, rtol=2e-3)
    again.save(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_text() == (tmp_path / "run.json").read_text()


@committed
def test_committed_runs_have_the_form_that_is_written(tmp_path):
    """Without samples, and with no number that nobody reads."""
    runs = [path for path in RESULTS.glob("*.json") if "format" in records.read(path)]
    assert len(runs) >= 8
    for path in runs:
        records.load(path).save(tmp_path / path.name)
        assert (tmp_path / path.name).read_text() == path.read_text(), path.name
    assert sum(path.stat().st_size for path in RESULTS.iterdir()) < 600_000


def test_a_summary_tells_which_programs_are_the_same_and_who_was_not_timed(tmp_path):
    run = made_up()
    run.options["summary"] = True
    case = run.cases[0]
    case.records["copy"].program = "one"
    case.records["jaxpool"].program = case.records["flax"].program = "other"
    case.records["jaxpool"].residual_bytes = 7
    case.records["wrong"] = records.Record("wrong", "wrong", "it is")
    run.save(tmp_path / "run.json")
    kept = records.load(tmp_path / "run.json").cases[0]
    assert list(kept.records) == list(case.records)
    assert kept.same_program(kept.record("jaxpool"), kept.record("flax"))
    assert not kept.same_program(kept.record("jaxpool"), kept.record("copy"))
    assert kept.records["jaxpool"].residual_bytes == 7
    assert kept.records["jaxpool"].temporary_bytes is None
    assert (kept.records["wrong"].status, kept.records["wrong"].reason) == ("wrong", "it is")


def test_runs_survive_json(tmp_path):
    workload = tiny("max-2x2x2-s2-video")
    case = measure.measure(workload, "float32", "forward", ["jaxpool", "lax"], QUICK, print)
    run = records.Run(environment.environment(), dataclasses.asdict(QUICK), [case])
    run.save(tmp_path / "deep" / "run.json")
    again = records.load(tmp_path / "deep" / "run.json")
    assert again == run
    assert again.device == run.device != "unknown device"
    assert {"git", "allocator", "xla_flags", "date", "cpu", "versions"} <= set(run.environment)
    stored = json.loads((tmp_path / "deep" / "run.json").read_text())["cases"][0]["records"]["jaxpool"]
    assert stored["median"] == case.records["jaxpool"].median
    assert stored["bytes_per_second"] == case.minimal_bytes / stored["median"]
    (tmp_path / "old.json").write_text(json.dumps({"format": 1, "cases": []}))
    with pytest.raises(records.ResultError, match=r"old\.json is not a result of `run` or `sweep` in format 2"):
        records.load(tmp_path / "old.json")
    (tmp_path / "other.json").write_text("[]")
    with pytest.raises(records.ResultError, match=r"other\.json is not a result"):
        records.load(tmp_path / "other.json")
    with pytest.raises(records.ResultError, match=r"none\.json cannot be read: No such file"):
        records.load(tmp_path / "none.json")
    (tmp_path / "text.json").write_text("# Title")
    with pytest.raises(records.ResultError, match=r"text\.json is no JSON"):
        records.load(tmp_path / "text.json")


def test_statistics():
    record = records.Record("x", seconds=[1.0, 2.0, 3.0, 4.0, 100.0])
    assert (record.median, record.spread) == (3.0, 1.0)
    case = records.Case(tiny("max-3x3-s2-stem"), "float32", "forward", 30, {"x": record})
    case.records["copy"] = records.Record("copy", seconds=[1.5])
    assert case.roofline(record) == 0.5
    assert case.bandwidth(record) == 10.0
    assert math.isnan(case.ratio(case.record("flax"), record))


def test_merging_refuses_mixed_devices():
    with pytest.raises(records.MixedDevicesError, match="a device, another device"):
        records.merge([made_up(), made_up("another device")])
    first, second = made_up(), made_up(factor=2.0)
    assert records.merge([first, second]).cases == second.cases


def test_report_writes_markdown_and_plots(tmp_path, capsys):
    pytest.importorskip("rich")
    pytest.importorskip("matplotlib")
    from benchmarks import __main__ as command_line

    made_up().save(tmp_path / "a.json")
    made_up("another device").save(tmp_path / "b.json")
    files = [str(tmp_path / "a.json"), str(tmp_path / "b.json")]
    assert command_line.main(["report", *files, "--output", str(tmp_path / "out")]) == 2
    assert "different devices" in capsys.readouterr().out
    assert not (tmp_path / "out").exists()
    assert command_line.main(["report", files[0], "--output", str(tmp_path / "out")]) == 0
    text = (tmp_path / "out" / "report.md").read_text()
    assert "| max-3x3-s2-stem float32 forward |" in text
    assert "keras unavailable for max-3x3-s2-stem float32 forward and 2 more: keras is not installed" in text
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"report.md", "ratios.png", "roofline.png"}


def test_compare_finds_a_regression_and_no_other(tmp_path, capsys):
    pytest.importorskip("rich")
    from benchmarks import __main__ as command_line
    from benchmarks import compare

    before, after = made_up(), made_up(factor=1.5)
    assert not any(change.verdict for change in compare.changes(before, made_up(factor=1.02)))
    found = [change for change in compare.changes(before, after) if change.verdict]
    assert [(change.contender, change.verdict) for change in found] == [("jaxpool", "slower")] * 3
    assert all(1.4 < change.ratio < 1.6 and change.regression for change in found)
    assert all(change.verdict == "faster" for change in compare.changes(after, before) if change.verdict)
    # A machine that is slower altogether is no regression of anybody's.
    slower = copy.deepcopy(before)
    for case in slower.cases:
        for record in case.records.values():
            record.seconds = [3 * value for value in record.seconds]
    assert not any(change.verdict for change in compare.changes(before, slower, normalise=True))
    before.save(tmp_path / "a.json")
    after.save(tmp_path / "b.json")
    assert command_line.main(["compare", str(tmp_path / "a.json"), str(tmp_path / "a.json")]) == 0
    assert command_line.main(["compare", str(tmp_path / "a.json"), str(tmp_path / "b.json")]) == 1
    assert "3 worse" in capsys.readouterr().out
    # What has no partner is told, and is no success.
    others = copy.deepcopy(after)
    for case in others.cases:
        case.workload = dataclasses.replace(case.workload, name=f"other-{case.workload.name}")
    others.save(tmp_path / "c.json")
    assert command_line.main(["compare", str(tmp_path / "a.json"), str(tmp_path / "c.json")]) == 2
    output = capsys.readouterr().out
    assert f"{len(before.cases)} cases only in" in output
    assert f"the first: {others.cases[0].title}" in output
    assert command_line.main(["compare", str(tmp_path / "a.json"), str(tmp_path / "none.json")]) == 2


def test_the_command_line_says_what_it_does_not_understand(capsys):
    pytest.importorskip("rich")
    from benchmarks import __main__ as command_line

    options = command_line.parser("").parse_args(["run", "--dtypes", "f32", "bfloat16"])
    assert options.dtypes == ["float32", "bfloat16"]
    for wrong in (["--dtypes", "f64"], ["--samples", "0"], ["--budget", "-1"]):
        with pytest.raises(SystemExit):
            command_line.parser("").parse_args(["run", *wrong])
        assert f"argument {wrong[0]}" in capsys.readouterr().err
    assert command_line.main(["run", "--select", "max-3x3-s2-stem-batch1", "--modes", "eager"]) == 2
    assert "--select leaves 1 workload, --tags 1 workload, --dtypes and --modes no case" in capsys.readouterr().out


def test_compare_sees_memory_and_losses():
    pytest.importorskip("rich")
    from benchmarks import compare

    before, after = made_up(), made_up()
    record = before.cases[0].records["jaxpool"]
    before.cases[0].records["jaxpool"] = dataclasses.replace(record, temporary_bytes=0)
    after.cases[0].records["jaxpool"] = dataclasses.replace(record, temporary_bytes=10**7)
    after.cases[1].records["jaxpool"] = records.Record("jaxpool", "wrong", "result 0 differs")
    verdicts = [change.verdict for change in compare.changes(before, after) if change.verdict]
    assert verdicts == ["more memory", "lost"]


def test_a_sweep_drops_who_takes_too_long():
    pytest.importorskip("rich")
    from benchmarks import sweep

    points = [dataclasses.replace(p, shape=(1, 9, 9, 2)) for p in sweep.window_points("max", (3, 5))]
    steps = sweep.sweep_steps(points, ["forward"], ["jaxpool"], QUICK, limit_s=0.0)
    first, second = (step(print) for step in steps)
    assert first.records["jaxpool"].timed
    assert second.records["jaxpool"].status == "unavailable"
    assert "left out of the rest" in second.records["jaxpool"].reason
    sizes = [math.prod(p.shape) for p in sweep.element_points("max")]
    assert min(sizes) > 1e5
    assert 1e8 <= max(sizes) < 1.1e8


def test_settings_are_asked_for_once():
    wanted = environment.wanted_settings({}, system_allocator=False)
    assert wanted["OMP_WAIT_POLICY"] == "passive"
    assert environment.wanted_settings(wanted, system_allocator=False) == {}
    assert set(environment.wanted_settings({}, system_allocator=True)) == {"OMP_WAIT_POLICY"}
    assert environment.allocator({}) == "the system's, unchanged"


def test_workloads_are_hashable_data():
    workload = WORKLOADS[0]
    assert Workload(**dataclasses.asdict(workload)) == workload
    assert len({*WORKLOADS, workload}) == len(WORKLOADS)
    assert jax.tree.leaves(workload) == [workload]


def test_pools_in_a_row_keep_the_size():
    with pytest.raises(ValueError, match="repeats must be 1 but for maxima that keep the size; got 2"):
        dataclasses.replace(tiny("max-3x3-s2-stem"), repeats=2)
    assert "forward_with_argmax" not in tiny("max-5x5-s1-sppf").modes("float32")


def test_programs_are_the_same_by_their_instructions_alone():
    def name(function):
        program = programs.JaxProgram(programs.JaxPool(function), tiny("avg-25-s10-audio"), "forward", data)
        return program.prepare().program

    data = reference.make_data(tiny("avg-25-s10-audio"), "float32")

    def other_names_and_lines(values):
        total = values.sum(axis=1)
        return total * 2

    assert name(lambda x: x.sum(axis=1) * 2) == name(other_names_and_lines) != name(lambda x: x.sum(axis=1) * 3)
    assert name(lambda x: x.sum(axis=1) * 2) != name(lambda x: x.sum(axis=2) * 2)


def test_eager_calls_are_checked_and_timed():
    workload = next(w for w in WORKLOADS if w.name == "max-2x2-s2-vgg-eager")
    assert workload.modes("float32") == ("eager",)
    case = measure.measure(workload, "float32", "eager", ["jaxpool", "lax"], QUICK, lambda _: None)
    assert all(record.timed and record.compile_s is None for name, record in case.records.items() if name != "copy")


def test_report_marks_programs_that_are_the_same():
    pytest.importorskip("rich")
    from benchmarks import report

    run = made_up()
    for contender in ("jaxpool", "flax"):
        run.cases[0].records[contender].program = "abc"
    text = report.markdown(run, [])
    marked = [line for line in text.splitlines() if line.startswith("| max-3x3-s2-stem float32 ")]
    assert [" = |" in line for line in marked] == [True, False, True, *[False] * 5]


def test_random_pools_are_the_same_for_a_seed_and_within_bounds():
    drawn = random_pools.draw(3, 60)
    assert drawn[20:30] == random_pools.draw(3, 10, first=20)
    assert drawn != random_pools.draw(4, 60)
    assert len({workload.name for workload in drawn}) == 60
    for workload in drawn:
        low, high = random_pools.ELEMENTS
        assert low <= math.prod(workload.shape) <= high
        assert set(workload.window) <= set(range(2, 12))
        assert min(workload.output_plane) >= 1
        assert all(pad <= taps // 2 for pair, taps in zip(workload.pairs, workload.window, strict=True) for pad in pair)
    kinds = [{len(w.window) for w in drawn}, {w.pool for w in drawn}, {w.dtypes[0] for w in drawn}]
    assert kinds == [{1, 2, 3}, {"max", "avg"}, {"float32", "bfloat16"}]
    assert {w.channel_axis for w in drawn} == {-1, 1}


@pytest.mark.parametrize("number", range(4))
def test_random_pools_are_right(number):
    (workload,) = random_pools.draw(11, 1, first=number)
    small = tuple(min(size, 2 if axis == 0 else 12) for axis, size in enumerate(workload.shape))
    assert checked("jaxpool", dataclasses.replace(workload, shape=small), dtype=workload.dtypes[0]) is None


def test_pools_are_told_in_a_few_words():
    pool = workloads.Workload("a", "b", "max", (2, 3, 9, 8), (3, 2), (2, 1), ((1, 1), (0, 1)), channel_axis=1)
    assert random_pools.describe(pool) == "max 3x2 stride 2x1 pad 1,0:1, 2x3x9x8 channels first"


def test_means_and_the_worst_cases_are_shown(capsys):
    run = made_up()
    for case in run.cases:
        case.records["jaxpool:joint"] = copy.deepcopy(case.records["jaxpool"])
    beaten = run.cases[1].records["jaxpool:joint"]
    beaten.contender, beaten.seconds = "jaxpool:joint", [s / 2 for s in beaten.seconds]
    console = Console(width=160)
    ratios.show_peers(run, console, worst=1)
    printed = capsys.readouterr().out
    assert "0.200" in printed
    assert printed.count("max 3x3") + printed.count("avg 25") == 1
    assert choice.best_of(run.cases[1]) is beaten
    choice.show(run, console)
    printed = capsys.readouterr().out
    assert "joint" in printed
    assert f"in {len(run.cases) - 1} of {len(run.cases)} cases" in printed


def test_who_beats_the_choice_has_to_do_so_twice(monkeypatch):
    """The first measurement has a lucky contender and a fast one; the others measure pairs."""
    told = [{"jaxpool": 3, "jaxpool:joint": 1, "jaxpool:chain": 2}, {"jaxpool": 3, "jaxpool:joint": 4}]
    told += [{"jaxpool": 3, "jaxpool:chain": 2}]
    asked = []

    def measured(workload, dtype, mode, names, *_):
        asked.append(list(names))
        records_of = {
            name: records.Record(name, seconds=[seconds] * 3) for name, seconds in told[len(asked) - 1].items()
        }
        return records.Case(workload, dtype, mode, 1, records_of)

    monkeypatch.setattr(choice, "measure", measured)
    plan = (tiny("max-3x3-s2-stem"), "float32", "forward")
    (step,) = choice.steps_of([plan], list(told[0]), QUICK, 1.15)
    case = step(lambda _: None)
    assert asked == [list(told[0]), ["jaxpool", "jaxpool:joint"], ["jaxpool", "jaxpool:chain"]]
    assert choice.best_of(case).contender == "jaxpool:chain"
    assert choice.beaten(case) == 1.5


@pytest.mark.later
@pytest.mark.parametrize("command", ["random", "choice"])
def test_drawn_pools_are_timed_from_the_command_line(command, capsys, monkeypatch):
    small = dataclasses.replace(tiny("max-3x3-s2-stem"), dtypes=("float32",))
    monkeypatch.setattr(random_pools, "draw", lambda seed, count, first: {(5, 1, 0): (small,)}[seed, count, first])
    arguments = [command, "--seed", "5", "--count", "1", "--modes", "forward", "--samples", "3", "--budget", "0.01"]
    command_line = pytest.importorskip("benchmarks.__main__")
    assert command_line.main([*arguments, *(["--contenders", "jaxpool", "flax"] if command == "random" else [])]) == 0
    printed = capsys.readouterr().out
    assert ("of flax" if command == "random" else "of 1 cases") in printed


OWN_CASES = {
    "--shape 2,9,10,3 --window 3 --strides 2 --padding 1": "max 3x3 stride 2 pad 1,1, 2x9x10x3",
    "--shape 2,3,9,7 --channels-first --window 3,2 --padding 1,0:1": (
        "max 3x2 stride 1 pad 1,0:1, 2x3x9x7 channels first"
    ),
    "--shape 1,17,2 --window 5 --strides 3 --dilation 2 --padding same": "max 5 stride 3 pad 3:4 dilation 2, 1x17x2",
    "--shape 2,8,9,3 --pool avg --window 3 --padding SAME_LOWER --strides 2 --no-count-include-pad": (
        "avg 3x3 stride 2 pad 1:0,1 not counted, 2x8x9x3"
    ),
    "--shape 2,4,5,6,2 --pool global_avg": "global_avg 4x5x6, 2x4x5x6x2",
    "--shape 2,13,17,3 --pool adaptive_avg --window 7": "adaptive_avg 7x7, 2x13x17x3",
}


def asked_for(text):
    """The cases that the command line makes of its arguments."""
    arguments = parser("").parse_args(["run", *shlex.split(text)])
    chosen = {name: value for name in OWN if (value := getattr(arguments, name)) is not None}
    return own.workloads(dtype="float32", **chosen)


@pytest.mark.every_case
@pytest.mark.parametrize("text", OWN_CASES)
def test_a_case_of_ones_own_is_what_was_asked_for(text):
    compiled_case, called = asked_for(text)
    assert compiled_case.name == OWN_CASES[text]
    assert (called.name, called.modes("float32")) == (f"{compiled_case.name}, eager", ("eager",))
    mode = "forward_with_argmax" if compiled_case.pool == "max" else "forward_vjp"
    assert checked("jaxpool", compiled_case, mode) is None
    assert checked("jaxpool", called, "eager") is None


@pytest.mark.every_case
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("--shape 2,12 --window 3", "--shape must have a batch, a spatial axis and channels; got 2,12."),
        ("--shape 2,9,9,3", "--pool max needs --window"),
        ("--shape 2,9,9,3 --window 3,3,3", "--window must have 1 entry or 2, one per spatial axis of --shape; got 3."),
        ("--shape 2,9,9,3 --window 3 --count-include-pad", "--pool max takes no --count-include-pad."),
        ("--shape 2,9,9,3 --pool global_avg --window 3", "--pool global_avg takes no --window."),
        ("--shape 2,9,9,3 --pool adaptive_avg --window 3 --strides 2", "--pool adaptive_avg takes no --strides."),
        ("--shape 2,9,9,3 --window 30", "max_pool: window_shape must fit into the padded input"),
        ("--shape 2,9,9,3 --window 3 --padding 3", "max_pool: padding must leave at least one element"),
        (
            "--shape 2,9,9,3 --window 3 --dtype int8 --modes vjp",
            "A max pool of int8 has no mode vjp; there are forward",
        ),
        ("--shape 2,9,9,3 --window 3 --tags 2d --suite cpu", "--tags, --suite: of named workloads"),
        (
            "--window 3 --no-count-include-pad",
            "--window, --count-include-pad: of a case of your own, which needs --shape",
        ),
    ],
)
def test_a_case_that_cannot_be_is_refused(text, message, capsys):
    from benchmarks import __main__ as command_line

    assert command_line.main(["run", *shlex.split(text)]) == 2
    assert message in capsys.readouterr().out


@pytest.mark.every_case
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("run --shape 2,x", "argument --shape: '2,x' is not like 3 or 8,112,112,64"),
        ("run --shape 2,0,3", "argument --shape: '2,0,3' is not like"),
        (
            "run --padding 1:2:3",
            "argument --padding: '1:2:3' is not VALID, SAME, SAME_LOWER, and not like 1, 0:1 or 1,0:1",
        ),
        ("run --dilation 0", "argument --dilation: 0 is not above 0"),
        ("run --tags none", "argument --tags: invalid choice"),
        ("random --first -1", "argument --first"),
        ("random --count 0", "argument --count: 0 is not above 0"),
        ("sweep --largest 0", "argument --largest: 0 is not above 0"),
        ("family --select (", "argument --select: '(' is no regular expression"),
        ("list nothing", "argument LIST: 'nothing' is none of workloads, tags, contenders"),
    ],
)
def test_arguments_that_mean_nothing_are_refused(text, message, capsys):
    with pytest.raises(SystemExit):
        parser("").parse_args(text.split())
    assert message in capsys.readouterr().err


def test_a_case_of_ones_own_is_timed_beside_every_library(tmp_path, capsys):
    from benchmarks import __main__ as command_line

    text = "--shape 1,6,7,2 --window 2 --modes forward eager --samples 3 --budget 0.01"
    file = tmp_path / "own.json"
    assert command_line.main(["run", *text.split(), "--output", str(file)]) == 0
    printed = capsys.readouterr().out
    assert "max float32 forward: jaxpool is " in printed
    assert " flax, " in printed
    run = records.load(file)
    assert [case.mode for case in run.cases] == ["forward", "eager"]
    assert set(run.cases[0].records) == {*contenders.LIBRARIES, "copy"}
    assert run.cases[0].record("lax") is not None


def test_programs_without_an_estimate_take_no_part_in_the_summary_of_compile():
    from benchmarks.aot import command

    def row(workload, contender, estimate):
        return {"workload": workload, "dtype": "float32", "mode": "vjp", "contender": contender, "model_us": estimate}

    rows = [row("a", "jaxpool", 3.0), row("a", "flax", 2.0), row("b", "jaxpool", None), row("b", "flax", 2.0)]
    rows += [row("c", "jaxpool", 3.0), row("c", "flax", None), {**row("d", "flax", None), "failed": ">45 s"}]
    assert list(command.beside_flax(rows)) == ["vjp: 1.500 of flax in 1 programs; at most 1.50, a f32"]


def test_compile_saves_its_programs_before_it_tells_of_them(tmp_path, monkeypatch):
    from benchmarks.aot import command

    def row(worker, case, *_):
        names = ("workload", "dtype", "mode", "contender")
        return {**dict(zip(names, (case[0].name, *case[1:]), strict=True)), "failed": worker}

    def fail(_):
        raise RuntimeError

    monkeypatch.setattr(command, "check_installed", lambda _: None)
    monkeypatch.setattr(command, "Worker", lambda *_: contextlib.nullcontext("never compiled"))
    monkeypatch.setattr(command, "_row", row)
    monkeypatch.setattr(command, "beside_flax", fail)
    file = tmp_path / "programs.json"
    with pytest.raises(RuntimeError):
        command.main(["--target", "v5e", "--select", "max-3x3-s2-stem", "--suite", "cpu", "--output", str(file)])
    assert "never compiled" in file.read_text()


def test_every_example_of_a_help_text_is_understood(capsys):
    from benchmarks.aot import command

    commands = parser("")
    for name, texts in EXAMPLES.items():
        for text in texts:
            first, *rest = shlex.split(text)
            assert name in ("", first)
            if first == "compile":
                command._parser().parse_args(rest)
            else:
                commands.parse_args([first, *rest])
        helped = [name, "--help"] if name else ["--help"]
        with pytest.raises(SystemExit, match="0"):
            (command._parser() if name == "compile" else commands).parse_args(helped[name == "compile" :])
        printed = capsys.readouterr().out
        assert all(f"  python -m benchmarks {text}\n" in printed for text in texts)
    with pytest.raises(SystemExit):
        commands.parse_args(["none"])
    told = capsys.readouterr().err.partition("choose from")[2]
    assert all(name in told for name in EXAMPLES)


def test_help_explains_every_option_and_every_mode():
    (commands,) = (action for action in parser("")._actions if isinstance(action, argparse._SubParsersAction))
    for name, command in commands.choices.items():
        assert [action.dest for action in command._actions if not action.help] == [], name
    (modes,) = (action for action in commands.choices["run"]._actions if action.dest == "modes")
    assert set(modes.choices) == {*workloads.MODES, workloads.EAGER}
    assert all(f"{mode}: " in modes.help for mode in modes.choices)
    defaults = [measure.Options(), measure.ACCELERATOR_OPTIONS]
    for name, field in (("samples", "samples"), ("budget", "budget_s")):
        (action,) = (action for action in commands.choices["run"]._actions if action.dest == name)
        usual, accelerator = (getattr(options, field) for options in defaults)
        assert f"default: {usual:g}, on accelerators {accelerator:g}" in action.help


def test_list_filters_and_has_a_line_per_contender(capsys):
    from benchmarks import __main__ as command_line

    def lines(text):
        assert command_line.main(["list", *shlex.split(text)]) == 0
        return capsys.readouterr().out.splitlines()

    wanted = [w.name for w in WORKLOADS if w.pool == "avg" and "1d" in w.tags]
    assert [line.split()[0] for line in lines("workloads --pool avg --tags 1d")] == wanted
    names = [line.split()[0] for line in lines("workloads --dtype int8 --suite cpu --select 'max-3x3-*'")]
    assert "max-3x3-s2-stem" in names
    assert "max-5x5-s1-spp" not in names
    assert len(lines("tags")) == len(TAGS)
    told = lines("contenders")
    assert len(told) == len(contenders.CONTENDERS)
    assert all(line.startswith(name) for line, name in zip(told, contenders.CONTENDERS, strict=True))
    assert command_line.main(["list", "workloads", "--pool", "adaptive_avg", "--tags", "1d"]) == 2
    assert "No workload is left." in capsys.readouterr().out


def test_ratios_in_plain_words():
    words = {6.04: "6 times faster", 0.25: "4 times slower", 1.23: "1.2 times faster", 1 / 123: "123 times slower"}
    assert {ratio: summary.plain(ratio) for ratio in words} == words
    assert summary.plain(1.04) == summary.plain(0.97) == "as fast"
    assert summary.plain(math.nan) == ""
    assert summary.cell(summary.mean([2.0, None, math.nan, 8.0])) == "4"


def test_a_summary_has_means_bandwidth_and_memory():
    run = made_up()
    twin = copy.deepcopy(run.cases[0])
    twin.workload = dataclasses.replace(twin.workload, name="twin")
    run.cases.append(twin)
    for case, seconds in ((run.cases[0], 4e-3), (twin, 2.5e-4)):
        case.records["jaxpool"].seconds = [1e-3] * 9
        case.records["flax"].seconds = [seconds] * 9
        case.records["copy"].seconds = [5e-4] * 9
        case.minimal_bytes = 2 * 10**6
    for name, sizes in (("jaxpool", (2, 4)), ("flax", (5, 9))):
        for case, size in zip((run.cases[0], twin), sizes, strict=True):
            case.records[name].temporary_bytes = size * 2**20
    first = summary.rows(run)[0]
    assert dict(zip(summary.HEAD, first, strict=True)) == {
        "pool": "max",
        "dtype": "float32",
        "mode": "forward",
        "cases": "2",
        "beside flax": "as fast (slower in 1 of 2)",
        "beside torch": "",
        "GB/s": "2",
        "copy, GB/s": "4",
        "MiB": "3",
        "MiB of flax": "7",
    }
    assert [row[:3] for row in summary.rows(run)] == [
        ("max", "float32", "forward"),
        ("max", "float32", "vjp"),
        ("avg", "float32", "forward"),
    ]
    words = "max float32 forward of 2 cases: jaxpool is as fast as flax (slower in 1 of 2)."
    assert next(summary.sentences(run)) == words
    for case in (run.cases[0], twin):
        case.records["jaxpool"].program = case.records["flax"].program = "one"
    assert summary.rows(run)[0][4] == "as fast (by the same program)"


def static(**more):
    """A row of a result of `compile`."""
    row = {"workload": "max-3x3-s2-stem-batch256", "dtype": "float32", "mode": "vjp", "contender": "jaxpool"}
    figures = {"minimum_bytes": 4 * 10**6, "temporary_bytes": 0, "residual_bytes": 2**20, "bytes_over_minimum": 1.0}
    return {**row, **figures, "kernels": 1, "model_us": 2.0, "compile_seconds": 0.5, **more}


def test_report_reads_what_compilers_said(tmp_path, capsys):
    from benchmarks import __main__ as command_line

    flax = static(contender="flax", kernels=4, model_us=7.0, bytes_over_minimum=6.7, temporary_bytes=2**22)
    names = ("workload", "dtype", "mode", "contender")
    skipped = {name: static(contender="keras")[name] for name in names} | {"skipped": "keras is not built"}
    content = {"note": "Never run.", "target": "h100", "description": "a chip", "settings": {"layouts": "given"}}
    file = tmp_path / "compile-chip.json"
    compiled.save(file, content | {"versions": {"jax": "0"}}, [flax, static(), skipped])
    assert compiled.load(file).rows == [flax, static(), skipped]
    assert len(file.read_text().splitlines()) == 1 + 3 + 1
    (row,) = compiled.summary(compiled.load(file))
    assert row == ("max", "float32", "vjp", "1", "3.5 times faster", "1", "6.7", "2000", "1", "5")
    out = tmp_path / "out"
    assert command_line.main(["report", str(file), "--output", str(out)]) == 0
    text = (out / "report.md").read_text()
    assert [path.name for path in out.iterdir()] == ["report.md"]
    assert "## Summary: compiled for a chip (compile-chip)\n\nNever run.\n" in text
    assert "| max-3x3-s2-stem-batch256 float32 vjp | flax | 4 | 6.7 | 7 | 4 | 1 | 0.5 |" in text
    assert "- max-3x3-s2-stem-batch256 float32 vjp: keras: keras is not built" in text
    assert "- layouts: given" in text
    made_up().save(tmp_path / "run.json")
    assert compiled.load(tmp_path / "run.json") is None
    pytest.importorskip("matplotlib")
    assert command_line.main(["report", str(tmp_path / "run.json"), str(file), "--output", str(out)]) == 0
    text = (out / "report.md").read_text()
    places = ["## Summary: a device", "## Summary: compiled", "## Cases", "## Every contender", "## Every program"]
    assert [text.find(place) for place in places] == sorted(text.find(place) for place in places)
    assert "| max | float32 | forward | 1 | 5 times faster |" in text
    file.write_text(json.dumps({**content, "rows": [{"workload": "a"}]}))
    capsys.readouterr()
    assert command_line.main(["report", str(file), "--output", str(out)]) == 2
    assert "has rows without workload, dtype, mode, contender" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["h100", "v5e", "v6e", "h100-random"])
def test_committed_results_of_compilers_have_a_summary(name):
    path = pathlib.Path(__file__).parents[1] / "benchmarks" / "results" / f"compile-{name}.json"
    if not path.exists():
        pytest.skip("results are not part of the source distribution")
    result = compiled.load(path)
    rows = compiled.summary(result)
    assert {row[0] for row in rows} <= {"max", "avg", "global_avg", "adaptive_avg"}
    assert any("times faster" in row[4] for row in rows)
    assert sum(int(row[3]) for row in rows) == sum(r["contender"] == "jaxpool" and "kernels" in r for r in result.rows)


def test_bytes_that_devices_bring_are_counted():
    case = sharding.Case("max", (1, 16, 16, 4), (3, 3), 2)
    found = sharding.measured(case, (4, 2), jax.devices(), "jaxpool", True)
    named = sharding.measured(case, (4, 2), jax.devices(), "jaxpool by names", False)
    halo = case.halo_bytes((4, 2))
    # Rows of 5 x 9 elements around those of 4 x 8, in 4 features of 4 bytes.
    assert halo == (5 * 9 - 4 * 8) * 4 * 4
    assert found["forward"]["sent"] == {"collective-permute": halo}
    assert found["forward + gradient"]["sent"] == {"collective-permute": 2 * halo}
    assert [part["sent"] for part in named.values()] == [part["sent"] for part in found.values()]
    row = {"case": case.name, "shards": (4, 2), "halo": halo, "flax, auto": {"forward": {"failed": "out of memory"}}}
    text = sharding.table({"rows": [row | {"jaxpool, explicit": found}]})
    assert text.splitlines()[2].startswith("| max | 4 x 2 | 0.00 | 0.00 (0), 0.00 (0) | does not fit |")


def test_what_an_asynchronous_exchange_brings():
    line = "  %start = (bf16[2,8]{1,0}, bf16[2,8]{1,0}, u32[], u32[]) collective-permute-start(%x), channel_id=1"
    (instructions,) = Program(f"ENTRY %main (x: bf16[2,8]) -> bf16[2,8] {{\n{line}\n}}").computations
    assert instructions["start"].brought_bytes == 2 * 8 * 2
