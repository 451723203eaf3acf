"""Emotions over the time of a video of any length, in bounded memory."""

import numpy as np

_MOST = 1000  # steps
_FIRST_STEP = 0.1  # seconds


class Timeline:
    """Mean probabilities of all faces, by steps of time, which grow with the video: 0.1 s, 0.2 s, 0.4 s .."""

    def __init__(self, classes: int) -> None:
        """Start empty. classes: how many emotions there are."""
        self._step = _FIRST_STEP
        self._sums = np.zeros((_MOST, classes))
        self._faces = np.zeros(_MOST, int)
        self._end = 0.0

    def add(self, seconds: float, probabilities: np.ndarray) -> None:
        """Add the faces of a frame: float (N, classes)."""
        while seconds >= _MOST * self._step:
            self._step *= 2
            self._sums = _halved(self._sums)
            self._faces = _halved(self._faces)
        self._end = max(self._end, seconds)
        at = int(seconds / self._step)
        self._sums[at] += probabilities.sum(axis=0)
        self._faces[at] += len(probabilities)

    def means(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the middles of all steps to the last frame, in seconds, float (T,), and the mean probabilities, float
        (T, classes), NaN where there was no face.
        """
        steps = np.arange(int(self._end / self._step) + 1)
        faces = np.where(self._faces[steps] > 0, self._faces[steps], np.nan)
        return (steps + 0.5) * self._step, self._sums[steps] / faces[:, None]


def _halved(values: np.ndarray) -> np.ndarray:
    """Add up pairs of neighbours; zeros fill the second half."""
    pairs = values.reshape(_MOST // 2, 2, *values.shape[1:]).sum(axis=1)
    return np.concatenate([pairs, np.zeros_like(pairs)])
