"""The face detector of the examples: its files, its pieces, the face it finds, and its networks against PyTorch's."""

import io
import os
import pathlib
import pickle
from collections import OrderedDict

import numpy as np
import pytest
from example_files import loaded, or_skip

mtcnn = loaded("mtcnn", "matplotlib", "PIL", "rich")


@pytest.fixture(scope="module")
def networks():
    return or_skip(mtcnn.load_networks)


@pytest.fixture(scope="module")
def pictures():
    return or_skip(mtcnn.known_pictures)


@pytest.fixture(scope="module")
def searches(networks, pictures):
    """A finished search and its faces for every picture."""
    found = {name: mtcnn.Search(networks, picture) for name, picture in pictures.items()}
    return {name: (search, search.faces()) for name, search in found.items()}


# ------------------------------------------------------------------------------------------------ files and weights


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("thing", [os.system, np.ndarray, pathlib.PurePosixPath("a")], ids=["call", "class", "object"])
def test_the_reader_refuses_whatever_is_not_a_tensor(thing, protocol):
    with pytest.raises(pickle.UnpicklingError, match="no business"):
        mtcnn.TensorUnpickler(io.BytesIO(pickle.dumps({"conv1.weight": thing}, protocol))).load()


@pytest.mark.parametrize(
    ("offset", "shape", "strides"), [(1, (2, 3), (3, 1)), (0, (2, 3), (4, 1)), (0, (2,), (-1,)), (-1, (2,), (1,))]
)
def test_the_reader_refuses_tensors_beyond_their_storage(offset, shape, strides):
    with pytest.raises(pickle.UnpicklingError, match="storage of 6"):
        mtcnn.tensor_view(np.zeros(6, np.float32), offset, shape, strides)


def test_tensors_keep_their_strides():
    np.testing.assert_array_equal(mtcnn.tensor_view(np.arange(7.0), 1, (2, 3), (1, 2)), [[1, 3, 5], [2, 4, 6]])


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "other.pt"
    path.write_bytes(b"".join(pickle.dumps(part) for part in (1, 1001, OrderedDict())))
    with pytest.raises(ValueError, match="not a file that PyTorch"):
        mtcnn.read_weights(path)


@pytest.mark.parametrize("name", mtcnn.WEIGHT_FILES)
def test_weights_are_read_as_pytorch_reads_them(name):
    path = or_skip(mtcnn.installed_file, "facenet-pytorch", mtcnn.WEIGHT_FILES[name])
    torch = pytest.importorskip("torch")
    weights = mtcnn.read_weights(path)
    expected = torch.load(path, map_location="cpu", weights_only=True)
    assert list(weights) == list(expected)
    for key, tensor in expected.items():
        np.testing.assert_array_equal(weights[key], tensor.numpy(), err_msg=key)


def test_a_missing_package_ends_the_program_with_one_line():
    with pytest.raises(SystemExit, match=r"^nothing\.pt .*`pip install --no-deps no-such-package`\.$"):
        mtcnn.installed_file("no-such-package", "nothing.pt")


# ------------------------------------------------------------------------------------------------ pictures and boxes


@pytest.mark.parametrize(("size", "parts"), [(7, 3), (3, 7), (6, 3), (5, 5), (1, 4), (29, 24)])
def test_areas_are_means_of_the_pixels_they_touch(size, parts):
    values = np.arange(size) ** 2
    edges = [(part * size / parts, (part + 1) * size / parts) for part in range(parts)]
    expected = [values[int(np.floor(low)) : int(np.ceil(high - 1e-9))].mean() for low, high in edges]
    np.testing.assert_allclose(mtcnn.area_weights(size, parts) @ values, expected)


def test_overlapping_boxes_give_way_to_better_ones():
    boxes = np.array([[0, 0, 10, 10], [0, 0, 10, 8], [20, 0, 30, 10], [2, 2, 5, 5], [19, 19, 29, 29]], np.float32)
    scores = np.array([0.7, 0.9, 0.8, 0.6, 0.5], np.float32)
    np.testing.assert_array_equal(mtcnn.without_overlaps(boxes, scores, 0.5), [1, 2, 3, 4])
    np.testing.assert_array_equal(mtcnn.without_overlaps(boxes, scores, 0.9), [1, 2, 0, 3, 4])
    np.testing.assert_array_equal(mtcnn.without_overlaps(boxes, scores, 0.9, of_smaller=True), [1, 2, 4])
    assert mtcnn.without_overlaps(boxes[:0], scores[:0], 0.5).shape == (0,)


def test_crops_end_at_the_border_of_the_picture():
    picture = np.full((8, 10, 3), 255, np.uint8)
    boxes = np.array([[-3, -3, 4, 4], [11, 2, 14, 5], [8, 6, 20, 18]], np.float32)
    inside, images = mtcnn.crops(picture, boxes, 24)
    np.testing.assert_array_equal(inside, boxes[[0, 2]])
    np.testing.assert_array_equal(images, np.full((2, 24, 24, 3), 127.5 / 128, np.float32))


# ---------------------------------------------------------------------------------------------------------- ceil mode


def in_floor_mode(network):
    pools = [layer for layer in network.trunk.layers if isinstance(layer, mtcnn.MaxPool)]
    assert all(pool.ceil_mode for pool in pools)
    for pool in pools:
        pool.ceil_mode = False
    return len(pools)


@pytest.mark.slow
def test_dense_layers_do_not_fit_without_ceil_mode(rng):
    networks = or_skip(mtcnn.load_networks)
    for name, pools in (("R-Net", 2), ("O-Net", 3)):
        size = mtcnn.CROP_SIZES[name]
        crop = rng.uniform(-1, 1, (1, size, size, 3)).astype(np.float32)
        assert networks[name](crop)["box"].shape == (1, 4)
        assert in_floor_mode(networks[name]) == pools
        with pytest.raises(TypeError, match="dot_general"):
            networks[name](crop)


@pytest.mark.later
def test_proposals_at_the_border_are_lost_without_ceil_mode(rng):
    network = or_skip(mtcnn.load_networks)["P-Net"]
    even, odd = (rng.uniform(-1, 1, (1, *shape, 3)).astype(np.float32) for shape in ((20, 16), (21, 17)))
    before = [network(image) for image in (even, odd)]
    assert in_floor_mode(network) == 1
    after = [network(image) for image in (even, odd)]
    for head in ("probability", "box"):
        np.testing.assert_array_equal(before[0][head], after[0][head])
        (_, height, width, _), (_, lower, narrower, _) = before[1][head].shape, after[1][head].shape
        assert (height, width) == (lower + 1, narrower + 1)


# --------------------------------------------------------------------------------------------------------------- faces


@pytest.mark.slow
def test_the_face_is_found_where_it_is(searches):
    _, faces = searches["whole"]
    assert len(faces) == 1
    left, top, right, bottom = faces[0].box
    assert 165 < left < 195
    assert 50 < top < 80
    assert 255 < right < 285
    assert 155 < bottom < 200
    assert faces[0].probability > 0.999


@pytest.mark.slow
def test_landmarks_are_where_a_face_has_them(searches):
    for _, faces in searches.values():
        assert len(faces) == 1
        left, top, right, bottom = faces[0].box
        x, y = faces[0].landmarks.T
        assert ((left < x) & (x < right)).all()
        assert ((top < y) & (y < bottom)).all()
        left_eye, right_eye, nose, left_mouth, right_mouth = faces[0].landmarks
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < nose[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


@pytest.mark.slow
def test_a_part_of_odd_sizes_has_the_same_face(searches, pictures):
    height, width, _ = pictures["odd part"].shape
    assert height % 2 == width % 2 == 1
    (whole,), (part,) = (faces for _, faces in searches.values())
    corner = np.array([mtcnn.CROP_LEFT, mtcnn.CROP_TOP])
    # Another size of the picture gives another pyramid, so other pixels.
    np.testing.assert_allclose(part.box, whole.box - np.tile(corner, 2), atol=6)
    np.testing.assert_allclose(part.landmarks, whole.landmarks - corner, atol=4)


@pytest.mark.slow
def test_a_picture_without_anything_has_no_face(networks, searches):
    # A size that is compiled already.
    picture = np.zeros_like(searches["odd part"][0].picture)
    assert mtcnn.Search(networks, picture).faces() == []
    assert mtcnn.Search(networks, picture[:11, :11]).faces() == []


@pytest.mark.slow
def test_a_picture_of_the_faces_is_written(searches, pictures, tmp_path):
    path = tmp_path / "faces.png"
    mtcnn.write_picture(path, pictures, {name: faces for name, (_, faces) in searches.items()})
    written = mtcnn.read_picture(path)
    assert written.shape == (490, 840, 3)
    # The frame and the landmarks of both faces.
    gold = (np.abs(written.astype(int) - [255, 215, 0]) < 20).all(-1)
    assert gold[:, :420].any()
    assert gold[:, 420:].any()


def torch_outputs(torch, name, images):
    """What PyTorch makes of images with the weights that it reads itself, for each head."""
    nn = torch.nn.functional
    path = mtcnn.installed_file("facenet-pytorch", mtcnn.WEIGHT_FILES[name])
    weights = torch.load(path, map_location="cpu", weights_only=True)
    windows, count = {"P-Net": (2, 0, 0), "R-Net": (3, 3, 0), "O-Net": (3, 3, 2, 0)}[name], 4 if name == "O-Net" else 3

    def layer(function, of, x):
        return function(x, weights[f"{of}.weight"], weights[f"{of}.bias"])

    x = torch.from_numpy(images).permute(0, 3, 1, 2)
    for number, window in enumerate(windows, 1):
        x = nn.prelu(layer(nn.conv2d, f"conv{number}", x), weights[f"prelu{number}.weight"])
        if window:
            x = nn.max_pool2d(x, window, 2, ceil_mode=True)
    if name == "P-Net":
        heads = [layer(nn.conv2d, f"conv4_{head}", x) for head in (1, 2)]
    else:
        x = layer(nn.linear, f"dense{count + 1}", x.permute(0, 3, 2, 1).flatten(1))
        x = nn.prelu(x, weights[f"prelu{count + 1}.weight"])
        numbers = (1, 2, 3) if name == "O-Net" else (1, 2)
        heads = [layer(nn.linear, f"dense{count + 2}_{head}", x) for head in numbers]
    heads[0] = nn.softmax(heads[0], 1)
    return dict(zip(mtcnn.HEADS, (np.moveaxis(head.numpy(), 1, -1) for head in heads), strict=False))


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
def test_every_head_is_that_of_pytorch(searches):
    torch = pytest.importorskip("torch")
    calls = [call for search, _ in searches.values() for call in search.calls]
    assert {call.network for call in calls} == set(mtcnn.WEIGHT_FILES)
    # Maps of odd sizes, where ceil mode counts, are among them.
    assert any(size % 2 for call in calls if call.network == "P-Net" for size in call.images.shape[1:3])
    heads = set()
    for call in calls:
        expected = torch_outputs(torch, call.network, call.images)
        assert call.outputs.keys() == expected.keys()
        heads |= {(call.network, head) for head in expected}
        for head, values in expected.items():
            np.testing.assert_allclose(call.outputs[head], values, rtol=0, atol=1e-5, err_msg=f"{call.network}, {head}")
    assert len(heads) == 7
