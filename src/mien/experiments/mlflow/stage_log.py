"""What a stage logs: written to a journal on disk, which a process beside the stages sends to MLflow."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from numbers import Real
from pathlib import Path
from time import monotonic, sleep
from typing import TYPE_CHECKING

import psutil
from filelock import BaseFileLock
from pydantic import BaseModel

from mien._io.yaml import flat
from mien.experiments import layout
from mien.experiments.mlflow.background import start_sender
from mien.experiments.mlflow.outbox import Journal, store_is_missing, tracking_uri

if TYPE_CHECKING:
    from matplotlib.figure import Figure

#: Names the DVC experiment that an MLflow run belongs to; "workspace" where it is none.
EXPERIMENT_TAG = "dvc.experiment"
#: Names the `dvc repro`, or the execution of an experiment, whose stages share an MLflow run.
RUN_TAG = "dvc.run"
#: The data that stages take from others, with what MLflow calls their context. It keeps the first one of equal data.
DATA: Mapping[str, tuple[str, tuple[Path, ...]]] = {
    "render_faces": ("rendering", (layout.EXACT_AUS,)),
    "train_au": ("training", (layout.REALISTIC_AUS,)),
    "train_cnn": ("training", (layout.BALANCED, layout.FER)),
    "evaluate": ("evaluation", (layout.REALISTIC_AUS, layout.FER)),
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

    def params(self, params: BaseModel) -> None:
        """Log all settings of the pipeline, section and key joined by dots, so that runs can be compared by them."""
        self._append("params", values={key: str(value) for key, value in flat(params.model_dump()).items()})

    def tag(self, name: str, value: str) -> None:
        """Tag the run, by which runs are found in MLflow."""
        self._append("tag", name=name, value=value)

    def data(self) -> None:
        """Log the data that the stage takes from other stages, with the hashes that dvc.lock has."""
        if self._stage in DATA and layout.LOCK.exists():
            context, paths = DATA[self._stage]
            self._attempt(lambda: shutil.copy(layout.LOCK, self._journal.folder))
            self._append("data", context=context, paths=[str(path) for path in paths])

    def epoch(self, row: Mapping[str, float]) -> None:
        """Log the figures of one epoch, whose number is among them, as STAGE/NAME."""
        values = {f"{self._stage}/{name}": float(value) for name, value in row.items() if name != "epoch"}
        self._append("epoch", step=int(row["epoch"]), values=values)

    def metrics(self, figures: Mapping[str, object]) -> None:
        """Log final figures as STAGE/NAME, the names of nested ones joined by dots. What is no number is left out."""
        numbers = {name: float(value) for name, value in flat(figures).items() if isinstance(value, Real)}
        self._append("metrics", step=0, values={f"{self._stage}/{name}": value for name, value in numbers.items()})

    def report(self, folder: Path) -> None:
        """Log what a stage reports: the figures of its JSON file, and every file as an artifact."""
        self.figures(folder)
        self._attempt(lambda: shutil.copytree(folder, self._journal.files / self._stage, dirs_exist_ok=True))
        self._append("files")

    def figures(self, folder: Path) -> None:
        """Log the figures of a stage's JSON file in the folder of its report, if it has one."""
        if (path := folder / layout.metrics(self._stage).name).exists():
            self.metrics(json.loads(path.read_text()))

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
            self._journal.append("start", uri=self._uri, name=name, tags=tags)
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
def log_stage(stage: str, params: BaseModel) -> Iterator[StageLog]:
    """Log a stage: its params and data, how long it takes and how it ends; yield the log for all else.

    All stages of one `dvc repro`, or of one execution of an experiment, log to one MLflow run. No fault of MLflow or of
    the disk makes the stage fail.
    """
    experiment = os.environ.get("DVC_EXP_NAME", "workspace")
    execution = _execution(experiment)
    log = StageLog(stage, Journal.of(execution, stage))
    log.begin(experiment, tags(experiment, execution, os.environ.get("DVC_EXP_BASELINE_REV") or _head()))
    log.params(params)
    log.data()
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


def _say(message: str) -> None:
    print(f"mlflow: {message}", file=sys.stderr)
