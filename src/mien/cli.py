"""The command `mien`."""

import argparse

from mien import recipes
from mien.errors import reports_input_errors


@reports_input_errors
def main() -> None:
    """Run `mien` with the arguments of the command line."""
    parser = argparse.ArgumentParser(prog="mien", description="Read emotion from faces and facial Action Units.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    recipe = commands.add_parser(
        "recipe",
        help="print a recipe as flags for `dvc exp run`",
        description="Print a recipe's params as flags: dvc exp run $(mien recipe NAME). More -S flags may follow.",
    )
    recipe.add_argument("name", help=f"a file in recipes/ without .yaml: {', '.join(recipes.names())}")
    recipe.set_defaults(run=lambda arguments: print(*recipes.flags(arguments.name)))

    arguments = parser.parse_args()
    arguments.run(arguments)
