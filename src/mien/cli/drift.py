"""`mien drift`: whether new faces resemble those of a reference."""

from pathlib import Path
from typing import Any

import click

from mien.cli.face_options import measuring_options
from mien.cli.numbers import POSITIVE
from mien.cli.options import command, given, option
from mien.cli.paths import OUTPUT_FILE, OUTPUT_TEXT, PATH

#: The exit code if there is a drift; 2 is bad input.
DRIFT = 3


@command(
    examples="mien drift today/ --against training_photos.zip\n"
    "mien drift today/ --against faces.zip --crops reference --plot drift.png --output drift.csv\n"
    "mien drift today.csv --against last_month.csv || echo 'look at it'    # tables of mien image --faces-csv"
)
@click.argument("new", type=PATH, metavar="NEW", help="A folder or zip of pictures, or a table of faces.")
@option(
    "--against",
    "reference",
    group="Input",
    type=PATH,
    required=True,
    metavar="REFERENCE",
    help="The same for the faces to compare with.",
)
@option(
    "--crops",
    group="Input",
    type=click.Choice(["none", "new", "reference", "both"]),
    default="none",
    help="Which pictures are one face each, as in FER2013. In the others, faces are searched for.",
)
@option(
    "--max-psi",
    group="Threshold",
    type=POSITIVE,
    default=0.25,
    metavar="PSI",
    help="The population stability index above which a significant shift counts as drift.",
)
@option("--output", group="Output", type=OUTPUT_TEXT, metavar="OUT.csv", help="Write the comparison as CSV.")
@option(
    "--faces-csv",
    group="Output",
    type=OUTPUT_TEXT,
    metavar="OUT.csv",
    help="Write the measurements of NEW, one row per face; a later run can take them as NEW or REFERENCE.",
)
@option(
    "--plot",
    group="Output",
    type=OUTPUT_FILE,
    metavar="OUT.png",
    help="Draw both distributions of each measure. Needs the extra `pipeline`.",
)
@option("--json", "as_json", is_flag=True, group="Output", help="Print one JSON object per measure instead of a table.")
@measuring_options
def drift(
    new: Path,
    reference: Path,
    crops: str,
    max_psi: float,
    output: Path | None,
    faces_csv: Path | None,
    plot: Path | None,
    as_json: bool,
    **reading: Any,
) -> None:
    """Detect drift: compare new faces with a reference.

    Compares brightness, contrast, sharpness, size, confidence, the network's features, the predicted emotions and the
    number of faces per photo. A measure has drifted if its population stability index is at least --max-psi and a
    permutation test finds the shift significant (at 0.01 for all measures together). The exit code is then 3, for CI.
    Frames of one video resemble each other, so use one frame of each video.
    """
    from mien.inference.drift.drift_report import Outputs, report
    from mien.inference.drift.measures import holds_pictures

    asked = given("crops", *reading)
    if asked and not holds_pictures(new) and not holds_pictures(reference):
        raise click.UsageError(
            f"{', '.join(asked)}: expected none with two tables, in which no face is searched or read."
        )
    has_drift = report(new, reference, crops, reading, max_psi, Outputs(output, faces_csv, plot, as_json))
    if has_drift:
        click.get_current_context().exit(DRIFT)
