"""Labels that a network doubts: planted errors are listed, good labels are not, and nothing is changed."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.networks import brightness_network
from helpers.pictures import encoded, write_files

from mien.evaluation.label_errors import confident_classes, doubtful_labels


def planted(cases: int = 900, wrong: int = 60) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return labels, probabilities of three classes, and which labels were changed."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, cases)
    logits = rng.normal(0, 1, (cases, 3)) + 3.5 * np.eye(3)[truth]
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    is_wrong = np.arange(cases) < wrong
    return np.where(is_wrong, (truth + 1) % 3, truth), probabilities, is_wrong


def origins(cases: int) -> pd.DataFrame:
    return pd.DataFrame({"origin": [f"{row}.png" for row in range(cases)], "split": "test"})


def test_planted_errors_come_first() -> None:
    labels, probabilities, is_wrong = planted()
    table = doubtful_labels(origins(900), labels, probabilities, ["a", "b", "c"])
    rows = table["origin"].str.removesuffix(".png").astype(int).to_numpy()
    assert is_wrong[rows].sum() >= 50
    assert is_wrong[rows[:40]].all()
    assert len(rows) < 100
    difference = table["label_probability"] - table["suggested_probability"]
    assert (np.diff(difference) > -3e-4).all()  # rounded
    assert (table["label"] != table["suggested"]).all()


def test_confident_classes_are_those_of_a_plain_count() -> None:
    labels, probabilities, _ = planted(200)
    labels[labels == 2] = 1  # a class that is nobody's label
    bounds = {
        label: np.mean([row[label] for row, own in zip(probabilities, labels, strict=True) if own == label])
        for label in (0, 1)
    }
    for row, confident in zip(probabilities, confident_classes(labels, probabilities), strict=True):
        above = [label for label, bound in bounds.items() if row[label] >= bound]
        assert confident == (max(above, key=lambda label: row[label]) if above else -1)


def test_good_labels_are_not_doubted() -> None:
    labels, _, _ = planted()
    assert doubtful_labels(origins(900), labels, np.eye(3)[labels], ["a", "b", "c"]).empty


@pytest.fixture
def faces(tmp_path: Path) -> Path:
    """Faces: one dark face is labelled as bright, and one has a name that a spreadsheet would run."""

    def face(level: int, seed: int) -> bytes:
        return encoded(np.random.default_rng(seed).integers(level - 3, level + 4, (48, 48)).astype(np.uint8))

    levels = {"angry": 30, "happy": 128, "sad": 225}
    files = {f"{name}/{seed}.png": face(level, seed) for name, level in levels.items() for seed in range(8)}
    return write_files(tmp_path / "faces", files | {"sad/=dark.png": face(30, 9), "sad/broken.png": b""})


def test_score_lists_them_and_changes_none(
    faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from mien.cli import main

    network, out = brightness_network(tmp_path / "network"), tmp_path / "doubtful.csv"

    def score(*words: object) -> tuple[str, str]:
        monkeypatch.setattr("sys.argv", ["mien", "score", *map(str, words)])
        main()
        return capsys.readouterr()

    plain = score(faces, "--model", network, "--json")[0]
    printed, notes = score(faces, "--model", network, "--json", "--label-errors", out)
    assert printed == plain
    assert json.loads(printed)["images"] == 25
    assert f"note: {faces}: 1 of 25 labels are doubtful and listed; none was changed" in notes
    assert "agrees with the labels that it was trained on" in notes
    (row,) = pd.read_csv(out, keep_default_na=False).to_dict("records")
    assert (row["origin"], row["label"], row["suggested"]) == ("sad/=dark.png", "sad", "angry")
    assert row["label_probability"] < row["suggested_probability"]
    for _ in range(2):
        score(faces, "--model", network, "--label-errors", faces / "doubtful.csv")
    assert (faces / "doubtful.csv").read_bytes() == out.read_bytes()
    with pytest.raises(SystemExit, match="2"):
        score(faces, "--model", network, "--label-errors", tmp_path)
    assert "is a folder, expected the name of a file to write" in capsys.readouterr().err
    with pytest.raises(SystemExit, match="2"):
        score(faces, "--model", network, "--split", "test", "--label-errors", tmp_path / "none.csv")
    assert not (tmp_path / "none.csv").exists()
