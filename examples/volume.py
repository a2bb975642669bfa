"""A U-Net that segments a volume which eight devices share: the same losses as on one device.

Each device, simulated on the CPU, has an eighth of the volume and the border elements of its neighbours that it needs.
Run `make volume`, or `python examples/volume.py`.
"""

import functools
from collections.abc import Callable, Sequence

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax
from jax.sharding import PartitionSpec as P
from rich.progress import track

import jaxpool

WHOLE, SHARED, LAYOUT = (None,) * 3, ("depth", "height", None), ("NDHWC", "DHWIO", "NDHWC")
SHAPES = [(3, 3, 3, *width) for width in ((1, 8), (8, 16), (16, 16), (32, 8), (16, 8))] + [(8, 1)]


def volume(size: int) -> tuple[Array, Array]:
    """Balls in noise, and where they are; `(batch, depth, height, width, features)`."""
    rng, places = np.random.default_rng(0), np.moveaxis(np.indices((size,) * 3), 0, -1)
    balls = [np.linalg.norm(places - rng.uniform(0, size, 3), axis=-1) < rng.uniform(2, size / 6) for _ in range(12)]
    labels = np.any(balls, 0)[None, ..., None].astype(np.float32)
    return jnp.asarray(labels + rng.normal(0, 0.7, labels.shape).astype(np.float32)), jnp.asarray(labels)


def convolve(x: Array, kernel: Array, names: Sequence[str | None]) -> Array:
    """A convolution of 3 x 3 x 3 elements that keeps the sizes of the whole."""
    for axis, name in enumerate(names, start=1):
        x = x if name is None else jaxpool.halo_exchange(x, name, axis=axis, before=1, after=1)
    padding = [(1, 1) if name is None else (0, 0) for name in names]
    return jax.nn.relu(lax.conv_general_dilated(x, kernel, (1, 1, 1), padding, dimension_numbers=LAYOUT))


def loss(kernels: Sequence[Array], x: Array, labels: Array, names: Sequence[str | None]) -> Array:
    """The mean cross entropy of a network two levels deep. Windows of its pools reach into the next shard."""
    shared, grow = None if names == WHOLE else names, functools.partial(jnp.kron, b=jnp.ones((1, 2, 2, 2, 1)))
    pool = functools.partial(jaxpool.max_pool, window_shape=(3, 3, 3), strides=2, padding="SAME")
    first = convolve(x, kernels[0], names)
    second = convolve(pool(first, spatial_axis_names=shared), kernels[1], names)
    third = grow(convolve(pool(second, spatial_axis_names=shared), kernels[2], names))
    fourth = grow(convolve(jnp.concatenate([second, third], -1), kernels[3], names))
    logits = convolve(jnp.concatenate([first, fourth], -1), kernels[4], names) @ kernels[5]
    mean = jnp.mean(optax.sigmoid_binary_cross_entropy(logits, labels))
    return mean if shared is None else lax.pmean(mean, ("depth", "height"))


def train(loss: Callable[..., Array], x: Array, labels: Array, steps: int, title: str) -> list[float]:
    """The losses of so many steps of gradient descent."""
    keys, adam = jax.random.split(jax.random.key(0), len(SHAPES)), optax.adam(3e-3)
    kernels = [0.15 * jax.random.normal(key, shape) for key, shape in zip(keys, SHAPES, strict=True)]
    state, slopes_of, losses = adam.init(kernels), jax.jit(jax.value_and_grad(loss)), list[float]()
    for _ in track(range(steps), title):
        value, slopes = slopes_of(kernels, x, labels)
        updates, state = jax.jit(adam.update)(slopes, state)
        kernels, losses = jax.tree.map(jnp.add, kernels, updates), [*losses, float(value)]
    return losses


def main(steps: int = 40, size: int = 32) -> np.ndarray:
    """Train on one device and on eight, and print the losses side by side; the size is a multiple of 16."""
    data, spec = volume(size), P(None, *SHARED)
    mesh = jax.make_mesh((4, 2), ("depth", "height"), axis_types=(jax.sharding.AxisType.Auto,) * 2)
    shared = jax.shard_map(functools.partial(loss, names=SHARED), mesh=mesh, in_specs=(P(), spec, spec), out_specs=P())
    runs = (functools.partial(loss, names=WHOLE), "one device"), (shared, "eight devices")
    losses = np.transpose([train(loss, *data, steps, title) for loss, title in runs])
    for step in range(0, steps, max(steps // 8, 1)):
        print(f"step {step:3}   one device {losses[step, 0]:.6f}   eight devices {losses[step, 1]:.6f}")
    print(f"largest difference: {np.abs(losses[:, 0] - losses[:, 1]).max():.1e}")
    return losses


if __name__ == "__main__":
    jax.config.update("jax_num_cpu_devices", 8)
    main()
