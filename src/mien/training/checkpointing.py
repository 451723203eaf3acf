"""Checkpoints: the state of a training after each epoch, to resume from after a kill."""

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import pandas as pd

from mien._io.atomic import atomic_folder
from mien._io.checksums import checked, save_checksums
from mien._io.errors import InputError
from mien.models.keras_backend import keras, without_distribution
from mien.training import process_group
from mien.training.history import best_epoch


class CheckpointCallback(keras.callbacks.Callback):
    """Keeps the metrics of each epoch, the state after the last epoch and the best model; does early stopping.

    Keras' own BackupAndRestore writes weights and epoch one after the other and forgets which epoch was best. Here the
    state of an epoch is a folder that gets its name when it is complete.

    Attributes:
        rows: the metrics of each finished epoch, see `training.fit`.
    """

    def __init__(self, folder: Path, key: str, patience: int, on_epoch: Callable[[dict[str, float]], None]) -> None:
        """Keep the checkpoints of one training.

        Args:
            folder: for the checkpoints.
            key: identifies the training; a checkpoint with another key is not used.
            patience: stop after this many epochs without a lower validation loss.
            on_epoch: called with the row of each finished epoch, including those before a resumption, and with
                epoch_seconds, its duration.
        """
        super().__init__()
        self.rows: list[dict[str, float]] = []
        self._seconds: list[float] = []  # duration of each epoch
        self._epoch_start = monotonic()
        self._folder, self._key, self._patience, self._on_epoch = folder, key, patience, on_epoch

    def restore(self, model: keras.Model) -> int:
        """Load the state after the last finished epoch of the same training, if any.

        Returns:
            The number of finished epochs.

        Raises:
            InputError: processes that train together have different keys or checkpoints.
        """
        if process_group.is_main_process() and self._read_progress().get("key") != self._key:
            self._remove_states()  # only these: the folder may also contain a teacher's answers
        process_group.assert_same("data, params or code", self._key)
        progress = self._read_progress()
        process_group.assert_same(f"checkpoints in {self._folder}", progress)
        if not progress:
            return 0
        model.load_weights(self._state_folder(len(progress["rows"])) / "state.keras")
        for state, value in zip(_random_states(model), progress["random_states"], strict=True):
            state.assign(value)
        self.rows, self._seconds = progress["rows"], progress["seconds"]
        for row, seconds in zip(self.rows, self._seconds, strict=True):
            self._on_epoch(row | {"epoch_seconds": seconds})
        print(f"Resuming after epoch {len(self.rows)}", file=sys.stderr)
        return len(self.rows)

    def out_of_patience(self) -> bool:
        """Tell whether the last `patience` epochs brought no lower validation loss."""
        return len(self.rows) - self._best_epoch() >= self._patience

    def copy_best(self, path: Path) -> None:
        """Copy the best model so far to `path`."""
        shutil.copyfile(self._state_folder(len(self.rows)) / "best.keras", path)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Keep the state (called by Keras). Raises InputError if a loss is NaN or infinite."""
        row = _row(epoch + 1, logs or {}, float(self.model.optimizer.learning_rate))
        self.rows.append(row)
        start, self._epoch_start = self._epoch_start, monotonic()
        self._seconds.append(round(self._epoch_start - start, 2))
        if process_group.is_main_process():
            with without_distribution():
                self._save()
        self._on_epoch(row | {"epoch_seconds": self._seconds[-1]})
        self.model.stop_training = self.out_of_patience()

    def _read_progress(self) -> dict[str, Any]:
        """Return key, rows, seconds and random_states after the last finished epoch; empty if none is whole."""
        paths = sorted(self._folder.glob("epoch-*[0-9]/progress.json"))
        if not paths:
            return {}
        try:
            for name in ("best.keras", "progress.json", "state.keras"):
                checked(paths[-1].with_name(name))
            return json.loads(paths[-1].read_text())
        except (InputError, OSError) as error:
            print(f"Training anew: {error}", file=sys.stderr)
            return {}

    def _state_folder(self, epochs: int) -> Path:
        return self._folder / f"epoch-{epochs:05d}"

    def _best_epoch(self) -> int:
        """Return the number of the best epoch so far, from 1; 0 before the first."""
        return int(best_epoch(pd.DataFrame(self.rows))["epoch"]) if self.rows else 0

    def _save(self) -> None:
        folder = self._state_folder(len(self.rows))
        with atomic_folder(folder) as scratch:
            self.model.save(scratch / "state.keras")  # HDF5 crashes on a full disk; Keras writes to memory first
            if self._best_epoch() == len(self.rows):
                self.model.save(scratch / "best.keras", include_optimizer=False)
            else:
                shutil.copyfile(self._state_folder(len(self.rows) - 1) / "best.keras", scratch / "best.keras")
            random_states = [keras.ops.convert_to_numpy(state).tolist() for state in _random_states(self.model)]
            progress = {"key": self._key, "rows": self.rows, "seconds": self._seconds, "random_states": random_states}
            (scratch / "progress.json").write_text(json.dumps(progress))
            save_checksums(scratch)
        self._remove_states(but=folder)

    def _remove_states(self, but: Path | None = None) -> None:
        for old in self._folder.glob("epoch-*"):
            if old != but:
                shutil.rmtree(old)


def _row(epoch: int, logs: dict[str, float], learning_rate: float) -> dict[str, float]:
    """Return the metrics of an epoch, rounded as in history.csv, so that its readers find the same best epoch."""
    metrics = {name: float(value) for name, value in sorted(logs.items())}
    for name in ("loss", "val_loss"):
        if not np.isfinite(metrics[name]):
            raise InputError(
                f"epoch {epoch}: found a {name} of {metrics[name]}, expected a finite one; try a lower learning_rate"
            )
    metrics["learning_rate"] = learning_rate
    return {"epoch": epoch, **{name: round(value, 6) for name, value in metrics.items()}}


def _random_states(model: keras.Model) -> list[keras.Variable]:
    """Return the states of dropout's random generators, which Keras does not count as weights."""
    return [variable for variable in model.variables if variable.name.endswith("seed_generator_state")]
