"""Smaller calls that still fail by the same rule."""

import dataclasses
import time

import jax
import numpy as np

from fuzz.check import check
from fuzz.expected import plan_of
from fuzz.windows import RefusedError

SECONDS = 30


def _without_arguments(failure):
    """The call without one of its arguments; positional ones stay."""
    call = failure.call
    kept = ("window_shape", "output_size", "indices", "input_shape", "key", "samples", "init", "output_shape", "p")
    for name in call.arguments:
        if name not in kept:
            arguments = {key: value for key, value in call.arguments.items() if key != name}
            yield dataclasses.replace(call, arguments=arguments), failure.x


def _cut(array, shape, axis, keep):
    """An array cut as the inputs are along one of their axes; masks of size 1 there stay."""
    own = array.shape[axis]
    return array if own != shape[axis] else array.take(keep, axis)


def _smaller_inputs(failure):
    """The inputs with half of an axis, and without its last or first element."""
    call, x = failure.call, failure.x
    if any(name in call.arguments for name in ("indices", "samples")):
        return
    for axis, size in enumerate(x.shape):
        for keep in (range(size // 2), range(size // 2, size), range(size - 1), range(1, size)):
            if 0 < len(keep) < size:
                arguments = dict(call.arguments)
                if isinstance(arguments.get("where"), np.ndarray):
                    arguments["where"] = _cut(arguments["where"], x.shape, axis, keep)
                smaller = x.take(keep, axis)
                yield dataclasses.replace(call, shape=smaller.shape, arguments=arguments), smaller


def _still_fails(failure, call, x):
    """The failure of another call by the same rule, or None."""
    named = dataclasses.replace(call, named=failure.implementation)
    how = failure.how
    if how.name == "vmap":
        how = dataclasses.replace(how, axis=min(how.axis, x.ndim))
    try:
        plan = plan_of(named)
        failures, _ = check(named, plan, how, [x], np.random.default_rng(0))
    except (RefusedError, ValueError, IndexError, TypeError):
        return None
    return next((f for f in failures if f.rule == failure.rule and f.implementation == failure.implementation), None)


def shrink(failure, seconds=SECONDS):
    """The smallest failure that was found in so many seconds."""
    if failure.how is None or failure.x is None or failure.call.shape is None:
        return failure
    end = time.monotonic() + seconds
    better = _still_fails(failure, failure.call, failure.x)
    if better is None:
        return failure
    while better is not None and time.monotonic() < end:
        failure, better = better, None
        for call, x in (*_without_arguments(failure), *_smaller_inputs(failure)):
            better = _still_fails(failure, call, x)
            if better is not None or time.monotonic() > end:
                break
    jax.clear_caches()
    return better or failure
