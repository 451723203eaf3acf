"""The cells of a CSV file of any length: its header, and chunks of its rows."""

import csv
import io
import re
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np
import pandas as pd

from mien._io.errors import InputError
from mien.aus.readers.column_names import abbreviated

#: Separators of cells, and what a note calls a table with them.
SEPARATORS = {",": "", ";": "separated by semicolons", "\t": "separated by tabs", "|": "separated by bars"}

_MAX_HEADER = 1_000_000  # bytes
_MAX_PREAMBLE = 50  # lines before the header
_NOTHING = (  # as tools, R, Excel, databases, C++ and FaceReader write it
    "nan", "na", "n/a", "#n/a", "null", "none", "-", "-nan", "nan(ind)", "-nan(ind)", "fit_failed", "find_failed"
)  # fmt: skip
_DECIMAL_COMMA = r"\s*[-+]?\d*,\d+(?:[eE][-+]?\d+)?\s*"


def skip_preamble(stream: BinaryIO, is_header: Callable[[Sequence[str]], bool]) -> tuple[list[str], str, int]:
    """Read lines until one is a header; return its names, the separator and how many lines stood before it.

    Programs such as FaceReader and iMotions write about the study before the table.

    Raises:
        InputError: no line is a header; or see `read_header`, of the first line.
    """
    names, separator = read_header(stream)
    first = names
    for skipped in range(_MAX_PREAMBLE):
        if is_header(names):
            return names, separator, skipped
        try:
            names, separator = read_header(stream)
        except InputError:  # an empty line between
            names = []
    raise InputError(f"found columns {abbreviated(first)}, expected AU columns (AU01 or AU01_r ..)")


def read_header(stream: BinaryIO) -> tuple[list[str], str]:
    """Read the first line. Returns the column names, without blanks around them, and the separator.

    Raises:
        InputError: it is empty, too long, or not a line of CSV.
    """
    line = stream.readline(_MAX_HEADER)
    hint = re.fullmatch(rb"(?:\xef\xbb\xbf)?sep=(.)\s*", line)  # Excel's first line that names the separator
    if hint:
        line = stream.readline(_MAX_HEADER)
    if not line.strip():
        raise InputError("found an empty file or first line, expected a header with AU columns (AU01 or AU01_r ..)")
    text = _decoded(line)
    separator = hint[1].decode("latin-1") if hint else max(SEPARATORS, key=text.count)
    try:
        (names,) = csv.reader([text.rstrip("\r\n")], delimiter=separator, skipinitialspace=True)
    except (csv.Error, ValueError) as error:
        raise InputError(
            f"found a header that is not a line of CSV ({error}), expected AU columns (AU01 or AU01_r ..)"
        ) from None
    return [name.strip() for name in names], separator


def _decoded(line: bytes) -> str:
    """Return a header as text: UTF-8, or the encoding of Windows in Western Europe."""
    try:
        text = line.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = line.decode("latin-1")
        if not text.replace("\t", "").rstrip("\r\n").isprintable():
            text = "\0"
    if "\0" in text:
        raise InputError("found binary data, expected a CSV file with AU columns (AU01 or AU01_r ..)")
    return text


def read_cells(
    stream: BinaryIO, separator: str, width: int, columns: Collection[int], text_columns: Sequence[int], chunk_rows: int
) -> Iterator[pd.DataFrame]:
    """Yield the rows after a header in chunks, with columns named by their positions.

    A column is numeric if all its cells in a chunk are numbers; `text_columns` are always str. The additional column
    `width` contains the cells beyond the header: if there are any, the other cells may be in the wrong columns.

    Args:
        stream: a stream after its header.
        separator: separates the cells.
        width: the number of columns.
        columns: the positions of the wanted columns.
        text_columns: the positions of further wanted columns.
        chunk_rows: how many rows are read at once.

    Raises:
        InputError: the rows are not a table.
    """
    positions = separator.join(map(str, range(width + 1))) + "\n"
    try:
        with pd.read_csv(
            io.BufferedReader(_Prefixed(positions.encode(), stream)),
            sep=separator,
            names=list(range(width + 1)),
            header=0,
            usecols=sorted({*columns, *text_columns, width}),
            dtype=dict.fromkeys(text_columns, "str"),
            chunksize=chunk_rows,
            keep_default_na=False,
            skipinitialspace=True,
            low_memory=False,
            encoding_errors="replace",
        ) as reader:
            yield from reader
    except (pd.errors.EmptyDataError, IndexError):  # the latter is raised by pandas 3.1 if no row follows
        return
    except (pd.errors.ParserError, ValueError) as error:
        raise InputError(f"not a table ({' '.join(str(error).split())})") from None


def blank(cells: pd.Series) -> np.ndarray:
    """Tell which cells are blank: bool (N,)."""
    if cells.dtype.kind in "iuf":
        return cells.isna().to_numpy()
    return (cells.isna() | (cells.astype("str").str.strip() == "")).to_numpy()


def empty(cells: pd.Series) -> np.ndarray:
    """Tell which cells are blank or contain a word for "no value": bool (N,)."""
    if cells.dtype.kind in "iuf":
        return cells.isna().to_numpy()
    return blank(cells) | cells.astype("str").str.strip().str.lower().isin(_NOTHING).to_numpy()


def as_numbers(cells: pd.Series) -> np.ndarray:
    """Return cells as float64 (N,); NaN if not a number. A decimal comma counts as a point."""
    if cells.dtype.kind in "iuf":
        return cells.to_numpy(np.float64)
    texts = cells.astype("str")
    numbers = pd.to_numeric(texts, errors="coerce")
    commas = has_decimal_commas(texts)
    if commas.any():
        numbers = numbers.where(~commas, pd.to_numeric(texts.str.replace(",", "."), errors="coerce"))
    return numbers.to_numpy(np.float64)


def as_flags(cells: pd.Series) -> np.ndarray:
    """Return cells as `as_numbers` does; true and false, in any case, are 1 and 0."""
    if cells.dtype.kind in "iuf":
        return as_numbers(cells)
    texts = cells.astype("str").str.strip()
    return as_numbers(texts.mask(texts.str.lower() == "true", "1").mask(texts.str.lower() == "false", "0"))


def has_decimal_commas(cells: pd.Series) -> pd.Series:
    """Tell which cells are numbers with a decimal comma: bool (N,)."""
    if cells.dtype.kind in "iufb":
        return pd.Series(False, cells.index)
    return cells.astype("str").str.fullmatch(_DECIMAL_COMMA)


class _Prefixed(io.RawIOBase):
    """A stream with an additional first line: here a header that is one cell wider than the table's own.

    This reveals rows that are too wide. Given the columns to use, pandas silently drops cells beyond the header.
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
