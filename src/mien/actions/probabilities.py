"""Probabilities that callers give: checked, in the order of FER2013, scaled to sum to 1."""

from collections.abc import Mapping, Sequence

import numpy as np

from mien._io.errors import InputError
from mien.emotions import FER2013, canonical

#: Tolerance of a sum of probabilities, as those in a file are rounded.
_TOLERANCE = 0.005

Emotions = np.ndarray | Mapping[str, float]


def emotion_probabilities(emotions: Emotions, classes: Sequence[str]) -> np.ndarray:
    """Return probabilities in the order of FER2013, float (N, 7)."""
    if isinstance(emotions, Mapping):
        emotions, classes = np.array([list(emotions.values())]), list(emotions)
    names = [canonical(name) for name in classes]
    for name in names:
        if name not in FER2013 or names.count(name) > 1:
            expected = f"each of {', '.join(FER2013)} once at most"
            raise InputError(f"emotions: found {', '.join(classes)}, expected {expected}")
    probabilities = distribution(np.atleast_2d(emotions), len(names), "emotions")
    ordered = np.zeros((len(probabilities), len(FER2013)))
    ordered[:, [FER2013.index(name) for name in names]] = probabilities
    return ordered


def distribution(rows: np.ndarray, columns: int, name: str) -> np.ndarray:
    """Return rows of probabilities scaled to sum to exactly 1. Raises InputError if they are far from it."""
    if rows.ndim != 2 or rows.shape[1] != columns:
        raise InputError(f"{name}: found probabilities of shape {rows.shape}, expected (N, {columns})")
    sums = rows.sum(axis=1)
    sound = (rows >= 0).all(axis=1) & (np.abs(sums - 1) <= _TOLERANCE)  # NaN fails both
    if not sound.all():
        row = int(np.argmin(sound))
        raise InputError(
            f"{name}, row {row + 1}: found {np.round(rows[row], 4).tolist()}, sum {sums[row]:.4g}, expected "
            "probabilities that sum to 1"
        )
    return rows / sums[:, None]
