"""Split conformal prediction: fits the thresholds of prediction sets, and measures their coverage.

Vovk, Gammerman & Shafer, Algorithmic learning in a random world, 2005; the score is that of Sadinle, Lei & Wasserman
2019. `mien.inference.networks.prediction_sets` applies the thresholds.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mien.inference.networks.prediction_sets import prediction_sets
from mien.models.metadata import PERCENTS

_DIGITS = 6


def fit_thresholds(labels: np.ndarray, probabilities: np.ndarray) -> tuple[float, ...]:
    """Return the threshold for each coverage of PERCENTS: the probability that this share of true classes reaches.

    For N cases, this is the ceil((N + 1) * coverage)-th highest probability of a true class, so that a further case is
    covered with the requested probability. If N is too small, the threshold is 0 and sets contain all classes.

    Args:
        labels: int (N,), indices into the columns of `probabilities`, for cases that the network was not trained on.
        probabilities: float (N, classes), calibrated.
    """
    highest_first = -np.sort(-probabilities[np.arange(len(labels)), labels].astype(np.float64))
    ranks = (-(-(len(labels) + 1) * percent // 100) for percent in PERCENTS)
    return tuple(_floor(float(highest_first[rank - 1])) if rank <= len(labels) else 0.0 for rank in ranks)


class Coverage(NamedTuple):
    """The coverage and size of prediction sets.

    Attributes:
        covered: bool (N,), whether the set of each case contains its true class.
        sizes: int (N,), the number of classes in each set.
    """

    covered: np.ndarray
    sizes: np.ndarray

    @classmethod
    def of(cls, labels: np.ndarray, probabilities: np.ndarray, threshold: float) -> "Coverage":
        """Measure prediction sets. Arguments: see `fit_thresholds` and `prediction_sets`."""
        sets = prediction_sets(probabilities, threshold)
        return cls(sets[np.arange(len(labels)), labels], sets.sum(axis=1))

    def figures(self, suffix: str = "") -> dict[str, float]:
        """Return coverage, mean_set_size and single_class_share (share of sets with one class); 4 digits."""
        figures = {
            "coverage": self.covered.mean(),
            "mean_set_size": self.sizes.mean(),
            "single_class_share": (self.sizes == 1).mean(),
        }
        return {f"{name}{suffix}": round(float(value), 4) for name, value in figures.items()}

    def by_class(self, labels: np.ndarray, classes: Sequence[str]) -> dict[str, float]:
        """Return the coverage by true class, 4 digits."""
        present = np.unique(labels)
        return {classes[label]: round(float(self.covered[labels == label].mean()), 4) for label in present}


def _floor(value: float) -> float:
    """Round down, so that a threshold still includes its own case."""
    return math.floor(value * 10**_DIGITS) / 10**_DIGITS
