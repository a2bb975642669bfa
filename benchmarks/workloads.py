"""What is measured, as data: pools of real networks with their input sizes. Needs neither JAX nor jaxpool."""

from __future__ import annotations

import dataclasses
import fnmatch
import math
from collections.abc import Callable, Sequence
from typing import Any

Pool = Callable[[Any], Any]
Pairs = tuple[tuple[int, int], ...]

MODES = ("forward", "forward_with_argmax", "forward_vjp", "vjp", "jvp")
# A call of the library's function by itself, under no `jax.jit` of the caller's: what the call costs on a small input.
EAGER = "eager"
SUITES = ("cpu", "accelerator")
ITEM_BYTES = {"float64": 8, "float32": 4, "int32": 4, "bfloat16": 2, "float16": 2, "int8": 1, "uint8": 1}
SHORT_NAMES = {"f32": "float32", "bf16": "bfloat16", "f16": "float16"}

F32 = ("float32",)
F32_BF16 = ("float32", "bfloat16")
F32_BF16_INT8 = ("float32", "bfloat16", "int8")


@dataclasses.dataclass(frozen=True)
class Workload:
    """One pool on one input size.

    Attributes:
      name: unique, and what `select` looks at.
      source: the network or the question it stands for.
      pool: "max", "avg", "global_avg" or "adaptive_avg".
      shape: of the input, batch axis first.
      window: one size per spatial axis; the whole plane for "global_avg", the output sizes for "adaptive_avg".
      strides: one per spatial axis.
      padding: one (low, high) pair per spatial axis, "SAME" or "VALID".
      dilation: of the window, along every spatial axis.
      channel_axis: the axis of the features; axis 0 is the batch, all others are spatial.
      count_include_pad: whether averages count padding.
      repeats: how many such pools follow each other; of more than one, maxima that keep the size of the plane.
      dtypes: what it is measured with; integers only forward.
      tags: groups that it belongs to.
    """

    name: str
    source: str
    pool: str
    shape: tuple[int, ...]
    window: tuple[int, ...]
    strides: tuple[int, ...]
    padding: Pairs | str = "VALID"
    dilation: int = 1
    channel_axis: int = -1
    count_include_pad: bool = True
    repeats: int = 1
    dtypes: tuple[str, ...] = F32
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.repeats != 1 and (self.pool != "max" or self.output_plane != self.plane):
            raise ValueError(f"Workload: repeats must be 1 but for maxima that keep the size; got {self.repeats}.")

    @property
    def spatial_axes(self) -> tuple[int, ...]:
        """Neither the batch nor the channels."""
        channel = self.channel_axis % len(self.shape)
        return tuple(axis for axis in range(1, len(self.shape)) if axis != channel)

    @property
    def plane(self) -> tuple[int, ...]:
        """The input's size along each spatial axis."""
        return tuple(self.shape[axis] for axis in self.spatial_axes)

    @property
    def taps(self) -> int:
        """The elements of one window."""
        return math.prod(self.window)

    @property
    def pairs(self) -> Pairs:
        """The padding as (low, high) pairs; an odd cell of "SAME" stands at the end."""
        if not isinstance(self.padding, str):
            return self.padding
        if self.padding == "VALID":
            return ((0, 0),) * len(self.window)
        pairs: list[tuple[int, int]] = []
        for size, taps, stride in zip(self.plane, self.window, self.strides, strict=True):
            outputs = -(-size // stride)
            total = max(0, (outputs - 1) * stride + (taps - 1) * self.dilation + 1 - size)
            pairs.append((total // 2, total - total // 2))
        return tuple(pairs)

    @property
    def output_plane(self) -> tuple[int, ...]:
        """The output's size along each spatial axis; 1s for a global pool."""
        if self.pool == "adaptive_avg":
            return self.window
        sizes: list[int] = []
        for size, taps, stride, pair in zip(self.plane, self.window, self.strides, self.pairs, strict=True):
            sizes.append((size + sum(pair) - (taps - 1) * self.dilation - 1) // stride + 1)
        return tuple(sizes)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """The shape of the output; a global pool drops the spatial axes."""
        if self.pool == "global_avg":
            return self.shape[0], self.shape[self.channel_axis]
        shape = list(self.shape)
        for axis, size in zip(self.spatial_axes, self.output_plane, strict=True):
            shape[axis] = size
        return tuple(shape)

    def modes(self, dtype: str) -> tuple[str, ...]:
        """What can be asked of this pool with this dtype."""
        if EAGER in self.tags:
            return (EAGER,)
        if dtype.startswith(("int", "uint")):
            return ("forward",)
        with_argmax = self.pool == "max" and self.repeats == 1
        return MODES if with_argmax else tuple(mode for mode in MODES if mode != "forward_with_argmax")


def minimal_bytes(workload: Workload, dtype: str, mode: str) -> int:
    """The bytes that any program for a mode must move, each array once.

    The backward pass of max pooling alone must read which element won: the smallest integers that tell it, one per
    output, are counted. What windows with gaps could leave unread is counted too. Pools in a row could be one program,
    which has nothing to move in between but one choice per pool; that is more than one choice among all elements that
    reach an output would take.
    """
    inputs = math.prod(workload.shape) * ITEM_BYTES[dtype]
    averages_integers = workload.pool != "max" and dtype.startswith(("int", "uint"))
    elements = math.prod(workload.output_shape)
    outputs = elements * (4 if averages_integers else ITEM_BYTES[dtype])
    choice = 1 if workload.taps <= 1 << 8 else 2 if workload.taps <= 1 << 16 else 4
    if mode in ("forward", EAGER):
        return inputs + outputs
    if mode == "forward_with_argmax":
        return inputs + outputs + 4 * elements
    if mode in ("forward_vjp", "jvp"):
        return 2 * (inputs + outputs)
    if mode == "vjp":
        return inputs + outputs + (choice * elements * workload.repeats if workload.pool == "max" else 0)
    raise ValueError(f"minimal_bytes: mode must be one of {', '.join((*MODES, EAGER))}; got {mode!r}.")


def in_a_row(pool: Pool, repeats: int) -> Pool:
    """A function applied to its own result, `repeats` times in all."""

    def repeated(x: Any) -> Any:
        for _ in range(repeats):
            x = pool(x)
        return x

    return pool if repeats == 1 else repeated


def channels_first(workload: Workload) -> Workload:
    """The same pool on the same numbers, with the channels on axis 1."""
    shape = (workload.shape[0], workload.shape[-1], *workload.shape[1:-1])
    tags = (*(tag for tag in workload.tags if tag != "core"), "channels-first")
    name = f"{workload.name}-channels-first"
    return dataclasses.replace(workload, name=name, shape=shape, channel_axis=1, tags=tags)


def with_batch(workload: Workload, batch: int, *tags: str) -> Workload:
    """The same pool on another number of examples."""
    kept = tuple(tag for tag in workload.tags if tag != "core" or "accelerator" in tags)
    name = f"{workload.name}-batch{batch}"
    return dataclasses.replace(workload, name=name, shape=(batch, *workload.shape[1:]), tags=(*kept, *tags))


def called_alone(workload: Workload) -> Workload:
    """The same pool on a few small maps, called eagerly."""
    shape = (1, *(min(size, 14) for size in workload.shape[1:-1]), 8)
    return dataclasses.replace(workload, name=f"{workload.name}-eager", shape=shape, dtypes=F32, tags=(EAGER,))


def _max(
    name: str,
    source: str,
    shape: tuple[int, ...],
    size: int,
    stride: int,
    pad: int = 0,
    dilation: int = 1,
    dtypes: tuple[str, ...] = F32,
    tags: tuple[str, ...] = ("2d",),
) -> Workload:
    rank = len(shape) - 2
    window, strides, padding = (size,) * rank, (stride,) * rank, ((pad, pad),) * rank
    return Workload(name, source, "max", shape, window, strides, padding, dilation, dtypes=dtypes, tags=tags)


def _avg(
    name: str,
    source: str,
    shape: tuple[int, ...],
    size: int,
    stride: int,
    padding: str = "VALID",
    include: bool = True,
    tags: tuple[str, ...] = ("2d", "average"),
) -> Workload:
    rank = len(shape) - 2
    window, strides = (size,) * rank, (stride,) * rank
    dtypes = F32_BF16 if rank == 2 else F32
    return Workload(
        name, source, "avg", shape, window, strides, padding, count_include_pad=include, dtypes=dtypes, tags=tags
    )


def _global(name: str, source: str, shape: tuple[int, ...]) -> Workload:
    window = shape[1:-1]
    return Workload(
        name, source, "global_avg", shape, window, (1,) * len(window), dtypes=F32_BF16, tags=("2d", "average", "global")
    )


_CORE = ("2d", "core")
_LARGE = ("2d", "large-window")
_AUDIO = ("1d", "audio")
_VIDEO = ("3d", "video")
_FEW = ("2d", "few-channels")
_PYRAMID = "YOLO spatial pyramid"

STEM = _max("max-3x3-s2-stem", "ResNet stem", (8, 112, 112, 64), 3, 2, 1, dtypes=F32_BF16_INT8, tags=_CORE)
VGG = _max("max-2x2-s2-vgg", "VGG block", (8, 112, 112, 64), 2, 2, dtypes=F32_BF16_INT8, tags=_CORE)
INCEPTION = _max(
    "max-3x3-s1-inception", "Inception pool branch", (8, 28, 28, 256), 3, 1, 1, dtypes=F32_BF16_INT8, tags=_CORE
)
SPP5 = _max("max-5x5-s1-spp", _PYRAMID, (4, 32, 32, 256), 5, 1, 2, dtypes=F32_BF16, tags=_LARGE)
SPP9 = _max("max-9x9-s1-spp", _PYRAMID, (4, 32, 32, 256), 9, 1, 4, dtypes=F32_BF16, tags=_LARGE)
SPP13 = _max("max-13x13-s1-spp", _PYRAMID, (4, 32, 32, 256), 13, 1, 6, dtypes=F32_BF16, tags=(*_LARGE, "core"))
AVG2 = _avg("avg-2x2-s2-densenet", "DenseNet transition", (8, 56, 56, 128), 2, 2)
AVG3 = _avg("avg-3x3-s1-same", "Inception pool branch, padding counted", (8, 28, 28, 256), 3, 1, "SAME")
AVG3_REAL = _avg("avg-3x3-s1-same-real", "the same, padding not counted", (8, 28, 28, 256), 3, 1, "SAME", False)
AVG3_S2 = _avg("avg-3x3-s2-lenet", "overlapping subsampling", (8, 112, 112, 64), 3, 2)
GLOBAL7 = _global("global-avg-7x7-head", "ResNet head", (32, 7, 7, 2048))
GLOBAL56 = _global("global-avg-56x56-squeeze", "squeeze-and-excitation", (8, 56, 56, 256))
AUDIO4 = _max("max-4-s4-audio", "M5 on waveforms", (16, 8000, 64), 4, 4, tags=_AUDIO)
AUDIO25 = _max("max-25-s10-audio", "25 ms frames every 10 ms", (8, 16000, 32), 25, 10, tags=_AUDIO)
AUDIO25_AVG = _avg("avg-25-s10-audio", "frame means", (8, 16000, 32), 25, 10, tags=(*_AUDIO, "average"))
VIDEO2 = _max("max-2x2x2-s2-video", "C3D block", (2, 16, 56, 56, 64), 2, 2, tags=_VIDEO)
VIDEO3 = _max("max-3x3x3-s1-video", "I3D pool branch", (2, 8, 28, 28, 192), 3, 1, 1, tags=_VIDEO)
DILATED = _max("max-3x3-d2-atrous", "dilated context", (8, 28, 28, 256), 3, 1, 2, dilation=2, tags=("2d", "dilated"))
ADAPTIVE = Workload(
    "adaptive-avg-7x7-from-13x17",
    "VGG head on other pictures",
    "adaptive_avg",
    (8, 13, 17, 512),
    (7, 7),
    (1, 1),
    tags=("2d", "average", "adaptive"),
)
SPPF = dataclasses.replace(
    _max("max-5x5-s1-sppf", "YOLO's fast pyramid: three in a row", (4, 32, 32, 256), 5, 1, 2, dtypes=F32_BF16),
    repeats=3,
    tags=("2d", "chain"),
)
KEYPOINTS = _max("max-9x9-s1-keypoints", "keypoints' score map", (4, 480, 640, 1), 9, 1, 4, dtypes=F32_BF16, tags=_FEW)
HEATMAP = _max("max-3x3-s1-heatmap", "peaks of a score map", (8, 256, 256, 1), 3, 1, 1, dtypes=F32_BF16, tags=_FEW)
JOINTS = _max("max-9x9-s1-joints", "peaks of 17 joints", (4, 128, 128, 17), 9, 1, 4, dtypes=F32_BF16, tags=_FEW)
ECG = _max(
    "max-101-s1-ecg", "baseline of 12 leads", (32, 5000, 12), 101, 1, 50, dtypes=F32_BF16, tags=("1d", *_FEW[1:])
)
DARK = _max("max-15x15-s1-haze", "brightest of every patch", (1, 480, 640, 3), 15, 1, 7, dtypes=F32_BF16, tags=_FEW)
PICTURES = _avg("avg-2x2-s2-pictures", "image pyramid", (8, 256, 256, 3), 2, 2, tags=(*_FEW, "average"))
LENET = _max("max-2x2-s2-digits", "LeNet", (64, 28, 28, 6), 2, 2, dtypes=F32_BF16, tags=_FEW)
LENET_AVG = _avg("avg-2x2-s2-digits", "LeNet", (64, 28, 28, 6), 2, 2, tags=(*_FEW, "average"))
CELL = _max("max-3x3-s1-cell", "DARTS cell", (64, 32, 32, 16), 3, 1, 1, dtypes=F32_BF16, tags=_FEW)
CELL_AVG = _avg("avg-3x3-s1-cell", "DARTS cell", (64, 32, 32, 16), 3, 1, "SAME", False, tags=(*_FEW, "average"))
UNET = _max("max-2x2-s2-unet", "small U-Net", (4, 256, 256, 16), 2, 2, dtypes=F32_BF16, tags=_FEW)
MOBILE = _max("max-3x3-s2-mobile", "ShuffleNet stem", (8, 112, 112, 24), 3, 2, 1, dtypes=F32_BF16, tags=_FEW)
PICTURE = _max("max-3x3-s2-picture", "one large picture", (1, 2048, 2048, 8), 3, 2, 1, tags=("2d", "picture"))

_HERE = (
    STEM,
    VGG,
    INCEPTION,
    SPP5,
    SPP9,
    SPP13,
    AVG2,
    AVG3,
    AVG3_REAL,
    AVG3_S2,
    GLOBAL7,
    with_batch(GLOBAL7, 8),
    GLOBAL56,
    with_batch(GLOBAL56, 32),
    AUDIO4,
    AUDIO25,
    AUDIO25_AVG,
    VIDEO2,
    VIDEO3,
    DILATED,
    ADAPTIVE,
    PICTURE,
    SPPF,
    KEYPOINTS,
    HEATMAP,
    JOINTS,
    ECG,
    DARK,
    PICTURES,
    LENET,
    LENET_AVG,
    CELL,
    CELL_AVG,
    UNET,
    MOBILE,
    *(channels_first(workload) for workload in (STEM, INCEPTION, AVG2)),
    *(with_batch(workload, batch, "batch") for workload in (STEM, VGG) for batch in (1, 32)),
    with_batch(SPP13, 1, "batch"),
    *(called_alone(workload) for workload in (STEM, VGG, AVG2, AVG3_REAL)),
    dataclasses.replace(called_alone(GLOBAL7), name="global-avg-7x7-eager"),
)

# Inputs of 100 MB and more, so that launching a kernel costs little beside running it.
_ACCELERATOR = tuple(
    with_batch(workload, batch, "accelerator")
    for workload, batch in [
        (STEM, 256),
        (VGG, 256),
        (INCEPTION, 256),
        (SPP5, 128),
        (SPP13, 128),
        (SPPF, 128),
        (AVG2, 256),
        (AVG3, 256),
        (AVG3_REAL, 256),
        (AVG3_S2, 256),
        (GLOBAL7, 512),
        (GLOBAL56, 128),
        (AUDIO4, 256),
        (AUDIO25, 128),
        (VIDEO2, 32),
        (VIDEO3, 32),
        (DILATED, 256),
        (ADAPTIVE, 512),
        (channels_first(STEM), 256),
        (PICTURE, 8),
    ]
)

WORKLOADS: tuple[Workload, ...] = (*_HERE, *_ACCELERATOR)


def select(pattern: str = "", tags: Sequence[str] = (), suite: str | None = "cpu") -> tuple[Workload, ...]:
    """The workloads of a suite ("accelerator", "cpu" for the others, None for both), in the order of `WORKLOADS`.

    Args:
      pattern: a part of the name, or a shell pattern for the whole of it.
      tags: the workload has all of them.
      suite: which sizes.
    """
    shell = any(sign in pattern for sign in "*?[")
    return tuple(
        workload
        for workload in WORKLOADS
        if (fnmatch.fnmatchcase(workload.name, pattern) if shell else pattern in workload.name)
        and set(tags) <= set(workload.tags)
        and (suite is None or (suite == "accelerator") == ("accelerator" in workload.tags))
    )
