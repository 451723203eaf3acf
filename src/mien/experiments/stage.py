"""What every pipeline stage shares: `--help`, clean errors, and outputs that appear whole or not at all."""

import argparse
import atexit
import errno
import gc
import inspect
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from mien._io.checksums import checked
from mien._io.errors import InputError, reports_input_errors

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NOTHING_FREE = 2**16  # bytes


def stage(main: Callable[[], None]) -> Callable[[], None]:
    """Make `main` the entry point of a stage script: its module's docstring is the `--help`, bad input exits with 2."""

    @reports_input_errors
    def entry() -> None:
        atexit.register(gc.freeze)  # so that Python's end does not search all that TensorFlow loaded for garbage
        description = inspect.getdoc(inspect.getmodule(main))
        argparse.ArgumentParser(
            description=description, formatter_class=argparse.RawDescriptionHelpFormatter
        ).parse_args()
        main()

    return entry


def read_csv(path: str) -> pd.DataFrame:
    """Read a table that another stage wrote. Raises InputError where it is missing, damaged or no table."""
    try:
        return pd.read_csv(checked(Path(path)))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error}), expected the output of `dvc repro`") from None


@contextmanager
def outputs(*folders: str) -> Iterator[tuple[Path, ...]]:
    """Yield a scratch folder for each of `folders`; at the end its files move there, on any failure they are gone.

    So no target ever holds a file that is half written. A scratch folder stands beside its target (same file system,
    each move is one rename), and what a killed run left in it is removed first.

    Raises:
        InputError: the disk is full.
    """
    targets = [Path(folder) for folder in folders]
    scratch = [target.with_name(f".{target.name}.partial") for target in targets]
    try:
        for folder in scratch:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
        yield tuple(scratch)
        for folder, target in zip(scratch, targets, strict=True):
            target.mkdir(parents=True, exist_ok=True)
            for path in folder.iterdir():
                path.replace(target / path.name)
    except InputError:
        raise
    except Exception as error:
        if reason := _why_no_room(error, targets[0]):
            raise InputError(
                f"{_last_written(targets)}: cannot be written: {reason}; make room and run again, nothing half written "
                "is left"
            ) from None
        raise
    finally:
        for folder in scratch:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def kept_until_done(folder: str) -> Iterator[Path]:
    """Yield a folder for state that a killed run leaves to the next one; it is removed when the block ends well."""
    yield Path(folder)
    shutil.rmtree(folder, ignore_errors=True)


def _why_no_room(error: Exception, target: Path) -> str:
    """Return in what way the disk is full, if an error comes from that. HDF5 and NumPy say so in their own ways."""
    if isinstance(error, OSError) and error.errno in _NO_ROOM:
        return os.strerror(error.errno)
    full = os.strerror(errno.ENOSPC)
    here = next(folder for folder in target.absolute().parents if folder.exists())
    return full if full in str(error) or shutil.disk_usage(here).free < _NOTHING_FREE else ""


def _last_written(targets: Sequence[Path]) -> Path:
    """Return the file written last of scratch folders and checkpoints; the first target where there is none."""
    written = [path for target in targets for path in target.parent.glob(f".{target.name}.*/**/*") if path.is_file()]
    return max(written, key=lambda path: path.stat().st_mtime_ns, default=targets[0])
