"""Windows of any associative operation over a tree of arrays, one axis after another.

Order is kept: along every axis operands come from left to right, and rows are joined whole, so that the result is that
of the window's elements in row-major order. Along an axis a window of k elements takes one of
- apart: where windows share nothing, halving: k - 1 operations per window, in log k steps of the program;
- chain: windows of 1, 2, 4, ... elements starting everywhere, and those joined that the binary digits of k name: about
  log k operations per input element;
- fold: one element after the other, k - 1 operations per window.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
from jax import Array, lax

from jaxpool._geometry import AxisWindow, Window

Tree = TypeVar("Tree")
# Along an axis; a program of more takes too long to compile.
_MOST_STEPS = 4096
Combine = Callable[[Any, Any], Any]


def reduce_windows(tree: Tree, identity: Tree, combine: Callable[..., Tree], window: Window, *constants: Array) -> Tree:
    """`combine` over the elements of every window; its identity stands in padding.

    Args:
      tree: arrays of one shape.
      identity: a scalar for each of them, of the same dtypes.
      combine: from two such trees, elementwise, to one; the constants are its further arguments.
      window: the windows.
      constants: arrays of the same rank, of size 1 along the window's axes.
    """
    for part in reversed(window.parts):
        tree = _along(tree, identity, combine, part, constants)
    return tree


def reduce_from(
    tree: Tree, init: Tree, combine: Combine, window: Window, neutral: bool, mask: Array | None = None
) -> Tree:
    """`combine` over `init` and the elements of every window, in this order.

    `init` may be any element. If it is `neutral`, it may stand in padding and for elements that the mask leaves out;
    otherwise these carry a flag and take no part. The mask has the sizes of the inputs along the window's axes. The
    other arguments are those of `reduce_windows`.
    """
    everything: Array | None = None
    out = jnp.zeros((), jnp.bool_)
    if mask is not None:
        # No derivative may pass what is left out, nor be infinite there.
        tree = jax.tree.map(lambda x, value: jnp.where(mask, x, lax.full_like(x, value)), tree, init)
    if mask is not None and not neutral:
        tree, everything = reduce_windows((tree, mask), (init, out), _of_real(combine), window)
        window = Window(())
    for part in reversed(window.parts):
        if neutral or (part.low <= 0 and part.high_overhang <= 0):
            tree = _along(tree, init, combine, part)
            continue
        shape = [1] * jax.tree.leaves(tree)[0].ndim
        shape[part.axis] = part.size
        flagged = (tree, jnp.ones(shape, jnp.bool_))
        tree, real = _along(flagged, (init, out), _of_real(combine), part)
        everything = real if everything is None else everything & real
    first = jax.tree.map(lax.full_like, tree, init)
    result = combine(first, tree)
    if everything is None:
        return result
    return jax.tree.map(functools.partial(jnp.where, everything), result, first)


def _of_real(combine: Combine) -> Combine:
    """`combine` of pairs of a tree and a flag, of which only those that are set take part."""

    def lifted(first: tuple[Tree, Array], second: tuple[Tree, Array]) -> tuple[Tree, Array]:
        (a, own), (b, other) = first, second
        # Each operand stands in for one that is missing, so that `combine` only sees real elements.
        a, b = (
            jax.tree.map(functools.partial(jnp.where, own), a, b),
            jax.tree.map(functools.partial(jnp.where, other), b, a),
        )
        both = own & other
        return jax.tree.map(functools.partial(jnp.where, both), combine(a, b), a), own | other

    return lifted


def _along(
    tree: Tree, init: Tree, combine: Callable[..., Tree], part: AxisWindow, constants: Sequence[Array] = ()
) -> Tree:
    if part.outputs == 1:
        # A longer stride would only be padding.
        part = dataclasses.replace(part, stride=min(part.stride, part.extent))
    pads = (part.low, part.high_overhang, 0)
    last = part.axis

    def pad(x: Array, value: Array) -> Array:
        config = [(0, 0, 0)] * x.ndim
        config[last] = pads
        return lax.pad(x, value, config) if any(pads) else x

    padded = jax.tree.map(pad, tree, init)
    if part.dilation == 1 and part.stride >= part.taps > 1:
        # `_apart` splits the axis in two, so the constants need one more axis.
        return _apart(padded, _with([lax.expand_dims(c, (part.axis + 1,)) for c in constants], combine), part)
    combine = _with(constants, combine)
    dense = sum(part.high_overhang + part.size + part.low - (2 << level) for level in range(part.taps.bit_length() - 1))
    chained = dense + (part.taps.bit_count() - 1) * part.outputs
    if chained < (part.taps - 1) * part.outputs or part.taps > _MOST_STEPS:
        return _chain(padded, combine, part)
    return _fold(padded, combine, part)


def _with(constants: Sequence[Array], combine: Callable[..., Any]) -> Combine:
    return (lambda a, b: combine(a, b, *constants)) if constants else combine


def _outputs(tree: Tree, part: AxisWindow, tap: int) -> Tree:
    """What all windows have at one tap."""
    first = tap * part.dilation
    limit = first + (part.outputs - 1) * part.stride + 1
    return jax.tree.map(lambda x: lax.slice_in_dim(x, first, limit, part.stride, part.axis), tree)


def _fold(padded: Tree, combine: Combine, part: AxisWindow) -> Tree:
    result = _outputs(padded, part, 0)
    for tap in range(1, part.taps):
        result = combine(result, _outputs(padded, part, tap))
    return result


def _chain(padded: Tree, combine: Combine, part: AxisWindow) -> Tree:
    def shifted(tree: Tree, start: int, limit: int | None) -> Tree:
        return jax.tree.map(lambda x: lax.slice_in_dim(x, start, limit, 1, part.axis), tree)

    result: Any = None
    powers, width, done = padded, 1, 0
    while True:
        # `powers` starts everywhere and holds `width` elements; `result` holds the first `done` of every window.
        if part.taps & width:
            piece = _outputs(powers, part, done)
            result = piece if result is None else combine(result, piece)
            done += width
        if done == part.taps:
            return result
        step = width * part.dilation
        powers = combine(shifted(powers, 0, -step), shifted(powers, step, None))
        width *= 2


def _apart(padded: Tree, combine: Combine, part: AxisWindow) -> Tree:
    axis, extra = part.axis, part.axis + 1

    def split(x: Array) -> Array:
        # The last window may lack what lies between windows.
        whole = part.outputs * part.stride
        config = [(0, 0, 0)] * x.ndim
        config[axis] = (0, whole - x.shape[axis], 0)
        x = lax.pad(x, jnp.zeros((), x.dtype), config) if whole != x.shape[axis] else x
        x = x.reshape(*x.shape[:axis], part.outputs, part.stride, *x.shape[extra:])
        return lax.slice_in_dim(x, 0, part.taps, 1, extra)

    def every(tree: Tree, first: int, limit: int, step: int) -> Tree:
        return jax.tree.map(lambda x: lax.slice_in_dim(x, first, limit, step, extra), tree)

    def joined(*arrays: Array) -> Array:
        return lax.concatenate(arrays, extra)

    tree, count = jax.tree.map(split, padded), part.taps
    while count > 1:
        pairs = combine(every(tree, 0, count - 1, 2), every(tree, 1, count, 2))
        tree = pairs if count % 2 == 0 else jax.tree.map(joined, pairs, every(tree, count - 1, count, 1))
        count = (count + 1) // 2
    return jax.tree.map(lambda x: lax.squeeze(x, (extra,)), tree)
