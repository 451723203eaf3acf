"""Accuracy by slices: quarters of numbers, values of words, and which slice is the worst."""

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
from helpers.commands import Run
from helpers.networks import LEVELS, brightness_network
from helpers.pictures import encoded, picture, write_files

from mien._io.errors import InputError
from mien.data.arrays import Images
from mien.data.image_stats import sharpness
from mien.evaluation.image_table import table_properties
from mien.evaluation.network_evaluation import evaluate_face_network
from mien.evaluation.slices import Slices, describe_worst, face_properties
from mien.inference.faces.alignment import tilt_of
from mien.inference.networks.face_classifier import FaceClassifier
from mien.models.metadata import PERCENTS
from mien.plots.scores import slice_accuracy

RIGHT = np.arange(400) >= 60  # wrong are the first 60


def test_numbers_are_cut_into_quarters_and_the_worst_is_named() -> None:
    slices = Slices.of(pd.DataFrame({"brightness": np.arange(400)}), RIGHT)
    assert slices.table["slice"].tolist() == ["0 to 99", "99 to 199", "199 to 299", "299 to 399"]
    assert slices.table["images"].tolist() == [100] * 4
    assert slices.table["accuracy"].tolist() == [0.4, 1, 1, 1]
    worst = slices.worst
    assert worst
    assert worst["accuracy_low"] < 0.4 < worst["accuracy_high"]
    low, high = (100 * worst[f"accuracy_{end}"] for end in ("low", "high"))
    expected = f"worst slice: brightness 0 to 99, 40.0 % [{low:.1f}, {high:.1f}] of 100 images"
    assert describe_worst(slices) == expected
    assert expected in slices.to_text()


def test_words_and_few_numbers_are_slices_of_their_own() -> None:
    sex = np.where(np.arange(400) % 2, "f", "m").astype(object)
    sex[:10] = None
    properties = pd.DataFrame({"sex": sex, "grade": np.arange(400) % 3, "glasses": np.arange(400) < 200})
    slices = Slices.of(properties, RIGHT)
    by_name = slices.table.set_index(["property", "slice"])["images"].to_dict()
    assert by_name == {
        ("sex", "f"): 195, ("sex", "m"): 195, ("grade", "0"): 134, ("grade", "1"): 133, ("grade", "2"): 133,
        ("glasses", "False"): 200, ("glasses", "True"): 200,
    }  # fmt: skip
    assert slices.left_out == {"sex, 10 images": "the value is not known"}
    assert slices.worst
    assert (slices.worst["property"], slices.worst["slice"]) == ("glasses", "True")


def test_values_that_read_alike_are_one_slice() -> None:
    sums = np.where(np.arange(400) % 2, 0.1 + 0.2, 0.3)
    few, many = sums.copy(), np.where(np.arange(400) < 300, sums, np.arange(400))
    few[:10] = 0.5
    mixed = pd.Series([1, "1"] * 200, dtype=object)
    slices = Slices.of(pd.DataFrame({"few": few, "many": many, "sums": sums, "mixed": mixed}), RIGHT)
    by_name = slices.table.set_index(["property", "slice"])["images"].to_dict()
    assert by_name == {("few", "0.3"): 390, ("few", "0.5"): 10}
    assert slices.left_out == {
        "many": "most images have 0.3", "sums": "all images have 0.3", "mixed": "all images have 1"
    }  # fmt: skip


def test_quarters_whose_bounds_read_alike_are_one() -> None:
    values = np.arange(400.0)
    values[100:300] = np.where(np.arange(200) < 100, 100, 100 + 1e-12)
    slices = Slices.of(pd.DataFrame({"size": values}), RIGHT)
    assert slices.table["slice"].tolist() == ["0 to 99", "99 to 100", "100 to 399"]
    assert slices.table["images"].tolist() == [100, 200, 100]


def test_small_slices_are_shown_and_not_ranked() -> None:
    rare = np.where(np.arange(400) < 29, "rare", "usual")
    slices = Slices.of(pd.DataFrame({"pose": rare}), RIGHT)
    assert slices.table["ranked"].tolist() == [False, True]
    assert slices.worst
    assert slices.worst["slice"] == "usual"
    assert "slices of fewer than 30 images, not ranked: 1" in slices.to_text()
    few = Slices.of(pd.DataFrame({"pose": ["a", "b"]}), np.array([True, False]))
    assert few.worst is None
    assert describe_worst(few) == "worst slice: none has 30 images"


def test_what_has_no_slices_is_named() -> None:
    properties = pd.DataFrame(
        {
            "size": np.full(400, 48),
            "tilt": np.full(400, np.nan),
            "name": [f"p{row}" for row in range(400)],
            "mostly": np.where(np.arange(400) < 390, 0, np.arange(400)),
        }
    )
    slices = Slices.of(properties, RIGHT)
    assert slices.table.empty
    assert slices.left_out == {
        "size": "all images have 48",
        "tilt": "it is known of no image",
        "name": "400 different values, expected at most 20",
        "mostly": "most images have 0",
    }
    assert json.loads(json.dumps(slices.to_json()))["worst_slice"] is None
    assert "no slices by size: all images have 48" in slices.to_text()


def test_blurred_faces_are_less_sharp_and_bright_ones_are_not() -> None:
    faces = np.stack([picture(seed) for seed in range(5)])
    blurred = np.stack([cv2.GaussianBlur(face, (0, 0), 1.5) for face in faces])
    assert (sharpness(blurred) < 0.7 * sharpness(faces)).all()
    np.testing.assert_allclose(sharpness(faces // 2 + 100), sharpness(faces), rtol=0.1)
    assert sharpness(np.full((1, 48, 48), 7, np.uint8)) == [0]


def test_tilt_is_that_of_the_eyes() -> None:
    assert tilt_of(np.array([[10, 20], [30, 20], [20, 30], [15, 40], [25, 40]], np.float32)) == 0
    assert tilt_of(np.array([[10, 10], [30, 30], [20, 30], [15, 40], [25, 40]], np.float32)) == 45


def test_faces_that_were_found_have_their_own_size() -> None:
    index = pd.DataFrame({"brightness": [1.0], "contrast": [2.0], "width": [90], "height": [60]})
    plain = face_properties(index, np.ones(1))
    assert plain["face_size"].tolist() == [60]
    assert "tilt" not in plain
    searched = face_properties(index.assign(face_size=31.0, tilt=-12.5), np.ones(1))
    assert searched[["face_size", "tilt"]].to_numpy().tolist() == [[31, 12.5]]


def test_a_table_tells_of_images_by_the_end_of_their_path(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "index.csv"
    path.write_text("age,File\n31,a/1.png\n52,2\n")
    origins = pd.Series(["x/a/1.png", "x/a/2.jpg", "x/3.png"])
    assert table_properties(path, origins)["age"].tolist()[:2] == [31, 52]
    assert np.isnan(table_properties(path, origins)["age"][2])
    assert capsys.readouterr().err == ""
    path.write_text("age,File\n31,a/1.png\n52,2\n53,2\n")
    assert table_properties(path, origins)["age"].tolist()[:2] == [31, 53]
    assert "index.csv: 1 of 3 rows name an image that has a row already; its last row counts" in capsys.readouterr().err


def test_names_of_images_in_a_table_stay_text(tmp_path: Path) -> None:
    path = tmp_path / "ages.csv"
    path.write_text("image,age\n0012,31\nNA,52\n")
    assert table_properties(path, pd.Series(["x/0012.png", "x/NA.png"]))["age"].tolist() == [31, 52]


def test_a_late_word_among_many_numbers_loses_no_image(tmp_path: Path) -> None:
    path = tmp_path / "ages.csv"
    count = 300_000  # more than pandas reads at once
    path.write_text("image,age\n" + "".join(f"{row},1\n" for row in range(count - 1)) + f"{count - 1},unknown\n")
    properties = table_properties(path, pd.Series(range(count)).astype("str"))
    slices = Slices.of(properties, np.ones(count, bool)).table.set_index("slice")
    assert slices["images"].to_dict() == {"1": count - 1, "unknown": 1}


def test_a_row_about_several_images_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("image,age\n2.png,31\n1.png,52\n")
    with pytest.raises(
        InputError, match=r"people\.csv: row 2, column image: found '1\.png', which names 2 images: a/1\.png, b/1\.png;"
    ):
        table_properties(path, pd.Series(["a/1.png", "a/2.png", "b/1.png"]))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("age,sex\n1,2\n", "found columns age, sex, expected one of image, images, file"),
        ("file,age\nother.png,3\n", "found 'other.png', expected names of images, such as x/1.png"),
        ("file,age\n", "found no row, expected one per image"),
        ("", "cannot be read"),
        ("a\n1,2\n1,2,3\n", "cannot be read"),
    ],
)
def test_another_table_is_refused(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "index.csv"
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        table_properties(path, pd.Series(["x/1.png"]))


def test_the_plot_has_a_row_per_slice() -> None:
    slices = Slices.of(pd.DataFrame({"brightness": np.arange(400), "pose": ["left"] * 20 + ["front"] * 380}), RIGHT)
    (axes,) = slice_accuracy(slices.table, "title").axes
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert labels[0] == "brightness 0 to 99 (100)"
    assert labels[-1] == "pose left (20)"
    assert len(labels) == 6


def test_a_network_is_evaluated_with_slices_and_sets(tmp_path: Path) -> None:
    network = brightness_network(tmp_path / "network", set_thresholds={"none": tuple([0.3] * len(PERCENTS))})
    classifier = FaceClassifier.from_pretrained(network)
    levels = np.array(LEVELS)[np.arange(120) % 3]
    pixels = np.broadcast_to(levels[:, None, None], (120, 48, 48)).astype(np.uint8)
    images = Images(pixels, (np.arange(120) % 3).astype(np.uint8), classifier.classes_)
    index = pd.DataFrame({"brightness": levels, "contrast": np.zeros(120), "width": 48, "height": 48})
    evaluation = evaluate_face_network(
        tmp_path, "title", classifier, classifier, images, False, np.zeros(120, bool), index
    )
    figures = evaluation.figures
    assert (figures["worst_slice_accuracy"], figures["coverage_90"], figures["mean_set_size_90"]) == (1, 1, 1)
    table = pd.read_csv(tmp_path / "cnn_slices.csv")
    assert table["slice"].tolist() == ["brightness 30", "brightness 128", "brightness 225"]
    assert (tmp_path / "cnn_slices.png").exists()


def test_score_reports_slices(mien: Run, tmp_path: Path) -> None:
    network = brightness_network(tmp_path / "network")
    rng = np.random.default_rng(1)
    faces, ages = {}, []
    for row in range(120):
        emotion = ("angry", "happy", "sad")[row % 3]
        level = LEVELS[row % 3] if row < 80 else LEVELS[(row + 1) % 3]
        noise = rng.integers(-9, 9, (48, 48))
        faces[f"{emotion}/{row}.png"] = encoded((level + noise).astype(np.uint8))
        ages.append(f"{row},{'old' if row >= 80 else 'young'}")
    folder = write_files(tmp_path / "faces", faces)
    index = tmp_path / "index.csv"
    index.write_text("\n".join(["image,age", *ages]) + "\n")
    plot = tmp_path / "slices.png"
    options = ("score", folder, "--model", network)
    figures = json.loads(mien(*options, "--slice-by", index, "--slices-plot", plot, "--json")[0])
    assert figures["worst_slice"] == {
        "property": "age", "slice": "old", "images": 40, "accuracy": 0.0, "accuracy_low": 0.0, "accuracy_high": 0.0
    }  # fmt: skip
    assert {row["property"] for row in figures["slices"]} == {"brightness", "contrast", "sharpness", "age"}
    assert figures["slices_left_out"] == {"face_size": "all images have 48"}
    assert plot.read_bytes().startswith(b"\x89PNG")
    text = mien(*options, "--slices")[0]
    assert "worst slice: " in text
    assert "no slices by face_size: all images have 48" in text
    assert "worst slice" not in mien(*options)[0]
