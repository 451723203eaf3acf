"""MLflow's client, ready to use: no call hangs for minutes, and the SQLite store exists."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit

import mlflow
from filelock import FileLock
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from mien._io.atomic import atomic_file
from mien._io.errors import InputError, note
from mien.experiments.mlflow.environment import SQLITE, experiment_name
from mien.experiments.mlflow.tags import PARENT_TAG, RUN_TAG

_REFUSALS = ("INVALID_PARAMETER_VALUE", "RESOURCE_ALREADY_EXISTS", "RESOURCE_DOES_NOT_EXIST", "BAD_REQUEST")

_CLOSED = "Remote end closed connection"  # a server may end an idle connection just when it is used again

MAX_RUNS = 50_000  # results per answer of MLflow

#: Tables and columns of a store that contain file paths.
_PATHS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "storage_location"),
)


def connect(uri: str, experiment: str = "") -> tuple[mlflow.MlflowClient, str]:
    """Return a client of a store or server, and the id of an experiment there. Both are created if needed.

    The files of an SQLite store are in mlruns beside it.

    Args:
        uri: the store or server.
        experiment: its name in MLflow; by default `mien.experiments.mlflow.environment.experiment_name`.

    Raises:
        MlflowException: it cannot be reached or does not answer properly.
    """
    experiment = experiment or experiment_name()
    artifacts = None
    if uri.startswith(SQLITE):
        store = Path(uri.removeprefix(SQLITE)).resolve()
        _create(store)
        artifacts = store.with_name("mlruns").as_uri()
        _mend_moved(store, artifacts)
    _use(uri)
    client = mlflow.MlflowClient()
    try:
        known = client.get_experiment_by_name(experiment)
    except MlflowException as error:
        if _CLOSED not in str(error):
            raise
        known = client.get_experiment_by_name(experiment)  # by a new connection
    if known is None:
        with suppress(MlflowException):  # another process was faster
            client.create_experiment(experiment, artifact_location=artifacts)
        known = client.get_experiment_by_name(experiment)
    if known is None or known.lifecycle_stage != "active":
        raise MlflowException(f"experiment {experiment} is deleted, expected one that is not, or another name")
    return client, known.experiment_id


def _mend_moved(store: Path, artifacts: str) -> None:
    """Update absolute file paths in a store after its repository was moved or copied.

    A path that still exists stays unchanged, because somebody chose it, unless it belongs to another store: that of
    which this one is a copy, whose files were copied too.
    """
    with closing(sqlite3.connect(store, timeout=10)) as database:
        query = "SELECT DISTINCT artifact_location FROM experiments WHERE artifact_location LIKE 'file:///%/mlruns'"
        others = [str(before) for (before,) in database.execute(query) if before != artifacts]
        moved = {before: how for before in others if (how := _moved(Path(unquote(urlsplit(before).path)), store))}
        with database:
            for before in moved:
                for table, column in _PATHS:
                    database.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?",  # noqa: S608
                        (artifacts, len(before) + 1, len(before), before),
                    )
    for before, how in moved.items():
        note(f"{store}: was {how}; the files of its runs are now looked for in {artifacts}, not in {before}")


def _moved(before: Path, store: Path) -> str:
    """Tell whether a store was moved or copied since its files were in a folder; empty if they still are."""
    if not before.exists():
        return "moved"
    is_copy = before.with_name(store.name).exists() and store.with_name(before.name).exists()
    return "copied" if is_copy else ""


def _use(uri: str) -> None:
    """Make this the store of MLflow's functions, without setting environment variables as MLflow does."""
    before = os.environ.get("MLFLOW_TRACKING_URI")
    mlflow.set_tracking_uri(uri)
    if before is None:
        os.environ.pop("MLFLOW_TRACKING_URI", None)
    else:
        os.environ["MLFLOW_TRACKING_URI"] = before


def search(client: mlflow.MlflowClient, experiments: list[str], tag: str, value: str) -> list[Run]:
    """Return the runs in experiments (their ids) with a given tag value, newest first."""
    quote = '"' if "'" in value else "'"  # users may have chosen the values
    return list(client.search_runs(experiments, f"tags.`{tag}` = {quote}{value}{quote}", max_results=MAX_RUNS))


def adopt(client: mlflow.MlflowClient, run: str, name: str, execution: str) -> None:
    """Make a run the child of a sweep's or search's run, by the tag that MLflow uses.

    The parent is created if needed, and ends with the last of its children.

    Args:
        client: see `connect`.
        run: the id of the child.
        name: of the sweep or search.
        execution: distinguishes it from others of that name.
    """
    child = client.get_run(run).info
    parents = search(client, [child.experiment_id], RUN_TAG, execution)
    parent = (
        parents[0] if parents else client.create_run(child.experiment_id, child.start_time, {RUN_TAG: execution}, name)
    )
    client.set_tag(run, PARENT_TAG, parent.info.run_id)
    end = max(parent.info.end_time or 0, child.end_time or child.start_time)
    client.set_terminated(parent.info.run_id, "FINISHED", end)


def is_refusal(error: Exception) -> bool:
    """Tell whether an error is permanent: MLflow or the file system would refuse the same at each try."""
    if isinstance(error, MlflowException):
        return error.error_code in _REFUSALS
    return isinstance(error, InputError | FileNotFoundError | LookupError)


def reason(error: Exception) -> str:
    """Return the first line of the original error, which MLflow wraps several times."""
    while isinstance(error.__context__, Exception):
        error = error.__context__
    return str(error).splitlines()[0][:200] if str(error) else type(error).__name__


@contextmanager
def expected_at(uri: str) -> Iterator[None]:
    """Turn MLflow's errors about a store or server that does not work into an InputError."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001  that may be anything
        raise InputError(f"{uri}: MLflow's store or server does not work ({reason(error)})") from None


def _create(store: Path) -> None:
    """Create an SQLite store completely or not at all, once for all processes.

    MLflow creates it table by table, which fails with a second process or after a kill.
    """
    if store.exists():
        return
    store.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(store.with_name(f"{store.name}.lock")):
        if store.exists():
            return
        with atomic_file(store) as scratch:
            mlflow.MlflowClient(f"{SQLITE}{scratch}").search_experiments(max_results=1)
