"""Writes files and folders whole or not at all, even if the process is killed. All of mien writes this way.

Data are written to a scratch name beside the target. That is the same file system, so the final move is one rename.
"""

import errno
import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from threading import get_native_id

from mien._io.errors import DISK_FULL, InputError
from mien._io.outputs import check_names
from mien._io.stdout import STDOUT

_MIN_FREE = 2**16  # bytes
_DEVICES = (Path("/dev"), Path("/dev/fd"))  # where a stream such as /dev/stdout may be a file


@contextmanager
def atomic_file(path: Path) -> Iterator[Path]:
    """Yield a scratch file with the suffix of `path`. If the block succeeds, the file replaces `path`.

    Each thread and process has a scratch file of its own. If several write one file, the last one to end wins.

    Raises:
        OSError: `path` cannot be replaced.
    """
    _remove_stale(path.parent.resolve())
    scratch = path.with_name(f".{path.stem}.{get_native_id()}.partial{path.suffix}")
    try:
        yield scratch
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


@cache  # once for each folder: a look at all files at each write would take the square of their number
def _remove_stale(folder: Path) -> None:
    """Remove the scratch files and folders that killed processes left in a folder."""
    for scratch in folder.glob(".*.partial*"):
        writer = scratch.name.partition(".partial")[0].rpartition(".")[2]
        if not writer.isdecimal() or _is_running(int(writer)):
            continue
        if scratch.is_dir():
            shutil.rmtree(scratch, ignore_errors=True)
        elif scratch.is_file():
            scratch.unlink(missing_ok=True)


def _is_running(thread: int) -> bool:
    try:
        os.kill(thread, 0)
    except ProcessLookupError:
        return False
    except OSError:  # another user's, or a system that does not say
        return True
    return thread != get_native_id()


@contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield an empty scratch folder. If the block succeeds, it becomes `path`, or its files replace those in `path`.

    Each thread and process has a scratch folder of its own. If several write one folder, the last one to end wins.

    Raises:
        OSError: `path` cannot be written.
    """
    path = path if path.name.strip(".") else path.resolve()  # "." has no name
    _remove_stale(path.parent.resolve())
    scratch = path.with_name(f".{path.name}.{get_native_id()}.partial")
    shutil.rmtree(scratch, ignore_errors=True)  # of a dead thread with the same number
    try:
        scratch.mkdir(parents=True)
        yield scratch
        _move(scratch, path)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _move(scratch: Path, path: Path) -> None:
    if not path.exists():
        try:
            scratch.rename(path)
        except OSError:
            if not path.is_dir():  # which another process has made by now
                raise
        else:
            return
    for file in scratch.iterdir():
        file.replace(path / file.name)


@contextmanager
def output_file(path: Path, inputs: Collection[Path] = ()) -> Iterator[Path]:
    """Write a file that the user asked for, see `atomic_file`. A device or pipe is written to, and never replaced.

    Args:
        path: the file.
        inputs: files that are read, which it must not replace.

    Raises:
        InputError: `path` cannot be written (checked before the block begins), or it is one of `inputs`.
    """
    if not path.name or path.is_dir():
        raise InputError(f"{str(path)!r}: is a folder, expected the name of a file to write")
    check_names([path], inputs)
    try:
        if path.exists() and not (path.is_file() and path.absolute().parent not in _DEVICES):
            yield path
            return
        with atomic_file(path) as scratch:
            scratch.touch()
            yield scratch
    except BrokenPipeError:
        raise  # stdout, not this file
    except OSError as error:
        if error.filename == STDOUT:
            raise
        if not path.parent.is_dir():
            raise InputError(f"{path}: cannot be written (no folder {path.parent}; create it first)") from None
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None


@contextmanager
def output_folders(*paths: str | Path) -> Iterator[tuple[Path, ...]]:
    """Write the folders of a stage as `atomic_folder` does. No folder is replaced before all are written.

    Raises:
        InputError: the disk is full, or a file is in the way.
    """
    targets = [Path(path) for path in paths]
    if files := [target for target in targets if target.is_file()]:
        raise InputError(f"{files[0]}: is a file, expected a folder to write to")
    with ExitStack() as stack:
        written: dict[Path, Path] = {}
        try:
            for target in targets:
                written[target] = stack.enter_context(atomic_folder(target))
            yield tuple(written.values())
        except InputError:
            raise
        except Exception as error:
            if reason := _disk_full(error, targets[0]):
                raise InputError(
                    f"{_last_written(written) or targets[0]}: cannot be written: {reason}; make room and run again, "
                    "nothing half written is left"
                ) from None
            raise


def _disk_full(error: Exception, target: Path) -> str:
    """Return the reason if an error comes from a full disk. HDF5 and NumPy report it in their own ways."""
    if isinstance(error, OSError) and error.filename == STDOUT:
        return ""
    if isinstance(error, OSError) and error.errno in DISK_FULL:
        return os.strerror(error.errno)
    full = os.strerror(errno.ENOSPC)
    parent = next(folder for folder in target.absolute().parents if folder.exists())
    return full if full in str(error) or shutil.disk_usage(parent).free < _MIN_FREE else ""


def _last_written(folders: Mapping[Path, Path]) -> Path | None:
    """Return the name that the file written last was to have. folders: scratch folders by their targets."""
    files = {
        path: target / path.relative_to(scratch)
        for target, scratch in folders.items()
        for path in scratch.rglob("*")
        if path.is_file()
    }
    return files[max(files, key=lambda path: path.stat().st_mtime_ns)] if files else None
