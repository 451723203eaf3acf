"""Image sources: a folder, a zip or a fer2013.csv, recognised by their content."""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager

from mien._io.errors import InputError
from mien._io.urls import Location
from mien.data.labels import LabelNames
from mien.data.readers.csv import CsvSource
from mien.data.readers.folder import FolderSource
from mien.data.readers.source import Source
from mien.data.readers.zip import ZipSource

__all__ = ["CsvSource", "Source", "open_source"]

_EXPECTED = "expected a zip or folder of emotion folders, or a fer2013.csv"
_BUFFER = 2**18  # bytes; a row of a CSV has some 8,000


@contextmanager
def open_source(path: Location, labels: LabelNames | None = None) -> Iterator[Source]:
    """Open the image source at `path`, whose kind is recognised by its content.

    Args:
        path: a file or folder.
        labels: what names of folders and cells mean; none needed where they name emotions.

    Raises:
        InputError: the path is missing, empty, of no known kind or damaged; see each kind of source.
    """
    if path.is_dir():
        yield FolderSource(path, labels)
        return
    try:
        file = path.open("rb", buffering=_BUFFER)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file or folder, {_EXPECTED}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    with file:
        first_line = file.readline(4096)
        file.seek(0)
        if not first_line:
            raise InputError(f"{path}: the file is empty (0 bytes), {_EXPECTED}")
        if path.suffix.lower() == ".csv" or b"pixels" in first_line:
            yield CsvSource(path, file, labels=labels)
            return
        try:
            archive = zipfile.ZipFile(file)
        except InputError:  # of a URL
            raise
        except Exception as error:  # noqa: BLE001 -- what a damaged directory makes zipfile raise is open
            raise InputError(
                f"{path}: not a whole zip file ({error}), {_EXPECTED}; truncated or of another kind?"
            ) from None
        with archive:
            yield ZipSource(path, archive, file, labels)
