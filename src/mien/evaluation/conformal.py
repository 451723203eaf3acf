"""Split conformal prediction: fits the thresholds of prediction sets, and measures how often sets hold the true class.

Vovk, Gammerman & Shafer, Algorithmic learning in a random world, 2005; the score is that of Sadinle, Lei & Wasserman
2019. `mien.inference.prediction_sets` applies the thresholds.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mien.inference.prediction_sets import prediction_sets
from mien.models.metadata import PERCENTS

_DIGITS = 6


def fit_thresholds(labels: np.ndarray, probabilities: np.ndarray) -> tuple[float, ...]:
    """Return the threshold for each coverage of PERCENTS: the probability that as many true classes reach.

    Of N cases, that is the ceil((N + 1) * coverage)-th highest probability of a true class, so that a further case is
    covered with the probability asked for; 0, all classes, where N is too small for that.

    Args:
        labels: int (N,), indices into the columns of `probabilities`; of cases that the network did not learn from.
        probabilities: float (N, classes), calibrated.
    """
    highest_first = -np.sort(-probabilities[np.arange(len(labels)), labels].astype(np.float64))
    ranks = (-(-(len(labels) + 1) * percent // 100) for percent in PERCENTS)
    return tuple(_floor(float(highest_first[rank - 1])) if rank <= len(labels) else 0.0 for rank in ranks)


class Coverage(NamedTuple):
    """How prediction sets do.

    Attributes:
        covered: bool (N,), whether the set of each case holds its true class.
        sizes: int (N,), how many classes each set holds.
    """

    covered: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> "Coverage":
        """Measure sets. Arguments: see `fit_thresholds` and `prediction_sets`."""
        sets = prediction_sets(probabilities, threshold)
        return cls(sets[np.arange(len(labels)), labels], sets.sum(axis=1))

    def figures(self, suffix: str = "") -> dict[str, float]:
        """Return coverage, mean_set_size, and the share of sets of one class, single_class_share; 4 digits."""
        figures = {
            "coverage": self.covered.mean(),
            "mean_set_size": self.sizes.mean(),
            "single_class_share": (self.sizes == 1).mean(),
        }
        return {f"{name}{suffix}": round(float(value), 4) for name, value in figures.items()}

    def by_class(self, labels: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
        """Return the coverage of the cases of each class that occurs, 4 digits."""
        present = np.unique(labels)
        return {classes[label]: round(float(self.covered[labels == label].mean()), 4) for label in present}


def _floor(value: float) -> float:
    """Round down, so that a threshold still lets in the case that it is of."""
    return math.floor(value * 10**_DIGITS) / 10**_DIGITS
