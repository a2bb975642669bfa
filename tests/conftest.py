"""Settings for every test: eight CPU devices to shard over, and no silent promotion of dtypes or ranks."""

import os
import sys
import zlib
from collections.abc import Callable, Iterable
from importlib.metadata import version

os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
# XLA's older emitters compile in two thirds of the time; JAX 0.12 has no such flag. With `--all` run those of users.
os.environ["XLA_FLAGS"] += " --xla_cpu_use_fusion_emitters=false" * (
    version("jaxlib").startswith("0.10.") and "--all" not in sys.argv and "PYTEST_XDIST_WORKER" not in os.environ
)
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import numpy as np
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

# Of each test function `make test` and `make test-all` run this many cases, spread evenly; `make test-every` runs all.
SAMPLE, MOST = 1, 12
# Pages of the guide that run without `--all`.
READ_FIRST = ("index.md", "course.md", "windows.md")
# But each pool that only joins operators, which other rows test, runs one in so many tests of the table.
SHARE = 16

_since_cleared = 0


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run more cases of every test, and the slow ones")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep a sample of the quick tests' cases; with `--all` a larger one of all tests; all that `-k` or `-m` selects.

    What pins a fault of another library says nothing about this one. It runs with `-m fault_of_others` only, and fails
    once the fault is mended.
    """
    if config.option.markexpr == "fault_of_others":
        for item in items:
            if (marker := item.get_closest_marker("fault_of_others")) is not None:
                item.add_marker(pytest.mark.xfail(reason=marker.args[0], strict=True))
        return
    _keep(config, items, [item for item in items if item.get_closest_marker("fault_of_others") is None])
    if config.getoption("--all") or config.option.markexpr:
        # Who names a test, a pool or a marker wants all of it.
        if not config.option.keyword and not config.option.markexpr:
            _keep(config, items, _sampled([item for item in items if not _spared(item)], _most))
        return
    _keep(config, items, _sampled([item for item in items if _is_quick(item)], lambda _: SAMPLE))


def _is_quick(item: pytest.Item) -> bool:
    """Whether `make test` runs it: nothing of composed pools or that takes seconds; of the guide the first pages."""
    if item.get_closest_marker("slow") or item.get_closest_marker("later") or _is_composed(item):
        return False
    return "guide" not in item.path.parts or item.path.name in READ_FIRST


def _most(item: pytest.Item) -> int:
    """How many cases of a test run with `--all`."""
    marker = item.get_closest_marker("most")
    return MOST if marker is None else marker.args[0]


def _sampled(items: Iterable[pytest.Item], number: Callable[[pytest.Item], int]) -> list[pytest.Item]:
    """So many cases of each test, spread evenly; not the same pools in all tests of the table."""
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    kept: list[pytest.Item] = []
    for name, group in cases.items():
        count = number(group[0])
        whole = len(group) <= count or group[0].get_closest_marker("every_case") is not None
        if not whole:
            chosen = np.linspace(0, len(group), count, endpoint=False).astype(int) + zlib.crc32(name.encode())
            group = [group[i] for i in sorted(chosen % len(group))]
        kept += group
    return kept


def _is_composed(item: pytest.Item) -> bool:
    """Whether it is a test of the table, of a pool that only joins operators."""
    row = item.callspec.params.get("row") if hasattr(item, "callspec") else None
    return row is not None and row.composed


def _spared(item: pytest.Item) -> bool:
    """Whether composed pools leave it to other pools, or to `make test-slow`."""
    slow = all(item.get_closest_marker(name) is not None for name in ("slow", "most"))
    return slow or (_is_composed(item) and zlib.crc32(item.nodeid.encode()) % SHARE != 0)


def _keep(config: pytest.Config, items: list[pytest.Item], kept: Iterable[pytest.Item]) -> None:
    chosen = set(kept)
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = [item for item in items if item in chosen]


def pytest_runtest_teardown() -> None:
    """Let go of compiled programs from time to time: those of all tests would fill gigabytes."""
    global _since_cleared
    _since_cleared += 1
    if _since_cleared >= 300:
        _since_cleared = 0
        jax.clear_caches()


@pytest.fixture
def rng() -> np.random.Generator:
    """Numbers that are the same in every run."""
    return np.random.default_rng(0)
