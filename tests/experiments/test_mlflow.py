"""MLflow mirrors a stage at any store. It never stops a stage, and no server fault loses anything."""

import base64
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import cv2
import mlflow
import numpy as np
import pandas as pd
import pytest
from filelock import FileLock
from helpers.mlflow_servers import free_port, listening, tracking_server, wait_for
from helpers.photos import FACE, portrait

from mien._io.errors import InputError
from mien.cli import main
from mien.config import load_params
from mien.data.decode import resize
from mien.emotions import FER2013
from mien.experiments.mlflow import log_stage, registry
from mien.experiments.mlflow.environment import tracking_uri
from mien.experiments.mlflow.journal import Journal, run_folder
from mien.experiments.mlflow.store import connect
from mien.experiments.mlflow.sync import sync
from mien.inference.networks.face_classifier import FaceClassifier
from mien.inference.networks.pretrained import FACE_NETWORKS

ROOT = Path(__file__).parents[2]
PARAMS = load_params(ROOT / "params.yaml")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server that all tests share."""
    with tracking_server(free_port(), tmp_path_factory.mktemp("server")) as address:
        yield address


@pytest.fixture(autouse=True)
def experiment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """The name of a DVC experiment, in a repository of its own."""
    for name in [name for name in os.environ if name.startswith(("DVC_", "MLFLOW_TRACKING"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    monkeypatch.setenv("DVC_EXP_NAME", tmp_path.name)
    monkeypatch.setenv("DVC_EXP_BASELINE_REV", "0123abc")
    monkeypatch.chdir(tmp_path)
    return tmp_path.name


def _train(epochs: int = 2, after_epoch: Callable[[int], None] = lambda _: None) -> None:
    """Log what stages log, in two stages of one experiment."""
    for name in ("dvc.lock", "dvc.yaml"):
        shutil.copy(ROOT / name, name)
    with log_stage("train_cnn", PARAMS) as log:
        for epoch in range(1, epochs + 1):
            log.epoch({"epoch": epoch, "accuracy": epoch / 4})
            after_epoch(epoch)
        Path("network").mkdir(exist_ok=True)
        shutil.copy(FACE_NETWORKS["mien_small"], "network/best.onnx")
        log.outputs(_report("train_cnn"), Path("network"))
    with log_stage("evaluate", PARAMS) as log:
        log.outputs(_report("evaluate"))


def _report(stage: str) -> Path:
    """Write what a stage reports."""
    folder = Path("report", stage)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "metrics.json").write_text('{"cnn": {"accuracy": 0.7, "network": "mien"}}')
    return folder


def _only_run(address: str, experiment: str) -> mlflow.entities.Run:
    client = mlflow.MlflowClient(address)
    mien = client.get_experiment_by_name("mien")
    assert mien is not None
    (run,) = client.search_runs([mien.experiment_id], f"tags.`dvc.experiment` = '{experiment}'")
    return run


def _assert_whole(address: str, experiment: str, epochs: int = 2) -> None:
    """Check that all of `_train` is there, and is there once."""
    client, run = mlflow.MlflowClient(address), _only_run(address, experiment)
    assert run.info.status == "FINISHED"
    assert run.info.run_name == experiment
    assert run.data.tags["mlflow.source.git.commit"] == "0123abc"
    assert run.data.params["train_cnn.network"] == PARAMS.train_cnn.network
    curve = client.get_metric_history(run.info.run_id, "train_cnn/accuracy")
    assert [(point.step, point.value) for point in curve] == [(epoch, epoch / 4) for epoch in range(1, epochs + 1)]
    assert run.data.metrics["evaluate/cnn.accuracy"] == 0.7
    assert run.inputs is not None
    datasets = {entry.dataset.name: entry.dataset.digest for entry in run.inputs.dataset_inputs}
    assert set(datasets) == {
        "data/balanced:test",
        "data/balanced:training",
        "data/fer:validation",
        "data/fer:test",
        "data/aus/realistic.csv:test",
    }
    assert all(f"md5: {digest}\n" in (ROOT / "dvc.lock").read_text() for digest in datasets.values())
    assert [file.path for file in client.list_artifacts(run.info.run_id, "evaluate")] == ["evaluate/metrics.json"]
    (model,) = client.search_logged_models([run.info.experiment_id], f"source_run_id = '{run.info.run_id}'")
    assert (model.name, model.status) == ("cnn", "READY")
    assert ("evaluate/cnn.accuracy", 0.7, "data/fer:test") in [
        (metric.key, metric.value, metric.dataset_name) for metric in model.metrics or ()
    ]


def test_the_named_server_gets_both_stages_as_one_run(
    server: str, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "1")
    load = "system/cpu_utilization_percentage"
    _train(after_epoch=lambda _: wait_for(lambda: _curve(server, experiment, load) != []))
    list(sync())  # where the machine was too busy for it in time
    _assert_whole(server, experiment)
    assert list(sync()) == []
    assert _register(experiment).startswith("models:/mien@champion is version ")
    version = mlflow.MlflowClient(server).get_model_version_by_alias("mien", "champion")
    assert version.run_id == _only_run(server, experiment).info.run_id
    with pytest.raises(InputError, match=r"^run nothing: has no network cnn in MLflow, expected the id of a run"):
        _register("nothing")


def _register(run: str = "") -> str:
    """Register a network, whichever one was registered by another test before."""
    return registry.register(run, Path("no-images"), 0.02, force=True)


@contextmanager
def _refuses() -> Iterator[str]:
    yield f"http://127.0.0.1:{free_port()}"


@contextmanager
def _hangs() -> Iterator[str]:
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def _fails() -> Iterator[str]:
    class Answer(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline()
            if self.parse_request():
                self.send_error(500)
            self.close_connection = True

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as failing:
        threading.Thread(target=failing.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{failing.server_port}"
        failing.shutdown()


@pytest.mark.parametrize("fault", [_refuses, _hangs, _fails])
def test_what_a_broken_server_misses_is_said_kept_and_sent_once(
    fault: Callable[[], AbstractContextManager[str]],
    server: str,
    experiment: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with fault() as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        _train()
        train, evaluate = capsys.readouterr().err.splitlines()
    for stage, line in (("train_cnn", train), ("evaluate", evaluate)):
        assert line.startswith(f"mlflow: {stage}: not logged to {address} (")
        assert line.endswith("; kept, `mien mlflow sync` sends it")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    assert len(list(sync())) == 2
    _assert_whole(server, experiment)
    assert list(sync()) == []
    _assert_whole(server, experiment)


def test_a_connection_that_the_server_ended_is_made_anew() -> None:
    class Answer(BaseHTTPRequestHandler):
        requests = 0

        def do_GET(self) -> None:
            Answer.requests += 1
            if Answer.requests > 1:
                body = json.dumps({"experiment": {"experiment_id": "7", "name": "faces", "lifecycle_stage": "active"}})
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        assert connect(f"http://127.0.0.1:{server.server_port}", "faces")[1] == "7"
        server.shutdown()
    assert Answer.requests == 2


def test_a_run_goes_on_where_the_server_was_killed(
    tmp_path: Path, experiment: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    port = free_port()
    with ExitStack() as first:
        address = first.enter_context(tracking_server(port, tmp_path))
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)

        def kill_after_two(epoch: int) -> None:
            if epoch == 2:
                wait_for(lambda: len(_curve(address, experiment)) == 2)  # they are there while the stage works
                first.close()

        _train(epochs=4, after_epoch=kill_after_two)
    train, _ = capsys.readouterr().err.splitlines()
    assert train.startswith(f"mlflow: train_cnn: not logged to {address} (")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    with tracking_server(port, tmp_path):
        assert len(list(sync())) == 2  # the journal knows which server it was
        _assert_whole(address, experiment, epochs=4)
        assert list(sync()) == []
    assert "MLFLOW_TRACKING_URI" not in os.environ  # or all that follows would go to this server


def test_sync_says_in_one_line_that_the_server_is_still_away(experiment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with _refuses() as address:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
        with log_stage("train_au", PARAMS) as log:
            log.epoch({"epoch": 1, "accuracy": 0.5})
        for _ in range(2):
            with pytest.raises(InputError, match=rf"^{experiment}-.*/train_au: not logged: {address}: "):
                list(sync())
        with pytest.raises(InputError, match=f"^{address}: MLflow's store or server does not work"):
            _register()


def test_runs_go_where_the_variables_of_mlflow_say(
    server: str, experiment: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    client = mlflow.MlflowClient(server)
    number = client.create_experiment("faces")
    given = client.create_run(number, run_name="mine").info.run_id
    for name, value in (("EXPERIMENT_NAME", "faces"), ("RUN_ID", given), ("RUN_CONTEXT", '{"team": "blue"}')):
        monkeypatch.setenv(f"MLFLOW_{name}", value)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    for seed in (20, 7):  # the second cannot be the same run, as MLflow changes no param
        with log_stage("train_au", PARAMS.model_copy(update={"base": PARAMS.base.model_copy(update={"seed": seed})})):
            pass
        list(sync())
    runs = {run.data.params["base.seed"]: run for run in client.search_runs([number])}
    assert {seed: run.info.run_name for seed, run in runs.items()} == {"20": "mine", "7": experiment}
    assert runs["20"].info.run_id == given
    assert all(run.data.tags["team"] == "blue" and run.info.status == "FINISHED" for run in runs.values())
    capsys.readouterr()


def test_what_mlflow_refuses_for_ever_is_said_and_left_out(
    server: str, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    journal = _journal("refused-run", server, experiment)
    journal.append("outputs", stage="train_au")  # of which there are none
    journal.append("epoch", step=1, values={"accuracy": 0.5})
    journal.append("end", status="FINISHED", values={"train_au/seconds": 1.0})
    with pytest.raises(InputError, match=r"^refused-run/train_au: left out, as .* refuses it: outputs "):
        list(sync())
    run = _only_run(server, experiment)
    assert (run.info.status, run.data.metrics) == ("FINISHED", {"accuracy": 0.5, "train_au/seconds": 1.0})
    assert list(sync()) == []


def test_a_journal_that_has_ended_is_sent_while_another_process_looks_at_it(
    server: str, experiment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    journal = _journal("ended-run", server, experiment)
    journal.append("end", status="FINISHED", values={})
    with FileLock(journal.folder / "writing.lock"):
        (line,) = list(sync())
    assert line == f"ended-run/train_au: logged to {server}"
    assert _only_run(server, experiment).info.status == "FINISHED"
    assert not journal.folder.exists()


def _journal(run: str, uri: str, experiment: str) -> Journal:
    """Begin the journal of a stage that is gone."""
    journal = Journal(run_folder(run) / "train_au")
    journal.begin().release()
    journal.append("start", uri=uri, name=experiment, tags={"dvc.run": run, "dvc.experiment": experiment})
    return journal


def test_a_stage_that_fails_is_logged_as_failed(server: str, experiment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    with pytest.raises(ZeroDivisionError), log_stage("train_au", PARAMS):
        raise ZeroDivisionError
    list(sync())
    assert _only_run(server, experiment).info.status == "FAILED"


def test_a_stage_that_is_killed_is_logged_as_killed(server: str, tmp_path: Path, experiment: str) -> None:
    script = """
import os, signal, sys
from pathlib import Path
from mien.config import load_params
from mien.experiments.mlflow import log_stage
with log_stage("train_au", load_params(Path(sys.argv[1]))) as log:
    log.epoch({"epoch": 1, "accuracy": 0.25})
    os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "MLFLOW_TRACKING_URI": server}
    command = [sys.executable, "-c", script, str(ROOT / "params.yaml")]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    wait_for(lambda: not list((tmp_path / ".mlflow-outbox").glob("*/*/")))
    run = _only_run(server, experiment)
    assert (run.info.status, run.data.metrics) == ("KILLED", {"train_au/accuracy": 0.25})


def test_a_journal_is_whole_up_to_where_its_writer_died(server: str, experiment: str) -> None:
    journal = _journal("a-run", server, experiment)
    journal.append("epoch", step=1, values={"accuracy": 0.5})
    with (journal.folder / "events.jsonl").open("a") as file:
        file.write('{"kind": "metr')
    list(sync())
    run = _only_run(server, experiment)
    assert (run.info.status, run.data.metrics) == ("KILLED", {"accuracy": 0.5})
    assert not journal.folder.exists()


def test_a_journal_that_a_stage_writes_is_left_alone(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    with log_stage("train_au", PARAMS):
        (line,) = list(sync())
    assert line.endswith("/train_au: still running")


def test_an_outbox_that_cannot_be_written_costs_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / ".mlflow-outbox").write_text("in the way")
    with log_stage("train_au", PARAMS) as log:
        log.epoch({"epoch": 1, "accuracy": 0.5})
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("mlflow: train_au: no longer logged: ")


def test_processes_that_create_the_store_at_once_share_it(tmp_path: Path) -> None:
    script = "import sys; from mien.experiments.mlflow.store import connect; print(connect(sys.argv[1])[1])"
    command = [sys.executable, "-c", script, f"sqlite:///{tmp_path}/mlflow.db"]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(2)]
    outputs = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert len(set(outputs)) == 1


@pytest.mark.parametrize("how", ["moved", "copied"])
def test_a_store_that_was_moved_or_copied_finds_its_files(
    how: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old, new = tmp_path / "old", tmp_path / "new place"
    old.mkdir()
    client, number = connect(f"sqlite:///{old}/mlflow.db")
    run = client.create_run(number).info.run_id
    client.log_text(run, "there", "file.txt")
    if how == "moved":
        old.rename(new)
    else:
        shutil.copytree(old, new)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_NAME", "another")  # than the run's
    for _ in range(2):
        client, _ = connect(f"sqlite:///{new}/mlflow.db")
    later = client.create_run(number).info.run_id
    client.log_text(later, "too", "file.txt")
    shutil.rmtree(old, ignore_errors=True)
    assert [Path(client.download_artifacts(each, "file.txt")).read_text() for each in (run, later)] == ["there", "too"]
    (line,) = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    assert line.startswith(f"note: {new}/mlflow.db: was {how}; the files of its runs are now looked for in ")


def test_what_is_served_is_what_mien_says(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    versions = [_register() for _ in range(2)]
    assert len(set(versions)) == 1
    face = portrait()[FACE.top : FACE.top + FACE.height, FACE.left : FACE.left + FACE.width]
    cv2.imwrite("face.png", face)
    monkeypatch.setattr(sys, "argv", ["mien", "image", "face.png", "--crop", "--json"])
    main()
    (expected,) = json.loads(capsys.readouterr().out)["faces"]
    encoded = base64.b64encode(Path("face.png").read_bytes()).decode()
    grey = resize(cv2.cvtColor(face, cv2.COLOR_BGR2GRAY), 48)
    (by_classifier,) = FaceClassifier.from_pretrained(precision="auto").predict_proba(grey[np.newaxis], tta="mirror")

    port = free_port()
    command = ["models", "serve", "--model-uri", "models:/mien@champion", "--env-manager", "local", "--port", str(port)]
    with listening(command, port, "/ping", tmp_path) as address:
        for request in (
            {"dataframe_records": [{"image": encoded}]},
            {"dataframe_split": {"columns": ["image"], "data": [[f"data:image/png;base64,{encoded}"]]}},
            {"inputs": [encoded]},
            {"inputs": face[np.newaxis, :, :, ::-1].tolist()},
            {"instances": face[:, :, ::-1].tolist()},
        ):
            (served,) = _ask(address, request)["predictions"]
            assert served["emotion"] == expected["emotion"]
            for emotion, probability in expected["probabilities"].items():
                assert served[emotion] == pytest.approx(probability, abs=1e-4)
        small = _ask(address, {"inputs": [grey.tolist()] * 2})["predictions"]
        for row in small:
            np.testing.assert_allclose([row[emotion] for emotion in FER2013], by_classifier, atol=1e-4)
        refused = _ask(address, {"inputs": (face / 255).tolist()})
        assert "picture 0: found float64 0" in refused["message"]
        assert "expected whole numbers 0..255: multiply fractions of 0..1 by 255" in refused["message"]
    folder = Path(mlflow.artifacts.download_artifacts("models:/mien@champion", dst_path=str(tmp_path / "model")))
    example = json.loads((folder / "serving_input_example.json").read_text())
    assert example["dataframe_split"]["columns"] == ["image"]
    assert mlflow.pyfunc.load_model(str(folder)).predict(pd.DataFrame(**example["dataframe_split"])).shape == (1, 9)


def _ask(address: str, request: object) -> Any:
    """Return the answer of a scoring server, also if it is an error."""
    headers = {"Content-Type": "application/json"}
    try:
        data = json.dumps(request).encode()
        with urllib.request.urlopen(urllib.request.Request(f"{address}/invocations", data, headers)) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        return json.loads(error.read())


def _curve(address: str, experiment: str, key: str = "train_cnn/accuracy") -> list[float]:
    client = mlflow.MlflowClient(address)
    with suppress(AssertionError, ValueError):  # not there yet
        run = _only_run(address, experiment)
        return [point.value for point in client.get_metric_history(run.info.run_id, key)]
    return []


def test_the_root_of_the_repository_is_found_from_any_folder_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    below = tmp_path / "stages" / "deep"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert tracking_uri() == f"sqlite:///{below}/mlflow.db"
    (tmp_path / "dvc.yaml").write_text("stages: {}\n")
    assert tracking_uri() == f"sqlite:///{tmp_path}/mlflow.db"
