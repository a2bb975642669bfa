"""Calls with one argument that is wrong, or absurd: whatever is raised must be an error of the library's own."""

import contextlib
import dataclasses
import resource
import signal

import jax
import jax.numpy as jnp
import numpy as np

from fuzz.calls import Code
from fuzz.check import Failure, described, well_formed

# fmt: off
BAD = [
    "None", "'x'", "2.5", "-1", "0", "2**31", "2**63", "2**64", "10**30", "()", "(1, 1, 1, 1, 1)", "(None, None)",
    "{}", "object()", "nan", "inf", "True", "b'2'", "np.ones((2, 2))", "1j", "'SAME'", "((1, 2),)", "(2**62, 2**62)",
    "[[]]", "jnp.ones(2)", "np.array([1, 2])", "(-5, 3)", "((0, 2**40), (0, 0))", "{'a': 1}", "lambda x: x",
    "range(2)", "np.float32(2)", "(2.0, 2.0)", "'valid'", "(1, True)", "np.int64(-3)", "-2**63",
]
# fmt: on
SECONDS = 20


def spoiled(rng, call):
    """The call with one argument that is probably wrong."""
    arguments = dict(call.arguments)
    more = ["strides", "padding", "channel_axis", "where", "ceil_mode", "window_dilation", "padding_mode", "p", "key",
            "implementation", "residual", "index_convention", "num_spatial_dims", "keepdims"]  # fmt: skip
    name = str(rng.choice([*arguments, *arguments, *more]))
    arguments[name] = Code(str(rng.choice(BAD)))
    return dataclasses.replace(call, arguments=arguments, named=None), name


class TooLongError(Exception):
    """An answer took too long."""


def _late(*_):
    raise TooLongError(f"no answer within {SECONDS} s")


@contextlib.contextmanager
def within_limits():
    """Time and memory that a refusal must do with."""
    old = signal.signal(signal.SIGALRM, _late)
    with open("/proc/self/statm") as statm:
        now = int(statm.read().split()[0]) * resource.getpagesize()
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (now + (2 << 30), hard))
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, old)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def check_invalid(call, argument):
    """Traces the call, which must succeed or raise an error in the library's form."""
    try:
        with within_limits():
            if call.shape is None:
                call(None)
            else:
                jax.eval_shape(call, jax.ShapeDtypeStruct(call.shape, jnp.dtype(call.dtype)))
    except TypeError as error:
        # For an argument that the function does not have.
        unknown = str(error).startswith(f"{call.function}: takes no argument {argument}; got ")
        if unknown or well_formed(error, call.function):
            return []
        return [_failure(call, error)]
    except Exception as error:
        return [] if well_formed(error, call.function) else [_failure(call, error)]
    return []


def _failure(call, error):
    x = None if call.shape is None else np.zeros(call.shape, jnp.dtype(call.dtype))
    return Failure("message", described(error), call, x=x)
