"""Paths as text and as cells of a CSV file, and stdout that may be closed early."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def shown(path: Path) -> str:
    """Return a path as text, whatever the encoding of its name."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def cell(path: Path) -> str:
    """Return a path as a cell of a CSV file; "./" is put before one that a spreadsheet would run as a formula."""
    name = shown(path)
    return f"./{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


def as_text(value: object) -> object:
    """Return a value for a CSV file; an apostrophe is put before text that a spreadsheet would run as a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


@contextmanager
def until_closed() -> Iterator[None]:
    """End quietly when the reader of stdout, such as `head`, closes it: for commands that only print."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        _drop_stdout()
        raise SystemExit(0) from None


class LinePrinter:
    """Prints lines on stdout; when its reader, such as `head`, closes it, further lines are dropped without a word.

    Commands that also write files go on to do so.

    Attributes:
        is_closed: whether the reader has gone.
    """

    def __init__(self) -> None:
        """Start with a reader."""
        self.is_closed = False

    def __call__(self, line: str) -> None:
        """Print a line at once, unless the reader has gone."""
        if self.is_closed:
            return
        try:
            print(line, flush=True)
        except BrokenPipeError:
            self.is_closed = True
            _drop_stdout()


def _drop_stdout() -> None:
    """Let stdout lead nowhere: Python flushes it once more at its end."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    os.close(null)
