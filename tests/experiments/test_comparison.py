"""Comparisons of experiments that were kept."""

import json
from pathlib import Path

import pandas as pd
import pytest

from mien.experiments.comparison import Experiment, compare

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
