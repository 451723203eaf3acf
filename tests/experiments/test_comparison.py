"""Comparisons of experiments that were kept."""

import json
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from mien.experiments.comparison import Experiment, compare, seeds

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


def test_experiments_that_differ_in_seeds_alone_are_one_row() -> None:
    first = experiment("first")  # of before seed_offset
    params = first.params | {"train_cnn.seed_offset": 0}
    same, other = replace(first, name="same", params=params), replace(first, name="other", params=params)
    other = replace(other, params=params | {"train_cnn.seed_offset": 1}, val_accuracy=0.6)
    assert seeds([first, same]).empty
    row = seeds([first, other]).iloc[0]
    assert (row["experiments"], row["seeds"], row["val_accuracy"]) == ("first, other", 2, "0.5500 ± 0.0707")
