"""Order statistics of windows as one program, whichever elements they choose."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import (
    Choice,
    Rank,
    Window,
    WindowArguments,
    check_rank,
    index_dtype,
    is_sorted_whole,
    picks,
    possible_counts,
)
from jaxpool._operators import extreme, window_order, window_sum
from jaxpool._pools.divisors import counts
from jaxpool._pools.dtypes import mean_dtypes, summing_dtype
from jaxpool._pools.inputs import as_array, mask_of, x64
from jaxpool._pools.order_of_planes import chosen_of_plane
from jaxpool._pools.padding import along, padded
from jaxpool._pools.shards import over_shards, window_of, with_whole_planes


def _by_count(numbers: Sequence[float], possible: Sequence[int], count: Array | None, dtype: jnp.dtype) -> Array:
    """The number that stands for each window's count of valid elements."""
    result = jnp.asarray(numbers[0], dtype)
    for before, number, least in zip(numbers, numbers[1:], possible[1:], strict=False):
        if number != before and count is not None:
            result = jnp.where(count >= least, jnp.asarray(number, dtype), result)
    return result


def _known(mask: Array | None, window: Window, rank: int) -> tuple[Array, Array] | None:
    """Which elements count and how many each window has; None where all do."""
    if mask is not None:
        valid = along(mask, window)
        return valid, window_sum(valid.astype(jnp.float32), window)
    if all(part.low <= 0 and part.high_overhang <= 0 for part in window.parts):
        return None
    shape = [1] * rank
    for part in window.parts:
        shape[part.axis] = part.size
    own = jnp.asarray(counts(window, False, jnp.dtype(jnp.float32), rank), jnp.float32)
    return jnp.ones(shape, jnp.bool_), own if own.ndim else own.reshape((1,) * rank)


@functools.partial(jax.jit, static_argnames=("window", "choice", "padding_mode", "places"), inline=True)
@over_shards
def _chosen(
    inputs: Array, mask: Array | None, window: Window, choice: Choice, padding_mode: str | None, places: str | None
) -> Array:
    x, mask, window = padded(inputs, mask, window, padding_mode)
    if places is not None:
        result = chosen_of_plane(x, mask, window.axes, choice, places)
        return result if choice.element else result.astype(mean_dtypes(inputs.dtype)[1])
    window = window.normal
    # Exact, and 16-bit floats are slow to compare on a CPU.
    x = x.astype(summing_dtype(x.dtype)) if jnp.issubdtype(x.dtype, jnp.floating) else x
    if mask is not None:
        x = jnp.where(mask, x, extreme(x.dtype, "max" if choice.descending else "min"))
    known = _known(mask, window, x.ndim)
    possible = possible_counts(window, mask is not None)
    if possible == (0,):
        dtype = inputs.dtype if choice.element else mean_dtypes(inputs.dtype)[1]
        return jnp.zeros(window.output_shape(x.shape), dtype)
    steps, weights, divisors = picks(choice, possible)
    values = window_order(x, known or (), window, steps, descending=choice.descending)
    count = None if known is None else known[1]
    if choice.element:
        value = values[0]
        if 0 in possible and count is not None:
            value = jnp.where(count > 0, value, jnp.zeros((), x.dtype))
        return value.astype(inputs.dtype)
    wide, result_dtype = mean_dtypes(inputs.dtype)
    total = jnp.zeros((), wide)
    for value, numbers in zip(values, weights, strict=True):
        weight = _by_count(numbers, possible, count, wide)
        term = value.astype(wide) * weight
        # Infinity with the weight 0 takes no part.
        total = total + (jnp.where(weight > 0, term, 0) if 0 in numbers else term)
    return (total / _by_count(divisors, possible, count, wide)).astype(result_dtype)


def chosen_of_windows(inputs: ArrayLike, arguments: WindowArguments, choice: Choice, where: ArrayLike | None) -> Array:
    x = as_array(inputs, ordered=True)
    window = window_of(x, arguments, padding_is_empty=False)
    if isinstance(choice, Rank):
        check_rank(choice.rank, window.taps)
    places = None
    if is_sorted_whole(window, choice):
        x = with_whole_planes(x, window.axes)
        places = index_dtype("inputs.shape", [part.size for part in window.parts], x64(), x.shape)
    return _chosen(x, mask_of(where, x), window, choice, arguments.padding_mode, places)
