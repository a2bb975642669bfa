"""RoIAlign beside the reference evaluator of ONNX."""

import itertools

import numpy as np
import pytest

import jaxpool

onnx = pytest.importorskip("onnx", reason="onnx is not installed; these tests compare with it")

from onnx.reference import ReferenceEvaluator  # noqa: E402

BOXES = np.array([[3.3, 4.1, 20.2, 25.7], [-9, -7, 12, 9.5], [30.1, 20, 55, 44], [8, 8, 8.5, 8.5]], np.float32)


def evaluated(x, boxes, numbers, **attributes):
    node = onnx.helper.make_node("RoiAlign", ["x", "boxes", "numbers"], ["y"], **attributes)
    kinds = {"x": (x, 1), "boxes": (boxes, 1), "numbers": (numbers, 7)}
    inputs = [onnx.helper.make_tensor_value_info(name, kind, a.shape) for name, (a, kind) in kinds.items()]
    output = onnx.helper.make_tensor_value_info("y", 1, None)
    model = onnx.helper.make_model(
        onnx.helper.make_graph([node], "regions", inputs, [output]), opset_imports=[onnx.helper.make_opsetid("", 16)]
    )
    return ReferenceEvaluator(model).run(None, {name: a for name, (a, _) in kinds.items()})[0]


@pytest.mark.parametrize(("ratio", "aligned"), list(itertools.product((None, 1, 2), (False, True))))
def test_means_beside_the_evaluator(ratio, aligned):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 3, 7, 9)).astype(np.float32)
    numbers = np.array([1, 0, 0, 1])
    expected = evaluated(
        x, BOXES, numbers, mode="avg", output_height=3, output_width=2, sampling_ratio=ratio or 0, spatial_scale=0.25,
        coordinate_transformation_mode="half_pixel" if aligned else "output_half_pixel",
    )  # fmt: skip
    found = jaxpool.roi_align(
        x,
        BOXES,
        (3, 2),
        box_indices=numbers,
        spatial_scale=0.25,
        sampling_ratio=ratio,
        aligned=aligned,
        channel_axis=-3,
    )
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_maxima_where_samples_lie_on_elements():
    # Between elements the evaluator takes the largest of four products, and not of their sums.
    x = np.random.default_rng(1).random((1, 2, 8, 8)).astype(np.float32)
    boxes = np.array([[1, 2, 5, 6], [2, 1, 6, 5]], np.float32)
    numbers = np.zeros(2, np.int64)
    expected = evaluated(
        x, boxes, numbers, mode="max", output_height=2, output_width=2, sampling_ratio=2,
        coordinate_transformation_mode="half_pixel",
    )  # fmt: skip
    found = jaxpool.roi_align(
        x, boxes, (2, 2), box_indices=numbers.astype(np.int32), sampling_ratio=2, aligned=True, mode="max",
        channel_axis=-3,
    )  # fmt: skip
    np.testing.assert_allclose(found, expected, rtol=1e-6)
