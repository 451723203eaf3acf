"""`mien aus`: emotions from Action Units."""

from pathlib import Path
from typing import Literal

import click

from mien.cli.options import au_reading, command, given, option
from mien.cli.paths import OUTPUT_TEXT, PATH


@command(
    examples="mien aus --au 6=98 --au 12=97\n"
    "mien aus openface.csv --output emotions.csv\n"
    "mien aus clips/*.csv --per-file --model du_martinez"
)
@click.argument(
    "files",
    nargs=-1,
    type=PATH,
    metavar="FILE.csv...",
    help="AU tables, such as those written by mien image --aus --faces-csv. The columns source (file), frame, "
    "timestamp, face_id (face) and person (subject, participant ..) are kept, others are dropped.",
)
@option(
    "--au",
    "aus",
    group="Input",
    multiple=True,
    metavar="AU=INTENSITY",
    help="Instead of a file: one AU and its intensity, 0 to 100. AUs that are not given are 0.",
)
@au_reading("Input")
@option(
    "--baseline",
    group="Input",
    metavar="median|FILE",
    help="Subtract each person's face at rest. median: the median of their rows, if most are at rest (not in a clip of "
    "one emotion). FILE: the median of a table of neutral faces.",
)
@option(
    "--model",
    group="Model",
    metavar="FOLDER|FILE.onnx|TABLE",
    show_default="mien_au",
    help="The folder of a trained network such as models/au, an .onnx file, or an AU table as rules: du_martinez, "
    "prototypes, emfacs or a path.",
)
@option(
    "--output", group="Output", type=OUTPUT_TEXT, metavar="OUT.csv", help="Write to this file instead of the screen."
)
@option(
    "--per-file",
    is_flag=True,
    group="Output",
    help="Give one prediction per file (a video), or per person in it, from strong moments.",
)
@option("--json", "as_json", is_flag=True, group="Output", help="Print one JSON object per line instead of CSV.")
def aus(
    files: tuple[Path, ...],
    aus: tuple[str, ...],
    table_format: str | None,
    missing: Literal["fail", "zero"],
    min_tool_confidence: float | None,
    baseline: str | None,
    model: str | None,
    output: Path | None,
    per_file: bool,
    as_json: bool,
) -> None:
    """Read emotions from Action Units, in tables or given by hand.

    Reads the emotion of each row of AU tables: native (AU01 .. AU26, 0..100), OpenFace (AU01_r .., 0..5) or py-feat
    (AU01 .., 0..1). The header tells which. Tables are CSV, TSV or .xlsx, also compressed by gzip. Unreadable rows are
    counted and have no prediction. Prints CSV: emotion, confidence, the probability of each emotion, and the AUs that
    speak for it.
    """
    from mien._io.errors import InputError
    from mien._io.outputs import check_outputs
    from mien.inference.aus.au_tables import TableOptions, predict_files, predict_one
    from mien.inference.networks.au_classifier import AUClassifier

    if bool(files) == bool(aus):
        raise InputError("found both or neither of FILE.csv and --au, expected one: mien aus --au 6=98 --au 12=97")
    if aus and (flags := given("table_format", "missing", "min_tool_confidence", "baseline", "output", "per_file")):
        raise InputError(f"found {flags[0]} beside --au, expected it with a FILE.csv")
    classifier = AUClassifier.from_pretrained(model)
    if aus:
        predict_one(aus, classifier, as_json)
        return
    if baseline == "":
        raise InputError("--baseline: found an empty path, expected median or the name of a file")
    rest = baseline if baseline in (None, "median") else Path(baseline)
    check_outputs([output], [rest])
    options = TableOptions(table_format, missing, min_tool_confidence)
    predict_files(files, classifier, options, output, as_json, per_file, rest)
