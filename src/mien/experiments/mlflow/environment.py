"""MLflow's settings for mien, unless the user has others: it calls no one home, no call hangs for minutes, and all runs
of a repository go to one place.
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
    """Return the root of the repository, from any folder in it; the folder here if there is no repository.

    DVC runs queued experiments in temporary copies, and names the repository in DVC_ROOT.
    """
    if named := os.environ.get("DVC_ROOT"):
        return Path(named).resolve()
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / layout.PIPELINE).is_file()), here)


def tracking_uri() -> str:
    """Return MLFLOW_TRACKING_URI, or else the sqlite store in the root of the repository.

    A relative path of a sqlite store is one in the root, too: what is logged in a copy that DVC makes would go with it.
    """
    uri = os.environ.get("MLFLOW_TRACKING_URI") or f"{SQLITE}mlflow.db"
    return f"{SQLITE}{root() / uri.removeprefix(SQLITE)}" if uri.startswith(SQLITE) else uri


def experiment_name() -> str:
    """Return MLFLOW_EXPERIMENT_NAME, the name of the experiment in MLflow that runs belong to; else "mien"."""
    return os.environ.get("MLFLOW_EXPERIMENT_NAME") or "mien"
