"""Temperature scaling: makes confidence match accuracy without changing decisions.

Guo et al., On calibration of modern neural networks, 2017. `mien.evaluation.calibration` fits the temperature.
"""

import numpy as np

_TINY = np.finfo(np.float32).tiny


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return softmax(log p / temperature) for probabilities p: float64 (N, classes); rows sum to 1."""
    powers = above_zero(probabilities) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def above_zero(probabilities: np.ndarray) -> np.ndarray:
    """Return float64 probabilities above 0, as a very sure network rounds some to 0."""
    return np.maximum(probabilities.astype(np.float64), _TINY)
