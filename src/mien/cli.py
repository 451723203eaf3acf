"""The command `mien`."""

import argparse
from pathlib import Path

from mien.errors import reports_input_errors


@reports_input_errors
def main() -> None:
    """Run `mien` with the arguments of the command line."""
    parser = argparse.ArgumentParser(prog="mien", description="Read emotion from faces and facial Action Units.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    recipe = commands.add_parser(
        "recipe",
        help="print a recipe as flags for `dvc exp run`",
        description="Print the params of recipes/NAME.yaml as flags: dvc exp run $(mien recipe NAME). "
        "Further -S flags win over the recipe's.",
    )
    recipe.add_argument("name", help="a file in recipes/, without .yaml")
    recipe.set_defaults(run=_recipe)

    report = commands.add_parser(
        "report",
        help="keep the figures and pictures of the last run in a folder",
        description="Copy params, metrics and pictures of the last `dvc repro` or `dvc exp run` into a folder for Git, "
        "with a README.md that shows them.",
    )
    report.add_argument("folder", type=Path, help="where to write, for example reports/recipes/fer2013")
    report.add_argument("--title", required=True, help="the heading")
    report.add_argument("--command", required=True, help="the command that made it, for the record")
    report.set_defaults(run=_report)

    arguments = parser.parse_args()
    arguments.run(arguments)


def _recipe(arguments: argparse.Namespace) -> None:
    from mien import recipes

    print(*recipes.flags(arguments.name))


def _report(arguments: argparse.Namespace) -> None:
    from mien import report

    report.write_report(arguments.folder, arguments.title, arguments.command)
