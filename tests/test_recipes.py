"""Poolings of papers that are one line over what is there: each line of PORTING.md beside loops in float64."""

import functools
import pathlib

import jax.numpy as jnp
import numpy as np
import pytest

import jaxpool

PORTING = pathlib.Path(__file__).parents[1].joinpath("PORTING.md")
if not PORTING.exists():
    pytest.skip("pages are no part of the source distribution", allow_module_level=True)
TEXT = PORTING.read_text()
X = np.random.default_rng(0).normal(size=(2, 8, 10, 3))
SEQUENCE = np.random.default_rng(1).random((2, 8, 3))
W = 2 * np.eye(3) + np.random.default_rng(2).normal(size=(3, 3)) / 10


def windows(x, size, stride):
    """The elements of every window, without padding, on the last axis."""
    axes = tuple(range(1, 1 + len(size)))
    every = np.lib.stride_tricks.sliding_window_view(x, size, axes)
    steps = (slice(None), *[slice(None, None, stride)] * len(size))
    return every[steps].reshape(*every[steps].shape[: x.ndim], -1)


def largest(x, size):
    """Of every element the largest around it."""
    pad = size // 2
    padded = np.pad(x, ((0, 0), (pad, pad), (pad, pad), (0, 0)), constant_values=-np.inf)
    return windows(padded, (size, size), 1).max(-1)


def max_blur():
    most = np.pad(windows(X, (2, 2), 1).max(-1), ((0, 0), (1, 1), (1, 1), (0, 0)))
    taps = np.outer([1, 2, 1], [1, 2, 1]).ravel() / 16
    return (windows(most, (3, 3), 2) * taps).sum(-1)


def softmax_of_windows():
    logits = windows(SEQUENCE @ W, (2,), 2)
    weights = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    return (windows(SEQUENCE, (2,), 2) * weights).sum(-1)


def temporal_pyramid():
    bins = [slice(i * 8 // n, (i + 1) * 8 // n) for n in (1, 2, 4) for i in range(n)]
    return np.concatenate([SEQUENCE[:, own].max(1) for own in bins], -1)


def low_frequencies():
    """The centred half of the spectrum, with the two Nyquist lines averaged, as the library has it."""
    height, width = X.shape[1:3]
    result = np.zeros((2, height // 2, width // 2, 3))
    for own in np.ndindex(2, 3):
        line = X[own[0], :, :, own[1]]
        for axis, size in ((0, height), (1, width)):
            small = size // 2
            spectrum = np.fft.fftshift(np.fft.fft(line, axis=axis), axis)
            middle, half = size // 2, small // 2
            kept = np.take(spectrum, np.arange(middle - half, middle - half + small), axis)
            if small % 2 == 0:
                ends = [np.take(spectrum, [middle + sign * half], axis) for sign in (-1, 1)]
                kept = np.concatenate([sum(ends) / 2, np.take(kept, np.arange(1, small), axis)], axis)
            line = np.fft.ifft(np.fft.ifftshift(kept, axis), axis=axis).real * (small / size)
        result[own[0], :, :, own[1]] = np.abs(line)
    return result


def least_in_place():
    result = np.zeros_like(X)
    for batch, i, j, feature in np.ndindex(2, 4, 5, 3):
        box = X[batch, 2 * i : 2 * i + 2, 2 * j : 2 * j + 2, feature]
        at = np.unravel_index(box.argmin(), (2, 2))
        result[batch, 2 * i + at[0], 2 * j + at[1], feature] = box.min()
    return result


RECIPES = {
    "blur_pool(max_pool(x, (2, 2)), (3, 3), 2, 1)": (X, max_blur),
    "mixed_pool(x, (2, 2), 2)": (X, lambda: (windows(X, (2, 2), 2).max(-1) + windows(X, (2, 2), 2).mean(-1)) / 2),
    "global_mixed_pool(x)": (X, lambda: (X.max((1, 2)) + X.mean((1, 2))) / 2),
    "global_concat_pool(x)": (X, lambda: np.concatenate([X.mean((1, 2)), X.max((1, 2))], -1)),
    "global_weighted_avg_pool(x, x, num_spatial_dims=1)": (
        SEQUENCE,
        lambda: (SEQUENCE**2).sum(1) / SEQUENCE.sum(1),
    ),
    "softmax_pool(x, (2,), 2, logits=x @ w)": (SEQUENCE, softmax_of_windows),
    "global_lse_pool(x, beta=jnp.exp(-theta))": (
        X,
        lambda: np.exp(0.7) * np.log(np.exp(X / np.exp(0.7)).mean((1, 2))),
    ),
    "concatenate([x, a := pool5(x), b := pool5(a), pool5(b)], -1)": (
        X,
        lambda: np.concatenate([X, *(largest(X, size) for size in (5, 9, 13))], -1),
    ),
    "pyramid_pool(x, (1, 2, 4), num_spatial_dims=1)": (SEQUENCE, temporal_pyramid),
    "jnp.abs(spectral_pool(x, half))": (X, low_frequencies),
    "max_unpool(*min_pool_with_argmin(x, (2, 2), 2), (2, 2), 2)": (X, least_in_place),
}


@pytest.mark.parametrize("code", RECIPES)
@pytest.mark.every_case
def test_beside_loops(code):
    assert f"`{code}`" in TEXT
    x, expected = RECIPES[code]
    public = {name: getattr(jaxpool, name) for name in jaxpool.__all__}
    more = {
        "concatenate": jnp.concatenate,
        "half": (4, 5),
        "pool5": functools.partial(jaxpool.max_pool, window_shape=(5, 5), padding=2),
        "theta": 0.7,
        "w": jnp.asarray(W, jnp.float32),
    }
    found = eval(code, {"jnp": jnp, **public, **more, "x": jnp.asarray(x, jnp.float32)})
    np.testing.assert_allclose(found, expected(), rtol=1e-4, atol=1e-5)


def test_pools_of_issue_and_definitions_are_functions_or_recipes():
    """Names of papers that no function has: the recipe is there."""
    for name in ("max blur", "avgmax", "linear softmax", "Enformer", "LogAvgExp", "SPPF", "temporal pyramid", "FLC"):
        assert f"| {name}" in TEXT or f"| YOLO's {name}" in TEXT, name
    assert jaxpool.min_unpool is jaxpool.max_unpool
