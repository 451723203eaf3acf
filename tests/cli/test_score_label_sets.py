"""`mien score` with the user's own label sets and with merged labels."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import Run
from helpers.networks import brightness_network
from helpers.pictures import encoded, numbers, picture, write_csv, write_files

from mien.evaluation import metrics
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.temperature import apply_temperature

OWN = ["very bored", "engaged", "contempt"]


def face(level: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(1000 * level + seed).integers(level - 3, level + 4, (48, 48)).astype(np.uint8)


def faces(names: dict[str, int], count: int = 4) -> dict[str, bytes]:
    return {f"{name}/{i}.png": encoded(face(level, i)) for name, level in names.items() for i in range(count)}


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """A network of classes of its own: the darkest faces are very bored."""
    return brightness_network(tmp_path / "own", classes=OWN)


def test_classes_of_the_network_name_folders(mien: Run, own: Path, tmp_path: Path) -> None:
    names = {"Very_Bored": 30, "1_engaged": 128, "contemptuous": 225, "happy": 128, "odd": 30}
    source = write_files(tmp_path / "faces", faces(names))
    out, err = mien("score", source, "--model", own, "--json")
    figures = json.loads(out)
    assert (figures["classes"], figures["images"], figures["left_out"]) == (OWN, 12, 4)
    assert figures["accuracy"] == 1
    assert list(figures["per_class"]) == OWN
    assert "images of happy left out, which the model does not know: 4" in err
    assert "4 images were left out, as the folder names no emotion: odd (4)" in err
    missing = write_files(tmp_path / "two", faces({"very bored": 30, "contempt": 225}))
    _, err = mien("score", missing, "--model", own)
    assert "no image is labelled engaged, so the model may not choose it" in err


def test_numbers_name_classes_of_the_network(mien: Run, own: Path, tmp_path: Path) -> None:
    rows = [(row % 2, numbers(face((30, 128)[row % 2], row)), "PrivateTest") for row in range(6)]
    source = write_csv(tmp_path / "a.csv", rows)
    out, _ = mien("score", source, "--model", own, "--labels", "0=very bored,1=Engaged", "--json")
    assert (json.loads(out)["classes"], json.loads(out)["accuracy"]) == (OWN[:2], 1)
    _, err = mien("score", source, "--model", own, "--labels", "0=tired", code=2)
    assert "--labels: unknown class 'tired', expected one of very bored, engaged, contempt" in err


def test_merged_labels_are_measured_by_summed_probabilities(mien: Run, tmp_path: Path) -> None:
    network = brightness_network(tmp_path / "network", temperature=1.7, sharpness=5.0)
    source = write_files(tmp_path / "faces", faces({"angry": 30, "fear": 120, "sad": 190, "happy": 140}))
    out, err = mien("score", source, "--model", network, "--merge", "negative=angry+sad+fear", "--json")
    figures = json.loads(out)
    assert (figures["classes"], figures["images"]) == (["negative", "happy"], 16)
    assert "negative is angry (4), sad (4), fear (4)" in err
    reader = FaceClassifier.from_pretrained(network)
    pixels = np.stack([face(level, i) for level in (30, 120, 140, 190) for i in range(4)])
    labels = np.repeat([0, 0, 1, 0], 4)
    plain = reader.predict_proba(pixels, calibrated=False)

    def summed(rows: np.ndarray) -> np.ndarray:
        return np.stack([rows[:, 0] + rows[:, 2], rows[:, 1]], axis=1)

    calibrated = summed(apply_temperature(plain, 1.7))
    expected = metrics.network_scores(labels, summed(plain), ["negative", "happy"], 1.7, calibrated=calibrated)
    assert {name: figures[name] for name in expected} == pytest.approx(expected, abs=1.1e-4)
    assert figures["accuracy"] < 1


def test_labels_are_merged_for_a_network_that_learnt_groups(mien: Run, tmp_path: Path) -> None:
    groups = ["negative", "neutral", "positive"]
    network = brightness_network(tmp_path / "groups", classes=groups)
    source = write_files(tmp_path / "faces", faces({"angry": 30, "sad": 31, "neutral": 128, "joy": 225}))
    merge = "negative=angry+sad,positive=happy"
    out, _ = mien("score", source, "--model", network, "--merge", merge, "--json")
    assert json.loads(out)["per_class"]["negative"]["support"] == 8
    assert (json.loads(out)["classes"], json.loads(out)["accuracy"]) == (groups, 1)
    same = write_files(tmp_path / "same", faces({"Negative": 30, "neutral": 128, "positive": 225}))
    assert json.loads(mien("score", same, "--model", network, "--json")[0])["classes"] == groups


@pytest.mark.parametrize(
    ("merge", "words"),
    [
        ("negative", "error: --merge: found 'negative', expected GROUP=LABEL"),
        ("low=sad,low2=sad", "error: --merge: found 'sad' in low and in low2"),
        ("lively=surprise", "--merge: found lively=surprise, expected a class of the network: angry, happy, sad"),
        ("negative=angry+sadd", "--merge: negative: found no image of 'sadd', expected some; did you mean sad?"),
        ("low=sad", "--merge: low: found no image of sad, expected some of each group"),
        ("all=angry+happy+sad", "--merge: found one class, all, after merging"),
    ],
)
def test_groups_that_cannot_be_measured_are_refused(mien: Run, tmp_path: Path, merge: str, words: str) -> None:
    network = brightness_network(tmp_path / "network")
    source = write_files(tmp_path / "faces", faces({"angry": 30, "happy": 128}))
    out, err = mien("score", source, "--model", network, "--merge", merge, code=2)
    assert words in err
    assert (out, len(re.findall("^error", err, re.MULTILINE))) == ("", 1)


def test_own_classes_are_converted_where_they_are_named(mien: Run, tmp_path: Path) -> None:
    source = write_files(tmp_path / "faces", {f"{name}/1.png": encoded(picture(1)) for name in ("engaged", "bored")})
    _, err = mien("convert", source, tmp_path / "a.npz", code=2)
    assert "prepare_fer.classes: [bored, ..] makes it a class of its own" in err
    mien("convert", source, tmp_path / "a.npz", "--classes", "engaged,bored")
    with np.load(tmp_path / "a.npz") as arrays:
        assert list(arrays["classes"]) == ["engaged", "bored"]
        assert list(arrays["labels"]) == [1, 0]
    assert "--classes: found 'a/b'" in mien("convert", source, tmp_path / "b.npz", "--classes", "a/b", code=2)[1]
