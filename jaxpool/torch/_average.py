# Torch's own argument names are kept.
# ruff: noqa: A002
"""Average and Lp pooling under torch's names."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

import jaxpool
from jaxpool._geometry import Ints, check_divisor, check_flag
from jaxpool._geometry.calls import explained
from jaxpool._geometry.values import refuse
from jaxpool.torch._arguments import array_of, frame_of, number_of


def _require_whole_kernel(function: str, sizes: tuple[int, ...], kernel: tuple[int, ...]) -> None:
    """Refuses what torch refuses only for means in 3-D: a window larger than the input, though padding made room."""
    if len(sizes) == 3 and any(k > size for k, size in zip(kernel, sizes, strict=True)):
        rule, remedy = "be at most the size of the input", "Use jaxpool.avg_pool, which takes it."
        refuse(ValueError, function, "kernel_size", rule, repr(kernel), f"spatial sizes {sizes}", remedy)


def _avg_pool(
    function: str,
    rank: int,
    input: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: Any,
    count_include_pad: Any,
    divisor_override: Any,
) -> Array:
    x, sizes = array_of(function, input, rank, floats=True)
    frame = frame_of(function, sizes, kernel_size, stride, padding, 1, ceil_mode)
    _require_whole_kernel(function, sizes, frame.kernel)
    check_flag(function, "count_include_pad", count_include_pad)
    return jaxpool.avg_pool(
        x,
        frame.kernel,
        frame.stride,
        frame.padding,
        bool(count_include_pad),
        divisor_override=check_divisor(function, divisor_override),
        ceil_mode=frame.ceil_mode,
        channel_axis=-rank - 1,
    )


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
    return _avg_pool("avg_pool1d", 1, input, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


@explained
def avg_pool2d(
    input: ArrayLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """`torch.nn.functional.avg_pool2d`, on arrays `(N, C, H, W)` or `(C, H, W)`; see `avg_pool1d`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import avg_pool2d
      >>> avg_pool2d(jnp.ones((1, 3, 3)), 2, 2, 1, count_include_pad=False)
      Array([[[1., 1.],
              [1., 1.]]], dtype=float32)
    """
    function, include, divisor = "avg_pool2d", count_include_pad, divisor_override
    return _avg_pool(function, 2, input, kernel_size, stride, padding, ceil_mode, include, divisor)


@explained
def avg_pool3d(
    input: ArrayLike,
    kernel_size: Ints,
    stride: Ints | None = None,
    padding: Ints = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Array:
    """`torch.nn.functional.avg_pool3d`, on arrays `(N, C, D, H, W)` or `(C, D, H, W)`; see `avg_pool1d`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import avg_pool3d
      >>> avg_pool3d(jnp.ones((1, 2, 2, 2)), 2, divisor_override=1)
      Array([[[[8.]]]], dtype=float32)
    """
    function, include, divisor = "avg_pool3d", count_include_pad, divisor_override
    return _avg_pool(function, 3, input, kernel_size, stride, padding, ceil_mode, include, divisor)


def _magnitude(x: Array) -> Array:
    # Torch's derivative of |x| is 0 at 0, that of jnp.abs is 1.
    zero, one = jnp.zeros((), x.dtype), jnp.ones((), x.dtype)
    return x * lax.stop_gradient(jnp.where(x > 0, one, jnp.where(x < 0, -one, zero)))


def _power(x: Array, exponent: float) -> Array:
    if exponent == math.trunc(exponent) and abs(exponent) <= 64:
        return lax.integer_pow(x, int(exponent))
    return x ** jnp.asarray(exponent, x.dtype)


def _lp_pool(
    function: str, rank: int, input: Any, norm_type: Any, kernel_size: Any, stride: Any, ceil_mode: Any
) -> Array:
    x, sizes = array_of(function, input, rank, floats=True)
    p = number_of(function, "norm_type", norm_type, "an exponent")
    if p == 0 or math.isnan(p):
        remedy = "Use 2 for the Euclidean norm, math.inf for the largest absolute value."
        refuse(ValueError, function, "norm_type", "be a number other than 0", norm_type, "an exponent", remedy)
    frame = frame_of(function, sizes, kernel_size, stride, ceil_mode=ceil_mode, short=False)
    kernel, steps, ceil, channel = frame.kernel, frame.stride, frame.ceil_mode, -rank - 1
    if math.isinf(p):
        pool = jaxpool.max_pool if p > 0 else jaxpool.min_pool
        return pool(_magnitude(x), kernel, steps, ceil_mode=ceil, channel_axis=channel)
    _require_whole_kernel(function, sizes, kernel)
    mean = jaxpool.avg_pool(_power(x, p), kernel, steps, ceil_mode=ceil, channel_axis=channel)
    # The mean of a window that ceil mode cut short is multiplied by the full number of elements all the same.
    scale = jnp.asarray(math.prod(kernel), x.dtype)
    # The root has no derivative at 0; there the gradient is 0.
    safe = jnp.where(mean == 0, jnp.ones((), x.dtype), mean)
    return jnp.where(mean == 0, _power(jnp.zeros((), x.dtype), 1 / p), _power(safe * scale, 1 / p))


@explained
def lp_pool1d(
    input: ArrayLike, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
) -> Array:
    """`torch.nn.functional.lp_pool1d`, on arrays `(N, C, L)` or `(C, L)`: `(sum x^p)^(1/p)`, with the signs of x.

    As in torch: for odd p, negative sums give NaN; for other p, every negative element does, unless p is even; in ceil
    mode, sums over windows that reach beyond the input are scaled up to a full window. `jaxpool.lp_pool` takes absolute
    values and does neither. Where the sum is 0 its gradient is 0, but for p below 1, where elements that are 0 have the
    gradient NaN. `math.inf` is for the largest absolute value, `-math.inf` for the smallest. Floats only. `norm_type`
    must be known while tracing; `jaxpool.lp_pool` can learn it.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import lp_pool1d
      >>> lp_pool1d(jnp.array([[3., -4., 0., 2.]]), 2, 2)
      Array([[5., 2.]], dtype=float32)
    """
    return _lp_pool("lp_pool1d", 1, input, norm_type, kernel_size, stride, ceil_mode)


@explained
def lp_pool2d(
    input: ArrayLike, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
) -> Array:
    """`torch.nn.functional.lp_pool2d`, on arrays `(N, C, H, W)` or `(C, H, W)`; see `lp_pool1d`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import lp_pool2d
      >>> lp_pool2d(jnp.ones((1, 2, 2)), 2, 2)
      Array([[[2.]]], dtype=float32)
    """
    return _lp_pool("lp_pool2d", 2, input, norm_type, kernel_size, stride, ceil_mode)


@explained
def lp_pool3d(
    input: ArrayLike, norm_type: float, kernel_size: Ints, stride: Ints | None = None, ceil_mode: bool = False
) -> Array:
    """`torch.nn.functional.lp_pool3d`, on arrays `(N, C, D, H, W)` or `(C, D, H, W)`; see `lp_pool1d`.

    Example:
      >>> import jax.numpy as jnp
      >>> from jaxpool.torch import lp_pool3d
      >>> lp_pool3d(jnp.ones((1, 2, 2, 2)), 3, 2)
      Array([[[[2.]]]], dtype=float32)
    """
    return _lp_pool("lp_pool3d", 3, input, norm_type, kernel_size, stride, ceil_mode)
