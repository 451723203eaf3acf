"""`mien score`: how good a model is on labelled images or Action Units."""

import argparse
from pathlib import Path

from mien._io.errors import InputError
from mien._io.urls import locate
from mien.cli.options import Commands, Help, add_executor, add_reading


def add(commands: Commands) -> None:
    """Add `mien score`."""
    parser = commands.add_parser(
        "score",
        help="measure a model on labelled images or a labelled AU table",
        description="Compare the emotions that a model reads with the true ones, and print accuracy and more. SOURCE "
        "is a set of images (a zip or folder of [train|validation|test/]EMOTION/IMAGE, or a fer2013.csv with columns "
        "emotion, pixels and, where it has splits, Usage), or an AU table with a column that names the emotions "
        "(happy, happiness, Joy ..).",
        epilog="examples: mien score faces.zip --model models/cnn\n"
        "          mien score fer2013.csv --split test --tta --json\n"
        "          mien score coded.csv --label emotion --model prototypes",
        formatter_class=Help,
    )
    parser.add_argument(
        "source", type=locate, metavar="SOURCE", help="a zip, folder or CSV of images, also by URL, or an AU table"
    )
    parser.add_argument(
        "--all-classes", action="store_true", help="let the model also choose emotions that nothing is labelled with"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    parser.add_argument(
        "--model",
        metavar="NAME|FOLDER|TABLE",
        help="a folder that a network was trained in: models/cnn for images, models/au for AUs; for images also mien "
        "or mien_small; for AUs also a table as rules: du_martinez, prototypes, emfacs or a path (the network that "
        "mien ships)",
    )
    images = parser.add_argument_group("images")
    images.add_argument(
        "--split",
        choices=["train", "validation", "test", "all"],
        help="what to measure on (test where the source has splits, else all)",
    )
    images.add_argument(
        "--tta",
        "--views",
        action="store_true",
        help="also measure with test-time augmentation: ten views of each image, in ten times the time",
    )
    add_executor(images, "with the same figures")
    table = parser.add_argument_group("AU table")
    table.add_argument("--label", metavar="COLUMN", help="the column of true emotions (emotion)")
    add_reading(table)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    from mien.evaluation.image_scoring import holds_images

    if isinstance(arguments.source, Path) and not arguments.source.exists():
        raise InputError(f"{arguments.source}: no such file or folder, expected images or an AU table")
    images = holds_images(arguments.source)
    odd = ("label", "format", "missing") if images else ("split", "tta", "executor")
    if given := [f"--{name}" for name in odd if getattr(arguments, name)]:
        kinds = ("images", "an AU table") if images else ("an AU table", "images")
        raise InputError(f"{arguments.source}: is {kinds[0]}: found {', '.join(given)}, expected only with {kinds[1]}")
    (_score_images if images else _score_aus)(arguments)


def _score_images(arguments: argparse.Namespace) -> None:
    from mien.evaluation import image_scoring
    from mien.inference.face_classifier import FaceClassifier

    predictor = FaceClassifier.named(arguments.model)
    image_scoring.score(
        arguments.source,
        arguments.split,
        predictor,
        arguments.tta,
        arguments.all_classes,
        arguments.json,
        arguments.executor or "local",
    )


def _score_aus(arguments: argparse.Namespace) -> None:
    from mien.inference.au_classifier import AUClassifier
    from mien.inference.au_tables import Reading, score

    reading = Reading(arguments.format, arguments.missing or "fail")
    predictor = AUClassifier.named(arguments.model)
    label = arguments.label or "emotion"
    score(arguments.source, label, predictor, reading, arguments.all_classes, arguments.json)
