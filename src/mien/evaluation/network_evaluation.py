"""Measures both networks on their test splits and writes their reports."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from mien.data.arrays import Images
from mien.data.image_stats import sharpness
from mien.evaluation.conformal import Coverage
from mien.evaluation.metrics import PerClass, calibration_error, network_scores, per_class, scores
from mien.evaluation.reports import write_face_report, write_network_report, write_slices
from mien.evaluation.slices import Slices, face_properties
from mien.inference.networks.au_classifier import AUClassifier
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.temperature import apply_temperature
from mien.inference.networks.tta import Tta


class Evaluation(NamedTuple):
    """The figures of a network, in total and by class."""

    figures: dict[str, float]
    per_class: PerClass


def evaluate_au_network(
    folder: Path, classifier: AUClassifier, intensities: np.ndarray, labels: np.ndarray
) -> Evaluation:
    """Measure the network for Action Units, and write its report (`write_network_report`) as au_*.

    Args:
        folder: an existing folder.
        classifier: the network.
        intensities: float (N, AUs), 0..100.
        labels: int (N,), indices into the network's classes.
    """
    probabilities = classifier.predict_proba(intensities)
    write_network_report(folder, "au", "AU network, test", labels, probabilities, classifier.classes_)
    return Evaluation(
        scores(labels, probabilities, classifier.classes_), per_class(labels, probabilities, classifier.classes_)
    )


def evaluate_face_network(
    folder: Path,
    title: str,
    classifier: FaceClassifier,
    quantized: FaceClassifier,
    images: Images,
    tta: bool,
    leaks: np.ndarray,
    index: pd.DataFrame,
) -> Evaluation:
    """Measure a network for faces, see `network_scores`, and write its report (`write_face_report`) as cnn_*.

    It also writes accuracy by slices (`write_slices`); worst_slice_accuracy is the lowest one. Further figures:
    coverage_90, mean_set_size_90 and single_class_share_90 of prediction sets for a coverage of 90 %; accuracy_int8,
    with 8-bit integers; accuracy_mirror and accuracy_int8_mirror, with each face's mirror image;
    calibration_error_int8_mirror, for the answers of `mien image` on CPUs with fast 8-bit integers.

    Args:
        folder: an existing folder.
        title: title of the plots.
        classifier: the network; it has the same classes as the images.
        quantized: the same in 8-bit integers.
        images: the test split.
        tta: also measure the network with test-time augmentation by ten copies.
        leaks: bool (N,), images that the network may have been trained on.
        index: one row per image, see `face_properties`.
    """
    pixels, labels, classes = images.pixels, images.labels, images.classes
    probabilities = classifier.predict_proba(pixels, calibrated=False)
    augmented = classifier.predict_proba(pixels, tta="ten") if tta else None
    temperature = classifier.temperature
    write_face_report(folder, "cnn", title, pixels, labels, probabilities, classes, temperature)
    figures = network_scores(labels, probabilities, classes, temperature, tta=augmented, leaks=leaks)
    right = probabilities.argmax(axis=1) == labels
    slices = Slices.of(face_properties(index, sharpness(pixels)), right)
    write_slices(folder, "cnn", title, slices)
    figures |= {"worst_slice_accuracy": slices.worst["accuracy"]} if slices.worst else {}
    threshold = classifier.set_threshold(0.9, "none")
    figures |= Coverage.of(labels, apply_temperature(probabilities, temperature), threshold).figures("_90")
    figures |= {"accuracy_int8": _accuracy(quantized, images, "none")}
    if tta:
        figures |= {"accuracy_mirror": _accuracy(classifier, images, "mirror")}
        usual = quantized.predict_proba(pixels, tta="mirror")
        figures |= {"accuracy_int8_mirror": round(float((usual.argmax(axis=1) == labels).mean()), 4)}
        figures |= {"calibration_error_int8_mirror": round(calibration_error(labels, usual), 4)}
    return Evaluation(figures, per_class(labels, probabilities, classes))


def evaluate_extra_faces(classifier: FaceClassifier, images: Images) -> Evaluation:
    """Measure a network on faces of a further source, which may lack some classes.

    The figures are some of those of `network_scores`, and accuracy_mirror, with each face's mirror image.
    """
    probabilities = classifier.predict_proba(images.pixels, calibrated=False)
    figures = network_scores(images.labels, probabilities, images.classes, classifier.temperature)
    kept = ("accuracy", "accuracy_low", "accuracy_high", "balanced_accuracy", "calibration_error_calibrated")
    return Evaluation(
        {name: figures[name] for name in kept} | {"accuracy_mirror": _accuracy(classifier, images, "mirror")},
        per_class(images.labels, probabilities, images.classes),
    )


def _accuracy(classifier: FaceClassifier, images: Images, tta: Tta) -> float:
    predicted = classifier.predict_proba(images.pixels, tta=tta, calibrated=False).argmax(axis=1)
    return round(float((predicted == images.labels).mean()), 4)
