"""Some rows of an AU table, read."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Chunk:
    """Rows of a table.

    Attributes:
        first_row: number of the first row, from 1.
        intensities: float32 (N, AUs), 0..100; NaN in rows that are not reliable.
        reliable: bool (N,); False if the tool saw no face or the row cannot be read.
        labels: the canonical emotion of each row, "" for an empty cell; only if labels were asked for.
        identity: N rows with source, frame, timestamp, person and face_id, as far as the table has them.
        kept: N rows with the further columns that were asked for, as text.
    """

    first_row: int
    intensities: np.ndarray
    reliable: np.ndarray
    labels: list[str] | None
    identity: pd.DataFrame = field(default_factory=pd.DataFrame)
    kept: pd.DataFrame = field(default_factory=pd.DataFrame)
