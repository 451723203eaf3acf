"""A training that was stopped or killed resumes from its own checkpoint, and ends with the same bytes."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.training import CLASSES, CONFIG, INPUTS, TARGETS, Trained, contents, train

from mien.models.au_dense import au_dense
from mien.training.batches import Batches
from mien.training.trainer import TrainingJob, focal_loss, seed_everything

TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("optimizer", ["adam", "muon"])
def test_a_stopped_training_resumes_and_ends_with_the_same_bytes(tmp_path: Path, optimizer: str) -> None:
    config: dict[str, Any] = {"optimizer": optimizer, "weight_decay": 0.01}
    whole = train(tmp_path / "whole", **config)
    before: dict[float, float] = {}

    def stop(row: dict[str, float]) -> None:
        before[row["epoch"]] = row["epoch_seconds"]
        if row["epoch"] == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        train(tmp_path / "stopped", stop, **config)
    seconds: dict[float, float] = {}
    resumed = train(tmp_path / "stopped", lambda row: seconds.update({row["epoch"]: row["epoch_seconds"]}), **config)
    assert list(seconds) == [1, 2, 3, 4, 5, 6]
    assert [seconds[epoch] for epoch in before] == list(before.values())
    assert min(seconds.values()) > 0
    pd.testing.assert_frame_equal(resumed, whole)
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")


def test_a_training_killed_in_mid_epoch_resumes_and_ends_with_the_same_bytes(trained: Trained, tmp_path: Path) -> None:
    folder, whole = trained
    script = (
        "import os, pathlib, helpers.training as t\n"
        "def kill(row):\n"
        "    if row['epoch'] == 3: t.Batches.__getitem__ = lambda *_: os.kill(os.getpid(), 9)\n"
        f"t.train(pathlib.Path({str(tmp_path / 'killed')!r}), kill)"
    )
    killed = subprocess.run([sys.executable, "-c", script], cwd=TESTS, capture_output=True)
    assert killed.returncode == -9
    half_written = tmp_path / f"killed.checkpoints/.epoch-00004.{2**30}.partial"  # no process has such a number
    half_written.mkdir()
    (half_written / "progress.json").write_text("{")
    pd.testing.assert_frame_equal(train(tmp_path / "killed"), whole)
    assert contents(tmp_path / "killed") == contents(folder)


def test_the_checkpoints_of_another_training_are_not_used(trained: Trained, tmp_path: Path) -> None:
    trained.copy(tmp_path / "other")
    assert list(tmp_path.glob("other.checkpoints/*"))
    train(tmp_path / "other", learning_rate=0.02)
    train(tmp_path / "fresh", learning_rate=0.02)
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


def test_all_that_shapes_a_training_is_in_the_key_of_its_checkpoints(tmp_path: Path) -> None:
    def job(**changes: Any) -> TrainingJob:
        seed_everything(1)
        seed = changes.pop("seed", 1)
        batches = Batches(
            INPUTS, TARGETS, 32, seed, class_weights=np.array(changes.pop("weights", [1, 1, 1]), np.float32)
        )
        model, config = au_dense(4, 3, [16], 0.1), CONFIG.model_copy(update=changes.pop("config", {}))
        whole = TrainingJob(model, focal_loss(2.0), batches, (INPUTS, TARGETS), CLASSES, config, tmp_path, tmp_path)
        return replace(whole, **changes)

    other_start, frozen = job(), job()
    other_start.model.layers[-1].set_weights([weight + 1 for weight in other_start.model.layers[-1].get_weights()])
    frozen.model.layers[1].trainable = False
    jobs = [
        job(),
        job(weights=[1, 2, 1]),
        job(seed=2),
        job(config={"learning_rate": 0.02}),
        job(config={"patience": 2}),
        job(loss=focal_loss(1.0)),
        job(validation=(INPUTS + 1, TARGETS)),
        other_start,
        frozen,
    ]
    assert job().key() == jobs[0].key()
    assert len({other.key() for other in jobs}) == len(jobs)
