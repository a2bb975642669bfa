"""Which cells of a plane every window reads: one table for pooling, bins, whole planes and random windows."""

import dataclasses
import math

import numpy as np
from oracle import output_size as count_windows
from oracle import same_padding


class RefusedError(Exception):
    """The call must be refused."""


@dataclasses.dataclass(frozen=True, eq=False)
class Windows:
    """The windows over some axes of an array.

    Attributes:
      axes: the spatial axes, ascending.
      sizes, outs: the plane's sizes and the numbers of windows.
      taps: the window's sizes, all of the plane for global pools; the widest for others.
      cells: of shape (maps or 1, windows, taps): row-major positions in the plane, -1 where there is no element.
      counted: the same shape; what divisors count with padding: elements and the padding that was asked for.
    """

    axes: tuple
    sizes: tuple
    outs: tuple
    taps: tuple
    cells: np.ndarray
    counted: np.ndarray

    @property
    def real(self):
        return self.cells >= 0


def spatial_axes(shape, spatial, channel_axis):
    """The last `spatial` axes that are not the channel's."""
    rank = len(shape)
    if channel_axis is not None and not -rank <= channel_axis < rank:
        raise RefusedError("channel_axis")
    others = [axis for axis in range(rank) if channel_axis is None or axis != channel_axis % rank]
    if len(others) < spatial:
        raise RefusedError("rank")
    axes = tuple(others[len(others) - spatial :])
    if any(shape[axis] == 0 for axis in axes):
        raise RefusedError("empty plane")
    return axes


def per_axis(value, spatial, default=1):
    value = default if value is None else value
    return [int(v) for v in value] if np.ndim(value) else [int(value)] * spatial


def paddings(padding, sizes, taps, strides, dilations):
    if isinstance(padding, str):
        if padding.upper() == "VALID":
            return [(0, 0)] * len(sizes)
        if padding.upper() == "CAUSAL":
            return [((tap - 1) * gap, 0) for tap, gap in zip(taps, dilations, strict=True)]
        lower = padding.upper() == "SAME_LOWER"
        return [same_padding(*axis, lower) for axis in zip(sizes, taps, strides, dilations, strict=True)]
    if not hasattr(padding, "__len__"):
        return [(int(padding), int(padding))] * len(sizes)
    return [tuple(map(int, p)) if hasattr(p, "__len__") else (int(p), int(p)) for p in padding]


def _source(place, size, mode):
    """Where what stands in padding comes from."""
    if mode == "EDGE":
        return min(max(place, 0), size - 1)
    if mode == "WRAP":
        return place % size
    return -place if place < 0 else 2 * (size - 1) - place


def _axis(size, outs, taps, stride, dilation, low, high, mode):
    """For every window and tap of one axis: the cell or -1, and whether a divisor counts it."""
    cells = np.full((outs, taps), -1)
    counted = np.zeros((outs, taps), bool)
    for o in range(outs):
        for t in range(taps):
            place = o * stride - low + t * dilation
            asked = -low <= place < size + high
            counted[o, t] = asked or 0 <= place < size
            if 0 <= place < size:
                cells[o, t] = place
            elif asked and mode is not None:
                cells[o, t] = _source(place, size, mode)
    return cells, counted


def _product(axes, sizes, outs, taps, tables):
    cells, real, counted = np.zeros((1, 1), int), np.ones((1, 1), bool), np.ones((1, 1), bool)
    for size, (own, own_counted) in zip(sizes, tables, strict=True):
        shape = (cells.shape[0] * own.shape[0], cells.shape[1] * own.shape[1])

        def join(a, b, operation, shape=shape):
            return operation(a[:, None, :, None], b[None, :, None, :]).reshape(shape)

        cells = join(cells * size, np.maximum(own, 0), np.add)
        real = join(real, own >= 0, np.logical_and)
        counted = join(counted, own_counted, np.logical_and)
    return Windows(axes, sizes, outs, taps, np.where(real, cells, -1)[None], counted[None])


def pooling(shape, window_shape, strides=None, padding="VALID", window_dilation=1, ceil_mode=False, channel_axis=-1,
            padding_mode=None, outs=None, sizes=None):  # fmt: skip
    """The windows of a pooling; with `outs` and `sizes` those of an unpooling to a plane of these sizes."""
    taps = [int(t) for t in window_shape]
    spatial = len(taps)
    axes = spatial_axes(shape, spatial, channel_axis)
    sizes = [shape[axis] for axis in axes] if sizes is None else sizes
    steps, dilations = per_axis(strides, spatial), per_axis(window_dilation, spatial)
    pairs = paddings(padding, sizes, taps, steps, dilations)
    mode = None if padding_mode is None else padding_mode.upper()
    if ceil_mode and any(min(pair) < 0 for pair in pairs):
        raise RefusedError("crop in ceil mode")
    geometry = list(zip(sizes, taps, steps, dilations, pairs, strict=True))
    if outs is None:
        outs = [count_windows(n, t, s, d, *pair, ceil_mode) for n, t, s, d, pair in geometry]
    if min(outs) < 1:
        raise RefusedError("does not fit")
    most = {"REFLECT": -1, "WRAP": 0}.get(mode)
    if most is not None and any(max(pair) > n + most for n, pair in zip(sizes, pairs, strict=True)):
        raise RefusedError("padding without source")
    tables = [_axis(n, o, t, s, d, *pair, mode) for (n, t, s, d, pair), o in zip(geometry, outs, strict=True)]
    return _product(axes, tuple(sizes), tuple(outs), tuple(taps), tables)


def whole(shape, num_spatial_dims=None, channel_axis=-1):
    if num_spatial_dims is None:
        # Only images with channels are told by their rank.
        if len(shape) != 4 or channel_axis is None:
            raise RefusedError("num_spatial_dims")
        num_spatial_dims = 2
    axes = spatial_axes(shape, num_spatial_dims, channel_axis)
    sizes = tuple(shape[axis] for axis in axes)
    cells = np.arange(math.prod(sizes)).reshape(1, 1, -1)
    return Windows(axes, sizes, (1,) * len(sizes), sizes, cells, cells >= 0)


def between(axes, sizes, spans):
    """The windows of a start and a stop per axis and output."""
    tables = []
    for ends in spans:
        width = max(stop - start for start, stop in ends)
        own = np.array([[p if p < stop else -1 for p in range(start, start + width)] for start, stop in ends])
        tables.append((own, own >= 0))
    outs = tuple(len(ends) for ends in spans)
    return _product(axes, sizes, outs, tuple(own.shape[1] for own, _ in tables), tables)


def adaptive(shape, output_size, channel_axis=-1):
    axes = spatial_axes(shape, len(output_size), channel_axis)
    sizes = tuple(shape[axis] for axis in axes)
    outs = [n if o is None else int(o) for n, o in zip(sizes, output_size, strict=True)]
    bins = [[(i * n // o, -((i + 1) * n // -o)) for i in range(o)] for n, o in zip(sizes, outs, strict=True)]
    return between(axes, sizes, bins)


def fractional(shape, samples, output_size, window_shape, channel_axis=-1):
    """PyTorch's windows, for every map; None where rounding decides between two."""
    axes = spatial_axes(shape, len(output_size), channel_axis)
    sizes = tuple(shape[axis] for axis in axes)
    geometry = list(zip(sizes, output_size, window_shape, strict=True))
    if any(t > n or o > n - t + 1 for n, o, t in geometry):
        raise RefusedError("more outputs than windows")
    maps = []
    for numbers in samples.reshape(-1, len(sizes)):
        spans = []
        for (n, o, t), u in zip(geometry, numbers, strict=True):
            if o == 1:
                spans.append([(n - t, n)])
                continue
            # The sequence in exact arithmetic, unless it is so near to an integer that a rounding may decide.
            alpha = (n - t) / (o - 1)
            exact = [(i + float(u)) * alpha for i in range(o)]
            if any(abs(value - round(value)) < 1e-5 * (n + 1) and value for value in exact) and float(u):
                return None
            starts = [math.floor(value) - math.floor(exact[0]) for value in exact]
            starts[-1] = n - t
            spans.append([(start, start + t) for start in starts])
        maps.append(between(axes, sizes, spans))
    if not maps:
        return None
    return stacked(maps)


def stacked(maps):
    """Windows that differ from map to map."""
    cells = np.concatenate([one.cells for one in maps])
    return dataclasses.replace(maps[0], cells=cells, counted=cells >= 0)
