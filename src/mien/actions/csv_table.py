"""CSV files of data sets."""

from pathlib import Path

import pandas as pd

from mien._io.errors import InputError


def read_csv_table(path: Path, kind: str, header: int | None = 0) -> pd.DataFrame:
    """Read a CSV file. Rows that are too long are refused, as pandas would take their first cells for row names.

    Args:
        path: the file.
        kind: what the file is expected to be, for messages.
        header: number of the row that names the columns; None if there is none.

    Raises:
        InputError: it is missing, is not a table, or has rows with more cells than the header.
    """
    try:
        table = pd.read_csv(path, header=header, low_memory=False)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({' '.join(str(error).split())}), expected {kind}") from None
    if not isinstance(table.index, pd.RangeIndex):
        raise InputError(f"{path}: found rows of more cells than the header, expected {kind}")
    return table
