"""`mien score`: how good a model is on labelled images or Action Units."""

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mien._io.errors import InputError
from mien._io.urls import locate
from mien.cli.options import (
    PATH,
    au_reading,
    command,
    executor_option,
    face_search,
    given,
    image_labels,
    label_names,
    option,
)

if TYPE_CHECKING:
    from mien._io.urls import Location

_IMAGES, _AUS = "Images", "AU tables"
_OF_IMAGES = {
    "split": "--split",
    "tta": "--tta",
    "precision": "--precision",
    "executor": "--executor",
    "labels": "--labels",
    "detector": "--detector",
    "face": "--face",
    "label_errors": "--label-errors",
    "unknown_classes": "--unknown-classes",
    "merge": "--merge",
}
_OF_AUS = {"label": "--label", "table_format": "--format", "missing": "--missing", "min_confidence": "--min-confidence"}


@command(
    examples="mien score faces.zip --model models/cnn\n"
    "mien score rafdb/ --labels 1=surprise,2=fear,3=disgust,4=happy,5=sad,6=angry,7=neutral\n"
    "mien score portraits/ --detector yunet --tta mirror\n"
    "mien score faces.zip --model models/cnn --split validation --label-errors doubtful.csv\n"
    "mien score fer2013.csv --split test --tta ten --json\n"
    "mien score faces/ --merge negative=angry+disgust+fear+sad,positive=happy\n"
    "mien score coded.csv --label emotion --model prototypes"
)
@click.argument(
    "source", type=locate, metavar="SOURCE", help="A zip, folder or CSV of images (a path or URL), or an AU table."
)
@option(
    "--split",
    group=_IMAGES,
    type=click.Choice(["train", "validation", "test", "all"]),
    show_default="test where the source has splits, else all",
    help="The images to measure on.",
)
@option(
    "--tta",
    was="--views",
    type=click.Choice(["none", "mirror", "ten"]),
    is_flag=False,
    flag_value="ten",
    default="none",
    group=_IMAGES,
    help="Also measure with test-time augmentation: each image and its mirror image, or ten copies, which takes ten "
    "times as long. --tta alone is --tta ten.",
)
@executor_option("Work on this machine, or on the Ray cluster at RAY_ADDRESS, with the same figures.", _IMAGES)
@image_labels(_IMAGES)
@face_search(_IMAGES)
@option(
    "--merge",
    group=_IMAGES,
    metavar="GROUP=LABEL+LABEL,..",
    default="",
    help="Measure groups of labels as one class each: negative=angry+sad. Their probabilities are summed.",
)
@option("--label", group=_AUS, metavar="COLUMN", default="emotion", help="The column of true emotions.")
@au_reading(_AUS)
@option(
    "--model",
    group="Model",
    metavar="NAME|FOLDER|FILE.onnx|TABLE",
    show_default="mien, or mien's network for AUs",
    help="The folder of a trained network (models/cnn for images, models/au for AUs) or an .onnx file; for images also "
    "mien or mien_small; for AUs also a table as rules: du_martinez, prototypes, emfacs or a path.",
)
@option(
    "--precision",
    group=_IMAGES,
    type=click.Choice(["auto", "fp32", "int8"]),
    default="fp32",
    help="fp32: as trained. int8: 8-bit integers. auto: what mien image uses here.",
)
@option(
    "--all-classes",
    is_flag=True,
    group="Output",
    help="Let the model also choose emotions that no image or row is labelled with.",
)
@option(
    "--label-errors",
    group=_IMAGES,
    type=PATH,
    metavar="OUT.csv",
    help="Write the images whose labels the network doubts, by confident learning, the most doubtful first. For images "
    "that the network has not learnt from. No label is changed.",
)
@option("--json", "as_json", is_flag=True, group="Output", help="Print JSON instead of text.")
def score(source: "Location", **options: Any) -> None:
    """Measure a model on labelled images or a labelled AU table.

    Compares the emotions that a model reads with the true ones, and prints accuracy and more. SOURCE is a set of images
    (a zip or folder of [train|validation|test/]EMOTION/IMAGE, or a fer2013.csv with the columns emotion, pixels and,
    where it has splits, Usage), or an AU table with a column of emotions (happy, happiness, Joy ..). Labels are
    emotions, or classes of the network of any name. Whole portraits need --detector; images without a face are then
    counted and left out.
    """
    from mien._io.extras import require

    require("pipeline", "sklearn", "xxhash", what="mien score")
    from mien.evaluation.image_scoring import holds_images

    if isinstance(source, Path) and not source.exists():
        raise InputError(f"{source}: no such file or folder, expected images or an AU table")
    table = source if isinstance(source, Path) and not holds_images(source) else None
    foreign = _OF_AUS if table is None else _OF_IMAGES
    if found := [flag for name, flag in foreign.items() if given(name)]:
        kinds = ("images", "an AU table") if table is None else ("an AU table", "images")
        raise InputError(f"{source}: is {kinds[0]}: found {', '.join(found)}, expected only with {kinds[1]}")
    if table is None:
        _score_images(source, options)
    else:
        _score_aus(table, options)


def _score_images(source: "Location", options: dict[str, Any]) -> None:
    from mien._io.atomic import output_file
    from mien._io.errors import within
    from mien.emotions.label_sets import Merge
    from mien.evaluation import image_scoring
    from mien.inference.face_classifier import FaceClassifier
    from mien.inference.face_crops import FaceSearch

    with within("--merge"):
        merge = Merge.parse(options["merge"])
    classifier = FaceClassifier.from_pretrained(options["model"], precision=options["precision"])
    inputs = [source] if isinstance(source, Path) else []
    target = options["label_errors"]
    with output_file(target, inputs) if target else nullcontext() as label_errors:
        image_scoring.score(
            source,
            options["split"],
            classifier,
            options["tta"],
            options["all_classes"],
            options["as_json"],
            options["executor"],
            label_names(options, [*classifier.classes_, *merge.labels]),
            FaceSearch(options["detector"], options["face"]),
            merge,
            label_errors,
        )


def _score_aus(table: Path, options: dict[str, Any]) -> None:
    from mien.evaluation import au_scoring
    from mien.inference.au_classifier import AUClassifier
    from mien.inference.au_tables import TableOptions

    au_scoring.score(
        table,
        options["label"],
        AUClassifier.from_pretrained(options["model"]),
        TableOptions(options["table_format"], options["missing"], options["min_confidence"]),
        options["all_classes"],
        options["as_json"],
    )
