"""Bodies of requests, kept in memory only: one picture as it is, or several as multipart/form-data (RFC 7578)."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from fastapi import HTTPException, Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from mien.app.service.limits import Limits

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

#: The name of a picture if its request gives none.
UNNAMED = "photo"

_MULTIPART = "multipart/form-data"
_RAW = "application/octet-stream"


class Upload(NamedTuple):
    """A client's picture file. name: the client's name for it, never used as a path."""

    name: str
    data: bytes


class Memory:
    """Limits the bodies held at one time, so that slow clients together cannot fill the memory.

    A body whose client left, or whose time is over, no longer counts, although a worker may hold it until it notices:
    at most one body per worker.
    """

    def __init__(self, limit: int) -> None:
        """Start empty. limit: bytes."""
        self.used = 0
        self._limit = limit

    @contextmanager
    def holding(self) -> Iterator[list[bytes]]:
        """Yield the list of a body's chunks, which `add` fills. Their memory is released after the block."""
        chunks: list[bytes] = []
        try:
            yield chunks
        finally:
            self.used -= sum(map(len, chunks))

    def add(self, chunks: list[bytes], chunk: bytes) -> bool:
        """Add a chunk to a body. Returns whether there was room for it."""
        if self.used + len(chunk) > self._limit:
            return False
        self.used += len(chunk)
        chunks.append(chunk)
        return True


def check_head(request: Request, limits: Limits) -> None:
    """Raise HTTPException 400, 413 or 415 if a request's address or headers show that its body will not be read."""
    if names := dict.fromkeys(request.query_params):
        message = f"query: found {', '.join(names)}, expected none: the options of mien serve say how photos are read"
        raise HTTPException(400, message)
    if {"content-length", "transfer-encoding"} <= set(request.headers):  # a proxy may take the other (smuggling)
        message = "request: found Content-Length and Transfer-Encoding, expected one of them"
        raise HTTPException(400, message, {"Connection": "close"})
    kind = media_type(request)
    if kind != _MULTIPART and kind != _RAW and not kind.startswith("image/"):
        raise HTTPException(
            415,
            f"Content-Type: found {kind or 'none'}, expected {_MULTIPART} with one or more files, image/* or {_RAW}",
        )
    if encoding := request.headers.get("content-encoding"):
        raise HTTPException(415, f"Content-Encoding: found {encoding}, expected none: pictures are compressed already")
    length = int(request.headers.get("content-length", 0))  # h11 has checked it
    if length > limits.size:
        raise HTTPException(413, _too_large(f"{length:,}", limits))


def media_type(request: Request) -> str:
    """Return the type of a body, such as "image/jpeg"; "" if the request gives none."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_body(request: Request, limits: Limits, memory: Memory, chunks: list[bytes]) -> None:
    """Read a body into `chunks`, a list from `Memory.holding`.

    Raises:
        HTTPException: 408 if it did not arrive in time, 413 if it is too large, 503 if too many arrive at once.
        ClientDisconnect: the client closed the connection.
    """
    size = 0
    try:
        async with asyncio.timeout(limits.seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > limits.size:
                    raise HTTPException(413, _too_large(f"more than {limits.size:,}", limits))
                if not memory.add(chunks, chunk):
                    raise HTTPException(503, "too many photos are arriving, try again later", {"Retry-After": "1"})
    except TimeoutError:
        raise HTTPException(
            408, f"found {size:,} bytes after {limits.seconds:g} s, expected the whole request within that time"
        ) from None


def _too_large(found: str, limits: Limits) -> str:
    return f"request: found {found} bytes, expected at most {limits.size:,}"


def uploads(content_type: str, body: bytes, limits: Limits) -> list[Upload]:
    """Return the pictures of a body.

    Raises:
        HTTPException: 400 if it is empty, damaged or truncated, 413 if it has too many pictures.
    """
    if not content_type.lower().startswith(_MULTIPART):
        if not body:
            raise HTTPException(400, "request: found an empty body, expected a picture file")
        return [Upload(UNNAMED, body)]
    parts = _Parts(limits.photos)
    try:
        parser = MultipartParser(_boundary(content_type), parts.callbacks())
        parser.write(body)
        parser.finalize()
    except (FormParserError, ValueError) as error:
        raise HTTPException(400, f"request: found damaged {_MULTIPART} ({error})") from None
    if not parts.is_whole:
        raise HTTPException(400, f"request: found {_MULTIPART} that is cut off, expected its closing boundary")
    if not parts.uploads:
        raise HTTPException(400, f"request: found {_MULTIPART} without a file, expected at least one: -F photo=@a.jpg")
    return parts.uploads


def _boundary(content_type: str) -> bytes:
    boundary = parse_options_header(content_type)[1].get(b"boundary")
    if not boundary:
        raise ValueError("no boundary in Content-Type")
    return boundary


class _Parts:
    """Collects the files of a multipart body. Other fields are refused, because nothing would read them."""

    def __init__(self, most: int) -> None:
        self.uploads: list[Upload] = []
        self.is_whole = False
        self._most = most
        self._header, self._value = b"", b""
        self._name: str | None = None
        self._data = bytearray()

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_header_field": self._on_header_field,
            "on_header_value": self._on_header_value,
            "on_header_end": self._on_header_end,
            "on_headers_finished": self._on_headers_finished,
            "on_part_data": self._on_part_data,
            "on_part_end": self._on_part_end,
            "on_end": self._on_end,
        }

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            options = parse_options_header(self._value)[1]
            name = options.get(b"filename")
            self._name = None if name is None else name.decode("utf-8", "replace") or UNNAMED
        self._header, self._value = b"", b""

    def _on_headers_finished(self) -> None:
        if self._name is None:
            raise ValueError("a part has no file name, expected files alone: -F photo=@a.jpg")
        if len(self.uploads) == self._most:
            raise HTTPException(413, f"request: found more than {self._most:,} photos, expected at most {self._most:,}")

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._data += data[start:end]

    def _on_part_end(self) -> None:
        self.uploads.append(Upload(str(self._name), bytes(self._data)))
        self._data, self._name = bytearray(), None

    def _on_end(self) -> None:
        self.is_whole = True
