"""The cells of a table of emotions or AUs as text."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from mien._io.errors import InputError, within
from mien.aus.readers.au_file import CHUNK_ROWS
from mien.aus.readers.column_names import column_position, find_column
from mien.aus.readers.csv_cells import blank, read_cells, skip_preamble
from mien.aus.readers.formats import has_aus
from mien.aus.readers.forms import as_csv

_EMOTION, _CONFIDENCE = "emotion", "confidence"


@dataclass(frozen=True)
class Table:
    """A table.

    Attributes:
        path: its file.
        names: its columns.
        cells: its cells as text, "" for an empty one, by the names of columns.
        further: notes on tables in the same file that are not read.
    """

    path: Path
    names: list[str]
    cells: pd.DataFrame
    further: list[str]

    def __len__(self) -> int:
        return len(self.cells)

    def has(self, name: str) -> bool:
        """Tell whether there is a column of this name, in any spelling of its words."""
        return find_column(self.names, name) is not None

    def column(self, name: str) -> pd.Series:
        """Return the cells of a column without blanks around them. Raises InputError unless it is there once."""
        with within(self.path):
            return self.cells.iloc[:, column_position(self.names, name)].str.strip()

    @property
    def has_emotions(self) -> bool:
        """Whether rows name emotions and how sure they are."""
        return self.has(_EMOTION) and self.has(_CONFIDENCE)

    @property
    def emotions(self) -> pd.Series:
        """The emotion of each row; "" if it has none."""
        return self.column(_EMOTION)

    @property
    def after_confidence(self) -> pd.DataFrame:
        """The cells of the columns after `confidence`, where probabilities of emotions stand."""
        return self.cells.iloc[:, column_position(self.names, _CONFIDENCE) + 1 :]


def read_table(path: Path) -> Table:
    """Read a table of emotions or AUs, in the forms of `mien.aus.readers`.

    Raises:
        InputError: it cannot be read, is another table, or has no rows, a wider row, or a column twice.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    with stream, within(path):
        table, _, further = as_csv(stream, _is_header)
        names, separator, _ = skip_preamble(table, _is_header)
        width = len(names)
        chunks = [chunk for chunk in read_cells(table, separator, width, [], range(width), CHUNK_ROWS) if len(chunk)]
        if not chunks:
            raise InputError("found a header without rows, expected rows of faces")
        cells = pd.concat(chunks, ignore_index=True)
        if (wide := ~blank(cells[width])).any():
            raise InputError(f"row {int(wide.argmax()) + 1}: found more cells than the header's {width}")
        if twice := [name for name in names if name and names.count(name) > 1]:
            raise InputError(f"found column {twice[0]} {names.count(twice[0])} times, expected it once")
    cells = cells[range(width)].fillna("").astype("str")
    cells.columns = pd.Index(names)
    return Table(path, names, cells, further)


def _is_header(names: Sequence[str]) -> bool:
    return find_column(names, _EMOTION) is not None or has_aus(names)
