"""Emotions over time for a video of any length, in bounded memory."""

import numpy as np

_MAX_STEPS = 1000
_FIRST_STEP = 0.1  # seconds


class Timeline:
    """Mean probabilities of all faces per time step. Steps grow with the video: 0.1 s, 0.2 s, 0.4 s .."""

    def __init__(self, classes: int) -> None:
        """Start empty. classes: the number of emotions."""
        self._step = _FIRST_STEP
        self._sums = np.zeros((_MAX_STEPS, classes))
        self._faces = np.zeros(_MAX_STEPS, int)
        self._end = 0.0

    def add(self, seconds: float, probabilities: np.ndarray) -> None:
        """Add the faces of a frame: float (N, classes)."""
        while seconds >= _MAX_STEPS * self._step:
            self._step *= 2
            self._sums = _halved(self._sums)
            self._faces = _halved(self._faces)
        self._end = max(self._end, seconds)
        index = int(seconds / self._step)
        self._sums[index] += probabilities.sum(axis=0)
        self._faces[index] += len(probabilities)

    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the midpoints of the steps up to the last frame, in seconds, and the mean probabilities in them.

        Returns:
            float (T,), and float (T, classes); NaN if there was no face.
        """
        steps = np.arange(int(self._end / self._step) + 1)
        faces = np.where(self._faces[steps] > 0, self._faces[steps], np.nan)
        return (steps + 0.5) * self._step, self._sums[steps] / faces[:, None]


def _halved(values: np.ndarray) -> np.ndarray:
    """Return the sums of neighbouring pairs, with zeros in the second half."""
    pairs = values.reshape(_MAX_STEPS // 2, 2, *values.shape[1:]).sum(axis=1)
    return np.concatenate([pairs, np.zeros_like(pairs)])
