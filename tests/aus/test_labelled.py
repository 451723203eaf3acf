"""The user's own labelled AU table: classes, people, and reasons to refuse it."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.au_tables import OPENFACE_AUS
from pydantic import ValidationError

from mien._io.errors import InputError
from mien.aus.facs import COLUMNS
from mien.aus.labelled import read_labelled, repeated, training_rows
from mien.config import LabelledTable, TrainAu, load_params

ROOT = Path(__file__).parents[2]
RNG = np.random.default_rng(0)


def labelled(**changes: Any) -> LabelledTable:
    return load_params(ROOT / "params.yaml").train_au.labelled.model_copy(update=changes)


def config(source: Path, combine: str = "replace", **changes: Any) -> TrainAu:
    section = load_params(ROOT / "params.yaml").train_au.model_dump()
    return TrainAu.model_validate({**section, "source": str(source), "combine": combine, "labelled": {
        **section["labelled"], **changes}})  # fmt: skip


def write(folder: Path, emotions: Sequence[str], **columns: Any) -> Path:
    """Write a native table with a row for each emotion, and further columns."""
    rows = pd.DataFrame(RNG.uniform(0, 100, (len(emotions), len(COLUMNS))).round(2), columns=COLUMNS)
    rows.assign(emotion=emotions, **columns).to_csv(folder / "own.csv", index=False)
    return folder / "own.csv"


def counts(rows: pd.DataFrame) -> dict[Any, int]:
    return rows.value_counts(["emotion", "split"]).to_dict()


def test_rows_are_split_by_class_and_missing_people_are_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = read_labelled(write(tmp_path, ["Happiness", "sad"] * 20), labelled(), 0)
    assert list(rows) == [*COLUMNS, "emotion", "split"]
    assert counts(rows) == {
        (e, s): n for e in ("happy", "sad") for s, n in (("train", 14), ("test", 3), ("validation", 3))
    }
    assert "no column identifies people: a person may be" in capsys.readouterr().err


def test_columns_are_known_in_any_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = [f"p{row % 10}" for row in range(120)]
    path = write(tmp_path, ["happy", "sad", "angry"] * 40, **{"Participant ID": people})
    path.write_text(path.read_text().replace("emotion", "Emotion", 1))
    rows = read_labelled(path, labelled(), 3)
    assert set(rows["emotion"]) == {"happy", "sad", "angry"}
    assert "no person is in two splits" in capsys.readouterr().err


def test_no_person_is_in_two_splits(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    people = RNG.integers(0, 12, 240)
    emotions = np.where(RNG.random(240) < 0.3, "happy", "sad")
    path = write(tmp_path, list(emotions), Subject_ID=people, row=range(240))
    rows = read_labelled(path, labelled(), 3)
    given = pd.read_csv(path)
    assert np.allclose(rows[COLUMNS], given[COLUMNS])
    assert len(set(zip(given["Subject_ID"], rows["split"], strict=True))) == 12
    shares = rows.groupby("split")["emotion"].apply(lambda of_split: (of_split == "happy").mean())
    assert list(shares.index) == ["test", "train", "validation"]
    assert np.allclose(shares, (emotions == "happy").mean(), atol=0.08)
    assert "no person is in two splits: 8 in train, 2 in validation, 2 in test" in capsys.readouterr().err
    assert read_labelled(path, labelled(), 3).equals(rows)
    one_by_one = read_labelled(path, labelled(person="none"), 3)
    assert len(set(zip(given["Subject_ID"], one_by_one["split"], strict=True))) > 12


def test_splits_of_the_table_are_kept(tmp_path: Path) -> None:
    splits = ["Train", "test", "val"] * 4
    rows = read_labelled(write(tmp_path, ["happy"] * 6 + ["sad"] * 6, split=splits), labelled(), 0)
    assert list(rows["split"]) == ["train", "test", "validation"] * 4


def test_a_person_1_0_is_the_person_1(tmp_path: Path) -> None:
    people = [f"{row % 6}{'.0' * (row % 4 == 0)}" for row in range(120)]
    path = write(tmp_path, ["happy"] * 60 + ["sad"] * 60, subject=people)
    rows = read_labelled(path, labelled(), 3)
    assert len(set(zip((row % 6 for row in range(120)), rows["split"], strict=True))) == 6


def test_a_column_of_splits_is_known_in_any_case(tmp_path: Path) -> None:
    splits = ["Train", "test", "val"] * 4
    rows = read_labelled(write(tmp_path, ["happy"] * 6 + ["sad"] * 6, Split=splits), labelled(), 0)
    assert list(rows["split"]) == ["train", "test", "validation"] * 4


def test_openface_rows_that_do_not_count_are_left_out_and_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = pd.DataFrame({f" AU{au:02d}_r": np.full(40, 2.5) for au in OPENFACE_AUS if au not in (20, 23)})
    rows = rows.assign(success=1, label=["joy", "sad"] * 20)
    rows.loc[0, "success"], rows.loc[5, "label"] = 0, ""
    rows.to_csv(tmp_path / "own.csv", index=False)
    read = read_labelled(tmp_path / "own.csv", labelled(label="label"), 0)
    assert dict(read["emotion"].value_counts()) == {"happy": 19, "sad": 19}
    assert set(read["AU12"]) == {50}
    assert set(read["AU20"]) == {0}
    notes = capsys.readouterr().err
    for words in (
        "times 20; 0 for AU16, AU20, AU23, AU24",
        "1 of 40 rows have no",
        "1 rows left out",
        "an empty cell 1",
    ):
        assert words in notes


def test_classes_may_have_any_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, ["engaged", "Bored", "bored", "joy"] * 10)
    table = labelled(classes=["engaged", "bored", "happy"])
    assert dict(read_labelled(path, table, 0)["emotion"].value_counts()) == {"engaged": 10, "bored": 10, "happy": 10}
    assert "10 rows left out because of their labels: Bored 10" in capsys.readouterr().err
    _, classes = training_rows(pd.DataFrame(), config(path, classes=["engaged", "bored"]), 0)
    assert classes == ["engaged", "bored"]


def test_a_class_may_not_have_the_name_of_another_column(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="found 'confidence', which has another meaning"):
        config(tmp_path, classes=["confidence", "sad"])


def test_own_rows_beside_synthetic_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path, ["sad", "contempt"] * 10)
    synthetic = pd.DataFrame(0.0, range(300), COLUMNS)
    synthetic = synthetic.assign(emotion=["happy", "sad", "fear"] * 100, split=["train", "test"] * 150)
    rows, classes = training_rows(synthetic, config(path, "add"), 0)
    assert classes == ["happy", "sad", "fear", "contempt"]
    assert set(rows.loc[rows["split"] != "train", "origin"]) == {"own"}
    learnt = repeated(rows)
    assert dict(learnt[learnt["split"] == "train"].value_counts("origin")) == {"synthetic": 150, "own": 154}
    assert "your 14 training rows count 11 times, to balance the synthetic ones" in capsys.readouterr().err
    assert repeated(synthetic) is synthetic
    with pytest.raises(InputError, match="found classes engaged, bored, expected some of the synthetic rows'"):
        training_rows(
            synthetic,
            config(write(tmp_path, ["engaged", "bored"] * 10), "add", classes=["engaged", "bored"]),
            0,
        )


def test_without_a_source_the_rows_are_the_synthetic_ones() -> None:
    synthetic = pd.DataFrame({"emotion": ["sad", "happy", "sad"]})
    rows, classes = training_rows(synthetic, load_params(ROOT / "params.yaml").train_au, 0)
    assert rows is synthetic
    assert classes == ["sad", "happy"]


@pytest.mark.parametrize(
    ("emotions", "columns", "changes", "message"),
    [
        (
            ["happy", "sadd"] * 9,
            {},
            {},
            r"own.csv: row 2, column emotion: unknown emotion 'sadd', .* names other labels",
        ),
        (["happy"] * 9, {}, {}, "own.csv: found 9 rows of happy, expected at least two classes"),
        (["happy"] * 9, {}, {"classes": ["bored"]}, "own.csv: found 0 rows of no class"),
        (["happy", "sad"], {}, {}, "own.csv: test: a share of 0.15 cannot be cut from 2"),
        (["happy", "sad"] * 9, {}, {"label": "mood"}, "own.csv: found no column mood"),
        (["happy", "sad"] * 9, {}, {"person": "who"}, "own.csv: found no column who"),
        (["happy", "sad"] * 9, {"person": [1, 2] * 9}, {}, "validation: found 1 person to cut it from"),
        (["happy", "sad"] * 9, {"person": [1, 2, 3] * 5 + [1, "", 3]}, {}, "row 17: found no person"),
        (["happy", "sad"] * 9, {"person": [1, 2, 3, 4] * 4 + [1, 2]}, {}, "no row of .* in .*, expected each class in"),
        (
            ["happy", "sad"] * 9,
            {"split": ["train", "x"] * 9},
            {},
            "column split: found 'x', expected train, validation",
        ),
        (
            ["happy", "sad"] * 9,
            {"split": ["train", "test", "val"] * 6, "actor": [1] * 18},
            {},
            "1 is in 3 splits, expected each person in one",
        ),
    ],
)
def test_bad_tables_are_refused(
    emotions: list[str], columns: dict[str, Any], changes: dict[str, Any], message: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=message):
        read_labelled(write(tmp_path, emotions, **columns), labelled(**changes), 0)
