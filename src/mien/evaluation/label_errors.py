"""Finds labels that a network doubts, by confident learning (Northcutt, Jiang & Chuang 2021, doi 10.1613/jair.1.12125).

Own code, as the method takes a few lines and the package cleanlab needs many others. Labels are only listed, never
changed.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from mien._io.output import as_text
from mien.data.arrays import Images
from mien.evaluation.out_of_fold import groups_of, out_of_fold

_DIGITS = 4


def out_of_fold_errors(index: pd.DataFrame, splits: Mapping[str, Images], folds: int, seed: int) -> pd.DataFrame:
    """Return the labels of a prepared data set that a classifier doubts, trained on other images of the set.

    Args:
        index: all images, see `mien.data.audit`.
        splits: the remaining images, by split, in the order of the index.
        folds: see `mien.evaluation.out_of_fold`; 0 looks for none.
        seed: for the folds.

    Returns:
        See `doubtful_labels`.
    """
    classes = splits["train"].classes
    if not folds:
        return doubtful_labels(index[:0], np.empty(0, int), np.empty((0, len(classes))), classes)
    kept = pd.concat([index[(index["split"] == name) & (index["dropped"] == "")] for name in splits])
    probabilities = out_of_fold(splits.values(), groups_of(kept), folds, seed)
    labels = np.concatenate([images.labels for images in splits.values()])
    return doubtful_labels(kept, labels, probabilities, classes)


def confident_classes(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Return the class of which a network is confident for each case, int (N,); -1 if there is none.

    It is confident of a class if the probability reaches the mean over the cases with that label; of several such
    classes, the most probable one counts. So a class that a network is rarely sure of has a low bound.

    Args:
        labels: int (N,), indices into the columns of `probabilities`.
        probabilities: float (N, classes), from a network that was not trained on these cases.
    """
    classes = probabilities.shape[1]
    present = np.isin(np.arange(classes), labels)
    bounds = [probabilities[labels == label, label].mean() if present[label] else np.inf for label in range(classes)]
    above = np.where(probabilities >= bounds, probabilities, -1)
    return np.where(above.max(axis=1) >= 0, above.argmax(axis=1), -1)


def doubtful_labels(
    origins: pd.DataFrame, labels: np.ndarray, probabilities: np.ndarray, classes: Sequence[str]
) -> pd.DataFrame:
    """Return the cases in which a network is confident of another class than the label, the worst first.

    Args:
        origins: one row per case, with the columns origin and split.
        labels, probabilities: see `confident_classes`.
        classes: their names.

    Returns:
        Columns origin, split, label, suggested, label_probability, suggested_probability; ordered by the difference of
        the two.
    """
    suggested = confident_classes(labels, probabilities)
    rows = np.flatnonzero((suggested >= 0) & (suggested != labels))
    names = np.array(classes)
    of_label, of_suggested = probabilities[rows, labels[rows]], probabilities[rows, suggested[rows]]
    table = pd.DataFrame(
        {
            "origin": origins["origin"].iloc[rows].map(as_text).to_numpy(),
            "split": origins["split"].iloc[rows].to_numpy(),
            "label": names[labels[rows]],
            "suggested": names[suggested[rows]],
            "label_probability": of_label.round(_DIGITS),
            "suggested_probability": of_suggested.round(_DIGITS),
        }
    )
    return table.iloc[np.argsort(of_label - of_suggested, kind="stable")]
