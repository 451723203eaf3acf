"""What a stage logs: written to a journal on disk, which a process beside the stages sends to MLflow."""

import getpass
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

import psutil
from filelock import BaseFileLock

from mien._io.errors import note
from mien.config import Params
from mien.config.effects import notes
from mien.experiments import layout
from mien.experiments.mlflow.background import start_sender
from mien.experiments.mlflow.outbox import Journal, experiment_name, store_is_missing, tracking_uri
from mien.experiments.mlflow.values import figures, metric_values, param_texts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Names the DVC experiment that an MLflow run belongs to; WORKSPACE where it is none.
EXPERIMENT_TAG, WORKSPACE = "dvc.experiment", "workspace"
#: Names the commit that the run, or the experiment, is based on.
COMMIT_TAG = "mlflow.source.git.commit"
#: Names the `dvc repro`, or the execution of an experiment, whose stages share an MLflow run.
RUN_TAG = "dvc.run"
#: Names the commit of the DVC experiment that a run belongs to; `mien mlflow sync` adds it, as stages come before it.
REVISION_TAG = "dvc.revision"
#: The outs of other stages that a stage takes. `mien mlflow sync` logs other data, which DVC hashes afterwards.
_DATA: Mapping[str, tuple[Path, ...]] = {
    "render_faces": (layout.EXACT_AUS,),
    "prepare_fer": (layout.FACES_ZIP,),
    "oversample_augment": (layout.FER,),
    "train_au": (layout.REALISTIC_AUS,),
    "train_cnn": (layout.BALANCED, layout.FER),
    "evaluate": (layout.REALISTIC_AUS, layout.FER),
}
#: Seconds that a stage waits in the end for what it logged to arrive: where the store works or is not known yet, after
#: an earlier stage of the run waited in vain, and while a sqlite store is being created.
PATIENCE, LESS_PATIENCE, CREATION_PATIENCE = 4.0, 0.5, 30.0


class StageLog:
    """Writes what a stage logs to a journal. After the first failure of the disk it keeps quiet and logs no more."""

    def __init__(self, stage: str, journal: Journal) -> None:
        self._stage, self._journal, self._uri = stage, journal, tracking_uri()
        self._start = monotonic()
        self._lock: BaseFileLock | None = None
        self._works = True

    def params(self, params: Params) -> None:
        """Log all settings of the pipeline, so that runs can be compared by them."""
        self._append("params", values=param_texts(params))

    def tag(self, name: str, value: str) -> None:
        """Tag the run, by which runs are found in MLflow."""
        self._append("tag", name=name, value=value)

    def data(self, params: Params) -> None:
        """Log the data that the stage takes from other stages, with the hashes that dvc.lock has."""
        paths = [str(path) for path in _DATA.get(self._stage, ())]
        if self._stage == "prepare_fer":
            paths = [path for path in paths if path == params.prepare_fer.source]
        if paths and layout.LOCK.exists():
            self._attempt(lambda: shutil.copy(layout.LOCK, self._journal.folder))
            self._append("data", stage=self._stage, paths=paths)

    def epoch(self, row: Mapping[str, float]) -> None:
        """Log the figures of one epoch, whose number is among them, as STAGE/NAME."""
        values = {f"{self._stage}/{name}": float(value) for name, value in row.items() if name != "epoch"}
        self._append("epoch", step=int(row["epoch"]), values=values)

    def metrics(self, tree: Mapping[str, object]) -> None:
        """Log final figures as STAGE/NAME, the names of nested ones joined by dots. What is no number is left out."""
        self._append("metrics", step=0, values=metric_values(self._stage, tree))

    def report(self, folder: Path) -> None:
        """Log what a stage reports: the figures of its JSON files, if it has some, and every file as an artifact."""
        if values := figures(self._stage, folder):
            self._append("metrics", step=0, values=values)
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
        """Begin the journal, and have it sent from now on."""

        def start() -> None:
            self._lock = self._journal.begin()
            target = {"uri": self._uri, "experiment": experiment_name(), "run": os.environ.get("MLFLOW_RUN_ID", "")}
            self._journal.append("start", **target, name=name, tags=tags)
            start_sender(self._journal.folder.parent)

        self._attempt(start)

    def end(self, status: str) -> None:
        """Log how the stage ended, in MLflow's words, and say what did not arrive in time."""
        self.metrics({"seconds": round(monotonic() - self._start, 1)})
        self._append("end", status=status)
        if self._lock:
            self._lock.release()
        self._attempt(lambda: self._wait(failed=status == "FAILED"))

    def _wait(self, *, failed: bool) -> None:
        """Wait a little until MLflow has it all, and say what it lacks; after a failure the error comes first."""
        run = self._journal.folder.parent
        start_sender(run)  # which has ended where no stage was at work for a while
        late, patience = run / "late", PATIENCE
        if failed or late.exists():
            patience = LESS_PATIENCE
        elif store_is_missing(self._uri):
            patience = CREATION_PATIENCE
        until = monotonic() + patience
        reason = ""
        while self._journal.size() and not (reason := self._journal.failure()):
            if monotonic() > until:
                late.touch()
                reason = "" if failed else f"not done within {patience:g} seconds"
                break
            sleep(0.02)
        if reason:
            missing = self._journal.missing_at(self._uri)
            _say(f"{self._stage}: not logged to {self._uri}: {missing} ({reason}); kept, `mien mlflow sync` sends it")

    def _append(self, kind: str, **values: object) -> None:
        self._attempt(lambda: self._journal.append(kind, **values))

    def _attempt(self, action: Callable[[], object]) -> None:
        if not self._works:
            return
        try:
            action()
        except OSError as error:
            self._works = False
            _say(f"{self._stage}: no longer logged: {error}")


@contextmanager
def log_stage(stage: str, params: Params) -> Iterator[StageLog]:
    """Log a stage: its params and data, how long it takes and how it ends; yield the log for all else.

    All stages of one `dvc repro`, or of one execution of an experiment, log to one MLflow run. No fault of MLflow or of
    the disk makes the stage fail.
    """
    for text in notes(params, stage):
        note(f"params.yaml: {text}")
    experiment = os.environ.get("DVC_EXP_NAME", WORKSPACE)
    execution = _execution(experiment)
    log = StageLog(stage, Journal.of(execution, stage))
    log.begin(experiment, tags(experiment, execution, os.environ.get("DVC_EXP_BASELINE_REV") or _head()))
    log.params(params)
    log.data(params)
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
        COMMIT_TAG: revision,
        "mlflow.source.name": "dvc.yaml",
        "mlflow.source.type": "PROJECT",
        "mlflow.user": user(),
    }
    return {key: value for key, value in (named | _context()).items() if value}


def _context() -> dict[str, str]:
    """Return the tags of MLFLOW_RUN_CONTEXT, a JSON object, by which MLflow users tag all runs of a program."""
    with suppress(ValueError, AttributeError):
        return {str(key): str(value) for key, value in json.loads(os.environ.get("MLFLOW_RUN_CONTEXT", "{}")).items()}
    _say("MLFLOW_RUN_CONTEXT: is no JSON object, left out")
    return {}


def user() -> str:
    """Return who runs this, as MLflow does; empty for a number without a name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


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


def _say(message: str) -> None:
    print(f"mlflow: {message}", file=sys.stderr)
