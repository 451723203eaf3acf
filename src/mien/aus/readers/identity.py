"""The columns that tell whose face a row shows, where and when. Predictions keep them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mien.aus.readers.column_names import find_column, plain

#: The photo or video of a row, in tables of several.
SOURCE, FRAME, TIMESTAMP, NAME, PERSON = "source", "frame", "timestamp", "person", "face_id"

#: In the order of the output. NAME is in tables that both name people and number faces.
IDENTITY = (SOURCE, FRAME, TIMESTAMP, NAME, PERSON)

#: What identifies a person: face 1 in one photo is not face 1 in the next, nor face 1 of one subject that of another.
PEOPLE = (SOURCE, NAME, PERSON)

#: Columns that name people, and columns that number faces within a photo, a video or a table.
PERSON_NAMES = tuple(f"{name}{end}" for name in ("person", "subject", "participant", "speaker", "actor")
                     for end in ("", "_id"))  # fmt: skip
FACE_NUMBERS = ("face_id", "face", "identity")  # the latter of py-feat

#: Names of these columns in tables, by the name in predictions, in any spelling of their words.
_NAMES = {
    SOURCE: ("file", "input", "source"),  # of `mien image`, of py-feat, of predictions
    FRAME: ("frame", "frame_idx"),  # the latter of LibreFace
    TIMESTAMP: ("timestamp", "seconds", "frame_time_in_ms", "video time"),  # `mien video`, LibreFace, FaceReader
    NAME: PERSON_NAMES,
    PERSON: FACE_NUMBERS,
}
_WHOLE_NUMBER = r"(-?(?:0|[1-9]\d*))(?:\.0+|,0)"  # as pandas writes 1 if a cell of the column is empty
_NUMBER = r"-?(?:0|[1-9]\d{0,15})(?:\.\d+)?"
_COMMA_NUMBER = r"-?\d+,\d+"


def identity_columns(names: Sequence[str]) -> dict[str, int]:
    """Return the positions of the IDENTITY columns that a table has, under any of their names.

    A column that names people is PERSON if no other column numbers faces.
    """
    found = {key: find_column(names, *known) for key, known in _NAMES.items()}
    columns = {key: position for key, position in found.items() if position is not None}
    if NAME in columns and PERSON not in columns:
        columns[PERSON] = columns.pop(NAME)
    return columns


def is_renamed(column: str) -> bool:
    """Tell whether a column that names people has another name in predictions, such as subject."""
    return plain(column) in set(map(plain, PERSON_NAMES)) - {NAME}


def keys(cells: pd.Series) -> pd.Series:
    """Return cells as text by which rows belong together: 1.0 is 1."""
    codes, values = pd.factorize(cells.astype(object).fillna(""))
    texts = pd.Series(values, dtype=object).astype("str").str.strip()  # of a table's many rows, few differ
    unique = texts.str.replace(f"^{_WHOLE_NUMBER}$", r"\1", regex=True)
    return pd.Series(unique.take(codes).array, cells.index, name=cells.name)


def key(text: str) -> str:
    """Return a text as `keys` does."""
    return str(keys(pd.Series([text])).iloc[0])


def identity_values(cells: pd.Series) -> pd.Series:
    """Return text cells as numbers if all of them are, otherwise unchanged. A code such as 007 stays text."""
    texts = cells.fillna("").astype("str").str.strip()
    commas = texts.str.fullmatch(_COMMA_NUMBER)
    if commas.any():
        texts = texts.where(~commas, texts.str.replace(",", "."))
    if not texts.str.fullmatch(_NUMBER).all():
        return texts.astype(object)
    if texts.str.contains(".", regex=False).any():
        return pd.Series([float(text) for text in texts], texts.index)
    return pd.Series([int(text) for text in texts], texts.index)


@dataclass
class SharedFrames:
    """Counts rows with the same frame as the row before: several faces, in a table that does not number them.

    Attributes:
        count: the number of such rows so far.
    """

    count: int = 0
    _last: tuple[object, ...] | None = None

    def add(self, columns: Sequence[pd.Series]) -> None:
        """Count rows. Takes the columns that tell their frames."""
        if columns[0].empty:
            return
        same = np.ones(len(columns[0]) - 1, bool)
        for cells in columns:
            same &= cells.to_numpy()[1:] == cells.to_numpy()[:-1]
        first, last = (tuple(str(cells.iloc[index]) for cells in columns) for index in (0, -1))
        self.count += int(same.sum()) + (first == self._last)
        self._last = last
