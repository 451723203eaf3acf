"""Images in a folder tree."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import methodcaller
from pathlib import Path
from typing import Any, NamedTuple

from mien._io.errors import InputError
from mien._io.folders import walk
from mien._io.parallel import Executor, parallel
from mien._io.urls import Location, Span, Url
from mien.data.decode import MAX_BYTES, Decoder, decode
from mien.data.labels import LabelNames
from mien.data.readers.layout import Layout
from mien.data.readers.names import is_hidden, is_image
from mien.data.readers.source import Batch, Files


class FolderSource:
    """Images in a folder tree `[split/]EMOTION/IMAGE`; links are followed."""

    def __init__(
        self,
        path: Location,
        labels: LabelNames | None = None,
        decoder: Decoder = decode,
        listing: "Listing | None" = None,
    ) -> None:
        """List the images, if no `listing` is given.

        Raises:
            InputError: a folder cannot be read, links form a loop, or see Layout.
        """
        self.path = path
        listing = listing or (_list_url(path) if isinstance(path, Url) else list_folder(path))
        others = listing.others
        layout = Layout(
            path,
            listing.names,
            listing.folders,
            sorted(others),
            labels,
            lambda name: next(iter(listing.read([others[name]]))),
        )
        self.notes = layout.notes
        self._files: Files[Any] = Files(layout.entries, layout.select(listing.keys), listing.read, decoder)
        self.total: int | None = len(layout.entries)

    def batches(self, size: int) -> Iterator[Batch]:
        """Decode all images, sorted by path."""
        return parallel(methodcaller("batch", size), self._files.split(size))

    def blocks(self, size: int, _: Executor) -> Iterator[Files[str]]:
        """Split all images into blocks, sorted by path."""
        return self._files.split(size)

    def sample(self, count: int) -> list[bytes]:
        """See `Source`."""
        return self._files.sample(count)


class Listing(NamedTuple):
    """The content of a folder.

    Attributes:
        names: of the images, sorted.
        keys: by which `read` finds the images.
        read: see `Files`.
        folders: the folders inside.
        others: files that are not images, and not hidden, with their keys.
    """

    names: list[str]
    keys: Sequence[Any]
    read: Callable[[Sequence[Any]], Iterator[bytes | None]]
    folders: list[str]
    others: dict[str, Any]


def list_folder(path: Path) -> Listing:
    """List a folder and its subfolders. Raises InputError if one cannot be read or links form a loop."""
    entries = [*walk(path)]
    names = sorted(entry.name for entry in entries if is_image(entry.name) and entry.kind in ("file", "broken link"))
    for name in names:
        _check_text(path, name)
    folders = [entry.name for entry in entries if entry.kind == "folder"]
    images = {*names}
    others = {entry.name: entry.name for entry in entries if entry.kind != "folder" and entry.name not in images}
    return Listing(names, names, FolderReader(path), folders, others)


def _list_url(url: Url) -> Listing:
    sizes, folders = url.listed()
    names = sorted(filter(is_image, sizes))
    keys = [Span(0, sizes[name], name) for name in names]
    shown = [name for name in folders if "/." not in f"/{name}"]
    others = {name: Span(0, size, name) for name, size in sizes.items() if not is_image(name) and not is_hidden(name)}
    return Listing(names, keys, _UrlReader(url), shown, others)


class FolderReader:
    """Reads the files of a folder by their paths in it."""

    def __init__(self, folder: Path) -> None:
        """Raise OSError if there is no such folder, so that a machine without it does not report unreadable images."""
        folder.stat()
        self._folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return FolderReader, (self._folder,)

    def __call__(self, names: Sequence[str]) -> Iterator[bytes | None]:
        return map(self._file, names)

    def _file(self, name: str) -> bytes | None:
        try:
            file = os.open(os.path.join(self._folder, name), os.O_RDONLY)  # noqa: PTH118 -- a third of the time
        except OSError:
            return None
        try:
            length = os.fstat(file).st_size
            return os.read(file, length) if length <= MAX_BYTES else None
        except OSError:
            return None
        finally:
            os.close(file)


@dataclass(frozen=True)
class _UrlReader:
    """Reads the files of a folder at a URL by their spans."""

    folder: Url

    def __call__(self, spans: Sequence[Span]) -> Iterator[bytes | None]:
        readable = [0 < span.stop <= MAX_BYTES for span in spans]
        parts = self.folder.read([*compress(spans, readable)])
        return (next(parts) if is_readable else None for is_readable in readable)


def _check_text(path: Path, name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InputError(f"{path}: {name!a}: found a file name that is not UTF-8, expected a UTF-8 name") from None
