"""Prediction sets hold the true class as often as asked for, and networks bring their thresholds along."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.commands import Run
from helpers.networks import CLASSES, LEVELS, brightness_network, change_metadata, softmax
from helpers.pictures import encoded, write_files

from mien._io.errors import InputError
from mien.evaluation.calibration import calibrated
from mien.evaluation.conformal import Coverage, fit_thresholds
from mien.inference.face import listed
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.onnx import OnnxModel
from mien.inference.networks.prediction_sets import percent_of, prediction_sets, set_names
from mien.inference.recognizer import EmotionRecognizer
from mien.models.metadata import PERCENTS, Metadata

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6000, 5)) * 1.5
#: Of a network that is far too sure: coverage needs no calibrated answers.
ANSWERS = softmax(3 * LOGITS)
LABELS = (RNG.random((len(LOGITS), 1)) > softmax(LOGITS).cumsum(axis=1)[:, :-1]).sum(axis=1)
#: Thresholds that ask for little below 90 % and for everything above.
THRESHOLDS = tuple(0.3 if percent <= 90 else 0.01 for percent in PERCENTS)
BETWEEN = np.full((48, 48), (LEVELS[0] + LEVELS[1]) // 2, np.uint8)  # a face between angry and happy


@pytest.fixture
def network(tmp_path: Path) -> Path:
    by_tta = {"none": THRESHOLDS, "mirror": THRESHOLDS}
    return brightness_network(tmp_path / "network", sharpness=5.0, set_thresholds=by_tta, priors=(0.5, 0.3, 0.2))


@pytest.mark.parametrize("coverage", [0.5, 0.8, 0.9, 0.95, 0.99])
def test_other_cases_are_covered_as_often_as_asked_for(coverage: float) -> None:
    threshold = fit_thresholds(LABELS[:3000], ANSWERS[:3000])[PERCENTS.index(percent_of(coverage))]
    sets = Coverage.of(LABELS[3000:], ANSWERS[3000:], threshold)
    figures = sets.figures("_90")
    top_1 = (ANSWERS[3000:].argmax(axis=1) == LABELS[3000:]).mean()
    assert figures["coverage_90"] == pytest.approx(max(coverage, top_1), abs=0.02)
    assert 1 <= figures["mean_set_size_90"] <= 5
    assert figures["single_class_share_90"] == pytest.approx((sets.sizes == 1).mean(), abs=1e-4)


def test_of_few_cases_the_rank_is_that_of_one_more() -> None:
    probabilities = np.linspace(0.1, 0.9, 9)  # of the true classes
    answers = np.column_stack([probabilities, 1 - probabilities])
    thresholds = dict(zip(PERCENTS, fit_thresholds(np.zeros(9, int), answers), strict=True))
    assert thresholds[50] == pytest.approx(0.5)  # the 5th highest of 9: ceil(10 * 0.5)
    assert thresholds[51] == pytest.approx(0.4)
    assert thresholds[90] == pytest.approx(0.1)  # the 9th
    assert thresholds[91] == 0  # 9 cases cannot tell: all classes
    assert prediction_sets(answers, thresholds[91]).all()


def test_the_most_probable_class_is_always_in_the_set() -> None:
    shares = np.array([0.3, 0.45, 0.25])
    assert set_names(shares, CLASSES, 0.9) == ("happy",)
    assert set_names(shares, CLASSES, 0.3) == ("happy", "angry")
    assert set_names(shares, CLASSES, 0.0) == ("happy", "angry", "sad")


def test_coverage_is_told_by_class() -> None:
    answers = np.array([[0.6, 0.3, 0.1], [0.6, 0.3, 0.1], [0.2, 0.1, 0.7]])
    assert Coverage.of(np.array([1, 2, 2]), answers, 0.3).by_class(np.array([1, 2, 2]), CLASSES) == {
        "happy": 1.0,
        "sad": 0.5,
    }


@pytest.mark.parametrize("coverage", [0.49, 1.0, 0.905, float("nan"), float("inf"), -1])
def test_other_coverages_are_refused(coverage: float) -> None:
    with pytest.raises(InputError, match=r"coverage: found .*, expected 0\.5, 0\.51 \.\. 0\.99"):
        percent_of(coverage)


def test_calibration_writes_thresholds_for_each_kind_of_answer(tmp_path: Path) -> None:
    levels = RNG.integers(0, 256, 400)
    faces = np.broadcast_to(levels[:, None, None], (400, 48, 48)).astype(np.uint8)
    path = brightness_network(tmp_path) / "best.onnx"
    model = OnnxModel.load(path, threads=1)
    metadata = calibrated(model.metadata, FaceClassifier(model), faces, RNG.integers(0, 3, 400))
    assert metadata.set_thresholds.keys() == {"none", "mirror", "ten"}
    assert Metadata.from_props(metadata.to_props()) == metadata
    change_metadata(tmp_path, metadata.to_props())
    classifier = FaceClassifier.from_pretrained(path)
    assert classifier.set_threshold(0.9, "ten") == metadata.set_thresholds["ten"][40]


def test_faces_have_sets_in_every_output(network: Path) -> None:
    classifier = FaceClassifier.from_pretrained(network)
    assert classifier.predict_set(BETWEEN[None]) == [("angry", "happy")]
    assert classifier.predict_set(BETWEEN[None], 0.95) == [("angry", "happy", "sad")]
    recognizer = EmotionRecognizer(network, "none", coverage=0.9)
    image = np.dstack([BETWEEN] * 3)
    (face,) = recognizer.predict(image)
    assert face.prediction_set == ("angry", "happy")
    assert face.label == "angry or happy"
    assert dict(zip(recognizer.columns, face.row(), strict=True))["prediction_set"] == "angry|happy"
    assert face.to_dict()["prediction_set"] == ["angry", "happy"]
    (sure,) = recognizer.predict(np.full_like(image, 255))
    assert (sure.prediction_set, sure.label) == (("sad",), f"sad {sure.confidence:.0%}")
    (without,) = EmotionRecognizer(network, "none").predict(image)
    assert without.prediction_set is None
    assert "prediction_set" not in without.to_dict()


def test_sets_are_listed_in_words() -> None:
    assert [listed(CLASSES[:count]) for count in (1, 2, 3)] == ["angry", "angry or happy", "angry, happy or sad"]


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({"mien.set_thresholds": None}, {}, r"best\.onnx: found no mien\.set_thresholds for 'mirror' in its metadata"),
        ({}, {"tta": "ten"}, "found no mien.set_thresholds for 'ten'"),
        ({}, {"prior": "uniform"}, "coverage: found the prior uniform, expected training"),
        ({"mien.set_thresholds": "[1]"}, {}, r"mien\.set_thresholds: found \[1\], expected an object"),
        ({"mien.set_thresholds": '{"none": [0.5]}'}, {}, "mien.set_thresholds: none: found .*expected 50 numbers"),
        ({"mien.set_thresholds": json.dumps({"none": list(THRESHOLDS[::-1])})}, {}, "expected 50 numbers .* that fall"),
    ],
)
def test_what_has_no_sets_is_refused(
    network: Path, changes: dict[str, str | None], options: dict[str, Any], words: str
) -> None:
    change_metadata(network, changes)
    with pytest.raises(InputError, match=words):
        EmotionRecognizer(network, "none", coverage=0.9, **options)


def test_the_pretrained_networks_have_thresholds() -> None:
    for name in ("mien", "mien_small"):
        for precision in ("fp32", "int8"):
            classifier = FaceClassifier.from_pretrained(name, precision=precision)
            for tta in ("none", "mirror", "ten"):
                assert 0.05 < classifier.set_threshold(0.9, tta) < classifier.set_threshold(0.8, tta) < 0.5


def test_score_measures_sets(mien: Run, network: Path, tmp_path: Path) -> None:
    levels = {"angry": [30, 60, 150], "happy": [128, 76], "sad": [225]}
    faces = {
        f"{emotion}/{level}.png": encoded(np.full((48, 48), level, np.uint8))
        for emotion, own in levels.items()
        for level in own
    }
    folder = write_files(tmp_path / "faces", faces)
    options = ("score", folder, "--model", network)
    figures = json.loads(mien(*options, "--coverage", 0.9, "--tta", "mirror", "--json")[0])
    assert (figures["coverage_asked"], figures["coverage"], figures["coverage_tta"]) == (
        0.9,
        round(5 / 6, 4),
        round(5 / 6, 4),
    )
    assert figures["per_class"]["angry"]["coverage"] == round(2 / 3, 4)
    assert 1 < figures["mean_set_size"] < 3
    assert "coverage" in mien(*options, "--coverage", 0.9)[0]
    assert "coverage" not in mien(*options)[0]
    for further in (("--prior", "uniform"), ("--merge", "bad=angry+sad")):
        assert mien(*options, "--coverage", 0.9, *further, code=2)[1].count("\n") == 1


def test_image_tells_sets(mien: Run, network: Path, tmp_path: Path) -> None:
    photo = tmp_path / "face.png"
    photo.write_bytes(encoded(BETWEEN))
    table = tmp_path / "faces.csv"
    options = ("--crop", "--model", network, "--coverage", 0.9, "--faces-csv", table)
    assert mien("image", photo, *options)[0] == f"{photo}: angry or happy\n"
    assert table.read_text().splitlines()[1].endswith(",angry|happy")
    assert "expected 0.5, 0.51 .. 0.99" in mien("image", photo, "--crop", "--coverage", 2, code=2)[1]
