"""The example of a volume that devices share."""

import jax
import numpy as np
import pytest
from example_files import loaded

volume = loaded("volume", "optax", "rich")


@pytest.mark.slow
def test_eight_devices_have_the_losses_of_one(capsys):
    # Optax promotes.
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        losses = volume.main(steps=4, size=16)
    np.testing.assert_allclose(losses[:, 1], losses[:, 0], rtol=1e-4)
    assert losses[-1, 0] < losses[0, 0] / 2
    assert "largest difference" in capsys.readouterr().out
