"""What sums of windows are divided by: counts of elements, in or out of padding and masks."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence

import jax.numpy as jnp
from jax import Array

from jaxpool._geometry import Window
from jaxpool._operators import window_sum
from jaxpool._pools.padding import along, of_shard


def counts(window: Window, include_pad: bool, dtype: jnp.dtype, rank: int) -> Array | int:
    """What each window's sum is divided by: the number of its elements, in or out of padding.

    The product of one integer vector per axis; an int where all windows have the same.
    """
    scale = 1
    total: Array | None = None
    for part in window.parts:
        shape = [1] * rank
        shape[part.axis] = part.outputs
        if part.symbolic and not include_pad:
            alone = dataclasses.replace(part, axis=0)
            vector = window_sum(jnp.ones((part.size,), dtype), Window((alone,)), "reduce_window").reshape(shape)
            total = vector if total is None else total * vector
            continue
        runs = part.padded_counts() if include_pad else part.real_counts()
        if len({count for _, count in runs}) == 1:
            scale *= runs[0][1]
            continue
        # Borders are short; as a constant, a long interior would be stored in the program.
        vector = jnp.concatenate(
            [jnp.full(length, real_number(count, dtype), dtype) for length, count in _joined(runs)]
        )
        vector = of_shard(vector.reshape(shape), part)
        total = vector if total is None else total * vector
    return scale if total is None else total * jnp.asarray(real_number(scale, dtype), dtype)


def real_number(count: int, dtype: jnp.dtype) -> float:
    """A count as a float, infinite if it is too large for the dtype."""
    largest = float(jnp.finfo(dtype).max)
    return float(count) if abs(count) <= largest else math.inf if count > 0 else -math.inf


def _joined(runs: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    # Neighbouring runs may differ in which taps are real and yet have the same number of them.
    result: list[tuple[int, int]] = []
    for length, count in runs:
        if result and result[-1][1] == count:
            length += result.pop()[0]
        result.append((length, count))
    return result


def divide(total: Array, divisor: Array | int) -> Array:
    """`total / divisor`.

    XLA multiplies by the reciprocal where the divisor is a constant, as it does in `jnp.mean`: two roundings.
    """
    # An array is not broadcast beforehand: it is kept for derivatives, and has one element per window and map.
    if isinstance(divisor, int):
        divisor = jnp.asarray(real_number(divisor, total.dtype), total.dtype)
    return total / jnp.asarray(divisor, total.dtype)


def divisor_of(
    mask: Array | None, window: Window, whole: Window, include_pad: bool, dtype: jnp.dtype, rank: int
) -> Array | int:
    """What each window's sum is divided by: valid elements, padding where it counts, and 1 where nothing counts.

    `whole` is the window on inputs that devices may share, and `window` that on what the mask covers.
    """
    everything = counts(whole, include_pad, dtype, rank)
    if mask is None:
        return everything
    padding = everything - counts(whole, False, dtype, rank)
    padding = jnp.asarray(real_number(padding, dtype) if isinstance(padding, int) else padding, dtype)
    return jnp.maximum(window_sum(along(mask, window).astype(dtype), window) + padding, 1)
