"""Estimates how frequent each emotion is in a folder of photos, by reading all faces once."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from tqdm import tqdm

from mien._io.errors import InputError, note
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.priors import describe_shares
from mien.inference.pictures.photo_files import find_photos, read_photo
from mien.inference.recognizer import EmotionRecognizer


def with_prior_of_photos(recognizer: EmotionRecognizer, paths: Sequence[Path]) -> FaceClassifier:
    """Return a recognizer's network with the shares of emotions that EM estimates from photos. A note names them.

    Unreadable photos are skipped here; `read_photos` reports them.

    Args:
        recognizer: finds and reads the faces. Its prior is "training".
        paths: photos, and folders of them.

    Raises:
        InputError: the recognizer gives prediction sets, which are for the prior of training alone; or see
            `FaceClassifier.estimate_prior`.
    """
    if recognizer.coverage is not None:
        raise InputError("coverage: found the prior em, expected training, as thresholds are for that alone")
    classifier = recognizer.classifier
    answers = [np.empty((0, len(classifier.classes_)), np.float32)]
    for photo in tqdm(find_photos(paths, lambda _: None), "estimating", unit=" photos", disable=None, delay=2):
        with suppress(InputError):
            image = read_photo(photo, lambda _: None)
            answers.append(recognizer.read(image, recognizer.detector.detect(image)).probabilities)
    prior = classifier.estimate_prior(np.concatenate(answers))
    note(f"--prior {describe_shares(classifier.classes_, np.array(list(prior.values())))} is what em estimates")
    return classifier.with_prior(prior)
