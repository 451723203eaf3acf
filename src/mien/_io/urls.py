"""Files and folders, by path or by a URL that fsspec knows, such as s3://, gs:// or https://."""

import io
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple

from mien._io.errors import InputError, first_line
from mien._io.extras import require

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from fsspec import AbstractFileSystem

_URL = re.compile(r"([\w+.-]+::)*[\w+.-]{2,}://")  # one letter is a drive of Windows; fsspec chains protocols by ::
_USER = re.compile(r"(?<=://)[^/\s]*@")
_PASSWORD = re.compile(r"://[^/\s]*:[^/\s]*@")
_QUERY = re.compile(r"(://[^\s?'\"]*\?)[^\s'\"]+")

_BUFFER = 2**22  # bytes that a stream reads at once; they take about as long as the request itself
_MAX_HELD = 2**25  # bytes of spans in memory
_MAX_REQUEST = 2**23  # bytes of a request; larger spans are read by several at a time
_MAX_GAP = 2**13  # bytes between two spans that are read in one request rather than two


class Span(NamedTuple):
    """Bytes start .. stop of a file. name: the path of the file in a folder; empty if there is no folder."""

    start: int
    stop: int
    name: str = ""


@dataclass(frozen=True)
class Url:
    """A file or folder on a storage that fsspec knows. It is pickled without its connection.

    Its text contains no secrets: no user, no password, no query (which may be a signature).

    All methods raise a one-line InputError if there is no such protocol or file, if the protocol's package is missing,
    or if the host does not answer, denies permission or disconnects.
    """

    url: str

    def __str__(self) -> str:
        return without_secrets(self.url)

    __repr__ = __str__

    @property
    def suffix(self) -> str:
        """The suffix of the file name, as of a `Path`."""
        return PurePosixPath(self.url.partition("?")[0]).suffix

    def is_dir(self) -> bool:
        """Tell whether it is a folder. HTTP has no folders."""
        files, path = self._opened()
        with self._reported():
            return files.info(path)["type"] == "directory"

    def open(self, _mode: Literal["rb"] = "rb", buffering: int = 0) -> BinaryIO:
        """Open the file for reading, by requests of a few megabytes, or of `buffering` bytes if that is more.

        Errors are raised at the first read.
        """
        return io.BufferedReader(_Raw(self), max(buffering, _BUFFER))

    def size(self) -> int:
        """Return the size of the file in bytes. Checks first that the host supports range requests."""
        files, path = self._opened()
        with self._reported():
            size = files.info(path)["size"]
            if size is None:
                raise InputError(f"{self}: the server does not report its size, expected a file of known size")
            try:
                with files.open(path) as file:
                    file.seek(max(size - 1, 0))
                    file.read(1)  # `read` itself would get the whole file instead of a range, and fill the memory
            except ValueError:
                raise InputError(
                    f"{self}: the server does not support range requests, expected one that does"
                ) from None
            return size

    def read(self, spans: Iterable[Span]) -> Iterator[bytes]:
        """Yield the bytes of each span, in order. Neighbouring spans share a request; several run at a time."""
        group: list[Span] = []
        held = 0
        for span in spans:
            length = span.stop - span.start
            if group and held + length > _MAX_HELD:
                yield from self._read(group)
                group, held = [], 0
            group.append(span)
            held += length
        yield from self._read(group)

    def listed(self) -> tuple[dict[str, int], list[str]]:
        """Return the size of each file in a folder, by its path there, and the paths of all folders in it."""
        files, root = self._opened()
        root = root.rstrip("/")
        with self._reported():
            entries = files.find(root, withdirs=True, detail=True)
        relative = {name.removeprefix(root).strip("/"): entry for name, entry in entries.items()}
        sizes = {name: entry["size"] for name, entry in relative.items() if entry["type"] == "file"}
        return sizes, [name for name, entry in relative.items() if name and entry["type"] == "directory"]

    def _read(self, spans: Sequence[Span]) -> Iterator[bytes]:
        from fsspec.utils import merge_offset_ranges

        files, root = self._opened()
        paths = [f"{root.rstrip('/')}/{span.name}" if span.name else root for span in spans]
        with self._reported():
            merged = merge_offset_ranges(
                paths, [span.start for span in spans], [span.stop for span in spans], _MAX_GAP, _MAX_REQUEST
            )
            parts = files.cat_ranges(*merged, on_error="raise")
        for _, start, stop, part in zip(*merged, parts, strict=True):
            if len(part) != stop - start:
                raise InputError(f"{self}: found {len(part):,} bytes of {stop - start:,} that were asked for")
        starts = list(zip(*merged[:2], strict=True))
        for path, span in zip(paths, spans, strict=True):
            index = bisect_right(starts, (path, span.start)) - 1
            start = span.start - starts[index][1]
            yield parts[index][start : start + span.stop - span.start]

    def _opened(self) -> "tuple[AbstractFileSystem, str]":
        """Return the file system, which fsspec caches, and the path in it."""
        require("pipeline", "fsspec", what="a URL")
        from fsspec.core import url_to_fs

        with self._reported():
            try:
                return url_to_fs(self.url)
            except ImportError as error:
                package = getattr(error.__cause__, "name", None)
                raise InputError(
                    f"{self}: its protocol needs a package that is not installed: pip install {package}"
                ) from None

    @contextmanager
    def _reported(self) -> Iterator[None]:
        try:
            yield
        except InputError:
            raise
        except Exception as error:  # noqa: BLE001  packages of storages raise whatever they like
            raise InputError(f"{self}: {_reason(error)}") from None


class _Raw(io.RawIOBase):
    """The file at a URL as a stream; each read is one request."""

    def __init__(self, url: Url) -> None:
        self._url = url
        self._position = 0

    @cached_property
    def _size(self) -> int:
        return self._url.size()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = self._position if whence == io.SEEK_CUR else self._size if whence == io.SEEK_END else 0
        self._position = max(start + offset, 0)
        return self._position

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        stop = min(self._position + len(view), self._size)
        if stop <= self._position:
            return 0
        (part,) = self._url.read([Span(self._position, stop)])
        view[: len(part)] = part
        self._position = stop
        return len(part)


#: A file or folder.
Location = Path | Url


def is_url(text: str) -> bool:
    """Tell whether text is a URL and not a path."""
    return _URL.match(text) is not None


def locate(text: str) -> Location:
    """Return the location of a path or URL. A file:// URL becomes a path."""
    if not is_url(text):
        return Path(text)
    return Path(text.removeprefix("file://")) if text.startswith("file://") else Url(text)


def read_spans(location: Location, spans: Sequence[Span]) -> Iterator[bytes]:
    """Yield the bytes of spans of a file, in order. Raises OSError for a path, InputError for a URL."""
    if isinstance(location, Url):
        yield from location.read(spans)
        return
    with location.open("rb") as file:
        for span in spans:
            file.seek(span.start)
            yield file.read(span.stop - span.start)


def has_password(text: str) -> bool:
    """Tell whether a URL has `user:password@`."""
    return bool(_PASSWORD.search(text))


def without_secrets(text: str) -> str:
    """Return text whose URLs have lost user, password and query (which may be a signature)."""
    return _QUERY.sub(r"\1...", _USER.sub("", text))


def _reason(error: Exception) -> str:
    """Return why a URL cannot be read, from the exception of one of many packages."""
    cause = error.__cause__
    if isinstance(cause, TimeoutError) or (cause and type(cause).__module__.startswith("aiohttp.client")):
        error = cause  # type: ignore[assignment]  # fsspec reports any failure of HTTP as a missing file
    status = getattr(error, "status", None)
    if isinstance(error, PermissionError) or status in (401, 403):
        return "no permission to read it"
    if isinstance(error, FileNotFoundError) or status in (404, 410):
        return "no such file or folder"
    if isinstance(error, TimeoutError):
        return "the host does not answer in time"
    return f"cannot be read ({without_secrets(first_line(error))})"
