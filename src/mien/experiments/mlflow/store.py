"""MLflow's client, ready to use: no call hangs for minutes, and the sqlite store is there, whoever was first."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
from filelock import FileLock
from mlflow.exceptions import MlflowException

from mien._io.atomic import atomic_file
from mien._io.errors import InputError
from mien.experiments.mlflow.outbox import SQLITE

EXPERIMENT = "mien"


def connect(uri: str) -> tuple[mlflow.MlflowClient, str]:
    """Return a client of a store or server, and the id of mien's experiment there; both are made if need be.

    The files of a sqlite store are in mlruns beside it.

    Raises:
        MlflowException: it cannot be reached or does not answer as it should.
    """
    artifacts = None
    if uri.startswith(SQLITE):
        store = Path(uri.removeprefix(SQLITE)).resolve()
        _create(store)
        artifacts = store.with_name("mlruns").as_uri()
    _use(uri)
    client = mlflow.MlflowClient()
    if client.get_experiment_by_name(EXPERIMENT) is None:
        with suppress(MlflowException):  # another process was quicker
            client.create_experiment(EXPERIMENT, artifact_location=artifacts)
    return client, mlflow.set_experiment(EXPERIMENT).experiment_id


def _use(uri: str) -> None:
    """Make this the store of MLflow's functions, without naming it in the environment, as MLflow itself does."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    if before is None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    else:
        os.environ["MLFLOW_TRACKING_URI"] = before


def reason(error: Exception) -> str:
    """Return the first line of what went wrong at first, which MLflow's errors wrap several times."""
    while isinstance(error.__context__, Exception):
        error = error.__context__
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


@contextmanager
def expected_at(uri: str) -> Iterator[None]:
    """Turn what a store or server that does not work makes MLflow raise into an InputError."""
    try:
        yield
    except Exception as error:  # noqa: BLE001  that may be anything
        raise InputError(f"{uri}: MLflow's store or server does not work ({reason(error)})") from None


def _create(store: Path) -> None:
    """Create a sqlite store whole or not at all, once for all processes that want it.

    MLflow does so table by table, on which a second process, or one that was killed, chokes.
    """
    if store.exists():
        return
    store.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(store.with_name(f"{store.name}.lock")):
        if store.exists():
            return
        with atomic_file(store) as scratch:
            mlflow.MlflowClient(f"{SQLITE}{scratch}").search_experiments(max_results=1)
