"""Random arguments of windows, masks and layouts."""

import numpy as np

from fuzz import windows as table
from fuzz.windows import RefusedError

LARGEST = {1: 24, 2: 10, 3: 5}


def chance(rng, p):
    return rng.random() < p


def pick(rng, *options):
    return options[rng.integers(len(options))]


def draw_layout(rng, spatial, keep_maps=False):
    """A shape and a channel axis."""
    sizes = [int(rng.integers(1, LARGEST[spatial])) for _ in range(spatial)]
    batch = [int(rng.integers(1, 4)) for _ in range(rng.integers(0, 3))]
    if batch and not keep_maps and chance(rng, 0.02):
        batch[0] = 0
    shape = [*batch, *sizes]
    if chance(rng, 0.25):
        return tuple(shape), None
    channels = int(rng.integers(1, 5)) if chance(rng, 0.9) else int(rng.integers(8, 20))
    axis = len(shape) if chance(rng, 0.6) else int(rng.integers(len(shape) + 1))
    shape.insert(axis, channels)
    return tuple(shape), axis if chance(rng, 0.4) else axis - len(shape)


def draw_large_layout(rng, spatial):
    """A plane of more than a thousand elements, where XLA reduces in steps."""
    least = {1: 1000, 2: 34, 3: 11}[spatial]
    sizes = [int(rng.integers(least, least * 5 // 4)) for _ in range(spatial)]
    return (*sizes, int(rng.integers(1, 10))), -1


def in_some_form(rng, values):
    """The same integers as a user may write them."""
    if len(set(values)) == 1 and chance(rng, 0.4):
        return pick(rng, values[0], np.int64(values[0]))
    return pick(rng, tuple, list, np.array if chance(rng, 0.3) else tuple)(values)


def draw_padding(rng, taps, dilations, mode):
    choice = rng.random()
    if choice < 0.3:
        return "VALID" if chance(rng, 0.5) else "valid"
    if choice < 0.55:
        return str(rng.choice(["SAME", "same", "Same", "SAME_LOWER", "same_lower", "CAUSAL", "causal"]))
    spatial = len(taps)
    reach = [(t - 1) * d + 1 for t, d in zip(taps, dilations, strict=True)]
    least = -1 if chance(rng, 0.15) else 0
    one = [int(rng.integers(least, max(r - (mode is None), 1) + 1)) for r in reach]
    if choice < 0.65:
        return one[0]
    if choice < 0.8:
        return pick(rng, tuple, list)(one)
    other = [int(rng.integers(least, max(r - (mode is None), 1) + 1)) for r in reach]
    pairs = [pick(rng, tuple, list)(pair) for pair in zip(one, other, strict=True)]
    if chance(rng, 0.1) and spatial > 1:
        pairs[0] = one[0]
    return pick(rng, tuple, list)(pairs)


def draw_window(rng, shape, spatial, channel_axis, modes=True, ceil=True):
    """Arguments of a window, those that keep the default often left out."""
    try:
        axes = table.spatial_axes(shape, spatial, channel_axis)
    except RefusedError:
        axes = range(-spatial, 0)
    taps = []
    for axis in axes:
        most = shape[axis] + 1 if chance(rng, 0.25) else min(shape[axis], 4)
        taps.append(int(rng.integers(1, max(most, 1) + 1)))
    dilations = [int(d) for d in (rng.integers(1, 4, spatial) if chance(rng, 0.2) else [1] * spatial)]
    arguments = {"window_shape": pick(rng, tuple, tuple, list)(taps)}
    if chance(rng, 0.75):
        step = int(rng.integers(1, 4))
        strides = [step] * spatial if chance(rng, 0.6) else [int(s) for s in rng.integers(1, 5, spatial)]
        arguments["strides"] = in_some_form(rng, strides)
    mode = None
    if modes and chance(rng, 0.2):
        mode = str(rng.choice(["EDGE", "REFLECT", "WRAP", "edge", "Reflect"]))
    if mode is not None or chance(rng, 0.7):
        arguments["padding"] = draw_padding(rng, taps, dilations, mode)
    if any(d > 1 for d in dilations):
        arguments["window_dilation"] = in_some_form(rng, dilations)
    if ceil and chance(rng, 0.35):
        arguments["ceil_mode"] = bool(chance(rng, 0.9))
    if channel_axis != -1 or chance(rng, 0.3):
        arguments["channel_axis"] = channel_axis
    if mode is not None:
        arguments["padding_mode"] = mode
    return arguments


def draw_mask(rng, shape):
    """Booleans of the inputs' rank, of size 1 along some axes."""
    own = [1 if chance(rng, 0.4) else n for n in shape]
    if chance(rng, 0.02):
        # Refused: a mask has the inputs' rank.
        own = own[1:]
    return np.asarray(rng.random(own) < rng.choice([0.0, 0.3, 0.7, 0.95]))
