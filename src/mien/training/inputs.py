"""The inputs of train_cnn: images, class weights and, with distillation, a teacher."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from mien._io.errors import InputError
from mien.config import TrainCnn
from mien.data.arrays import Images
from mien.data.balance import read_class_weights
from mien.models.registry import check_start
from mien.training.distillation import Teacher


@dataclass(frozen=True)
class Inputs:
    """The inputs for training a network for faces.

    Attributes:
        folders: the folders of training and validation images. Separate training processes open them again.
        train: training images, memory-mapped.
        validation: images that decide which epoch is kept, memory-mapped.
        class_weights: float32 (classes,), the weight of each class in the loss.
        teacher: its answers are mixed into the targets; None without distillation.
    """

    folders: tuple[Path, Path]
    train: Images
    validation: Images
    class_weights: np.ndarray
    teacher: Teacher | None

    @classmethod
    def load(cls, train_folder: Path, validation_folder: Path, config: TrainCnn) -> Self:
        """Open the outputs of `oversample_augment` (training images, class weights) and `prepare_fer` (validation).

        Raises:
            InputError: images, class weights, teacher or pretrained weights are missing or damaged, or do not fit each
                other.
        """
        train = Images.load(train_folder, "train")
        validation = Images.load(validation_folder, "validation")
        if (validation.classes, validation.size) != (train.classes, train.size):
            raise InputError(
                f"{validation_folder}: found validation images of classes {validation.classes}, size "
                f"{validation.size}, expected those of {train_folder}: {train.classes}, {train.size}"
            )
        teacher = Teacher.load(config.distillation, train.classes, train.size)
        check_start(config.network, config.transfer)
        class_weights = read_class_weights(train_folder, train.classes)
        return cls((train_folder, validation_folder), train, validation, class_weights, teacher)
