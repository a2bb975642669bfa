"""Saves a small network with pools as one file for CPU, GPU and TPU, and runs it where `jaxpool` is not installed.

`jax.export` writes a function as StableHLO, here with a batch of any size. The file needs JAX and nothing else: in the
second process, an import of `jaxpool` would fail. It reads the file and two batches of different sizes, and writes the
scores, which are compared with those of the network here.

Run `pip install flatbuffers`, then `python examples/serving.py`. The page guide/serving.md goes on to TFLite, ONNX,
IREE and Core ML.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, export

import jaxpool

SIZE, CHANNELS, CLASSES = 32, 16, 10
PLATFORMS = ("cpu", "cuda", "tpu")
LAYOUT = ("NHWC", "HWIO", "NHWC")

# What a server runs. `None` makes Python refuse the library.
SERVER = """
import sys
sys.modules["jaxpool"] = None
import jax.export, numpy as np
model, requests, answers = sys.argv[1:]
with open(model, "rb") as file:
    exported = jax.export.deserialize(bytearray(file.read()))
with np.load(requests) as batches:
    np.savez(answers, *(exported.call(batches[name]) for name in batches.files))
"""


def network(filters: Array, matrix: Array, images: Array) -> Array:
    """Scores of images of shape `(batch, 32, 32, 3)`: a convolution, three pools, a matrix."""
    x = jax.lax.conv_general_dilated(images, filters, (1, 1), "SAME", dimension_numbers=LAYOUT)
    x = jaxpool.max_pool(jax.nn.relu(x), (3, 3), 2, "SAME")
    x = jaxpool.blur_pool(x, (3, 3), 2, 1, padding_mode="REFLECT")
    return jaxpool.global_power_mean_pool(x, p=3.0) @ matrix


def main() -> int:
    """Saves, serves, compares; returns how many scores differ."""
    rng = np.random.default_rng(0)
    filters = jnp.asarray(rng.normal(0, 0.2, (3, 3, 3, CHANNELS)), jnp.float32)
    matrix = jnp.asarray(rng.normal(size=(CHANNELS, CLASSES)), jnp.float32)
    scores = jax.jit(lambda images: network(filters, matrix, images))
    (batch,) = export.symbolic_shape("batch")
    exported = export.export(scores, platforms=PLATFORMS)(jax.ShapeDtypeStruct((batch, SIZE, SIZE, 3), jnp.float32))
    batches = [rng.normal(size=(size, SIZE, SIZE, 3)).astype(np.float32) for size in (1, 5)]
    with tempfile.TemporaryDirectory() as folder:
        model, requests, answers = (Path(folder, name) for name in ("model.bin", "requests.npz", "answers.npz"))
        size = model.write_bytes(exported.serialize())
        print(f"Wrote {size} bytes for {', '.join(PLATFORMS)}, with a batch of any size.")
        np.savez(requests, *batches)
        subprocess.run([sys.executable, "-c", SERVER, model, requests, answers], check=True)
        print("Another process has run it; jaxpool was not imported there.")
        with np.load(answers) as served:
            there = [served[name] for name in served.files]
    wrong = 0
    for images, found in zip(batches, there, strict=True):
        here = np.asarray(scores(images))
        wrong += int((~np.isclose(found, here, rtol=1e-4, atol=1e-5)).sum())
        print(f"Batch of {len(images)}: best scores {found.max(-1).round(3)} there, {here.max(-1).round(3)} here.")
    print(f"{wrong} of {sum(found.size for found in there)} scores differ.")
    return wrong


if __name__ == "__main__":
    sys.exit(main() > 0)
