"""The log of a stage: written to a journal on disk, which a separate process sends to MLflow."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep

from filelock import BaseFileLock

from mien._io.errors import note
from mien.config import Params
from mien.config.effects import notes
from mien.experiments import layout
from mien.experiments.mlflow.environment import SQLITE, experiment_name, tracking_uri
from mien.experiments.mlflow.journal import Journal, acquired, modified, run_folder
from mien.experiments.mlflow.tags import WORKSPACE, execution, head, tags
from mien.experiments.mlflow.values import param_texts

#: Seconds that a stage finally waits until its log has arrived: if the store works or is unknown; if it failed for an
#: earlier stage of the run, or the stage itself failed; and while an SQLite store is being created.
PATIENCE, LESS_PATIENCE, CREATION_PATIENCE = 4.0, 0.5, 30.0
_started: list[subprocess.Popen[bytes]] = []  # Python warns about running processes that it forgets


class StageLog:
    """Writes the log of a stage to a journal. After the first disk failure it is silent and logs no more."""

    def __init__(self, stage: str, journal: Journal) -> None:
        self._stage, self._journal, self._uri = stage, journal, tracking_uri()
        self._failure = journal.folder.parent / "failure"
        self._start = monotonic()
        self._lock: BaseFileLock | None = None
        self._works = True

    def epoch(self, row: Mapping[str, float]) -> None:
        """Log the figures of one epoch, including its number, as STAGE/NAME."""
        values = {f"{self._stage}/{name}": float(value) for name, value in row.items() if name != "epoch"}
        self._attempt(lambda: self._journal.append("epoch", step=int(row["epoch"]), values=values))

    def tag(self, name: str, value: str) -> None:
        """Add tags to the run, to find it in MLflow."""
        self._attempt(lambda: self._journal.append("tag", name=name, value=value))

    def outputs(self, report: Path, network: Path | None = None) -> None:
        """Log the stage's outputs and its input data, with the hashes of dvc.lock.

        Args:
            report: the folder of its report: figures in JSON files, history.csv, pictures.
            network: a folder with the best.onnx that it trained.
        """

        def copy() -> None:
            folder, no_keras = self._journal.outputs, shutil.ignore_patterns("*.keras")
            shutil.copytree(report, folder / "report", dirs_exist_ok=True)
            if network:
                shutil.copytree(network, folder / "network", ignore=no_keras, dirs_exist_ok=True)
            for path in (layout.PIPELINE, layout.LOCK):
                if path.exists():
                    shutil.copy(path, folder)
            self._journal.append("outputs", stage=self._stage)

        self._attempt(copy)

    def begin(self, name: str, values: Mapping[str, str], params: Params, parent: Sequence[str]) -> None:
        """Begin the journal and start sending it. values: the tags."""

        def start() -> None:
            self._lock = self._journal.begin()
            target = {"uri": self._uri, "experiment": experiment_name(), "run": os.environ.get("MLFLOW_RUN_ID", "")}
            what = {"name": name, "tags": values, "params": param_texts(params), "parent": parent}
            self._journal.append("start", **target, **what)
            start_sender(self._journal.folder.parent)

        self._attempt(start)

    def end(self, status: str) -> None:
        """Log how the stage ended, in MLflow's words, and print what did not arrive in time."""
        values = {f"{self._stage}/seconds": round(monotonic() - self._start, 1)}
        self._attempt(lambda: self._journal.append("end", status=status, values=values))
        if self._lock:
            self._lock.release()
        self._attempt(lambda: self._wait(failed=status == "FAILED"))

    def _wait(self, *, failed: bool) -> None:
        before, patience = modified(self._failure), PATIENCE
        if failed or before:
            patience = LESS_PATIENCE
        elif self._uri.startswith(SQLITE) and not Path(self._uri.removeprefix(SQLITE)).exists():
            patience = CREATION_PATIENCE
        until = monotonic() + patience
        while self._journal.size() and modified(self._failure) in (before, 0):
            if monotonic() > until:
                if failed:  # its own error is more important
                    return
                if not before:
                    self._failure.write_text(f"not done within {patience:g} seconds")
                break
            sleep(0.02)
        if self._journal.size():
            reason = "not done yet"
            with suppress(FileNotFoundError):
                reason = self._failure.read_text()
            _say(f"{self._stage}: not logged to {self._uri} ({reason}); kept, `mien mlflow sync` sends it")

    def _attempt(self, action: Callable[[], object]) -> None:
        if not self._works:
            return
        try:
            action()
        except OSError as error:
            self._works = False
            _say(f"{self._stage}: no longer logged: {error}")


@contextmanager
def log_stage(stage: str, params: Params, parent: Sequence[str] = ()) -> Iterator[StageLog]:
    """Log a stage: its params, duration and end status. Yields the log for everything else.

    All stages of one `dvc repro`, or of one execution of an experiment, log to one MLflow run. A failure of MLflow or
    the disk does not make the stage fail.

    Args:
        stage: its name.
        params: all params of the pipeline, to compare runs by.
        parent: for a trial, name and execution of its search, see `store.adopt`.
    """
    for text in notes(params, stage):
        note(f"params.yaml: {text}")
    experiment = os.environ.get("DVC_EXP_NAME", WORKSPACE)
    run = execution(experiment)
    log = StageLog(stage, Journal(run_folder(run) / stage))
    log.begin(experiment, tags(experiment, run, os.environ.get("DVC_EXP_BASELINE_REV") or head()), params, parent)
    try:
        yield log
    except BaseException:
        log.end("FAILED")
        raise
    log.end("FINISHED")


def start_sender(run: Path) -> None:
    """Start the process that sends the journals in a run's folder, unless it is running."""
    lock = acquired(run / "sender.lock")
    if lock is None:
        return
    lock.release()  # the process takes the lock; a second process ends at once
    with (run / "sender.log").open("a") as log:
        process = subprocess.Popen(  # noqa: S603  nothing of it comes from outside
            [sys.executable, "-m", "mien.experiments.mlflow.sender", run.name],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=log,
            start_new_session=True,  # so that Ctrl+C ends the stage but this process still sends its log
        )
    _started.append(process)


def _say(message: str) -> None:
    print(f"mlflow: {message}", file=sys.stderr)
