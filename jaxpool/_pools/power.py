"""Lp and power mean pooling."""

from __future__ import annotations

from typing import Any

from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import WindowArguments, check_flag, plane_axes
from jaxpool._geometry.calls import explained
from jaxpool._pools.inputs import as_array
from jaxpool._pools.norms import jitted, pooled, pooled_plane
from jaxpool._pools.shards import window_of
from jaxpool.typing import AxisNames, Ints, Padding, PaddingMode, Scalar, WindowShape

_run = jitted(pooled, "window", "mean", "count_include_pad", "padding_mode")
_run_plane = jitted(pooled_plane, "axes", "mean", "keepdims")


@explained
def lp_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    p: Scalar = 2.0,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Lp pooling: the p-norm of every window, `(sum |x|^p)^(1/p)`. Strides default to 1, not to the window.

    Absolute values are taken, as in ONNX; PyTorch sums signed powers. No power overflows or vanishes on the way.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`; any number of batch axes; any real dtype.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names: as in
        `jaxpool.max_pool`.
      p: a positive number, `math.inf` for the largest absolute value, or an array, which may be learned: a scalar, or
        an exponent for each feature. Such an array has as many axes as `inputs`, with size 1 along the spatial axes and
        elsewhere the same size or 1: `p[None, None, None]` for images with channels last, `p[:, None, None]` with
        `channel_axis=-3` and no batch. Equal largest elements share the gradient of a very large p. `math.inf` gives it
        to the first.
      where: as in `jaxpool.max_pool`; a window without valid elements gives 0.

    Returns:
      The norms, with the sizes of `jaxpool.output_shape` along the spatial axes, in the dtype of float inputs; f16,
      bf16 and fp8 are computed in f32, and integers give f32.

    Raises:
      TypeError: an argument of the wrong kind, complex inputs included.
      ValueError: a window that does not fit, or p not positive. An exponent that is traced is not checked.

    Derivatives: both modes, any order, also by p where it is an array; 0 at elements that are 0, also for p below 1.

    Source: P. Sermanet, S. Chintala, Y. LeCun, "Convolutional neural networks applied to house numbers digit
    classification", ICPR 2012.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.lp_pool(jnp.array([3., -4., 0., 0.]), (2,), 2, channel_axis=None)
      Array([5., 0.], dtype=float32)
    """
    x = as_array(inputs, ordered=True)
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    window = window_of(x, arguments, padding_is_empty=False)
    return _run(x, window.axes, p, where, window, False, True, padding_mode)


@explained
def power_mean_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    count_include_pad: bool = True,
    *,
    p: Scalar = 3.0,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Power mean pooling: `(mean |x|^p)^(1/p)` of every window. Strides default to 1, not to the window.

    Between average pooling (of absolute values, p = 1) and max pooling (p to infinity). Over the whole plane it is
    generalised mean pooling (GeM), see `jaxpool.global_power_mean_pool`.

    Arguments, results, errors and derivatives are those of `jaxpool.lp_pool`; `count_include_pad` is that of
    `jaxpool.avg_pool`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.power_mean_pool(jnp.array([1., 7.]), (2,), p=2, channel_axis=None)
      Array([5.], dtype=float32)
    """
    check_flag("count_include_pad", count_include_pad)
    x = as_array(inputs, ordered=True)
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    window = window_of(x, arguments, padding_is_empty=False)
    return _run(x, window.axes, p, where, window, True, bool(count_include_pad), padding_mode)


def _global(
    inputs: ArrayLike, p: Scalar, spatial: Any, keepdims: Any, channel_axis: Any, where: Any, mean: bool
) -> Array:
    check_flag("keepdims", keepdims)
    x = as_array(inputs, ordered=True)
    axes = plane_axes(x.shape, spatial, channel_axis)
    return _run_plane(x, axes, p, where, axes, mean, bool(keepdims))


@explained
def global_lp_pool(
    inputs: ArrayLike,
    *,
    p: Scalar = 2.0,
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Global Lp pooling: the p-norm of each feature map.

    Arguments and errors are those of `jaxpool.global_avg_pool`; p and the derivatives those of `jaxpool.lp_pool`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_lp_pool(jnp.array([[[[3.], [-4.]]]]))
      Array([[5.]], dtype=float32)
    """
    return _global(inputs, p, num_spatial_dims, keepdims, channel_axis, where, False)


@explained
def global_power_mean_pool(
    inputs: ArrayLike,
    *,
    p: Scalar = 3.0,
    num_spatial_dims: int | None = None,
    keepdims: bool = False,
    channel_axis: int | None = -1,
    where: ArrayLike | None = None,
) -> Array:
    """Generalised mean pooling (GeM): `(mean |x|^p)^(1/p)` of each feature map.

    Arguments and errors are those of `jaxpool.global_avg_pool`; p, which may be learned, one number or one per feature
    (GeMmp), and the derivatives those of `jaxpool.lp_pool`. GeM layers that clamp are
    `global_power_mean_pool(jnp.maximum(x, 1e-6))`.

    Source: F. Radenovic, G. Tolias, O. Chum, "Fine-tuning CNN image retrieval with no human annotation", TPAMI 2018.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.global_power_mean_pool(jnp.array([[[[1.], [7.]]]]), p=2)
      Array([[5.]], dtype=float32)
    """
    return _global(inputs, p, num_spatial_dims, keepdims, channel_axis, where, True)
