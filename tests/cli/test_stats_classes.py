"""`mien stats`: which columns after confidence are probabilities of emotions."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.commands import Run

Classes = dict[str, Sequence[float]]

HAPPY: Classes = {"happy": [0.993, 0.9996], "surprise": [0.003, 0.0001], "sad": [0, 0], "neutral": [0.004, 0.0003]}
SURE: Classes = {"happy": [1.0, 1.0], "surprise": [0.0, 0.0], "sad": [0.0, 0.0], "neutral": [0.0, 0.0]}
BORED: Classes = {"engaged": [1.0, 1.0], "bored": [0.0, 0.0], "confused": [0.0, 0.0]}
DOUBT = "the probabilities of emotions sum to 1 without"


def table(classes: Classes, **further: Sequence[object]) -> pd.DataFrame:
    """Return a table of two faces that show the first class."""
    (first, values), *_ = classes.items()
    return pd.DataFrame({"file": ["a.jpg", "b.jpg"], "emotion": first, "confidence": values, **classes, **further})


def write(faces: pd.DataFrame, path: Path) -> Path:
    faces.to_csv(path, index=False)
    return path


def measures(out: str, kind: str = "probability") -> dict[str, float]:
    return {row["measure"]: float(row["mean"]) for row in csv.DictReader(io.StringIO(out)) if row["kind"] == kind}


@pytest.mark.parametrize("classes", [HAPPY, SURE])
@pytest.mark.parametrize(
    "further",
    [
        {},
        {"trial": [1, 2]},
        {"trial": [0, 1]},
        {"note": ["x", ""]},
        {"AU12": [0, 0], "reasons": ["", ""]},
        {"reasons": ["AU12", ""], "valid": [0, 0]},
        {"action": ["smile", ""]},
        {"prediction_set": ["happy", "happy"], "AU06": [0.2, 0]},
    ],
)
def test_all_emotions_are_measured(
    mien: Run, tmp_path: Path, classes: Classes, further: dict[str, Sequence[object]]
) -> None:
    out, err = mien("stats", write(table(classes, **further), tmp_path / "a.csv"))
    assert measures(out) == {name: pytest.approx(np.mean(values), abs=1e-4) for name, values in classes.items()}
    assert "probabilities" not in err


def test_tables_of_sure_faces_and_of_others_have_the_same_measures(mien: Run, tmp_path: Path) -> None:
    mixed: Classes = {"happy": [0.5, 0.3], "surprise": [0.1, 0.2], "sad": [0.2, 0.1], "neutral": [0.2, 0.4]}
    tables = [write(table(HAPPY), tmp_path / "rest.csv"), write(table(mixed), tmp_path / "task.csv")]
    out, err = mien("stats", *tables)
    assert measures(out)["sad"] == 0.075
    assert err == ""


def test_columns_of_the_person_and_the_condition_are_no_emotions(mien: Run, tmp_path: Path) -> None:
    path = write(table(SURE, task=[0, 0], Subject=[0, 0]), tmp_path / "a.csv")
    out, err = mien("stats", path, "--person", "subject", "--condition", "task")
    assert list(measures(out)) == list(SURE)
    assert err == ""


def test_a_column_of_ones_own_that_is_0_is_noted(mien: Run, tmp_path: Path) -> None:
    path = write(table(SURE, valid=[0, 0], trial=[1, 2]), tmp_path / "a.csv")
    out, err = mien("stats", path)
    assert list(measures(out)) == list(SURE)
    assert f"{path}: {DOUBT} valid, which is next to 0 in each row: read as columns of your own" in err


def test_classes_of_ones_own_that_nobody_shows_are_noted(mien: Run, tmp_path: Path) -> None:
    path = write(table(BORED), tmp_path / "a.csv")
    out, err = mien("stats", path)
    assert measures(out) == {"engaged": 1, "bored": 0, "confused": 0}
    assert f"{path}: {DOUBT} bored, confused, which is next to 0 in each row: read as emotions that nobody shows" in err
    assert DOUBT not in mien("stats", write(table(BORED, reasons=["", ""]), path))[1]


def test_a_class_of_ones_own_in_one_table_is_one_in_all(mien: Run, tmp_path: Path) -> None:
    sure = table(SURE | {"bored": [0.0, 0.0]}, valid=[0, 0])
    other = table(SURE | {"happy": [0.75, 0.75], "bored": [0.25, 0.25]}, valid=[1, 1])
    out, err = mien("stats", write(sure, tmp_path / "a.csv"), write(other, tmp_path / "b.csv"))
    assert measures(out)["bored"] == 0.125
    assert list(measures(out)) == [*SURE, "bored"]
    assert DOUBT not in err


def test_the_columns_of_a_face_are_known_in_any_case(mien: Run, tmp_path: Path) -> None:
    faces = table(HAPPY).rename(columns={"emotion": "Emotion", "confidence": "Confidence", "file": "File"})
    out, _ = mien("stats", write(faces, tmp_path / "a.csv"), "--file-pattern", "(?P<person>.)[.]jpg")
    assert {row["person"] for row in csv.DictReader(io.StringIO(out))} == {"a", "b", "everyone"}
    assert list(measures(out)) == list(HAPPY)


def test_a_check_of_the_tool_is_no_emotion(mien: Run, tmp_path: Path) -> None:
    faces = pd.DataFrame({"emotion": ["happy", "sad"], "confidence": 0.9, "success": 1})
    out, err = mien("stats", write(faces, tmp_path / "a.csv"))
    assert set(measures(out, "share")) == {"happy", "sad"}
    assert "found no probabilities that sum to 1" in err


def test_classes_may_have_names_of_other_columns(mien: Run, tmp_path: Path) -> None:
    faces = pd.DataFrame(
        {"emotion": ["success", "failure"], "confidence": 0.9, "success": [0.9, 0.1], "failure": [0.1, 0.9]}
    )
    out, err = mien("stats", write(faces, tmp_path / "a.csv"))
    assert (measures(out), err) == ({"success": 0.5, "failure": 0.5}, "")


def test_a_column_of_zeros_behind_classes_that_are_answers_is_ones_own(mien: Run, tmp_path: Path) -> None:
    faces = pd.DataFrame(
        {"emotion": ["engaged", "bored"], "confidence": 0.9, "engaged": [0.9, 0.1], "bored": [0.1, 0.9], "mask": 0}
    )
    out, err = mien("stats", write(faces, tmp_path / "a.csv"))
    assert list(measures(out)) == ["engaged", "bored"]
    assert f"{DOUBT} mask, which is next to 0 in each row: read as columns of your own" in err


def test_a_known_emotion_behind_a_column_of_ones_own_counts_alone(mien: Run, tmp_path: Path) -> None:
    path = write(table(SURE, mask=[0, 0], contempt=[0.0, 0.0]), tmp_path / "a.csv")
    out, err = mien("stats", path)
    assert list(measures(out)) == [*SURE, "contempt"]
    assert f"{DOUBT} mask" in err


def test_columns_of_emotions_are_known_in_any_case(mien: Run, tmp_path: Path) -> None:
    faces = pd.DataFrame({"Emotion": ["happy", "sad"], "Confidence": 0.9, "Happy": [0.9, 0.1], "Sad": [0.1, 0.9]})
    out, err = mien("stats", write(faces, tmp_path / "a.csv"))
    assert measures(out, "share") == measures(out) == {"happy": 0.5, "sad": 0.5}
    assert err == ""
