"""Images in a folder tree."""

import os
from collections.abc import Iterator
from operator import methodcaller
from pathlib import Path
from typing import Any

from mien.compute import Engine, parallel
from mien.errors import InputError
from mien.images.decode import MOST_BYTES
from mien.images.sources.layout import Layout, is_image
from mien.images.sources.source import Batch, Files


class FolderSource:
    """Images in a folder tree `[split/]EMOTION/IMAGE`; links are followed."""

    def __init__(self, path: Path) -> None:
        """List the images. Raises InputError where a folder cannot be read, links form a loop, or see Layout."""
        self.path = path
        names: list[str] = []
        folders: list[str] = []
        self._list("", frozenset(), names, folders)
        layout = Layout(path, sorted(names), folders)
        self.notes = layout.notes
        self._files = Files(layout.entries, [entry.origin for entry in layout.entries], _Reader(path))
        self.total: int | None = len(layout.entries)

    def batches(self, size: int) -> Iterator[Batch]:
        """Decode all images, sorted by path."""
        return parallel(methodcaller("batch", size), self._files.cut(size))

    def blocks(self, size: int, _: Engine) -> Iterator[Files[str]]:
        """Cut all images into blocks, sorted by path."""
        return self._files.cut(size)

    def _list(self, inside: str, above: frozenset[tuple[int, int]], names: list[str], folders: list[str]) -> None:
        try:
            here = (self.path / inside).stat()
            if (here.st_dev, here.st_ino) in above:
                raise InputError(f"{self.path}: {inside}: is a link to a folder above it, expected no such loop")
            above |= {(here.st_dev, here.st_ino)}
            with os.scandir(self.path / inside) as found:
                for entry in found:
                    name = f"{inside}/{entry.name}" if inside else entry.name
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir():
                        folders.append(name)
                        self._list(name, above, names, folders)
                    elif is_image(name) and (entry.is_file() or not Path(entry.path).exists()):  # or a broken link
                        _check_text(self.path, name)
                        names.append(name)
        except OSError as error:
            raise InputError(f"{self.path / inside}: cannot be listed ({error.strerror})") from None


class _Reader:
    """Reads the files of a folder by their paths in it."""

    def __init__(self, folder: Path) -> None:
        """Raise OSError where there is no such folder, so that a machine without it takes no image for unreadable."""
        folder.stat()
        self._folder = folder

    def __reduce__(self) -> tuple[Any, ...]:
        return _Reader, (self._folder,)

    def __call__(self, name: str) -> bytes | None:
        try:
            file = os.open(f"{self._folder}/{name}", os.O_RDONLY)
        except OSError:
            return None
        try:
            length = os.fstat(file).st_size
            return os.read(file, length) if length <= MOST_BYTES else None
        except OSError:
            return None
        finally:
            os.close(file)


def _check_text(path: Path, name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InputError(f"{path}: {name!a}: found a name that is no UTF-8, expected one that is") from None
