"""A small training that is over in seconds: the AU network on three classes of noise."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from mien.config import TrainingConfig
from mien.models.au_dense import au_dense
from mien.training.batches import Batches
from mien.training.trainer import TrainingJob, fit, focal_loss, seed_everything

CLASSES = ["happy", "sad", "fear"]
LABELS = np.arange(300) % 3
TARGETS = np.eye(3, dtype=np.float32)[LABELS]
INPUTS = (np.random.default_rng(0).normal(20, 10, (300, 4)) + 60 * np.eye(3, 4)[LABELS]).astype(np.float32)
CONFIG = TrainingConfig(
    epochs=6, patience=6, batch_size=32, optimizer="adam", learning_rate=0.01, weight_decay=0.0, precision="float32"
)


def train(
    folder: Path,
    on_epoch: Callable[[dict[str, float]], None] = lambda _: None,
    seed: int = 1,
    validation: tuple[np.ndarray, np.ndarray] = (INPUTS, TARGETS),
    **changes: Any,
) -> pd.DataFrame:
    """Train a network with dropout on augmented inputs into `folder`, with checkpoints in FOLDER.checkpoints."""
    folder.mkdir(exist_ok=True)
    seed_everything(seed)
    job = TrainingJob(
        model=au_dense(4, 3, [16], 0.1),
        loss=focal_loss(2.0),
        train=Batches(
            INPUTS, TARGETS, 32, seed, lambda x, y, rng: (x + rng.normal(size=x.shape).astype(np.float32), y)
        ),
        validation=validation,
        classes=CLASSES,
        config=CONFIG.model_copy(update=changes),
        folder=folder,
        checkpoints=folder.with_suffix(".checkpoints"),
        on_epoch=on_epoch,
    )
    return fit(job)


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of each file."""
    return {path.name: path.read_bytes() for path in folder.iterdir()}


class Trained(NamedTuple):
    """What `train` wrote and returned."""

    folder: Path
    history: pd.DataFrame

    def copy(self, folder: Path) -> None:
        """Copy the folder, checkpoints included."""
        shutil.copytree(self.folder, folder)
        shutil.copytree(self.folder.with_suffix(".checkpoints"), folder.with_suffix(".checkpoints"))
