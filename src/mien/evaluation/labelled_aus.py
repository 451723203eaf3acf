"""Action Units of faces with their emotions."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np


@dataclass(frozen=True)
class LabelledAus:
    """Labelled AUs.

    Attributes:
        intensities: float (N, AUs), 0..100.
        emotions: the emotion of each row, str (N,).
    """

    intensities: np.ndarray
    emotions: np.ndarray

    @classmethod
    def from_labels(cls, intensities: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> Self:
        """Make cases from labels, int (N,), indices into `classes`."""
        return cls(intensities, np.array(classes)[labels])
