"""Comparisons of experiments that were kept."""

import json
from dataclasses import replace
from pathlib import Path

import dvc.api
import pandas as pd
import pytest
from helpers.repository import ROOT

from mien.experiments import layout
from mien.experiments.comparison import compare, seeds
from mien.experiments.experiment import Experiment

WARNING = "They do not have the same classes"


def experiment(name: str, *classes: str) -> Experiment:
    history = {"epoch": [1], "accuracy": [0.5], "loss": [1.0], "val_accuracy": [0.5], "val_loss": [1.0]}
    cases = pd.DataFrame({"actual": classes, "predicted": classes})
    per_class = {label: {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1} for label in classes}
    params = {"base.seed": 20, "prepare_fer.classes": list(classes)}
    cost = {"weights": 10, "mega_macs": 1.0, "onnx_mb": 0.1}
    return Experiment(
        name, params, pd.DataFrame(history), 0.5, cost, {"accuracy": 1.0, "macro_f1": 1.0}, per_class, cases, 1.0
    )


@pytest.mark.parametrize(
    ("other", "is_warned"),
    [(("very bored", "engaged"), False), (("engaged", "asleep"), True), (("happy", "sad"), True)],
)
def test_experiments_of_other_classes_are_told_apart(tmp_path: Path, other: tuple[str, ...], is_warned: bool) -> None:
    kept = {e.name: e.record() for e in (experiment("a", "engaged", "very bored"), experiment("b", *other))}
    (tmp_path / "experiments.json").write_text(json.dumps(kept))
    compare([], tmp_path, "Classes", add=True)
    text = (tmp_path / "README.md").read_text()
    assert (WARNING in text) == is_warned
    assert "['engaged', 'very bored']" in text


def test_experiments_that_differ_in_seeds_alone_are_one_row(capsys: pytest.CaptureFixture[str]) -> None:
    first = experiment("first")  # of before seed_offset
    params = first.params | {"train_cnn.seed_offset": 0}
    same, other = replace(first, name="same", params=params), replace(first, name="other", params=params)
    other = replace(other, params=params | {"train_cnn.seed_offset": 1}, val_accuracy=0.6)
    assert seeds([first, same]).empty
    row = seeds([first, other]).iloc[0]
    assert (row["experiments"], row["seeds"], row["val_accuracy"]) == ("first, other", 2, "0.5500 ± 0.0707")
    assert capsys.readouterr().err == ""
    repeated = seeds([first, same, other, replace(other, name="again")]).iloc[0]
    assert (repeated["experiments"], repeated["seeds"], repeated["val_accuracy"]) == tuple(row.iloc[:3])
    assert capsys.readouterr().err.splitlines() == [
        "note: same: has the seeds of first, which alone counts in the mean over seeds",
        "note: again: has the seeds of other, which alone counts in the mean over seeds",
    ]


def test_the_readme_has_its_parts_in_order(tmp_path: Path) -> None:
    other = experiment("b", "happy", "sad")
    third = replace(experiment("c", "happy", "sad"), params=other.params | {"base.seed": 21})
    kept = {e.name: e.record() for e in (experiment("a", "engaged", "bored"), other, third)}
    (tmp_path / "experiments.json").write_text(json.dumps(kept))
    compare([], tmp_path, "Title", add=True)
    parts = [text[:34] for text in (tmp_path / "README.md").read_text().split("\n\n")]
    assert parts == [
        "# Title",
        "Written by `mien exp compare`. Mod",
        "They do not have the same classes:",
        "Experiments with another base.seed",
        "| experiment | base.seed | prepare",
        "Mean and standard deviation over s",
        "| experiments | seeds | val_accura",
        "![Curves and scores](comparison.pn",
        "The best by validation is a:",
        "![Confusion](confusion.png)",
        "![Precision, recall and F1](classe",
    ]


def test_a_server_that_is_down_costs_the_minutes_and_one_note(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    known = experiment("a", "happy", "sad")
    texts = {
        layout.PARAMS: (ROOT / "params.yaml").read_text(),
        layout.history("train_cnn"): known.history.to_csv(index=False),
        layout.metrics("train_cnn"): json.dumps(known.cost),
        layout.metrics("evaluate"): json.dumps({"cnn": known.scores}),
        layout.per_class(): json.dumps({"cnn": known.per_class}),
        layout.confusion(): known.cases.to_csv(index=False),
    }
    monkeypatch.setattr(dvc.api, "read", lambda path, **_: texts[Path(path)])
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://127.0.0.1:9")
    compare(["a", "b"], tmp_path / "compared", "Title")
    assert pd.read_csv(tmp_path / "compared/comparison.csv")["minutes"].isna().all()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("note: http://127.0.0.1:9: MLflow's store or server does not work")
    assert line.endswith("; the minutes of training are left out")
