"""The table of experiments: a dozen columns of `dvc exp show`, ranked on validation."""

import dvc.api
import pandas as pd

from mien._io.errors import InputError
from mien.config import Params

#: Figures to choose an experiment by, and figures to report for the chosen one.
HEADLINES = (
    *("cnn.val_accuracy", "cnn.val_loss", "cnn.accuracy", "cnn.macro_f1"),
    *("au.val_accuracy", "au.val_loss", "au.accuracy", "au.macro_f1"),
)
_RANKED_BY = "cnn.val_accuracy"


def experiment_table(revision: str | None = None) -> pd.DataFrame:
    """Return one row per experiment and one for the workspace, best on validation first.

    Columns: experiment, the available headline figures, and the params in which rows differ.

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
    table = pd.DataFrame([row | {"experiment": row.get("Experiment") or row["rev"]} for row in rows], dtype=object)
    figures = [name for name in HEADLINES if name in table and table[name].notna().any()]
    params = [name for name in table if str(name).partition(".")[0] in Params.model_fields]
    differing = [name for name in params if len(set(table[name].astype(str))) > 1]
    shown = table[["experiment", *figures, *differing]]
    if _RANKED_BY not in shown:
        return shown
    return shown.sort_values(_RANKED_BY, ascending=False, kind="stable", ignore_index=True)
