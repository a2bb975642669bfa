"""Stochastic pooling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import KW_ONLY
from typing import Any

from jax import Array
from jax.typing import ArrayLike

import jaxpool
from jaxpool._modules.description import Pool, description
from jaxpool.typing import Ints, Padding, PaddingMode, WindowShape


@description
class StochasticPool(Pool):
    """From every window an element that is drawn by its size.

    `StochasticPool((2, 2), 2)(x, key)` is `jaxpool.stochastic_pool(x, key, (2, 2), 2)`,
    which documents results, errors and derivatives. In place of a key, a call takes what returns one, such as `rngs` or
    `rngs.pool` of nnx. Without either, a module of linen draws from its stream "pool".
    """

    window_shape: WindowShape
    strides: Ints | None = None
    padding: Padding = "VALID"
    _: KW_ONLY
    deterministic: bool = False
    window_dilation: Ints = 1
    ceil_mode: bool = False
    channel_axis: int | None = -1
    padding_mode: PaddingMode | None = None

    def own_key(self) -> Any:
        """A key for calls without one, or None."""
        return None

    def __call__(
        self,
        inputs: ArrayLike,
        key: Array | Callable[[], Array] | None = None,
        where: ArrayLike | None = None,
        deterministic: bool | None = None,
    ) -> Array:
        """The elements of `inputs`, or their means."""
        fixed = self.deterministic if deterministic is None else deterministic
        drawn: Any = key
        if fixed:
            drawn = None
        elif drawn is None:
            drawn = self.own_key()
        elif callable(drawn):
            drawn = drawn()
        return self.pool_with(jaxpool.stochastic_pool, inputs, drawn, where=where, deterministic=fixed)
