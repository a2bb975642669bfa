"""Which key of a telephone was pressed while someone spoke? Clips of any length in one batch, with masks.

The tones lie in the wheel of pipecat-ai, the speech in that of useful-moonshine-onnx; nothing is downloaded. The test
has the last four seconds of the speech, the training the rest. In the padded batch a clip has the scores that it has
alone, up to rounding. Run `make audio`.
"""

import importlib.metadata
import wave

import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx
from jax import Array
from rich.progress import track

import jaxpool
from jaxpool.nnx import AttentionPool

KEYS = [*"0123456789", "pound", "star"]
LONGEST, TONE, SPLIT = 8000, 1200, 48_000  # at 8000 elements a second


def read_sound(distribution: str, name: str, seconds: float) -> np.ndarray:
    """The start of a recording of an installed package, 8000 elements a second, with a deviation of 1."""
    with wave.open(str(importlib.metadata.distribution(distribution).locate_file(name))) as file:
        sound = np.frombuffer(file.readframes(round(seconds * file.getframerate())), "<i2").astype(np.float32)
        sound = sound.reshape(-1, file.getframerate() // 8000).mean(-1)
    return sound / sound.std()


def clips(speech: np.ndarray, tones: np.ndarray, count: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Sounds `(count, LONGEST)` with zeros at the end, their lengths, and which tone is somewhere in each."""
    sounds, lengths = np.zeros((count, LONGEST), np.float32), rng.integers(2400, LONGEST + 1, count)
    keys, starts = rng.integers(0, len(tones), count), rng.integers(0, lengths - TONE)
    for sound, length, key, start in zip(sounds, lengths, keys, starts, strict=True):
        first, cut = rng.integers(0, speech.size - length), rng.integers(0, tones.shape[1] - TONE)
        sound[:length] = speech[first : first + length]
        sound[start : start + TONE] += tones[key, cut : cut + TONE]
    return jnp.asarray(sounds), jnp.asarray(lengths), jnp.asarray(keys)


@nnx.jit
def scores_of(layers: nnx.Dict[nnx.Module], sounds: Array, lengths: Array) -> Array:
    """The scores of the keys."""
    x = jnp.abs(layers.filters(sounds[..., None]))
    # A filter that reaches into the padding does not count. A window of the pool counts with what it has.
    lengths = jaxpool.pooled_lengths(lengths, sounds.shape[1], (256,), 32, rule="all")
    mask = jaxpool.mask_from_lengths(lengths, x.shape[1])[..., None]
    x = jnp.log1p(jaxpool.max_pool(x, (8,), 8, ceil_mode=True, where=mask))
    mask = jaxpool.pooled_mask(mask, (8,), 8, ceil_mode=True, channel_axis=-1)
    return layers.scores(layers.pool(x, where=mask))


def main(steps: int = 300) -> tuple[float, float]:
    """Trains and tests; returns the share of keys that are right, and how much scores of single clips differ."""
    speech = read_sound("useful-moonshine-onnx", "moonshine_onnx/assets/beckett.wav", 9.96)
    tones = np.stack([read_sound("pipecat-ai", f"pipecat/audio/dtmf/dtmf-{key}.wav", 0.3) for key in KEYS])
    rng, rngs, loss = np.random.default_rng(0), nnx.Rngs(0), optax.softmax_cross_entropy_with_integer_labels
    layers = nnx.Dict[nnx.Module](filters=nnx.Conv(1, 64, (256,), strides=32, padding="VALID", rngs=rngs))
    layers.pool, layers.scores = AttentionPool(64, 32, rngs=rngs), nnx.Linear(64, len(KEYS), rngs=rngs)
    optimizer = nnx.Optimizer(layers, optax.adam(optax.cosine_decay_schedule(1e-2, steps)), wrt=nnx.Param)
    slopes = nnx.grad(lambda layers, sounds, lengths, keys: loss(scores_of(layers, sounds, lengths), keys).mean())
    step = nnx.jit(lambda layers, optimizer, *batch: optimizer.update(layers, slopes(layers, *batch)))
    for _ in track(range(steps), "listening"):
        step(layers, optimizer, *clips(speech[:SPLIT], tones, 32, rng))
    sounds, lengths, keys = clips(speech[SPLIT:], tones, 240, rng)
    scores = scores_of(layers, sounds, lengths)
    right = float(jnp.mean(scores.argmax(-1) == keys))
    alone = [scores_of(layers, sounds[i : i + 1, : lengths[i]], lengths[i : i + 1]) for i in range(4)]
    difference = float(jnp.abs(jnp.concatenate(alone) - scores[:4]).max())
    print(f"{right:.1%} of {len(keys)} keys are right; guessing gives {1 / len(KEYS):.1%}.")
    print(f"Alone and in the padded batch, scores differ by at most {difference:.1e}.")
    return right, difference


if __name__ == "__main__":
    main()
