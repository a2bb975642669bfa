"""Time over the size of the window, and over the number of elements."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.measure import Notify, Options, measure
from benchmarks.records import Case, Record
from benchmarks.suite import Step
from benchmarks.workloads import Workload

KINDS = ("window", "elements")
_WINDOWS = (3, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129)
_BATCHES = (1, 3, 10, 32, 100, 316, 1000)


def window_points(pool: str, windows: Sequence[int] = _WINDOWS) -> list[Workload]:
    """Square windows of growing size over one input, a multiple of all of them not needed: padding is "SAME"."""
    shape = (2, 160, 160, 16)
    source = f"{pool} k x k s1 on {' x '.join(map(str, shape))}"
    return [
        Workload(f"sweep-window-{pool}-{k}", source, pool, shape, (k, k), (1, 1), "SAME", tags=("sweep", "window"))
        for k in windows
    ]


def element_points(pool: str, batches: Sequence[int] = _BATCHES) -> list[Workload]:
    """3x3 windows, stride 2, over inputs of 1e5 to 1e8 elements: more and more examples of one size."""
    source = f"{pool} 3 x 3 s2 on n x 56 x 56 x 32"
    padding = ((1, 1), (1, 1))
    return [
        Workload(
            f"sweep-elements-{pool}-{batch}",
            source,
            pool,
            (batch, 56, 56, 32),
            (3, 3),
            (2, 2),
            padding,
            tags=("sweep", "elements"),
        )
        for batch in batches
    ]


def sweep_steps(
    points: Sequence[Workload], modes: Sequence[str], contenders: Sequence[str], options: Options, limit_s: float
) -> list[Step]:
    """One step per mode and point, in growing order; who took longer than the limit stays out of the rest."""

    def steps(mode: str) -> list[Step]:
        late: dict[str, str] = {}

        def step(workload: Workload) -> Step:
            def run(notify: Notify) -> Case:
                present = [name for name in contenders if name not in late]
                case = measure(workload, "float32", mode, present, options, notify)
                for name in present:
                    record = case.record(name)
                    if record is not None and record.median > limit_s:
                        late[name] = f"took {record.median:.2g} s at {workload.name}; left out of the rest"
                for name in contenders:
                    if name not in case.records:
                        case.records[name] = Record(name, "unavailable", late[name])
                return case

            return run

        return [step(workload) for workload in points]

    return [step for mode in modes for step in steps(mode)]
