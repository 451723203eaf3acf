"""Names of outputs, checked before anything is read."""

import os
import stat
from collections.abc import Collection, Iterable
from pathlib import Path, PurePath
from typing import NamedTuple

from mien._io.errors import InputError, note
from mien._io.suffixes import BINARY, FILES, PICTURES

_HEAD = 64  # bytes of a file, in which what `earlier` names stands


class Output(NamedTuple):
    """An output as a user named it. is_folder: whether the name ends in a slash; the folder need not exist."""

    path: Path
    is_folder: bool = False

    def names_folder(self) -> bool:
        """Tell whether it is a folder by its name, or because one is there."""
        return self.is_folder or self.path.is_dir()

    def as_file(self, option: str) -> Path:
        """Return the path of a file. Raises InputError if the name is that of a folder."""
        if self.names_folder():
            raise InputError(f"{option}: {str(self.path)!r} is a folder, expected the name of a file to write")
        return self.path


def check_outputs(
    outputs: Collection[Path | None],
    inputs: Collection[object] = (),
    earlier: Collection[str] = (),
    *,
    may_add: bool = False,
) -> None:
    """Raise InputError if two outputs are the same file, or if an output would change what is read.

    That is: it is an input; or, below a folder that is an input, it replaces a file or is a picture, which the next run
    would read. Links are followed.

    Args:
        outputs: files or folders to write; None for no output.
        inputs: what is read: a path, or anything else, such as a URL, which no output can be.
        earlier: how such outputs begin; those of earlier runs may be replaced, and empty files.
        may_add: only note new pictures below such a folder.
    """
    check_names(outputs, inputs)
    for folder in [source for source in inputs if isinstance(source, Path) and source.is_dir()]:
        below = [path for path in outputs if path and is_below(folder, path)]
        added = [path for path in below if may_add and path.suffix.lower() in PICTURES and not path.exists()]
        for path in below:
            if path not in added:
                _check_below(folder, path, earlier)
        if added:
            note(f"{added[0]}: is below {folder}, which is read; a later run would read such pictures, too")


def check_names(outputs: Collection[Path | None], inputs: Collection[object] = ()) -> None:
    """Raise InputError if two outputs are the same file, or if an output is an input; see `check_outputs`."""
    named: dict[object, list[Path]] = {}
    for path in outputs:
        if path is not None:
            named.setdefault(_identity(path), []).append(path)
    for paths in named.values():
        if len(paths) > 1:
            raise InputError(f"{paths[0].name}: is named as {len(paths)} outputs, expected one name for each")
    for source in inputs if named else ():
        if isinstance(source, Path) and (written := named.get(_identity(source))):
            raise InputError(f"{written[0]}: is both read and written, expected another name to write to")


def _check_below(folder: Path, path: Path, earlier: Collection[str]) -> None:
    """Raise InputError if an output below a folder would change what is read of it."""
    if path.suffix.lower() in PICTURES:
        raise InputError(f"{path}: would be one of the pictures of {folder}, which is read, expected a name outside it")
    if path.is_file() and not _begins_with(path, earlier):
        raise InputError(f"{path}: is a file of {folder}, which is read, expected another name to write to")


def is_below(folder: Path, path: Path) -> bool:
    """Tell whether a path is below a folder, and neither hidden in it nor below a hidden folder of it."""
    real, top = PurePath(os.path.realpath(path)), os.path.realpath(folder)
    return real.is_relative_to(top) and not any(part.startswith(".") for part in real.relative_to(top).parts)


def _begins_with(path: Path, texts: Collection[str]) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except OSError as error:
        raise InputError(f"{path}: cannot be replaced ({error.strerror})") from None
    return not head or any(text.encode() in head for text in texts)


def check_text(option: str, path: Path) -> None:
    """Raise InputError if the name of a file of text is that of a picture, a zip or the like."""
    if path.suffix.lower() in BINARY:
        raise InputError(f"{option}: found {str(path)!r}, expected the name of a file of text, such as OUT.csv")


def check_folder(folder: Path, what: str, *kinds: Collection[str]) -> None:
    """Raise InputError if a folder to write to has files, but not those of an earlier run.

    Args:
        folder: the folder.
        what: what the command writes there, such as "report".
        kinds: names of files. An earlier run left all of one kind.
    """
    check_folder_name(folder)
    names = {path.name for path in folder.iterdir() if not path.name.startswith(".")} if folder.is_dir() else set()
    if names and not any(names.issuperset(kind) for kind in kinds):
        raise InputError(f"{folder}: has other files, expected a new or empty folder, or one with an earlier {what}")


def check_folder_name(folder: Path, expected: str = "the name of a folder") -> None:
    """Raise InputError if a folder to make has the name of a file, such as faces.csv, which was probably meant."""
    if folder.suffix.lower() in FILES and not folder.exists():
        raise InputError(f"{folder}: has the name of a file, expected {expected}")


def check_suffix(option: str, path: Path, suffixes: Iterable[str]) -> None:
    """Raise InputError if the name of an output does not end in one of several suffixes, such as `.png`."""
    suffixes = tuple(suffixes)
    if path.suffix.lower() not in suffixes:
        raise InputError(f"{option}: found {str(path)!r}, expected a name that ends in {', '.join(suffixes)}")


def _identity(path: Path) -> object:
    """Return what two names of one file have in common. Nothing, of a device or pipe, which is never replaced."""
    try:
        found = path.stat()
    except (OSError, ValueError):  # ValueError: of a name with a null character
        return os.path.realpath(path)
    is_replaced = stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)
    return (found.st_dev, found.st_ino) if is_replaced else object()
