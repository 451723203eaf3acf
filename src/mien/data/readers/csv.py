"""FER2013 as the challenge published it: one CSV with a label, 48 x 48 grey values and a Usage in each row.

Images of other tables may have other sides, such as 64 or 96.
"""

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from io import BytesIO
from itertools import islice
from typing import BinaryIO

import numpy as np

from mien._io.errors import InputError, within
from mien._io.parallel import Executor
from mien._io.urls import Location, Span, read_spans
from mien.data.decode import resize
from mien.data.labels import EMPTY, LabelNames
from mien.data.readers.lines import Lines, split_lines
from mien.data.readers.names import split_name
from mien.data.readers.source import Batch, Entry

SIDE = 48
_MIN_SIDE = 16
_PARSED_ROWS = 64  # rows at once; results of more do not fit into the CPU's cache
_PARSED_PER_BATCH = 8
_BATCH_ROWS = _PARSED_PER_BATCH * _PARSED_ROWS  # rows for another machine at once
#: Bytes of a row, enough for 255 x 255 pixels.
MAX_ROW = 2**18
_MAX_LABEL = 100  # characters of a label that names no emotion
_SHOWN = 20  # names of columns in a message
_EXPECTED = "expected columns emotion, pixels and, where it has splits, Usage"


class CsvSource:
    """The rows of a `fer2013.csv`: columns emotion (0..7 or a name), pixels (numbers 0..255) and Usage, if any.

    Each row has the pixels of a square: 2,304 numbers for 48 x 48. The first row sets the side.

    The columns may be in any order and have blanks around their names, as in other editions of the file. It is
    streamed, so its length does not matter. Row 0 becomes the image fer0000000, as in other files of FER2013.
    """

    def __init__(
        self,
        path: Location,
        file: BinaryIO,
        first: int = 0,
        *,
        to_end: bool = True,
        labels: LabelNames | None = None,
        converted: bool = False,
        side: int | None = None,
    ) -> None:
        """Read the header of an open file.

        Args:
            path: for messages.
            file: a header and rows.
            first: the number of the first of these rows, if they are part of a longer file.
            to_end: whether they include its last row.
            labels: what the cells of the column emotion mean; where it says nothing else, 0..6 are
                those of FER2013, and 7 is contempt.
            converted: whether `file` was made from what is at `path`, and is in reach of this process only.
            side: of the images, in pixels; None for what the first row tells.

        Raises:
            InputError: a column is missing.
        """
        self.path = path
        self.notes: list[str] = []
        self.total: int | None = None
        self._file = file
        self._first = first
        self._to_end = to_end
        self._label_names = labels or LabelNames()
        self._labels = self._label_names.with_fer2013()
        self._emotions: dict[bytes, str] = {}
        self._converted = converted
        with within(path):
            self._names = read_header(file)
            self._emotion, self._pixels = (self._names.index(name) for name in ("emotion", "pixels"))
        self._usage = self._names.index("usage") if "usage" in self._names else None
        self.side = side or self._side_of_first()
        if self.side != SIDE:
            self.notes.append(f"images have {self.side} x {self.side} pixels, as the first row has so many numbers")

    def batches(self, size: int) -> Iterator[Batch]:
        """Parse all rows.

        In one thread: each step releases Python's lock so briefly that several would mostly wait for each other.

        Raises:
            InputError: a row has another number of cells than the header, an unknown emotion or Usage, or pixels that
                are not as many whole numbers 0..255 as make a face; or there is no row.
        """
        parsed = self._parse()
        while blocks := list(islice(parsed, _PARSED_PER_BATCH)):
            entries = [entry for entries, _ in blocks for entry in entries]
            images = np.concatenate([images for _, images in blocks])
            pixels = images if size == self.side else np.stack([resize(image, size) for image in images])
            yield Batch.measured(entries, pixels, np.full((len(entries), 2), self.side))

    def blocks(self, _: int, executor: Executor) -> Iterator["CsvBlock"]:
        """Split all rows into blocks, for which `executor` reads the file from end to end.

        Raises:
            InputError: the rows are not in the file in this form.
        """
        if self._converted:
            raise InputError(f"{self.path}: is packed or of another form than fer2013.csv, which a cluster cannot read")
        begin, labels = self._file.tell(), self._label_names
        return (
            CsvBlock(self.path, begin, lines, labels, self.side)
            for lines in split_lines(self.path, begin, _BATCH_ROWS, executor)
        )

    def sample(self, _: int) -> list[bytes]:
        """See `Source`."""
        return []

    def _parse(self) -> Iterator[tuple[list[Entry], np.ndarray]]:
        """Yield the entries and images, uint8 (N, side, side), of some rows at a time."""
        with within(self.path):
            lines, first = self._lines(), self._first
            while block := list(islice(lines, _PARSED_ROWS)):
                try:
                    rows = [self._row(row, line) for row, line in enumerate(block, first)]
                    images = _parse_pixels([pixels for _, pixels in rows], first, self.side)
                except (InputError, ValueError):
                    for row, line in enumerate(block, first):
                        self._check_cells(row, line)
                    raise
                yield [entry for entry, _ in rows], images
                first += len(block)
            if first == self._first:
                raise InputError("found a header without rows, expected rows of images")

    def _lines(self) -> Iterator[bytes]:
        """Yield each row; empty ones at the end are skipped."""
        empty: list[tuple[int, bytes]] = []
        for row, line in enumerate(iter(partial(self._file.readline, MAX_ROW + 1), b""), self._first):
            if len(line) > MAX_ROW:
                raise InputError(f"found a row of over {MAX_ROW:,} bytes, expected {self.side**2:,} pixels")
            if line.isspace():
                empty.append((row, line))
            elif empty:
                break
            else:
                yield line
        else:
            if self._to_end:
                return
        if empty:
            self._check_cells(*empty[0])

    def _row(self, row: int, line: bytes) -> tuple[Entry, memoryview]:
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
            raise InputError(f"{_row_name(row)}, {error}") from None
        return entry, pixels

    def _side_of_first(self) -> int:
        """Return the side of the image in the first row, of FER2013's where that row has no square."""
        start = self._file.tell()
        line = self._file.readline(MAX_ROW + 1)
        self._file.seek(start)
        try:
            side = math.isqrt(count := len(self._cells(line)[1].tobytes().split()))
        except ValueError:
            return SIDE
        return side if side >= _MIN_SIDE and side**2 == count else SIDE

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
            text = _text(cell)
            emotion = self._labels.emotion(text) or self._labels.code(text)
            if emotion is None:
                with within("column emotion"):
                    self._labels.check(text)
                emotion = text[:_MAX_LABEL] or EMPTY
            self._emotions[cell] = emotion
        return emotion

    def _check_cells(self, row: int, line: bytes) -> None:
        if (cells := line.count(b",") + 1) != len(self._names):
            raise InputError(f"{_row_name(row)}: found {cells} cells, expected {len(self._names)} as in the header")


@dataclass(frozen=True)
class CsvBlock:
    """A block of the rows of a fer2013.csv.

    Attributes:
        path: of the file.
        begin: the byte where its header ends.
        lines: where the rows are.
        labels: what the cells of the column emotion mean.
        side: of the images, in pixels.
    """

    path: Location
    begin: int
    lines: Lines
    labels: LabelNames
    side: int

    @property
    def first(self) -> int:
        """See `Block`."""
        return self.lines.first

    def batches(self, size: int) -> Iterator[Batch]:
        """Parse the rows, see `CsvSource`."""
        first, start, stop, to_end = self.lines
        rows = Span(start, min(stop, start + _BATCH_ROWS * (MAX_ROW + 1)))
        text = b"".join(read_spans(self.path, [Span(0, self.begin), rows]))
        source = CsvSource(self.path, BytesIO(text), first, to_end=to_end, labels=self.labels, side=self.side)
        return source.batches(size)


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
    if split := split_name(_text(cell)):
        return split
    raise InputError(f"column Usage: found {_text(cell)!r}, expected Training, PublicTest or PrivateTest")


def _text(cell: bytes) -> str:
    try:
        text = cell.decode()
    except UnicodeDecodeError:  # as Windows writes it in Western Europe
        text = cell.decode("latin-1")
    return text.strip(' "\r\n')


def _row_name(row: int) -> str:
    return f"row {row + 1}"  # messages count the first row as 1, FER2013's file names as 0


def _parse_pixels(values: list[memoryview], first: int, side: int) -> np.ndarray:
    """Parse the pixels of rows from number `first` on to uint8 (rows, side, side).

    All rows at once: the last three digits before each blank are weighted and added. If every byte is a blank or one of
    these digits, the cells are numbers 0..255 with single blanks between; otherwise each row is parsed by itself.

    Raises:
        InputError: a row has other than side x side whole numbers 0..255.
    """
    count = side**2
    text = np.frombuffer(b" ".join([b"  ", *values, b""]), np.uint8)  # three blanks lead, so that three bytes precede
    ends = np.flatnonzero(text[3:] == ord(" "))  # of numbers; each is the place of the third byte before the blank
    last = np.cumsum([len(value) + 1 for value in values]) - 1
    if len(ends) == len(values) * count and np.array_equal(ends[count - 1 :: count], last):
        digits = text - np.uint8(ord("0"))
        hundreds, tens, ones = (digits[offset:].take(ends) for offset in range(3))
        has_tens = tens < 10
        has_hundreds = has_tens & (hundreds < 10)
        counted = 3 + 2 * len(ends) + np.count_nonzero(has_tens) + np.count_nonzero(has_hundreds)
        hundreds *= has_hundreds
        tens *= has_tens
        below_hundred = 10 * tens + ones
        numbers = 100 * hundreds + below_hundred  # past 255 it starts again at 0
        if counted == len(text) and ones.max() < 10 and hundreds.max() < 3 and (numbers >= below_hundred).all():
            return numbers.reshape(-1, side, side)
    return np.stack([_parse_row(value.tobytes(), row, side) for row, value in enumerate(values, first)])


def _parse_row(value: bytes, row: int, side: int) -> np.ndarray:
    numbers = value.split()
    if len(numbers) != side**2:
        colours = "; colours? one grey value per pixel is read" if len(numbers) == 3 * side**2 else ""
        raise InputError(
            f"{_row_name(row)}, column pixels: found {len(numbers):,} numbers, expected {side**2:,} ({side} x {side})"
            f"{colours}"
        )
    for position, number in enumerate(numbers, 1):
        if not re.fullmatch(rb"0{0,99}\d{1,3}", number) or int(number) > 255:
            raise InputError(
                f"{_row_name(row)}, pixel {position}: found {_text(number)!r}, expected a whole number 0..255"
            )
    return np.array([int(number) for number in numbers], np.uint8).reshape(side, side)
