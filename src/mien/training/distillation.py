"""Knowledge distillation: a student network learns from the answers of a trained teacher (Hinton et al. 2015)."""

import numpy as np

from mien._io.errors import InputError, within
from mien.config import Distillation
from mien.data.arrays import Images
from mien.inference.face_classifier import FaceClassifier


def load_teacher(distillation: Distillation, classes: list[str]) -> FaceClassifier | None:
    """Return the teacher of a student that tells `classes` apart, None where there is none.

    Raises:
        InputError: the teacher cannot be read, or has other classes.
    """
    if not distillation.share:
        return None
    with within("train_cnn.distillation.teacher"):
        teacher = FaceClassifier.from_pretrained(distillation.teacher)
    if teacher.classes_ != classes:
        raise InputError(
            f"train_cnn.distillation.teacher: found classes {teacher.classes_} in {distillation.teacher}, expected "
            f"{classes}"
        )
    return teacher


def distillation_targets(images: Images, teacher: FaceClassifier | None, share: float) -> np.ndarray:
    """Return the targets of images, mixed with the teacher's answers: float32 (N, classes), rows that sum to 1.

    The teacher answers once for each image, with test-time augmentation: the mean over ten fixed copies is better
    than its answer for the image alone. It does not answer for the augmented images of each epoch: on two cores that
    would take longer than a step of the student.

    Args:
        images: N of them, of the teacher's classes.
        teacher: None: the targets are those of the images.
        share: of each target that is the teacher's answer, 0..1.
    """
    targets = images.targets()
    if teacher is None:
        return targets
    answers = teacher.predict_proba(images.pixels, tta="ten")
    weight = np.float32(share)
    return (1 - weight) * targets + weight * answers
