"""Names of outputs, checked before anything is read."""

import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

from mien._io.errors import InputError


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


def check_outputs(outputs: Iterable[Path | None], inputs: Iterable[object] = ()) -> None:
    """Raise InputError if two outputs are the same file, or if an output is an input. Links are followed.

    Args:
        outputs: files or folders to write; None for no output.
        inputs: what is read: a path, or anything else, such as a URL, which no output can be.
    """
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
