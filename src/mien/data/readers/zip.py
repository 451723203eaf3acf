"""Images in a zip, read without extracting it.

Own code for stored and deflated entries, because `zipfile.ZipFile.read` makes threads wait for each other and reads
URLs in small parts.
"""

import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter, methodcaller
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from mien._io.errors import InputError
from mien._io.parallel import Executor, parallel
from mien._io.urls import Location, Span, Url
from mien.data.decode import MAX_BYTES, Decoder, decode
from mien.data.labels import LabelNames
from mien.data.readers.archives import file_name, zips_in
from mien.data.readers.layout import Layout
from mien.data.readers.names import is_hidden, is_image
from mien.data.readers.source import Batch, Files

#: Where an entry starts and stops in the zip, with a local header of usual length, so that one read is enough; its
#: packed and unpacked sizes, its checksum and method. A plain tuple: workers are sent those of a million.
_Extent = tuple[int, int, int, int, int, int]

_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, length of the name, length of the extra fields
_SIGNATURE = b"PK\x03\x04"
_USUAL_EXTRA = 64  # bytes for the name and extra fields beyond the name's letters
_ENCRYPTED = 0x1
_PLAIN = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_METHODS = _PLAIN | {zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
_MAX_RATIO = 100  # unpacked to packed, where it is more than one image; image files hardly shrink
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError, RuntimeError, ValueError,
    OverflowError, LookupError, MemoryError,
)  # fmt: skip


class ZipSource:
    """Images in a zip with the layout `[split/]EMOTION/IMAGE`."""

    def __init__(
        self,
        path: Location,
        archive: zipfile.ZipFile,
        file: BinaryIO,
        labels: LabelNames | None = None,
        decoder: Decoder = decode,
        copy: Path | None = None,
    ) -> None:
        """List the images of an open zip.

        Args:
            path: for messages.
            archive: the zip.
            file: what it is read from.
            labels: what the names of folders mean.
            decoder: decodes the images.
            copy: the zip, where it was made from what is at `path`, and is in reach of this process only.

        Raises:
            InputError: an image is encrypted or packed by an unknown method, has a path that leads out of the zip, or
                would unfold to far more than an image; or see Layout.
        """
        self.path = path
        images: list[tuple[str, zipfile.ZipInfo]] = []
        others: dict[str, zipfile.ZipInfo] = {}
        folders, zips = [], zips_in(archive)
        for info in archive.infolist():
            name = file_name(info)
            if fault := _fault(name, info):
                raise InputError(f"{path}: {name}: {fault}")
            if is_image(name):
                images.append((name, info))
            elif name.endswith("/"):
                folders.append(name[:-1])
            elif info.filename not in zips and not is_hidden(name):
                others[name] = info
        images.sort(key=itemgetter(0))
        infos = [info for _, info in images]
        _check_size(path, infos, file.seek(0, os.SEEK_END))
        self._copy = copy
        reader = _Reader(copy or path, file)
        layout = Layout(
            path,
            [name for name, _ in images],
            folders,
            sorted(others),
            labels,
            lambda name: next(reader([_extent(others[name])])) if others[name].file_size <= MAX_BYTES else None,
        )
        self._files = Files(layout.entries, layout.select(_extent(info) for info in infos), reader, decoder)
        self.notes = [*layout.notes, *(f"{name} is not read: a zip in the zip" for name in zips)]
        self.total: int | None = len(layout.entries)

    def batches(self, size: int) -> Iterator[Batch]:
        """Decode all images, sorted by name."""
        return parallel(methodcaller("batch", size), self._files.split(size))

    def blocks(self, size: int, _: Executor) -> Iterator[Files[_Extent]]:
        """Split all images into blocks, sorted by name. Raises InputError where a copy of the images is read."""
        if self._copy:
            raise InputError(f"{self.path}: is a tar or holds zips, which a cluster cannot read; unpack it")
        return self._files.split(size)

    def sample(self, count: int) -> list[bytes]:
        """See `Source`."""
        return self._files.sample(count)


def _extent(info: zipfile.ZipInfo) -> _Extent:
    start, packed = info.header_offset, info.compress_size
    stop = start + _LOCAL_HEADER.size + len(info.orig_filename) + _USUAL_EXTRA + packed
    return start, stop, packed, info.file_size, info.CRC, info.compress_type


class _Reader:
    """Reads the images of a zip.

    Stored and deflated entries are read at their position in the file, by several threads at once. Checksums are
    compared as by zipfile.
    """

    def __init__(self, path: Location, file: BinaryIO) -> None:
        """Use an open file."""
        self._path = path
        self._file = file
        self._lock = Lock()
        self._archive: zipfile.ZipFile | None = None
        self._infos: dict[int, zipfile.ZipInfo] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return _open_reader, (self._path,)

    def __call__(self, extents: Sequence[_Extent]) -> Iterator[bytes | None]:
        parts = self._parts(extent[:2] for extent in extents if extent[-1] in _PLAIN)
        for extent in extents:
            try:
                yield self._unpacked(extent, next(parts)) if extent[-1] in _PLAIN else self._by_zipfile(extent)
            except _DAMAGED:
                yield None

    def _parts(self, spans: Iterable[tuple[int, int]]) -> Iterator[bytes]:
        if isinstance(self._path, Url):
            return self._path.read(Span(*span) for span in spans)
        return map(self._part, spans)

    def _part(self, span: tuple[int, int]) -> bytes:
        start, stop = span
        return os.pread(self._file.fileno(), stop - start, start)

    def _unpacked(self, extent: _Extent, data: bytes) -> bytes | None:
        """Unpack an entry from the bytes of its span; None if the checksum differs from the directory's."""
        offset, stop, packed, size, checksum, method = extent
        signature, name, extra = _LOCAL_HEADER.unpack_from(data)
        if signature != _SIGNATURE:
            raise zipfile.BadZipFile
        start = _LOCAL_HEADER.size + name + extra
        if offset + start + packed > stop:
            (data,) = self._parts([(offset + start, offset + start + packed)])
        else:
            data = data[start : start + packed]
        if method == zipfile.ZIP_DEFLATED:
            data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, size + 1)
        return data if len(data) == size and zlib.crc32(data) == checksum else None

    def _by_zipfile(self, extent: _Extent) -> bytes:
        """Read an entry with another compression method."""
        offset, _, _, size, *_ = extent
        with self._lock:
            if self._archive is None:
                self._archive = zipfile.ZipFile(self._file)
                self._infos = {info.header_offset: info for info in self._archive.infolist()}
        with self._archive.open(self._infos[offset]) as file:
            return file.read(size + 1)


def _open_reader(path: Location) -> _Reader:
    return _Reader(path, path.open("rb", buffering=0))


def _check_size(path: Location, infos: Sequence[zipfile.ZipInfo], size: int) -> None:
    packed = sum(info.compress_size for info in infos)
    unpacked = sum(info.file_size for info in infos)
    if packed > size or unpacked > max(size * _MAX_RATIO, MAX_BYTES):
        raise InputError(
            f"{path}: found {unpacked:,} bytes of images, {packed:,} packed, in a zip of {size:,}, expected "
            f"no entries that overlap and at most {_MAX_RATIO} times the zip: a zip bomb?"
        )


def _fault(name: str, info: zipfile.ZipInfo) -> str:
    """Return what is wrong with an entry, empty if nothing is."""
    if name.startswith("/") or name[1:2] == ":" or (".." in name and ".." in name.split("/")):
        return "found a path that leads out of the zip, expected one inside"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted, expected a zip without a password"
    if info.compress_type not in _METHODS:
        return f"is compressed by method {info.compress_type}, expected stored, deflate, bzip2 or lzma"
    if is_image(name) and info.file_size > MAX_BYTES:
        return f"would unpack to {info.file_size:,} bytes, expected an image of at most {MAX_BYTES:,}"
    return ""
