"""What an operation given to `pool` is: one with operators of its own, and what it does with a few constants."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array, lax
from jax.core import Tracer

from jaxpool._geometry import refuse_order

Operation = Callable[[Any, Any], Any]

_KNOWN: tuple[tuple[Any, str], ...] = (
    (lax.max, "max"),
    (jnp.maximum, "max"),
    (lax.min, "min"),
    (jnp.minimum, "min"),
    (lax.add, "sum"),
    (jnp.add, "sum"),
)

# Operands a, b and c. Floats lie between 0 and 1, where nearly every operation is defined; booleans take all values.
_FLOATS = (
    (0.25, 0.75, 0.5, 0.125, 0.875, 0.375, 0.625, 0.25),
    (0.5, 0.25, 0.875, 0.625, 0.375, 0.125, 0.25, 0.75),
    (0.75, 0.5, 0.125, 0.875, 0.25, 0.625, 0.375, 0.5),
)
_INTEGERS = ((1, 2, 3, 5, 4, 1, 2, 3), (2, 5, 1, 3, 1, 4, 3, 2), (3, 1, 4, 2, 5, 2, 1, 5))
_BOOLEANS = tuple([bool(i >> bit & 1) for i in range(8)] for bit in (2, 1, 0))
# One more operand beside `init`.
_ANY_FLOATS = (-100.0, -2.0, -0.5, 0.0, 0.25, 1.0, 3.0, 100.0)
_ANY_INTEGERS = (-7, -3, -1, 0, 1, 2, 5, 7)

# What is known of an operation, by the dtypes and the tree of its operands.
_seen: weakref.WeakKeyDictionary[Any, dict[Any, Any]] = weakref.WeakKeyDictionary()


def known_operation(reduce_fn: Operation, inputs: Any) -> str | None:
    """Which of "max", "min" and "sum" it is, where the library has an operator for it on these inputs; or None."""
    kind = next((kind for known, kind in _KNOWN if reduce_fn is known), None)
    if kind is None or not isinstance(inputs, Array):
        return None
    if kind == "sum":
        return None if inputs.dtype == jnp.bool_ else kind
    return None if jnp.issubdtype(inputs.dtype, jnp.complexfloating) else kind


def constant(value: Any) -> np.ndarray | None:
    """A value as NumPy has it, or None for one that is not known while tracing."""
    return None if isinstance(value, Tracer) else np.asarray(value)


def check_associative(reduce_fn: Operation, tree: Any) -> None:
    """Refuses an operation that gives three constants another result when they are joined in another order."""
    found = _remembered(reduce_fn, ("order", *_signature(tree)), lambda: _difference(reduce_fn, tree))
    if found is not None:
        refuse_order(reduce_fn, *found)


def padding_may_hold(init: Any, reduce_fn: Operation, tree: Any) -> bool:
    """Whether `init` may stand any number of times beside elements without another result than once before them.

    That holds if it is its own square, and gives the same on both sides. Each is true of an identity. But the slope of
    its square must be finite, too: that of `jnp.logaddexp` at twice -inf is NaN, which 0 times a tangent keeps.
    """
    values = jax.tree.map(constant, init)
    if any(value is None for value in jax.tree.leaves(values, is_leaf=lambda value: value is None)):
        return False
    key = ("init", tuple(value.item() for value in jax.tree.leaves(values)), *_signature(tree))
    return _remembered(reduce_fn, key, lambda: _is_neutral(values, reduce_fn, tree))


def _signature(tree: Any) -> tuple[Any, ...]:
    leaves, structure = jax.tree.flatten(tree)
    return structure, leaves[0].ndim, *(leaf.dtype for leaf in leaves)


def _remembered(reduce_fn: Operation, key: Any, find: Callable[[], Any]) -> Any:
    try:
        memory = _seen.setdefault(reduce_fn, {})
        known = key in memory
    except TypeError:
        # It cannot be hashed or referred to.
        return find()
    if not known:
        memory[key] = find()
    return memory[key]


def _evaluate(compute: Callable[[], Any]) -> Any:
    """The result in NumPy, or None where it cannot be computed now, as for operations that read traced values."""
    config: Any = jax
    try:
        # Constants say nothing about the user's numbers, so they raise no alarm.
        with jax.ensure_compile_time_eval(), config.debug_nans(False), config.debug_infs(False):
            result = jax.tree.map(constant, compute())
    except Exception:  # The operation is not ours, and its own errors have been reported before.
        return None
    missing = any(leaf is None for leaf in jax.tree.leaves(result, is_leaf=lambda leaf: leaf is None))
    return None if missing else result


def _operands(tree: Any, floats: Sequence[float], integers: Sequence[int], booleans: Sequence[bool]) -> Any:
    """A tree of small arrays of the dtypes and rank of `tree`; later leaves hold smaller floats, as in sorted pairs."""
    leaves, structure = jax.tree.flatten(tree)
    arrays: list[Array] = []
    for i, leaf in enumerate(leaves):
        shape = (8, *[1] * (leaf.ndim - 1))
        numbers: Any = booleans if leaf.dtype == jnp.bool_ else integers
        if jnp.issubdtype(leaf.dtype, jnp.inexact):
            numbers = np.asarray(floats) * 0.5 ** (i % 4)
        if jnp.issubdtype(leaf.dtype, jnp.complexfloating):
            numbers = numbers + 1j * numbers[::-1]
        if jnp.issubdtype(leaf.dtype, jnp.unsignedinteger):
            numbers = np.abs(numbers)
        arrays.append(jnp.asarray(np.asarray(numbers).reshape(shape).astype(leaf.dtype)))
    return jax.tree.unflatten(structure, arrays)


def _difference(reduce_fn: Operation, tree: Any) -> tuple[Any, Any, Any] | None:
    """Three operands and the two results, for the first of them that shows a difference.

    A tree may hold flags, and its operation be associative for these only. So 0 and 1 must show a difference, too.
    """
    if len(jax.tree.leaves(tree)) > 1 and _first_difference(reduce_fn, tree, _BOOLEANS, _BOOLEANS) is None:
        return None
    return _first_difference(reduce_fn, tree, _FLOATS, _INTEGERS)


def _first_difference(reduce_fn: Operation, tree: Any, floats: Any, integers: Any) -> tuple[Any, Any, Any] | None:
    def compute() -> Any:
        a, b, c = (_operands(tree, *numbers) for numbers in zip(floats, integers, _BOOLEANS, strict=True))
        return (a, b, c), reduce_fn(reduce_fn(a, b), c), reduce_fn(a, reduce_fn(b, c))

    results = _evaluate(compute)
    if results is None:
        return None
    operands, left, right = results
    same = [_same(*pair) for pair in zip(jax.tree.leaves(left), jax.tree.leaves(right), strict=True)]
    if np.all(same):
        return None
    place = int(np.argmin(np.all(same, axis=0)))
    return tuple(
        jax.tree.map(lambda leaf: leaf.reshape(8, -1)[place, 0].item(), part) for part in (operands, left, right)
    )


def _same(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Per operand whether two results are equal, but for rounding; results that are no numbers say nothing."""
    left, right = left.reshape(8, -1)[:, 0], right.reshape(8, -1)[:, 0]
    if not jnp.issubdtype(left.dtype, jnp.inexact):
        return left == right
    tolerance = max(1e-3, 16 * float(jnp.finfo(left.dtype).eps))
    wide = np.complex128 if jnp.issubdtype(left.dtype, jnp.complexfloating) else np.float64
    left, right = left.astype(wide), right.astype(wide)
    unknown = ~(np.isfinite(left) & np.isfinite(right))
    left, right = np.where(unknown, 0, left), np.where(unknown, 0, right)
    return np.abs(left - right) <= tolerance * np.maximum(np.maximum(np.abs(left), np.abs(right)), 1)


def _is_neutral(init: Any, reduce_fn: Operation, tree: Any) -> bool:
    def compute() -> Any:
        x = _operands(tree, _ANY_FLOATS, _ANY_INTEGERS, _BOOLEANS[0])
        one = jax.tree.map(lambda leaf, value: jnp.full(leaf.shape, value.item(), leaf.dtype), x, init)
        return one, reduce_fn(one, one), reduce_fn(one, x), reduce_fn(x, one)

    results = _evaluate(compute)
    if results is None:
        return False
    if not _slopes_are_finite(results[0], reduce_fn):
        return False
    one, square, *sides = map(jax.tree.leaves, results)
    idempotent = all(np.array_equal(a, b) for a, b in zip(one, square, strict=True))
    return idempotent and all(_same(a, b).all() for a, b in zip(*sides, strict=True))


def _slopes_are_finite(one: Any, reduce_fn: Operation) -> bool:
    """Whether two constants that are joined have a finite tangent; so has what has none."""

    def compute() -> Any:
        operands = jax.tree.map(jnp.asarray, (one, one))
        zeros = jax.tree.map(lambda leaf: np.zeros(leaf.shape, jax.typeof(leaf).to_tangent_aval().dtype), operands)
        tangents = jax.tree.leaves(jax.jvp(reduce_fn, operands, zeros)[1])
        return [tangent for tangent in tangents if tangent.dtype != jax.dtypes.float0]

    tangents = _evaluate(compute)
    return tangents is None or all(np.isfinite(tangent.astype(np.complex128)).all() for tangent in tangents)
