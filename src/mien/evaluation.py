"""Evaluation: what a classifier's probabilities are worth on labelled data."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn import metrics


def scores(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """Return the headline figures of predictions, each rounded to 4 digits.

    Args:
        labels: int (N,), indices into `classes`.
        probabilities: float (N, classes).
        classes: the class names, in the order of the columns.
    """
    predicted = probabilities.argmax(axis=1)
    figures = {
        "accuracy": metrics.accuracy_score(labels, predicted),
        "balanced_accuracy": metrics.recall_score(
            labels, predicted, labels=np.unique(labels), average="macro", zero_division=0
        ),
        "macro_f1": metrics.f1_score(labels, predicted, labels=range(len(classes)), average="macro", zero_division=0),
        "mcc": metrics.matthews_corrcoef(labels, predicted),
        "log_loss": metrics.log_loss(labels, probabilities, labels=range(len(classes))),
    }
    return {name: round(float(value), 4) for name, value in figures.items()}


def per_class(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """Return precision, recall, F1 (4 digits) and the number of test cases of each class."""
    figures = metrics.precision_recall_fscore_support(
        labels, probabilities.argmax(axis=1), labels=range(len(classes)), zero_division=0
    )
    precision, recall, f1, support = figures
    return {
        name: {
            "precision": round(float(precision[i]), 4),
            "recall": round(float(recall[i]), 4),
            "f1": round(float(f1[i]), 4),
            "support": int(support[i]),
        }
        for i, name in enumerate(classes)
    }


def confusion_rows(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """Return one row a case, actual and predicted class name: the form that DVC's confusion templates read."""
    names = np.array(classes)
    return pd.DataFrame({"actual": names[labels], "predicted": names[probabilities.argmax(axis=1)]})


def leaked(index: pd.DataFrame) -> np.ndarray:
    """Tell which test images, in their order, also stand in train or validation: bool (N,), from a data set's index."""
    test = index["split"] == "test"
    return index.loc[test, "hash"].isin(index.loc[~test, "hash"]).to_numpy()
