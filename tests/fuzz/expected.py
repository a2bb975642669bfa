"""From a call to the plan of what it must give; raises where the call must be refused."""

import math

import numpy as np

from fuzz import random_windows
from fuzz import windows as table
from fuzz.bounds import exact
from fuzz.calls import live
from fuzz.plans import Extremum, Plan
from fuzz.reducers import REDUCERS
from fuzz.sums import Norm, Sum
from fuzz.ways_back import Conversion, Reduction, Spread, Unpool
from fuzz.windows import RefusedError

_WINDOW = ("window_shape", "strides", "padding", "window_dilation", "ceil_mode", "channel_axis", "padding_mode")


def _some(arguments, *names):
    return {name: arguments[name] for name in names if name in arguments}


def _pooling(call):
    return table.pooling(call.shape, **_some(call.arguments, *_WINDOW))


def _empty(call):
    """What stands for nothing, if a mask may leave nothing."""
    return call.arguments.get("empty") if "where" in call.arguments else None


def _extremum(call):
    convention = call.arguments.get("index_convention", "spatial") if "with_arg" in call.function else None
    numbers = {"padding_value": call.arguments.get("padding_value"), "instead": _empty(call)}
    where = call.arguments.get("where")
    plan = Extremum(_pooling(call), where, kind=call.function[:3], convention=convention, **numbers)
    plan.require_elements()
    return plan


def _rounding(call):
    """The rule for rounding, which is for integers only."""
    mode = call.arguments.get("rounding_mode")
    if mode is not None and "int" not in call.dtype:
        raise RefusedError("rounded floats")
    return mode


def _sum(call):
    arguments = call.arguments
    include, override = arguments.get("count_include_pad", True), arguments.get("divisor_override")
    mean = call.function == "avg_pool"
    common = {"mean": mean, "include": include, "override": override, "rounding": _rounding(call)}
    plan = Sum(_pooling(call), arguments.get("where"), **common)
    if mean and not include and override is None:
        plan.require_elements()
    return plan


def _exponent(call):
    return float(live(call.arguments.get("p", 2.0)))


def _norm(call):
    arguments = call.arguments
    mean = call.function == "power_mean_pool"
    include = arguments.get("count_include_pad", True)
    return Norm(_pooling(call), arguments.get("where"), mean=mean, include=include, p=_exponent(call))


def _global(call):
    windows = table.whole(call.shape, **_some(call.arguments, "num_spatial_dims", "channel_axis"))
    own = call.function.removeprefix("global_")
    common = {"where": call.arguments.get("where"), "squeezed": not call.arguments.get("keepdims", False)}
    if own in ("max_pool", "min_pool"):
        return Extremum(windows, kind=own[:3], instead=_empty(call), **common)
    if own in ("avg_pool", "sum_pool"):
        return Sum(windows, mean=own == "avg_pool", rounding=_rounding(call), **common)
    return Norm(windows, mean=own == "power_mean_pool", p=_exponent(call), **common)


def _adaptive(call):
    windows = table.adaptive(call.shape, **_some(call.arguments, "output_size", "channel_axis"))
    where, own = call.arguments.get("where"), call.function.removeprefix("adaptive_")
    if own in ("avg_pool", "sum_pool"):
        return Sum(windows, where, mean=own == "avg_pool", include=False, rounding=_rounding(call))
    convention = "spatial" if "with_arg" in own else None
    return Extremum(windows, where, kind=own[:3], convention=convention, instead=_empty(call))


class Somewhere(Plan):
    """Random windows that only the library knows: values stand where it says, and their number is known."""

    differentiable = False

    def __init__(self, call):
        arguments = call.arguments
        self.sizes, self.places = arguments["output_size"], "with_arg" in call.function
        self.axes = table.spatial_axes(call.shape, len(self.sizes), arguments.get("channel_axis", -1))
        plane = [call.shape[axis] for axis in self.axes]
        most = plane
        if "window_shape" in arguments:
            most = [n - t + 1 for n, t in zip(plane, arguments["window_shape"], strict=True)]
        if any(n > m for n, m in zip(self.sizes, most, strict=True)):
            raise RefusedError("more outputs than windows")
        self.plane = math.prod(plane)

    def outputs(self, x):
        shape = list(x.shape)
        for axis, size in zip(self.axes, self.sizes, strict=True):
            shape[axis] = size
        anything = np.ones(shape, bool)
        results = [exact(np.zeros(shape, x.dtype), anything)]
        return [*results, exact(np.zeros(shape, np.int32), anything)] if self.places else results


def _fractional(call):
    arguments = call.arguments
    places = "spatial" if "with_arg" in call.function else None
    if "samples" not in arguments:
        return Extremum(random_windows.read(call), convention=places)
    names = ("samples", "output_size", "window_shape", "channel_axis")
    windows = table.fractional(call.shape, **_some(arguments, *names))
    if windows is None:
        return Somewhere(call)
    return Extremum(windows, convention=places)


def _reduction(call):
    return Reduction(_pooling(call), reducer=REDUCERS[call.reducer], init=live(call.arguments["init"]))


def windows_back(call):
    """The windows that pooled the plane."""
    arguments, spatial = call.arguments, len(call.arguments.get("window_shape", call.arguments.get("output_shape", ())))
    axes = table.spatial_axes(call.shape, spatial, arguments.get("channel_axis", -1))
    outs = [call.shape[axis] for axis in axes]
    if "window_shape" not in arguments:
        places = np.full((1, math.prod(outs), 1), -1)
        return table.Windows(axes, tuple(arguments["output_shape"]), tuple(outs), (1,) * spatial, places, places >= 0)
    taps = [int(t) for t in arguments["window_shape"]]
    steps = table.per_axis(arguments.get("strides"), spatial)
    dilations = table.per_axis(arguments.get("window_dilation"), spatial)
    padding = arguments.get("padding", "VALID")
    sizes = arguments.get("output_shape")
    if sizes is None:
        pairs = table.paddings(padding, outs, taps, steps, dilations)
        steps_and = zip(outs, steps, taps, dilations, pairs, strict=True)
        sizes = [(n - 1) * s + (t - 1) * d + 1 - sum(pair) for n, s, t, d, pair in steps_and]
        if min(sizes) < 1:
            raise RefusedError("no plane")
    pairs = table.paddings(padding, sizes, taps, steps, dilations)
    for n, size, tap, step, dilation, pair in zip(outs, sizes, taps, steps, dilations, pairs, strict=True):
        modes = (False, True) if min(pair) >= 0 else (False,)
        if n not in [table.count_windows(size, tap, step, dilation, *pair, mode) for mode in modes]:
            raise RefusedError("another plane")
    names = ("window_shape", "strides", "padding", "window_dilation", "channel_axis")
    return table.pooling(call.shape, **_some(arguments, *names), outs=outs, sizes=[int(n) for n in sizes])


def _unpool(call):
    arguments = call.arguments
    result = Unpool(
        windows_back(call),
        indices=arguments["indices"],
        convention=arguments.get("index_convention", "spatial"),
        add=arguments.get("duplicates") == "add",
    )
    if "window_shape" in arguments:
        result.require_elements()
    return result


def _spread(call):
    arguments, windows = call.arguments, windows_back(call)
    include, override = arguments.get("count_include_pad", True), arguments.get("divisor_override")
    mean = Sum(windows, mean=True, include=include, override=override)
    if not include and override is None:
        mean.require_elements()
    shape = list(call.shape)
    for axis, size in zip(windows.axes, windows.sizes, strict=True):
        shape[axis] = size
    return Spread(mean, tuple(shape))


def _conversion(call):
    shape = tuple(call.arguments["input_shape"])
    channel = call.arguments.get("channel_axis", -1)
    windows = table.whole(shape, **_some(call.arguments, "num_spatial_dims", "channel_axis"))
    framework = call.function.rpartition("_")[2]
    channel = None if channel is None else channel % len(shape)
    return Conversion(windows, shape, channel, call.arguments, framework, "_from_" in call.function)


def _question(call):
    arguments = call.arguments
    shape = tuple(arguments["input_shape"])
    windows = table.pooling(shape, **_some(arguments, *_WINDOW))
    result = list(shape)
    for axis, size in zip(windows.axes, windows.outs, strict=True):
        result[axis] = size
    return tuple(result)


def plan_of(call):
    """The plan of a call, or for a question about a shape the answer."""
    name = call.function
    mask = call.arguments.get("where")
    if isinstance(mask, np.ndarray) and mask.ndim != len(call.shape):
        raise RefusedError("rank of the mask")
    if call.shape is None:
        return _question(call)
    if name.startswith("global_"):
        return _global(call)
    if name.startswith("adaptive_"):
        return _adaptive(call)
    if name.startswith("fractional_"):
        return _fractional(call)
    if name.startswith("indices_"):
        return _conversion(call)
    rules = {"avg_pool": _sum, "sum_pool": _sum, "lp_pool": _norm, "power_mean_pool": _norm, "pool": _reduction,
             "max_unpool": _unpool, "avg_unpool": _spread}  # fmt: skip
    return rules.get(name, _extremum)(call)
