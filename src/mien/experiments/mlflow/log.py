"""What a stage logs: written to a journal on disk, which a process beside the stage sends to MLflow."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

import psutil
from pydantic import BaseModel

from mien._io.yaml import flat
from mien.experiments.mlflow.background import Sender
from mien.experiments.mlflow.outbox import Journal, tracking_uri

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Names the DVC experiment that an MLflow run belongs to; "workspace" where it is none.
EXPERIMENT_TAG = "dvc.experiment"
#: Names the `dvc repro`, or the execution of an experiment, whose stages share an MLflow run.
RUN_TAG = "dvc.run"


class Log:
    """Writes what a stage logs to a journal. After the first failure of the disk it keeps quiet and logs no more."""

    def __init__(self, stage: str, journal: Journal) -> None:
        self._stage, self._journal, self._uri = stage, journal, tracking_uri()
        self._began = monotonic()
        self._sender: Sender | None = None
        self._works = True

    def params(self, params: BaseModel) -> None:
        """Log all settings of the pipeline, section and key joined by dots, so that runs can be compared by them."""
        self._append("params", values={key: str(value) for key, value in flat(params.model_dump()).items()})

    def tag(self, name: str, value: str) -> None:
        """Tag the run, by which runs are found in MLflow."""
        self._append("tag", name=name, value=value)

    def data(self, context: str, *paths: str) -> None:
        """Log the data that "training" or "evaluation" takes from other stages, with the hashes that dvc.lock has."""
        if Path("dvc.lock").exists():
            self._attempt(lambda: shutil.copy("dvc.lock", self._journal.folder))
            self._append("data", context=context, paths=paths)

    def epoch(self, row: Mapping[str, float]) -> None:
        """Log the figures of one epoch, whose number is among them, as STAGE/NAME."""
        values = {f"{self._stage}/{name}": float(value) for name, value in row.items() if name != "epoch"}
        self._append("epoch", step=int(row["epoch"]), values=values)

    def metrics(self, figures: Mapping[str, object]) -> None:
        """Log final figures, nested keys joined by dots."""
        self._append("metrics", step=0, values=flat(figures))

    def files(self, folder: Path) -> None:
        """Log every file of a folder: plots, tables, figures."""
        self._attempt(lambda: shutil.copytree(folder, self._journal.files / self._stage, dirs_exist_ok=True))
        self._append("files")

    def figure(self, name: str, figure: "Figure") -> None:
        """Log a figure as a picture called `name`."""

        def save() -> None:
            folder = self._journal.files / self._stage
            folder.mkdir(parents=True, exist_ok=True)
            figure.savefig(folder / name)

        self._attempt(save)
        self._append("files")

    def model(self, name: str, folder: Path) -> None:
        """Log a trained network under a name. folder: with best.onnx."""
        no_keras, copy = shutil.ignore_patterns("*.keras"), self._journal.models / name
        self._attempt(lambda: shutil.copytree(folder, copy, ignore=no_keras, dirs_exist_ok=True))
        self._append("model", name=name)

    def begin(self, name: str, tags: Mapping[str, str]) -> None:
        """Begin the journal, and send it from now on."""

        def start() -> None:
            lock = self._journal.lock()
            if lock is None:
                raise OSError(f"{self._journal.folder}: in use by another process")
            self._journal.append("start", uri=self._uri, name=name, tags=tags)
            self._sender = Sender(self._journal, lock)
            self._sender.wake()

        self._attempt(start)

    def end(self, status: str) -> None:
        """Log how the stage ended, in MLflow's words, and say what did not arrive in time."""
        self.metrics({f"{self._stage}/seconds": round(monotonic() - self._began, 1)})
        self._append("end", status=status)
        reason = self._sender.finish() if self._sender else ""
        if reason and self._journal.folder.exists():
            missing = self._journal.missing_at(self._uri)
            _say(f"{self._stage}: not logged to {self._uri}: {missing} ({reason}); kept, `mien mlflow sync` sends it")

    def _append(self, kind: str, **values: object) -> None:
        self._attempt(lambda: self._journal.append(kind, **values))
        if self._sender:
            self._sender.wake()

    def _attempt(self, action: Callable[[], object]) -> None:
        if not self._works:
            return
        try:
            action()
        except OSError as error:
            self._works = False
            _say(f"{self._stage}: no longer logged: {error}")


@contextmanager
def run(stage: str) -> Iterator[Log]:
    """Log a stage, and yield its log."""
    experiment = os.environ.get("DVC_EXP_NAME", "workspace")
    execution = _execution(experiment)
    log = Log(stage, Journal.of(execution, stage))
    log.begin(experiment, tags(experiment, execution, os.environ.get("DVC_EXP_BASELINE_REV") or _head()))
    try:
        yield log
    except BaseException:
        log.end("FAILED")
        raise
    log.end("FINISHED")


def tags(experiment: str, execution: str, revision: str) -> dict[str, str]:
    """Return the tags of a run, those by which MLflow shows who ran what, and from which Git revision, among them."""
    named = {
        EXPERIMENT_TAG: experiment,
        RUN_TAG: execution,
        "mlflow.source.git.commit": revision,
        "mlflow.source.name": "dvc.yaml",
        "mlflow.source.type": "PROJECT",
        "mlflow.user": os.environ.get("USER", ""),
    }
    return {key: value for key, value in named.items() if value}


def _execution(experiment: str) -> str:
    """Name the execution of the pipeline that this stage is part of, after the DVC process that runs it.

    A stage that is run by hand is one of its own.
    """
    this = psutil.Process()
    process = next(filter(_is_dvc, this.parents()), this)
    return f"{experiment}-{process.create_time():.2f}-{process.pid}"


def _is_dvc(process: psutil.Process) -> bool:
    try:
        return "dvc" in [Path(word).name for word in process.cmdline()[:3]]  # python -m dvc, python bin/dvc, dvc
    except psutil.Error:  # of another user, or gone
        return False


def _head() -> str:
    command = ["git", "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    except OSError:
        return ""


def _say(what: str) -> None:
    print(f"mlflow: {what}", file=sys.stderr)
