"""Training a network for faces as the params say, in this process."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from mien.config import Params
from mien.data.augment import augment
from mien.data.mixup import mixup
from mien.models.keras_backend import data_parallel
from mien.models.registry import TRANSFER, build
from mien.training.batches import Batches
from mien.training.distillation import distillation_targets
from mien.training.fine_tuning import fit_in_phases
from mien.training.inputs import Inputs
from mien.training.trainer import TrainingJob, seed_everything, smoothed_loss


def train(
    inputs: Inputs, params: Params, folder: Path, *, checkpoints: Path, on_epoch: Callable[[dict[str, float]], None]
) -> pd.DataFrame:
    """Train a network as train_cnn of `params` says, on the backend that this process has loaded.

    Where this process is one of several, each calls this. `folder`, `checkpoints`, `on_epoch`, what is written,
    returned and raised: see `TrainingJob` and `fit` in `mien.training.trainer`.
    """
    config, seed = params.train_cnn, params.base.seed
    seed_everything(seed)
    train, validation = inputs.train, inputs.validation
    targets = distillation_targets(train, inputs.teacher, config.distillation.share)

    def augmented(images: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
        images, targets = mixup(augment(images, config.augmentation, rng), targets, config.mixup, rng)
        return images, targets, targets @ inputs.class_weights

    with data_parallel(config.replicas):
        job = TrainingJob(
            model=build(config.network, train.size, len(train.classes), config.transfer),
            loss=smoothed_loss(config.label_smoothing),
            train=Batches(train.pixels, targets, config.batch_size, seed, augmented, config.replicas),
            validation=(validation.pixels, validation.targets()),
            classes=train.classes,
            config=config,
            folder=folder,
            checkpoints=checkpoints,
            on_epoch=on_epoch,
        )
        return fit_in_phases(job, config.transfer.frozen_epochs if config.network in TRANSFER else 0)
