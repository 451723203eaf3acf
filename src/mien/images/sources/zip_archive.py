"""Images in a zip, read without extracting it."""

import lzma
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from operator import itemgetter
from pathlib import Path
from typing import BinaryIO

from mien.errors import InputError
from mien.images.decode import MOST_BYTES
from mien.images.sources.layout import Layout, is_image
from mien.images.sources.source import Batch, decode_all

_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, length of the name, length of the extra fields
_SIGNATURE = b"PK\x03\x04"
_USUAL_EXTRA = 64  # bytes that name and extra fields may need beyond the name's letters
_ENCRYPTED = 0x1
_METHODS = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA})
_HIGHEST_RATIO = 100  # unpacked to packed, where it is more than one image; image files hardly shrink
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, OSError, EOFError, RuntimeError)


class ZipSource:
    """Images in a zip with the layout `[split/]EMOTION/IMAGE`.

    Stored and deflated entries are read at their place in the file, by several threads at once: zipfile.ZipFile.read
    would keep them waiting for each other. Checksums are compared all the same.
    """

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
        self._archive = archive
        self._file = file.fileno()
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
        self._infos = [info for _, info in images]
        self._check_size()
        layout = Layout(path, (name for name, _ in images), folders)
        self._entries = layout.entries
        self.notes = [*layout.notes, *(f"{name} is not read: a zip in the zip" for name in zips)]
        self.total: int | None = len(images)

    def batches(self, size: int) -> Iterator[Batch]:
        """Decode all images, sorted by name."""
        return decode_all(self._entries, self._read, size)

    def _check_size(self) -> None:
        packed = sum(info.compress_size for info in self._infos)
        unpacked = sum(info.file_size for info in self._infos)
        most = os.fstat(self._file).st_size
        if packed > most or unpacked > max(most * _HIGHEST_RATIO, MOST_BYTES):
            raise InputError(
                f"{self.path}: found {unpacked:,} bytes of images, {packed:,} packed, in a zip of {most:,}, expected "
                f"no entries that overlap and at most {_HIGHEST_RATIO} times the zip: a zip bomb?"
            )

    def _read(self, position: int) -> bytes | None:
        info = self._infos[position]
        try:
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                with self._archive.open(info) as file:
                    return file.read(info.file_size + 1)
            data = self._packed(info)
            if info.compress_type == zipfile.ZIP_DEFLATED:
                data = zlib.decompressobj(-zlib.MAX_WBITS).decompress(data, info.file_size + 1)
        except _DAMAGED:
            return None
        return data if len(data) == info.file_size and zlib.crc32(data) == info.CRC else None

    def _packed(self, info: zipfile.ZipInfo) -> bytes:
        """Read an entry's bytes with one system call, as long as its local header is of the usual length."""
        length = _LOCAL_HEADER.size + len(info.orig_filename) + _USUAL_EXTRA + info.compress_size
        data = os.pread(self._file, length, info.header_offset)
        signature, name, extra = _LOCAL_HEADER.unpack_from(data)
        if signature != _SIGNATURE:
            raise zipfile.BadZipFile
        start = _LOCAL_HEADER.size + name + extra
        if start + info.compress_size > length:
            return os.pread(self._file, info.compress_size, info.header_offset + start)
        return data[start : start + info.compress_size]


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
