"""The files in a folder and its subfolders, with links followed."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal, NamedTuple, TypeAlias

from mien._io.errors import InputError

#: What an entry of a folder is. A broken link leads nowhere.
Kind: TypeAlias = Literal["file", "folder", "broken link", "pipe or device", "unreadable folder", "loop of links"]


class FolderEntry(NamedTuple):
    """An entry of a folder tree. name: its path in the tree, with slashes."""

    name: str
    kind: Kind


class _LoopError(InputError):
    pass


def walk(path: Path, *, strict: bool = True) -> Iterator[FolderEntry]:
    """Yield all entries below a folder but hidden ones, in no order. Links are followed.

    Args:
        path: the folder.
        strict: if false, subfolders that cannot be read and loops of links are entries of these kinds, too, not errors.

    Raises:
        InputError: a folder cannot be read, or links form a loop.
    """
    yield from _walk(path, "", frozenset(), strict)


def _walk(path: Path, inside: str, above: frozenset[tuple[int, int]], strict: bool) -> Iterator[FolderEntry]:
    try:
        here = (path / inside).stat()
        if (here.st_dev, here.st_ino) in above:
            raise _LoopError(f"{path}: {inside}: is a link to a folder above it, expected no such loop")
        above |= {(here.st_dev, here.st_ino)}
        with os.scandir(path / inside) as entries:
            for entry in entries:
                name = f"{inside}/{entry.name}" if inside else entry.name
                if entry.name.startswith("."):
                    continue
                kind = _kind(entry)
                yield FolderEntry(name, kind)
                if kind == "folder":
                    try:
                        yield from _walk(path, name, above, strict)
                    except InputError as error:
                        if strict:
                            raise
                        yield FolderEntry(
                            name, "loop of links" if isinstance(error, _LoopError) else "unreadable folder"
                        )
    except OSError as error:
        raise InputError(f"{path / inside}: cannot be listed ({error.strerror})") from None


def _kind(entry: os.DirEntry[str]) -> Kind:
    try:
        if entry.is_dir():
            return "folder"
        if entry.is_file():
            return "file"
    except OSError:  # a link to itself, or into a folder without permission
        return "broken link"
    return "pipe or device" if Path(entry.path).exists() else "broken link"
