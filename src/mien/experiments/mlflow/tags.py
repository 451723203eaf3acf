"""The tags of a run in MLflow: who ran what, from which Git revision, and which stages belong together."""

import getpass
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

#: Names the DVC experiment that an MLflow run belongs to; WORKSPACE where it is none.
EXPERIMENT_TAG, WORKSPACE = "dvc.experiment", "workspace"
#: Names the commit that the run, or the experiment, is based on.
COMMIT_TAG = "mlflow.source.git.commit"
#: Names the `dvc repro`, or the execution of an experiment, whose stages share an MLflow run; or a sweep or search.
RUN_TAG = "dvc.run"
#: Names the commit of the DVC experiment that a run belongs to; `mien mlflow sync` adds it, as stages come before it.
REVISION_TAG = "dvc.revision"
#: Names the run of the sweep or search that a run belongs to, as MLflow knows it.
PARENT_TAG = "mlflow.parentRunId"


def tags(experiment: str, execution: str, revision: str) -> dict[str, str]:
    """Return the tags of a run, those of MLFLOW_RUN_CONTEXT among them."""
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
    print("mlflow: MLFLOW_RUN_CONTEXT: is no JSON object, left out", file=sys.stderr)
    return {}


def user() -> str:
    """Return who runs this, as MLflow does; empty for a number without a name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def execution(name: str) -> str:
    """Name the execution of a pipeline, experiment or search after the DVC process that runs it, or else this one."""
    this = psutil.Process()
    process = next(filter(_is_dvc, this.parents()), this)
    return f"{name}-{process.create_time():.2f}-{process.pid}"


def _is_dvc(process: psutil.Process) -> bool:
    try:
        return "dvc" in [Path(word).name for word in process.cmdline()[:3]]  # python -m dvc, python bin/dvc, dvc
    except psutil.Error:  # of another user, or gone
        return False


def head() -> str:
    """Return the commit that is checked out here; empty if there is none."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    except OSError:
        return ""
