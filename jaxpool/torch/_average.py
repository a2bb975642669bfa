# Torch's own argument names are kept.
# ruff: noqa: A002
"""Average and Lp pooling under torch's names."""

from __future__ import annotations

import math

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

import jaxpool
from jaxpool._geometry import check_divisor, check_flag
from jaxpool._geometry.calls import explained
from jaxpool._geometry.values import refuse
from jaxpool.torch._arguments import array_of, frame_of, number_of
from jaxpool.torch._ranks import on_ranks
from jaxpool.typing import Ints


def _require_whole_kernel(sizes: tuple[int, ...], kernel: tuple[int, ...]) -> None:
    """Refuses what torch refuses only for means in 3-D: a window larger than the input, though padding made room."""
    if len(sizes) == 3 and any(k > size for k, size in zip(kernel, sizes, strict=True)):
        rule, remedy = "be at most the size of the input", "Use jaxpool.avg_pool, which takes it."
        refuse(ValueError, "kernel_size", rule, repr(kernel), remedy, f"spatial sizes {sizes}")


def _avg_pool(
    rank: int,
    input: ArrayLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """`torch.nn.functional.avg_pool{rank}d`, on arrays {layout}; see `avg_pool1d`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import avg_pool{rank}d
      >>> avg_pool{rank}d(jnp.ones((8, 3, {four})), 2, divisor_override=1).shape
      (8, 3, {two})
    """
    x, sizes = array_of(input, rank, floats=True)
    frame = frame_of(sizes, kernel_size, stride, padding, 1, ceil_mode)
    _require_whole_kernel(sizes, frame.kernel)
    check_flag("count_include_pad", count_include_pad)
    return jaxpool.avg_pool(
        x,
        frame.kernel,
        frame.stride,
        frame.padding,
        bool(count_include_pad),
        divisor_override=check_divisor(divisor_override),
        ceil_mode=frame.ceil_mode,
        channel_axis=-rank - 1,
    )


avg_pool2d, avg_pool3d = map(on_ranks(_avg_pool), (2, 3))


@explained
def avg_pool1d(
    input: ArrayLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Array:
    """`torch.nn.functional.avg_pool1d`, on arrays `(N, C, L)` or `(C, L)`.

    The default stride is the kernel size. Floats only, of any width; f16, bf16 and fp8 are summed in f32.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import avg_pool1d
      >>> avg_pool1d(jnp.array([[1., 3., 2., 4.]]), 2)
      Array([[2., 3.]], dtype=float32)
    """
    return _avg_pool(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def _magnitude(x: Array) -> Array:
    # Torch's derivative of |x| is 0 at 0, that of jnp.abs is 1.
    zero, one = jnp.zeros((), x.dtype), jnp.ones((), x.dtype)
    return x * lax.stop_gradient(jnp.where(x > 0, one, jnp.where(x < 0, -one, zero)))


def _power(x: Array, exponent: float) -> Array:
    if exponent == math.trunc(exponent) and abs(exponent) <= 64:
        return lax.integer_pow(x, int(exponent))
    return x ** jnp.asarray(exponent, x.dtype)


def _lp_pool(
    rank: int,
    input: ArrayLike,
    norm_type: float,
    kernel_size: Ints,
    stride: Ints | None = None,
    ceil_mode: bool = False,
) -> Array:
    """`torch.nn.functional.lp_pool{rank}d`, on arrays {layout}: `(sum x^p)^(1/p)`, with the signs of x.

    As in torch: for odd p, negative sums give NaN; for other p, every negative element does, unless p is even; in ceil
    mode, sums over windows that reach beyond the input are scaled up to a full window. `jaxpool.lp_pool` takes absolute
    values and does neither. Where the sum is 0 its gradient is 0, but for p below 1, where elements that are 0 have the
    gradient NaN. `math.inf` is for the largest absolute value, `-math.inf` for the smallest. Floats only. `norm_type`
    must be known while tracing; `jaxpool.lp_pool` can learn it.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import lp_pool{rank}d
      >>> lp_pool{rank}d(jnp.ones((8, 3, {four})), 2, 2).shape
      (8, 3, {two})
    """
    x, sizes = array_of(input, rank, floats=True)
    p = number_of("norm_type", norm_type)
    if p == 0 or math.isnan(p):
        remedy = "Use 2 for the Euclidean norm, math.inf for the largest absolute value."
        refuse(ValueError, "norm_type", "be a number other than 0", norm_type, remedy)
    frame = frame_of(sizes, kernel_size, stride, ceil_mode=ceil_mode, short=False)
    kernel, steps, ceil, channel = frame.kernel, frame.stride, frame.ceil_mode, -rank - 1
    if math.isinf(p):
        pool = jaxpool.max_pool if p > 0 else jaxpool.min_pool
        return pool(_magnitude(x), kernel, steps, ceil_mode=ceil, channel_axis=channel)
    _require_whole_kernel(sizes, kernel)
    mean = jaxpool.avg_pool(_power(x, p), kernel, steps, ceil_mode=ceil, channel_axis=channel)
    # The mean of a window that ceil mode cut short is multiplied by the full number of elements all the same.
    scale = jnp.asarray(math.prod(kernel), x.dtype)
    # The root has no derivative at 0; there the gradient is 0.
    safe = jnp.where(mean == 0, jnp.ones((), x.dtype), mean)
    return jnp.where(mean == 0, _power(jnp.zeros((), x.dtype), 1 / p), _power(safe * scale, 1 / p))


lp_pool1d, lp_pool2d, lp_pool3d = map(on_ranks(_lp_pool), (1, 2, 3))
