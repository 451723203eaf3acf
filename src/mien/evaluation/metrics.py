"""Metrics for a classifier's decisions and probabilities on labelled data."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from sklearn import metrics

from mien.inference.networks.temperature import apply_temperature

#: Figures by class and name; None where a class has no case.
PerClass = dict[str, dict[str, float | None]]

_CONFIDENCE_BINS = 15
_RESAMPLES = 10_000
_THRESHOLDS = np.round(np.arange(0, 1, 0.05), 2)


def scores(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
    """Return all headline figures of predictions, each rounded to 4 digits.

    They are: accuracy and its 95 % interval (see `accuracy_interval`), the other figures of `decision_scores` for the
    most probable class, the share of cases whose class is among the two most probable, log loss, expected calibration
    error, and the area under the ROC curve (each class that occurs against the rest, averaged; left out if all labels
    are the same). Of equally probable classes, the first ones count as more probable.

    Args:
        labels: int (N,), indices into `classes`; N is 1 or more.
        probabilities: float (N, classes), rows that sum to 1.
        classes: the class names, in the order of the columns; some may be absent from the labels.
    """
    decisions = decision_scores(labels, probabilities.argmax(axis=1))
    low, high = accuracy_interval(_confidence(labels, probabilities)[1])
    top_2 = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
    figures = {
        "top_2_accuracy": (top_2 == labels[:, None]).any(axis=1).mean(),
        "log_loss": _log_loss(labels, probabilities, classes),
        "calibration_error": calibration_error(labels, probabilities),
    }
    present = np.unique(labels)
    if len(present) > 1:
        figures["roc_auc"] = metrics.roc_auc_score(labels[:, None] == present, probabilities[:, present])
    first = {"accuracy": decisions["accuracy"]} | _rounded({"accuracy_low": low, "accuracy_high": high})
    return first | decisions | _rounded(figures)


def network_scores(
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    temperature: float,
    *,
    tta: np.ndarray | None = None,
    leaks: np.ndarray | None = None,
    calibrated: np.ndarray | None = None,
) -> dict[str, float]:
    """Return the figures of `scores` for a network that reads faces, and further ones. Headline figures come first.

    The further ones:

    - accuracy_tta, calibration_error_tta: with test-time augmentation.
    - accuracy_without_leaks: accuracy on the images that are not leaks; left out if all are leaks.
    - temperature.
    - log_loss_calibrated, calibration_error_calibrated: after temperature scaling.

    Args:
        labels: int (N,), indices into `classes`; N is 1 or more.
        probabilities: float (N, classes), without test-time augmentation, not calibrated.
        classes: the class names, in the order of the columns.
        temperature: the network's, see `mien.inference.networks.temperature`.
        tta: float (N, classes), with test-time augmentation, calibrated; None if not used.
        leaks: bool (N,), images that the network may have been trained on; None if unknown.
        calibrated: float (N, classes); None for `probabilities` after temperature scaling.
    """
    plain = scores(labels, probabilities, classes)
    first = {name: plain[name] for name in ("accuracy", "accuracy_low", "accuracy_high")}
    if tta is not None:
        first |= _rounded({"accuracy_tta": _confidence(labels, tta)[1].mean()})
    if leaks is not None and not leaks.all():
        right = _confidence(labels, probabilities)[1]
        first |= _rounded({"accuracy_without_leaks": right[~leaks].mean()})
    calibrated = apply_temperature(probabilities, temperature) if calibrated is None else calibrated
    figures = {
        "temperature": temperature,
        "log_loss_calibrated": _log_loss(labels, calibrated, classes),
        "calibration_error_calibrated": calibration_error(labels, calibrated),
    }
    if tta is not None:
        figures |= {"calibration_error_tta": calibration_error(labels, tta)}
    return first | plain | _rounded(figures)


def decision_scores(labels: np.ndarray, predicted: np.ndarray) -> dict[str, float]:
    """Return the figures that need no probabilities, each rounded to 4 digits.

    They are: accuracy, balanced accuracy, macro and weighted precision, recall and F1, Matthews' correlation (MCC) and
    Cohen's kappa. Balanced accuracy averages over the classes that occur as labels; the macro figures also over classes
    that were only predicted. MCC and kappa are 0 if all labels are the same.

    Args:
        labels: int or str (N,), the true classes; N is 1 or more.
        predicted: the same for the predicted classes.
    """
    present = np.unique(labels)
    figures = {
        "accuracy": metrics.accuracy_score(labels, predicted),
        "balanced_accuracy": metrics.recall_score(labels, predicted, labels=present, average="macro", zero_division=0),
    }
    for average in ("macro", "weighted"):
        by_average = metrics.precision_recall_fscore_support(labels, predicted, average=average, zero_division=0)
        figures |= {f"{average}_{name}": by_average[i] for i, name in enumerate(("precision", "recall", "f1"))}
    several = len(present) > 1
    figures["mcc"] = metrics.matthews_corrcoef(labels, predicted) if several else 0.0
    figures["cohens_kappa"] = metrics.cohen_kappa_score(labels, predicted) if several else 0.0
    return _rounded(figures)


def accuracy_interval(right: np.ndarray) -> tuple[float, float]:
    """Return the 95 % interval of an accuracy by percentile bootstrap (Efron & Tibshirani 1993), the same each time.

    Args:
        right: bool (N,), which predictions are right; N is 1 or more.
    """
    # The number of right ones in a resample of N cases is binomial, so no case needs to be drawn. The intervals of
    # scipy.stats.binomtest (exact, Wilson) differ from the third digit on, which would change published figures.
    resampled = np.random.default_rng(0).binomial(len(right), right.mean(), _RESAMPLES) / len(right)
    low, high = np.percentile(resampled, (2.5, 97.5))
    return float(low), float(high)


def calibration_error(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the expected calibration error, 0..1: the mean difference between confidence and accuracy.

    Computed over the bins of `reliability`, weighted by their cases (Guo et al., On calibration of modern neural
    networks, 2017).

    Args:
        labels: int (N,), indices into the columns of `probabilities`; N is 1 or more.
        probabilities: float (N, classes), 0..1.
    """
    bins = reliability(labels, probabilities)
    return float(np.average((bins["confidence"] - bins["accuracy"]).abs(), weights=bins["cases"]))


def reliability(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Return accuracy by confidence: one row per non-empty bin, of 15 bins of equal width.

    Args:
        labels: int (N,), indices into the columns of `probabilities`.
        probabilities: float (N, classes), 0..1; the highest of a row is its confidence.

    Returns:
        Columns confidence and accuracy (means over the bin's cases), and cases (their number).
    """
    confidence, right = _confidence(labels, probabilities)
    upper_edges = np.arange(1, _CONFIDENCE_BINS) / _CONFIDENCE_BINS
    bins = np.digitize(confidence, upper_edges, right=True)
    cases = pd.DataFrame({"confidence": confidence, "accuracy": right}).groupby(bins)
    return cases.mean().assign(cases=cases.size()).reset_index(drop=True)


def confidence_curve(labels: np.ndarray, probabilities: np.ndarray) -> pd.DataFrame:
    """Return coverage and accuracy if only confident predictions are kept: one row per threshold 0.00, 0.05 .. 0.95.

    Args:
        labels: int (N,), indices into the columns of `probabilities`; N is 1 or more.
        probabilities: float (N, classes), 0..1.

    Returns:
        Columns threshold, coverage (share of cases with at least this confidence) and accuracy among them, 4 digits.
        Thresholds that no case reaches are left out.
    """
    confidence, right = _confidence(labels, probabilities)
    kept = confidence >= _THRESHOLDS[:, None]
    reached = kept.any(axis=1)
    kept = kept[reached]
    accuracy = (kept & right).sum(axis=1) / kept.sum(axis=1)
    curve = {"threshold": _THRESHOLDS[reached], "coverage": kept.mean(axis=1), "accuracy": accuracy}
    return pd.DataFrame(curve).round(4)


def confident_mistakes(labels: np.ndarray, probabilities: np.ndarray, count: int) -> np.ndarray:
    """Return the rows of the most confident wrong predictions, most confident first, at most `count`: int (rows,)."""
    confidence, right = _confidence(labels, probabilities)
    wrong = np.flatnonzero(~right)
    return wrong[np.argsort(-confidence[wrong], kind="stable")[:count]]


def restrict_classes(probabilities: np.ndarray, classes: Sequence[str], chosen: Sequence[str]) -> np.ndarray:
    """Return the probabilities of the `chosen` classes, in their order, given that the true class is one of them.

    Args:
        probabilities: float (N, classes), 0..1.
        classes: the names of the columns.
        chosen: names among `classes`.

    Returns:
        float64 (N, chosen), rows that sum to 1.
    """
    columns = [list(classes).index(name) for name in chosen]
    # the smallest float avoids 0 / 0 if a row is sure of another class
    kept = probabilities[:, columns].astype(np.float64) + np.finfo(np.float64).tiny
    return kept / kept.sum(axis=1, keepdims=True)


def per_class(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> PerClass:
    """Return precision, recall, F1 (4 digits) and the number of test cases of each class.

    The figures of a class without a case are None: it is not measured.
    """
    *figures, support = metrics.precision_recall_fscore_support(
        labels, probabilities.argmax(axis=1), labels=range(len(classes)), zero_division=0
    )
    by_figure = {
        name: [round(float(value), 4) if cases else None for value, cases in zip(values, support, strict=True)]
        for name, values in zip(("precision", "recall", "f1"), figures, strict=True)
    }
    by_figure["support"] = support.tolist()
    return {name: {figure: by_figure[figure][i] for figure in by_figure} for i, name in enumerate(classes)}


def classification_report(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """Return the figures of `per_class` as a table: one row per class, then the rows "macro avg" and "weighted avg".

    These two are averages of `decision_scores`: over the classes that occur or are predicted, each of them counting
    once or by its cases.

    Returns:
        The columns class, precision, recall, f1 (0..1, rounded to 4 digits; NaN without a case) and support (cases).
    """
    decisions = decision_scores(labels, probabilities.argmax(axis=1))
    averages = [
        {
            "class": f"{average} avg",
            **{figure: decisions[f"{average}_{figure}"] for figure in ("precision", "recall", "f1")},
            "support": len(labels),
        }
        for average in ("macro", "weighted")
    ]
    rows = [{"class": name, **figures} for name, figures in per_class(labels, probabilities, classes).items()]
    return pd.DataFrame([*rows, *averages])


def confusion_rows(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> pd.DataFrame:
    """Return one row per case with the actual and predicted class names, for DVC's confusion templates."""
    names = np.array(classes)
    return pd.DataFrame({"actual": names[labels], "predicted": names[probabilities.argmax(axis=1)]})


def _log_loss(labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]) -> float:
    if len(classes) == 1:  # scikit-learn refuses a single class; its loss is 0
        return 0.0
    return float(metrics.log_loss(labels, probabilities, labels=range(len(classes))))


def _confidence(labels: np.ndarray, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the confidence of each prediction, float (N,), and whether it is right, bool (N,)."""
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == labels


def _rounded(figures: dict[str, float]) -> dict[str, float]:
    return {name: round(float(value), 4) for name, value in figures.items()}
