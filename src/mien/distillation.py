"""Distillation: a network learns from the answers of a trained one (Hinton et al. 2015)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mien.errors import InputError
from mien.onnx_model import OnnxModel
from mien.schema import Schema, Share


class Distillation(Schema):
    """Who teaches, and how much it counts.

    teacher: folder of a model, such as `train_cnn` writes. share: of each target that is the teacher's answer, the rest
    is the label's; 0: no teacher.
    """

    teacher: str
    share: Share


def taught_by(
    distillation: Distillation, classes: list[str], size: int
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return a function that gives the teacher's answers their share of the targets of a batch.

    It takes images, uint8 (N, size, size), and targets, float32 (N, classes), and returns new targets. The teacher is
    asked about the very views that the network learns from, however often they change (Beyer et al. 2022).

    Raises:
        InputError: the teacher cannot be read, or is for other classes or another size.
    """
    if not distillation.share:
        return lambda _, targets: targets
    teacher = OnnxModel.load(Path(distillation.teacher), threads=0, example="models/cnn")
    if (teacher.classes, teacher.shape, teacher.dtype) != (classes, (size, size), "tensor(uint8)"):
        raise InputError(
            f"train_cnn.distillation.teacher: {teacher.path} takes {teacher.dtype} of {teacher.shape} and answers "
            f"{', '.join(teacher.classes)}; expected tensor(uint8) of {(size, size)} and {', '.join(classes)}"
        )
    share = np.float32(distillation.share)
    return lambda images, targets: (1 - share) * targets + share * teacher.predict(images)
