"""`mien sync` and `mien register`: what MLflow is to have."""

import argparse

from mien.cli.options import Commands, Help


def add(commands: Commands) -> None:
    """Add `mien sync` and `mien register`."""
    _add_sync(commands)
    _add_register(commands)


def _add_sync(commands: Commands) -> None:
    parser = commands.add_parser(
        "sync",
        help="send to MLflow what it lacks",
        description="Send what stages logged while MLflow's store or server was away, from .mlflow-outbox to where "
        "they would have sent it, or to MLFLOW_TRACKING_URI; and what DVC's experiments took from its cache, so that "
        "no stage logged it. Nothing arrives twice.",
        epilog="examples: mien sync\n          MLFLOW_TRACKING_URI=http://127.0.0.1:5000 mien sync",
        formatter_class=Help,
    )
    parser.set_defaults(run=_sync)


def _add_register(commands: Commands) -> None:
    parser = commands.add_parser(
        "register",
        help="put the network for faces that mien ships into MLflow's registry",
        description="Register the network for faces that mien ships in MLflow, as the model mien with the alias "
        "champion. The same network makes no second version.",
        epilog="example: mien register && mlflow models serve --model-uri models:/mien@champion --env-manager local",
        formatter_class=Help,
    )
    parser.set_defaults(run=_register)


def _sync(_: argparse.Namespace) -> None:
    from mien.experiments.mlflow.sync import sync

    for line in sync():
        print(line)


def _register(_: argparse.Namespace) -> None:
    from mien.experiments.mlflow import models

    print(models.register())
