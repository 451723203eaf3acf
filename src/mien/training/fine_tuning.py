"""Fine-tuning of pretrained networks: the last layer learns first, then all layers (Yosinski et al. 2014)."""

from dataclasses import replace

import pandas as pd

from mien.models.transfer import set_frozen
from mien.training.trainer import TrainingJob, fit

_LEARNING_RATE_FACTOR = 0.1


def fit_in_phases(job: TrainingJob, frozen_epochs: int) -> pd.DataFrame:
    """Train like `fit`, but keep the network's backbone frozen for the first `frozen_epochs` epochs.

    After those all weights learn, at a tenth of the learning rate. The best model is that of the second phase. Each
    phase resumes where it was killed.
    """
    if not frozen_epochs:
        return fit(job)
    config = job.config
    set_frozen(job.model, True)
    first = fit(
        replace(
            job,
            config=config.model_copy(update={"epochs": frozen_epochs}),
            checkpoints=job.checkpoints / "frozen",
        )
    )
    set_frozen(job.model, False)
    tuned = {"epochs": config.epochs - frozen_epochs, "learning_rate": config.learning_rate * _LEARNING_RATE_FACTOR}
    second = fit(
        replace(
            job,
            config=config.model_copy(update=tuned),
            checkpoints=job.checkpoints / "tuned",
            on_epoch=lambda row: job.on_epoch(row | {"epoch": row["epoch"] + len(first)}),
        )
    )
    return pd.concat([first, second.assign(epoch=second["epoch"] + len(first))], ignore_index=True)
