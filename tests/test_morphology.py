"""Morphology beside SciPy, its laws, derivatives and errors; the soft skeleton beside loops."""

import functools
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy import ndimage

from jaxpool import morphology

pytestmark = pytest.mark.most(2)

same = np.testing.assert_array_equal
FLAT = {"channel_axis": None}
SIZES = [(3,), (4,), (2, 2), (3, 4), (5, 1), (6, 3), (2, 3, 2), (11, 3)]
# Its centre counts.
HOLES = np.array([[True, False, True, False], [False, False, True, True], [False, True, True, False]])


def image(rank, rng, levels=1000):
    return rng.integers(-levels, levels, (9, 8, 7)[:rank]).astype(np.float64)


def by_scipy(name, x, **element):
    """What SciPy makes with borders that never count."""
    dilate = functools.partial(ndimage.grey_dilation, mode="constant", cval=-np.inf, **element)
    erode = functools.partial(ndimage.grey_erosion, mode="constant", cval=np.inf, **element)
    return {
        "dilation": lambda: dilate(x),
        "erosion": lambda: erode(x),
        "opening": lambda: dilate(erode(x)),
        "closing": lambda: erode(dilate(x)),
        "morphological_gradient": lambda: dilate(x) - erode(x),
        "top_hat": lambda: x - dilate(erode(x)),
        "black_hat": lambda: erode(dilate(x)) - x,
    }[name]()


NAMES = ["dilation", "erosion", "opening", "closing", "morphological_gradient", "top_hat", "black_hat"]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", SIZES)
def test_boxes_beside_scipy(name, size, rng):
    x = image(len(size), rng)
    found = getattr(morphology, name)(x.astype(np.float32), size, **FLAT)
    same(found, by_scipy(name, x, size=size))


@pytest.mark.parametrize("name", NAMES)
def test_footprints_beside_scipy(name, rng):
    x = image(2, rng)
    found = getattr(morphology, name)(x.astype(np.float32), footprint=HOLES, **FLAT)
    same(found, by_scipy(name, x, footprint=HOLES))
    everything = np.ones((2, 5), bool)
    found = getattr(morphology, name)(x.astype(np.float32), (2, 5), footprint=everything, **FLAT)
    same(found, by_scipy(name, x, size=(2, 5)))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("size", [(3,), (4,), (3, 4), (2, 3, 2)])
def test_offsets_beside_scipy(name, size, rng):
    x, heights = image(len(size), rng), rng.integers(-900, 900, size).astype(np.float64)
    found = getattr(morphology, name)(x.astype(np.float32), size, offsets=heights.astype(np.float32), **FLAT)
    same(found, by_scipy(name, x, structure=heights))


@pytest.mark.parametrize("name", NAMES)
def test_footprint_and_offsets_beside_scipy(name, rng):
    x, heights = image(2, rng), rng.integers(-900, 900, HOLES.shape).astype(np.float64)
    found = getattr(morphology, name)(x.astype(np.float32), footprint=HOLES, offsets=heights.astype(np.float32), **FLAT)
    same(found, by_scipy(name, x, footprint=HOLES, structure=heights))


def test_layouts(rng):
    x = rng.integers(0, 99, (2, 9, 8, 3)).astype(np.float32)
    heights = rng.integers(-9, 9, (3, 2, 3)).astype(np.float32)
    found = morphology.dilation(x, (3, 2), offsets=heights)
    for batch, channel in itertools.product(range(2), range(3)):
        expected = morphology.dilation(x[batch, ..., channel], (3, 2), offsets=heights[..., channel], **FLAT)
        same(found[batch, ..., channel], expected)
    first = morphology.dilation(np.moveaxis(x, -1, 1), (3, 2), offsets=heights, channel_axis=-3)
    same(first, np.moveaxis(np.asarray(found), -1, 1))
    mapped = jax.vmap(lambda x: morphology.dilation(x, (3, 2), offsets=heights))
    same(mapped(x), found)


@pytest.mark.parametrize("element", [{"window_shape": (4, 3)}, {"footprint": HOLES}], ids=str)
def test_laws(element, rng):
    x, y = (image(2, rng, 9).astype(np.float32) for _ in range(2))
    element = element | FLAT
    opened, closed = morphology.opening(x, **element), morphology.closing(x, **element)
    assert (opened <= x).all()
    assert (closed >= x).all()
    same(morphology.opening(opened, **element), opened)
    same(morphology.closing(closed, **element), closed)
    # Each the other's adjoint: what lies below an erosion is what has its dilation below.
    eroded = morphology.erosion(x, **element)
    assert (morphology.dilation(eroded, **element) <= x).all()
    lower = jnp.minimum(y, eroded)
    assert (morphology.dilation(lower, **element) <= x).all()
    # Duality: the mirrored element turns one into the other.
    if "footprint" not in element:
        odd = {"window_shape": (5, 3)} | FLAT
        same(morphology.erosion(-x, **odd), -morphology.dilation(x, **odd))


@pytest.mark.parametrize("dtype", ["int8", "uint8", "bool", "bfloat16", "float16"])
def test_dtypes(dtype, rng):
    x = jnp.asarray(rng.integers(0, 100, (9, 8)) * (rng.random((9, 8)) < 0.6), dtype)
    wide = np.asarray(x, np.float64)
    for name in NAMES:
        for element in ({"window_shape": (3, 2)}, {"footprint": HOLES}):
            found = getattr(morphology, name)(x, **element, **FLAT)
            assert found.dtype == x.dtype
            reference = {"size": (3, 2)} if "window_shape" in element else element
            same(np.asarray(found, np.float64), by_scipy(name, wide, **reference))
    found = morphology.dilation(x, (1, 2), offsets=jnp.array([[0.0, 0.25]]), **FLAT)
    assert found.dtype == (x.dtype if jnp.issubdtype(x.dtype, jnp.floating) else jnp.float32)


@pytest.mark.later
def test_masks_and_borders(rng):
    x = image(2, rng).astype(np.float32)
    valid = rng.random(x.shape) < 0.4
    for element in ({"window_shape": (3, 3)}, {"footprint": HOLES}):
        low = morphology.dilation(np.where(valid, x, -np.inf).astype(np.float32), **element, **FLAT)
        same(morphology.dilation(x, **element, where=valid, **FLAT), low)
        same(morphology.dilation(np.where(valid, x, np.nan), **element, where=valid, **FLAT), low)
    nowhere = np.zeros(x.shape, bool)
    learned = {"window_shape": (2, 2), "offsets": jnp.ones((2, 2))}
    for element in ({"window_shape": (3, 3)}, {"footprint": HOLES}, learned):
        pool = functools.partial(morphology.dilation, **element, where=nowhere, **FLAT)
        assert (pool(x) == -np.inf).all()
        slope = jax.grad(lambda x, pool=pool: jnp.where(pool(x) > -5, pool(x), 0).sum())(x)
        same(slope, np.zeros(x.shape))
    heights = jnp.ones((2, 2))
    slope = jax.vjp(lambda b: morphology.dilation(x, (2, 2), offsets=b, where=nowhere, **FLAT), heights)[1]
    same(slope(jnp.ones(x.shape))[0], np.zeros((2, 2)))
    # An element that looks to one side only sees nothing at the border.
    side = morphology.dilation(jnp.arange(3.0), footprint=np.array([False, False, True]), **FLAT)
    same(side, [-np.inf, 0.0, 1.0])
    side = morphology.erosion(jnp.arange(3), footprint=np.array([False, False, True]), **FLAT)
    same(side, [1, 2, jnp.iinfo(jnp.int32).max])


def test_nan_and_equal_elements():
    x = jnp.array([1.0, jnp.nan, 1.0, 1.0, 1.0])
    for element in ({"window_shape": (3,)}, {"window_shape": (3,), "offsets": jnp.zeros(3)}):
        found = morphology.erosion(x, **element, **FLAT)
        same(jnp.isnan(found), [True, True, True, False, False])
        slope = jax.grad(lambda x, e=element: morphology.dilation(x, **e, **FLAT).sum())(jnp.zeros(5))
        same(slope, [2.0, 1.0, 1.0, 1.0, 0.0])
        slope = jax.grad(lambda x, e=element: morphology.dilation(x, **e, **FLAT)[1])(x)
        same(slope, [0.0, 1.0, 0.0, 0.0, 0.0])
    heights = jax.grad(lambda b: morphology.dilation(jnp.zeros(5), (3,), offsets=b, **FLAT).sum())(jnp.zeros(3))
    # The last of the mirrored element is the first of the window, but where that is padding.
    same(heights, [0.0, 1.0, 4.0])


@pytest.mark.slow
def test_derivatives_by_inputs_and_offsets():
    with jax.enable_x64(True):
        rng = np.random.default_rng(2)
        x, heights = jnp.asarray(rng.normal(size=(2, 6, 5, 2))), jnp.asarray(rng.normal(size=(3, 2, 2)))
        for name in ("dilation", "erosion", "closing", "top_hat"):
            pool = functools.partial(getattr(morphology, name), window_shape=(3, 2))
            check_grads(lambda x, b, pool=pool: pool(x, offsets=b) ** 2, (x, heights), order=2, modes=["fwd", "rev"])
        check_grads(lambda x: morphology.erosion(x, footprint=HOLES) ** 2, (x,), order=2, modes=["fwd", "rev"])


@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({}, TypeError, r"window_shape must be given where footprint is not; got window_shape=None\. Write"),
        ({"window_shape": 3}, TypeError, r"window_shape must be a sequence"),
        ({"footprint": np.ones((3, 3))}, TypeError, r"footprint must be an array of booleans; got .*float64\. Write"),
        ({"footprint": np.zeros((3, 3), bool)}, ValueError, r"footprint must be True somewhere"),
        ({"footprint": "cross"}, TypeError, r"footprint must be an array of booleans; got footprint='cross'"),
        ({"footprint": HOLES, "window_shape": (3, 3)}, ValueError, r"window_shape must be the shape of the footprint"),
        ({"window_shape": (3, 3), "offsets": jnp.zeros(3)}, ValueError, r"offsets\.shape must be that of the window"),
        ({"window_shape": (3, 3), "offsets": 1.0}, TypeError, r"offsets must be an array of real numbers"),
        ({"window_shape": (20, 20), "offsets": jnp.zeros((20, 20))}, ValueError, r"window_shape must have at most 64"),
        ({"window_shape": (3, 3), "strides": 2}, TypeError, r"takes no argument strides"),
    ],
)
def test_what_is_no_structuring_element(arguments, kind, message):
    with pytest.raises(kind, match=rf"^erosion: {message}"):
        morphology.erosion(jnp.zeros((1, 8, 8, 2)), **arguments)


def test_a_traced_footprint_is_refused_with_the_remedy():
    with pytest.raises(TypeError, match=r"^dilation: footprint must be known while tracing; got footprint=a traced"):
        jax.eval_shape(lambda f: morphology.dilation(jnp.zeros((8, 8, 1)), footprint=f), jnp.ones((3, 3), bool))


def test_names_of_the_module():
    assert "morphology" in dir(__import__("jaxpool"))
    with pytest.raises(AttributeError, match=r"^jaxpool\.morphology: has no attribute erode\."):
        _ = morphology.erode
    for name in morphology.__all__:
        assert ">>> " in getattr(morphology, name).__doc__


def skeleton_by_loops(x, iterations):
    """clDice's recipe on one plane, with windows that end at the border."""
    lines = [d for d in itertools.product((-1, 0, 1), repeat=x.ndim) if sum(map(abs, d)) <= 1]
    box = list(itertools.product((-1, 0, 1), repeat=x.ndim))

    def each(x, around, of):
        y = np.empty_like(x)
        for place in np.ndindex(x.shape):
            near = [tuple(p + d for p, d in zip(place, step, strict=True)) for step in around]
            y[place] = of([x[q] for q in near if all(0 <= i < n for i, n in zip(q, x.shape, strict=True))])
        return y

    def ridge(x):
        return np.maximum(x - each(each(x, lines, min), box, max), 0)

    skeleton = ridge(x)
    for _ in range(iterations):
        x = each(x, lines, min)
        delta = ridge(x)
        skeleton = skeleton + np.maximum(delta - skeleton * delta, 0)
    return skeleton


@pytest.mark.parametrize("iterations", [0, 1, 4])
@pytest.mark.parametrize("shape", [(9, 11), (6, 5, 7), (12,)])
def test_soft_skeletons_beside_loops(shape, iterations, rng):
    x = np.round(rng.random(shape), 1)
    options = {"iterations": iterations, "num_spatial_dims": len(shape)}
    expected = skeleton_by_loops(x, iterations)
    found = morphology.soft_skeleton(x.astype(np.float32), **options, **FLAT)
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    maps = np.stack([x, 1 - x], -1).astype(np.float32)[None]
    np.testing.assert_allclose(morphology.soft_skeleton(maps, **options)[0, ..., 0], expected, rtol=1e-5, atol=1e-6)


@pytest.mark.slow
def test_gradients_of_soft_skeletons():
    flat = jnp.ones((1, 8, 8, 1))
    skeleton = morphology.soft_skeleton
    same(jax.grad(lambda x: skeleton(x).sum())(flat), jnp.zeros(flat.shape))
    assert skeleton(flat.astype(jnp.bfloat16)).dtype == jnp.bfloat16
    assert jnp.isnan(skeleton(flat.at[0, 3, 3, 0].set(jnp.nan))).any()
    with jax.enable_x64(True):
        # A ridge that steps do not turn into a plateau, so that no difference is near 0.
        x = jnp.asarray(np.random.default_rng(0).random((1, 3, 3, 1)))
        values, tangent = jax.jvp(skeleton, (x,), (jnp.ones_like(x),))
        assert values.shape == tangent.shape == x.shape
        forward, backward = (f(lambda x: skeleton(x, iterations=1))(x) for f in (jax.jacfwd, jax.jacrev))
        np.testing.assert_allclose(forward, backward, rtol=1e-12, atol=1e-12)
    with pytest.raises(ValueError, match=r"^soft_skeleton: iterations must not be negative; got iterations=-1"):
        skeleton(flat, iterations=-1)
