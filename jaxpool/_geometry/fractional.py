"""Fractional pooling's windows: their number is given, their places are random."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from jaxpool._geometry.arguments import window_sizes
from jaxpool._geometry.axes import plane_of, spatial_axes
from jaxpool._geometry.axis_window import AxisWindow
from jaxpool._geometry.values import as_index, as_positive, as_sizes, kind_of, refuse, shown
from jaxpool._geometry.window import Window


def fractional_sizes(output_size: Any, fact: str = "") -> tuple[int, ...]:
    """The number of windows along every spatial axis."""
    rule, remedy = "be a sequence with one size per spatial axis", "Write (7, 7) for a plane of 7 by 7."
    elements = as_sizes("output_size", output_size, rule, remedy, fact)
    outputs = [as_index("output_size", element, output_size, fact) for element in elements]
    return as_positive("output_size", outputs, output_size, fact)


def fractional_taps(window_shape: Any, output_size: Any, rank: int) -> tuple[int, ...]:
    """The size of every window along its `rank` axes."""
    taps = window_sizes(window_shape)
    if len(taps) != rank:
        rule, fact = "have one size per output size", f"output_size={output_size}"
        refuse(ValueError, "window_shape", rule, shown(window_shape), f"Give {rank} of them.", fact)
    return taps


def fractional_window(
    shape: tuple[Any, ...], output_size: Any, window_shape: Any, overlapping: bool, channel_axis: Any
) -> Window:
    """Sizes, numbers of windows and the most elements a window has along each axis; not where the windows are.

    With `window_shape`, PyTorch's rule: all windows have that size. Without, TensorFlow's: they share out the plane.
    """
    fact = f"inputs of shape {shape}"
    outputs = fractional_sizes(output_size, fact)
    axes = spatial_axes("output_size", output_size, shape, len(outputs), channel_axis)
    sizes = plane_of(shape, axes)
    if window_shape is None:
        taps = tuple(-(-size // n) + overlapping for size, n in zip(sizes, outputs, strict=True))
        most, remedy = sizes, "Ask for fewer outputs, no more than elements."
    else:
        taps = fractional_taps(window_shape, output_size, len(outputs))
        if any(tap > size for tap, size in zip(taps, sizes, strict=True)):
            remedy = "Use a smaller window; for the whole plane use the global pools."
            refuse(ValueError, "window_shape", "fit into the inputs", shown(window_shape), remedy, fact)
        fact += f" and windows of {taps}"
        remedy = "Ask for fewer outputs, or smaller windows."
        most = tuple(size - tap + 1 for size, tap in zip(sizes, taps, strict=True))
    if any(n > limit for n, limit in zip(outputs, most, strict=True)):
        rule = f"be at most {tuple(most)}"
        refuse(ValueError, "output_size", rule, shown(output_size), remedy, fact)
    return Window(
        tuple(
            # The last of overlapping regions has no neighbour to share a border with; its border is padding.
            AxisWindow(axis, size, tap, 1, 1, 0, int(overlapping), n)
            for axis, size, tap, n in zip(axes, sizes, taps, outputs, strict=True)
        )
    )


def check_samples(samples: Any, expected: tuple[Any, ...]) -> None:
    """Refuses samples that are no floats of the shape that is due."""
    dtype = str(getattr(samples, "dtype", type(samples).__name__))
    fact = "one number per plane and spatial axis"
    if not hasattr(samples, "shape") or "float" not in dtype:
        remedy = "Pass numbers from 0 to 1, as jax.random.uniform draws them."
        refuse(TypeError, "samples", "be an array of floats", kind_of(samples), remedy, fact)
    if tuple(samples.shape) != expected:
        remedy = "The last axis has one number per spatial axis, in their order."
        refuse(ValueError, "samples.shape", f"be {expected}", tuple(samples.shape), remedy, fact)


def check_unit_range(low: Sequence[float], high: Sequence[float]) -> None:
    """Refuses samples that do not lie between 0 and 1, or are NaN."""
    if not (low[0] >= 0 and high[0] <= 1):
        got, fact = f"numbers from {low[0]:g} to {high[0]:g}", "one number per plane and spatial axis"
        remedy = "Draw them with jax.random.uniform."
        refuse(ValueError, "samples", "lie between 0 and 1", got, remedy, fact)


def check_key(key: Any, fact: str, sizes: str = "output_size") -> None:
    """Refuses what is no single typed key; `sizes` is the argument after it."""
    kind = type(key).__name__
    if kind in ("Rngs", "RngStream"):
        remedy = f"Draw one, as with {'rngs.pool()' if kind == 'Rngs' else 'stream()'}."
        refuse(TypeError, "key", "be a typed random key", f"an nnx.{kind}", remedy, fact)
    typed = str(getattr(key, "dtype", "")).startswith("key<")
    if not typed:
        remedy = "Make one with jax.random.key(0)."
        if isinstance(key, tuple | list):
            remedy = f"The order of arguments is inputs, key, {sizes}."
        if hasattr(key, "dtype"):
            remedy = "Make one with jax.random.key(0), or of a raw one with jax.random.wrap_key_data."
        refuse(TypeError, "key", "be a typed random key", kind_of(key), remedy, fact)
    if key.shape != ():
        remedy = "Pass one of them, or map over them with jax.vmap."
        refuse(ValueError, "key", "be a single key", f"keys of shape {key.shape}", remedy, fact)


def check_draw(key: Any, deterministic: bool) -> None:
    """Refuses draws without a source of randomness."""
    fact = f"deterministic={deterministic}"
    if key is not None:
        check_key(key, fact, "window_shape")
    elif not deterministic:
        remedy = "Pass jax.random.key(0), or deterministic=True for the mean over all draws."
        refuse(ValueError, "key", "be given", None, remedy, fact)


def check_randomness(key: Any, samples: Any, rule: str, window_shape: Any, overlapping: bool) -> None:
    """Refuses calls without a source of randomness or with two, and options of the other rule."""
    fact = f"rule={rule!r}"
    if key is not None:
        check_key(key, fact)
    if rule != "torch" and samples is not None:
        refuse(ValueError, "samples", "be None", kind_of(samples), "Pass a key.", fact)
    if key is None and samples is None:
        remedy = "Make one with jax.random.key(0)." if rule != "torch" else "Pass jax.random.key(0), or samples."
        refuse(ValueError, "key", "be given", None, remedy, f"{fact} and samples=None")
    if key is not None and samples is not None:
        remedy = "Pass key=None, or leave the samples out."
        refuse(ValueError, "key", "be None where samples are given", "a key", remedy, fact)
    check_rule(rule, window_shape, overlapping)


def check_rule(rule: str, window_shape: Any, overlapping: bool) -> None:
    """Refuse options of the other rule."""
    fact = f"rule={rule!r}"
    if rule == "torch":
        if window_shape is None:
            refuse(TypeError, "window_shape", "be given", None, "Write (2, 2) for windows of 2 by 2.", fact)
        if overlapping:
            remedy = "These windows overlap as they will; leave it out."
            refuse(ValueError, "overlapping", "be False", overlapping, remedy, fact)
        return
    if window_shape is not None:
        remedy = "These regions share out the plane; leave it out."
        refuse(ValueError, "window_shape", "be None", shown(window_shape), remedy, fact)
