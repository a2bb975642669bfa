"""Honest timing: checked before timed, waited for, warmed up, interleaved, every sample kept."""

from __future__ import annotations

import dataclasses
import gc
import math
import random
import time
from collections.abc import Callable, Mapping, Sequence

try:
    import resource
except ImportError:  # Windows
    resource = None

import jax

from benchmarks.contenders import build, first_line
from benchmarks.programs import Program, UnavailableError, copy_program
from benchmarks.records import Case, Record
from benchmarks.reference import Data, fault, make_data
from benchmarks.workloads import Workload, minimal_bytes

Notify = Callable[[str], None]


@dataclasses.dataclass(frozen=True)
class Options:
    """How much is measured.

    Attributes:
      samples: looks at the clock per contender.
      sample_s: least seconds between two looks, filled with as many runs as it takes.
      budget_s: most seconds of samples per contender, down to three samples.
      warmup_s: seconds of runs before the first sample, three runs at least (one if it takes longer alone).
      seed: of the order in which contenders take turns.
    """

    samples: int = 15
    sample_s: float = 0.005
    budget_s: float = 2.0
    warmup_s: float = 0.05
    seed: int = 0


# Kernels are started ahead of the device, so that a sample is device time and not the host's.
ACCELERATOR_OPTIONS = Options(samples=20, sample_s=0.1, budget_s=6.0, warmup_s=0.3)
FEWEST = 3
_FEW_FAULTS = 64
_PAUSE_S = 0.001


@dataclasses.dataclass
class _Entrant:
    program: Program
    record: Record
    samples: int = 0


def faults() -> int:
    """Minor page faults of this process so far: memory that the system handed out anew."""
    return 0 if resource is None else resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def measure(
    workload: Workload, dtype: str, mode: str, contenders: Sequence[str], options: Options, notify: Notify
) -> Case:
    """One case: checks every contender, then times those that are right, in turns, together with a copy."""
    case = Case(workload, dtype, mode, minimal_bytes(workload, dtype, mode))
    data = make_data(workload, dtype)
    programs: dict[str, Program] = {}
    for name in contenders:
        notify(f"{case.title}: {name}")
        record = case.records[name] = Record(name)
        program = _checked(record, case, data)
        if program is not None:
            programs[name] = program
    _time_all(case, programs, options, notify)
    return case


def timed(case: Case, programs: Mapping[str, Program], options: Options, notify: Notify) -> None:
    """Prepares programs and times them in turns, together with a copy, into a case."""
    for name, program in programs.items():
        notify(f"{case.title}: {name}")
        record = case.records[name] = Record(name)
        _prepare(program, record)
    _time_all(case, programs, options, notify)


def _time_all(case: Case, programs: Mapping[str, Program], options: Options, notify: Notify) -> None:
    """Times programs that are prepared, and a copy."""
    if not programs:
        return
    record = case.records["copy"] = Record("copy")
    copy = copy_program(case.minimal_bytes)
    _prepare(copy, record)
    notify(f"{case.title}: timing")
    _time([_Entrant(program, case.records[name]) for name, program in {**programs, "copy": copy}.items()], options)


def _prepare(program: Program, record: Record) -> None:
    preparation = program.prepare()
    record.lowering_s, record.compile_s = preparation.lowering_s, preparation.compile_s
    record.temporary_bytes, record.program = preparation.temporary_bytes, preparation.program


def _checked(record: Record, case: Case, data: Data) -> Program | None:
    """A contender's program if it computes the right thing; otherwise the record says why not."""
    try:
        program = build(record.contender, case.workload, case.dtype, case.mode, data)
        record.layout, record.residual_bytes = program.layout, program.residual_bytes
        _prepare(program, record)
        wrong = fault(case.workload, case.dtype, case.mode, data, program.results())
    except (UnavailableError, NotImplementedError) as error:
        record.status = "unavailable"
        record.reason = str(error) if isinstance(error, UnavailableError) else first_line(error)
        return None
    # Whatever else goes wrong inside another library must not end the run of all the others.
    except Exception as error:
        record.status, record.reason = "failed", first_line(error)
        return None
    if wrong is not None:
        record.status, record.reason = "wrong", wrong
        return None
    return program


def _sample(entrant: _Entrant, calls: int, ahead: bool) -> float:
    """Seconds per run. `ahead` starts all runs before it waits for the last."""
    program, results = entrant.program, None
    begin = time.perf_counter()
    for _ in range(calls):
        results = program.start()
        if not ahead:
            program.wait(results)
    program.wait(results)
    return (time.perf_counter() - begin) / calls


def _warm_up(entrant: _Entrant, options: Options, ahead: bool) -> None:
    """Runs until the clock says enough and memory has settled; then decides about the number of runs and samples."""
    begin, runs, elapsed, settled, fastest = time.perf_counter(), 0, 0.0, False, math.inf
    while runs < FEWEST or elapsed < options.warmup_s or not settled:
        before = faults()
        fastest = min(fastest, _sample(entrant, 1, ahead))
        runs += 1
        elapsed, settled = time.perf_counter() - begin, faults() - before < _FEW_FAULTS
        if elapsed > options.budget_s:
            break
    if ahead:
        fastest = min(fastest, _sample(entrant, FEWEST * 3, ahead))
    entrant.record.calls_per_sample = calls = max(1, math.ceil(options.sample_s / fastest))
    affordable = int(options.budget_s / (calls * fastest))
    entrant.samples = min(options.samples, max(FEWEST, affordable))


def _time(entrants: Sequence[_Entrant], options: Options) -> None:
    """Takes samples in turns, in another order each round, so that a slow moment of the machine hits everybody."""
    ahead = jax.default_backend() != "cpu"
    for entrant in entrants:
        _warm_up(entrant, options, ahead)
    rng = random.Random(options.seed)
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        for turn in range(options.samples):
            # Who can afford fewer samples takes them spread over all rounds.
            present = [e for e in entrants if (turn + 1) * e.samples // options.samples > len(e.record.seconds)]
            rng.shuffle(present)
            for entrant in present:
                _take(entrant, options, ahead)
    finally:
        if collecting:
            gc.enable()


def _take(entrant: _Entrant, options: Options, ahead: bool) -> None:
    """One sample, after a pause in which the threads of the last contender fall asleep and a run that wakes its own."""
    calls = entrant.record.calls_per_sample
    time.sleep(_PAUSE_S)
    if calls > 1 or entrant.samples == options.samples:
        _sample(entrant, 1, ahead)
    before = faults()
    seconds = _sample(entrant, calls, ahead)
    entrant.record.faults.append((faults() - before) / calls)
    entrant.record.seconds.append(seconds)
