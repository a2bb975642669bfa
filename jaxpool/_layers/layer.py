"""What every layer with parameters has: what it declares, and how its inputs are read.

A layer is described once. `declare` names its parameters and Flax's own layers that it is made of; its call
computes with them. `jaxpool.linen` and `jaxpool.nnx` say only how such a part is made and kept.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn.initializers import xavier_uniform
from jax.typing import ArrayLike, DTypeLike

from jaxpool._geometry import check_flag, plane_axes
from jaxpool._geometry.layers import check_positions
from jaxpool._modules.description import Pool
from jaxpool._pools.inputs import as_array

Initializer = Callable[..., Array]


def xavier(key: Array, shape: Sequence[int], dtype: DTypeLike = jnp.float32) -> Array:
    """Xavier uniform, as a function that can be pickled."""
    return xavier_uniform()(key, tuple(shape), dtype)


class Maker(Protocol):
    """Makes the parts of a layer, each under a name; the sizes are those of the inputs and of the outputs."""

    def parameter(self, name: str, init: Initializer, shape: Sequence[int]) -> Any:
        """An array that is learned."""
        ...

    def dense(self, name: str, inputs: int, outputs: int, **options: Any) -> Any:
        """A dense layer on the last axis, with `kernel` (inputs, outputs) and `bias` (outputs,)."""
        ...

    def conv(self, name: str, inputs: int, outputs: int, kernel_size: Sequence[int], **options: Any) -> Any:
        """A convolution, with `kernel` (*kernel_size, inputs, outputs)."""
        ...

    def layer_norm(self, name: str, features: int, **options: Any) -> Any:
        """A layer normalisation, with `scale` and `bias`."""
        ...

    def instance_norm(self, name: str, features: int, **options: Any) -> Any:
        """An instance normalisation, with `scale` and `bias`."""
        ...

    def batch_norm(self, name: str, features: int, **options: Any) -> Any:
        """A batch normalisation, with `scale` and `bias`, and the running `mean` and `var`."""
        ...

    def attention(self, name: str, features: int, outputs: int, num_heads: int, **options: Any) -> Any:
        """Multi-head attention, with `query`, `key`, `value` (features, heads, features of one) and `out`."""
        ...


class Layer(Pool):
    """The base of the description of every layer with parameters."""

    dtype: DTypeLike | None
    param_dtype: DTypeLike

    def declare(self, make: Maker, features: int) -> None:
        """Make the parts for inputs with so many features."""
        raise NotImplementedError

    if TYPE_CHECKING:

        def parts(self, features: int) -> Any:
            """The parts by name: arrays, and layers that can be called."""

    def cast(self, inputs: ArrayLike) -> Array:
        """The inputs in the dtype of the computation and of the result."""
        x = as_array(inputs, ordered=True)
        if self.dtype is not None:
            return x.astype(self.dtype)
        # Meant here, also where users forbid what is not.
        with jax.numpy_dtype_promotion("standard"):
            return x.astype(jnp.promote_types(x.dtype, self.param_dtype))


class WeighingLayer(Layer):
    """The base of the description of every layer whose result is a mean with weights, which it can return, too."""

    def weighed(self, inputs: ArrayLike, where: ArrayLike | None) -> tuple[Array, Callable[[], Array]]:
        """The result, and what computes its weights."""
        raise NotImplementedError

    @overload
    def __call__(
        self, inputs: ArrayLike, where: ArrayLike | None = None, return_weights: Literal[False] = False
    ) -> Array: ...

    @overload
    def __call__(
        self, inputs: ArrayLike, where: ArrayLike | None = None, *, return_weights: Literal[True]
    ) -> tuple[Array, Array]: ...

    def __call__(
        self, inputs: ArrayLike, where: ArrayLike | None = None, return_weights: bool = False
    ) -> Array | tuple[Array, Array]:
        """The mean of `inputs`, and with `return_weights` its weights."""
        check_flag("return_weights", return_weights)
        result, weights = self.weighed(inputs, where)
        return (result, weights()) if return_weights else result


def positions_of(x: Array, where: Any, num_spatial_dims: int | None) -> tuple[Array, Array | None, tuple[int, ...]]:
    """Inputs with channels last, 0 where the mask leaves out, the mask of positions, and the spatial axes."""
    axes = plane_axes(x.shape, num_spatial_dims, -1)
    if where is None:
        return x, None, axes
    check_positions(where, x.shape)
    mask = jnp.broadcast_to(jnp.asarray(where), (*x.shape[:-1], 1))
    # Nothing that is left out may reach a product or a statistic, not even NaN.
    return jnp.where(mask, x, jnp.zeros((), x.dtype)), mask, axes


def as_tokens(x: Array, axes: Sequence[int]) -> Array:
    """The spatial axes, which are the last but one, as one."""
    tokens = 1
    for axis in axes:
        tokens = tokens * x.shape[axis]
    return x.reshape(*x.shape[: axes[0]], tokens, x.shape[-1])


def some(mask: Array, axes: Sequence[int]) -> Array:
    """Whether any position counts, with the axes of the mask."""
    return jnp.any(mask, tuple(axes), keepdims=True)
