"""`mien mlflow`: runs and networks in MLflow."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from mien.cli.groups import LazyGroup
from mien.cli.options import WORSE, command, gate_margin, given, option
from mien.cli.paths import SOURCE
from mien.experiments import layout

if TYPE_CHECKING:
    from mien._io.urls import Location

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
    "mien mlflow register my-experiment --images our_faces.zip --margin 0.01"
)
@click.argument(
    "run", default="", help="A DVC experiment, or the id of a run in MLflow. By default, the pretrained network."
)
@option(
    "--images",
    group="Gate",
    type=SOURCE,
    default=str(layout.FER),
    metavar="SOURCE",
    help="Labelled images on which both networks are measured, in any form that mien score reads.",
)
@gate_margin("Gate")
@option("--force", is_flag=True, group="Gate", help="Register the network without comparing it.")
def register(run: str, images: "Location", margin: float, force: bool) -> None:
    """Register a network for faces in MLflow: the pretrained one, or one of your own.

    The network becomes the model `mien` with the alias `champion`. Registering the same network again adds no version.
    If another network is the champion, both are measured on the same images (the test split, if there are splits). If
    the new one is worse by more than --margin, overall, in a class or in a slice of the images, nothing is registered
    and the exit code is 3; `mien score --help` says when it counts as worse.
    """
    _require_mlflow("mien mlflow register")
    from mien._io.errors import InputError
    from mien.experiments.mlflow import registry

    if given("images") and isinstance(images, Path) and not images.exists():
        raise InputError(f"--images: {images}: no such file or folder, expected labelled images")
    try:
        print(registry.register(run, images, margin, force=force))
    except registry.WorseNetworkError as error:
        for line in error.args:
            click.echo(f"worse: {line}", err=True)
        click.echo(f"error: not registered, as it is worse than {registry.CHAMPION}; --force registers it", err=True)
        click.get_current_context().exit(WORSE)


def _require_mlflow(what: str) -> None:
    from mien._io.extras import require

    require("pipeline", "mlflow", "dvc", "psutil", what=what)
