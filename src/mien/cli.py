"""The command `mien`: its arguments; the library does the work."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mien.errors import InputError, reports_input_errors


@reports_input_errors
def main() -> None:
    """Run `mien` with the arguments of the command line."""
    parser = argparse.ArgumentParser(prog="mien", description="Read emotion from faces and facial Action Units.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (_add_aus, _add_score, _add_summary, _add_recipe, _add_report):
        add(commands)
    arguments = parser.parse_args()
    arguments.run(arguments)


if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction[argparse.ArgumentParser]


def _add_aus(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "aus",
        help="read emotions from Action Units: a table, or some given by hand",
        description="Read the emotion of each row of AU tables: native (AU01 .. AU26, 0..100), OpenFace (AU01_r .., "
        "0..5) or py-feat (AU01 .., 0..1) output, told apart by the header. Prints CSV: emotion, confidence, the "
        "probability of each emotion, and the AUs that spoke for it.",
        epilog="examples: mien aus --au 6=98 --au 12=97\n"
        "          mien aus openface.csv --output emotions.csv\n"
        "          mien aus clips/*.csv --per-file --model du_martinez",
        formatter_class=_Help,
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
    _add_reading(parser)
    parser.set_defaults(run=_aus)


def _add_score(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "score",
        help="measure a model on a labelled AU table",
        description="Compare the emotions read from an AU table with a column of it that names the true ones "
        "(happy, happiness, Joy ..), and print accuracy and more.",
        epilog="example: mien score coded.csv --label emotion --model seed --json",
        formatter_class=_Help,
    )
    parser.add_argument("table", type=Path, metavar="TABLE.csv", help="an AU table, as `mien aus` reads it")
    parser.add_argument("--label", default="emotion", metavar="COLUMN", help="the column of true emotions (emotion)")
    parser.add_argument(
        "--all-classes", action="store_true", help="let the model also choose emotions that no row is labelled with"
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of text")
    _add_reading(parser)
    parser.set_defaults(run=_score)


def _add_reading(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--model",
        metavar="FOLDER|TABLE",
        help="a folder with best.onnx and classes.json, such as models/au, or an AU table as rules: du_martinez, seed, "
        "emfacs or a path (the network that mien ships)",
    )
    parser.add_argument("--format", choices=["native", "openface", "pyfeat"], help="instead of what the header tells")
    parser.add_argument(
        "--missing", choices=["fail", "zero"], default="fail", help="what to do about AUs without a column (fail)"
    )


def _add_summary(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "summary",
        help="print the headline figures of the last run",
        description="Print accuracy, macro F1 and MCC on test of the last `dvc repro` or `dvc exp run`.",
        epilog="example: mien summary",
        formatter_class=_Help,
    )
    parser.set_defaults(run=_summary)


def _add_recipe(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "recipe",
        help="print a recipe as flags for `dvc exp run`",
        description="Print the params of recipes/NAME.yaml as flags. Further -S flags win over the recipe's.",
        epilog="example: dvc exp run $(mien recipe fer2013)",
        formatter_class=_Help,
    )
    parser.add_argument("name", help="a file in recipes/, without .yaml")
    parser.set_defaults(run=_recipe)


def _add_report(commands: "_Commands") -> None:
    parser = commands.add_parser(
        "report",
        help="keep the figures and pictures of the last run in a folder",
        description="Copy params, metrics and pictures of the last `dvc repro` or `dvc exp run` into a folder for Git, "
        "with a README.md that shows them.",
        epilog='example: mien report reports/recipes/fer2013 --title "FER2013" --command "make fer2013"',
        formatter_class=_Help,
    )
    parser.add_argument("folder", type=Path, help="where to write, for example reports/recipes/fer2013")
    parser.add_argument("--title", required=True, help="the heading")
    parser.add_argument("--command", required=True, help="the command that made it, for the record")
    parser.set_defaults(run=_report)


class _Help(argparse.RawDescriptionHelpFormatter):
    """Wraps descriptions and keeps the lines of examples."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("example"):
            return super()._fill_text(text, width, indent)
        return argparse.HelpFormatter._fill_text(self, text, width, indent)


def _aus(arguments: argparse.Namespace) -> None:
    from mien import au_commands
    from mien.predictor import AuPredictor

    if bool(arguments.files) == bool(arguments.au):
        raise InputError("found both or neither of FILE.csv and --au, expected one: mien aus --au 6=98 --au 12=97")
    if arguments.au and (arguments.output or arguments.per_file):
        raise InputError("found --output or --per-file beside --au, expected them with a FILE.csv")
    predictor = AuPredictor.named(arguments.model)
    if arguments.au:
        au_commands.predict_one(arguments.au, predictor, arguments.json)
        return
    reading = au_commands.Reading(arguments.format, arguments.missing)
    au_commands.predict_files(arguments.files, predictor, reading, arguments.output, arguments.json, arguments.per_file)


def _score(arguments: argparse.Namespace) -> None:
    from mien import au_commands
    from mien.predictor import AuPredictor

    reading = au_commands.Reading(arguments.format, arguments.missing)
    predictor = AuPredictor.named(arguments.model)
    au_commands.score(arguments.table, arguments.label, predictor, reading, arguments.all_classes, arguments.json)


def _summary(_: argparse.Namespace) -> None:
    from mien import report

    print(report.summary())


def _recipe(arguments: argparse.Namespace) -> None:
    from mien import recipes

    print(*recipes.flags(arguments.name))


def _report(arguments: argparse.Namespace) -> None:
    from mien import report

    report.write_report(arguments.folder, arguments.title, arguments.command)
