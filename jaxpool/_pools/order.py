"""Order statistics of windows: medians, quantiles, ranks, and means of the largest elements."""

from __future__ import annotations

from jax import Array
from jax.typing import ArrayLike

from jaxpool._geometry import WindowArguments, check_quantile, check_rank, check_top
from jaxpool._geometry.calls import explained
from jaxpool._pools.order_of_windows import chosen_of_windows
from jaxpool.typing import AxisNames, Ints, Padding, PaddingMode, QuantileMethod, WindowShape


@explained
def median_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    method: QuantileMethod = "midpoint",
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Median pooling: the median of every window. Strides default to 1.

    Each feature map loses outliers and keeps its edges. It is `jaxpool.quantile_pool` with `q=0.5`.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names, where:
        as in `jaxpool.quantile_pool`. Median filters of images often have `padding_mode="REFLECT"`. For zeros that
        count, use `jnp.pad` first.
      method: of an even number of elements, "midpoint" is the mean of the two in the middle, as in NumPy, and "lower"
        the smaller one, as in `torch.median`.

    Returns, raises, derivatives: as in `jaxpool.quantile_pool`.

    Source: J. Tukey, "Exploratory data analysis", 1977; T. Huang, G. Yang, G. Tang, "A fast two-dimensional median
    filtering algorithm", 1979.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([1., 2., 90., 3., 4.])
      >>> jaxpool.median_pool(x, (3,), 1, 1, channel_axis=None)
      Array([1.5, 2. , 3. , 4. , 3.5], dtype=float32)
    """
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    return chosen_of_windows(inputs, arguments, check_quantile(0.5, method), where)


@explained
def quantile_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    q: float,
    method: QuantileMethod = "linear",
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Quantile pooling: the quantile `q` of every window. Strides default to 1.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names: as in
        `jaxpool.max_pool`. Padding does not count: a window at the border has fewer elements. A window has at most 100
        elements, or is the whole plane.
      q: a number from 0 to 1.
      method: what to return if the quantile lies between two elements, as in `jnp.quantile`: "linear" (in proportion),
        "lower", "higher", "midpoint" (their mean), or "nearest" (the lower one halfway).
      where: as in `jaxpool.max_pool`. A window without any valid element returns 0 and has no gradient.

    Returns:
      The quantiles, with the sizes of `jaxpool.output_shape` along the spatial axes, in the dtype of `inputs`. "linear"
      and "midpoint" give f32 for integers. A window with a NaN returns NaN. Of zeros of both signs either may be
      returned.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit or has more elements than the limit, or `q` outside of 0 to 1.

    Derivatives: both modes, any order. The gradient goes to the element that is returned, or is split between its
    two neighbours for "linear" and "midpoint". Among equal elements the first in row-major order gets the gradient. A
    second share goes to the next. If a window holds NaN, its first NaN gets all. Reverse mode keeps one byte for each
    element that gets a share.

    Source: R. Hyndman, Y. Fan, "Sample quantiles in statistical packages", 1996; the elements are found by a sorting
    network, K. Batcher, "Sorting networks and their applications", 1968.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([4., 1., 3., 2.])
      >>> jaxpool.quantile_pool(x, (3,), q=0.25, channel_axis=None)
      Array([2. , 1.5], dtype=float32)
      >>> jaxpool.quantile_pool(x, (3,), q=0.25, method="lower", channel_axis=None)
      Array([1., 1.], dtype=float32)
    """
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    return chosen_of_windows(inputs, arguments, check_quantile(q, method), where)


@explained
def rank_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    rank: int,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Rank pooling: the element of every window at a place in its order. Strides default to 1.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names, where:
        as in `jaxpool.quantile_pool`.
      rank: an index into the sorted window, as in `scipy.ndimage.rank_filter`: 0 is the smallest element, 1 the second
        smallest, -1 the largest, -2 the second largest. A window with fewer valid elements returns the last one in this
        direction.

    Returns:
      The elements, with the sizes of `jaxpool.output_shape` along the spatial axes, in the dtype of `inputs`. A window
      with a NaN returns NaN.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit or has more elements, or a rank that it does not have.

    Derivatives: both modes, any order, as in `jaxpool.quantile_pool`.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> x = jnp.array([4, 1, 3, 2])
      >>> jaxpool.rank_pool(x, (3,), rank=-2, channel_axis=None)
      Array([3, 2], dtype=int32)
    """
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    return chosen_of_windows(inputs, arguments, check_rank(rank), where)


@explained
def topk_pool(
    inputs: ArrayLike,
    window_shape: WindowShape,
    strides: Ints | None = None,
    padding: Padding = "VALID",
    *,
    k: float,
    window_dilation: Ints = 1,
    ceil_mode: bool = False,
    channel_axis: int | None = -1,
    padding_mode: PaddingMode | None = None,
    spatial_axis_names: AxisNames | None = None,
    where: ArrayLike | None = None,
) -> Array:
    """Top-k pooling: the mean of the `k` largest elements of every window. Strides default to 1.

    It lies between max pooling (`k=1`) and average pooling (as many as the window has). The mean of the `k` smallest is
    `-topk_pool(-x, ...)`.

    Args:
      inputs: array of shape `(*batch, *spatial, features)`, with any number of batch axes. Any real dtype.
      window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names, where:
        as in `jaxpool.quantile_pool`.
      k: an integer, or a share between 0 and 1 of the valid elements, rounded half to even, but at least one element.
        More than there are means all. The size of the window times `k` is at most 256, unless the window is the plane.

    Returns:
      The means, with the sizes of `jaxpool.output_shape` along the spatial axes, in the dtype of float inputs. f16,
      bf16 and fp8 are summed in f32, and integers return f32. A window with a NaN returns NaN.

    Raises:
      TypeError: an argument of the wrong kind, such as complex inputs.
      ValueError: a window that does not fit or has more elements, or `k` below 1 that is no share.

    Derivatives: both modes, any order. Each of the largest elements gets its share. Of equal elements the first count,
    in row-major order. Reverse mode keeps `k` bytes per output.

    Source: N. Kalchbrenner, E. Grefenstette, P. Blunsom, "A convolutional neural network for modelling sentences", ACL
    2014, for the choice; T. Durand et al., "WILDCAT", CVPR 2017, for the mean.

    Example:
      >>> import jax.numpy as jnp, jaxpool
      >>> jaxpool.topk_pool(jnp.array([1., 5., 3., 0.]), (3,), k=2, channel_axis=None)
      Array([4., 4.], dtype=float32)
    """
    arguments = WindowArguments(
        window_shape, strides, padding, window_dilation, ceil_mode, channel_axis, padding_mode, spatial_axis_names
    )
    return chosen_of_windows(inputs, arguments, check_top("k", k), where)
