"""The forms of a table: packed by gzip, in UTF-16, or a workbook of Excel; all become CSV in UTF-8."""

import codecs
import gzip
import io
import zlib
from collections.abc import Iterator
from typing import BinaryIO

from mien._io.errors import InputError
from mien.aus.readers.excel import workbook_csv
from mien.aus.readers.streams import PART, stream_of

_GZIP, _ZIP, _OLE = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def as_csv(stream: io.BufferedReader) -> tuple[BinaryIO, list[str]]:
    """Return a stream of CSV text, UTF-8 or unmarked, and what it was made from, for a note; empty for plain text.

    Raises:
        InputError: it is a file of Excel that cannot be read. A damaged gzip file raises it when it is read from.
    """
    forms = []
    if stream.peek(2)[:2] == _GZIP:
        forms.append("packed by gzip")
        stream = stream_of(_gunzipped(stream))
    start = stream.peek(4)[:4]
    if start == _OLE:
        raise InputError("found an Excel file of the old kind (.xls) or with a password, expected .xlsx or CSV")
    if start == _ZIP:
        text, sheet = workbook_csv(stream if stream.seekable() else io.BytesIO(stream.read()))
        return text, [*forms, f"sheet {sheet!r} of an Excel workbook"]
    if start[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        forms.append("UTF-16")
        stream = stream_of(_recoded(stream))
    return stream, forms


def _gunzipped(stream: BinaryIO) -> Iterator[bytes]:
    try:
        with gzip.GzipFile(fileobj=stream) as unpacked:
            while part := unpacked.read(PART):
                yield part
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise InputError(f"found a damaged gzip file ({error}), expected a whole one") from None


def _recoded(stream: BinaryIO) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder("utf-16")(errors="replace")
    while part := stream.read(PART):
        yield decoder.decode(part).encode("utf-8", "replace")
    yield decoder.decode(b"", final=True).encode("utf-8", "replace")
