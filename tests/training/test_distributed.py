"""Training in several processes follows training in one; the death of one of them changes no byte of what it makes."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import psutil
import pytest
from helpers.networks import brightness_network
from helpers.training import CONFIG

from mien._io import extras
from mien._io.checksums import save_checksums
from mien._io.errors import InputError
from mien.config import Distillation, Params, load_params
from mien.data.arrays import Images
from mien.models.keras_backend import data_parallel, keras
from mien.models.serialization import load_best
from mien.training import distributed
from mien.training.batches import Batches
from mien.training.inputs import Inputs
from mien.training.trainer import TrainingJob, fit, seed_everything, smoothed_loss

ROOT = Path(__file__).parents[2]
CLASSES = ["angry", "happy", "sad"]
TAUGHT = Distillation(teacher="teacher", ensemble=[], precision="fp32", share=0.3, views=3, extra=True)
SMALL = {"network": "small_cnn", "backend": "jax", "epochs": 4, "batch_size": 32, "distillation": TAUGHT}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a teacher, and arrays as the pipeline makes them: noise, brighter at one side for each class."""
    folder, rng = tmp_path_factory.mktemp("data"), np.random.default_rng(0)
    for name, split, count in (("balanced", "train", 128), ("fer", "validation", 48)):
        labels = (np.arange(count) % 3).astype(np.uint8)
        pixels = rng.normal(100, 20, (count, 16, 16))
        pixels[labels == 1, :8] += 80
        pixels[labels == 2, 8:] += 80
        (folder / "data" / name).mkdir(parents=True)
        Images(pixels.clip(0, 255).astype(np.uint8), labels, CLASSES).save(folder / "data" / name, split)
    (folder / "data/balanced/class_weights.json").write_text('{"angry": 1.0, "happy": 1.0, "sad": 1.2}')
    brightness_network(folder / "teacher", size=16)
    return folder


def params(**changes: Any) -> Params:
    """Return the params of the repository with changes to train_cnn."""
    base = load_params(ROOT / "params.yaml")
    return base.model_copy(update={"train_cnn": base.train_cnn.model_copy(update=SMALL | changes)})


def train(folder: Path, on_epoch: Callable[[dict[str, float]], None] = lambda _: None, **changes: Any) -> pd.DataFrame:
    """Train into `folder`, its checkpoints in FOLDER.checkpoints."""
    folder.mkdir(exist_ok=True)
    checkpoints = folder.with_suffix(".checkpoints")
    config = params(**changes)
    inputs = Inputs.load(Path("data/balanced"), Path("data/fer"), config.train_cnn)
    return distributed.train(inputs, config, folder, checkpoints=checkpoints, on_epoch=on_epoch)


def processes() -> list[psutil.Process]:
    """Return those that train for this one, in order."""

    def trains(child: psutil.Process) -> bool:
        try:
            return "mien.training.distributed" in child.cmdline()
        except psutil.ZombieProcess:  # some other child of this process, which has ended
            return False

    children = [child for child in psutil.Process().children() if trains(child)]
    return sorted(children, key=lambda child: child.environ().get("MIEN_PROCESS_ID", ""))


def test_two_processes_follow_one_and_make_the_same_bytes_though_one_is_killed(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data)
    monkeypatch.setenv("XLA_FLAGS", "--xla_backend_optimization_level=0")  # compiles in half the time
    monkeypatch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path / "compiled"))  # and once for all
    monkeypatch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
    two = tmp_path / "two"

    def kill(row: dict[str, float]) -> None:
        if row["epoch"] == 1:
            processes()[1].kill()

    with pytest.raises(InputError, match=r"process 1 of 2 was killed by signal 9, .* run it again"):
        train(two, kill, replicas=2)
    assert processes() == []
    assert list(two.iterdir()) == []

    finished = max(two.with_suffix(".checkpoints").glob("epoch-*[0-9]"))
    progress = json.loads((finished / "progress.json").read_text())
    marked = progress["rows"][0]["loss"] = 0.125  # shows that the first epoch is not trained again
    (finished / "progress.json").write_text(json.dumps(progress))
    save_checksums(finished)
    answers = {path: path.stat().st_mtime_ns for path in two.with_suffix(".checkpoints").glob("teacher/*/answers.npy")}
    assert len(answers) == TAUGHT.views
    resumed = train(two, replicas=2)
    assert resumed["loss"][0] == marked
    assert {path: path.stat().st_mtime_ns for path in answers} == answers

    undisturbed = train(tmp_path / "undisturbed", replicas=2)
    assert resumed[1:].equals(undisturbed[1:])
    for name in ("best.keras", "last.keras"):
        assert (two / name).read_bytes() == (tmp_path / "undisturbed" / name).read_bytes()

    alone = train(tmp_path / "alone")
    assert list(undisturbed["epoch"]) == list(alone["epoch"]) == [1, 2, 3, 4]
    for name in ("loss", "val_loss"):
        assert list(undisturbed[name]) == pytest.approx(list(alone[name]), abs=1e-3)

    _, classes = load_best(two)
    assert classes == CLASSES
    assert keras.backend.backend() == "tensorflow"
    validation = Images.load(Path("data/fer"), "validation")
    scores = keras.saving.load_model(two / "last.keras")(validation.pixels, training=False)
    loss = float(smoothed_loss(params().train_cnn.label_smoothing)(validation.targets(), scores))
    assert loss == pytest.approx(resumed["val_loss"].iloc[-1], abs=1e-4)


def test_without_the_extra_nothing_needs_it_and_jax_is_refused_in_one_line(
    data: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code = (
        "import sys; sys.modules.update(jax=None, ray=None)\n"  # as where they are not installed
        "import mien.cli, mien.training.cnn, mien.training.distributed, mien.experiments.search"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    monkeypatch.chdir(data)
    monkeypatch.setattr(extras, "find_spec", lambda _: None)
    with pytest.raises(InputError, match=r"^train_cnn.backend: jax needs the extra `scale`: pip install '\.\[scale\]'"):
        train(tmp_path / "model")


def test_a_batch_that_replicas_cannot_share_evenly_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text((ROOT / "params.yaml").read_text().replace("  replicas: 1 ", "  replicas: 3 "))
    with pytest.raises(InputError, match="batch_size: found 64, expected a multiple of replicas, 3"):
        load_params(path)


@pytest.mark.parametrize(
    ("environment", "changes", "message"),
    [
        ({"MIEN_COORDINATOR": "node0"}, {}, "MIEN_COORDINATOR: found 'node0', expected host:port"),
        ({"MIEN_COORDINATOR": "no.such.host.invalid:1"}, {}, "MIEN_COORDINATOR: .*unknown host"),
        ({"MIEN_PROCESS_ID": "2"}, {}, "MIEN_PROCESS_ID, MIEN_PROCESSES: found '2', '2'"),
        ({}, {"backend": "tensorflow"}, "backend: found tensorflow, expected jax for 2 processes"),
        ({}, {"replicas": 1}, "replicas: found 1, expected 2 or more"),
    ],
)
def test_hosts_that_cannot_be_joined_are_refused(
    monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], changes: dict[str, Any], message: str
) -> None:
    valid = {"MIEN_COORDINATOR": "127.0.0.1:7400", "MIEN_PROCESSES": "2", "MIEN_PROCESS_ID": "1"}
    for name, value in (valid | environment).items():
        monkeypatch.setenv(name, value)
    with pytest.raises(InputError, match=message):
        distributed.is_main_process(params(**{"replicas": 2} | changes).train_cnn)


def test_one_host_is_the_main_process(monkeypatch: pytest.MonkeyPatch) -> None:
    section = params(replicas=2).train_cnn
    assert distributed.is_main_process(section)
    slurm = ("SLURM_JOB_ID", "1"), ("SLURM_STEP_NODELIST", "n[0-1]"), ("SLURM_NTASKS", "2"), ("SLURM_LOCALID", "0")
    for name, value in slurm:
        monkeypatch.setenv(name, value)
    for number in range(2):
        monkeypatch.setenv("SLURM_PROCID", str(number))
        assert distributed.is_main_process(section) == (number == 0)


def test_replicas_on_tensorflow_learn_what_one_does(tmp_path: Path) -> None:
    code = (
        "import tensorflow as tf\n"
        "cpu = tf.config.list_physical_devices('CPU')[0]\n"
        "tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)\n"
        "from training.test_distributed import mirrored\n"
        f"mirrored(__import__('pathlib').Path({str(tmp_path)!r}))"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT / "tests", check=True, capture_output=True)
    one, two = (pd.read_csv(tmp_path / f"{replicas}.csv") for replicas in (1, 2))
    pd.testing.assert_frame_equal(one, two, rtol=1e-4)
    assert {path.name for path in (tmp_path / "2").iterdir()} == {"best.keras", "last.keras", "classes.json"}


def mirrored(folder: Path) -> None:
    """Train a network without batch norm and dropout by one replica and by two, and write their histories."""
    inputs = np.random.default_rng(0).normal(size=(70, 4)).astype(np.float32)
    targets = np.eye(3, dtype=np.float32)[inputs[:, :3].argmax(axis=1)]
    for replicas in (1, 2):
        (folder / str(replicas)).mkdir()
        seed_everything(1)
        with data_parallel(replicas):
            job = TrainingJob(
                model=keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="softmax")]),
                loss=smoothed_loss(0.1),
                train=Batches(inputs, targets, 32, 1, replicas=replicas),
                validation=(inputs, targets),
                classes=CLASSES,
                config=CONFIG.model_copy(update={"epochs": 2}),
                folder=folder / str(replicas),
                checkpoints=folder / f"{replicas}.checkpoints",
            )
            history = fit(job)
        history.to_csv(folder / f"{replicas}.csv", index=False)
