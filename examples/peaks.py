"""Finds coins as CenterNet finds objects: a network draws a heat map, and its peaks are the centres.

The network learns from the upper half of a photograph, which lies in the wheel of scikit-image, and is tested on the
twelve coins of the lower half. `local_maxima` takes the place of all suppression of neighbours, and `kmax_pool` keeps
the best peaks (Zhou et al., "Objects as points", 2019). Nothing is downloaded. Run `make peaks`, or
`pip install --no-deps scikit-image`, then `python examples/peaks.py`.
"""

import importlib.metadata

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array
from PIL import Image
from rich.progress import track

import jaxpool
from jaxpool.nnx import MaxPool

STRIDE, HALF, MOST, SURE = 8, 152, 16, 0.3
# The centres of the coins, (x, y) in pixels, read off the picture by eye.
ROW_1 = [(44, 54), (100, 56), (155, 50), (215, 51), (276, 52), (335, 43)]
ROW_2 = [(45, 124), (103, 126), (154, 127), (206, 124), (270, 119), (337, 124)]
ROW_3 = [(44, 197), (102, 195), (154, 198), (212, 193), (273, 194), (347, 186)]
ROW_4 = [(46, 260), (114, 265), (172, 261), (244, 263), (301, 263), (358, 268)]


def read_picture() -> Array:
    """The photograph, `(1, height, width, 1)`: how far each pixel is from the mean around it, in deviations."""
    path = importlib.metadata.distribution("scikit-image").locate_file("skimage/data/coins.png")
    x = jnp.asarray(np.asarray(Image.open(str(path)), np.float32)[None, :296, :, None])
    mean = jaxpool.avg_pool(x, (61, 61), 1, "SAME", count_include_pad=False)
    return (x - mean) / jaxpool.std_pool(x, (61, 61), 1, "SAME")


def heat_around(centers: list[tuple[int, int]], height: int, width: int) -> Array:
    """The heat map to learn, an eighth as high and wide: 1 at every centre, less around it."""
    y, x = jnp.mgrid[: height // STRIDE, : width // STRIDE] * float(STRIDE) + STRIDE / 2
    return jnp.stack([jnp.exp(-((x - a) ** 2 + (y - b) ** 2) / 128) for a, b in centers]).max(0)[None, ..., None]


def heat_network(rngs: nnx.Rngs) -> nnx.Sequential:
    """The logits of a heat map: a convolution and two max pools halve the size, and the last ones see a whole coin."""
    low = nnx.Conv(1, 8, (5, 5), strides=2, rngs=rngs), nnx.gelu, MaxPool((2, 2), 2), nnx.Conv(8, 16, (3, 3), rngs=rngs)
    high = nnx.gelu, MaxPool((2, 2), 2), nnx.Conv(16, 16, (5, 5), rngs=rngs), nnx.gelu
    return nnx.Sequential(*low, *high, nnx.Conv(16, 16, (5, 5), rngs=rngs), nnx.gelu, nnx.Linear(16, 1, rngs=rngs))


def peaks(heat: Array) -> list[tuple[float, float, float]]:
    """The best peaks of a heat map, row by row: x and y in pixels, and the heat."""
    score = jnp.where(jaxpool.local_maxima(heat, (3, 3), plateau="first") & (heat > SURE), heat, 0.0)
    best, _ = jaxpool.kmax_pool(score.reshape(-1, 1), k=MOST)
    places = np.argwhere(np.asarray(score[0, ..., 0] >= jnp.maximum(best.min(), SURE)))
    return [((x + 0.5) * STRIDE, (y + 0.5) * STRIDE, float(score[0, y, x, 0])) for y, x in places.tolist()]


def main(steps: int = 100, seed: int = 0) -> list[tuple[float, float, float]]:
    """Learns from the upper half, and returns what coins it finds in the lower one: x and y, and the heat."""
    picture, network = read_picture(), heat_network(nnx.Rngs(seed))
    upper = picture[:, :HALF], heat_around(ROW_1 + ROW_2, HALF, picture.shape[2])
    images, heats = (jnp.concatenate([x, x[:, ::-1], x[:, :, ::-1], x[:, ::-1, ::-1]]) for x in upper)
    optimizer = nnx.Optimizer(network, optax.adam(optax.cosine_decay_schedule(5e-3, steps)), wrt=nnx.Param)
    slopes = nnx.grad(lambda network: optax.sigmoid_binary_cross_entropy(network(images), heats).mean())
    step = nnx.jit(lambda network, optimizer: optimizer.update(network, slopes(network)))
    for _ in track(range(steps), "learning from the upper half"):
        step(network, optimizer)
    found = [(x, y + HALF, heat) for x, y, heat in peaks(nnx.sigmoid(network(picture[:, HALF:])))]
    for x, y, heat in found:
        away = min(np.hypot(x - left, y - top) for left, top in ROW_3 + ROW_4)
        print(f"coin at x {x:3.0f}, y {y:3.0f}: heat {heat:.2f}, {away:4.1f} pixels from the known centre")
    print(f"{len(found)} coins were found. There are {len(ROW_3 + ROW_4)}, with radii of 18 pixels and more.")
    return found


if __name__ == "__main__":
    main()
