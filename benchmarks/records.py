"""What was measured: kept as JSON, with every sample or with what they come to, read back, and merged."""

from __future__ import annotations

import dataclasses
import json
import math
import pathlib
import statistics
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from benchmarks import random_pools
from benchmarks.workloads import Workload

FORMAT = 2
Key = tuple[str, str, str]
# Beside a normal distribution's median absolute deviation, its standard deviation.
_DEVIATIONS = 1.4826
# A record in a summary: the place of its contender and these, or the place, a status and a reason. The program is the
# place, from 1 on, of the first record of the case with the same instructions, or 0. Unknown ends are left out.
_COLUMNS = ("place", "median_us", "spread_us", "samples", "program", "compile_s", "temporary_bytes", "residual_bytes")


class ResultError(ValueError):
    """Files of results cannot be used as asked; the message says why."""


class MixedDevicesError(ResultError):
    """Runs of different devices were to be shown as one."""


class Summary(NamedTuple):
    """Seconds: the middle sample, the median absolute deviation, and the number of samples."""

    median: float
    spread: float
    samples: int


@dataclasses.dataclass
class Record:
    """One contender on one case.

    Attributes:
      contender: its name in `contenders.CONTENDERS`, or "copy".
      status: "timed", "wrong" (its results are, so it was not timed), "unavailable" or "failed".
      reason: why it was not timed.
      layout: the memory order of its inputs.
      lowering_s, compile_s: seconds before the first run; None where nothing is compiled.
      temporary_bytes: memory beyond arguments and results, from the compiler.
      residual_bytes: what the forward pass keeps for the backward pass; mode "vjp" only.
      program: a name of the compiled instructions; contenders with the same one differ by noise alone.
      calls_per_sample: runs between two looks at the clock.
      seconds: every sample, per run.
      faults: minor page faults during every sample, per run.
      summary: median and spread of the samples, and how many there were; of a file that keeps no samples.
    """

    contender: str
    status: str = "timed"
    reason: str = ""
    layout: str = ""
    lowering_s: float | None = None
    compile_s: float | None = None
    temporary_bytes: int | None = None
    residual_bytes: int | None = None
    program: str = ""
    calls_per_sample: int = 1
    seconds: list[float] = dataclasses.field(default_factory=list[float])
    faults: list[float] = dataclasses.field(default_factory=list[float])
    summary: Summary | None = None

    @property
    def statistics(self) -> Summary:
        """Of the samples, or of those that were not kept."""
        if self.summary is not None and not self.seconds:
            return self.summary
        if not self.seconds:
            return Summary(math.nan, math.nan, 0)
        middle = statistics.median(self.seconds)
        spread = statistics.median(abs(value - middle) for value in self.seconds)
        return Summary(middle, spread, len(self.seconds))

    @property
    def timed(self) -> bool:
        """Whether there are samples."""
        return self.statistics.samples > 0

    @property
    def median(self) -> float:
        """Seconds of the middle sample."""
        return self.statistics.median

    @property
    def spread(self) -> float:
        """The median absolute deviation of the samples."""
        return self.statistics.spread

    @property
    def uncertainty(self) -> float:
        """The standard error of the median, relative to it, as if the samples were independent and nearly normal."""
        median, spread, count = self.statistics
        return math.nan if count < 2 else 1.2533 * _DEVIATIONS * spread / math.sqrt(count) / median


@dataclasses.dataclass
class Case:
    """One workload, dtype and mode with everybody who was asked to take part, and a copy of as many bytes."""

    workload: Workload
    dtype: str
    mode: str
    minimal_bytes: int
    records: dict[str, Record] = dataclasses.field(default_factory=dict[str, Record])

    @property
    def key(self) -> Key:
        """What makes it the same case in two runs."""
        return self.workload.name, self.dtype, self.mode

    @property
    def title(self) -> str:
        """For tables and plots."""
        return " ".join(self.key)

    def record(self, contender: str) -> Record | None:
        """A contender's record if it has samples."""
        record = self.records.get(contender)
        return record if record is not None and record.timed else None

    def fastest(self, contenders: Sequence[str]) -> Record | None:
        """The fastest of some contenders."""
        timed = [record for name in contenders if (record := self.record(name)) is not None]
        return min(timed, key=lambda record: record.median, default=None)

    def ratio(self, slow: Record | None, fast: Record | None) -> float:
        """How many times faster `fast` is."""
        return math.nan if slow is None or fast is None else slow.median / fast.median

    def same_program(self, one: Record | None, other: Record | None) -> bool:
        """Whether two contenders became the same instructions."""
        return one is not None and other is not None and one.program != "" and one.program == other.program

    def roofline(self, record: Record | None) -> float:
        """The time of the copy over a contender's: the achieved share of the achievable bandwidth."""
        return self.ratio(self.record("copy"), record)

    def bandwidth(self, record: Record) -> float:
        """Bytes that must move, per second."""
        return self.minimal_bytes / record.median


@dataclasses.dataclass
class Run:
    """Everything of one run: where, how, and what came out."""

    environment: dict[str, Any]
    options: dict[str, Any]
    cases: list[Case] = dataclasses.field(default_factory=list[Case])

    @property
    def device(self) -> str:
        """What the numbers belong to."""
        return str(self.environment.get("device", "unknown device"))

    def save(self, path: pathlib.Path) -> None:
        """Writes JSON: every sample and its statistics, or these alone if the option "summary" is set."""
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"format": FORMAT, "environment": self.environment, "options": self.options}
        if self.options.get("summary"):
            path.write_text(_summarised(content, self.cases))
            return
        cases: list[dict[str, Any]] = []
        for case in self.cases:
            plain = dataclasses.asdict(case)
            for name, record in case.records.items():
                if record.timed:
                    plain["records"][name] |= {"median": record.median, "spread": record.spread}
                    plain["records"][name]["bytes_per_second"] = case.bandwidth(record)
            cases.append(plain)
        path.write_text(json.dumps({**content, "cases": cases}, indent=1, allow_nan=False) + "\n")


def read(path: pathlib.Path) -> Any:
    """The content of a file of results.

    Raises:
      ResultError: it cannot be read, or is no JSON.
    """
    try:
        return json.loads(path.read_text())
    except OSError as error:
        raise ResultError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ResultError(f"{path} is no JSON, so it is not a result of the benchmarks.") from error


def load(path: pathlib.Path) -> Run:
    """Reads what `Run.save` wrote.

    Raises:
      ResultError: it did not write this file.
    """
    content = read(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ResultError(f"{path} is not a result of `run` or `sweep` in format {FORMAT}.")
    if content["options"].get("summary"):
        return Run(content["environment"], content["options"], _from_summary(content))
    cases: list[Case] = []
    for plain in content["cases"]:
        known = {field.name for field in dataclasses.fields(Record)}
        records = {
            name: Record(name, **{key: value for key, value in record.items() if key in known and key != "contender"})
            for name, record in plain["records"].items()
        }
        cases.append(Case(_workload(plain["workload"]), plain["dtype"], plain["mode"], plain["minimal_bytes"], records))
    return Run(content["environment"], content["options"], cases)


def _summarised(content: dict[str, Any], cases: Sequence[Case]) -> str:
    """A file without samples: one line for each workload and each case, and no name twice."""
    workloads = list(dict.fromkeys(case.workload for case in cases))
    contenders = list(dict.fromkeys(name for case in cases for name in case.records))
    rows: list[list[Any]] = []
    for case in cases:
        programs = [record.program for record in case.records.values()]
        records: list[list[Any]] = []
        for name, record in case.records.items():
            program = programs.index(record.program) + 1 if record.program else 0
            records.append([contenders.index(name), *_row(record, program)])
        rows.append([workloads.index(case.workload), case.dtype, case.mode, case.minimal_bytes, records])
    content |= {"contenders": contenders, "columns": _COLUMNS}
    head = json.dumps(content)[:-1]
    return f'{head}, "workloads": [\n{_lines(map(_fields, workloads))}\n], "cases": [\n{_lines(rows)}\n]}}\n'


def _lines(values: Iterable[Any]) -> str:
    return ",\n".join(json.dumps(value, allow_nan=False, separators=(",", ":")) for value in values)


def _fields(workload: Workload) -> dict[str, Any]:
    """The fields that are not as by default; the name of a random pool is enough to draw it again."""
    if random_pools.drawn_as(workload.name) == workload:
        return {"name": workload.name}
    values = {field.name: (getattr(workload, field.name), field.default) for field in dataclasses.fields(workload)}
    return {name: value for name, (value, default) in values.items() if value != default}


def _row(record: Record, program: int) -> list[Any]:
    """What stands in a summary behind the contender."""
    if not record.timed:
        return [record.status, record.reason]
    median, spread, samples = record.statistics
    compiled = None if record.compile_s is None else rounded(record.compile_s, 2)
    row = [rounded(median * 1e6), rounded(spread * 1e6), samples, program, compiled]
    row += [record.temporary_bytes, record.residual_bytes]
    while row[-1] is None:
        row.pop()
    return row


def _from_summary(content: dict[str, Any]) -> list[Case]:
    workloads = [_workload(fields) for fields in content["workloads"]]
    cases: list[Case] = []
    for place, dtype, mode, minimal_bytes, rows in content["cases"]:
        records = [_from_row(content["contenders"], row) for row in rows]
        named = {record.contender: record for record in records}
        cases.append(Case(workloads[place], dtype, mode, minimal_bytes, named))
    return cases


def _from_row(contenders: Sequence[str], row: Sequence[Any]) -> Record:
    place: int = row[0]
    contender = contenders[place]
    if isinstance(row[1], str):
        return Record(contender, status=row[1], reason=row[2])
    names = dict(zip(_COLUMNS[1:], row[1:], strict=False))
    summary = Summary(names.pop("median_us") / 1e6, names.pop("spread_us") / 1e6, names.pop("samples"))
    program = names.pop("program")
    return Record(contender, summary=summary, program=str(program) if program else "", **names)


def _workload(fields: dict[str, Any]) -> Workload:
    drawn = random_pools.drawn_as(fields["name"]) if len(fields) == 1 else None
    return drawn or Workload(**{key: _tuples(value) for key, value in fields.items()})


def rounded(number: float, digits: int = 4) -> float:
    """A number with four digits, which is more than samples tell, or with others; a whole one without a point."""
    short = float(f"{number:.{digits}g}")
    return int(short) if short.is_integer() else short


def _tuples(value: Any) -> Any:
    return tuple(_tuples(element) for element in value) if isinstance(value, list) else value


def one_device(runs: Sequence[Run]) -> str:
    """The device of all runs.

    Raises:
      MixedDevicesError: they have several.
    """
    devices = list(dict.fromkeys(run.device for run in runs))
    if len(devices) != 1:
        raise MixedDevicesError(f"The results are of different devices: {', '.join(devices)}. Report each on its own.")
    return devices[0]


def merge(runs: Sequence[Run]) -> Run:
    """One run out of several of one device; a case that several have is taken from the last."""
    one_device(runs)
    cases = {case.key: case for run in runs for case in run.cases}
    return Run(runs[-1].environment, runs[-1].options, list(cases.values()))
