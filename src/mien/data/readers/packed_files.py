"""Compressed files and tars as sources: what a file is packed with, by its first bytes, and how it is opened."""

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

from mien._io.compression import START, compression_of
from mien._io.errors import InputError
from mien._io.urls import Location, Url

_PACKED = {
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!": "a RAR archive",
    b"\x28\xb5\x2f\xfd": "compressed by zstd",
    b"PAR1": "a Parquet file",
    b"\x89HDF": "an HDF5 file",
}
_TAR = slice(257, 262)
#: Bytes that may be unpacked in any case.
MAX_SMALL = 2**30
#: What damaged archives raise.
DAMAGED = (
    OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, RuntimeError,
    NotImplementedError, ValueError,
)  # fmt: skip


def packing(sample: bytes) -> str:
    """Describe the packing of a file that cannot be read directly; empty if it is not packed."""
    return next((kind for magic, kind in _PACKED.items() if sample.startswith(magic)), "")


def packing_of(path: Path) -> str:
    """Return what `packing` says of a file. Raises OSError if it is not read."""
    with path.open("rb") as file:
        return packing(file.read(_TAR.stop))


def is_packed(sample: bytes) -> bool:
    """Tell whether a file is compressed, or a tar, by its first bytes."""
    return compression_of(sample) is not None or sample[_TAR] == b"ustar"


@contextmanager
def unpacking(path: Location) -> Iterator[None]:
    """Raise InputError where what is inside finds an archive damaged, or no room for its content."""
    try:
        yield
    except InputError:
        raise
    except DAMAGED as error:
        raise InputError(f"{path}: cannot be unpacked ({error}), expected a whole file") from None


def uncompressed(file: BinaryIO) -> BinaryIO:
    """Return the content of a compressed file as a file. Raises tarfile.ReadError if it is not compressed."""
    compression = compression_of(file.read(START))
    file.seek(0)
    if compression is None:
        raise tarfile.ReadError("a damaged tar")
    return cast("BinaryIO", compression.open(file))


def tar_of(file: BinaryIO) -> tarfile.TarFile | None:
    """Return an open tar, compressed or not; None if the file is not a tar."""
    try:
        return tarfile.open(fileobj=file, mode="r:*")
    except tarfile.ReadError:
        file.seek(0)
        return None


def read_to_end(archive: tarfile.TarFile) -> None:
    """Read to the end of the file, because gzip compares its checksum only there."""
    while archive.fileobj and archive.fileobj.read(2**20):
        pass


def packed_size(path: Location) -> int:
    """Return the bytes of a file."""
    return path.size() if isinstance(path, Url) else path.stat().st_size
