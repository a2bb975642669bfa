"""Settings for every test: eight CPU devices to shard over, and no silent promotion of dtypes or ranks."""

import os
from collections.abc import Iterable

os.environ["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + " --xla_force_host_platform_device_count=8"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import numpy as np
import pytest

jax.config.update("jax_numpy_dtype_promotion", "strict")
jax.config.update("jax_numpy_rank_promotion", "raise")

# Of each test function `make test` runs this many cases, spread evenly; `make test-all` runs all of them.
SAMPLE = 3


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="run every case of every test, also the slow ones")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep a sample of each test's cases, and no slow ones; all of them with `--all`, and of what `-m` selects.

    What pins a fault of another library says nothing about this one. It runs with `-m fault_of_others` only, and fails
    once the fault is mended.
    """
    if "fault_of_others" in config.option.markexpr:
        for item in items:
            if (marker := item.get_closest_marker("fault_of_others")) is not None:
                item.add_marker(pytest.mark.xfail(reason=marker.args[0], strict=True))
        return
    _keep(config, items, [item for item in items if item.get_closest_marker("fault_of_others") is None])
    if config.getoption("--all") or config.option.markexpr:
        return
    cases: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.get_closest_marker("slow") is None:
            cases.setdefault(item.nodeid.partition("[")[0], []).append(item)
    kept: list[pytest.Item] = []
    for group in cases.values():
        whole = len(group) <= SAMPLE or group[0].get_closest_marker("every_case") is not None
        chosen = range(len(group)) if whole else np.linspace(0, len(group) - 1, SAMPLE).round().astype(int)
        kept += [group[i] for i in chosen]
    _keep(config, items, kept)


def _keep(config: pytest.Config, items: list[pytest.Item], kept: Iterable[pytest.Item]) -> None:
    chosen = set(kept)
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = [item for item in items if item in chosen]


@pytest.fixture
def rng() -> np.random.Generator:
    """Numbers that are the same in every run."""
    return np.random.default_rng(0)
