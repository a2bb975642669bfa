"""The gallery of the examples: every pool of it gives a picture, and a gradient that is finite."""

import importlib.util
import pathlib

import numpy as np
import pytest

EXAMPLE = pathlib.Path(__file__).parents[1] / "examples" / "gallery.py"
if not EXAMPLE.is_file():
    pytest.skip("the examples are not part of the package", allow_module_level=True)
pytest.importorskip("PIL", reason="the example reads pictures with pillow")
pytestmark = pytest.mark.most(4)


def loaded_example():
    spec = importlib.util.spec_from_file_location("gallery_example", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


gallery = loaded_example()
# None of these has a derivative.
CONSTANT = ("local_maxima 9x9",)


@pytest.mark.parametrize("name", gallery.FAMILY)
def test_outputs_are_pictures_and_gradients_are_finite(name):
    picture = np.random.default_rng(0).random((128, 128), np.float32)
    output, gradient = gallery.seen(gallery.FAMILY[name], picture)
    assert output.ndim == 2
    assert (gradient is None) == (name in CONSTANT)
    assert gradient is None or (np.isfinite(gradient).all() and gradient.any())


def test_the_photograph_is_grey_and_square():
    try:
        picture = gallery.photograph()
    except SystemExit as reason:
        pytest.skip(str(reason))
    assert picture.shape == (gallery.PIXELS, gallery.PIXELS)
    assert 0 <= picture.min() < 0.1
    assert 0.9 < picture.max() <= 1
