"""Training a network: early stopping, the best and the last model, resumption after a kill."""

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import psutil

from mien._io.classes import save_classes
from mien._io.errors import InputError
from mien.config import TrainingConfig
from mien.models.complexity import min_training_memory
from mien.models.keras_backend import (
    fused_batch_norm,
    keep_freed_memory,
    keras,
    prefetch,
    use_bfloat16,
    without_distribution,
)
from mien.models.serialization import make_reproducible
from mien.training import process_group
from mien.training.batches import Batches, digest, drop_remainder
from mien.training.checkpointing import CheckpointCallback
from mien.training.muon import Muon

#: Validation images that a network reads at once, in training and before it.
VALIDATION_BATCH = 512


@dataclass(frozen=True)
class TrainingJob:
    """One training job for `fit`: network, data, configuration and folders.

    Attributes:
        model: the network, not compiled yet.
        loss: compares its probabilities with the targets.
        train: the training batches.
        validation: inputs (N, ...) and targets (N, classes); N % train.replicas rows are left out.
        classes: names in the order of the network's outputs.
        config: epochs, patience, batch size, optimizer and so on.
        folder: an existing folder for the models.
        checkpoints: a folder for the state after the last finished epoch. A killed training resumes from there if `key`
            is still the same, and ends with the same bytes as if nothing had happened. The caller removes the folder at
            the end.
        on_epoch: called with the row of each finished epoch, including those before a resumption, and with
            epoch_seconds, its duration.
    """

    model: keras.Model
    loss: keras.losses.Loss
    train: Batches
    validation: tuple[np.ndarray, np.ndarray]
    classes: list[str]
    config: TrainingConfig
    folder: Path
    checkpoints: Path
    on_epoch: Callable[[dict[str, float]], None] = lambda _: None

    def key(self) -> str:
        """Return a hash over everything that determines the training. Checkpoints with another key are not used.

        This is the network with its start weights and frozen layers, data, class weights, loss, seed and config, and
        the validation data, which decide when the training stops.
        """
        config = json.dumps(self.config.model_dump(), sort_keys=True)
        loss = json.dumps(self.loss.get_config(), sort_keys=True)
        weights = map(keras.ops.convert_to_numpy, self.model.weights)
        return digest((self.model.to_json(), config, loss, self.train.digest()), (*weights, *self.validation))


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and Keras, and restart the numbering of layers, so that a training repeats bit for bit."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)


def smoothed_loss(label_smoothing: float) -> keras.losses.Loss:
    """Return cross-entropy with label smoothing: a share of each label goes to all classes (Szegedy et al. 2016)."""
    return keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)


def focal_loss(gamma: float) -> keras.losses.Loss:
    """Return focal loss, which gives hard cases more weight than easy ones (Lin et al. 2017)."""
    return keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=gamma)


def fit(job: TrainingJob) -> pd.DataFrame:
    """Train for `epochs` epochs, or until `patience` epochs brought no lower validation loss (early stopping).

    Writes `best.keras` (see `best_epoch`), `last.keras` and `classes.json`. The same weights give the same bytes. If
    several processes train, each calls this with the same job; they share its folders, and one of them writes.

    Returns:
        One row per epoch: epoch (from 1), accuracy, loss, val_accuracy, val_loss, learning_rate; six decimals.

    Raises:
        InputError: too little memory is free; a loss became NaN or infinite; or processes that train together have
            different data, params, code or checkpoints.
    """
    model, config, train = job.model, job.config, job.train
    processes = process_group.process_count()
    _check_memory(model, config.batch_size // processes)
    keep_freed_memory()
    if config.precision == "bfloat16":
        use_bfloat16()
    model.compile(_optimizer(config, len(train)), job.loss, metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    checkpoints = CheckpointCallback(job.checkpoints, job.key(), config.patience, job.on_epoch)
    done = checkpoints.restore(model)
    if done < config.epochs and not checkpoints.out_of_patience():
        with fused_batch_norm():
            model.fit(
                prefetch(train),
                validation_data=_validation_shard(job),
                validation_batch_size=VALIDATION_BATCH // train.replicas * train.replicas // processes,
                initial_epoch=done,
                epochs=config.epochs,
                callbacks=[keras.callbacks.LambdaCallback(lambda epoch, _: train.set_epoch(epoch + 1)), checkpoints],
                shuffle=False,  # Batches shuffles
                verbose=1 if sys.stdout.isatty() else 2,
            )
    if process_group.is_main_process():
        _save(job, checkpoints)
    return pd.DataFrame(checkpoints.rows)


def _validation_shard(job: TrainingJob) -> tuple[np.ndarray, ...]:
    return tuple(process_group.shard(drop_remainder(rows, job.train.replicas)) for rows in job.validation)


def _save(job: TrainingJob, checkpoints: CheckpointCallback) -> None:
    with without_distribution():
        job.model.save(job.folder / "last.keras")
        checkpoints.copy_best(job.folder / "best.keras")
        for name in ("best", "last"):
            make_reproducible(job.folder / f"{name}.keras")
    save_classes(job.folder, job.classes)


def _check_memory(model: keras.Model, batch_size: int) -> None:
    needed, free = min_training_memory(model, batch_size), psutil.virtual_memory().available
    if needed > free:
        raise InputError(
            f"batch_size: found {batch_size}: {model.name} then needs at least {needed / 2**30:.1f} GiB, but only "
            f"{free / 2**30:.1f} GiB of memory are free; try a smaller one"
        )


def _optimizer(config: TrainingConfig, batches: int) -> keras.optimizers.Optimizer:
    warmup = max(config.epochs // 20, 1)
    schedule = keras.optimizers.schedules.CosineDecay(
        config.learning_rate / 10,
        decay_steps=max((config.epochs - warmup) * batches, 1),
        warmup_target=config.learning_rate,
        warmup_steps=warmup * batches,
    )
    match config.optimizer:
        case "adam":
            optimizer = keras.optimizers.Adam(schedule, weight_decay=config.weight_decay)
        case "muon":
            optimizer = Muon(schedule, weight_decay=config.weight_decay)
        case "sgd":
            optimizer = keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True, weight_decay=config.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer
