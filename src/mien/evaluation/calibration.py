"""Temperature scaling: a network's confidence brought to the accuracy that it has, its decisions left as they are.

Guo et al., On calibration of modern neural networks, 2017.
"""

import json
from pathlib import Path

import numpy as np

from mien._io.checksums import checked
from mien._io.errors import InputError

_BOUNDS = (0.1, 10.0)
_SMALLEST = np.finfo(np.float32).tiny


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the temperature that minimises the log loss, 0.1 .. 10, 4 digits; above 1 where a network is too sure.

    Args:
        labels: int (N,), indices into the columns of `probabilities`; of images that it did not learn from.
        probabilities: float (N, classes), a network's own.
    """
    from scipy.optimize import minimize_scalar  # takes longer to load than all that only predicts
    from scipy.special import logsumexp

    logits = np.log(_above_zero(probabilities))
    of_label = logits[np.arange(len(labels)), labels]

    def log_loss(temperature: float) -> float:
        return float((logsumexp(logits / temperature, axis=1) - of_label / temperature).mean())

    return round(float(minimize_scalar(log_loss, bounds=_BOUNDS, method="bounded", options={"xatol": 1e-6}).x), 4)


def apply_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Return softmax(log p / temperature), float64 (N, classes), for probabilities p; rows sum to 1."""
    powers = _above_zero(probabilities) ** (1 / temperature)
    return powers / powers.sum(axis=1, keepdims=True)


def save_temperature(folder: Path, temperature: float) -> None:
    """Write `calibration.json` beside the models of `folder`."""
    (folder / "calibration.json").write_text(json.dumps({"temperature": temperature}) + "\n")


def read_temperature(folder: Path) -> float:
    """Read what `save_temperature` wrote. Raises InputError where it is missing, damaged or no number above 0."""
    path = folder / "calibration.json"
    expected = 'expected {"temperature": T}, T above 0 (1: as the network says), which `dvc repro` writes'
    try:
        temperature = json.loads(checked(path).read_text())["temperature"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise InputError(f"{path}: cannot be read ({error!r}), {expected}") from None
    if isinstance(temperature, bool) or not isinstance(temperature, int | float) or not 0 < temperature < np.inf:
        raise InputError(f"{path}: found a temperature of {temperature!r}, {expected}")
    return float(temperature)


def _above_zero(probabilities: np.ndarray) -> np.ndarray:
    """Return float64 probabilities, all above 0; a network may be so sure that it rounds others to 0."""
    return np.maximum(probabilities.astype(np.float64), _SMALLEST)
