"""Out-of-fold answers: a classifier answers for each labelled face after training on other faces of the set.

It is a logistic regression on the emotions and Action Units that `mien_wild` reads, so it works with any classes, needs
few faces, and takes little longer than reading them. `mien_wild` itself was trained on FER2013 and news photos and
remembers their labels, so it doubts fewer of those than it should.
"""

from collections.abc import Iterable

import numpy as np
import pandas as pd

from mien._io.errors import InputError
from mien.data.arrays import Images
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.pretrained import DEFAULT_NETWORK
from mien.splits import connected

_LEAST = 1e-4  # minimum of a probability, before its logarithm is taken


def out_of_fold(images: Iterable[Images], groups: pd.Series, folds: int, seed: int) -> np.ndarray:
    """Return the probability of each class for each image, by cross-validation: float64 (N, classes).

    Args:
        images: sets of the same classes, N images in total.
        groups: N values; images with equal values are in one fold.
        folds: number of parts; each is classified after training on the others.
        seed: for the folds.

    Raises:
        InputError: a class has fewer groups than there are folds.
    """
    from sklearn.linear_model import LogisticRegression  # takes a second and 80 MB to load
    from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    sets = [part for part in images if len(part.labels)]
    labels = np.concatenate([part.labels for part in sets])
    least = groups.groupby(labels).nunique()
    if least.min() < folds:
        name = sets[0].classes[int(str(least.idxmin()))]
        raise InputError(
            f"prepare_fer.label_error_folds: found {folds}, expected at most {least.min()}, as {name} has so many "
            "distinct images"
        )
    classifier = FaceClassifier.from_pretrained(DEFAULT_NETWORK)
    features = np.concatenate([_features(classifier, part.pixels) for part in sets])
    parts = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    probabilities: np.ndarray = cross_val_predict(
        model, features, labels, groups=groups, cv=parts, method="predict_proba"
    )
    return probabilities


def groups_of(index: pd.DataFrame) -> pd.Series:
    """Return a group value for each image, shared with near-duplicates and with other images of the person.

    Args:
        index: with the columns hash and near, and person, if known, see `mien.data.audit`.
    """
    alike = index["near"].astype("str").where(index["near"] >= 0, index["hash"])
    if "person" not in index or not index["person"].any():
        return alike
    return connected(index["person"].where(index["person"] != "", alike), alike)


def _features(classifier: FaceClassifier, pixels: np.ndarray) -> np.ndarray:
    """Return log-probabilities of emotions and intensities of AUs: float32 (N, emotions + AUs)."""
    readings = classifier.read(pixels, calibrated=False)
    return np.hstack([np.log(readings.probabilities.clip(_LEAST)), readings.aus])
