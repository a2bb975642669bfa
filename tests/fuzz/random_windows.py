"""Windows of fractional pooling that come from a key: read from the pool of a ramp, and held to the rules."""

import itertools
import math

import jax.numpy as jnp
import numpy as np

import jaxpool
from fuzz import windows as table
from fuzz.calls import live


class BrokenRuleError(Exception):
    """Windows that are not what the rule says."""


def _fault(spans, size, arguments, taps):
    """What is wrong with the windows along one axis, pairs of start and stop."""
    starts, stops = ([span[i] for span in spans] for i in (0, 1))
    if starts != sorted(starts) or stops != sorted(stops) or starts[0] < 0 or stops[-1] != size:
        return "not in order, or not up to the end"
    if taps is not None:
        if any(stop - start != taps for start, stop in spans):
            return f"not all of {taps} elements"
        return "not from the start" if len(spans) > 1 and starts[0] else None
    edges = [*starts, size]
    expected = [min(edge + bool(arguments.get("overlapping")), size) for edge in edges[1:]]
    if starts[0] or stops != expected:
        return "not side by side"
    least, longer = divmod(size, len(spans))
    lengths = [b - a for a, b in itertools.pairwise(edges)]
    if not set(lengths) <= {least, least + 1} or lengths.count(least + 1) != longer:
        return f"not {longer} of {least + 1} and the others of {least} elements"
    return None


def _places(call, ramp):
    arguments = {name: live(value) for name, value in call.arguments.items()}
    try:
        return np.asarray(jaxpool.fractional_max_pool_with_argmax(jnp.asarray(ramp, jnp.float32), **arguments)[1])
    except Exception as error:
        raise BrokenRuleError(f"no windows at all: {str(error)[:400]}") from error


def read(call):
    """The windows of a call with a key, one table for every map."""
    outs, arguments = [int(n) for n in call.arguments["output_size"]], call.arguments
    axes = table.spatial_axes(call.shape, len(outs), arguments.get("channel_axis", -1))
    sizes = [call.shape[axis] for axis in axes]
    taps = arguments.get("window_shape", [None] * len(outs))
    most = [n if t is None else n - t + 1 for n, t in zip(sizes, taps, strict=True)]
    if any(n > limit for n, limit in zip(outs, most, strict=True)):
        raise table.RefusedError("more outputs than windows")
    kept = [n for axis, n in enumerate(call.shape) if axis not in axes]
    ramp = np.broadcast_to(np.arange(math.prod(sizes)).reshape(sizes), (*kept, *sizes))
    ramp = np.moveaxis(ramp, range(len(kept), len(call.shape)), axes)
    last, first = (
        np.moveaxis(_places(call, r), axes, range(len(kept), len(call.shape))).reshape(-1, *outs) for r in (ramp, -ramp)
    )
    maps = []
    for b in range(len(last)):
        spans = []
        for i, size in enumerate(sizes):
            line = tuple(slice(None) if j == i else 0 for j in range(len(outs)))
            stops = np.unravel_index(last[b], sizes)[i][line] + 1
            starts = np.unravel_index(first[b], sizes)[i][line]
            spans.append([(int(a), int(z)) for a, z in zip(starts, stops, strict=True)])
            fault = _fault(spans[-1], size, arguments, taps[i])
            if fault:
                raise BrokenRuleError(f"windows {spans[-1]} along axis {axes[i]}: {fault}")
        maps.append(table.between(axes, tuple(sizes), spans))
    if arguments.get("rule", "torch") != "torch" and any((m.cells != maps[0].cells).any() for m in maps):
        raise BrokenRuleError("windows that are not the same for all maps")
    return table.stacked(maps)
