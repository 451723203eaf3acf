"""Images in archives that are not read where they are, a tar or zips in a zip: they become a zip, a temporary file."""

import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO, NamedTuple, cast

from mien._io.errors import InputError
from mien._io.urls import Location
from mien.data.readers.names import is_hidden, is_image
from mien.data.readers.packed_files import MAX_SMALL, packed_size, tar_of, unpacking

_MAX_RATIO = 100  # unpacked to packed; image files hardly shrink
_MARKED_UTF8 = 0x800  # a flag of names


class _Member(NamedTuple):
    """A file in an archive: its name, its size in bytes, and what opens it."""

    name: str
    size: int
    open: Callable[[], AbstractContextManager[BinaryIO]]


@contextmanager
def images_of_tar(path: Location, file: BinaryIO) -> Iterator[Path | None]:
    """Yield a zip of the files in a tar, compressed or not; None where the file is not a tar, or has no image.

    Raises:
        InputError: it is damaged, or unpacks to far more than images would.
    """
    with tempfile.TemporaryDirectory(prefix="mien-") as folder:
        target = Path(folder, "images.zip")
        with unpacking(path):
            if archive := tar_of(file):
                with archive:
                    if any(is_image(info.name.removeprefix("./")) for info in archive):
                        _write(path, target, _members_of_tar(archive))
            file.seek(0)
        yield target if target.exists() else None


@contextmanager
def images_of_zips(path: Location, archive: zipfile.ZipFile) -> Iterator[Path]:
    """Yield a zip of the files in the zips of a zip; of several, each is a folder, so that train.zip is a split.

    Raises:
        InputError: one is damaged or has a password, or they unpack to far more than images would.
    """
    names = zips_in(archive)
    with tempfile.TemporaryDirectory(prefix="mien-") as folder:
        target = Path(folder, "images.zip")
        with unpacking(path):
            _write(path, target, _members_of_zips(archive, names, Path(folder)))
        yield target


def zips_in(archive: zipfile.ZipFile) -> list[str]:
    """Return the names of the zips in a zip."""
    return [name for name in archive.namelist() if name.lower().endswith(".zip") and not is_hidden(name)]


def file_name(info: zipfile.ZipInfo) -> str:
    """Return the name of a file in a zip, with slashes. Many programs write UTF-8 and do not mark it."""
    name = info.filename
    if not name.isascii() and not info.flag_bits & _MARKED_UTF8:
        try:
            name = name.encode("cp437").decode()
        except UnicodeError:
            name = info.filename
    return name.replace("\\", "/")


def _members_of_tar(archive: tarfile.TarFile) -> Iterator[_Member]:
    for info in archive:
        if info.isfile():
            yield _Member(info.name.removeprefix("./"), info.size, partial(_extracted, archive, info))


def _extracted(archive: tarfile.TarFile, info: tarfile.TarInfo) -> BinaryIO:
    return cast("BinaryIO", archive.extractfile(info))


def _members_of_zips(archive: zipfile.ZipFile, names: Sequence[str], folder: Path) -> Iterator[_Member]:
    for name in names:
        prefix = f"{PurePosixPath(name).stem}/" if len(names) > 1 else ""
        copy = folder / "inner.zip"
        with archive.open(name) as packed, copy.open("wb") as unpacked:
            shutil.copyfileobj(packed, unpacked)
        with zipfile.ZipFile(copy) as inner:
            for info in inner.infolist():
                if not info.is_dir():
                    yield _Member(prefix + file_name(info), info.file_size, partial(_opened, inner, info))


def _opened(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> BinaryIO:
    return cast("BinaryIO", archive.open(info))


def _write(path: Location, target: Path, members: Iterable[_Member]) -> None:
    limit, total = max(MAX_SMALL, packed_size(path) * _MAX_RATIO), 0
    with zipfile.ZipFile(target, "w") as archive:
        for member in members:
            total += member.size
            if total > limit:
                raise InputError(f"{path}: unpacks to over {limit:,} bytes, expected images: a bomb?")
            if not is_hidden(member.name):
                with member.open() as source, archive.open(zipfile.ZipInfo(member.name), "w", force_zip64=True) as copy:
                    shutil.copyfileobj(source, copy)
