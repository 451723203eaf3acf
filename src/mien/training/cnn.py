"""Trains a network for faces by the params, in this process."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from mien.config import Params, TrainCnn
from mien.data.arrays import Images
from mien.data.augment import augment
from mien.data.mixup import mixup
from mien.models.keras_backend import data_parallel, keras
from mien.models.registry import build
from mien.training import process_group
from mien.training.batches import Batches
from mien.training.consistent import ConsistentBatches, Views, view_answers
from mien.training.distillation import distillation_targets, mixed, teacher_shares
from mien.training.fine_tuning import StartWeights, average_with_start, fit_in_phases
from mien.training.inputs import Inputs
from mien.training.trainer import VALIDATION_BATCH, TrainingJob, seed_everything, smoothed_loss


def measure(model: keras.Model, validation: Images, label_smoothing: float) -> dict[str, float]:
    """Return val_accuracy and val_loss of a network, measured as in training, 4 digits."""
    model.compile(loss=smoothed_loss(label_smoothing), metrics=["accuracy"])
    figures = model.evaluate(
        validation.pixels, validation.targets(), batch_size=VALIDATION_BATCH, verbose=0, return_dict=True
    )
    return {f"val_{name}": round(float(figures[name]), 4) for name in ("accuracy", "loss")}


def train(
    inputs: Inputs, params: Params, folder: Path, *, checkpoints: Path, on_epoch: Callable[[dict[str, float]], None]
) -> pd.DataFrame:
    """Train a network by train_cnn of `params`, on the Keras backend of this process.

    If several processes train together, each one calls this. For `folder`, `checkpoints`, `on_epoch`, outputs and
    errors see `TrainingJob` and `fit` in `mien.training.trainer`.
    """
    config, seed = params.train_cnn, (params.base.seed + params.train_cnn.seed_offset) % 2**32
    train, validation = inputs.train, inputs.validation
    start = StartWeights.load(config.network, config.transfer, train.pixels)
    seed_everything(seed)
    batches = _batches(inputs, config, seed, checkpoints / "teacher")
    with data_parallel(config.replicas):
        model = build(config.network, train.size, len(train.classes), config.transfer)
        if start:
            start.apply(model, train.classes)
        job = TrainingJob(
            model=model,
            loss=smoothed_loss(config.label_smoothing),
            train=batches,
            validation=(validation.pixels, validation.targets()),
            classes=train.classes,
            config=config,
            folder=folder,
            checkpoints=checkpoints,
            on_epoch=on_epoch,
        )
        weights = model.get_weights()
        history = fit_in_phases(job, config.transfer.frozen_epochs, config.transfer.tuning_rate)
    if config.transfer.start_share and process_group.is_main_process():
        average_with_start(folder, weights, config.transfer.start_share, train.pixels)
    return history


def _batches(inputs: Inputs, config: TrainCnn, seed: int, answers: Path) -> Batches:
    """Return augmented batches with the images' targets, mixed with a teacher's answers if there is one.

    answers: a folder for the teacher's answers to views.
    """
    train, teacher, views_of_each = inputs.train, inputs.teacher, config.distillation.views
    shares = teacher_shares(train, config.distillation)

    def blended(images: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return mixup(images, targets, config.mixup, rng)

    def augmented(images: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        return blended(augment(images, config.augmentation, rng), targets, rng)

    if not (teacher and views_of_each):
        targets = distillation_targets(train, teacher, shares)
        return Batches(train.pixels, targets, config.batch_size, seed, augmented, config.replicas, inputs.class_weights)
    views = Views(train.pixels, config.augmentation, min(views_of_each, config.epochs), seed)
    taught = np.flatnonzero(shares)
    targets = np.repeat(train.targets()[:, None], len(views), axis=1)
    targets[taught] = mixed(targets[taught], view_answers(teacher, views, taught, answers), shares[taught, None])
    return ConsistentBatches(views, targets, config.batch_size, seed, blended, config.replicas, inputs.class_weights)
