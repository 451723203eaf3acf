"""CSV files of users and of data sets, small enough for memory."""

import zlib
from pathlib import Path
from typing import Any

import pandas as pd

from mien._io.errors import InputError


def read_csv_table(path: Path, kind: str, header: int | None = 0, **options: Any) -> pd.DataFrame:
    """Read a CSV file. Rows that are too long are refused, as pandas would take their first cells for row names.

    Args:
        path: the file, also compressed as its suffix says.
        kind: what the file is expected to be, for messages.
        header: number of the row that names the columns; None if there is none.
        options: further ones of `pandas.read_csv`.

    Raises:
        InputError: it is missing, is not a table, or has rows with more cells than the header.
    """
    try:
        table = pd.read_csv(path, header=header, low_memory=False, **options)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file, expected {kind}") from None
    except (OSError, ValueError, EOFError, zlib.error) as error:  # the last two are of a damaged .gz
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())}), expected {kind}") from None
    if not isinstance(table.index, pd.RangeIndex):
        raise InputError(f"{path}: found rows of more cells than the header, expected {kind}")
    return table
