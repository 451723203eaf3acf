"""The stage prepare_fer, from sources to the files that the next stages read."""

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.photos import astronaut, portrait
from helpers.pictures import EMOTIONS, encoded, numbers, picture, png, write_csv, write_files
from helpers.repository import Repository
from helpers.stages import run_stage

from mien.data.arrays import Images
from mien.inference.faces.detectors import crops, make_detector

HEADER = "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
USAGES = ["Training"] * 6 + ["PublicTest"] * 2 + ["PrivateTest"] * 2
VOTES = {  # of ten taggers, in the order of the header
    "happy": "1,7,0,2,0,0,0,0,0,0",
    "sad": "4,0,0,6,0,0,0,0,0,0",
    "fear": "0,0,5,0,0,0,5,0,0,0",
    "angry": "0,0,0,0,0,0,0,0,0,10",
}


def run() -> dict[str, bytes]:
    run_stage("prepare_fer")
    return {path.name: path.read_bytes() for path in sorted(Path("data/fer").iterdir())}


def test_a_csv_with_votes_becomes_arrays_with_targets(stages: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    emotions = [emotion for emotion in VOTES for _ in USAGES]
    rows = [(EMOTIONS.index(emotion), numbers(picture(i)), USAGES[i % 10]) for i, emotion in enumerate(emotions)]
    write_csv(stages.path / "fer2013.csv", rows)
    votes = "\n".join(f"Training,,{VOTES[emotion]}" for emotion in emotions)
    (stages.path / "votes.csv").write_text(f"{HEADER}\n{votes}\n")
    ferplus = {"votes": "votes.csv", "ties": "drop", "unknown": "drop", "not_a_face": "drop", "share": 0.5}
    params = {"source": "fer2013.csv", "labels": "ferplus_votes", "ferplus": ferplus, "classes": ["sad", "happy"]}
    stages.set_params({"prepare_fer": params})
    written = run()
    assert capfd.readouterr().err == ""
    train = Images.load(Path("data/fer"), "train")
    assert train.classes == ["sad", "happy"]
    assert np.array_equal(train.pixels, [picture(i) for i in (*range(6), *range(10, 16))])
    assert list(train.labels) == [1] * 6 + [0] * 6
    assert train.targets() == pytest.approx(np.array([[2 / 9, 7 / 9]] * 6 + [[1, 0]] * 6))
    index = pd.read_csv("data/fer/index.csv", keep_default_na=False)
    assert dict(index.value_counts("dropped")) == {"": 20, "tie": 10, "not_a_face": 10}
    assert len(Images.load(Path("data/fer"), "test").labels) == 4
    assert json.loads(Path("reports/prepare_fer/audit.json").read_text())["counts"]["train"] == {"happy": 6, "sad": 6}
    assert run() == written
    stages.set_params({"prepare_fer": {"labels": "fer2013_softened"}})
    run()
    assert len(np.unique(Images.load(Path("data/fer"), "train").targets())) > 2
    assert set(np.unique(Images.load(Path("data/fer"), "validation").targets())) == {0.0, 1.0}
    stages.set_params({"prepare_fer": {"labels": "ferplus_majority"}})
    with_majority = run()
    same = with_majority.keys() - {"SHA256SUMS"}  # which names the files
    assert same == {name for name in written if "votes" not in name} - {"SHA256SUMS"}
    assert all(with_majority[name] == written[name] for name in same)


def test_what_the_audit_may_drop_is_left_out_and_listed(stages: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    faces = {f"{name}/{i}.png": png(100 * k + i) for k, name in enumerate(("happy", "joy", "sad")) for i in range(20)}
    write_files(stages.path / "faces", faces | {"sad/20.png": png(1)[:50]})
    params = (stages.path / "params.yaml").read_text()
    assert "unreadable: fail" in params
    (stages.path / "params.yaml").write_text(params.replace("unreadable: fail", "unreadable: drop"))
    stages.set_params({"prepare_fer": {"source": "faces"}})
    run()
    assert capfd.readouterr().err == "note: faces: the folders happy, joy are one class, happy\n"
    assert pd.read_csv("reports/prepare_fer/label_errors.csv").empty
    index = pd.read_csv("data/fer/index.csv", keep_default_na=False)
    assert list(index.loc[index["dropped"] != "", "origin"]) == ["sad/20.png"]
    for split in ("train", "validation", "test"):
        images = Images.load(Path("data/fer"), split)
        rows = index[(index["split"] == split) & (index["dropped"] == "")]
        assert [images.classes[label] for label in images.labels] == list(rows["emotion"])
    offenders = pd.read_csv("reports/prepare_fer/offenders.csv")
    assert list(offenders["problem"]) == ["unreadable"]


def test_aus_of_images_stand_in_the_index(stages: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    names = [f"{name}/{i}.png" for name in ("happy", "sad") for i in range(10)]
    write_files(stages.path / "faces", {name: png(i) for i, name in enumerate(names)})
    (stages.path / "aus.csv").write_text(
        "image,AU06,AU12\n" + "".join(f"{name},7,{i}\n" for i, name in enumerate(names[1:]))
    )
    stages.set_params({"prepare_fer": {"source": "faces", "aus": "aus.csv"}})
    run()
    assert "note: aus.csv: 1 of 20 images have no row" in capfd.readouterr().err
    index = pd.read_csv("data/fer/index.csv", keep_default_na=False).set_index("origin")
    assert dict(index["AU12"]) == {name: "" if name == names[0] else f"{i - 1}.0" for i, name in enumerate(names)}
    (stages.path / "aus.csv").write_text("image,AU06\nother.png,7\n")
    with pytest.raises(SystemExit, match="2"):
        run()
    assert "aus.csv: found names such as 'other.png', none of 1 is one of the 20 images" in capfd.readouterr().err


def test_faces_of_portraits_are_found_levelled_and_cropped(
    stages: Repository, capfd: pytest.CaptureFixture[str]
) -> None:
    pictures = {
        f"{split}/{emotion}/{light}.png": (photo * (light / 10)).astype(np.uint8)
        for split, lights in (("train", (10, 8, 6)), ("validation", (9,)), ("test", (7,)))
        for emotion, photo in (("happy", astronaut()), ("neutral", portrait()))
        for light in lights
    }
    files = {name: encoded(image) for name, image in pictures.items()}
    noise = {"train/happy/noise.png": encoded(picture(0, 200, 300)), "test/neutral/broken.png": b"no image"}
    write_files(stages.path / "faces", files | noise)
    audit = {"unreadable": "drop", "no_face": "drop"}
    stages.set_params({"prepare_fer": {"source": "faces", "detector": "yunet"}})
    set_audit(stages, audit)
    written = run()
    assert capfd.readouterr().err == "note: faces: train/happy/noise.png shows no face that was found; left out\n"
    detector = make_detector("yunet")
    for split in ("train", "validation", "test"):
        images = Images.load(Path("data/fer"), split)
        names = sorted(name for name in pictures if name.startswith(split))
        faces = [crops(pictures[name], detector.detect(pictures[name])[:1], 48)[0] for name in names]
        assert np.array_equal(images.pixels, faces)
    index = pd.read_csv("data/fer/index.csv", keep_default_na=False).set_index("origin")
    assert dict(index["dropped"][index["dropped"] != ""]) == {
        "train/happy/noise.png": "no_face",
        "test/neutral/broken.png": "unreadable",
    }
    assert dict(index["faces"]) == dict.fromkeys(pictures, 1) | dict.fromkeys(noise, 0)
    figures = json.loads(Path("reports/prepare_fer/audit.json").read_text())
    assert (figures["no_face"], figures["unreadable"], figures["not_face_shaped"]) == (1, 1, 0)
    assert run() == written
    set_audit(stages, audit | {"no_face": "fail"})
    with pytest.raises(SystemExit, match="2"):
        run()
    assert "faces: train/happy/noise.png: shows no face that the detector finds" in capfd.readouterr().err


def set_audit(stages: Repository, actions: dict[str, str]) -> None:
    """Change what params.yaml does with problems."""
    path, text = stages.path / "params.yaml", (stages.path / "params.yaml").read_text()
    for problem, action in actions.items():
        text = re.sub(rf"(?m)^    {problem}: \w+", f"    {problem}: {action}", text)
    path.write_text(text)


def test_whole_portraits_bring_a_note_and_a_table_of_faces_is_not_searched(
    stages: Repository, capfd: pytest.CaptureFixture[str]
) -> None:
    shades = {
        f"{name}/{i}.png": encoded((photo() * (1 - i / 20)).astype(np.uint8))
        for name, photo in (("happy", astronaut), ("neutral", portrait))
        for i in range(10)
    }
    write_files(stages.path / "faces", shades)
    stages.set_params({"prepare_fer": {"source": "faces"}})
    run()
    assert "note: faces: these look like whole portraits: of 20 looked at, 20 show" in capfd.readouterr().err
    write_csv(stages.path / "fer2013.csv", [(3, numbers(picture(0)), "Training")])
    stages.set_params({"prepare_fer": {"source": "fer2013.csv", "detector": "yunet"}})
    with pytest.raises(SystemExit, match="2"):
        run()
    assert "fer2013.csv: is a table of faces of 48 x 48 pixels" in capfd.readouterr().err


def test_labels_that_cross_validation_doubts_are_listed(stages: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    stripes = np.broadcast_to(60 + 120 * (np.arange(48) // 6 % 2), (48, 48))

    def face(image: np.ndarray, seed: int) -> bytes:
        return encoded((image + np.random.default_rng(seed).integers(0, 40, (48, 48))).astype(np.uint8))

    kinds = {"happy": stripes, "sad": stripes.T}
    faces = {f"{name}/{seed}.png": face(image, seed) for name, image in kinds.items() for seed in range(20)}
    write_files(stages.path / "faces", faces | {"sad/wrong.png": face(stripes, 99)})
    stages.set_params({"prepare_fer": {"source": "faces", "label_error_folds": 4}})
    run()
    (row,) = pd.read_csv("reports/prepare_fer/label_errors.csv").to_dict("records")
    assert (row["origin"], row["label"], row["suggested"]) == ("sad/wrong.png", "sad", "happy")
    assert "1 label is doubtful and listed in label_errors.csv; none was changed" in capfd.readouterr().err
