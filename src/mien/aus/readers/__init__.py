"""Reads AU tables of OpenFace, LibreFace, py-feat and mien: intensities 0..100, in chunks of rows."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from mien._io.errors import InputError, within
from mien.aus.facs import AUS
from mien.aus.readers.au_file import AuFile, Missing
from mien.aus.readers.chunk import Chunk
from mien.aus.readers.formats import FORMATS, Format
from mien.aus.readers.identity import IDENTITY, PEOPLE, PERSON, PERSON_NAMES, SOURCE, identity_values, keys
from mien.aus.readers.words import parse_intensity

__all__ = [
    "FORMATS",
    "IDENTITY",
    "PEOPLE",
    "PERSON",
    "PERSON_NAMES",
    "SOURCE",
    "AuFile",
    "Chunk",
    "Format",
    "Missing",
    "identity_values",
    "keys",
    "open_aus",
    "parse_intensity",
]


@contextmanager
def open_aus(
    path: Path,
    *,
    format_name: str | None = None,
    missing: Missing = "fail",
    needed: Collection[int] = AUS,
    label: str | None = None,
    min_tool_confidence: float | None = None,
    kept: Collection[str] = (),
) -> Iterator[AuFile]:
    """Open an AU table with a header: CSV, or an Excel workbook (.xlsx, needs openpyxl).

    CSV may be separated by commas, semicolons or tabs, in UTF-8 or UTF-16, and compressed by gzip. Columns that are not
    listed are ignored.

    AU27 counts as AU26; if both are given, AU26 is the larger one. Values that leave their range by up to a millionth
    (rounding) are clipped. Unreadable rows are left out and noted, see `AuFile.chunks`.

    Args:
        path: the file, or a pipe.
        format_name: a key of FORMATS, or None to recognize the format by the header.
        missing: what to do if a needed AU has no column: "fail", or "zero" to count it as 0. AUs that tools or coders
            rarely report (`Format.rare`) and AUs that are not needed always count as 0.
        needed: the AUs that the model needs.
        label: the column that names the emotion, if labels are wanted.
        min_tool_confidence: a row counts only if the tool is at least this sure of the face, 0..1; see
            `Format.confidence`.
        kept: further columns to read as text, see `Chunk.kept`.

    Raises:
        InputError: the file cannot be read, is not text, has no AU columns, has one twice or lacks some; or
            min_tool_confidence is not within 0..1.
    """
    if min_tool_confidence is not None and not 0 <= min_tool_confidence <= 1:
        raise InputError(f"--min-tool-confidence: found {min_tool_confidence:g}, expected 0..1")
    try:
        stream = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    with stream:
        with within(path):
            table = AuFile(path, stream, format_name, missing, needed, label, min_tool_confidence, kept)
        yield table
