"""Files and folders by path, or by the URL of a storage that fsspec knows, such as s3://, gs:// or https://."""

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

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer
    from fsspec import AbstractFileSystem

_URL = re.compile(r"([\w+.-]+::)*[\w+.-]{2,}://")  # one letter is a drive of Windows; fsspec chains protocols by ::
_USER = re.compile(r"(?<=://)[^/\s]*@")
_PASSWORD = re.compile(r"://[^/\s]*:[^/\s]*@")
_QUERY = re.compile(r"(://[^\s?'\"]*\?)[^\s'\"]+")

_AHEAD = 2**22  # bytes that a stream reads at once; a request takes about the time of as many
_AT_ONCE = 2**25  # bytes of spans that are held
_LARGEST = 2**23  # bytes of a request; of more, several are under way at once
_GAP = 2**13  # bytes between two spans that are read with them, rather than in a request more


class Span(NamedTuple):
    """Some bytes of a file: where they start and stop. name: of a file in a folder, its path in it."""

    start: int
    stop: int
    name: str = ""


@dataclass(frozen=True)
class Url:
    """A file or folder on a storage that fsspec knows; pickled without a connection.

    As text it is without what it says in secret: user, password, and the query, which may be a signature.

    All methods raise InputError in one line: there is no such protocol or file, a package of the protocol is missing,
    the host does not answer, gives no permission or breaks off.
    """

    url: str

    def __str__(self) -> str:
        return without_secrets(self.url)

    __repr__ = __str__

    @property
    def suffix(self) -> str:
        """The ending of the last name, as of a `Path`."""
        return PurePosixPath(self.url.partition("?")[0]).suffix

    def is_dir(self) -> bool:
        """Tell a folder; HTTP has none."""
        files, path = self._opened()
        with self._reported():
            return files.info(path)["type"] == "directory"

    def open(self, _mode: Literal["rb"] = "rb", buffering: int = 0) -> BinaryIO:
        """Open the file for reading, with a request for some megabytes at a time, or `buffering` where it is more.

        What is wrong with it is raised when it is first read.
        """
        return io.BufferedReader(_Raw(self), max(buffering, _AHEAD))

    def size(self) -> int:
        """Return the length of the file in bytes, once it is sure that the host gives parts of it."""
        files, path = self._opened()
        with self._reported():
            size = files.info(path)["size"]
            if size is None:
                raise InputError(f"{self}: the host does not say how long it is, expected a file of known length")
            try:
                with files.open(path) as file:
                    file.seek(max(size - 1, 0))
                    file.read(1)  # `read` itself would take the whole file for a part, and fill the memory
            except ValueError:
                raise InputError(f"{self}: the host gives no parts of it, expected one that knows ranges") from None
            return size

    def read(self, spans: Iterable[Span]) -> Iterator[bytes]:
        """Yield the bytes of each span, in order, with few requests, several at a time; memory holds some spans."""
        group: list[Span] = []
        held = 0
        for span in spans:
            length = span.stop - span.start
            if group and held + length > _AT_ONCE:
                yield from self._read(group)
                group, held = [], 0
            group.append(span)
            held += length
        yield from self._read(group)

    def listed(self) -> tuple[dict[str, int], list[str]]:
        """Return the size of each file in a folder, and all folders, by their paths in it."""
        files, root = self._opened()
        root = root.rstrip("/")
        with self._reported():
            found = files.find(root, withdirs=True, detail=True)
        inside = {name.removeprefix(root).strip("/"): each for name, each in found.items()}
        sizes = {name: each["size"] for name, each in inside.items() if each["type"] == "file"}
        return sizes, [name for name, each in inside.items() if name and each["type"] == "directory"]

    def _read(self, spans: Sequence[Span]) -> Iterator[bytes]:
        from fsspec.utils import merge_offset_ranges

        files, root = self._opened()
        paths = [f"{root.rstrip('/')}/{span.name}" if span.name else root for span in spans]
        with self._reported():
            merged = merge_offset_ranges(
                paths, [span.start for span in spans], [span.stop for span in spans], _GAP, _LARGEST
            )
            parts = files.cat_ranges(*merged, on_error="raise")
        for _, start, stop, part in zip(*merged, parts, strict=True):
            if len(part) != stop - start:
                raise InputError(f"{self}: found {len(part):,} bytes of {stop - start:,} that were asked for")
        starts = list(zip(*merged[:2], strict=True))
        for path, span in zip(paths, spans, strict=True):
            at = bisect_right(starts, (path, span.start)) - 1
            start = span.start - starts[at][1]
            yield parts[at][start : start + span.stop - span.start]

    def _opened(self) -> "tuple[AbstractFileSystem, str]":
        """Return the file system, which fsspec makes once, and the path in it."""
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
        except Exception as error:  # noqa: BLE001  what the packages of storages raise is open
            raise InputError(f"{self}: {_reason(error)}") from None


class _Raw(io.RawIOBase):
    """The file at a URL as a stream, each read a request."""

    def __init__(self, url: Url) -> None:
        self._url = url
        self._at = 0

    @cached_property
    def _size(self) -> int:
        return self._url.size()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = self._at if whence == io.SEEK_CUR else self._size if whence == io.SEEK_END else 0
        self._at = max(start + offset, 0)
        return self._at

    def readinto(self, buffer: "WriteableBuffer") -> int:
        wanted = memoryview(buffer)
        stop = min(self._at + len(wanted), self._size)
        if stop <= self._at:
            return 0
        (part,) = self._url.read([Span(self._at, stop)])
        wanted[: len(part)] = part
        self._at = stop
        return len(part)


#: Where a file or folder is.
Location = Path | Url


def locate(text: str) -> Location:
    """Return where a path or URL leads; file:// is a path."""
    if not _URL.match(text):
        return Path(text)
    return Path(text.removeprefix("file://")) if text.startswith("file://") else Url(text)


def read_spans(location: Location, spans: Sequence[Span]) -> Iterator[bytes]:
    """Yield the bytes of spans of a file, in order. Raises OSError, or InputError where it is at a URL."""
    if isinstance(location, Url):
        yield from location.read(spans)
        return
    with location.open("rb") as file:
        for span in spans:
            file.seek(span.start)
            yield file.read(span.stop - span.start)


def has_password(text: str) -> bool:
    """Tell a URL that says `user:password@`."""
    return bool(_PASSWORD.search(text))


def without_secrets(text: str) -> str:
    """Return text, the URLs in it without user, password and query, which may be a signature."""
    return _QUERY.sub(r"\1...", _USER.sub("", text))


def _reason(error: Exception) -> str:
    """Return why something at a URL cannot be read, from what one of many packages raised."""
    cause = error.__cause__
    if isinstance(cause, TimeoutError) or (cause and type(cause).__module__.startswith("aiohttp.client")):
        error = cause  # type: ignore[assignment]  # fsspec calls whatever goes wrong over HTTP a missing file
    status = getattr(error, "status", None)
    if isinstance(error, PermissionError) or status in (401, 403):
        return "no permission to read it"
    if isinstance(error, FileNotFoundError) or status in (404, 410):
        return "no such file or folder"
    if isinstance(error, TimeoutError):
        return "the host does not answer in time"
    return f"cannot be read ({without_secrets(first_line(error))})"
