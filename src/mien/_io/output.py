"""Paths as text and as CSV cells, and a stdout that may be closed early."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mien._io.stdout import drop_stdout


def shown(path: Path) -> str:
    """Return a path as text, whatever the encoding of its name."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def cell(path: Path) -> str:
    """Return a path as a CSV cell. A path that a spreadsheet would run as a formula is prefixed with "./"."""
    name = shown(path)
    return f"./{name}" if name.startswith(("=", "+", "-", "@", "\t", "\r")) else name


def as_text(value: object) -> object:
    """Return a value as a CSV cell. Text that a spreadsheet would run as a formula is prefixed with an apostrophe."""
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


@contextmanager
def until_closed() -> Iterator[None]:
    """End quietly if the reader of stdout, such as `head`, closes it. For commands that only print."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        drop_stdout()
        raise SystemExit(0) from None


class LinePrinter:
    """Prints lines on stdout. If the reader, such as `head`, closes it, further lines are dropped silently.

    Commands that also write files continue to write them.

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
            drop_stdout()
