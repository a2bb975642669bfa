"""Attention pooling with trained weights: Smart Turn, a network that hears whether a speaker has finished.

The encoder of Whisper makes 400 vectors of eight seconds of sound. `AttentionPool` makes one of these, and a small
classifier the probability that nothing more is to come. The trained weights lie in the wheel of pipecat-ai, the speech
in that of useful-moonshine-onnx. Nothing of either is imported, and nothing is downloaded.

The file holds weights of 8 bits with their scales; here they are float32. It also rounds what flows between its layers
to 8 bits, and this network does not. So its probabilities are not quite those of the file, which themselves depend on
the optimizations of the runtime. `tests/test_turns.py` compares every stage with the file without that rounding.

Run `pip install onnx` and `pip install --no-deps pipecat-ai==1.14.0 useful-moonshine-onnx`, then
`python examples/turns.py`.
"""

from __future__ import annotations

import functools
import importlib.metadata
import sys
import wave
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import onnx
from flax import nnx
from jax import Array
from onnx import numpy_helper

from jaxpool.nnx import AttentionPool

MODEL = "pipecat-ai", "smart-turn-v3.2-cpu.onnx"
SPEECH = "useful-moonshine-onnx", "beckett.wav"
RATE, SECONDS, FRAMES = 16_000, 8, 50
FEATURES, HEADS, BLOCKS = 384, 6, 4
# Where the recording is cut, in seconds, and what is there. The network is not everywhere as sure as at these.
CUTS = {3.5: "a pause between phrases", 5.25: "within a phrase", 8.5: "within a phrase", 9.96: "the end"}

# What the file calls the parts of this network, wherever it has another name.
POOL = {"pool": "pool_attention", "hidden": "0", "score": "2"}
ATTENTION = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "out": "out_proj"}
THEIRS = {**POOL, **ATTENTION, "kernel": "weight", "scale": "weight"}
MATRICES = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.out_proj", "fc1", "fc2")

gelu = functools.partial(nnx.gelu, approximate=False)


def installed_file(distribution: str, name: str) -> Path:
    """A file of an installed package; ends the program with the remedy if it is not there."""
    try:
        found = [file for file in importlib.metadata.files(distribution) or () if file.name == name]
    except importlib.metadata.PackageNotFoundError:
        found = []
    if not found:
        sys.exit(f"{name} was not found; it comes with `pip install --no-deps {distribution}`.")
    return Path(str(found[0].locate()))


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """The weights of the file as float32, with the names and the shapes that they have in PyTorch."""
    graph = onnx.load(path).graph
    raw = {tensor.name: numpy_helper.to_array(tensor) for tensor in graph.initializer}
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in raw:
            values, scales, zeros = (raw[name] for name in node.input)
            axis = next((part.i for part in node.attribute if part.name == "axis"), 0)
            shape = [-1 if number == axis else 1 for number in range(values.ndim)]
            centered = values.astype(np.float32) - zeros.astype(np.float32).reshape(shape)
            raw[node.output[0].removesuffix("_DequantizeLinear_Output")] = centered * scales.reshape(shape)
    weights = {name.removeprefix("inner."): values for name, values in raw.items() if name.startswith("inner.")}
    # The file has only numbers for most matrices, in the order of their use, and has them transposed.
    names = [f"encoder.layers.{block}.{part}" for block in range(BLOCKS) for part in MATRICES]
    names += ["pool_attention.0", "pool_attention.2"]
    matrices = [name for name, values in raw.items() if name[4:].isdecimal() and values.dtype == np.float32]
    matrices = sorted((name for name in matrices if raw[name].ndim == 2), key=lambda name: int(name[4:]))
    weights |= {f"{name}.weight": raw[matrix].T for name, matrix in zip(names, matrices, strict=True)}
    # Whisper has no biases of keys.
    nothing = np.zeros(FEATURES, np.float32)
    return weights | {f"encoder.layers.{block}.self_attn.k_proj.bias": nothing for block in range(BLOCKS)}


class Block(nnx.Module):
    """Attention and two dense layers, each added to what it is given."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.self_attn_layer_norm = nnx.LayerNorm(FEATURES, epsilon=1e-5, rngs=rngs)
        self.self_attn = nnx.MultiHeadAttention(HEADS, FEATURES, decode=False, rngs=rngs)
        self.final_layer_norm = nnx.LayerNorm(FEATURES, epsilon=1e-5, rngs=rngs)
        self.fc1 = nnx.Linear(FEATURES, 4 * FEATURES, rngs=rngs)
        self.fc2 = nnx.Linear(4 * FEATURES, FEATURES, rngs=rngs)

    def __call__(self, x: Array) -> Array:
        """The next vectors."""
        x = x + self.self_attn(self.self_attn_layer_norm(x))
        return x + self.fc2(gelu(self.fc1(self.final_layer_norm(x))))


class Encoder(nnx.Module):
    """That of Whisper: a vector for each fiftieth of a second."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.conv1 = nnx.Conv(80, FEATURES, (3,), padding=1, rngs=rngs)
        self.conv2 = nnx.Conv(FEATURES, FEATURES, (3,), strides=2, padding=1, rngs=rngs)
        # Kept like a kernel, so that one rule fits all weights.
        self.embed_positions = nnx.Dict(kernel=nnx.Param(jnp.zeros((FEATURES, SECONDS * FRAMES))))
        self.layers = nnx.List([Block(rngs) for _ in range(BLOCKS)])
        self.layer_norm = nnx.LayerNorm(FEATURES, epsilon=1e-5, rngs=rngs)

    def __call__(self, spectra: Array) -> Array:
        """Vectors (batch, 400, 384) of spectra (batch, 800, 80)."""
        x = gelu(self.conv2(gelu(self.conv1(spectra)))) + self.embed_positions["kernel"].T[None]
        for layer in self.layers:
            x = layer(x)
        return self.layer_norm(x)


class SmartTurn(nnx.Module):
    """The encoder, the pool and the classifier."""

    def __init__(self, rngs: nnx.Rngs) -> None:
        self.encoder = Encoder(rngs)
        self.pool = AttentionPool(FEATURES, hidden_features=256, rngs=rngs)
        dense = functools.partial(nnx.Linear, rngs=rngs)
        parts = {"0": dense(FEATURES, 256), "1": nnx.LayerNorm(256, epsilon=1e-5, rngs=rngs)}
        self.classifier = nnx.Dict(parts | {"4": dense(256, 64), "6": dense(64, 1)})

    def __call__(self, vectors: Array) -> Array:
        """The probabilities that the speakers have finished, of what the encoder says."""
        part = self.classifier
        hidden = gelu(part["1"](part["0"](self.pool(vectors))))
        return nnx.sigmoid(part["6"](gelu(part["4"](hidden))))[:, 0]

    def attention(self, vectors: Array) -> Array:
        """What the pool weighs each vector with. It returns only their mean, but its two layers can be called."""
        parts: Any = self.pool
        return nnx.softmax(parts.score(jnp.tanh(parts.hidden(vectors))), -2)[..., 0]


def load_network() -> SmartTurn:
    """The network with the weights of the file. Those of PyTorch are the transpose of Flax's."""
    weights = read_weights(installed_file(*MODEL))
    graph, state = nnx.split(nnx.eval_shape(lambda: SmartTurn(nnx.Rngs(0))))
    filled = {}
    for path, part in nnx.to_flat_state(state):
        name = ".".join(THEIRS.get(str(key), str(key)) for key in path)
        filled[path] = part.replace(jnp.asarray(weights[name].T.reshape(part.shape)))
    return nnx.merge(graph, nnx.from_flat_state(filled))


def read_speech() -> np.ndarray:
    """The recording, between -1 and 1."""
    with wave.open(str(installed_file(*SPEECH))) as file:
        if (file.getframerate(), file.getnchannels(), file.getsampwidth()) != (RATE, 1, 2):
            sys.exit(f"{SPEECH[1]} is not a recording of one channel with 16 bits and {RATE} Hz.")
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / 2**15


def spectrum(sound: np.ndarray) -> np.ndarray:
    """The last eight seconds as Whisper hears them: the logarithm of 80 bands of pitch, every hundredth of a second."""
    sound = np.pad(sound[-SECONDS * RATE :], (max(0, SECONDS * RATE - sound.size), 0))
    sound = (sound - sound.mean()) / np.sqrt(sound.var() + 1e-7)
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(sound.astype(float), 200, mode="reflect"), 400)[:-1:160]
    power = np.abs(np.fft.rfft(frames * np.hanning(401)[:-1])) ** 2
    # Pitch is linear up to 1000 Hz and logarithmic above, to 8000 Hz.
    pitch = np.linspace(0, 15 + 27 * np.log(8) / np.log(6.4), 82)
    edges = np.where(pitch < 15, pitch * 200 / 3, 1000 * 6.4 ** ((pitch - 15) / 27))
    low, center, high = edges[:-2], edges[1:-1], edges[2:]
    hertz = np.linspace(0, RATE / 2, 201)[:, None]
    bands = np.maximum(0, np.minimum((hertz - low) / (center - low), (high - hertz) / (high - center)))
    logarithm = np.log10(np.maximum(power @ (bands * 2 / (high - low)), 1e-10))
    return ((np.maximum(logarithm, logarithm.max() - 8) + 4) / 4).astype(np.float32)


def cut_speech() -> Array:
    """The spectra of what was said until each cut."""
    speech = read_speech()
    return jnp.asarray([spectrum(speech[: round(cut * RATE)]) for cut in CUTS])


def main() -> None:
    """Says at each cut whether the speaker has finished, and where the pool listens."""
    network = load_network()
    with jax.default_matmul_precision("highest"):
        vectors = nnx.jit(Encoder.__call__)(network.encoder, cut_speech())
        finished, attention = network(vectors), network.attention(vectors)
    print("heard until   what is there              finished   weight of the last second (in a mean: 0.125)")
    for (cut, place), probability, share in zip(CUTS.items(), finished, attention[:, -FRAMES:].sum(-1), strict=True):
        print(f"{cut:9.2f} s   {place:24}   {probability:8.3f}   {share:8.3f}")


if __name__ == "__main__":
    main()
