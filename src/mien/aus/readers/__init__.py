"""AU tables of OpenFace, of py-feat and of mien itself, read alike: intensities 0..100, in chunks of rows."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from mien._io.errors import InputError, within
from mien.aus.facs import AUS
from mien.aus.readers.au_file import AuFile, Chunk, Missing
from mien.aus.readers.formats import FORMATS, JAW_DROP, MOUTH_STRETCH, Format
from mien.aus.readers.words import parse_intensity

__all__ = [
    "FORMATS",
    "JAW_DROP",
    "MOUTH_STRETCH",
    "AuFile",
    "Chunk",
    "Format",
    "Missing",
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
) -> Iterator[AuFile]:
    """Open an AU table: CSV with a header, cells separated by commas or semicolons, UTF-8; other columns are ignored.

    AU27 counts as AU26; where both are given, AU26 is the larger. Values beyond their range by rounding, a millionth of
    it, are clipped.

    Args:
        path: the file, or a pipe.
        format_name: a key of FORMATS, or None to recognise it by the header.
        missing: "fail" where an AU that is needed has no column, or "zero" to count it as 0. AUs that tools or coders
            rarely report (`Format.rare`) always count as 0 there, and so do those that are not needed.
        needed: the AUs that the reader of the intensities cannot do without.
        label: the column that names the emotion, where labels are wanted.

    Raises:
        InputError: the file cannot be read, is not text, has no AU columns, names one twice or lacks some.
    """
    try:
        stream = path.open("rb")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    with stream:
        with within(path):
            table = AuFile(path, stream, format_name, missing, needed, label)
        yield table
