"""Fractional pooling: random windows that shrink a plane by any ratio."""

from __future__ import annotations

import functools
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import (
    AxisBins,
    AxisWindow,
    Window,
    check_flag,
    check_option,
    check_randomness,
    check_samples,
    check_unit_range,
    fractional_window,
    index_dtype,
    native,
)
from jaxpool._geometry.calls import explained
from jaxpool._operators import first_maximum, gather_at_places, starts_and_counts, sum_between
from jaxpool._pools.dtypes import mean_dtypes, summing_dtype
from jaxpool._pools.inputs import as_array, at_hand, range_of, x64
from jaxpool._pools.shards import with_whole_planes
from jaxpool.typing import FractionalRule, WindowShape

# Up to here 16-bit floats tell places apart.
_EXACT = 128
RULES = ("torch", "tensorflow", "tensorflow_pseudo_random")


def _torch_starts(part: AxisWindow, u: Array) -> Array:
    """`floor((i + u) * alpha) - floor(u * alpha)`, the last at the end; `alpha = (size - taps) / (outputs - 1)`."""
    last = part.size - part.taps
    if part.outputs == 1:
        return jnp.full((*u.shape, 1), last, jnp.int32)
    alpha = jnp.asarray(last, u.dtype) / jnp.asarray(part.outputs - 1, u.dtype)
    u = u[..., None]
    i = lax.broadcasted_iota(u.dtype, (*u.shape[:-1], part.outputs), u.ndim - 1)
    starts = ((i + u) * alpha).astype(jnp.int32) - (u * alpha).astype(jnp.int32)
    return starts.at[..., -1].set(last)


def _tensorflow_edges(part: AxisWindow, key: Array, rule: str) -> Array:
    """Where the regions start, and the end: steps of k and k + 1 elements, shuffled or from one random shift."""
    size, n = part.size, part.outputs
    k, longer = divmod(size, n)
    if rule == "tensorflow":
        steps = jnp.full((n,), k, jnp.int32).at[:longer].add(1)
        steps = jax.random.permutation(key, steps)
        return jnp.concatenate([jnp.zeros((1,), jnp.int32), jnp.cumsum(steps, dtype=jnp.int32)])
    # TensorFlow's ceil(size / n * (i + u)) - 1 is (i * size + shift) // n for a shift from 0 to size * u, in integers,
    # and i * size // n is where an adaptive bin starts.
    shift = jax.random.randint(key, (), 0, min(n + longer, 2 * n - longer), jnp.int32)
    starts, _ = starts_and_counts(AxisBins(part.axis, size, n))
    # The products may exceed int32; their difference does not, and is exact as integers wrap around.
    rest = lax.iota(jnp.int32, n) * size - starts * n
    edges = jnp.append(starts + (rest + shift) // n, size)
    return edges.at[0].set(0)


@functools.partial(jax.jit, static_argnames=("inputs", "window", "rule", "overlapping", "dtype"), inline=True)
def _bounds(
    key: Array | None,
    samples: Array | None,
    inputs: tuple[Any, ...],
    window: Window,
    rule: FractionalRule,
    overlapping: bool,
    dtype: str,
) -> list[Array]:
    """Per axis where every window starts and where it stops, shaped to broadcast along inputs of shape `inputs`.

    A program of its own: transformations of the inputs, such as Taylor mode, have no rules for random numbers.
    """
    rank = len(inputs)
    result: list[Array] = []
    others = [axis for axis in range(rank) if axis not in window.axes]
    if key is not None and rule != "torch":
        for part, own in zip(window.parts, jax.random.split(key, len(window.parts)), strict=True):
            edges = _tensorflow_edges(part, own, rule)
            shape = [1] * rank
            shape[part.axis] = part.outputs
            result += [edges[:-1].reshape(shape), (edges[1:] + int(overlapping)).reshape(shape)]
        return [bound.astype(dtype) for bound in result]
    if key is not None:
        shape = (*(inputs[axis] for axis in others), len(window.parts))
        samples = jax.random.uniform(key, shape, jnp.float32)
    if samples is None:
        raise AssertionError("windows need a source of randomness")
    for place, part in enumerate(window.parts):
        starts = _torch_starts(part, samples[..., place])
        # From (others..., outputs) to the inputs' axes, of size 1 along the other spatial axes.
        starts = jnp.expand_dims(starts, [a + len(others) for a in range(1, len(window.parts))])
        order = [*others, part.axis, *(a for a in window.axes if a != part.axis)]
        starts = jnp.transpose(starts, [order.index(axis) for axis in range(rank)])
        result += [starts, starts + part.taps]
    return [bound.astype(dtype) for bound in result]


@functools.partial(jax.jit, static_argnames=("window",))
def _pooled(x: Array, bounds: list[Array], window: Window) -> tuple[Array, Array]:
    places = first_maximum(x, bounds, window)
    return gather_at_places(x, places, window), places


@functools.partial(jax.jit, static_argnames=("window",))
def _averaged(x: Array, bounds: list[Array], window: Window) -> Array:
    dtype, result_dtype = mean_dtypes(x.dtype)
    total = sum_between(x.astype(dtype), bounds, window)
    for part, start, stop in zip(window.parts, bounds[::2], bounds[1::2], strict=True):
        # What overlapping regions share with no neighbour at the end is no element.
        end = jnp.where(stop < part.size, stop, jnp.asarray(part.size, stop.dtype))
        total = total / (end - start).astype(jnp.finfo(dtype).dtype).astype(dtype)
    return total.astype(result_dtype)


@explained
def fractional_max_pool_with_argmax(
    inputs: ArrayLike,
    key: Array | None,
    output_size: WindowShape,
    *,
    window_shape: WindowShape | None = None,
    samples: ArrayLike | None = None,
    rule: FractionalRule = "torch",
    overlapping: bool = False,
    channel_axis: int | None = -1,
) -> tuple[Array, Array]:
    """Fractional max pooling with the index of each maximum.

    Arguments, errors and derivatives are those of `jaxpool.fractional_max_pool`. Indices count the plane row by row, as
    in `jaxpool.max_pool_with_argmax`.

    Example:
      >>> import jax, jax.numpy as jnp, jaxpool
      >>> x = jnp.arange(36.).reshape(6, 6, 1)
      >>> key = jax.random.key(0)
      >>> values, indices = jaxpool.fractional_max_pool_with_argmax(x, key, (4, 4), window_shape=(2, 2))
      >>> indices.shape, indices.dtype
      ((4, 4, 1), dtype('int32'))
    """
    arguments = _arguments(inputs, key, output_size, window_shape, samples, rule, overlapping, channel_axis)
    return _pooled(*arguments)


@explained
def fractional_max_pool(
    inputs: ArrayLike,
    key: Array | None,
    output_size: WindowShape,
    *,
    window_shape: WindowShape | None = None,
    samples: ArrayLike | None = None,
    rule: FractionalRule = "torch",
    overlapping: bool = False,
    channel_axis: int | None = -1,
) -> Array:
    """Fractional max pooling: maxima of randomly placed windows, for an output of any smaller size.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`; any number of batch axes; any real dtype.
      key: a typed key (`jax.random.key`). The same key gives the same windows on every platform. Pass None
        with `samples`.
      output_size: one size per spatial axis. Its length is the number of spatial axes.
      window_shape: the size of all windows, for the rule "torch".
      samples: for the rule "torch", numbers from 0 to 1 in place of a key, of shape `(*batch, features, spatial axes)`
        without `features` if there is no channel axis; the last axis in the order of the spatial axes.
      rule: how to place windows. "torch": windows of one size, placed for each feature map, which may overlap or leave
        gaps. "tensorflow": regions that divide the plane, of shuffled sizes, the same for all maps.
        "tensorflow_pseudo_random": the same from one random shift.
      overlapping: for TensorFlow's rules, whether neighbouring regions share their border.
      channel_axis: the axis of the features, or None if there is none.

    Returns:
      The maxima, in the dtype of `inputs`, with `output_size` along the spatial axes.

    Raises:
      TypeError: an argument of the wrong kind.
      ValueError: more outputs than windows fit, neither or both of `key` and `samples`, or known samples outside of 0
        to 1. Samples that are traced are not checked.

    Derivatives: both modes, any order. The gradient of a window goes to its first maximum. A scatter adds
    gradients, in an order that is not fixed on a GPU.

    Source: B. Graham, "Fractional max-pooling", arXiv:1412.6071.

    Example:
      >>> import jax, jax.numpy as jnp, jaxpool
      >>> x = jnp.arange(36.).reshape(6, 6, 1)
      >>> jaxpool.fractional_max_pool(x, None, (2, 2), window_shape=(3, 3), samples=jnp.array([[0.5, 0.5]])).ravel()
      Array([14., 17., 32., 35.], dtype=float32)
    """
    arguments = _arguments(inputs, key, output_size, window_shape, samples, rule, overlapping, channel_axis)
    return _pooled(*arguments)[0]


@explained
def fractional_avg_pool(
    inputs: ArrayLike,
    key: Array | None,
    output_size: WindowShape,
    *,
    window_shape: WindowShape | None = None,
    samples: ArrayLike | None = None,
    rule: FractionalRule = "torch",
    overlapping: bool = False,
    channel_axis: int | None = -1,
) -> Array:
    """Fractional average pooling: means of randomly placed windows, for an output of any smaller size.

    Arguments and errors are those of `jaxpool.fractional_max_pool`; the same key places the same windows. The divisor
    is the number of the window's elements. TensorFlow has this pool with its own rules. PyTorch does not have it.

    Returns:
      The means, with `output_size` along the spatial axes and the dtypes of `jaxpool.avg_pool`.

    Derivatives: both modes, any order. The pool is linear; nothing is scattered, so that runs repeat.

    Example:
      >>> import jax, jax.numpy as jnp, jaxpool
      >>> x = jnp.arange(36.).reshape(6, 6, 1)
      >>> jaxpool.fractional_avg_pool(x, None, (2, 2), window_shape=(3, 3), samples=jnp.array([[0.5, 0.5]])).ravel()
      Array([ 7., 10., 25., 28.], dtype=float32)
    """
    arguments = _arguments(
        inputs, key, output_size, window_shape, samples, rule, overlapping, channel_axis, ordered=False
    )
    return _averaged(*arguments)


def _arguments(
    inputs: ArrayLike,
    key: Array | None,
    output_size: WindowShape,
    window_shape: WindowShape | None,
    samples: ArrayLike | None,
    rule: FractionalRule,
    overlapping: bool,
    channel_axis: int | None,
    ordered: bool = True,
) -> tuple[Array, list[Array], Window]:
    """The inputs, the bounds of the windows, and the window that says how large they are."""
    x = as_array(inputs, ordered)
    check_option("rule", rule, RULES)
    check_flag("overlapping", overlapping)
    check_randomness(key, samples, rule, window_shape, overlapping)
    window = fractional_window(x.shape, output_size, window_shape, bool(overlapping), channel_axis)
    if samples is not None:
        known: Any = native(samples)
        others = tuple(x.shape[axis] for axis in range(x.ndim) if axis not in window.axes)
        check_samples(known, (*others, len(window.parts)))
        if at_hand(known) and 0 not in known.shape:
            check_unit_range(*range_of(known))
        samples = jnp.asarray(known)
        if max(part.size for part in window.parts) > _EXACT:
            samples = samples.astype(summing_dtype(samples.dtype))
    dtype = index_dtype("inputs.shape", [part.size for part in window.parts], x64(), x.shape)
    x = with_whole_planes(x, window.axes)
    return x, _bounds(key, samples, x.shape, window, rule, bool(overlapping), dtype), window
