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
    "alpha": "The share of the maximum: a number, or an array with one per feature.",
    "AdaPool.alpha": "The share of the mean by similarity.",
    "DetailPreservingPool.alpha": "The logarithm of the weight that all elements have.",
    "beta": "The inverse temperature: a number, or an array that broadcasts to the inputs.",
    "ddof": "What to subtract from the number of elements in the divisor.",
    "lam": "The logarithm of the exponent of details.",
    "normalize": "Whether to divide by the sum of the weights of valid elements.",
    "order": 'What comes first: "avg_max" as in timm, or "max_avg" as in fastai.',
    "sigma": "The width, 1 for half of the window: a number, or an array with one per feature.",
    "direction": 'Where the maximum runs from: "top" (below), "bottom" (above), "left" (to the right) or "right".',
    "q": "Which quantile, a number from 0 to 1.",
    "method": 'What lies between two elements: "linear", "lower", "higher", "midpoint" or "nearest".',
    "rank": "The place in the sorted window: 0 for the smallest element, -1 for the largest.",
    "k": "How many of the largest elements. Means also take a share between 0 and 1.",
    "kmax": "How many of the largest elements, or a share between 0 and 1.",
    "kmin": "How many of the smallest elements, or a share between 0 and 1.",
    "GlobalTopkPool.alpha": "The factor of the smallest elements.",
    "plateau": 'Which of equal elements are maxima: "all" or the "first".',
    "deterministic": "Whether to return the mean over all draws.",
    "p": "The exponent: a positive number, `math.inf`, or an array of one for all or one for each feature.",
    "window_dilation": "The distance of neighbouring elements of a window, an int or one per spatial axis.",
    "ceil_mode": "Whether to add a last window that starts inside the input and ends beyond the padding.",
    "channel_axis": "The axis of the features, -1 for channels last, -3 for images with channels first, None if there "
    "is none.",
    "padding_mode": 'None if padding holds nothing, or what it holds: "EDGE", "REFLECT" or "WRAP".',
    "spatial_axis_names": "For every spatial axis the mesh axis that splits it, or None: inside `jax.shard_map`, and "
    "for automatic axes.",
    "padding_value": "None if padding never wins, or the number that stands in it.",
    "rounding_mode": 'None, or how means of integers stay integers: "half_even", "half_away" (from 0), "floor", '
    'or "trunc" (towards 0).',
    "empty": "What a window without any valid element returns; None for the worst value of the dtype.",
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
    "levels": "Of each level the number of bins, an int for all spatial axes or one int per spatial axis.",
    "kind": '"max" or "avg".',
    "PyramidPool.order": 'What follows what within a level: "features_last" (the bins, and for each all features), or '
    '"features_first" (the features, and for each its bins), as PyTorch code flattens.',
    "num_levels": "The number of sizes of squares.",
    "overlap": "The share of a square that neighbours on level 1 should have in common.",
    "RmacPool.eps": "What is added to each norm.",
    "activation": "The function between the dense layers of the MLP. PyTorch's GELU is "
    "`functools.partial(jax.nn.gelu, approximate=False)`.",
    "NetVLAD.alpha": "How sharply the assignment starts.",
    "PPM.activation": "The function behind the normalisation of each level.",
    "PPM.out_features": "The number of features of each level. None means those of the inputs, shared out among them.",
    "align_corners": "Whether the outer bins lie on the outer positions, as in the reference.",
    "alpha_init": "Where alpha starts.",
    "dtype": "The dtype of the computation and of the result, as in Flax. None means what inputs and parameters "
    "promote to. Narrow floats are summed in f32.",
    "eps": "The least value: inputs below count as this.",
    "epsilon": "What the layer normalisation adds to variances.",
    "gamma": "The exponent of the power mean, or None for a plain mean.",
    "gated": "Whether a second dense layer with a sigmoid gates the hidden features.",
    "global_context": "Whether the network also sees the mean and the standard deviation along time.",
    "hidden_features": "The number of features of the hidden layer.",
    "kernel_init": "The initialiser of the kernels.",
    "kernel_size": "The size of the convolution along every spatial axis.",
    "max_logit": "The largest logit. Its exponential is the largest ratio of two weights.",
    "mlp_features": "The number of hidden features of the MLP. None means four times those of the inputs.",
    "NetVLAD.normalize": "Whether to scale the descriptor of each position to length 1.",
    "num_clusters": "The number of clusters.",
    "num_heads": "The number of heads, which share out the features.",
    "num_iterations": "The number of Newton-Schulz iterations.",
    "omega_init": "The initialiser of omega.",
    "out_features": "The number of features of the result. None means those of the inputs.",
    "p_init": "Where p starts.",
    "param_dtype": "The dtype of the parameters.",
    "per_channel": "Whether each feature has a parameter of its own.",
    "plane_shape": "The spatial sizes of the inputs.",
    "use_running_average": "Whether batch normalisation uses its running statistics. The call may say so, too.",
    "num_segments": "The number of sets, empty ones included.",
    "fill_value": "What a set without any element returns.",
    "indices_are_sorted": "Whether the segment ids never decrease along the elements.",
    "overlapping": "Whether neighbouring windows share their border, for TensorFlow's rules.",
    "spatial_scale": "Elements of the inputs per unit of the boxes.",
    "sampling_ratio": "Samples along each axis of a bin, or None for as many as it has elements.",
    "aligned": "Whether coordinates name borders of elements, and not their centres.",
    "mode": 'How the samples of a bin become one number: "avg" or "max".',
}
CALL = {
    "inputs": "Array of shape `(*batch, *spatial, features)`, with any number of batch axes.",
    "indices": "The indices of the values, as max pooling with argmax returns them.",
    "boxes": "Array of `(x1, y1, x2, y2)`: `(*batch, boxes, 4)`, or one list for all pictures, `(boxes, 5)` with the "
    "number of the picture in front of each box, or `(boxes, 4)` with `box_indices`.",
    "box_indices": "The number of the picture of each box.",
    "segment_ids": "The set of each element, integers with the first axes of the inputs. Those out of range are "
    "dropped.",
    "key": "A typed random key (`jax.random.key`), or None if samples are given.",
    "deterministic": "Takes the place of the field of that name.",
    "samples": "Numbers from 0 to 1 in place of a key.",
    "logits": "Array of the shape of the inputs or with size 1 where it is the same along an axis. None: the inputs.",
    "weights": "Array of the shape of the inputs or with size 1 where it is the same along an axis. None is below 0.",
    "alpha": "Takes the place of the field of that name: give a learned one here.",
    "lam": "Takes the place of the field of that name: give a learned one here.",
    "sigma": "Takes the place of the field of that name: give a learned width here.",
    "beta": "Takes the place of the field of that name: give a learned temperature here.",
    "where": "Array of booleans, the elements that count, of the shape of the inputs or with size 1 where it is the "
    "same along an axis. None means all.",
    "use_running_average": "Takes the place of the field of that name.",
    "return_weights": "Whether to return a pair, the result and the weights of the positions in it.",
    "output_shape": "Takes the place of the field of that name.",
    "p": "Takes the place of the field of that name: give a learned exponent here.",
}


def example(name: str, fields: Sequence[str], call: Callable[..., Any], *more: str) -> str:
    """A module made and called, such as `MaxPool((2, 2))(x)`; `more` are further arguments of the call."""
    sizes = "(2, 2)" if "window_shape" in fields else ""
    if "direction" in fields:
        sizes = "'top'"
    if "output_size" in fields:
        sizes = f"(7, 7), window_shape={sizes}" if sizes else "(7, 7)"
    sizes = "(1, 2, 4)" if "levels" in fields else sizes
    sizes = "8" if "num_segments" in fields else sizes
    _, _, *arrays = inspect.signature(call).parameters.values()
    needed = [array.name for array in arrays if array.default is array.empty]
    called = ["x", *needed, *(text for text in more if text.partition("=")[0] not in needed)]
    return f"{name}({sizes})({', '.join(called)})"


def documented(
    summary: str | None, description: Any, call: Callable[..., Any], more: Mapping[str, str] | None = None
) -> str:
    """The documentation of a module: what it is, what it is made with (fields and more), what it is called with."""
    _, *arrays = inspect.signature(call).parameters

    def meaning(name: str) -> str:
        return ARGUMENTS.get(f"{description.name_of_pool}.{name}") or ARGUMENTS[name]

    parts = [inspect.cleandoc(summary or ""), inspect.cleandoc(description.__doc__ or "")]
    parts.append(_listed("Args", {**(more or {}), **{name: meaning(name) for name in description.fields_of_pool}}))
    parts.append(_listed("Call", {name: CALL[name] for name in arrays}))
    return "\n\n".join(part for part in parts if part) + "\n"


def _listed(title: str, texts: Mapping[str, str]) -> str:
    lines = [f"{title}:"]
    for name, text in texts.items():
        lines += textwrap.wrap(f"{name}: {text}", 100, initial_indent="  ", subsequent_indent="    ")
    return "\n".join(lines)
