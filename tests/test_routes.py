"""Every pool as each platform computes it, on a CPU: the ways that no test would otherwise take."""

import contextlib
import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from table import ROWS, ids

import jaxpool
from jaxpool._lowerings import IMPLEMENTATIONS, compute
from jaxpool._operators.primitive import definition

BACKENDS = {"cpu": "cpu", "gpu": "cuda", "tpu": "tpu", "other": "metal"}


@contextlib.contextmanager
def computed_as(platform, monkeypatch):
    """Programs for this CPU are made as for another platform; yields the operators that were asked for."""
    operators = []

    def compute_there(name, own_platform, *arrays, **parameters):
        del own_platform
        operators.append(name)
        return compute(name, platform, *arrays, **parameters)

    with monkeypatch.context() as patch:
        patch.setattr(definition, "compute", compute_there)
        # What derivatives keep is decided while tracing, by the default backend.
        patch.setattr(jax, "default_backend", lambda: BACKENDS[platform])
        jax.clear_caches()
        yield operators
    jax.clear_caches()


def values_and_slopes(row):
    """The values, the gradient and the derivative along a direction."""

    @jax.jit
    def run(x, g, dx):
        y, back = jax.vjp(row, x)
        return y, back(g)[0], jax.jvp(row, (x,), (dx,))[1]

    x = jnp.asarray(row.inputs())
    rng = np.random.default_rng(11)
    g = rng.integers(-3, 4, jax.eval_shape(row, x).shape).astype(np.float32)
    dx = rng.integers(-3, 4, x.shape).astype(np.float32)
    return run(x, g, dx)


@pytest.mark.parametrize("row", ROWS, ids=ids)
def test_every_platform_computes_the_same(row, monkeypatch):
    expected = values_and_slopes(row)
    for platform in ("gpu", "tpu", "other"):
        with computed_as(platform, monkeypatch):
            found = values_and_slopes(row)
        for what, a, b in zip(("values", "gradient", "derivative"), found, expected, strict=True):
            # Sums of integers do not depend on their order.
            tolerance = 1e-5 if row.smooth else 1e-6
            np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance, err_msg=f"{what} on {platform}")


WATCHED = ("concatenate", "gather", "pad", "reduce", "reduce_window", "scatter", "select_and_scatter", "slice")


def operations(function, shape, platform, monkeypatch, dtype=jnp.float32):
    """Which of the operations that tell the ways apart a program for a platform holds."""
    monkeypatch.setattr(jax, "default_backend", lambda: BACKENDS[platform])
    jax.clear_caches()
    traced = jax.jit(function).trace(jax.ShapeDtypeStruct(shape, dtype))
    text = traced.lower(lowering_platforms=(BACKENDS[platform],)).as_text()
    return {name for name in WATCHED if re.search(rf"stablehlo\.{name}\b(?!_)", text)}


SHAPE = (2, 16, 16, 32)
WINDOWS = {
    "overlapping": {"window_shape": (3, 3), "strides": 2, "padding": 1},
    "dilated": {"window_shape": (3, 3), "padding": 2, "window_dilation": 2},
    "large": {"window_shape": (9, 9), "padding": 4},
    "apart": {"window_shape": (2, 2), "strides": 2},
    "cropped": {"window_shape": (3, 3), "strides": 2, "padding": ((0, -1), (-1, 0))},
}
_WINDOW, _SCATTER = {"reduce_window"}, {"select_and_scatter"}
_SLICES, _PADS, _BORDERS, _BOTH = {"slice"}, {"pad"}, {"concatenate", "slice"}, {"pad", "slice"}
_PARTS = {"concatenate", "pad", "slice"}
# Of maxima forward, of their gradient where offsets are kept and where the input is, of averages and their gradient.
ROUTES = {
    ("overlapping", "cpu"): (_BORDERS, _PARTS, _PARTS, _BORDERS, _BOTH),
    ("overlapping", "gpu"): (_BOTH, _BOTH, _BOTH, _BOTH, _PADS),
    ("overlapping", "tpu"): (_WINDOW, _PARTS | _WINDOW, _SCATTER, _WINDOW, _PADS | _WINDOW),
    ("dilated", "cpu"): (_BORDERS, _PARTS, _PARTS, _BORDERS, _BOTH),
    ("dilated", "gpu"): (_BOTH, _BOTH, _BOTH, _BOTH, _PADS),
    # The native scatter has no dilation.
    ("dilated", "tpu"): (_WINDOW, _PARTS, _PARTS, _WINDOW, _PADS | _WINDOW),
    ("large", "cpu"): (_BORDERS, _PARTS, _PARTS, _BORDERS, _BOTH),
    ("large", "gpu"): (_BOTH, _BOTH, _BOTH, _BOTH, _PADS),
    ("large", "tpu"): (_WINDOW, _PARTS, _SCATTER | _WINDOW, _WINDOW, _PADS | _WINDOW),
    ("apart", "cpu"): (_SLICES, _SLICES, _SLICES, _SLICES, _SLICES),
    ("apart", "gpu"): (_SLICES, _BOTH, _BOTH, _SLICES, _SLICES),
    ("apart", "tpu"): (_WINDOW, _SLICES | _WINDOW, _SCATTER, _WINDOW, _PADS | _WINDOW),
    ("cropped", "cpu"): (_SLICES, _PARTS, _PARTS, _SLICES, _BOTH),
    ("cropped", "gpu"): (_BOTH, _BOTH, _BOTH, _BOTH, _PADS),
    # Nor has it negative padding.
    ("cropped", "tpu"): (_PADS | _WINDOW, _PARTS | _WINDOW, _PARTS | _WINDOW, _PADS | _WINDOW, _PADS | _WINDOW),
}


def gradient_of(pool):
    return lambda x: jax.vjp(pool, x)[1](jnp.ones(jax.eval_shape(pool, x).shape, x.dtype))[0]


@pytest.mark.parametrize(("window", "platform"), ROUTES)
def test_the_way_that_a_platform_takes(window, platform, monkeypatch):
    largest, mean = (functools.partial(pool, **WINDOWS[window]) for pool in (jaxpool.max_pool, jaxpool.avg_pool))
    keeping = [functools.partial(largest, residual=residual) for residual in ("offsets", "input")]
    programs = [largest, *map(gradient_of, keeping), mean, gradient_of(mean)]
    found = tuple(operations(program, SHAPE, platform, monkeypatch) for program in programs)
    assert found == ROUTES[window, platform]
    # By default a TPU keeps the input where the native scatter can use it, and offsets otherwise, as all others do.
    native = platform == "tpu" and window != "dilated"
    assert operations(gradient_of(largest), SHAPE, platform, monkeypatch) == found[2 if native else 1]


def test_devices_of_amd_are_gpus():
    pool = gradient_of(functools.partial(jaxpool.max_pool, **WINDOWS["overlapping"]))
    texts = [
        jax.jit(pool).trace(jax.ShapeDtypeStruct(SHAPE, jnp.float32)).lower(lowering_platforms=(name,)).as_text()
        for name in ("cuda", "rocm", "cpu")
    ]
    assert texts[0] == texts[1] != texts[2]


@pytest.mark.parametrize("pool", [jaxpool.max_pool, jaxpool.avg_pool])
@pytest.mark.parametrize("name", IMPLEMENTATIONS)
def test_derivatives_run_the_named_implementation(name, pool):
    arguments = {"window_shape": (5, 4), "strides": (2, 1), "padding": 1}
    averages = pool is jaxpool.avg_pool
    taken = ("window_sum", "window_spread") if averages else ("window_argextremum", "scatter_at_offsets")
    by_default, named = (
        jaxpool.chosen_implementation(SHAPE, platform="cpu", implementation=implementation, **arguments)
        for implementation in (None, name)
    )
    if taken[0] not in named:
        pytest.skip(f"{name} has no {taken[0]}")
    texts = [
        jax.jit(gradient_of(functools.partial(pool, implementation=implementation, **arguments)))
        .lower(jax.ShapeDtypeStruct(SHAPE, jnp.float32))
        .as_text()
        for implementation in (None, name)
    ]
    # What an implementation cannot do is left to the default; the gradient of a sum does not run the sum.
    run = taken[1:] if averages else taken
    same = all(named.get(operator, by_default[operator]) == by_default[operator] for operator in run)
    assert (texts[0] == texts[1]) == same


@pytest.mark.parametrize("name", [None, *IMPLEMENTATIONS])
def test_windows_on_an_input_that_is_padded_before(name):
    x = np.random.default_rng(2).integers(-9, 9, (2, 7, 6, 3)).astype(np.float32)
    arguments = {"window_shape": (2, 3), "strides": 1, "padding": ((1, -2), (-1, 2)), "padding_mode": "edge"}
    padded = np.pad(x[:, :-2, 1:], ((0, 0), (1, 0), (0, 2), (0, 0)), "edge")
    try:
        found = jaxpool.max_pool(x, implementation=name, **arguments)
    except NotImplementedError:
        return
    windows = np.lib.stride_tricks.sliding_window_view(padded, (2, 3), (1, 2))
    np.testing.assert_array_equal(found, windows.max((-2, -1)))


def test_whether_an_implementation_can_run_a_window_depends_on_the_padding_that_is_left():
    x = np.random.default_rng(3).normal(size=120).astype(np.float32)
    arguments = {"window_shape": (100,), "padding": 50, "channel_axis": None, "implementation": "joint"}
    with pytest.raises(NotImplementedError, match="joint"):
        jaxpool.max_pool(x, **arguments)
    padded = np.pad(x, 50, "edge")
    expected = np.lib.stride_tricks.sliding_window_view(padded, 100).max(-1)
    np.testing.assert_array_equal(jaxpool.max_pool(x, padding_mode="edge", **arguments), expected)
