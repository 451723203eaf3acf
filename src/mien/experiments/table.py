"""The table of experiments: a dozen columns of `dvc exp show`, ranked on validation."""

from collections.abc import Mapping
from typing import Any

import dvc.api
import numpy as np
import pandas as pd

from mien._io.errors import InputError
from mien.config import Params
from mien.experiments import layout
from mien.experiments.freshness import fault_of_run

#: Figures to choose an experiment by, and figures to report for the chosen one.
HEADLINES = (
    *("cnn.val_accuracy", "cnn.val_loss", "cnn.accuracy", "cnn.macro_f1"),
    *("au.val_accuracy", "au.val_loss", "au.accuracy", "au.macro_f1"),
)
_RANKED_BY = "cnn.val_accuracy"
#: States of experiments that have no figures yet: DVC shows those of the workspace or commit where they started.
_UNFINISHED = ("Queued", "Running", "Failed")
_MEASURED = ("train_cnn", "train_au", "evaluate")


def experiment_table(revision: str | None = None) -> pd.DataFrame:
    """Return one row per experiment and one for the workspace, best on validation first.

    Columns: experiment; state, if one is queued, running or failed, or if the workspace has other params than its last
    run; the available headline figures, of those that have run; and the params in which rows differ.

    Args:
        revision: the commit from which the experiments started; None for the latest.

    Raises:
        InputError: this is not a DVC repository, or it has no such revision.
    """
    try:
        rows = dvc.api.exp_show(revs=revision)
    except Exception as error:  # noqa: BLE001 -- DVC and Git raise what they like
        raise InputError(
            f"the experiments cannot be read ({error}), expected a clone of mien and a commit of it"
        ) from None
    table = pd.DataFrame([row | _name_and_state(row) for row in rows], dtype=object)
    table.loc[table["state"].ne(""), [name for name in HEADLINES if name in table]] = np.nan
    figures = [name for name in HEADLINES if name in table and table[name].notna().any()]
    params = [name for name in table if str(name).partition(".")[0] in Params.model_fields]
    differing = [name for name in params if len(set(table[name].astype(str))) > 1]
    states = ["state"] if table["state"].any() else []
    shown = table[["experiment", *states, *figures, *differing]]
    shown = shown.mask(shown.isna(), np.nan)  # None would be printed as a word
    if _RANKED_BY not in shown:
        return shown
    return shown.sort_values(_RANKED_BY, ascending=False, kind="stable", ignore_index=True)


def _name_and_state(row: Mapping[str, Any]) -> dict[str, str]:
    """Return how the table calls a row of DVC, and why it has no figures; empty if it has."""
    state = row.get("State")
    if state not in _UNFINISHED:
        state = "Changed" if row["rev"] == "workspace" and _has_changed() else ""
    return {"experiment": row.get("Experiment") or row["rev"], "state": state}


def _has_changed() -> bool:
    figures = [path for path in map(layout.metrics, _MEASURED) if path.exists()]
    return layout.LOCK.exists() and bool(fault_of_run(figures))
