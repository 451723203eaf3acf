"""The process that sends journals to MLflow, run here on a real store."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient

from mien.experiments.mlflow import sender
from mien.experiments.mlflow.environment import tracking_uri
from mien.experiments.mlflow.journal import Journal, acquired, run_folder
from mien.experiments.mlflow.outputs import Outputs, log_outputs
from mien.experiments.mlflow.store import connect
from mien.experiments.mlflow.tags import RUN_TAG

RUN = "a-run"


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of a repository, with a store."""
    for name in [name for name in os.environ if name.startswith(("DVC_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    connect(tracking_uri())
    return tmp_path


def end_stage(name: str) -> None:
    """Write the whole journal of a stage."""
    journal = Journal(run_folder(RUN) / name)
    lock = journal.begin()
    journal.append("start", name=RUN, tags={RUN_TAG: RUN}, params={}, parent=[])
    journal.append("end", status="FINISHED", values={f"{name}/seconds": 1.0})
    lock.release()


def test_a_stage_that_begins_as_the_process_ends_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    end_stage("first")
    late = ["second"]

    class Lock:
        """A lock, in whose last moment a further stage begins."""

        def __init__(self, path: Path) -> None:
            self._lock: Any = acquired(path)

        def release(self) -> None:
            if late:
                end_stage(late.pop())
            self._lock.release()

    monkeypatch.setattr(
        sender, "acquired", lambda path, *rest: Lock(path) if path.name == "sender.lock" else acquired(path, *rest)
    )
    monkeypatch.setattr(sender, "_IDLE", 0.3)
    monkeypatch.setattr(sys, "argv", ["sender", RUN])
    monkeypatch.setattr(os, "_exit", lambda _: None)
    sender.main()
    (run,) = MlflowClient(tracking_uri()).search_runs(["1"])
    assert {"first/seconds", "second/seconds"} <= run.data.metrics.keys()
    assert not run_folder(RUN).exists()


def test_files_that_an_interrupted_upload_left_out_are_sent(folder: Path) -> None:
    client, experiment = connect(tracking_uri())
    number = client.create_run(experiment).info.run_id
    report = folder / "report"
    report.mkdir()
    for name in ("a.csv", "b.csv", "c.csv"):
        (report / name).write_text(name)
    outputs = Outputs("prepare_fer", report, None, [])
    client.log_artifact(number, str(report / "a.csv"), "prepare_fer")
    assert log_outputs(client, number, outputs, 0)
    assert [entry.path for entry in client.list_artifacts(number, "prepare_fer")] == [
        f"prepare_fer/{name}.csv" for name in "abc"
    ]
    assert not log_outputs(client, number, outputs, 0)
