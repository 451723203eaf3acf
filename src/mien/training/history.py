"""The history of a training: one row per epoch, as `mien.training.trainer.fit` returns it."""

import pandas as pd


def best_epoch(history: pd.DataFrame) -> dict[str, float]:
    """Return the row of the epoch to keep: the first one with the lowest validation loss.

    It is not the highest validation accuracy, which moves in steps of whole images: among many epochs and few images,
    the highest one is luck.
    """
    return dict(history.iloc[int(history["val_loss"].argmin())])


def validation_metrics(history: pd.DataFrame) -> dict[str, float]:
    """Return the figures that rank trainings: best_epoch, and its val_accuracy and val_loss."""
    row = best_epoch(history)
    figures = {key: round(float(row[key]), 4) for key in ("val_accuracy", "val_loss")}
    return {"best_epoch": int(row["epoch"]), **figures}
