"""Temperature scaling: fits the temperature that makes a network's confidence match its accuracy.

Guo et al., On calibration of modern neural networks, 2017. `mien.inference.networks.temperature` applies it. The
thresholds of prediction sets are fitted on the answers that it gives.

Own code, as it takes a few lines; scikit-learn's CalibratedClassifierCV calibrates scikit-learn's own estimators.
"""

from dataclasses import replace
from typing import get_args

import numpy as np

from mien.evaluation.conformal import fit_thresholds
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.temperature import above_zero, apply_temperature
from mien.inference.networks.tta import Tta
from mien.models.metadata import Metadata

_BOUNDS = (0.1, 10.0)


def fit_temperature(labels: np.ndarray, probabilities: np.ndarray) -> float:
    """Return the temperature with the lowest log loss, 0.1 .. 10, 4 digits. It is above 1 if a network is too sure.

    Args:
        labels: int (N,), indices into the columns of `probabilities`, for images that it was not trained on.
        probabilities: float (N, classes), not calibrated.
    """
    from scipy.optimize import minimize_scalar  # takes longer to load than all that predictions need
    from scipy.special import logsumexp

    logits = np.log(above_zero(probabilities))
    label_logits = logits[np.arange(len(labels)), labels]

    def log_loss(temperature: float) -> float:
        return float((logsumexp(logits / temperature, axis=1) - label_logits / temperature).mean())

    return round(float(minimize_scalar(log_loss, bounds=_BOUNDS, method="bounded", options={"xatol": 1e-6}).x), 4)


def calibrated(metadata: Metadata, classifier: FaceClassifier, pixels: np.ndarray, labels: np.ndarray) -> Metadata:
    """Return metadata with a network's temperatures and thresholds for each kind of test-time augmentation.

    Averages over several copies of a face are less sure than single answers, and 8-bit integers differ from floats, so
    each needs its own values. Temperature and thresholds are fitted on the same images; fitting one number first hardly
    changes their coverage.

    Args:
        metadata: the network's metadata.
        classifier: the network, in the precision to calibrate.
        pixels: uint8 (N, height, width), images that it was not trained on.
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
