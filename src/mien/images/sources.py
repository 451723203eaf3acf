"""Image sources: a folder tree or a zip (not extracted) whose folders name the emotion and, above it, the split."""

import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from mien.emotions import FER2013, canonical, is_emotion
from mien.errors import InputError

SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff"})
_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "val", "publictest"), "validation"),
    **dict.fromkeys(("test", "testing", "privatetest"), "test"),
}


@dataclass(frozen=True)
class Entry:
    """One image of a source: its path inside the source, its emotion, and its split where the source names one."""

    origin: str
    emotion: str
    split: str | None


class Source(Protocol):
    """A set of labelled images that can be read one by one."""

    path: Path
    entries: list[Entry]

    def read(self, entry: Entry) -> bytes:
        """Return the encoded image. Raises InputError where it cannot be read."""


class FolderSource:
    """Images in a folder tree `[split/]emotion/image`."""

    def __init__(self, path: Path) -> None:
        self.path = path
        names = (p.relative_to(path).as_posix() for p in sorted(path.rglob("*")) if p.is_file())
        self.entries = _entries(path, names)

    def read(self, entry: Entry) -> bytes:
        try:
            return (self.path / entry.origin).read_bytes()
        except OSError as error:
            raise InputError(f"{self.path}: {entry.origin}: cannot be read ({error.strerror})") from None


class ZipSource:
    """Images in a zip archive with the same layout, read without extracting it."""

    def __init__(self, path: Path, archive: zipfile.ZipFile) -> None:
        self.path = path
        self._archive = archive
        self.entries = _entries(path, sorted(archive.namelist()))

    def read(self, entry: Entry) -> bytes:
        try:
            return self._archive.read(entry.origin)
        except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, RuntimeError, OSError, EOFError) as error:
            raise InputError(f"{self.path}: {entry.origin}: cannot be read from the zip ({error})") from None


@contextmanager
def open_source(path: Path) -> Iterator[Source]:
    """Open the image source at `path`, detected by what it is.

    Raises:
        InputError: the path is missing, empty, neither a folder nor a whole zip, or has no emotion folder with images.
    """
    if path.is_dir():
        yield FolderSource(path)
        return
    if not path.exists():
        raise InputError(f"{path}: no such file or folder, expected a zip or a folder of emotion folders")
    if path.stat().st_size == 0:
        raise InputError(f"{path}: the file is empty (0 bytes), expected a zip of emotion folders")
    try:
        archive = zipfile.ZipFile(path)
    except zipfile.BadZipFile as error:
        raise InputError(f"{path}: not a whole zip file ({error}); truncated or of another kind?") from None
    with archive:
        yield ZipSource(path, archive)


def _entries(path: Path, names: Iterator[str] | list[str]) -> list[Entry]:
    entries = [_entry(path, name) for name in names if _is_image(name)]
    if not entries:
        raise InputError(
            f"{path}: found no image in an emotion folder, expected [train|validation|test/]EMOTION/IMAGE "
            f"with EMOTION one of {', '.join(FER2013)}"
        )
    if len({entry.split is None for entry in entries}) > 1:
        odd = next(entry.origin for entry in entries if entry.split is None)
        raise InputError(
            f"{path}: {odd}: stands in no split folder, but other images stand in train, validation or test"
        )
    return entries


def _is_image(name: str) -> bool:
    """Tell an image by its name; folders of a zip, hidden files and what macOS adds to zips are none."""
    path = PurePosixPath(name)
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
    return path.suffix.lower() in SUFFIXES and not name.endswith("/") and not hidden


def _entry(path: Path, name: str) -> Entry:
    """Read an image's emotion off the folder that holds it, and its split off the folders above that."""
    *above, folder = PurePosixPath(name).parts[:-1] or ("",)
    if not is_emotion(folder):
        raise InputError(
            f"{path}: {name}: found {folder or 'no folder'!r} above it, expected an emotion ({', '.join(FER2013)})"
        )
    splits = [_SPLITS[part.lower()] for part in above if part.lower() in _SPLITS]
    return Entry(name, canonical(folder), splits[-1] if splits else None)
