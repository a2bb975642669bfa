"""The integers of pooling against counting by hand."""

import numpy as np
import oracle
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jaxpool._geometry import AxisWindow, Window, pooling_window

AXIS = st.tuples(
    st.integers(1, 24),  # size
    st.integers(1, 7),  # taps
    st.integers(1, 5),  # stride
    st.integers(1, 4),  # dilation
    st.integers(0, 6),  # low
    st.integers(0, 6),  # high
    st.booleans(),  # ceil mode
)


def window_of(size, taps, stride, dilation, padding, ceil_mode):
    return pooling_window(
        (size,),
        (taps,),
        stride,
        padding,
        window_dilation=dilation,
        ceil_mode=ceil_mode,
        channel_axis=None,
        padding_is_empty=False,
    ).parts[0]


def real_taps(part, o, limit):
    places = [o * part.stride - part.low + i * part.dilation for i in range(part.taps)]
    return [i for i, place in enumerate(places) if 0 <= place < limit]


@pytest.mark.later
@settings(max_examples=4000, deadline=None)
@given(AXIS)
def test_an_axis_window_agrees_with_counting_by_hand(axis):
    size, taps, stride, dilation, low, high, ceil_mode = axis
    expected = oracle.output_size(size, taps, stride, dilation, low, high, ceil_mode)
    if expected < 1:
        with pytest.raises(ValueError, match="window_shape must fit into the padded input"):
            window_of(size, taps, stride, dilation, [(low, high)], ceil_mode)
        return
    part = window_of(size, taps, stride, dilation, [(low, high)], ceil_mode)
    assert part == AxisWindow(0, size, taps, stride, dilation, low, high, expected)
    outputs = [o for segment in part.segments() for o in range(segment.start, segment.stop)]
    assert outputs == list(range(expected))
    for segment in part.segments():
        for o in range(segment.start, segment.stop):
            assert real_taps(part, o, size) == list(range(segment.first, segment.last))
    real = np.repeat(*np.transpose([(c, n) for n, c in part.real_counts()]))
    padded = np.repeat(*np.transpose([(c, n) for n, c in part.padded_counts()]))
    assert real.tolist() == oracle.counts(Window((part,)), include_pad=False).tolist()
    assert padded.tolist() == oracle.counts(Window((part,)), include_pad=True).tolist()
    assert part.high_overhang == (expected - 1) * stride + (taps - 1) * dilation + 1 - size - low


@pytest.mark.later
@settings(max_examples=1500, deadline=None)
@given(AXIS, st.booleans())
def test_same_padding_is_the_least_that_gives_ceil_size_over_stride(axis, lower):
    size, taps, stride, dilation, *_ = axis
    part = window_of(size, taps, stride, dilation, "same_lower" if lower else "Same", False)
    assert (part.low, part.high) == oracle.same_padding(size, taps, stride, dilation, lower)
    assert part.outputs == -(-size // stride)


@settings(max_examples=500, deadline=None)
@given(st.integers(3, 24), st.integers(1, 4), st.integers(1, 3), st.integers(-2, 0), st.integers(-2, 3))
def test_negative_padding_crops(size, taps, stride, low, high):
    if size + low + high < taps:
        return
    part = window_of(size, taps, stride, 1, [(low, high)], False)
    assert part.outputs == oracle.output_size(size + low + min(high, 0), taps, stride, 1, 0, max(high, 0), False)
    for segment in part.segments():
        for o in range(segment.start, segment.stop):
            assert real_taps(part, o, size) == list(range(segment.first, segment.last))


def test_a_long_axis_costs_nothing():
    part = window_of(10**9, 3, 1, 1, 1, False)
    assert [s.stop - s.start for s in part.segments()] == [1, 10**9 - 2, 1]
    assert part.real_counts() == [(1, 2), (10**9 - 2, 3), (1, 2)]


@pytest.mark.parametrize(
    ("padding", "pairs"),
    [
        ("VALID", [(0, 0), (0, 0)]),
        ("valid", [(0, 0), (0, 0)]),
        (1, [(1, 1), (1, 1)]),
        (np.int64(1), [(1, 1), (1, 1)]),
        ((1, 2), [(1, 1), (2, 2)]),
        ([1, 2], [(1, 1), (2, 2)]),
        (np.array([1, 2]), [(1, 1), (2, 2)]),
        ([(0, 1), [2, 1]], [(0, 1), (2, 1)]),
        ([(0, 1), 2], [(0, 1), (2, 2)]),
        (np.array([[0, 1], [2, 1]]), [(0, 1), (2, 1)]),
    ],
)
def test_padding_forms(padding, pairs):
    window = pooling_window((1, 9, 9, 1), (3, 3), 1, padding, padding_is_empty=True)
    assert [(part.low, part.high) for part in window.parts] == pairs


@pytest.mark.parametrize(
    ("shape", "rank", "channel_axis", "axes"),
    [
        ((2, 9, 9, 3), 2, -1, (1, 2)),
        ((9, 9, 3), 2, -1, (0, 1)),
        ((5, 2, 9, 9, 3), 2, -1, (2, 3)),
        ((2, 3, 9, 9), 2, 1, (2, 3)),
        ((2, 9, 3, 9), 2, 2, (1, 3)),
        ((2, 9, 9), 2, None, (1, 2)),
        ((3, 9), 1, 0, (1,)),
        ((2, 9, 9, 9, 3), 3, 4, (1, 2, 3)),
    ],
)
def test_spatial_axes(shape, rank, channel_axis, axes):
    window = pooling_window(shape, (2,) * rank, channel_axis=channel_axis, padding_is_empty=True)
    assert window.axes == axes


@pytest.mark.parametrize(
    ("taps", "dtype"), [((16, 16), "uint8"), ((257,), "uint16"), ((256, 256), "uint16"), ((65537,), "uint32")]
)
def test_offsets_take_the_smallest_unsigned_type(taps, dtype):
    parts = tuple(AxisWindow(i, 10**6, t, 1, 1, 0, 0, 1) for i, t in enumerate(taps))
    assert Window(parts).offset_dtype == dtype
