"""Training the CNN of the params on the arrays of the pipeline."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from mien._io.errors import InputError
from mien.config import Params
from mien.data.arrays import Images
from mien.data.augment import augment
from mien.data.balance import read_class_weights
from mien.data.mixup import mixup
from mien.models.keras_backend import replicated
from mien.models.registry import TRANSFER, build
from mien.models.transfer import check_weights
from mien.training.distillation import load_teacher, taught
from mien.training.fine_tuning import fit_in_phases
from mien.training.trainer import Batches, seed_everything, smoothed_loss


class Inputs(NamedTuple):
    """What a network learns from: images to train on, others to validate it by, and the weight of each class."""

    train: Images
    validation: Images
    class_weights: np.ndarray


def read_inputs(params: Params) -> Inputs:
    """Open data/balanced and data/fer of the current folder.

    Raises:
        InputError: one of them, the teacher or the file of weights is missing, or the images are damaged or do not fit
            each other or the teacher.
    """
    train = Images.load(Path("data/balanced"), "train")
    validation = Images.load(Path("data/fer"), "validation")
    if (validation.classes, validation.size) != (train.classes, train.size):
        raise InputError(
            f"data/fer: found validation images of classes {validation.classes}, size {validation.size}, expected "
            f"those of data/balanced: {train.classes}, {train.size}"
        )
    load_teacher(train, params.train_cnn.distillation)
    if params.train_cnn.network in TRANSFER:
        check_weights(params.train_cnn.transfer.weights)
    return Inputs(train, validation, read_class_weights(Path("data/balanced"), train.classes))


def train(
    params: Params, folder: Path, *, checkpoints: Path, on_epoch: Callable[[dict[str, float]], None]
) -> pd.DataFrame:
    """Train a network as train_cnn of `params` says, on what `read_inputs` opens.

    On the backend that this process has loaded; where it is one of several, each calls this. The other arguments, what
    is written and returned, and what may go wrong are those of `training.fit`.
    """
    section, seed = params.train_cnn, params.base.seed
    seed_everything(seed)
    train, validation, class_weights = read_inputs(params)
    targets = taught(train, section.distillation)

    def new_views(images: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        images, targets = mixup(augment(images, section.augmentation, rng), targets, section.mixup, rng)
        return images, targets, targets @ class_weights

    with replicated(section.replicas):
        return fit_in_phases(
            build(section.network, train.pixels.shape[1], len(train.classes), section.transfer),
            smoothed_loss(section.label_smoothing),
            Batches(train.pixels, targets, section.batch_size, seed, new_views, section.replicas),
            (validation.pixels, validation.targets()),
            train.classes,
            folder,
            section,
            frozen_epochs=section.transfer.frozen_epochs if section.network in TRANSFER else 0,
            checkpoints=checkpoints,
            on_epoch=on_epoch,
        )
