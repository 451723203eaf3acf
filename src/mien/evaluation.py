"""Evaluation: what a classifier's decisions and probabilities are worth on labelled data."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn import metrics

_CONFIDENCE_BINS = 15
_THRESHOLDS = np.round(np.arange(0, 1, 0.05), 2)


def scores(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """Return all headline figures of predictions, each rounded to 4 digits.

    Those of `decision_scores` for the most probable class, then log loss, expected calibration error, and the area
    under the ROC curve: each class that occurs among the labels against the rest, averaged. That area is left out where
    the labels are of one class, as it has no value there.

    Args:
        labels: int (N,), indices into `classes`; N is 1 or more.
        probabilities: float (N, classes), rows that sum to 1.
        classes: the class names, in the order of the columns; some may be absent from the labels.
    """
    every = range(len(classes))
    figures = {
        # scikit-learn refuses a choice of one, of which nothing can be lost
        "log_loss": metrics.log_loss(labels, probabilities, labels=every) if len(every) > 1 else 0.0,
        "calibration_error": calibration_error(labels, probabilities),
    }
    present = np.unique(labels)
    if len(present) > 1:
        figures["roc_auc"] = metrics.roc_auc_score(labels[:, None] == present, probabilities[:, present])
    return decision_scores(labels, probabilities.argmax(axis=1)) | _rounded(figures)


def decision_scores(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return the figures that need no probabilities, each rounded to 4 digits.

    Accuracy, balanced accuracy, macro and weighted precision, recall and F1, Matthews' correlation (MCC) and Cohen's
    kappa. Balanced accuracy averages over the classes that occur among the labels, the macro figures also over those
    that were predicted only. MCC and kappa are 0 where the labels are of one class, as chance alone agrees with them.

    Args:
        labels: int or str (N,), the true classes; N is 1 or more.
        predicted: the same for the predicted ones.
    """
    present = np.unique(labels)
    figures = {
        "accuracy": metrics.accuracy_score(labels, predicted),
        "balanced_accuracy": metrics.recall_score(labels, predicted, labels=present, average="macro", zero_division=0),
    }
    for average in ("macro", "weighted"):
        of_average = metrics.precision_recall_fscore_support(labels, predicted, average=average, zero_division=0)
        figures |= {f"{average}_{name}": of_average[i] for i, name in enumerate(("precision", "recall", "f1"))}
    several = len(present) > 1
    figures["mcc"] = metrics.matthews_corrcoef(labels, predicted) if several else 0.0
    figures["cohens_kappa"] = metrics.cohen_kappa_score(labels, predicted) if several else 0.0
    return _rounded(figures)


def calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the expected calibration error, 0..1: how far confidence and accuracy lie apart, averaged over cases.

    Cases are put into 15 bins of equal width by their confidence (their highest probability); a bin counts by its
    cases (Guo et al., On calibration of modern neural networks, 2017).

    Args:
        labels: int (N,), indices into the columns of `probabilities`.
        probabilities: float (N, classes), 0..1.
    """
    confidence, right = _confidence(labels, probabilities)
    upper_edges = np.arange(1, _CONFIDENCE_BINS) / _CONFIDENCE_BINS
    bins = np.digitize(confidence, upper_edges, right=True)
    return float(np.abs(np.bincount(bins, weights=confidence - right)).sum() / len(labels))


def confidence_curve(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Return what is gained by keeping only confident predictions: one row a threshold, 0.00, 0.05 .. 0.95.

    Args:
        labels: int (N,), indices into the columns of `probabilities`; N is 1 or more.
        probabilities: float (N, classes), 0..1.

    Returns:
        Columns threshold, coverage (share of the cases whose confidence is the threshold or more) and accuracy among
        them, 4 digits. Thresholds that no case reaches have no accuracy and are left out.
    """
    confidence, right = _confidence(labels, probabilities)
    kept = confidence >= _THRESHOLDS[:, None]
    reached = kept.any(axis=1)
    kept = kept[reached]
    accuracy = (kept & right).sum(axis=1) / kept.sum(axis=1)
    curve = {"threshold": _THRESHOLDS[reached], "coverage": kept.mean(axis=1), "accuracy": accuracy}
    return pd.DataFrame(curve).round(4)


def among(probabilities: np.ndarray, classes: Sequence[str], chosen: Sequence[str]) -> np.ndarray:
    """Return the probabilities of the `chosen` classes, in their order, given that the class is one of them.

    Args:
        probabilities: float (N, classes), 0..1.
        classes: the names of the columns.
        chosen: names among `classes`.

    Returns:
        float64 (N, chosen), rows that sum to 1.
    """
    columns = [list(classes).index(name) for name in chosen]
    # the smallest float keeps a row defined that is sure of another class
    kept = probabilities[:, columns].astype(np.float64) + np.finfo(np.float64).tiny
    return kept / kept.sum(axis=1, keepdims=True)


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


def text_report(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> str:
    """Return scikit-learn's classification report: precision, recall, F1 and cases by class, and their averages."""
    report: str = metrics.classification_report(
        labels,
        probabilities.argmax(axis=1),
        labels=range(len(classes)),
        target_names=classes,
        digits=4,
        zero_division=0,
    )
    return report


def confusion_rows(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """Return one row a case, actual and predicted class name: the form that DVC's confusion templates read."""
    names = np.array(classes)
    return pd.DataFrame({"actual": names[labels], "predicted": names[probabilities.argmax(axis=1)]})


def leaked(index: pd.DataFrame) -> np.ndarray:
    """Tell which test images, in their order, also stand in train or validation: bool (N,), from a data set's index."""
    test = index["split"] == "test"
    return index.loc[test, "hash"].isin(index.loc[~test, "hash"]).to_numpy()


def _confidence(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the confidence of each prediction, float (N,), and whether it is right, bool (N,)."""
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == labels


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in figures.items()}
