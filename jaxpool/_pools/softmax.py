"""Means with the weights of a softmax."""

from __future__ import annotations

import functools

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.typing import ArrayLike

from jaxpool._geometry import Window, WindowArguments, check_flag, check_written_out, plane_axes
from jaxpool._geometry.calls import explained
from jaxpool._operators import plane_sum, window_softmax_mean
from jaxpool._pools.dtypes import mean_dtypes
from jaxpool._pools.inputs import as_array, mask_of
from jaxpool._pools.padding import padded
from jaxpool._pools.shards import over_shards, window_of
from jaxpool._pools.weighted import array_of, padded_as, ratio
from jaxpool.typing import AxisNames, Ints, Padding, PaddingMode, Scalar, WindowShape


def values_and_logits(x: Array, logits: Array | None, beta: Array, mask: Array | None) -> tuple[Array, Array]:
    """Both in a wide enough dtype; where a mask or a logit of -inf leaves an element out, 0 and -inf."""
    dtype, _ = mean_dtypes(x.dtype)
    own = jnp.broadcast_to((x if logits is None else logits).astype(dtype), x.shape)
    out = own == -jnp.inf if mask is None else (own == -jnp.inf) | ~mask
    # No gradient may pass what is left out, not even that of NaN.
    scaled = beta.astype(dtype) * jnp.where(out, 0, own)
    return jnp.where(out, 0, x.astype(dtype)), jnp.where(out, -jnp.inf, scaled)


@functools.partial(jax.jit, static_argnames=("window", "padding_mode"), inline=True)
@over_shards
def _softmax(
    inputs: Array,
    logits: Array | None,
    beta: Array | None,
    mask: Array | None,
    window: Window,
    padding_mode: str | None,
) -> Array:
    logits = None if logits is None else padded_as(inputs, logits, window, padding_mode)
    if beta is not None and any(beta.shape[axis] == inputs.shape[axis] for axis in window.axes if beta.ndim):
        beta = padded_as(inputs, beta, window, padding_mode)
    inputs, mask, window = padded(inputs, mask, window, padding_mode)
    if beta is None and not window.normal.whole:
        # Nothing is selected or scaled, so that nothing of the size of the inputs is stored.
        dtype, _ = mean_dtypes(inputs.dtype)
        values, own = inputs.astype(dtype), inputs if logits is None else jnp.broadcast_to(logits, inputs.shape)
        # Not the same array as the values: the large terms of its gradient then cancel before others join them.
        exponents = own.astype(dtype) * jnp.ones((), dtype)
        exponents = exponents if mask is None else jnp.where(mask, exponents, -jnp.inf)
    else:
        values, exponents = values_and_logits(inputs, logits, jnp.ones(()) if beta is None else beta, mask)
    if window.normal.whole:
        result = _softmax_mean(values, exponents, window.axes)
    else:
        result = window_softmax_mean(values, exponents, window)
    return result.astype(mean_dtypes(inputs.dtype)[1])


def _softmax_mean(values: Array, exponents: Array, axes: tuple[int, ...]) -> Array:
    largest = lax.stop_gradient(jnp.max(exponents, axes, keepdims=True))
    weights = jnp.exp(exponents - jnp.where(largest == -jnp.inf, 0, largest))
    total, weight = (plane_sum(array, axes, None, values.dtype) for array in (weights * values, weights))
    return ratio(total, weight)


@functools.partial(jax.jit, static_argnames=("axes", "keepdims"), inline=True)
def _softmax_of_plane(
    inputs: Array, logits: Array | None, beta: Array, mask: Array | None, axes: tuple[int, ...], keepdims: bool
) -> Array:
    result = _softmax_mean(*values_and_logits(inputs, logits, beta, mask), axes).astype(mean_dtypes(inputs.dtype)[1])
    return result if keepdims else lax.squeeze(result, axes)


@explained
def softmax_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    logits: ArrayLike | None = None,
    beta: Scalar = 1.0,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Softmax pooling: the mean of every window with softmax weights. Strides default to 1.

    `sum(exp(beta * l) * x) / sum(exp(beta * l))` over each window, where `l` are the logits. With the inputs as their
    own logits it is SoftPool. With the logits of a small network it is LIP, or attention pooling in a window. It lies
    between average pooling (`beta` 0) and max pooling (`beta` to infinity).

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names: as in
        `jaxpool.max_pool`. Padding has the weight 0. A window has at most 256 elements, or is the whole plane.
      logits: array with as many axes as `inputs`, each of the same size or of size 1. None for the inputs themselves.
      beta: the inverse temperature, a number or an array that broadcasts to `inputs`, such as one per feature. It may
        be learned.
      where: as in `jaxpool.max_pool`. A window without any valid element returns 0 and has no gradient.

    Returns: The means, with the sizes of `jaxpool.output_shape` along the spatial axes, in the dtype of float inputs.
      f16, bf16 and fp8 are computed in f32, and integers return f32. Each window subtracts its own largest logit, so
      that no exponential overflows.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit, or an array that does not broadcast.

    Derivatives: both modes, any order, with respect to inputs, logits and `beta`. Reverse mode recomputes the weights:
    it keeps arrays of the size of the inputs, and never unfolds the windows.

    Source: A. Stergiou et al., "Refining activation downsampling with SoftPool", ICCV 2021; Z. Gao et al., "LIP: Local
    importance-based pooling", ICCV 2019.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([0., 1., 2., 2.])
      >>> jaxpool.softmax_pool(x, (2,), 2, channel_axis=None).round(3)
      Array([0.731, 2.   ], dtype=float32)
      >>> jaxpool.softmax_pool(x, (2,), 2, beta=0, channel_axis=None)
      Array([0.5, 2. ], dtype=float32)
    """
    x = as_array(inputs, ordered=True)
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    window = window_of(x, arguments, padding_is_empty=False)
    check_written_out(window)
    own = None if logits is None else array_of("logits", logits, x)
    rate = array_of("beta", beta, x, scalar=True)
    plain = isinstance(beta, int | float) and beta == 1
    return _softmax(x, own, None if plain else rate, mask_of(where, x), window, padding_mode)


@explained
def global_softmax_pool(
    inputs: ArrayLike,
    *,
    logits: ArrayLike | None = None,
    beta: Scalar = 1.0,
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global softmax pooling: the mean of each feature map with softmax weights.

    Arguments and errors are those of `jaxpool.global_avg_pool`; `logits`, `beta` and the derivatives those of
    `jaxpool.softmax_pool`. With one `beta` per feature it is AutoPool; with logits of size 1 along the features it is
    attention pooling, over the instances of a bag if there is one spatial axis.

    Source: B. McFee, J. Salamon, J. Bello, "Adaptive pooling operators for weakly labeled sound event detection", 2018;
    M. Ilse, J. Tomczak, M. Welling, "Attention-based deep multiple instance learning", ICML 2018.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> bag, scores = jnp.array([[1., 5.], [3., 7.]]), jnp.array([[0.], [200.]])
      >>> jaxpool.global_softmax_pool(bag, logits=scores, num_spatial_dims=1)
      Array([3., 7.], dtype=float32)
    """
    check_flag("keepdims", keepdims)
    x = as_array(inputs, ordered=True)
    axes = plane_axes(x.shape, num_spatial_dims, channel_axis)
    own = None if logits is None else array_of("logits", logits, x)
    beta = array_of("beta", beta, x, scalar=True)
    return _softmax_of_plane(x, own, beta, mask_of(where, x), axes, bool(keepdims))
