"""PyTorch as a contender, on the CPU or on the GPU that JAX uses. Channels are on axis 1; memory order is a choice."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.programs import Preparation, UnavailableError
from benchmarks.reference import Data, checked_part, part_of
from benchmarks.workloads import EAGER, Pool, Workload, in_a_row

_PLATFORMS = {"cpu": "cpu", "gpu": "cuda", "cuda": "cuda", "rocm": "cuda"}


class TorchProgram:
    """An eager PyTorch call. Channels last, one spatial axis is pooled as two, as only four axes have that order."""

    def __init__(
        self, torch: Any, workload: Workload, dtype: str, mode: str, data: Data, channels_last: bool, platform: str
    ):
        if platform not in _PLATFORMS or (_PLATFORMS[platform] == "cuda" and not torch.cuda.is_available()):
            raise UnavailableError(f"this torch cannot run on a {platform}")
        self._torch, self._workload = torch, workload
        self._device = torch.device(_PLATFORMS[platform])
        self._dtype = getattr(torch, dtype)
        self._lifted = channels_last and len(workload.window) == 1
        self._format = torch.contiguous_format
        if channels_last:
            self._format = torch.channels_last_3d if len(workload.window) == 3 else torch.channels_last
        self.layout = "channels last" if channels_last else "channels first"
        self.residual_bytes: int | None = None
        pool = in_a_row(_pool(torch, workload, self._lifted, mode == "forward_with_argmax"), workload.repeats)
        self._call = self._function(pool, mode, tuple(self._given(array) for array in data.inputs(mode)))

    def _given(self, array: Any) -> Any:
        """To torch, channels on axis 1, in the memory order of choice."""
        kept = array if array.dtype.kind in "fiu" else array.astype(np.float32)
        tensor = self._torch.from_numpy(np.ascontiguousarray(kept)).to(self._dtype)
        if tensor.ndim == 2:
            return tensor.to(self._device).reshape(*tensor.shape, *[1] * (2 if self._lifted else self._rank))
        tensor = tensor.permute(0, self._workload.channel_axis % tensor.ndim, *self._workload.spatial_axes)
        tensor = tensor.unsqueeze(2) if self._lifted else tensor
        return tensor.to(self._device).contiguous(memory_format=self._format)

    @property
    def _rank(self) -> int:
        return len(self._workload.window)

    def _back(self, tensor: Any) -> Any:
        """To the workload's layout."""
        if self._workload.pool == "global_avg" and tensor.shape[2:].numel() == 1:
            return tensor.reshape(tensor.shape[:2])
        tensor = tensor.squeeze(2) if self._lifted else tensor
        order = (0, self._workload.channel_axis % tensor.ndim, *self._workload.spatial_axes)
        return tensor.permute(*(int(axis) for axis in np.argsort(order)))

    def _function(self, pool: Callable[[Any], Any], mode: str, inputs: tuple[Any, ...]) -> Callable[[], Any]:
        torch = self._torch
        if mode in ("forward", "forward_with_argmax", EAGER):

            def forward() -> Any:
                with torch.inference_mode():
                    return pool(*inputs)

            return forward
        if mode == "jvp":
            return lambda: _jvp(torch, pool, *inputs)
        x, cotangent = inputs
        x.requires_grad_()
        if mode == "vjp":
            y, self.residual_bytes = _with_residuals(torch, lambda: pool(x))
            return lambda: torch.autograd.grad(y, x, cotangent, retain_graph=True)

        def forward_vjp() -> Any:
            y = pool(x)
            return y, torch.autograd.grad(y, x, cotangent)[0]

        return forward_vjp

    def prepare(self) -> Preparation:
        """Nothing is compiled; tries one run."""
        try:
            self.wait(self.start())
        except (RuntimeError, NotImplementedError) as error:
            line = (str(error).strip().splitlines() or [""])[0]
            if "memory" in line:
                raise
            raise UnavailableError(f"torch: {textwrap.shorten(line, 150)}") from error
        return Preparation()

    def start(self) -> Any:
        """Starts one run."""
        return self._call()

    def wait(self, results: Any) -> None:
        """Blocks until the GPU is done; the CPU is."""
        del results
        if self._device.type == "cuda":
            self._torch.cuda.synchronize()

    def results(self) -> tuple[Any, ...]:
        """The checked part of one run; what numpy does not know goes through float32."""
        results = self.start()
        part = checked_part(self._workload)
        arrays: list[Any] = []
        for tensor in results if isinstance(results, tuple | list) else (results,):
            cut = part_of(self._back(tensor.detach()), self._workload, part).cpu()
            arrays.append((cut.to(self._torch.float32) if cut.dtype == self._torch.bfloat16 else cut).numpy())
        return tuple(arrays)


def _pool(torch: Any, workload: Workload, lifted: bool, with_argmax: bool) -> Pool:
    functional = torch.nn.functional
    rank = 2 if lifted else len(workload.window)
    lift: tuple[int, ...] = (1,) if lifted else ()
    if workload.pool in ("global_avg", "adaptive_avg"):
        target = (*lift, *(workload.window if workload.pool == "adaptive_avg" else (1,) * len(workload.window)))
        adaptive = getattr(functional, f"adaptive_avg_pool{rank}d")
        return lambda x: adaptive(x, target)
    if any(low != high for low, high in workload.pairs):
        raise UnavailableError("torch pads both sides alike")
    window, strides = (*lift, *workload.window), (*lift, *workload.strides)
    padding = (*(0 for _ in lift), *(low for low, _ in workload.pairs))
    if workload.pool == "avg":
        average = getattr(functional, f"avg_pool{rank}d")
        return lambda x: average(x, window, strides, padding, count_include_pad=workload.count_include_pad)
    maximum = getattr(functional, f"max_pool{rank}d")
    dilation = (*lift, *(workload.dilation for _ in workload.window))
    return lambda x: maximum(x, window, strides, padding, dilation, return_indices=with_argmax)


def _jvp(torch: Any, pool: Callable[[Any], Any], x: Any, tangent: Any) -> Any:
    forward = torch.autograd.forward_ad
    with forward.dual_level():
        y = forward.unpack_dual(pool(forward.make_dual(x, tangent)))
        if y.tangent is None:
            raise NotImplementedError("forward-mode derivatives are missing")
        return y.primal, y.tangent


def _with_residuals(torch: Any, run: Callable[[], Any]) -> tuple[Any, int]:
    """The result of a run, and the bytes of the tensors that it saved for its backward pass, each once."""
    saved: dict[int, int] = {}

    def pack(tensor: Any) -> Any:
        saved[tensor.data_ptr()] = tensor.numel() * tensor.element_size()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = run()
    return result, sum(saved.values())
