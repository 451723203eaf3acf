"""Temperature scaling: fits the temperature that brings a network's confidence to its accuracy.

Guo et al., On calibration of modern neural networks, 2017. `mien.inference.temperature` applies it. The thresholds of
prediction sets are fitted on the answers that it gives.
"""

from dataclasses import replace
from typing import get_args

import numpy as np

from mien.evaluation.conformal import fit_thresholds
from mien.inference.face_classifier import FaceClassifier
from mien.inference.temperature import above_zero, apply_temperature
from mien.inference.tta import Tta
from mien.models.metadata import Metadata

_BOUNDS = (0.1, 10.0)


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the temperature that minimises the log loss, 0.1 .. 10, 4 digits; above 1 where a network is too sure.

    Args:
        labels: int (N,), indices into the columns of `probabilities`; of images that it did not learn from.
        probabilities: float (N, classes), not calibrated.
    """
    from scipy.optimize import minimize_scalar  # takes longer to load than everything needed for predictions
    from scipy.special import logsumexp

    logits = np.log(above_zero(probabilities))
    label_logits = logits[np.arange(len(labels)), labels]

    def log_loss(temperature: float) -> float:
        return float((logsumexp(logits / temperature, axis=1) - label_logits / temperature).mean())

    return round(float(minimize_scalar(log_loss, bounds=_BOUNDS, method="bounded", options={"xatol": 1e-6}).x), 4)


def calibrated(metadata: Metadata, classifier: FaceClassifier, pixels: np.ndarray, labels: np.ndarray) -> Metadata:
    """Return metadata with a network's temperatures and thresholds, for each kind of test-time augmentation.

    Averages over several copies of a face are less sure than single answers, and 8-bit integers answer otherwise than
    floating point: each needs its own. The same images give temperature and thresholds; one number that is fitted to
    them moves their coverage by next to nothing.

    Args:
        metadata: of the network.
        classifier: the network, in the precision that is calibrated.
        pixels: uint8 (N, height, width), images that it did not learn from.
        labels: int (N,), indices into its classes.
    """
    temperatures, thresholds = {}, {}
    for tta in get_args(Tta):
        probabilities = classifier.predict_proba(pixels, tta=tta, calibrated=False)
        temperatures[tta] = fit_temperature(labels, probabilities)
        thresholds[tta] = fit_thresholds(labels, apply_temperature(probabilities, temperatures[tta]))
    return replace(
        metadata,
        temperature=temperatures.pop("none"),
        tta_temperatures=temperatures,
        set_thresholds=thresholds,
    )
