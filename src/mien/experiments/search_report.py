"""The report of a hyperparameter search: a table of the trials and all their epochs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from mien.experiments.search_space import SECTION, Trial
from mien.experiments.summary import markdown_table
from mien.training.history import best_epoch


def trial_table(trials: Sequence[Trial], histories: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Return one row per trial: name, changes, number of epochs, and best validation accuracy."""
    rows = [
        {
            "trial": trial.name,
            **{key.removeprefix(SECTION): value for key, value in trial.changes.items()},
            "epochs": len(histories[trial.name]),
            "val_accuracy": round(best_epoch(histories[trial.name])["val_accuracy"], 4),
        }
        for trial in trials
        if trial.name in histories
    ]
    return pd.DataFrame(rows).sort_values("val_accuracy", ascending=False, kind="stable", ignore_index=True)


def write_report(
    folder: Path, ranked: Sequence[Trial], table: pd.DataFrame, histories: Mapping[str, pd.DataFrame], command: str
) -> None:
    """Write trials.csv, history.csv and README.md.

    Args:
        folder: an existing folder.
        ranked: the trials that finished an epoch, the best first.
        table: what `trial_table` returns.
        histories: the epochs of each trial, by name.
        command: the command that made the search, for the record.
    """
    table.to_csv(folder / "trials.csv", index=False)
    epochs = [history.assign(trial=name) for name, history in histories.items()]
    pd.concat(epochs, ignore_index=True).to_csv(folder / "history.csv", index=False)
    lines = [
        "# Search",
        f"Written by `{command}`. The choice is made on validation only; trials of fewer epochs were stopped early, as "
        "others were better by then.",
        markdown_table("trial", table.set_index("trial").to_dict("index")),
        f"params.yaml has the values of {ranked[0].name}; `dvc repro` trains it whole and measures it on test. "
        "Each trial as a DVC experiment:",
        "\n".join(["```", *(trial.command for trial in ranked), "```"]),
    ]
    (folder / "README.md").write_text("\n\n".join(lines) + "\n", encoding="utf-8")
