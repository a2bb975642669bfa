"""Ceil mode at work: MTCNN, a face detector of three networks with six max pools, all of them in ceil mode.

P-Net proposes places on pictures of many sizes, R-Net and O-Net refine them, and O-Net adds five landmarks (Zhang et
al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks", 2016). The trained weights
lie in the wheel of facenet-pytorch, the picture in that of scikit-image; both are read from where they are installed.
Nothing of either is imported for it and nothing is downloaded. The weights are in PyTorch's format from before version
1.6, five pickles and then the numbers: a small reader takes them without PyTorch and lets the pickles name nothing but
tensors.

Where PyTorch is installed, every output of every network is compared with it. A picture of what was found goes to disk.

Run `pip install --no-deps facenet-pytorch scikit-image`, then `python examples/mtcnn.py`.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import importlib.util
import pickle
import statistics
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from PIL import Image
from rich import box as borders
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from jaxpool.nnx import MaxPool

WEIGHT_FILES = {"P-Net": "pnet.pt", "R-Net": "rnet.pt", "O-Net": "onet.pt"}
PICTURE_FILE = "astronaut.png"
# Both sizes are odd, and so are many of the maps that are pooled.
CROP_LEFT, CROP_TOP, CROP_WIDTH, CROP_HEIGHT = 81, 7, 305, 409
HEADS = ("probability", "box", "landmarks")
LANDMARKS = ("left eye", "right eye", "nose", "mouth left", "mouth right")

SMALLEST_FACE = 20
PYRAMID_FACTOR = 0.709
# What P-Net sees at once, and how far apart two neighbours of its outputs look.
CELL, CELL_STRIDE = 12, 2
THRESHOLDS = {"P-Net": 0.6, "R-Net": 0.7, "O-Net": 0.7}
CROP_SIZES = {"R-Net": 24, "O-Net": 48}
BATCH = 64
TIMED_RUNS = 3
ALLOWED_DIFFERENCE = 1e-4
ALLOWED_PIXELS = 1e-2

Weights = Mapping[str, np.ndarray]
Outputs = Mapping[str, np.ndarray]

# ------------------------------------------------------------------------------------------------- files and weights


def installed_file(distribution: str, name: str) -> Path:
    """A file of an installed package; ends the program with the remedy if it is not there."""
    try:
        files = importlib.metadata.files(distribution) or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate()))
        if path.name == name and path.is_file():
            return path
    sys.exit(f"{name} was not found; it comes with `pip install --no-deps {distribution}`.")


class FloatStorage:
    """Stands for PyTorch's class of that name, which the files mention and nobody calls."""


def tensor_view(storage: np.ndarray, offset: int, shape: Sequence[int], strides: Sequence[int], *_: object) -> Any:
    """A tensor as a view of its storage; offset and strides count elements."""
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if min(offset, *shape, *strides) < 0 or last >= storage.size:
        raise pickle.UnpicklingError(f"a tensor reaches from {offset} to {last} in a storage of {storage.size}")
    steps = [stride * storage.itemsize for stride in strides]
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, steps)


class TensorUnpickler(pickle.Unpickler):
    """Unpickles numbers, names and float32 tensors, and refuses whatever else a pickle could name."""

    ALLOWED: Mapping[str, Any] = {
        "collections.OrderedDict": OrderedDict,
        "torch._utils._rebuild_tensor_v2": tensor_view,
        "torch.FloatStorage": FloatStorage,
    }

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.storages: dict[str, np.ndarray] = {}

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """What stands for a class or function of the file."""
        name = f"{module_name}.{global_name}"
        if name not in self.ALLOWED:
            raise pickle.UnpicklingError(f"a file of weights has no business with {name}")
        return self.ALLOWED[name]

    def persistent_load(self, pid: Any) -> np.ndarray:
        """The storage of a tensor, whose numbers follow after the pickles."""
        _, kind, key, _, size, _ = pid
        if kind is not FloatStorage:
            raise pickle.UnpicklingError(f"only storages of float32 are read, not {kind}")
        return self.storages.setdefault(key, np.zeros(size, "<f4"))


def read_weights(path: Path) -> Weights:
    """The tensors of a file that PyTorch before 1.6 saved, by name."""
    with path.open("rb") as file:
        magic, version, _ = (TensorUnpickler(file).load() for _ in range(3))
        if (magic, version) != (0x1950A86A20F9469CFC6C, 1001):
            raise ValueError(f"{path.name} is not a file that PyTorch before 1.6 saved")
        unpickler = TensorUnpickler(file)
        weights = unpickler.load()
        for key in TensorUnpickler(file).load():
            storage = unpickler.storages[key]
            size = int.from_bytes(file.read(8), "little")
            if size != storage.size:
                raise ValueError(f"{path.name}: a storage has {size} numbers, its tensors need {storage.size}")
            storage[:] = np.frombuffer(file.read(storage.nbytes), "<f4")
    return weights


# ---------------------------------------------------------------------------------------------------------- networks


def given(values: np.ndarray) -> Callable[..., Array]:
    """An initializer that gives these values."""
    return lambda *_: jnp.asarray(values)


class PReLU(nnx.Module):
    """Negative values times a slope; every feature has its own."""

    def __init__(self, slopes: np.ndarray) -> None:
        self.slopes = nnx.Param(jnp.asarray(slopes))

    def __call__(self, x: Array) -> Array:
        """The activations of `x`."""
        slopes = self.slopes.reshape((1,) * (x.ndim - 1) + (-1,))
        return jnp.where(x > 0, x, slopes * x)


def convolution(weights: Weights, number: int) -> tuple[nnx.Conv, PReLU]:
    """A convolution without padding, and its activation."""
    kernel = weights[f"conv{number}.weight"].transpose(2, 3, 1, 0)
    height, width, maps_in, maps_out = kernel.shape
    layer = nnx.Conv(
        maps_in,
        maps_out,
        (height, width),
        padding="VALID",
        precision="highest",
        kernel_init=given(kernel),
        bias_init=given(weights[f"conv{number}.bias"]),
        rngs=nnx.Rngs(0),
    )
    return layer, PReLU(weights[f"prelu{number}.weight"])


def dense(weights: Weights, name: str) -> nnx.Linear:
    """A dense layer over the features. A convolution of 1 by 1 is one at every place."""
    kernel = weights[f"{name}.weight"]
    kernel = kernel.reshape(len(kernel), -1).T
    return nnx.Linear(
        *kernel.shape,
        precision="highest",
        kernel_init=given(kernel),
        bias_init=given(weights[f"{name}.bias"]),
        rngs=nnx.Rngs(0),
    )


def columns_first(maps: Array) -> Array:
    """Every example as a vector. The networks were trained on maps that were stored by columns."""
    return maps.transpose(0, 2, 1, 3).reshape(maps.shape[0], -1)


class Network(nnx.Module):
    """Layers one after another, and upon them the heads that the weights have."""

    def __init__(self, weights: Weights, layers: Sequence[Callable[[Array], Array]], heads: str) -> None:
        self.trunk = nnx.Sequential(*layers)
        names = {name: f"{heads}_{number}" for number, name in enumerate(HEADS, 1)}
        found = {name: dense(weights, layer) for name, layer in names.items() if f"{layer}.weight" in weights}
        self.heads = nnx.Dict(found)

    def __call__(self, images: ArrayLike) -> dict[str, Array]:
        """What every head says: `probability` of no face and of a face, shifts of the `box`, and `landmarks`."""
        features = self.trunk(jnp.asarray(images))
        outputs = {name: head(features) for name, head in self.heads.items()}
        return {**outputs, "probability": nnx.softmax(outputs["probability"])}


def proposal_network(weights: Weights) -> Network:
    """P-Net: slides over a picture of any size and has an output for every second place."""
    layers = (
        *convolution(weights, 1),
        MaxPool((2, 2), strides=2, ceil_mode=True),
        *convolution(weights, 2),
        *convolution(weights, 3),
    )
    return Network(weights, layers, "conv4")


def refinement_network(weights: Weights) -> Network:
    """R-Net: judges crops of 24 by 24. Without ceil mode, its dense layer would find 256 features and not 576."""
    layers = (
        *convolution(weights, 1),
        MaxPool((3, 3), strides=2, ceil_mode=True),
        *convolution(weights, 2),
        MaxPool((3, 3), strides=2, ceil_mode=True),
        *convolution(weights, 3),
        columns_first,
        dense(weights, "dense4"),
        PReLU(weights["prelu4.weight"]),
    )
    return Network(weights, layers, "dense5")


def output_network(weights: Weights) -> Network:
    """O-Net: judges crops of 48 by 48 and finds the landmarks."""
    layers = (
        *convolution(weights, 1),
        MaxPool((3, 3), strides=2, ceil_mode=True),
        *convolution(weights, 2),
        MaxPool((3, 3), strides=2, ceil_mode=True),
        *convolution(weights, 3),
        MaxPool((2, 2), strides=2, ceil_mode=True),
        *convolution(weights, 4),
        columns_first,
        dense(weights, "dense5"),
        PReLU(weights["prelu5.weight"]),
    )
    return Network(weights, layers, "dense6")


def load_networks() -> dict[str, Network]:
    """The three networks with their trained weights."""
    builders = {"P-Net": proposal_network, "R-Net": refinement_network, "O-Net": output_network}
    paths = {name: installed_file("facenet-pytorch", file) for name, file in WEIGHT_FILES.items()}
    return {name: build(read_weights(paths[name])) for name, build in builders.items()}


@nnx.jit
def run(network: Network, images: ArrayLike) -> dict[str, Array]:
    """The outputs of a network, compiled once per shape of the images."""
    return network(images)


def run_in_batches(network: Network, images: np.ndarray) -> Outputs:
    """The outputs for any number of crops, from batches of one size: there is one shape to compile for."""
    parts: list[dict[str, np.ndarray]] = []
    for start in range(0, len(images), BATCH):
        batch = images[start : start + BATCH]
        padded = np.pad(batch, np.asarray([(0, BATCH - len(batch)), (0, 0), (0, 0), (0, 0)]))
        parts.append({name: np.asarray(values)[: len(batch)] for name, values in run(network, padded).items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


# ------------------------------------------------------------------------------------------------ pictures and boxes


def area_weights(size: int, parts: int) -> np.ndarray:
    """A matrix that divides a line of `size` pixels into `parts` and takes their means; parts may share a pixel."""
    part, pixel = np.arange(parts)[:, None], np.arange(size)
    inside = (pixel >= part * size // parts) & (pixel * parts < (part + 1) * size)
    return inside / inside.sum(axis=1, keepdims=True)


def network_input(picture: np.ndarray, height: int, width: int) -> np.ndarray:
    """A picture in another size, with values from -1 to 1."""
    rows, columns = area_weights(picture.shape[0], height), area_weights(picture.shape[1], width)
    values = np.einsum("ih,hwc,jw->ijc", rows, picture, columns, optimize=True)
    return ((values - 127.5) / 128).astype(np.float32)


def pyramid_scales(picture: np.ndarray) -> list[float]:
    """The scales at which P-Net sees faces of all sizes, from the smallest faces on."""
    scales = [CELL / SMALLEST_FACE]
    while min(picture.shape[:2]) * scales[-1] >= CELL:
        scales.append(scales[-1] * PYRAMID_FACTOR)
    return scales[:-1]


def overlaps(box: np.ndarray, others: np.ndarray, of_smaller: bool) -> np.ndarray:
    """How much of the union, or of the smaller of two boxes, is common to a box and each of the others."""
    # The original counts the last pixel as part of a box in the last stage alone.
    pixel = 1 if of_smaller else 0
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    common = np.maximum(high - low + pixel, 0).prod(axis=1)
    area, areas = ((boxes[..., 2:] - boxes[..., :2] + pixel).prod(axis=-1) for boxes in (box, others))
    return common / (np.minimum(area, areas) if of_smaller else area + areas - common)


def without_overlaps(boxes: np.ndarray, scores: np.ndarray, limit: float, of_smaller: bool = False) -> np.ndarray:
    """The boxes that remain, as numbers, best first: none overlaps with a better one by more than the limit."""
    waiting = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while waiting.size:
        best, others = int(waiting[0]), waiting[1:]
        kept.append(best)
        waiting = others[overlaps(boxes[best], boxes[others], of_smaller) <= limit]
    return np.array(kept, int)


def shifted(boxes: np.ndarray, shifts: np.ndarray, pixel: int) -> np.ndarray:
    """Boxes whose corners are moved by parts of their sizes."""
    sizes = boxes[:, 2:] - boxes[:, :2] + np.float32(pixel)
    return boxes + shifts * np.tile(sizes, 2)


def squares(boxes: np.ndarray) -> np.ndarray:
    """Squares with the centers and the longer sides of the boxes."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    sides = sizes.max(axis=1, keepdims=True)
    low = boxes[:, :2] + sizes * np.float32(0.5) - sides * np.float32(0.5)
    return np.concatenate([low, low + sides], axis=1)


def crops(picture: np.ndarray, boxes: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The boxes that have pixels in the picture, and what a network is to see of each."""
    height, width = picture.shape[:2]
    # Boxes count pixels from 1.
    corners = np.trunc(boxes).astype(int)
    low = np.maximum(corners[:, :2], 1) - 1
    high = np.minimum(corners[:, 2:], [width, height])
    inside = (low < high).all(axis=1)
    images = [
        network_input(picture[top:bottom, left:right], size, size)
        for (left, top), (right, bottom) in zip(low[inside], high[inside], strict=True)
    ]
    return boxes[inside], np.array(images, np.float32).reshape(-1, size, size, 3)


# ---------------------------------------------------------------------------------------------------------- detector


@dataclass(frozen=True)
class Face:
    """A face: its box `(left, top, right, bottom)`, how sure O-Net is, and five points `(x, y)`, all in pixels."""

    box: np.ndarray
    probability: float
    landmarks: np.ndarray


@dataclass(frozen=True)
class Call:
    """What a network was given and what it said."""

    network: str
    images: np.ndarray
    outputs: Outputs


@dataclass
class Search:
    """The search for faces in one picture, RGB with one byte per color."""

    networks: Mapping[str, Network]
    picture: np.ndarray
    report: Callable[[str], None] = lambda _: None
    calls: list[Call] = field(default_factory=list[Call])

    def steps(self) -> int:
        """How often progress is reported at most."""
        return len(pyramid_scales(self.picture)) + len(CROP_SIZES)

    def propose(self) -> np.ndarray:
        """Squares in which P-Net sees a face."""
        boxes, scores, shifts = np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 4), np.float32)
        for scale in pyramid_scales(self.picture):
            height, width = (int(size * scale + 1) for size in self.picture.shape[:2])
            self.report(f"P-Net on {width} x {height}")
            images = network_input(self.picture, height, width)[None]
            outputs = {name: np.asarray(values) for name, values in run(self.networks["P-Net"], images).items()}
            self.calls.append(Call("P-Net", images, outputs))
            found = outputs["probability"][0, ..., 1] >= THRESHOLDS["P-Net"]
            cells = np.argwhere(found)[:, ::-1].astype(np.float32) * CELL_STRIDE
            here = np.floor(np.concatenate([cells + 1, cells + CELL], axis=1) / np.float32(scale))
            here_scores = outputs["probability"][0, ..., 1][found]
            kept = without_overlaps(here, here_scores, 0.5)
            boxes = np.concatenate([boxes, here[kept]])
            scores = np.concatenate([scores, here_scores[kept]])
            shifts = np.concatenate([shifts, outputs["box"][0][found][kept]])
        kept = without_overlaps(boxes, scores, 0.7)
        return squares(shifted(boxes[kept], shifts[kept], pixel=0))

    def judge(self, name: str, boxes: np.ndarray) -> tuple[np.ndarray, Outputs]:
        """The boxes that a network takes for faces, and what its heads say of them."""
        self.report(f"{name} on {len(boxes)} crops")
        boxes, images = crops(self.picture, boxes, CROP_SIZES[name])
        if not len(boxes):
            return boxes, {}
        outputs = run_in_batches(self.networks[name], images)
        self.calls.append(Call(name, images, outputs))
        passed = outputs["probability"][:, 1] > THRESHOLDS[name]
        return boxes[passed], {head: values[passed] for head, values in outputs.items()}

    def refine(self, boxes: np.ndarray) -> np.ndarray:
        """Those squares that R-Net takes for faces, moved to where it sees them."""
        boxes, outputs = self.judge("R-Net", boxes)
        if not len(boxes):
            return boxes
        kept = without_overlaps(boxes, outputs["probability"][:, 1], 0.7)
        return squares(shifted(boxes[kept], outputs["box"][kept], pixel=1))

    def finish(self, boxes: np.ndarray) -> list[Face]:
        """The faces that O-Net sees, the surest first."""
        boxes, outputs = self.judge("O-Net", boxes)
        if not len(boxes):
            return []
        scores = outputs["probability"][:, 1]
        sizes = boxes[:, None, 2:] - boxes[:, None, :2] + 1
        # The head gives five x, then five y.
        landmarks = outputs["landmarks"].reshape(-1, 2, 5).transpose(0, 2, 1) * sizes + boxes[:, None, :2] - 1
        boxes = shifted(boxes, outputs["box"], pixel=1)
        kept = without_overlaps(boxes, scores, 0.7, of_smaller=True)
        return [Face(boxes[number], float(scores[number]), landmarks[number]) for number in kept]

    def faces(self) -> list[Face]:
        """All three stages."""
        return self.finish(self.refine(self.propose()))


# ------------------------------------------------------------------------------------------- comparison with PyTorch

TORCH_POOLS = {"P-Net": (2, 0, 0), "R-Net": (3, 3, 0), "O-Net": (3, 3, 2, 0)}
TorchNetwork = Callable[[Any], tuple[Any, ...]]


def original_package() -> Any:
    """facenet-pytorch itself, or None if it cannot be imported: it needs torchvision and requests."""
    try:
        return importlib.import_module("facenet_pytorch")
    # An extension of torchvision that does not fit to PyTorch ends in a RuntimeError.
    except (ImportError, RuntimeError):
        return None


def torch_network(torch: Any, name: str) -> TorchNetwork:
    """One of the networks as PyTorch computes it from the file that PyTorch reads: boxes, landmarks, probabilities."""
    nn = torch.nn.functional
    path = installed_file("facenet-pytorch", WEIGHT_FILES[name])
    weights = torch.load(path, map_location="cpu", weights_only=True)
    count = len(TORCH_POOLS[name])

    def layer(function: Callable[..., Any], of: str, x: Any) -> Any:
        return function(x, weights[f"{of}.weight"], weights[f"{of}.bias"])

    def outputs(x: Any) -> tuple[Any, ...]:
        for number, window in enumerate(TORCH_POOLS[name], 1):
            x = nn.prelu(layer(nn.conv2d, f"conv{number}", x), weights[f"prelu{number}.weight"])
            if window:
                x = nn.max_pool2d(x, window, 2, ceil_mode=True)
        if name == "P-Net":
            return layer(nn.conv2d, "conv4_2", x), nn.softmax(layer(nn.conv2d, "conv4_1", x), 1)
        x = layer(nn.linear, f"dense{count + 1}", x.permute(0, 3, 2, 1).flatten(1))
        x = nn.prelu(x, weights[f"prelu{count + 1}.weight"])
        others = [head for head in (2, 3) if f"dense{count + 2}_{head}.weight" in weights]
        rest = tuple(layer(nn.linear, f"dense{count + 2}_{head}", x) for head in others)
        return *rest, nn.softmax(layer(nn.linear, f"dense{count + 2}_1", x), 1)

    return outputs


def torch_networks(torch: Any) -> dict[str, TorchNetwork]:
    """The three networks of facenet-pytorch, or their equivalents if it cannot be imported."""
    package = original_package()
    if package is None:
        return {name: torch_network(torch, name) for name in WEIGHT_FILES}
    return {"P-Net": package.PNet().eval(), "R-Net": package.RNet().eval(), "O-Net": package.ONet().eval()}


def largest_differences(torch: Any, calls: Iterable[Call]) -> dict[tuple[str, str], float]:
    """The largest absolute difference between JAX and PyTorch, for each network and head."""
    networks = torch_networks(torch)
    largest: dict[tuple[str, str], float] = {}
    for call in calls:
        with torch.no_grad():
            tensors = networks[call.network](torch.from_numpy(call.images).permute(0, 3, 1, 2))
        *others, probability = (np.moveaxis(tensor.numpy(), 1, -1) for tensor in tensors)
        for head, values in zip(HEADS, (probability, *others), strict=False):
            if values.shape != call.outputs[head].shape:
                sys.exit(f"{call.network}, {head}: JAX gives {call.outputs[head].shape}, PyTorch {values.shape}.")
            difference = float(np.abs(values - call.outputs[head]).max())
            key = call.network, head
            # NumPy's maximum, since Python's loses NaN.
            largest[key] = float(np.maximum(largest.get(key, 0.0), difference))
    return largest


def face_differences(package: Any, pictures: Mapping[str, np.ndarray], found: Mapping[str, list[Face]]) -> float:
    """How far, in pixels, boxes and landmarks are from those of facenet-pytorch; infinite if the faces are others."""
    detector = package.MTCNN(select_largest=False)
    largest = 0.0
    for name, picture in pictures.items():
        boxes, _, landmarks = detector.detect(picture, landmarks=True)
        if boxes is None or len(boxes) != len(found[name]):
            return float("inf")
        for face, box, points in zip(found[name], boxes, landmarks, strict=True):
            apart = [np.abs(face.box - box).max(), np.abs(face.landmarks - points).max()]
            largest = float(np.max([largest, *apart]))
    return largest


# ------------------------------------------------------------------------------------------------ picture and tables

BOX_COLOR, QUIET = "#facc15", "#52606d"
PICTURE_SIZE = (8.4, 4.9)


def draw_faces(axes: Axes, name: str, picture: np.ndarray, faces: Sequence[Face]) -> None:
    """Draws a picture with the boxes and the landmarks of its faces."""
    axes.imshow(picture, interpolation="antialiased")
    axes.set(xticks=[], yticks=[])
    height, width = picture.shape[:2]
    axes.set_title(name, fontsize=12, fontweight="bold", loc="left")
    axes.set_xlabel(f"{width} \N{MULTIPLICATION SIGN} {height} pixels", fontsize=10, color=QUIET, loc="left")
    for face in faces:
        left, top, right, bottom = (float(edge) for edge in face.box)
        axes.add_patch(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=BOX_COLOR, linewidth=2))
        axes.plot(*face.landmarks.T, "o", color=BOX_COLOR, markersize=6, markeredgecolor="black")
        axes.annotate(
            f"{face.probability:.6f}",
            (left, top),
            (1, 4),
            textcoords="offset points",
            fontsize=9,
            bbox={"facecolor": BOX_COLOR, "edgecolor": BOX_COLOR, "pad": 2},
        )


def write_picture(path: Path, pictures: Mapping[str, np.ndarray], found: Mapping[str, list[Face]]) -> None:
    """Writes the pictures side by side with what was found in them, as a PNG."""
    figure = Figure(figsize=PICTURE_SIZE, dpi=100)
    canvas = FigureCanvasAgg(figure)
    ratios = [picture.shape[1] / picture.shape[0] for picture in pictures.values()]
    cells = figure.add_gridspec(
        1, len(pictures), width_ratios=ratios, left=0.02, right=0.98, top=0.94, bottom=0.05, wspace=0.05
    )
    for column, (name, picture) in enumerate(pictures.items()):
        draw_faces(figure.add_subplot(cells[column]), name, picture, found[name])
    canvas.draw()
    image = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    # With all its colors, a photograph makes a large PNG.
    image.quantize(256, Image.Quantize.MEDIANCUT).save(path, optimize=True)


def face_table(found: Mapping[str, list[Face]], milliseconds: Mapping[str, float]) -> Table:
    """A table with a row for each face."""
    table = Table(box=borders.SIMPLE_HEAD, title="Faces, in pixels from the top left", title_justify="left")
    for heading in ("picture", "box", "probability", "landmarks"):
        table.add_column(heading, no_wrap=True)
    table.add_column("ms", justify="right")
    widest = max(map(len, LANDMARKS))
    for name, faces in found.items():
        for face in faces:
            left, top, right, bottom = face.box
            box = f"{left:.1f}, {top:.1f} to\n{right:.1f}, {bottom:.1f}"
            points = (
                f"{what:{widest}} {x:.1f}, {y:.1f}" for what, (x, y) in zip(LANDMARKS, face.landmarks, strict=True)
            )
            table.add_row(name, box, f"{face.probability:.6f}", "\n".join(points), f"{milliseconds[name]:.0f}")
    return table


def difference_table(calls: Sequence[Call], differences: Mapping[tuple[str, str], float]) -> Table:
    """A table with the largest difference of each head."""
    title = f"Largest differences from PyTorch, at most {ALLOWED_DIFFERENCE:g}"
    table = Table(box=borders.SIMPLE_HEAD, title=title, title_justify="left")
    for heading in ("network", "head", "inputs"):
        table.add_column(heading)
    table.add_column("difference", justify="right")
    for (network, head), difference in differences.items():
        inputs = sum(len(call.images) for call in calls if call.network == network)
        kind = "pictures" if network == "P-Net" else "crops"
        table.add_row(network, head, f"{inputs} {kind}", f"{difference:.1e}")
    return table


# ---------------------------------------------------------------------------------------------------------- the demo


def read_picture(path: Path) -> np.ndarray:
    """A picture as RGB with one byte per color."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def known_pictures() -> dict[str, np.ndarray]:
    """The astronaut of scikit-image, whole, and a part of odd sizes with the face in it."""
    whole = read_picture(installed_file("scikit-image", PICTURE_FILE))
    part = whole[CROP_TOP : CROP_TOP + CROP_HEIGHT, CROP_LEFT : CROP_LEFT + CROP_WIDTH]
    return {"whole": whole, "odd part": part}


def find_faces(networks: Mapping[str, Network], name: str, picture: np.ndarray, console: Console) -> Search:
    """Searches a picture for the first time, which compiles. On a terminal a live bar shows the progress."""
    columns = TextColumn("{task.description}"), BarColumn(bar_width=None), TimeElapsedColumn()
    with Progress(*columns, console=console, expand=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(name, total=None)

        def report(step: str) -> None:
            progress.update(task, advance=1, description=f"{name}: {step}")

        search = Search(networks, picture, report)
        progress.update(task, total=search.steps())
        start = time.perf_counter()
        count = len(search.faces())
        seconds = time.perf_counter() - start
    height, width = picture.shape[:2]
    what = ", ".join(
        f"{network} on {sum(len(call.images) for call in search.calls if call.network == network)}"
        for network in WEIGHT_FILES
    )
    console.print(f"{name}, {width} x {height}: {what}; faces: {count} ({seconds:.1f} s, compilation included)")
    return search


def timed_faces(networks: Mapping[str, Network], picture: np.ndarray) -> tuple[list[Face], float]:
    """The faces of a picture, and the median of the milliseconds that it takes to find them once all is compiled."""
    faces: list[Face] = []
    times: list[float] = []
    for _ in range(TIMED_RUNS):
        start = time.perf_counter()
        faces = Search(networks, picture).faces()
        times.append(1e3 * (time.perf_counter() - start))
    return faces, statistics.median(times)


def compare(
    console: Console, calls: Sequence[Call], pictures: Mapping[str, np.ndarray], found: Mapping[str, list[Face]]
) -> None:
    """Compares with PyTorch if it is there; ends the program if the differences are too large."""
    if importlib.util.find_spec("torch") is None:
        console.print("PyTorch is not installed: nothing to compare with.")
        return
    if not calls:
        console.print("The picture is smaller than any face: nothing to compare.")
        return
    differences = largest_differences(importlib.import_module("torch"), calls)
    console.print(difference_table(calls, differences))
    if not all(difference <= ALLOWED_DIFFERENCE for difference in differences.values()):
        sys.exit(f"The networks differ from PyTorch's by more than {ALLOWED_DIFFERENCE:g}.")
    package = original_package()
    if package is None:
        console.print("facenet-pytorch cannot be imported here: its networks were rebuilt from PyTorch's functions.")
        return
    pixels = face_differences(package, pictures, found)
    console.print(f"Boxes and landmarks differ from those of facenet-pytorch by at most {pixels:.1e} pixels.")
    if not pixels <= ALLOWED_PIXELS:
        sys.exit(f"The faces differ from those of facenet-pytorch by more than {ALLOWED_PIXELS:g} pixels.")


def png_path(text: str) -> Path:
    """A path at which a PNG can be created; checked before the search rather than after."""
    path = Path(text)
    if path.suffix.lower() != ".png":
        raise argparse.ArgumentTypeError(f"must end in .png, got {text}")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"no such folder: {path.parent}")
    return path


def picture_path(text: str) -> Path:
    """The path of a picture; checked before the networks are loaded rather than after."""
    path = Path(text)
    try:
        Image.open(path).close()
    except OSError as error:
        raise argparse.ArgumentTypeError(f"not a picture: {error}") from None
    return path


def parsed_arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description="Finds faces with the three networks of MTCNN.")
    parser.add_argument("--output", type=png_path, default="mtcnn.png", help="PNG to write (default: ./mtcnn.png)")
    parser.add_argument("--picture", type=picture_path, help="picture to search (default: one of an astronaut)")
    return parser.parse_args()


def main() -> None:
    """Runs the demo; ends with an error if a picture has no face or the networks differ from PyTorch's."""
    arguments = parsed_arguments()
    console = Console(highlight=False)
    networks = load_networks()
    chosen: Path | None = arguments.picture
    pictures = known_pictures() if chosen is None else {chosen.name: read_picture(chosen)}
    console.print(f"Searching for faces of {SMALLEST_FACE} pixels or more ({jax.default_backend()})")

    calls: list[Call] = []
    found: dict[str, list[Face]] = {}
    milliseconds: dict[str, float] = {}
    for name, picture in pictures.items():
        calls += find_faces(networks, name, picture, console).calls
        found[name], milliseconds[name] = timed_faces(networks, picture)
    console.print(face_table(found, milliseconds))
    write_picture(arguments.output, pictures, found)
    console.print(f"Picture: {arguments.output}", markup=False, soft_wrap=True)
    compare(console, calls, pictures, found)
    missing = [name for name, faces in found.items() if not faces]
    if missing:
        sys.exit(f"No face was found in: {', '.join(missing)}.")


if __name__ == "__main__":
    main()
