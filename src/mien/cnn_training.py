"""Training the CNN of the params on the arrays of the pipeline."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from mien.distillation import taught
from mien.engine import replicated
from mien.errors import InputError
from mien.fine_tuning import fit_in_phases
from mien.images.arrays import Images
from mien.images.augment import augment
from mien.images.balance import read_class_weights
from mien.images.mix import mix
from mien.models.registry import TRANSFER, build
from mien.params import Params
from mien.training import Batches, seed_everything, smoothed_loss


def train(
    params: Params, folder: Path, *, checkpoints: Path, on_epoch: Callable[[dict[str, float]], None]
) -> pd.DataFrame:
    """Train a network as train_cnn of `params` says, on data/balanced and data/fer of the current folder.

    On the backend that this process has loaded; where it is one of several, each calls this. The other arguments, what
    is written and returned, and what may go wrong are those of `training.fit`.
    """
    section, seed = params.train_cnn, params.base.seed
    seed_everything(seed)
    train = Images.load(Path("data/balanced"), "train")
    validation = Images.load(Path("data/fer"), "validation")
    if (validation.classes, validation.size) != (train.classes, train.size):
        raise InputError(
            f"data/fer: found validation images of classes {validation.classes}, size {validation.size}, expected "
            f"those of data/balanced: {train.classes}, {train.size}"
        )
    class_weights = read_class_weights(Path("data/balanced"), train.classes)
    targets = taught(train, section.distillation)

    def new_views(images: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        images, targets = mix(augment(images, section.augmentation, rng), targets, section.mixing, rng)
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
