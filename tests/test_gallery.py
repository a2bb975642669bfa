"""The gallery of the examples: every pool of it gives a picture, and a gradient that is finite."""

import numpy as np
import pytest
from example_files import loaded, or_skip

pytestmark = pytest.mark.most(4)

gallery = loaded("gallery", "matplotlib", "PIL", "rich")
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
    picture = or_skip(gallery.photograph)
    assert picture.shape == (gallery.PIXELS, gallery.PIXELS)
    assert 0 <= picture.min() < 0.1
    assert 0.9 < picture.max() <= 1
