"""What is written of one network on its test split: texts, tables and pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mien import plots
from mien.evaluation import confidence_curve, confusion_rows, per_class, text_report


def write_network_report(
    folder: Path, name: str, title: str, labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]
) -> None:
    """Write NAME_report.txt, and as data (CSV, but for the bars) and picture (PNG): confusion, confidence and classes.

    Args:
        folder: an existing folder.
        name: how the files begin.
        title: of the pictures; the accuracy is added.
        labels: int (N,), indices into `classes`.
        probabilities: float (N, classes), rows that sum to 1.
        classes: the class names, in the order of the columns.
    """
    (folder / f"{name}_report.txt").write_text(text_report(labels, probabilities, classes))
    cases = confusion_rows(labels, probabilities, classes)
    cases.to_csv(folder / f"{name}_confusion.csv", index=False)
    curve = confidence_curve(labels, probabilities)
    curve.to_csv(folder / f"{name}_confidence.csv", index=False)
    title = f"{title}: {(cases['actual'] == cases['predicted']).mean():.1%} right"
    plots.save(plots.confusion(cases, classes, title), folder / f"{name}_confusion.png")
    plots.save(plots.confidence_curve(curve, title), folder / f"{name}_confidence.png")
    plots.save(plots.class_scores(per_class(labels, probabilities, classes), title), folder / f"{name}_classes.png")
