"""Excel workbooks (.xlsx) as CSV, row by row."""

import csv
import io
import warnings
import zipfile
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, BinaryIO, NamedTuple, TypeAlias

from mien._io.errors import InputError, first_line
from mien._io.extras import require
from mien.aus.readers.streams import PART, stream_of

_MAX_UNPACKED = 2_000_000_000  # limit in bytes of one part of a workbook
_TITLES = 10  # limit of filled rows among which the header is searched

#: Tells whether a row is the header of a table.
IsHeader: TypeAlias = Callable[[Sequence[str]], bool]


class Sheet(NamedTuple):
    """A sheet: its name, its filled rows from the header on, and whether it has a header and rows below it."""

    name: str
    rows: Iterator[Sequence[Any]]
    has_header: bool = False
    has_rows: bool = False


def workbook_csv(stream: BinaryIO, is_header: IsHeader) -> tuple[BinaryIO, str, list[str]]:
    """Return one sheet as a CSV stream, its name, and the names of further sheets with a table, which are not read.

    It is the first sheet with a header and rows, else the first. Empty rows and empty columns on the right are left
    out.

    Args:
        stream: seekable, of a zip file.
        is_header: tells whether a row is the header of a table.

    Raises:
        InputError: openpyxl is not installed, or the file is not a workbook that it can read.
    """
    _check_archive(stream)
    require("excel", "openpyxl", what="reading .xlsx files")
    import openpyxl

    stream.seek(0)
    try:
        with warnings.catch_warnings():  # about styles and extensions, which do not matter here
            warnings.simplefilter("ignore")
            book = openpyxl.load_workbook(stream, read_only=True, data_only=True)
            chosen, *others = _sheets(book, is_header)
    except Exception as error:  # noqa: BLE001  # openpyxl raises whatever a damaged file brings about
        raise _damaged(error) from None
    return stream_of(_csv(chosen.rows)), chosen.name, [sheet.name for sheet in others if sheet.has_rows]


def _check_archive(stream: BinaryIO) -> None:
    try:
        with zipfile.ZipFile(stream) as archive:
            sizes = {info.filename: info.file_size for info in archive.infolist()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, UnicodeDecodeError, EOFError, OSError) as error:
        raise _damaged(error) from None
    if not any(name.startswith("xl/") for name in sizes):
        raise InputError("found a zip file that is not an Excel workbook, expected .xlsx or CSV: unpack it first")
    if max(sizes.values()) > _MAX_UNPACKED:
        raise InputError(f"found a workbook that unpacks to over {_MAX_UNPACKED / 1e9:g} GB, expected less, or CSV")


def _sheets(book: Any, is_header: IsHeader) -> list[Sheet]:
    """Return the sheets with a table, those with rows below the header first; the first sheet if none has a table."""
    sheets = [_sheet(sheet, is_header) for sheet in book.worksheets]
    tables = [sheet for sheet in sheets if sheet.has_header]
    return sorted(tables, key=lambda sheet: not sheet.has_rows) or sheets[:1] or [Sheet("", iter(()))]


def _sheet(sheet: Any, is_header: IsHeader) -> Sheet:
    rows = _filled(sheet.iter_rows(values_only=True))
    first = list(islice(rows, _TITLES + 1))
    name = f"sheet {sheet.title!r}"
    for number, row in enumerate(first[:_TITLES]):
        if is_header(["" if cell is None else str(cell).strip() for cell in row]):
            below = f" (header in filled row {number + 1})" if number else ""
            return Sheet(name + below, chain(first[number:], rows), True, len(first) > number + 1)
    return Sheet(name, chain(first, rows))


def _filled(rows: Iterator[Sequence[Any]]) -> Iterator[Sequence[Any]]:
    return (row for row in rows if any(cell is not None and cell != "" for cell in row))


def _csv(rows: Iterator[Sequence[Any]]) -> Iterator[bytes]:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    while True:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                row = next(rows, None)
        except Exception as error:  # noqa: BLE001  # see above
            raise _damaged(error) from None
        if row is not None:
            writer.writerow(["" if cell is None else cell for cell in _without_tail(row)])
        if row is None or buffer.tell() > PART:
            yield buffer.getvalue().encode("utf-8", "replace")
            buffer.seek(0)
            buffer.truncate()
        if row is None:
            return


def _without_tail(row: Sequence[Any]) -> Sequence[Any]:
    width = len(row)
    while width and row[width - 1] in (None, ""):
        width -= 1
    return row[:width]


def _damaged(error: Exception) -> InputError:
    return InputError(f"found a damaged Excel workbook ({first_line(error)}), expected .xlsx or CSV")
