"""Training: shuffled and augmented batches, early stopping, the best and the last model of a run."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from mien.engine import keras
from mien.errors import InputError
from mien.models.stored import make_reproducible, save_classes


class Batches(keras.utils.PyDataset):
    """Batches of (inputs, one-hot labels) in a new order each epoch.

    Order and augmentation follow from the seed, the epoch and the batch number alone.
    """

    def __init__(
        self,
        inputs: np.ndarray,
        labels: np.ndarray,
        classes: int,
        batch_size: int,
        seed: int,
        augment: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None,
    ) -> None:
        """Draw from `inputs` (N, ...) and integer `labels` (N,); `augment` makes new views of a batch of inputs."""
        super().__init__()
        self._inputs, self._labels = inputs, keras.utils.to_categorical(labels, classes)
        self._batch_size, self._seed, self._augment = batch_size, seed, augment
        self._epoch = -1
        self.on_epoch_begin()

    def __len__(self) -> int:
        return -(-len(self._inputs) // self._batch_size)

    def on_epoch_begin(self) -> None:
        self._epoch += 1
        self._order = np.random.default_rng((self._seed, self._epoch)).permutation(len(self._inputs))

    def __getitem__(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self._order[number * self._batch_size : (number + 1) * self._batch_size]
        inputs = self._inputs[rows]
        if self._augment:
            inputs = self._augment(inputs, np.random.default_rng((self._seed, self._epoch, number)))
        return inputs, self._labels[rows]


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and Keras and number layers anew, so that a training repeats bit for bit."""
    keras.utils.clear_session()
    keras.utils.set_random_seed(seed)


def smoothed_loss(label_smoothing: float) -> keras.losses.Loss:
    """Return cross-entropy with that share of each label spread over all classes (Szegedy et al. 2016)."""
    return keras.losses.CategoricalCrossentropy(label_smoothing=label_smoothing)


def focal_loss(gamma: float) -> keras.losses.Loss:
    """Return focal loss, which turns from cases that are already right to the hard ones (Lin et al. 2017)."""
    return keras.losses.CategoricalFocalCrossentropy(alpha=1.0, gamma=gamma)


def fit(
    model: keras.Model,
    loss: keras.losses.Loss,
    train: Batches,
    validation: tuple[np.ndarray, np.ndarray],
    classes: list[str],
    folder: Path,
    *,
    epochs: int,
    patience: int,
    learning_rate: float,
    on_epoch: Callable[[dict[str, float]], None],
) -> pd.DataFrame:
    """Train until `epochs` are done, or `patience` epochs brought no better validation accuracy.

    Adam (Kingma & Ba 2015); its rate rises during the first epoch, then falls to zero as a cosine (Loshchilov &
    Hutter 2017). Writes `best.keras` (highest validation accuracy, the first of equals), `last.keras` and
    `classes.json` into `folder`, the same bytes for the same weights.

    Args:
        validation: inputs (N, ...) and integer labels (N,).
        on_epoch: hears the row of each finished epoch.

    Returns:
        One row an epoch: epoch (from 1), accuracy, loss, val_accuracy, val_loss, learning_rate.

    Raises:
        InputError: the loss became NaN or infinite.
    """
    batches = len(train)
    schedule = keras.optimizers.schedules.CosineDecay(
        learning_rate / 10,
        decay_steps=max((epochs - 1) * batches, 1),
        warmup_target=learning_rate,
        warmup_steps=batches,
    )
    model.compile(keras.optimizers.Adam(schedule), loss, metrics=["accuracy"])

    best, last = folder / "best.keras", folder / "last.keras"
    watch: dict[str, str] = {"monitor": "val_accuracy", "mode": "max"}
    history = _History(on_epoch)
    model.fit(
        train,
        validation_data=(validation[0], keras.utils.to_categorical(validation[1], len(classes))),
        validation_batch_size=512,
        epochs=epochs,
        callbacks=[
            history,
            keras.callbacks.ModelCheckpoint(best, save_best_only=True, **watch),
            keras.callbacks.EarlyStopping(patience=patience, **watch),
        ],
        shuffle=False,  # Batches shuffles
        verbose=1 if sys.stdout.isatty() else 2,
    )
    model.save(last)
    for path in (best, last):
        make_reproducible(path)
    save_classes(folder, classes)
    return pd.DataFrame(history.rows).round(6)


class _History(keras.callbacks.Callback):
    """Keeps the figures of each epoch, passes them on, and stops a training that diverged."""

    def __init__(self, on_epoch: Callable[[dict[str, float]], None]) -> None:
        super().__init__()
        self.rows: list[dict[str, float]] = []
        self._on_epoch = on_epoch

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        row = {name: float(value) for name, value in sorted((logs or {}).items())}
        if not np.isfinite(row["loss"]):
            raise InputError(
                f"epoch {epoch + 1}: found a loss of {row['loss']}, expected a finite one; try a lower learning_rate"
            )
        row = {"epoch": epoch + 1, **row, "learning_rate": float(self.model.optimizer.learning_rate)}
        self.rows.append(row)
        self._on_epoch(row)
