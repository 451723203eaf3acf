"""Images in a zip, read without extracting it."""

import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from operator import itemgetter, methodcaller
from pathlib import Path
from threading import Lock
from typing import Any, BinaryIO

from mien.compute import Engine, parallel
from mien.errors import InputError
from mien.images.decode import MOST_BYTES
from mien.images.sources.layout import Layout, is_image
from mien.images.sources.source import Batch, Files

#: Where an entry is in the zip, its packed and unpacked sizes, its checksum, method and the length of its name. A plain
#: tuple, as those of a million entries are sent to workers.
_Place = tuple[int, int, int, int, int, int]

_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, length of the name, length of the extra fields
_SIGNATURE = b"PK\x03\x04"
_USUAL_EXTRA = 64  # bytes that name and extra fields may need beyond the name's letters
_ENCRYPTED = 0x1
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA})
_HIGHEST_RATIO = 100  # unpacked to packed, where it is more than one image; image files hardly shrink
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError, RuntimeError, ValueError,
    OverflowError, LookupError, MemoryError,
)  # fmt: skip


class ZipSource:
    """Images in a zip with the layout `[split/]EMOTION/IMAGE`."""

    def __init__(self, path: Path, archive: zipfile.ZipFile, file: BinaryIO) -> None:
        """List the images of an open zip.

        Args:
            path: for messages.
            archive: the zip.
            file: what it is read from.

        Raises:
            InputError: an image is encrypted or packed by an unknown method, has a path that leads out of the zip, or
                would unfold to far more than an image; or see Layout.
        """
        self.path = path
        images: list[tuple[str, zipfile.ZipInfo]] = []
        folders, zips = [], []
        for info in archive.infolist():
            name = info.filename.replace("\\", "/")
            if wrong := _wrong(name, info):
                raise InputError(f"{path}: {name}: {wrong}")
            if is_image(name):
                images.append((name, info))
            elif name.endswith("/"):
                folders.append(name[:-1])
            elif name.lower().endswith(".zip"):
                zips.append(name)
        if zips and not images:
            raise InputError(f"{path}: found no image but {zips[0]}, a zip in the zip, expected that one by itself")
        images.sort(key=itemgetter(0))
        infos = [info for _, info in images]
        _check_size(path, infos, os.fstat(file.fileno()).st_size)
        layout = Layout(path, (name for name, _ in images), folders)
        self._files = Files(layout.entries, [_place(info) for info in infos], _Reader(path, file))
        self.notes = [*layout.notes, *(f"{name} is not read: a zip in the zip" for name in zips)]
        self.total: int | None = len(images)

    def batches(self, size: int) -> Iterator[Batch]:
        """Decode all images, sorted by name."""
        return parallel(methodcaller("batch", size), self._files.cut(size))

    def blocks(self, size: int, _: Engine) -> Iterator[Files[_Place]]:
        """Cut all images into blocks, sorted by name."""
        return self._files.cut(size)


def _place(info: zipfile.ZipInfo) -> _Place:
    sizes = info.compress_size, info.file_size
    return info.header_offset, *sizes, info.CRC, info.compress_type, len(info.orig_filename)


class _Reader:
    """Reads the images of a zip.

    Stored and deflated entries are read at their place in the file, by several threads at once: zipfile.ZipFile.read
    would keep them waiting for each other. Checksums are compared all the same.
    """

    def __init__(self, path: Path, file: BinaryIO) -> None:
        """Use an open file."""
        self._path = path
        self._file = file
        self._lock = Lock()
        self._archive: zipfile.ZipFile | None = None
        self._infos: dict[int, zipfile.ZipInfo] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return _reader, (self._path,)

    def __call__(self, place: _Place) -> bytes | None:
        _, _, size, checksum, method, _ = place
        try:
            if method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                return self._by_zipfile(place)
            data = self._packed(place)
            if method == zipfile.ZIP_DEFLATED:
                data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, size + 1)
        except _DAMAGED:
            return None
        return data if len(data) == size and zlib.crc32(data) == checksum else None

    def _packed(self, place: _Place) -> bytes:
        """Read an entry's bytes with one system call, as long as its local header is of the usual length."""
        offset, packed, _, _, _, letters = place
        length = _LOCAL_HEADER.size + letters + _USUAL_EXTRA + packed
        data = os.pread(self._file.fileno(), length, offset)
        signature, name, extra = _LOCAL_HEADER.unpack_from(data)
        if signature != _SIGNATURE:
            raise zipfile.BadZipFile
        start = _LOCAL_HEADER.size + name + extra
        if start + packed > length:
            return os.pread(self._file.fileno(), packed, offset + start)
        return data[start : start + packed]

    def _by_zipfile(self, place: _Place) -> bytes:
        """Read an entry that is packed in another way."""
        offset, _, size, *_ = place
        with self._lock:
            if self._archive is None:
                self._archive = zipfile.ZipFile(self._file)
                self._infos = {info.header_offset: info for info in self._archive.infolist()}
        with self._archive.open(self._infos[offset]) as file:
            return file.read(size + 1)


def _reader(path: Path) -> _Reader:
    return _Reader(path, path.open("rb", buffering=0))


def _check_size(path: Path, infos: Sequence[zipfile.ZipInfo], most: int) -> None:
    packed = sum(info.compress_size for info in infos)
    unpacked = sum(info.file_size for info in infos)
    if packed > most or unpacked > max(most * _HIGHEST_RATIO, MOST_BYTES):
        raise InputError(
            f"{path}: found {unpacked:,} bytes of images, {packed:,} packed, in a zip of {most:,}, expected "
            f"no entries that overlap and at most {_HIGHEST_RATIO} times the zip: a zip bomb?"
        )


def _wrong(name: str, info: zipfile.ZipInfo) -> str:
    """Return what is wrong with an entry, empty if nothing is."""
    if name.startswith("/") or name[1:2] == ":" or (".." in name and ".." in name.split("/")):
        return "found a path that leads out of the zip, expected one inside"
    if info.flag_bits & _ENCRYPTED:
        return "is encrypted, expected a zip without a password"
    if info.compress_type not in _METHODS:
        return f"is packed by method {info.compress_type}, expected stored, deflate, bzip2 or lzma"
    if info.file_size > MOST_BYTES:
        return f"would unpack to {info.file_size:,} bytes, expected an image of at most {MOST_BYTES:,}"
    return ""
