"""`mien mlflow`: what MLflow is to have."""

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

    Uploads what stages logged while MLflow's store or server could not be reached (kept in .mlflow-outbox), to the
    place they would have logged to, or to MLFLOW_TRACKING_URI. Also logs DVC experiments that were restored from DVC's
    cache, which no stage logged. Nothing is uploaded twice.
    """
    _require_mlflow("mien mlflow sync")
    from mien.experiments.mlflow.sync import sync as upload

    for line in upload():
        print(line)


@command(examples="mien mlflow register && mlflow models serve --model-uri models:/mien@champion --env-manager local")
def register() -> None:
    """Register the pretrained network for faces in MLflow.

    The network becomes the model `mien` with the alias `champion`. The same network does not make a second version.
    """
    _require_mlflow("mien mlflow register")
    from mien.experiments.mlflow import models

    print(models.register())


def _require_mlflow(what: str) -> None:
    from mien._io.extras import require

    require("pipeline", "mlflow", "dvc", "psutil", what=what)
