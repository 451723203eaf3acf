"""A binary stream over a generator of bytes, so that a converted file is read piece by piece."""

import io
from collections.abc import Iterator
from typing import Any

PART = 1 << 16  # bytes, or characters, per piece


class _Generated(io.RawIOBase):
    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts = parts
        self._rest = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._rest:
            part = next(self._parts, None)
            if part is None:
                return 0
            self._rest = memoryview(part)
        size = min(len(buffer), len(self._rest))
        buffer[:size] = self._rest[:size]
        self._rest = self._rest[size:]
        return size


def stream_of(parts: Iterator[bytes]) -> io.BufferedReader:
    """Return a stream over the bytes of an iterator. Errors of the iterator are passed on."""
    return io.BufferedReader(_Generated(parts))
