"""The example of a volume that devices share."""

import importlib.util
import pathlib

import jax
import numpy as np
import pytest

PATH = pathlib.Path(__file__).parents[1] / "examples" / "volume.py"


@pytest.fixture(scope="module")
def volume():
    spec = importlib.util.spec_from_file_location("volume", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_eight_devices_have_the_losses_of_one(volume, capsys):
    # Optax promotes.
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        losses = np.asarray(volume.main(["--steps", "4", "--size", "16"]))
    np.testing.assert_allclose(losses[:, 1], losses[:, 0], rtol=1e-4)
    assert losses[-1, 0] < losses[0, 0] / 2
    assert "largest difference" in capsys.readouterr().out
