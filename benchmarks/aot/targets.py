"""The accelerators that programs are compiled for, on a machine that has none of them."""

from __future__ import annotations

import dataclasses
import importlib.util
import os
import shutil
from collections.abc import MutableMapping
from typing import Any

PIP_GPU = (
    "pip install --no-deps jax-cuda12-plugin=={jax} jax-cuda12-pjrt=={jax}",
    "pip install --no-deps nvidia-cuda-nvcc-cu12",
)
PIP_TPU = ("pip install libtpu",)

# XLA takes the figures of a GPU from this text where it cannot ask a driver.
_GPU_TEXT = """
gpu_device_info {{
  threads_per_block_limit: 1024 threads_per_warp: 32 threads_per_core_limit: 2048
  shared_memory_per_block: 49152 shared_memory_per_core: {shared} shared_memory_per_block_optin: {shared_optin}
  core_count: {cores} fpus_per_core: {fpus} clock_rate_ghz: {clock}
  block_dim_limit_x: 2147483647 block_dim_limit_y: 65535 block_dim_limit_z: 65535
  memory_bandwidth: {bandwidth} l2_cache_size: {l2} device_memory_size: {memory}
  registers_per_core_limit: 65536 registers_per_block_limit: 65536
  cuda_compute_capability {{ major: {major} }}
}}
platform_name: "CUDA"
dnn_version_info {{ major: 9 minor: 7 }}
runtime_version {{ major: 12 minor: 8 }}
device_description_str: "{name}"
"""


class MissingToolError(RuntimeError):
    """A wheel is missing without which a target cannot be compiled for."""


@dataclasses.dataclass(frozen=True)
class Target:
    """One accelerator.

    Attributes:
      name: what the command line calls it.
      description: what its maker calls it.
      platform: "cuda" or "tpu".
      bandwidth: bytes a second to and from its memory.
      topology: the name of the smallest topology that holds one (TPU).
      config: XLA's description of the device (GPU).
      has_cost_model: whether XLA has a performance table for it (GPU).
    """

    name: str
    description: str
    platform: str
    bandwidth: float
    topology: str = ""
    config: str = ""
    has_cost_model: bool = False


def _gpu(name: str, description: str, has_cost_model: bool, **figures: float) -> Target:
    text = _GPU_TEXT.format(name=description, **figures)
    return Target(name, description, "cuda", figures["bandwidth"], config=text, has_cost_model=has_cost_model)


TARGETS = {
    target.name: target
    for target in (
        _gpu(
            "a100",
            "NVIDIA A100-SXM4-80GB",
            has_cost_model=False,
            major=8,
            cores=108,
            fpus=64,
            clock=1.41,
            bandwidth=2_039_040_000_000,
            l2=41_943_040,
            memory=85_100_068_864,
            shared=167_936,
            shared_optin=166_912,
        ),
        _gpu(
            "h100",
            "NVIDIA H100 80GB HBM3",
            has_cost_model=True,
            major=9,
            cores=132,
            fpus=128,
            clock=1.98,
            bandwidth=3_352_320_000_000,
            l2=52_428_800,
            memory=84_942_979_072,
            shared=233_472,
            shared_optin=232_448,
        ),
        _gpu(
            "b200",
            "NVIDIA B200",
            has_cost_model=True,
            major=10,
            cores=148,
            fpus=128,
            clock=1.965,
            bandwidth=7_672_320_000_000,
            l2=132_644_864,
            memory=191_514_411_008,
            shared=233_472,
            shared_optin=232_448,
        ),
        Target("v5e", "TPU v5e", "tpu", 819e9, topology="v5e:1x1"),
        Target("v5p", "TPU v5p", "tpu", 2765e9, topology="v5p:2x2x1"),
        Target("v6e", "TPU v6e", "tpu", 1640e9, topology="v6e:1x1"),
    )
}


def prepare(environment: MutableMapping[str, str], target: Target) -> None:
    """Sets the variables without which JAX would look for real devices; to be done before JAX starts."""
    environment["JAX_PLATFORMS"] = "cpu"
    # Compile seconds from a cache are none.
    environment["JAX_ENABLE_COMPILATION_CACHE"] = "false"
    environment["TPU_SKIP_MDS_QUERY"] = "1"
    environment["TPU_WORKER_HOSTNAMES"] = "localhost"
    environment["ALLOW_MULTIPLE_LIBTPU_LOAD"] = "1"
    if target.has_cost_model:
        # Targets without a performance table refuse to compile with this flag.
        flags = environment.get("XLA_FLAGS", "")
        environment["XLA_FLAGS"] = f"{flags} --xla_gpu_collect_cost_model_stats=true".strip()


def missing(target: Target) -> str | None:
    """What is not installed that this target needs, or None."""
    if target.platform == "tpu":
        return None if _installed("libtpu") else "libtpu"
    if not any(_installed(f"jax_cuda{version}_plugin") for version in (12, 13)):
        return "jax-cuda12-plugin"
    return None if _has_ptxas() else "ptxas"


def check_installed(target: Target) -> None:
    """Raises MissingToolError, with the commands that help, if something is missing."""
    absent = missing(target)
    if absent is None:
        return
    import jax

    commands = PIP_TPU if target.platform == "tpu" else PIP_GPU
    lines = "\n".join(f"  {command.format(jax=jax.__version__)}" for command in commands)
    raise MissingToolError(
        f"benchmarks compile: --target {target.name} needs {absent}, which is not installed; it needs no "
        f"{target.description}. Run:\n{lines}"
    )


def _installed(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def _has_ptxas() -> bool:
    if shutil.which("ptxas"):
        return True
    for package in ("nvidia.cuda_nvcc", "nvidia.cu13"):
        spec = importlib.util.find_spec(package) if _installed(package) else None
        folders = list(spec.submodule_search_locations or []) if spec else []
        if any(os.path.exists(os.path.join(folder, "bin", "ptxas")) for folder in folders):
            return True
    return False


def device(target: Target) -> Any:
    """A device of the target that programs can be compiled for, though not run on."""
    from jax.experimental import topologies

    if target.platform == "tpu":
        description = topologies.get_topology_desc(platform="tpu", topology_name=target.topology)
    else:
        description = topologies.get_topology_desc(
            platform="cuda", topology_name="", topology="1x1x1", target_config=target.config
        )
    return description.devices[0]
