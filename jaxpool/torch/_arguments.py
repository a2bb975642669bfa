"""Torch's arguments, held to torch's rules and refused under torch's names."""

from __future__ import annotations

import dataclasses
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array

from jaxpool._geometry import check_flag
from jaxpool._geometry.values import as_index, as_positive, as_sequence, native, refuse, traced

_LAYOUTS = {1: "(N, C, L) or (C, L)", 2: "(N, C, H, W) or (C, H, W)", 3: "(N, C, D, H, W) or (C, D, H, W)"}


def spatial(rank: int) -> str:
    """The spatial axes in words."""
    return f"{rank} spatial axes" if rank > 1 else "1 spatial axis"


def require_array(argument: str, value: Any) -> None:
    """Refuses what is no array of JAX or NumPy, torch's own tensors included."""
    if not (isinstance(value, jax.Array | np.ndarray) or hasattr(value, "__jax_array__")):
        rule, remedy = "be an array of JAX or NumPy", "Convert with jnp.asarray first."
        refuse(TypeError, argument, rule, type(value).__name__, remedy)


def array_of(value: Any, rank: int, *, floats: bool = False) -> tuple[Array, tuple[int, ...]]:
    """The input with one batch axis or none, and its spatial sizes; as in torch, only the batch may be empty."""
    require_array("input", value)
    value = native(value)
    real = any(jnp.issubdtype(value.dtype, kind) for kind in (jnp.floating, jnp.integer, jnp.bool_))
    if not real:
        remedy = "Pool real and imaginary parts apart, or convert to floats."
        refuse(TypeError, "input.dtype", "be real", value.dtype, remedy)
    if floats and not jnp.issubdtype(value.dtype, jnp.floating):
        remedy = "Convert with input.astype(jnp.float32); torch would round means of integers down."
        refuse(TypeError, "input.dtype", "be floating", value.dtype, remedy)
    shape = tuple(value.shape)
    if len(shape) not in (rank + 1, rank + 2):
        rule, fact = f"have the axes {_LAYOUTS[rank]}", spatial(rank)
        remedy = "Channels come before the spatial axes; add or merge batch axes with reshape."
        refuse(ValueError, "input", rule, f"an array of shape {shape}", remedy, fact)
    sizes = shape[-rank:]
    if not all(isinstance(size, int) for size in sizes):
        remedy = "Only batch and channel axes may be symbolic; export once per spatial size."
        refuse(ValueError, "input.shape", "have spatial axes of known size", shape, remedy, spatial(rank))
    if any(isinstance(size, int) and size == 0 for size in shape[-rank - 1 :]):
        rule, remedy = "have no empty axis but the batch", "There is nothing to pool; drop the empty input first."
        refuse(ValueError, "input.shape", rule, shape, remedy, spatial(rank))
    return jnp.asarray(value), sizes


def ints_of(argument: str, value: Any, rank: int, *, short: bool = True) -> tuple[int, ...]:
    """An int or one int per spatial axis; where torch allows it, `short`, also a sequence of one int for all axes."""
    fact = spatial(rank)
    elements = as_sequence(value)
    if elements is None:
        return (as_index(argument, value, value, fact),) * rank
    ints = tuple(as_index(argument, element, value, fact) for element in elements)
    if short and len(ints) == 1:
        ints *= rank
    if len(ints) != rank:
        rule = f"be an int or have one int per spatial axis, {rank} in all"
        refuse(ValueError, argument, rule, repr(value), f"Write {(2,) * rank}, or one int.", fact)
    return ints


def positive_ints(argument: str, value: Any, rank: int, *, short: bool = True) -> tuple[int, ...]:
    """The same, none of them below 1."""
    ints = ints_of(argument, value, rank, short=short)
    return as_positive(argument, list(ints), value, spatial(rank))


def not_negative(padding: tuple[int, ...], value: Any) -> None:
    """Refuses negative padding."""
    if min(padding) < 0:
        remedy = "Crop the input by slicing first."
        refuse(ValueError, "padding", "not be negative", repr(value), remedy, spatial(len(padding)))


@dataclasses.dataclass(frozen=True)
class Frame:
    """The window of a pooling function: one int per spatial axis everywhere, and its ceil mode."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    ceil_mode: bool


def frame_of(
    sizes: tuple[int, ...],
    kernel_size: Any,
    stride: Any,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: Any = False,
    *,
    short: bool = True,
) -> Frame:
    """The window that torch's arguments describe on spatial axes of the given sizes.

    Args:
      sizes: the input's.
      kernel_size, stride, padding, dilation, ceil_mode: as given to it.
      short: whether `kernel_size` may be a sequence of one int for all axes.
    """
    rank = len(sizes)
    kernel = positive_ints("kernel_size", kernel_size, rank, short=short)
    # Torch takes an empty sequence for an argument left out.
    same = stride is None or as_sequence(stride) == []
    steps = kernel if same else positive_ints("stride", stride, rank)
    pads = ints_of("padding", padding, rank)
    not_negative(pads, padding)
    gaps = positive_ints("dilation", dilation, rank)
    check_flag("ceil_mode", ceil_mode)
    if any(pad > size // 2 for pad, size in zip(pads, kernel, strict=True)):
        remedy = "Use jaxpool's own functions: no window of theirs may lie in padding alone, but more is allowed."
        fact = f"kernel_size={kernel_size}"
        refuse(ValueError, "padding", "be at most half of kernel_size", repr(padding), remedy, fact)
    for size, taps, step, pad, gap in zip(sizes, kernel, steps, pads, gaps, strict=True):
        room = size + 2 * pad - (taps - 1) * gap - 1
        if (room + step - 1 if ceil_mode else room) < 0:
            fact = f"a spatial axis of {size} with padding={pad} and dilation={gap}"
            remedy = "Use a smaller window; for the whole plane use adaptive pooling."
            rule = "fit into the padded input"
            refuse(ValueError, "kernel_size", rule, repr(kernel_size), remedy, fact)
    return Frame(kernel, steps, pads, gaps, bool(ceil_mode))


def number_of(argument: str, value: Any, fact: str = "") -> float:
    """A real number that is known while tracing."""
    if traced(value):
        remedy = "Mark the argument with jax.jit's static_argnames, or close over it."
        refuse(TypeError, argument, "be known while tracing", "a traced value", remedy, fact)
    try:
        if isinstance(value, str | bytes) or getattr(value, "shape", ()) != ():
            raise TypeError
        return float(value)
    except TypeError:
        refuse(TypeError, argument, "be a real number", repr(value), "Write a number.", fact)
