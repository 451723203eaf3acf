"""Outputs of the commands: files that appear whole or not at all, their cells, and stdout, whose reader may leave."""

import os
import sys
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from mien._io.errors import InputError


@contextmanager
def whole_file(path: Path, inputs: Collection[Path] = ()) -> Iterator[Path]:
    """Yield the name of a scratch file beside `path`, of the same suffix; what is written there moves to `path`.

    On any failure, and where nothing was written, `path` is as it was before.

    Args:
        path: where the file shall appear.
        inputs: files that are read, which it must not replace.

    Raises:
        InputError: `path` cannot be written, or is one of `inputs`.
    """
    if not path.name or path.is_dir():
        raise InputError(f"{str(path)!r}: is a folder, expected the name of a file to write")
    if path.resolve() in [each.resolve() for each in inputs]:
        raise InputError(f"{path}: is both read and written, expected another name to write to")
    partial = path.with_name(f".{path.stem}.partial{path.suffix}")
    try:
        partial.touch()  # so that what cannot be written is said before any work is done
        yield partial
        partial.replace(path)
    except BrokenPipeError:
        raise  # stdout, not this file
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        partial.unlink(missing_ok=True)


def shown(path: Path) -> str:
    """Return a path as text, in whatever encoding its name is."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def cell(path: Path) -> str:
    """Return a path as a cell of a CSV file. "./" leads one that a spreadsheet would run as a formula: =1+1.png"""
    name = shown(path)
    return f"./{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


@contextmanager
def until_closed() -> Iterator[None]:
    """End quietly where the reader of stdout, such as `head`, has had enough."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None
