"""The tags of an MLflow run: who ran what, from which Git revision, and which stages belong together."""

import getpass
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import psutil

#: Names the DVC experiment of an MLflow run; WORKSPACE if there is none.
EXPERIMENT_TAG, WORKSPACE = "dvc.experiment", "workspace"
#: Names the commit that the run, or the experiment, is based on.
COMMIT_TAG = "mlflow.source.git.commit"
#: Names the `dvc repro` or execution of an experiment whose stages share an MLflow run; or a sweep or search.
RUN_TAG = "dvc.run"
#: Names the commit of a run's DVC experiment. `mien mlflow sync` adds it, because stages run before the commit.
REVISION_TAG = "dvc.revision"
#: Names the parent run (a sweep or search), by MLflow's own tag.
PARENT_TAG = "mlflow.parentRunId"


def tags(experiment: str, execution: str, revision: str) -> dict[str, str]:
    """Return the tags of a run, including those of MLFLOW_RUN_CONTEXT."""
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
    """Return the tags in MLFLOW_RUN_CONTEXT, a JSON object with which MLflow users tag all runs of a program."""
    with suppress(ValueError, AttributeError):
        return {str(key): str(value) for key, value in json.loads(os.environ.get("MLFLOW_RUN_CONTEXT", "{}")).items()}
    print("mlflow: MLFLOW_RUN_CONTEXT: is not a JSON object; ignored", file=sys.stderr)
    return {}


def user() -> str:
    """Return the user's name, like MLflow; empty for a user id without a name."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return ""


def execution(name: str) -> str:
    """Name the execution of a pipeline, experiment or search after its DVC process, or else after this process."""
    this = psutil.Process()
    process = next(filter(_is_dvc, this.parents()), this)
    return f"{name}-{process.create_time():.2f}-{process.pid}"


def _is_dvc(process: psutil.Process) -> bool:
    try:
        return "dvc" in [Path(word).name for word in process.cmdline()[:3]]  # python -m dvc, python bin/dvc, dvc
    except psutil.Error:  # another user's process, or gone
        return False


def head() -> str:
    """Return the commit that is checked out here; empty if there is none."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603
    except OSError:
        return ""
