"""FER2013 as the challenge published it: one CSV with a label, 48 x 48 grey values and a Usage in each row.

Images of other tables may have other sides, such as 64 or 96.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from itertools import islice
from typing import BinaryIO

import numpy as np

from mien._io.errors import InputError, within
from mien._io.parallel import Executor
from mien._io.urls import Location, Span, read_spans
from mien.data.decode import resize
from mien.data.labels import LabelNames
from mien.data.readers.csv_pixels import parse_pixels
from mien.data.readers.csv_rows import MAX_ROW, RowParser, read_header
from mien.data.readers.lines import Lines, split_lines
from mien.data.readers.source import Batch, Entry

SIDE = 48
_MIN_SIDE = 16
_PARSED_ROWS = 64  # rows at once; results of more do not fit into the CPU's cache
_PARSED_PER_BATCH = 8
_BATCH_ROWS = _PARSED_PER_BATCH * _PARSED_ROWS  # rows for another machine at once


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
        self._labels = labels or LabelNames()
        self._converted = converted
        with within(path):
            self._rows = RowParser(read_header(file), self._labels)
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
        begin, labels = self._file.tell(), self._labels
        labels.seen.leave_open()
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
                    rows = [self._rows.parse(row, line) for row, line in enumerate(block, first)]
                    images = parse_pixels([pixels for _, pixels in rows], first, self.side)
                except (InputError, ValueError):
                    for row, line in enumerate(block, first):
                        self._rows.check_cells(row, line)
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
            self._rows.check_cells(*empty[0])

    def _side_of_first(self) -> int:
        """Return the side of the image in the first row, of FER2013's where that row has no square."""
        start = self._file.tell()
        line = self._file.readline(MAX_ROW + 1)
        self._file.seek(start)
        try:
            side = math.isqrt(count := len(self._rows.pixels(line).tobytes().split()))
        except ValueError:
            return SIDE
        return side if side >= _MIN_SIDE and side**2 == count else SIDE


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
