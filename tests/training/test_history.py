"""The history of a training tells which epoch is kept."""

import pandas as pd

from mien.training.history import best_epoch


def test_the_best_epoch_is_that_of_the_lowest_loss_and_the_first_of_equals() -> None:
    history = pd.DataFrame({"epoch": [1, 2, 3], "val_accuracy": [0.7, 0.6, 0.6], "val_loss": [1.1, 1.0, 1.0]})
    assert best_epoch(history) == {"epoch": 2, "val_accuracy": 0.6, "val_loss": 1.0}
