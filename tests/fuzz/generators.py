"""One generator of calls for every public function."""

import math

import numpy as np

from fuzz.calls import Call, Code, Key
from fuzz.draw import chance, draw_large_layout, draw_layout, draw_mask, draw_window, pick
from fuzz.expected import windows_back
from fuzz.reducers import REDUCERS
from fuzz.values import draw_dtype
from fuzz.windows import RefusedError, pooling, spatial_axes
from jaxpool._lowerings import IMPLEMENTATIONS


def _named(rng):
    return str(rng.choice(IMPLEMENTATIONS)) if chance(rng, 0.8) else None


def _spatial(rng):
    return int(rng.choice([1, 2, 3], p=[0.4, 0.45, 0.15]))


def _windowed(rng, **options):
    spatial = _spatial(rng)
    shape, channel = draw_layout(rng, spatial)
    return shape, draw_window(rng, shape, spatial, channel, **options)


def _with_numbers(rng, call):
    """The call of a maximum or minimum, sometimes with a number in padding and one for nothing."""
    least = 0 if call.dtype.startswith(("uint", "bool")) else -3
    whole = call.dtype == "bool" or "int" in call.dtype
    numbers = [0, 1] if call.dtype == "bool" else [least, 0, 2, 100] if whole else [-2.5, 0, 0.5, 3]
    if call.function.endswith("_pool") and "where" in call.arguments and chance(rng, 0.3):
        call.arguments["empty"] = pick(rng, *numbers)
    if call.function in ("max_pool", "min_pool") and "padding_mode" not in call.arguments and chance(rng, 0.2):
        call.arguments["padding_value"] = pick(rng, *numbers)
    return call


def extremum(rng, function, x64):
    shape, arguments = _windowed(rng)
    if chance(rng, 0.02):
        spatial = _spatial(rng)
        shape, _ = draw_large_layout(rng, spatial)
        arguments = {"window_shape": shape[:spatial]}
    if chance(rng, 0.2):
        arguments["where"] = draw_mask(rng, shape)
    if "with_arg" in function and chance(rng, 0.7):
        arguments["index_convention"] = str(rng.choice(["spatial", "window", "coordinates"]))
    if "with_arg" not in function and chance(rng, 0.3):
        arguments["residual"] = pick(rng, "offsets", "input", None)
    return _with_numbers(rng, Call(function, shape, draw_dtype(rng, x64, ordered=True), arguments, _named(rng)))


def _divisor(rng):
    return int(pick(rng, 1, 2, 3, 7, -2))


def _with_rounding(rng, call):
    """The call, of integers often with a rule for rounding; others are refused with one."""
    if call.function.endswith("avg_pool") and chance(rng, 0.6 if "int" in call.dtype else 0.01):
        call.arguments["rounding_mode"] = pick(rng, "half_even", "half_away", "floor", "trunc")
    return call


def total(rng, function, x64):
    shape, arguments = _windowed(rng)
    if chance(rng, 0.2):
        arguments["where"] = draw_mask(rng, shape)
    if function == "avg_pool":
        if chance(rng, 0.5):
            arguments["count_include_pad"] = bool(chance(rng, 0.3))
        if chance(rng, 0.15):
            arguments["divisor_override"] = _divisor(rng)
    return _with_rounding(rng, Call(function, shape, draw_dtype(rng, x64), arguments, _named(rng)))


def _exponent(rng):
    p = pick(rng, 0.5, 0.75, 1, 1.5, 2, 2.0, 3, 3.7, 5, 8, 40.0, math.inf)
    if chance(rng, 0.2) and p != math.inf:
        return Code(f"jnp.float32({float(p)!r})")
    return Code("inf") if p == math.inf else p


def norm(rng, function, x64):
    shape, arguments = _windowed(rng)
    arguments["p"] = _exponent(rng)
    if chance(rng, 0.2):
        arguments["where"] = draw_mask(rng, shape)
    if function == "power_mean_pool" and chance(rng, 0.5):
        arguments["count_include_pad"] = bool(chance(rng, 0.3))
    return Call(function, shape, draw_dtype(rng, x64, ordered=True), arguments)


def whole_plane(rng, function, x64):
    spatial = _spatial(rng)
    shape, channel = draw_large_layout(rng, spatial) if chance(rng, 0.1) else draw_layout(rng, spatial)
    told = spatial == 2 and len(shape) == 4 and channel is not None
    arguments = {} if chance(rng, 0.7 if told else 0.03) else {"num_spatial_dims": spatial}
    if chance(rng, 0.5):
        arguments["keepdims"] = bool(chance(rng, 0.7))
    if channel != -1:
        arguments["channel_axis"] = channel
    if chance(rng, 0.3):
        arguments["where"] = draw_mask(rng, shape)
    ordered = not function.endswith(("avg_pool", "sum_pool"))
    if "lp_pool" in function or "power_mean" in function:
        arguments["p"] = _exponent(rng)
    call = _with_rounding(rng, Call(function, shape, draw_dtype(rng, x64, ordered=ordered), arguments))
    return _with_numbers(rng, call) if function in ("global_max_pool", "global_min_pool") else call


def adaptive(rng, function, x64):
    spatial = _spatial(rng)
    shape, channel = draw_layout(rng, spatial)
    ordered = not function.endswith(("avg_pool", "sum_pool"))
    if chance(rng, 0.03):
        # One bin that is a large plane.
        shape, channel = draw_large_layout(rng, spatial)
        arguments = {"output_size": (1,) * spatial}
        return Call(function, shape, draw_dtype(rng, x64, ordered=ordered), arguments)
    axes = spatial_axes(shape, spatial, channel)
    sizes = [int(rng.integers(1, shape[a] + (4 if chance(rng, 0.2) else 1))) for a in axes]
    arguments = {"output_size": pick(rng, tuple, list)(None if chance(rng, 0.15) else n for n in sizes)}
    if channel != -1:
        arguments["channel_axis"] = channel
    if chance(rng, 0.3):
        arguments["where"] = draw_mask(rng, shape)
    call = _with_rounding(rng, Call(function, shape, draw_dtype(rng, x64, ordered=ordered), arguments))
    return _with_numbers(rng, call) if ordered else call


def fractional(rng, function, x64):
    spatial = _spatial(rng)
    shape, channel = draw_layout(rng, spatial, keep_maps=True)
    axes = spatial_axes(shape, spatial, channel)
    rule = str(rng.choice(["torch", "tensorflow", "tensorflow_pseudo_random"], p=[0.7, 0.15, 0.15]))
    taps = [int(rng.integers(1, shape[a] + 1)) for a in axes]
    most = [shape[a] - t + 1 if rule == "torch" else shape[a] for a, t in zip(axes, taps, strict=True)]
    sizes = [int(rng.integers(1, m + 1 + chance(rng, 0.03))) for m in most]
    arguments = {"key": Key(int(rng.integers(1000))), "output_size": pick(rng, tuple, list)(sizes)}
    if rule == "torch":
        arguments["window_shape"] = tuple(taps)
        if chance(rng, 0.75):
            others = [n for a, n in enumerate(shape) if a not in axes]
            arguments["key"] = None
            arguments["samples"] = rng.random((*others, spatial)).astype(np.float32)
    else:
        arguments |= {"rule": rule, "overlapping": bool(chance(rng, 0.5))}
    if channel != -1:
        arguments["channel_axis"] = channel
    return Call(function, shape, draw_dtype(rng, x64, ordered=True), arguments)


def reduction(rng, function, x64):
    shape, arguments = _windowed(rng)
    dtype = draw_dtype(rng, x64, ordered=True)
    names = [name for name, reducer in REDUCERS.items() if reducer.accepts(np.dtype(dtype))]
    name = str(rng.choice(names))
    arguments["init"] = Code(REDUCERS[name].identity(np.dtype(dtype)))
    return Call(function, shape, dtype, arguments, reducer=name)


def _pooled(rng, ceil=True):
    """Arguments of a pooling, the shape that it leaves, the plane and the windows; drawn until the window fits."""
    while True:
        spatial = _spatial(rng)
        shape, channel = draw_layout(rng, spatial)
        arguments = draw_window(rng, shape, spatial, channel, modes=False, ceil=ceil)
        try:
            windows = pooling(shape, **arguments)
        except RefusedError:
            continue
        arguments.pop("ceil_mode", None)
        left = list(shape)
        for axis, outs in zip(windows.axes, windows.outs, strict=True):
            left[axis] = outs
        if math.prod(windows.sizes) < 400:
            return arguments, tuple(left), windows


def _plane(rng, arguments, windows):
    padding = arguments.get("padding", "VALID")
    if (isinstance(padding, str) and padding.upper() != "VALID") or chance(rng, 0.7):
        arguments["output_shape"] = pick(rng, tuple, list)(windows.sizes)


def _own_places(rng, call):
    """A place for every window, of the elements that it holds."""
    try:
        windows = windows_back(call)
    except RefusedError:
        return np.zeros(call.shape, np.int32)
    own = [rng.choice(cells[cells >= 0]) if (cells >= 0).any() else 0 for cells in windows.cells[0]]
    kept = [axis for axis in range(len(call.shape)) if axis not in windows.axes]
    return np.broadcast_to(np.expand_dims(np.reshape(own, windows.outs), kept), call.shape).astype(np.int32)


def unpool(rng, function, x64):
    arguments, shape, windows = _pooled(rng)
    convention = str(rng.choice(["spatial", "window", "coordinates"]))
    _plane(rng, arguments, windows)
    if convention != "window" and "output_shape" in arguments and chance(rng, 0.2):
        arguments = {k: v for k, v in arguments.items() if k in ("output_shape", "channel_axis")}
    if convention != "spatial" or chance(rng, 0.2):
        arguments["index_convention"] = convention
    if chance(rng, 0.6):
        arguments["duplicates"] = pick(rng, "add", "set")
    beyond = 1 if chance(rng, 0.3) else 0
    if convention == "spatial" and "output_shape" not in arguments:
        # Known places must lie in their windows where only these tell the size of the plane.
        indices = _own_places(rng, Call(function, shape, "float32", arguments))
    elif convention == "coordinates":
        along = [rng.integers(-beyond, n + beyond, shape) for n in windows.sizes]
        indices = np.stack(along, -1).astype(np.int32)
    else:
        limit = math.prod(windows.sizes if convention == "spatial" else windows.taps)
        indices = rng.integers(-3 * beyond, limit + 3 * beyond, shape)
        dtype = pick(rng, np.int32, np.int16, np.uint8, np.int8, np.uint32, np.int32)
        info = np.iinfo(dtype)
        indices = np.clip(indices, max(info.min, -1000), info.max).astype(dtype)
    arguments = {"indices": indices, **arguments}
    return Call(function, shape, draw_dtype(rng, x64), arguments)


def spread(rng, function, x64):
    arguments, shape, windows = _pooled(rng)
    _plane(rng, arguments, windows)
    if chance(rng, 0.5):
        arguments["count_include_pad"] = bool(chance(rng, 0.3))
    if chance(rng, 0.2):
        arguments["divisor_override"] = _divisor(rng)
    return Call(function, shape, draw_dtype(rng, x64), arguments, _named(rng))


def conversion(rng, function, x64):
    del x64
    spatial = _spatial(rng)
    while True:
        input_shape, channel = draw_layout(rng, spatial, keep_maps=True)
        if len(input_shape) >= spatial:
            break
    axes = spatial_axes(input_shape, spatial, channel)
    shape = tuple(int(rng.integers(1, 4)) if a in axes else n for a, n in enumerate(input_shape))
    arguments = {"input_shape": pick(rng, tuple, list)(input_shape), "num_spatial_dims": spatial}
    if channel != -1:
        arguments["channel_axis"] = channel
    if function.endswith("tf"):
        arguments["include_batch_in_index"] = bool(chance(rng, 0.5))
    elif chance(rng, 0.6):
        arguments["storage_order"] = int(rng.integers(2))
    return Call(function, shape, str(rng.choice(["int32", "int16", "uint32"])), arguments)


def question(rng, function, x64):
    del x64
    spatial = _spatial(rng)
    shape, channel = draw_layout(rng, spatial)
    arguments = {"input_shape": pick(rng, tuple, list)(shape), **draw_window(rng, shape, spatial, channel, modes=False)}
    if function == "chosen_implementation":
        arguments["platform"] = pick(rng, None, "cpu", "gpu", "tpu", "other")
        arguments["dtype"] = pick(rng, "float32", "bfloat16", "float16", "int8")
        arguments["implementation"] = _named(rng)
    return Call(function, None, None, arguments)


GENERATORS = {
    "max_pool": extremum,
    "min_pool": extremum,
    "max_pool_with_argmax": extremum,
    "min_pool_with_argmin": extremum,
    "avg_pool": total,
    "sum_pool": total,
    "lp_pool": norm,
    "power_mean_pool": norm,
    "global_avg_pool": whole_plane,
    "global_sum_pool": whole_plane,
    "global_max_pool": whole_plane,
    "global_min_pool": whole_plane,
    "global_lp_pool": whole_plane,
    "global_power_mean_pool": whole_plane,
    "adaptive_avg_pool": adaptive,
    "adaptive_max_pool": adaptive,
    "adaptive_min_pool": adaptive,
    "adaptive_sum_pool": adaptive,
    "adaptive_max_pool_with_argmax": adaptive,
    "fractional_max_pool": fractional,
    "fractional_max_pool_with_argmax": fractional,
    "pool": reduction,
    "max_unpool": unpool,
    "avg_unpool": spread,
    "indices_to_tf": conversion,
    "indices_from_tf": conversion,
    "indices_to_onnx": conversion,
    "indices_from_onnx": conversion,
    "output_shape": question,
    "chosen_implementation": question,
}
# The pools of every network are drawn more often.
WEIGHTS = dict.fromkeys(GENERATORS, 1.0) | {"max_pool": 4, "avg_pool": 4, "max_pool_with_argmax": 3, "sum_pool": 2,
    "min_pool": 2, "pool": 2, "max_unpool": 2, "output_shape": 0.5, "chosen_implementation": 0.5}  # fmt: skip


def draw_call(rng, x64, only=None):
    """A call; with `only`, of functions whose names hold it."""
    names = [name for name in GENERATORS if only is None or name == only]
    weights = np.array([WEIGHTS[name] for name in names])
    name = str(rng.choice(names, p=weights / weights.sum()))
    return GENERATORS[name](rng, name, x64)
