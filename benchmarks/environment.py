"""Where a run took place, and the settings that it asks for."""

from __future__ import annotations

import datetime
import importlib.metadata
import os
import pathlib
import platform
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

# XLA:CPU asks for every output and temporary anew. By default glibc gives large blocks back to the system at once, and
# the page faults of the next run can cost more than the pooling. With these it keeps them, for every contender alike;
# one arena, because others never hold large blocks.
GLIBC = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "4294967295",
    "MALLOC_TRIM_THRESHOLD_": "17179869184",
    "MALLOC_TOP_PAD_": "268435456",
}
# The threads of torch otherwise spin after their work, on the cores of whoever comes next; where a core is shared, they
# lose it for spinning and take 10 to 30 ms for 0.1 ms of work. Sleeping instead costs torch some 20 us per loop.
OPENMP = {"OMP_WAIT_POLICY": "passive"}
_THREADS = ("OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "MKL_NUM_THREADS")
_PACKAGES = ("jaxpool", "jax", "jaxlib", "numpy", "flax", "equinox", "keras", "torch")


def wanted_settings(variables: Mapping[str, str], system_allocator: bool) -> dict[str, str]:
    """The variables to add before the process starts again: none that are set, not wanted, or not understood."""
    wanted = dict(OPENMP)
    if not system_allocator and sys.platform == "linux" and platform.libc_ver()[0] == "glibc":
        wanted |= GLIBC
    return {name: value for name, value in wanted.items() if name not in variables}


def allocator(variables: Mapping[str, str] = os.environ) -> str:
    """The allocator's settings in words."""
    settings = [f"{name}={variables[name]}" for name in GLIBC if name in variables]
    return f"glibc with {' '.join(settings)}" if settings else "the system's, unchanged"


def environment() -> dict[str, Any]:
    """Facts about the machine and the software, as they go into the JSON of a run."""
    import jax

    device = jax.devices()[0]
    cpu = _cpu_model()
    name = device.device_kind if device.platform != "cpu" else f"{cpu}, {os.cpu_count()} cores"
    return {
        "device": name,
        "platform": device.platform,
        "platform_version": str(getattr(device.client, "platform_version", "")).splitlines()[0:1],
        "cpu": cpu,
        "cores": os.cpu_count(),
        "usable_cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "system": f"{platform.system()} on {platform.machine()}",
        "python": platform.python_version(),
        "versions": {package: found for package in _PACKAGES if (found := version(package)) is not None},
        "git": _git(),
        "xla_flags": os.environ.get("XLA_FLAGS", ""),
        "threads": {name: os.environ[name] for name in _THREADS if name in os.environ},
        "allocator": allocator(),
        "date": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    }


def version(package: str) -> str | None:
    """The version of a package; None if it is not installed."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return getattr(sys.modules.get(package), "__version__", None)


def _cpu_model() -> str:
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _git() -> str:
    """The commit, with a plus where tracked files differ from it."""
    here = pathlib.Path(__file__).parent
    try:
        commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=True)
        status = ["git", "status", "--porcelain", "--untracked-files=no"]
        changes = subprocess.run(status, cwd=here, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return commit.stdout.strip() + ("+" if changes.stdout.strip() else "")
