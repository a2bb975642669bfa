"""The values that arguments have in other libraries, and what to write here instead."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

# What others call padding that holds elements.
MODES = {
    **dict.fromkeys(("replicate", "nearest", "border", "clamp"), "EDGE"),
    **dict.fromkeys(("circular", "periodic", "grid-wrap"), "WRAP"),
    **dict.fromkeys(("mirror", "reflect_101", "reflect101"), "REFLECT"),
}
_SYMMETRIC = "Pad with jnp.pad(inputs, ..., mode='symmetric') first."
_ZEROS = (
    "padding counts as 0 in sums and averages, and never wins a maximum. For zeros that can win pass padding_value=0 "
    "to max_pool."
)
# Of arguments with a closed set of values: what others write, in lower case, and what to do instead.
VALUES: Mapping[str, Mapping[str, str]] = {
    "padding_mode": {
        **{name: f"Write {mode!r}." for name, mode in MODES.items()},
        "symmetric": _SYMMETRIC,
        **dict.fromkeys(("constant", "zeros", "zero"), f"Leave it out: {_ZEROS}"),
    },
    "padding": {
        **{name: f"Tell its width in numbers, and pass padding_mode={mode!r}." for name, mode in MODES.items()},
        "symmetric": _SYMMETRIC,
        **dict.fromkeys(("constant", "zeros", "zero"), f"Tell its width in numbers: {_ZEROS}"),
        **dict.fromkeys(("same_upper", "half"), "Write 'SAME'."),
        **dict.fromkeys(("notset", "none", "no"), "Write 'VALID'."),
    },
    "platform": {
        **dict.fromkeys(("cuda", "rocm", "nvidia", "amd"), "Write 'gpu'."),
        **dict.fromkeys(("metal", "mps", "xpu", "neuron"), "Write 'other'."),
        "host": "Write 'cpu'.",
    },
    "index_convention": {
        **dict.fromkeys(("torch", "pytorch", "flat", "plane"), "Write 'spatial'."),
        **dict.fromkeys(("tf", "tensorflow", "keras"), "Write 'spatial', and convert with indices_to_tf."),
        "onnx": "Write 'spatial', and convert with indices_to_onnx.",
        **dict.fromkeys(("offset", "offsets", "local"), "Write 'window'."),
        **dict.fromkeys(("coordinate", "coords", "multi"), "Write 'coordinates'."),
    },
    "duplicates": {**dict.fromkeys(("sum", "accumulate"), "Write 'add'."), "last": "Write 'set'."},
    "rounding_mode": {
        **dict.fromkeys(
            ("to_nearest_even", "nearest_even", "half_to_even", "rne", "round", "rint"), "Write 'half_even'."
        ),
        **dict.fromkeys(("away_from_zero", "half_away_from_zero", "tflite"), "Write 'half_away'."),
        **dict.fromkeys(("truncate", "down", "toward_zero", "towards_zero", "zero"), "Write 'trunc'."),
    },
    "rule": {**dict.fromkeys(("pytorch", "graham"), "Write 'torch'."), "tf": "Write 'tensorflow'."},
    "kind": {**dict.fromkeys(("mean", "average"), "Write 'avg'."), "maximum": "Write 'max'."},
    "order": {
        **dict.fromkeys(("torch", "pytorch", "channels_first", "nchw"), "Write 'features_first'."),
        **dict.fromkeys(("channels_last", "nhwc"), "Write 'features_last'."),
    },
    "residual": {"inputs": "Write 'input'.", **dict.fromkeys(("indices", "argmax", "index"), "Write 'offsets'.")},
}


def spelled(argument: str, value: Any, options: Iterable[Any]) -> str | None:
    """The remedy for a value that is none of an argument's options, if one of them can be meant."""
    if not isinstance(value, str):
        return None
    # Devices are numbered, as in 'cpu:0'.
    word = value.strip().lower().partition(":")[0]
    names = {option.lower(): option for option in options if isinstance(option, str)}
    found = VALUES.get(argument, {}).get(word)
    if found is None and word in names:
        return f"Write {names[word]!r}."
    close = difflib.get_close_matches(word, names, 1, 0.75) if found is None else []
    return f"Did you mean {names[close[0]]!r}?" if close else found


def padding_in_a_row(elements: Sequence[Any], rank: int) -> str | None:
    """The remedy for padding as other libraries write it: flat, or with pairs for batch and channels, too."""
    if len(elements) == 2 * rank and all(type(element) is int for element in elements):
        onnx = tuple(zip(elements[:rank], elements[rank:], strict=True))
        torch = tuple(zip(elements[::2], elements[1::2], strict=True))[::-1]
        if onnx == torch:
            return f"Write {onnx}, one (low, high) pair per spatial axis."
        return f"Write {torch} if it is in the order of torch.nn.functional.pad, {onnx} if it is ONNX's pads."
    if len(elements) == rank + 2 and all(isinstance(element, list | tuple) for element in elements):
        pairs = [tuple(element) for element in elements]
        for channel in (rank + 1, 1):
            if pairs[0] == pairs[channel] == (0, 0):
                inner = tuple(pairs[1:-1] if channel > 1 else pairs[2:])
                return f"Leave out batch and channels: write {inner}."
    return None


def of_all_axes(elements: Sequence[Any], rank: int, shape: Sequence[Any] = ()) -> str | None:
    """The remedy for one int per axis of the inputs, as TensorFlow writes it; `shape` is that of the inputs."""
    if len(elements) == rank + 2 and all(type(element) is int for element in elements):
        for channel in (rank + 1, 1):
            if all(elements[i] == 1 or (shape and elements[i] == shape[i]) for i in (0, channel)):
                inner = tuple(elements[1:-1] if channel > 1 else elements[2:])
                return f"Leave out batch and channels: write {inner}."
    return None
