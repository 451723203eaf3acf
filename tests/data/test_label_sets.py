"""Label sets of one's own, and labels that are merged: names, groups, the stage prepare_fer."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.ferplus import VOTES_HEADER
from helpers.pictures import EMOTIONS, numbers, picture, png, write_csv, write_files
from helpers.repository import Repository
from helpers.stages import run_stage

from mien._io.errors import InputError
from mien.config import load_params
from mien.data.arrays import Images
from mien.data.convert import convert
from mien.data.labels import LabelNames


def test_own_classes_are_named_by_labels_as_emotions_are() -> None:
    labels = LabelNames.of({1: "Engaged", "blank": "skip"}, classes=["very bored", "engaged"])
    named = {label: labels.emotion(label) for label in ("ENGAGED", "0_very-bored", "Very_Bored", "blank", "joy", "x")}
    assert named == {
        "ENGAGED": "engaged", "0_very-bored": "very bored", "Very_Bored": "very bored", "blank": "skip",
        "joy": "happy", "x": None,
    }  # fmt: skip
    assert labels.code("class001") == "engaged"
    assert labels.in_order(["engaged", "happy", "very bored", "x"]) == ["happy", "very bored", "engaged"]
    assert labels.suggestion("engagd") == "engaged"
    assert labels.with_codes(EMOTIONS) == labels  # 0 is not angry where no class is an emotion
    with pytest.raises(InputError, match="unknown class 'tired', expected one of very bored, engaged or an emotion"):
        LabelNames.of({1: "tired"}, classes=["very bored", "engaged"])


def test_a_class_that_is_a_synonym_is_the_emotion_under_another_name() -> None:
    labels = LabelNames.of({}, classes=["joy", "anger", "bored"])
    assert [labels.emotion(label) for label in ("happy", "Joy", "happiness", "angry", "sad")] == [
        "joy", "joy", "joy", "anger", "sad",
    ]  # fmt: skip
    assert labels.with_codes(EMOTIONS).code("3") == "joy"
    both = LabelNames.of({}, classes=["joy", "happy"])
    assert [both.emotion(label) for label in ("happy", "joy", "happiness")] == ["happy", "joy", "happy"]


PARAMS = [
    ({"classes": ["engaged", "Engaged"]}, "prepare_fer.classes: found ['engaged', 'Engaged'], expected each name once"),
    ({"classes": ["en/gaged", "bored"]}, "prepare_fer.classes.0: found 'en/gaged', expected a name"),
    ({"classes": ["confidence", "bored"]}, "found 'confidence', which has another meaning"),
    ({"classes": [str(i) for i in range(101)]}, "prepare_fer.classes"),
    ({"label_names": {1: "engagd"}, "classes": ["engaged", "bored"]}, "label_names.1: found 'engagd', expected an"),
    ({"merge": {"low": ["sad"], "negative": ["sad"]}}, "merge: found 'sad' in low and in negative"),
    ({"merge": {"negative": []}}, "merge: found no label in negative"),
    ({"merge": {"negative": ["sad"]}, "classes": ["sad", "happy"]}, "classes: found 'sad', which merge makes negative"),
    ({"labels": "ferplus_votes", "classes": ["engaged", "happy"]}, "found 'engaged' while labels is ferplus_votes"),
    ({"labels": "ferplus_majority", "classes": ["joy", "sad"]}, "(for joy: happy)"),
]


@pytest.mark.parametrize(("changes", "words"), PARAMS)
def test_params_that_contradict_each_other_are_refused(
    workspace: Repository, changes: Mapping[str, Any], words: str
) -> None:
    workspace.set_params({"prepare_fer": changes})
    with pytest.raises(InputError) as refused:
        load_params(workspace.path / "params.yaml")
    assert words in str(refused.value)


def prepare(stages: Repository, **params: Any) -> Images:
    """Run the stage with changed params, and return the training images."""
    stages.set_params({"prepare_fer": params})
    run_stage("prepare_fer")
    return Images.load(Path("data/fer"), "train")


def notes(capfd: pytest.CaptureFixture[str]) -> list[str]:
    return [line for line in capfd.readouterr().err.splitlines() if line.startswith("note: ")]


def refused(stages: Repository, capfd: pytest.CaptureFixture[str], **params: Any) -> str:
    with pytest.raises(SystemExit, match="2"):
        prepare(stages, **params)
    (line,) = [line for line in capfd.readouterr().err.splitlines() if line.startswith("error: ")]
    return line


def faces(*folders: str, count: int = 20) -> dict[str, bytes]:
    return {f"{name}/{i}.png": png(100 * k + i) for k, name in enumerate(folders) for i in range(count)}


def test_folders_of_own_classes_become_arrays(stages: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    write_files(stages.path / "faces", faces("Engaged/p1", "0_bored", "happy", "odd"))
    train = prepare(stages, source="faces", classes=["bored", "engaged"])
    assert train.classes == ["bored", "engaged"]
    assert train.counts() == {"bored": 16, "engaged": 16}
    odd, happy = notes(capfd)
    assert odd.startswith("note: faces: 20 images were left out, as the folder names no emotion: odd (20)")
    assert happy == "note: faces: 20 images were left out, as classes does not name happy (20)"
    counts = json.loads(Path("reports/prepare_fer/audit.json").read_text())["counts"]
    assert counts["train"] == {"bored": 16, "engaged": 16}
    assert list(pd.read_csv("reports/prepare_fer/classes.csv")["emotion"]) == ["bored", "engaged"]


def test_a_csv_of_numbers_is_read_by_the_names_of_own_classes(
    stages: Repository, capfd: pytest.CaptureFixture[str]
) -> None:
    rows = [(i % 3, numbers(picture(i)), "Training") for i in range(60)]
    path = write_csv(stages.path / "a.csv", rows)
    names: dict[int | str, str] = {0: "bored", 1: "engaged", 2: "skip"}
    with pytest.raises(SystemExit, match="2"):
        prepare(stages, source=path.name, classes=["bored", "engaged"])
    note, line = capfd.readouterr().err.splitlines()  # what was left out is said before an error, too
    assert "note: a.csv: 60 images were left out, as the label names no emotion: 0 (20), 1 (20), 2 (20)" in note
    assert line.startswith("error: a.csv: found no image of 'bored'")
    train = prepare(stages, source=path.name, classes=["bored", "engaged"], label_names=names)
    assert train.counts() == {"bored": 16, "engaged": 16}
    convert(path, stages.path / "a.npz", 48, LabelNames.of(names, classes=["bored", "engaged"]))
    with np.load(stages.path / "a.npz") as arrays:
        assert list(arrays["classes"]) == ["bored", "engaged"]
        assert list(np.bincount(arrays["labels"])) == [20, 20]


def test_labels_are_merged(stages: Repository, capfd: pytest.CaptureFixture[str]) -> None:
    write_files(stages.path / "faces", faces("angry", "Sadness", "neutral", "happy", "bored"))
    groups = {"negative": ["angry", "disgust", "sad", "bored"], "positive": ["happy"]}
    train = prepare(stages, source="faces", merge=groups)
    assert train.counts() == {"negative": 49, "positive": 16, "neutral": 16}
    first, second = notes(capfd)
    assert first.endswith("negative is angry (20), sad (20), bored (20); no image is labelled disgust")
    assert second.endswith("positive is happy (20)")
    train = prepare(stages, source="faces", merge=groups, classes=["positive", "negative"])
    assert train.counts() == {"positive": 16, "negative": 48}
    line = refused(stages, capfd, source="faces", merge={"negative": ["angry", "sadd"]}, classes=[])
    assert "prepare_fer.merge: negative: found no image of 'sadd', expected some; did you mean sad?" in line
    line = refused(stages, capfd, source="faces", merge={"scared": ["fear"]})
    assert "scared: found no image of fear, expected some of each group" in line


def test_votes_are_summed_over_a_group(stages: Repository) -> None:
    """Three taggers say angry, three sad and four neutral: negative."""
    votes = ["4,0,0,3,3,0,0,0,0,0", "0,10,0,0,0,0,0,0,0,0"]  # neutral,happiness,surprise,sadness,anger,..
    rows = [(EMOTIONS.index("sad" if i % 2 == 0 else "happy"), numbers(picture(i)), "Training") for i in range(40)]
    write_csv(stages.path / "fer2013.csv", rows)
    table = "\n".join(f"Training,,{votes[i % 2]}" for i in range(40))
    (stages.path / "votes.csv").write_text(f"{VOTES_HEADER}\n{table}\n")
    ferplus = {"votes": "votes.csv", "ties": "drop", "unknown": "drop", "not_a_face": "drop", "share": 0.5}
    groups = {"negative": ["angry", "disgust", "fear", "sad"]}
    params = {"source": "fer2013.csv", "ferplus": ferplus, "merge": groups}
    train = prepare(stages, labels="ferplus_votes", classes=["negative", "happy"], **params)
    assert train.counts() == {"negative": 16, "happy": 16}
    assert np.unique(train.targets(), axis=0).tolist() == [[0, 1], [1, 0]]
    train = prepare(stages, labels="fer2013_softened", classes=["negative", "happy"], **params)
    assert train.counts() == {"negative": 16, "happy": 16}
    assert train.targets().sum(axis=1) == pytest.approx(1)
