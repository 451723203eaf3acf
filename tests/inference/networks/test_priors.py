"""Class priors: Bayes' rule for other shares of emotions, and EM, which estimates them."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.commands import Run
from helpers.networks import CLASSES, LEVELS, brightness_network, change_metadata
from helpers.pictures import encoded, write_files

from mien._io.errors import InputError
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.priors import adjust_priors, describe_shares, estimate_priors, parse_prior, prior_shares
from mien.inference.recognizer import EmotionRecognizer

TRAINING = {"angry": 0.5, "happy": 0.3, "sad": 0.2}
SHARES = np.array(list(TRAINING.values()))
BETWEEN = np.full((1, 48, 48), (LEVELS[0] + LEVELS[1]) // 2, np.uint8)  # a face between angry and happy


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return brightness_network(tmp_path / "network", sharpness=5.0, temperature=1.5, priors=tuple(SHARES.tolist()))


def answers(shares: np.ndarray, count: int) -> np.ndarray:
    """Return the answers of an ideal network, for training shares, about normal variables of classes in some shares."""
    rng, means = np.random.default_rng(4), np.array([-1.5, 0.0, 1.5])
    values = rng.normal(means[rng.choice(3, count, p=shares)])
    likelihoods = np.exp(-0.5 * (values[:, None] - means) ** 2)
    return likelihoods * SHARES / (likelihoods * SHARES).sum(axis=1, keepdims=True)


def test_adjusted_probabilities_are_those_of_bayes_rule() -> None:
    wanted = np.array([0.1, 0.2, 0.7])
    likelihoods = answers(wanted, 50) / SHARES
    expected = likelihoods * wanted / (likelihoods * wanted).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(adjust_priors(answers(wanted, 50), SHARES, wanted), expected, rtol=1e-12)


def test_a_network_that_rounds_to_certainty_can_be_adjusted() -> None:
    adjusted = adjust_priors(np.array([[1, 0, 0]], np.float32), SHARES, np.array([0.0, 0.5, 0.5]))
    np.testing.assert_allclose(adjusted.sum(axis=1), 1)
    assert adjusted[0, 0] == 0


@pytest.mark.parametrize("shares", [(0.1, 0.2, 0.7), (0.9, 0.1, 0.0)])
def test_em_finds_the_shares(shares: tuple[float, ...]) -> None:
    np.testing.assert_allclose(estimate_priors(answers(np.array(shares), 20_000), SHARES), shares, atol=0.02)


def test_em_refuses_few_faces() -> None:
    with pytest.raises(InputError, match="number of faces: found 49, expected at least 50"):
        estimate_priors(answers(SHARES, 49), SHARES)


def test_shares_are_read_as_they_are_written() -> None:
    assert parse_prior("uniform") == "uniform"
    assert parse_prior(" happy=3, sad = 1,angry=0 ") == {"happy": 3.0, "sad": 1.0, "angry": 0.0}
    text = describe_shares(CLASSES, np.array([0.0, 0.25, 0.75]))
    assert text == "sad=0.7500,happy=0.2500,angry=0.0000"
    np.testing.assert_allclose(prior_shares(parse_prior(text), TRAINING), [0, 0.25, 0.75])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("balanced", "found 'balanced', expected training, uniform or a share of each emotion"),
        ("em", "found 'em', expected .*; em needs all faces at once"),
        ("happy=1", "found no share of 'angry', expected one of each of angry, happy, sad"),
        ("happy=1,sad=1,angry=1,glad=1", "found a share of the unknown class 'glad'"),
        ("happy=much", "found 'happy=much', expected EMOTION=SHARE"),
        ("happy=1,happy=2", "found 'happy' twice"),
        ("happy=1,sad=0,angry=0", "found .*, expected numbers of 0 or more, at least two above 0"),
        ("happy=nan,sad=1,angry=1", "found .*, expected numbers of 0 or more"),
        ("happy=-1,sad=1,angry=1", "found .*, expected numbers of 0 or more"),
    ],
)
def test_other_priors_are_refused(text: str, words: str) -> None:
    with pytest.raises(InputError, match=f"prior: {words}"):
        prior_shares(parse_prior(text), TRAINING)


def test_a_classifier_adjusts_what_is_calibrated(network: Path) -> None:
    plain = FaceClassifier.from_pretrained(network)
    uniform = FaceClassifier.from_pretrained(network, prior="uniform")
    assert (plain.prior, uniform.prior, plain.training_prior) == ("training", "uniform", TRAINING)
    expected = adjust_priors(plain.predict_proba(BETWEEN), SHARES, np.full(3, 1 / 3))
    np.testing.assert_allclose(uniform.predict_proba(BETWEEN), expected, rtol=1e-5)
    assert plain.predict(BETWEEN) == ["angry"] != uniform.predict(BETWEEN) == ["happy"]
    np.testing.assert_allclose(uniform.with_prior("training").predict_proba(BETWEEN), plain.predict_proba(BETWEEN))
    assert EmotionRecognizer(plain, "none", prior="uniform").classifier.prior == "uniform"
    same = plain.with_prior(TRAINING)
    np.testing.assert_allclose(same.predict_proba(BETWEEN), plain.predict_proba(BETWEEN), rtol=1e-5)


@pytest.mark.parametrize(
    "answers", [np.full((60, 3), np.nan), np.ones((60, 3)), np.full((60, 2), 0.5), [[1, 0, 0]] * 60]
)
def test_a_prior_is_estimated_from_answers_alone(network: Path, answers: Any) -> None:
    with pytest.raises(InputError, match=r"probabilities: found .*, expected \(N, 3\), rows that sum to 1"):
        FaceClassifier.from_pretrained(network).estimate_prior(answers)


def test_a_prior_goes_with_a_pickled_classifier(network: Path) -> None:
    classifier = FaceClassifier.from_pretrained(network, prior={"angry": 0, "happy": 1, "sad": 1})
    copied = pickle.loads(pickle.dumps(classifier))
    assert np.array_equal(copied.predict_proba(BETWEEN), classifier.predict_proba(BETWEEN))
    assert copied.predict_proba(BETWEEN)[0, 0] == 0


def test_a_file_that_does_not_say_how_it_was_trained_has_no_other_prior(network: Path) -> None:
    change_metadata(network, {"mien.priors": None})
    assert FaceClassifier.from_pretrained(network).prior == "training"
    with pytest.raises(InputError, match=rf"{network}/best\.onnx: found no mien\.priors in its metadata"):
        EmotionRecognizer(network, prior="uniform")


def test_the_pretrained_networks_say_how_they_were_trained() -> None:
    for name in ("mien", "mien_small"):
        shares = FaceClassifier.from_pretrained(name).training_prior
        assert FaceClassifier.from_pretrained(name, precision="int8").training_prior == shares
        assert sum(shares.values()) == pytest.approx(1, abs=1e-5)
        assert max(shares, key=lambda emotion: shares[emotion]) == "happy"
        assert 0.01 < shares["disgust"] < 0.03  # 436 of 28,709 labels, and some votes


def test_photos_are_read_with_the_shares_that_em_estimates(mien: Run, network: Path, tmp_path: Path) -> None:
    levels = [*[LEVELS[1]] * 55, BETWEEN[0, 0, 0]]
    faces = {f"{row:02}.png": encoded(np.full((48, 48), level, np.uint8)) for row, level in enumerate(levels)}
    folder = write_files(tmp_path / "faces", faces | {"bad.png": b"?"})
    options = ("--crop", "--json", "--model", network, "--precision", "fp32")
    plain, err = mien("image", folder, *options, code=2)
    assert "--prior" not in err
    adjusted, err = mien("image", folder, *options, "--prior", "em", code=2)
    assert "note: --prior happy=" in err
    assert err.count("bad.png") == 2  # as without: when its turn comes, and at the end
    emotions = [[json.loads(line)["faces"][0]["emotion"] for line in out.splitlines()][-1] for out in (plain, adjusted)]
    assert emotions == ["angry", "happy"]


def test_a_prior_that_cannot_be_used_is_one_line(mien: Run, network: Path, tmp_path: Path) -> None:
    photo = tmp_path / "face.png"
    photo.write_bytes(encoded(BETWEEN[0]))
    few = mien("image", photo, "--crop", "--model", network, "--prior", "em", code=2)[1]
    assert few == "error: prior: em: number of faces: found 1, expected at least 50\n"
    sets = mien("image", photo, "--crop", "--model", "mien_small", "--prior", "em", "--coverage", "0.9", code=2)[1]
    assert sets == "error: coverage: found the prior em, expected training, as thresholds are for that alone\n"
    clip = mien("video", photo, "--model", network, "--prior", "em", code=2)[1]
    assert clip.startswith(
        "error: prior: found 'em', expected training, uniform or a share of each emotion; em needs all"
    )
