"""One photograph through the whole family: what each pool makes of it, and which pixels get a gradient.

The picture lies in the wheel of scikit-image. It is read from where it is installed; nothing is downloaded.

Run `pip install matplotlib pillow rich` and `pip install --no-deps scikit-image`, then `python examples/gallery.py`.
"""

from __future__ import annotations

import argparse
import functools
import importlib.metadata
import sys
from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from rich.progress import track

import jaxpool
from jaxpool import morphology

PICTURE, LEFT, TOP, SIZE = "astronaut.png", 96, 0, 256
# The crop is read at half its size, so that one window of 4 by 4 can be seen.
PIXELS = 128
WINDOW = (4, 4)
COLUMNS = 6
KEY = jax.random.key(0)

Pool = Callable[[Array], Array]


def windows(pool: Callable[..., Array], **options: object) -> Pool:
    """A pool of windows of 4 by 4 that do not overlap."""
    return functools.partial(pool, window_shape=WINDOW, strides=4, **options)


def bands(x: Array) -> Array:
    """The four maps of a Haar transform as one plane."""
    low, across, down, both = jnp.split(jaxpool.haar_pool(x), 4, -1)
    return jnp.concatenate([jnp.concatenate([low / 2, across], 2), jnp.concatenate([down, both], 2)], 1)


def there_and_back(x: Array) -> Array:
    """Maxima, put back at their places."""
    values, indices = jaxpool.max_pool_with_argmax(x, WINDOW, 4)
    return jaxpool.max_unpool(values, indices, WINDOW, 4)


def face(x: Array) -> Array:
    """The face, as a detector cuts it out."""
    return jaxpool.roi_align(x, jnp.array([[0.0, 45.0, 5.0, 100.0, 85.0]]), (32, 32), aligned=True)


FAMILY: dict[str, Pool] = {
    "global_avg_pool": functools.partial(jaxpool.global_avg_pool, keepdims=True),
    "global_max_pool": functools.partial(jaxpool.global_max_pool, keepdims=True),
    "max_pool": windows(jaxpool.max_pool),
    "min_pool": windows(jaxpool.min_pool),
    "avg_pool": windows(jaxpool.avg_pool),
    "lp_pool, p = 2": lambda x: windows(jaxpool.lp_pool, p=2)(x) / 4,
    "power_mean_pool, p = 6": windows(jaxpool.power_mean_pool, p=6),
    "softmax_pool, beta = 10": windows(jaxpool.softmax_pool, beta=10),
    "lse_pool, beta = 10": windows(jaxpool.lse_pool, beta=10),
    "mixed_pool": windows(jaxpool.mixed_pool),
    "gated_pool": windows(jaxpool.gated_pool, weights=np.linspace(-3, 3, 16, dtype=np.float32).reshape(4, 4, 1)),
    "weighted_avg_pool, by brightness": lambda x: windows(jaxpool.weighted_avg_pool, weights=x)(x),
    "ada_pool": windows(jaxpool.ada_pool),
    "detail_preserving_pool": functools.partial(jaxpool.detail_preserving_pool, window_shape=WINDOW),
    "gaussian_pool, normalized": windows(jaxpool.gaussian_pool, sigma=0.4, normalize=True),
    "blur_pool 8x8": functools.partial(jaxpool.blur_pool, window_shape=(8, 8), strides=4, padding=2),
    "spectral_pool": functools.partial(jaxpool.spectral_pool, output_size=(32, 32)),
    "haar_pool": bands,
    "median_pool": windows(jaxpool.median_pool),
    "quantile_pool, q = 0.1": windows(jaxpool.quantile_pool, q=0.1),
    "topk_pool, k = 4": windows(jaxpool.topk_pool, k=4),
    "stochastic_pool": windows(jaxpool.stochastic_pool, key=KEY),
    "std_pool": windows(jaxpool.std_pool),
    "rank_pool, the second smallest": windows(jaxpool.rank_pool, rank=1),
    "local_maxima 9x9": functools.partial(jaxpool.local_maxima, window_shape=(9, 9)),
    "fractional_max_pool": functools.partial(
        jaxpool.fractional_max_pool, key=KEY, output_size=(40, 40), window_shape=(3, 3)
    ),
    "adaptive_avg_pool, 24 x 12": functools.partial(jaxpool.adaptive_avg_pool, output_size=(24, 12)),
    "adaptive_max_pool, rows": functools.partial(jaxpool.adaptive_max_pool, output_size=(32, 1)),
    "corner_pool, left": functools.partial(jaxpool.corner_pool, direction="left"),
    "roi_align": face,
    "max_unpool of max_pool": there_and_back,
    "morphology.opening 5x5": functools.partial(morphology.opening, window_shape=(5, 5)),
    "morphology.dilation 5x5": functools.partial(morphology.dilation, window_shape=(5, 5)),
    "morphology.soft_skeleton": morphology.soft_skeleton,
    "morphology.morphological_gradient": functools.partial(morphology.morphological_gradient, window_shape=(3, 3)),
}


def photograph() -> np.ndarray:
    """A square of grey values between 0 and 1."""
    try:
        files = importlib.metadata.files("scikit-image") or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    path = next((Path(str(file.locate())) for file in files if file.name == PICTURE), None)
    if path is None or not path.is_file():
        sys.exit(f"{PICTURE} was not found; it comes with `pip install --no-deps scikit-image`.")
    crop = Image.open(path).convert("L").crop((LEFT, TOP, LEFT + SIZE, TOP + SIZE)).resize((PIXELS, PIXELS))
    return np.asarray(crop, np.float32) / 255


def seen(pool: Pool, picture: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """The output of a pool, and the gradient of the sum of its squares; None where it has none."""
    x = jnp.asarray(picture)[None, :, :, None]
    output = jax.jit(pool)(x)
    if not jnp.issubdtype(output.dtype, jnp.floating):
        return np.asarray(output[0, ..., 0]), None
    gradient = jax.jit(jax.grad(lambda x: jnp.sum(pool(x) ** 2) / 2))(x)
    return np.asarray(output[0, ..., 0]), np.asarray(gradient[0, ..., 0])


def draw(picture: np.ndarray, path: Path) -> None:
    """Each pool's output, and beside it the picture's gradient."""
    cells = {"photograph": (picture, None)}
    cells |= {name: seen(pool, picture) for name, pool in track(FAMILY.items(), "pooling", len(FAMILY))}
    rows = -(-len(cells) // COLUMNS)
    figure = Figure(figsize=(3.1 * COLUMNS, 1.85 * rows), dpi=75)
    canvas = FigureCanvasAgg(figure)
    grid = figure.add_gridspec(rows, COLUMNS, left=0.01, right=0.99, top=0.965, bottom=0.01, wspace=0.06, hspace=0.2)
    for place, (name, (output, gradient)) in enumerate(cells.items()):
        left, right = (figure.add_subplot(half) for half in grid[place].subgridspec(1, 2, wspace=0.04))
        left.set_title(name, loc="left", fontsize=10)
        image = left.imshow(output, cmap="gray", aspect="auto")
        if output.size == 1:
            image.set_clim(0, 1)
        if gradient is not None:
            bound = float(np.quantile(np.abs(gradient), 0.995)) or 1.0
            right.imshow(gradient, cmap="RdBu_r", vmin=-bound, vmax=bound)
        for axes in (left, right):
            axes.set_axis_off()
    canvas.draw()
    pixels = Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3])
    pixels.quantize(256, Image.Quantize.MEDIANCUT).save(path, optimize=True)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("gallery.png"), metavar="FILE.png")
    options = parser.parse_args()
    draw(photograph(), options.output)
    print(f"{len(FAMILY)} pools in {options.output}: outputs, and gradients of half the sum of their squares.")


if __name__ == "__main__":
    main()
