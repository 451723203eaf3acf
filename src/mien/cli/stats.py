"""`mien stats`: people and conditions compared."""

import re
from pathlib import Path

import click

from mien.cli.options import command, option
from mien.cli.paths import OUTPUT_FILE, OUTPUT_TEXT, PATH


@command(
    examples="mien video interview.mp4 --no-display --faces-csv faces.csv\n"
    "mien stats faces.csv --person face\n"
    "mien stats session.csv --person subject --condition task --baseline rest --output stats.csv --plot stats.png\n"
    "mien stats openface/*.csv --file-pattern '(?P<person>s[0-9]+)_(?P<condition>[a-z]+)' --baseline rest"
)
@click.argument(
    "tables",
    nargs=-1,
    required=True,
    type=PATH,
    metavar="TABLE.csv...",
    help="Tables of emotions (--faces-csv of mien image and mien video, the output of mien aus) or of AUs.",
)
@option(
    "--person",
    group="Groups",
    metavar="COLUMN",
    help="The column that tells people apart. Without it, all rows are one person. Numbers of faces (face, face_id) "
    "tell people apart within one photo or video.",
)
@option("--condition", group="Groups", metavar="COLUMN", help="The column that tells conditions apart.")
@option(
    "--file-pattern",
    group="Groups",
    metavar="REGEX",
    help="Take person and condition from file names instead (the column file, or the table's name): a regular "
    "expression with the named groups (?P<person>..) and (?P<condition>..), or one of them.",
)
@option(
    "--baseline",
    group="Groups",
    metavar="CONDITION",
    help="Compare each person's other conditions with this one, such as rest.",
)
@option(
    "--output", group="Output", type=OUTPUT_TEXT, metavar="OUT.csv", help="Write to this file instead of the screen."
)
@option(
    "--plot",
    group="Output",
    type=OUTPUT_FILE,
    metavar="OUT.png",
    help="Draw means and intervals by condition; with --baseline, draw changes. Needs the extra `pipeline`.",
)
def stats(
    tables: tuple[Path, ...],
    person: str | None,
    condition: str | None,
    file_pattern: str | None,
    baseline: str | None,
    output: Path | None,
    plot: Path | None,
) -> None:
    """Compare people and conditions, with confidence intervals.

    Reads tables with one row per face, and prints CSV: one row per person, condition and measure, with its mean, count,
    interval and change from the person's own baseline. Measures are the share of faces with each emotion (and their
    count), the mean probability of each emotion, and the mean intensity of each AU (0..100), if the tables contain
    them. Intervals are 95 % bootstrap intervals: over rows for a person, over people for everyone. Frames of a video
    resemble each other, so the interval of one person, which treats them as independent, is then too narrow. The
    interval of everyone is not.
    """
    from mien._io.errors import within
    from mien._io.extras import require
    from mien._io.outputs import check_outputs, check_suffix
    from mien.inference.aus.group_statistics import write_statistics
    from mien.inference.aus.group_tables import Grouping

    if plot:
        require("pipeline", "matplotlib", what="mien stats --plot")
        check_suffix("--plot", plot, [".png"])
    check_outputs([output, plot])
    check_outputs([plot], tables)
    grouping = Grouping(person, condition, baseline, _pattern(file_pattern))
    if not plot:
        write_statistics(tables, grouping, output)
        return
    from mien._io.atomic import output_file
    from mien.plots.png import save_png
    from mien.plots.recordings import group_means

    with within("--plot"), output_file(plot, tables) as partial:
        lines = write_statistics(tables, grouping, output)
        save_png(group_means(lines, "change" if baseline else "mean"), partial)


def _pattern(text: str | None) -> "re.Pattern[str] | None":
    from mien._io.errors import InputError

    if text is None:
        return None
    try:
        pattern = re.compile(text)
    except re.error as error:
        raise InputError(f"--file-pattern: found no regular expression ({error})") from None
    if not set(pattern.groupindex) & {"person", "condition"}:
        raise InputError(f"--file-pattern: found no group (?P<person>..) or (?P<condition>..) in {text!r}")
    return pattern
