"""MLflow's settings for mien, unless the user has set others: no telemetry, no call that hangs for minutes, one place
for all runs of a repository.
"""

import os
from pathlib import Path

from mien.experiments import layout

for _name, _value in (
    ("MLFLOW_DISABLE_TELEMETRY", "true"),
    ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0"),
    ("MLFLOW_HTTP_REQUEST_TIMEOUT", "30"),
    ("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true"),
    ("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false"),
):
    os.environ.setdefault(_name, _value)

SQLITE = "sqlite:///"


def root() -> Path:
    """Return the root of the repository, from any folder in it; the current folder if there is no repository.

    DVC runs queued experiments in temporary copies and sets DVC_ROOT to the repository.
    """
    if named := os.environ.get("DVC_ROOT"):
        return Path(named).resolve()
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / layout.PIPELINE).is_file()), here)


def tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI, or else the SQLite store in the root of the repository.

    A relative SQLite path is resolved from the root, too, because a store in DVC's temporary copy would be lost.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}mlflow.db"
    return f"{SQLITE}{root() / uri.removeprefix(SQLITE)}" if uri.startswith(SQLITE) else uri


def experiment_name() -> str:
    """Return MLFLOW_EXPERIMENT_NAME, the MLflow experiment of the runs; "mien" if it is not set."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or "mien"
