"""Pooling with any associative operation."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import Window, WindowArguments, check_identity, check_operands, check_results, refused_operation
from jaxpool._geometry.calls import explained
from jaxpool._operators import beats, extreme, window_reduce_from, window_sum
from jaxpool._pools.dtypes import summing_dtype
from jaxpool._pools.extremum import extremum_of
from jaxpool._pools.inputs import as_array, mask_of
from jaxpool._pools.operations import check_associative, constant, known_operation, padding_may_hold
from jaxpool._pools.padding import along, padded
from jaxpool._pools.shards import over_shards, window_of
from jaxpool.typing import AxisNames, Ints, Padding, PaddingMode, WindowShape

Tree = TypeVar("Tree")


@explained
def pool(
    inputs: Tree,
    init: Any,
    reduce_fn: Callable[[Any, Any], Any],
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Tree:
    """Pooling with any associative operation, over one array or a tree of them. Strides default to 1.

    The signature is that of `flax.linen.pool`. A tree carries what the operation needs: value and index, sum and count,
    maximum and the sum of exponentials.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, or a tree of arrays of one such shape.
      init: one scalar for each array, as a rule the identity of the operation. Any other counts once in every window,
        before its elements, as in Flax. Padding takes no part.
      reduce_fn: from two arrays, or two trees, to one of the same shapes and dtypes, elementwise and associative:
        `lax.mul`, `jnp.logaddexp`. Operands come in row-major order. It is also called with a few constants, to see
        that it is associative.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names: as in
        `jaxpool.max_pool`.
      where: as in `jaxpool.max_pool`, one mask for all arrays. Elements left out take no part, and have no gradient.

    Returns:
      The tree of results, with the sizes of `jaxpool.output_shape` along the spatial axes. A window wholly in padding,
      or without valid elements, gives `init`.

    Raises:
      TypeError: an argument of the wrong kind, or an operation that fails on two operands (its own error is the cause)
        or changes shapes or dtypes.
      ValueError: a window that does not fit, arrays of different shapes, or an operation that joins three constants
        to different results in different orders.

    Derivatives: both modes, any order. On one array `lax.max`, `lax.min`, `jnp.maximum` and `jnp.minimum` are the
    operators of `jaxpool.max_pool` and `jaxpool.min_pool`, with their ties (the first, and `init` before all), and
    `lax.add` and `jnp.add` that of `jaxpool.sum_pool`, but integers keep their dtype. All else is differentiated as
    `reduce_fn` is, so that ties go as it says. There one axis goes after another, with about log k operations per
    element for k elements where windows are dense.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> from jax import lax
      >>> jaxpool.pool(jnp.arange(1., 7.), 1., lax.mul, (3,), channel_axis=None)
      Array([  6.,  24.,  60., 120.], dtype=float32)
      >>> def mean(a, b):
      ...     return a[0] + b[0], a[1] + b[1]
      >>> jaxpool.pool((jnp.arange(4.), jnp.ones(4)), (0., 0.), mean, (2,), 2, channel_axis=None)
      (Array([1., 5.], dtype=float32), Array([2., 2.], dtype=float32))
    """
    tree, first = operands_of(inputs, init, reduce_fn)
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    window = window_of(first, arguments, padding_is_empty=False)
    return reduced(tree, init, reduce_fn, window, mask_of(where, first), padding_mode)


def operands_of(inputs: Any, init: Any, reduce_fn: Any) -> tuple[Any, Array]:
    """The inputs as a tree of arrays, and the first of them; refuses what cannot be reduced."""
    tree = jax.tree.map(lambda x: as_array(x, ordered=False), inputs)
    leaves, structure = jax.tree.flatten(tree)
    operands = _operands(leaves)
    check_operands(operands, structure, jax.tree.structure(init), reduce_fn)
    for value, (_, dtype) in zip(jax.tree.leaves(init), operands, strict=True):
        check_identity(value, dtype)
    return tree, leaves[0]


def _operands(leaves: Sequence[Array]) -> list[tuple[Any, str]]:
    return [(leaf.shape, str(leaf.dtype)) for leaf in leaves]


def reduced(
    tree: Any, init: Any, reduce_fn: Any, window: Window, mask: Array | None, padding_mode: PaddingMode | None = None
) -> Any:
    """`init` and the elements of every window joined; the arguments are those of `pool`."""
    leaves, structure = jax.tree.flatten(tree)
    operands = _operands(leaves)
    start = jax.tree.map(lambda x, value: _as_scalar(value, x.dtype), tree, init)
    inner = window if padding_mode is None else window.on_padded_input()
    kind = known_operation(reduce_fn, tree)
    some = all(count for part in inner.parts for _, count in part.real_counts())
    # An extremum of no element is the general form's, which gives `init` there.
    if kind is not None and (some or kind == "sum"):
        return _by_operator(tree, mask, init, start, kind, window, padding_mode)
    try:
        one = jax.eval_shape(reduce_fn, tree, tree)
    except Exception as error:
        raise refused_operation(operands, reduce_fn, error) from error
    found = [(leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves(one)]
    check_results(operands, structure, found, jax.tree.structure(one))
    check_associative(reduce_fn, tree)
    neutral = padding_may_hold(init, reduce_fn, tree)
    return _of_windows(tree, mask, start, reduce_fn, window, padding_mode, neutral)


@over_shards
def _of_windows(
    tree: Any,
    mask: Array | None,
    start: Any,
    reduce_fn: Any,
    window: Window,
    padding_mode: PaddingMode | None,
    neutral: bool,
) -> Any:
    first, *rest = jax.tree.leaves(tree)
    first, mask, inner = padded(first, mask, window, padding_mode)
    rest = [padded(leaf, None, window, padding_mode, beyond="zero")[0] for leaf in rest]
    tree = jax.tree.unflatten(jax.tree.structure(tree), [first, *rest])
    return window_reduce_from(tree, start, reduce_fn, inner, neutral, None if mask is None else along(mask, inner))


def _as_scalar(value: Any, dtype: Any) -> Any:
    # By way of NumPy: an unsigned number may be too large for JAX's default integers.
    return value.astype(dtype) if isinstance(value, jax.Array) else np.asarray(value).astype(dtype)


def _by_operator(
    x: Any, mask: Array | None, init: Any, start: Array, kind: str, window: Window, padding_mode: PaddingMode | None
) -> Any:
    """A reduction that the library has an operator for; `start` is `init` in the dtype of `x`."""
    known = constant(init)
    if kind == "sum":
        return _sum_of(x, mask, None if known is not None and known == 0 else start, window, padding_mode)
    values = extremum_of(x, mask, window, kind, padding_mode)
    if known is not None and known == extreme(values.dtype, kind):
        return values
    return jnp.where(beats(values, start, kind), values, start)


@functools.partial(jax.jit, static_argnames=("window", "padding_mode"), inline=True)
@over_shards
def _sum_of(
    inputs: Array, mask: Array | None, init: Array | None, window: Window, padding_mode: PaddingMode | None
) -> Array:
    """The sum of `init` and every window: of floats as in `sum_pool`, of integers in their own dtype."""
    x, mask, window = padded(inputs, mask, window, padding_mode, beyond="zero")
    x = x if mask is None else jnp.where(mask, x, jnp.zeros((), x.dtype))
    dtype = summing_dtype(x.dtype) if jnp.issubdtype(x.dtype, jnp.inexact) else x.dtype
    total = window_sum(x, window, dtype=dtype)
    return (total if init is None else init.astype(dtype) + total).astype(x.dtype)
