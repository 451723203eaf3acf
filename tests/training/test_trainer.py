"""Training learns, stops, repeats bit for bit, and says when it diverges."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from helpers.training import CLASSES, CONFIG, INPUTS, LABELS, TARGETS, Trained, contents, train

from mien._io.errors import InputError
from mien.models.au_dense import au_dense
from mien.models.serialization import load_best
from mien.training.batches import Batches
from mien.training.history import best_epoch
from mien.training.trainer import TrainingJob, fit, focal_loss, seed_everything


def test_training_learns_and_keeps_its_best_model(trained: Trained) -> None:
    folder, history = trained
    assert list(history["epoch"]) == [1, 2, 3, 4, 5, 6]
    model, classes = load_best(folder)
    assert classes == CLASSES
    accuracy = (model.predict(INPUTS, verbose=0).argmax(axis=1) == LABELS).mean()
    assert accuracy == pytest.approx(best_epoch(history)["val_accuracy"], abs=1e-4)
    assert accuracy > 0.9


def test_the_same_seed_gives_the_same_bytes(trained: Trained, tmp_path: Path) -> None:
    train(tmp_path / "again")
    assert contents(tmp_path / "again").keys() == {"best.keras", "classes.json", "last.keras"}
    assert contents(tmp_path / "again") == contents(trained.folder)


def test_training_stops_when_nothing_gets_better(tmp_path: Path) -> None:
    wrong = np.roll(TARGETS, 1, axis=1)
    history = train(tmp_path / "model", epochs=50, patience=2, validation=(INPUTS, wrong))
    assert len(history) == best_epoch(history)["epoch"] + 2


def test_each_epoch_is_reported_as_the_history_has_it(tmp_path: Path) -> None:
    rows: list[dict[str, float]] = []
    history = train(tmp_path / "model", rows.append, epochs=2)
    pd.testing.assert_frame_equal(pd.DataFrame(rows).drop(columns="epoch_seconds"), history.round(6), check_exact=True)


def test_too_little_memory_is_said_before_training_starts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"batch_size: found 100000000000: .* at least \d+\.\d GiB"):
        train(tmp_path / "model", batch_size=10**11)


def test_weights_in_the_loss_decide_what_is_learnt(tmp_path: Path) -> None:
    seed_everything(1)
    model = au_dense(4, 3, [16], 0.0)
    batches = Batches(INPUTS, TARGETS, 32, 1, class_weights=np.array([0, 1, 0], np.float32))
    fit(
        TrainingJob(
            model, focal_loss(0.0), batches, (INPUTS, TARGETS), CLASSES, CONFIG, tmp_path, tmp_path / "checkpoints"
        )
    )
    assert (model.predict(INPUTS, verbose=0).argmax(axis=1) == CLASSES.index("sad")).mean() > 0.6  # of a third


def test_a_diverging_loss_stops_the_training_with_advice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lower learning_rate"):
        train(tmp_path / "model", learning_rate=1e30)


def test_a_validation_loss_that_is_not_a_number_stops_the_training_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="epoch 1: found a val_loss of nan"):
        train(tmp_path / "model", validation=(INPUTS + np.float32(np.inf), TARGETS))
