"""The diagrams of the guide, as SVG files: what they show is computed by the library.

Run `python examples/pictures.py`; it writes into `examples/guide/pictures`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from drawing import CELL, arrow, box, cells, picture, text, window
from pictures_windows import CORNERS, MAP, ceiling, dilation, halved, padding, sliding, strides, winners

import jaxpool
from jaxpool import morphology

Rows = Sequence[Sequence[Any]]
ONE = np.array([[4, 7, 5, 2], [6, 9, 8, 3], [3, 8, 7, 4], [1, 5, 6, 2]], np.float32)


def pair(title: str, before: str, rows: Rows, after: str, results: Rows, kinds: Any = None, **marks: Any) -> str:
    """A map, an arrow and a smaller map."""
    width, height = CELL * len(rows[0]), CELL * len(rows)
    right, low = 30 + width + 90, 45 + (height - CELL * len(results)) / 2
    parts = [text(30 + width / 2, 22, before, "note"), cells(30, 45, rows, kinds)]
    parts += [window(30, 45, *frame) for frame in marks.get("frames", ())]
    parts += [arrow(30 + width + 15, 45 + height / 2, right - 15, 45 + height / 2)]
    parts += [cells(right, low, results, marks.get("found"))]
    out = CELL * len(results[0])
    parts += [text(right + out / 2, low - 23, after, "note")]
    return picture(max(right + out + 40, right + out / 2 + 4 * len(after) + 10), 65 + height, title, parts)


def average() -> str:
    """Means of the same windows."""
    frames = [(row, column, 2, 2) for row, column in CORNERS]
    means = halved(jaxpool.avg_pool).tolist()
    return pair("Average pooling", "a feature map", MAP.tolist(), "means", means, frames=frames)


def whole() -> str:
    """Three maps and their global averages."""
    maps = np.stack([ONE, ONE.T - 1, ONE[::-1] - 1], axis=-1)
    means = np.asarray(jaxpool.global_avg_pool(maps, num_spatial_dims=2))
    parts = [text(250, 20, "three feature maps, one number each", "note")]
    for k, mean in enumerate(means):
        x = 20 + k * 160
        parts += [cells(x, 40, maps[..., k].tolist(), size=34), arrow(x + 68, 182, x + 68, 214)]
        parts += [box(x + 48, 220, 40, 34, "lit"), text(x + 68, 237, float(mean), "on")]
        parts += [text(x + 68, 270, f"{maps[..., k].sum():g} / 16", "note")]
    return picture(500, 285, "Global average pooling of three maps", parts)


def ties() -> str:
    """Equal maxima and NaN: who has the index and the gradient."""
    tie, nan = np.array([[2.0, 5.0], [5.0, 5.0]], np.float32), np.array([[2.0, np.nan], [9.0, np.nan]], np.float32)
    parts: list[str] = []
    for k, (name, x, note) in enumerate((("ties", tie, "the first of equals"), ("NaN", nan, "the first NaN"))):
        left = 30 + 330 * k
        value, index = (result.item() for result in halved(jaxpool.max_pool_with_argmax, x))
        gradient = jax.grad(lambda x: halved(jaxpool.max_pool, x).sum())(jnp.asarray(x))
        parts += [text(left + 40, 22, name, "name"), cells(left, 40, x.tolist(), {divmod(index, 2): "lit"})]
        parts += [arrow(left + 90, 80, left + 120, 80), cells(left + 130, 60, [[value]], {(0, 0): "lit"})]
        parts += [text(left + 150, 45, "value", "note")]
        parts += [cells(left + 205, 40, gradient.tolist(), {divmod(index, 2): "lit"})]
        parts += [text(left + 245, 22, "gradient", "note"), text(left + 130, 140, f"{note}, index {index}", "note")]
    return picture(660, 160, "Ties and NaN in max pooling", parts)


def unpooling() -> str:
    """Maxima and their indices, put back."""
    values, indices = halved(jaxpool.max_pool_with_argmax)
    back = jaxpool.max_unpool(values, indices, (2, 2), 2, channel_axis=None)
    lit = dict.fromkeys(winners(), "lit")
    parts = [text(110, 22, "pooled", "note"), cells(30, 45, MAP.tolist(), lit), arrow(200, 125, 232, 125)]
    parts += [text(285, 55, "values", "note"), cells(245, 70, values.tolist(), lambda *_: "lit")]
    parts += [text(285, 252, "indices", "note"), cells(245, 160, indices.tolist()), arrow(338, 125, 370, 125)]
    parts += [text(465, 22, "unpooled", "note"), cells(385, 45, back.tolist(), lit)]
    return picture(575, 270, "Max unpooling", parts)


def power() -> str:
    """The power mean of 1 and 7 over its exponent."""
    exponents = 2.0 ** np.linspace(0, 5, 41)
    means = [float(jaxpool.power_mean_pool(jnp.array([1.0, 7.0]), (2,), p=p, channel_axis=None)[0]) for p in exponents]

    def place(p: float, mean: float) -> tuple[float, float]:
        return 60 + 66 * float(np.log2(p)), 200 - 50 * (mean - 4)

    points = " ".join("{:.1f},{:.1f}".format(*place(p, mean)) for p, mean in zip(exponents, means, strict=True))
    parts = [f'<path d="M60 200H400M60 50H400" class="pad"/><polyline points="{points}" class="window"/>']
    parts += [text(440, 200, "mean: 4", "note"), text(440, 50, "max: 7", "note")]
    for p in (1, 3, 8, 32):
        mean = float(jaxpool.power_mean_pool(jnp.array([1.0, 7.0]), (2,), p=p, channel_axis=None)[0])
        x, y = place(p, mean)
        parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" class="badge"/>', text(x, 222, f"p = {p}", "note")]
        parts += [text(x + 4, y - 16, mean)] if p > 1 else []
    return picture(490, 240, "The power mean of 1 and 7 by its exponent", parts)


def softmax() -> str:
    """The weights of one window from the mean to the maximum."""
    x = np.array([1.0, 2.0, 4.0, 3.0], np.float32)
    rows = [("average", 0.0), ("beta = 1", 1.0), ("beta = 3", 3.0), ("maximum", None)]
    parts = [text(10, 25, "window", "left note"), cells(120, 8, [x.tolist()], size=34)]
    for k, (name, beta) in enumerate(rows):
        weights = np.eye(4)[2] if beta is None else np.asarray(jax.nn.softmax(beta * x))
        value = x.max() if beta is None else jaxpool.softmax_pool(x, (4,), beta=beta, channel_axis=None)[0]
        y = 62 + 58 * k
        parts += [text(10, y + 22, name, "left"), text(310, y + 22, f"{float(value):.2f}", "name")]
        for j, weight in enumerate(weights):
            tall = 42 * float(weight)
            parts.append(box(124 + 34 * j, y + 43 - tall, 26, max(tall, 0.5), "badge"))
        parts.append(f'<path d="M120 {y + 44}H256" class="arrow"/>')
    parts.append(text(310, 25, "result", "note"))
    return picture(350, 300, "Weights of softmax pooling", parts)


def order() -> str:
    """A window in its order: what each pool takes of it."""
    x = np.array([4.0, 9.0, 1.0, 7.0, 3.0], np.float32)
    whole: dict[str, Any] = {"window_shape": (5,), "channel_axis": None}
    rows = [
        ("median_pool", jaxpool.median_pool(x, **whole), {2}),
        ("quantile_pool, q = 0.25", jaxpool.quantile_pool(x, q=0.25, **whole), {1}),
        ("rank_pool, rank = -2", jaxpool.rank_pool(x, rank=-2, **whole), {3}),
        ("topk_pool, k = 2", jaxpool.topk_pool(x, k=2, **whole), {3, 4}),
    ]
    parts = [text(100, 20, "window", "note"), cells(15, 36, [x.tolist()], size=34)]
    parts += [text(380, 20, "sorted", "note"), arrow(200, 53, 280, 53), cells(295, 36, [np.sort(x).tolist()], size=34)]
    for k, (name, value, taken) in enumerate(rows):
        y = 90 + 44 * k
        lit = {(0, i): "lit" for i in taken}
        parts += [text(15, y + 17, name, "left"), cells(295, y, [np.sort(x).tolist()], lit, 34)]
        parts.append(text(500, y + 17, float(value[0]), "name"))
    return picture(530, 270, "Order statistics of a window", parts)


def adaptive() -> str:
    """Seven elements in three bins."""
    bins = [(i * 7 // 3, -(-(i + 1) * 7 // 3)) for i in range(3)]
    means = jaxpool.adaptive_avg_pool(jnp.arange(7.0), (3,), channel_axis=None)
    parts = [cells(30, 20, [list(range(7))])]
    for k, ((start, stop), mean) in enumerate(zip(bins, means, strict=True)):
        y = 75 + 16 * k
        parts.append(box(30 + start * CELL + 3, y, (stop - start) * CELL - 6, 8, "badge"))
        middle = 30 + (start + stop) / 2 * CELL
        parts += [arrow(middle, 125, middle, 148), cells(middle - 20, 152, [[float(mean)]], {(0, 0): "lit"})]
    parts.append(text(170, 212, "bins share their ends", "note"))
    return picture(340, 230, "Adaptive average pooling of 7 elements into 3 bins", parts)


def regions() -> str:
    """A box of a detector: its bins and their samples."""
    unit = 44
    x, y, wide, high = 30 + 0.8 * unit, 40 + 1.2 * unit, 3.6 * unit, 2.4 * unit
    parts = [text(160, 20, "a box, 2 by 2 bins, 4 samples in each", "note"), cells(30, 40, [[""] * 6] * 5, size=unit)]
    parts += [box(x, y, wide, high, "window"), f'<path d="M{x + wide / 2:g} {y:g}v{high:g}" class="window"/>']
    parts.append(f'<path d="M{x:g} {y + high / 2:g}h{wide:g}" class="window"/>')
    for i in range(4):
        for j in range(4):
            parts.append(
                f'<circle cx="{x + (j + 0.5) * wide / 4:g}" cy="{y + (i + 0.5) * high / 4:g}" r="5" class="lit"/>'
            )
    parts += [arrow(310, 150, 350, 150), cells(365, 110, [["", ""], ["", ""]], lambda *_: "lit")]
    parts.append(text(405, 210, "means of samples", "note"))
    return picture(480, 275, "RoIAlign: a box becomes a small map", parts)


def segments() -> str:
    """Three sets of different sizes in one array."""
    x, ids = np.array([1, 3, 5, 2, 4, 9], np.float32), np.array([0, 0, 1, 1, 1, 2])
    values = jaxpool.segment_max_pool(x, ids, 3)
    kinds = {(0, i): ("cell", "part", "lit")[k] for i, k in enumerate(ids)}
    parts = [text(60, 45, "inputs", "note"), cells(120, 25, [x.tolist()], kinds)]
    parts += [text(60, 85, "segment_ids", "note"), cells(120, 65, [ids.tolist()], kinds)]
    for k, value in enumerate(values):
        middle = 120 + CELL * (np.flatnonzero(ids == k).mean() + 0.5)
        parts += [arrow(middle, 112, middle, 136)]
        parts += [cells(middle - 20, 140, [[float(value)]], {(0, 0): ("cell", "part", "lit")[k]})]
    parts.append(text(60, 160, "maxima", "note"))
    return picture(385, 200, "Segment max pooling of three sets", parts)


def masks() -> str:
    """Two padded sequences, their mask, and the masked means."""
    rows = np.array([[2.0, 4.0, 6.0, 8.0], [3.0, 5.0, 0.0, 0.0]], np.float32)
    mask = np.asarray(jaxpool.mask_from_lengths(jnp.array([4, 2]), 4))
    means = jaxpool.global_avg_pool(rows, num_spatial_dims=1, channel_axis=None, where=mask)
    parts = [text(110, 22, "two sequences, padded", "note")]
    parts.append(cells(30, 45, rows.tolist(), lambda i, j: "cell" if mask[i, j] else "pad"))
    parts += [arrow(205, 85, 245, 85), text(325, 22, "masked mean", "note"), text(435, 22, "plain mean", "note")]
    for i, (right, wrong) in enumerate(zip(means, rows.mean(1), strict=True)):
        parts += [cells(305, 45 + CELL * i, [[float(right)]], {(0, 0): "lit"})]
        parts += [cells(415, 45 + CELL * i, [[float(wrong)]])]
    return picture(490, 145, "A mask leaves padding out", parts)


def haar() -> str:
    """A block and its four bands."""
    block = np.array([[1.0, 2.0], [3.0, 6.0]], np.float32)
    bands = np.asarray(jaxpool.haar_pool(block[..., None], num_spatial_dims=2)).ravel()
    back = jaxpool.haar_unpool(bands[None, None], num_spatial_dims=2)[..., 0]
    parts = [text(70, 22, "a block", "note"), cells(30, 45, block.tolist()), arrow(120, 85, 150, 85)]
    for k, (name, value) in enumerate(zip(("LL", "HL", "LH", "HH"), bands, strict=True)):
        parts += [cells(165 + 55 * k, 65, [[float(value)]], {(0, 0): "lit"}), text(185 + 55 * k, 50, name, "note")]
    parts += [arrow(385, 85, 415, 85), text(470, 22, "and back", "note"), cells(430, 45, back.tolist())]
    return picture(540, 145, "Haar pooling loses nothing", parts)


def pyramid() -> str:
    """Three grids over one plane."""
    shape = jaxpool.pyramid_pool(jnp.zeros((1, 8, 8, 1)), (1, 2, 4)).shape
    parts: list[str] = []
    for k, count in enumerate((1, 2, 4)):
        left = 20 + 155 * k
        parts += [cells(left, 40, [[""] * count] * count, lambda *_: "part", 120 / count)]
        parts += [text(left + 60, 22, f"{count} by {count}", "note")]
        parts += [arrow(left + 60, 168, left + 60, 190)]
        parts += [text(left + 60, 205, "1 number" if count == 1 else f"{count * count} numbers")]
    parts.append(text(235, 235, f"{shape[-1]} numbers per feature, whatever the size of the plane", "note"))
    return picture(470, 255, "Pyramid pooling", parts)


def shapes() -> str:
    """A binary shape after the operators of morphology."""
    rows = np.zeros((7, 7), np.float32)
    rows[2:5, 1:5] = 1
    rows[3, 5] = rows[0, 6] = 1
    operators: dict[str, Callable[..., Any]] = {
        "inputs": lambda x, _: x,
        "dilation": morphology.dilation,
        "erosion": morphology.erosion,
        "opening": morphology.opening,
        "closing": morphology.closing,
    }
    parts: list[str] = []
    for k, (name, operator) in enumerate(operators.items()):
        x = 15 + 135 * k
        found = rows if k == 0 else np.asarray(operator(rows[..., None], (3, 3)))[..., 0]
        blank = np.full(rows.shape, "").tolist()
        kinds = {(i, j): "lit" if found[i, j] else "cell" for i in range(7) for j in range(7)}
        parts += [text(x + 56, 20, name, "note"), cells(x, 36, blank, kinds, 16)]
    return picture(685, 160, "Morphology with windows of 3 by 3", parts)


def chance() -> str:
    """The window of stochastic pooling with its chances."""
    x = np.array([0.0, 2.0, 3.0, 5.0], np.float32)
    mean = jaxpool.stochastic_pool(x, None, (4,), deterministic=True, channel_axis=None)[0]
    parts = [text(60, 45, "window", "note"), cells(120, 25, [x.tolist()]), text(60, 95, "chance", "note")]
    for j, share in enumerate(x / x.sum()):
        parts += [box(124 + CELL * j, 140 - 60 * float(share), 32, max(60 * float(share), 0.5), "badge")]
        parts += [text(140 + CELL * j, 155, f"{share:.0%}", "note")]
    parts += [
        text(310, 45, "in training: one of them, drawn", "left"),
        text(310, 95, f"in inference: {float(mean):.3g}", "left"),
    ]
    return picture(550, 175, "Stochastic pooling", parts)


def layers() -> str:
    """A layer with parameters: scores, softmax, a weighted mean."""
    parts = [text(75, 22, "tokens", "note"), cells(20, 45, [["", "", ""]] * 4, lambda *_: "part", 36)]
    parts += [arrow(140, 75, 190, 60), box(195, 40, 110, 40, "lit"), text(250, 60, "scores", "on")]
    parts += [arrow(250, 86, 250, 112), box(195, 115, 110, 40, "cell"), text(250, 135, "softmax")]
    parts += [arrow(140, 165, 350, 165), arrow(310, 135, 350, 150), box(355, 135, 130, 40, "cell")]
    parts += [text(420, 155, "weighted mean"), arrow(420, 181, 420, 202)]
    parts += [
        cells(366, 206, [["", "", ""]], lambda *_: "part", 36),
        text(195, 224, "parameters are in the scores", "note"),
    ]
    return picture(510, 255, "Attention pooling as a layer", parts)


def segnet() -> str:
    """An encoder and a decoder that share indices."""
    parts: list[str] = []
    names = ("conv", "pool", "conv", "pool", "unpool", "conv", "unpool", "conv")
    heights = (130, 90, 90, 55, 90, 90, 130, 130)
    for k, (name, tall) in enumerate(zip(names, heights, strict=True)):
        x, kind = 20 + 78 * k, "lit" if "pool" in name else "part"
        parts += [box(x, 105 - tall / 2 + 30, 46, tall, kind), text(x + 23, 218, name, "note")]
        parts += [arrow(x + 50, 135, x + 74, 135)] if k < 7 else []
    for start, end, high in ((1, 6, 25), (3, 4, 60)):
        x, to = 20 + 78 * start + 23, 20 + 78 * end + 23
        stop = 135 - heights[end] / 2 - 12
        parts.append(f'<path d="M{x} {135 - heights[start] / 2 - 4:g}V{high}H{to}V{stop:g}" class="back"/>')
        parts.append(f'<polygon points="{to},{stop + 10:g} {to - 6},{stop:g} {to + 6},{stop:g}" class="badge"/>')
    parts.append(text(332, 12, "indices of the maxima", "note"))
    return picture(630, 235, "SegNet: indices go from the encoder to the decoder", parts)


PICTURES: dict[str, Callable[[], str]] = {
    "sliding": lambda: sliding(moving=True),
    "sliding-still": lambda: sliding(moving=False),
    **{made.__name__: made for made in (average, whole, ties, strides, padding, ceiling, dilation, unpooling, power)},
    **{made.__name__: made for made in (softmax, order, adaptive, regions, segments, masks, haar, pyramid, shapes)},
    **{made.__name__: made for made in (chance, layers, segnet)},
}


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    folder = Path(__file__).with_name("guide") / "pictures"
    parser.add_argument("--output", type=Path, default=folder, metavar="FOLDER")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    for name, drawn in PICTURES.items():
        (options.output / f"{name}.svg").write_text(drawn())
    print(f"{len(PICTURES)} pictures in {options.output}")


if __name__ == "__main__":
    main()
