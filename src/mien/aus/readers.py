"""AU tables of people and tools, read as one thing: intensities 0..100, in chunks, so that a table of any length fits.

Sources: Baltrusaitis et al., OpenFace 2.0, 2018, and its wiki on output columns; Cheong et al., py-feat, 2023.
"""

import csv
import io
import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Literal

import numpy as np
import pandas as pd

from mien._io.errors import InputError, within
from mien.aus.facs import AUS, column
from mien.emotions import canonical

CHUNK_ROWS = 50_000
_MAX_HEADER = 1_000_000
_ROUNDING = 1e-6
STRETCH, DROP = 27, 26  # of the mouth: two degrees of one movement, told apart by few tools

Missing = Literal["fail", "zero"]


@dataclass(frozen=True)
class Format:
    """How a kind of table writes AUs.

    words: what a note says of it. header: a regular expression of an AU column, whose group is the AU.
    marks: one of it in a header tells the kind. top: the intensity that stands for 100.
    seldom: AUs that need no column, as the tool cannot detect them, or few coders code them. reliable_from: columns,
    where present, and the least value with which a row counts. empty_is_unseen: whether a row whose AUs are all empty
    is one without a face.
    """

    words: str
    header: re.Pattern[str]
    marks: re.Pattern[str]
    top: float
    seldom: frozenset[int]
    reliable_from: dict[str, float] = field(default_factory=dict)
    empty_is_unseen: bool = False


_PLAIN = re.compile(r"au0*(\d{1,3})", re.IGNORECASE)

#: In the order in which a header is tried. A row without a face is zeros in OpenFace and empty cells in py-feat; a
#: confidence of half is mien's choice: no face is worse than a doubtful one, so it only drops what is mostly doubt.
FORMATS = {
    "openface": Format(
        "OpenFace (AUxx_r, 0..5)",
        re.compile(r"au0*(\d{1,3})(?:_r)?", re.IGNORECASE),
        re.compile(r"au\d+_[rc]", re.IGNORECASE),
        5.0,
        frozenset({16, 24}),
        {"success": 1.0, "confidence": 0.5},
    ),
    "pyfeat": Format(
        "py-feat (AUxx, 0..1)",
        _PLAIN,
        re.compile(r"FaceScore|FaceRect(X|Y|Width|Height)"),
        1.0,
        frozenset({16}),
        {"FaceScore": 0.5},
        empty_is_unseen=True,
    ),
    "native": Format("native (AUxx, 0..100)", _PLAIN, _PLAIN, 100.0, frozenset({16})),
}


@dataclass(frozen=True)
class Chunk:
    """Rows of a table.

    first_row: number of the first, from 1. intensities: float32 (N, AUs), 0..100, NaN in rows that are not reliable.
    reliable: bool (N,), False where the tool saw no face. labels: the canonical emotion of each row, where asked for.
    """

    first_row: int
    intensities: np.ndarray
    reliable: np.ndarray
    labels: list[str] | None


class AuFile:
    """An open AU table. `notes` says what was recognised and converted; more may come while chunks are read."""

    def __init__(
        self,
        path: Path,
        stream: BinaryIO,
        format_name: str | None,
        missing: Missing,
        needed: Collection[int],
        label: str | None,
    ) -> None:
        self.path = path
        self.notes: list[str] = []
        self._stream = stream
        self._names, self._separator = _header(stream)
        self._format = FORMATS[format_name or _recognised(self._names)]
        self._columns, ignored = _au_columns(self._names, self._format)
        self._reliable_from = {
            _position(self._names, name): least
            for name, least in self._format.reliable_from.items()
            if name in self._names
        }
        self._label = None if label is None else _position(self._names, label)
        self._note_conversion(self._absent(needed, missing), ignored)

    @property
    def bytes_read(self) -> int:
        """How far the file is read; 0 for a pipe."""
        return self._stream.tell() if self._stream.seekable() else 0

    def chunks(self) -> Iterator[Chunk]:
        """Read the rows in order.

        Raises:
            InputError: a reliable row has an AU that is no number within the format's range, or a label that is no
                emotion; the table has no rows, or a row has more cells than the header.
        """
        unreliable, highest, row = 0, 0.0, 1
        with within(self.path):
            for cells in self._cells():
                chunk = self._chunk(cells, row)
                yield chunk
                row += len(cells)
                unreliable += int((~chunk.reliable).sum())
                highest = max(highest, float(np.nanmax(chunk.intensities, initial=0)))
            if row == 1:
                raise InputError("found a header without rows, expected rows of AU intensities")
        if unreliable:
            least = [f"{self._names[at]} >= {value:g}" for at, value in self._reliable_from.items()]
            expected = " and ".join([*least, "filled AU columns"] if self._format.empty_is_unseen else least)
            self.notes.append(f"{unreliable:,} of {row - 1:,} rows have no prediction: expected {expected}")
        if self._format.top == 100 and 0 < highest <= 5:
            self.notes.append(f"no intensity is above {highest:g} of 100; is the --format openface or pyfeat?")

    def _note_conversion(self, absent: Sequence[int], ignored: Sequence[int]) -> None:
        scale = "" if self._format.top == 100 else f", times {100 / self._format.top:g}"
        zeros = f"; 0 for {_spoken(absent)}" if absent else ""
        without = f"; {_spoken(ignored)} ignored" if ignored else ""
        self.notes.append(f"read as {self._format.words}{scale}{zeros}{without}")

    def _absent(self, needed: Collection[int], missing: Missing) -> list[int]:
        named = {DROP if au == STRETCH else au for au in self._columns}
        absent = [au for au in AUS if au in needed and au not in named]
        demanded = [au for au in absent if au not in self._format.seldom]
        if demanded and missing == "fail":
            raise InputError(f"no column {_spoken(demanded)}, expected it, or --missing zero to count it as 0")
        return absent

    def _cells(self) -> Iterator[pd.DataFrame]:
        """Yield the cells that matter, columns named by position; a column in which all are numbers is numeric."""
        beyond = len(self._names)
        wanted = {*self._columns.values(), *self._reliable_from, beyond}
        labels = {} if self._label is None else {self._label: "str"}
        positions = self._separator.join(map(str, range(beyond + 1))) + "\n"
        try:
            with pd.read_csv(
                io.BufferedReader(_Prefixed(positions.encode(), self._stream)),
                sep=self._separator,
                names=list(range(beyond + 1)),
                header=0,
                usecols=sorted(wanted | set(labels)),
                dtype=labels,
                chunksize=CHUNK_ROWS,
                keep_default_na=False,
                skipinitialspace=True,
                low_memory=False,
                encoding_errors="replace",
            ) as reader:
                yield from reader
        except (pd.errors.EmptyDataError, IndexError):  # the latter is how pandas 3.1 says that no row follows
            return
        except (pd.errors.ParserError, ValueError) as error:
            raise InputError(f"not a table ({' '.join(str(error).split())})") from None

    def _chunk(self, cells: pd.DataFrame, first_row: int) -> Chunk:
        _check_width(cells[len(self._names)], first_row, len(self._names))
        reliable = np.ones(len(cells), bool)
        for at, least in self._reliable_from.items():
            reliable &= _numbers(cells[at]) >= least
        if self._format.empty_is_unseen:
            reliable &= ~np.all([_empty(cells[at]) for at in self._columns.values()], axis=0)
        found = {au: self._intensities(cells[at], reliable, first_row) for au, at in self._columns.items()}
        if STRETCH in found:
            found[DROP] = np.maximum(found[STRETCH], found.get(DROP, 0))
        intensities = np.zeros((len(cells), len(AUS)), np.float32)
        for place, au in enumerate(AUS):
            intensities[:, place] = found.get(au, 0)
        intensities[~reliable] = np.nan
        labels = None if self._label is None else self._emotions(cells[self._label], first_row)
        return Chunk(first_row, intensities, reliable, labels)

    def _intensities(self, cells: pd.Series, reliable: np.ndarray, first_row: int) -> np.ndarray:
        top = self._format.top
        values = _numbers(cells)
        slack = top * _ROUNDING
        wrong = reliable & ~((values >= -slack) & (values <= top + slack))  # NaN is no number within the range either
        if wrong.any():
            at = int(wrong.argmax())
            name = self._names[int(str(cells.name))]
            raise InputError(
                f"row {first_row + at}, column {name}: found {_shown(cells.iloc[at])}, expected a number 0..{top:g}"
            )
        return np.clip(values, 0, top) * (100 / top)

    def _emotions(self, cells: pd.Series, first_row: int) -> list[str]:
        names = cells.str.strip()
        known: dict[str, str] = {}
        for name in names.unique():
            with within(f"row {first_row + int((names == name).argmax())}, column {self._names[self._label or 0]}"):
                known[name] = canonical(str(name))
        return [known[name] for name in names]


@contextmanager
def open_aus(
    path: Path,
    *,
    format_name: str | None = None,
    missing: Missing = "fail",
    needed: Collection[int] = AUS,
    label: str | None = None,
) -> Iterator[AuFile]:
    """Open an AU table: CSV with a header, cells separated by commas or semicolons, UTF-8; other columns are ignored.

    AU27 counts as AU26; where both stand, AU26 is the larger. Values beyond their range by rounding, a millionth of
    it, are clipped.

    Args:
        path: the file, or a pipe.
        format_name: a key of FORMATS, or None to tell it from the header.
        missing: "fail" where an AU that is needed has no column, or "zero" to count it as 0. AUs that tools or coders
            seldom report (Format.seldom) always do, and so do those that are not needed.
        needed: the AUs that the reader of the intensities cannot do without.
        label: the column that names the emotion, where labels are wanted.

    Raises:
        InputError: the file cannot be read, is no text, has no AU columns, names one twice or lacks some.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    with stream:
        with within(path):
            table = AuFile(path, stream, format_name, missing, needed, label)
        yield table


class _Prefixed(io.RawIOBase):
    """A stream with a line put before it, here a header that is one cell wider than the table's own.

    So rows that are too wide show: given columns to use, pandas drops cells beyond the header without a word.
    """

    def __init__(self, line: bytes, stream: BinaryIO) -> None:
        self._parts = [io.BytesIO(line), stream]

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._parts[0].read(len(buffer))
        if not data and len(self._parts) > 1:
            del self._parts[0]
            return self.readinto(buffer)
        buffer[: len(data)] = data
        return len(data)


def intensity(word: str) -> tuple[int, float]:
    """Return AU and intensity of a word like "12=97". Raises InputError for any other word."""
    match = re.fullmatch(r"(?:au)?0*(\d+)=(.+)", word.strip(), re.IGNORECASE)
    try:
        au, value = (int(match[1]), float(match[2])) if match else (0, np.nan)
    except ValueError:
        au, value = 0, np.nan
    if au not in {*AUS, STRETCH} or not 0 <= value <= 100:
        raise InputError(
            f"--au: found {word!r}, expected AU=INTENSITY, such as 12=97, an intensity 0..100 and an AU of "
            f"{', '.join(map(str, AUS))} or {STRETCH}"
        )
    return au, value


def _header(stream: BinaryIO) -> tuple[list[str], str]:
    """Read the first line: the names, blanks around them removed, and the separator."""
    line = stream.readline(_MAX_HEADER)
    if not line.strip():
        raise InputError("found an empty file or first line, expected a header with AU columns (AU01 or AU01_r ..)")
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:
        raise InputError("found binary data, expected a CSV file with AU columns (AU01 or AU01_r ..)")
    separator = max(",;", key=text.count)
    try:
        (names,) = csv.reader([text.rstrip("\r\n")], delimiter=separator, skipinitialspace=True)
    except (csv.Error, ValueError) as error:
        raise InputError(
            f"found a header that is no line of CSV ({error}), expected AU columns (AU01 or AU01_r ..)"
        ) from None
    return [name.strip() for name in names], separator


def _recognised(names: Sequence[str]) -> str:
    if not any(each.header.fullmatch(name) for each in FORMATS.values() for name in names):
        raise InputError(f"found columns {_some(names)}, expected AU columns (AU01 or AU01_r ..)")
    return next(key for key, each in FORMATS.items() if any(each.marks.fullmatch(name) for name in names))


def _au_columns(names: Sequence[str], kind: Format) -> tuple[dict[int, int], list[int]]:
    """Return the position of each AU that counts, and the other AUs that have a column."""
    positions: dict[int, int] = {}
    ignored: list[int] = []
    for at, name in enumerate(names):
        if not (match := kind.header.fullmatch(name)):
            continue
        au = int(match[1])
        if au not in {*AUS, STRETCH}:
            ignored.append(au)
        elif au in positions:
            raise InputError(f"columns {names[positions[au]]} and {name} are both {column(au)}, expected it once")
        else:
            positions[au] = at
    if not positions:
        raise InputError(f"found columns {_some(names)}, expected AU columns of {kind.words}")
    return positions, ignored


def _position(names: Sequence[str], name: str) -> int:
    if names.count(name) != 1:
        raise InputError(f"found {names.count(name) or 'no'} column {name} in {_some(names)}, expected it once")
    return names.index(name)


def _check_width(beyond: pd.Series, first_row: int, width: int) -> None:
    """Refuse rows with more cells than the header: their values may stand in the wrong columns."""
    filled = ~_empty(beyond)
    if filled.any():
        raise InputError(f"row {first_row + int(filled.argmax())}: found more cells than the header's {width}")


def _empty(cells: pd.Series) -> np.ndarray:
    """Tell which cells hold nothing: bool (N,)."""
    if cells.dtype.kind in "iuf":
        return cells.isna().to_numpy()
    return (cells.isna() | (cells.astype("str").str.strip() == "")).to_numpy()


def _numbers(cells: pd.Series) -> np.ndarray:
    """Return cells as float64, NaN for what is no number."""
    if cells.dtype.kind in "iuf":
        return cells.to_numpy(np.float64)
    return pd.to_numeric(cells.astype("str"), errors="coerce").to_numpy(np.float64)


def _shown(cell: object) -> str:
    return repr(cell) if isinstance(cell, str) else f"{cell}"


def _spoken(aus: Sequence[int]) -> str:
    return ", ".join(map(column, aus))


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:6]) + (" .." if len(names) > 6 else "")
