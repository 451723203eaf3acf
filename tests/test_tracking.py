"""MLflow mirrors a stage, wherever it is told to, and never stops one."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import mlflow
import pytest

from mien import tracking


@pytest.fixture
def port() -> int:
    """A port on loopback on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(port: int, tmp_path: Path) -> Iterator[str]:
    """A real MLflow server with its own store; its address."""
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    store = [
        "--backend-store-uri",
        f"sqlite:///{tmp_path}/server.db",
        "--artifacts-destination",
        str(tmp_path / "files"),
    ]
    with (tmp_path / "log").open("w") as log, subprocess.Popen([*command, *store], stdout=log, stderr=log) as process:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/health", timeout=1).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address
        process.terminate()


def test_the_named_server_gets_the_run(server: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setenv("DVC_EXP_NAME", "wide-units")
    (tmp_path / "plots").mkdir()
    (tmp_path / "plots/a.txt").write_text("a")
    with tracking.run("train_au") as log:
        log.epoch({"epoch": 1, "accuracy": 0.5})
        log.epoch({"epoch": 2, "accuracy": 0.75})
        log.metrics({"au": {"accuracy": 0.7}})
        log.files(tmp_path / "plots")
    client = mlflow.MlflowClient(server)
    experiment = client.get_experiment_by_name("mien")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.tags["dvc.experiment"] == "wide-units"
    assert [point.value for point in client.get_metric_history(run.info.run_id, "accuracy")] == [0.5, 0.75]
    assert run.data.metrics["au.accuracy"] == 0.7
    assert [file.path for file in client.list_artifacts(run.info.run_id)] == ["a.txt"]


def test_a_server_that_is_down_costs_one_line(
    port: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{port}")
    start = time.monotonic()
    with tracking.run("train_au") as log:
        log.metrics({"accuracy": 0.5})
        log.metrics({"accuracy": 0.6})
    assert time.monotonic() - start < 10
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"mlflow: not logged to http://127.0.0.1:{port}")


def test_a_stage_that_fails_is_logged_as_failed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    with pytest.raises(ZeroDivisionError), tracking.run("train_au"):
        raise ZeroDivisionError
    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/mlflow.db")
    experiment = client.get_experiment_by_name("mien")
    assert experiment is not None
    assert experiment.artifact_location == (tmp_path / "mlruns").as_uri()
    assert client.search_runs([experiment.experiment_id])[0].info.status == "FAILED"
