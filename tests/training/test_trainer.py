"""Training learns, stops, repeats bit for bit, and says when it diverges."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from mien._io.errors import InputError
from mien.config import TrainingConfig
from mien.models.au_dense import au_dense
from mien.models.keras_backend import fused_normalization, keras, prefetch
from mien.models.mien_small import mien_small
from mien.models.serialization import load_best
from mien.training.history import best_epoch
from mien.training.trainer import Batches, fit, focal_loss, seed_everything

Normalization = keras.layers.BatchNormalization
CLASSES = ["happy", "sad", "fear"]
RNG = np.random.default_rng(0)
LABELS = np.arange(300) % 3
TARGETS = np.eye(3, dtype=np.float32)[LABELS]
INPUTS = (RNG.normal(20, 10, (300, 4)) + 60 * np.eye(3, 4)[LABELS]).astype(np.float32)


PLAN = TrainingConfig(
    epochs=6, patience=6, batch_size=32, optimizer="adam", learning_rate=0.01, weight_decay=0.0, precision="float32"
)


def train(
    folder: Path,
    on_epoch: Callable[[dict[str, float]], None] = lambda _: None,
    seed: int = 1,
    validation: tuple[np.ndarray, np.ndarray] = (INPUTS, TARGETS),
    **changes: Any,
) -> pd.DataFrame:
    """Train a network with dropout on random views into `folder`, its checkpoints in FOLDER.checkpoints."""
    folder.mkdir(exist_ok=True)
    seed_everything(seed)
    return fit(
        au_dense(4, 3, [16], 0.1),
        focal_loss(2.0),
        Batches(INPUTS, TARGETS, 32, seed, lambda x, y, rng: (x + rng.normal(size=x.shape).astype(np.float32), y)),
        validation,
        CLASSES,
        folder,
        PLAN.model_copy(update=changes),
        checkpoints=folder.with_suffix(".checkpoints"),
        on_epoch=on_epoch,
    )


class Trained(NamedTuple):
    """What `train` left in a folder, and returned."""

    folder: Path
    history: pd.DataFrame

    def copy(self, folder: Path) -> None:
        """Copy it, checkpoints included."""
        shutil.copytree(self.folder, folder)
        shutil.copytree(self.folder.with_suffix(".checkpoints"), folder.with_suffix(".checkpoints"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Trained:
    """A network that is trained already. Tests that change it take a copy."""
    folder = tmp_path_factory.mktemp("trained") / "model"
    return Trained(folder, train(folder))


def test_an_epoch_shows_each_case_once_with_its_label_and_the_next_in_another_order() -> None:
    cases = np.arange(100)
    batches = Batches(cases, np.eye(3)[cases % 3], batch_size=32, seed=7)
    first = np.concatenate([batches[i][0] for i in range(len(batches))])
    assert all((batches[i][1].argmax(axis=1) == batches[i][0] % 3).all() for i in range(len(batches)))
    batches.start(1)
    second = np.concatenate([batches[i][0] for i in range(len(batches))])
    assert sorted(first) == sorted(second) == list(cases)
    assert not np.array_equal(first, second)


def test_a_batch_is_augmented_the_same_way_each_time_it_is_asked_for() -> None:
    zeros = np.zeros((64, 2))
    batches = Batches(zeros, zeros, 32, seed=7, augment=lambda x, y, rng: (x + rng.random(x.shape), y))
    assert np.array_equal(batches[1][0], batches[1][0])
    assert not np.array_equal(batches[0][0], batches[1][0])


def test_keras_draws_the_batches_of_the_epoch_in_their_order_and_tunes_nothing_meanwhile() -> None:
    batches = Batches(INPUTS, TARGETS, 32, seed=7)
    drawn = prefetch(batches)
    for epoch in range(2):
        batches.start(epoch)
        for number, (inputs, targets) in enumerate(drawn):
            assert np.array_equal(inputs, batches[number][0])
            assert np.array_equal(targets, batches[number][1])
    assert len(drawn) == len(batches) == number + 1
    assert not drawn.options().autotune.enabled


def test_training_learns_and_keeps_its_best_model(trained: Trained) -> None:
    folder, history = trained
    assert list(history["epoch"]) == [1, 2, 3, 4, 5, 6]
    model, classes = load_best(folder)
    assert classes == CLASSES
    accuracy = (model.predict(INPUTS, verbose=0).argmax(axis=1) == LABELS).mean()
    assert accuracy == pytest.approx(best_epoch(history)["val_accuracy"], abs=1e-4)
    assert accuracy > 0.9


def test_the_best_epoch_is_that_of_the_lowest_loss_and_the_first_of_equals() -> None:
    history = pd.DataFrame({"epoch": [1, 2, 3], "val_accuracy": [0.7, 0.6, 0.6], "val_loss": [1.1, 1.0, 1.0]})
    assert best_epoch(history) == {"epoch": 2, "val_accuracy": 0.6, "val_loss": 1.0}


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_same_seed_gives_the_same_bytes(trained: Trained, tmp_path: Path) -> None:
    train(tmp_path / "again")
    assert contents(tmp_path / "again").keys() == {"best.keras", "classes.json", "last.keras"}
    assert contents(tmp_path / "again") == contents(trained.folder)


@pytest.mark.parametrize("optimizer", ["adam", "muon", "sgd"])
def test_a_stopped_training_resumes_and_ends_with_the_same_bytes(tmp_path: Path, optimizer: str) -> None:
    plan: dict[str, Any] = {"optimizer": optimizer, "weight_decay": 0.01}
    whole = train(tmp_path / "whole", **plan)
    seconds: dict[float, float] = {}

    def stop(row: dict[str, float]) -> None:
        seconds[row["epoch"]] = row["epoch_seconds"]
        if row["epoch"] == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "stopped", stop, **plan)
    took: dict[float, float] = {}
    resumed = train(tmp_path / "stopped", lambda row: took.update({row["epoch"]: row["epoch_seconds"]}), **plan)
    assert list(took) == [1, 2, 3, 4, 5, 6]
    assert [took[epoch] for epoch in seconds] == list(seconds.values())
    assert min(took.values()) > 0
    pd.testing.assert_frame_equal(resumed, whole)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")


def test_a_training_killed_in_mid_epoch_resumes_and_ends_with_the_same_bytes(trained: Trained, tmp_path: Path) -> None:
    folder, whole = trained
    script = (
        "import os, pathlib, test_training as t\n"
        "def kill(row):\n"
        "    if row['epoch'] == 3: t.Batches.__getitem__ = lambda *_: os.kill(os.getpid(), 9)\n"
        f"t.train(pathlib.Path({str(tmp_path / 'killed')!r}), kill)"
    )
    killed = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parent, capture_output=True)
    assert killed.returncode == -9
    half_written = tmp_path / "killed.checkpoints/epoch-00004.partial"
    half_written.mkdir()
    (half_written / "progress.json").write_text("{")
    pd.testing.assert_frame_equal(train(tmp_path / "killed"), whole)
    assert contents(tmp_path / "killed") == contents(folder)


@pytest.mark.parametrize("change", [{"learning_rate": 0.02}, {"seed": 2}])
def test_the_checkpoints_of_another_training_are_not_used(
    trained: Trained, tmp_path: Path, change: dict[str, Any]
) -> None:
    trained.copy(tmp_path / "other")
    assert list(tmp_path.glob("other.checkpoints/*"))
    train(tmp_path / "other", **change)
    train(tmp_path / "fresh", **change)
    assert contents(tmp_path / "other") == contents(tmp_path / "fresh")


def test_a_damaged_checkpoint_is_named_and_not_used(
    trained: Trained, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trained.copy(tmp_path / "damaged")
    (state,) = tmp_path.glob("damaged.checkpoints/epoch-*/state.keras")
    data = bytearray(state.read_bytes())
    data[len(data) // 2] ^= 1
    state.write_bytes(data)
    train(tmp_path / "damaged")
    assert f"Training anew: {state}: found SHA-256" in capsys.readouterr().err
    assert contents(tmp_path / "damaged") == contents(trained.folder)


@pytest.mark.parametrize("frozen", [False, True])
def test_fused_normalization_learns_the_same(frozen: bool) -> None:
    images = RNG.integers(0, 256, (24, 16, 16), dtype=np.uint8)

    def learnt(context: AbstractContextManager[None]) -> list[np.ndarray]:
        seed_everything(3)
        model = mien_small(16, 3)
        next(layer for layer in model.layers if isinstance(layer, Normalization)).trainable = not frozen
        model.compile(keras.optimizers.SGD(0.01), "categorical_crossentropy")
        with context:
            model.fit(images, TARGETS[:24], batch_size=9, epochs=2, shuffle=False, verbose=0)
        return [weights.copy() for weights in model.get_weights()]

    for one, other in zip(learnt(nullcontext()), learnt(fused_normalization()), strict=True):
        np.testing.assert_allclose(other, one, rtol=2e-3, atol=2e-5)


def test_normalization_is_fused_in_training_alone() -> None:
    layer = Normalization()
    layer.build((None, 4, 4, 2))

    def operations(training: bool) -> set[str]:
        graph = tf.function(lambda images: layer(images, training=training)).get_concrete_function(
            tf.zeros((3, 4, 4, 2))
        )
        return {operation.type for operation in graph.graph.get_operations()}

    with fused_normalization():
        assert "FusedBatchNormV3" in operations(training=True)
        assert "FusedBatchNormV3" not in operations(training=False)
    assert "FusedBatchNormV3" not in operations(training=True)


def test_training_stops_when_nothing_gets_better(tmp_path: Path) -> None:
    wrong = np.roll(TARGETS, 1, axis=1)
    history = train(tmp_path / "model", epochs=50, patience=2, validation=(INPUTS, wrong))
    assert len(history) == best_epoch(history)["epoch"] + 2


def test_each_epoch_is_told_as_the_history_shows_it_and_as_it_counts(tmp_path: Path) -> None:
    told: list[dict[str, float]] = []
    history = train(tmp_path / "model", told.append, epochs=2)
    pd.testing.assert_frame_equal(pd.DataFrame(told).drop(columns="epoch_seconds"), history.round(6), check_exact=True)


def test_too_little_memory_is_said_before_training_starts(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"batch_size: found 100000000000, .* at least \d+\.\d GiB"):
        train(tmp_path / "model", batch_size=10**11)


def test_weights_in_the_loss_decide_what_is_learnt(tmp_path: Path) -> None:
    def only_sad(x: np.ndarray, y: np.ndarray, _: np.random.Generator) -> tuple[np.ndarray, ...]:
        return x, y, y @ np.array([0, 1, 0], np.float32)

    seed_everything(1)
    model = au_dense(4, 3, [16], 0.0)
    batches = Batches(INPUTS, TARGETS, 32, 1, only_sad)
    checkpoints = tmp_path / "checkpoints"
    fit(model, focal_loss(0.0), batches, (INPUTS, TARGETS), CLASSES, tmp_path, PLAN, checkpoints=checkpoints,
        on_epoch=lambda _: None)  # fmt: skip
    assert (model.predict(INPUTS, verbose=0).argmax(axis=1) == CLASSES.index("sad")).mean() > 0.6  # of a third


def test_a_diverging_loss_stops_the_training_with_advice(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="lower learning_rate"):
        train(tmp_path / "model", learning_rate=1e30)


def test_a_validation_loss_that_is_no_number_stops_the_training_too(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="epoch 1: found a val_loss of nan"):
        train(tmp_path / "model", validation=(INPUTS + np.float32(np.inf), TARGETS))


@pytest.mark.parametrize("damage", ["missing", "truncated", "classes"])
def test_a_damaged_model_is_refused(trained: Trained, tmp_path: Path, damage: str) -> None:
    trained.copy(tmp_path / "model")
    path = tmp_path / "model/best.keras"
    match damage:
        case "missing":
            path.unlink()
        case "truncated":
            path.write_bytes(path.read_bytes()[:1000])
        case "classes":
            (tmp_path / "model/classes.json").write_text('["happy", "sad"]')
    with pytest.raises(InputError, match=str(tmp_path)):
        load_best(tmp_path / "model")


def test_a_model_that_holds_code_is_refused(trained: Trained, tmp_path: Path) -> None:
    trained.copy(tmp_path / "model")
    inputs = keras.Input((4,))
    hostile = keras.Model(inputs, keras.layers.Lambda(lambda x: x[:, :3])(inputs))
    hostile.save(tmp_path / "model/best.keras")
    with pytest.raises(InputError, match=r"best\.keras"):
        load_best(tmp_path / "model")
