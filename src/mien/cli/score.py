"""`mien score`: how accurate a model is on labelled images or Action Units."""

from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mien._io.errors import InputError
from mien.cli.face_options import prior_option
from mien.cli.numbers import NUMBER
from mien.cli.options import (
    WORSE,
    au_reading,
    command,
    executor_option,
    face_search,
    gate_margin,
    given,
    image_labels,
    label_names,
    option,
)
from mien.cli.paths import OUTPUT_FILE, OUTPUT_TEXT, PATH, SOURCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from mien._io.urls import Location
    from mien.emotions.label_sets import Merge
    from mien.evaluation.image_answers import ImageScoring
    from mien.evaluation.image_scoring import Against
    from mien.inference.networks.face_classifier import FaceClassifier

_DOUBTFUL = "origin,split,label,suggested,"  # how the table of --label-errors begins
_IMAGES, _AUS = "Images", "AU tables"
_OF_IMAGES = (
    "split",
    "tta",
    "prior",
    "coverage",
    "precision",
    "executor",
    "labels",
    "detector",
    "face",
    "label_errors",
    "slices",
    "slice_by",
    "slices_plot",
    "unknown_classes",
    "merge",
    "against",
    "margin",
)
_OF_AUS = (
    "label",
    "table_format",
    "missing",
    "min_tool_confidence",
)


@command(
    examples="mien score faces.zip --model models/cnn\n"
    "mien score rafdb/ --labels 1=surprise,2=fear,3=disgust,4=happy,5=sad,6=angry,7=neutral\n"
    "mien score portraits/ --detector yunet --tta mirror\n"
    "mien score faces.zip --model models/cnn --split validation --label-errors doubtful.csv\n"
    "mien score fer2013.csv --split test --tta ten --json\n"
    "mien score news_photos/ --detector yunet --prior uniform\n"
    "mien score faces/ --merge negative=angry+disgust+fear+sad,positive=happy\n"
    "mien score data/fer --model models/cnn --against models:/mien@champion || echo 'not worth registering'\n"
    "mien score coded.csv --label emotion --model prototypes"
)
@click.argument(
    "source",
    type=SOURCE,
    metavar="SOURCE",
    help="A zip, folder or CSV of images (a path or URL), data/fer after `dvc repro`, or an AU table.",
)
@option(
    "--split",
    group=_IMAGES,
    type=click.Choice(["train", "validation", "test", "all"]),
    show_default="test if the source has splits, otherwise all",
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
    help="Also measure with test-time augmentation: over each image and its mirror image, or over ten copies, which "
    "takes ten times as long. --tta alone means --tta ten.",
)
@prior_option(_IMAGES, em=True)
@option(
    "--coverage",
    group=_IMAGES,
    type=NUMBER,
    metavar="P",
    help="Also measure prediction sets, as mien image gives them for this probability: how often they contain the "
    "label, and how many emotions they contain.",
)
@executor_option("Work on this machine or on the Ray cluster at RAY_ADDRESS; the figures are the same.", _IMAGES)
@image_labels(_IMAGES)
@face_search(_IMAGES)
@option(
    "--merge",
    group=_IMAGES,
    metavar="GROUP=LABEL+LABEL,..",
    default="",
    help="Measure groups of labels as one class each: negative=angry+sad. Their probabilities are summed.",
    show_default=False,
)
@option("--label", group=_AUS, metavar="COLUMN", default="emotion", help="The column of true emotions.")
@au_reading(_AUS)
@option(
    "--model",
    group="Model",
    metavar="NAME|FOLDER|FILE.onnx|TABLE",
    show_default="mien_wild, or mien_au for AUs",
    help="The folder of a trained network (models/cnn for images, models/au for AUs) or an .onnx file. For images also "
    "mien_wild, mien or mien_small. For AUs also an AU table as rules: du_martinez, prototypes, emfacs or a path.",
)
@option(
    "--precision",
    group=_IMAGES,
    type=click.Choice(["auto", "fp32", "int8"]),
    default="fp32",
    help="fp32: as trained. int8: 8-bit integers. auto: what mien image uses here.",
)
@option(
    "--against",
    group="Gate",
    metavar="NAME|FOLDER|FILE.onnx|models:/NAME@ALIAS",
    help="Compare with another network on the same images, such as one in MLflow's registry. The exit code is 3 if the "
    "model is worse.",
)
@gate_margin("Gate")
@option(
    "--all-classes",
    is_flag=True,
    group="Output",
    help="Let the model also choose emotions that no image or row is labelled with.",
)
@option(
    "--label-errors",
    group=_IMAGES,
    type=OUTPUT_TEXT,
    metavar="OUT.csv",
    help="Write the images with doubtful labels (confident learning), the most doubtful first. The network must not "
    "have been trained on them. No label is changed.",
)
@option(
    "--slices",
    group=_IMAGES,
    is_flag=True,
    help="Also print accuracy by slices and the worst slice: dark, bright, faint, blurred, small and, with --detector, "
    "tilted faces.",
)
@option(
    "--slice-by",
    group=_IMAGES,
    type=PATH,
    metavar="INDEX.csv",
    help="Also slice by the columns of a table about the images, such as age, sex or pose. One column names the "
    "images.",
)
@option("--slices-plot", group=_IMAGES, type=OUTPUT_FILE, metavar="OUT.png", help="Write a plot of accuracy by slices.")
@option("--json", "as_json", is_flag=True, group="Output", help="Print JSON instead of text.")
def score(source: "Location", **options: Any) -> None:
    """Measure a model on labelled images or a labelled AU table.

    Compares the emotions that a model reads with the true ones, and prints accuracy and more. SOURCE is a set of images
    or an AU table. Images are a zip or folder of [train|validation|test/]EMOTION/IMAGE, a CSV of image paths (relative
    to it) and labels, or a fer2013.csv with the columns emotion, pixels and, if it has splits, Usage. An AU table has a
    column of emotions (happy, happiness, Joy ..). Labels are emotions or the network's own classes. Whole portraits
    need --detector; images without a face are then counted and left out. With --against, a model is worse if it reads
    fewer images right by more than --margin and the loss is significant (McNemar's test, at 0.05 for all groups of
    images together).
    """
    from mien._io.extras import require

    require("pipeline", "sklearn", "xxhash", what="mien score")
    from mien.data.readers.opening import holds_images

    if isinstance(source, Path) and not source.exists():
        raise InputError(f"{source}: no such file or folder, expected images or an AU table")
    table = source if isinstance(source, Path) and not holds_images(source) else None
    foreign = _OF_AUS if table is None else _OF_IMAGES
    if found := given(*foreign):
        kinds = ("images", "an AU table") if table is None else ("an AU table", "images")
        raise InputError(f"{source}: is {kinds[0]}: found {', '.join(found)}, expected only with {kinds[1]}")
    if table is None:
        _score_images(source, options)
    else:
        _score_aus(table, options)


def _score_images(source: "Location", options: dict[str, Any]) -> None:
    from mien._io.atomic import output_file
    from mien._io.outputs import check_outputs, check_suffix
    from mien.evaluation import image_scoring
    from mien.inference.networks.face_classifier import FaceClassifier

    merge = _merge(options)
    if given("margin") and not options["against"]:
        raise InputError("--margin: found no --against, expected a network to compare with")
    classifier = FaceClassifier.from_pretrained(options["model"], precision=options["precision"])
    inputs = [path for path in (source, options["slice_by"]) if isinstance(path, Path)]
    check_outputs([options["label_errors"], options["slices_plot"]], inputs, [_DOUBTFUL])
    if options["slices_plot"]:
        check_suffix("--slices-plot", options["slices_plot"], [".png"])
    with ExitStack() as stack:
        outputs = {
            name: stack.enter_context(output_file(options[name], inputs)) if options[name] else None
            for name in ("label_errors", "slices_plot")
        }
        gate = image_scoring.score(
            source,
            classifier,
            _image_scoring(options, classifier, merge),
            against=stack.enter_context(compared_network(options)),
            as_json=options["as_json"],
            **outputs,
        )
    if gate and gate.refusals:
        click.get_current_context().exit(WORSE)


def _merge(options: dict[str, Any]) -> "Merge":
    from mien._io.errors import within
    from mien.emotions.label_sets import Merge

    with within("--merge"):
        merge = Merge.parse(options["merge"])
    if merge.groups and options["coverage"] is not None:
        raise InputError("--merge: found --coverage, too, expected one of them: prediction sets are of single classes")
    return merge


def _image_scoring(options: dict[str, Any], classifier: "FaceClassifier", merge: "Merge") -> "ImageScoring":
    from mien.evaluation.image_answers import ImageScoring
    from mien.inference.faces.face_crops import FaceSearch

    names = ("split", "tta", "prior", "coverage", "slice_by", "all_classes", "executor")
    return ImageScoring(
        **{name: options[name] for name in names},
        labels=label_names(options, [*classifier.classes_, *merge.labels]),
        search=FaceSearch(options["detector"], options["face"]),
        merge=merge,
        slices=bool(options["slices"] or options["slice_by"] or options["slices_plot"]),
    )


@contextmanager
def compared_network(options: "Mapping[str, Any]") -> "Iterator[Against | None]":
    """Yield the network of --against. One from MLflow's registry is on this disk until the block ends."""
    from mien.evaluation.image_scoring import Against
    from mien.inference.networks.face_classifier import FaceClassifier

    name, precision, margin = (options[key] for key in ("against", "precision", "margin"))
    if not name:
        yield None
    elif not name.startswith("models:/"):
        yield Against(FaceClassifier.from_pretrained(name, precision=precision), margin)
    else:
        from mien._io.extras import require

        require("pipeline", "mlflow", what="mien score --against models:/")
        from mien.experiments.mlflow.registry import registered_network

        with registered_network(name) as folder:
            yield Against(FaceClassifier.from_pretrained(folder, precision=precision), margin)


def _score_aus(table: Path, options: dict[str, Any]) -> None:
    from mien.evaluation import au_scoring
    from mien.inference.aus.au_tables import TableOptions
    from mien.inference.networks.au_classifier import AUClassifier

    au_scoring.score(
        table,
        options["label"],
        AUClassifier.from_pretrained(options["model"]),
        TableOptions(options["table_format"], options["missing"], options["min_tool_confidence"]),
        options["all_classes"],
        options["as_json"],
    )
