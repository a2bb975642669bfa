"""Whole networks as ONNX and as StableHLO, run by processes in which neither this library nor its models are."""

import importlib
import subprocess
import sys

import jax
import numpy as np
import pytest
from example_files import loaded, or_skip
from flax import nnx

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::UserWarning", "ignore::DeprecationWarning", "ignore::FutureWarning"),
]

RUN_ONNX = """
import sys
import numpy as np
import onnxruntime
model, inputs, outputs = sys.argv[1:]
session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
found = session.run(None, {session.get_inputs()[0].name: np.load(inputs)})
np.savez(outputs, *found)
packages = {name.split(".")[0] for name in sys.modules}
assert not packages & {"jaxpool", "jax", "jaxlib", "flax"}, packages
"""

RUN_STABLEHLO = """
import sys
import jax
import jax.export
import numpy as np
model, inputs, outputs = sys.argv[1:]
with open(model, "rb") as file:
    exported = jax.export.deserialize(bytearray(file.read()))
np.savez(outputs, *jax.tree.leaves(exported.call(np.load(inputs))))
packages = {name.split(".")[0] for name in sys.modules}
assert not packages & {"jaxpool", "flax"}, packages
"""


@pytest.fixture(autouse=True, scope="module")
def usual_promotion():
    """The converter and the optimizer promote dtypes and ranks."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


def as_onnx(function, images, path):
    pytest.importorskip("onnxruntime", reason="onnxruntime is not installed; `make test-export` installs it")
    jax2onnx = pytest.importorskip("jax2onnx", reason="jax2onnx is not installed; `make test-export` installs it")
    importlib.import_module("jaxpool.onnx")
    shape = ("batch", *images.shape[1:])
    jax2onnx.to_onnx(function, [shape], return_mode="file", output_path=str(path))


def as_stablehlo(function, images, path):
    (batch,) = jax.export.symbolic_shape("batch")
    inputs = jax.ShapeDtypeStruct((batch, *images.shape[1:]), images.dtype)
    path.write_bytes(jax.export.export(jax.jit(function))(inputs).serialize())


FORMATS = {"ONNX": (as_onnx, RUN_ONNX), "StableHLO": (as_stablehlo, RUN_STABLEHLO)}


def assert_runs_alone(form, function, images, folder):
    """Exports a function, runs the file in a new process, and compares what comes out."""
    export, program = FORMATS[form]
    model, inputs, outputs = folder / "model", folder / "inputs.npy", folder / "outputs.npz"
    export(function, images, model)
    np.save(inputs, images)
    # `-I`: nothing of this folder or of the environment's variables is on the path of modules.
    subprocess.run([sys.executable, "-I", "-c", program, str(model), str(inputs), str(outputs)], check=True)
    expected = jax.tree.leaves(jax.jit(function)(images))
    with np.load(outputs) as found:
        assert len(found.files) == len(expected)
        for name, wanted in zip(found.files, expected, strict=True):
            np.testing.assert_allclose(found[name], wanted, rtol=1e-5, atol=1e-5)


@pytest.fixture(scope="module")
def digits():
    """A network that has learned a little, and digits that it has not seen."""
    example = loaded("digits", "matplotlib", "optax", "rich")
    rng = np.random.default_rng(0)
    learn, unseen = or_skip(example.load_digits, rng)
    network = example.DigitNetwork(nnx.Rngs(0))
    optimizer = nnx.Optimizer(network, example.optax.adam(3e-3), wrt=nnx.Param)
    for _, batch in zip(range(60), learn.batches(example.TRAIN_BATCH, rng), strict=False):
        example.train_step(network, optimizer, *batch)
    return nnx.view(network, use_running_average=True), unseen.images[:100], unseen.labels[:100]


@pytest.fixture(scope="module")
def faces():
    """The three networks of the face detector, and what each of them is given when it looks for a face."""
    example = loaded("mtcnn", "matplotlib", "PIL", "rich")
    networks, pictures = or_skip(example.load_networks), or_skip(example.known_pictures)
    search = example.Search(networks, pictures["odd part"])
    assert search.faces()
    # P-Net has been given the picture in several sizes: the last is the smallest.
    return networks, {call.network: call.images for call in search.calls}


@pytest.mark.parametrize("form", FORMATS)
def test_digits(digits, form, tmp_path):
    network, images, labels = digits
    scores = np.asarray(network(images))
    # It has learned: what is compared are no constants.
    assert (scores.argmax(-1) == labels).mean() > 0.5
    assert_runs_alone(form, lambda x: network(x), images, tmp_path)


@pytest.mark.parametrize("name", ["P-Net", "R-Net", "O-Net"])
@pytest.mark.parametrize("form", FORMATS)
def test_faces(faces, form, name, tmp_path):
    networks, images = faces
    assert len(images[name])
    assert_runs_alone(form, lambda x: networks[name](x), images[name], tmp_path)
