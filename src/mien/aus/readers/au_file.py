"""An open AU table: its rows as intensities 0..100, in chunks, so that a table of any length fits into memory."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import pandas as pd

from mien._io.errors import InputError, within
from mien.aus.facs import AUS, column
from mien.aus.readers.csv_cells import as_numbers, check_width, empty, read_cells, read_header
from mien.aus.readers.formats import (
    FORMATS,
    JAW_DROP,
    MOUTH_STRETCH,
    au_columns,
    column_position,
    detect_format,
)
from mien.emotions import canonical

CHUNK_ROWS = 50_000
_ROUNDING = 1e-6  # of the range

Missing = Literal["fail", "zero"]


@dataclass(frozen=True)
class Chunk:
    """Rows of a table.

    Attributes:
        first_row: number of the first, from 1.
        intensities: float32 (N, AUs), 0..100, NaN in rows that are not reliable.
        reliable: bool (N,), False where the tool saw no face.
        labels: the canonical emotion of each row, where asked for.
    """

    first_row: int
    intensities: np.ndarray
    reliable: np.ndarray
    labels: list[str] | None


class AuFile:
    """An open AU table.

    Attributes:
        path: the file.
        notes: what was recognised and converted; more may come while chunks are read.
    """

    def __init__(
        self,
        path: Path,
        stream: BinaryIO,
        format_name: str | None,
        missing: Missing,
        needed: Collection[int],
        label: str | None,
    ) -> None:
        """Read the header. For the arguments and errors see `mien.aus.readers.open_aus`."""
        self.path = path
        self.notes: list[str] = []
        self._stream = stream
        self._names, self._separator = read_header(stream)
        self._format = FORMATS[format_name or detect_format(self._names)]
        self._columns, ignored = au_columns(self._names, self._format)
        self._min_reliable = {
            column_position(self._names, name): minimum
            for name, minimum in self._format.min_reliable.items()
            if name in self._names
        }
        self._label = None if label is None else column_position(self._names, label)
        self._note_conversion(self._absent(needed, missing), ignored)

    @property
    def bytes_read(self) -> int:
        """How far the file is read; 0 for a pipe."""
        return self._stream.tell() if self._stream.seekable() else 0

    def chunks(self) -> Iterator[Chunk]:
        """Read the rows in order.

        Raises:
            InputError: a reliable row has an AU that is not a number within the format's range, or a label that is not
                an emotion; the table has no rows, or a row has more cells than the header.
        """
        unreliable, highest, row = 0, 0.0, 1
        labels = [] if self._label is None else [self._label]
        columns = {*self._columns.values(), *self._min_reliable}
        with within(self.path):
            for cells in read_cells(self._stream, self._separator, len(self._names), columns, labels, CHUNK_ROWS):
                chunk = self._chunk(cells, row)
                yield chunk
                row += len(cells)
                unreliable += int((~chunk.reliable).sum())
                highest = max(highest, float(np.nanmax(chunk.intensities, initial=0)))
            if row == 1:
                raise InputError("found a header without rows, expected rows of AU intensities")
        self._note_rows(unreliable, row - 1, highest)

    def _note_conversion(self, absent: Sequence[int], ignored: Sequence[int]) -> None:
        scale = 100 / self._format.max_intensity
        times = "" if scale == 1 else f", times {scale:g}"
        zeros = f"; 0 for {_column_names(absent)}" if absent else ""
        without = f"; {_column_names(ignored)} ignored" if ignored else ""
        self.notes.append(f"read as {self._format.description}{times}{zeros}{without}")

    def _note_rows(self, unreliable: int, rows: int, highest: float) -> None:
        if unreliable:
            bounds = [f"{self._names[position]} >= {minimum:g}" for position, minimum in self._min_reliable.items()]
            expected = " and ".join([*bounds, "filled AU columns"] if self._format.empty_is_faceless else bounds)
            self.notes.append(f"{unreliable:,} of {rows:,} rows have no prediction: expected {expected}")
        if self._format.max_intensity == 100 and 0 < highest <= 5:
            self.notes.append(f"no intensity is above {highest:g} of 100; is the --format openface or pyfeat?")

    def _absent(self, needed: Collection[int], missing: Missing) -> list[int]:
        given = {JAW_DROP if au == MOUTH_STRETCH else au for au in self._columns}
        absent = [au for au in AUS if au in needed and au not in given]
        required = [au for au in absent if au not in self._format.rare]
        if required and missing == "fail":
            raise InputError(f"no column {_column_names(required)}, expected it, or --missing zero to count it as 0")
        return absent

    def _chunk(self, cells: pd.DataFrame, first_row: int) -> Chunk:
        check_width(cells[len(self._names)], first_row, len(self._names))
        reliable = np.ones(len(cells), bool)
        for position, minimum in self._min_reliable.items():
            reliable &= as_numbers(cells[position]) >= minimum
        if self._format.empty_is_faceless:
            reliable &= ~np.all([empty(cells[position]) for position in self._columns.values()], axis=0)
        by_au = {au: self._intensities(cells[position], reliable, first_row) for au, position in self._columns.items()}
        if MOUTH_STRETCH in by_au:
            by_au[JAW_DROP] = np.maximum(by_au[MOUTH_STRETCH], by_au.get(JAW_DROP, 0))
        intensities = np.zeros((len(cells), len(AUS)), np.float32)
        for index, au in enumerate(AUS):
            intensities[:, index] = by_au.get(au, 0)
        intensities[~reliable] = np.nan
        labels = None if self._label is None else self._emotions(cells[self._label], first_row)
        return Chunk(first_row, intensities, reliable, labels)

    def _intensities(self, cells: pd.Series, reliable: np.ndarray, first_row: int) -> np.ndarray:
        maximum = self._format.max_intensity
        values = as_numbers(cells)
        slack = maximum * _ROUNDING
        wrong = reliable & ~(
            (values >= -slack) & (values <= maximum + slack)
        )  # NaN is not a number in the range either
        if wrong.any():
            index = int(wrong.argmax())
            name, cell = self._names[int(str(cells.name))], cells.iloc[index]
            shown = repr(cell) if isinstance(cell, str) else f"{cell}"
            raise InputError(f"row {first_row + index}, column {name}: found {shown}, expected a number 0..{maximum:g}")
        return np.clip(values, 0, maximum) * (100 / maximum)

    def _emotions(self, cells: pd.Series, first_row: int) -> list[str]:
        names = cells.str.strip()
        emotions: dict[str, str] = {}
        for name in names.unique():
            with within(f"row {first_row + int((names == name).argmax())}, column {self._names[self._label or 0]}"):
                emotions[name] = canonical(str(name))
        return [emotions[name] for name in names]


def _column_names(aus: Sequence[int]) -> str:
    return ", ".join(map(column, aus))
