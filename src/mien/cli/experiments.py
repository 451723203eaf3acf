"""`mien exp` and `mien summary`: start and compare DVC experiments."""

from pathlib import Path

import click

from mien.cli.groups import LazyGroup
from mien.cli.options import command, option
from mien.cli.paths import PATH
from mien.experiments import layout

_COMMANDS = {name: f"experiments:{name}" for name in ("recipe", "show", "compare", "report", "search")}


@click.group("exp", cls=LazyGroup, lazy=_COMMANDS)
def exp() -> None:
    """Start, compare and report DVC experiments. Needs the extra `pipeline`."""


@command(examples="mien summary")
def summary() -> None:
    """Print the headline figures of the last run.

    Prints accuracy, macro F1 and MCC on the test split of the last `dvc repro` or `dvc exp run`. Needs the extra
    `pipeline`.
    """
    _require("mien summary", "matplotlib")
    from mien.experiments import summary as reports

    print(reports.summary())


@command(examples="dvc exp run $(mien exp recipe fer2013)")
@click.argument("names", nargs=-1, required=True, metavar="NAME...", help="Files in recipes/, without .yaml.")
def recipe(names: tuple[str, ...]) -> None:
    """Print recipes as flags for `dvc exp run`.

    Prints the params of recipes/NAME.yaml as -S flags. If several recipes set a param, the last one wins. -S flags that
    follow override them all.
    """
    from mien.experiments.recipes import recipe_flags

    print(*recipe_flags(*names))


@command(examples="mien exp show\nmien exp show --rev main --csv > experiments.csv")
@option(
    "--rev",
    group="Input",
    metavar="COMMIT",
    help="Show the experiments that started from this commit instead of the latest one.",
)
@option("--csv", "as_csv", is_flag=True, group="Output", help="Print CSV instead of a table.")
def show(rev: str | None, as_csv: bool) -> None:
    """Show the DVC experiments, the best on validation first.

    Prints the important columns of `dvc exp show`: accuracy and loss of the CNN and the AU network on validation, to
    choose by; accuracy and macro F1 on test, to report; and the params that differ. Experiments that are queued,
    running or failed have a state instead of figures.
    """
    _require("mien exp show", "dvc")
    from mien.experiments.table import experiment_table

    table = experiment_table(rev)
    print(table.to_csv(index=False).strip() if as_csv else table.to_string(index=False, na_rep=""))


@command(examples="mien exp compare four-mien four-base_cnn --output reports/comparison")
@click.argument(
    "experiments", nargs=-1, required=True, metavar="NAME...", help="Experiments, as listed by `dvc exp list`."
)
@option("--output", group="Output", type=PATH, required=True, metavar="FOLDER", help="The folder to write to.")
@option("--title", group="Output", default="Comparison of experiments", help="The heading.")
@option(
    "--add",
    is_flag=True,
    group="Output",
    help="Add to the comparison in FOLDER. Experiments with the same name are replaced.",
)
def compare(experiments: tuple[str, ...], output: Path, title: str, add: bool) -> None:
    """Compare DVC experiments in a table and figures.

    Writes a table of the experiments (params that differ, accuracy, macro F1, weights, multiply-adds, minutes), the
    mean and standard deviation over seeds, the learning curves, and the confusion matrix of the experiment with the
    best validation accuracy. FOLDER also keeps the figures, for --add.
    """
    _require("mien exp compare", "dvc", "matplotlib")
    from mien.experiments import comparison

    comparison.compare(experiments, output, title, add=add)


@command(examples='mien exp report reports/recipes/fer2013 --title "FER2013" --command "make fer2013"')
@click.argument("folder", type=PATH, help="The folder to write to, for example reports/recipes/fer2013.")
@option("--title", group="Output", required=True, help="The heading.")
@option("--command", group="Output", required=True, help="The command that made the run, for the record.")
def report(folder: Path, title: str, command: str) -> None:
    """Keep the figures of the last run in a folder.

    Copies the params, metrics and plots of the last `dvc repro` or `dvc exp run` into a folder for Git, with a
    README.md that shows them.
    """
    _require("mien exp report", "matplotlib")
    from mien.experiments import summary

    summary.write_report(folder, title, command)


@command(
    examples="mien exp search recipes/search/cnn.yaml --trials 4\n"
    "RAY_ADDRESS=head:6379 mien exp search recipes/search/cnn.yaml --cpus 8 --gpus 1"
)
@click.argument("space", type=PATH, metavar="SPACE.yaml", help="The search space and the number of trials.")
@option(
    "--trials", group="Search", type=int, metavar="N", show_default="as in SPACE.yaml", help="The number of trials."
)
@option("--cpus", group="Search", type=int, default=1, metavar="N", help="CPUs of the cluster per trial.")
@option("--gpus", group="Search", type=int, default=0, metavar="N", help="GPUs of the cluster per trial.")
@option(
    "--output",
    group="Output",
    type=PATH,
    default=layout.SEARCH_REPORT,
    metavar="FOLDER",
    help="The folder to write to. Its name is also the name of the trials.",
)
def search(space: Path, trials: int | None, cpus: int, gpus: int, output: Path) -> None:
    """Search for better params of train_cnn on a Ray cluster.

    Trains with params sampled from SPACE.yaml, such as recipes/search/cnn.yaml, on the Ray cluster at RAY_ADDRESS or on
    this machine. Stops poor trials early (ASHA), logs each trial as a run in MLflow, and writes the best params on
    validation into params.yaml. Prints each trial as a DVC experiment, the best first. Needs the extras `pipeline` and
    `scale`.
    """
    from mien._io.arguments import check_whole
    from mien.experiments.search_space import MAX_OF_SEARCH

    for name, value, minimum in (("trials", trials, 1), ("cpus", cpus, 1), ("gpus", gpus, 0)):
        if value is not None:
            check_whole(f"--{name}", value, minimum, MAX_OF_SEARCH)
    _require("mien exp search", "dvc", "mlflow", "tensorflow")
    from mien._io.extras import require

    require("scale", "ray", what="mien exp search")
    from mien.experiments.search import search as run_search

    for trial in run_search(space, output, trials, cpus, gpus):
        print(trial.command)


def _require(what: str, *modules: str) -> None:
    from mien._io.extras import require

    require("pipeline", *modules, what=what)
