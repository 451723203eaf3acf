"""Tables that stages write, for each other and for reports."""

from io import StringIO
from pathlib import Path

import pandas as pd

from mien._io.checksums import checked
from mien._io.errors import InputError

_NAMES = ("emotion", "actual", "predicted", "origin", "person", "hash", "split", "dropped")


def parse_csv(source: Path | StringIO) -> pd.DataFrame:
    """Return a table that mien wrote.

    Columns of names stay text, as pandas would take a class 0 for a number and a class None for an empty cell.
    """
    return pd.read_csv(source, dtype=dict.fromkeys(_NAMES, "str"), keep_default_na=False, na_values=[""])


def read_csv(path: str | Path) -> pd.DataFrame:
    """Read a table that another stage wrote. Raises InputError if it is missing, damaged or not a table."""
    try:
        return parse_csv(checked(Path(path)))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}), expected the output of `dvc repro`") from None
