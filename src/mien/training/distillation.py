"""Distillation: a network learns from the answers of a trained one (Hinton et al. 2015)."""

import numpy as np

from mien._io.errors import InputError, within
from mien.config import Distillation
from mien.data.arrays import Images
from mien.inference.face_classifier import FaceClassifier


def load_teacher(images: Images, distillation: Distillation) -> FaceClassifier | None:
    """Return the teacher of a network that learns from images, None where there is none.

    Raises:
        InputError: the teacher cannot be read, or is for other classes.
    """
    if not distillation.share:
        return None
    with within("train_cnn.distillation.teacher"):
        teacher = FaceClassifier.from_pretrained(distillation.teacher)
    if teacher.classes_ != images.classes:
        raise InputError(
            f"train_cnn.distillation.teacher: found classes {teacher.classes_} in {distillation.teacher}, expected "
            f"{images.classes}"
        )
    return teacher


def taught(images: Images, distillation: Distillation) -> np.ndarray:
    """Return the targets of images, shared with the teacher's answers: float32 (N, classes), rows that sum to 1.

    The teacher is asked once about ten fixed views of each image, whose mean is better than its answer to the image
    alone. It is not asked about the views that augmentation makes anew each epoch: on two cores its answers take longer
    than a step of the network that learns.

    Raises:
        InputError: see `load_teacher`.
    """
    targets, teacher = images.targets(), load_teacher(images, distillation)
    if teacher is None:
        return targets
    answers = teacher.predict_proba(images.pixels, tta=True)
    share = np.float32(distillation.share)
    return (1 - share) * targets + share * answers
