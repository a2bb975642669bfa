"""The documentation of the modules: what each argument means is written once, for all of them."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from typing import Any

ARGUMENTS = {
    "window_shape": "One size per spatial axis, such as `(2, 2)`. Its length is the number of spatial axes.",
    "strides": "The distance of neighbouring windows, an int or one per spatial axis. None means 1.",
    "padding": '"VALID" (none), "SAME", "SAME_LOWER", "CAUSAL", an int, one int per spatial axis, or one `(low, high)` '
    "pair per spatial axis.",
    "count_include_pad": "Whether padding counts in the divisor.",
    "divisor_override": "An integer to divide every sum by, in place of the number of elements.",
    "beta": "The inverse temperature: a number, or an array that broadcasts to the inputs.",
    "ddof": "What to subtract from the number of elements in the divisor.",
    "p": "The exponent: a positive number, `math.inf`, or a scalar array.",
    "window_dilation": "The distance of neighbouring elements of a window, an int or one per spatial axis.",
    "ceil_mode": "Whether to add a last window that starts inside the input and ends beyond the padding.",
    "channel_axis": "The axis of the features, -1 for channels last, -3 for images with channels first, None if there "
    "is none.",
    "padding_mode": 'None if padding holds nothing, or what it holds: "EDGE", "REFLECT" or "WRAP".',
    "residual": 'What the gradient keeps: "offsets", "input", or None for what suits the platform.',
    "implementation": "The name of an algorithm, or None for the one that suits the platform and the window.",
    "index_convention": 'What the indices count: "spatial" (the plane, row by row), "window" (the window) or '
    '"coordinates" (one index per spatial axis).',
    "num_spatial_dims": "The number of spatial axes: 1 for sequences, 2 for images, 3 for volumes. None means 2, and "
    "is for inputs of rank 4 only.",
    "keepdims": "Whether to keep the spatial axes, with size 1.",
    "output_size": "One size of the result per spatial axis.",
    "output_shape": "The spatial sizes before pooling. None means the smallest plane that the windows cover.",
    "duplicates": 'What to do with values of one index: "set" keeps the last, "add" adds them.',
    "checked": "Whether to check the range of the indices at run time, through `jax.experimental.checkify`.",
    "rule": 'Where windows are: "torch", "tensorflow" or "tensorflow_pseudo_random".',
    "num_segments": "The number of sets, empty ones included.",
    "fill_value": "What a set without any element returns.",
    "indices_are_sorted": "Whether the segment ids never decrease along the elements.",
    "overlapping": "Whether neighbouring windows share their border, for TensorFlow's rules.",
}
CALL = {
    "inputs": "Array of shape `(*batch, *spatial, features)`, with any number of batch axes.",
    "indices": "The indices of the values, as max pooling with argmax returns them.",
    "segment_ids": "The set of each element, integers with the first axes of the inputs. Those out of range are "
    "dropped.",
    "key": "A typed random key (`jax.random.key`), or None if samples are given.",
    "samples": "Numbers from 0 to 1 in place of a key.",
    "logits": "Array of the shape of the inputs or with size 1 where it is the same along an axis. None: the inputs.",
    "weights": "Array of the shape of the inputs or with size 1 where it is the same along an axis. None is below 0.",
    "beta": "Takes the place of the field of that name: give a learned temperature here.",
    "where": "Array of booleans, the elements that count, of the shape of the inputs or with size 1 where it is the "
    "same along an axis. None means all.",
    "output_shape": "Takes the place of the field of that name.",
    "p": "Takes the place of the field of that name: give a learned exponent here.",
}


def example(name: str, fields: Sequence[str], call: Callable[..., Any], *more: str) -> str:
    """A module made and called, such as `MaxPool((2, 2))(x)`; `more` are further arguments of the call."""
    sizes = "(2, 2)" if "window_shape" in fields else ""
    if "output_size" in fields:
        sizes = f"(7, 7), window_shape={sizes}" if sizes else "(7, 7)"
    sizes = "8" if "num_segments" in fields else sizes
    _, _, *arrays = inspect.signature(call).parameters.values()
    needed = [array.name for array in arrays if array.default is array.empty]
    called = ["x", *needed, *(text for text in more if text.partition("=")[0] not in needed)]
    return f"{name}({sizes})({', '.join(called)})"


def documented(summary: str | None, description: str | None, fields: Sequence[str], call: Callable[..., Any]) -> str:
    """The documentation of a module: what it is, the fields it is made with, the arrays it is called with."""
    _, *arrays = inspect.signature(call).parameters
    parts = [inspect.cleandoc(summary or ""), inspect.cleandoc(description or "")]
    parts.append(_listed("Args", {name: ARGUMENTS[name] for name in fields}))
    parts.append(_listed("Call", {name: CALL[name] for name in arrays}))
    return "\n\n".join(part for part in parts if part) + "\n"


def _listed(title: str, texts: Mapping[str, str]) -> str:
    lines = [f"{title}:"]
    for name, text in texts.items():
        lines += textwrap.wrap(f"{name}: {text}", 100, initial_indent="  ", subsequent_indent="    ")
    return "\n".join(lines)
