"""`mien aus`: emotions of Action Units."""

import argparse
from pathlib import Path

from mien._io.errors import InputError
from mien.cli.options import Commands, Help, add_reading


def add(commands: Commands) -> None:
    """Add `mien aus`."""
    parser = commands.add_parser(
        "aus",
        help="read emotions from Action Units: a table, or some given by hand",
        description="Read the emotion of each row of AU tables: native (AU01 .. AU26, 0..100), OpenFace (AU01_r .., "
        "0..5) or py-feat (AU01 .., 0..1) output, told apart by the header. Prints CSV: emotion, confidence, the "
        "probability of each emotion, and the AUs that spoke for it.",
        epilog="examples: mien aus --au 6=98 --au 12=97\n"
        "          mien aus openface.csv --output emotions.csv\n"
        "          mien aus clips/*.csv --per-file --model du_martinez",
        formatter_class=Help,
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE.csv", help="AU tables; other columns are ignored")
    parser.add_argument(
        "--au", action="append", metavar="AU=INTENSITY", help="instead of a file: an AU and its 0..100; others are 0"
    )
    parser.add_argument("--output", type=Path, metavar="OUT.csv", help="write there instead of to the screen")
    parser.add_argument(
        "--per-file", action="store_true", help="one prediction a file, from its strong moments (a video)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line instead of CSV")
    parser.add_argument(
        "--model",
        metavar="FOLDER|TABLE",
        help="a folder with best.onnx and classes.json, such as models/au, or an AU table as rules: du_martinez, "
        "prototypes, emfacs or a path (the network that mien ships)",
    )
    add_reading(parser)
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> None:
    from mien.inference.au_classifier import AUClassifier
    from mien.inference.au_tables import Reading, predict_files, predict_one

    if bool(arguments.files) == bool(arguments.au):
        raise InputError("found both or neither of FILE.csv and --au, expected one: mien aus --au 6=98 --au 12=97")
    if arguments.au and (arguments.output or arguments.per_file):
        raise InputError("found --output or --per-file beside --au, expected them with a FILE.csv")
    predictor = AUClassifier.named(arguments.model)
    if arguments.au:
        predict_one(arguments.au, predictor, arguments.json)
        return
    reading = Reading(arguments.format, arguments.missing or "fail")
    predict_files(arguments.files, predictor, reading, arguments.output, arguments.json, arguments.per_file)
