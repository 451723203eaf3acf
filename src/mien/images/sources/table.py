"""FER2013 as the challenge gave it out: one CSV with a label, 48 x 48 grey values and a Usage in each row."""

import csv
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mien.compute import Engine, parallel
from mien.emotions import FER2013, canonical
from mien.errors import InputError, within
from mien.images.decode import resize
from mien.images.sources.layout import SPLIT_NAMES
from mien.images.sources.lines import Lines, cut_lines
from mien.images.sources.source import Batch, Entry

SIDE = 48
_PIXELS = SIDE * SIDE
_BLOCK = 64  # rows parsed at once; of fewer, threads mostly wait for each other, of more, results leave the cache
_ROWS = 8 * _BLOCK  # that another machine is given at once
_LONGEST_ROW = 2**17
_EXPECTED = "expected columns emotion, pixels and, where it has splits, Usage"


class TableSource:
    """The rows of a `fer2013.csv`: columns emotion (0..6 or a name), pixels (2,304 numbers 0..255) and Usage, if any.

    The columns may have any order and blanks around their names, as in other editions of that file. It is streamed, so
    its length does not matter. Row 0 becomes the image fer0000000, as other files that belong to FER2013 count.
    """

    def __init__(self, path: Path, file: BinaryIO, first: int = 0, *, to_end: bool = True) -> None:
        """Read the header of an open file.

        Args:
            path: for messages.
            file: a header and rows.
            first: the number of the first of these rows, where they are some of a longer file.
            to_end: whether they are its last ones.

        Raises:
            InputError: a column is missing.
        """
        self.path = path
        self.notes: list[str] = []
        self.total: int | None = None
        self._file = file
        self._first = first
        self._to_end = to_end
        with within(path):
            self._names = header(file)
            self._emotion, self._pixels = (self._names.index(name) for name in ("emotion", "pixels"))
        self._usage = self._names.index("usage") if "usage" in self._names else None

    def batches(self, size: int, engine: Engine = parallel) -> Iterator[Batch]:
        """Parse all rows.

        Raises:
            InputError: a row has another number of cells than the header, an unknown emotion or Usage, or pixels that
                are not 2,304 whole numbers 0..255; or there is no row.
        """

        def batch(block: tuple[int, list[bytes]]) -> Batch:
            first, lines = block
            with within(self.path):
                try:
                    return self._batch(first, lines, size)
                except InputError:
                    self._check_cells(first, lines)
                    raise

        yield from engine(batch, self._lines())

    def blocks(self, _: int, engine: Engine) -> Iterator["Rows"]:
        """Cut all rows into blocks, for which `engine` reads the file from end to end."""
        begin = self._file.tell()
        return (Rows(self.path, begin, lines) for lines in cut_lines(self.path, begin, _ROWS, engine))

    def _lines(self) -> Iterator[tuple[int, list[bytes]]]:
        """Yield the number of a row, from 0, and some rows from that one on. Empty rows at the end are none."""
        first = self._first
        lines: list[bytes] = []
        for line in iter(partial(self._file.readline, _LONGEST_ROW + 1), b""):
            if len(line) > _LONGEST_ROW:
                raise InputError(f"{self.path}: found a row of over {_LONGEST_ROW:,} bytes, expected {_PIXELS} pixels")
            if len(lines) >= _BLOCK and not line.isspace():
                yield first, lines
                first += len(lines)
                lines = []
            lines.append(line)
        while self._to_end and lines and lines[-1].isspace():
            lines.pop()
        if not lines:
            raise InputError(f"{self.path}: found a header without rows, expected rows of images")
        yield first, lines

    def _batch(self, first: int, lines: list[bytes], size: int) -> Batch:
        entries, values = [], []
        for row, line in enumerate(lines, first):
            cells = self._cells(line)
            try:
                split = None if self._usage is None else _split(cells[self._usage])
                entries.append(Entry(f"fer{row:07}", _emotion(cells[self._emotion]), split))
            except InputError as error:
                raise InputError(f"{_place(row)}, {error}") from None
            values.append(cells[self._pixels].strip(b' "\r\n'))
        images = _parsed(values, first)
        pixels = images if size == SIDE else np.stack([resize(image, size) for image in images])
        return Batch.measured(entries, pixels, np.full((len(entries), 2), SIDE))

    def _cells(self, line: bytes) -> list[bytes]:
        """Split a row from both ends: only the pixels are long, and hold no comma unless the row is wrong."""
        *before, rest = line.split(b",", self._pixels)
        cells = before + rest.rsplit(b",", len(self._names) - 1 - self._pixels)
        if len(cells) < len(self._names):
            raise InputError("found too few cells")  # _check_cells says more
        return cells

    def _check_cells(self, first: int, lines: list[bytes]) -> None:
        for row, line in enumerate(lines, first):
            if (found := line.count(b",") + 1) != len(self._names):
                raise InputError(f"{_place(row)}: found {found} cells, expected {len(self._names)} as in the header")


@dataclass(frozen=True)
class Rows:
    """A block of the rows of a fer2013.csv. begin: the byte where its header ends."""

    path: Path
    begin: int
    lines: Lines

    def batches(self, size: int) -> Iterator[Batch]:
        """Parse the rows, see `TableSource`."""
        with self.path.open("rb") as file:
            names = file.read(self.begin)
            file.seek(self.lines.start)
            rows = BytesIO(names + file.read(min(self.lines.stop - self.lines.start, _ROWS * (_LONGEST_ROW + 1))))
        return TableSource(self.path, rows, self.lines.first, to_end=self.lines.to_end).batches(size, map)


def header(file: BinaryIO) -> list[str]:
    """Read the column names of a fer2013.csv, in small letters. Raises InputError where it is none."""
    line = file.readline(_LONGEST_ROW)
    try:
        (names,) = csv.reader([line.decode("utf-8-sig")])
    except (UnicodeDecodeError, ValueError, csv.Error):
        raise InputError(f"found no line of text, {_EXPECTED}") from None
    names = [name.strip().lower() for name in names]
    for name in ("emotion", "pixels"):
        if names.count(name) != 1:
            found = ", ".join(names) or "the first line"
            raise InputError(f"found {names.count(name) or 'no'} column {name} in {found}, {_EXPECTED}")
    return names


@cache
def _emotion(cell: bytes) -> str:
    text = _text(cell)
    if text in _LABELS:
        return _LABELS[text]
    try:
        return canonical(text)
    except InputError:
        raise InputError(
            f"column emotion: found {text!r}, expected 0..{len(FER2013) - 1} or one of {', '.join(FER2013)}"
        ) from None


_LABELS = {str(label): emotion for label, emotion in enumerate(FER2013)}


@cache
def _split(cell: bytes) -> str:
    text = _text(cell)
    try:
        return SPLIT_NAMES[text.lower()]
    except KeyError:
        raise InputError(f"column Usage: found {text!r}, expected Training, PublicTest or PrivateTest") from None


def _text(cell: bytes) -> str:
    return cell.decode("utf-8", "replace").strip(' "\r\n')


def _place(row: int) -> str:
    return f"row {row + 1}"  # people count the first row below the header as 1, FER2013's file names as 0


def _parsed(values: list[bytes], first: int) -> np.ndarray:
    """Parse the pixels of rows from number `first` on to uint8 (rows, 48, 48).

    All rows at once: the last three digits before each blank are weighed and added. They are numbers 0..255 with single
    blanks between if every byte is a blank or one of those digits; else each row is looked at by itself.

    Raises:
        InputError: a row has other than 2,304 whole numbers 0..255.
    """
    text = np.frombuffer(b" ".join([b"  ", *values, b""]), np.uint8)  # three blanks lead, so that three bytes precede
    ends = np.flatnonzero(text[3:] == ord(" "))  # of numbers; each is the place of the third byte before the blank
    last = np.cumsum([len(value) + 1 for value in values]) - 1
    if len(ends) == len(values) * _PIXELS and np.array_equal(ends[_PIXELS - 1 :: _PIXELS], last):
        digits = text - np.uint8(ord("0"))
        hundreds, tens, ones = (digits[place:].take(ends) for place in range(3))
        has_tens = tens < 10
        has_hundreds = has_tens & (hundreds < 10)
        found = 3 + 2 * len(ends) + np.count_nonzero(has_tens) + np.count_nonzero(has_hundreds)
        hundreds *= has_hundreds
        tens *= has_tens
        below_hundred = 10 * tens + ones
        numbers = 100 * hundreds + below_hundred  # past 255 it starts again at 0
        if found == len(text) and ones.max() < 10 and hundreds.max() < 3 and (numbers >= below_hundred).all():
            return numbers.reshape(-1, SIDE, SIDE)
    return np.stack([_parsed_row(value, row) for row, value in enumerate(values, first)])


def _parsed_row(value: bytes, row: int) -> np.ndarray:
    numbers = value.split()
    if len(numbers) != _PIXELS:
        raise InputError(
            f"{_place(row)}, column pixels: found {len(numbers):,} numbers, expected {_PIXELS:,} (48 x 48)"
        )
    for place, number in enumerate(numbers, 1):
        if not re.fullmatch(rb"0{0,99}\d{1,3}", number) or int(number) > 255:
            raise InputError(f"{_place(row)}, pixel {place}: found {_text(number)!r}, expected a whole number 0..255")
    return np.array([int(number) for number in numbers], np.uint8).reshape(SIDE, SIDE)
