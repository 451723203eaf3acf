"""Opens image sources, recognized by content."""

import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO

from mien._io.errors import InputError
from mien._io.urls import Location, Url
from mien.data.decode import Decoder, decode
from mien.data.labels import LabelNames
from mien.data.readers.archives import images_of_tar, images_of_zips, zips_in
from mien.data.readers.csv import CsvSource
from mien.data.readers.csv_form import SAMPLE, is_standard, recognise
from mien.data.readers.csv_search import is_image_table, is_table, one_table, open_in_zip, open_packed, tables_in
from mien.data.readers.csv_standard import write_standard
from mien.data.readers.folder import FolderSource, list_folder
from mien.data.readers.names import is_image
from mien.data.readers.packed_files import is_packed, packing, packing_of
from mien.data.readers.prepared import PreparedSource, is_prepared
from mien.data.readers.source import Source
from mien.data.readers.table import TableSource, image_table
from mien.data.readers.zip import ZipSource

_EXPECTED = "expected a zip or folder of emotion folders, a fer2013.csv, or a table of image paths and labels"
_ZIP, _ZIP_DIRECTORY, _ZIP_END = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_MAX_END = 2**16 + 22  # bytes, with a comment
_BUFFER = 2**18  # bytes; a row of a CSV has some 8,000


@contextmanager
def open_source(path: Location, labels: LabelNames | None = None, decoder: Decoder = decode) -> Iterator[Source]:
    """Open the image source at `path`. Its kind is recognized by its content.

    Args:
        path: a file or folder.
        labels: what names of folders and cells mean; not needed if they name emotions.
        decoder: decodes image files; decoders other than `decode` find faces in them.

    Raises:
        InputError: the path is missing, empty, of no known kind or damaged; see each kind of source. Or it is a table
            of faces, in which none are to be found.
    """
    with _open(path, labels, decoder) as source:
        if isinstance(source, CsvSource | PreparedSource) and decoder is not decode:
            side = source.side if isinstance(source, CsvSource) else 0
            kind = f"a table of faces of {side} x {side} pixels" if side else "arrays of faces"
            raise InputError(
                f"{path}: is {kind}, expected a folder or zip of pictures to find faces in; detector none reads it"
            )
        yield source


def holds_images(path: Location) -> bool:
    """Tell whether `path` is a source of images: a folder, a zip, a table of images or of their paths, or a URL.

    Raises:
        InputError: its compression is not supported, so its content is unknown.
    """
    if isinstance(path, Url) or path.is_dir() or path.suffix.lower() == ".zip":
        return True
    if not path.is_file():  # because a pipe can be read only once
        return False
    try:
        if kind := packing_of(path):
            raise InputError(f"{path}: is {kind}, which mien does not read; unpack or convert it")
        return zipfile.is_zipfile(path) or is_image_table(path) or image_table(path) is not None
    except OSError:
        return False


def _open(path: Location, labels: LabelNames | None, decoder: Decoder) -> AbstractContextManager[Source]:
    return _open_folder(path, labels, decoder) if path.is_dir() else _open_file(path, labels, decoder)


@contextmanager
def _open_folder(path: Location, labels: LabelNames | None, decoder: Decoder) -> Iterator[Source]:
    """Yield the images of a folder: arrays of `prepare_fer`, those of a table in it, or its picture files."""
    if isinstance(path, Path) and is_prepared(path):
        yield PreparedSource(path)
        return
    listing = list_folder(path) if isinstance(path, Path) else None
    tables = [name for name in listing.others if is_table(name)] if listing and not listing.names else []
    if isinstance(path, Path) and any(is_image_table(path / name) for name in tables):
        name = one_table(path, tables, lambda name: (path / name).open("rb"))
        with _open(path / name, labels, decoder) as source:
            source.notes.append(f"{name} in it is read")
            yield source
        return
    yield FolderSource(path, labels, decoder, listing)


@contextmanager
def _open_file(path: Location, labels: LabelNames | None, decoder: Decoder) -> Iterator[Source]:
    try:
        file = path.open("rb", buffering=_BUFFER)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file or folder, {_EXPECTED}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    with file:
        sample = file.read(SAMPLE)
        file.seek(0)
        if not sample:
            raise InputError(f"{path}: the file is empty (0 bytes), {_EXPECTED}")
        if kind := packing(sample):
            raise InputError(f"{path}: is {kind}, which mien does not read; unpack or convert it, {_EXPECTED}")
        with _source_in(path, file, sample, labels, decoder) as source:
            yield source


def _source_in(
    path: Location, file: BinaryIO, sample: bytes, labels: LabelNames | None, decoder: Decoder
) -> AbstractContextManager[Source]:
    """Return the source in an open file. sample: its first bytes."""
    if is_packed(sample):
        return _open_packed(path, file, labels, decoder)
    if sample.startswith(_ZIP):
        return _zip(path, file, labels, decoder)
    form = recognise(sample)
    if form and not is_standard(form):
        return _converted(path, nullcontext(("", file)), labels)
    if not form and isinstance(path, Path) and (table := image_table(path, labels)):
        return nullcontext(TableSource(path, table, labels, decoder))
    if form or path.suffix.lower() == ".csv" or b"pixels" in sample.partition(b"\n")[0]:
        return nullcontext(CsvSource(path, file, labels=labels))
    return _zip(path, file, labels, decoder)


@contextmanager
def _open_packed(path: Location, file: BinaryIO, labels: LabelNames | None, decoder: Decoder) -> Iterator[Source]:
    """Yield the images of a tar, or the table in a file that gzip, bzip2 or xz has packed."""
    with images_of_tar(path, file) as images, ExitStack() as stack:
        if images:
            unpacked = stack.enter_context(images.open("rb"))
            yield stack.enter_context(_zip(path, unpacked, labels, decoder, images))
        else:
            yield stack.enter_context(_converted(path, open_packed(path, file), labels))


@contextmanager
def _zip(
    path: Location, file: BinaryIO, labels: LabelNames | None, decoder: Decoder, copy: Path | None = None
) -> Iterator[Source]:
    """Yield the images, the table of images, or the zips of images in an open zip. copy: see `ZipSource`."""
    try:
        archive = zipfile.ZipFile(file)
    except InputError:  # of a URL
        raise
    except Exception as error:  # noqa: BLE001 -- what a damaged directory makes zipfile raise is open
        raise InputError(
            f"{path}: not a whole zip file ({error}), {_EXPECTED}; truncated or of another kind?"
        ) from None
    with archive:
        if _is_cut_off(file):
            raise InputError(f"{path}: not a whole zip file, it is cut off behind a zip that it holds, {_EXPECTED}")
        has_images = any(map(is_image, archive.namelist()))
        if not has_images and tables_in(archive):
            with _converted(path, open_in_zip(path, archive), labels) as table:
                yield table
        elif not has_images and not copy and (zips := zips_in(archive)):
            with (
                images_of_zips(path, archive) as images,
                images.open("rb") as inner,
                _zip(path, inner, labels, decoder, images) as source,
            ):
                source.notes.append(f"{', '.join(zips)} in it {'is' if len(zips) == 1 else 'are'} read")
                yield source
        else:
            yield ZipSource(path, archive, file, labels, decoder, copy)


def _is_cut_off(file: BinaryIO) -> bool:
    """Tell whether a zip goes on behind the end that zipfile found: the end is that of an inner zip."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _MAX_END, 0))
    behind = file.read(_MAX_END).rpartition(_ZIP_END)[2]  # at a URL, read() without a size is many requests
    return _ZIP in behind or _ZIP_DIRECTORY in behind


@contextmanager
def _converted(
    path: Location, opened: AbstractContextManager[tuple[str, BinaryIO]], labels: LabelNames | None
) -> Iterator[CsvSource]:
    """Yield a table of images of another form than fer2013.csv as a source.

    Args:
        path: of the source, for messages.
        opened: opens the table; the name is that inside the source, empty if the table is the source.
        labels: what cells of its column emotion mean.
    """
    with tempfile.TemporaryFile(prefix="mien-") as standard:
        with opened as (name, table):
            notes = write_standard(path, table, standard)
        source = CsvSource(path, standard, labels=labels, converted=True)
        source.notes += [*([f"{name} in it is read"] if name else []), *notes]
        yield source
