"""`mien mlflow`: runs and networks in MLflow."""

import click

from mien.cli.groups import LazyGroup
from mien.cli.options import command

_COMMANDS = {"sync": "mlflow:sync", "register": "mlflow:register"}


@click.group("mlflow", cls=LazyGroup, lazy=_COMMANDS)
def mlflow() -> None:
    """Upload runs and networks to MLflow. Needs the extra `pipeline`."""


@command(examples="mien mlflow sync\nMLFLOW_TRACKING_URI=http://127.0.0.1:5000 mien mlflow sync")
def sync() -> None:
    """Upload to MLflow what is missing there.

    Uploads what stages logged while MLflow's store or server could not be reached (kept in .mlflow-outbox), to that
    store or to MLFLOW_TRACKING_URI. Then completes the runs of DVC experiments and of the last `dvc repro` from DVC's
    files, because stages restored from DVC's cache log nothing. Nothing is uploaded twice. A failure does not stop the
    rest; the exit code is then 2.
    """
    _require_mlflow("mien mlflow sync")
    from mien.experiments.mlflow.sync import sync as upload

    for line in upload():
        print(line)


@command(
    examples="mien mlflow register && mlflow models serve --model-uri models:/mien@champion --env-manager local\n"
    "mien mlflow register my-experiment"
)
@click.argument(
    "run", default="", help="A DVC experiment, or the id of a run in MLflow. By default, the pretrained network."
)
def register(run: str) -> None:
    """Register a network for faces in MLflow: the pretrained one, or one of your own.

    The network becomes the model `mien` with the alias `champion`. Registering the same network again adds no version.
    """
    _require_mlflow("mien mlflow register")
    from mien.experiments.mlflow import models

    print(models.register(run))


def _require_mlflow(what: str) -> None:
    from mien._io.extras import require

    require("pipeline", "mlflow", "dvc", "psutil", what=what)
