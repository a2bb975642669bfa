"""The trained attention pool of the examples, and the network around it, against onnxruntime."""

import jax.numpy as jnp
import numpy as np
import pytest
from example_files import loaded, loaded_file, or_skip
from flax import nnx

turns = loaded("turns", "onnx")
onnx = pytest.importorskip("onnx", reason="the example reads its weights with onnx")

# The names that the file has for what its layers say.
STAGES = {"vectors": "layer_norm_8", "attention": "softmax", "pooled": "sum_1", "finished": "logits"}


@pytest.fixture(scope="module")
def spectra():
    return or_skip(turns.cut_speech)


@pytest.fixture(scope="module")
def network():
    return or_skip(turns.load_network)


@nnx.jit
def stages(network, spectra):
    """What each stage of the network says."""
    vectors = network.encoder(spectra)
    return {
        "vectors": vectors,
        "attention": network.attention(vectors)[..., None],
        "pooled": network.pool(vectors),
        "finished": network(vectors)[:, None],
    }


@pytest.fixture(scope="module")
def found(network, spectra):
    return stages(network, spectra)


def run(model, outputs, spectra, optimized=True):
    """What onnxruntime says of the spectra, which the file has with time last."""
    onnxruntime = pytest.importorskip("onnxruntime")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    # The constants of what was taken out are left over.
    options.log_severity_level = 3
    if not optimized:
        # Among its optimizations are products that round what they are given.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(outputs, {"input_features": np.asarray(spectra).swapaxes(1, 2)})


def without_rounding(model):
    """The model without the pairs of nodes that round what flows between layers to 8 bits; the weights stay."""
    rounded = {node.output[0]: node.input[0] for node in model.graph.node if node.op_type == "QuantizeLinear"}
    exact = {
        node.output[0]: rounded[node.input[0]]
        for node in model.graph.node
        if node.op_type == "DequantizeLinear" and node.input[0] in rounded
    }
    assert len(exact) == len(rounded) == 78
    kept = [node for node in model.graph.node if node.output[0] not in rounded and node.output[0] not in exact]
    for node in kept:
        node.input[:] = [exact.get(name, name) for name in node.input]
    del model.graph.node[:]
    model.graph.node.extend(kept)
    told = [name for name in STAGES.values() if name != "logits"]
    model.graph.output.extend(onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, None) for name in told)
    return model


@pytest.fixture(scope="module")
def original(spectra):
    """What each stage of the file says, if it rounds nothing but its weights."""
    model = onnx.load(or_skip(turns.installed_file, *turns.MODEL))
    return dict(zip(STAGES, run(without_rounding(model), list(STAGES.values()), spectra, optimized=False), strict=True))


@pytest.mark.every_case
@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_is_that_of_the_original(found, original, stage):
    expected = original[stage]
    # Vectors have elements of 17 beside others near 0, and share their rounding.
    tolerance = 1e-4 * np.abs(expected).max() if stage == "vectors" else 2e-5
    np.testing.assert_allclose(found[stage], expected, rtol=0, atol=tolerance)


def test_the_pool_alone_is_that_of_the_original(network, original):
    pooled = network.pool(jnp.asarray(original["vectors"]))
    np.testing.assert_allclose(pooled, original["pooled"], rtol=1e-5, atol=1e-5)
    # It is no mean: the weights are trained.
    assert np.abs(original["vectors"].mean(1) - original["pooled"]).max() > 0.5


def test_the_file_as_it_is_decides_the_same(found, spectra):
    model = onnx.load(or_skip(turns.installed_file, *turns.MODEL))
    (finished,) = run(model, ["logits"], spectra)
    np.testing.assert_array_equal(finished > 0.5, found["finished"] > 0.5)


def test_a_speaker_has_finished_in_a_pause_and_not_within_a_phrase(found):
    finished = found["finished"][:, 0]
    assert len(finished) == len(turns.CUTS)
    for probability, place in zip(finished, turns.CUTS.values(), strict=True):
        assert probability < 0.05 if "within" in place else probability > 0.95


def test_spectra_are_those_of_the_package():
    theirs = loaded_file("whisper_features", or_skip(turns.installed_file, turns.MODEL[0], "_whisper_features.py"))
    speech = or_skip(turns.read_speech)
    # The first is shorter than eight seconds, and has silence put before it; the second is longer.
    for sound in (speech[:60_000], speech):
        whole = np.pad(sound[-128_000:], (max(0, 128_000 - len(sound)), 0))
        expected = theirs.compute_whisper_log_mel_features(whole)
        np.testing.assert_allclose(turns.spectrum(sound).T, expected, rtol=1e-5, atol=1e-5)


def test_a_missing_package_ends_the_program_with_one_line():
    with pytest.raises(SystemExit, match=r"^nothing\.onnx .*`pip install --no-deps no-such-package`\.$"):
        turns.installed_file("no-such-package", "nothing.onnx")
