"""Fine-tuning: a network that begins with weights learnt elsewhere first learns to use them, then to change them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from mien.config import TrainingConfig
from mien.models.keras_backend import keras
from mien.models.transfer import set_frozen
from mien.training.trainer import Batches, fit

_SLOWER = 0.1


def fit_in_phases(
    model: keras.Model,
    loss: keras.losses.Loss,
    train: Batches,
    validation: tuple[np.ndarray, np.ndarray],
    classes: list[str],
    folder: Path,
    plan: TrainingConfig,
    *,
    frozen_epochs: int,
    checkpoints: Path,
    on_epoch: Callable[[dict[str, float]], None],
) -> pd.DataFrame:
    """Train like `fit`; for the first `frozen_epochs` epochs the network's backbone stays as it is.

    After those all weights learn, at a tenth of the learning rate. The best model is that of the second phase. Each
    phase resumes where it was killed.
    """
    if not frozen_epochs:
        return fit(model, loss, train, validation, classes, folder, plan, checkpoints=checkpoints, on_epoch=on_epoch)
    set_frozen(model, True)
    phase = plan.model_copy(update={"epochs": frozen_epochs})
    first = fit(
        model, loss, train, validation, classes, folder, phase, checkpoints=checkpoints / "frozen", on_epoch=on_epoch
    )
    set_frozen(model, False)
    phase = plan.model_copy(
        update={"epochs": plan.epochs - frozen_epochs, "learning_rate": plan.learning_rate * _SLOWER}
    )
    second = fit(
        model,
        loss,
        train,
        validation,
        classes,
        folder,
        phase,
        checkpoints=checkpoints / "tuned",
        on_epoch=lambda row: on_epoch(row | {"epoch": row["epoch"] + len(first)}),
    )
    return pd.concat([first, second.assign(epoch=second["epoch"] + len(first))], ignore_index=True)
