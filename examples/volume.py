"""A U-Net that segments a volume which eight devices share: the same losses as on one device.

Each device has an eighth of the volume and the border elements of its neighbours that convolutions and pools need.
The devices are simulated on the CPU. Run `make volume`, or `python examples/volume.py --help`.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax
from jax.sharding import PartitionSpec as P
from rich.progress import track

import jaxpool

WHOLE, SHARED = (None, None, None), ("depth", "height", None)
SPEC = P(None, *SHARED)
LAYOUT = ("NDHWC", "DHWIO", "NDHWC")
Names = Sequence[str | None]


def volume(size: int) -> tuple[Array, Array]:
    """Balls in noise, and where they are; `(batch, depth, height, width, features)`."""
    rng = np.random.default_rng(0)
    places = np.stack(np.meshgrid(*[np.arange(size)] * 3, indexing="ij"), -1)
    balls = [np.linalg.norm(places - rng.uniform(0, size, 3), axis=-1) < rng.uniform(2, size / 6) for _ in range(12)]
    labels = np.any(balls, 0)[None, ..., None].astype(np.float32)
    return jnp.asarray(labels + rng.normal(0, 0.7, labels.shape).astype(np.float32)), jnp.asarray(labels)


def convolve(x: Array, kernel: Array, names: Names) -> Array:
    """A convolution of 3 x 3 x 3 elements that keeps the sizes of the whole."""
    for axis, name in enumerate(names, start=1):
        x = x if name is None else jaxpool.halo_exchange(x, name, axis=axis, before=1, after=1)
    padding = [(1, 1) if name is None else (0, 0) for name in names]
    return jax.nn.relu(lax.conv_general_dilated(x, kernel, (1, 1, 1), padding, dimension_numbers=LAYOUT))


def pool(x: Array, names: Names) -> Array:
    """Overlapping windows, which reach into the next shard."""
    return jaxpool.max_pool(x, (3, 3, 3), 2, "SAME", spatial_axis_names=None if names == WHOLE else names)


def grow(x: Array) -> Array:
    """Twice the size along each spatial axis."""
    for axis in (1, 2, 3):
        x = jnp.repeat(x, 2, axis)
    return x


def network(kernels: Sequence[Array], x: Array, names: Names) -> Array:
    """Logits of the same sizes as the volume: two levels down, and two up again."""
    first = convolve(x, kernels[0], names)
    second = convolve(pool(first, names), kernels[1], names)
    third = grow(convolve(pool(second, names), kernels[2], names))
    fourth = grow(convolve(jnp.concatenate([second, third], -1), kernels[3], names))
    return convolve(jnp.concatenate([first, fourth], -1), kernels[4], names) @ kernels[5]


def loss_with(names: Names) -> Callable[..., Array]:
    """The mean cross entropy over the volume, or over the volume whose shards devices have."""

    def loss(kernels: Sequence[Array], x: Array, labels: Array) -> Array:
        mean = jnp.mean(optax.sigmoid_binary_cross_entropy(network(kernels, x, names), labels))
        axes = tuple(name for name in names if name is not None)
        return lax.pmean(mean, axes) if axes else mean

    return loss


def train(loss: Callable[..., Array], x: Array, labels: Array, steps: int, title: str) -> list[float]:
    """The losses of so many steps of Adam."""
    widths = [(1, 8), (8, 16), (16, 16), (32, 8), (16, 8)]
    keys = jax.random.split(jax.random.key(0), 6)
    kernels = [0.15 * jax.random.normal(key, (3, 3, 3, *width)) for key, width in zip(keys, widths, strict=False)]
    kernels.append(0.15 * jax.random.normal(keys[5], (8, 1)))
    adam = optax.adam(3e-3)

    @jax.jit
    def step(kernels: list[Array], state: optax.OptState) -> tuple[list[Array], optax.OptState, Array]:
        value, slopes = jax.value_and_grad(loss)(kernels, x, labels)
        updates, state = adam.update(slopes, state)
        return optax.apply_updates(kernels, updates), state, value  # pyright: ignore[reportReturnType]

    state, losses = adam.init(kernels), list[float]()
    for _ in track(range(steps), title):
        kernels, state, value = step(kernels, state)
        losses.append(float(value))
    return losses


def main(argv: Sequence[str] | None = None) -> list[tuple[float, float]]:
    """Train on one device and on eight, and print the losses side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--size", type=int, default=32, help="elements along each axis, a multiple of 16")
    options = parser.parse_args(argv)
    x, labels = volume(options.size)
    mesh = jax.make_mesh((4, 2), ("depth", "height"), axis_types=(jax.sharding.AxisType.Auto,) * 2)
    shared = jax.shard_map(loss_with(SHARED), mesh=mesh, in_specs=(P(), SPEC, SPEC), out_specs=P())
    parts = jax.device_put((x, labels), jax.NamedSharding(mesh, SPEC))
    runs = [(loss_with(WHOLE), x, labels, "one device"), (shared, *parts, "eight devices")]
    losses = list(zip(*(train(loss, x, labels, options.steps, title) for loss, x, labels, title in runs), strict=True))
    for i in range(0, options.steps, max(options.steps // 8, 1)):
        print(f"step {i:3}   one device {losses[i][0]:.6f}   eight devices {losses[i][1]:.6f}")
    print(f"largest difference: {max(abs(a - b) for a, b in losses):.1e}")
    return losses


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", 8)
    main()
