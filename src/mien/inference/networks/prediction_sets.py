"""Prediction sets: the emotions that a face may show, chosen so that the true one is included as often as requested.

Split conformal prediction with the score of the least ambiguous sets (LAC; Sadinle, Lei & Wasserman, Least ambiguous
set-valued classifiers with bounded error levels, 2019): a set contains the emotions whose calibrated probability
reaches a threshold, which `mien.evaluation.conformal` fits on validation. It always contains the most probable emotion.
The coverage holds on average over faces like those of validation; other faces may be covered less often.
"""

from collections.abc import Sequence
from numbers import Real

import numpy as np

from mien._io.errors import InputError
from mien.models.metadata import PERCENTS


def percent_of(coverage: float) -> int:
    """Return a coverage in percent. Raises InputError unless there is a threshold for it."""
    is_number = isinstance(coverage, Real)
    percent = round(100 * coverage) if is_number and np.isfinite(coverage) else 0
    if percent not in PERCENTS or abs(100 * coverage - percent) > 1e-6:
        found = f"{coverage:g}" if is_number else repr(coverage)
        raise InputError(f"coverage: found {found}, expected 0.5, 0.51 .. 0.99")
    return percent


def prediction_sets(probabilities: np.ndarray, threshold: float) -> np.ndarray:
    """Tell which classes are in the set of each case: bool (N, classes).

    Args:
        probabilities: float (N, classes), calibrated; rows sum to 1.
        threshold: the minimum probability of a class in a set.
    """
    return (probabilities >= threshold) | (probabilities == probabilities.max(axis=1, keepdims=True))


def set_names(probabilities: np.ndarray, classes: Sequence[str], threshold: float) -> tuple[str, ...]:
    """Return the names of the classes in the set of one case, most probable first. probabilities: (classes,)."""
    (members,) = prediction_sets(probabilities[None], threshold)
    order = np.argsort(-probabilities, kind="stable")
    return tuple(classes[index] for index in order[: members.sum()])
