"""Fits the head that reads Action Units (AUs) from the features of a network for faces.

Tools that label AUs do not see all of them: MediaPipe's blendshapes tell nothing about wrinkled noses and little about
raised cheeks. Emotions complement them: a face that looks disgusted has a wrinkled nose (Zhang et al. 2018, Classifier
learning with prior probabilities for facial action unit recognition, CVPR). So the features learn from labels, AU
tables give the AUs of each emotion, and each AU has a weight for both.
"""

from collections.abc import Collection, Sequence

import numpy as np

from mien.aus.facs import AUS
from mien.aus.rules import TABLES, AuTable
from mien.models.onnx_aus import AuHead

_LEAST = 0.02  # minimum of shares and probabilities, which keeps log-odds finite
_PENALTY = 1.0  # of squared weights of standardized features, per face; the best of three on held-out training faces
_STILL = 1e-3  # added to standard deviations, because a feature that hardly changes tells nothing

#: By AU, the weights of the log-odds of features and of emotions in their mean. They express how well MediaPipe's
#: blendshapes measure an AU (docs/face_aus.md).
_WEIGHTS = {
    1: (0.75, 0.25),
    2: (0.75, 0.25),
    4: (0.5, 0.5),
    5: (0.75, 0.25),
    6: (0.4, 0.6),
    7: (0.6, 0.4),
    9: (0.0, 1.0),
    10: (0.4, 0.6),
    12: (0.8, 0.2),
    15: (0.4, 0.6),
    16: (0.6, 0.4),
    17: (0.6, 0.4),
    20: (0.6, 0.4),
    23: (0.3, 0.7),
    24: (0.4, 0.6),
    25: (0.85, 0.15),
    26: (1.0, 0.0),
}


def presence(classes: Sequence[str]) -> np.ndarray:
    """Return P(AU | emotion), the mean over the package's AU tables: float64 (classes, AUS), above 0 and below 1.

    Emotions that are in no table, such as neutral, have no AU.
    """
    shares = np.zeros((len(classes), len(AUS)))
    for table in map(AuTable.load, TABLES):
        for emotion, rule in table.emotions.items():
            for au, share in (dict.fromkeys(rule.positive, 1.0) | rule.optional).items():
                shares[list(classes).index(emotion), AUS.index(au)] += share / len(TABLES)
    return shares.clip(_LEAST, 1 - _LEAST)


def fit_au_head(
    features: np.ndarray, intensities: np.ndarray, given: Collection[int], classes: Sequence[str]
) -> AuHead:
    """Fit the log-odds of intensities by ridge regression (Hoerl & Kennard 1970).

    Args:
        features: float32 (N, features).
        intensities: (N, AUS), 0..100.
        given: the labelled AUs; all others follow from the emotions alone.
        classes: the emotions, in the network's order.
    """
    kernel, bias = _ridge(features, _log_odds(intensities / 100))
    of_features, of_emotions = np.array([_WEIGHTS[au] if au in given else (0, 1) for au in AUS]).T
    return AuHead(kernel * of_features, bias * of_features, presence(classes), of_emotions)


def _log_odds(shares: np.ndarray) -> np.ndarray:
    shares = shares.clip(_LEAST, 1 - _LEAST)
    return np.log(shares / (1 - shares)).astype(np.float32)


def _ridge(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return weights and bias of y = x @ weights + bias, for features that are not standardized."""
    mean, scale = x.mean(axis=0), x.std(axis=0) + _STILL
    standardized = (x - mean) / scale
    products = standardized.T @ standardized
    products[np.diag_indices_from(products)] += _PENALTY * len(x)
    weights = np.linalg.solve(products, standardized.T @ (y - y.mean(axis=0))) / scale[:, None]
    return weights, y.mean(axis=0) - mean @ weights
