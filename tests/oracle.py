"""What pooling means, as plain loops over NumPy arrays; imports nothing of the library.

Every function takes the geometry as lists with one entry per spatial axis and works on arrays whose last axes are the
spatial ones. Positions outside the input are padding.
"""

import itertools

import numpy as np


def output_size(size, taps, stride, dilation, low, high, ceil_mode):
    """Counts windows by placing one after the other."""
    extent = (taps - 1) * dilation + 1
    outputs = 0
    while True:
        start = outputs * stride - low
        # In ceil mode a window may stick out at the end by less than a stride, but must start before the high padding.
        allowed = stride - 1 if ceil_mode else 0
        if start + extent - allowed > size + high or (ceil_mode and start >= size):
            return outputs
        outputs += 1


def same_padding(size, taps, stride, dilation, lower):
    """The least padding that gives ceil(size / stride) windows, an odd cell at the end, or at the start."""
    outputs = (size + stride - 1) // stride
    low = high = 0
    while (outputs - 1) * stride + (taps - 1) * dilation + 1 > size + low + high:
        if (low == high) == lower:
            low += 1
        else:
            high += 1
    return low, high


def windows(sizes, outputs, taps, strides, dilations, lows):
    """For every output index the list of (offset, position or None for padding)."""
    for out in itertools.product(*map(range, outputs)):
        cells = []
        for offset, tap in enumerate(itertools.product(*map(range, taps))):
            place = tuple(o * s - lo + t * d for o, s, lo, t, d in zip(out, strides, lows, tap, dilations, strict=True))
            inside = all(0 <= p < n for p, n in zip(place, sizes, strict=True))
            cells.append((offset, place if inside else None))
        yield out, cells


def _geometry(window):
    parts = window.parts
    return (
        [p.size for p in parts],
        [p.outputs for p in parts],
        [p.taps for p in parts],
        [p.stride for p in parts],
        [p.dilation for p in parts],
        [p.low for p in parts],
    )


def _each(window):
    return windows(*_geometry(window))


def window_sum(x, window):
    sizes, outputs, *_ = _geometry(window)
    y = np.zeros(x.shape[: x.ndim - len(sizes)] + tuple(outputs), x.dtype)
    for out, cells in _each(window):
        for _, place in cells:
            if place is not None:
                y[(..., *out)] += x[(..., *place)]
    return y


def window_spread(g, window):
    sizes, *_ = _geometry(window)
    x = np.zeros(g.shape[: g.ndim - len(sizes)] + tuple(sizes), g.dtype)
    for out, cells in _each(window):
        for _, place in cells:
            if place is not None:
                x[(..., *place)] += g[(..., *out)]
    return x


def window_argextremum(x, window, kind):
    """Values, offsets: the first extremum in row-major order, or the first NaN."""
    sizes, outputs, *_ = _geometry(window)
    batch = x.shape[: x.ndim - len(sizes)]
    values = np.zeros(batch + tuple(outputs), x.dtype)
    offsets = np.zeros(batch + tuple(outputs), np.int64)
    for out, cells in _each(window):
        for b in np.ndindex(batch):
            best = None
            for offset, place in cells:
                if place is None:
                    continue
                value = x[(*b, *place)]
                if best is None:
                    best = value, offset
                elif np.isnan(best[0]):
                    break
                elif np.isnan(value) or (value > best[0] if kind == "max" else value < best[0]):
                    best = value, offset
            values[(*b, *out)], offsets[(*b, *out)] = best
    return values, offsets


def gather_at_offsets(x, offsets, window):
    y = np.zeros(offsets.shape, x.dtype)
    for out, cells in _each(window):
        for b in np.ndindex(y.shape[: y.ndim - len(out)]):
            place = dict(cells).get(int(offsets[(*b, *out)]))
            if place is not None:
                y[(*b, *out)] = x[(*b, *place)]
    return y


def scatter_at_offsets(g, offsets, window):
    sizes, *_ = _geometry(window)
    x = np.zeros(g.shape[: g.ndim - len(sizes)] + tuple(sizes), g.dtype)
    for out, cells in _each(window):
        for b in np.ndindex(g.shape[: g.ndim - len(out)]):
            place = dict(cells).get(int(offsets[(*b, *out)]))
            if place is not None:
                x[(*b, *place)] += g[(*b, *out)]
    return x


def counts(window, include_pad):
    """The divisor of every window, torch's rule: cells in the input, or in the input and its explicit padding."""
    _, outputs, *_ = _geometry(window)
    highs = [p.size + p.high for p in window.parts]
    result = np.zeros(outputs, np.int64)
    for out, _ in _each(window):
        total = 1
        for o, p, limit in zip(out, window.parts, highs, strict=True):
            places = [o * p.stride - p.low + i * p.dilation for i in range(p.taps)]
            total *= sum(-p.low <= q < limit if include_pad else 0 <= q < p.size for q in places)
        result[out] = total
    return result


def reduce_windows(x, window, function):
    """`function` of the list of real elements of every window, row-major; x has no other axes."""
    _, outputs, *_ = _geometry(window)
    y = np.zeros(outputs)
    for out, cells in _each(window):
        y[out] = function([x[place] for _, place in cells if place is not None])
    return y


def adaptive(x, output_size, function):
    """`function` of every bin's elements, a list of arrays; PyTorch's rule for each axis, x has no other axes."""

    def bins(size, outputs):
        return [(i * size // outputs, (((i + 1) * size - 1) // outputs) + 1) for i in range(outputs)]

    spans = [bins(size, size if n is None else n) for size, n in zip(x.shape, output_size, strict=True)]
    y = np.zeros([len(s) for s in spans])
    for out in np.ndindex(y.shape):
        y[out] = function(x[tuple(slice(*s[i]) for s, i in zip(spans, out, strict=True))])
    return y


def first_maximum(x, spans):
    """Values and row-major places of the first maximum, or NaN, of every window; `spans` has (start, stop) per axis."""
    values = np.zeros([len(s) for s in spans], x.dtype)
    places = np.zeros(values.shape, np.int64)
    for out in np.ndindex(values.shape):
        best = None
        for place in itertools.product(*(range(*s[i]) for s, i in zip(spans, out, strict=True))):
            if best is None or (not np.isnan(x[best]) and (np.isnan(x[place]) or x[place] > x[best])):
                best = place
        values[out], places[out] = x[best], np.ravel_multi_index(best, x.shape)
    return values, places
