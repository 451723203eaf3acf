"""`mien score` of AU tables."""

import json
from pathlib import Path

import numpy as np
import pytest
from helpers.au_tables import native_columns, write_au_table, write_sad_table
from helpers.commands import Run

from mien.aus.facs import COLUMNS
from mien.aus.readers import au_file


def test_score_measures_what_the_table_can_show(mien: Run, tmp_path: Path) -> None:
    path = write_au_table(
        tmp_path / "a.csv",
        {
            **{name: [0, 0, 0, 0] for name in native_columns()},
            "AU06": [98, 98, 0, 0],
            "AU12": [97, 0, 0, 0],
            "AU04": [0, 0, 90, 0],
            "AU15": [0, 0, 90, 0],
            "truth": ["Joy", "sad", "sadness", "neutral"],
        },
    )
    out, err = mien("score", path, "--label", "truth", "--model", "prototypes", "--json")
    figures = json.loads(out)
    assert (figures["rows"], figures["left_out"]) == (4, 0)
    assert figures["accuracy"] == 3 / 4
    assert figures["classes"] == ["happy", "sad", "neutral"]
    assert set(figures["per_class"]) == {"happy", "sad", "neutral"}
    assert "no row is labelled surprise, angry, fear, disgust" in err
    everything = json.loads(
        mien("score", path, "--label", "truth", "--model", "prototypes", "--json", "--all-classes")[0]
    )
    assert len(everything["per_class"]) == 7
    assert "accuracy" in mien("score", path, "--label", "truth", "--model", "prototypes")[0]


def test_score_leaves_out_what_the_model_does_not_know(mien: Run, tmp_path: Path) -> None:
    table = write_sad_table(tmp_path)
    path = write_au_table(
        tmp_path / "a.csv",
        {name: [0, 0, 0] for name in native_columns()}
        | {"AU15": [100, 0, 0], "AU12": [0, 0, 90], "emotion": ["sad", "neutral", "happy"]},
    )
    out, err = mien("score", path, "--model", table, "--json")
    figures = json.loads(out)
    assert (figures["rows"], figures["left_out"], figures["accuracy"]) == (2, 1, 1.0)
    assert "rows of happy left out, which the model does not know: 1" in err


def test_score_leaves_out_rows_without_a_label(mien: Run, tmp_path: Path) -> None:
    columns = native_columns(AU12=[90, 80], emotion=["happy", ""])
    out, err = mien("score", write_au_table(tmp_path / "a.csv", columns), "--model", "prototypes", "--json")
    figures = json.loads(out)
    assert (figures["rows"], figures["left_out"]) == (1, 1)
    assert "rows of no label left out" in err


def test_the_size_of_chunks_changes_no_score(mien: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    intensities = np.random.default_rng(0).uniform(0, 100, (len(COLUMNS), 50)).astype(np.float32)
    columns = dict(zip(COLUMNS, intensities.tolist(), strict=True))
    labels = ["happy", "surprise", "angry", "sad", "fear", "disgust", "neutral"] * 7 + ["happy"]
    path = write_au_table(tmp_path / "a.csv", columns | {"emotion": labels})
    whole = mien("score", path, "--json")
    monkeypatch.setattr(au_file, "CHUNK_ROWS", 3)
    assert mien("score", path, "--json") == whole


def test_score_refuses_what_it_cannot_measure(mien: Run, tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", native_columns(emotion=["happy", "happy"], other=["happy", "hungry"]))
    table = write_sad_table(tmp_path)
    assert "found no usable row" in mien("score", path, "--model", table, code=2)[1]
    assert "row 2, column other" in mien("score", path, "--label", "other", "--model", "prototypes", code=2)[1]
    assert "no column mood" in mien("score", path, "--label", "mood", "--model", "prototypes", code=2)[1]


def test_score_leaves_out_rows_that_cannot_be_read_and_says_how_many(mien: Run, tmp_path: Path) -> None:
    path = write_au_table(tmp_path / "a.csv", native_columns(AU12=[90, "-nan(ind)"], emotion=["happy", "sad"]))
    out, err = mien("score", path, "--model", "prototypes", "--json")
    assert json.loads(out)["rows"] == 1
    assert f"{path}: 1 of 2 rows cannot be read and have no prediction, the first: row 2, column AU12" in err
