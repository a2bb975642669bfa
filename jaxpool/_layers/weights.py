"""The weights with which layers take means: one rule for all that have them."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

import jax.numpy as jnp
from jax import Array, lax

_kept: ContextVar[list[Array] | None] = ContextVar("kept", default=None)


def softmax_weights(logits: Array, mask: Array | None, axes: Sequence[int]) -> Array:
    """The softmax along some axes, of what the mask leaves in; all 0 where it leaves nothing.

    The largest logit gives the shift, so that nothing overflows. It has no part in derivatives.
    """
    if mask is not None:
        logits = jnp.where(mask, logits, -jnp.inf)
    largest = lax.stop_gradient(jnp.max(logits, tuple(axes), keepdims=True))
    weights = jnp.exp(logits - jnp.where(largest == -jnp.inf, 0, largest))
    total = jnp.sum(weights, tuple(axes), keepdims=True)
    return weights / jnp.where(total == 0, 1, total)


@contextmanager
def kept_weights() -> Generator[list[Array]]:
    """The list to which attention adds its weights meanwhile: layers of Flax return nothing but its result."""
    kept: list[Array] = []
    token = _kept.set(kept)
    try:
        yield kept
    finally:
        _kept.reset(token)


def keep(weights: Array) -> None:
    """Add the weights of an attention to the list of the layer that asked for them."""
    kept = _kept.get()
    if kept is not None:
        kept.append(weights)


def of_positions(weights: Array, sizes: Sequence[int]) -> Array:
    """Weights of one query, (*batch, heads, 1, positions), as (*batch, *sizes, heads)."""
    weights = jnp.swapaxes(weights[..., 0, :], -1, -2)
    return weights.reshape(*weights.shape[:-2], *sizes, weights.shape[-1])
