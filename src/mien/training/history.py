"""The history of a training: one row per epoch, as `mien.training.trainer.fit` returns it."""

import pandas as pd


def best_epoch(history: pd.DataFrame) -> dict[str, float]:
    """Return the row of the epoch whose network is kept: the lowest validation loss, the first of equals.

    Not the highest validation accuracy, which moves in steps of whole images: among many epochs on few images, the
    highest one was lucky.
    """
    return dict(history.iloc[int(history["val_loss"].argmin())])


def validation_metrics(history: pd.DataFrame) -> dict[str, float]:
    """Return the figures by which trainings are ranked: best_epoch, and val_accuracy and val_loss of that epoch."""
    row = best_epoch(history)
    figures = {key: round(float(row[key]), 4) for key in ("val_accuracy", "val_loss")}
    return {"best_epoch": int(row["epoch"]), **figures}
