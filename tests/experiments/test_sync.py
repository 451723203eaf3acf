"""`mien mlflow sync` on a real repository with DVC experiments: each is in MLflow once, and nothing sticks."""

import csv
import os
import shutil
import signal
import subprocess
import time
from typing import Any

import mlflow
import pytest
from helpers.repository import ROOT, Repository, environment
from mlflow.entities import Run

from mien.experiments.mlflow import environment as _  # noqa: F401  MLflow's settings

STAGES = """
stages:
  train_cnn:
    cmd: python stage.py train_cnn
    params: [base, train_cnn]
    outs:
      - models/cnn
    metrics:
      - reports/train_cnn/metrics.json: {cache: false}
    plots:
      - reports/train_cnn/history.csv: {cache: false}
  evaluate:
    cmd: python stage.py evaluate
    params: [evaluate]
    deps: [models/cnn]
    metrics:
      - reports/evaluate/metrics.json: {cache: false}
      - reports/evaluate/per_class.json: {cache: false}
"""
STAGE = """
import json, shutil, sys, time
from pathlib import Path
from mien.config import load_params
from mien.experiments.mlflow import log_stage
from mien.inference.networks.pretrained import FACE_NETWORKS

stage, params = sys.argv[1], load_params()
report = Path("reports", stage)
report.mkdir(parents=True, exist_ok=True)
with log_stage(stage, params) as log:
    if stage == "train_cnn":
        rows = [{"epoch": epoch, "val_loss": 1 / epoch, "val_accuracy": epoch / 4} for epoch in (1, 2)]
        for row in rows:
            log.epoch(row)
            while row["epoch"] == 1 and Path("hang").exists():
                Path("hangs").touch()
                time.sleep(0.1)
        names = list(rows[0])
        lines = [",".join(names), *(",".join(str(row[name]) for name in names) for row in rows)]
        (report / "history.csv").write_text("\\n".join(lines) + "\\n")
        figures = {"val_accuracy": 0.5, "val_loss": 0.5}
        (report / "metrics.json").write_text(json.dumps({"cnn": figures, "au": figures, "weights": 5}))
        Path("models/cnn").mkdir(parents=True, exist_ok=True)
        shutil.copy(FACE_NETWORKS["mien_small"], "models/cnn/best.onnx")
        log.outputs(report, Path("models/cnn"))
    else:
        figures = {"accuracy": 0.7, "macro_f1": 0.6, "mcc": 0.5}
        (report / "metrics.json").write_text(json.dumps({"cnn": figures, "au": figures}))
        (report / "per_class.json").write_text('{"cnn": {"happy": {"f1": 0.9}}}')
        log.outputs(report)
"""


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Repository:
    """A repository with two quick stages that log as those of the pipeline do; nothing has run."""
    folder = tmp_path_factory.mktemp("team")
    repository = Repository(folder, environment(tmp_path_factory.mktemp("home")) | {"PYTHONPATH": f"{ROOT}/src"})
    (folder / "dvc.yaml").write_text(STAGES)
    (folder / "stage.py").write_text(STAGE)
    shutil.copy(ROOT / "params.yaml", folder)
    (folder / ".gitignore").write_text("/mlruns\n/mlflow.db*\n/.mlflow-outbox\n/hang*\n/models\n")
    repository.ok("git", "init", "--quiet")
    repository.ok("dvc", "init", "--quiet")
    (folder / "folder").mkdir()
    (folder / "folder/file").touch()
    repository.commit("start")
    return repository


def _runs(repository: Repository, name: str) -> list[Run]:
    """Return the runs of an experiment, the oldest first."""
    client = mlflow.MlflowClient(f"sqlite:///{repository.path}/mlflow.db")
    (experiment,) = client.search_experiments(filter_string="name = 'mien'")
    runs = client.search_runs([experiment.experiment_id], f"tags.`dvc.experiment` = '{name}'")
    return sorted(runs, key=lambda run: run.info.start_time)


def _times(run: Run) -> tuple[Any, ...]:
    return run.info.start_time, run.info.end_time, run.info.status


def _assert_whole(repository: Repository, run: Run) -> None:
    client = mlflow.MlflowClient(f"sqlite:///{repository.path}/mlflow.db")
    assert run.info.status == "FINISHED"
    figures = ("train_cnn/weights", "train_cnn/cnn.val_accuracy", "evaluate/cnn.accuracy")
    assert [run.data.metrics[name] for name in figures] == [5, 0.5, 0.7]
    assert run.data.metrics["evaluate/per_class.cnn.happy.f1"] == 0.9
    curve = client.get_metric_history(run.info.run_id, "train_cnn/val_accuracy")
    assert [(point.step, point.value) for point in curve] == [(1, 0.25), (2, 0.5)]
    (model,) = client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run.info.run_id}'")
    assert {metric.key: metric.value for metric in model.metrics or ()}.items() >= {
        ("train_cnn/cnn.val_accuracy", 0.5),
        ("evaluate/cnn.accuracy", 0.7),
    }
    for stage in ("train_cnn", "evaluate"):
        assert len(client.list_artifacts(run.info.run_id, stage)) == 2


def test_a_week_of_a_team_ends_with_each_experiment_once(team: Repository) -> None:
    run = ("dvc", "exp", "run", "--quiet")
    team.ok(*run, "--name", "integer", "--set-param", "train_cnn.label_smoothing=0")
    team.ok("git", "checkout", "--quiet", "params.yaml")
    team.ok(*run, "--name", "same")
    team.ok("dvc", "exp", "rename", "--quiet", "same", "renamed")
    (team.path / "folder/file").write_text("other")
    team.commit("other")
    team.ok(*run, "--name", "same")  # from DVC's cache, on another commit
    _interrupt(team, "integer")
    team.ok("git", "checkout", "--quiet", ".")
    patience = time.monotonic() + 120  # seconds
    while list(team.path.glob(".mlflow-outbox/*/*/events.jsonl")) and time.monotonic() < patience:
        time.sleep(0.2)  # the process beside the stages sends the rest
    team.ok(*run, "--queue", "--name", "waiting", "--set-param", "train_cnn.label_smoothing=0.5")
    shown = team.ok("mien", "exp", "show", "--csv").splitlines()
    waiting = next(row for row in csv.DictReader(shown) if row["experiment"] == "waiting")
    assert (waiting["state"], waiting["cnn.val_accuracy"], waiting["au.macro_f1"]) == ("Queued", "", "")
    assert len(shown[0].split(",")) <= 12
    assert {"experiment", "cnn.val_accuracy", "au.macro_f1"} <= set(shown[0].split(","))
    late = {path.parts[-3] for path in team.path.glob(".mlflow-outbox/*/*/events.jsonl")}  # on a busy machine
    logged_before = [logged for name in ("integer", "same") for logged in _runs(team, name)]
    before = {run.info.run_id: _times(run) for run in logged_before if run.data.tags["dvc.run"] not in late}
    down, _killed = _runs(team, "integer")
    mlflow.MlflowClient(f"sqlite:///{team.path}/mlflow.db").update_run(
        down.info.run_id, "RUNNING"
    )  # as where the power fails

    first = team.ok("mien", "mlflow", "sync").splitlines()
    completed = [line.partition(": logged from DVC's files to ")[2].partition(": ")[2] for line in first]
    assert sorted(filter(None, completed)) == ["evaluate", "train_cnn, evaluate"]  # "same" evaluates the same network
    team.ok("dvc", "exp", "rename", "--quiet", "renamed", "renamed-again")
    assert team.ok("sh", "-c", "cd folder && mien mlflow sync") == "renamed-again: was called renamed in MLflow\n"
    assert team.ok("mien", "mlflow", "sync") == ""
    whole, killed = _runs(team, "integer")
    assert (whole.data.params["train_cnn.label_smoothing"], killed.data.params["base.seed"]) == ("0.0", "7")
    assert (killed.info.status, killed.data.metrics["train_cnn/val_accuracy"]) == ("KILLED", 0.25)
    runs = [whole, *_runs(team, "renamed-again"), *_runs(team, "same")]
    assert [logged.info.run_name for logged in runs] == ["integer", "renamed-again", "same"]
    assert len({logged.data.tags["mlflow.source.git.commit"] for logged in runs[1:]}) == 2
    for logged in runs:
        _assert_whole(team, logged)
    after = {logged.info.run_id: _times(logged) for logged in (killed, *runs)}
    assert before or late
    assert before.items() <= after.items()


def _interrupt(team: Repository, name: str) -> None:
    """Run an experiment with an existing name and other params, and kill it in its first stage."""
    (team.path / "hang").touch()
    process = subprocess.Popen(
        ["dvc", "exp", "run", "--quiet", "--force", "--name", name, "--set-param", "base.seed=7"],
        cwd=team.path, env=team.environment, start_new_session=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while not (team.path / "hangs").exists():
        assert process.poll() is None
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for name in ("hang", "hangs"):
        (team.path / name).unlink()
