"""`mien summary`, `recipe`, `report`, `compare` and `search`: experiments with DVC, begun and looked at."""

import argparse
from pathlib import Path

from mien._io.errors import InputError
from mien.cli.options import Commands, Help


def add(commands: Commands) -> None:
    """Add the commands about experiments."""
    _add_summary(commands)
    _add_recipe(commands)
    _add_report(commands)
    _add_compare(commands)
    _add_search(commands)


def _add_summary(commands: Commands) -> None:
    parser = commands.add_parser(
        "summary",
        help="print the headline figures of the last run",
        description="Print accuracy, macro F1 and MCC on test of the last `dvc repro` or `dvc exp run`.",
        epilog="example: mien summary",
        formatter_class=Help,
    )
    parser.set_defaults(run=_summary)


def _add_recipe(commands: Commands) -> None:
    parser = commands.add_parser(
        "recipe",
        help="print recipes as flags for `dvc exp run`",
        description="Print the params of recipes/NAME.yaml as flags, those of a later NAME in place of an earlier's. "
        "Further -S flags win over both.",
        epilog="example: dvc exp run $(mien recipe fer2013)",
        formatter_class=Help,
    )
    parser.add_argument("names", nargs="+", metavar="NAME", help="a file in recipes/, without .yaml")
    parser.set_defaults(run=_recipe)


def _add_report(commands: Commands) -> None:
    parser = commands.add_parser(
        "report",
        help="keep the figures and pictures of the last run in a folder",
        description="Copy params, metrics and pictures of the last `dvc repro` or `dvc exp run` into a folder for Git, "
        "with a README.md that shows them.",
        epilog='example: mien report reports/recipes/fer2013 --title "FER2013" --command "make fer2013"',
        formatter_class=Help,
    )
    parser.add_argument("folder", type=Path, help="where to write, for example reports/recipes/fer2013")
    parser.add_argument("--title", required=True, help="the heading")
    parser.add_argument("--command", required=True, help="the command that made it, for the record")
    parser.set_defaults(run=_report)


def _add_compare(commands: Commands) -> None:
    parser = commands.add_parser(
        "compare",
        help="compare DVC experiments in a table and pictures",
        description="Write a table of DVC experiments (the params that differ, accuracy, macro F1, weights, "
        "multiply-adds, minutes), mean and spread of those that differ in their seed alone, the curves of each, and "
        "what the one with the best validation accuracy confuses. FOLDER keeps what was read, for --add.",
        epilog="example: mien compare four-mien four-base_cnn --output reports/comparison",
        formatter_class=Help,
    )
    parser.add_argument("experiments", nargs="+", metavar="NAME", help="experiments, as `dvc exp list` names them")
    parser.add_argument("--output", type=Path, required=True, metavar="FOLDER", help="where to write")
    parser.add_argument("--title", default="Comparison of experiments", help="the heading")
    parser.add_argument(
        "--add", action="store_true", help="add to what FOLDER compares; experiments of the same name are replaced"
    )
    parser.set_defaults(run=_compare)


def _add_search(commands: Commands) -> None:
    parser = commands.add_parser(
        "search",
        help="search for better params of train_cnn on a Ray cluster",
        description="Train with params drawn as a file says, such as recipes/search/cnn.yaml, on the Ray cluster at "
        "RAY_ADDRESS, or on this machine. Hopeless trials are stopped early (ASHA), each is a run in MLflow, and the "
        "best by validation goes into params.yaml. Prints each trial as a DVC experiment, the best first.",
        epilog="examples: mien search recipes/search/cnn.yaml --trials 4\n"
        "          RAY_ADDRESS=head:6379 mien search recipes/search/cnn.yaml --cpus 8 --gpus 1",
        formatter_class=Help,
    )
    parser.add_argument("space", type=Path, metavar="SPACE.yaml", help="what to draw from, and how many trials")
    parser.add_argument("--trials", type=int, metavar="N", help="instead of as many as the file says")
    parser.add_argument("--cpus", type=int, default=1, metavar="N", help="of the cluster, for each trial (1)")
    parser.add_argument("--gpus", type=int, default=0, metavar="N", help="of the cluster, for each trial (0)")
    parser.add_argument(
        "--output", type=Path, default=Path("reports/search"), metavar="FOLDER",
        help="where to write; its name is that of the trials, too (reports/search)",
    )  # fmt: skip
    parser.set_defaults(run=_search)


def _summary(_: argparse.Namespace) -> None:
    from mien.experiments import summary

    print(summary.summary())


def _recipe(arguments: argparse.Namespace) -> None:
    from mien.experiments import recipes

    print(*recipes.flags(*arguments.names))


def _report(arguments: argparse.Namespace) -> None:
    from mien.experiments import summary

    summary.write_report(arguments.folder, arguments.title, arguments.command)


def _compare(arguments: argparse.Namespace) -> None:
    from mien.experiments import comparison

    comparison.compare(arguments.experiments, arguments.output, arguments.title, add=arguments.add)


def _search(arguments: argparse.Namespace) -> None:
    from mien.experiments.search import search

    for name, least in (("trials", 1), ("cpus", 1), ("gpus", 0)):
        if (found := getattr(arguments, name)) is not None and found < least:
            raise InputError(f"--{name}: found {found}, expected at least {least}")
    for trial in search(arguments.space, arguments.output, arguments.trials, arguments.cpus, arguments.gpus):
        print(trial.command)
