"""Training: shuffled and augmented batches, early stopping, the best and the last model, resumed when killed."""

import json
import shutil
import sys
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pandas as pd
import psutil

from mien._io.checksums import checked, save_checksums
from mien._io.classes import save_classes
from mien._io.errors import InputError
from mien.config import TrainingConfig
from mien.models.complexity import training_memory
from mien.models.keras_backend import fused_normalization, keras, prefetch, undistributed, use_bfloat16
from mien.models.serialization import make_reproducible
from mien.training import process_group
from mien.training.history import best_epoch
from mien.training.muon import Muon

_VALIDATION_BATCH = 512
Augment = Callable[[np.ndarray, np.ndarray, np.random.Generator], tuple[np.ndarray, ...]]


class Batches(keras.utils.PyDataset):
    """Batches of (inputs, targets), or of what `augment` makes of them, in a new order each epoch that is started.

    Order and augmentation follow from the seed, the epoch and the batch number alone. Where several processes train,
    each draws the whole batch and takes its share, so that neither depends on how many they are.
    """

    def __init__(
        self,
        inputs: np.ndarray,
        targets: np.ndarray,
        batch_size: int,
        seed: int,
        augment: Augment | None = None,
        replicas: int = 1,
    ) -> None:
        """Draw from `inputs` (N, ...) and `targets` (N, classes).

        `augment` takes a batch of both and returns new ones, and where it likes a weight (N,) in the loss for each.
        Each of `replicas` copies of the network, by which `batch_size` can be divided, gets as many of a batch: each
        epoch leaves out N % replicas cases, others each time.
        """
        super().__init__()
        self._inputs, self._targets = inputs, targets
        self._batch_size, self._seed, self._augment = batch_size, seed, augment
        self.replicas = replicas
        self.start(0)

    def __len__(self) -> int:
        return -(-len(self._order) // self._batch_size)

    def start(self, epoch: int) -> None:
        """Draw as in this epoch. Keras' own on_epoch_begin is also called for what is no epoch, by some backends."""
        self._epoch = epoch
        order = np.random.default_rng((self._seed, self._epoch)).permutation(len(self._inputs))
        self._order = _divisible(order, self.replicas)

    def __getitem__(self, number: int) -> tuple[np.ndarray, ...]:
        rows = self._order[number * self._batch_size : (number + 1) * self._batch_size]
        inputs, targets = self._inputs[rows], self._targets[rows]
        batch: tuple[np.ndarray, ...] = inputs, targets
        if self._augment:
            batch = self._augment(inputs, targets, np.random.default_rng((self._seed, self._epoch, number)))
        return tuple(map(process_group.own, batch))

    def digest(self) -> str:
        """Return a hash of all that is drawn from."""
        digest = blake2b(repr((self._seed, self._batch_size)).encode(), digest_size=16)
        for array in (self._inputs, self._targets):
            digest.update(np.ascontiguousarray(array).data)
        return digest.hexdigest()


def _divisible(rows: np.ndarray, replicas: int) -> np.ndarray:
    return rows[: len(rows) - len(rows) % replicas]


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
    plan: TrainingConfig,
    *,
    checkpoints: Path,
    on_epoch: Callable[[dict[str, float]], None],
) -> pd.DataFrame:
    """Train until `plan.epochs` are done, or `plan.patience` epochs brought no lower validation loss.

    Writes `best.keras` (see `best_epoch`), `last.keras` and `classes.json` into `folder`, the same bytes for the same
    weights. Where several processes train, all call this with the same arguments; they share the storage of `folder`
    and `checkpoints`, and one of them writes.

    Args:
        validation: inputs (N, ...) and targets (N, classes), of which N % train.replicas are left out.
        checkpoints: a folder for the state after the last finished epoch. A training that was killed goes on from
            there, if network, data, seed and plan are still the same, and ends with the same bytes as if nothing had
            happened. The caller removes it when it has what it wanted.
        on_epoch: hears the row of each finished epoch, those before a resumption included, and the epoch_seconds that
            it took.

    Returns:
        One row an epoch: epoch (from 1), accuracy, loss, val_accuracy, val_loss, learning_rate; six decimals.

    Raises:
        InputError: too little memory is free, a loss became NaN or infinite, or processes that train together have
            different data, params, code or checkpoints.
    """
    _check_memory(model, plan.batch_size // process_group.size())
    if plan.precision == "bfloat16":
        use_bfloat16()
    model.compile(_optimizer(plan, len(train)), loss, metrics=["accuracy"])
    model.optimizer.build(model.trainable_variables)
    task = blake2b(f"{model.to_json()}{plan!r}{train.digest()}".encode(), digest_size=16).hexdigest()
    progress = _Progress(checkpoints, task, plan.patience, on_epoch)
    done = progress.resume(model)
    if not progress.finished(plan.epochs):
        with fused_normalization():
            model.fit(
                prefetch(train),
                validation_data=tuple(process_group.own(_divisible(part, train.replicas)) for part in validation),
                validation_batch_size=_VALIDATION_BATCH // train.replicas * train.replicas // process_group.size(),
                initial_epoch=done,
                epochs=plan.epochs,
                callbacks=[keras.callbacks.LambdaCallback(lambda epoch, _: train.start(epoch + 1)), progress],
                shuffle=False,  # Batches shuffles
                verbose=1 if sys.stdout.isatty() else 2,
            )
    if process_group.leads():
        with undistributed():
            model.save(folder / "last.keras")
            progress.copy_best(folder / "best.keras")
            for name in ("best", "last"):
                make_reproducible(folder / f"{name}.keras")
        save_classes(folder, classes)
    return pd.DataFrame(progress.rows)


def _check_memory(model: keras.Model, batch_size: int) -> None:
    needed, free = training_memory(model, batch_size), psutil.virtual_memory().available
    if needed > free:
        raise InputError(
            f"batch_size: found {batch_size}, with which {model.name} needs at least {needed / 2**30:.1f} GiB, "
            f"expected no more than the {free / 2**30:.1f} GiB of memory that are free; try a smaller one"
        )


def _optimizer(plan: TrainingConfig, batches: int) -> keras.optimizers.Optimizer:
    warmup = max(plan.epochs // 20, 1)
    schedule = keras.optimizers.schedules.CosineDecay(
        plan.learning_rate / 10,
        decay_steps=max((plan.epochs - warmup) * batches, 1),
        warmup_target=plan.learning_rate,
        warmup_steps=warmup * batches,
    )
    match plan.optimizer:
        case "adam":
            optimizer = keras.optimizers.Adam(schedule, weight_decay=plan.weight_decay)
        case "muon":
            optimizer = Muon(schedule, weight_decay=plan.weight_decay)
        case "sgd":
            optimizer = keras.optimizers.SGD(schedule, momentum=0.9, nesterov=True, weight_decay=plan.weight_decay)
    optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
    return optimizer


class _Progress(keras.callbacks.Callback):
    """Keeps the figures of each epoch, the state after the last and the best model; stops what no longer learns.

    Keras' own BackupAndRestore writes weights and epoch one after the other, and forgets what was best so far. Here the
    state of an epoch is a folder that gets its name when it is whole.
    """

    def __init__(self, folder: Path, task: str, patience: int, on_epoch: Callable[[dict[str, float]], None]) -> None:
        super().__init__()
        self.rows: list[dict[str, float]] = []
        self._seconds: list[float] = []  # that each epoch took
        self._began = monotonic()
        self._folder, self._task, self._patience, self._on_epoch = folder, task, patience, on_epoch

    def resume(self, model: keras.Model) -> int:
        """Load the state of the last finished epoch, where there is one of the same task; return how many are done."""
        if process_group.leads() and self._progress().get("task") != self._task:
            shutil.rmtree(self._folder, ignore_errors=True)
        process_group.agree("data, params or code", self._task)
        progress = self._progress()
        process_group.agree(f"checkpoints in {self._folder}", progress)
        if not progress:
            return 0
        model.load_weights(self._state(len(progress["rows"])) / "state.keras")
        for state, value in zip(_random_states(model), progress["random_states"], strict=True):
            state.assign(value)
        self.rows, self._seconds = progress["rows"], progress["seconds"]
        for row, seconds in zip(self.rows, self._seconds, strict=True):
            self._on_epoch(row | {"epoch_seconds": seconds})
        print(f"Resuming after epoch {len(self.rows)}", file=sys.stderr)
        return len(self.rows)

    def _progress(self) -> dict[str, Any]:
        """Return task, rows and random states as of the last finished epoch; nothing where there is none, or damage."""
        left = sorted(self._folder.glob("epoch-*[0-9]/progress.json"))
        if not left:
            return {}
        try:
            for name in ("best.keras", "progress.json", "state.keras"):
                checked(left[-1].with_name(name))
            return json.loads(left[-1].read_text())
        except (InputError, OSError) as error:
            print(f"Training anew: {error}", file=sys.stderr)
            return {}

    def _state(self, epochs: int) -> Path:
        return self._folder / f"epoch-{epochs:05d}"

    def finished(self, epochs: int) -> bool:
        return len(self.rows) >= epochs or len(self.rows) - self._best() >= self._patience

    def _best(self) -> int:
        """Return the number of the best epoch so far, from 1; 0 where there is none yet."""
        return int(best_epoch(pd.DataFrame(self.rows))["epoch"]) if self.rows else 0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        row = {name: float(value) for name, value in sorted((logs or {}).items())}
        for name in ("loss", "val_loss"):
            if not np.isfinite(row[name]):
                raise InputError(
                    f"epoch {epoch + 1}: found a {name} of {row[name]}, expected a finite one; "
                    "try a lower learning_rate"
                )
        row |= {"learning_rate": float(self.model.optimizer.learning_rate)}
        # rounded as history.csv shows them, so that whoever reads that finds the same best epoch
        row = {"epoch": epoch + 1, **{name: round(value, 6) for name, value in row.items()}}
        self.rows.append(row)
        began, self._began = self._began, monotonic()
        self._seconds.append(round(self._began - began, 2))
        if process_group.leads():
            with undistributed():
                self._save()
        self._on_epoch(row | {"epoch_seconds": self._seconds[-1]})
        self.model.stop_training = self.finished(epoch + 2)

    def _save(self) -> None:
        state = self._state(len(self.rows))
        partial = state.with_suffix(".partial")
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        self.model.save(partial / "state.keras")  # HDF5 itself crashes on a full disk; here it writes to memory first
        if self._best() == len(self.rows):
            self.model.save(partial / "best.keras", include_optimizer=False)
        else:
            shutil.copyfile(self._state(len(self.rows) - 1) / "best.keras", partial / "best.keras")
        random_states = [keras.ops.convert_to_numpy(state).tolist() for state in _random_states(self.model)]
        progress = {"task": self._task, "rows": self.rows, "seconds": self._seconds, "random_states": random_states}
        (partial / "progress.json").write_text(json.dumps(progress))
        save_checksums(partial)
        partial.rename(state)
        for old in self._folder.glob("epoch-*"):
            if old != state:
                shutil.rmtree(old)

    def copy_best(self, path: Path) -> None:
        """Copy the best model so far to `path`."""
        shutil.copyfile(self._state(len(self.rows)) / "best.keras", path)


def _random_states(model: keras.Model) -> list[keras.Variable]:
    """Return what dropout draws from, which Keras does not count among the weights."""
    return [variable for variable in model.variables if variable.name.endswith("seed_generator_state")]
