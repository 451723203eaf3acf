"""Recognizes files compressed by gzip, bzip2 or xz by their first bytes."""

import bz2
import gzip
import lzma
from collections.abc import Callable
from typing import Any, BinaryIO, NamedTuple

#: Bytes of a file that tell its compression.
START = 6


class Compression(NamedTuple):
    """A way to compress files. open: returns the content of an open file as a file to read."""

    name: str
    open: Callable[[BinaryIO], Any]


_BY_MAGIC = {
    b"\x1f\x8b": Compression("gzip", gzip.open),
    b"BZh": Compression("bzip2", bz2.open),
    b"\xfd7zXZ\0": Compression("xz", lzma.open),
}


def compression_of(start: bytes) -> Compression | None:
    """Return how a file is compressed, None if it is not. start: its first START bytes, or more."""
    return next((compression for magic, compression in _BY_MAGIC.items() if start.startswith(magic)), None)
