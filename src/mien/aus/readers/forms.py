"""Converts tables to CSV in UTF-8: files packed by gzip, bzip2 or xz, files in UTF-16, and Excel workbooks."""

import codecs
import io
import lzma
import zlib
from collections.abc import Iterator, Sequence
from functools import partial
from typing import BinaryIO, NamedTuple

from mien._io.compression import START, Compression, compression_of
from mien._io.errors import InputError
from mien.aus.readers.excel import IsHeader, workbook_csv
from mien.aus.readers.streams import PART, stream_of

_SHOWN = 10  # sheets in a note
_ZIP, _OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


class Csv(NamedTuple):
    """A table as CSV.

    Attributes:
        stream: CSV in UTF-8.
        forms: for a note, what it was made from; empty for plain text.
        further: notes on tables in the same file that are not read.
    """

    stream: BinaryIO
    forms: list[str]
    further: list[str]


def as_csv(stream: io.BufferedReader, is_header: IsHeader) -> Csv:
    """Return a table as CSV. is_header: tells whether a row of an Excel sheet is the header of a table.

    Raises:
        InputError: it is an Excel file that cannot be read. A damaged packed file raises it while it is read.
    """
    forms = []
    if compression := compression_of(stream.peek(START)):
        forms.append(f"compressed by {compression.name}")
        stream = stream_of(_unpacked(stream, compression))
    start = stream.peek(4)[:4]
    if start == _OLE:
        raise InputError("found an Excel file of the old kind (.xls) or with a password, expected .xlsx or CSV")
    if start == _ZIP:
        book = stream if stream.seekable() else io.BytesIO(stream.read())
        text, sheet, others = workbook_csv(book, is_header)
        return Csv(text, [*forms, f"{sheet} of an Excel workbook"], [_further_note(others)] if others else [])
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        forms.append("UTF-16")
        stream = stream_of(_recoded(stream))
    start = stream.peek(1)
    if b"\r" in start and b"\n" not in start:
        forms.append("of lines that end with carriage returns")
        stream = stream_of(part.replace(b"\r", b"\n") for part in iter(partial(stream.read, PART), b""))
    return Csv(stream, forms, [])


def _further_note(sheets: Sequence[str]) -> str:
    shown = ", ".join(sheets[:_SHOWN]) + " .." * (len(sheets) > _SHOWN)
    are = "sheet with such columns is" if len(sheets) == 1 else "sheets with such columns are"
    return f"{len(sheets)} further {are} not read: {shown}; save each as a file of its own"


def _unpacked(stream: BinaryIO, compression: Compression) -> Iterator[bytes]:
    try:
        with compression.open(stream) as unpacked:
            while part := unpacked.read(PART):
                yield part
    except (EOFError, OSError, zlib.error, lzma.LZMAError) as error:
        raise InputError(f"found a damaged {compression.name} file ({error}), expected a whole one") from None


def _recoded(stream: BinaryIO) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
    while part := stream.read(PART):
        yield decoder.decode(part).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")
