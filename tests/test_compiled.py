"""What XLA makes of the lowerings for an H100, compiled without one: kernels, memory traffic, no scatter."""

import importlib.util
import pathlib
from typing import NamedTuple

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[1]
MODES = ("forward", "forward_with_argmax", "vjp", "forward_vjp")


class Bound(NamedTuple):
    """The most that one compiled program may have. To be tightened as the lowerings become better."""

    kernels: int
    bytes_over_minimum: float
    temporary_megabytes: float


# One bound for each of MODES, by the names in benchmarks/workloads.py. In the last mode the forward half writes offsets
# and the backward half reads them: two bytes per output beyond the minimum.
BOUNDS = {
    ("max-2x2-s2-vgg", "float32"): (Bound(1, 1, 0), Bound(1, 1, 0), Bound(1, 1, 0), Bound(2, 1.15, 4.9)),
    ("max-2x2-s2-vgg", "bfloat16"): (Bound(1, 1, 0), Bound(1, 1, 0), Bound(1, 1, 0), Bound(2, 1.1, 1.7)),
    ("max-3x3-s2-stem", "float32"): (Bound(1, 1, 0), Bound(1, 1, 0), Bound(1, 1, 0), Bound(2, 1.05, 1.7)),
    ("max-3x3-s2-stem", "bfloat16"): (Bound(1, 1, 0), Bound(1, 1, 0), Bound(1, 1, 0), Bound(2, 1.1, 1.7)),
    ("max-3x3-s1-inception", "float32"): (Bound(1, 1, 0), Bound(1, 1, 0), Bound(1, 1, 0), Bound(2, 1.13, 1.7)),
    ("max-3x3-s1-inception", "bfloat16"): (Bound(1, 1, 0), Bound(1, 1, 0), Bound(1, 1, 0), Bound(2, 1.25, 1.7)),
    # Of many elements, where the compiler is readier to compute something small in a kernel of its own.
    ("max-3x3-d2-atrous-batch256", "float32"): (Bound(1, 1, 0), Bound(1, 1, 0), Bound(1, 1, 0), Bound(2, 1.13, 51.4)),
    ("max-3x3-s2-stem-batch256", "bfloat16"): (Bound(1, 1, 0), Bound(1, 1, 0), Bound(1, 1, 0), Bound(2, 1.1, 51.4)),
    # One axis after another: what lies between them is written and read.
    ("max-5x5-s1-spp", "float32"): (Bound(2, 2, 4.2), Bound(2, 1.83, 5.2), Bound(2, 2.11, 5.2), Bound(4, 2.38, 6.3)),
}


def _reason_to_skip():
    if not (ROOT / "benchmarks" / "aot").exists():
        return "needs the folder benchmarks of the repository"
    if not any(importlib.util.find_spec(f"jax_cuda{version}_plugin") for version in (12, 13)):
        return "needs jax-cuda12-plugin, which compiles for GPUs without one"
    return None


pytestmark = pytest.mark.skipif(_reason_to_skip() is not None, reason=str(_reason_to_skip()))


@pytest.fixture(scope="module")
def compile_for_h100():
    """Compiles in one process of its own: the flags that this takes must be set before JAX starts."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(ROOT))
        from benchmarks.aot.targets import TARGETS, missing
        from benchmarks.aot.worker import Worker
        from benchmarks.workloads import WORKLOADS, minimal_bytes

    absent = missing(TARGETS["h100"])
    if absent:
        pytest.skip(f"needs {absent}, with which XLA compiles for GPUs without one")
    workloads = {workload.name: workload for workload in WORKLOADS}
    with Worker(TARGETS["h100"]) as worker:

        def compiled(name, dtype, mode):
            figures = worker.compile(workloads[name], dtype, mode, "jaxpool", limit=300)
            assert "operations" in figures, figures
            minimum = minimal_bytes(workloads[name], dtype, mode)
            return figures, Bound(
                len(figures["operations"]),
                round(figures["accessed_bytes"] / minimum, 2),
                round(figures["temporary_bytes"] / 1e6, 1),
            )

        yield compiled


@pytest.mark.parametrize(
    ("name", "dtype", "mode", "bound"),
    [(*case, mode, bound) for case, bounds in BOUNDS.items() for mode, bound in zip(MODES, bounds, strict=True)],
)
def test_h100_programs_stay_small(compile_for_h100, name, dtype, mode, bound):
    figures, found = compile_for_h100(name, dtype, mode)
    assert not figures["scatter"]
    assert all(has <= most for has, most in zip(found, bound, strict=True)), f"{found}, by {figures['operations']}"
