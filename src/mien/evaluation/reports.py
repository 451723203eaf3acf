"""Writes the report on a network and its test split: tables and plots."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from mien.evaluation.metrics import (
    calibration_error,
    classification_report,
    confidence_curve,
    confident_mistakes,
    confusion_rows,
    per_class,
    reliability,
)
from mien.evaluation.slices import Slices, describe_worst
from mien.inference.networks.temperature import apply_temperature
from mien.plots.faces import mistake_grid
from mien.plots.png import save_png
from mien.plots.scores import class_scores, confusion_matrix, coverage_curve, reliability_diagram, slice_accuracy

_MISTAKES = 24


def write_network_report(
    folder: Path, name: str, title: str, labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]
) -> None:
    """Write NAME_report.csv; confusion and confidence as tables (CSV) and plots (PNG); and a plot of the classes.

    Args:
        folder: an existing folder.
        name: the beginning of the file names.
        title: title of the plots; the accuracy is added.
        labels: int (N,), indices into `classes`.
        probabilities: float (N, classes), rows that sum to 1.
        classes: the class names, in the order of the columns.
    """
    classification_report(labels, probabilities, classes).to_csv(folder / f"{name}_report.csv", index=False)
    cases = confusion_rows(labels, probabilities, classes)
    cases.to_csv(folder / f"{name}_confusion.csv", index=False)
    curve = confidence_curve(labels, probabilities)
    curve.to_csv(folder / f"{name}_confidence.csv", index=False)
    title = f"{title}: {(cases['actual'] == cases['predicted']).mean():.1%} right"
    save_png(confusion_matrix(cases, classes, title), folder / f"{name}_confusion.png")
    save_png(coverage_curve(curve, title), folder / f"{name}_confidence.png")
    save_png(class_scores(per_class(labels, probabilities, classes), title), folder / f"{name}_classes.png")


def write_slices(folder: Path, name: str, title: str, slices: Slices) -> None:
    """Write NAME_slices.csv, one row per slice, and NAME_slices.png, whose title names the worst slice."""
    table = slices.table.assign(slice=slices.table["property"] + " " + slices.table["slice"])
    table.to_csv(folder / f"{name}_slices.csv", index=False)
    save_png(slice_accuracy(slices.table, f"{title}, {describe_worst(slices)}"), folder / f"{name}_slices.png")


def write_face_report(
    folder: Path,
    name: str,
    title: str,
    pixels: np.ndarray,
    labels: np.ndarray,
    probabilities: np.ndarray,
    classes: Sequence[str],
    temperature: float,
) -> None:
    """Write the files of `write_network_report`, and for a face network also its reliability and mistakes.

    The latter are NAME_reliability.csv, NAME_reliability_calibrated.csv, NAME_reliability.png, and NAME_mistakes.png,
    which shows images of the data set. Confidence is calibrated by temperature scaling, except in NAME_reliability.csv.

    Args:
        pixels: uint8 (N, size, size); may be memory-mapped.
        probabilities: float (N, classes), not calibrated.
        temperature: the network's, see `mien.inference.networks.temperature`.
    """
    calibrated = apply_temperature(probabilities, temperature)
    write_network_report(folder, name, title, labels, calibrated, classes)
    curves = {}
    for suffix, heading, rows in (
        ("", "as the network says", probabilities),
        ("_calibrated", f"with temperature {temperature:.2f}", calibrated),
    ):
        bins = reliability(labels, rows)
        bins.round(4).to_csv(folder / f"{name}_reliability{suffix}.csv", index=False)
        curves[f"{heading}: error {calibration_error(labels, rows):.1%}"] = bins
    save_png(reliability_diagram(curves, f"{title}: accuracy by confidence"), folder / f"{name}_reliability.png")

    wrong = confident_mistakes(labels, calibrated, _MISTAKES)
    names = np.array(classes)
    cases = pd.DataFrame(
        {
            "actual": names[labels[wrong]],
            "predicted": names[calibrated[wrong].argmax(axis=1)],
            "confidence": calibrated[wrong].max(axis=1),
        }
    )
    sheet = mistake_grid(pixels[wrong], cases, f"{title}: the surest mistakes, actual → predicted")
    save_png(sheet, folder / f"{name}_mistakes.png")
