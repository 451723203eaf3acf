"""Tables that stages pass to each other."""

from pathlib import Path

import pandas as pd

from mien._io.checksums import checked
from mien._io.errors import InputError


def read_csv(path: str | Path) -> pd.DataFrame:
    """Read a table that another stage wrote. Raises InputError if it is missing, damaged or not a table."""
    try:
        return pd.read_csv(checked(Path(path)))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}), expected the output of `dvc repro`") from None
