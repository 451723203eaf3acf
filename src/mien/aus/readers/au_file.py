"""An open AU table. It yields intensities 0..100 in chunks, so that a table of any length fits into memory."""

import io
from collections.abc import Collection, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from mien._io.errors import InputError, within
from mien.aus.facs import AUS, JAW_DROP, MOUTH_STRETCH, column
from mien.aus.readers.chunk import Chunk
from mien.aus.readers.column_names import column_position, find_column
from mien.aus.readers.csv_cells import (
    SEPARATORS,
    as_numbers,
    blank,
    empty,
    has_decimal_commas,
    read_cells,
    skip_preamble,
)
from mien.aus.readers.face_checks import FaceChecks
from mien.aus.readers.formats import au_columns, choose_format, has_aus
from mien.aus.readers.forms import as_csv
from mien.aus.readers.identity import FACE_NUMBERS, FRAME, PERSON, SOURCE, identity_columns, identity_values
from mien.aus.readers.people import People, people_of
from mien.aus.readers.row_counts import RowCounts
from mien.emotions import canonical

CHUNK_ROWS = 50_000
_SHOWN = 12  # ignored columns in a note
_ROUNDING = 1e-6  # tolerance, as a share of the range

Missing = Literal["fail", "zero"]


class AuFile:
    """An open AU table.

    Attributes:
        path: the file.
        identity: the columns of `Chunk.identity`.
        notes: what was recognized and converted. More notes may come while chunks are read.
        losses: those of `notes` that tell what is left out of this file, or in doubt.
        bad_rows: the one of `losses` on unreadable rows, complete when all chunks are read.
    """

    def __init__(
        self,
        path: Path,
        stream: io.BufferedReader,
        format_name: str | None,
        missing: Missing,
        needed: Collection[int],
        label: str | None,
        min_tool_confidence: float | None,
        kept: Collection[str] = (),
    ) -> None:
        """Read the header. For the arguments and errors see `mien.aus.readers.open_aus`."""
        self.path = path
        self.notes: list[str] = []
        self.losses: list[str] = []
        self.bad_rows: str | None = None
        self._file = stream
        self._stream, forms, further = as_csv(stream, has_aus)
        self._names, self._separator, skipped = skip_preamble(self._stream, has_aus)
        forms += [f"below {skipped} {'line' if skipped == 1 else 'lines'} of text"] * bool(skipped)
        self._format = choose_format(self._names, format_name)
        self._columns, ignored = au_columns(self._names, self._format)
        self._identity = identity_columns(self._names)
        self.identity = list(self._identity)
        minima = self._format.min_reliable
        if min_tool_confidence is not None:
            minima = minima | {self._format.confidence: min_tool_confidence}
        self._face_checks = FaceChecks(self._names, minima, self._format.confidence)
        self._label = None if label is None else column_position(self._names, label)
        self._kept = {name: column_position(self._names, name) for name in kept}
        self._counts = RowCounts()
        self._is_numbered = find_column(self._names, *FACE_NUMBERS) is not None
        self._note_conversion(self._absent(needed, missing), ignored)
        separated = SEPARATORS.get(self._separator, f"separated by {self._separator!r}")
        if forms := [*forms, *filter(None, [separated])]:
            self.notes.append(f"the table is {', '.join(forms)}")
        self._note_losses(further)
        if min_tool_confidence is not None and find_column(self._names, self._format.confidence) is None:
            self.notes.append("has no confidence column, so --min-tool-confidence has no effect")

    @property
    def names(self) -> list[str]:
        """All columns of the table."""
        return self._names

    @cached_property
    def people(self) -> People:
        """How people are told apart. May read the columns of names and numbers first."""
        return people_of(self.path, {name: self._names[position] for name, position in self._identity.items()})

    @property
    def aus(self) -> list[int]:
        """The AUs of AUS that have a column. A column AU27 counts as AU26."""
        given = {JAW_DROP if au == MOUTH_STRETCH else au for au in self._columns}
        return [au for au in AUS if au in given]

    @property
    def bytes_read(self) -> int:
        """The number of bytes read so far; 0 for a pipe."""
        return self._file.tell() if self._file.seekable() else 0

    def chunks(self) -> Iterator[Chunk]:
        """Read the rows in order.

        An unreadable row does not stop the others. Unreadable is a face with an AU that is not a number within the
        format's range, and a row with more cells than the header.

        Raises:
            InputError: a label is not an emotion, the table has no rows, or none of the first rows can be read.
        """
        counts = self._counts
        width = len(self._names)
        texts = [*self._identity.values(), *self._kept.values()]
        texts += [] if self._label is None else [self._label]
        columns = {*self._columns.values(), *self._face_checks.positions}
        with within(self.path):
            for cells in read_cells(self._stream, self._separator, width, columns, texts, CHUNK_ROWS):
                chunk = self._chunk(cells, counts.rows + 1)
                counts.rows += len(cells)
                if counts.bad and counts.bad == counts.rows:
                    raise InputError(counts.none_readable())
                yield chunk
            if not counts.rows:
                raise InputError("found a header without rows, expected rows of AU intensities")
        self._note_rows()

    def _note_conversion(self, absent: Sequence[int], ignored: Sequence[str]) -> None:
        scale = 100 / self._format.max_intensity
        times = "" if scale == 1 else f", times {scale:g}"
        zeros = f"; 0 for {_column_names(absent)}" if absent else ""
        more = f" and {len(ignored) - _SHOWN} more columns" if len(ignored) > _SHOWN else ""
        without = f"; {', '.join(ignored[:_SHOWN])}{more} ignored" if ignored else ""
        self.notes.append(f"read as {self._format.description}{times}{zeros}{without}")

    def _note_rows(self) -> None:
        counts = self._counts
        if counts.decimal_commas:
            self.notes.append("has decimal commas, which count as points: 0,98 is 0.98")
        self.bad_rows = counts.bad_rows
        self._note_losses(self._face_checks.ignored)
        self._note_losses(counts.notes(self._face_checks.expected, self._format.max_intensity))

    def _note_losses(self, texts: Sequence[str]) -> None:
        self.notes += texts
        self.losses += texts

    def _absent(self, needed: Collection[int], missing: Missing) -> list[int]:
        absent = [au for au in AUS if au in needed and au not in self.aus]
        required = [au for au in absent if au not in self._format.rare]
        if required and missing == "fail":
            raise InputError(f"no column {_column_names(required)}, expected it, or --missing zero to count it as 0")
        return absent

    def _chunk(self, cells: pd.DataFrame, first_row: int) -> Chunk:
        wide = ~blank(cells[len(self._names)])  # its values may be in the wrong columns
        has_face = self._has_face(cells, wide, first_row)
        by_au = {au: as_numbers(cells[position]) for au, position in self._columns.items()}
        readable = self._readable(cells, by_au, has_face, wide, first_row)
        reliable = has_face & readable
        maximum = self._format.max_intensity
        by_au = {au: np.clip(values, 0, maximum) * (100 / maximum) for au, values in by_au.items()}
        if MOUTH_STRETCH in by_au:
            by_au[JAW_DROP] = np.maximum(by_au[MOUTH_STRETCH], by_au.get(JAW_DROP, 0))
        intensities = np.zeros((len(cells), len(AUS)), np.float32)
        for index, au in enumerate(AUS):
            intensities[:, index] = by_au.get(au, 0)
        intensities[~reliable] = np.nan
        labels = None if self._label is None else self._emotions(cells[self._label], wide, first_row)
        self._counts.unreliable += int((readable & ~has_face).sum())
        self._counts.highest = max(self._counts.highest, float(np.nanmax(intensities, initial=0)))
        self._counts.decimal_commas |= any(has_decimal_commas(cells[column]).any() for column in self._columns.values())
        self._count_shared_frames(cells)
        kept = {name: cells[position].fillna("").str.strip() for name, position in self._kept.items()}
        return Chunk(
            first_row,
            intensities,
            reliable,
            labels,
            self._identity_of(cells),
            pd.DataFrame(kept, index=cells.index).reset_index(drop=True),
        )

    def _has_face(self, cells: pd.DataFrame, wide: np.ndarray, first_row: int) -> np.ndarray:
        is_empty = np.all([empty(cells[position]) for position in self._columns.values()], axis=0)
        self._counts.empty += int(is_empty.sum())
        return self._face_checks.has_face(cells, ~is_empty & ~wide, first_row) & ~is_empty

    def _readable(
        self,
        cells: pd.DataFrame,
        by_au: dict[int, np.ndarray],
        has_face: np.ndarray,
        wide: np.ndarray,
        first_row: int,
    ) -> np.ndarray:
        """Tell which rows can be read: bool (N,). Counts the others and keeps the first one's fault."""
        maximum = self._format.max_intensity
        slack = maximum * _ROUNDING
        wrong = {  # false for NaN, too
            au: has_face & ~((values >= -slack) & (values <= maximum + slack)) for au, values in by_au.items()
        }
        readable = ~np.any([wide, *wrong.values()], axis=0)
        self._counts.bad += int((~readable).sum())
        if not readable.all() and not self._counts.first_bad:
            index = int(readable.argmin())
            if wide[index]:
                problem = f": found more cells than the header's {len(self._names)}"
            else:
                position = next(self._columns[au] for au, is_wrong in wrong.items() if is_wrong[index])
                cell = cells[position].iloc[index]
                shown = repr(cell) if isinstance(cell, str) else f"{cell}"
                problem = f", column {self._names[position]}: found {shown}, expected a number 0..{maximum:g}"
            self._counts.first_bad = f"row {first_row + index}{problem}"
        return readable

    def _identity_of(self, cells: pd.DataFrame) -> pd.DataFrame:
        values = {name: identity_values(cells[position]) for name, position in self._identity.items()}
        return pd.DataFrame(values, index=cells.index).reset_index(drop=True)

    def _count_shared_frames(self, cells: pd.DataFrame) -> None:
        if FRAME in self._identity and not self._is_numbered:
            positions = [self._identity[name] for name in (FRAME, SOURCE, PERSON) if name in self._identity]
            self._counts.shared_frames.add([cells[position].fillna("") for position in positions])

    def _emotions(self, cells: pd.Series, wide: np.ndarray, first_row: int) -> list[str]:
        """Return the canonical emotion of each row; "" if it has none, or if the row is too wide."""
        names = cells.str.strip()
        emotions: dict[str, str] = {}
        for name in names[~wide].unique():
            row = first_row + int(((names == name) & ~wide).argmax())
            with within(f"row {row}, column {self._names[self._label or 0]}"):
                emotions[name] = canonical(str(name)) if name else ""
        return ["" if is_wide else emotions[name] for name, is_wide in zip(names, wide, strict=True)]


def _column_names(aus: Sequence[int]) -> str:
    return ", ".join(map(column, aus))
