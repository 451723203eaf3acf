"""`mien score` on images: any labelled source gives the same figures, and what is left out is said."""

import json
import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from helpers.commands import Run
from helpers.networks import CLASSES, brightness_network
from helpers.pictures import encoded, numbers, write_csv, write_files, zipped

from mien.data.readers import source as sources
from mien.data.readers.opening import holds_images
from mien.evaluation import metrics
from mien.inference.networks.face_classifier import FaceClassifier

FER2013_LABELS = {"angry": 0, "fear": 2, "happy": 3, "sad": 4}
FOLDERS = {"Training": "train", "PublicTest": "val", "PrivateTest": "test"}

#: Images as emotion, how bright they are, and Usage: of the 8 of PrivateTest, 6 are as bright as their emotion is.
IMAGES = [
    *(("angry", 30 + i, "PrivateTest") for i in range(3)),
    *(("happy", 128 + i, "PrivateTest") for i in range(2)),
    ("happy", 20, "PrivateTest"),
    ("sad", 225, "PrivateTest"),
    ("sad", 130, "PrivateTest"),
    ("sad", 220, "PublicTest"),
    ("angry", 215, "PublicTest"),
    *(("angry", 40 + i, "Training") for i in range(5)),
]


def face(level: int) -> np.ndarray:
    """Return an image of about one grey level, which no other level gives."""
    return np.random.default_rng(level).integers(level - 3, level + 4, (48, 48)).astype(np.uint8)


def files(images: list[tuple[str, int, str]], *, splits: bool = True) -> dict[str, bytes]:
    return {
        f"{FOLDERS[usage] + '/' if splits else ''}{emotion}/{row}.png": encoded(face(level))
        for row, (emotion, level, usage) in enumerate(images)
    }


def table(path: Path, images: list[tuple[str, int, str]]) -> Path:
    rows = [(FER2013_LABELS[emotion], numbers(face(level)), usage) for emotion, level, usage in images]
    return write_csv(path, rows)


@pytest.fixture
def network(tmp_path: Path) -> Path:
    return brightness_network(tmp_path / "network", temperature=1.7)


@pytest.fixture
def mien(mien: Run) -> Run:
    """Run `mien score`."""
    return partial(mien, "score")


def test_zip_folder_and_csv_have_the_same_figures(mien: Run, network: Path, tmp_path: Path) -> None:
    found = [
        mien(source, "--model", network, "--json")
        for source in (
            zipped(tmp_path / "faces.zip", files(IMAGES)),
            write_files(tmp_path / "faces", files(IMAGES)),
            table(tmp_path / "fer2013.csv", IMAGES),
        )
    ]
    assert found[0] == found[1] == found[2]
    figures, notes = json.loads(found[0][0]), found[0][1]
    assert notes == ""
    assert (figures["split"], figures["images"], figures["left_out"], figures["unreadable"]) == ("test", 8, 0, 0)
    assert figures["classes"] == CLASSES
    assert figures["accuracy"] == 6 / 8
    assert figures["accuracy_low"] < 6 / 8 < figures["accuracy_high"]
    assert figures["per_class"]["happy"] == {"precision": 0.6667, "recall": 0.6667, "f1": 0.6667, "support": 3}


def test_the_figures_are_those_of_an_evaluation(mien: Run, network: Path, tmp_path: Path) -> None:
    source = table(tmp_path / "fer2013.csv", IMAGES)
    measured = [(emotion, level) for emotion, level, usage in IMAGES if usage == "PrivateTest"]
    pixels = np.stack([face(level) for _, level in measured])
    labels = np.array([CLASSES.index(emotion) for emotion, _ in measured])
    reader = FaceClassifier.from_pretrained(network)
    plain, viewed = reader.predict_proba(pixels, calibrated=False), reader.predict_proba(pixels, tta="ten")
    expected = metrics.network_scores(labels, plain, CLASSES, reader.temperature, tta=viewed, leaks=np.zeros(8, bool))
    figures = json.loads(mien(source, "--model", network, "--json", "--tta")[0])
    assert {name: figures[name] for name in expected} == pytest.approx(expected, abs=1.1e-4)
    assert list(figures)[5:9] == ["accuracy", "accuracy_low", "accuracy_high", "accuracy_tta"]
    without = json.loads(mien(source, "--model", network, "--json")[0])
    assert "accuracy_tta" not in without
    assert {name: without[name] for name in expected if name in without}.items() <= figures.items()


@pytest.mark.parametrize(("split", "images", "right"), [("validation", 2, 1), ("train", 5, 5), ("all", 15, 12)])
def test_another_split(mien: Run, network: Path, tmp_path: Path, split: str, images: int, right: int) -> None:
    source = zipped(tmp_path / "faces.zip", files(IMAGES))
    figures = json.loads(mien(source, "--model", network, "--split", split, "--json")[0])
    assert (figures["split"], figures["images"], figures["accuracy"]) == (split, images, round(right / images, 4))


def test_a_source_without_splits_is_measured_whole(mien: Run, network: Path, tmp_path: Path) -> None:
    held_back = [image for image in IMAGES if image[2] == "PrivateTest"]
    folder = write_files(tmp_path / "PrivateTest", files(held_back, splits=False))
    figures = json.loads(mien(folder, "--model", network, "--json")[0])
    assert (figures["split"], figures["images"], figures["accuracy"]) == ("all", 8, 0.75)
    assert "accuracy_without_leaks" not in figures
    labelled_only = tmp_path / "held_back.csv"
    labelled_only.write_text(
        "emotion,pixels\n" + "".join(f"{FER2013_LABELS[e]},{numbers(face(number))}\n" for e, number, _ in held_back)
    )
    assert json.loads(mien(labelled_only, "--model", network, "--json")[0]) == figures


def test_images_that_also_stand_in_train_are_counted_out(mien: Run, network: Path, tmp_path: Path) -> None:
    leaked = [*IMAGES, ("happy", 20, "Training"), ("angry", 30, "PublicTest")]
    source = table(tmp_path / "fer2013.csv", leaked)
    figures = json.loads(mien(source, "--model", network, "--json")[0])
    assert figures["accuracy"] == 6 / 8
    assert figures["accuracy_without_leaks"] == round(5 / 6, 4)
    assert list(figures)[8] == "accuracy_without_leaks"


def test_leaks_are_no_figure_where_nothing_else_is_there(mien: Run, network: Path, tmp_path: Path) -> None:
    source = table(tmp_path / "fer2013.csv", [image for image in IMAGES if image[2] == "PrivateTest"])
    figures = json.loads(mien(source, "--model", network, "--json")[0])
    assert figures["split"] == "test"
    assert "accuracy_without_leaks" not in figures


def test_emotions_that_the_network_does_not_know_are_left_out(mien: Run, network: Path, tmp_path: Path) -> None:
    source = table(tmp_path / "fer2013.csv", [*IMAGES, ("fear", 30, "PrivateTest"), ("fear", 31, "Training")])
    out, err = mien(source, "--model", network, "--json")
    figures = json.loads(out)
    assert (figures["images"], figures["left_out"], figures["accuracy"]) == (8, 1, 0.75)
    assert err == f"note: {source}: images of fear left out, which the model does not know: 1\n"


def test_emotions_that_no_image_has_are_not_chosen_unless_told(mien: Run, network: Path, tmp_path: Path) -> None:
    images = [("angry", 30, "PrivateTest"), ("happy", 225, "PrivateTest")]  # as bright as sad ones, nearer to happy
    source = table(tmp_path / "fer2013.csv", images)
    out, err = mien(source, "--model", network, "--json")
    assert json.loads(out)["classes"] == ["angry", "happy"]
    assert json.loads(out)["accuracy"] == 1
    assert "no image is labelled sad, so the model may not choose it; see --all-classes" in err
    everything = json.loads(mien(source, "--model", network, "--json", "--all-classes")[0])
    assert (everything["classes"], everything["accuracy"]) == (CLASSES, 0.5)


def test_unreadable_images_are_counted_and_left_out(mien: Run, network: Path, tmp_path: Path) -> None:
    damaged = {"test/sad/a.png": b"no image", "test/happy/b.jpg": encoded(face(128))[:60], "train/sad/c.png": b""}
    source = write_files(tmp_path / "faces", files(IMAGES) | damaged)
    out, err = mien(source, "--model", network, "--json")
    figures = json.loads(out)
    assert (figures["images"], figures["unreadable"], figures["accuracy"]) == (8, 2, 0.75)
    assert err == f"note: {source}: 2 unreadable images left out, the first is test/happy/b.jpg\n"


def test_faces_are_scored_at_the_size_of_the_network(mien: Run, tmp_path: Path) -> None:
    small = brightness_network(tmp_path / "small", size=20)
    source = zipped(tmp_path / "faces.zip", files(IMAGES))
    assert json.loads(mien(source, "--model", small, "--json")[0])["accuracy"] == 0.75


def test_the_size_of_batches_changes_no_figure(
    mien: Run, network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = zipped(tmp_path / "faces.zip", files([*IMAGES, ("fear", 30, "PrivateTest")]) | {"test/sad/x.png": b"-"})
    at_once = mien(source, "--model", network, "--json", "--tta")
    monkeypatch.setattr(sources, "_BATCH_PIXELS", 2 * 48 * 48)
    assert mien(source, "--model", network, "--json", "--tta") == at_once


def test_the_text_has_a_line_a_figure_and_a_class(mien: Run, network: Path, tmp_path: Path) -> None:
    lines = [line.split() for line in mien(table(tmp_path / "a.csv", IMAGES), "--model", network)[0].splitlines()]
    assert ["classes", "angry,", "happy,", "sad"] in lines
    assert ["accuracy", "0.75"] in lines
    assert ["temperature", "1.7"] in lines
    assert ["happy", "0.6667", "0.6667", "0.6667", "3"] in lines


def test_the_command_itself_needs_no_tensorflow(network: Path, tmp_path: Path) -> None:
    source = zipped(tmp_path / "faces.zip", files(IMAGES))
    script = "import sys; from mien.cli import main; main(); sys.exit(bool({'tensorflow', 'keras'} & set(sys.modules)))"
    command = [sys.executable, "-c", script, "score", str(source), "--model", str(network)]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (result.returncode, result.stderr) == (0, "")
    assert "accuracy                      0.75\n" in result.stdout


def test_a_split_that_is_not_there_is_refused(mien: Run, network: Path, tmp_path: Path) -> None:
    no_test = table(tmp_path / "a.csv", [image for image in IMAGES if image[2] != "PrivateTest"])
    _, err = mien(no_test, "--model", network, code=2)
    assert err == (
        f"error: {no_test}: found images of train, validation, expected some of test; --split selects others, or all\n"
    )
    no_splits = write_files(tmp_path / "faces", files(IMAGES, splits=False))
    _, err = mien(no_splits, "--model", network, "--split", "test", code=2)
    assert err == (
        f"error: {no_splits}: found images of no split, expected some of test; --split selects others, or all\n"
    )


def test_a_source_without_an_image_that_counts_is_refused(mien: Run, network: Path, tmp_path: Path) -> None:
    unknown = table(tmp_path / "a.csv", [("fear", 30, "PrivateTest")])
    _, err = mien(unknown, "--model", network, code=2)
    assert err == f"error: {unknown}: found no usable image with one of the labels angry, happy, sad\n"


@pytest.mark.parametrize("option", [["--label", "truth"], ["--format", "native"], ["--missing", "zero"]])
def test_options_of_au_tables_are_refused_with_images(
    mien: Run, network: Path, tmp_path: Path, option: list[str]
) -> None:
    source = table(tmp_path / "a.csv", IMAGES)
    _, err = mien(source, "--model", network, *option, code=2)
    assert err == f"error: {source}: is images: found {option[0]}, expected only with an AU table\n"


@pytest.mark.parametrize("option", [["--split", "test"], ["--tta"]])
def test_options_of_images_are_refused_with_an_au_table(mien: Run, tmp_path: Path, option: list[str]) -> None:
    source = tmp_path / "a.csv"
    source.write_text("AU12,emotion\n90,happy\n")
    _, err = mien(source, "--model", "prototypes", *option, code=2)
    assert err == f"error: {source}: is an AU table: found {option[0]}, expected only with images\n"


def test_what_a_source_is_is_told_by_what_it_holds(tmp_path: Path) -> None:
    zipped(tmp_path / "no_suffix", files(IMAGES))
    headers = {
        "a.csv": "emotion,pixels,Usage",
        "b.csv": '\ufeff"Emotion" , "Pixels"',
        "c.txt": "pixels",
        "d.csv": "AU12,emotion",
        "e.csv": "superpixels,AU12",
        "f.csv": "",
    }
    for name, header in headers.items():
        (tmp_path / name).write_text(header + "\n")
    found = {name for name in (*headers, "no_suffix", "missing.csv") if holds_images(tmp_path / name)}
    assert found == {"a.csv", "b.csv", "c.txt", "no_suffix"}
    assert holds_images(tmp_path)
    assert holds_images(tmp_path / "missing.zip")


def test_another_prior_changes_what_is_measured(mien: Run, tmp_path: Path) -> None:
    network = brightness_network(tmp_path / "network", sharpness=5.0, temperature=1.5, priors=(0.5, 0.3, 0.2))
    source = table(tmp_path / "fer2013.csv", [("happy", 76, "PrivateTest"), *IMAGES * 10])
    options = (source, "--model", network, "--tta", "mirror", "--json")
    plain, uniform, em = (json.loads(mien(*options, "--prior", prior)[0]) for prior in ("training", "uniform", "em"))
    assert "prior" not in plain
    assert uniform["prior"] == "angry=0.3333,happy=0.3333,sad=0.3333"
    assert uniform["per_class"]["happy"]["recall"] > plain["per_class"]["happy"]["recall"]
    assert uniform["accuracy_tta"] == uniform["accuracy"]  # a mirrored face is as bright
    assert uniform["log_loss"] == uniform["log_loss_calibrated"]
    assert sum(float(share.partition("=")[2]) for share in em["prior"].split(",")) == pytest.approx(1, abs=2e-4)
    few = table(tmp_path / "few.csv", IMAGES)
    assert "found 8, expected at least 50" in mien(few, "--model", network, "--prior", "em", code=2)[1]
