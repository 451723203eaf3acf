"""Figures of an evaluation, against cases counted by hand."""

import numpy as np
import pandas as pd
import pytest

from mien.evaluation import confusion_rows, leaked, per_class, scores

CLASSES = ["angry", "happy", "sad"]
LABELS = np.array([0, 0, 1, 1, 1, 1])
PREDICTED = np.array([0, 1, 1, 1, 1, 0])
PROBABILITIES = np.eye(3)[PREDICTED] * 0.7 + 0.1


def test_scores() -> None:
    figures = scores(LABELS, PROBABILITIES, CLASSES)
    assert figures["accuracy"] == round(4 / 6, 4)
    assert figures["balanced_accuracy"] == round((1 / 2 + 3 / 4) / 2, 4)
    assert figures["macro_f1"] == round((1 / 2 + 3 / 4 + 0) / 3, 4)
    assert figures["log_loss"] == pytest.approx(-(4 * np.log(0.8) + 2 * np.log(0.1)) / 6, abs=1e-4)


def test_per_class() -> None:
    figures = per_class(LABELS, PROBABILITIES, CLASSES)
    assert figures["angry"] == {"precision": 0.5, "recall": 0.5, "f1": 0.5, "support": 2}
    assert figures["sad"] == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 0}


def test_confusion_rows() -> None:
    rows = confusion_rows(LABELS, PROBABILITIES, CLASSES)
    assert list(rows.itertuples(index=False, name=None))[1] == ("angry", "happy")
    assert len(rows) == 6


def test_a_test_image_that_stands_in_train_or_validation_is_a_leak() -> None:
    splits = ["train", "test", "train", "test", "validation", "test"]
    index = pd.DataFrame({"split": splits, "hash": ["a", "a", "b", "c", "c", "d"]})
    assert list(leaked(index)) == [True, True, False]
