"""A search on a real Ray: trials are trained, reported and logged; the best on validation is written to params.yaml."""

import shlex
import shutil
import sqlite3
import sys
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from helpers.repository import Repository

from mien._io.errors import InputError
from mien._io.nested import flatten
from mien._io.yaml import read_yaml
from mien.config import load_params
from mien.data.arrays import Images
from mien.experiments.mlflow.tags import PARENT_TAG
from mien.experiments.search import STOPPED_TAG, apply_changes, search
from mien.experiments.search_space import SearchSpace, Trial

ROOT = Path(__file__).parents[2]
SPACE = """\
trials: 3
grace_epochs: 1
draw:
  train_cnn.learning_rate: {low: 0.001, high: 0.01, scale: log}
  train_cnn.augmentation.rotation: {low: 0.0, high: 5.0, scale: linear}
  train_cnn.mixup.share: [0.0, 0.5]
"""


@pytest.fixture
def folder(workspace: Repository) -> Repository:
    """A folder with params for tiny trainings, their data, and a space to search."""
    rng = np.random.default_rng(0)
    for name, split, count in (("balanced", "train", 96), ("fer", "validation", 48)):
        labels = (np.arange(count) % 3).astype(np.uint8)
        pixels = (rng.normal(60, 20, (count, 16, 16)) + 60 * labels[:, None, None]).clip(0, 255).astype(np.uint8)
        (workspace.path / "data" / name).mkdir(parents=True)
        Images(pixels, labels, ["angry", "happy", "sad"]).save(workspace.path / "data" / name, split)
    (workspace.path / "data/balanced/class_weights.json").write_text('{"angry": 1.0, "happy": 1.0, "sad": 1.0}')
    workspace.set_params({"train_cnn": {"network": "small_cnn", "epochs": 2, "batch_size": 32}})
    (workspace.path / "space.yaml").write_text(SPACE)
    return workspace


def runs(store: Path) -> dict[str, tuple[str, str | None, str | None]]:
    """Return status, STOPPED_TAG and name of the parent of the runs in an MLflow store, by their names."""
    query = (
        "SELECT runs.name, runs.status, stopped.value, parents.name FROM runs "
        "LEFT JOIN tags AS stopped ON stopped.run_uuid = runs.run_uuid AND stopped.key = ? "
        "LEFT JOIN tags AS parent ON parent.run_uuid = runs.run_uuid AND parent.key = ? "
        "LEFT JOIN runs AS parents ON parents.run_uuid = parent.value"
    )
    with closing(sqlite3.connect(store)) as connection:
        return {name: tuple(rest) for name, *rest in connection.execute(query, [STOPPED_TAG, PARENT_TAG])}


def test_a_search_trains_its_trials_and_applies_the_best(folder: Repository) -> None:
    before = (folder.path / "params.yaml").read_text()
    code = (
        "import sys; from ray.tune.schedulers import ASHAScheduler; from mien.cli import main\n"
        "ASHAScheduler.on_trial_result = lambda _, __, trial, ___: 'STOP' if trial.config['number'] else 'CONTINUE'\n"
        "sys.argv = ['mien', 'search', 'space.yaml', '--trials', '2']; main()"
    )
    printed = folder.ok(sys.executable, "-c", code, RAY_ADDRESS="").splitlines()

    table = pd.read_csv(folder.path / "reports/search/trials.csv")
    assert set(table["trial"]) == {"search-0", "search-1"}
    assert table["val_accuracy"].is_monotonic_decreasing
    history = pd.read_csv(folder.path / "reports/search/history.csv")
    epochs = {name: history[history["trial"] == name] for name in table["trial"]}
    assert list(table["val_accuracy"]) == [
        pytest.approx(rows["val_accuracy"].iloc[rows["val_loss"].argmin()], abs=1e-4) for rows in epochs.values()
    ]

    assert [line.split()[:5] for line in printed] == [["dvc", "exp", "run", "--name", name] for name in table["trial"]]
    changes = dict(word.split("=") for word in shlex.split(printed[0])[6::2])
    params = flatten(read_yaml(folder.path / "params.yaml"))
    assert {key: str(params[key]) for key in changes} == changes
    assert float(changes["train_cnn.learning_rate"]) == table["learning_rate"][0]
    assert load_params(folder.path / "params.yaml").train_cnn.network == "small_cnn"
    assert "\n".join(printed) in (folder.path / "reports/search/README.md").read_text()
    assert comments((folder.path / "params.yaml").read_text()) == comments(before)

    assert dict(zip(table["trial"], table["epochs"], strict=True)) == {"search-0": 2, "search-1": 1}
    assert runs(folder.path / "mlflow.db") == {
        "search": ("FINISHED", None, None),
        "search-0": ("FINISHED", None, "search"),
        "search-1": ("FINISHED", "ASHA", "search"),
    }


def comments(text: str) -> list[str]:
    return [line.split("#", 1)[1] for line in text.splitlines() if "#" in line]


def test_params_keep_their_comments_and_all_that_is_not_applied(tmp_path: Path) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    path = tmp_path / "params.yaml"
    before = path.read_text()
    apply_changes({"train_cnn.learning_rate": 0.00123, "train_cnn.augmentation.flip": False}, path)
    changed = [
        (old, new) for old, new in zip(before.splitlines(), path.read_text().splitlines(), strict=True) if old != new
    ]
    assert [new.split("#")[0].split() for _, new in changed] == [["learning_rate:", "0.00123"], ["flip:", "false"]]
    apply_changes({"train_cnn.learning_rate": 0.001, "train_cnn.augmentation.flip": True}, path)
    assert path.read_text() == before


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("train_cnn.nothing: [1]", r"space.yaml: train_cnn.nothing: unknown key"),
        ("train_cnn.epochs: [0]", r"space.yaml: train_cnn.epochs: found 0, expected greater than 0"),
        ("train_au.epochs: [3]", r"space.yaml: draw: found train_au.epochs, expected keys of train_cnn"),
        ("train_cnn.learning_rate: {low: 1, high: 0, scale: log}", r"found 1.0 .. 0.0, expected low < high"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused_before_anything_starts(
    folder: Repository, monkeypatch: pytest.MonkeyPatch, line: str, message: str
) -> None:
    monkeypatch.chdir(folder.path)
    Path("space.yaml").write_text(f"trials: 1\ngrace_epochs: 1\ndraw:\n  {line}\n")
    with pytest.raises(InputError, match=message):
        search(Path("space.yaml"), Path("reports/search"))
    assert not Path("reports").exists()


def test_trials_follow_from_the_seed_and_fill_the_space(tmp_path: Path) -> None:
    (tmp_path / "space.yaml").write_text(SPACE)
    space = SearchSpace.read(tmp_path / "space.yaml")

    def draw(seed: int) -> list[dict[str, Any]]:
        rng = np.random.default_rng(seed)
        return [space.trial(rng) for _ in range(100)]

    assert draw(1) == draw(1) != draw(2)
    drawn = pd.DataFrame(draw(1))
    assert drawn["train_cnn.learning_rate"].between(0.001, 0.01).all()
    assert drawn["train_cnn.learning_rate"].median() == pytest.approx(10**-2.5, rel=0.3)
    assert set(drawn["train_cnn.mixup.share"]) == {0.0, 0.5}


def test_a_rounded_number_stays_within_its_bounds(tmp_path: Path) -> None:
    bounds = "{low: 0.12345, high: 0.1236, scale: SCALE}"
    for scale in ("linear", "log"):
        (tmp_path / "space.yaml").write_text(
            f"trials: 1\ngrace_epochs: 1\ndraw: {{train_cnn.learning_rate: {bounds.replace('SCALE', scale)}}}\n"
        )
        space = SearchSpace.read(tmp_path / "space.yaml")
        rng = np.random.default_rng(0)
        drawn = [space.trial(rng)["train_cnn.learning_rate"] for _ in range(100)]
        assert {*drawn} == {0.12345, 0.1236}  # 0.123 and 0.124 are outside


def test_a_search_writes_whole_folders_and_checks_theirs_first(
    folder: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder.path)
    history = pd.DataFrame({"epoch": [1], "val_accuracy": [0.5], "val_loss": [1.0]})
    started = []

    def trained(trials: list[Trial], *_: object) -> dict[str, pd.DataFrame]:
        started.append(trials)
        return {trial.name: history for trial in trials}

    monkeypatch.setattr("mien.experiments.search.connect", lambda _: nullcontext())
    monkeypatch.setattr("mien.experiments.search._run", trained)
    Path("taken").touch()
    with pytest.raises(InputError, match="taken: is a file, expected a folder to write to"):
        search(Path("space.yaml"), Path("taken"))
    assert not started
    with monkeypatch.context() as patches:
        patches.setattr("mien.experiments.search_report.markdown_table", killed)
        with pytest.raises(KeyboardInterrupt):
            search(Path("space.yaml"), Path("reports/search"))
    assert list(Path("reports").iterdir()) == []
    search(Path("space.yaml"), Path("reports/search"))
    assert sorted(path.name for path in Path("reports/search").iterdir()) == ["README.md", "history.csv", "trials.csv"]


def killed(*_: object) -> str:
    raise KeyboardInterrupt


def test_the_committed_space_is_one_of_the_params(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    shutil.copy(ROOT / "params.yaml", tmp_path)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InputError, match="data/balanced: train images cannot be read"):
        search(ROOT / "recipes/search/cnn.yaml", tmp_path / "search")


def test_an_old_key_of_a_space_is_the_new_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = "trials: 1\ngrace_epochs: 1\ndraw: {train_cnn.mixing.mixup: [0.5]}\n"
    (tmp_path / "space.yaml").write_text(text)
    space = SearchSpace.read(tmp_path / "space.yaml")
    assert space.trial(np.random.default_rng(0)) == {"train_cnn.mixup.alpha": 0.5}
    assert capsys.readouterr().err == "note: draw: train_cnn.mixing.mixup is now train_cnn.mixup.alpha\n"
    (tmp_path / "space.yaml").write_text(text.replace("{", "{train_cnn.mixup.alpha: [0.1], "))
    with pytest.raises(InputError, match=r"found both train_cnn.mixing.mixup and train_cnn.mixup.alpha"):
        SearchSpace.read(tmp_path / "space.yaml")
