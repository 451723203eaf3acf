"""Header and rows of a fer2013.csv: labels, splits, and the text of the pixels."""

import csv
from functools import cache
from typing import BinaryIO

from mien._io.errors import InputError, within
from mien.data.labels import EMPTY, LabelNames
from mien.data.readers.names import split_name
from mien.data.readers.source import Entry

#: Bytes of a row, enough for 255 x 255 pixels.
MAX_ROW = 2**18
_MAX_LABEL = 100  # characters of a label that names no emotion
_SHOWN = 20  # names of columns in a message
_EXPECTED = "expected columns emotion, pixels and, where it has splits, Usage"


class RowParser:
    """Takes the rows of a fer2013.csv apart."""

    def __init__(self, names: list[str], labels: LabelNames) -> None:
        """Set the columns.

        Args:
            names: of the columns, see `read_header`.
            labels: what the cells of the column emotion mean; where it says nothing else, 0..6 are those of FER2013,
                and 7 is contempt.
        """
        self._names = names
        self._emotion, self._pixels = names.index("emotion"), names.index("pixels")
        self._usage = names.index("usage") if "usage" in names else None
        self._labels = labels.with_fer2013()
        self._emotions: dict[bytes, str] = {}

    def parse(self, row: int, line: bytes) -> tuple[Entry, memoryview]:
        """Return the entry of a row, and its pixels as text without a copy, because that cell is long.

        Raises:
            InputError: there is no such emotion or Usage.
            ValueError: there are too few cells.
        """
        others, pixels = self._cells(line)
        try:
            split = None if self._usage is None else _split(others[self._usage])
            entry = Entry(f"fer{row:07}", self._read_emotion(others[self._emotion]), split)
        except InputError as error:
            raise InputError(f"{row_name(row)}, {error}") from None
        return entry, pixels

    def pixels(self, line: bytes) -> memoryview:
        """Return the pixels of a row as text. Raises ValueError: there are too few cells."""
        return self._cells(line)[1]

    def check_cells(self, row: int, line: bytes) -> None:
        """Raise InputError if a row has not as many cells as the header."""
        if (cells := line.count(b",") + 1) != len(self._names):
            raise InputError(f"{row_name(row)}: found {cells} cells, expected {len(self._names)} as in the header")

    def _cells(self, line: bytes) -> tuple[list[bytes], memoryview]:
        """Return the cells of a row, that of pixels empty, and its pixels. Raises ValueError: there are too few."""
        start, stop = 0, len(line)
        for _ in range(self._pixels):
            start = line.index(b",", start) + 1
        for _ in range(self._pixels + 1, len(self._names)):
            stop = line.rindex(b",", start, stop)
        others = [*line[:start].split(b",")[:-1], b"", *line[stop:].split(b",")[1:]]
        while start < stop and line[start] in b' "':
            start += 1
        while start < stop and line[stop - 1] in b' "\r\n':
            stop -= 1
        return others, memoryview(line)[start:stop]

    def _read_emotion(self, cell: bytes) -> str:
        """Return the emotion of a cell; the text itself if it names none, so that such rows can be counted.

        Raises:
            InputError: it looks misspelt, or all labels must name an emotion.
        """
        if (emotion := self._emotions.get(cell)) is None:
            text = cell_text(cell)
            emotion = self._labels.emotion(text) or self._labels.code(text)
            if emotion is None:
                with within("column emotion"):
                    self._labels.check(text)
                emotion = text[:_MAX_LABEL] or EMPTY
            self._emotions[cell] = emotion
        return emotion


def read_header(file: BinaryIO) -> list[str]:
    """Read the column names of a fer2013.csv in lower case. Raises InputError if there is no header."""
    line = file.readline(MAX_ROW)
    try:
        (names,) = csv.reader([line.decode("utf-8-sig")])
    except (UnicodeDecodeError, ValueError, csv.Error):
        raise InputError(f"found no line of text, {_EXPECTED}") from None
    names = [name.strip().lower() for name in names]
    for name in ("emotion", "pixels"):
        if names.count(name) != 1:
            found = ", ".join(names[:_SHOWN]) + " .." * (len(names) > _SHOWN) or "the first line"
            raise InputError(f"found {names.count(name) or 'no'} column {name} in {found}, {_EXPECTED}")
    return names


@cache
def _split(cell: bytes) -> str:
    if split := split_name(cell_text(cell)):
        return split
    raise InputError(f"column Usage: found {cell_text(cell)!r}, expected Training, PublicTest or PrivateTest")


def cell_text(cell: bytes) -> str:
    """Return a cell as text, without quotes and blanks around it."""
    try:
        text = cell.decode()
    except UnicodeDecodeError:  # as Windows writes it in Western Europe
        text = cell.decode("latin-1")
    return text.strip(' "\r\n')


def row_name(row: int) -> str:
    """Return the name of a row in messages."""
    return f"row {row + 1}"  # messages count the first row as 1, FER2013's file names as 0
