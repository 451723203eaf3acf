"""Prediction sets: the emotions that a face may well show, so that the true one is among them as often as asked for.

Split conformal prediction with the score of the least ambiguous sets (LAC; Sadinle, Lei & Wasserman, Least ambiguous
set-valued classifiers with bounded error levels, 2019): a set holds the emotions whose calibrated probability is at
least a threshold, which `mien.evaluation.conformal` measures on validation. The most probable emotion is always in it.
Coverage holds on average over faces like those of validation; faces from elsewhere may be covered less often.
"""

from collections.abc import Sequence

import numpy as np

from mien._io.errors import InputError
from mien.models.metadata import PERCENTS


def percent_of(coverage: float) -> int:
    """Return a coverage in percent. Raises InputError unless it is one of those that thresholds are known for."""
    percent = round(100 * coverage) if np.isfinite(coverage) else 0
    if percent not in PERCENTS or abs(100 * coverage - percent) > 1e-6:
        raise InputError(f"coverage: found {coverage:g}, expected 0.5, 0.51 .. 0.99")
    return percent


def prediction_sets(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Tell which classes are in the set of each case: bool (N, classes).

    Args:
        probabilities: float (N, classes), calibrated, rows that sum to 1.
        threshold: the least probability of a class in a set.
    """
    return (probabilities >= threshold) | (probabilities == probabilities.max(axis=1, keepdims=True))


def set_names(probabilities: np.ndarray, classes: Sequence[str], threshold: float) -> tuple[str, ...]:
    """Return the names of the classes in the set of one case, the most probable first. probabilities: (classes,)."""
    (members,) = prediction_sets(probabilities[None], threshold)
    order = np.argsort(-probabilities, kind="stable")
    return tuple(classes[index] for index in order[: members.sum()])
