"""Windows and the soft skeleton beside PyTorch: unfold and fold, and clDice's recipe with its gradient."""

import functools
import itertools

import jax
import numpy as np
import pytest

import jaxpool
from jaxpool import morphology

torch = pytest.importorskip("torch", reason="torch is not installed; these tests compare with it")

import torch.nn.functional as functional  # noqa: E402

torch.set_num_threads(1)
CASES = list(itertools.product([(2, 2), (3, 2), (4, 1)], [1, 2, (3, 1)], [0, (1, 0), 1], [1, (1, 2)]))


@pytest.mark.parametrize(("size", "stride", "padding", "dilation"), CASES)
def test_windows_are_unfold_and_their_adjoint_is_fold(size, stride, padding, dilation, rng):
    x = rng.integers(-99, 99, (2, 3, 9, 10)).astype(np.float32)
    pads = [(p, p) for p in np.broadcast_to(padding, 2).tolist()]
    view = functools.partial(
        jaxpool.windows, window_shape=size, strides=stride, padding=pads, window_dilation=dilation, channel_axis=1
    )
    options = {"kernel_size": size, "stride": stride, "padding": padding, "dilation": dilation}
    found = view(x)
    expected = functional.unfold(torch.from_numpy(x), **options).numpy()
    # The elements of a window go before the places of windows, and after the channels.
    np.testing.assert_array_equal(np.moveaxis(found, -1, 2).reshape(expected.shape), expected)
    g = rng.integers(-9, 9, found.shape).astype(np.float32)
    columns = torch.from_numpy(np.moveaxis(g, -1, 2).reshape(expected.shape).copy())
    folded = functional.fold(columns, output_size=x.shape[2:], **options).numpy()
    np.testing.assert_array_equal(jax.linear_transpose(view, x)(g)[0], folded)


def erode(x):
    if x.ndim == 4:
        return torch.min(*(-functional.max_pool2d(-x, k, 1, [i // 2 for i in k]) for k in ((3, 1), (1, 3))))
    lines = [-functional.max_pool3d(-x, k, 1, [i // 2 for i in k]) for k in ((3, 1, 1), (1, 3, 1), (1, 1, 3))]
    return torch.min(torch.min(lines[0], lines[1]), lines[2])


def skeleton(x, iterations):
    dilate = functools.partial(functional.max_pool2d if x.ndim == 4 else functional.max_pool3d, kernel_size=3, stride=1)

    def ridge(x):
        return functional.relu(x - dilate(erode(x), padding=1))

    result = ridge(x)
    for _ in range(iterations):
        x = erode(x)
        delta = ridge(x)
        result = result + functional.relu(delta - result * delta)
    return result


@pytest.mark.parametrize("shape", [(2, 2, 9, 11), (1, 2, 6, 5, 7)])
def test_soft_skeletons_and_their_gradients(shape, rng):
    x = rng.random(shape).astype(np.float32)
    weights = rng.normal(size=shape).astype(np.float32)
    ours = functools.partial(morphology.soft_skeleton, iterations=3, num_spatial_dims=len(shape) - 2, channel_axis=1)
    theirs = torch.from_numpy(x).requires_grad_()
    expected = skeleton(theirs, 3)
    np.testing.assert_allclose(ours(x), expected.detach().numpy(), rtol=1e-6, atol=1e-7)
    expected.backward(torch.from_numpy(weights))
    slope = jax.grad(lambda x: (ours(x) * weights).sum())(x)
    np.testing.assert_allclose(slope, theirs.grad.numpy(), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("direction", ["top", "bottom", "left", "right"])
def test_corners_beside_cummax(direction, rng):
    x = rng.normal(size=(2, 3, 9, 10)).astype(np.float32)
    axis = 2 if direction in ("top", "bottom") else 3
    flip = (lambda a: torch.flip(a, [axis])) if direction in ("top", "left") else lambda a: a
    theirs = torch.from_numpy(x).requires_grad_()
    expected = flip(torch.cummax(flip(theirs), axis).values)
    pool = functools.partial(jaxpool.corner_pool, direction=direction, channel_axis=1)
    np.testing.assert_array_equal(pool(x), expected.detach().numpy())
    expected.sum().backward()
    np.testing.assert_array_equal(jax.grad(lambda x: pool(x).sum())(x), theirs.grad.numpy())
