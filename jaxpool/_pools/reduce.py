"""Pooling with any associative operation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import jax
import jax.numpy as jnp

from jaxpool._geometry import (
    Ints,
    Padding,
    check_identity,
    check_operands,
    check_results,
    pooling_window,
    refuse_operation,
)
from jaxpool._geometry.calls import explained
from jaxpool._operators import window_reduce
from jaxpool._pools.inputs import as_array, padded

Tree = TypeVar("Tree")


@explained
def pool(
    inputs: Tree,
    init: Any,
    reduce_fn: Callable[[Any, Any], Any],
    window_shape: Ints,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: str | None = None,
) -> Tree:
    """Pooling with any associative operation, over one array or a tree of them. Strides default to 1.

    The signature is that of `flax.linen.pool`. A tree carries what the operation needs: value and index, sum and count,
    maximum and the sum of exponentials.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, or a tree of arrays of one such shape.
      init: the identity of the operation, one scalar for each array; it stands in padding.
      reduce_fn: from two arrays, or two trees, to one of the same shapes and dtypes, elementwise and associative:
        `lax.mul`, `jnp.logaddexp`. Operands come in row-major order.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode: as in `jaxpool.max_pool`.

    Returns:
      The tree of results, with the sizes of `jaxpool.output_shape` along the spatial axes. A window wholly in padding
      gives `init`.

    Raises:
      TypeError: an argument of the wrong kind, or an operation that fails on two operands (its own error is the cause)
        or changes shapes or dtypes.
      ValueError: a window that does not fit, or arrays of different shapes.

    Derivatives: both modes, any order, by differentiating `reduce_fn`, so that ties go as it says: `lax.max` shares a
    gradient among equals, where `jaxpool.max_pool` gives it to the first. One axis goes after another, with about log k
    operations per element for k elements where windows are dense.

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
    tree = jax.tree.map(lambda x: as_array("pool", x, ordered=False), inputs)
    leaves, structure = jax.tree.flatten(tree)
    operands = [(leaf.shape, str(leaf.dtype)) for leaf in leaves]
    check_operands(operands, structure, jax.tree.structure(init), reduce_fn)
    for value, (_, dtype) in zip(jax.tree.leaves(init), operands, strict=True):
        check_identity(value, dtype)
    window = pooling_window(
        "pool",
        leaves[0].shape,
        window_shape,
        strides,
        padding,
        window_dilation=window_dilation,
        ceil_mode=ceil_mode,
        channel_axis=channel_axis,
        padding_mode=padding_mode,
        padding_is_empty=False,
    )
    try:
        one = jax.eval_shape(reduce_fn, tree, tree)
    except Exception as error:
        refuse_operation(operands, reduce_fn, error)
    found = [(leaf.shape, str(leaf.dtype)) for leaf in jax.tree.leaves(one)]
    check_results(operands, structure, found, jax.tree.structure(one))
    identity = jax.tree.map(lambda x, value: jnp.asarray(value).astype(x.dtype), tree, init)
    inner = window if padding_mode is None else window.on_padded_input()
    tree = jax.tree.map(lambda x: padded(x, None, window, padding_mode)[0], tree)
    return window_reduce(tree, identity, reduce_fn, inner)
