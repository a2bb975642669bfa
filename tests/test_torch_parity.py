"""Every function of jaxpool.torch beside its namesake: values, indices, gradients, errors and signatures."""

import functools
import inspect
import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxpool
import jaxpool.torch

torch = pytest.importorskip("torch", reason="torch is not installed; these tests compare with it")

import torch.nn.functional as functional  # noqa: E402
from torch_grid import (  # noqa: E402
    CHUNK,
    COUNTS,
    bad_calls,
    call_jax,
    call_torch,
    draw,
    draw_rng,
    plain,
    run_jax,
    run_torch,
)

torch.set_num_threads(1)
CHUNKS = [(name, chunk) for name, count in COUNTS.items() for chunk in range(count // CHUNK)]


def about_data(error):
    """Whether torch raises for an index outside the plane, which a compiled program of JAX cannot."""
    return "invalid max index" in str(error)


def refused(call):
    """Whether jaxpool.torch refuses a call, in the form that all its errors have."""
    try:
        call_jax(call)
    except (TypeError, ValueError) as error:
        return str(error).startswith(f"{call.name}: ") and " must " in str(error) and str(error).endswith(".")
    return False


def lies_in_padding(call, outputs):
    """Whether a dilated window has no element of the input: torch gives -inf and an index outside the plane."""
    rank, arguments = call.rank, call.arguments
    kernel, padding, dilation = (
        np.broadcast_to(arguments.get(name, default), rank)
        for name, default in {"kernel_size": None, "padding": 0, "dilation": 1}.items()
    )
    stride = kernel if arguments.get("stride") in (None, ()) else np.broadcast_to(arguments["stride"], rank)
    for axis, size in enumerate(arguments["input"].shape[-rank:]):
        starts = np.arange(outputs[axis - rank]) * stride[axis] - padding[axis]
        places = starts[:, None] + np.arange(kernel[axis]) * dilation[axis]
        if not ((places >= 0) & (places < size)).any(axis=1).all():
            return True
    return False


def comparable(call):
    """Torch's result of a call; None where torch refuses it, or where the two are known to differ."""
    try:
        values = call_torch(call)
    except NotImplementedError:
        # A dtype that torch's CPU kernels lack.
        return None
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        if not about_data(error):
            assert refused(call), f"torch refuses {call}"
        return None
    shape = (values[0] if isinstance(values, tuple) else values).shape
    if call.family == "max_pool" and lies_in_padding(call, shape):
        # Not even torch's gradient may be asked for: it would be written outside its array.
        return None
    # Results with an empty spatial axis are refused here.
    return None if 0 in shape[-call.rank :] else run_torch(call)


def overwritten(call):
    """Where values of an unpooling share their place with a later one, which has their gradient too in torch."""
    indices = call.arguments["indices"]
    rows = indices.reshape(-1, int(np.prod(indices.shape[-call.rank :])))
    result = [[place in row[i + 1 :] for i, place in enumerate(row)] for row in rows.tolist()]
    return np.asarray(result, bool).reshape(indices.shape)


def same(call, expected, actual):
    if expected.values.shape != actual.values.shape or (expected.indices is None) != (actual.indices is None):
        return False
    if expected.indices is not None and not np.array_equal(expected.indices, actual.indices):
        return False
    exact = call.family in ("max_pool", "adaptive_max_pool", "fractional_max_pool", "max_unpool")
    scale = {"float32": 1e-5, "bfloat16": 5e-2, "float16": 1e-2}.get(call.dtype, 0)
    tolerance = {"rtol": 0 if exact else scale, "atol": 0 if exact else scale, "equal_nan": True}
    if not np.allclose(expected.values, actual.values, **tolerance):
        return False
    if expected.gradient is None:
        return True
    gradient = expected.gradient
    if call.family == "max_unpool":
        gradient = np.where(overwritten(call), 0, gradient)
    return np.allclose(gradient, actual.gradient, **tolerance)


@pytest.mark.parametrize(("name", "chunk"), CHUNKS)
def test_random_calls_give_what_torch_gives(name, chunk):
    rng = draw_rng(name, chunk)
    calls, results = [], []
    while len(calls) < CHUNK:
        call = draw(name, rng)
        expected = comparable(call)
        if expected is not None:
            calls.append(call)
            results.append(expected)
    found = run_jax(calls)
    wrong = [
        f"{call}\n{call.arguments}\n{expected}\n{actual}"
        for call, expected, actual in zip(calls, results, found, strict=True)
        if not same(call, expected, actual)
    ]
    assert not wrong, f"{len(wrong)} of {len(calls)} differ, the first:\n{wrong[0]}"


def test_there_are_enough_random_calls():
    assert len(CHUNKS) * CHUNK >= 3000
    assert set(COUNTS) == set(jaxpool.torch.__all__)


def test_what_torch_refuses_is_refused():
    refusals = 0
    for call in bad_calls():
        try:
            call_torch(call)
        except Exception as error:
            if not about_data(error):
                assert refused(call), call
                refusals += 1
    assert refusals >= 900


def parameters_of(name):
    """The parameters of torch's function with their defaults; those of builtins are in the first line of their text."""
    function = getattr(functional, f"_{name}", getattr(functional, name))
    try:
        signature = inspect.signature(function)
    except ValueError:
        line = inspect.getdoc(function).splitlines()[0]
        scope = {}
        exec(f"def {line.split(' -> ')[0]}: pass", scope)
        signature = inspect.signature(scope[name])
    return [(p.name, p.default) for p in signature.parameters.values()]


@pytest.mark.parametrize("name", jaxpool.torch.__all__)
def test_signatures_are_those_of_torch(name):
    ours = inspect.signature(getattr(jaxpool.torch, name)).parameters.values()
    extra = [p for p in ours if p.kind is p.KEYWORD_ONLY]
    assert [(p.name, p.default) for p in ours if p not in extra] == parameters_of(name)
    assert [p.name for p in extra] == (["key"] if "fractional" in name else [])


def test_no_pooling_function_of_torch_is_missing():
    theirs = {name for name in dir(functional) if "pool" in name and not name.startswith("_")}
    assert set(jaxpool.torch.__all__) == theirs


MODULES = {
    "MaxPool": {"kernel_size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "return_indices": True},
    "MaxUnpool": {"kernel_size": 2, "stride": 2},
    "AvgPool": {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False},
    "LPPool": {"norm_type": 2, "kernel_size": 2},
    "AdaptiveAvgPool": {"output_size": 3},
    "AdaptiveMaxPool": {"output_size": 3, "return_indices": True},
    "FractionalMaxPool": {"kernel_size": 2, "output_size": 3, "return_indices": True},
}


@pytest.mark.parametrize("name", jaxpool.torch.nn.__all__)
def test_modules_are_those_of_torch(name):
    family, rank = name[:-2], int(name[-2])
    theirs = getattr(torch.nn, name)
    made = getattr(jaxpool.torch.nn, name)(**MODULES[family])
    parameters = {p.name: p.default for p in inspect.signature(theirs).parameters.values()}
    # Samples go into the call, where a key can take their place.
    parameters.pop("_random_samples", None)
    assert {p.name: p.default for p in inspect.signature(type(made)).parameters.values()} == parameters
    assert made == getattr(jaxpool.torch.nn, name)(**MODULES[family])
    assert isinstance(hash(made), int)
    x = np.random.default_rng(rank).random((2, 3, *(8, 9, 10)[:rank]), np.float32)
    arrays, more = [x], {}
    if family == "MaxUnpool":
        pooled = getattr(functional, f"max_pool{rank}d")(torch.asarray(x), 2, return_indices=True)
        arrays = [array.numpy() for array in pooled]
        more = {"output_size": x.shape[2:]}
    options = dict(MODULES[family])
    if family == "FractionalMaxPool":
        samples = np.full((2, 3, rank), 0.4, np.float32)
        more, options["_random_samples"] = {"_random_samples": samples}, torch.asarray(samples)
        expected = theirs(**options)(torch.asarray(x))
    else:
        expected = theirs(**options)(*map(torch.asarray, arrays), **more)
    jax.tree.map(
        lambda ours, other: np.testing.assert_allclose(ours, other.numpy(), rtol=1e-6),
        jax.tree.leaves(made(*arrays, **more)),
        jax.tree.leaves(expected),
    )


def test_no_pooling_module_of_torch_is_missing():
    theirs = {name for name in dir(torch.nn) if re.search(r"(Pool|Unpool)\d", name)}
    assert set(jaxpool.torch.nn.__all__) == theirs


def test_torch_is_not_imported():
    code = "import sys, jaxpool.torch; assert not any(m.split('.')[0] == 'torch' for m in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("name", [name for name in jaxpool.torch.__all__ if name.endswith("2d")])
def test_transformations(name):
    arguments = plain(name).arguments
    x = jnp.asarray(arguments.pop("input")) / 7

    def pooled(x):
        return getattr(jaxpool.torch, name)(x, **arguments)

    expected = pooled(x)
    np.testing.assert_allclose(jax.jit(pooled)(x), expected, rtol=1e-6)
    batches = jax.vmap(pooled)(jnp.stack([x, -x]))
    np.testing.assert_allclose(batches, jnp.stack([expected, pooled(-x)]), rtol=1e-6)
    dx = jnp.cos(x)
    gradient = jax.grad(lambda x: jnp.sum(pooled(x) * 2))(x)
    slopes = jax.jvp(pooled, (x,), (dx,))[1]
    np.testing.assert_allclose(jnp.sum(gradient * dx), jnp.sum(slopes) * 2, rtol=1e-4, atol=1e-4)


def test_a_key_takes_the_place_of_the_random_state():
    x = jnp.arange(81.0).reshape(1, 9, 9)
    pool = jax.jit(jaxpool.torch.fractional_max_pool2d, static_argnums=(1, 2))
    first, again, other = (pool(x, 2, 5, key=jax.random.key(seed)) for seed in (0, 0, 1))
    assert first.shape == (1, 5, 5)
    assert (first == again).all()
    assert (first != other).any()
    samples = jnp.full((1, 1, 2), 0.5)
    with pytest.raises(ValueError, match=r"^fractional_max_pool2d: key must be given, .*; got key=neither"):
        jaxpool.torch.fractional_max_pool2d(x, 2, 5)
    with pytest.raises(ValueError, match=r"^fractional_max_pool2d: key must be given, .*; got key=both"):
        jaxpool.torch.fractional_max_pool2d(x, 2, 5, _random_samples=samples, key=jax.random.key(0))
    with pytest.raises(ValueError, match=r"^fractional_max_pool2d: output_size must be given, .*=both"):
        jaxpool.torch.fractional_max_pool2d(x, 2, 5, output_ratio=0.5, key=jax.random.key(0))


# What differs, as the module's text has it.


def test_several_nans_in_a_window_give_the_first():
    x = np.array([[np.nan, 1, np.nan]], np.float32)
    assert jaxpool.torch.max_pool1d(x, 3, return_indices=True)[1].tolist() == [[0]]
    assert functional.max_pool1d(torch.from_numpy(x), 3, return_indices=True)[1].tolist() == [[2]]


def test_unpooling_drops_values_beyond_the_plane_under_jit_and_keeps_the_last_of_a_place():
    x, places = jnp.array([[1.0, 2.0, 3.0]]), jnp.array([[4, 4, 9]])
    with pytest.raises(ValueError, match=r"^max_unpool1d: indices must lie between 0 and 5; got indices=values from 4"):
        jaxpool.torch.max_unpool1d(x, places, 2)
    unpool = jax.jit(lambda x, places: jaxpool.torch.max_unpool1d(x, places, 2))
    y, pull = jax.vjp(lambda x: unpool(x, places), x)
    assert y.tolist() == [[0, 0, 0, 0, 2, 0]]
    assert pull(jnp.ones_like(y))[0].tolist() == [[0, 1, 0]]


def test_dtypes():
    for dtype in (jnp.int8, jnp.uint32, jnp.bool_):
        x = jnp.asarray([[0, 1, 1, 0]], dtype)
        for values in (jaxpool.torch.max_pool1d(x, 2), jaxpool.torch.adaptive_max_pool1d(x, 2)):
            assert values.dtype == dtype
            assert values.tolist() == [[1, 1]]
        for pool in (jaxpool.torch.avg_pool1d, jaxpool.torch.adaptive_avg_pool1d):
            with pytest.raises(TypeError, match=r"pool1d: input\.dtype must be floating"):
                pool(x, 2)
        with pytest.raises(TypeError, match=r"^lp_pool1d: input\.dtype must be floating"):
            jaxpool.torch.lp_pool1d(x, 2, 2)


def test_a_window_between_the_elements_is_refused():
    with pytest.raises(ValueError, match="must leave at least one element"):
        jaxpool.torch.max_pool1d(jnp.ones((1, 1)), 2, 1, 1, 2)


def test_the_power_is_known_while_tracing():
    x = jnp.ones((1, 4))
    with pytest.raises(TypeError, match=r"^lp_pool1d: norm_type must be known while tracing"):
        jax.jit(lambda p: jaxpool.torch.lp_pool1d(x, p, 2))(2.0)


def test_medians_and_the_largest_elements(rng):
    x = rng.permutation(2 * 6 * 7 * 3).reshape(2, 6, 7, 3).astype(np.float32)
    theirs = torch.tensor(x, requires_grad=True)
    windows = theirs.unfold(1, 2, 2).unfold(2, 2, 2).flatten(-2)
    own = functools.partial(jaxpool.median_pool, window_shape=(2, 2), strides=2, method="lower")
    expected = windows.median(-1).values
    np.testing.assert_array_equal(own(x), expected.detach())
    expected.square().sum().backward()
    np.testing.assert_array_equal(jax.grad(lambda x: (own(x) ** 2).sum())(jnp.asarray(x)), theirs.grad)
    found = jaxpool.topk_pool(x, (2, 2), 2, k=3)
    np.testing.assert_allclose(found, windows.topk(3, -1).values.mean(-1).detach(), rtol=1e-6)
    found = jaxpool.global_topk_pool(x, kmax=4)
    np.testing.assert_allclose(found, theirs.flatten(1, 2).topk(4, 1).values.mean(1).detach(), rtol=1e-6)
